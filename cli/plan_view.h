/* A plan as it is shown: for people, or as one JSON object a step and a summary. */
#ifndef STEPWISE_PLAN_VIEW_H
#define STEPWISE_PLAN_VIEW_H

#include "../runtime/dry.h"
#include "ui.h"

struct plan_view {
  struct ui ui;
  const char *file; /* the runbook's */
  bool all;         /* every item of every loop */
  bool drill;       /* of a drill, not of a real run */
  int output_errno; /* why it could not be told, or 0 */
  /* while it is told: */
  bool headed; /* what stands before the first step is over */
  bool hidden; /* items of a loop that are passed over */
  uint32_t hidden_at;
  struct buf stops; /* that the run stops; shown when something follows */
  size_t stops_at;
  struct buf inputs, facts, problems, place; /* JSON: of the summary; where in the plan it is */
};

void plan_show(void *view, const struct dry_note *n); /* an observer's note, for people */
void plan_json(void *view, const struct dry_note *n);
void plan_view_release(struct plan_view *v);

#endif
