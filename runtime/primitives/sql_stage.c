/* Staging: the file goes row by row into a database of its own beside the target.
 *
 * That database can be made again at any time, so it is written without journal and without
 * syncs; nobody else may open it meanwhile. The target database is touched twice only: when
 * staging begins, and when its outcome is recorded. */
#include "sheet_text.h"
#include "sql_import.h"

#include <unistd.h>

enum { ASK_EVERY = 1 << 16, PROBLEM_VALUE = 200 };

struct loader {
  const struct import_spec *spec;
  struct db *db; /* the target's database */
  struct db stage;
  struct sheet *sheet;
  struct target target;
  struct row row;
  struct dedupe *dedupe;
  sqlite3_stmt *insert, *problem;
  int64_t read, rejected, staged, flagged, problems, last_row;
};

static void stage_path(struct buf *out, const char *database, const char *id) {
  buf_addf(out, "%s-%s.stage", database, id);
}

void stage_remove(const char *database, const char *id) {
  struct buf path = BUF_INIT;
  stage_path(&path, database, id);
  unlink(buf_str(&path));
  buf_adds(&path, "-journal");
  unlink(buf_str(&path));
  buf_release(&path);
}

static enum status stage_gone(const char *id, struct error *err) {
  error_set(err, ERR_CONFLICT, "the staged rows of import %s are not there", id);
  error_help(err, "stage it again");
  error_kind(err, "validation");
  return ERR_CONFLICT;
}

enum status stage_attach(struct db *db, const char *database, const char *id, int64_t attempt,
                         struct error *err) {
  struct buf path = BUF_INIT;
  stage_path(&path, database, id);
  enum status s = access(buf_str(&path), R_OK | W_OK) ? stage_gone(id, err) : OK;
  if (!s)
    s = db_exec(db, err,
                "ATTACH %Q AS stage; PRAGMA stage.cache_size=-8000; PRAGMA stage.synchronous=OFF",
                buf_str(&path));
  buf_release(&path);
  int64_t found = 0;
  if (!s) s = db_int(db, err, &found, 0, "SELECT attempt FROM stage.about");
  if (!s && found != attempt) s = stage_gone(id, err);
  return s;
}

