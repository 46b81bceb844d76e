/* Running a driver's statements: values are bound, one text is one statement, what would reach
 * beyond the transaction or the file is refused. See sql_run.h. */
#include "sql_run.h"

#include <errno.h>
#include <unistd.h>

#include "sql.h"

enum { TEXT_MAX = 1 << 20, CELL_MAX = 16 << 20, ROWS_BYTES = 64 << 20 };

static enum status refused(struct error *err, enum status status, const char *help, const char *fmt,
                           ...) like_printf(4, 5);
static enum status refused(struct error *err, enum status status, const char *help, const char *fmt,
                           ...) {
  struct buf text = {.max = 1000};
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&text, fmt, ap);
  va_end(ap);
  error_set(err, status, "%s", buf_str(&text));
  error_kind(err, "validation");
  if (help) error_help(err, "%s", help);
  buf_release(&text);
  return status;
}

/* What a statement may not do: leave the file, end the transaction, change how the connection works.
 */
static int allow(void *ud, int what, const char *a, const char *b, const char *c, const char *d) {
  static const int never[] = {SQLITE_ATTACH, SQLITE_DETACH, SQLITE_TRANSACTION, SQLITE_SAVEPOINT};
  (void)ud, (void)b, (void)c, (void)d;
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (never[i] == what) return SQLITE_DENY;
  if (what != SQLITE_PRAGMA) return SQLITE_OK;
  return a && strncmp(a, "table_", 6) == 0 ? SQLITE_OK : SQLITE_DENY;
}

static enum status open_for(struct db *db, struct sql_run *r, enum db_mode mode,
                            struct error *err) {
  enum status st = db_open_until(db, r->path, mode, &r->stop, r->wait, err);
  if (st) {
    if (st == ERR_NOT_FOUND && mode != DB_CREATE && access(r->path, F_OK) != 0)
      error_help(err, mode == DB_READ ? "check the path" : "check the path, or say create: true");
    return st;
  }
  sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, CELL_MAX);
  sqlite3_limit(db->handle, SQLITE_LIMIT_SQL_LENGTH, TEXT_MAX);
  sqlite3_limit(db->handle, SQLITE_LIMIT_ATTACHED, 0);
  return OK;
}

/* --- one statement --- */

static bool only_space(const char *s) {
  return s[strspn(s, " \t\r\n;")] == 0;
}

