/* Collecting and printing diagnostics: the one place that knows what an error looks like. */
#include "diag.h"

static const struct {
  const char *number;
  enum severity severity;
  const char *title;
} codes[DIAG_COUNT + 1] = {
#define DIAG(id, number, severity, title) {#number, SEV_##severity, title},
#include "diag.def"
#undef DIAG
    {NULL, SEV_ERROR, NULL}};

const char *diag_number(enum diag_code code) {
  return codes[code].number;
}
enum severity diag_severity(enum diag_code code) {
  return codes[code].severity;
}
static char *format(const char *fmt, va_list ap) {
  struct buf b = {.max = 64 << 10};
  buf_vaddf(&b, fmt, ap);
  return buf_take(&b);
}

static bool is_repeat(const struct diags *d, enum diag_code code, struct span at) {
  for (size_t i = 0; i < d->count; i++) {
    const struct diag *o = &d->items[i];
    if (o->code == code && o->at.file == at.file && o->at.start == at.start) return true;
  }
  return false;
}

struct diag *diag_add(struct diags *d, enum diag_code code, struct span at, const char *fmt, ...) {
  bool error = codes[code].severity == SEV_ERROR;
  if (is_repeat(d, code, at)) return NULL;
  if (error ? d->errors >= DIAG_MAX_ERRORS : d->warnings >= DIAG_MAX_WARNINGS) {
    if (error) d->dropped++;
    else d->dropped_warnings++;
    return NULL;
  }
  if (error) d->errors++;
  else d->warnings++;
  d->items = mem_grow(d->items, d->count, &d->cap, sizeof *d->items);
  struct diag *item = &d->items[d->count++];
  va_list ap;
  va_start(ap, fmt);
  *item = (struct diag){.code = code, .at = at, .message = format(fmt, ap)};
  va_end(ap);
  return item;
}

void diag_help(struct diag *d, const char *fmt, ...) {
  if (!d) return;
  va_list ap;
  va_start(ap, fmt);
  mem_free(d->help);
  d->help = format(fmt, ap);
  va_end(ap);
}

void diag_note(struct diag *d, struct span at, const char *fmt, ...) {
  if (!d) return;
  va_list ap;
  va_start(ap, fmt);
  mem_free(d->note);
  d->note = format(fmt, ap);
  d->note_at = at;
  va_end(ap);
}

static int diag_compare(const void *a, const void *b) {
  const struct diag *x = a, *y = b;
  if (x->at.file != y->at.file) return x->at.file < y->at.file ? -1 : 1;
  if (x->at.start != y->at.start) return x->at.start < y->at.start ? -1 : 1;
  return (int)x->code - (int)y->code;
}

void diags_sort(struct diags *d) {
  if (d->count > 1) qsort(d->items, d->count, sizeof *d->items, diag_compare);
}

void diags_release(struct diags *d) {
  for (size_t i = 0; i < d->count; i++) {
    mem_free(d->items[i].message);
    mem_free(d->items[i].help);
    mem_free(d->items[i].note);
  }
  mem_free(d->items);
  *d = (struct diags){0};
}

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define BLUE "\033[1;34m"
#define PLAIN "\033[0m"

static const char *ink(bool colour, const char *code) {
  return colour ? code : "";
}

/* How much of a long line is shown: lint's readers have editors and logs; who reads a run-time
 * error may sit at 80 columns, and the block is indented there. */
enum { LINE_LINT = 120, LINE_RUN = 73 };

static bool is_start(char c) {
  return ((unsigned char)c & 0xC0) != 0x80;
}

/* The source line with a caret under [from, to); a line longer than shown is cut around the caret.
 */
