/* Whom a write may reach: what the `admit` blocks of its binding say before its driver is called,
 * whichever driver that is. */
#ifndef STEPWISE_ADMIT_H
#define STEPWISE_ADMIT_H

#include "action.h"

enum admitted { ADMIT_YES, ADMIT_REFUSED, ADMIT_WAIT };

static inline bool admit_asks(const struct action *a) {
  return a->admit_count > 0;
}

/* In a task. Asks all that concern the action, of these arguments (one for each that it takes); of an
 * action that is called for each item, its parameter holds the item. REFUSED: why has the reason,
 * of WAIT it may have one.
 * An error of the code, or of what it reads, comes back as such: nothing is known then. */
enum status admit_ask(struct driver_call *c, const value *args, enum admitted *out, struct buf *why,
                      struct error *err) must_use;

/* In a task, before the intent of a write. OK when it is admitted; waits while it is not yet; the
 * kind "refused" when it is not. */
enum status admit_action(struct action_run *c, struct error *err) must_use;

#endif
