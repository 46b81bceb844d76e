/* Methods that walk elements, the same for arrays, hashes and ranges. What they decide or collect
 * differs by a line or two; the walking is iter.h. */
#include "iter.h"

#include <math.h>

#include "../lang/limits.h"

#define FOR_ALL(name)                                                                              \
  METHOD_SAME(array_##name, name) METHOD_SAME(hash_##name, name) METHOD_SAME(range_##name, name)

/* -- each, map and their kin -- */

static enum status each(struct call *c, value self, value *out) {
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value ignored;
    st = iter_yield(&it, false, &ignored);
    if (st == OK) value_unref(ignored);
  }
  iter_release(&it);
  if (st == OK) *out = value_ref(self);
  return st;
}
FOR_ALL(each)

static size_t known_count(const struct iter *it) {
  return it->of.tag != V_RANGE || it->count <= LIMIT_COLLECTION ? it->count : 0;
}

static enum status map(struct call *c, value self, value *out) {
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  struct list *l = list_new(st == OK ? known_count(&it) : 0);
  while (iter_next(&it, &st)) {
    value v;
    st = iter_yield(&it, false, &v);
    if (st == OK) st = give_item(c, l, v);
  }
  iter_release(&it);
  return give_list(l, st, out);
}
FOR_ALL(map)

static enum status filter_map(struct call *c, value self, value *out) {
  struct list *l = list_new(0);
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value v;
    st = iter_yield(&it, false, &v);
    if (st != OK) break;
    if (v.tag == V_UNKNOWN) st = call_unknown(c);
    else if (value_truthy(v)) st = give_item(c, l, v);
    else value_unref(v);
  }
  iter_release(&it);
  return give_list(l, st, out);
}
FOR_ALL(filter_map)

static enum status give_all(struct call *c, struct list *l, const struct list *from) {
  enum status st = OK;
  for (size_t i = 0; i < from->count && st == OK; i++)
    st = give_item(c, l, value_ref(from->items[i]));
  return st;
}

static enum status flat_map(struct call *c, value self, value *out) {
  struct list *l = list_new(0);
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value v;
    st = iter_yield(&it, false, &v);
    if (st != OK) break;
    if (v.tag == V_UNKNOWN) st = call_unknown(c);
    else if (v.tag != V_ARRAY) st = give_item(c, l, value_ref(v));
    else st = give_all(c, l, value_array(v));
    value_unref(v);
  }
  iter_release(&it);
  return give_list(l, st, out);
}
FOR_ALL(flat_map)

static enum status each_with_index(struct call *c, value self, value *out) {
  struct list *l = list_new(0); /* without a block: what Ruby's enumerator would yield */
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  for (int64_t i = 0; iter_next(&it, &st); i++) {
    value args[2] = {iter_item(&it), value_int(i)}, v;
    if (c->block) {
      st = call_yield(c, args, 2, &v);
      if (st == OK) value_unref(v);
      value_unref(args[0]);
    } else {
      struct list *pair = list_new(2);
      list_push(pair, args[0]);
      list_push(pair, args[1]);
      st = give_item(c, l, value_list(pair));
    }
  }
  iter_release(&it);
  if (!c->block || st != OK) return give_list(l, st, out);
  value_unref(value_list(l));
  *out = value_ref(self);
  return OK;
}
FOR_ALL(each_with_index)

static enum status finish_slice(struct call *c, struct list *all, struct list **slice) {
  value v = value_list(*slice), ignored;
  *slice = NULL;
  if (!c->block) return give_item(c, all, v);
  enum status st = call_yield(c, &v, 1, &ignored);
  if (st == OK) value_unref(ignored);
  value_unref(v);
  return st;
}

static enum status each_slice(struct call *c, value self, value *out) {
  int64_t n = c->args[0].u.i;
  if (n <= 0)
    return fail(c, ERR_VALUE, "each_slice takes a size of at least 1, not %lld", (long long)n);
  struct list *all = list_new(0), *slice = NULL;
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    if (!slice) slice = list_new(n < 64 ? (size_t)n : 0);
    list_push(slice, iter_item(&it));
    if ((int64_t)slice->count == n) st = finish_slice(c, all, &slice);
  }
  iter_release(&it);
  if (slice && st == OK) st = finish_slice(c, all, &slice);
  if (slice) value_unref(value_list(slice));
  if (!c->block || st != OK) return give_list(all, st, out);
  value_unref(value_list(all));
  *out = value_ref(self);
  return OK;
}
METHOD_SAME(array_each_slice, each_slice)
METHOD_SAME(range_each_slice, each_slice)

/* -- choosing -- */

