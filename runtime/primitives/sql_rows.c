/* Rows as the table stores them, remembered by their hashes: a block of hashes for every 500 row
 * ids, so that a rollback can tell what somebody changed since, at eight bytes a row. */
#include "sheet_text.h"
#include "sql_import.h"

uint64_t row_hash(sqlite3_stmt *st, int first) {
  uint64_t h = 0x73746570;
  int count = sqlite3_column_count(st);
  for (int i = first; i < count; i++)
    h = column_hash(st, i, h);
  return h ? h : 1;
}

static enum status select_range(struct db *db, const struct import_state *s, sqlite3_stmt **out,
                                struct error *err) {
  const char *rowid;
  enum status st = target_rowid(db, s->table, &rowid, err);
  if (st) return st;
  return db_prepare(db, err, out,
                    "SELECT %s, %s FROM main.\"%w\" WHERE %s BETWEEN ?1 AND ?2 ORDER BY %s", rowid,
                    s->columns, s->table, rowid, rowid);
}

static enum status put_block(struct db *db, sqlite3_stmt *put, const char *id, int64_t first,
                             uint64_t *hashes, struct error *err) {
  bind_text(put, 1, id);
  sqlite3_bind_int64(put, 2, first);
  sqlite3_bind_blob(put, 3, hashes, BLOCK_ROWS * sizeof *hashes, SQLITE_STATIC);
  enum status s = db_run(db, put, err);
  memset(hashes, 0, BLOCK_ROWS * sizeof *hashes);
  return s;
}

enum status blocks_write(struct db *db, const char *id, const struct import_state *state,
                         struct error *err) {
  uint64_t hashes[BLOCK_ROWS] = {0};
  sqlite3_stmt *rows = NULL, *put = NULL;
  enum status s = select_range(db, state, &rows, err);
  if (!s)
    s = db_prepare(db, err, &put,
                   "INSERT INTO main.stepwise_import_block(import, first, hashes) VALUES(?,?,?)");
  int64_t first = state->base + 1, last = state->base + state->last_row;
  bool row = false, any = false;
  if (!s) {
    sqlite3_bind_int64(rows, 1, first);
    sqlite3_bind_int64(rows, 2, last);
  }
  while (!s && !(s = db_step(db, rows, &row, err)) && row) {
    int64_t rowid = sqlite3_column_int64(rows, 0);
    if (any && rowid >= first + BLOCK_ROWS) {
      s = put_block(db, put, id, first, hashes, err);
      any = false;
    }
    if (!any) first += (rowid - first) / BLOCK_ROWS * BLOCK_ROWS;
    any = true;
    hashes[rowid - first] = row_hash(rows, 1);
  }
  if (!s && any) s = put_block(db, put, id, first, hashes, err);
  sqlite3_finalize(rows);
  sqlite3_finalize(put);
  return s;
}

static enum status walk_block(struct db *db, sqlite3_stmt *rows, int64_t first,
                              const uint64_t *then, block_fn fn, void *ud, struct error *err) {
  uint64_t now[BLOCK_ROWS] = {0};
  sqlite3_bind_int64(rows, 1, first);
  sqlite3_bind_int64(rows, 2, first + BLOCK_ROWS - 1);
  bool row;
  enum status s;
  while (!(s = db_step(db, rows, &row, err)) && row)
    now[sqlite3_column_int64(rows, 0) - first] = row_hash(rows, 1);
  sqlite3_reset(rows);
  for (int64_t i = 0; i < BLOCK_ROWS && !s; i++)
    if (then[i] || now[i]) s = fn(ud, first + i, then[i], now[i], err);
  return s;
}

enum status blocks_walk(struct db *db, const char *id, const struct import_state *state,
                        block_fn fn, void *ud, struct error *err) {
  sqlite3_stmt *blocks = NULL, *rows = NULL;
  enum status s = select_range(db, state, &rows, err);
  if (!s)
    s = db_prepare(
        db, err, &blocks,
        "SELECT first, hashes FROM main.stepwise_import_block WHERE import = %Q ORDER BY first",
        id);
  bool row;
  uint64_t then[BLOCK_ROWS];
  while (!s && !(s = db_step(db, blocks, &row, err)) && row) {
    if (sqlite3_column_bytes(blocks, 1) != (int)sizeof then) continue;
    memcpy(then, sqlite3_column_blob(blocks, 1), sizeof then);
    s = walk_block(db, rows, sqlite3_column_int64(blocks, 0), then, fn, ud, err);
  }
  sqlite3_finalize(blocks);
  sqlite3_finalize(rows);
  return s;
}