/* An earlier attempt's file is taken away unless its process lives: then it holds the lock. */
static enum status clear_stage(const char *path, const char *id, struct error *err) {
  if (access(path, F_OK)) return OK;
  sqlite3 *h = NULL;
  int code = sqlite3_open_v2(path, &h, SQLITE_OPEN_READWRITE, NULL);
  if (code == SQLITE_OK) code = sqlite3_exec(h, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
  sqlite3_close_v2(h);
  if (code == SQLITE_BUSY) {
    error_set(err, ERR_CONFLICT, "import %s is being staged by another process", id);
    error_help(err, "wait until it is done, or stop it with imports.stop");
    error_kind(err, "transient");
    return ERR_CONFLICT;
  }
  unlink(path);
  return OK;
}

static void stage_schema(const struct import_spec *spec, struct buf *out) {
  buf_adds(
      out,
      "CREATE TABLE about(attempt INTEGER);"
      "CREATE TABLE problem(row INTEGER, position INTEGER, \"column\" TEXT, value TEXT, reason "
      "TEXT, refused INTEGER,"
      " PRIMARY KEY(row, position)) WITHOUT ROWID;"
      "CREATE TABLE flag(row INTEGER, key INTEGER, exact INTEGER, in_file INTEGER, match INTEGER,"
      " PRIMARY KEY(row, key)) WITHOUT ROWID;"
      "CREATE TABLE dup(row INTEGER PRIMARY KEY, in_file INTEGER, match INTEGER);"
      "CREATE TABLE rows(row_ INTEGER PRIMARY KEY");
  for (size_t i = 0; i < spec->column_count; i++)
    buf_addf(out, ",c%zu", i);
  buf_addc(out, ')');
}

static enum status make_stage(struct loader *l, int64_t attempt, struct error *err) {
  struct buf text = BUF_INIT;
  stage_path(&text, l->db->path, l->spec->id);
  enum status s = clear_stage(buf_str(&text), l->spec->id, err);
  if (!s) s = db_open(&l->stage, buf_str(&text), DB_CREATE, err);
  buf_clear(&text);
  stage_schema(l->spec, &text);
  if (!s)
    s = db_exec(&l->stage, err,
                "PRAGMA page_size=16384; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                "PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-8000; BEGIN EXCLUSIVE; %s;"
                "INSERT INTO about VALUES(%lld)",
                buf_str(&text), (long long)attempt);
  buf_release(&text);
  return s;
}

static enum status prepare_inserts(struct loader *l, struct error *err) {
  struct buf marks = BUF_INIT;
  for (size_t i = 0; i < l->spec->column_count; i++)
    buf_adds(&marks, ",?");
  enum status s =
      db_prepare(&l->stage, err, &l->insert, "INSERT INTO rows VALUES(?%s)", buf_str(&marks));
  buf_release(&marks);
  if (!s) s = db_prepare(&l->stage, err, &l->problem, "INSERT INTO problem VALUES(?,?,?,?,?,?)");
  return s;
}

static enum status keep_problem(void *ud, uint64_t row, const struct import_column *c,
                                const struct cell *cell, const char *reason, bool refused,
                                struct error *err) {
  struct loader *l = ud;
  l->problems++;
  sqlite3_bind_int64(l->problem, 1, (int64_t)row);
  sqlite3_bind_int64(l->problem, 2, c ? c - l->spec->columns : -1);
  bind_text(l->problem, 3, c ? c->from : "");
  const char *value = cell ? cell->s : "";
  size_t len = cell ? utf8_cut(cell->s, cell->len, PROBLEM_VALUE) : 0;
  sqlite3_bind_text(l->problem, 4, value, (int)len, SQLITE_STATIC);
  bind_text(l->problem, 5, reason);
  sqlite3_bind_int(l->problem, 6, refused);
  return db_run(&l->stage, l->problem, err);
}

static void bind_value(sqlite3_stmt *st, int i, const struct converted *v) {
  switch (v->type) {
  case CONVERTED_TEXT:
    sqlite3_bind_text(st, i, v->s, (int)v->len, SQLITE_STATIC);
    break;
  case CONVERTED_INTEGER:
    sqlite3_bind_int64(st, i, v->i);
    break;
  case CONVERTED_REAL:
    sqlite3_bind_double(st, i, v->r);
    break;
  case CONVERTED_NULL:
    sqlite3_bind_null(st, i);
    break;
  }
}

static enum status add_row(struct loader *l, const struct record *record, struct error *err) {
  bool good;
  enum status s = row_convert(&l->row, record, keep_problem, l, &good, err);
  l->last_row = (int64_t)record->row;
  if (s || !good) {
    l->rejected += !good;
    return s;
  }
  sqlite3_bind_int64(l->insert, 1, (int64_t)record->row);
  for (size_t i = 0; i < l->spec->column_count; i++)
    bind_value(l->insert, (int)i + 2, &l->row.values[i]);
  l->staged++;
  s = db_run(&l->stage, l->insert, err);
  return s ? s : dedupe_add(l->dedupe, &l->row, (int64_t)record->row, err);
}

/* Somebody may have stopped the import from another terminal. */
static enum status check_stopped(struct loader *l, struct error *err) {
  int64_t stopped = 0;
  enum status s =
      db_int(l->db, err, &stopped, 0,
             "SELECT state <> 'staging' FROM stepwise_import WHERE id = %Q", l->spec->id);
  if (s || !stopped) return s;
  error_set(err, ERR_CANCELLED, "import %s was stopped after row %lld", l->spec->id,
            (long long)l->last_row);
  error_kind(err, "cancelled");
  return ERR_CANCELLED;
}

static enum status load_rows(struct loader *l, struct error *err) {
  struct record record;
  bool more;
  enum status s;
  while (!(s = sheet_next(l->sheet, &record, &more, err)) && more) {
    if (++l->read % ASK_EVERY == 0) s = check_stopped(l, err);
    if (!s) s = add_row(l, &record, err);
    if (s) return s;
  }
  return s;
}

/* How large the table is now: when it has changed by the time of commit, the flags are stale. */
static enum status measure_target(struct loader *l, int64_t *rows, int64_t *last,
                                  struct error *err) {
  *rows = *last = 0;
  if (!l->target.exists) return OK;
  enum status s = db_int(l->db, err, rows, 0, "SELECT count(*) FROM \"%w\"", l->spec->table);
  if (!s)
    s = db_int(l->db, err, last, 0, "SELECT max(%s) FROM \"%w\"", l->target.rowid, l->spec->table);
  return s;
}

static enum status load(struct loader *l, int64_t *rows, int64_t *last, struct error *err) {
  enum status s = prepare_inserts(l, err);
  if (!s) s = measure_target(l, rows, last, err);
  if (!s) s = load_rows(l, err);
  if (!s) s = dedupe_finish(l->dedupe, &l->stage, l->db, &l->target, &l->flagged, err);
  return s;
}

static void close_stage(struct loader *l) {
  sqlite3_finalize(l->insert);
  sqlite3_finalize(l->problem);
  l->insert = l->problem = NULL;
  db_close(&l->stage);
}

/* Takes over the problems and the counts. A failed attempt keeps its problems too. */
static enum status record_outcome(struct loader *l, int64_t attempt, int64_t rows, int64_t last,
                                  struct error *err) {
  enum status s = stage_attach(l->db, l->db->path, l->spec->id, attempt, err);
  if (!s) s = db_begin(l->db, err);
  if (!s)
    s = db_exec(l->db, err,
                "INSERT INTO main.stepwise_import_problem SELECT %Q, row, position, \"column\", "
                "value, reason, refused"
                " FROM stage.problem",
                l->spec->id);
  if (!s)
    s = db_exec(
        l->db, err,
        "UPDATE stepwise_import SET rows_read = %lld, blank = %lld, rejected = %lld, staged = "
        "%lld, flagged = %lld,"
        " problems = %lld, last_row = %lld, target_rows = %lld, target_last = %lld, format = %Q,"
        " state = 'staged', changed = strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ','now')"
        " WHERE id = %Q AND state = 'staging'",
        (long long)l->read, (long long)l->sheet->blank, (long long)l->rejected,
        (long long)l->staged, (long long)l->flagged, (long long)l->problems, (long long)l->last_row,
        (long long)rows, (long long)last, l->sheet->format, l->spec->id);
  bool stopped = !s && !sqlite3_changes64(l->db->handle);
  if (!s) s = db_commit(l->db, err);
  if (s) db_rollback(l->db);
  if (!s && stopped) {
    s = error_set(err, ERR_CANCELLED, "import %s was stopped while it was staged", l->spec->id);
    error_kind(err, "cancelled");
  }
  return s;
}

static void record_failure(struct loader *l, int64_t attempt, const struct error *cause) {
  struct error ignored = {0};
  if (record_outcome(l, attempt, 0, 0, &ignored)) error_release(&ignored);
  state_fail(l->db, l->spec->id, cause);
  if (db_exec(l->db, &ignored, "DETACH stage")) error_release(&ignored);
  stage_remove(l->db->path, l->spec->id);
}

static enum status stage_into(struct loader *l, struct error *err) {
  int64_t attempt = 0, rows = 0, last = 0;
  enum status s = state_begin(l->db, l->spec, &attempt, err);
  if (s) return s;
  s = make_stage(l, attempt, err);
  bool made = !s;
  if (!s) s = load(l, &rows, &last, err);
  struct error closing = {0};
  if (made && db_commit(&l->stage, &closing) && !s) {
    error_move(err, &closing);
    s = err->status;
  }
  error_release(&closing);
  close_stage(l);
  if (!s) s = record_outcome(l, attempt, rows, last, err);
  if (s && made) record_failure(l, attempt, err);
  else if (s) state_fail(l->db, l->spec->id, err);
  return s;
}

static void directory_of(struct buf *out, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) buf_addc(out, '.');
  else buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
}

