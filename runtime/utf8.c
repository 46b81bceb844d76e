/* Counting, decoding and case-mapping UTF-8. */
#include "utf8.h"

/* Bytes 0x80 and up that fit the lead byte c: its width, or 0 when c cannot lead. */
static size_t lead_width(unsigned char c) {
  return c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
}

size_t utf8_wrong(const char *s, size_t len) {
  for (size_t i = 0; i < len;) {
    unsigned char c = (unsigned char)s[i];
    size_t n = lead_width(c);
    if (c == 0 || n == 0 || n > len - i) return i;
    for (size_t k = 1; k < n; k++)
      if (!utf8_cont(s[i + k])) return i;
    unsigned char d = n > 1 ? (unsigned char)s[i + 1] : 0;
    if ((c == 0xE0 && d < 0xA0) || (c == 0xED && d >= 0xA0) || (c == 0xF0 && d < 0x90) ||
        (c == 0xF4 && d >= 0x90))
      return i;
    i += n;
  }
  return len;
}

bool utf8_valid(const char *s, size_t len) {
  return utf8_wrong(s, len) == len;
}

/* Eight bytes at a time: a byte starts a character unless its top bits are 10. */
size_t utf8_count(const char *s, size_t len) {
  size_t n = 0;
  const uint64_t ones = 0x0101010101010101u;
  for (; len >= 8; s += 8, len -= 8) {
    uint64_t w;
    memcpy(&w, s, 8);
    uint64_t cont = (w >> 7) & (~w >> 6) & ones;
    n += 8 - (size_t)__builtin_popcountll(cont);
  }
  for (; len; s++, len--)
    n += !utf8_cont(*s);
  return n;
}

uint32_t utf8_decode(const char *s) {
  const unsigned char *u = (const unsigned char *)s;
  switch (utf8_width(*s)) {
  case 1:
    return u[0];
  case 2:
    return (u[0] & 0x1Fu) << 6 | (u[1] & 0x3Fu);
  case 3:
    return (u[0] & 0x0Fu) << 12 | (u[1] & 0x3Fu) << 6 | (u[2] & 0x3Fu);
  default:
    return (u[0] & 0x07u) << 18 | (u[1] & 0x3Fu) << 12 | (u[2] & 0x3Fu) << 6 | (u[3] & 0x3Fu);
  }
}

size_t utf8_offset(const char *s, size_t len, size_t n) {
  size_t i = 0;
  while (n > 0 && i < len)
    i += utf8_width(s[i]), n--;
  return i < len ? i : len;
}

size_t utf8_back(const char *s, size_t at) {
  while (at > 0 && utf8_cont(s[--at])) {
  }
  return at;
}

struct run {
  uint32_t first, last;
  int32_t stride, delta;
};
static const struct run upper_runs[] = {
#define UPPER(a, b, s, d) {a, b, s, d},
#define LOWER(a, b, s, d)
#include "case.def"
#undef UPPER
#undef LOWER
};
static const struct run lower_runs[] = {
#define UPPER(a, b, s, d)
#define LOWER(a, b, s, d) {a, b, s, d},
#include "case.def"
#undef UPPER
#undef LOWER
};

static uint32_t map_char(const struct run *runs, size_t count, uint32_t c) {
  size_t lo = 0, hi = count;
  while (lo < hi) {
    size_t mid = (lo + hi) / 2;
    if (runs[mid].last < c) lo = mid + 1;
    else hi = mid;
  }
  if (lo == count || c < runs[lo].first) return c;
  if ((c - runs[lo].first) % (uint32_t)runs[lo].stride) return c;
  return (uint32_t)((int32_t)c + runs[lo].delta);
}

uint32_t char_upper(uint32_t c) {
  if (c < 0x80) return c - 'a' < 26u ? c - 32 : c;
  return map_char(upper_runs, sizeof upper_runs / sizeof *upper_runs, c);
}

uint32_t char_lower(uint32_t c) {
  if (c < 0x80) return c - 'A' < 26u ? c + 32 : c;
  return map_char(lower_runs, sizeof lower_runs / sizeof *lower_runs, c);
}
