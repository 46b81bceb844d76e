/* Looking at an import: staged rows, flags, counts, and rows drawn for a comparison with the
 * source. */
#include "sheet_text.h"
#include "sql_import.h"

enum { SPOT_MAX = 1000 };

struct look {
  struct db db;
  struct import_state state;
  struct import_spec spec;
};

static enum status look_open(struct look *l, const char *database, const char *id,
                             const char *wanted, bool staged, struct error *err) {
  *l = (struct look){0};
  enum status s = state_open(&l->db, database, id, DB_READ, wanted, &l->state, err);
  if (!s) s = state_spec(&l->db, id, &l->spec, err);
  if (!s && staged) s = stage_attach(&l->db, database, id, l->state.attempt, err);
  return s;
}

static void look_close(struct look *l) {
  import_spec_release(&l->spec);
  state_release(&l->state);
  db_close(&l->db);
}

enum status import_preview(const char *database, const char *id, int64_t limit, struct grid *out,
                           struct error *err) {
  struct look l;
  sqlite3_stmt *st = NULL;
  struct buf columns = BUF_INIT;
  enum status s = look_open(&l, database, id, "staged", true, err);
  for (size_t i = 0; i < l.spec.column_count; i++) {
    buf_addf(&columns, ", c%zu AS ", i);
    add_name(&columns, l.spec.columns[i].to);
  }
  if (!s)
    s = db_prepare(&l.db, err, &st, "SELECT row_ AS row%s FROM stage.rows ORDER BY row_ LIMIT %lld",
                   buf_str(&columns), (long long)limit);
  if (!s) s = grid_read(&l.db, st, out, err);
  sqlite3_finalize(st);
  buf_release(&columns);
  look_close(&l);
  return s;
}

/* An expression that shows a key's values: "ana@example.org", or several parted by " / ". */
static void show_key(const struct look *l, size_t k, const char *alias, bool staged,
                     struct buf *out) {
  const struct import_key *key = &l->spec.keys[k];
  for (size_t i = 0; i < key->count; i++) {
    buf_addf(out, "%scoalesce(%s.", i ? " || ' / ' || " : "", alias);
    if (staged) buf_addf(out, "c%zu", key->columns[i]);
    else add_name(out, l->spec.columns[key->columns[i]].to);
    buf_adds(out, ", '')");
  }
}

static void key_name(const struct look *l, size_t k, struct buf *out) {
  const struct import_key *key = &l->spec.keys[k];
  for (size_t i = 0; i < key->count; i++)
    buf_addf(out, "%s%s", i ? " + " : "", l->spec.columns[key->columns[i]].to);
}

/* The flags of one key; NULL where the table does not exist yet and nothing can match in it. */
static char *flags_of_key(const struct look *l, size_t k, const struct target *t) {
  struct buf mine = BUF_INIT, theirs = BUF_INIT, table = BUF_INIT, name = BUF_INIT;
  show_key(l, k, "mine", true, &mine);
  show_key(l, k, "theirs", true, &theirs);
  show_key(l, k, "stored", false, &table);
  key_name(l, k, &name);
  char *sql;
  const char *head =
      "SELECT f.row AS row, CASE f.in_file WHEN 1 THEN 'row ' ELSE %Q || ' ' END || f.match AS "
      "matches, %Q AS key,"
      " CASE f.exact WHEN 1 THEN 'exact' ELSE 'similar' END AS kind, %s AS value, %s AS other"
      " FROM stage.flag f JOIN stage.rows mine ON mine.row_ = f.row";
  struct buf other = BUF_INIT;
  if (t->exists)
    buf_addf(&other, "CASE f.in_file WHEN 1 THEN %s ELSE %s END", buf_str(&theirs),
             buf_str(&table));
  else buf_adds(&other, buf_str(&theirs));
  char *first =
      sqlite3_mprintf(head, l->spec.table, buf_str(&name), buf_str(&mine), buf_str(&other));
  char *stored = t->exists
                     ? sqlite3_mprintf(
                           " LEFT JOIN main.\"%w\" stored ON NOT f.in_file AND stored.%s = f.match",
                           l->spec.table, t->rowid)
                     : sqlite3_mprintf("");
  sql = sqlite3_mprintf(
      "%s LEFT JOIN stage.rows theirs ON f.in_file AND theirs.row_ = f.match%s WHERE f.key = %d",
      first, stored, (int)k);
  if (!sql) mem_out();
  sqlite3_free(first);
  sqlite3_free(stored);
  struct buf *all[] = {&mine, &theirs, &table, &name, &other};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    buf_release(all[i]);
  return sql;
}

