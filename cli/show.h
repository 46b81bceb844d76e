/* What stepwise show is made of: how a run stands, its events as lines, what can be done next. */
#ifndef STEPWISE_SHOW_H
#define STEPWISE_SHOW_H

#include <sys/types.h>

#include "../runtime/pinned.h"
#include "../runtime/standing.h"
#include "show_weave.h"
#include "ui.h"

struct show {
  struct ui ui;
  struct journal *journal;
  struct symtab *syms;
  struct standing standing;
  pid_t pid;        /* who has it, or 0 */
  const char *tail; /* follows each command: " --journal PATH", or "" */
  struct pinned pinned;
  struct outline outline;
  struct weave weave;
  const struct event *event; /* under way */
  const char *data;          /* where fields are looked for */
  size_t data_len;
  int64_t day; /* the run's first day, since 1970 */
};

/* show_event.c: an event becomes lines. A callback of journal_scan. */
enum status show_event(void *ud, const struct event *e);
void show_held(struct show *s); /* after the last event: what is still held */
/* The flow's callback: an action that has no outcome yet. */
void show_cut_off(void *ud, struct weave_step *step);

/* show_next.c */
void show_state(struct show *s); /* in one or more lines: the state, since when, why, who has it */
void show_open(struct show *s);  /* what is open: doubts, gates, leases, children, the lock */
void show_next(struct show *s);  /* the commands that can follow */
void show_json(struct show *s);  /* all three as one object, on a line */

#endif
