/* The programs of the runbooks that a runbook runs, and of those that these run: read from the
 * texts it was loaded with, before anything is done. What is on disk may change; a run does not. */
#ifndef STEPWISE_FAMILY_H
#define STEPWISE_FAMILY_H

#include "../lang/program.h"

struct family {
  uint32_t refs;             /* runs that use it */
  struct program **programs; /* owned */
  size_t count, cap;
  /* private */
  struct program_host door;
  const struct program *root; /* while it is made */
};

/* NULL when root runs no other runbook. ERR_CHECK names the runbook that has errors. One reference
 * is the caller's. */
enum status family_make(const struct program *root, struct family **out,
                        struct error *err) must_use;
/* The runbook that `run "name"` means in program p. */
struct program *family_find(const struct family *f, const struct program *p, const char *name);
struct family *family_ref(struct family *f); /* NULL-safe, as family_unref */
void family_unref(struct family *f);

#endif
