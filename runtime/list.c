/* Array methods that are arrays' own; those shared with hashes and ranges are in enum.c. */
#include "iter.h"

#include "../lang/limits.h"

static struct list *slice(const struct list *l, size_t at, size_t count) {
  struct list *out = list_new(count);
  for (size_t i = 0; i < count; i++)
    list_push(out, value_ref(l->items[at + i]));
  return out;
}

static enum status give_slice(const struct list *l, size_t at, size_t count, value *out) {
  *out = value_list(slice(l, at, count));
  return OK;
}

static enum status same(struct call *c, value self, value *out) {
  (void)c;
  *out = value_ref(self);
  return OK;
}
METHOD_SAME(array_to_a, same)

enum status m_array_size(struct call *c, value self, value *out) {
  (void)c;
  *out = value_int((int64_t)value_array(self)->count);
  return OK;
}
METHOD_SAME(array_length, m_array_size)

enum status m_array_empty_q(struct call *c, value self, value *out) {
  (void)c;
  *out = value_bool(value_array(self)->count == 0);
  return OK;
}

/* -- [] -- */

static enum status index_span(struct call *c, const struct list *l, int64_t at, value length,
                              value *out) {
  if (length.tag != V_INT)
    return fail(c, ERR_TYPE, "the length in [] is an integer, not %s", value_type_name(length));
  int64_t size = (int64_t)l->count, n = length.u.i;
  if (at < 0) at += size;
  if (at < 0 || at > size || n < 0) return OK;
  return give_slice(l, (size_t)at, (size_t)(n < size - at ? n : size - at), out);
}

enum status list_index(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  value i = c->args[0];
  *out = VALUE_NIL;
  if (i.tag == V_RANGE && c->count == 1) {
    size_t at, count;
    bool inside;
    enum status st = range_bounds(c, i, l->count, &at, &count, &inside);
    return st == OK && inside ? give_slice(l, at, count, out) : st;
  }
  if (i.tag != V_INT)
    return fail(c, ERR_TYPE, "an array is indexed by an integer or a range, not %s",
                value_type_name(i));
  if (c->count > 1) return index_span(c, l, i.u.i, c->args[1], out);
  int64_t at = i.u.i < 0 ? i.u.i + (int64_t)l->count : i.u.i;
  if (at >= 0 && at < (int64_t)l->count) *out = value_ref(l->items[at]);
  return OK;
}

enum status m_array_fetch(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  int64_t i = c->args[0].u.i, at = i < 0 ? i + (int64_t)l->count : i;
  if (at >= 0 && at < (int64_t)l->count) return *out = value_ref(l->items[at]), OK;
  if (c->block) return call_yield(c, c->args, 1, out);
  if (c->count > 1) return *out = value_ref(c->args[1]), OK;
  return fail(c, ERR_VALUE, "index %lld is outside of the array of %zu", (long long)i, l->count);
}

/* -- first, last, take, drop -- */

static enum status check_size(struct call *c, int64_t n) {
  if (n >= 0) return OK;
  return fail(c, ERR_VALUE, "%s takes a size of 0 or more, not %lld", c->method->name,
              (long long)n);
}

static enum status end_of(struct call *c, value self, bool last, value *out) {
  const struct list *l = value_array(self);
  if (!c->count) {
    *out = l->count ? value_ref(l->items[last ? l->count - 1 : 0]) : VALUE_NIL;
    return OK;
  }
  int64_t n = c->args[0].u.i;
  enum status st = check_size(c, n);
  if (st != OK) return st;
  size_t count = (uint64_t)n < l->count ? (size_t)n : l->count;
  return give_slice(l, last ? l->count - count : 0, count, out);
}

enum status m_array_first(struct call *c, value self, value *out) {
  return end_of(c, self, false, out);
}
enum status m_array_last(struct call *c, value self, value *out) {
  return end_of(c, self, true, out);
}
METHOD_SAME(array_take, m_array_first)

enum status m_array_drop(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  enum status st = check_size(c, c->args[0].u.i);
  if (st != OK) return st;
  size_t n = (uint64_t)c->args[0].u.i < l->count ? (size_t)c->args[0].u.i : l->count;
  return give_slice(l, n, l->count - n, out);
}

