/* Statements that a driver has, run on a SQLite database: what the primitives of the group `sql` do
 * on the thread pool. Plain data in, plain data out. */
#ifndef STEPWISE_SQL_RUN_H
#define STEPWISE_SQL_RUN_H

#include "grid.h"

#include "../../lang/status.h"

#include <stdatomic.h>

/* One statement with its values: for ?, in order, or for :name when there are names. */
struct sql_statement {
  const char *text;
  struct grid_cell *values;
  const char **names; /* one for each value, or NULL */
  size_t count;
  int64_t changes, id; /* out: rows it changed; the id of the last row it inserted, or 0 */
};

struct sql_run {
  char *path;
  const char *schema; /* statements that make the tables; run first; or NULL */
  bool create;        /* the database is made when it is missing */
  bool missing_empty; /* query: a database or table that is not there has no rows */
  int64_t wait;       /* for locks, us */
  int64_t max_rows;
  struct sql_statement *statements;
  size_t count;
  atomic_bool stop; /* set from another thread: it ends soon, and nothing was changed */
  struct grid grid; /* out: the rows of the last statement that gives some */
};

/* One statement, which only reads. */
enum status sql_run_query(struct sql_run *r, struct error *err) must_use;
/* All statements in one transaction, or none. */
enum status sql_run_execute(struct sql_run *r, struct error *err) must_use;

#endif
