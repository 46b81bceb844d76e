/* Text on a terminal: how wide it is, and that it steers nothing, whoever wrote it. */
#include "text.h"

static bool is_start(char c) {
  return ((unsigned char)c & 0xC0) != 0x80;
}

size_t text_columns(const char *s, size_t len) {
  size_t n = 0;
  for (size_t i = 0; i < len; i++)
    n += is_start(s[i]);
  return n;
}

/* The bytes of the first `columns` code points. */
static size_t bytes_of(const char *s, size_t len, size_t columns) {
  size_t i = 0;
  for (size_t n = 0; i < len; i++)
    if (is_start(s[i]) && n++ == columns) break;
  return i;
}

size_t text_steers(const char *s, size_t len) {
  const unsigned char *u = (const unsigned char *)s;
  if (u[0] < ' ' || u[0] == 127) return 1;
  if (u[0] < 0x80) return 0;
  if (is_start(s[0]) && len > 1 && !is_start(s[1])) {
    if (u[0] == 0xC2 && u[1] < 0xA0) return 2; /* U+0080..9F */
    bool direction = u[0] == 0xE2 && len > 2 &&
                     ((u[1] == 0x80 && u[2] >= 0xAA && u[2] <= 0xAE) || /* U+202A..202E */
                      (u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9));  /* U+2066..2069 */
    return direction ? 3 : 0;
  }
  return 1;
}

void text_tame(struct buf *out, const char *s, size_t len, char instead) {
  for (size_t i = 0, n; i < len; i += n) {
    n = text_steers(s + i, len - i);
    if (n) {
      buf_addc(out, instead);
      continue;
    }
    for (n = 1; i + n < len && !is_start(s[i + n]); n++) {
    }
    buf_add(out, s + i, n);
  }
}

void text_tame_lines(struct buf *out, const char *s, size_t indent) {
  for (const char *nl; (nl = strchr(s, '\n')); s = nl + 1) {
    text_tame(out, s, (size_t)(nl - s), '?');
    buf_addc(out, '\n');
    buf_addn(out, indent, ' ');
  }
  text_tame(out, s, strlen(s), '?');
}

void text_print(FILE *out, const char *s, size_t indent) {
  struct buf b = BUF_INIT;
  text_tame_lines(&b, s, indent);
  fwrite(buf_str(&b), 1, b.len, out);
  buf_release(&b);
}

void text_print_line(FILE *out, const char *s) {
  struct buf b = BUF_INIT;
  text_tame(&b, s, strlen(s), '?');
  fwrite(buf_str(&b), 1, b.len, out);
  buf_release(&b);
}

void text_fit(struct buf *out, const char *s, size_t len, size_t columns) {
  size_t have = text_columns(s, len);
  if (have <= columns) {
    text_tame(out, s, len, ' ');
    buf_addn(out, columns - have, ' ');
    return;
  }
  size_t dots = columns > 2 ? 2 : 0;
  text_tame(out, s, bytes_of(s, len, columns - dots), ' ');
  buf_addn(out, dots, '.');
}
