/* What the parts of a plan's walk share. Private to dry*.c. */
#ifndef STEPWISE_DRY_OWN_H
#define STEPWISE_DRY_OWN_H

#include "dry.h"
#include "run.h"

enum { DRY_VALUE_MAX = 1 << 20 }; /* bytes of one value as JSON; a larger one is left out */

enum dry_stop { STOPS_NOT, STOPS_FAILS, STOPS_SKIP, STOPS_FINISH };

/* A binding that the plan writes through: its reads say what was before. */
struct stale {
  char *binding, *step; /* owned; step: which writes, or NULL: one that goes on beside */
};

/* Counted over a plan and its child runs. */
struct dry_total {
  struct dry_end end;
  struct dry_change *changes;
  size_t change_cap;
  struct stale *stale;
  size_t stale_count, stale_cap;
  char *stops_at, *stops_why;
  struct buf practice;
  bool wrote; /* some write was met: what is read now may be otherwise then */
};

/* One walk. The run is never started: it lends its inputs, variables and preflight. */
struct dry {
  struct run *run;
  struct lane *lane;
  struct eval *e;
  const struct dry_options *options;
  const struct dry_observer *observer;
  struct dry_total *total;
  struct dry *outer;   /* of a child run */
  struct dry_step *at; /* what lines belong to */
  const char *child;   /* its runbook, for a child run */
  const char *section;
  int64_t now;
  uint32_t level;        /* of notes */
  uint16_t depth;        /* of lines */
  unsigned maybe, quiet; /* conditions around; asked again: nothing is told */
  bool undo;             /* in a rollback */
  bool over;             /* as things are the run does not get here */
  bool from_seen;
  enum dry_stop stop; /* what the ERR_STOP under way means */
  bool may_skip, may_finish; /* a skip! or finish of this step may be reached: what follows may not */
  value *early;       /* the variables as they were before the first write; NULL before it */
};

extern const struct eval_hooks dry_hooks; /* ud: the dry */

/* --- dry.c --- */
void dry_note(const struct dry *d, struct dry_note n);           /* fills in the level */
enum status dry_walk(struct dry *d, struct error *err) must_use; /* items and handler */
void dry_release(struct dry *d);                                 /* the run too */
enum status dry_lock(struct dry *d, struct error *err) must_use; /* tells its lock, and who has it */

/* --- dry_text.c: how what is known reads --- */
/* The text as interpolation gives it; what is unknown is named: "(unknown: batch.id)". Owned. */
enum status dry_text(struct dry *d, node_id n, char **out) must_use;
/* The same of a value that was evaluated; n: its expression, or 0. */
void dry_value_text(struct dry *d, value v, node_id n, bool inspect, struct buf *out);
/* The duration in words, or what is unknown; node 0: otherwise. */
void dry_duration(struct dry *d, node_id n, int64_t otherwise, struct buf *out);
void dry_source(const struct dry *d, node_id n, struct buf *out); /* as written, on one line */
bool dry_has_effects(const struct dry *d, node_id n);
/* Whether what the expression says now may be otherwise when the run comes here: it looks, after a
 * write, at something that was read after one. */
bool dry_may_turn(const struct dry *d, node_id n);
void dry_wrote(struct dry *d); /* a write is met */
enum dry_truth dry_truth(value v);

/* --- dry_line.c: what a step's lines are made of --- */
struct dry_line *dry_line(struct dry *d, enum dry_kind kind, char *owned_text); /* d->at's latest */
void dry_arg(struct dry *d, struct dry_line *line, const char *name, value v, node_id expr,
             bool given);
void dry_problem(struct dry *d, struct error *err); /* takes err */
void dry_fails(struct dry *d, const char *why);     /* the step fails, where that is certain */
void dry_change(struct dry *d, const struct dry_line *line);
void dry_step_release(struct dry_step *s);
void dry_total_release(struct dry_total *t);

/* --- dry_call.c --- */
enum status dry_action(void *ud, struct eval *e, const struct action *action, node_id call,
                       const value *args, const bool *given, value *out);
/* Every binding that something in the node writes through. */
void stale_beside(struct dry *d, node_id n);
void stale_forget(struct dry *d, size_t from); /* those of beside that were added after */

/* --- dry_word.c --- */
enum status dry_statement(void *ud, struct eval *e, node_id call, sym word, value *out);

/* --- dry_maybe.c --- */
enum status dry_perhaps(void *ud, struct eval *e, node_id n);
/* Evaluates what may run or not: lines one deeper, variables as before afterwards. */
enum status dry_may_run(struct dry *d, char *owned_condition, node_id body);

/* --- dry_step.c --- */
enum status dry_do_step(struct dry *d, const struct step *step, struct error *err) must_use;
enum status dry_handler(struct dry *d, struct error *err) must_use;

/* --- dry_item.c --- */
enum status dry_items(struct dry *d, const struct item *items, struct error *err) must_use;

/* --- dry_child.c --- */
/* first: the list of pairs that are its inputs. As a statement of a step it is a line too. */
enum status dry_child_run(struct dry *d, const char *name, node_id first, bool waits,
                          struct error *err) must_use;

#endif
