/* What the files of the import share: its state, its target table, its staging file. */
#ifndef STEPWISE_SQL_IMPORT_H
#define STEPWISE_SQL_IMPORT_H

#include "import.h"
#include "sql.h"

/* --- state (sql_state.c) --- */

struct import_state {
  char *state, *table, *path; /* owned */
  int64_t attempt, base, last_row, created, target_rows, target_last;
  int64_t source_size, source_time;
  char *columns;    /* owned: quoted names of the table's columns that row hashes cover */
  char *made_table; /* owned: what CREATE TABLE made, or "" */
};
void state_release(struct import_state *s);

enum status import_check_id(const char *id, struct error *err) must_use;
/* ERR_NOT_FOUND when there is no such import; else ERR_CONFLICT unless its state is one of `wanted`
 * (words parted by spaces; NULL = any). */
enum status state_load(struct db *db, const char *id, const char *wanted, struct import_state *out,
                       struct error *err) must_use;
/* In one transaction: the import is `staging`, with this spec. */
enum status state_begin(struct db *db, const struct import_spec *spec, int64_t *attempt,
                        struct error *err) must_use;
/* Opens the database, loads the import, gives its state row: for functions that only look. */
enum status state_open(struct db *db, const char *database, const char *id, enum db_mode mode,
                       const char *wanted, struct import_state *out, struct error *err) must_use;
enum status state_row(struct db *db, const char *id, struct grid *out, struct error *err) must_use;
enum status state_spec(struct db *db, const char *id, struct import_spec *out,
                       struct error *err) must_use;
/* Remembers a failure; never replaces the error that is being reported. */
void state_fail(struct db *db, const char *id, const struct error *cause);
enum status source_stamp(const char *path, int64_t *size, int64_t *time,
                         struct error *err) must_use;

/* All rows of a statement, whose column names name the grid's. */
enum status grid_read(struct db *db, sqlite3_stmt *st, struct grid *out,
                      struct error *err) must_use;

/* --- the target table (sql_target.c) --- */

struct target {
  bool exists;
  const char *rowid;  /* a name of the row id that no column hides */
  struct buf columns; /* quoted, parted by commas: all that can be set */
  size_t column_count;
};
void target_release(struct target *t);
/* Checks that the spec fits the table: what exists, what is missing, what cannot be written. */
enum status target_load(struct db *db, const struct import_spec *spec, struct target *out,
                        struct error *err) must_use;
enum status target_rowid(struct db *db, const char *table, const char **out,
                         struct error *err) must_use;
void target_create_sql(const struct import_spec *spec, struct buf *out);
void add_name(struct buf *out, const char *name); /* "quoted" */

/* --- the staging file (sql_stage.c) --- */

void stage_remove(const char *database, const char *id);
/* Attaches it as `stage`; ERR_CONFLICT when it is missing or of another attempt. */
enum status stage_attach(struct db *db, const char *database, const char *id, int64_t attempt,
                         struct error *err) must_use;

/* A row of the source made ready for the table. Zero-initialise with row_init. */
struct row {
  const struct import_spec *spec;
  size_t *source; /* for each column its place in the file, or SIZE_MAX */
  struct converted *values;
  struct buf *scratch; /* two for each column */
};
/* Finds each column of the spec in the header. */
enum status row_init(struct row *r, const struct import_spec *spec, const struct sheet *sheet,
                     struct error *err) must_use;
void row_release(struct row *r);
/* Called for each thing wrong with a row. column NULL: the row as a whole. */
typedef enum status (*problem_fn)(void *ud, uint64_t row, const struct import_column *column,
                                  const struct cell *cell, const char *reason, bool refused,
                                  struct error *err);
enum status row_convert(struct row *r, const struct record *record, problem_fn fn, void *ud,
                        bool *good, struct error *err) must_use;

/* --- duplicates (sql_dedupe.c) --- */

struct dedupe;
struct dedupe *dedupe_new(const struct import_spec *spec, const char *directory) must_use;
void dedupe_free(struct dedupe *d);
enum status dedupe_add(struct dedupe *d, const struct row *r, int64_t row,
                       struct error *err) must_use;
/* Compares with the rows of the table, then fills flag and dup of the staging file. */
enum status dedupe_finish(struct dedupe *d, struct db *stage, struct db *db,
                          const struct target *target, int64_t *flagged,
                          struct error *err) must_use;

/* --- rows as they are stored (sql_rows.c) --- */

enum { BLOCK_ROWS = 500 }; /* their hashes fit one page */
/* Hashes the columns from `first` on; never 0. */
uint64_t row_hash(sqlite3_stmt *st, int first);
/* Keeps the hashes of the rows in (base, base + last] that there are. */
enum status blocks_write(struct db *db, const char *id, const struct import_state *s,
                         struct error *err) must_use;
/* Walks the blocks: fn gets each row that was created, with its hash then, and its hash now
 * (0: it is gone); and, with `then` 0, each row in between that is somebody else's. */
typedef enum status (*block_fn)(void *ud, int64_t rowid, uint64_t then, uint64_t now,
                                struct error *err);
enum status blocks_walk(struct db *db, const char *id, const struct import_state *s, block_fn fn,
                        void *ud, struct error *err) must_use;

#endif
