/* The XLSX reader: one sheet of a workbook as records, streaming.
 *
 * The parser pushes, sheet_next pulls: each block of XML may finish many rows, which wait in a
 * queue that is emptied before the next block is read. */
#include "book.h"
#include "../sheet.h"

#include <math.h>
#include <strings.h>
#include <unistd.h>

struct queued_cell {
  size_t column, at, len; /* text in xlsx.text */
  enum cell_kind kind;
};
struct queued_row {
  uint64_t row;
  size_t first, count; /* cells */
};

struct xlsx {
  struct sheet head;
  int fd;
  struct book book;
  struct xml *xml;
  bool ended;
  /* the queue */
  struct buf text;
  struct queued_cell *cells;
  size_t cell_count, cell_cap;
  struct queued_row *rows;
  size_t row_count, row_cap, next_row;
  uint64_t given; /* row number of the last record */
  /* the cell that is being read */
  char type; /* n s b e t(str) i(inlineStr) d(date) */
  size_t column, style;
  bool in_value, in_phonetic;
  struct buf value;
  uint64_t row; /* of the row that is being read */
  struct cell *out;
  size_t out_cap;
};

static void xlsx_close(struct sheet *s) {
  struct xlsx *x = (struct xlsx *)s;
  xml_free(x->xml);
  book_release(&x->book);
  buf_release(&x->text);
  buf_release(&x->value);
  mem_free(x->cells);
  mem_free(x->rows);
  mem_free(x->out);
  if (x->fd >= 0) close(x->fd);
  sheet_release(s);
  mem_free(x);
}

static void fail_limit(struct xlsx *x, const char *what) {
  struct error err = {0};
  error_set(&err, ERR_LIMIT, "%s: row %llu of sheet %s %s", x->head.path,
            (unsigned long long)x->row, x->head.sheet_name, what);
  error_help(&err, "take what does not belong to the table off the sheet");
  error_kind(&err, "validation");
  xml_fail(x->xml, &err);
}

