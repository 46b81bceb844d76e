/* Runs that a run begins, as child.c and child_past.c share them. Private to the engine. */
#ifndef STEPWISE_CHILD_H
#define STEPWISE_CHILD_H

#include "pinned.h"
#include "run.h"

struct child_run {
  struct run *run;     /* owned, while it is live and, waited for, until its parent ends; or NULL */
  struct task *waiter; /* NULL: nobody waits */
  struct run *waits;   /* whose task that is */
  bool over;
  char *runbook; /* as the parent calls it */
  struct buf place;
  struct run_options options;
  struct run_parent parent;
  struct run_result result;
  struct given_input *given; /* with their names owned */
  char *parent_id;
  const char **roles; /* owned: the parent may end before it */
  /* of one that the journal has: */
  char *past_id;
  node_id call;      /* of run or start */
  int64_t armed_seq; /* what it is armed as; INT64_MAX: as the latest */
  struct pinned pinned;
  struct history *history;
  struct resume resume;
};

enum status child_finished(struct lane *lane, const struct child_run *c, const char *id,
                           value result, struct error *err) must_use;
enum status child_failed(const struct lane *lane, const struct child_run *c,
                         struct error *err) must_use;
/* The inputs as the parent gives them; only_secret: those that the journal has not. */
enum status child_inputs(struct lane *lane, struct child_run *c, struct program *p, node_id call,
                         bool only_secret, struct error *err) must_use;
void child_live(struct lane *lane, struct child_run *c, struct program *p); /* makes its run */
/* Waits until it is over. A stop that comes meanwhile is passed on to it. */
enum status child_await(struct lane *lane, struct child_run *c, struct error *err) must_use;
struct step_run *child_arm(struct lane *lane, struct child_run *c, int64_t seq);
/* The run that the journal has under this id, begun at c's place: undone by what its journal says. */
struct step_run *child_arm_past(struct lane *lane, const struct child_run *c, const char *id,
                                int64_t seq);
value child_result(struct lane *lane, const char *id, enum run_state state, value owned_outputs);

/* --- child_past.c: what the journal has of it --- */

enum again_child {
  CHILD_NEW,     /* it begins; its id may be known */
  CHILD_GOES_ON, /* its run is resumed */
  CHILD_DONE,    /* *result is what it gave */
  CHILD_FAILED   /* *status and err say how */
};
/* Decides what becomes of the child at this place; arms what of it can be undone. Takes nothing but
 * what it needs of c, which may have got its past_id. */
enum again_child child_again(struct lane *lane, struct child_run *c, value *result,
                             enum status *status, struct error *err);
/* Takes the run c->past_id over: its texts, its history. back: to undo it. */
enum status child_take_over(struct lane *lane, struct child_run *c, bool back,
                            struct error *err) must_use;
/* Of one that was started and not waited for: whether it was begun; its id may be known all the
 * same. */
enum status child_started_before(struct lane *lane, struct child_run *c, bool *begun,
                                 struct error *err) must_use;

#endif
