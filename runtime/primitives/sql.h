/* The primitives' door to SQLite. Included by the sql_*.c files of this directory alone.
 *
 * A connection belongs to one call on one thread and is closed before that call returns. Texts are
 * made with SQLite's own %Q and %w; values are bound, never spliced. */
#ifndef STEPWISE_SQL_H
#define STEPWISE_SQL_H

#include "../../lang/buf.h"

#include <sqlite3.h>
#include <stdatomic.h>

enum { DB_LOCK_WAIT = 10000000 }; /* how long a lock of somebody else's is waited for, us */

struct db {
  sqlite3 *handle;
  char *path;
  bool made; /* there was no file before */
  const atomic_bool *stop; /* or NULL */
  int64_t waited, wait;    /* for a lock, us: so far, at most */
};

enum db_mode {
  DB_READ,  /* must exist, is not written */
  DB_WRITE, /* must exist */
  DB_CREATE /* made when missing */
};

enum status db_open(struct db *db, const char *path, enum db_mode mode, struct error *err) must_use;
/* The same for work that is stopped: while *stop is true, what it runs ends with SQLITE_INTERRUPT, and
 * a lock is no longer waited for. It waits for one so many us at most. */
enum status db_open_until(struct db *db, const char *path, enum db_mode mode,
                          const atomic_bool *stop, int64_t wait, struct error *err) must_use;
void db_close(struct db *db); /* NULL-safe for a zeroed one; an open transaction is undone */

/* What SQLite says, as an error with a kind and a help line. */
enum status db_fail(struct db *db, struct error *err);
enum status db_exec(struct db *db, struct error *err, const char *fmt, ...) must_use;
enum status db_prepare(struct db *db, struct error *err, sqlite3_stmt **out, const char *fmt,
                       ...) must_use;
enum status db_step(struct db *db, sqlite3_stmt *st, bool *row, struct error *err) must_use;
enum status db_run(struct db *db, sqlite3_stmt *st,
                   struct error *err) must_use; /* to its end, and resets */
/* The first column of the first row; `missing` when there is none. */
enum status db_int(struct db *db, struct error *err, int64_t *out, int64_t missing, const char *fmt,
                   ...) must_use;
enum status db_begin(struct db *db, struct error *err) must_use; /* IMMEDIATE */
enum status db_commit(struct db *db, struct error *err) must_use;
void db_rollback(struct db *db);

/* A column's text, "" for NULL, and its length. */
const char *column_text(sqlite3_stmt *st, int i, size_t *len);
char *column_dup(sqlite3_stmt *st, int i) must_use;
void bind_text(sqlite3_stmt *st, int i,
               const char *s); /* NULL gives NULL; s must live until reset */
uint64_t column_hash(sqlite3_stmt *st, int i, uint64_t seed); /* of type and content */

#endif
