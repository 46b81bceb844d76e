/* Inside the checker: one walk over the trees that resolves names, checks shapes and types, and
 * builds declarations and the plan. Nothing outside lang/ includes this.
 *
 * A walk is linear: names are array indexes, nothing is allocated for a node, and which variables
 * are set on every path is kept as a trail that branches undo and merge (resolve.c). */
#ifndef STEPWISE_CHECK_H
#define STEPWISE_CHECK_H

#include "clause.h"
#include "limits.h"
#include "method.h"
#include "plan.h"

/* Why a variable may not be set: what took the assignment off the path. */
enum unset_why {
  UNSET_BRANCH,
  UNSET_BLOCK,
  UNSET_EACH,
  UNSET_PARALLEL,
  UNSET_SKIP,
  UNSET_FAILED,
  UNSET_HANDLER,
  UNSET_FINISH,
  UNSET_CHILD
};

struct variable {
  sym name;
  type_id type;
  node_id at;    /* its first assignment, or its parameter */
  uint32_t pos;  /* where it stands, or last stood, on the trail */
  uint32_t step; /* the last step that listed it as an output */
  node_id late_at; /* where the latter does */
  uint32_t early_step, late_step; /* the last step that set it before, and behind its first write */
  uint32_t told_step; /* the last step whose rollback was told that it may be nil */
  node_id from;       /* the value of its first assignment, or 0 */
  int sure;           /* in a rollback: tests for nil that hold where the walk stands */
  bool set, read, temp, param;
  bool at_exit; /* stands in scope.exits */
  uint8_t why;
  uint32_t set_tick, read_tick; /* scope.tick when it was last set, and read; 0 = never */
  node_id set_at, read_at;      /* there */
};

/* Text that goes on side by side: a branch of parallel, or the items of an each_of with at_once. */
struct beside {
  struct beside *outer;
  uint32_t from, at; /* scope.tick where all of it begins, and where this branch does */
  bool items;        /* the same text, for each item */
  bool finishes;
  size_t floor; /* what stands on the trail from here on is set after a finish */
  bool dead;    /* as it was before */
};

struct shadow {
  sym name;
  uint32_t var; /* what the name meant before */
};

struct vec { /* of uint32_t */
  uint32_t *at;
  size_t count, cap;
};
void vec_push(struct vec *v, uint32_t n);

/* The variables of one unit. */
struct scope {
  uint32_t *var_of; /* by sym: slot + 1 */
  size_t var_cap;
  struct variable *vars; /* by slot */
  size_t var_count, vars_cap;
  struct shadow *shadows;
  size_t shadow_count, shadow_cap;
  struct vec temps; /* slots that blocks share */
  size_t temps_used;
  unsigned blocks;  /* how many blocks deep */
  struct vec trail; /* slots set, in order */
  size_t trail_low; /* shortest the trail has been since the last skip! */
  size_t armed;     /* what stands on the trail from here on was set when the rollback was armed */
  struct vec saved; /* slots that branches set, while others are walked */
  struct vec exits; /* slots set at every skip! of this step */
  bool has_exit;
  bool dead; /* this place is never reached */
  uint32_t tick; /* uses of variables so far */
  struct beside *beside;
};

struct index_entry {
  const void *owner;
  sym name; /* 0 = free */
  uint32_t value;
};
struct index {
  struct index_entry *at;
  uint32_t mask;
  size_t count;
};
bool index_put(struct index *x, const void *owner, sym name, uint32_t value); /* false: was there */
bool index_get(const struct index *x, const void *owner, sym name, uint32_t *value);

/* Parameters of an action, parts of a result, settings of a driver: at most. */
enum { FIELDS_MAX = 64 };

/* What may be done where the walk stands. */
enum effects { EFFECTS_NONE, EFFECTS_READ, EFFECTS_WRITE };
struct place {
  enum context context;
  enum effects effects;
  const char *what; /* "a guard", for messages */
};