/* How many elements from the start pass the block. */
static enum status passing(struct call *c, const struct list *l, size_t *n) {
  for (*n = 0; *n < l->count; (*n)++) {
    bool yes;
    enum status st = call_test(c, &l->items[*n], 1, &yes);
    if (st != OK || !yes) return st;
  }
  return OK;
}

enum status m_array_take_while(struct call *c, value self, value *out) {
  size_t n;
  enum status st = passing(c, value_array(self), &n);
  return st == OK ? give_slice(value_array(self), 0, n, out) : st;
}

enum status m_array_drop_while(struct call *c, value self, value *out) {
  size_t n;
  const struct list *l = value_array(self);
  enum status st = passing(c, l, &n);
  return st == OK ? give_slice(l, n, l->count - n, out) : st;
}

/* -- looking for elements -- */

enum status m_array_include_q(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  bool found = false;
  for (size_t i = 0; i < l->count && !found; i++)
    found = value_equal(l->items[i], c->args[0], call_syms(c));
  *out = value_bool(found);
  return OK;
}

enum status m_array_index(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  if (!c->count && !c->block) return fail(c, ERR_TYPE, "index needs a value or a block");
  *out = VALUE_NIL;
  for (size_t i = 0; i < l->count; i++) {
    bool yes;
    enum status st = OK;
    if (c->count) yes = value_equal(l->items[i], c->args[0], call_syms(c));
    else st = call_test(c, &l->items[i], 1, &yes);
    if (st != OK) return st;
    if (!yes) continue;
    *out = value_int((int64_t)i);
    break;
  }
  return OK;
}

static enum status dig_into(struct call *c, value self, value *out) {
  value now = value_ref(self);
  for (size_t i = 0; i < c->count && now.tag != V_NIL; i++) {
    value next = VALUE_NIL;
    if (now.tag == V_UNKNOWN) break;
    if (now.tag != V_ARRAY && now.tag != V_HASH && now.tag != V_RECORD) {
      enum status st = fail(c, ERR_TYPE, "dig finds %s where it is to look for [%zu]",
                            value_type_name(now), i);
      value_unref(now);
      return st;
    }
    struct call inner = {.e = c->e, .args = &c->args[i], .count = 1};
    enum status st = op_index(&inner, now, &next);
    value_unref(now);
    if (st != OK) return st;
    now = next;
  }
  *out = now;
  return OK;
}
METHOD_SAME(array_dig, dig_into)
METHOD_SAME(hash_dig, dig_into)

/* -- rearranging -- */

enum status m_array_reverse(struct call *c, value self, value *out) {
  (void)c;
  const struct list *l = value_array(self);
  struct list *r = list_new(l->count);
  for (size_t i = l->count; i > 0; i--)
    list_push(r, value_ref(l->items[i - 1]));
  *out = value_list(r);
  return OK;
}

enum status m_array_compact(struct call *c, value self, value *out) {
  (void)c;
  const struct list *l = value_array(self);
  struct list *r = list_new(0);
  for (size_t i = 0; i < l->count; i++)
    if (l->items[i].tag != V_NIL) list_push(r, value_ref(l->items[i]));
  *out = value_list(r);
  return OK;
}

static enum status flatten_into(struct call *c, const struct list *l, int64_t levels,
                                struct list *out) {
  enum status st = OK;
  for (size_t i = 0; i < l->count && st == OK; i++) {
    value v = l->items[i];
    if (v.tag == V_ARRAY && levels != 0) st = flatten_into(c, value_array(v), levels - 1, out);
    else st = give_item(c, out, value_ref(v));
  }
  return st;
}

enum status m_array_flatten(struct call *c, value self, value *out) {
  struct list *l = list_new(0);
  return give_list(l, flatten_into(c, value_array(self), c->count ? c->args[0].u.i : -1, l), out);
}

enum status m_array_zip(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  struct list *rows = list_new(l->count);
  for (size_t i = 0; i < c->count; i++)
    if (c->args[i].tag != V_ARRAY) {
      value_unref(value_list(rows));
      return fail(c, ERR_TYPE, "zip takes arrays, not %s", value_type_name(c->args[i]));
    }
  for (size_t i = 0; i < l->count; i++) {
    struct list *row = list_new(c->count + 1);
    list_push(row, value_ref(l->items[i]));
    for (size_t k = 0; k < c->count; k++) {
      const struct list *other = value_array(c->args[k]);
      list_push(row, i < other->count ? value_ref(other->items[i]) : VALUE_NIL);
    }
    list_push(rows, value_list(row));
  }
  *out = value_list(rows);
  return OK;
}

