/* What the database remembers of each import, and how an import goes from state to state. */
#include "sql_import.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

/* One row an import; the numbers are what the state row shows. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS stepwise_import("
    " id TEXT PRIMARY KEY NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN "
    "('staging','staged','failed','stopped','committed','rolled_back','discarded')),"
    " attempt INTEGER NOT NULL DEFAULT 1,"
    " target TEXT NOT NULL, source TEXT NOT NULL,"
    " format TEXT, sheet TEXT, encoding TEXT, delimiter TEXT,"
    " creates INTEGER NOT NULL, pads INTEGER NOT NULL,"
    " source_size INTEGER, source_time INTEGER,"
    " message TEXT NOT NULL DEFAULT '', policy TEXT NOT NULL DEFAULT '',"
    " rows_read INTEGER NOT NULL DEFAULT 0, blank INTEGER NOT NULL DEFAULT 0,"
    " rejected INTEGER NOT NULL DEFAULT 0, staged INTEGER NOT NULL DEFAULT 0,"
    " flagged INTEGER NOT NULL DEFAULT 0, problems INTEGER NOT NULL DEFAULT 0,"
    " created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0,"
    " merged INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0,"
    " removed INTEGER NOT NULL DEFAULT 0, restored INTEGER NOT NULL DEFAULT 0,"
    " kept INTEGER NOT NULL DEFAULT 0,"
    " base INTEGER NOT NULL DEFAULT 0, last_row INTEGER NOT NULL DEFAULT 0,"
    " target_rows INTEGER NOT NULL DEFAULT 0, target_last INTEGER NOT NULL DEFAULT 0,"
    " columns TEXT NOT NULL DEFAULT '', made_table TEXT NOT NULL DEFAULT '',"
    " started TEXT NOT NULL, changed TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS stepwise_import_column("
    " import TEXT NOT NULL, position INTEGER NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL,"
    " converters TEXT NOT NULL, required INTEGER NOT NULL, blank INTEGER NOT NULL, country TEXT,"
    " PRIMARY KEY(import, position)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS stepwise_import_key("
    " import TEXT NOT NULL, key INTEGER NOT NULL, position INTEGER NOT NULL, \"column\" INTEGER "
    "NOT NULL,"
    " PRIMARY KEY(import, key, position)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS stepwise_import_problem("
    " import TEXT NOT NULL, row INTEGER NOT NULL, position INTEGER NOT NULL, \"column\" TEXT NOT "
    "NULL,"
    " value TEXT NOT NULL, reason TEXT NOT NULL, refused INTEGER NOT NULL,"
    " PRIMARY KEY(import, row, position)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS stepwise_import_block("
    " id INTEGER PRIMARY KEY, import TEXT NOT NULL, first INTEGER NOT NULL, hashes BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS stepwise_import_block_order ON stepwise_import_block(import, "
    "first);"
    "CREATE TABLE IF NOT EXISTS stepwise_import_change("
    " import TEXT NOT NULL, target_row INTEGER NOT NULL, kind TEXT NOT NULL, source_row INTEGER "
    "NOT NULL,"
    " hash INTEGER NOT NULL, PRIMARY KEY(import, target_row)) WITHOUT ROWID;";

#define NOW "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ','now')"

void import_spec_release(struct import_spec *s) {
  for (size_t i = 0; i < s->column_count; i++) {
    mem_free(s->columns[i].from);
    mem_free(s->columns[i].to);
    mem_free(s->columns[i].country);
  }
  mem_free(s->columns);
  char *texts[] = {s->id, s->table, s->path, s->format, s->sheet, s->encoding, s->delimiter};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    mem_free(texts[i]);
  *s = (struct import_spec){0};
}

void import_spec_options(const struct import_spec *s, struct sheet_options *out) {
  *out = (struct sheet_options){s->path, s->format, s->sheet, s->encoding, s->delimiter};
}

static enum status unknown_converter(const char *name, struct error *err) {
  struct buf known = BUF_INIT;
  for (const struct converter *c = converters; c->name; c++)
    buf_addf(&known, "%s%s", c == converters ? "" : ", ", c->name);
  error_set(err, ERR_VALUE, "there is no converter \"%.40s\"", name);
  error_help(err, "converters are %s", buf_str(&known));
  error_kind(err, "validation");
  buf_release(&known);
  return ERR_VALUE;
}

static enum status chain_add(struct import_column *c, const char *name, struct error *err) {
  const struct converter *found = converter_find(name);
  if (!found) return unknown_converter(name, err);
  const struct converter *last = c->chain_count ? c->chain[c->chain_count - 1] : NULL;
  if (c->chain_count == IMPORT_MAX_CHAIN)
    error_set(err, ERR_VALUE, "column %s has more than %d converters", c->to, IMPORT_MAX_CHAIN);
  else if (last && strcmp(last->column_type, "TEXT"))
    error_set(err, ERR_VALUE, "nothing can follow the converter %s, which makes a number",
              last->name);
  else {
    c->chain[c->chain_count++] = found;
    return OK;
  }
  error_kind(err, "validation");
  return ERR_VALUE;
}

enum status import_column_chain(struct import_column *c, const char *names, struct error *err) {
  enum status s = OK;
  while (*names && !s) {
    size_t len = strcspn(names, " ,");
    char name[32];
    snprintf(name, sizeof name, "%.*s", len < sizeof name ? (int)len : (int)sizeof name - 1, names);
    if (len) s = chain_add(c, name, err);
    names += len + (names[len] != '\0');
  }
  return s;
}

enum status import_check_id(const char *id, struct error *err) {
  size_t len = strlen(id);
  if (len && len <= IMPORT_MAX_ID && strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len)
    return OK;
  error_set(err, ERR_VALUE, "\"%.60s\" is no import id", id);
  error_help(err, "an id is up to %d small letters, digits and dashes", IMPORT_MAX_ID);
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status state_make_tables(struct db *db, struct error *err) {
  return db_exec(db, err, "%s", schema);
}

void state_release(struct import_state *s) {
  char *texts[] = {s->state, s->table, s->path, s->columns, s->made_table};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    mem_free(texts[i]);
  *s = (struct import_state){0};
}

static enum status not_found(struct db *db, const char *id, struct error *err) {
  error_set(err, ERR_NOT_FOUND, "database %s knows no import \"%s\"", db->path, id);
  error_help(err, "imports.list(database: ...) lists them");
  error_kind(err, "validation");
  return ERR_NOT_FOUND;
}

static bool has_word(const char *words, const char *word) {
  size_t len = strlen(word);
  for (const char *p = words; (p = strstr(p, word)) != NULL; p += len)
    if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' ')) return true;
  return false;
}

static const char *way_on(const char *state) {
  static const char *const ways[][2] = {
      {"staging", "wait until it is staged, or stage it again if that process is gone"},
      {"staged", "commit it or discard it"},
      {"failed", "correct the mapping or the data and stage it again, or discard it"},
      {"stopped", "stage it again or discard it"},
      {"committed", "roll it back first if that is what you mean"},
      {"rolled_back", "import under a new id"},
      {"discarded", "stage it again"},
  };
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if (!strcmp(ways[i][0], state)) return ways[i][1];
  return "look at it with imports.status";
}

static void read_state(sqlite3_stmt *st, struct import_state *out) {
  *out = (struct import_state){.state = column_dup(st, 0),
                               .table = column_dup(st, 1),
                               .path = column_dup(st, 2),
                               .attempt = sqlite3_column_int64(st, 3),
                               .base = sqlite3_column_int64(st, 4),
                               .last_row = sqlite3_column_int64(st, 5),
                               .created = sqlite3_column_int64(st, 6),
                               .target_rows = sqlite3_column_int64(st, 7),
                               .target_last = sqlite3_column_int64(st, 8),
                               .source_size = sqlite3_column_int64(st, 9),
                               .source_time = sqlite3_column_int64(st, 10),
                               .columns = column_dup(st, 11),
                               .made_table = column_dup(st, 12)};
}

static enum status has_tables(struct db *db, bool *out, struct error *err) {
  int64_t n = 0;
  enum status s =
      db_int(db, err, &n, 0, "SELECT count(*) FROM sqlite_schema WHERE name = 'stepwise_import'");
  *out = n > 0;
  return s;
}

enum status state_load(struct db *db, const char *id, const char *wanted, struct import_state *out,
                       struct error *err) {
  *out = (struct import_state){0};
  bool known = false, row = false;
  enum status s = import_check_id(id, err);
  if (!s) s = has_tables(db, &known, err);
  if (!s && !known) s = not_found(db, id, err);
  if (s) return s;
  sqlite3_stmt *st;
  s = db_prepare(
      db, err, &st,
      "SELECT state, target, source, attempt, base, last_row, created, target_rows, target_last,"
      " source_size, source_time, columns, made_table FROM stepwise_import WHERE id = %Q",
      id);
  if (!s) s = db_step(db, st, &row, err);
  if (!s && !row) s = not_found(db, id, err);
  if (!s) read_state(st, out);
  sqlite3_finalize(st);
  if (s || !wanted || has_word(wanted, out->state)) return s;
  error_set(err, ERR_CONFLICT, "import %s is %s", id, out->state);
  error_help(err, "%s", way_on(out->state));
  error_kind(err, "validation");
  state_release(out);
  return ERR_CONFLICT;
}

enum status state_open(struct db *db, const char *database, const char *id, enum db_mode mode,
                       const char *wanted, struct import_state *out, struct error *err) {
  *out = (struct import_state){0};
  enum status s = db_open(db, database, mode, err);
  if (!s) s = state_load(db, id, wanted, out, err);
  return s;
}

enum status source_stamp(const char *path, int64_t *size, int64_t *time, struct error *err) {
  struct stat st;
  if (stat(path, &st)) {
    error_set(err, ERR_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    error_kind(err, "validation");
    return ERR_NOT_FOUND;
  }
  *size = st.st_size;
  *time = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
  return OK;
}

static enum status save_columns(struct db *db, const struct import_spec *spec, struct error *err) {
  sqlite3_stmt *st;
  enum status s =
      db_prepare(db, err, &st, "INSERT INTO stepwise_import_column VALUES(?,?,?,?,?,?,?,?)");
  for (size_t i = 0; i < spec->column_count && !s; i++) {
    const struct import_column *c = &spec->columns[i];
    struct buf chain = BUF_INIT;
    for (size_t k = 0; k < c->chain_count; k++)
      buf_addf(&chain, "%s%s", k ? " " : "", c->chain[k]->name);
    bind_text(st, 1, spec->id);
    sqlite3_bind_int64(st, 2, (int64_t)i);
    bind_text(st, 3, c->from);
    bind_text(st, 4, c->to);
    bind_text(st, 5, buf_str(&chain));
    sqlite3_bind_int(st, 6, c->required);
    sqlite3_bind_int(st, 7, c->blank);
    bind_text(st, 8, c->country);
    s = db_run(db, st, err);
    buf_release(&chain);
  }
  sqlite3_finalize(st);
  return s;
}

static enum status save_keys(struct db *db, const struct import_spec *spec, struct error *err) {
  enum status s = OK;
  for (size_t k = 0; k < spec->key_count; k++)
    for (size_t i = 0; i < spec->keys[k].count && !s; i++)
      s = db_exec(db, err, "INSERT INTO stepwise_import_key VALUES(%Q,%d,%d,%d)", spec->id, (int)k,
                  (int)i, (int)spec->keys[k].columns[i]);
  return s;
}

static enum status save_spec(struct db *db, const struct import_spec *spec, int64_t attempt,
                             struct error *err) {
  int64_t size, time;
  char full[PATH_MAX]; /* whoever looks at the import later may stand elsewhere */
  const char *path = realpath(spec->path, full) ? full : spec->path;
  enum status s = source_stamp(path, &size, &time, err);
  if (!s)
    s = db_exec(db, err,
                "DELETE FROM stepwise_import_column WHERE import = %Q;"
                "DELETE FROM stepwise_import_key WHERE import = %Q;"
                "DELETE FROM stepwise_import_problem WHERE import = %Q;"
                "DELETE FROM stepwise_import WHERE id = %Q;"
                "INSERT INTO stepwise_import(id, state, attempt, target, source, format, sheet,"
                " encoding, delimiter, creates, pads, source_size, source_time, started, changed)"
                " VALUES(%Q,'staging',%lld,%Q,%Q,%Q,%Q,%Q,%Q,%d,%d,%lld,%lld," NOW "," NOW ")",
                spec->id, spec->id, spec->id, spec->id, spec->id, (long long)attempt, spec->table,
                path, spec->format, spec->sheet, spec->encoding, spec->delimiter, spec->create,
                spec->pad, (long long)size, (long long)time);
  if (!s) s = save_columns(db, spec, err);
  if (!s) s = save_keys(db, spec, err);
  return s;
}

