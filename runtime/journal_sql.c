/* SELECT on the journal: an authorizer looks at every part of the statement before it runs. */
#include "journal_sql.h"

#include <ctype.h>
#include <sqlite3.h>

#include "journal_inner.h"
#include "text.h"

enum { VALUE_MAX = 64 << 20, COLUMNS_MAX = 200 };

const char *journal_base(const struct journal *j) {
  const char *file = sqlite3_db_filename(j->db, "main");
  return file && *file ? file : j->path;
}

/* Reading columns, calling functions and WITH RECURSIVE are all there is; no PRAGMA, no ATTACH, no
 * change of anything. */
static int allow(void *ud, int action, const char *a, const char *b, const char *c, const char *d) {
  (void)ud, (void)a, (void)b, (void)c, (void)d;
  return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                 action == SQLITE_RECURSIVE
             ? SQLITE_OK
             : SQLITE_DENY;
}

static void utc(sqlite3_context *to, int count, sqlite3_value **args) {
  struct buf b = BUF_INIT;
  (void)count;
  if (sqlite3_value_type(args[0]) != SQLITE_INTEGER) return;
  time_text(sqlite3_value_int64(args[0]), true, 6, &b);
  sqlite3_result_text(to, buf_str(&b), (int)b.len, SQLITE_TRANSIENT);
  buf_release(&b);
}

/* SQLITE_SCHEMA: a name is unknown, in a query of no table. */
static bool is_refusal(int rc) {
  static const int refusals[] = {SQLITE_ERROR,    SQLITE_AUTH,  SQLITE_TOOBIG,
                                 SQLITE_MISMATCH, SQLITE_RANGE, SQLITE_SCHEMA};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    if ((rc & 0xff) == refusals[i]) return true;
  return false;
}

static enum status refuse(struct journal *j, int rc, struct error *err) {
  if (!is_refusal(rc)) return journal_fail(j, rc, err);
  if ((rc & 0xff) == SQLITE_AUTH)
    error_set(err, ERR_VALUE, "a query is one SELECT, and nothing else");
  else error_set(err, ERR_VALUE, "the query cannot be answered: %s", sqlite3_errmsg(j->db));
  error_help(err, "the tables are event, run and text; docs/journal.md says what is in them");
  return ERR_VALUE;
}

static enum status prepare(struct journal *j, const char *sql, struct sqlite3_stmt **out,
                           struct error *err) {
  const char *rest = NULL;
  int rc = sqlite3_prepare_v2(j->db, sql, -1, out, &rest);
  if (rc != SQLITE_OK) return refuse(j, rc, err);
  while (*rest && (isspace((unsigned char)*rest) || *rest == ';'))
    rest++;
  if (*out && !*rest && sqlite3_stmt_readonly(*out) && sqlite3_column_count(*out)) return OK;
  return refuse(j, SQLITE_AUTH, err);
}

static void read_cell(struct sqlite3_stmt *s, int i, struct journal_cell *c) {
  *c = (struct journal_cell){0};
  switch (sqlite3_column_type(s, i)) {
  case SQLITE_INTEGER:
    c->kind = CELL_INTEGER;
    c->integer = sqlite3_column_int64(s, i);
    return;
  case SQLITE_FLOAT:
    c->kind = CELL_REAL;
    c->real = sqlite3_column_double(s, i);
    return;
  case SQLITE_TEXT:
    c->kind = CELL_TEXT;
    c->bytes = (const char *)sqlite3_column_text(s, i);
    break;
  case SQLITE_BLOB:
    c->kind = CELL_BLOB;
    c->bytes = sqlite3_column_blob(s, i);
    break;
  }
  c->len = (size_t)sqlite3_column_bytes(s, i);
  if (!c->bytes) c->bytes = "";
}

static enum status give_rows(struct journal *j, struct sqlite3_stmt *s,
                             const struct journal_rows *rows, struct error *err) {
  int count = sqlite3_column_count(s), rc = SQLITE_ROW;
  const char **names = mem_array((size_t)count, sizeof *names);
  struct journal_cell *cells = mem_array((size_t)count, sizeof *cells);
  for (int i = 0; i < count; i++)
    names[i] = sqlite3_column_name(s, i);
  enum status status = rows->columns(rows->ud, names, count);
  while (status == OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    for (int i = 0; i < count; i++)
      read_cell(s, i, &cells[i]);
    status = rows->row(rows->ud, cells, count);
  }
  mem_free(names);
  mem_free(cells);
  if (status == OK && rc != SQLITE_DONE) return refuse(j, rc, err);
  return status;
}

enum status journal_select(struct journal *j, const char *sql, const struct journal_rows *rows,
                           struct error *err) {
  struct sqlite3_stmt *s = NULL;
  sqlite3_limit(j->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
  sqlite3_limit(j->db, SQLITE_LIMIT_COLUMN, COLUMNS_MAX);
  enum status status = journal_exec(j, "PRAGMA query_only = 1", err);
  if (status != OK) return status;
  sqlite3_create_function(j->db, "utc", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, utc, NULL,
                          NULL);
  sqlite3_set_authorizer(j->db, allow, NULL);
  status = prepare(j, sql, &s, err);
  if (status == OK) status = give_rows(j, s, rows, err);
  sqlite3_finalize(s);
  sqlite3_set_authorizer(j->db, NULL, NULL);
  return status;
}
