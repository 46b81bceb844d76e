/* What C offers to drivers: tables of functions. Each file in primitives/ exports one table.
 *
 * A primitive gets its arguments by position of its signature's params (V_NIL where left out),
 * already checked against the types. It returns an owned value, or a status with err filled and
 * err->kind set to the failure's class (transient, provider, permission, validation). Blocking work
 * goes through task_blocking (task.h) so that the loop keeps turning. */
#ifndef STEPWISE_PRIMITIVE_H
#define STEPWISE_PRIMITIVE_H

#include "../lang/program.h"
#include "value.h"

struct primitive_call {
  struct symtab *syms;
  const char *key;   /* the action's idempotency key, 64 hex characters, or "" outside actions */
  const char *state_dir; /* where embedded drivers keep their files; exists */
  void *engine;      /* for task_* calls */
};

struct primitive {
  struct primitive_sig sig;
  enum status (*fn)(struct primitive_call *call, const value *args, value *out, struct error *err);
};

/* All primitives, NULL-terminated array of pointers, in the order of the tables. */
extern const struct primitive *const primitive_list[];

#endif
