/* stepwise journal query: a SELECT on the journal, as aligned columns or JSON Lines.
 *
 * It streams: the columns' widths come from the first rows, and wider ones later on push aside. */
#include "../runtime/journal_sql.h"
#include "journal_request.h"
#include "journal_view.h"
#include "text.h"

enum { LOOK_AT = 100, WIDTH_MAX = 40 };

struct listing {
  bool json;
  int columns;
  char **names;   /* owned */
  size_t *widths; /* of the columns */
  char **held;    /* owned: the texts of the first rows, until the widths are known */
  size_t held_count, held_cap;
  struct buf line;
};

static void add_hex(struct buf *b, const struct journal_cell *c) {
  for (size_t i = 0; i < c->len; i++)
    buf_addf(b, "%02x", (unsigned char)c->bytes[i]);
}

static void add_real(struct buf *b, double d) {
  if (d - d != 0) buf_adds(b, d > 0 ? "\"Infinity\"" : "\"-Infinity\""); /* JSON has none */
  else buf_addf(b, "%.17g", d);
}

static void add_json(struct buf *b, const struct journal_cell *c) {
  if (c->kind == CELL_NULL) buf_adds(b, "null");
  else if (c->kind == CELL_INTEGER) buf_addf(b, "%lld", (long long)c->integer);
  else if (c->kind == CELL_REAL) add_real(b, c->real);
  else if (c->kind == CELL_TEXT) view_quote(b, c->bytes, c->len);
  else buf_addc(b, '"'), add_hex(b, c), buf_addc(b, '"');
}

static void add_text(struct buf *b, const struct journal_cell *c) {
  if (c->kind == CELL_INTEGER) buf_addf(b, "%lld", (long long)c->integer);
  else if (c->kind == CELL_REAL) buf_addf(b, "%.15g", c->real);
  else if (c->kind == CELL_TEXT) view_text(b, c->bytes, c->len, 0);
  else if (c->kind == CELL_BLOB) add_hex(b, c);
}

static void print_cells(struct listing *l, char *const *texts) {
  buf_clear(&l->line);
  for (int i = 0; i < l->columns; i++) {
    size_t width = text_columns(texts[i], strlen(texts[i]));
    if (i) buf_adds(&l->line, "  ");
    buf_adds(&l->line, texts[i]);
    if (i + 1 < l->columns && width < l->widths[i]) buf_addn(&l->line, l->widths[i] - width, ' ');
  }
  puts(buf_str(&l->line));
}

static void fit(struct listing *l, char *const *texts) {
  for (int i = 0; i < l->columns; i++) {
    size_t width = text_columns(texts[i], strlen(texts[i]));
    if (width > WIDTH_MAX) width = WIDTH_MAX;
    if (width > l->widths[i]) l->widths[i] = width;
  }
}

/* Prints what was held back to learn the widths. */
static void let_go(struct listing *l) {
  if (l->json || !l->names) return;
  fit(l, l->names);
  for (size_t i = 0; i < l->held_count; i += (size_t)l->columns)
    fit(l, l->held + i);
  print_cells(l, l->names);
  for (size_t i = 0; i < l->held_count; i += (size_t)l->columns)
    print_cells(l, l->held + i);
  for (size_t i = 0; i < l->held_count; i++)
    mem_free(l->held[i]);
  mem_free(l->held);
  l->held = NULL;
  l->held_count = 0;
}

static enum status take_columns(void *ud, const char *const *names, int count) {
  struct listing *l = ud;
  l->columns = count;
  l->names = mem_array((size_t)count, sizeof *l->names);
  l->widths = mem_array((size_t)count, sizeof *l->widths);
  for (int i = 0; i < count; i++) {
    struct buf b = BUF_INIT;
    view_text(&b, names[i], strlen(names[i]), 0);
    l->names[i] = l->json ? mem_strdup(names[i]) : mem_strdup(buf_str(&b));
    buf_release(&b);
  }
  return OK;
}

static void print_json(struct listing *l, const struct journal_cell *cells) {
  buf_clear(&l->line);
  for (int i = 0; i < l->columns; i++) {
    buf_addc(&l->line, i ? ',' : '{');
    view_quote(&l->line, l->names[i], strlen(l->names[i]));
    buf_addc(&l->line, ':');
    add_json(&l->line, &cells[i]);
  }
  buf_addc(&l->line, '}');
  puts(buf_str(&l->line));
}

static void hold(struct listing *l, char *text) {
  l->held = mem_grow(l->held, l->held_count, &l->held_cap, sizeof *l->held);
  l->held[l->held_count++] = text;
}

static enum status take_row(void *ud, const struct journal_cell *cells, int count) {
  struct listing *l = ud;
  if (l->json) {
    print_json(l, cells);
    return ferror(stdout) ? ERR_STOP : OK;
  }
  for (int i = 0; i < count; i++) {
    struct buf b = BUF_INIT;
    add_text(&b, &cells[i]);
    hold(l, b.data ? buf_take(&b) : mem_strdup(""));
  }
  bool knows = l->line.data != NULL; /* the header is out */
  if (knows) print_cells(l, l->held);
  else if (l->held_count >= LOOK_AT * (size_t)count) let_go(l);
  for (; knows && l->held_count; l->held_count--)
    mem_free(l->held[l->held_count - 1]);
  return ferror(stdout) ? ERR_STOP : OK;
}

int journal_do_query(struct journal_request *q) {
  struct error err = {0};
  struct listing l = {.json = q->json};
  struct journal_rows rows = {&l, take_columns, take_row};
  enum status status = journal_select(q->j, q->operand, &rows, &err);
  if (status == OK && !l.line.data) let_go(&l);
  for (int i = 0; i < l.columns; i++)
    mem_free(l.names[i]);
  for (size_t i = 0; i < l.held_count; i++)
    mem_free(l.held[i]);
  mem_free(l.held);
  mem_free(l.names);
  mem_free(l.widths);
  buf_release(&l.line);
  return status == OK || status == ERR_STOP ? journal_printed(EXIT_SUCCEEDED) : journal_fails(&err);
}
