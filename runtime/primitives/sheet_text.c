/* Text of cells: see sheet_text.h.
 *
 * Case and accents are handled for Latin, Greek and Cyrillic, independent of the locale; other
 * letters stay as they are. */
#include "sheet_text.h"

static bool is_ascii8(const char *s) {
  uint64_t w;
  memcpy(&w, s, sizeof w);
  return (w & 0x8080808080808080u) == 0;
}

/* The lead byte decides how many bytes follow and, against overlong and surrogate forms, the
 * bounds of the first of them. */
static bool utf8_lead(struct utf8_state *st, uint8_t c) {
  *st = (struct utf8_state){.low = 0x80, .high = 0xbf, .lead = c};
  if (c < 0x80) return true;
  if (c >= 0xc2 && c <= 0xdf) st->need = 1;
  else if (c >= 0xe0 && c <= 0xef) st->need = 2;
  else if (c >= 0xf0 && c <= 0xf4) st->need = 3;
  else return false;
  if (c == 0xe0) st->low = 0xa0;
  if (c == 0xed) st->high = 0x9f;
  if (c == 0xf0) st->low = 0x90;
  if (c == 0xf4) st->high = 0x8f;
  return true;
}

bool utf8_check(struct utf8_state *st, const char *s, size_t len, size_t *bad) {
  for (size_t i = 0; i < len; i++) {
    if (!st->need) {
      while (i + 8 <= len && is_ascii8(s + i))
        i += 8;
      if (i == len) return true;
    }
    uint8_t c = (uint8_t)s[i];
    bool good = st->need ? c >= st->low && c <= st->high : utf8_lead(st, c);
    if (!good) {
      *bad = i - st->had;
      return false;
    }
    if (st->need && st->had++) {
      st->need--;
      st->low = 0x80;
      st->high = 0xbf;
    }
    if (!st->need) st->had = 0;
  }
  return true;
}

static bool is_tail(const uint8_t *s, size_t count) {
  for (size_t i = 0; i < count; i++)
    if ((s[i] & 0xc0) != 0x80) return false;
  return true;
}

