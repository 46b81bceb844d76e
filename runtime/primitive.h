/* What C offers to drivers. Each primitive is one line of primitives/primitive.def.
 *
 * A primitive gets its arguments by position of its signature's params (V_NIL where left out),
 * already checked against the types. It returns an owned value, or a status with err filled and
 * err->kind set to the failure's class (transient, provider, permission, validation). Blocking work
 * goes through task_blocking (task.h) so that the loop keeps turning. */
#ifndef STEPWISE_PRIMITIVE_H
#define STEPWISE_PRIMITIVE_H

#include "../lang/program.h"
#include "value.h"

struct tasks;
struct secrets;

struct primitive_call {
  struct symtab *syms;
  const char *key;   /* the action's idempotency key, 64 hex characters, or "" outside actions */
  const char *state_dir; /* where embedded drivers keep their files; exists */
  const struct secrets *secrets; /* or NULL: what is cut off a text is searched for them before */
  struct tasks *tasks; /* for task_* calls; NULL outside of tasks: then work is done in place */
  bool unsure; /* out, with an error: what was asked for may have been done all the same */
};

struct primitive {
  struct primitive_sig sig;
  enum status (*fn)(struct primitive_call *call, const value *args, value *out, struct error *err);
};

/* All primitives, NULL-terminated array of pointers, in the order of primitives/primitive.def. */
extern const struct primitive *const primitive_list[];

#endif