struct check {
  struct program *p;
  struct arena *arena;
  struct types *types;
  struct symtab *syms;
  struct diags *diags;
  const struct method_index *methods;
  /* the file */
  struct tree *t;
  uint32_t file;
  /* the unit */
  struct scope *scope;
  struct place place;
  struct plan *plan;                           /* in a runbook */
  bool driver;                                 /* in a driver or an admit: primitives are at hand */
  struct action *action;                       /* in a perform or probe */
  type_id input_type, setting_type, call_type; /* 0 where there is none */
  bool reads_only;                             /* in a perform of a read action, or a probe */
  /* the step */
  uint32_t step_number;
  size_t step_mark; /* the trail where it began */
  bool step_writes;
  bool undoing; /* in the rollback of a step that writes */
  node_id first_write;
  enum policy runbook_policy;
  struct step **step_list; /* those seen so far */
  size_t step_count, step_cap;
  struct vec outputs, late;
  struct vec order; /* of the files: each behind those it uses */
  /* said already */
  uint8_t *told; /* by sym */
  size_t told_cap;
  struct index index;   /* bindings, actions, inputs, child runs, roles */
  uint8_t *inputs_read; /* by index in plan->inputs */
  struct child *children;
  size_t child_count, child_cap;
  struct buf scratch[3];
  unsigned words_turn;
};

/* check.c: small things everyone needs */
/* Room for one more item behind count of them, in the arena; doubles, so that many cost little. */
void *arena_push(struct check *k, void *items, size_t count, size_t size);
struct span span_of(const struct check *k, node_id n);
struct span span_call_name(const struct check *k, const struct node *call); /* of the word alone */
const char *name_text(const struct check *k, sym s);
const char *keyword_text(const struct check *k, sym s);   /* "name:" */
bool tell_once(struct check *k, sym name, unsigned what); /* true the first time */
enum { TOLD_NAME = 1, TOLD_UNSET = 2, TOLD_WORD = 4, TOLD_STEP_ID = 8, TOLD_BESIDE = 16 };
static inline struct node *node_at(const struct check *k, node_id n) {
  return tree_node(k->t, n);
}
const char *type_words(struct check *k, type_id t); /* "an integer"; two may be in use at once */
const char *value_words(const struct check *k,
                        node_id n); /* the source text of a short expression */
/* The symbol or string a literal names, as a sym; 0 when it is not one. */
sym node_literal_name(struct check *k, node_id n);
char *text_dup(struct check *k, node_id str); /* into the arena; NULL for 0 */
uint32_t list_count(const struct check *k, node_id head);

struct names { /* candidates for did-you-mean */
  const char **at;
  size_t count, cap;
};
void names_add(struct names *n, const char *text);
void names_add_fields(struct check *k, struct names *n, const struct field *f, size_t count);
void names_add_record(struct check *k, struct names *n, type_id record);
/* Adds a help line: did you mean, else "what: a, b, c" when there are few. Releases n. The index of
 * what was meant, or -1. */
int names_help(struct check *k, struct diag *d, const char *name, struct names *n,
               const char *what);

/* resolve.c: variables, slots, what is set on every path */
void scope_begin(struct check *k, struct scope *s);
void scope_end(struct check *k, struct scope *s, struct unit *out); /* fills slots of out; warns */
bool scope_has(const struct check *k, sym name, uint32_t *slot);
type_id scope_read(struct check *k, node_id n, struct node *name, uint32_t slot);
void scope_assign(struct check *k, node_id name, type_id type);
void scope_params(struct check *k, node_id params, const type_id *types, size_t count);
struct block_mark {
  size_t shadows, temps, trail;
  bool dead;
};
void block_begin(struct check *k, struct block_mark *m);
void block_end(struct check *k, const struct block_mark *m);
struct branch_mark {
  size_t trail, saved;
  unsigned live;
  bool dead;
};
void branch_begin(struct check *k, struct branch_mark *m);
void branch_next(struct check *k, struct branch_mark *m); /* after each branch */
void branch_end(struct check *k, struct branch_mark *m, bool exhaustive);
size_t flow_mark(const struct check *k);
void flow_undo(struct check *k, size_t mark, enum unset_why why); /* as if not run */
void flow_hold(struct check *k, size_t mark);    /* unset, but kept aside: branches side by side */
void flow_release(struct check *k, size_t held); /* sets all that was kept aside */
void flow_exit(struct check *k, size_t step_mark); /* skip! */
/* Around a branch that goes on beside others. Between them no variable may be shared with the others
 * when one of them sets it, and finish ends the branch. from: scope.tick where the first began. */
