/* The one loop under all methods that walk elements. */
#include "iter.h"
#include "utf8.h"

#include "../lang/limits.h"

/* How many integers a range holds; SIZE_MAX when it has no end. */
static size_t int_range_count(const struct range *r) {
  if (r->hi.tag == V_NIL) return SIZE_MAX;
  if (r->hi.u.i < r->lo.u.i) return 0;
  uint64_t n = (uint64_t)r->hi.u.i - (uint64_t)r->lo.u.i;
  return n == UINT64_MAX ? SIZE_MAX - 1 : n + !r->exclusive;
}

static enum status init_range(struct iter *it, bool whole) {
  struct range *r = value_rng(it->of);
  value lo = r->lo, hi = r->hi;
  struct call *c = it->c;
  if (lo.tag == V_INT && hi.tag == V_FLOAT)
    return fail(c, ERR_TYPE, "a range that ends in a float is not walked; end it in an integer");
  if (lo.tag != V_INT && !value_is_text(lo)) {
    const char *type = value_type_name(lo);
    return fail(c, ERR_TYPE, "a range that starts with %s%s cannot be walked",
                lo.tag == V_NIL ? "" : "a ", type);
  }
  it->count = lo.tag == V_INT ? int_range_count(r) : SIZE_MAX;
  if (whole && hi.tag == V_NIL)
    return fail(c, ERR_LIMIT, "the range has no end; %s would never finish",
                c->method ? c->method->name : "this");
  if (whole && lo.tag == V_INT && it->count > LIMIT_COLLECTION)
    return fail(c, ERR_LIMIT, "the range holds %zu elements; at most %d are walked", it->count,
                LIMIT_COLLECTION);
  return OK;
}

enum status iter_init(struct iter *it, struct call *c, value of, bool whole) {
  *it = (struct iter){.c = c, .of = of, .n = 1};
  switch (of.tag) {
  case V_ARRAY:
    it->count = value_array(of)->count;
    return OK;
  case V_HASH:
  case V_RECORD:
    it->count = dict_count(value_dict(of)), it->n = 2;
    return OK;
  default:
    return init_range(it, whole);
  }
}

static enum status poll(struct iter *it) {
  const struct eval *e = it->c->e;
  if ((it->i & 1023) || !e->hooks || !e->hooks->poll) return OK;
  return e->hooks->poll(e->ud, it->c->e);
}

/* "1".."10": compared and counted as numbers. */
static bool as_number(struct text t, uint64_t *n) {
  *n = 0;
  if (t.len == 0 || t.len > 18) return false;
  for (size_t i = 0; i < t.len; i++) {
    if (t.s[i] < '0' || t.s[i] > '9') return false;
    *n = *n * 10 + (uint64_t)(t.s[i] - '0');
  }
  return true;
}

/* Whether there is anything from lo to hi at all. */
static bool texts_begin(const struct iter *it, struct text lo, struct text hi) {
  const struct range *r = value_rng(it->of);
  uint64_t from, to;
  int order = 0;
  if (lo.len == 0 && hi.len == 0) return false;
  if (as_number(lo, &from) && as_number(hi, &to)) return from <= to;
  return !op_order(r->lo, r->hi, call_syms(it->c), &order) || order <= 0;
}

static bool single(struct text t) {
  return t.len == 1 && (unsigned char)t.s[0] < 0x80;
}

static bool reached(struct text now, struct text hi) {
  uint64_t n, end;
  if (as_number(now, &n) && as_number(hi, &end)) return n >= end;
  return now.len == hi.len && memcmp(now.s, hi.s, hi.len) == 0;
}

/* Ends after the last text, or where texts grow longer than it (Ruby's rule). Between two single
 * characters of ASCII it counts through the characters. */
