/* Commit: staged rows into the table, in one transaction together with all that a rollback needs.
 *
 * A created row gets the row id base + its row in the file, base being the highest row id before:
 * so created rows are known by a range, and each one's source row by a subtraction. */
#include "sql_import.h"

struct commit {
  struct db *db;
  const char *id;
  const struct import_choice *choice;
  struct import_state state;
  struct import_spec spec;
  struct target target;
  int64_t created, updated, merged, skipped;
};

#define NOW "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ','now')"

static const char *const policy_names[] = {"skip", "update", "keep"};

/* The flags were made against the table as it was; when it has grown since, they are stale. */
static enum status check_fresh(struct commit *c, struct error *err) {
  int64_t rows = 0, last = 0;
  enum status s = OK;
  if (c->target.exists)
    s = db_int(c->db, err, &rows, 0, "SELECT count(*) FROM main.\"%w\"", c->state.table);
  if (!s && c->target.exists)
    s = db_int(c->db, err, &last, 0, "SELECT max(%s) FROM main.\"%w\"", c->target.rowid,
               c->state.table);
  if (s || (rows == c->state.target_rows && last == c->state.target_last)) return s;
  error_set(err, ERR_CONFLICT,
            "table %s changed since import %s was staged: it had %lld rows then and has %lld now",
            c->state.table, c->id, (long long)c->state.target_rows, (long long)rows);
  error_help(err, "stage it again, so that duplicates are looked for among the new rows");
  error_kind(err, "conflict");
  return ERR_CONFLICT;
}

static enum status make_target(struct commit *c, struct error *err) {
  if (c->target.exists) return OK;
  struct buf sql = BUF_INIT;
  target_create_sql(&c->spec, &sql);
  enum status s = db_exec(c->db, err, "%s", buf_str(&sql));
  if (!s) c->state.made_table = (mem_free(c->state.made_table), mem_strdup(buf_str(&sql)));
  buf_release(&sql);
  target_release(&c->target);
  return s ? s : target_load(c->db, &c->spec, &c->target, err);
}

static enum status find_base(struct commit *c, struct error *err) {
  int64_t highest = 0, given = 0, sequence = 0;
  enum status s = db_int(c->db, err, &highest, 0, "SELECT max(%s) FROM main.\"%w\"",
                         c->target.rowid, c->state.table);
  if (!s)
    s = db_int(c->db, err, &sequence, 0,
               "SELECT count(*) FROM main.sqlite_schema WHERE name = 'sqlite_sequence'");
  if (!s && sequence)
    s = db_int(c->db, err, &given, 0,
               "SELECT seq FROM main.sqlite_sequence WHERE name = %Q COLLATE NOCASE",
               c->state.table);
  c->state.base = highest > given ? highest : given;
  if (c->state.base < 0) c->state.base = 0;
  if (s || c->state.base <= INT64_MAX - c->state.last_row - BLOCK_ROWS) return s;
  error_set(err, ERR_LIMIT, "table %s has row ids up to the highest there can be", c->state.table);
  error_kind(err, "validation");
  return ERR_LIMIT;
}

/* Rows the operator wants in spite of their flag lose it. */
static enum status keep_rows(struct commit *c, struct error *err) {
  enum status s = OK;
  if (c->choice->policy == POLICY_KEEP_DUPLICATES)
    return db_exec(c->db, err, "DELETE FROM stage.dup");
  for (size_t i = 0; i < c->choice->keep_count && !s; i++)
    s = db_exec(c->db, err, "DELETE FROM stage.dup WHERE row = %lld",
                (long long)c->choice->keep[i]);
  return s;
}

static void add_set(struct buf *out, const struct import_spec *spec, const char *from,
                    bool staged) {
  for (size_t i = 0; i < spec->column_count; i++) {
    struct buf name = BUF_INIT;
    if (staged) buf_addf(&name, "c%zu", i);
    else add_name(&name, spec->columns[i].to);
    buf_addf(out, "%s%s = coalesce(%s.c%zu, t.%s)", i ? ", " : "", buf_str(&name), from, i,
             buf_str(&name));
    buf_release(&name);
  }
}

