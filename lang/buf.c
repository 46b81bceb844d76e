/* Growable byte buffers: text is built here and nowhere else. */
#include "buf.h"

void buf_release(struct buf *b) {
  mem_free(b->data);
  size_t max = b->max;
  *b = (struct buf){.max = max};
}

void buf_wipe(struct buf *b) {
  if (b->data) explicit_bzero(b->data, b->cap);
  buf_release(b);
}

void buf_clear(struct buf *b) {
  b->len = 0;
  b->overflow = false;
  if (b->data) b->data[0] = '\0';
}

char *buf_reserve(struct buf *b, size_t len) {
  size_t max = b->max ? b->max : BUF_MAX;
  if (len > max || b->len > max - len) {
    b->overflow = true;
    return NULL;
  }
  size_t need = b->len + len + 1;
  if (need > b->cap) {
    size_t cap = b->cap ? b->cap * 2 : 64;
    while (cap < need) cap *= 2;
    b->data = mem_realloc(b->data, cap);
    b->cap = cap;
  }
  return b->data + b->len;
}

void buf_add(struct buf *b, const void *p, size_t len) {
  char *to = buf_reserve(b, len);
  if (!to) return;
  if (len) memcpy(to, p, len);
  b->len += len;
  b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *s) {
  buf_add(b, s, strlen(s));
}

void buf_addc(struct buf *b, char c) {
  buf_add(b, &c, 1);
}

/* Events are full of numbers: printf would be a tenth of what they cost. */
void buf_addi(struct buf *b, int64_t i) {
  char digits[20], *at = digits + sizeof digits;
  uint64_t n = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
  do *--at = (char)('0' + n % 10);
  while (n /= 10);
  if (i < 0) *--at = '-';
  buf_add(b, at, (size_t)(digits + sizeof digits - at));
}

void buf_addn(struct buf *b, size_t n, char c) {
  char *to = buf_reserve(b, n);
  if (!to) return;
  memset(to, c, n);
  b->len += n;
  b->data[b->len] = '\0';
}

/* Mostly it is short, and then it is formatted once. */
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) {
  char text[256], *to = NULL;
  va_list again;
  va_copy(again, ap);
  int n = vsnprintf(text, sizeof text, fmt, ap);
  if (n >= 0 && (size_t)n < sizeof text) buf_add(b, text, (size_t)n);
  else if (n >= 0) to = buf_reserve(b, (size_t)n);
  if (to) {
    vsnprintf(to, (size_t)n + 1, fmt, again);
    b->len += (size_t)n;
  }
  va_end(again);
}

void buf_addf(struct buf *b, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(b, fmt, ap);
  va_end(ap);
}

void buf_add_utf8(struct buf *b, uint32_t c) {
  char s[4];
  size_t n;
  if (c < 0x80) {
    s[0] = (char)c, n = 1;
  } else if (c < 0x800) {
    s[0] = (char)(0xC0 | c >> 6), s[1] = (char)(0x80 | (c & 0x3F)), n = 2;
  } else if (c < 0x10000) {
    s[0] = (char)(0xE0 | c >> 12), s[1] = (char)(0x80 | (c >> 6 & 0x3F));
    s[2] = (char)(0x80 | (c & 0x3F)), n = 3;
  } else {
    s[0] = (char)(0xF0 | c >> 18), s[1] = (char)(0x80 | (c >> 12 & 0x3F));
    s[2] = (char)(0x80 | (c >> 6 & 0x3F)), s[3] = (char)(0x80 | (c & 0x3F)), n = 4;
  }
  buf_add(b, s, n);
}

const char *buf_str(const struct buf *b) {
  return b->data ? b->data : "";
}

char *buf_take(struct buf *b) {
  char *data = b->data ? b->data : mem_dup("", 0);
  b->data = NULL;
  buf_release(b);
  return data;
}

void buf_truncate(struct buf *b, size_t len) {
  if (len >= b->len) return;
  b->len = len;
  b->data[len] = '\0';
}

void buf_add_word(struct buf *b, const char *s) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              "%+,-./:=@_";
  if (*s && !s[strspn(s, plain)]) {
    buf_adds(b, s);
    return;
  }
  buf_addc(b, '\'');
  for (; *s; s++) {
    if (*s == '\'') buf_adds(b, "'\\''");
    else buf_addc(b, *s);
  }
  buf_addc(b, '\'');
}
