/* One row of a source made ready for the table: columns found by name, cells converted. */
#include "../../lang/sym.h"
#include "sheet_text.h"
#include "sql_import.h"

static bool same_name(const char *a, const char *b) {
  struct buf x = BUF_INIT, y = BUF_INIT;
  text_squeeze(&x, a, strlen(a));
  text_squeeze(&y, b, strlen(b));
  bool same = !strcasecmp(buf_str(&x), buf_str(&y));
  buf_release(&x);
  buf_release(&y);
  return same;
}

static size_t find_name(const struct sheet *sheet, const char *name) {
  for (size_t i = 0; i < sheet->name_count; i++)
    if (same_name(sheet->names[i], name)) return i;
  return SIZE_MAX;
}

static enum status missing(const struct import_spec *spec, const struct sheet *sheet,
                           const size_t *source, struct error *err) {
  struct buf names = {.max = 400};
  size_t count = 0, first = 0;
  for (size_t i = 0; i < spec->column_count; i++) {
    if (source[i] != SIZE_MAX || !spec->columns[i].required) continue;
    if (!count++) first = i;
    buf_addf(&names, "%s\"%s\"", count > 1 ? ", " : "", spec->columns[i].from);
  }
  enum status s = OK;
  if (count) {
    s = error_set(err, ERR_VALUE, "%s has no column %s, which the mapping requires", sheet->path,
                  buf_str(&names));
    int near = name_nearest(spec->columns[first].from, (const char *const *)sheet->names,
                            sheet->name_count);
    if (near >= 0 && count == 1) error_help(err, "did you mean \"%s\"?", sheet->names[near]);
    else {
      buf_clear(&names);
      for (size_t i = 0; i < sheet->name_count; i++)
        buf_addf(&names, "%s%s", i ? ", " : "", sheet->names[i]);
      error_help(err, "the file's columns are: %s", buf_str(&names));
    }
    error_kind(err, "validation");
  }
  buf_release(&names);
  return s;
}

enum status row_init(struct row *r, const struct import_spec *spec, const struct sheet *sheet,
                     struct error *err) {
  *r = (struct row){.spec = spec,
                    .source = mem_array(spec->column_count, sizeof *r->source),
                    .values = mem_array(spec->column_count, sizeof *r->values),
                    .scratch = mem_array(2 * spec->column_count, sizeof *r->scratch)};
  size_t found = 0;
  for (size_t i = 0; i < spec->column_count; i++) {
    r->source[i] = find_name(sheet, spec->columns[i].from);
    found += r->source[i] != SIZE_MAX;
  }
  enum status s = missing(spec, sheet, r->source, err);
  if (!s && !found) {
    s = error_set(err, ERR_VALUE, "%s has none of the columns that the mapping names", sheet->path);
    error_help(err, "give from: the names of the file's header");
    error_kind(err, "validation");
  }
  if (s) row_release(r);
  return s;
}

void row_release(struct row *r) {
  for (size_t i = 0; r->scratch && i < 2 * r->spec->column_count; i++)
    buf_release(&r->scratch[i]);
  mem_free(r->scratch);
  mem_free(r->values);
  mem_free(r->source);
  *r = (struct row){0};
}

/* Runs the converters of a column, one's text feeding the next. */
static const char *convert_cell(struct row *r, size_t i, const struct cell *in,
                                struct converted *out) {
  const struct import_column *c = &r->spec->columns[i];
  struct convert_options options = {.country = c->country};
  if (in->kind == CELL_ERROR) return "is a formula's error";
  *out = (struct converted){
      .type = in->len ? CONVERTED_TEXT : CONVERTED_NULL, .s = in->s, .len = in->len};
  for (size_t k = 0; k < c->chain_count && out->type == CONVERTED_TEXT; k++) {
    struct buf *scratch = &r->scratch[2 * i + k % 2];
    struct cell cell = {out->s, out->len, CELL_TEXT};
    buf_clear(scratch);
    const char *wrong = c->chain[k]->fn(&options, &cell, scratch, out);
    if (wrong) return wrong;
  }
  return NULL;
}

static enum status convert_column(struct row *r, size_t i, const struct record *record,
                                  problem_fn fn, void *ud, bool *good, struct error *err) {
  const struct import_column *c = &r->spec->columns[i];
  struct cell empty = {"", 0, CELL_TEXT};
  size_t from = r->source[i];
  const struct cell *cell = from < record->count ? &record->cells[from] : &empty;
  const char *wrong = convert_cell(r, i, cell, &r->values[i]);
  if (wrong) r->values[i] = (struct converted){.type = CONVERTED_NULL};
  bool refused = wrong && !c->blank;
  if (c->required && r->values[i].type == CONVERTED_NULL) {
    refused = true;
    if (!wrong) wrong = "is empty and required";
  }
  if (refused) *good = false;
  return wrong && fn ? fn(ud, record->row, c, cell, wrong, refused, err) : OK;
}

enum status row_convert(struct row *r, const struct record *record, problem_fn fn, void *ud,
                        bool *good, struct error *err) {
  *good = true;
  bool padded = r->spec->pad && record->problem && strstr(record->problem, "fewer");
  if (record->problem && !padded) {
    *good = false;
    return fn ? fn(ud, record->row, NULL, NULL, record->problem, true, err) : OK;
  }
  enum status s = OK;
  for (size_t i = 0; i < r->spec->column_count && !s; i++)
    s = convert_column(r, i, record, fn, ud, good, err);
  return s;
}
