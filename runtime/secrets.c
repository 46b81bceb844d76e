/* The registry of secrets: what is known, and the patterns it is looked for by. */
#include "secrets_inner.h"

#include <ctype.h>

#include "digest.h"

/* --- wiping --- */

static void wipe(void *p, size_t len) {
  if (p) explicit_bzero(p, len);
  mem_free(p);
}

void secrets_free(struct secrets *s) {
  if (!s) return;
  for (size_t i = 0; i < s->known_count; i++) {
    wipe(s->known[i].text, s->known[i].len);
    mem_free(s->known[i].shown);
    mem_free(s->known[i].name);
  }
  for (size_t i = 0; i < s->pattern_count; i++)
    wipe(s->patterns[i].bytes, s->patterns[i].len);
  for (size_t i = 0; i < s->short_count; i++)
    mem_free(s->shorts[i]);
  mem_free(s->shorts);
  mem_free(s->known);
  mem_free(s->patterns);
  mem_free(s);
}

bool secrets_any(const struct secrets *s) {
  return s && s->known_count;
}

void secrets_on_short(struct secrets *s, void (*fn)(void *ud, const char *name), void *ud) {
  s->on_short = fn;
  s->on_short_ud = ud;
}

/* --- what may stand in a text where a pattern begins --- */

static void pair_set(struct secrets *s, uint8_t a, uint8_t b) {
  unsigned n = (unsigned)a << 8 | b;
  s->pairs[n >> 6] |= (uint64_t)1 << (n & 63);
}

struct secrets *secrets_new(void) {
  struct secrets *s = mem_zalloc(sizeof *s);
  s->patterns = mem_grow(s->patterns, 0, &s->pattern_cap, sizeof *s->patterns);
  s->patterns[s->pattern_count++] = (struct pattern){0};
  pair_set(s, '[', 's'); /* what redaction left */
  return s;
}

static void pairs_all(struct secrets *s, uint8_t a, const char *seconds) {
  for (; *seconds; seconds++)
    pair_set(s, a, (uint8_t)*seconds);
}

/* The characters that stand for a byte of a pattern without any escape; how many. */
static size_t spellings(enum pattern_kind kind, uint8_t b, uint8_t out[2]) {
  out[0] = b;
  out[1] = 0;
  if (kind == PATTERN_BASE64 && b == '+') out[1] = '-';
  if (kind == PATTERN_BASE64 && b == '/') out[1] = '_';
  if (kind == PATTERN_HEX && b >= 'a') out[1] = (uint8_t)(b - 32);
  if (kind == PATTERN_PLAIN && b == ' ') out[1] = '+';
  return out[1] ? 2 : 1;
}

/* A backslash and a letter that stand for this byte; 0: none. */
static char escape_letter(uint8_t b) {
  static const char from[] = "\n\t\r\b\f\v\a\033", to[] = "ntrbfvae";
  const char *at = b ? strchr(from, b) : NULL;
  if (at) return to[at - from];
  return b > ' ' && b < 0x7F && !isalnum(b) ? (char)b : 0;
}

/* The first byte as it is, before the second one in all its spellings; then the first one escaped. */
static void pairs_add(struct secrets *s, const struct pattern *p) {
  uint8_t first[2], second[2];
  size_t n = spellings(p->kind, p->bytes[0], first);
  size_t m = p->len > 1 ? spellings(p->kind, p->bytes[1], second) : 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k < m; k++)
      pair_set(s, first[i], second[k]);
    pairs_all(s, first[i], p->kind == PATTERN_PLAIN ? "%\\&=" : "%\\&=\r\n \t");
  }
  char letter = escape_letter(p->bytes[0]);
  if (letter) pair_set(s, '\\', (uint8_t)letter);
  pairs_all(s, '\\', "\\ux");
  pairs_all(s, '%', "0123456789abcdefABCDEF");
  pairs_all(s, '=', "0123456789abcdefABCDEF");
  pairs_all(s, '&', "#algq");
}

static void pattern_link(struct secrets *s, uint32_t n) {
  struct pattern *p = &s->patterns[n];
  p->next = s->first[p->bytes[0]];
  s->first[p->bytes[0]] = n;
  pairs_add(s, p);
}

static void pattern_add(struct secrets *s, struct pattern p) {
  s->patterns = mem_grow(s->patterns, s->pattern_count, &s->pattern_cap, sizeof *s->patterns);
  s->patterns[s->pattern_count] = p;
  pattern_link(s, (uint32_t)s->pattern_count++);
}

/* --- forms --- */

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bits of a text that stands `shift` bytes after the beginning of a group of three. */
static unsigned six_bits(const uint8_t *text, size_t len, size_t shift, size_t character) {
  unsigned bits = 0;
  for (size_t i = 0; i < 6; i++) {
    size_t bit = character * 6 + i, byte = bit / 8;
    unsigned b = byte >= shift && byte - shift < len ? text[byte - shift] : 0;
    bits = bits << 1 | (b >> (7 - bit % 8) & 1);
  }
  return bits;
}

static void base64_add(struct secrets *s, const uint8_t *text, size_t len, uint32_t secret) {
  for (size_t shift = 0; shift < 3; shift++) {
    size_t from = (shift * 8 + 5) / 6, to = (shift + len) * 8 / 6;
    struct pattern p = {.kind = PATTERN_BASE64,
                        .len = to - from,
                        .lead = shift * 8 % 6 != 0,
                        .tail = (shift + len) * 8 % 6 != 0,
                        .secret = secret};
    p.bytes = mem_alloc(p.len);
    for (size_t i = 0; i < p.len; i++)
      p.bytes[i] = (uint8_t)base64_letters[six_bits(text, len, shift, from + i)];
    pattern_add(s, p);
  }
}

