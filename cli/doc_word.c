/* Words of the language, out of the reference page that is built in: the rows of its tables, and of
 * methods the lines that show them. */
#include "../lang/clause.h"
#include "../lang/sym.h"
#include "../stdlib/embed.h"
#include "doc.h"
#include "doc_prose.h"

enum { WIDTH = 76, LINES = 12 };

struct page {
  const char *s, *end;
  const char *heading; /* the line of it, without its marks */
  size_t heading_len;
  bool fenced, evaluated; /* in a block; in one of expressions */
};

static bool next_line(struct page *p, const char **line, size_t *len) {
  if (p->s >= p->end) return false;
  const char *nl = memchr(p->s, '\n', (size_t)(p->end - p->s));
  *line = p->s;
  *len = nl ? (size_t)(nl - p->s) : (size_t)(p->end - p->s);
  p->s += *len + (nl != NULL);
  if (*len >= 3 && strncmp(*line, "```", 3) == 0) {
    p->fenced = !p->fenced;
    p->evaluated = p->fenced && *len >= 12 && strncmp(*line, "```ruby eval", 12) == 0;
  } else if (!p->fenced && *len && **line == '#') {
    size_t marks = strspn(*line, "# ");
    p->heading = *line + marks;
    p->heading_len = *len - marks;
  }
  return true;
}

static bool in_word(char c) {
  return c == '_' || c == '?' || c == '!' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Where the word stands in s as a whole one behind `before`, or NULL. */
static const char *find_word(const char *s, size_t len, char before, const char *word) {
  size_t n = strlen(word);
  for (size_t i = 0; i + 1 + n <= len; i++) {
    if (s[i] != before || strncmp(s + i + 1, word, n) != 0) continue;
    if (i + 1 + n == len || !in_word(s[i + 1 + n])) return s + i + 1;
  }
  return NULL;
}

/* The end of a table's cell, where the next `|` stands. */
static size_t cell_end(const char *s, size_t len, size_t at) {
  while (at < len && !(s[at] == '|' && s[at - 1] != '\\'))
    at++;
  return at;
}

static void row_add(const struct page *p, const char *row, size_t len, struct buf *out) {
  size_t first = cell_end(row, len, 1), second = cell_end(row, len, first + 1);
  if (out->len) buf_addc(out, '\n');
  prose_words(row + 1, first - 1, 0, 2, WIDTH, false, out);
  buf_adds(out, "    ");
  prose_words(row + first + 1, second - first - 1, 4, 4, WIDTH, true, out);
  buf_addf(out, "    (%.*s)\n", (int)p->heading_len, p->heading);
}

static bool rows(const char *word, struct buf *out) {
  struct page p = {.s = language_page, .end = language_page + language_page_len};
  const char *line;
  size_t len;
  bool found = false;
  while (next_line(&p, &line, &len)) {
    if (p.fenced || len < 3 || strncmp(line, "| `", 3) != 0) continue;
    size_t first = cell_end(line, len, 1);
    if (!find_word(line, first, '`', word) && !find_word(line, first, ':', word)) continue;
    row_add(&p, line, len, out);
    found = true;
  }
  return found;
}

static bool examples(const char *word, struct buf *out) {
  struct page p = {.s = language_page, .end = language_page + language_page_len};
  const char *line;
  size_t len, count = 0;
  while (next_line(&p, &line, &len)) {
    if (!p.evaluated || !find_word(line, len, '.', word)) continue;
    if (!count && out->len) buf_addc(out, '\n');
    if (count++ < LINES) buf_addf(out, "%.*s\n", (int)len, line);
  }
  if (count > LINES) buf_addf(out, "... and %zu more in docs/language.md\n", count - LINES);
  return count > 0;
}

bool doc_word(const char *word, struct buf *out) {
  bool row = rows(word, out), shown = examples(word, out);
  return row || shown;
}

/* Clauses and statements. Their texts live as long as the program. */
void doc_words(void (*fn)(void *ud, const char *word), void *ud) {
  static const char *const words[] = {
#define CLAUSE(word, ...) #word,
#include "../lang/clause.def"
#undef CLAUSE
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (!strstr(words[i], "_bang")) fn(ud, words[i]);
}
