/* Ranges: what they cover, how they index, and answers that need no walk. */
#include "iter.h"

#include "../lang/limits.h"

static bool is_end(value v) {
  return v.tag <= V_STRING || v.tag == V_UNKNOWN;
}

bool range_fits(value lo, value hi, const struct symtab *syms) {
  int order;
  if (!is_end(lo) || !is_end(hi)) return false;
  if (lo.tag == V_NIL || hi.tag == V_NIL || lo.tag == V_UNKNOWN || hi.tag == V_UNKNOWN) return true;
  return op_order(lo, hi, syms, &order);
}

bool range_covers(value range, value v, const struct symtab *syms) {
  const struct range *r = value_rng(range);
  int order;
  if (r->lo.tag != V_NIL && (!op_order(r->lo, v, syms, &order) || order > 0)) return false;
  if (r->hi.tag == V_NIL) return true;
  if (!op_order(v, r->hi, syms, &order)) return false;
  return r->exclusive ? order < 0 : order <= 0;
}

static enum status covers(struct call *c, value self, value *out) {
  value v = c->args[0];
  if (v.tag == V_RANGE) { /* a range is covered when both its ends are */
    const struct range *inner = value_rng(v), *r = value_rng(self);
    int order;
    bool ends = r->hi.tag == V_NIL ||
                (inner->hi.tag != V_NIL && op_order(inner->hi, r->hi, call_syms(c), &order) &&
                 (order < 0 || (order == 0 && (inner->exclusive || !r->exclusive))));
    *out =
        value_bool(ends && inner->lo.tag != V_NIL && range_covers(self, inner->lo, call_syms(c)));
    return OK;
  }
  *out = value_bool(range_covers(self, v, call_syms(c)));
  return OK;
}
METHOD_SAME(range_cover_q, covers)

/* Between two texts only what a walk would meet is included. */
enum status m_range_include_q(struct call *c, value self, value *out) {
  const struct range *r = value_rng(self);
  if (!value_is_text(r->lo) || !value_is_text(r->hi) || !value_is_text(c->args[0]))
    return covers(c, self, out);
  struct iter it;
  bool found = false;
  enum status st = iter_init(&it, c, self, false);
  while (st == OK && !found && iter_next(&it, &st))
    found = value_equal(it.args[0], c->args[0], call_syms(c));
  iter_release(&it);
  if (st == OK) *out = value_bool(found);
  return st;
}

enum status range_bounds(struct call *c, value range, size_t size, size_t *at, size_t *count,
                         bool *inside) {
  const struct range *r = value_rng(range);
  if ((r->lo.tag != V_INT && r->lo.tag != V_NIL) || (r->hi.tag != V_INT && r->hi.tag != V_NIL))
    return fail(c, ERR_TYPE, "a range of integers is wanted in []");
  int64_t n = (int64_t)size, lo = r->lo.tag == V_INT ? r->lo.u.i : 0,
          hi = r->hi.tag == V_INT ? r->hi.u.i : n;
  if (lo < 0) lo += n;
  if (hi < 0) hi += n;
  *inside = lo >= 0 && lo <= n;
  if (!*inside) return OK;
  if (!(r->exclusive && r->hi.tag == V_INT) && hi < n) hi++;
  if (hi > n) hi = n;
  *at = (size_t)lo;
  *count = hi > lo ? (size_t)(hi - lo) : 0;
  return OK;
}

enum status m_range_size(struct call *c, value self, value *out) {
  const struct range *r = value_rng(self);
  if (r->lo.tag == V_INT && r->hi.tag == V_NIL)
    return fail(c, ERR_VALUE, "the range has no end, and so no size");
  if (r->lo.tag != V_INT || r->hi.tag != V_INT)
    return fail(c, ERR_TYPE, "only ranges of integers have a size; use count");
  struct iter it;
  enum status st = iter_init(&it, c, self, false);
  if (st == OK && it.count > INT64_MAX)
    return fail(c, ERR_VALUE, "the range's size does not fit an integer");
  if (st == OK) *out = value_int((int64_t)it.count);
  return st;
}

static enum status walk_to_list(struct call *c, value self, int64_t most, struct list *l) {
  struct iter it;
  enum status st = iter_init(&it, c, self, most < 0);
  while ((most < 0 || (int64_t)l->count < most) && iter_next(&it, &st))
    st = give_item(c, l, iter_item(&it));
  iter_release(&it);
  return st;
}

enum status m_range_first(struct call *c, value self, value *out) {
  const struct range *r = value_rng(self);
  if (!c->count) {
    if (r->lo.tag == V_NIL) return fail(c, ERR_VALUE, "the range has no start");
    return *out = value_ref(r->lo), OK;
  }
  if (c->args[0].u.i < 0)
    return fail(c, ERR_VALUE, "first takes a size of 0 or more, not %lld",
                (long long)c->args[0].u.i);
  struct list *l = list_new(0);
  return give_list(l, walk_to_list(c, self, c->args[0].u.i, l), out);
}

enum status m_range_last(struct call *c, value self, value *out) {
  const struct range *r = value_rng(self);
  if (r->hi.tag == V_NIL) return fail(c, ERR_VALUE, "the range has no end");
  if (!c->count) return *out = value_ref(r->hi), OK;
  int64_t n = c->args[0].u.i;
  if (n < 0) return fail(c, ERR_VALUE, "last takes a size of 0 or more, not %lld", (long long)n);
  struct list *all = list_new(0);
  enum status st = walk_to_list(c, self, -1, all);
  struct list *l = list_new(0);
  size_t from = (uint64_t)n < all->count ? all->count - (size_t)n : 0;
  for (size_t i = from; st == OK && i < all->count; i++)
    list_push(l, value_ref(all->items[i]));
  value_unref(value_list(all));
  return give_list(l, st, out);
}

/* min and max of the ends; an empty range has neither. */
static enum status extreme(struct call *c, value self, bool max, value *out) {
  const struct range *r = value_rng(self);
  if (max ? r->hi.tag == V_NIL : r->lo.tag == V_NIL)
    return fail(c, ERR_VALUE, "the range has no %s", max ? "end" : "start");
  if (max && r->exclusive && (r->lo.tag != V_INT || r->hi.tag != V_INT))
    return fail(c, ERR_TYPE, "a range without its end (...) has no largest %s",
                value_type_name(r->hi));
  *out = VALUE_NIL;
  int order = 0;
  if (r->lo.tag != V_NIL && r->hi.tag != V_NIL) {
    enum status st = op_compare(c, r->lo, r->hi, &order);
    if (st != OK) return st;
  }
  if (order > 0 || (order == 0 && r->exclusive && r->hi.tag != V_NIL && r->lo.tag != V_NIL))
    return OK;
  *out = value_ref(max ? r->hi : r->lo);
  if (max && r->exclusive) out->u.i--;
  return OK;
}

enum status m_range_min(struct call *c, value self, value *out) {
  return extreme(c, self, false, out);
}
enum status m_range_max(struct call *c, value self, value *out) {
  return extreme(c, self, true, out);
}
