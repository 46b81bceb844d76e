/* From values to what the import functions take, and back: see sheet_args.h. */
#include "sheet_args.h"
#include "sheet_text.h"
#include "../utf8.h"

static enum status bad(struct error *err, const char *help, const char *fmt, ...) like_printf(3, 4);
static enum status bad(struct error *err, const char *help, const char *fmt, ...) {
  struct buf text = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&text, fmt, ap);
  va_end(ap);
  error_set(err, ERR_VALUE, "%s", buf_str(&text));
  if (help) error_help(err, "%s", help);
  error_kind(err, "validation");
  buf_release(&text);
  return ERR_VALUE;
}

/* "First Name" becomes first_name. */
static char *default_name(const char *from) {
  struct buf low = BUF_INIT, out = BUF_INIT;
  text_downcase(&low, from, strlen(from));
  for (const char *p = buf_str(&low); *p; p++) {
    bool letter = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || (uint8_t)*p >= 0x80;
    if (letter) buf_addc(&out, *p);
    else if (out.len && out.data[out.len - 1] != '_') buf_addc(&out, '_');
  }
  while (out.len && out.data[out.len - 1] == '_')
    buf_truncate(&out, out.len - 1);
  buf_release(&low);
  return buf_take(&out);
}

static enum status set_chain(struct primitive_call *call, struct import_column *c, value v,
                             struct error *err) {
  const char *one = arg_text(call, v);
  if (one) return import_column_chain(c, one, err);
  if (v.tag != V_ARRAY)
    return bad(err, NULL, "convert: of column \"%s\" is %s, not a name or names", c->from,
               value_type_name(v));
  const struct list *l = value_array(v);
  enum status s = OK;
  for (size_t i = 0; i < l->count && !s; i++) {
    one = arg_text(call, l->items[i]);
    s = one ? import_column_chain(c, one, err)
            : bad(err, NULL, "convert: of column \"%s\" holds %s", c->from,
                  value_type_name(l->items[i]));
  }
  return s;
}

static enum status set_option(struct primitive_call *call, struct import_column *c, const char *key,
                              value v, value *convert, struct error *err) {
  static const char *const keys[] = {"from", "to", "convert", "required", "blank", "country"};
  const char *text = arg_text(call, v);
  if (!strcmp(key, "convert")) *convert = v;
  else if (!strcmp(key, "required")) c->required = value_truthy(v);
  else if (!strcmp(key, "blank")) c->blank = value_truthy(v);
  else if (v.tag == V_NIL && strcmp(key, "from")) return OK;
  else if (!text && (!strcmp(key, "from") || !strcmp(key, "to") || !strcmp(key, "country")))
    return bad(err, NULL, "%s: of a column is %s, not a string", key, value_type_name(v));
  else if (!strcmp(key, "from") && !c->from) c->from = mem_strdup(text);
  else if (!strcmp(key, "to") && !c->to) c->to = mem_strdup(text);
  else if (!strcmp(key, "country") && !c->country) c->country = mem_strdup(text);
  else {
    int near = name_nearest(key, keys, sizeof keys / sizeof *keys);
    bad(err, "a column has from:, to:, convert:, required:, blank: and country:",
        "a column has no option \"%s\"", key);
    if (near >= 0) error_help(err, "did you mean %s:?", keys[near]);
    return err->status;
  }
  return OK;
}

static enum status read_column(struct primitive_call *call, struct import_column *c, value v,
                               struct error *err) {
  if (v.tag != V_HASH && v.tag != V_RECORD)
    return bad(err, "write each column as { from: \"Phone\", to: \"phone\", convert: :phone }",
               "a column of the mapping is %s", value_type_name(v));
  const struct dict *d = value_dict(v);
  value convert = VALUE_NIL, key, item;
  enum status s = OK;
  for (size_t i = 0; i < dict_count(d) && !s; i++) {
    dict_at(d, i, &key, &item);
    const char *name = arg_text(call, key);
    s = set_option(call, c, name ? name : "", item, &convert, err);
  }
  if (s) return s;
  if (!c->from || !*c->from)
    return bad(err, "from: names it as the file's header does",
               "a column of the mapping has no from:");
  if (!c->to) c->to = default_name(c->from);
  if (!*c->to)
    return bad(err, "say to: \"...\"", "column \"%s\" needs a name in the table", c->from);
  if (c->country && !country_known(c->country))
    return bad(err, "write numbers of other countries with + and their code",
               "country \"%s\" has no known phone numbers", c->country);
  return convert.tag == V_NIL ? OK : set_chain(call, c, convert, err);
}

enum status args_columns(struct primitive_call *call, value columns, struct import_spec *spec,
                         struct error *err) {
  const struct list *l = value_array(columns);
  if (!l->count)
    return bad(err, "say which columns of the file go where", "the mapping has no columns");
  if (l->count > SHEET_MAX_COLUMNS)
    return bad(err, NULL, "the mapping has more than %d columns", SHEET_MAX_COLUMNS);
  spec->columns = mem_array(l->count, sizeof *spec->columns);
  enum status s = OK;
  for (size_t i = 0; i < l->count && !s; i++) {
    s = read_column(call, &spec->columns[spec->column_count++], l->items[i], err);
    for (size_t k = 0; k < i && !s; k++)
      if (!strcasecmp(spec->columns[k].to, spec->columns[i].to))
        s = bad(err, "each column of the table takes one column of the file",
                "two columns of the mapping go to \"%s\"", spec->columns[i].to);
  }
  return s;
}

