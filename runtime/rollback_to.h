/* What an undoing of a run would undo, read from its history: in which order, and where it stops. */
#ifndef STEPWISE_ROLLBACK_TO_H
#define STEPWISE_ROLLBACK_TO_H

#include "history.h"

/* A step that was armed and is not undone; child: a run that was waited for, as the run table has
 * it. */
struct undo_item {
  int64_t seq; /* of the event that armed it */
  const struct step_past *step;
  char *child; /* id of the child run, or NULL; owned */
  const char *id; /* of the step, or the child's place; borrowed or owned with child */
};
struct undo_list {
  struct undo_item *items; /* the one to be undone first is first */
  size_t count, cap;
  struct undo_item *kept; /* what stays done, the latest first */
  size_t kept_count, kept_cap;
};

/* Release it in either case. */
enum status undo_list_make(const struct history *h, const char *to, struct undo_list *out,
                           struct error *err) must_use;
void undo_list_release(struct undo_list *l);

#endif
