/* Where secrets stand in a text.
 *
 * The hard part is that each character of a secret may be written in several ways, by programs that
 * nobody here knows, one wrapped in the other. So nothing is decoded beforehand: at a place that may
 * begin a secret, every reading of what stands there is followed at once, as a set of places after
 * each byte of the pattern. A table of pairs of bytes keeps that from happening at most places. */
#include <ctype.h>

#include "secrets_inner.h"

struct reading {
  const uint8_t *text;
  size_t len;
};

/* One way to read what stands at a place: some bytes, and where to go on. None: it is passed over. */
struct unit {
  uint8_t bytes[4], count;
  size_t next;
};
enum { UNITS = 16, BACKSLASHES = 32, PERCENTS = 4 };
struct units {
  struct unit all[UNITS];
  unsigned count;
};

static void unit_add(struct units *u, uint8_t byte, size_t next) {
  if (u->count < UNITS) u->all[u->count++] = (struct unit){{byte}, 1, next};
}

static void unit_add_char(struct units *u, uint32_t c, size_t next) {
  struct buf b = BUF_INIT;
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) || u->count == UNITS) return;
  if (c < 0x80) return unit_add(u, (uint8_t)c, next);
  buf_add_utf8(&b, c);
  struct unit *to = &u->all[u->count++];
  *to = (struct unit){.count = (uint8_t)b.len, .next = next};
  memcpy(to->bytes, b.data, b.len);
  buf_release(&b);
}