static bool next_text(struct iter *it) {
  struct range *r = value_rng(it->of);
  struct text hi = {"", 0}, lo = text_of(it->c, r->lo), now;
  bool bounded = r->hi.tag != V_NIL;
  if (bounded) hi = text_of(it->c, r->hi);
  if (it->i == 0) {
    it->made = value_string(lo.s, lo.len);
    if (bounded && !texts_begin(it, lo, hi)) return false;
  } else {
    now = text_of(it->c, it->made);
    if (bounded && reached(now, hi)) return false;
    char after = (char)(now.s[0] + 1);
    value next = bounded && single(lo) && single(hi) ? value_string(&after, 1) : text_succ(now);
    value_unref(it->made);
    it->made = next;
  }
  now = text_of(it->c, it->made);
  if (it->i > 0 && now.len == 0) return false;
  uint64_t n;
  if (bounded && now.len > hi.len && !(as_number(now, &n) && as_number(hi, &n))) return false;
  if (bounded && r->exclusive && reached(now, hi)) return false;
  it->args[0] = it->made;
  return true;
}

bool iter_next(struct iter *it, enum status *st) {
  if (it->i >= it->count || *st != OK) return false;
  if ((*st = poll(it)) != OK) return false;
  if (it->of.tag == V_ARRAY) {
    it->args[0] = value_array(it->of)->items[it->i];
  } else if (it->of.tag != V_RANGE) {
    dict_at(value_dict(it->of), it->i, &it->args[0], &it->args[1]);
  } else if (it->i >= LIMIT_COLLECTION) {
    *st = fail(it->c, ERR_LIMIT, "more than %d elements of a range walked", LIMIT_COLLECTION);
    return false;
  } else if (value_rng(it->of)->lo.tag == V_INT) {
    int64_t v;
    if (__builtin_add_overflow(value_rng(it->of)->lo.u.i, (int64_t)it->i, &v)) return false;
    it->args[0] = value_int(v);
  } else if (!next_text(it)) {
    return false;
  }
  it->i++;
  return true;
}

void iter_release(struct iter *it) {
  value_unref(it->made);
  it->made = VALUE_NIL;
}

value iter_item(const struct iter *it) {
  if (it->n == 1) return value_ref(it->args[0]);
  struct list *pair = list_new(2);
  list_push(pair, value_ref(it->args[0]));
  list_push(pair, value_ref(it->args[1]));
  return value_list(pair);
}

enum status iter_yield(struct iter *it, bool key_only, value *out) {
  if (it->n == 1 || key_only || call_block_params(it->c) != 1)
    return call_yield(it->c, it->args, it->n, out);
  value pair = iter_item(it);
  enum status st = call_yield(it->c, &pair, 1, out);
  value_unref(pair);
  return st;
}

enum status iter_test(struct iter *it, bool key_only, bool *yes) {
  value v;
  enum status st = iter_yield(it, key_only, &v);
  if (st != OK) return st;
  if (v.tag == V_UNKNOWN) return call_unknown(it->c);
  *yes = value_truthy(v);
  value_unref(v);
  return OK;
}

/* -- the next text -- */

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool alnum(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A carry crosses what is no letter or digit ("1.9" -> "2.0") but not from digits to letters there
 * ("a-9" -> "a-10"). */
value text_succ(struct text t) {
  char *s = mem_dup(t.s, t.len);
  size_t i = t.len, first = t.len;
  char carry = 0;
  while (i > 0) {
    char c = s[--i];
    if (!alnum(c)) continue;
    if (carry && i + 1 < first && is_digit(c) != is_digit(carry)) break;
    first = i;
    carry = c == '9' ? '0' : c == 'z' ? 'a' : c == 'Z' ? 'A' : 0;
    s[i] = carry ? carry : (char)(c + 1);
    if (!carry) break;
  }
  struct buf b = BUF_INIT;
  if (first == t.len && t.len) { /* no letter or digit: the last character is counted up */
    size_t at = utf8_back(s, t.len);
    buf_add(&b, s, at);
    uint32_t next = utf8_decode(s + at) + 1;
    if (next > 0x10FFFF) buf_add(&b, s + at, t.len - at); /* none comes after: grow longer */
    buf_add_utf8(&b, next > 0x10FFFF ? '0' : next == 0xD800 ? 0xE000 : next);
  } else {
    buf_add(&b, s, first);
    if (carry) buf_addc(&b, carry == '0' ? '1' : carry);
    buf_add(&b, s + first, t.len - first);
  }
  value v = value_string(buf_str(&b), b.len);
  buf_release(&b);
  mem_free(s);
  return v;
}