/* A flagged row gives its values to the earlier row of the file that it repeats. */
static enum status merge_in_file(struct commit *c, struct error *err) {
  struct buf set = BUF_INIT;
  add_set(&set, &c->spec, "d", true);
  sqlite3_stmt *dups = NULL, *update = NULL;
  enum status s =
      db_prepare(c->db, err, &dups, "SELECT row, match FROM stage.dup WHERE in_file ORDER BY row");
  if (!s)
    s = db_prepare(
        c->db, err, &update,
        "UPDATE stage.rows AS t SET %s FROM stage.rows AS d WHERE t.row_ = ?2 AND d.row_ = ?1",
        buf_str(&set));
  bool row;
  while (!s && !(s = db_step(c->db, dups, &row, err)) && row) {
    sqlite3_bind_int64(update, 1, sqlite3_column_int64(dups, 0));
    sqlite3_bind_int64(update, 2, sqlite3_column_int64(dups, 1));
    s = db_run(c->db, update, err);
    c->merged++;
  }
  sqlite3_finalize(dups);
  sqlite3_finalize(update);
  buf_release(&set);
  if (!s)
    s = db_exec(
        c->db, err,
        "INSERT INTO main.stepwise_import_change SELECT %Q, %lld + match, 'merged', max(row), 0"
        " FROM stage.dup WHERE in_file GROUP BY match",
        c->id, (long long)c->state.base);
  return s;
}

/* Rows that will be updated, as they are now, in a table of their own: values keep their types. */
static enum status save_before(struct commit *c, struct error *err) {
  return db_exec(
      c->db, err,
      "CREATE TABLE main.\"stepwise_undo_%w\" AS SELECT %s AS stepwise_row, %s FROM main.\"%w\""
      " WHERE %s IN (SELECT match FROM stage.dup WHERE NOT in_file)",
      c->id, c->target.rowid, buf_str(&c->target.columns), c->state.table, c->target.rowid);
}

static enum status remember_updates(struct commit *c, struct error *err) {
  sqlite3_stmt *rows = NULL, *put = NULL;
  enum status s = db_prepare(c->db, err, &rows,
                             "SELECT u.match, u.last, %s FROM (SELECT match, max(row) AS last FROM "
                             "stage.dup WHERE NOT in_file"
                             " GROUP BY match) AS u JOIN main.\"%w\" AS t ON t.%s = u.match",
                             c->state.columns, c->state.table, c->target.rowid);
  if (!s)
    s = db_prepare(c->db, err, &put,
                   "INSERT INTO main.stepwise_import_change VALUES(%Q,?,'updated',?,?)", c->id);
  bool row;
  while (!s && !(s = db_step(c->db, rows, &row, err)) && row) {
    sqlite3_bind_int64(put, 1, sqlite3_column_int64(rows, 0));
    sqlite3_bind_int64(put, 2, sqlite3_column_int64(rows, 1));
    sqlite3_bind_int64(put, 3, (int64_t)row_hash(rows, 2));
    s = db_run(c->db, put, err);
    c->updated++;
  }
  sqlite3_finalize(rows);
  sqlite3_finalize(put);
  return s;
}

static enum status update_target(struct commit *c, struct error *err) {
  int64_t any = 0;
  enum status s =
      db_int(c->db, err, &any, 0, "SELECT EXISTS(SELECT 1 FROM stage.dup WHERE NOT in_file)");
  if (s || !any) return s;
  s = save_before(c, err);
  struct buf set = BUF_INIT;
  add_set(&set, &c->spec, "d", false);
  sqlite3_stmt *dups = NULL, *update = NULL;
  if (!s)
    s = db_prepare(c->db, err, &dups,
                   "SELECT row, match FROM stage.dup WHERE NOT in_file ORDER BY row");
  if (!s)
    s = db_prepare(
        c->db, err, &update,
        "UPDATE main.\"%w\" AS t SET %s FROM stage.rows AS d WHERE t.%s = ?2 AND d.row_ = ?1",
        c->state.table, buf_str(&set), c->target.rowid);
  bool row;
  while (!s && !(s = db_step(c->db, dups, &row, err)) && row) {
    sqlite3_bind_int64(update, 1, sqlite3_column_int64(dups, 0));
    sqlite3_bind_int64(update, 2, sqlite3_column_int64(dups, 1));
    s = db_run(c->db, update, err);
  }
  sqlite3_finalize(dups);
  sqlite3_finalize(update);
  buf_release(&set);
  return s ? s : remember_updates(c, err);
}

/* SQLite says which constraint failed; the row is the one after the last that went in. */
static void name_row(struct commit *c, struct error *err) {
  struct error ignored = {0};
  int64_t row = 0;
  int64_t last = sqlite3_last_insert_rowid(c->db->handle) - c->state.base;
  enum status s = db_int(c->db, &ignored, &row, 0,
                         "SELECT min(row_) FROM stage.rows WHERE row_ > %lld"
                         " AND NOT EXISTS (SELECT 1 FROM stage.dup WHERE dup.row = row_)",
                         (long long)last);
  if (!s && row) {
    char *message = mem_strdup(err->message);
    error_set(err, err->status, "row %lld: %s", (long long)row, message);
    error_help(err, "nothing was imported; correct that row or flag it by a key on that column, "
                    "and stage the import again");
    error_kind(err, "validation");
    mem_free(message);
  }
  error_release(&ignored);
}

