/* String methods that need no pattern: case, strip, pad, affixes, conversions. Symbols share them.
 */
#include "method.h"
#include "utf8.h"

#include <errno.h>
#include <math.h>

#include "../lang/limits.h"

static enum status give(value *out, const char *s, size_t len) {
  *out = value_string(s, len);
  return OK;
}

static enum status give_int(value *out, size_t n) {
  *out = value_int((int64_t)n);
  return OK;
}

/* A method of strings that gives a symbol when its receiver is one. */
static enum status as_symbol(struct call *c, enum status st, value *out) {
  if (st != OK) return st;
  value text = *out;
  *out = value_symbol(sym_intern(call_syms(c), value_str(text)->s, value_str(text)->len));
  value_unref(text);
  return OK;
}

enum status m_string_size(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  return give_int(out, utf8_count(t.s, t.len));
}
METHOD_SAME(string_length, m_string_size)
METHOD_SAME(symbol_size, m_string_size)
METHOD_SAME(symbol_length, m_string_size)

enum status m_string_bytesize(struct call *c, value self, value *out) {
  return give_int(out, text_of(c, self).len);
}

enum status m_string_empty_q(struct call *c, value self, value *out) {
  *out = value_bool(text_of(c, self).len == 0);
  return OK;
}
METHOD_SAME(symbol_empty_q, m_string_empty_q)

enum status m_string_to_sym(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  *out = value_symbol(sym_intern(call_syms(c), t.s, t.len));
  return OK;
}
METHOD_SAME(symbol_to_sym, m_string_to_sym)

/* -- case -- */

/* Characters whose capital is several characters; the rest of Unicode's special casing is not
 * covered (docs/differences.md). */
static bool add_special_upper(struct buf *b, uint32_t ch, bool title) {
  if (ch != 0xDF) return false;
  buf_adds(b, title ? "Ss" : "SS");
  return true;
}

enum letter_case { UPPER, LOWER, CAPITAL };

static enum status map_case(struct call *c, value self, enum letter_case how, value *out) {
  struct text t = text_of(c, self);
  struct buf b = TEXT_BUF;
  for (size_t i = 0; i < t.len; i += utf8_width(t.s[i])) {
    uint32_t ch = utf8_decode(t.s + i);
    bool up = how == UPPER || (how == CAPITAL && i == 0);
    if (up && add_special_upper(&b, ch, how == CAPITAL)) continue;
    buf_add_utf8(&b, up ? char_upper(ch) : char_lower(ch));
  }
  return give_text(c, &b, out);
}

enum status m_string_upcase(struct call *c, value self, value *out) {
  return map_case(c, self, UPPER, out);
}
enum status m_string_downcase(struct call *c, value self, value *out) {
  return map_case(c, self, LOWER, out);
}
enum status m_string_capitalize(struct call *c, value self, value *out) {
  return map_case(c, self, CAPITAL, out);
}
enum status m_symbol_upcase(struct call *c, value self, value *out) {
  return as_symbol(c, map_case(c, self, UPPER, out), out);
}
enum status m_symbol_downcase(struct call *c, value self, value *out) {
  return as_symbol(c, map_case(c, self, LOWER, out), out);
}
enum status m_symbol_capitalize(struct call *c, value self, value *out) {
  return as_symbol(c, map_case(c, self, CAPITAL, out), out);
}

/* -- strip -- */

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct text strip(struct text t, bool left, bool right) {
  while (left && t.len && is_space(*t.s))
    t.s++, t.len--;
  while (right && t.len && is_space(t.s[t.len - 1]))
    t.len--;
  return t;
}

static enum status give_stripped(struct call *c, value self, bool left, bool right, value *out) {
  struct text t = strip(text_of(c, self), left, right);
  return give(out, t.s, t.len);
}

enum status m_string_strip(struct call *c, value self, value *out) {
  return give_stripped(c, self, true, true, out);
}
enum status m_string_lstrip(struct call *c, value self, value *out) {
  return give_stripped(c, self, true, false, out);
}
enum status m_string_rstrip(struct call *c, value self, value *out) {
  return give_stripped(c, self, false, true, out);
}

static bool begins(struct text t, struct text with) {
  return with.len <= t.len && memcmp(t.s, with.s, with.len) == 0;
}
static bool ends(struct text t, struct text with) {
  return with.len <= t.len && memcmp(t.s + t.len - with.len, with.s, with.len) == 0;
}

enum status m_string_chomp(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  if (c->count) {
    struct text end = text_of(c, c->args[0]);
    return give(out, t.s, t.len - (ends(t, end) ? end.len : 0));
  }
  if (t.len && t.s[t.len - 1] == '\n') t.len--;
  else if (t.len && t.s[t.len - 1] == '\r') return give(out, t.s, t.len - 1);
  else return give(out, t.s, t.len);
  if (t.len && t.s[t.len - 1] == '\r') t.len--;
  return give(out, t.s, t.len);
}

enum status m_string_delete_prefix(struct call *c, value self, value *out) {
  struct text t = text_of(c, self), with = text_of(c, c->args[0]);
  size_t n = begins(t, with) ? with.len : 0;
  return give(out, t.s + n, t.len - n);
}

