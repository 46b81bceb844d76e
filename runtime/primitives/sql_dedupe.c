/* Duplicates, within the file and against the table.
 *
 * Every row gives, for each key, a hash of the key's normal form. All hashes, the table's and the
 * file's, are sorted together; rows that share one stand side by side, the table's first. The
 * first of a group is the original, the file's rows after it are flagged once their values were
 * compared: hashes only propose. */
#include "sheet_sort.h"
#include "sheet_text.h"
#include "sql_import.h"

enum { PAIRS_IN_MEMORY = 1 << 19 }; /* of 16 bytes, for all keys together */

struct dedupe {
  const struct import_spec *spec;
  struct sorter *sorters[IMPORT_MAX_KEYS];
  struct buf text;
};

struct dedupe *dedupe_new(const struct import_spec *spec, const char *directory) {
  struct dedupe *d = mem_zalloc(sizeof *d);
  d->spec = spec;
  for (size_t k = 0; k < spec->key_count; k++)
    d->sorters[k] = sorter_new(directory, PAIRS_IN_MEMORY / spec->key_count);
  return d;
}

void dedupe_free(struct dedupe *d) {
  if (!d) return;
  for (size_t k = 0; k < d->spec->key_count; k++)
    sorter_free(d->sorters[k]);
  buf_release(&d->text);
  mem_free(d);
}

enum { PART_END = 0x1f };

/* Adds one part of a key; false when it is blank, so that the row has no such key. */
static bool add_part(struct buf *out, const char *s, size_t len) {
  size_t before = out->len;
  text_normal(out, s, len);
  if (out->len == before) return false;
  buf_addc(out, PART_END);
  return true;
}

static bool value_part(struct buf *out, const struct converted *v) {
  char number[32];
  if (v->type == CONVERTED_TEXT) return add_part(out, v->s, v->len);
  if (v->type == CONVERTED_NULL) return false;
  int n = v->type == CONVERTED_INTEGER ? snprintf(number, sizeof number, "%lld", (long long)v->i)
                                       : snprintf(number, sizeof number, "%.15g", v->r);
  return add_part(out, number, (size_t)n);
}

enum status dedupe_add(struct dedupe *d, const struct row *r, int64_t row, struct error *err) {
  for (size_t k = 0; k < d->spec->key_count; k++) {
    const struct import_key *key = &d->spec->keys[k];
    buf_clear(&d->text);
    bool whole = true;
    for (size_t i = 0; i < key->count && whole; i++)
      whole = value_part(&d->text, &r->values[key->columns[i]]);
    if (!whole) continue;
    enum status s =
        sorter_add(d->sorters[k], text_hash(k, d->text.data, d->text.len), true, row, err);
    if (s) return s;
  }
  return OK;
}

/* The normal form of a key whose parts are the statement's columns from `first` on. */
static bool key_of(sqlite3_stmt *st, int first, size_t count, struct buf *out) {
  buf_clear(out);
  for (size_t i = 0; i < count; i++) {
    size_t len;
    if (sqlite3_column_type(st, first + (int)i) == SQLITE_NULL) return false;
    const char *s = column_text(st, first + (int)i, &len);
    if (!add_part(out, s, len)) return false;
  }
  return true;
}

static void key_columns(const struct import_spec *spec, size_t k, bool staged, struct buf *out) {
  const struct import_key *key = &spec->keys[k];
  for (size_t i = 0; i < key->count; i++) {
    if (i) buf_addc(out, ',');
    if (staged) buf_addf(out, "c%zu", key->columns[i]);
    else add_name(out, spec->columns[key->columns[i]].to);
  }
}

static enum status add_target(struct dedupe *d, size_t k, struct db *db, const struct target *t,
                              struct error *err) {
  struct buf columns = BUF_INIT;
  key_columns(d->spec, k, false, &columns);
  sqlite3_stmt *st;
  enum status s = db_prepare(db, err, &st, "SELECT %s, %s FROM \"%w\"", t->rowid, buf_str(&columns),
                             d->spec->table);
  bool row;
  while (!s && !(s = db_step(db, st, &row, err)) && row)
    if (key_of(st, 1, d->spec->keys[k].count, &d->text))
      s = sorter_add(d->sorters[k], text_hash(k, d->text.data, d->text.len), false,
                     sqlite3_column_int64(st, 0), err);
  sqlite3_finalize(st);
  buf_release(&columns);
  return s;
}

/* What it takes to look two rows up and compare them. */
struct matcher {
  struct dedupe *d;
  size_t k;
  struct db *stage, *db;
  sqlite3_stmt *staged, *stored, *flag;
  struct buf other;
  int64_t flagged;
};

static enum status prepare_matcher(struct matcher *m, const struct target *t, struct error *err) {
  struct buf columns = BUF_INIT;
  key_columns(m->d->spec, m->k, true, &columns);
  enum status s = db_prepare(m->stage, err, &m->staged, "SELECT %s FROM rows WHERE row_ = ?",
                             buf_str(&columns));
  buf_clear(&columns);
  key_columns(m->d->spec, m->k, false, &columns);
  if (!s && t->exists)
    s = db_prepare(m->db, err, &m->stored, "SELECT %s FROM \"%w\" WHERE %s = ?", buf_str(&columns),
                   m->d->spec->table, t->rowid);
  if (!s) s = db_prepare(m->stage, err, &m->flag, "INSERT INTO flag VALUES(?,%d,?,?,?)", (int)m->k);
  buf_release(&columns);
  return s;
}

