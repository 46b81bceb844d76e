/* mark-done: an operator says what became of an action that is in doubt. */
#ifndef STEPWISE_SETTLE_H
#define STEPWISE_SETTLE_H

#include "operate.h"

struct settlement {
  const char *action; /* as given: "step/binding.action", with "#call" where one step calls it more
                         than once, "binding.action", "step", or the key's first characters; NULL
                         when there is just one */
  const char *result; /* text or JSON; NULL: none given */
  bool not_done;
};

/* The result is checked against what the action gives, by the texts that the run is pinned to.
 * ERR_NOT_FOUND: no such doubt, or several are meant; ERR_CONFLICT: it was settled otherwise;
 * ERR_VALUE: the result does not fit. */
enum status operate_settle(struct operation *op, const struct settlement *s,
                           struct error *err) must_use;

#endif
