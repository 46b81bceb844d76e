/* Puts what branches did at the same time into the order of a tree, while it streams.
 *
 * The first branch of those that go on side by side is written as it comes; what the others say is
 * held until it ends. Memory goes with what is held, not with the length of the run. */
#ifndef STEPWISE_SHOW_WEAVE_H
#define STEPWISE_SHOW_WEAVE_H

#include <stdio.h>

#include "outline.h"

struct weave_lane;
struct weave_step;

struct weave {
  FILE *out;
  const struct outline *outline;
  struct weave_lane
      *lanes;      /* the main line first, then those held in the order they began; owned */
  uint32_t groups; /* branches.started without their end */
  bool undoing;
  size_t margin; /* columns of the time, before a heading's own indentation */
  void (*cut_off)(void *ud, struct weave_step *s); /* a step is closed that has not ended */
  void *ud;
};

void weave_init(struct weave *f, FILE *out, const struct outline *outline, size_t margin,
                void (*cut_off)(void *ud, struct weave_step *s), void *ud);
void weave_release(struct weave *f);
/* The step that an event belongs to, opened when it is not; *depth: how far its lines stand in.
 * opened: headings were written and the step's own line is due. */
struct weave_step *weave_step(struct weave *f, const char *id, size_t *depth, bool *opened);
void weave_add(struct weave *f, struct weave_step *s, const char *text, size_t len);
void **weave_slot(struct weave_step *s); /* the caller's own; NULL again before the step ends */
void weave_end(struct weave *f, struct weave_step *s); /* the step has ended; s is gone */
/* A line of the run's own, at once. */
void weave_line(struct weave *f, const char *text, size_t len);
void weave_branches(struct weave *f, bool began);
/* Writes all that is held and closes every step: the run came to a stop or undoes. */
void weave_flush(struct weave *f);

#endif
