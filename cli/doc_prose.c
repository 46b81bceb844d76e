/* Just as much Markdown as the reference uses. */
#include "doc_prose.h"

#include "text.h"

/* --- words --- */

/* The words of a line without the syntax of links and, perhaps, of code. */
static void plain(const char *s, size_t len, bool with_ticks, struct buf *out) {
  for (size_t i = 0; i < len; i++) {
    const char *close = s[i] == '[' ? memchr(s + i, ']', len - i) : NULL, *end = NULL;
    if (close && close + 1 < s + len && close[1] == '(')
      end = memchr(close, ')', (size_t)(s + len - close));
    if (end) {
      buf_add(out, s + i + 1, (size_t)(close - s) - i - 1);
      i = (size_t)(end - s);
    } else if (s[i] == '\\' && i + 1 < len && s[i + 1] == '|') {
      buf_addc(out, s[++i]);
    } else if (s[i] != '`' || with_ticks) {
      buf_addc(out, s[i]);
    }
  }
}

void prose_words(const char *s, size_t len, size_t at, size_t indent, size_t width, bool with_ticks,
                 struct buf *out) {
  struct buf b = BUF_INIT;
  plain(s, len, with_ticks, &b);
  const char *p = buf_str(&b), *end = p + b.len;
  bool first = true;
  while (p < end) {
    size_t blank = strspn(p, " ");
    p += blank;
    size_t n = strcspn(p, " "), columns = text_columns(p, n);
    if (!n) break;
    if (!first && at + 1 + columns > width) {
      buf_addc(out, '\n');
      buf_addn(out, indent, ' ');
      at = indent;
      first = true;
    }
    if (!first) buf_addc(out, ' '), at++;
    text_tame(out, p, n, '?');
    at += columns;
    first = false;
    p += n;
  }
  buf_addc(out, '\n');
  buf_release(&b);
}

/* --- rows --- */

void prose_row(struct prose_rows *r, const char *a, const char *b, const char *c) {
  const char *const cells[] = {a, b, c};
  for (size_t i = 0; i < 3; i++) {
    r->cells = mem_grow(r->cells, r->count, &r->cap, sizeof *r->cells);
    r->cells[r->count++] = mem_strdup(cells[i] ? cells[i] : "");
  }
}

enum { GAP = 2, WIDEST = 34, LEAST = 2 };

/* Where each cell of a row begins. A column that is empty throughout takes no room; a cell wider
 * than its column pushes the next one to a line of its own. */
struct columns {
  size_t at[3];
};

static struct columns columns_of(const struct prose_rows *r, size_t indent) {
  struct columns k = {{indent, indent, indent}};
  for (size_t c = 0; c < 2; c++) {
    size_t width = 0;
    bool any = false;
    for (size_t i = c; i < r->count; i += 3) {
      size_t n = text_columns(r->cells[i], strlen(r->cells[i]));
      any |= n > 0;
      if (n > width && n <= WIDEST) width = n;
    }
    k.at[c + 1] = k.at[c] + (any ? (width ? width : LEAST) + GAP : 0);
  }
  return k;
}

/* No blanks at its end. */
static void end_line(struct buf *out) {
  while (out->len && out->data[out->len - 1] == ' ')
    buf_truncate(out, out->len - 1);
  buf_addc(out, '\n');
}

/* Goes to a column: on this line, or on the next when it is past it already. */
static void go_to(size_t *at, size_t column, struct buf *out) {
  if (*at > column) {
    end_line(out);
    *at = 0;
  }
  buf_addn(out, column - *at, ' ');
  *at = column;
}

static void row_write(char *const cells[3], const struct columns *k, size_t width,
                      struct buf *out) {
  size_t at = 0;
  for (size_t c = 0; c < 3; c++) {
    size_t len = strlen(cells[c]);
    if (!len) continue;
    go_to(&at, k->at[c], out);
    if (c == 2) {
      prose_words(cells[c], len, at, at, width, false, out);
      return;
    }
    text_tame(out, cells[c], len, '?');
    at += text_columns(cells[c], len) + 1; /* a blank stands between cells */
    buf_addc(out, ' ');
  }
  end_line(out);
}

