/* Tables and fields in columns, by code points, cut to fit. */
#include "table.h"

#include "text.h"

enum { ROWS_SHOWN = 20, COLUMNS_SHOWN = 32, GAP = 2, NARROWEST = 4 };

/* --- tables --- */

void table_cell(struct table *t, const char *text) {
  t->cells = mem_grow(t->cells, t->count, &t->cap, sizeof *t->cells);
  t->cells[t->count++] = mem_strdup(text);
}

void table_release(struct table *t) {
  for (size_t i = 0; i < t->count; i++)
    mem_free(t->cells[i]);
  mem_free(t->cells);
  *t = (struct table){0};
}

static void widths_of(const struct table *t, size_t *widths) {
  for (size_t i = 0; i < t->count; i++) {
    size_t n = text_columns(t->cells[i], strlen(t->cells[i]));
    if (n > widths[i % t->columns]) widths[i % t->columns] = n;
  }
}

/* Takes from the widest column until all fit. */
static void widths_fit(size_t *widths, size_t columns, size_t whole, size_t room) {
  for (size_t i = whole; i < columns; i++)
    if (widths[i] > room) widths[i] = room;
  for (;;) {
    size_t total = (columns - 1) * GAP, widest = whole;
    for (size_t i = 0; i < columns; i++) {
      total += widths[i];
      if (i > whole && widths[i] > widths[widest]) widest = i;
    }
    if (total <= room || widest >= columns || widths[widest] <= NARROWEST) return;
    widths[widest]--;
  }
}

void table_write(const struct table *t, size_t indent, size_t width, struct buf *out) {
  size_t widths[COLUMNS_SHOWN] = {0};
  if (!t->columns || t->columns > COLUMNS_SHOWN) return;
  widths_of(t, widths);
  widths_fit(widths, t->columns, t->whole, width > indent ? width - indent : NARROWEST);
  for (size_t row = 0; row * t->columns < t->count; row++) {
    buf_addn(out, indent, ' ');
    for (size_t c = 0; c < t->columns; c++) {
      const char *s = t->cells[row * t->columns + c];
      bool last = c + 1 == t->columns;
      size_t len = strlen(s);
      if (last && text_columns(s, len) < widths[c]) text_tame(out, s, len, ' ');
      else text_fit(out, s, len, widths[c]);
      if (!last) buf_addn(out, GAP, ' ');
    }
    while (out->len && out->data[out->len - 1] == ' ')
      buf_truncate(out, out->len - 1);
    buf_addc(out, '\n');
  }
}

/* --- values --- */

static bool has_fields(value v) {
  return v.tag == V_RECORD || v.tag == V_HASH;
}

static void scalar_cell(struct table *t, value v, const struct symtab *syms) {
  struct buf b = BUF_INIT;
  if (has_fields(v) || v.tag == V_ARRAY) value_inspect(v, syms, &b);
  else value_to_s(v, syms, &b);
  table_cell(t, buf_str(&b));
  buf_release(&b);
}

static void fields_show(value v, const struct symtab *syms, size_t indent, size_t width,
                        struct buf *out) {
  struct table t = {.columns = 2};
  const struct dict *d = value_dict(v);
  for (size_t i = 0; i < dict_count(d); i++) {
    value key, item;
    dict_at(d, i, &key, &item);
    scalar_cell(&t, key, syms);
    scalar_cell(&t, item, syms);
  }
  table_write(&t, indent, width, out);
  table_release(&t);
}

/* A table when every item has the fields of the first. */
static bool is_tabular(const struct list *l) {
  if (!l->count || !has_fields(l->items[0])) return false;
  size_t n = dict_count(value_dict(l->items[0]));
  if (!n || n > COLUMNS_SHOWN) return false;
  for (size_t i = 1; i < l->count && i < ROWS_SHOWN; i++)
    if (!has_fields(l->items[i])) return false;
  return true;
}

static void rows_show(const struct list *l, const struct symtab *syms, size_t indent, size_t width,
                      struct buf *out) {
  const struct dict *first = value_dict(l->items[0]);
  struct table t = {.columns = dict_count(first)};
  for (size_t c = 0; c < t.columns; c++) {
    value key, item;
    dict_at(first, c, &key, &item);
    scalar_cell(&t, key, syms);
  }
  for (size_t i = 0; i < l->count && i < ROWS_SHOWN; i++)
    for (size_t c = 0; c < t.columns; c++) {
      value key, item = VALUE_NIL;
      dict_at(first, c, &key, &item);
      if (!dict_get(value_dict(l->items[i]), key, &item)) item = VALUE_NIL;
      scalar_cell(&t, item, syms);
    }
  table_write(&t, indent, width, out);
  table_release(&t);
}

static void items_show(const struct list *l, const struct symtab *syms, size_t indent, size_t width,
                       struct buf *out) {
  struct table t = {.columns = 1};
  for (size_t i = 0; i < l->count && i < ROWS_SHOWN; i++)
    scalar_cell(&t, l->items[i], syms);
  table_write(&t, indent, width, out);
  table_release(&t);
}

/* Text keeps its lines. */
static void lines_show(const char *name, value v, const struct symtab *syms, size_t indent,
                       struct buf *out) {
  struct buf b = BUF_INIT;
  if (v.tag == V_NIL) buf_adds(&b, "nil");
  else value_to_s(v, syms, &b);
  const char *s = buf_str(&b), *end = s + b.len;
  bool many = memchr(s, '\n', b.len) != NULL;
  buf_addn(out, indent, ' ');
  if (name) buf_addf(out, "%s:%s", name, many ? "\n" : " ");
  for (size_t in = name && many ? indent + 2 : 0; s < end || b.len == 0; in = indent + 2) {
    const char *nl = memchr(s, '\n', (size_t)(end - s));
    if (!nl) nl = end;
    buf_addn(out, in, ' ');
    text_tame(out, s, (size_t)(nl - s), ' ');
    s = nl + 1;
    if (s < end) buf_addc(out, '\n');
    if (b.len == 0) break;
  }
  buf_addc(out, '\n');
  buf_release(&b);
}

void value_show(const char *name, value v, const struct symtab *syms, size_t indent, size_t width,
                struct buf *out) {
  if (!has_fields(v) && v.tag != V_ARRAY) {
    lines_show(name, v, syms, indent, out);
    return;
  }
  size_t count = v.tag == V_ARRAY ? value_array(v)->count : dict_count(value_dict(v));
  if (name || !count) {
    buf_addn(out, indent, ' ');
    buf_addf(out, "%s%s%s\n", name ? name : "", name ? ":" : "",
             count  ? ""
             : name ? " (none)"
                    : "(none)");
    if (name) indent += 2;
  }
  if (!count) return;
  if (has_fields(v)) fields_show(v, syms, indent, width, out);
  else if (is_tabular(value_array(v))) rows_show(value_array(v), syms, indent, width, out);
  else items_show(value_array(v), syms, indent, width, out);
  if (v.tag == V_ARRAY && count > ROWS_SHOWN) {
    buf_addn(out, indent, ' ');
    buf_addf(out, "... and %zu more\n", count - ROWS_SHOWN);
  }
}