enum status state_begin(struct db *db, const struct import_spec *spec, int64_t *attempt,
                        struct error *err) {
  enum status s = db_begin(db, err);
  if (!s) s = state_make_tables(db, err);
  if (!s)
    s = db_int(db, err, attempt, 0, "SELECT attempt FROM stepwise_import WHERE id = %Q", spec->id);
  struct import_state old = {0};
  if (!s && *attempt)
    s = state_load(db, spec->id, "staging staged failed stopped discarded", &old, err);
  state_release(&old);
  ++*attempt;
  if (!s) s = save_spec(db, spec, *attempt, err);
  if (!s) s = db_commit(db, err);
  if (s) db_rollback(db);
  return s;
}

void state_fail(struct db *db, const char *id, const struct error *cause) {
  struct error ignored = {0};
  db_rollback(db);
  if (db_exec(db, &ignored,
              "UPDATE stepwise_import SET state = 'failed', message = %Q, changed = " NOW
              " WHERE id = %Q AND state IN ('staging','staged')",
              cause->message, id))
    error_release(&ignored);
}

#define STATE_ROW                                                                                  \
  "SELECT id, state, target AS \"table\", source AS path, message, policy, rows_read, blank, "     \
  "rejected,"                                                                                      \
  " staged, flagged, problems, created, updated, merged, skipped, removed, restored, kept, "       \
  "started,"                                                                                       \
  " changed FROM stepwise_import "

