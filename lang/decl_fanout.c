/* Actions for each item of a list: which parameter is the list, how fast it goes, what comes back.
 *
 * The engine carries such an action out item by item and makes its result, so the fields of the
 * result are not the driver's to choose. */
#include "check.h"
#include "limits.h"

enum { AT_ONCE = 16 }; /* without at_once: */

/* What the engine makes: any of these, none else. */
static const struct gives {
  sym name;
  type_id type;
} gives[] = {{W_id, T_string},
             {W_total, T_integer},
             {W_sent, T_integer},
             {W_refused, T_array},
             {W_unsure, T_array}};
enum { GIVES = sizeof gives / sizeof *gives };

static const struct field *param_named(struct check *k, node_id at, const struct action *a) {
  sym name = node_at(k, at)->kind == N_sym ? node_at(k, at)->a : 0;
  struct names names = {0};
  for (size_t i = 0; i < a->take_count; i++)
    if (a->takes[i].name == name) return &a->takes[i];
  if (!name) return NULL; /* told already */
  names_add_fields(k, &names, a->takes, a->take_count);
  struct diag *d = diag_add(k->diags, D_fanout, span_of(k, at), "the action takes no `%s`",
                            name_text(k, name));
  names_help(k, d, name_text(k, name), &names, "it takes");
  return NULL;
}

static void take_list(struct check *k, struct action *out) {
  const struct field *f = param_named(k, out->each_at, out);
  if (!f) return;
  if (type_base(k->types, f->type) == T_array && !f->optional && !f->secret) {
    out->each = f;
    return;
  }
  struct diag *d =
      diag_add(k->diags, D_fanout, span_of(k, out->each_at), "`each:` wants a list, and `%s` is %s%s",
               name_text(k, f->name), f->secret ? "a secret" : type_words(k, f->type),
               f->optional ? " that may be nil" : "");
  diag_note(d, f->at, "it is declared here");
  diag_help(d, "takes :%s, :array", name_text(k, f->name));
}

static void take_rate(struct check *k, struct action *out) {
  const struct field *f = param_named(k, out->rate_at, out);
  if (!f) return;
  if (f->type == T_integer && !f->secret) {
    out->rate = f;
    return;
  }
  struct diag *d =
      diag_add(k->diags, D_fanout, span_of(k, out->rate_at),
               "`rate:` is how many items a second, and `%s` is %s", name_text(k, f->name),
               f->secret ? "a secret" : type_words(k, f->type));
  diag_note(d, f->at, "it is declared here");
}

static void take_at_once(struct check *k, struct action *out) {
  const struct node *n = node_at(k, out->at_once_at);
  out->at_once = AT_ONCE;
  if (!out->at_once_at) return;
  int64_t given = n->kind == N_int ? tree_int(n) : 0;
  if (given >= 1 && given <= LIMIT_AT_ONCE) out->at_once = (uint32_t)given;
  else
    diag_add(k->diags, D_fanout, span_of(k, out->at_once_at), "`at_once:` is a number from 1 to %d",
             LIMIT_AT_ONCE);
}

static void report_gives(struct check *k, const struct field *f, const struct gives *known) {
  struct names names = {0};
  if (known) {
    diag_add(k->diags, D_fanout, f->at, "`%s` of an action with `each:` is %s, not %s",
             name_text(k, f->name), type_words(k, known->type), type_words(k, f->type));
    return;
  }
  for (size_t i = 0; i < GIVES; i++)
    names_add(&names, name_text(k, gives[i].name));
  struct diag *d = diag_add(k->diags, D_fanout, f->at, "an action with `each:` gives no `%s`",
                            name_text(k, f->name));
  names_help(k, d, name_text(k, f->name), &names, "the engine gives");
}

static void check_gives(struct check *k, const struct action *a) {
  for (size_t i = 0; i < a->give_count; i++) {
    const struct field *f = &a->gives[i];
    const struct gives *known = NULL;
    for (size_t j = 0; j < GIVES && !known; j++)
      if (gives[j].name == f->name) known = &gives[j];
    if (!known || !type_fits(k->types, known->type, f->value_type)) report_gives(k, f, known);
  }
  if (!a->plain) return;
  struct diag *d = diag_add(k->diags, D_fanout, a->plain->at,
                            "an action with `each:` gives fields by their names");
  diag_help(d, "gives :sent, :integer");
}

