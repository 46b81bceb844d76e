/* The table that an import goes into: does the mapping fit it. */
#include "../../lang/sym.h"
#include "sql_import.h"

void target_release(struct target *t) {
  buf_release(&t->columns);
  *t = (struct target){0};
}

void add_name(struct buf *out, const char *name) {
  buf_addc(out, '"');
  for (; *name; name++) {
    if (*name == '"') buf_addc(out, '"');
    buf_addc(out, *name);
  }
  buf_addc(out, '"');
}

/* What PRAGMA table_xinfo says of one column. */
struct table_column {
  char *name;
  bool hidden, generated, is_rowid, needed;
};
struct table_info {
  struct table_column *columns;
  size_t count;
};

static void info_release(struct table_info *info) {
  for (size_t i = 0; i < info->count; i++)
    mem_free(info->columns[i].name);
  mem_free(info->columns);
}

static enum status refuse(struct error *err, const char *help, const char *fmt, ...)
    like_printf(3, 4);
static enum status refuse(struct error *err, const char *help, const char *fmt, ...) {
  struct buf text = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&text, fmt, ap);
  va_end(ap);
  error_set(err, ERR_VALUE, "%s", buf_str(&text));
  error_help(err, "%s", help);
  error_kind(err, "validation");
  buf_release(&text);
  return ERR_VALUE;
}

static enum status load_info(struct db *db, const char *table, struct table_info *out,
                             struct error *err) {
  sqlite3_stmt *st;
  enum status s = db_prepare(db, err, &st,
                             "SELECT name, hidden, pk, type, \"notnull\", dflt_value,"
                             " (SELECT count(*) FROM pragma_table_xinfo(%Q) WHERE pk > 0)"
                             " FROM pragma_table_xinfo(%Q)",
                             table, table);
  bool row = true;
  size_t cap = 0;
  while (!s && !(s = db_step(db, st, &row, err)) && row) {
    if (out->count == cap)
      out->columns = mem_grow(out->columns, out->count, &cap, sizeof *out->columns);
    int hidden = sqlite3_column_int(st, 1);
    bool key = sqlite3_column_int(st, 2) && sqlite3_column_int(st, 6) == 1 &&
               !strcasecmp(column_text(st, 3, NULL), "INTEGER");
    out->columns[out->count++] = (struct table_column){
        column_dup(st, 0), hidden == 1, hidden > 1, key,
        sqlite3_column_int(st, 4) && sqlite3_column_type(st, 5) == SQLITE_NULL && !key};
  }
  sqlite3_finalize(st);
  return s;
}

static struct table_column *find_column(const struct table_info *info, const char *name) {
  for (size_t i = 0; i < info->count; i++)
    if (!strcasecmp(info->columns[i].name, name)) return &info->columns[i];
  return NULL;
}

static const char *nearest(const struct table_info *info, const char *name) {
  const char **names = mem_array(info->count + 1, sizeof *names);
  for (size_t i = 0; i < info->count; i++)
    names[i] = info->columns[i].name;
  int best = name_nearest(name, names, info->count);
  const char *found = best < 0 ? NULL : names[best];
  mem_free(names);
  return found;
}

static enum status check_column(const struct table_info *info, const char *table, const char *name,
                                struct error *err) {
  const struct table_column *c = find_column(info, name);
  if (!c || c->hidden) {
    const char *near = nearest(info, name);
    refuse(err, "map to a column that the table has", "table %s has no column \"%s\"", table, name);
    if (near) error_help(err, "did you mean \"%s\"?", near);
    return err->status;
  }
  if (c->generated)
    return refuse(err, "leave it out of the mapping", "column %s of %s is computed by the database",
                  name, table);
  if (c->is_rowid)
    return refuse(err, "map it to another column; the database numbers the rows",
                  "column %s of %s is the row number, which the import cannot set", name, table);
  return OK;
}

static enum status check_needed(const struct table_info *info, const struct import_spec *spec,
                                struct error *err) {
  for (size_t i = 0; i < info->count; i++) {
    if (!info->columns[i].needed || info->columns[i].generated) continue;
    bool mapped = false;
    for (size_t k = 0; k < spec->column_count; k++)
      mapped |= !strcasecmp(spec->columns[k].to, info->columns[i].name);
    if (!mapped)
      return refuse(
          err, "map a column of the file to it",
          "column %s of %s must not be empty and has no default, and nothing is mapped to it",
          info->columns[i].name, spec->table);
  }
  return OK;
}

