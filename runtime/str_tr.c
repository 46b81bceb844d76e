/* Sets of characters as Ruby writes them ("a-z", "^0-9", "\\-"): tr, delete, squeeze. */
#include "method.h"
#include "utf8.h"

#include "../lang/limits.h"

struct span_of { /* of characters, both ends in */
  uint32_t first, last;
};

struct charset {
  struct span_of *spans;
  size_t count, cap;
  bool negated;
};

enum { SPANS_MAX = 1000 }; /* each character of a text is looked for in all of them */

static void charset_release(struct charset *s) {
  mem_free(s->spans);
}

static uint32_t next_char(struct text t, size_t *i) {
  if (t.s[*i] == '\\' && *i + 1 < t.len) (*i)++;
  uint32_t ch = utf8_decode(t.s + *i);
  *i += utf8_width(t.s[*i]);
  return ch;
}

static enum status charset_read(struct call *c, struct text t, bool may_negate,
                                struct charset *out) {
  struct charset s = {0};
  size_t i = 0;
  if (may_negate && t.len > 1 && t.s[0] == '^') s.negated = true, i = 1;
  while (i < t.len) {
    struct span_of span;
    span.first = span.last = next_char(t, &i);
    if (i + 1 < t.len && t.s[i] == '-') {
      i++;
      span.last = next_char(t, &i);
    }
    if (span.last < span.first) {
      charset_release(&s);
      return fail(c, ERR_VALUE, "bad character range in \"%.*s\"", (int)t.len, t.s);
    }
    if (s.count == SPANS_MAX) {
      charset_release(&s);
      return fail(c, ERR_LIMIT, "%s: a set of more than %d characters and ranges", c->method->name,
                  SPANS_MAX);
    }
    s.spans = mem_grow(s.spans, s.count, &s.cap, sizeof *s.spans);
    s.spans[s.count++] = span;
  }
  *out = s;
  return OK;
}

/* The place of ch in the set's order, or -1; later mentions do not count. */
static int64_t place_of(const struct charset *s, uint32_t ch) {
  uint32_t before = 0;
  for (size_t i = 0; i < s->count; i++) {
    if (ch >= s->spans[i].first && ch <= s->spans[i].last) return before + (ch - s->spans[i].first);
    before += s->spans[i].last - s->spans[i].first + 1;
  }
  return -1;
}

static bool is_surrogate(uint32_t c) {
  return c >= 0xD800 && c < 0xE000;
}

static uint32_t char_at(const struct charset *s, uint32_t place) {
  for (size_t i = 0; i < s->count; i++) {
    uint32_t n = s->spans[i].last - s->spans[i].first + 1;
    if (place < n) return s->spans[i].first + place;
    place -= n;
  }
  return s->spans[s->count - 1].last; /* a short target repeats its last character */
}

static bool in_set(const struct charset *s, uint32_t ch) {
  return (place_of(s, ch) >= 0) != s->negated;
}

static void translate(struct text t, const struct charset *from, const struct charset *to,
                      struct buf *b) {
  for (size_t i = 0; i < t.len; i += utf8_width(t.s[i])) {
    uint32_t ch = utf8_decode(t.s + i);
    if (!in_set(from, ch)) buf_add(b, t.s + i, utf8_width(t.s[i]));
    else if (to->count) {
      uint32_t c = char_at(to, from->negated ? UINT32_MAX : (uint32_t)place_of(from, ch));
      buf_add_utf8(b, is_surrogate(c) ? 0xFFFD : c); /* a range may run across them */
    }
  }
}

enum status m_string_tr(struct call *c, value self, value *out) {
  struct charset from = {0}, to = {0};
  struct text target = text_of(c, c->args[1]);
  enum status st = charset_read(c, text_of(c, c->args[0]), true, &from);
  if (st == OK) st = charset_read(c, target, false, &to);
  if (st == OK) {
    struct buf b = TEXT_BUF;
    translate(text_of(c, self), &from, &to, &b);
    st = give_text(c, &b, out);
  }
  charset_release(&from);
  charset_release(&to);
  return st;
}

enum status m_string_delete(struct call *c, value self, value *out) {
  struct charset set;
  enum status st = charset_read(c, text_of(c, c->args[0]), true, &set);
  if (st != OK) return st;
  struct text t = text_of(c, self);
  struct buf b = TEXT_BUF;
  for (size_t i = 0; i < t.len; i += utf8_width(t.s[i]))
    if (!in_set(&set, utf8_decode(t.s + i))) buf_add(&b, t.s + i, utf8_width(t.s[i]));
  charset_release(&set);
  return give_text(c, &b, out);
}

enum status m_string_squeeze(struct call *c, value self, value *out) {
  struct charset set = {.negated = true}; /* everything */
  if (c->count) {
    enum status st = charset_read(c, text_of(c, c->args[0]), true, &set);
    if (st != OK) return st;
  }
  struct text t = text_of(c, self);
  struct buf b = TEXT_BUF;
  uint32_t before = UINT32_MAX;
  for (size_t i = 0; i < t.len; i += utf8_width(t.s[i])) {
    uint32_t ch = utf8_decode(t.s + i);
    if (ch != before || !in_set(&set, ch)) buf_add(&b, t.s + i, utf8_width(t.s[i]));
    before = ch;
  }
  charset_release(&set);
  return give_text(c, &b, out);
}
