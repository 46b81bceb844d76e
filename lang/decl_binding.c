/* Bindings: what each action takes, gives and does to the world. */
#include "check.h"

bool is_word_call(const struct check *k, node_id id, sym word) {
  const struct node *n = node_at(k, id);
  return (n->kind == N_call && !n->a && n->b == word) || (n->kind == N_name && n->a == word);
}

static sym word_of(const struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  if (n->kind == N_name) return n->a;
  return n->kind == N_call && !n->a ? n->b : 0;
}

void each_clause(struct check *k, node_id block, enum context context, clause_fn *fn, void *ud) {
  struct place was = k->place;
  k->place.context = context;
  node_id body = block ? node_at(k, block)->b : 0;
  for (node_id s = body ? node_at(k, body)->a : 0; s; s = node_at(k, s)->next) {
    sym word = word_of(k, s);
    const struct clause *c = clause_find(word, context);
    struct clause_args args;
    if (c) {
      check_clause(k, s, c, &args);
      fn(k, s, &args, ud);
    } else if (word) {
      report_word(k, s, word);
    } else {
      diag_add(k->diags, D_wrong_place, span_of(k, s), "only clauses stand in %s",
               context_words(context));
    }
  }
  k->place = was;
}

bool binding_seen(const struct check *k, const struct binding *b) {
  return b->at.file < k->p->hidden_from || k->file >= k->p->hidden_from;
}

int binding_find(const struct check *k, sym name) {
  uint32_t i;
  bool found = index_get(&k->index, &k->p->bindings, name, &i);
  return found && binding_seen(k, k->p->bindings[i]) ? (int)i : -1;
}

int action_find(const struct check *k, const struct binding *b, sym name) {
  uint32_t i;
  return index_get(&k->index, b, name, &i) ? (int)i : -1;
}

static const struct field *field_find(const struct field *f, size_t count, sym name) {
  for (size_t i = 0; i < count; i++)
    if (f[i].name == name) return &f[i];
  return NULL;
}

static void report_repeated(struct check *k, node_id at, const char *what, sym name,
                            struct span first) {
  struct diag *d = diag_add(k->diags, D_repeated_name, span_of(k, at), "%s `%s` is declared twice",
                            what, name_text(k, name));
  diag_note(d, first, "it is declared here first");
}

static bool is_full(struct check *k, node_id at, size_t count, const char *what) {
  if (count < FIELDS_MAX) return false;
  diag_add(k->diags, D_too_many, span_of(k, at), "an action has at most %d %s", FIELDS_MAX, what);
  return true;
}

static void take_param(struct check *k, const struct clause_args *a, struct action *out) {
  const struct node *name = node_at(k, a->pos[0]);
  const struct field *first = field_find(out->takes, out->take_count, name->a);
  if (is_full(k, a->pos[0], out->take_count, "parameters")) return;
  if (first) report_repeated(k, a->pos[0], "the parameter", name->a, first->at);
  else decl_field(k, a->pos[0], a, name->a, a->types[1], &out->takes[out->take_count++]);
}

static void take_result(struct check *k, node_id id, const struct clause_args *a,
                        struct action *out) {
  type_id type;
  bool named = a->count == 2;
  if (out->plain || (!named && out->give_count)) {
    struct diag *d = diag_add(k->diags, D_repeated_clause, span_of(k, id),
                              "`gives :type` is the whole result and stands alone");
    diag_help(d, "name every part of the result: gives :name, :type");
  } else if (!named) {
    if (!decl_type(k, a->pos[0], &type)) return;
    out->plain = arena_new(k->arena, struct field);
    decl_field(k, id, a, 0, type, out->plain);
  } else if (node_at(k, a->pos[0])->kind != N_sym) {
    struct diag *d =
        diag_add(k->diags, D_not_literal, span_of(k, a->pos[0]), "`gives` wants a name here");
    diag_help(d, "%s", a->clause->usage);
  } else {
    sym name = node_at(k, a->pos[0])->a;
    const struct field *first = field_find(out->gives, out->give_count, name);
    if (is_full(k, a->pos[0], out->give_count, "results")) return;
    if (first) report_repeated(k, a->pos[0], "the result", name, first->at);
    else decl_field(k, a->pos[0], a, name, a->types[1], &out->gives[out->give_count++]);
  }
}

static void action_clause(struct check *k, node_id id, const struct clause_args *a, void *ud) {
  if (!a->ok) return;
  if (a->clause->word == W_takes) take_param(k, a, ud);
  else take_result(k, id, a, ud);
}

enum repeat repeat_of(sym word, enum effect effect) {
  if (word == W_safe) return REPEAT_SAFE;
  if (word == W_by_key) return REPEAT_BY_KEY;
  return !word && effect == EFFECT_READ ? REPEAT_SAFE : REPEAT_UNSAFE;
}

/* What lasts only while it is renewed is created by a write, for some time. */
static void take_lease(struct check *k, const struct clause_args *a, struct action *out) {
  node_id lease = arg_key(a, W_lease);
  const struct node *n = lease ? node_at(k, lease) : NULL;
  if (!lease) return;
  if (out->effect != EFFECT_WRITE) {
    struct diag *d = diag_add(k->diags, D_lease, span_of(k, lease), "a read creates nothing");
    diag_help(d, "a lease is for what an action with `effect: :write` creates");
    return;
  }
  bool none = n->kind == N_call && n->a && node_at(k, n->a)->kind == N_int &&
              tree_int(node_at(k, n->a)) <= 0;
  if (none) diag_add(k->diags, D_lease, span_of(k, lease), "a lease lasts longer than this");
  out->lease = lease;
  out->file = k->file;
}

