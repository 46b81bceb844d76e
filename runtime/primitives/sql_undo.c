/* Rolling a committed import back: only its own rows, and only as it left them.
 *
 * First everything is looked at, then everything is done, in one transaction: a row that somebody
 * changed since either stops the rollback before it begins or, when asked for, stays as it is. */
#include "sql_import.h"

enum { NAMED_ROWS = 5 };

struct undo {
  struct db *db;
  const char *id;
  bool keep_changed;
  struct import_state state;
  const char *rowid;
  sqlite3_stmt *remove, *restore;
  int64_t removed, restored, changed;
  struct buf names; /* the first few changed rows */
};

#define NOW "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ','now')"

static void note_changed(struct undo *u, int64_t rowid, bool gone) {
  if (u->changed++ < NAMED_ROWS)
    buf_addf(&u->names, "%s%lld%s", u->changed > 1 ? ", " : "", (long long)rowid,
             gone ? " (removed)" : "");
}

static enum status look_at_row(void *ud, int64_t rowid, uint64_t then, uint64_t now,
                               struct error *err) {
  (void)err;
  if (then && then != now) note_changed(ud, rowid, !now);
  return OK;
}

static enum status remove_row(void *ud, int64_t rowid, uint64_t then, uint64_t now,
                              struct error *err) {
  struct undo *u = ud;
  if (!then || then != now) return OK;
  sqlite3_bind_int64(u->remove, 1, rowid);
  u->removed++;
  return db_run(u->db, u->remove, err);
}

typedef enum status (*change_fn)(struct undo *u, int64_t rowid, bool same, bool gone,
                                 struct error *err);

/* Each updated row, and whether it still is as the import left it. */
static enum status walk_changes(struct undo *u, change_fn fn, struct error *err) {
  sqlite3_stmt *changes = NULL, *now = NULL;
  enum status s = db_prepare(u->db, err, &changes,
                             "SELECT target_row, hash FROM stepwise_import_change"
                             " WHERE import = %Q AND kind = 'updated' ORDER BY target_row",
                             u->id);
  if (!s)
    s = db_prepare(u->db, err, &now, "SELECT %s FROM main.\"%w\" WHERE %s = ?", u->state.columns,
                   u->state.table, u->rowid);
  bool row, found;
  while (!s && !(s = db_step(u->db, changes, &row, err)) && row) {
    int64_t rowid = sqlite3_column_int64(changes, 0);
    sqlite3_bind_int64(now, 1, rowid);
    s = db_step(u->db, now, &found, err);
    bool same = !s && found && (int64_t)row_hash(now, 0) == sqlite3_column_int64(changes, 1);
    sqlite3_reset(now);
    if (!s) s = fn(u, rowid, same, !found, err);
  }
  sqlite3_finalize(changes);
  sqlite3_finalize(now);
  return s;
}

static enum status look_at_change(struct undo *u, int64_t rowid, bool same, bool gone,
                                  struct error *err) {
  (void)err;
  if (!same) note_changed(u, rowid, gone);
  return OK;
}

static enum status restore_row(struct undo *u, int64_t rowid, bool same, bool gone,
                               struct error *err) {
  (void)gone;
  if (!same) return OK;
  sqlite3_bind_int64(u->restore, 1, rowid);
  u->restored++;
  return db_run(u->db, u->restore, err);
}

static enum status refuse_changed(struct undo *u, struct error *err) {
  error_set(err, ERR_CONFLICT,
            "%lld %s of import %s %s changed since by somebody else, in table %s: row %s%s",
            (long long)u->changed, u->changed == 1 ? "row" : "rows", u->id,
            u->changed == 1 ? "was" : "were", u->state.table, buf_str(&u->names),
            u->changed > NAMED_ROWS ? " ..." : "");
  error_help(err, "nothing was rolled back; look at those rows, or say changed: :keep to leave "
                  "them as they are");
  error_kind(err, "conflict");
  return ERR_CONFLICT;
}

static enum status refuse_spread(struct undo *u, int64_t spread, struct error *err) {
  error_set(err, ERR_CONFLICT,
            "rolling import %s back would change %lld rows of other tables that refer to its rows",
            u->id, (long long)spread);
  error_help(err, "nothing was rolled back; take those references away first");
  error_kind(err, "conflict");
  return ERR_CONFLICT;
}