static enum status stage_with(struct loader *l, const char *database, struct grid *out,
                              struct error *err) {
  struct sheet_options options;
  import_spec_options(l->spec, &options);
  enum status s = import_check_id(l->spec->id, err);
  if (!s) s = sheet_open(&l->sheet, &options, err);
  if (!s) s = row_init(&l->row, l->spec, l->sheet, err);
  if (!s) s = db_open(l->db, database, l->spec->create ? DB_CREATE : DB_WRITE, err);
  if (!s) s = target_load(l->db, l->spec, &l->target, err);
  struct buf directory = BUF_INIT;
  directory_of(&directory, database);
  l->dedupe = dedupe_new(l->spec, buf_str(&directory));
  buf_release(&directory);
  if (!s) s = stage_into(l, err);
  if (!s) s = state_row(l->db, l->spec->id, out, err);
  return s;
}

enum status import_stage(const char *database, const struct import_spec *spec, struct grid *out,
                         struct error *err) {
  struct db db = {0};
  struct loader l = {.spec = spec, .db = &db};
  enum status s = stage_with(&l, database, out, err);
  close_stage(&l);
  dedupe_free(l.dedupe);
  if (l.row.spec) row_release(&l.row);
  target_release(&l.target);
  sheet_close(l.sheet);
  db_close(&db);
  return s;
}
