/* One call of an action under way, as binding.c and doubt.c share it. */
#ifndef STEPWISE_ACTION_H
#define STEPWISE_ACTION_H

#include "run.h"

struct action_run {
  struct lane *lane;
  const struct action *action;
  const struct driver *driver;
  const struct perform *perform;
  const value *args; /* checked against what the action takes */
  node_id call;      /* in the lane's tree: where the runbook calls */
  uint32_t ordinal;
  char key[65];
  const char *batch; /* of one item of a list: which batch, and its place in the list; else NULL */
  int64_t number;
  struct progress progress; /* of a batch: how far it came */
  int64_t begun;       /* of a write: when its intent was recorded, clock_wall */
  int64_t lease_until; /* of an action with a lease, else 0 */
  bool writing; /* a primitive that writes was reached */
  bool unsure;  /* and it failed in a way that leaves open whether it was done */
};

/* Whether it may not be done twice. Of an action with `each:` that is asked of every item by itself:
 * the whole may be called again, and goes on from where it was. */
static inline bool action_once(const struct action_run *c) {
  return c->action->effect == EFFECT_WRITE && c->perform->repeat == REPEAT_UNSAFE && !c->action->each;
}

void record_call(struct record *r, const struct action_run *c);
/* list_max: bytes from which on the list of a batch goes into the text table. */
void record_args(struct record *r, const struct lane *lane, const struct action *action,
                 const value *args, size_t list_max);
void action_site(const struct action_run *c, struct buf *out); /* "LINE:COL" */
void action_text(const struct action_run *c, struct buf *out); /* "pool.drain" */
/* Whether it may be done again when nobody knows what became of it. Of a page that is delivered twice
 * nobody is worse off; one that is not delivered may never be noticed. */
static inline bool action_repeatable(const struct action_run *c) {
  return c->perform->repeat != REPEAT_UNSAFE || c->lane->paging;
}
/* What the driver is called with. */
enum status action_driver_call(struct action_run *c, struct driver_call *out,
                               struct error *err) must_use;

/* The driver does it; nothing is recorded. */
enum status action_perform(struct action_run *c, value *out, struct error *err) must_use;

/* --- action_again.c --- */

/* Whether the journal has this call: *told, and then *out, or the status that it failed with.
 * Otherwise it is to be carried out. */
enum status action_again(struct action_run *c, bool *told, value *out, struct error *err) must_use;

/* --- doubt.c --- */

/* An intent of a write without an outcome. *done with the result in *out; OK without it: it is to be
 * done, again or for the first time. The kind "in_doubt" when nobody knows. */
enum status doubt_settle(struct action_run *c, bool *done, value *out, struct error *err) must_use;
/* The same after a limit cut the write off or its answer was lost; err holds that failure and keeps it when the action did
 * not happen. */
enum status doubt_after_failure(struct action_run *c, value *out, struct error *err) must_use;
/* Asks the driver, whatever is recorded; why: what is told when it does not know. */
enum status doubt_probe(struct action_run *c, enum probed *known, value *out, struct buf *why,
                        struct error *err) must_use;
/* The step and the error are marked as in doubt; the error's message is there. */
void doubt_mark(struct action_run *c, struct error *err);
/* The same after a failure that may pass: what the driver knows was not done may be done again. When it
 * does not know, err stays as it is. */
enum status doubt_after_answer(struct action_run *c, value *out, struct error *err) must_use;
enum status settled_record(struct action_run *c, const char *as, const char *by,
                           const value *result, const char *reason, struct error *err) must_use;

#endif