enum status import_duplicates(const char *database, const char *id, int64_t limit, struct grid *out,
                              struct error *err) {
  struct look l;
  struct target t = {0};
  sqlite3_stmt *st = NULL;
  struct buf sql = BUF_INIT;
  enum status s = look_open(&l, database, id, "staged", true, err);
  if (!s) s = target_load(&l.db, &l.spec, &t, err);
  for (size_t k = 0; k < l.spec.key_count && !s; k++) {
    char *one = flags_of_key(&l, k, &t);
    buf_addf(&sql, "%s%s", k ? " UNION ALL " : "", one);
    sqlite3_free(one);
  }
  if (!s && l.spec.key_count)
    s = db_prepare(&l.db, err, &st, "SELECT * FROM (%s) ORDER BY row, key LIMIT %lld",
                   buf_str(&sql), (long long)limit);
  if (!s && st) s = grid_read(&l.db, st, out, err);
  sqlite3_finalize(st);
  buf_release(&sql);
  target_release(&t);
  look_close(&l);
  return s;
}

struct tally {
  int64_t present, changed, removed;
};
static enum status tally_row(void *ud, int64_t rowid, uint64_t then, uint64_t now,
                             struct error *err) {
  struct tally *t = ud;
  (void)rowid, (void)err;
  if (!then) return OK;
  t->present += now != 0;
  t->removed += now == 0;
  t->changed += now && now != then;
  return OK;
}

enum status import_counts(const char *database, const char *id, struct grid *out,
                          struct error *err) {
  struct look l;
  struct tally t = {0, 0, 0};
  sqlite3_stmt *st = NULL;
  enum status s = look_open(&l, database, id, "committed", false, err);
  if (!s) s = blocks_walk(&l.db, id, &l.state, tally_row, &t, err);
  if (!s)
    s = db_prepare(&l.db, err, &st,
                   "SELECT rows_read, rejected, staged, created, updated, merged, skipped, "
                   "flagged, %lld AS present, %lld AS altered,"
                   " %lld AS removed, target_rows AS table_before, (SELECT count(*) FROM \"%w\") "
                   "AS table_after,"
                   " rows_read = staged + rejected AND created = %lld AND %lld = 0 AND"
                   " CASE policy WHEN 'update' THEN staged >= created + updated + merged ELSE "
                   "staged = created + skipped END"
                   " AS \"balanced?\" FROM stepwise_import WHERE id = %Q",
                   (long long)t.present, (long long)t.changed, (long long)t.removed, l.state.table,
                   (long long)t.present, (long long)t.changed, id);
  if (!s) s = grid_read(&l.db, st, out, err);
  sqlite3_finalize(st);
  look_close(&l);
  return s;
}

/* --- the spot check --- */

struct pick {
  int64_t source, target;
  bool seen;
};

struct spot {
  struct look look;
  const char *rowid;
  struct pick picks[SPOT_MAX];
  uint64_t wanted[SPOT_MAX]; /* which of the rows, in order, ascending */
  size_t count, filled;
  uint64_t at;
  struct row row;
  sqlite3_stmt *stored;
  struct grid *out;
};