uint32_t utf8_next(const char **p) {
  const uint8_t *s = (const uint8_t *)*p;
  if (s[0] < 0x80) return *p += 1, s[0];
  if (!is_tail(s + 1, s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3)) return *p += 1, s[0];
  if (s[0] < 0xe0) return *p += 2, (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
  if (s[0] < 0xf0)
    return *p += 3, (uint32_t)(s[0] & 0x0f) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
  return *p += 4, (uint32_t)(s[0] & 0x07) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
                      (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

size_t utf8_cut(const char *s, size_t len, size_t max) {
  if (len <= max) return len;
  while (max && ((uint8_t)s[max] & 0xc0) == 0x80)
    max--;
  return max;
}

void latin1_to_utf8(struct buf *out, const char *s, size_t len) {
  static const uint16_t windows[32] = {
      0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
      0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
      0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178};
  for (size_t i = 0; i < len; i++) {
    uint8_t c = (uint8_t)s[i];
    if (c < 0x80) buf_addc(out, s[i]);
    else buf_add_utf8(out, c < 0xa0 ? windows[c - 0x80] : c);
  }
}

/* Latin Extended-A pairs capital and small letters, even-odd in most of it, odd-even in parts. */
static bool odd_pair(uint32_t c) {
  return (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
}
static bool even_pair(uint32_t c) {
  return c >= 0x100 && c <= 0x177 && !odd_pair(c) && c != 0x130 && c != 0x131 && c != 0x138 &&
         c != 0x149;
}

static uint32_t letter_lower(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 32;
  if (c == 0x178) return 0xff;
  if (odd_pair(c)) return c & 1 ? c + 1 : c;
  if (even_pair(c)) return c | 1;
  if (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) return c + 32;
  if (c >= 0x410 && c <= 0x42f) return c + 32;
  if (c >= 0x400 && c <= 0x40f) return c + 80;
  return c;
}

static uint32_t letter_upper(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  if (c == 0xff) return 0x178;
  if (c >= 0xe0 && c <= 0xfe && c != 0xf7) return c - 32;
  if (odd_pair(c)) return c & 1 ? c : c - 1;
  if (even_pair(c)) return c & ~1u;
  if (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) return c - 32;
  if (c >= 0x430 && c <= 0x44f) return c - 32;
  if (c >= 0x450 && c <= 0x45f) return c - 80;
  return c;
}

static void map_letters(struct buf *out, const char *s, size_t len, uint32_t (*map)(uint32_t)) {
  for (const char *p = s, *end = s + len; p < end;) {
    uint32_t c = map(utf8_next(&p));
    if (c < 0x80) buf_addc(out, (char)c);
    else buf_add_utf8(out, c);
  }
}
void text_upcase(struct buf *out, const char *s, size_t len) {
  map_letters(out, s, len, letter_upper);
}
void text_downcase(struct buf *out, const char *s, size_t len) {
  map_letters(out, s, len, letter_lower);
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_nbsp(const char *s) {
  return (uint8_t)s[0] == 0xc2 && (uint8_t)s[1] == 0xa0;
}

void text_trim(const char **s, size_t *len) {
  const char *p = *s, *end = p + *len;
  for (;;)
    if (p < end && is_space(*p)) p++;
    else if (end - p >= 2 && is_nbsp(p)) p += 2;
    else break;
  for (;;)
    if (p < end && is_space(end[-1])) end--;
    else if (end - p >= 2 && is_nbsp(end - 2)) end -= 2;
    else break;
  *s = p;
  *len = (size_t)(end - p);
}

void text_squeeze(struct buf *out, const char *s, size_t len) {
  text_trim(&s, &len);
  bool gap = false;
  for (const char *p = s, *end = s + len; p < end; p++) {
    bool nbsp = end - p >= 2 && is_nbsp(p);
    if (nbsp || is_space(*p)) {
      gap = true;
      p += nbsp;
      continue;
    }
    if (gap) buf_addc(out, ' ');
    gap = false;
    buf_addc(out, *p);
  }
}

/* The base letters of U+00E0..U+00FF, lower case. */
static const char latin1_base[] = "aaaaaaaceeeeiiiidnooooo/ouuuuyty";

/* U+0100..U+017F by hand where two code points do not make one pair of one letter. */
static uint32_t extended_letter(uint32_t c) {
  if (c == 0x138) return 'k';
  if (c == 0x149) return 'n';
  if (c == 0x178) return 'y';
  if (c == 0x17f) return 's';
  static const struct {
    uint16_t from, to;
    char base;
  } runs[] = {{0x100, 0x105, 'a'}, {0x106, 0x10d, 'c'}, {0x10e, 0x111, 'd'}, {0x112, 0x11b, 'e'},
              {0x11c, 0x123, 'g'}, {0x124, 0x127, 'h'}, {0x128, 0x131, 'i'}, {0x132, 0x135, 'j'},
              {0x136, 0x137, 'k'}, {0x139, 0x142, 'l'}, {0x143, 0x148, 'n'}, {0x14a, 0x14b, 'n'},
              {0x14c, 0x153, 'o'}, {0x154, 0x159, 'r'}, {0x15a, 0x161, 's'}, {0x162, 0x167, 't'},
              {0x168, 0x173, 'u'}, {0x174, 0x175, 'w'}, {0x176, 0x177, 'y'}, {0x179, 0x17e, 'z'}};
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
    if (c >= runs[i].from && c <= runs[i].to) return (uint8_t)runs[i].base;
  return c;
}

/* 0 for what the normal form leaves out: spaces, punctuation, combining accents. */
static uint32_t normal_letter(uint32_t c) {
  c = letter_lower(c);
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : 0;
  if (c >= 0xe0 && c <= 0xff) return c == 0xf7 ? 0 : (uint8_t)latin1_base[c - 0xe0];
  if (c < 0xe0) return c == 0xdf ? 's' : c == 0xaa || c == 0xba || c == 0xb5 ? c : 0;
  if (c < 0x180) return extended_letter(c);
  if (c >= 0x300 && c <= 0x36f) return 0;
  if (c >= 0x2000 && c <= 0x206f) return 0;
  return c;
}

static void normal_address(struct buf *out, const char *s, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (!is_space(s[i])) buf_addc(out, s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i]);
}

void text_normal(struct buf *out, const char *s, size_t len) {
  if (memchr(s, '@', len)) {
    normal_address(out, s, len);
    return;
  }
  for (const char *p = s, *end = s + len; p < end;) {
    uint32_t c = normal_letter(utf8_next(&p));
    if (c && c < 0x80) buf_addc(out, (char)c);
    else if (c) buf_add_utf8(out, c);
  }
}

static uint64_t fold_multiply(uint64_t a, uint64_t b) {
  __extension__ unsigned __int128 r = (unsigned __int128)a * b;
  return (uint64_t)r ^ (uint64_t)(r >> 64);
}

uint64_t text_hash(uint64_t seed, const void *s, size_t len) {
  const char *p = s;
  uint64_t h = seed ^ 0x9e3779b97f4a7c15u ^ len;
  for (; len >= 8; len -= 8, p += 8) {
    uint64_t w;
    memcpy(&w, p, 8);
    h = fold_multiply(h ^ w, 0xa0761d6478bd642fu);
  }
  uint64_t tail = 0;
  if (len) memcpy(&tail, p, len);
  return fold_multiply(h ^ tail, 0xe7037ed1a0b428dbu) ^ len;
}