static const char *free_rowid(const struct table_info *info) {
  static const char *const names[] = {"rowid", "_rowid_", "oid"};
  for (size_t i = 0; i < 3; i++)
    if (!find_column(info, names[i])) return names[i];
  return NULL;
}

/* Views, virtual tables and tables without row ids cannot be undone by row id. */
static enum status check_kind(struct db *db, const char *table, bool *exists, struct error *err) {
  sqlite3_stmt *st;
  bool row = false;
  enum status s = db_prepare(
      db, err, &st,
      "SELECT type, wr FROM pragma_table_list WHERE schema = 'main' AND name = %Q COLLATE NOCASE",
      table);
  if (!s) s = db_step(db, st, &row, err);
  *exists = row;
  if (!s && row && strcmp(column_text(st, 0, NULL), "table"))
    s = refuse(err, "name a table", "%s is a %s of the database, not a table", table,
               column_text(st, 0, NULL));
  else if (!s && row && sqlite3_column_int(st, 1))
    s = refuse(err, "import into a table that has row ids",
               "table %s is WITHOUT ROWID; its rows could not be told apart for a rollback", table);
  sqlite3_finalize(st);
  return s;
}

static enum status check_against(struct db *db, const struct import_spec *spec,
                                 const struct table_info *info, struct target *out,
                                 struct error *err) {
  (void)db;
  enum status s = OK;
  for (size_t i = 0; i < spec->column_count && !s; i++)
    s = check_column(info, spec->table, spec->columns[i].to, err);
  if (!s) s = check_needed(info, spec, err);
  out->rowid = free_rowid(info);
  if (!s && !out->rowid)
    s = refuse(err, "rename one of them", "table %s has columns named rowid, _rowid_ and oid",
               spec->table);
  for (size_t i = 0; i < info->count && !s; i++) {
    if (info->columns[i].hidden || info->columns[i].generated) continue;
    if (out->column_count++) buf_addc(&out->columns, ',');
    add_name(&out->columns, info->columns[i].name);
  }
  return s;
}

enum status target_load(struct db *db, const struct import_spec *spec, struct target *out,
                        struct error *err) {
  *out = (struct target){.rowid = "rowid"};
  if (!strncasecmp(spec->table, "stepwise_", 9) || !strncasecmp(spec->table, "sqlite_", 7))
    return refuse(err, "choose another name", "%s is a reserved table name", spec->table);
  enum status s = check_kind(db, spec->table, &out->exists, err);
  if (s) return s;
  if (!out->exists) {
    if (spec->create) return OK;
    return refuse(err, "check the name, or say create: true to have it made",
                  "database %s has no table \"%s\"", db->path, spec->table);
  }
  struct table_info info = {0};
  s = load_info(db, spec->table, &info, err);
  if (!s) s = check_against(db, spec, &info, out, err);
  info_release(&info);
  if (s) target_release(out);
  return s;
}

enum status target_rowid(struct db *db, const char *table, const char **out, struct error *err) {
  struct table_info info = {0};
  enum status s = load_info(db, table, &info, err);
  if (!s) *out = free_rowid(&info);
  if (!s && !*out)
    s = refuse(err, "rename one of them", "table %s has columns named rowid, _rowid_ and oid",
               table);
  info_release(&info);
  return s;
}

void target_create_sql(const struct import_spec *spec, struct buf *out) {
  buf_adds(out, "CREATE TABLE ");
  add_name(out, spec->table);
  buf_addc(out, '(');
  bool has_id = false;
  for (size_t i = 0; i < spec->column_count; i++)
    has_id |= !strcasecmp(spec->columns[i].to, "id");
  /* Row ids that a column shows survive VACUUM, so the import can be rolled back after one. */
  buf_adds(out, has_id ? "stepwise_id INTEGER PRIMARY KEY" : "id INTEGER PRIMARY KEY");
  for (size_t i = 0; i < spec->column_count; i++) {
    const struct import_column *c = &spec->columns[i];
    buf_adds(out, ", ");
    add_name(out, c->to);
    buf_addf(out, " %s%s", c->chain_count ? c->chain[c->chain_count - 1]->column_type : "TEXT",
             c->required ? " NOT NULL" : "");
  }
  buf_addc(out, ')');
}
