/* Walks what can be walked: arrays, hashes (key and value), ranges of integers and of strings. */
#ifndef STEPWISE_ITER_H
#define STEPWISE_ITER_H

#include "method.h"

struct iter {
  struct call *c;
  value of;        /* borrowed */
  size_t i, count; /* arrays, hashes; count of an integer range, SIZE_MAX when open */
  value args[2];   /* the present element: one value, or key and value */
  size_t n;        /* how many args: 1 or 2 */
  value made;      /* owned: a string made by a string range */
};

/* `whole`: the caller will walk to the end, so what has no end or too many elements is refused now;
 * else after LIMIT_COLLECTION steps. */
enum status iter_init(struct iter *it, struct call *c, value of, bool whole) must_use;
bool iter_next(struct iter *it, enum status *st); /* false at the end, or on an error in *st */
void iter_release(struct iter *it);
value iter_item(const struct iter *it) must_use; /* owned: the element, or [key, value] */
/* Runs the call's block on the element. A block of two parameters gets key and value; of one, the
 * pair (key_only: the key, as Ruby's select and reject do). */
enum status iter_yield(struct iter *it, bool key_only, value *out) must_use;
enum status iter_test(struct iter *it, bool key_only, bool *yes) must_use;

/* Ruby's String#succ for letters and digits: "az" -> "ba", "Zz" -> "AAa", "a9" -> "b0". */
value text_succ(struct text t) must_use;

#endif
