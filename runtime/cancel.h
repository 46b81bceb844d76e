/* A run that another process asks to stop. */
#ifndef STEPWISE_CANCEL_H
#define STEPWISE_CANCEL_H

#include "run.h"

/* run.cancel_requested: the run stops at the next safe place, as after a signal, and ends as
 * cancelled or rolled back. A rollback under way is finished; a second request changes nothing. */
void cancel_came(struct run *run, const struct event *e);
/* run.rollback_requested: the same, to be undone. */
void rollback_came(struct run *run, const struct event *e);
/* A run that goes on: a request that the process before it did not live to see. */
void cancel_pending(struct run *run);
/* The end that was asked for, in place of what the failure would bring; takes err. */
void run_cancelled(struct lane *lane, struct step_run *s, struct error *err);

#endif
