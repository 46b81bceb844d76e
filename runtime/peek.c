/* Looks into JSON without building values.
 *
 * The text was checked when it was written; bytes that are no JSON end a walk early and harm
 * nothing. */
#include "peek.h"

#include "../lang/status.h"

const char *peek_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
    p++;
  return p;
}

const char *peek_string(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p < end ? p + 1 : end;
}

static const char *skip_value(const char *p, const char *end) {
  int depth = 0;
  for (; p < end; p++) {
    char c = *p;
    if (c == '"') {
      p = peek_string(p, end) - 1;
      continue;
    }
    bool closes = c == '}' || c == ']';
    if (depth == 0 && (closes || c == ',')) return p;
    if (c == '{' || c == '[') depth++;
    if (closes) depth--;
  }
  return end;
}

/* The value that begins at p; returns where it ends. */
static const char *take_value(const char *p, const char *end, struct member *m) {
  m->value = p = peek_space(p, end);
  p = skip_value(p, end);
  const char *last = p;
  while (last > m->value && strchr(" \t\r\n", last[-1]))
    last--;
  m->value_len = (size_t)(last - m->value);
  return p;
}

const char *peek_next(const char *p, const char *end, struct member *m) {
  p = peek_space(p, end);
  if (p < end && *p == ',') p = peek_space(p + 1, end);
  if (p >= end || *p != '"') return NULL;
  const char *after = peek_string(p, end);
  m->key = p + 1;
  m->key_len = (size_t)(after - p - 2);
  p = peek_space(after, end);
  if (p < end && *p == ':') p++;
  return take_value(p, end, m);
}

bool peek(const char *json, size_t len, const char *key, struct member *m) {
  size_t n = strlen(key);
  const char *end = json + len, *p = peek_space(json, end);
  if (p >= end || *p != '{') return false;
  for (p++; (p = peek_next(p, end, m));)
    if (m->key_len == n && memcmp(m->key, key, n) == 0) return true;
  return false;
}

static bool hex4(const char *p, const char *end, uint32_t *out) {
  if (end - p < 4) return false;
  *out = 0;
  for (int i = 0; i < 4; i++) {
    char c = p[i];
    uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
                                            : 16;
    if (digit > 15) return false;
    *out = *out * 16 + digit;
  }
  return true;
}

/* The escape behind a backslash at p; returns what follows it. */
static const char *escape(const char *p, const char *end, struct buf *out) {
  static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
  uint32_t c, low;
  const char *at = *p ? strchr(from, *p) : NULL;
  if (at) {
    buf_addc(out, to[at - from]);
    return p + 1;
  }
  if (*p != 'u' || !hex4(p + 1, end, &c)) {
    buf_addc(out, *p);
    return p + 1;
  }
  p += 5;
  if (c >= 0xD800 && c < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u' &&
      hex4(p + 2, end, &low)) {
    c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    p += 6;
  }
  buf_add_utf8(out, c);
  return p;
}

void member_text(const struct member *m, struct buf *out) {
  if (m->value_len < 2 || *m->value != '"') {
    buf_add(out, m->value, m->value_len);
    return;
  }
  const char *p = m->value + 1, *end = m->value + m->value_len - 1;
  while (p < end) {
    const char *next = memchr(p, '\\', (size_t)(end - p));
    buf_add(out, p, (size_t)((next ? next : end) - p));
    if (!next || next + 1 >= end) return;
    p = escape(next + 1, end, out);
  }
}

bool peek_text(const char *json, size_t len, const char *key, struct buf *out) {
  struct member m;
  if (!peek(json, len, key, &m)) return false;
  if (m.value_len == 4 && memcmp(m.value, "null", 4) == 0) return false;
  member_text(&m, out);
  return true;
}

char *peek_copy(const char *json, size_t len, const char *key) {
  struct buf b = BUF_INIT;
  if (!peek_text(json, len, key, &b)) return NULL;
  return b.data ? buf_take(&b) : mem_strdup("");
}

int64_t peek_int(const char *json, size_t len, const char *key, int64_t otherwise) {
  struct member m;
  char digits[24], *stop;
  if (!peek(json, len, key, &m) || m.value_len >= sizeof digits || !m.value_len) return otherwise;
  memcpy(digits, m.value, m.value_len);
  digits[m.value_len] = '\0';
  long long i = strtoll(digits, &stop, 10);
  return *stop ? otherwise : i;
}

bool peek_true(const char *json, size_t len, const char *key) {
  struct member m;
  return peek(json, len, key, &m) && m.value_len == 4 && memcmp(m.value, "true", 4) == 0;
}

bool peek_is(const char *json, size_t len, const char *key, const char *text) {
  struct member m;
  size_t n = strlen(text);
  return peek(json, len, key, &m) && m.value_len == n + 2 && *m.value == '"' &&
         memcmp(m.value + 1, text, n) == 0;
}
