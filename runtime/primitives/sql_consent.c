/* What is kept of consent: opt-outs with what became of them, and what operators hold back. */
#include "consent.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../digest.h"
#include "../place.h"
#include "sql.h"

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS suppression(channel TEXT NOT NULL, address TEXT NOT NULL,"
    " reason TEXT NOT NULL, source TEXT NOT NULL, at TEXT NOT NULL,"
    " PRIMARY KEY(channel, address)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS suppression_past(id INTEGER PRIMARY KEY, channel TEXT NOT NULL,"
    " address TEXT NOT NULL, what TEXT NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL,"
    " at TEXT NOT NULL);"
    "CREATE INDEX IF NOT EXISTS suppression_past_who ON suppression_past(channel, address);"
    "CREATE TABLE IF NOT EXISTS hold(channel TEXT NOT NULL, batch TEXT NOT NULL,"
    " state TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL,"
    " PRIMARY KEY(channel, batch)) WITHOUT ROWID";

static const char *const hold_names[] = {"", "paused", "terminated"};

void consent_release(struct consent *c) {
  mem_free(c->path);
  mem_free(c->address);
  buf_release(&c->why);
  buf_release(&c->since);
  grid_release(&c->grid);
}

static const char *text_or(const char *s, const char *otherwise) {
  return s && *s ? s : otherwise;
}

/* The time as the database has it. */
static void at_text(int64_t us, struct buf *out) {
  time_t seconds = (time_t)(us / 1000000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  buf_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
           tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* --- looking --- */

/* What is there is no list, whatever it is; it is never written over. */
static enum status no_list(const char *path, const char *why, struct error *err) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "the list of opt-outs %s cannot be read: %s", path, why);
  error_set(err, ERR_IO, "%s", buf_str(&b));
  error_help(err, "put back a copy of it; only if nobody ever opted out, move it away and make an empty one: "
                  "sqlite3 \"%s\" VACUUM", path);
  error_kind(err, "provider");
  buf_release(&b);
  return ERR_IO;
}

/* A list that was cut off is not one that nobody stands on: nobody is written to then. */
static enum status is_sound(const char *path, struct error *err) {
  struct stat st;
  if (stat(path, &st) != 0) return OK; /* what cannot be looked at cannot be opened */
  if (!S_ISREG(st.st_mode)) return no_list(path, "it is no file", err);
  if (!st.st_size) return no_list(path, "it is an empty file", err);
  if (access(path, R_OK) == 0) return OK;
  error_set(err, ERR_IO, "the list of opt-outs %s cannot be read: %s", path, strerror(errno));
  error_help(err, "let the user who runs this read and write it");
  error_kind(err, "permission");
  return ERR_IO;
}

/* Damage is told as such; a lock, a full disk and the like are told as they are. */
static enum status damaged(struct db *db, const char *path, enum status s, struct error *err) {
  int code = db->handle ? sqlite3_errcode(db->handle) & 0xff : SQLITE_OK;
  bool unopened = !db->handle && s == ERR_IO && strcmp(err->kind, "validation") == 0;
  if (code == SQLITE_NOTADB || unopened) return no_list(path, "file is not a database", err);
  if (code == SQLITE_CORRUPT) return no_list(path, "the database is damaged", err);
  return s;
}

static bool is_missing(const char *path) {
  struct stat st;
  return stat(path, &st) != 0 && errno == ENOENT;
}

/* A link whose target is gone. */
static bool is_dangling(const char *path) {
  struct stat st;
  return is_missing(path) && lstat(path, &st) == 0;
}

/* Beside a list in the state directory stands a mark that it was begun: one that is gone is told from
 * one that never was. */
static void mark_path(const struct consent *c, struct buf *out) {
  buf_addf(out, "%s.begun", c->path);
}

static bool was_begun(const struct consent *c) {
  struct buf mark = BUF_INIT;
  mark_path(c, &mark);
  bool is = !is_missing(buf_str(&mark));
  buf_release(&mark);
  return is;
}

/* A list is as good without its mark: what cannot be written is left out, until the next change. */
static void mark_begun(const struct consent *c) {
  static const char text[] = "The list of opt-outs beside this was begun. While this is here and the list is not, nobody "
                             "is written to.\n";
  struct buf mark = BUF_INIT;
  mark_path(c, &mark);
  int fd = c->named ? -1 : open(buf_str(&mark), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd >= 0 && write(fd, text, sizeof text - 1) < 0) unlink(buf_str(&mark));
  if (fd >= 0) close(fd);
  buf_release(&mark);
}

/* Why a list is out of reach, or NULL: it was not begun yet, which only one in the state directory
 * may be. Elsewhere a share that is not mounted looks the same. */
static const char *out_of_reach(const struct consent *c) {
  const char *slash = strrchr(c->path, '/');
  char *dir = slash && slash > c->path ? mem_dup(c->path, (size_t)(slash - c->path)) : NULL;
  const char *why = NULL;
  if (is_dangling(c->path)) why = "it is a link to what is not there";
  else if (dir && is_dangling(dir)) why = "its directory is a link to what is not there";
  else if (c->named) why = dir && is_missing(dir) ? "there is no such directory" : "there is no such file";
  else if (was_begun(c)) why = "it was begun here, and is gone";
  mem_free(dir);
  return why;
}

/* Whether there is a file. */
static enum status reach(const struct consent *c, bool *there, struct error *err) {
  *there = !is_missing(c->path);
  const char *why = *there ? NULL : out_of_reach(c);
  if (!why) return OK;
  error_set(err, ERR_IO, "the list of opt-outs %s is out of reach: %s", c->path, why);
  error_help(err, "mount what it is on, or put back a copy of it; only if nobody ever opted out, "
                  "make an empty one: sqlite3 \"%s\" VACUUM", c->path);
  error_kind(err, "provider");
  return ERR_IO;
}

/* A database of nothing is a list that somebody made and nobody stands on yet. */
static enum status is_list(struct db *db, const char *path, bool *empty, struct error *err) {
  int64_t all = 0, known = 0;
  enum status s = db_int(db, err, &all, 0, "SELECT count(*) FROM sqlite_schema");
  if (s == OK)
    s = db_int(db, err, &known, 0,
               "SELECT count(*) FROM sqlite_schema WHERE name IN ('suppression', 'hold')");
  *empty = !all;
  if (s != OK || !all || known == 2) return s;
  return no_list(path, "it is a database of something else", err);
}

/* *db has no handle when nothing was kept so far. */
static enum status open_to_read(struct db *db, const struct consent *c, struct error *err) {
  bool there, empty = false;
  *db = (struct db){0};
  enum status s = reach(c, &there, err);
  if (s != OK || !there) return s;
  s = is_sound(c->path, err);
  if (s == OK) s = db_open_until(db, c->path, DB_READ, &c->stop, DB_LOCK_WAIT, err);
  if (s == OK) s = is_list(db, c->path, &empty, err);
  if (s != OK) s = damaged(db, c->path, s, err);
  if (db->handle && (s != OK || empty)) db_close(db);
  return s;
}

static enum status look_suppressed(struct db *db, struct consent *c, struct error *err) {
  sqlite3_stmt *st;
  bool row;
  enum status s = db_prepare(db, err, &st,
                             "SELECT substr(at, 1, 10) || ': ' || reason FROM suppression "
                             "WHERE channel = %Q AND address = %Q",
                             c->channel, c->address);
  if (s == OK) s = db_step(db, st, &row, err);
  if (s == OK && row) {
    c->suppressed = true;
    buf_adds(&c->since, column_text(st, 0, NULL));
  }
  sqlite3_finalize(st);
  return s;
}

/* A termination weighs more than a pause, and a pause of all holds every batch. */
static enum status look_held(struct db *db, struct consent *c, struct error *err) {
  sqlite3_stmt *st;
  bool row;
  enum status s = db_prepare(db, err, &st,
                             "SELECT state, reason FROM hold WHERE channel = %Q AND batch IN ('', %Q) "
                             "ORDER BY state = 'terminated' DESC, batch DESC LIMIT 1",
                             c->channel, text_or(c->batch, ""));
  if (s == OK) s = db_step(db, st, &row, err);
  if (s == OK && row) {
    c->hold = strcmp(column_text(st, 0, NULL), "terminated") == 0 ? HOLD_TERMINATED : HOLD_PAUSED;
    buf_adds(&c->why, column_text(st, 1, NULL));
  }
  sqlite3_finalize(st);
  return s;
}

enum status consent_look(struct consent *c, struct error *err) {
  struct db db;
  c->hold = HOLD_NONE;
  enum status s = open_to_read(&db, c, err);
  if (s != OK || !db.handle) return s;
  if (c->address) s = look_suppressed(&db, c, err);
  if (s == OK) s = look_held(&db, c, err);
  db_close(&db);
  return s;
}

static enum status take_grid(struct db *db, sqlite3_stmt *st, struct grid *g, struct error *err) {
  bool row;
  enum status s;
  for (int i = 0; i < sqlite3_column_count(st); i++)
    grid_name(g, sqlite3_column_name(st, i));
  while ((s = db_step(db, st, &row, err)) == OK && row)
    for (int i = 0; i < sqlite3_column_count(st); i++) {
      size_t len;
      const char *text = column_text(st, i, &len);
      grid_add_text(g, text, len);
    }
  return s;
}

static enum status list(struct consent *c, const char *sql, struct error *err) {
  struct db db;
  sqlite3_stmt *st = NULL;
  enum status s = open_to_read(&db, c, err);
  if (s != OK || !db.handle) return s;
  s = db_prepare(&db, err, &st, "%s", sql);
  if (s == OK) {
    bind_text(st, 1, c->channel);
    s = take_grid(&db, st, &c->grid, err);
  }
  sqlite3_finalize(st);
  db_close(&db);
  return s;
}

enum status consent_list(struct consent *c, struct error *err) {
  return list(c,
              "SELECT address, reason, source, at FROM suppression WHERE channel = ? "
              "ORDER BY at, address",
              err);
}

enum status consent_holds(struct consent *c, struct error *err) {
  return list(c, "SELECT batch, state, reason, at FROM hold WHERE channel = ? ORDER BY batch", err);
}

/* --- changing --- */

static enum status changed(struct db *db, struct consent *c, struct error *err, char *sql) {
  enum status s = db_exec(db, err, "%s", sql);
  sqlite3_free(sql);
  c->changed = s == OK && sqlite3_changes(db->handle) > 0;
  return s;
}

static enum status write_past(struct db *db, struct consent *c, const char *what,
                              struct error *err);

static bool by_operator(const struct consent *c) {
  return strcmp(c->source, "operator") == 0;
}

/* One reply or report suppresses once: looked at again it does not undo what somebody lifted since. */
static enum status was_heeded(struct db *db, const struct consent *c, int64_t *out,
                              struct error *err) {
  *out = 0;
  if (by_operator(c)) return OK;
  return db_int(db, err, out, 0,
                "SELECT EXISTS(SELECT 1 FROM suppression_past WHERE channel = %Q AND address = %Q "
                "AND what = 'suppressed' AND source = %Q)",
                c->channel, c->address, c->source);
}

/* The first reason stands, but for an operator's: that stays when the recipient wants to come back. */
static enum status write_suppression(struct db *db, struct consent *c, struct error *err) {
  struct buf at = BUF_INIT;
  int64_t heeded;
  enum status s = was_heeded(db, c, &heeded, err);
  c->changed = false;
  if (s != OK || heeded) return s;
  at_text(c->now, &at);
  s = changed(db, c, err,
              sqlite3_mprintf("INSERT INTO suppression VALUES (%Q, %Q, %Q, %Q, %Q) "
                              "ON CONFLICT DO UPDATE SET reason = excluded.reason, "
                              "source = excluded.source, at = excluded.at "
                              "WHERE excluded.source = 'operator' AND source <> 'operator'",
                              c->channel, c->address, c->reason, c->source, buf_str(&at)));
  if (s == OK && !c->changed && !by_operator(c)) s = write_past(db, c, "suppressed", err);
  buf_release(&at);
  return s;
}

/* What an operator suppressed, an operator lifts. */
static enum status write_lift(struct db *db, struct consent *c, struct error *err) {
  return changed(db, c, err,
                 sqlite3_mprintf("DELETE FROM suppression WHERE channel = %Q AND address = %Q "
                                 "AND (source <> 'operator' OR %d)",
                                 c->channel, c->address, by_operator(c)));
}

static enum status write_hold(struct db *db, struct consent *c, struct error *err) {
  struct buf at = BUF_INIT;
  const char *batch = text_or(c->batch, "");
  at_text(c->now, &at);
  char *sql =
      c->hold == HOLD_NONE
          ? sqlite3_mprintf(
                "DELETE FROM hold WHERE channel = %Q AND batch = %Q AND state = 'paused'",
                c->channel, batch)
          : sqlite3_mprintf("INSERT INTO hold VALUES (%Q, %Q, %Q, %Q, %Q) ON CONFLICT DO UPDATE SET "
                            "state = excluded.state, reason = excluded.reason, at = excluded.at "
                            "WHERE state <> excluded.state AND state <> 'terminated'",
                            c->channel, batch, hold_names[c->hold], c->reason, buf_str(&at));
  buf_release(&at);
  return changed(db, c, err, sql);
}

/* Who asked for what, and when, stays. */
static enum status write_past(struct db *db, struct consent *c, const char *what,
                              struct error *err) {
  struct buf at = BUF_INIT;
  at_text(c->now, &at);
  enum status s = db_exec(db, err,
                          "INSERT INTO suppression_past(channel, address, what, reason, source, at) "
                          "VALUES (%Q, %Q, %Q, %Q, %Q, %Q)",
                          c->channel, c->address, what, c->reason, c->source, buf_str(&at));
  buf_release(&at);
  return s;
}

/* Made under another name, and given its own when it is whole: nobody sees half of one, which would
 * be a list that was cut off. Another program that was quicker is as good. */
static enum status make_file(const char *path, struct error *err) {
  struct buf name = BUF_INIT;
  struct db db;
  uint8_t salt[8];
  char hex[2 * sizeof salt + 1];
  random_bytes(salt, sizeof salt);
  hex_write(salt, sizeof salt, hex);
  buf_addf(&name, "%s.new-%s", path, hex);
  enum status s = db_open(&db, buf_str(&name), DB_CREATE, err);
  if (s == OK) s = db_begin(&db, err);
  if (s == OK) s = db_exec(&db, err, "%s", schema);
  if (s == OK) s = db_commit(&db, err);
  if (db.handle) db_close(&db);
  int why = s == OK ? file_place(buf_str(&name), path) : 0;
  if (s != OK) unlink(buf_str(&name));
  if (why) {
    s = error_set(err, ERR_IO, "cannot make the list of opt-outs %s: %s", path, strerror(why));
    error_kind(err, "provider");
  }
  buf_release(&name);
  return s;
}

static enum status open_to_write(struct db *db, const struct consent *c, struct error *err) {
  struct db look;
  bool there;
  enum status s = reach(c, &there, err);
  if (s == OK && !there) s = make_file(c->path, err);
  if (s == OK) s = open_to_read(&look, c, err); /* what is no list is not made one */
  if (s == OK && look.handle) db_close(&look);
  if (s == OK) mark_begun(c);
  return s == OK ? db_open_until(db, c->path, DB_WRITE, &c->stop, DB_LOCK_WAIT, err) : s;
}

static enum status transaction(struct consent *c,
                               enum status (*write)(struct db *, struct consent *, struct error *),
                               const char *past, struct error *err) {
  struct db db;
  c->reason = text_or(c->reason, "no reason given");
  c->source = text_or(c->source, "operator");
  enum status s = open_to_write(&db, c, err);
  if (s != OK) return s;
  s = db_begin(&db, err);
  if (s == OK) s = db_exec(&db, err, "%s", schema);
  if (s == OK) s = write(&db, c, err);
  if (s == OK && past && c->changed) s = write_past(&db, c, past, err);
  if (s == OK) s = db_commit(&db, err);
  if (s != OK) db_rollback(&db);
  db_close(&db);
  return s;
}

enum status consent_suppress(struct consent *c, struct error *err) {
  return transaction(c, write_suppression, "suppressed", err);
}
enum status consent_lift(struct consent *c, struct error *err) {
  return transaction(c, write_lift, "lifted", err);
}
enum status consent_hold(struct consent *c, struct error *err) {
  return transaction(c, write_hold, NULL, err);
}
