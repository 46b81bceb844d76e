/* One file's text: checked once for what no runbook may hold, then offsets become lines here. */
#include "source.h"
#include "buf.h"

/* Length of the UTF-8 sequence at s (1-4), 0 when it is not valid (overlong, surrogate, cut). */
static size_t utf8_len(const unsigned char *s, size_t left) {
  if (s[0] < 0x80) return 1;
  size_t n = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
  if (s[0] < 0xC2 || s[0] > 0xF4 || n > left) return 0;
  for (size_t i = 1; i < n; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F)) return 0;
  if ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F)) return 0;
  return n;
}

/* Skips bytes that are plain ASCII and not NUL, eight at a time. */
static size_t ascii_skip(const char *s, size_t at, size_t len) {
  while (at + 8 <= len) {
    uint64_t w;
    memcpy(&w, s + at, 8);
    if ((w & 0x8080808080808080u) || ((w - 0x0101010101010101u) & ~w & 0x8080808080808080u)) break;
    at += 8;
  }
  return at;
}

static enum status text_check(const struct source *s, struct error *err) {
  for (size_t at = 0; at < s->len;) {
    at = ascii_skip(s->text, at, s->len);
    if (at >= s->len) break;
    size_t n = utf8_len((const unsigned char *)s->text + at, s->len - at);
    if (n && s->text[at]) {
      at += n;
      continue;
    }
    size_t line = 1;
    for (size_t i = 0; i < at; i++) line += s->text[i] == '\n';
    if (!n) {
      error_set(err, ERR_SYNTAX, "%s:%zu: not valid UTF-8 (byte 0x%02X at offset %zu)", s->name, line,
                (unsigned char)s->text[at], at);
      error_help(err, "save the file as UTF-8, for example: iconv -f LATIN1 -t UTF-8");
    } else {
      error_set(err, ERR_SYNTAX, "%s:%zu: a NUL byte at offset %zu; this is not a text file", s->name,
                line, at);
      error_help(err, "a runbook is plain UTF-8 text");
    }
    return err->status;
  }
  return OK;
}

enum status source_init(struct source *s, const char *name, char *text, size_t len,
                        struct error *err) {
  *s = (struct source){.name = mem_strdup(name), .text = text, .len = len};
  text[len] = text[len + 1] = '\0';
  if (len > SOURCE_MAX)
    return error_set(err, ERR_LIMIT, "%s: %zu bytes; a file may have %zu (16 MiB) at most", name, len,
                     SOURCE_MAX);
  return text_check(s, err);
}

void source_release(struct source *s) {
  mem_free(s->name);
  mem_free(s->text);
  mem_free(s->lines);
  *s = (struct source){0};
}

static void lines_build(struct source *s) {
  size_t cap = 0;
  s->lines = mem_grow(s->lines, 0, &cap, sizeof *s->lines);
  s->lines[s->line_count++] = 0;
  for (const char *p = s->text, *end = p + s->len; (p = memchr(p, '\n', (size_t)(end - p)));) {
    s->lines = mem_grow(s->lines, s->line_count, &cap, sizeof *s->lines);
    s->lines[s->line_count++] = (uint32_t)(++p - s->text);
  }
}

void source_line_col(struct source *s, uint32_t at, uint32_t *line, uint32_t *col) {
  if (!s->lines) lines_build(s);
  if (at > s->len) at = (uint32_t)s->len;
  uint32_t low = 0, high = s->line_count;
  while (high - low > 1) {
    uint32_t mid = low + (high - low) / 2;
    if (s->lines[mid] <= at) low = mid;
    else high = mid;
  }
  *line = low + 1;
  *col = 1;
  for (uint32_t i = s->lines[low]; i < at; i++) *col += ((unsigned char)s->text[i] & 0xC0) != 0x80;
}

const char *source_line(struct source *s, uint32_t line, size_t *len) {
  if (!s->lines) lines_build(s);
  if (line == 0 || line > s->line_count) {
    *len = 0;
    return "";
  }
  uint32_t start = s->lines[line - 1];
  uint32_t end = line < s->line_count ? s->lines[line] - 1 : (uint32_t)s->len;
  if (end > start && s->text[end - 1] == '\r') end--;
  *len = end - start;
  return s->text + start;
}