enum status list_repeat(struct eval *e, value self, value times, value *out) {
  const struct list *l = value_array(self);
  if (value_is_text(times)) {
    struct call c = {.e = e};
    struct buf b = TEXT_BUF;
    bool secret = false;
    enum status st = list_join(&c, l, value_text(times, e->program->syms), &b, &secret);
    if (st == OK) st = give_text(&c, &b, out);
    else buf_release(&b);
    if (st == OK && secret) *out = value_secret(*out);
    return st;
  }
  if (times.tag != V_INT)
    return error_set(e->err, ERR_TYPE, "an array is repeated an integer number of times, not %s",
                     value_type_name(times));
  if (times.u.i < 0)
    return error_set(e->err, ERR_VALUE, "an array cannot be repeated %lld times",
                     (long long)times.u.i);
  if (l->count && (uint64_t)times.u.i > LIMIT_COLLECTION / l->count)
    return error_set(e->err, ERR_LIMIT, "a collection of more than %d elements", LIMIT_COLLECTION);
  struct list *r = list_new(l->count * (size_t)times.u.i);
  for (int64_t n = 0; n < times.u.i && l->count; n++)
    for (size_t i = 0; i < l->count; i++)
      list_push(r, value_ref(l->items[i]));
  *out = value_list(r);
  return OK;
}

/* -- join -- */

enum status list_join(struct call *c, const struct list *l, struct text sep, struct buf *out,
                      bool *secret) {
  for (size_t i = 0; i < l->count; i++) {
    value v = l->items[i];
    if (i) buf_add(out, sep.s, sep.len);
    if (v.tag == V_ARRAY) {
      enum status st = list_join(c, value_array(v), sep, out, secret);
      if (st != OK) return st;
      continue;
    }
    if (v.tag == V_SECRET) *secret = true;
    value_to_s(secret_reveal(v), call_syms(c), out);
  }
  return OK;
}

enum status m_array_join(struct call *c, value self, value *out) {
  struct text sep = {"", 0};
  if (c->count) sep = text_of(c, c->args[0]);
  struct buf b = TEXT_BUF;
  bool secret = false;
  enum status st = list_join(c, value_array(self), sep, &b, &secret);
  if (st == OK) st = give_text(c, &b, out);
  if (st == OK && secret) *out = value_secret(*out);
  return st;
}

/* -- uniq, tally -- */

enum status m_array_uniq(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  struct list *r = list_new(0);
  struct dict *seen = dict_new();
  enum status st = OK;
  for (size_t i = 0; i < l->count; i++) {
    value key = VALUE_NIL, before;
    if (c->block) st = call_yield(c, &l->items[i], 1, &key);
    else key = value_ref(l->items[i]);
    if (st != OK) break;
    if (value_has_unknown(key)) {
      value_unref(key);
      st = call_unknown(c);
      break;
    }
    if (dict_find(seen, call_syms(c), key, &before)) {
      value_unref(key);
      continue;
    }
    dict_put(seen, call_syms(c), key, VALUE_NIL);
    list_push(r, value_ref(l->items[i]));
  }
  dict_free(seen);
  return give_list(r, st, out);
}

enum status m_array_tally(struct call *c, value self, value *out) {
  const struct list *l = value_array(self);
  struct dict *d = dict_new();
  for (size_t i = 0; i < l->count; i++) {
    value n = value_int(0);
    dict_find(d, call_syms(c), l->items[i], &n);
    dict_put(d, call_syms(c), value_ref(l->items[i]), value_int(n.u.i + 1));
  }
  *out = value_hash(d);
  return OK;
}

/* -- sort, min, max -- */

