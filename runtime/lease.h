/* Leases: a state that a run created and that ends by itself unless the run renews it.
 *
 * The driver sets the provider's own expiry to call.lease_until. While the run is live a task of
 * each lease renews it at a third of its time. It stops when the step is rolled back, when an action
 * declared with `ends:` did its work, or with the run; when the process dies nobody renews. */
#ifndef STEPWISE_LEASE_H
#define STEPWISE_LEASE_H

#include "driver.h"

struct lane;
struct run;

/* A call of an action that has a lease. */
struct lease_call {
  const struct action *action;
  const struct driver *driver;
  const value *args; /* borrowed, one for each that it takes */
  const char *step;  /* id, or "" */
  const char *key;
  uint32_t ordinal;
  int64_t until; /* wall */
};

/* Until when a lease taken now lasts; 0 for an action without one. */
enum status lease_until(struct run *run, const struct action *action, int64_t *out,
                        struct error *err) must_use;
/* The action succeeded: lease.taken, and it is renewed from now on. */
enum status lease_take(struct lane *lane, const struct lease_call *c, struct error *err) must_use;
/* An action is about to end the leases whose arguments agree with its own: returns when none of them
 * is being renewed, and none will be. Then whether it did. */
void leases_lifting(struct lane *lane, const struct action *action, const value *args);
enum status leases_lift(struct lane *lane, const struct action *action, const value *args,
                        bool lifted, struct error *err) must_use;
/* The same for the rollback of a step and what the step took. */
void leases_undoing(struct lane *lane, const char *step);
enum status leases_undone(struct lane *lane, const char *step, struct error *err) must_use;
/* For a run that goes on: renews what its earlier process left, before anything else is done. One that
 * has expired meanwhile and cannot be renewed is told by leases_check. */
enum status leases_again(struct lane *lane, struct error *err) must_use;
/* The journal has the action's success, and may not have what follows from it for leases. */
enum status lease_told(struct lane *lane, const struct lease_call *c, struct error *err) must_use;
/* A lease that could not be renewed in time fails the step that goes on, once: "lease_expired". */
enum status leases_check(struct run *run, struct error *err) must_use;
/* The run ends, or its process leaves it: what still holds ends by itself, and people are told. */
void leases_leave(struct lane *lane, bool over);
void leases_release(struct run *run); /* in a task: waits until no renewal is under way */

#endif
