/* A copy of a database to practise on: taken while others use it, whole or not at all. */
#include "import.h"
#include "sql.h"

#include <errno.h>
#include <unistd.h>

static enum status copy_pages(struct db *from, struct db *to, struct error *err) {
  sqlite3_backup *b = sqlite3_backup_init(to->handle, "main", from->handle, "main");
  if (!b) return db_fail(to, err);
  int code = sqlite3_backup_step(b, -1);
  sqlite3_backup_finish(b);
  return code == SQLITE_DONE ? OK : db_fail(to, err);
}

enum status import_copy(const char *database, const char *copy, struct error *err) {
  struct db from, to;
  struct buf part = BUF_INIT;
  if (access(copy, F_OK) == 0 || access(database, F_OK) != 0) return OK;
  buf_addf(&part, "%s.part", copy);
  unlink(buf_str(&part)); /* of one that was cut off */
  enum status s = db_open(&from, database, DB_READ, err);
  if (!s && !(s = db_open(&to, buf_str(&part), DB_CREATE, err))) {
    s = copy_pages(&from, &to, err);
    db_close(&to);
  }
  if (from.handle) db_close(&from);
  if (!s && rename(buf_str(&part), copy) != 0)
    s = error_set(err, ERR_IO, "cannot make a copy of database %s: %s", database, strerror(errno));
  if (s) unlink(buf_str(&part));
  buf_release(&part);
  return s;
}