static enum status prepare(struct undo *u, struct error *err) {
  enum status s = target_rowid(u->db, u->state.table, &u->rowid, err);
  if (!s)
    s = db_prepare(u->db, err, &u->remove, "DELETE FROM main.\"%w\" WHERE %s = ?", u->state.table,
                   u->rowid);
  int64_t saved = 0;
  if (!s)
    s = db_int(u->db, err, &saved, 0,
               "SELECT count(*) FROM sqlite_schema WHERE name = 'stepwise_undo_%q'", u->id);
  if (!s && saved)
    s = db_prepare(u->db, err, &u->restore,
                   "UPDATE main.\"%w\" SET (%s) = (SELECT %s FROM \"stepwise_undo_%w\" WHERE "
                   "stepwise_row = ?1)"
                   " WHERE %s = ?1",
                   u->state.table, u->state.columns, u->state.columns, u->id, u->rowid);
  return s;
}

/* What references (ON DELETE CASCADE, SET NULL) changed beside our own rows; where the table has
 * triggers of its own, their work cannot be told from that and is let be. */
static enum status check_spread(struct undo *u, int64_t before, struct error *err) {
  int64_t triggers = 0;
  int64_t spread = sqlite3_total_changes64(u->db->handle) - before - u->removed - u->restored;
  enum status s = db_int(
      u->db, err, &triggers, 0,
      "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = %Q COLLATE NOCASE",
      u->state.table);
  return s || triggers || spread <= 0 ? s : refuse_spread(u, spread, err);
}

/* A table that the import made goes with it, when it is empty and still as it was made. */
static enum status drop_made_table(struct undo *u, struct error *err) {
  int64_t ours = 0, rows = 0;
  if (!*u->state.made_table) return OK;
  enum status s =
      db_int(u->db, err, &ours, 0,
             "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = %Q AND sql = %Q",
             u->state.table, u->state.made_table);
  if (!s && ours)
    s = db_int(u->db, err, &rows, 0, "SELECT EXISTS(SELECT 1 FROM main.\"%w\")", u->state.table);
  if (!s && ours && !rows) s = db_exec(u->db, err, "DROP TABLE main.\"%w\"", u->state.table);
  return s;
}

static enum status finish(struct undo *u, struct error *err) {
  sqlite3_finalize(u->remove);
  sqlite3_finalize(u->restore);
  u->remove = u->restore = NULL;
  enum status s = drop_made_table(u, err);
  if (!s)
    s = db_exec(u->db, err,
                "DELETE FROM stepwise_import_block WHERE import = %Q; DELETE FROM "
                "stepwise_import_change WHERE import = %Q;"
                "DROP TABLE IF EXISTS \"stepwise_undo_%w\";"
                "UPDATE stepwise_import SET state = 'rolled_back', removed = %lld, restored = "
                "%lld, kept = %lld,"
                " changed = " NOW " WHERE id = %Q",
                u->id, u->id, u->id, (long long)u->removed, (long long)u->restored,
                (long long)u->changed, u->id);
  return s ? s : db_commit(u->db, err);
}

static enum status table_is_there(struct undo *u, bool *there, struct error *err) {
  int64_t n = 0;
  enum status s =
      db_int(u->db, err, &n, 0,
             "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = %Q COLLATE NOCASE",
             u->state.table);
  *there = n > 0;
  if (s || n) return s;
  error_set(err, ERR_CONFLICT, "table %s is gone; there is nothing left of import %s to roll back",
            u->state.table, u->id);
  error_kind(err, "conflict");
  return ERR_CONFLICT;
}

static enum status undo_rows(struct undo *u, struct error *err) {
  bool there;
  enum status s = table_is_there(u, &there, err);
  if (!s) s = prepare(u, err);
  if (!s) s = blocks_walk(u->db, u->id, &u->state, look_at_row, u, err);
  if (!s) s = walk_changes(u, look_at_change, err);
  if (!s && u->changed && !u->keep_changed) s = refuse_changed(u, err);
  int64_t before = sqlite3_total_changes64(u->db->handle);
  if (!s) s = blocks_walk(u->db, u->id, &u->state, remove_row, u, err);
  if (!s) s = walk_changes(u, restore_row, err);
  if (!s) s = check_spread(u, before, err);
  return s ? s : finish(u, err);
}

enum status import_roll_back(const char *database, const char *id, bool keep_changed,
                             struct grid *out, struct error *err) {
  struct db db;
  struct undo u = {.db = &db, .id = id, .keep_changed = keep_changed};
  enum status s = db_open(&db, database, DB_WRITE, err);
  if (!s) s = db_begin(&db, err);
  if (!s) s = state_load(&db, id, NULL, &u.state, err);
  if (!s && !strcmp(u.state.state, "committed")) s = undo_rows(&u, err);
  sqlite3_finalize(u.remove);
  sqlite3_finalize(u.restore);
  db_rollback(&db);
  if (!s) s = state_row(&db, id, out, err);
  buf_release(&u.names);
  state_release(&u.state);
  db_close(&db);
  return s;
}