enum status grid_read(struct db *db, sqlite3_stmt *st, struct grid *out, struct error *err) {
  int columns = sqlite3_column_count(st);
  for (int i = 0; i < columns; i++)
    grid_name(out, sqlite3_column_name(st, i));
  bool row;
  enum status s;
  while (!(s = db_step(db, st, &row, err)) && row)
    for (int i = 0; i < columns; i++) {
      int type = sqlite3_column_type(st, i);
      size_t len;
      if (type == SQLITE_INTEGER) grid_add_integer(out, sqlite3_column_int64(st, i));
      else if (type == SQLITE_FLOAT) {
        struct grid_cell *c = grid_add(out);
        c->type = GRID_REAL;
        c->r = sqlite3_column_double(st, i);
      } else if (type == SQLITE_NULL) (void)grid_add(out);
      else {
        const char *text = column_text(st, i, &len);
        grid_add_text(out, text, len);
      }
    }
  return s;
}

enum status state_row(struct db *db, const char *id, struct grid *out, struct error *err) {
  sqlite3_stmt *st;
  enum status s = db_prepare(db, err, &st, STATE_ROW "WHERE id = %Q", id);
  if (!s) s = grid_read(db, st, out, err);
  sqlite3_finalize(st);
  return s;
}

enum status import_status(const char *database, const char *id, struct grid *out,
                          struct error *err) {
  struct db db;
  struct import_state state;
  enum status s = state_open(&db, database, id, DB_READ, NULL, &state, err);
  if (!s) s = state_row(&db, id, out, err);
  state_release(&state);
  db_close(&db);
  return s;
}