enum status m_string_delete_suffix(struct call *c, value self, value *out) {
  struct text t = text_of(c, self), with = text_of(c, c->args[0]);
  return give(out, t.s, t.len - (ends(t, with) ? with.len : 0));
}

enum status m_string_start_with_q(struct call *c, value self, value *out) {
  bool yes = false;
  for (size_t i = 0; i < c->count && !yes; i++) {
    value with = c->args[i];
    size_t at = 0;
    if (value_is_text(with)) {
      yes = begins(text_of(c, self), text_of(c, with));
    } else if (with.tag == V_REGEXP) {
      enum status st = text_match(c, self, with, &yes, &at);
      if (st != OK) return st;
      yes = yes && at == 0;
    } else {
      return fail(c, ERR_TYPE, "start_with? takes strings and regexps, not %s",
                  value_type_name(with));
    }
  }
  *out = value_bool(yes);
  return OK;
}
METHOD_SAME(symbol_start_with_q, m_string_start_with_q)

enum status m_string_end_with_q(struct call *c, value self, value *out) {
  bool yes = false;
  for (size_t i = 0; i < c->count && !yes; i++)
    yes = ends(text_of(c, self), text_of(c, c->args[i]));
  *out = value_bool(yes);
  return OK;
}
METHOD_SAME(symbol_end_with_q, m_string_end_with_q)

enum status m_string_include_q(struct call *c, value self, value *out) {
  struct text t = text_of(c, self), part = text_of(c, c->args[0]);
  *out = value_bool(memmem(t.s, t.len, part.s, part.len) != NULL);
  return OK;
}

/* -- pad, reverse -- */

static void add_pad(struct buf *b, struct text pad, size_t width, size_t n) {
  for (; n >= width && !b->overflow; n -= width)
    buf_add(b, pad.s, pad.len);
  buf_add(b, pad.s, utf8_offset(pad.s, pad.len, n));
}

static enum status justify(struct call *c, value self, int left, int right, value *out) {
  struct text t = text_of(c, self), pad = {" ", 1};
  if (c->count > 1) pad = text_of(c, c->args[1]);
  if (pad.len == 0) return fail(c, ERR_VALUE, "%s: the padding is empty", c->method->name);
  int64_t want = c->args[0].u.i;
  size_t have = utf8_count(t.s, t.len), width = utf8_count(pad.s, pad.len);
  size_t more = want > 0 && (uint64_t)want > have ? (size_t)want - have : 0;
  if (more > LIMIT_STRING) return fail(c, ERR_LIMIT, "a string over %d MiB", LIMIT_STRING >> 20);
  size_t before = !left ? 0 : right ? more / 2 : more;
  struct buf b = TEXT_BUF;
  add_pad(&b, pad, width, before);
  buf_add(&b, t.s, t.len);
  add_pad(&b, pad, width, more - before);
  return give_text(c, &b, out);
}

enum status m_string_ljust(struct call *c, value self, value *out) {
  return justify(c, self, 0, 1, out);
}
enum status m_string_rjust(struct call *c, value self, value *out) {
  return justify(c, self, 1, 0, out);
}
enum status m_string_center(struct call *c, value self, value *out) {
  return justify(c, self, 1, 1, out);
}

enum status m_string_reverse(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  struct string *s = string_new(t.len);
  for (size_t i = 0; i < t.len;) {
    size_t w = utf8_width(t.s[i]);
    memcpy(s->s + t.len - i - w, t.s + i, w);
    i += w;
  }
  *out = (value){.tag = V_STRING, .u.o = &s->head};
  return OK;
}

enum status text_repeat(struct eval *e, value self, value times, value *out) {
  struct text t = value_text(self, e->program->syms);
  if (times.tag != V_INT)
    return error_set(e->err, ERR_TYPE, "a string is repeated an integer number of times, not %s",
                     value_type_name(times));
  if (times.u.i < 0)
    return error_set(e->err, ERR_VALUE, "a string cannot be repeated %lld times",
                     (long long)times.u.i);
  if (t.len && (uint64_t)times.u.i > LIMIT_STRING / t.len)
    return error_set(e->err, ERR_LIMIT, "a string over %d MiB", LIMIT_STRING >> 20);
  struct string *s = string_new(t.len * (size_t)times.u.i);
  if (t.len == 1) memset(s->s, t.s[0], s->len);
  else
    for (size_t i = 0; i < s->len; i += t.len)
      memcpy(s->s + i, t.s, t.len);
  *out = (value){.tag = V_STRING, .u.o = &s->head};
  return OK;
}

/* -- to numbers -- */

enum status m_string_to_i(struct call *c, value self, value *out) {
  int64_t base = c->count ? c->args[0].u.i : 10, n;
  if (base < 2 || base > 36)
    return fail(c, ERR_VALUE, "to_i takes a base from 2 to 36, not %lld", (long long)base);
  if (!text_to_int(text_of(c, self), (unsigned)base, false, &n))
    return fail(c, ERR_VALUE, "the number is too large for an integer (64 bits)");
  *out = value_int(n);
  return OK;
}

enum status m_string_to_f(struct call *c, value self, value *out) {
  double f = 0;
  (void)text_to_float(text_of(c, self), false, &f);
  *out = value_float(f);
  return OK;
}