static enum status prepare(struct db *db, const char *text, sqlite3_stmt **out, struct error *err) {
  const char *tail = "";
  *out = NULL;
  if (sqlite3_prepare_v2(db->handle, text, -1, out, &tail) != SQLITE_OK) {
    int code = sqlite3_errcode(db->handle);
    enum status st = db_fail(db, err);
    if ((code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_AUTH) error_kind(err, "validation");
    if ((code & 0xff) == SQLITE_AUTH)
      error_help(err, "ATTACH, PRAGMA and what begins or ends a transaction are not for drivers");
    return st;
  }
  if (!*out) return refused(err, ERR_VALUE, NULL, "database %s: the SQL text is empty", db->path);
  if (only_space(tail)) return OK;
  sqlite3_finalize(*out);
  *out = NULL;
  return refused(err, ERR_VALUE, "give each its own text", "database %s: two statements in one text",
                 db->path);
}

static int bind(sqlite3_stmt *st, int i, const struct grid_cell *v) {
  switch (v->type) {
  case GRID_INTEGER:
    return sqlite3_bind_int64(st, i, v->i);
  case GRID_REAL:
    return sqlite3_bind_double(st, i, v->r);
  case GRID_TEXT:
    return sqlite3_bind_text64(st, i, v->s, v->len, SQLITE_STATIC, SQLITE_UTF8);
  case GRID_NULL:
    break;
  }
  return sqlite3_bind_null(st, i);
}

/* The value for the i-th place, from 1; NULL when there is none. */
static const struct grid_cell *value_for(const struct sql_statement *s, sqlite3_stmt *st, int i) {
  const char *name = sqlite3_bind_parameter_name(st, i);
  if (!s->names) return (size_t)i <= s->count ? &s->values[i - 1] : NULL;
  for (size_t k = 0; name && k < s->count; k++)
    if (strcmp(name + 1, s->names[k]) == 0) return &s->values[k];
  return NULL;
}

static enum status bind_all(struct db *db, const struct sql_statement *s, sqlite3_stmt *st,
                            struct error *err) {
  int places = sqlite3_bind_parameter_count(st);
  for (int i = 1; i <= places; i++) {
    const struct grid_cell *v = value_for(s, st, i);
    const char *name = sqlite3_bind_parameter_name(st, i);
    if (!v && name)
      return refused(err, ERR_VALUE, "give a hash of them", "database %s: no value for %s",
                     db->path, name);
    if (!v || (!s->names && s->count != (size_t)places))
      return refused(err, ERR_VALUE, NULL, "database %s: %d places in the SQL text, %zu values",
                     db->path, places, s->count);
    if (bind(st, i, v) != SQLITE_OK) return db_fail(db, err);
  }
  if (s->count <= (size_t)places) return OK;
  return refused(err, ERR_VALUE, NULL, "database %s: %d places in the SQL text, %zu values",
                 db->path, places, s->count);
}

/* --- rows --- */

static enum status take_cell(struct db *db, struct grid *g, sqlite3_stmt *st, int i,
                             struct error *err) {
  size_t len;
  switch (sqlite3_column_type(st, i)) {
  case SQLITE_INTEGER:
    grid_add_integer(g, sqlite3_column_int64(st, i));
    break;
  case SQLITE_FLOAT:
    *grid_add(g) = (struct grid_cell){.type = GRID_REAL, .r = sqlite3_column_double(st, i)};
    break;
  case SQLITE_TEXT: {
    const char *s = column_text(st, i, &len);
    grid_add_text(g, s, len);
    break;
  }
  case SQLITE_BLOB:
    return refused(err, ERR_VALUE, "ask for hex() of it", "database %s: the column %s holds bytes",
                   db->path, sqlite3_column_name(st, i));
  default:
    grid_add(g);
  }
  return OK;
}

static int64_t row_bytes(sqlite3_stmt *st) {
  int64_t n = 0;
  for (int i = 0; i < sqlite3_column_count(st); i++)
    n += 32 + sqlite3_column_bytes(st, i);
  return n;
}

/* Runs it to its end; what it gives goes into the grid. */
static enum status take_rows(struct db *db, struct sql_run *r, sqlite3_stmt *st,
                             struct error *err) {
  int64_t rows = 0, bytes = 0;
  bool row = false;
  if (sqlite3_column_count(st)) {
    grid_release(&r->grid);
    for (int i = 0; i < sqlite3_column_count(st); i++)
      grid_name(&r->grid, sqlite3_column_name(st, i));
  }
  enum status s = db_step(db, st, &row, err);
  for (; !s && row; s = s ? s : db_step(db, st, &row, err)) {
    if (++rows > r->max_rows)
      return refused(err, ERR_LIMIT, "say LIMIT in the text, or max: with more rows",
                     "database %s: more than %lld rows", db->path, (long long)r->max_rows);
    if ((bytes += row_bytes(st)) > ROWS_BYTES)
      return refused(err, ERR_LIMIT, "say LIMIT in the text, or ask for fewer columns",
                     "database %s: the rows hold more than %d bytes", db->path, ROWS_BYTES);
    for (int i = 0; !s && i < sqlite3_column_count(st); i++)
      s = take_cell(db, &r->grid, st, i, err);
  }
  return s;
}

static enum status run_one(struct db *db, struct sql_run *r, struct sql_statement *s,
                           struct error *err) {
  sqlite3_stmt *st = NULL;
  int64_t before = sqlite3_total_changes64(db->handle);
  sqlite3_set_last_insert_rowid(db->handle, 0);
  enum status status = prepare(db, s->text, &st, err);
  if (!status) status = bind_all(db, s, st, err);
  if (!status) status = take_rows(db, r, st, err);
  sqlite3_finalize(st);
  s->changes = sqlite3_total_changes64(db->handle) - before;
  s->id = sqlite3_last_insert_rowid(db->handle);
  return status;
}

/* --- the two --- */

static bool no_table(const struct db *db) {
  return sqlite3_errcode(db->handle) == SQLITE_ERROR &&
         strncmp(sqlite3_errmsg(db->handle), "no such table", 13) == 0;
}

static enum status query_open(struct db *db, struct sql_run *r, struct error *err) {
  sqlite3_stmt *st = NULL;
  sqlite3_set_authorizer(db->handle, allow, NULL);
  enum status status = prepare(db, r->statements[0].text, &st, err);
  if (status && r->missing_empty && no_table(db)) {
    error_release(err);
    return OK;
  }
  if (!status && !sqlite3_stmt_readonly(st))
    status = refused(err, ERR_VALUE, "sql.execute writes", "database %s: sql.query only reads",
                     db->path);
  sqlite3_finalize(st);
  return status ? status : run_one(db, r, &r->statements[0], err);
}

enum status sql_run_query(struct sql_run *r, struct error *err) {
  struct db db;
  if (r->missing_empty && access(r->path, F_OK) != 0 && errno == ENOENT) return OK;
  enum status status = open_for(&db, r, DB_READ, err);
  if (status) return status;
  status = query_open(&db, r, err);
  db_close(&db);
  return status;
}

static enum status make_tables(struct db *db, const char *schema, struct error *err) {
  if (!schema) return OK;
  if (sqlite3_exec(db->handle, schema, NULL, NULL, NULL) == SQLITE_OK) return OK;
  return db_fail(db, err);
}

static enum status execute_open(struct db *db, struct sql_run *r, struct error *err) {
  enum status status = db_begin(db, err);
  if (status) return status;
  sqlite3_set_authorizer(db->handle, allow, NULL);
  status = make_tables(db, r->schema, err);
  for (size_t i = 0; !status && i < r->count; i++)
    status = run_one(db, r, &r->statements[i], err);
  sqlite3_set_authorizer(db->handle, NULL, NULL);
  if (!status) status = db_commit(db, err);
  if (status) db_rollback(db);
  return status;
}

enum status sql_run_execute(struct sql_run *r, struct error *err) {
  struct db db;
  enum status status = open_for(&db, r, r->create ? DB_CREATE : DB_WRITE, err);
  if (status) return status;
  status = execute_open(&db, r, err);
  db_close(&db);
  return status;
}