static enum status choose(struct call *c, value self, bool want, value *out) {
  bool hash = self.tag == V_HASH;
  struct list *l = hash ? NULL : list_new(0);
  struct dict *d = hash ? dict_new() : NULL;
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    bool yes;
    st = iter_test(&it, true, &yes);
    if (st != OK || yes != want) continue;
    if (hash) dict_put(d, call_syms(c), value_ref(it.args[0]), value_ref(it.args[1]));
    else st = give_item(c, l, value_ref(it.args[0]));
  }
  iter_release(&it);
  return hash ? give_dict(d, st, out) : give_list(l, st, out);
}

static enum status select_(struct call *c, value self, value *out) {
  return choose(c, self, true, out);
}
static enum status filter(struct call *c, value self, value *out) {
  return choose(c, self, true, out);
}
static enum status reject(struct call *c, value self, value *out) {
  return choose(c, self, false, out);
}
METHOD_SAME(array_select, select_)
METHOD_SAME(hash_select, select_) METHOD_SAME(range_select, select_) FOR_ALL(filter) FOR_ALL(reject)

    static enum status partition(struct call *c, value self, value *out) {
  struct list *both = list_new(2), *yes = list_new(0), *no = list_new(0);
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    bool in = false;
    st = iter_test(&it, false, &in);
    if (st == OK) st = give_item(c, in ? yes : no, iter_item(&it));
  }
  iter_release(&it);
  list_push(both, value_list(yes));
  list_push(both, value_list(no));
  return give_list(both, st, out);
}
FOR_ALL(partition)

static enum status find(struct call *c, value self, value *out) {
  struct iter it;
  value hit = VALUE_NIL;
  bool yes = false;
  enum status st = iter_init(&it, c, self, false);
  while (!yes && iter_next(&it, &st)) {
    st = iter_test(&it, false, &yes);
    if (st == OK && yes) hit = iter_item(&it);
  }
  iter_release(&it);
  if (st == OK) *out = hit;
  return st;
}
FOR_ALL(find)

/* -- all?, any?, none?, count -- */

/* Whether the element passes: the block's test, the argument as a pattern, or its own truth. */
static enum status passes(struct iter *it, bool *yes) {
  struct call *c = it->c;
  value item = it->args[0];
  if (c->count == 0 && c->block) return iter_test(it, false, yes);
  if (c->count) return op_matches(c->e, c->args[0], item, yes);
  if (it->n == 1 && item.tag == V_UNKNOWN) return call_unknown(c);
  *yes = it->n == 2 || value_truthy(item);
  return OK;
}

/* Walks until an element passes (or fails, when stop_at is false). */
static enum status stops(struct call *c, value self, bool stop_at, bool *stopped) {
  struct iter it;
  *stopped = false;
  enum status st = iter_init(&it, c, self, false);
  while (!*stopped && iter_next(&it, &st)) {
    bool yes;
    st = passes(&it, &yes);
    if (st == OK) *stopped = yes == stop_at;
  }
  iter_release(&it);
  return st;
}

static enum status quantify(struct call *c, value self, bool stop_at, bool answer, value *out) {
  bool stopped;
  enum status st = stops(c, self, stop_at, &stopped);
  if (st == OK) *out = value_bool(stopped == answer);
  return st;
}
static enum status any_q(struct call *c, value self, value *out) {
  return quantify(c, self, true, true, out);
}
static enum status all_q(struct call *c, value self, value *out) {
  return quantify(c, self, false, false, out);
}
static enum status none_q(struct call *c, value self, value *out) {
  return quantify(c, self, true, false, out);
}
FOR_ALL(any_q)
FOR_ALL(all_q)
FOR_ALL(none_q)

static enum status count(struct call *c, value self, value *out) {
  struct iter it;
  bool all = !c->block && !c->count;
  if (all && self.tag == V_RANGE && value_rng(self)->lo.tag == V_INT)
    return m_range_size(c, self, out);
  enum status st = iter_init(&it, c, self, true);
  if (st != OK) return st;
  int64_t n = 0;
  if (all && it.count != SIZE_MAX) return *out = value_int((int64_t)it.count), OK;
  while (iter_next(&it, &st)) {
    bool yes = true;
    if (c->count) yes = value_equal(it.args[0], c->args[0], call_syms(c));
    else if (c->block) st = iter_test(&it, false, &yes);
    n += yes;
  }
  iter_release(&it);
  if (st == OK) *out = value_int(n);
  return st;
}
FOR_ALL(count)

/* -- group_by -- */