static int hex_of(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n hex digits at p, as they stand there; -1: they are none, or the text ends before. */
static int32_t hex_at(const struct reading *r, size_t p, size_t n) {
  int32_t v = 0;
  for (size_t i = 0; i < n; i++) {
    if (p + i >= r->len) return -1;
    int d = hex_of(r->text[p + i]);
    if (d < 0) return -1;
    v = v << 4 | d;
  }
  return v;
}

/* A character of an escape, which may have been encoded for a URL as a whole; -1 at the end. */
static int char_at(const struct reading *r, size_t p, size_t *next) {
  if (p >= r->len) return -1;
  *next = p + 1;
  size_t at = p + 1;
  for (int i = 0, b = r->text[p]; b == '%' && i < PERCENTS; i++, at += 2) {
    b = (int)hex_at(r, at, 2);
    if (b < 0) break;
    if (b != '%') return *next = at + 2, b;
  }
  return r->text[p];
}

/* Four hex digits, encoded or not; -1 as above. */
static int32_t four_at(const struct reading *r, size_t p, size_t *next) {
  int32_t v = 0;
  for (int i = 0; i < 4; i++, p = *next) {
    int c = char_at(r, p, next), d = c < 0 ? -1 : hex_of((uint8_t)c);
    if (d < 0) return -1;
    v = v << 4 | d;
  }
  return v;
}

/* How many backslashes stand at p, and what follows them. */
static size_t run_at(const struct reading *r, size_t p, size_t *next) {
  size_t n = 0, after = p;
  *next = p;
  while (n < BACKSLASHES && char_at(r, p, &after) == '\\')
    n++, p = *next = after;
  return n;
}

/* The four digits after \u, and the other half of a pair. */
static void entity(const struct reading *r, size_t p, struct units *u);

static void unicode(const struct reading *r, size_t p, struct units *u) {
  size_t at, next;
  int32_t high = four_at(r, p, &at), low;
  if (high < 0) return;
  if (high == '&') entity(r, at, u);
  if (high < 0xD800 || high >= 0xDC00) return unit_add_char(u, (uint32_t)high, at);
  if (!run_at(r, at, &next) || char_at(r, next, &at) != 'u') return;
  low = four_at(r, at, &next);
  if (low >= 0xDC00 && low < 0xE000)
    unit_add_char(u, 0x10000u + (uint32_t)(high - 0xD800) * 0x400u + (uint32_t)(low - 0xDC00), next);
}

/* One backslash is 1, 2, 4 ... of them, as often as it was escaped; an escape has any number before
 * its letter. */
static void backslash(const struct reading *r, size_t p, struct units *u) {
  static const char letters[] = "ntrbfvae", bytes[] = "\n\t\r\b\f\v\a\033";
  size_t at, next = p, run = run_at(r, p, &at);
  for (size_t n = 1; n <= run; n++) {
    if (char_at(r, next, &next) == '\\' && !(n & (n - 1))) unit_add(u, '\\', next);
  }
  int c = char_at(r, at, &next);
  if (c < 0 || c == '\\') return;
  const char *letter = c ? strchr(letters, c) : NULL;
  if (letter) unit_add(u, (uint8_t)bytes[letter - letters], next);
  else if (c == 'u') unicode(r, next, u);
  else if (c == 'x') {
    int32_t b = hex_at(r, next, 2);
    if (b >= 0) unit_add(u, (uint8_t)b, next + 2);
  } else if (c < 0x80 && !isalnum(c)) {
    unit_add(u, (uint8_t)c, next);
    if (c == '&') entity(r, next, u);
  }
}

/* %41, and %2541 where that was encoded once more; it may be the backslash of an escape. */
static void percent(const struct reading *r, size_t p, struct units *u) {
  size_t at = p + 1;
  for (int i = 0; i < PERCENTS; i++) {
    int32_t b = hex_at(r, at, 2);
    if (b < 0) return;
    if (b == '\\') return backslash(r, p, u);
    unit_add(u, (uint8_t)b, at + 2);
    if (b == '+') unit_add(u, ' ', at + 2);
    if (b == '&') entity(r, at + 2, u);
    if (b != '%') return;
    at += 2;
  }
}

static bool word_at(const struct reading *r, size_t p, const char *word, size_t *next) {
  *next = p;
  while (*word && char_at(r, *next, next) == *word)
    word++;
  return !*word;
}

/* The rest of &amp; &#38; &#x26; after its first character. */
static void entity(const struct reading *r, size_t p, struct units *u) {
  static const struct {
    const char *name;
    char c;
  } names[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
  size_t at, next;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (word_at(r, p, names[i].name, &next)) unit_add(u, (uint8_t)names[i].c, next);
  if (u->count < UNITS && word_at(r, p, names[0].name, &next)) entity(r, next, u); /* escaped again */
  if (char_at(r, p, &at) != '#') return;
  uint32_t base = 10, c = 0;
  if ((char_at(r, at, &next) | 32) == 'x') base = 16, at = next;
  for (size_t digits = 0; digits < 8; digits++, at = next) {
    int digit = char_at(r, at, &next);
    if (digit == ';' && digits) return unit_add_char(u, c, next);
    int d = digit < 0 ? -1 : hex_of((uint8_t)digit);
    if (d < 0 || d >= (int)base) return;
    c = c * base + (uint32_t)d;
  }
}

/* A line's end, or its escape. */
static bool ends_line(const struct reading *r, size_t p, char byte, size_t *next) {
  struct units u = {.count = 0};
  int c = char_at(r, p, next);
  if (c != '\\') return c == byte;
  backslash(r, p, &u);
  for (unsigned i = 0; i < u.count; i++) {
    if (u.all[i].count != 1 || u.all[i].bytes[0] != byte) continue;
    *next = u.all[i].next;
    return true;
  }
  return false;
}

/* =41 of quoted-printable mail, where an = at a line's end joins the next one. */
static void quoted(const struct reading *r, size_t p, struct units *u) {
  size_t at = p + 1, next;
  int32_t b = hex_at(r, at, 2);
  if (b >= 0) unit_add(u, (uint8_t)b, p + 3);
  if (ends_line(r, at, '\r', &next)) at = next;
  if (ends_line(r, at, '\n', &next)) u->all[u->count++] = (struct unit){.next = next};
}

static void units_at(const struct reading *r, size_t p, struct units *u) {
  uint8_t c = r->text[p];
  u->count = 0;
  unit_add(u, c, p + 1);
  switch (c) {
  case '+':
    unit_add(u, ' ', p + 1);
    break;
  case '%':
    percent(r, p, u);
    break;
  case '\\':
    backslash(r, p, u);
    break;
  case '&':
    entity(r, p + 1, u);
    break;
  case '=':
    quoted(r, p, u);
    break;
  default:
    break;
  }
}

/* --- one pattern --- */

static bool same(enum pattern_kind kind, uint8_t want, uint8_t have) {
  if (want == have) return true;
  if (kind == PATTERN_BASE64) return (want == '+' && have == '-') || (want == '/' && have == '_');
  return kind == PATTERN_HEX && want >= 'a' && (have | 32) == want;
}

enum { AHEAD = 5, PLACES = 24 };
struct places {
  size_t at[PLACES];
  unsigned count;
};

static void place_add(struct places *s, size_t at) {
  for (unsigned i = 0; i < s->count; i++)
    if (s->at[i] == at) return;
  if (s->count < PLACES) s->at[s->count++] = at;
}

static bool unit_fits(const struct pattern *p, size_t q, const struct unit *u) {
  if (u->count > p->len - q) return false;
  for (unsigned i = 0; i < u->count; i++)
    if (!same(p->kind, p->bytes[q + i], u->bytes[i])) return false;
  return true;
}

static bool is_blank(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What was encoded is often broken into lines. */
static bool passed_over(const struct pattern *p, size_t q, const struct unit *u) {
  if (!q) return false;
  return !u->count ||
         (p->kind != PATTERN_PLAIN && u->count == 1 && is_blank(u->bytes[0]));
}

static void places_step(const struct pattern *p, const struct reading *r, size_t q, struct places ring[AHEAD]) {
  struct places *here = &ring[q % AHEAD];
  struct units u;
  for (unsigned i = 0; i < here->count; i++) {
    if (here->at[i] >= r->len) continue;
    units_at(r, here->at[i], &u);
    for (unsigned k = 0; k < u.count; k++) {
      if (passed_over(p, q, &u.all[k])) place_add(here, u.all[k].next);
      else if (u.all[k].count && unit_fits(p, q, &u.all[k]))
        place_add(&ring[(q + u.all[k].count) % AHEAD], u.all[k].next);
    }
  }
  here->count = 0;
}

static bool ring_empty(const struct places ring[AHEAD]) {
  unsigned n = 0;
  for (int i = 0; i < AHEAD; i++)
    n += ring[i].count;
  return !n;
}

/* Where the pattern ends that begins at `from`; 0: it does not stand there. */
static size_t pattern_end(const struct pattern *p, const struct reading *r, size_t from) {
  struct places ring[AHEAD];
  if (p->kind == PATTERN_PLAIN && r->len - from >= p->len &&
      memcmp(r->text + from, p->bytes, p->len) == 0)
    return from + p->len;
  for (int i = 0; i < AHEAD; i++)
    ring[i].count = 0;
  place_add(&ring[0], from);
  for (size_t q = 0; q < p->len; q++) {
    places_step(p, r, q, ring);
    if (ring_empty(ring)) return 0;
  }
  size_t end = 0;
  const struct places *last = &ring[p->len % AHEAD];
  for (unsigned i = 0; i < last->count; i++)
    if (last->at[i] > end) end = last->at[i];
  return end;
}

static bool is_base64(uint8_t c) {
  return isalnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

/* --- all patterns, at one place and at the next --- */

struct search {
  const struct secrets *secrets;
  struct reading r;
  size_t from;
};

static void pattern_try(const struct search *s, const struct pattern *p, size_t at, struct met *out) {
  const struct reading *r = &s->r;
  size_t start = at, end = pattern_end(p, r, at);
  if (!end) return;
  if (p->lead && start > s->from && is_base64(r->text[start - 1])) start--;
  if (p->tail && end < r->len && is_base64(r->text[end])) end++;
  if (end > out->end) out->secret = p->secret;
  if (end > out->end) out->end = end;
  if (start < out->start) out->start = start;
}

/* Whether units_at() may read such a byte in another way than as itself. */
static bool is_open(uint8_t c) {
  return c == '%' || c == '\\' || c == '&' || c == '=' || c == '+';
}

/* As far as the text can be read in one way only: mostly that shows soon that nothing is there. */
static bool may_stand(const struct pattern *p, const struct reading *r, size_t at) {
  for (size_t i = 0; i < p->len && at < r->len; at++) {
    uint8_t c = r->text[at];
    if (is_open(c)) return true;
    if (i && p->kind != PATTERN_PLAIN && is_blank(c)) continue; /* as passed_over() has it */
    if (!same(p->kind, p->bytes[i++], c)) return false;
  }
  return true;
}

static void chain_try(const struct search *s, uint8_t first, size_t at, struct met *out) {
  const struct secrets *all = s->secrets;
  for (uint32_t n = all->first[first]; n; n = all->patterns[n].next)
    if (may_stand(&all->patterns[n], &s->r, at)) pattern_try(s, &all->patterns[n], at, out);
}

/* Another spelling of the byte that a pattern begins with; 0: there is none. */
static uint8_t other_first(uint8_t c) {
  if (c == '-') return '+';
  if (c == '_') return '/';
  return c >= 'A' && c <= 'F' ? (uint8_t)(c | 32) : 0;
}

/* out->end is 0 when nothing stands there. */
static void meet_at(const struct search *s, size_t at, struct met *out) {
  struct units u;
  *out = (struct met){.start = at};
  units_at(&s->r, at, &u);
  for (unsigned i = 0; i < u.count; i++) {
    if (!u.all[i].count) continue;
    uint8_t c = u.all[i].bytes[0], other = other_first(c);
    chain_try(s, c, at, out);
    if (other) chain_try(s, other, at, out);
  }
}

/* Secrets that overlap: all of them are replaced. */
static void join(const struct search *s, struct met *out) {
  struct met inner;
  for (size_t p = out->start + 1; p < out->end && p + 1 < s->r.len; p++) {
    if (!pair_may(s->secrets, s->r.text[p], s->r.text[p + 1])) continue;
    meet_at(s, p, &inner);
    if (inner.end > out->end) out->end = inner.end;
  }
}

/* The bytes of what redaction left before; it is passed over. 0: none stands there. */
static size_t marked_at(const struct search *s, size_t at) {
  const char *text = (const char *)s->r.text + at;
  size_t left = s->r.len - at;
  for (size_t i = 0; i < s->secrets->known_count; i++) {
    const char *shown = s->secrets->known[i].shown;
    size_t n = shown ? strlen(shown) : 0;
    if (n && left >= n && memcmp(text, shown, n) == 0) return n;
  }
  return 0;
}

bool secrets_meet(const struct secrets *secrets, const char *text, size_t len, size_t from,
                  struct met *out) {
  struct search s = {secrets, {(const uint8_t *)text, len}, from};
  for (size_t p = from; p + 1 < len; p++) {
    const uint8_t *at = s.r.text + p;
    if (!pair_may(secrets, at[0], at[1])) continue;
    size_t marked = at[0] == '[' ? marked_at(&s, p) : 0;
    if (marked) {
      p += marked - 1;
      continue;
    }
    meet_at(&s, p, out);
    if (out->end) join(&s, out);
    if (out->end) return true;
  }
  return false;
}
