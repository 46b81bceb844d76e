/* Taking up runs that the journal has: resume goes on with one, rollback undoes one. */
#ifndef STEPWISE_RESUME_RUN_H
#define STEPWISE_RESUME_RUN_H

#include "../runtime/history.h"
#include "../runtime/owner.h"
#include "../runtime/pinned.h"
#include "../runtime/site_pinned.h"
#include "carry.h"
#include "run_args.h"

/* A run that is taken up: everything it needs, out of the journal. */
struct taken {
  char run[RUN_ID_MAX];
  struct history *history;
  struct pinned pinned;
  struct site_pinned site;
  struct run_args args; /* inputs that are secret, roles, steps to pass over */
  struct {
    struct host host;
    struct program *program;
    struct site *site;
  } changed; /* other texts (plan_change) */
  struct resume resume;
  struct run_options options;
  struct run_result result;
};

/* Owns the run and loads its history, in one transaction of the journal: no operator's verb decides in
 * between. ERR_CONFLICT says which process has it, and whose. */
enum status taken_own(struct taken *t, struct journal *j, struct owners *owners, const char *run,
                      struct error *err) must_use;
/* Loads what it runs. Diagnostics go to stderr. EXIT_SUCCEEDED, or a code after saying why. */
int taken_load(struct taken *t, struct journal *j);
void taken_options(struct taken *t); /* fills options, for an engine of the caller's */
/* In an engine of its own, with answers and clock: to its end. */
int taken_carry(struct taken *t, struct carry *c, struct owners *owners);
void taken_release(struct taken *t);
/* Says when the runbook's file is not what the run goes on with. */
void taken_note_file(const struct taken *t);
bool taken_virtual(const struct taken *t); /* its waits took no time */

#endif