static enum status add_to_group(struct call *c, struct dict *d, value key, value item) {
  value group;
  if (!dict_find(d, call_syms(c), key, &group)) {
    struct list *fresh = list_new(0);
    group = value_list(fresh);
    dict_put(d, call_syms(c), value_ref(key), group);
  }
  return give_item(c, value_array(group), item);
}

/* Groups grow while they stand in the hash; their shape is read again when it is complete. */
static struct dict *settled(struct dict *d, const struct symtab *syms) {
  struct dict *out = dict_new();
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    dict_put(out, syms, value_ref(k), value_ref(v));
  }
  dict_free(d);
  return out;
}

static enum status group_by(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value key;
    st = iter_yield(&it, false, &key);
    if (st != OK) break;
    if (value_has_unknown(key)) st = call_unknown(c);
    else st = add_to_group(c, d, key, iter_item(&it));
    value_unref(key);
  }
  iter_release(&it);
  return give_dict(st == OK ? settled(d, call_syms(c)) : d, st, out);
}
FOR_ALL(group_by)

/* -- sum, reduce -- */

/* Adds as Ruby's sum does: integers exactly, then floats with Kahan-Babuska compensation, then
 * whatever else + can add. */
struct sum {
  value total; /* owned */
  bool floats;
  double f, lost;
};

static void sum_float(struct sum *s, double x) {
  if (!isfinite(x) || !isfinite(s->f)) {
    s->f += x;
    return;
  }
  double t = s->f + x;
  s->lost += fabs(s->f) >= fabs(x) ? (s->f - t) + x : (x - t) + s->f;
  s->f = t;
}

static value sum_total(struct sum *s) {
  return s->floats ? value_float(isfinite(s->f) ? s->f + s->lost : s->f) : s->total;
}

static enum status sum_add(struct call *c, struct sum *s, value v) {
  bool number = v.tag == V_INT || v.tag == V_FLOAT;
  if (!s->floats && number &&
      (s->total.tag == V_FLOAT || (s->total.tag == V_INT && v.tag == V_FLOAT))) {
    s->floats = true;
    s->f = s->total.tag == V_INT ? (double)s->total.u.i : s->total.u.f;
    s->lost = 0;
  }
  if (s->floats && number) return sum_float(s, v.tag == V_INT ? (double)v.u.i : v.u.f), OK;
  value before = sum_total(s), after;
  s->floats = false;
  s->total = before;
  enum status st = op_binary(c->e, OP_ADD, before, v, &after);
  if (st != OK) return st;
  value_unref(before);
  s->total = after;
  return OK;
}

/* sum of durations starts from nothing, so that no 0 has to fit. */
static bool starts_sum(struct call *c, const struct sum *s, value v, size_t i) {
  return c->count == 0 && i == 1 && v.tag == V_DURATION && s->total.tag == V_INT;
}

static enum status sum(struct call *c, value self, value *out) {
  struct sum s = {.total = c->count ? value_ref(c->args[0]) : value_int(0)};
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value v = VALUE_NIL;
    if (c->block) st = iter_yield(&it, false, &v);
    else v = iter_item(&it);
    if (st != OK) break;
    if (starts_sum(c, &s, v, it.i)) s.total = v;
    else st = sum_add(c, &s, v);
    value_unref(v);
  }
  iter_release(&it);
  if (st == OK) *out = sum_total(&s);
  else value_unref(s.total);
  return st;
}
METHOD_SAME(array_sum, sum)
METHOD_SAME(hash_sum, sum)

/* A range of integers needs no walk: (first + last) * count / 2. */
static bool range_total(struct call *c, value self, int64_t *out) {
  struct range *r = value_rng(self);
  if (c->block || c->count || r->lo.tag != V_INT || r->hi.tag != V_INT) return false;
  __int128 lo = r->lo.u.i, hi = (__int128)r->hi.u.i - r->exclusive;
  __int128 total = hi < lo ? 0 : (lo + hi) * (hi - lo + 1) / 2;
  *out = (int64_t)total;
  return total >= INT64_MIN && total <= INT64_MAX;
}

enum status m_range_sum(struct call *c, value self, value *out) {
  int64_t total;
  if (!range_total(c, self, &total)) return sum(c, self, out);
  *out = value_int(total);
  return OK;
}

/* What combines two values: the block, or the operator or method that a symbol names. */
static enum status combine(struct call *c, value how, value a, value b, value *out) {
  if (how.tag == V_NIL) {
    value args[2] = {a, b};
    return call_yield(c, args, 2, out);
  }
  struct text name = text_of(c, how);
  enum op op = op_named(name.s, name.len);
  if (op) return op_binary(c->e, op, a, b, out);
  struct call inner = {.e = c->e, .args = &b, .count = 1};
  return method_call(&inner, a, sym_intern(call_syms(c), name.s, name.len), out);
}

