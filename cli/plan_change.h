/* --accept-plan-change: a run goes on with other texts than it began with, when what is done fits. */
#ifndef STEPWISE_PLAN_CHANGE_H
#define STEPWISE_PLAN_CHANGE_H

#include "resume_run.h"

/* file: the new runbook, or NULL for the one it began with as it is now; after taken_load. Shows the
 * difference on `out`; the run's program and site are the new ones afterwards. EXIT_SUCCEEDED, or a
 * code after saying why. */
int plan_change(struct taken *t, const char *file, const char *site_given, FILE *out);

#endif