static void forms_add(struct secrets *s, const char *text, size_t len, uint32_t secret) {
  pattern_add(s, (struct pattern){.bytes = (uint8_t *)mem_dup(text, len),
                                  .len = len,
                                  .kind = PATTERN_PLAIN,
                                  .secret = secret});
  base64_add(s, (const uint8_t *)text, len, secret);
  char *hex = mem_alloc(2 * len + 1);
  hex_write(text, len, hex);
  pattern_add(s, (struct pattern){
                     .bytes = (uint8_t *)hex, .len = 2 * len, .kind = PATTERN_HEX, .secret = secret});
}

/* A part of a secret of several lines says much by itself; what every key begins with does not. */
static void lines_add(struct secrets *s, const char *text, size_t len, uint32_t secret) {
  if (!memchr(text, '\n', len)) return;
  for (const char *at = text, *end = text + len, *nl; at < end; at = nl + 1) {
    nl = memchr(at, '\n', (size_t)(end - at));
    if (!nl) nl = end;
    size_t n = (size_t)(nl - at);
    if (n && at[n - 1] == '\r') n--;
    if (n >= SECRET_LINE && memcmp(at, "-----", 5) != 0) forms_add(s, at, n, secret);
  }
}

/* --- learning --- */

static const struct known *find(const struct secrets *s, const char *text, size_t len) {
  for (size_t i = 0; i < s->known_count; i++)
    if (s->known[i].len == len && memcmp(s->known[i].text, text, len) == 0) return &s->known[i];
  return NULL;
}

static void tell_short(struct secrets *s, const char *name) {
  for (size_t i = 0; i < s->short_count; i++)
    if (strcmp(s->shorts[i], name) == 0) return;
  s->shorts = mem_grow(s->shorts, s->short_count, &s->short_cap, sizeof *s->shorts);
  s->shorts[s->short_count++] = mem_strdup(name);
  if (s->on_short) s->on_short(s->on_short_ud, name);
}

/* What stands for it. A name that would give another secret away is left out. */
static char *shown_make(const struct secrets *s, const char *name) {
  struct buf b = BUF_INIT;
  struct met met;
  buf_adds(&b, "[secret");
  size_t bare = b.len;
  if (name && *name) buf_addc(&b, ' ');
  for (; name && *name; name++)
    buf_addc(&b, isalnum((unsigned char)*name) || strchr("_./:#@?!-", *name) ? *name : '?');
  if (secrets_meet(s, buf_str(&b) + bare, b.len - bare, 0, &met)) buf_truncate(&b, bare);
  buf_addc(&b, ']');
  return buf_take(&b);
}

bool secrets_find(const struct secrets *s, const char *text, size_t len, struct secret_known *out) {
  const struct known *k = s ? find(s, text, len) : NULL;
  if (!k) return false;
  *out = (struct secret_known){(uint32_t)(k - s->known), k->name, k->source};
  return true;
}

bool secrets_learn(struct secrets *s, const char *name, const char *source, const char *text,
                   size_t len) {
  while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
    len--;
  if (len < SECRET_SHORTEST) {
    if (len) tell_short(s, name ? name : "");
    return false;
  }
  if (find(s, text, len)) return true;
  uint32_t number = (uint32_t)s->known_count;
  s->known = mem_grow(s->known, s->known_count, &s->known_cap, sizeof *s->known);
  s->known[s->known_count++] = 
      (struct known){.text = mem_dup(text, len),
                     .len = len,
                     .name = name ? mem_strdup(name) : NULL,
                     .source = source};
  forms_add(s, text, len, number);
  lines_add(s, text, len, number);
  s->known[number].shown = shown_make(s, name);
  return true;
}

/* Whether a part of it is known: that is enough to find it. */
static bool put_together(const struct secrets *s, const char *source, struct text t) {
  struct met met;
  return strcmp(source, SECRET_ARGUMENT) == 0 && secrets_meet(s, t.s, t.len, 0, &met);
}

static void learn_inside(struct secrets *s, const char *name, const char *source, value v,
                         bool secret, const struct symtab *syms) {
  if (v.tag == V_SECRET) secret = true, v = secret_reveal(v);
  if (v.tag == V_ARRAY) {
    for (size_t i = 0; i < value_array(v)->count; i++)
      learn_inside(s, name, source, value_array(v)->items[i], secret, syms);
  } else if (v.tag == V_HASH || v.tag == V_RECORD) {
    for (size_t i = 0; i < dict_count(value_dict(v)); i++) {
      value key, member;
      dict_at(value_dict(v), i, &key, &member);
      learn_inside(s, name, source, member, secret, syms);
    }
  } else if (secret && value_is_text(v)) {
    struct text t = value_text(v, syms);
    if (!put_together(s, source, t)) secrets_learn(s, name, source, t.s, t.len);
  } else if (secret && v.tag == V_INT) {
    struct buf b = BUF_INIT;
    buf_addi(&b, v.u.i);
    secrets_learn(s, name, source, b.data, b.len);
    explicit_bzero(b.data, b.len);
    buf_release(&b);
  }
}

void secrets_learn_value(struct secrets *s, const char *name, const char *source, value v,
                         const struct symtab *syms) {
  if (s) learn_inside(s, name, source, v, false, syms);
}