static enum status find_to(const struct import_spec *spec, const char *name, const char *what,
                           size_t *out, struct error *err) {
  struct buf known = {.max = 400};
  for (*out = 0; *out < spec->column_count; ++*out)
    if (!strcasecmp(spec->columns[*out].to, name)) return OK;
  for (size_t i = 0; i < spec->column_count; i++)
    buf_addf(&known, "%s%s", i ? ", " : "", spec->columns[i].to);
  bad(err, NULL, "%s names \"%.60s\", which is no column of the mapping", what, name);
  error_help(err, "the mapping's columns are: %s", buf_str(&known));
  buf_release(&known);
  return err->status;
}

static enum status add_key_column(struct primitive_call *call, struct import_spec *spec,
                                  struct import_key *key, value v, struct error *err) {
  const char *name = arg_text(call, v);
  if (!name) return bad(err, NULL, "a key holds %s, not a column's name", value_type_name(v));
  if (key->count == IMPORT_MAX_KEY_COLUMNS)
    return bad(err, NULL, "a key has more than %d columns", IMPORT_MAX_KEY_COLUMNS);
  return find_to(spec, name, "a key", &key->columns[key->count++], err);
}

enum status args_keys(struct primitive_call *call, value keys, struct import_spec *spec,
                      struct error *err) {
  if (keys.tag == V_NIL) return OK;
  const struct list *l = value_array(keys);
  if (l->count > IMPORT_MAX_KEYS)
    return bad(err, NULL, "there are more than %d keys", IMPORT_MAX_KEYS);
  enum status s = OK;
  for (size_t i = 0; i < l->count && !s; i++) {
    struct import_key *key = &spec->keys[spec->key_count++];
    value v = l->items[i];
    if (v.tag != V_ARRAY) {
      s = add_key_column(call, spec, key, v, err);
      continue;
    }
    const struct list *parts = value_array(v);
    if (!parts->count) s = bad(err, NULL, "key %zu has no columns", i + 1);
    for (size_t k = 0; k < parts->count && !s; k++)
      s = add_key_column(call, spec, key, parts->items[k], err);
  }
  return s;
}

enum status args_rename(struct primitive_call *call, value names, struct import_spec *spec,
                        struct error *err) {
  if (names.tag == V_NIL) return OK;
  const struct dict *d = value_dict(names);
  for (size_t i = 0; i < dict_count(d); i++) {
    value key, item;
    dict_at(d, i, &key, &item);
    const char *old = arg_text(call, key), *now = arg_text(call, item);
    bool found = false;
    for (size_t k = 0; old && now && k < spec->column_count; k++) {
      if (strcasecmp(spec->columns[k].from, old)) continue;
      mem_free(spec->columns[k].from);
      spec->columns[k].from = mem_strdup(now);
      found = true;
    }
    if (!found)
      return bad(err, "rename: { \"name in the mapping\" => \"name in the file\" }",
                 "the mapping takes no column \"%s\"", old ? old : "");
  }
  return OK;
}

enum status args_blank(struct primitive_call *call, value columns, struct import_spec *spec,
                       struct error *err) {
  if (columns.tag == V_NIL) return OK;
  const struct list *l = value_array(columns);
  for (size_t i = 0; i < l->count; i++) {
    const char *name = arg_text(call, l->items[i]);
    size_t at;
    enum status s = find_to(spec, name ? name : "", "blank:", &at, err);
    if (s) return s;
    spec->columns[at].blank = true;
  }
  return OK;
}

/* Texts of a database may be of any encoding: what is no UTF-8 becomes U+FFFD. */
static value text_value(const char *s, size_t len) {
  if (utf8_valid(s, len)) return value_string(s, len);
  struct buf clean = BUF_INIT;
  for (size_t i = 0; i < len;) {
    size_t width = utf8_width(s[i]);
    bool good = width <= len - i && utf8_valid(s + i, width);
    if (good) buf_add(&clean, s + i, width);
    else buf_add_utf8(&clean, 0xFFFD);
    i += good ? width : 1;
  }
  value v = value_string(buf_str(&clean), clean.len);
  buf_release(&clean);
  return v;
}

static value cell_value(const struct grid_cell *c, bool truth) {
  if (truth) return value_bool(c->type == GRID_INTEGER && c->i);
  switch (c->type) {
  case GRID_INTEGER:
    return value_int(c->i);
  case GRID_REAL:
    return value_float(c->r);
  case GRID_TEXT:
    return text_value(c->s, c->len);
  case GRID_NULL:
    break;
  }
  return VALUE_NIL;
}

static value record_of_row(const struct primitive_call *call, const struct grid *g, size_t row) {
  struct dict *d = dict_new();
  for (size_t i = 0; i < g->columns; i++) {
    size_t len = strlen(g->names[i]);
    bool truth = len && g->names[i][len - 1] == '?';
    sym name = sym_intern(call->syms, g->names[i], len - truth);
    dict_set(d, value_symbol(name), cell_value(&g->cells[row * g->columns + i], truth));
  }
  return value_record(d);
}

value grid_records(const struct primitive_call *call, const struct grid *g) {
  size_t rows = grid_rows(g);
  struct list *l = list_new(rows);
  for (size_t i = 0; i < rows; i++)
    list_push(l, record_of_row(call, g, i));
  return value_list(l);
}

value grid_record(const struct primitive_call *call, const struct grid *g) {
  return grid_rows(g) ? record_of_row(call, g, 0) : VALUE_NIL;
}