void prose_rows_write(struct prose_rows *r, size_t indent, size_t width, struct buf *out) {
  struct columns k = columns_of(r, indent);
  size_t room = width > k.at[2] + 20 ? width : k.at[2] + 20;
  for (size_t i = 0; i < r->count; i += 3)
    row_write(&r->cells[i], &k, room, out);
  for (size_t i = 0; i < r->count; i++)
    mem_free(r->cells[i]);
  mem_free(r->cells);
  *r = (struct prose_rows){0};
}

/* --- texts --- */

struct text_at {
  const char *s, *end;
  size_t indent, width;
  struct buf *out;
  struct buf paragraph;
  struct prose_rows table;
};

static void flush(struct text_at *t) {
  if (t->table.count) prose_rows_write(&t->table, t->indent, t->width, t->out);
  if (!t->paragraph.len) return;
  buf_addn(t->out, t->indent, ' ');
  bool item = t->paragraph.len > 2 && strncmp(t->paragraph.data, "- ", 2) == 0;
  prose_words(t->paragraph.data, t->paragraph.len, t->indent, t->indent + (item ? 2 : 0), t->width,
              true, t->out);
  buf_clear(&t->paragraph);
}

static size_t take_line(struct text_at *t, const char **line) {
  const char *nl = memchr(t->s, '\n', (size_t)(t->end - t->s));
  size_t len = nl ? (size_t)(nl - t->s) : (size_t)(t->end - t->s);
  *line = t->s;
  t->s += len + (nl != NULL);
  return len;
}

static bool is_fence(const char *s, size_t len) {
  return len >= 3 && strncmp(s, "```", 3) == 0;
}

static void raw_line(struct text_at *t, const char *s, size_t len, size_t more) {
  if (len) buf_addn(t->out, t->indent + more, ' ');
  text_tame(t->out, s, len, '?');
  buf_addc(t->out, '\n');
}

static void fenced(struct text_at *t) {
  const char *s;
  for (size_t len; t->s < t->end && (len = take_line(t, &s), !is_fence(s, len));)
    raw_line(t, s, len, 4);
}

/* A row of a table, of its first three cells; the rule below the header is left out. */
static void table_line(struct text_at *t, const char *s, size_t len) {
  char *cells[3] = {0};
  size_t n = 0;
  if (len > 1 && s[1] == '-') return;
  for (size_t i = 1; i < len && n < 3; n++) {
    while (i < len && s[i] == ' ')
      i++;
    size_t from = i;
    while (i < len && !(s[i] == '|' && s[i - 1] != '\\'))
      i++;
    size_t to = i++;
    while (to > from && s[to - 1] == ' ')
      to--;
    struct buf words = BUF_INIT;
    plain(s + from, to - from, false, &words);
    cells[n] = buf_take(&words);
  }
  if (n) prose_row(&t->table, cells[0], n > 2 ? cells[1] : "", n > 1 ? cells[n - 1] : "");
  for (size_t i = 0; i < n; i++)
    mem_free(cells[i]);
}

static void text_line(struct text_at *t, const char *s, size_t len) {
  size_t marks = len ? strspn(s, "#") : 0;
  if (is_fence(s, len)) {
    flush(t);
    fenced(t);
  } else if (!len) {
    flush(t);
    buf_addc(t->out, '\n');
  } else if (*s == '|') {
    table_line(t, s, len);
  } else if (marks && s[marks] == ' ') {
    flush(t);
    raw_line(t, s + marks + 1, len - marks - 1, 0);
  } else {
    if (strncmp(s, "- ", 2) == 0) flush(t);
    if (t->paragraph.len) buf_addc(&t->paragraph, ' ');
    buf_add(&t->paragraph, s, len);
  }
}

void prose_text(const char *s, size_t len, size_t indent, size_t width, struct buf *out) {
  struct text_at t = {.s = s, .end = s + len, .indent = indent, .width = width, .out = out};
  while (t.s < t.end) {
    const char *line;
    size_t n = take_line(&t, &line);
    text_line(&t, line, n);
  }
  flush(&t);
  buf_release(&t.paragraph);
}
