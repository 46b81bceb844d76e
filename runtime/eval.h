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

/* The values that assignments replaced, oldest first; each slot once in a period. */
struct eval_change {
  value was; /* owned */
  uint32_t slot;
  bool was_set;
};
struct eval_log {
  struct eval_change *items;
  size_t count, cap;
  uint32_t *logged_in; /* by slot: the period of its latest entry */
  bool *touched;       /* by slot: assigned since the log was opened; or NULL */
  uint32_t period;
};

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
  /* Seconds that the site's time is ahead of UTC then: which day today is. NULL: none. */
  int64_t (*offset)(void *ud, int64_t us);
  /* Plan only, may be NULL: whether parts of n run is not known. n: an if or case (its branches), an
   * &&, ||, ||= or &&= (its right side), or a block whose receiver or items are not known. What they
   * assign is unknown afterwards; the hook need not see to that. */
  enum status (*perhaps)(void *ud, struct eval *e, node_id n);
  /* The secrets that no part of may be cut out of a text. NULL: there are none. */
  const struct secrets *(*secrets)(void *ud);
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
  /* Plan only: a condition was unknown, so what depends on it was not done; what it assigns is
   * unknown now. Set by the evaluator, cleared by whoever looks. */
  bool met_unknown;
  struct eval_cache *cache; /* owned; made at first use */
  struct eval_log *log;     /* or NULL; borrowed */
  bool unset_is_nil;        /* in a rollback: what a half-done step did not get to is nil */
};

void eval_init(struct eval *e, struct program *p, const struct unit *unit,
               const struct eval_hooks *hooks, void *ud, struct error *err);
void eval_release(struct eval *e);
void eval_fork(struct eval *dst, const struct eval *src);

/* Logs assignments from here on, in a log that outlives e or is closed before. touch: and keeps
 * which slots were assigned at all. */
void eval_log_open(struct eval *e, struct eval_log *log, bool touch);
void eval_log_close(struct eval *e);
void eval_log_clear(struct eval *e);  /* forgets the log; the variables stay */
size_t eval_log_mark(struct eval *e); /* begins a period: a place to go back to */
void eval_log_assigned(struct eval *e, uint32_t slot); /* called before the slot changes */
/* The variables as they were at the mark, and forth again. In between nothing may be assigned but
 * after a further mark, and that must be undone first. */
void eval_log_back(struct eval *e, size_t mark);
void eval_log_forth(struct eval *e, size_t mark);
void eval_log_undo(struct eval *e, size_t mark); /* back, and forgets what came after */

enum status eval_node(struct eval *e, node_id n, value *out) must_use; /* owned */
enum status eval_body(struct eval *e, node_id body, value *out) must_use;
/* Calls a block node with arguments (borrowed). */
enum status eval_block(struct eval *e, node_id block, const value *args, size_t count,
                       value *out) must_use;
/* Everything that is assigned inside this node is unknown from now on. */
void eval_forget(struct eval *e, node_id n);
/* The argument expressions of a call: i-th positional, or the one labelled `name`; 0 when absent.
 */
node_id call_arg(const struct tree *t, const struct node *call, size_t i);
node_id call_keyword(const struct tree *t, const struct node *call, sym name);
node_id call_block(const struct tree *t, const struct node *call);
/* Gives a block's parameters their values for one item, as calling the block would. */
void eval_bind(struct eval *e, node_id params, value item);
void eval_set_slot(struct eval *e, uint32_t slot, value owned);
void eval_unset_slot(struct eval *e, uint32_t slot);

/* The field's default, evaluated in its own file; nil when it has none. */
enum status field_default(struct eval *e, const struct field *f, value *out) must_use;
/* Adds what one_of allows, with commas between; nothing without it. */
void field_choices(struct eval *e, const struct field *f, struct buf *out);
/* Checks a value against a declared field (type, min, max, one_of, match) and converts what may be
 * converted (text from the command line when from_text). ERR_VALUE says which and why. */
enum status field_check(struct eval *e, const struct field *f, value in, bool from_text, value *out,
                        struct error *err) must_use;

#endif