static void release_matcher(struct matcher *m) {
  sqlite3_finalize(m->staged);
  sqlite3_finalize(m->stored);
  sqlite3_finalize(m->flag);
  buf_release(&m->other);
}

/* Reads a row's key as written (exact) and in normal form. */
static enum status read_key(struct matcher *m, bool staged, int64_t row, struct buf *exact,
                            struct buf *normal, struct error *err) {
  sqlite3_stmt *st = staged ? m->staged : m->stored;
  bool found;
  sqlite3_bind_int64(st, 1, row);
  enum status s = db_step(staged ? m->stage : m->db, st, &found, err);
  size_t count = m->d->spec->keys[m->k].count;
  buf_clear(normal);
  buf_clear(exact);
  if (!s && found && key_of(st, 0, count, normal))
    for (size_t i = 0; i < count; i++) {
      size_t len;
      const char *text = column_text(st, (int)i, &len);
      buf_add(exact, text, len);
      buf_addc(exact, PART_END);
    }
  sqlite3_reset(st);
  return s;
}

static bool same_text(const struct buf *a, const struct buf *b) {
  return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

static enum status compare_rows(struct matcher *m, const struct sort_pair *first,
                                const struct sort_pair *later, struct error *err) {
  struct buf exact[2] = {BUF_INIT, BUF_INIT}, normal[2] = {BUF_INIT, BUF_INIT};
  enum status s = read_key(m, sort_source(first), first->row, &exact[0], &normal[0], err);
  if (!s) s = read_key(m, true, later->row, &exact[1], &normal[1], err);
  if (!s && same_text(&normal[0], &normal[1])) {
    sqlite3_bind_int64(m->flag, 1, later->row);
    sqlite3_bind_int(m->flag, 2, same_text(&exact[0], &exact[1]));
    sqlite3_bind_int(m->flag, 3, sort_source(first));
    sqlite3_bind_int64(m->flag, 4, first->row);
    s = db_run(m->stage, m->flag, err);
  }
  for (size_t i = 0; i < 2; i++) {
    buf_release(&exact[i]);
    buf_release(&normal[i]);
  }
  return s;
}

static enum status walk_groups(struct matcher *m, struct error *err) {
  struct sorter *sorter = m->d->sorters[m->k];
  struct sort_pair first = {0, 0}, pair;
  bool more, any = false;
  enum status s = sorter_finish(sorter, err);
  while (!s && !(s = sorter_next(sorter, &pair, &more, err)) && more) {
    if (any && sort_hash(&first) == sort_hash(&pair)) {
      if (sort_source(&pair)) s = compare_rows(m, &first, &pair, err);
    } else {
      first = pair;
      any = true;
    }
  }
  return s;
}

static enum status flag_key(struct dedupe *d, size_t k, struct db *stage, struct db *db,
                            const struct target *t, struct error *err) {
  enum status s = t->exists ? add_target(d, k, db, t, err) : OK;
  struct matcher m = {.d = d, .k = k, .stage = stage, .db = db};
  if (!s) s = prepare_matcher(&m, t, err);
  if (!s) s = walk_groups(&m, err);
  release_matcher(&m);
  sorter_free(d->sorters[k]);
  d->sorters[k] = NULL;
  return s;
}

/* One verdict a flagged row: its first key decides, and a match that is itself flagged hands on
 * what it matches. Matches in the file always point to earlier rows, so one pass in order does. */
static enum status resolve(struct db *stage, int64_t *flagged, struct error *err) {
  sqlite3_stmt *flags, *find = NULL, *put = NULL;
  enum status s =
      db_prepare(stage, err, &flags, "SELECT row, in_file, match FROM flag ORDER BY row, key");
  if (!s) s = db_prepare(stage, err, &find, "SELECT in_file, match FROM dup WHERE row = ?");
  if (!s) s = db_prepare(stage, err, &put, "INSERT OR IGNORE INTO dup VALUES(?,?,?)");
  bool row, found;
  int64_t count = 0;
  while (!s && !(s = db_step(stage, flags, &row, err)) && row) {
    int in_file = sqlite3_column_int(flags, 1);
    int64_t match = sqlite3_column_int64(flags, 2);
    sqlite3_bind_int64(find, 1, match);
    if (in_file && !(s = db_step(stage, find, &found, err)) && found) {
      in_file = sqlite3_column_int(find, 0);
      match = sqlite3_column_int64(find, 1);
    }
    sqlite3_reset(find);
    sqlite3_bind_int64(put, 1, sqlite3_column_int64(flags, 0));
    sqlite3_bind_int(put, 2, in_file);
    sqlite3_bind_int64(put, 3, match);
    if (!s) s = db_run(stage, put, err);
    count += sqlite3_changes(stage->handle);
  }
  sqlite3_finalize(flags);
  sqlite3_finalize(find);
  sqlite3_finalize(put);
  *flagged = count;
  return s;
}

enum status dedupe_finish(struct dedupe *d, struct db *stage, struct db *db,
                          const struct target *target, int64_t *flagged, struct error *err) {
  enum status s = OK;
  for (size_t k = 0; k < d->spec->key_count && !s; k++)
    s = flag_key(d, k, stage, db, target, err);
  return s ? s : resolve(stage, flagged, err);
}
