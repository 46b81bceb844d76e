/* stepwise resume --all. */
#ifndef STEPWISE_RESUME_ALL_H
#define STEPWISE_RESUME_ALL_H

#include "resume_run.h"

/* Goes on with every run that is interrupted, waits or is in doubt, all in one engine, and says what
 * became of each; those that are held or carried by a process stay as they are. The exit code is
 * that of the run that needs an operator most. */
int resume_all(struct carry *c, struct owners *owners, const char *reason);

#endif
