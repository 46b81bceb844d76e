/* A checked program: one runbook (or module, or site), the modules it uses, their bindings and
 * drivers, and the plan. This is what lang hands to everyone else.
 *
 * Everything here lives in program.arena until program_free. Texts are borrowed by all readers. */
#ifndef STEPWISE_PROGRAM_H
#define STEPWISE_PROGRAM_H

#include "ast.h"
#include "types.h"

/* A declared value: input, action parameter, result, driver setting. */
struct field {
  sym name;
  type_id type;
  const char *about;     /* or NULL */
  uint32_t file;         /* where default_value, min ... live */
  node_id default_value; /* 0 = required (inputs, parameters, settings) */
  node_id min, max;      /* literals or 0; for strings and arrays they bound the size */
  node_id one_of;        /* array literal or 0 */
  node_id match;         /* regexp literal or 0 */
  bool secret, optional;
  struct span at;
};

/* A piece of code with its own frame: the runbook, a perform, a probe, a trigger. Blocks share the
 * frame of the unit they stand in: there is no recursion, so a slot each is enough. */
struct unit {
  uint32_t file;
  node_id body;
  uint32_t slot_count;
  sym *slot_names; /* slot_count */
  uint32_t param_count; /* the first slots, in order (perform |a, b|) */
};

enum effect { EFFECT_READ, EFFECT_WRITE };
enum repeat { REPEAT_UNSAFE, REPEAT_SAFE, REPEAT_BY_KEY };

struct action {
  struct binding *binding;
  sym name;
  const char *about;
  enum effect effect;
  enum repeat repeat;
  struct field *takes;
  size_t take_count;
  struct field *gives; /* fields of the result record */
  size_t give_count;
  type_id result;      /* record of gives, or the plain type of `gives :boolean` */
  struct span at;
};

struct binding {
  sym name;
  const char *about;
  struct action *actions;
  size_t action_count;
  struct driver *drivers; /* chained; those seen in loaded files */
  struct span at;
};

struct perform {
  struct action *action;
  struct unit unit;
  bool has_probe;
  struct unit probe;
};

struct driver {
  sym name;
  struct binding *binding;
  const char *about;
  struct field *settings;
  size_t setting_count;
  struct perform *performs; /* one for each action of the binding, same order */
  bool is_default;          /* `driver :x, for: :y, default: true`: the embedded default */
  struct driver *next;
  struct span at;
};

/* What a primitive is to the checker: data only; runtime/primitive.h adds the function. types are
 * texts of type.def, with "?" after it when the parameter may be left out. */
struct primitive_param {
  const char *name, *type, *about;
};
struct primitive_sig {
  const char *group; /* "sheet" */
  const char *name;  /* "stage": called as sheet.stage(path: ...) from drivers only */
  const struct primitive_param *params; /* ends with name NULL; passed by keyword */
  const char *result; /* type text */
  enum effect effect;
  const char *about;
};

/* Gives text for `use "name"` written in file `from`. The text is owned by the callee's result. */
struct program_host {
  void *ud;
  enum status (*load_module)(void *ud, const char *from, const char *name, struct source *out,
                             struct error *err);
  const struct primitive_sig *const *primitives; /* NULL-terminated, or NULL */
};

struct program {
  struct arena arena;
  struct symtab *syms;
  struct types *types;
  struct diags diags;
  struct source **sources; /* owned, one for each file; sources[0] is the main file */
  struct tree **trees;
  size_t file_count, file_cap;
  struct binding **bindings; /* in the arena; REF_BINDING names hold an index into it */
  size_t binding_count;
  struct plan *plan; /* NULL when the main file holds no runbook */
  const struct program_host *host;
};

/* Reads, parses, resolves and checks. Takes ownership of main's content. Diagnostics are in
 * (*out)->diags; the program is returned even with errors (for lint), and may be run only when
 * diags.errors == 0. */
void program_load(struct program **out, struct source *main, const struct program_host *host);
void program_free(struct program *p);

/* The action or primitive that a resolved call node calls; NULL when it is neither. */
const struct action *program_action(const struct program *p, const struct tree *t,
                                    const struct node *call);
const struct primitive_sig *program_primitive(const struct program *p, const struct tree *t,
                                              const struct node *call);

/* One expression, for eval and the REPL: resolves and checks it against no runbook. */
bool program_load_expression(struct program **out, struct source *text,
                             const struct program_host *host, struct unit *unit);

#endif
