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
  type_id type;          /* as declared: without the one_of, without "or nil" */
  type_id value_type;    /* with both: what reading it gives */
  const char *about;     /* or NULL */
  uint32_t file;         /* where default_value, min ... live */
  node_id default_value; /* 0 = required (inputs, parameters, settings) */
  node_id min, max;      /* literals or 0; for strings and arrays they bound the size */
  node_id one_of;        /* array literal or 0 */
  node_id match;         /* regexp literal or 0 */
  const char *form;      /* what it takes, in words, or NULL */
  bool secret;   /* `secret: true`, or of type secret */
  bool optional; /* `optional: true`, or default nil: may be nil */
  struct span at;
};

/* A piece of code with its own frame: the runbook, a perform, a probe, a trigger. Blocks share the
 * frame of the unit they stand in: there is no recursion, so a slot each is enough. */
struct unit {
  uint32_t file;
  node_id body;
  uint32_t slot_count;
  sym *slot_names; /* slot_count; 0 for slots of block parameters and of variables that live in a
                    * block only: blocks that are not nested share those */
  uint32_t param_count; /* the first slots, in order (perform |a, b|) */
};

enum effect { EFFECT_READ, EFFECT_WRITE };
enum repeat { REPEAT_UNSAFE, REPEAT_SAFE, REPEAT_BY_KEY };

/* Asked before a write reaches somebody: code of one parameter, which only reads. It answers nil, a
 * text (refused, and why), or :wait (not now). */
struct admit {
  sym param;
  struct unit unit;
  struct span at;
};
struct admit_use {
  const struct admit *admit;
  size_t index; /* of the parameter in the action's takes */
};

struct action {
  struct binding *binding;
  sym name;
  const char *about;
  enum effect effect;
  enum repeat repeat;
  node_id lease; /* how long what it creates lasts unless it is renewed; 0: until it is undone */
  uint32_t file; /* where that, or `every`, stands */
  node_id ends_at;      /* the name in `ends:`, or 0 */
  struct action *ends; /* the action whose leases it ends, or NULL */
  node_id each_at, by_at, rate_at, at_once_at, first_at; /* as written, or 0 */
  const struct field *each; /* the list whose items are performed one by one, or NULL */
  const struct field *rate; /* the parameter that says how many a second, or NULL */
  sym by;                   /* the field by which items that are hashes are told apart, or 0 */
  uint32_t at_once;         /* of each: how many are under way at the same time */
  struct action *first;     /* of each: what is done before it begins or goes on, or NULL */
  node_id every;            /* and again so often while it is under way; 0: not again */
  struct field *takes;
  size_t take_count;
  struct field *gives; /* fields of the result record */
  size_t give_count;
  struct field *plain; /* `gives :boolean`: the whole result, name 0; else NULL */
  type_id result;      /* record of gives, the type of plain, or T_nil */
  struct admit_use *admits; /* those of its binding that concern it */
  size_t admit_count;
  struct span at;
};

struct binding {
  sym name;
  const char *about;
  struct action *actions;
  size_t action_count;
  struct field *settings; /* every driver has them, before its own */
  size_t setting_count;
  struct driver *drivers; /* chained; those seen in loaded files */
  struct span at;
};

struct perform {
  struct action *action;
  enum repeat repeat; /* of a write: whether this driver's may be done again; the action's unless said */
  uint8_t shared; /* a bit for each code that is another driver's: perform, probe, renew */
  struct unit unit;
  bool has_probe;
  struct unit probe;
  bool has_renew; /* of an action with a lease */
  struct unit renew;
};

struct driver {
  sym name;
  struct binding *binding;
  const char *about;
  struct field *settings;
  size_t setting_count;
  size_t shared_settings; /* the first ones: those of the driver that same_as: names */
  struct perform *performs; /* one for each action of the binding, same order */
  bool is_default;          /* `driver :x, for: :y, default: true`: the embedded default */
  bool practice;            /* `practice: true`, or :simulated: what it does reaches nobody */
  struct driver *next;
  struct span at;
};

/* What a primitive is to the checker: data only; runtime/primitive.h adds the function. types are
 * texts as type_parse reads them; a parameter whose type ends in "?" may be left out. "text" is a
 * string or symbol that may be secret. */
struct primitive_param {
  const char *name, *type, *about;
};
struct primitive_sig {
  const char *group; /* "sheet" */
  const char *name;  /* "stage": called as sheet.stage(path: ...) from drivers only */
  const struct primitive_param *params; /* ends with name NULL; by keyword, or in order */
  const char *result; /* type text */
  enum effect effect;
  const char *about;
};

/* What surrounds a program. Every member may be NULL.
 *
 * load_module gives the text for `use "name"` written in file `from`; the source is owned by the
 * caller. err carries what to tell, and its help did-you-mean or where modules are looked for.
 * load_runbook does the same for `run "name"` and `start "name"`. */
struct program_host {
  void *ud;
  enum status (*load_module)(void *ud, const char *from, const char *name, struct source *out,
                             struct error *err);
  enum status (*load_runbook)(void *ud, const char *from, const char *name, struct source *out,
                              struct error *err);
  /* Is this a pattern that can be compiled? flags: RE_*. err says what is wrong with it. */
  enum status (*check_regexp)(void *ud, const char *s, size_t len, unsigned flags, struct error *err);
  const struct primitive_sig *const *primitives; /* NULL-terminated, or NULL */
};

/* Of a site file. Settings stay tree nodes of the site's file (unit.file). */
struct role_decl {
  sym name;
  node_id members, page, is_signed, keys, typed, break_glass, ack_within; /* expressions or 0 */
  struct span at;
};
struct connect_decl {
  sym binding;
  const char *driver;
  node_id settings; /* the call's arguments: the pairs other than driver: are its settings */
  struct span at;
};
struct site_decl {
  const char *name;
  struct unit unit;
  node_id timezone, journal; /* expressions or 0 */
  node_id secrets;           /* the call or 0 */
  node_id checkpoint;        /* the call or 0 */
  struct role_decl *roles;
  size_t role_count;
  bool roles_refused; /* one had a mistake: not all of them are here */
  struct connect_decl *connects;
  size_t connect_count;
  node_id *severities; /* calls of `severity` in the escalation block */
  size_t severity_count;
};

struct program {
  struct arena arena;
  struct symtab *syms;
  struct types *types;
  struct diags diags;
  struct source **sources; /* owned, one for each file; sources[0] is the main file */
  struct tree **trees;
  size_t file_count, file_cap;
  uint32_t hidden_from; /* files from this one on are there for `page` alone: the others do not see
                           their bindings */
  struct binding **bindings; /* in the arena; REF_BINDING names hold an index into it */
  size_t binding_count;
  struct plan *plan; /* NULL when the main file holds no runbook */
  struct site_decl *site; /* NULL when it holds no site */
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

/* One expression, or several statements (assignments among them) whose last is the value, for eval
 * and the REPL: parsed, resolved and checked against no runbook. unit is filled when the result has
 * no errors; the program is returned in any case. Takes ownership of text's content. True when it may
 * be evaluated. *incomplete (may be NULL): the text stops in the middle of a construct. */
bool program_load_expression(struct program **out, struct source *text,
                             const struct program_host *host, struct unit *unit, bool *incomplete);

#endif