/* "AB12" is column 27 from 0; without a reference a cell follows the one before it. */
static size_t column_of(const char *reference, size_t next) {
  size_t n = 0;
  const char *p = reference;
  for (; p && ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')) && n < 100000; p++)
    n = n * 26 + (size_t)((*p | 32) - 'a' + 1);
  return n ? n - 1 : next;
}

static void start_row(struct xlsx *x, const char **a) {
  const char *number = xml_attribute(a, "r");
  uint64_t row = number ? strtoull(number, NULL, 10) : 0;
  x->row = row > x->row ? row : x->row + 1;
  if (x->row_count == x->row_cap)
    x->rows = mem_grow(x->rows, x->row_count, &x->row_cap, sizeof *x->rows);
  x->rows[x->row_count++] = (struct queued_row){x->row, x->cell_count, 0};
  x->column = SIZE_MAX;
}

static char cell_type(const char *t) {
  if (!t || !strcmp(t, "n")) return 'n';
  if (!strcmp(t, "str")) return 't';
  if (!strcmp(t, "inlineStr")) return 'i';
  return t[0];
}

static void start_cell(struct xlsx *x, const char **a) {
  const char *style = xml_attribute(a, "s");
  x->type = cell_type(xml_attribute(a, "t"));
  x->style = style ? strtoul(style, NULL, 10) : 0;
  x->column = column_of(xml_attribute(a, "r"), x->column + 1);
  buf_clear(&x->value);
  if (x->column >= SHEET_MAX_COLUMNS || x->rows[x->row_count - 1].count > SHEET_MAX_COLUMNS)
    fail_limit(x, "has more than 1000 columns");
}

static void on_start(void *ud, const char *name, const char **a) {
  struct xlsx *x = ud;
  if (!strcmp(name, "row")) start_row(x, a);
  else if (!strcmp(name, "c") && x->row_count) start_cell(x, a);
  else if (!strcmp(name, "v")) x->in_value = true;
  else if (!strcmp(name, "rPh")) x->in_phonetic = true;
  else if (!strcmp(name, "t")) x->in_value = x->type == 'i' && !x->in_phonetic;
}

static void on_text(void *ud, const char *s, size_t len) {
  struct xlsx *x = ud;
  if (!x->in_value) return;
  buf_add(&x->value, s, len);
  if (x->value.len > SHEET_MAX_FIELD) fail_limit(x, "has a cell of more than 1 MiB");
}

/* Text may hold characters as _x000D_: four hex digits between x and _. */
static void add_unescaped(struct buf *out, const char *s, size_t len) {
  for (size_t i = 0; i < len; i++) {
    char hex[5] = {0}, *end;
    if (s[i] == '_' && i + 6 < len && s[i + 1] == 'x' && s[i + 6] == '_') {
      memcpy(hex, s + i + 2, 4);
      unsigned long c = strtoul(hex, &end, 16);
      if (end == hex + 4 && hex[0] != '-' && hex[0] != '+' && hex[0] != ' ' && c &&
          (c < 0xd800 || c > 0xdfff)) {
        buf_add_utf8(out, (uint32_t)c);
        i += 6;
        continue;
      }
    }
    buf_addc(out, s[i]);
  }
}

/* Numbers as people see them: 5015550123, not 5.015550123E9. */
static void add_number(struct xlsx *x, struct buf *out) {
  char *end;
  const char *text = buf_str(&x->value);
  double n = strtod(text, &end);
  bool date = x->style < x->book.style_count && x->book.style_is_date[x->style];
  if (end == text || *end) buf_adds(out, text);
  else if (date && book_date(&x->book, n, out)) return;
  else if (floor(n) == n && fabs(n) < 1e15) buf_addf(out, "%.0f", n);
  else buf_addf(out, "%.15g", n);
}

static void add_shared(struct xlsx *x, struct buf *out) {
  char *end;
  const char *text = buf_str(&x->value);
  unsigned long i = strtoul(text, &end, 10);
  if (end == text || i >= x->book.string_count) {
    fail_limit(x, "refers to a shared string that there is not");
    return;
  }
  const char *s = x->book.strings.data + x->book.string_at[i];
  add_unescaped(out, s, strlen(s));
}

static void end_cell(struct xlsx *x) {
  if (!x->value.len || x->column == SIZE_MAX) return; /* SIZE_MAX: a row began inside of the cell */
  size_t at = x->text.len;
  if (x->type == 's') add_shared(x, &x->text);
  else if (x->type == 'n') add_number(x, &x->text);
  else if (x->type == 'b') buf_adds(&x->text, *buf_str(&x->value) == '1' ? "TRUE" : "FALSE");
  else add_unescaped(&x->text, x->value.data, x->value.len);
  if (x->cell_count == x->cell_cap)
    x->cells = mem_grow(x->cells, x->cell_count, &x->cell_cap, sizeof *x->cells);
  struct queued_row *row = &x->rows[x->row_count - 1];
  x->cells[x->cell_count++] = (struct queued_cell){x->column, at, x->text.len - at,
                                                   x->type == 'e' ? CELL_ERROR : CELL_TEXT};
  row->count++;
  if (x->text.overflow) fail_limit(x, "is too large");
}

static void on_end(void *ud, const char *name) {
  struct xlsx *x = ud;
  if (!strcmp(name, "c") && x->row_count) end_cell(x);
  else if (!strcmp(name, "v") || !strcmp(name, "t")) x->in_value = false;
  else if (!strcmp(name, "rPh")) x->in_phonetic = false;
}

/* The last row of a block may still grow: it moves to the front of the emptied queue. */
static void recycle(struct xlsx *x) {
  if (x->row_count == 0) return;
  struct queued_row last = x->rows[x->row_count - 1];
  size_t text_at = last.count ? x->cells[last.first].at : x->text.len;
  for (size_t i = 0; i < last.count; i++) {
    x->cells[i] = x->cells[last.first + i];
    x->cells[i].at -= text_at;
  }
  if (text_at) {
    memmove(x->text.data, x->text.data + text_at, x->text.len - text_at);
    buf_truncate(&x->text, x->text.len - text_at);
  }
  x->rows[0] = (struct queued_row){last.row, 0, last.count};
  x->row_count = 1;
  x->cell_count = last.count;
  x->next_row = 0;
}

/* Rows that are complete: all but the last, which the XML may still add to. */
static enum status fill_queue(struct xlsx *x, struct error *err) {
  enum status s = OK;
  recycle(x);
  bool more = true;
  while (!s && more && x->row_count < 2)
    s = xml_step(x->xml, &more, err);
  x->ended = !more;
  return s;
}

static void give_row(struct xlsx *x, const struct queued_row *row, struct record *out) {
  size_t width = 0;
  for (size_t i = 0; i < row->count; i++) {
    size_t column = x->cells[row->first + i].column;
    if (column + 1 > width) width = column + 1;
  }
  while (x->out_cap < width)
    x->out = mem_grow(x->out, x->out_cap, &x->out_cap, sizeof *x->out);
  for (size_t i = 0; i < width; i++)
    x->out[i] = (struct cell){"", 0, CELL_TEXT};
  for (size_t i = 0; i < row->count; i++) {
    const struct queued_cell *c = &x->cells[row->first + i];
    x->out[c->column] = (struct cell){x->text.data + c->at, c->len, c->kind};
  }
  x->given = row->row;
  *out = (struct record){row->row, width, x->out, NULL};
}

static enum status xlsx_next(struct sheet *s, struct record *out, bool *more, struct error *err) {
  struct xlsx *x = (struct xlsx *)s;
  if (!x->ended && x->next_row + 1 >= x->row_count) {
    enum status st = fill_queue(x, err);
    if (st) return st;
  }
  *more = x->next_row < x->row_count;
  if (*more) {
    uint64_t before = x->given;
    give_row(x, &x->rows[x->next_row++], out);
    if (before && x->given > before + 1) s->blank += x->given - before - 1;
  }
  return OK;
}

static enum status no_such_sheet(const struct xlsx *x, const char *wanted, struct error *err) {
  struct buf names = {.max = 400};
  for (size_t i = 0; i < x->book.sheet_count; i++)
    buf_addf(&names, "%s%s", i ? ", " : "", x->book.sheets[i].name);
  error_set(err, ERR_NOT_FOUND, "%s has no sheet \"%.60s\"", x->head.path, wanted);
  error_help(err, "its sheets are: %s%s", buf_str(&names), names.overflow ? " ..." : "");
  error_kind(err, "validation");
  buf_release(&names);
  return ERR_NOT_FOUND;
}

static bool first_visible(const struct book *b, size_t *out) {
  for (*out = 0; *out < b->sheet_count; ++*out)
    if (!b->sheets[*out].hidden) return true;
  *out = 0;
  return true;
}

static bool find_sheet(const struct book *b, const char *wanted, size_t *out) {
  if (!wanted) return first_visible(b, out);
  for (*out = 0; *out < b->sheet_count; ++*out)
    if (!strcasecmp(b->sheets[*out].name, wanted)) return true;
  char *end;
  unsigned long n = strtoul(wanted, &end, 10);
  *out = n - 1;
  return *end == '\0' && n >= 1 && n <= b->sheet_count;
}

static enum status open_sheet(struct xlsx *x, const char *wanted, struct error *err) {
  static const struct xml_handler handler = {on_start, on_end, on_text, NULL};
  size_t i;
  if (!find_sheet(&x->book, wanted, &i)) return no_such_sheet(x, wanted, err);
  struct sheet *head = &x->head;
  head->sheets = mem_array(x->book.sheet_count, sizeof *head->sheets);
  for (; head->sheet_count < x->book.sheet_count; head->sheet_count++)
    head->sheets[head->sheet_count] = mem_strdup(x->book.sheets[head->sheet_count].name);
  head->sheet_name = mem_strdup(x->book.sheets[i].name);
  const char *part = x->book.sheets[i].part;
  struct zip *zip = NULL;
  bool found = false;
  enum status s = part ? zip_open(&zip, x->fd, head->path, part, &found, err) : OK;
  if (!s && !found) {
    s = error_set(err, ERR_VALUE, "%s is a damaged workbook: sheet %s is missing in it", head->path,
                  head->sheet_name);
    error_kind(err, "validation");
  }
  if (!s) x->xml = xml_new(zip, head->path, part, &handler, x);
  return s;
}

static enum status xlsx_open(struct sheet **out, int fd, const struct sheet_options *o,
                             struct error *err) {
  static const struct sheet_ops ops = {xlsx_next, xlsx_close};
  struct xlsx *x = mem_zalloc(sizeof *x);
  x->head = (struct sheet){.ops = &ops,
                           .format = "xlsx",
                           .path = mem_strdup(o->path),
                           .encoding = "utf-8",
                           .ragged = true};
  x->fd = fd;
  enum status s = book_read(&x->book, fd, x->head.path, err);
  if (!s) s = open_sheet(x, o->sheet, err);
  if (s) xlsx_close(&x->head);
  else *out = &x->head;
  return s;
}

extern const struct xlsx_module stepwise_xlsx;
__attribute__((visibility("default")))
const struct xlsx_module stepwise_xlsx = {XLSX_MODULE_VERSION, xlsx_open};