static uint64_t scramble(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static int compare_numbers(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}
static int compare_picks(const void *a, const void *b) {
  int64_t x = ((const struct pick *)a)->source, y = ((const struct pick *)b)->source;
  return x < y ? -1 : x > y;
}

/* `limit` different numbers below `total`, decided by the import's id alone. */
static void draw(struct spot *p, const char *id, uint64_t total, uint64_t limit) {
  if (limit > SPOT_MAX) limit = SPOT_MAX;
  uint64_t seed = text_hash(0, id, strlen(id));
  if (limit >= total) {
    for (; p->count < total; p->count++)
      p->wanted[p->count] = p->count;
    return;
  }
  while (p->count < limit) {
    uint64_t n = scramble(seed++) % total;
    bool again = false;
    for (size_t i = 0; i < p->count; i++)
      again |= p->wanted[i] == n;
    if (!again) p->wanted[p->count++] = n;
  }
  qsort(p->wanted, p->count, sizeof *p->wanted, compare_numbers);
}

static enum status pick_created(void *ud, int64_t rowid, uint64_t then, uint64_t now,
                                struct error *err) {
  struct spot *p = ud;
  (void)now, (void)err;
  if (!then) return OK;
  if (p->filled < p->count && p->wanted[p->filled] == p->at)
    p->picks[p->filled++] = (struct pick){rowid - p->look.state.base, rowid, false};
  p->at++;
  return OK;
}

static enum status pick_updated(struct spot *p, const char *id, struct error *err) {
  sqlite3_stmt *st;
  enum status s = db_prepare(&p->look.db, err, &st,
                             "SELECT source_row, target_row FROM stepwise_import_change"
                             " WHERE import = %Q AND kind = 'updated' ORDER BY target_row",
                             id);
  bool row;
  while (!s && p->filled < p->count && !(s = db_step(&p->look.db, st, &row, err)) && row) {
    if (p->wanted[p->filled] == p->at)
      p->picks[p->filled++] =
          (struct pick){sqlite3_column_int64(st, 0), sqlite3_column_int64(st, 1), false};
    p->at++;
  }
  sqlite3_finalize(st);
  return s;
}

/* A created row that took values from rows repeating it: its source is more than one row. */
static enum status is_merged(struct spot *p, int64_t target, bool *merged, struct error *err) {
  int64_t n = 0;
  enum status s =
      db_int(&p->look.db, err, &n, 0,
             "SELECT count(*) FROM stepwise_import_change WHERE import = %Q AND target_row = %lld"
             " AND kind = 'merged'",
             p->look.spec.id, (long long)target);
  *merged = n > 0;
  return s;
}

static bool same_value(const struct converted *v, sqlite3_stmt *st, int i) {
  size_t len;
  int type = sqlite3_column_type(st, i);
  bool number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  if (v->type == CONVERTED_NULL) return type == SQLITE_NULL;
  if (v->type == CONVERTED_REAL && number) return sqlite3_column_double(st, i) == v->r;
  if (v->type == CONVERTED_INTEGER && number) return sqlite3_column_int64(st, i) == v->i;
  const char *s = column_text(st, i, &len);
  if (v->type == CONVERTED_TEXT)
    return type != SQLITE_NULL && len == v->len && !memcmp(s, v->s, len);
  char text[32];
  snprintf(text, sizeof text, "%lld", (long long)v->i);
  return v->type == CONVERTED_INTEGER && !strcmp(text, s);
}

static void describe(const struct converted *v, struct buf *out) {
  if (v->type == CONVERTED_TEXT) buf_addf(out, "\"%.*s\"", (int)utf8_cut(v->s, v->len, 60), v->s);
  else if (v->type == CONVERTED_INTEGER) buf_addf(out, "%lld", (long long)v->i);
  else if (v->type == CONVERTED_REAL) buf_addf(out, "%.15g", v->r);
  else buf_adds(out, "nothing");
}

static void compare_columns(struct spot *p, bool partial, struct buf *out) {
  for (size_t i = 0; i < p->look.spec.column_count; i++) {
    const struct converted *v = &p->row.values[i];
    if (same_value(v, p->stored, (int)i) || (partial && v->type == CONVERTED_NULL)) continue;
    buf_addf(out, "%s%s is ", out->len ? "; " : "", p->look.spec.columns[i].to);
    if (sqlite3_column_type(p->stored, (int)i) == SQLITE_NULL) buf_adds(out, "nothing");
    else buf_addf(out, "\"%.80s\"", column_text(p->stored, (int)i, NULL));
    buf_adds(out, ", the file says ");
    describe(v, out);
  }
}

static void report(struct spot *p, const struct pick *pick, const struct buf *difference) {
  grid_add_integer(p->out, pick->source);
  grid_add_integer(p->out, pick->target);
  grid_add_integer(p->out, difference->len == 0);
  grid_add_text(p->out, buf_str(difference), difference->len);
}

static enum status check_pick(struct spot *p, struct pick *pick, const struct record *record,
                              struct error *err) {
  struct buf difference = BUF_INIT;
  bool good = false, found = false, merged = false;
  enum status s = row_convert(&p->row, record, NULL, NULL, &good, err);
  sqlite3_bind_int64(p->stored, 1, pick->target);
  if (!s) s = db_step(&p->look.db, p->stored, &found, err);
  if (!s) s = is_merged(p, pick->target, &merged, err);
  bool created = pick->target == p->look.state.base + pick->source;
  if (!s && !found) buf_adds(&difference, "the row is gone from the table");
  else if (!s && !good) buf_adds(&difference, "the row of the file would be refused now");
  else if (!s && !merged) compare_columns(p, !created, &difference);
  if (!s) report(p, pick, &difference);
  pick->seen = true;
  sqlite3_reset(p->stored);
  buf_release(&difference);
  return s;
}

static enum status read_source(struct spot *p, struct sheet *sheet, struct error *err) {
  struct record record;
  bool more;
  size_t next = 0;
  enum status s = OK;
  while (next < p->filled && !(s = sheet_next(sheet, &record, &more, err)) && more)
    while (!s && next < p->filled && p->picks[next].source <= (int64_t)record.row) {
      if (p->picks[next].source == (int64_t)record.row)
        s = check_pick(p, &p->picks[next], &record, err);
      next++;
    }
  return s;
}

static enum status check_source(struct spot *p, struct error *err) {
  int64_t size, time;
  enum status s = source_stamp(p->look.state.path, &size, &time, err);
  if (s || (size == p->look.state.source_size && time == p->look.state.source_time)) return s;
  error_set(err, ERR_CONFLICT, "%s changed since it was imported", p->look.state.path);
  error_help(err, "compare with a copy of the file as it was");
  error_kind(err, "conflict");
  return ERR_CONFLICT;
}

static enum status pick_rows(struct spot *p, const char *id, int64_t limit, struct error *err) {
  int64_t updated = 0;
  enum status s = db_int(&p->look.db, err, &updated, 0,
                         "SELECT updated FROM stepwise_import WHERE id = %Q", id);
  if (s) return s;
  draw(p, id, (uint64_t)(p->look.state.created + updated), limit < 0 ? 0 : (uint64_t)limit);
  s = blocks_walk(&p->look.db, id, &p->look.state, pick_created, p, err);
  if (!s) s = pick_updated(p, id, err);
  qsort(p->picks, p->filled, sizeof *p->picks, compare_picks);
  return s;
}

static enum status prepare_stored(struct spot *p, struct error *err) {
  struct buf columns = BUF_INIT;
  for (size_t i = 0; i < p->look.spec.column_count; i++) {
    if (i) buf_addc(&columns, ',');
    add_name(&columns, p->look.spec.columns[i].to);
  }
  enum status s = target_rowid(&p->look.db, p->look.state.table, &p->rowid, err);
  if (!s)
    s = db_prepare(&p->look.db, err, &p->stored, "SELECT %s FROM main.\"%w\" WHERE %s = ?",
                   buf_str(&columns), p->look.state.table, p->rowid);
  buf_release(&columns);
  return s;
}

enum status import_spot_check(const char *database, const char *id, int64_t limit, struct grid *out,
                              struct error *err) {
  struct spot *p = mem_zalloc(sizeof *p);
  struct sheet *sheet = NULL;
  struct sheet_options options;
  static const char *const names[] = {"row", "table_row", "same?", "difference"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    grid_name(out, names[i]);
  p->out = out;
  enum status s = look_open(&p->look, database, id, "committed", false, err);
  if (!s) s = check_source(p, err);
  if (!s) s = pick_rows(p, id, limit, err);
  if (!s) s = prepare_stored(p, err);
  import_spec_options(&p->look.spec, &options);
  if (!s) s = sheet_open(&sheet, &options, err);
  if (!s) s = row_init(&p->row, &p->look.spec, sheet, err);
  if (!s) s = read_source(p, sheet, err);
  sheet_close(sheet);
  if (p->row.spec) row_release(&p->row);
  sqlite3_finalize(p->stored);
  look_close(&p->look);
  mem_free(p);
  return s;
}