/* `ends:` names an action of the same binding, wherever it stands. A success of this one then ends
 * the leases of that one whose arguments are the same where both have them. */
static void link_ends(struct check *k, struct binding *b, struct action *a) {
  sym name = node_at(k, a->ends_at)->a;
  int index = action_find(k, b, name);
  struct names names = {0};
  if (index >= 0 && b->actions[index].lease) {
    a->ends = &b->actions[index];
    return;
  }
  struct diag *d = diag_add(k->diags, D_lease, span_of(k, a->ends_at),
                            index < 0 ? "the binding `%s` has no action `%s`"
                                      : "`%s.%s` has no lease to end",
                            name_text(k, b->name), name_text(k, name));
  for (size_t i = 0; i < b->action_count; i++)
    if (b->actions[i].lease) names_add(&names, name_text(k, b->actions[i].name));
  if (names.count) names_help(k, d, name_text(k, name), &names, "with a lease there are");
  else diag_help(d, "no action of this binding has a `lease:`");
}

struct build {
  struct binding *binding;
  struct clause_args *admits; /* looked at when all actions and settings are known */
  size_t admit_count;
};

static void take_action(struct check *k, const struct clause_args *a, struct binding *b) {
  if (!a->pos[0] || node_at(k, a->pos[0])->kind != N_sym) return;
  sym name = node_at(k, a->pos[0])->a;
  int first = action_find(k, b, name);
  if (first >= 0) {
    report_repeated(k, a->pos[0], "the action", name, b->actions[first].at);
    return;
  }
  index_put(&k->index, b, name, (uint32_t)b->action_count);
  struct action *out = &b->actions[b->action_count++];
  node_id about = arg_key(a, W_about), body = a->block ? node_at(k, a->block)->b : 0;
  uint32_t lines = body ? list_count(k, node_at(k, body)->a) : 0;
  *out = (struct action){.binding = b, .name = name, .at = span_of(k, a->pos[0])};
  out->effect = arg_name(k, a, W_effect) == W_read ? EFFECT_READ : EFFECT_WRITE;
  out->repeat = repeat_of(arg_name(k, a, W_repeat), out->effect);
  out->about = about && node_at(k, about)->kind == N_str ? text_dup(k, about) : NULL;
  out->takes = arena_alloc(k->arena, lines * sizeof *out->takes + 1);
  out->gives = arena_alloc(k->arena, lines * sizeof *out->gives + 1);
  out->ends_at = arg_key(a, W_ends);
  take_lease(k, a, out);
  each_clause(k, a->block, IN_ACTION, action_clause, out);
  decl_fanout(k, a, out);
  out->result = out->plain        ? out->plain->value_type
                : out->give_count ? decl_record(k, out->gives, out->give_count)
                                  : T_nil;
}

static void binding_clause(struct check *k, node_id id, const struct clause_args *a, void *ud) {
  struct build *build = ud;
  struct binding *b = build->binding;
  (void)id;
  if (a->clause->word == W_setting) decl_setting(k, a, b->settings, &b->setting_count);
  else if (a->clause->word == W_admit) build->admits[build->admit_count++] = *a;
  else take_action(k, a, b);
}

/* The clauses between `do` and `end`. */
static void binding_body(struct check *k, const struct clause_args *a, struct binding *b) {
  node_id body = node_at(k, a->block)->b;
  uint32_t lines = body ? list_count(k, node_at(k, body)->a) : 0;
  struct build build = {b, mem_array(lines + 1, sizeof *build.admits), 0};
  b->actions = arena_alloc(k->arena, lines * sizeof *b->actions + 1);
  b->settings = arena_alloc(k->arena, lines * sizeof *b->settings + 1);
  each_clause(k, a->block, IN_BINDING, binding_clause, &build);
  for (size_t i = 0; i < b->action_count; i++)
    if (b->actions[i].ends_at && node_at(k, b->actions[i].ends_at)->kind == N_sym)
      link_ends(k, b, &b->actions[i]);
  for (size_t i = 0; i < b->action_count; i++)
    decl_first(k, b, &b->actions[i]);
  for (size_t i = 0; i < build.admit_count; i++)
    decl_admit(k, &build.admits[i], b);
  mem_free(build.admits);
}

void decl_binding(struct check *k, node_id call) {
  struct clause_args a;
  check_clause(k, call, clause_find(W_binding, IN_FILE), &a);
  if (!a.pos[0] || node_at(k, a.pos[0])->kind != N_sym || !a.block) return;
  struct program *p = k->p;
  sym name = node_at(k, a.pos[0])->a;
  if (name == W_input || name == W_setting || name == W_call || name == W_now || name == W_today) {
    diag_add(k->diags, D_assign_refused, span_of(k, a.pos[0]),
             "`%s` is a word of the language, not a binding's name", name_text(k, name));
    return;
  }
  int first = binding_find(k, name);
  if (first >= 0) {
    report_repeated(k, a.pos[0], "the binding", name, p->bindings[first]->at);
    return;
  }
  struct binding *b = arena_new(k->arena, struct binding);
  *b = (struct binding){.name = name, .at = span_of(k, a.pos[0])};
  b->about = a.pos[1] && node_at(k, a.pos[1])->kind == N_str ? text_dup(k, a.pos[1]) : NULL;
  p->bindings = arena_push(k, p->bindings, p->binding_count, sizeof(struct binding *));
  index_put(&k->index, &p->bindings, name, (uint32_t)p->binding_count);
  p->bindings[p->binding_count++] = b;
  binding_body(k, &a, b);
}