static void caret_lines(const char *s, size_t len, size_t from, size_t to, size_t shown,
                        bool colour, const char *mark_ink, int gutter, uint32_t line,
                        struct buf *out) {
  size_t first = 0, last = len;
  if (len > shown) {
    first = to <= shown ? 0 : from > shown / 3 ? from - shown / 3 : 0;
    while (first > 0 && !is_start(s[first]))
      first--;
    last = first + shown < len ? first + shown : len;
    while (last < len && !is_start(s[last]))
      last++;
  }
  const char *before = first ? "..." : "", *after = last < len ? "..." : "";
  buf_addf(out, "%s%*u |%s %s", ink(colour, BLUE), gutter, line, ink(colour, PLAIN), before);
  for (size_t i = first; i < last; i++)
    buf_addc(out, s[i] == '\t' ? ' ' : s[i]);
  buf_addf(out, "%s\n%s%*s |%s ", after, ink(colour, BLUE), gutter, "", ink(colour, PLAIN));
  buf_addn(out, strlen(before), ' ');
  for (size_t i = first; i < from && i < last; i++)
    if (is_start(s[i])) buf_addc(out, ' ');
  buf_adds(out, ink(colour, mark_ink));
  buf_addc(out, '^');
  for (size_t i = from + 1; i < to && i < last; i++)
    if (is_start(s[i])) buf_addc(out, '~');
  buf_adds(out, ink(colour, PLAIN));
  buf_addc(out, '\n');
}

static int digits(uint32_t n) {
  int d = 1;
  while (n >= 10)
    n /= 10, d++;
  return d;
}

static void caret_block(struct source *s, struct span at, size_t shown, bool colour,
                        const char *mark_ink, struct buf *out) {
  uint32_t line, col;
  size_t len;
  source_line_col(s, at.start, &line, &col);
  const char *text = source_line(s, line, &len);
  size_t from = at.start - (size_t)(text - s->text), to = from + (at.end - at.start);
  if (at.start > s->len) from = len, to = len;
  int gutter = digits(line) + 1;
  if (shown == LINE_RUN) { /* the number's column and, when it is cut, the dots stand in it too */
    enum { BAR = 3, DOTS = 6 };
    shown -= (size_t)gutter + BAR;
    if (len > shown) shown -= DOTS;
  }
  caret_lines(text, len, from, to > len ? len : to, shown, colour, mark_ink, gutter, line, out);
}

void diag_caret(struct source *s, struct span at, bool colour, struct buf *out) {
  caret_block(s, at, LINE_RUN, colour, RED, out);
}

static void place(struct source *s, struct span at, struct buf *out) {
  uint32_t line, col;
  source_line_col(s, at.start, &line, &col);
  buf_addf(out, "%s:%u:%u: ", s->name, line, col);
}

void diag_print(const struct diag *d, struct source *const *sources, bool colour, struct buf *out) {
  struct source *s = sources[d->at.file];
  bool error = codes[d->code].severity == SEV_ERROR;
  const char *mark = error ? RED : YELLOW;
  buf_adds(out, ink(colour, BOLD));
  place(s, d->at, out);
  buf_addf(out, "%s%s[%s]:%s %s%s%s\n", ink(colour, mark), error ? "error" : "warning",
           codes[d->code].number, ink(colour, PLAIN), ink(colour, BOLD), d->message,
           ink(colour, PLAIN));
  caret_block(s, d->at, LINE_LINT, colour, mark, out);
  if (d->note) {
    place(sources[d->note_at.file], d->note_at, out);
    buf_addf(out, "note: %s\n", d->note);
    caret_block(sources[d->note_at.file], d->note_at, LINE_LINT, colour, BLUE, out);
  }
  if (d->help) buf_addf(out, "help: %s\n", d->help);
}

static void count_of(struct buf *out, size_t n, const char *what) {
  buf_addf(out, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

/* The main file could not be read whole, so nothing looked at its names and types yet. */
static bool stopped_early(const struct diags *d) {
  for (size_t i = 0; i < d->count; i++)
    if (d->items[i].at.file == 0 && strcmp(codes[d->items[i].code].number, "RB200") < 0) return true;
  return false;
}

void diags_print(const struct diags *d, struct source *const *sources, bool colour,
                 struct buf *out) {
  for (size_t i = 0; i < d->count; i++) {
    diag_print(&d->items[i], sources, colour, out);
    buf_addc(out, '\n');
  }
  if (!d->count) return;
  count_of(out, d->errors + d->dropped, "error");
  if (d->warnings) {
    buf_adds(out, ", ");
    count_of(out, d->warnings + d->dropped_warnings, "warning");
  }
  if (d->dropped) buf_addf(out, "; the first %d errors are shown", DIAG_MAX_ERRORS);
  if (stopped_early(d))
    buf_addf(out, "; names and types are checked once %s mended",
             d->errors + d->dropped == 1 ? "this is" : "these are");
  buf_addc(out, '\n');
}
