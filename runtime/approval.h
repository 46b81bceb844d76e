/* The gate before a step, as the engine's other files see it. */
#ifndef STEPWISE_APPROVAL_H
#define STEPWISE_APPROVAL_H

#include "run.h"

/* Somebody answered a request of the run, maybe from another terminal: who waits looks again. */
void approval_came(struct run *run, const struct event *e);

/* Whether a step failed of a no: of a gate that was denied or lapsed, or of a question. */
bool failed_of_no(const struct error *err);

/* Voids every request of the run that is neither used nor denied: what was asked is not what will
 * be done. reason: as approval.voided says it. */
enum status approvals_void(struct lane *lane, const char *reason, struct error *err) must_use;

#endif
