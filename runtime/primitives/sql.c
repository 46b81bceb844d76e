/* Opening SQLite databases, running statements, and saying what went wrong: see sql.h. */
#include "sql.h"
#include "../journal_memory.h"
#include "sheet_text.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_STEP_MS = 5, STOP_STEPS = 1000 };

struct complaint {
  int code;
  enum status status;
  const char *kind, *help;
};

static const struct complaint complaints[] = {
    {SQLITE_BUSY, ERR_CONFLICT, "transient",
     "another program is writing to it; try again when it has ended"},
    {SQLITE_LOCKED, ERR_CONFLICT, "transient",
     "another program is writing to it; try again when it has ended"},
    {SQLITE_FULL, ERR_IO, "provider",
     "make room on the disk; what was being written is taken back, what was done before stands"},
    {SQLITE_IOERR, ERR_IO, "provider", "check the disk and its free space"},
    {SQLITE_NOTADB, ERR_IO, "validation", "name a SQLite database file"},
    {SQLITE_CORRUPT, ERR_IO, "provider", "check it with: sqlite3 FILE 'pragma integrity_check'"},
    {SQLITE_READONLY, ERR_IO, "permission", "make the file and its directory writable"},
    {SQLITE_PERM, ERR_IO, "permission", "make the file and its directory accessible"},
    {SQLITE_CANTOPEN, ERR_IO, "permission", "check that the directory exists and may be written"},
    {SQLITE_CONSTRAINT, ERR_VALUE, "validation", NULL},
};

enum status db_fail(struct db *db, struct error *err) {
  int code = sqlite3_errcode(db->handle);
  enum status status = ERR_IO;
  const char *kind = "provider", *help = NULL;
  for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++)
    if (complaints[i].code == (code & 0xff)) {
      status = complaints[i].status;
      kind = complaints[i].kind;
      help = complaints[i].help;
    }
  error_set(err, status, "database %s: %s", db->path, sqlite3_errmsg(db->handle));
  if (help) error_help(err, "%s", help);
  error_kind(err, kind);
  return status;
}

static enum status check_path(const char *path, enum db_mode mode, struct error *err) {
  struct stat st;
  if (!*path || *path == ':') { /* SQLite would take it for a database in memory */
    error_set(err, ERR_VALUE, "\"%s\" is no path of a database file", path);
  } else if (stat(path, &st) == 0) {
    if (S_ISREG(st.st_mode)) return OK;
    error_set(err, ERR_VALUE, "database %s is %s", path,
              S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
  } else {
    if (mode == DB_CREATE && errno == ENOENT) return OK;
    int why = errno;
    error_set(err, ERR_NOT_FOUND, "database %s: %s", path, strerror(why));
    error_help(err, why == ENOENT ? "check the path, or say create: true to have it made"
                    : why == EACCES || why == EPERM
                        ? "check the permissions of the directories on its path"
                        : "check the path");
  }
  error_kind(err, "validation");
  return err->status;
}

static int lock_wait(void *ud, int count) {
  struct db *db = ud;
  if (!count) db->waited = 0;
  if ((db->stop && atomic_load(db->stop)) || db->waited >= db->wait) return 0;
  sqlite3_sleep(BUSY_STEP_MS);
  db->waited += BUSY_STEP_MS * 1000;
  return 1;
}

static int is_stopped(void *ud) {
  struct db *db = ud;
  return atomic_load(db->stop);
}

static void watch_stop(struct db *db) {
  sqlite3_busy_handler(db->handle, lock_wait, db);
  if (db->stop) sqlite3_progress_handler(db->handle, STOP_STEPS, is_stopped, db);
}

enum status db_open(struct db *db, const char *path, enum db_mode mode, struct error *err) {
  return db_open_until(db, path, mode, NULL, DB_LOCK_WAIT, err);
}

/* What a writer that was killed left half done is undone by the next that opens it to write. */
static bool is_half_done(const struct db *db) {
  return sqlite3_extended_errcode(db->handle) == SQLITE_READONLY_ROLLBACK;
}

static enum status open_once(struct db *db, const char *path, enum db_mode mode,
                             const atomic_bool *stop, int64_t wait, bool *half_done, struct error *err) {
  *db = (struct db){.stop = stop, .wait = wait};
  enum status st = check_path(path, mode, err);
  if (st) return st;
  db->path = mem_strdup(path);
  db->made = mode == DB_CREATE && access(path, F_OK) != 0;
  int flags = mode == DB_READ ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == DB_CREATE) flags |= SQLITE_OPEN_CREATE;
  sqlite_memory();
  int code = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
  if (code == SQLITE_OK) {
    watch_stop(db);
    sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    st = db_exec(db, err,
                 "PRAGMA cache_size=-16000; PRAGMA temp_store=FILE; PRAGMA foreign_keys=ON;"
                 "SELECT count(*) FROM sqlite_schema");
  } else {
    st = db_fail(db, err);
  }
  *half_done = st && is_half_done(db);
  if (st) db_close(db);
  return st;
}