enum status import_list(const char *database, struct grid *out, struct error *err) {
  struct db db;
  bool known = false;
  sqlite3_stmt *st = NULL;
  enum status s = db_open(&db, database, DB_READ, err);
  if (!s) s = has_tables(&db, &known, err);
  if (!s && known) s = db_prepare(&db, err, &st, STATE_ROW "ORDER BY started, id");
  if (!s && known) s = grid_read(&db, st, out, err);
  sqlite3_finalize(st);
  db_close(&db);
  return s;
}

/* Moves an import to a state it may be in already; `from` are the others it may come from. */
static enum status move_to(struct db *db, const char *id, const char *from, const char *to,
                           const char *message, struct error *err) {
  struct import_state state;
  enum status s = db_begin(db, err);
  if (s) return s;
  s = state_load(db, id, from, &state, err);
  if (!s && strcmp(state.state, to))
    s = db_exec(
        db, err,
        "UPDATE stepwise_import SET state = %Q, message = coalesce(%Q, message), changed = " NOW
        " WHERE id = %Q",
        to, message, id);
  state_release(&state);
  if (!s) s = db_commit(db, err);
  if (s) db_rollback(db);
  return s;
}

enum status import_stop(const char *database, const char *id, const char *reason, struct grid *out,
                        struct error *err) {
  struct db db;
  enum status s = db_open(&db, database, DB_WRITE, err);
  if (!s) s = move_to(&db, id, "staging staged failed stopped discarded", "stopped", reason, err);
  if (!s) s = state_row(&db, id, out, err);
  db_close(&db);
  return s;
}

enum status import_discard(const char *database, const char *id, struct grid *out,
                           struct error *err) {
  struct db db;
  enum status s = db_open(&db, database, DB_WRITE, err);
  struct import_state state = {0};
  if (!s) s = state_load(&db, id, NULL, &state, err);
  bool undone = !s && !strcmp(state.state, "rolled_back");
  state_release(&state);
  if (!s && !undone)
    s = move_to(&db, id, "staged failed stopped discarded staging", "discarded", NULL, err);
  if (!s) stage_remove(database, id);
  if (!s) s = state_row(&db, id, out, err);
  db_close(&db);
  return s;
}