void beside_begin(struct check *k, struct beside *b, uint32_t from, bool items);
void beside_end(struct check *k, struct beside *b, size_t mark);
void flow_finish(struct check *k); /* finish */
void flow_step_end(struct check *k, size_t step_mark, bool may_skip, enum unset_why why);
void flow_forget(struct check *k, enum unset_why why); /* nothing is sure to be set */
node_id find_assignment(const struct check *k, sym name);

/* check_undo.c: in a rollback, variables that are nil when the step failed. Elsewhere these do
 * nothing. */
void undo_test(struct check *k, node_id condition); /* its names are asked, not used */
/* Where the condition was true (or false), its names are not nil: by is 1 there, -1 after it. */
void undo_know(struct check *k, node_id condition, bool truth, int by);
type_id undo_read(struct check *k, node_id id, struct variable *v); /* warns; the type it has */

/* check_expr.c */
type_id check_expr(struct check *k, node_id n);               /* where only reads are allowed */
type_id check_lead(struct check *k, node_id n);               /* a statement or an assigned value */
type_id check_body(struct check *k, node_id body, bool lead); /* type of its last statement */
type_id check_block(struct check *k, node_id block, const type_id *params, size_t count, bool lead);
void check_condition(struct check *k, node_id n);
void check_truth(struct check *k, node_id n, type_id type); /* warns of what is always true */
void check_pattern(struct check *k, const struct node *c, type_id subject, node_id pattern);
/* Does `case` name every value its subject can have? */
bool case_covers(struct check *k, const struct node *c, type_id subject);
/* At the limit of errors what is said is only counted: no need to look for what was meant. */
bool enough(const struct check *k);
bool may_assign(struct check *k, node_id target);    /* reports when not */
void check_idle(struct check *k, node_id statement); /* warns when it does nothing */
/* check_name.c */
type_id check_name(struct check *k, node_id id, struct node *n, bool lead);
type_id check_const(struct check *k, node_id id, struct node *n, bool lead);
void report_unknown_name(struct check *k, node_id id, sym name, bool receiver);
/* input.x, setting.x, call.x: false when the receiver is none of these, or x a method of records.
 */
bool check_special_field(struct check *k, struct node *call, type_id *out);
/* check_op.c */
type_id check_binary(struct check *k, node_id id, struct node *n, bool lead);
type_id check_unary(struct check *k, node_id id, struct node *n, bool lead);
type_id op_result(struct check *k, node_id at, enum op op, type_id left, type_id right);
void check_never_equal(struct check *k, node_id at, node_id l, type_id left, node_id r,
                       type_id right);
/* check_method.c */
type_id check_method(struct check *k, node_id id, struct node *call, type_id receiver, bool lead);
/* Calls fn for every expression that may be the value of n: through bodies and branches. */
void each_tail(struct check *k, node_id n, void (*fn)(struct check *k, node_id tail));
/* check_call.c: arguments against parameters, for actions and primitives */
struct param {
  sym name;
  type_id type;
  bool required;
  const struct field *field; /* or NULL */
  const char *words;         /* what people call its type, or NULL: its own name */
  void (*look)(struct check *k, node_id value); /* what else holds of it, or NULL */
};
struct params {
  struct param *at;
  size_t count;
  const char *group, *name; /* whose: sms.send */
};
type_id check_action(struct check *k, node_id id, struct node *call, uint32_t binding, bool lead);
type_id check_primitive(struct check *k, node_id id, struct node *call);
bool primitive_group(const struct check *k, sym name);
/* Checks a written value against what a field declares: type, one_of, min, max. `of` (or NULL) says
 * whose parameter it is. */