/* -1, 0, 1 by the block if there is one (sort { |a, b| ... }), else by <=>. */
static enum status order_of(struct call *c, bool by_block, value a, value b, int *order) {
  if (!by_block) return op_compare(c, a, b, order);
  value args[2] = {a, b}, v;
  enum status st = call_yield(c, args, 2, &v);
  if (st != OK) return st;
  if (v.tag == V_UNKNOWN) return call_unknown(c);
  if (v.tag == V_INT) *order = (v.u.i > 0) - (v.u.i < 0);
  else
    st = fail(c, ERR_TYPE, "the block of %s gives -1, 0 or 1, not %s", c->method->name,
              value_type_name(v));
  value_unref(v);
  return st;
}

struct sorting {
  struct call *c;
  const value *keys; /* NULL: the items are their own keys */
  bool by_block;
  enum status st;
};

static bool goes_before(struct sorting *s, const value *items, uint32_t a, uint32_t b) {
  const value *keys = s->keys ? s->keys : items;
  int order = 0;
  if (s->st == OK) s->st = order_of(s->c, s->by_block, keys[a], keys[b], &order);
  return order <= 0;
}

/* Merges runs of `width`, from `from` into `to`; stable. */
static void merge_runs(struct sorting *s, const value *items, const uint32_t *from, uint32_t *to,
                       size_t count, size_t width) {
  for (size_t lo = 0; lo < count; lo += 2 * width) {
    size_t mid = lo + width < count ? lo + width : count,
           hi = mid + width < count ? mid + width : count;
    for (size_t i = lo, j = mid, k = lo; k < hi; k++) {
      bool left = j >= hi || (i < mid && goes_before(s, items, from[i], from[j]));
      to[k] = left ? from[i++] : from[j++];
    }
  }
}

static enum status sort_items(struct sorting *s, value *items, size_t count) {
  uint32_t *from = mem_array(count + 1, sizeof *from), *to = mem_array(count + 1, sizeof *to);
  for (size_t i = 0; i < count; i++)
    from[i] = (uint32_t)i;
  for (size_t width = 1; width < count && s->st == OK; width *= 2) {
    merge_runs(s, items, from, to, count, width);
    uint32_t *other = from;
    from = to, to = other;
  }
  if (s->st == OK && count) {
    value *sorted = mem_array(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
      sorted[i] = items[from[i]];
    memcpy(items, sorted, count * sizeof *items);
    mem_free(sorted);
  }
  mem_free(from);
  mem_free(to);
  return s->st;
}

enum status sort_values(struct call *c, value *items, const value *keys, size_t count) {
  struct sorting s = {.c = c, .keys = keys};
  return sort_items(&s, items, count);
}

static enum status sorted(struct call *c, value self, struct list **out) {
  const struct list *l = value_array(self);
  struct list *r = slice(l, 0, l->count);
  struct sorting s = {.c = c, .by_block = c->block != 0};
  enum status st = sort_items(&s, r->items, r->count);
  if (st == OK) *out = r;
  else value_unref(value_list(r));
  return st;
}

enum status m_array_sort(struct call *c, value self, value *out) {
  struct list *l;
  enum status st = sorted(c, self, &l);
  if (st == OK) *out = value_list(l);
  return st;
}

static enum status extreme(struct call *c, value self, int sign, value *out) {
  const struct list *l = value_array(self);
  size_t best = 0;
  for (size_t i = 1; i < l->count; i++) {
    int order;
    enum status st = order_of(c, c->block != 0, l->items[i], l->items[best], &order);
    if (st != OK) return st;
    if (order * sign > 0) best = i;
  }
  *out = l->count ? value_ref(l->items[best]) : VALUE_NIL;
  return OK;
}

/* The n smallest or largest, in order. */
static enum status extremes(struct call *c, value self, int sign, value *out) {
  int64_t n = c->args[0].u.i;
  struct list *l, *r = list_new(0);
  enum status st = check_size(c, n);
  if (st == OK) st = sorted(c, self, &l);
  if (st == OK) {
    for (size_t i = 0; i < l->count && (int64_t)i < n; i++)
      list_push(r, value_ref(l->items[sign < 0 ? i : l->count - 1 - i]));
    value_unref(value_list(l));
  }
  return give_list(r, st, out);
}

enum status m_array_min(struct call *c, value self, value *out) {
  return c->count ? extremes(c, self, -1, out) : extreme(c, self, -1, out);
}
enum status m_array_max(struct call *c, value self, value *out) {
  return c->count ? extremes(c, self, 1, out) : extreme(c, self, 1, out);
}