static enum status reduce(struct call *c, value self, value *out) {
  value how = c->block || !c->count ? VALUE_NIL : c->args[c->count - 1];
  if (!c->block && !value_is_text(how))
    return fail(c, ERR_TYPE, "reduce needs a block or the name of an operator, such as reduce(:+)");
  if (c->block && c->count > 1)
    return fail(c, ERR_TYPE, "reduce takes an operator or a block, not both");
  bool started = c->count > (c->block ? 0 : 1);
  value acc = started ? value_ref(c->args[0]) : VALUE_NIL;
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value item = iter_item(&it), next;
    if (!started) {
      acc = item;
      started = true;
      continue;
    }
    st = combine(c, how, acc, item, &next);
    value_unref(item);
    if (st != OK) break;
    value_unref(acc);
    acc = next;
  }
  iter_release(&it);
  if (st == OK) *out = acc;
  else value_unref(acc);
  return st;
}
FOR_ALL(reduce)

/* -- min_by, max_by, sort_by -- */

static enum status extreme_by(struct call *c, value self, int sign, value *out) {
  value best = VALUE_NIL, best_key = VALUE_NIL;
  struct iter it;
  bool first = true;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value key;
    int order = 0;
    st = iter_yield(&it, false, &key);
    if (st != OK) break;
    if (value_has_unknown(key)) st = call_unknown(c);
    else if (!first) st = op_compare(c, key, best_key, &order);
    if (st == OK && (first || order * sign > 0)) {
      value_unref(best);
      value_unref(best_key);
      best = iter_item(&it), best_key = key, first = false;
    } else {
      value_unref(key);
    }
  }
  iter_release(&it);
  value_unref(best_key);
  if (st == OK) *out = best;
  else value_unref(best);
  return st;
}

static enum status min_by(struct call *c, value self, value *out) {
  return extreme_by(c, self, -1, out);
}
static enum status max_by(struct call *c, value self, value *out) {
  return extreme_by(c, self, 1, out);
}
METHOD_SAME(array_min_by, min_by)
METHOD_SAME(hash_min_by, min_by)
METHOD_SAME(array_max_by, max_by)
METHOD_SAME(hash_max_by, max_by)

static enum status sort_by(struct call *c, value self, value *out) {
  struct list *items = list_new(0), *keys = list_new(0);
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value key;
    st = iter_yield(&it, false, &key);
    if (st != OK) break;
    list_push(keys, key);
    if (value_has_unknown(key)) st = call_unknown(c);
    list_push(items, iter_item(&it));
  }
  iter_release(&it);
  if (st == OK) st = sort_values(c, items->items, keys->items, items->count);
  value_unref(value_list(keys));
  return give_list(items, st, out);
}
METHOD_SAME(array_sort_by, sort_by)
METHOD_SAME(hash_sort_by, sort_by)

/* -- to_a, to_h -- */

static enum status collect(struct call *c, value self, value *out) {
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  struct list *l = list_new(st == OK ? known_count(&it) : 0);
  while (iter_next(&it, &st))
    st = give_item(c, l, iter_item(&it));
  iter_release(&it);
  return give_list(l, st, out);
}
METHOD_SAME(hash_to_a, collect)
METHOD_SAME(range_to_a, collect)

static enum status put_pair(struct call *c, struct dict *d, value pair) {
  if (pair.tag == V_UNKNOWN) return call_unknown(c);
  if (pair.tag != V_ARRAY || value_array(pair)->count != 2)
    return fail(c, ERR_TYPE, "to_h wants pairs [key, value], not %s", value_type_name(pair));
  value *kv = value_array(pair)->items;
  if (value_has_unknown(kv[0])) return call_unknown(c);
  dict_put(d, call_syms(c), value_ref(kv[0]), value_ref(kv[1]));
  return OK;
}

static enum status to_h(struct call *c, value self, value *out) {
  if (self.tag == V_HASH && !c->block) return *out = value_ref(self), OK;
  struct dict *d = dict_new();
  struct iter it;
  enum status st = iter_init(&it, c, self, true);
  while (iter_next(&it, &st)) {
    value pair = VALUE_NIL;
    if (c->block) st = iter_yield(&it, false, &pair);
    else pair = iter_item(&it);
    if (st != OK) break;
    st = put_pair(c, d, pair);
    value_unref(pair);
  }
  iter_release(&it);
  return give_dict(d, st, out);
}
METHOD_SAME(array_to_h, to_h)
METHOD_SAME(hash_to_h, to_h)