void check_field_value(struct check *k, node_id value, type_id have, const struct field *f,
                       const struct params *of);

/* check_sql.c: one text, and an array of [text, values] */
void check_sql_text(struct check *k, node_id n);
void check_sql_statements(struct check *k, node_id n);

/* check_stmt.c: words without a receiver */
struct clause_args {
  const struct clause *clause;
  node_id pos[CLAUSE_ARGS];
  type_id types[CLAUSE_ARGS];
  size_t count; /* positional */
  node_id keys[CLAUSE_KEYS];
  type_id key_types[CLAUSE_KEYS];
  node_id block;
  bool ok; /* false: something was reported */
};
node_id arg_key(const struct clause_args *a, sym key);
sym arg_name(const struct check *k, const struct clause_args *a, sym key);
/* Checks a call (or bare name) against its clause and walks its values. */
void check_clause(struct check *k, node_id id, const struct clause *c, struct clause_args *out);
type_id check_statement(struct check *k, node_id id, struct node *call, bool lead);
/* A word that is no clause here: says where it belongs, or what was meant. */
void report_word(struct check *k, node_id id, sym word);

/* decl.c: fields and type expressions */
bool decl_type(struct check *k, node_id n, type_id *out);
void decl_field(struct check *k, node_id id, const struct clause_args *a, sym name, type_id type,
                struct field *out);
type_id decl_record(struct check *k, const struct field *f, size_t count);
/* check_least.c */
void check_leasts(struct check *k, const struct clause_args *a); /* limits that can never be kept */
bool is_constant(const struct check *k, node_id n);
type_id constant_type(struct check *k, node_id n); /* checks it too */

/* decl_admit.c, decl_binding.c, decl_driver.c, decl_site.c */
typedef void clause_fn(struct check *k, node_id id, const struct clause_args *a, void *ud);
/* Calls fn for each clause in a block, checked; reports what is none. */
void each_clause(struct check *k, node_id block, enum context context, clause_fn *fn, void *ud);
bool is_word_call(const struct check *k, node_id id,
                  sym word); /* a call or name without receiver */
/* Adds a setting to those of a binding or driver; reports one that is there. */
void decl_setting(struct check *k, const struct clause_args *a, struct field *settings,
                  size_t *count);
void decl_admit(struct check *k, const struct clause_args *a, struct binding *b);
void decl_binding(struct check *k, node_id call);
/* decl_fanout.c: `each:` and what goes with it; the parameters and results are known. */
void decl_fanout(struct check *k, const struct clause_args *a, struct action *out);
/* The same, of `first:`; all actions of the binding are known. */
void decl_first(struct check *k, struct binding *b, struct action *a);
void decl_driver(struct check *k, node_id call);
void decl_site(struct check *k, node_id call);
bool binding_seen(const struct check *k, const struct binding *b); /* from the present file */
int binding_find(const struct check *k, sym name); /* -1: none that is seen */
enum repeat repeat_of(sym word, enum effect effect); /* of `repeat: :word`, or 0 when it is left out */
int action_find(const struct check *k, const struct binding *b, sym name);

/* plan.c, plan_step.c */
void plan_build(struct check *k, node_id call);
void plan_inputs(struct check *k, node_id body);
struct item *build_item(struct check *k, node_id id);
enum policy plan_policy(sym word);
/* Checks the inputs given to a child run. */
void plan_child(struct check *k, const struct clause_args *a, node_id call);
struct step *plan_step(struct check *k, node_id call, const struct clause_args *args);

/* program.c */
struct child { /* a runbook that this one runs */
  sym name;
  bool loaded, recurses;
  bool open; /* what it runs is being looked at */
  struct field *inputs;
  size_t input_count;
  type_id input_type;
};
/* The declared inputs of the runbook `run "name"` means. NULL when it cannot be loaded (reported)
 * or the host has none to offer. */
const struct child *child_find(struct check *k, node_id name);

#endif
