/* What other processes say to the runs of this one: they append events, and every tenth of a second
 * the engine looks whether somebody did. One look costs a PRAGMA; events are read only after
 * another process has committed some.
 *
 * To act on a kind of event: a line in `watched` (watch_journal.c) with a function. It is called on
 * the loop, between the turns of tasks; it may wake and cancel tasks and must not wait or append. */
#ifndef STEPWISE_WATCH_JOURNAL_H
#define STEPWISE_WATCH_JOURNAL_H

#include "journal.h"

struct engine;
struct run;

/* run: a live run of this engine that the event is about. Events of this process come by too, so
 * acting twice must do no harm. */
typedef void watch_fn(struct run *run, const struct event *e);

/* From the events that there are now on. */
void watch_begin(struct engine *g);
/* The loop's turn: looks when it is time; returns how long the loop may wait, in us. */
int64_t watch_turn(struct engine *g);

#endif