/* What is of no use without the list, or together with it. */
static void check_beside(struct check *k, const struct action *a) {
  const node_id alone[] = {a->by_at, a->rate_at, a->at_once_at, a->first_at};
  static const char *const words[] = {"by", "rate", "at_once", "first"};
  for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
    if (alone[i] && !a->each_at)
      diag_help(diag_add(k->diags, D_fanout, span_of(k, alone[i]), "`%s:` needs `each:`", words[i]),
                "each: :to, with `takes :to, :array`, performs the items of the list one by one");
  if (!a->each_at) return;
  if (a->effect != EFFECT_WRITE)
    diag_add(k->diags, D_fanout, span_of(k, a->each_at), "`each:` is for an action that writes");
  if (a->lease)
    diag_add(k->diags, D_fanout, span_of(k, a->lease), "an action with `each:` has no lease");
}

/* What is done first may be done again and again. */
static void take_every(struct check *k, struct action *out, node_id every) {
  const struct node *n = node_at(k, every);
  bool none = n->kind == N_call && n->a && node_at(k, n->a)->kind == N_int &&
              tree_int(node_at(k, n->a)) <= 0;
  if (none) diag_add(k->diags, D_fanout, span_of(k, every), "`every:` is longer than this");
  if (!out->first_at) {
    struct diag *d = diag_add(k->diags, D_fanout, span_of(k, every), "`every:` needs `first:`");
    diag_help(d, "it says how often that action is done again while the batch is under way");
  }
  out->every = every;
  out->file = k->file;
}

void decl_fanout(struct check *k, const struct clause_args *a, struct action *out) {
  out->each_at = arg_key(a, W_each);
  out->by_at = arg_key(a, W_by);
  out->rate_at = arg_key(a, W_rate);
  out->at_once_at = arg_key(a, W_at_once);
  out->first_at = arg_key(a, W_first);
  if (arg_key(a, W_every)) take_every(k, out, arg_key(a, W_every));
  check_beside(k, out);
  if (!out->each_at) return;
  out->by = arg_name(k, a, W_by);
  if (out->rate_at) take_rate(k, out);
  take_at_once(k, out);
  check_gives(k, out);
  take_list(k, out);
}

/* It is done as often as the batch begins or goes on, with nothing said to it. */
static const char *unfit_first(const struct action *f) {
  if (f->effect != EFFECT_WRITE || f->repeat != REPEAT_SAFE) return "is not `repeat: :safe`";
  if (f->each_at) return "is performed item by item itself";
  for (size_t i = 0; i < f->take_count; i++)
    if (!f->takes[i].default_value && !f->takes[i].optional) return "takes what nobody gives it then";
  return NULL;
}

void decl_first(struct check *k, struct binding *b, struct action *a) {
  if (!a->each_at || !a->first_at || node_at(k, a->first_at)->kind != N_sym) return;
  sym name = node_at(k, a->first_at)->a;
  struct action *found = NULL;
  struct names names = {0};
  for (size_t i = 0; i < b->action_count; i++) {
    if (b->actions[i].name == name) found = &b->actions[i];
    if (!unfit_first(&b->actions[i])) names_add(&names, name_text(k, b->actions[i].name));
  }
  const char *why = found ? unfit_first(found) : "is no action of it";
  if (!why) a->first = found;
  struct diag *d = !why ? NULL
                        : diag_add(k->diags, D_fanout, span_of(k, a->first_at),
                                   "`first:` names an action of `%s`, and `%s` %s", name_text(k, b->name),
                                   name_text(k, name), why);
  if (d && names.count) names_help(k, d, name_text(k, name), &names, "there are");
  else if (d) diag_help(d, "it writes, may be repeated (repeat: :safe), and needs no arguments");
  if (!d || !names.count) mem_free(names.at);
}
