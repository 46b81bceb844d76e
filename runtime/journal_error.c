/* What SQLite's result codes mean to a person: what happened, and what to do. */
#include "journal_inner.h"

#include <errno.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

struct explanation {
  int rc; /* primary code */
  const char *what, *help;
};

static const struct explanation explanations[] = {
    {SQLITE_NOTADB, "is not a journal: it is not an SQLite database",
     "give the path of a journal, or of a file that does not exist yet"},
    {SQLITE_CORRUPT, "is damaged",
     "`stepwise journal verify --deep --journal PATH` says where; go on with a copy, or with a new "
     "journal"},
    {SQLITE_FULL, "has no room: its disk is full",
     "make room and try again; what was not committed was not recorded, and nothing depends on it"},
    {SQLITE_PROTOCOL, "is locked: other processes were quicker every time",
     "see who has it open (fuser FILE), then try again"},
    {SQLITE_TOOBIG, "cannot hold so much in one event", "record less in one event"},
    {SQLITE_NOLFS, "is on a file system that does not take files so large",
     "move it to another disk"},
};

static bool no_room(int why) {
  return why == ENOSPC || why == EDQUOT || why == EFBIG;
}

static const struct explanation *explain(int rc) {
  for (size_t i = 0; i < sizeof explanations / sizeof *explanations; i++)
    if (explanations[i].rc == rc) return &explanations[i];
  return NULL;
}

static enum status fail_locked(const struct journal *j, struct error *err) {
  error_set(err, ERR_JOURNAL, "%s is locked: another process has been writing to it for %d.%d s",
            j->path, j->patience_ms / 1000, j->patience_ms / 100 % 10);
  error_help(err, "see who has it open (fuser %s), then try again", j->path);
  return ERR_JOURNAL;
}

enum status journal_fail_readonly(const char *path, struct error *err) {
  struct buf dir = BUF_INIT;
  const char *slash = strrchr(path, '/');
  if (slash) buf_add(&dir, path, slash == path ? 1 : (size_t)(slash - path));
  else buf_adds(&dir, ".");
  bool file = access(path, W_OK) != 0;
  bool directory = !file && access(buf_str(&dir), W_OK) != 0;
  bool mounted = (file || directory) && errno == EROFS;
  if (directory)
    error_set(err, ERR_JOURNAL, "%s cannot be written: its directory %s %s", path, buf_str(&dir),
              mounted ? "is on a read-only file system" : "may not be written by you");
  else
    error_set(err, ERR_JOURNAL, "%s cannot be written: %s", path,
              mounted ? "it is on a read-only file system" : "it is read-only for you");
  error_help(err, "%s, or give another journal with --journal PATH; `stepwise journal` can read it "
                  "as it is",
             mounted ? "remount it for writing" : "change its permissions");
  buf_release(&dir);
  return ERR_JOURNAL;
}

enum status journal_fail_errno(const char *path, const char *verb, int why, struct error *err) {
  if (no_room(why)) {
    error_set(err, ERR_JOURNAL, "%s: cannot %s: no room left on its disk", path, verb);
    error_help(err, "make room and try again; nothing was written");
    return ERR_JOURNAL;
  }
  error_set(err, ERR_JOURNAL, "%s: cannot %s: %s", path, verb, strerror(why));
  error_help(err, why == EACCES || why == EPERM
                      ? "check the permissions of the file and its directory"
                      : "check the path, or give another journal with --journal PATH");
  return ERR_JOURNAL;
}

/* SQLite takes errno when it reports an error, which may be long after the write that failed; the
 * file itself remembers. */
static int system_errno(const struct journal *j, int primary) {
  int why = j->db ? sqlite3_system_errno(j->db) : 0;
  sqlite3_file *wal = NULL;
  if (why || primary != SQLITE_IOERR || !j->db) return why;
  sqlite3_file_control(j->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (wal && wal->pMethods) wal->pMethods->xFileControl(wal, SQLITE_FCNTL_LAST_ERRNO, &why);
  return why;
}

/* Linux does this to a file system that has errors, while it is in use. */
static enum status fail_turned_readonly(const struct journal *j, struct error *err) {
  error_set(err, ERR_JOURNAL, "%s cannot be written: its file system became read-only", j->path);
  error_help(err, "see the system's log for the reason (dmesg); what was not committed was not "
                  "recorded, and nothing depends on it");
  return ERR_JOURNAL;
}

static enum status fail_disk(const struct journal *j, struct error *err) {
  error_set(err, ERR_JOURNAL, "%s cannot be used: its disk fails (%s)", j->path, strerror(EIO));
  error_help(err,
             "see the system's log (dmesg); when the disk is well again, `stepwise journal verify "
             "--deep --journal %s` says whether the journal is",
             j->path);
  return ERR_JOURNAL;
}

enum status journal_fail(const struct journal *j, int rc, struct error *err) {
  int primary = rc & 0xff;
  int why = system_errno(j, primary);
  if (primary == SQLITE_BUSY || primary == SQLITE_LOCKED) return fail_locked(j, err);
  if (primary == SQLITE_READONLY) return journal_fail_readonly(j->path, err);
  if (primary == SQLITE_CANTOPEN && why) return journal_fail_errno(j->path, "open it", why, err);
  if (primary == SQLITE_IOERR && no_room(why)) primary = SQLITE_FULL;
  if (primary == SQLITE_IOERR && why == EROFS) return fail_turned_readonly(j, err);
  if (primary == SQLITE_IOERR && why == EIO) return fail_disk(j, err);
  if (primary == SQLITE_NOMEM) mem_out();
  const struct explanation *e = explain(primary);
  const char *words = j->db ? sqlite3_errmsg(j->db) : sqlite3_errstr(rc);
  if (!e && primary == SQLITE_IOERR && why) words = strerror(why);
  if (!e) {
    error_set(err, ERR_JOURNAL, "%s cannot be used: %s", j->path, words);
    error_help(err, "`stepwise journal verify --deep --journal %s` looks closer", j->path);
    return ERR_JOURNAL;
  }
  if (primary == SQLITE_CORRUPT) error_set(err, ERR_JOURNAL, "%s %s: %s", j->path, e->what, words);
  else error_set(err, ERR_JOURNAL, "%s %s", j->path, e->what);
  error_help(err, "%s", e->help);
  return ERR_JOURNAL;
}