static enum status load_columns(struct db *db, const char *id, struct import_spec *out,
                                struct error *err) {
  sqlite3_stmt *st;
  enum status s = db_prepare(db, err, &st,
                             "SELECT source, target, converters, required, blank, country"
                             " FROM stepwise_import_column WHERE import = %Q ORDER BY position",
                             id);
  size_t cap = 0;
  bool row;
  while (!s && !(s = db_step(db, st, &row, err)) && row) {
    if (out->column_count == cap)
      out->columns = mem_grow(out->columns, cap, &cap, sizeof *out->columns);
    struct import_column *c = &out->columns[out->column_count++];
    *c = (struct import_column){.from = column_dup(st, 0),
                                .to = column_dup(st, 1),
                                .required = sqlite3_column_int(st, 3),
                                .blank = sqlite3_column_int(st, 4)};
    if (sqlite3_column_type(st, 5) != SQLITE_NULL) c->country = column_dup(st, 5);
    s = import_column_chain(c, column_text(st, 2, NULL), err);
  }
  sqlite3_finalize(st);
  return s;
}

static enum status load_keys(struct db *db, const char *id, struct import_spec *out,
                             struct error *err) {
  sqlite3_stmt *st;
  enum status s = db_prepare(db, err, &st,
                             "SELECT key, \"column\" FROM stepwise_import_key WHERE import = %Q"
                             " ORDER BY key, position",
                             id);
  bool row;
  while (!s && !(s = db_step(db, st, &row, err)) && row) {
    int64_t k = sqlite3_column_int64(st, 0), column = sqlite3_column_int64(st, 1);
    if (k < 0 || k >= IMPORT_MAX_KEYS || column < 0 || column >= (int64_t)out->column_count)
      continue;
    struct import_key *key = &out->keys[k];
    if (key->count < IMPORT_MAX_KEY_COLUMNS) key->columns[key->count++] = (size_t)column;
    out->key_count = (size_t)k + 1;
  }
  sqlite3_finalize(st);
  return s;
}

static char *dup_or_null(sqlite3_stmt *st, int i) {
  return sqlite3_column_type(st, i) == SQLITE_NULL ? NULL : column_dup(st, i);
}

enum status state_spec(struct db *db, const char *id, struct import_spec *out, struct error *err) {
  *out = (struct import_spec){0};
  sqlite3_stmt *st;
  bool row = false;
  enum status s =
      db_prepare(db, err, &st,
                 "SELECT id, target, source, format, sheet, encoding, delimiter, creates, pads"
                 " FROM stepwise_import WHERE id = %Q",
                 id);
  if (!s) s = db_step(db, st, &row, err);
  if (!s && !row) s = not_found(db, id, err);
  if (!s)
    *out = (struct import_spec){.id = column_dup(st, 0),
                                .table = column_dup(st, 1),
                                .path = column_dup(st, 2),
                                .format = dup_or_null(st, 3),
                                .sheet = dup_or_null(st, 4),
                                .encoding = dup_or_null(st, 5),
                                .delimiter = dup_or_null(st, 6),
                                .create = sqlite3_column_int(st, 7),
                                .pad = sqlite3_column_int(st, 8)};
  sqlite3_finalize(st);
  if (!s) s = load_columns(db, id, out, err);
  if (!s) s = load_keys(db, id, out, err);
  if (s) import_spec_release(out);
  return s;
}

enum status import_load_spec(const char *database, const char *id, struct import_spec *out,
                             struct error *err) {
  struct db db;
  struct import_state state;
  enum status s = state_open(&db, database, id, DB_READ, NULL, &state, err);
  if (!s) s = state_spec(&db, id, out, err);
  state_release(&state);
  db_close(&db);
  return s;
}

enum status import_problems(const char *database, const char *id, int64_t limit, struct grid *out,
                            struct error *err) {
  struct db db;
  struct import_state state;
  sqlite3_stmt *st = NULL;
  enum status s = state_open(&db, database, id, DB_READ, NULL, &state, err);
  if (!s)
    s = db_prepare(&db, err, &st,
                   "SELECT row, \"column\", value, reason, refused AS \"refused?\" FROM "
                   "stepwise_import_problem"
                   " WHERE import = %Q ORDER BY row, position LIMIT %lld",
                   id, (long long)limit);
  if (!s) s = grid_read(&db, st, out, err);
  sqlite3_finalize(st);
  state_release(&state);
  db_close(&db);
  return s;
}