enum status db_open_until(struct db *db, const char *path, enum db_mode mode,
                          const atomic_bool *stop, int64_t wait, struct error *err) {
  bool half_done = false, again;
  enum status st = open_once(db, path, mode, stop, wait, &half_done, err);
  if (!half_done) return st;
  struct error ignored = {0};
  if (open_once(db, path, DB_WRITE, stop, wait, &again, &ignored) == OK) {
    db_close(db);
    error_release(err);
    st = open_once(db, path, mode, stop, wait, &again, err);
  }
  error_release(&ignored);
  return st;
}

/* A database into which nothing came (a full disk, an error before the first row) leaves no file. */
static void forget_empty(const struct db *db) {
  struct stat st;
  if (db->made && stat(db->path, &st) == 0 && st.st_size == 0) unlink(db->path);
}

void db_close(struct db *db) {
  sqlite3_close_v2(db->handle);
  forget_empty(db);
  mem_free(db->path);
  *db = (struct db){0};
}

static char *format_sql(const char *fmt, va_list ap) {
  char *sql = sqlite3_vmprintf(fmt, ap);
  if (!sql) mem_out();
  return sql;
}

enum status db_exec(struct db *db, struct error *err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *sql = format_sql(fmt, ap);
  va_end(ap);
  int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
  sqlite3_free(sql);
  return code == SQLITE_OK ? OK : db_fail(db, err);
}

static enum status prepare(struct db *db, struct error *err, sqlite3_stmt **out, const char *fmt,
                           va_list ap) {
  char *sql = format_sql(fmt, ap);
  int code = sqlite3_prepare_v2(db->handle, sql, -1, out, NULL);
  sqlite3_free(sql);
  return code == SQLITE_OK ? OK : db_fail(db, err);
}

enum status db_prepare(struct db *db, struct error *err, sqlite3_stmt **out, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  *out = NULL;
  enum status st = prepare(db, err, out, fmt, ap);
  va_end(ap);
  return st;
}

enum status db_step(struct db *db, sqlite3_stmt *st, bool *row, struct error *err) {
  int code = sqlite3_step(st);
  *row = code == SQLITE_ROW;
  return code == SQLITE_ROW || code == SQLITE_DONE ? OK : db_fail(db, err);
}

enum status db_run(struct db *db, sqlite3_stmt *st, struct error *err) {
  int code;
  do
    code = sqlite3_step(st);
  while (code == SQLITE_ROW);
  enum status status = code == SQLITE_DONE ? OK : db_fail(db, err);
  sqlite3_reset(st);
  return status;
}

enum status db_int(struct db *db, struct error *err, int64_t *out, int64_t missing, const char *fmt,
                   ...) {
  va_list ap;
  va_start(ap, fmt);
  sqlite3_stmt *st = NULL;
  enum status status = prepare(db, err, &st, fmt, ap);
  va_end(ap);
  bool row = false;
  if (!status) status = db_step(db, st, &row, err);
  if (!status)
    *out = row && sqlite3_column_type(st, 0) != SQLITE_NULL ? sqlite3_column_int64(st, 0) : missing;
  sqlite3_finalize(st);
  return status;
}

enum status db_begin(struct db *db, struct error *err) {
  return db_exec(db, err, "BEGIN IMMEDIATE");
}
enum status db_commit(struct db *db, struct error *err) {
  return db_exec(db, err, "COMMIT");
}
void db_rollback(struct db *db) {
  if (db->handle && !sqlite3_get_autocommit(db->handle))
    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

const char *column_text(sqlite3_stmt *st, int i, size_t *len) {
  const char *s = (const char *)sqlite3_column_text(st, i);
  if (len) *len = s ? (size_t)sqlite3_column_bytes(st, i) : 0;
  return s ? s : "";
}
char *column_dup(sqlite3_stmt *st, int i) {
  size_t len;
  const char *s = column_text(st, i, &len);
  return mem_dup(s, len);
}
void bind_text(sqlite3_stmt *st, int i, const char *s) {
  sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

uint64_t column_hash(sqlite3_stmt *st, int i, uint64_t seed) {
  int type = sqlite3_column_type(st, i);
  seed = seed * 31 + (uint64_t)type;
  if (type == SQLITE_INTEGER) {
    int64_t n = sqlite3_column_int64(st, i);
    return text_hash(seed, &n, sizeof n);
  }
  if (type == SQLITE_FLOAT) {
    double r = sqlite3_column_double(st, i);
    return text_hash(seed, &r, sizeof r);
  }
  const void *p = sqlite3_column_blob(st, i);
  return text_hash(seed, p, p ? (size_t)sqlite3_column_bytes(st, i) : 0);
}
