/* Evaluates resolved trees. Pure by itself: everything that touches the world, waits or asks a
 * person goes through the hooks, which the engine provides (and which may suspend the coroutine).
 *
 * Errors come back as a status with err filled and placed at the innermost expression. */
#ifndef STEPWISE_EVAL_H
#define STEPWISE_EVAL_H

#include "../lang/plan.h"
#include "value.h"

struct eval;
struct eval_cache; /* compiled regexp literals */

struct eval_hooks {
  /* A call of a binding's action. args: one value for each action->takes, in order; V_NIL plus
   * given[i] == false where it was left out (defaults are already filled in). */
  enum status (*action)(void *ud, struct eval *e, const struct action *action, node_id call,
                        const value *args, const bool *given, value *out);
  /* A statement word (expect, confirm, note, wait ...): node is the call; args are not evaluated.
   */
  enum status (*statement)(void *ud, struct eval *e, node_id call, sym word, value *out);
  /* A primitive call inside a driver. args in the order of sig->params. */
  enum status (*primitive)(void *ud, struct eval *e, const struct primitive_sig *sig, node_id call,
                           const value *args, value *out);
  /* Called at each loop turn of each_with .. blocks and statements so that a cancelled task stops.
   */
  enum status (*poll)(void *ud, struct eval *e);
  int64_t (*now)(void *ud); /* microseconds since 1970 UTC */
};

/* The slots that were set since `generation` was last raised, each once: what a step assigned. */
struct eval_track {
  uint32_t generation;
  uint32_t *stamps; /* of each slot: the generation that set it last */
  uint32_t *slots;
  size_t count, cap;
};

/* One evaluation context: a frame over one unit. Copying a frame for a parallel branch is
 * eval_fork. All fields are for reading. */
struct eval {
  struct program *program;
  const struct unit *unit;
  struct tree *tree;
  value *slots;
  bool *is_set;
  value input;   /* record: `input`, or nil */
  value setting; /* record: `setting` in drivers */
  value call;    /* record: `call` in drivers (key) */
  const struct eval_hooks *hooks;
  void *ud;
  uint32_t depth;
  struct error *err;
  /* Plan only: a condition was unknown, so neither branch was taken; what they assign is unknown
   * now. Set by the evaluator, cleared by whoever looks. */
  bool met_unknown;
  struct eval_cache *cache; /* owned; made at first use */
  struct eval_track *track; /* borrowed, or NULL */
};

void eval_init(struct eval *e, struct program *p, const struct unit *unit,
               const struct eval_hooks *hooks, void *ud, struct error *err);
void eval_release(struct eval *e);
void eval_fork(struct eval *dst, const struct eval *src);

enum status eval_node(struct eval *e, node_id n, value *out) must_use; /* owned */
enum status eval_body(struct eval *e, node_id body, value *out) must_use;
/* Calls a block node with arguments (borrowed). */
enum status eval_block(struct eval *e, node_id block, const value *args, size_t count,
                       value *out) must_use;
/* The argument expressions of a call: i-th positional, or the one labelled `name`; 0 when absent.
 */
node_id call_arg(const struct tree *t, const struct node *call, size_t i);
node_id call_keyword(const struct tree *t, const struct node *call, sym name);
node_id call_block(const struct tree *t, const struct node *call);
/* Gives a block's parameters their values for one item, as calling the block would. */
void eval_bind(struct eval *e, node_id params, value item);
void eval_set_slot(struct eval *e, uint32_t slot, value owned);

/* Checks a value against a declared field (type, min, max, one_of, match) and converts what may be
 * converted (text from the command line when from_text). ERR_VALUE says which and why. */
/* The field's default, evaluated in its own file; nil when it has none. */
enum status field_default(struct eval *e, const struct field *f, value *out) must_use;
enum status field_check(struct eval *e, const struct field *f, value in, bool from_text, value *out,
                        struct error *err) must_use;

#endif