static enum status insert_rows(struct commit *c, struct error *err) {
  struct buf to = BUF_INIT, from = BUF_INIT;
  for (size_t i = 0; i < c->spec.column_count; i++) {
    buf_addc(&to, ',');
    add_name(&to, c->spec.columns[i].to);
    buf_addf(&from, ",c%zu", i);
  }
  sqlite3_set_last_insert_rowid(c->db->handle, c->state.base);
  enum status s = db_exec(
      c->db, err,
      "INSERT INTO main.\"%w\"(%s%s) SELECT row_ + %lld%s FROM stage.rows"
      " WHERE NOT EXISTS (SELECT 1 FROM stage.dup WHERE dup.row = row_) ORDER BY row_",
      c->state.table, c->target.rowid, buf_str(&to), (long long)c->state.base, buf_str(&from));
  c->created = s ? 0 : sqlite3_changes64(c->db->handle);
  if (s == ERR_VALUE) name_row(c, err);
  buf_release(&to);
  buf_release(&from);
  return s;
}

static enum status write_rows(struct commit *c, struct error *err) {
  int64_t flagged = 0;
  bool updates = c->choice->policy == POLICY_UPDATE_DUPLICATES;
  enum status s = keep_rows(c, err);
  if (!s) s = db_int(c->db, err, &flagged, 0, "SELECT count(*) FROM stage.dup");
  if (!s && updates) s = merge_in_file(c, err);
  if (!s) s = insert_rows(c, err);
  if (!s) s = blocks_write(c->db, c->id, &c->state, err);
  if (!s && updates) s = update_target(c, err);
  c->skipped = updates ? 0 : flagged;
  return s;
}

static enum status record(struct commit *c, struct error *err) {
  return db_exec(
      c->db, err,
      "UPDATE stepwise_import SET state = 'committed', message = '', policy = %Q, created = %lld, "
      "updated = %lld,"
      " merged = %lld, skipped = %lld, base = %lld, columns = %Q, made_table = %Q, changed = " NOW
      " WHERE id = %Q",
      policy_names[c->choice->policy], (long long)c->created, (long long)c->updated,
      (long long)c->merged, (long long)c->skipped, (long long)c->state.base, c->state.columns,
      c->state.made_table, c->id);
}

static enum status commit_rows(struct commit *c, struct error *err) {
  enum status s = state_spec(c->db, c->id, &c->spec, err);
  if (!s) s = target_load(c->db, &c->spec, &c->target, err);
  if (!s) s = check_fresh(c, err);
  if (!s) s = make_target(c, err);
  if (!s) s = find_base(c, err);
  mem_free(c->state.columns);
  c->state.columns = mem_strdup(buf_str(&c->target.columns));
  if (!s) s = write_rows(c, err);
  if (!s) s = record(c, err);
  return s ? s : db_commit(c->db, err);
}

/* BEGIN comes before the state is read: from then on nobody else can commit or stop the import. */
static enum status commit_staged(struct commit *c, struct error *err) {
  enum status s = stage_attach(c->db, c->db->path, c->id, c->state.attempt, err);
  if (!s) s = db_begin(c->db, err);
  state_release(&c->state);
  if (!s) s = state_load(c->db, c->id, "staged", &c->state, err);
  if (!s) s = commit_rows(c, err);
  if (!s) return db_exec(c->db, err, "DETACH stage");
  if (err->status == ERR_VALUE) state_fail(c->db, c->id, err);
  db_rollback(c->db);
  return s;
}

enum status import_commit(const char *database, const char *id, const struct import_choice *choice,
                          struct grid *out, struct error *err) {
  struct db db;
  struct commit c = {.db = &db, .id = id, .choice = choice};
  enum status s = state_open(&db, database, id, DB_WRITE, "staged committed", &c.state, err);
  bool again = !s && !strcmp(c.state.state, "committed");
  if (!s && !again) s = commit_staged(&c, err);
  if (!s) s = state_row(&db, id, out, err);
  target_release(&c.target);
  import_spec_release(&c.spec);
  state_release(&c.state);
  db_close(&db);
  if (!s) stage_remove(database, id);
  return s;
}
