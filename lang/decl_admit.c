/* What a binding says of itself: settings that all its drivers have, and whom its writes may reach. */
#include "check.h"

void decl_setting(struct check *k, const struct clause_args *a, struct field *settings,
                  size_t *count) {
  if (!a->ok) return;
  sym name = node_at(k, a->pos[0])->a;
  if (*count >= FIELDS_MAX) {
    diag_add(k->diags, D_too_many, span_of(k, a->pos[0]), "a driver has at most %d settings",
             FIELDS_MAX);
    return;
  }
  for (size_t i = 0; i < *count; i++)
    if (settings[i].name == name) {
      struct diag *d = diag_add(k->diags, D_repeated_name, span_of(k, a->pos[0]),
                                "the setting `%s` is declared twice", name_text(k, name));
      diag_note(d, settings[i].at, "it is declared here first");
      return;
    }
  decl_field(k, a->pos[0], a, name, a->types[1], &settings[(*count)++]);
}

/* --- whom it concerns --- */

static bool named(const struct check *k, node_id names, sym name) {
  const struct node *n = names ? node_at(k, names) : NULL;
  if (!n) return false;
  if (n->kind == N_sym) return n->a == name;
  for (node_id i = n->a; n->kind == N_array && i; i = node_at(k, i)->next)
    if (node_at(k, i)->kind == N_sym && node_at(k, i)->a == name) return true;
  return false;
}

static int takes_index(const struct action *a, sym param) {
  for (size_t i = 0; i < a->take_count; i++)
    if (a->takes[i].name == param) return (int)i;
  return -1;
}

static void report_except(struct check *k, node_id n, const struct binding *b) {
  struct names names = {0};
  sym name = node_at(k, n)->a;
  if (action_find(k, b, name) >= 0) return;
  for (size_t i = 0; i < b->action_count; i++)
    names_add(&names, name_text(k, b->actions[i].name));
  struct diag *d =
      diag_add(k->diags, D_unknown_action, span_of(k, n), "the binding `%s` has no action `%s`",
               name_text(k, b->name), name_text(k, name));
  names_help(k, d, name_text(k, name), &names, "it has");
}

static void check_except(struct check *k, node_id except, const struct binding *b) {
  const struct node *n = except ? node_at(k, except) : NULL;
  if (n && n->kind == N_sym) report_except(k, except, b);
  for (node_id i = n && n->kind == N_array ? n->a : 0; i; i = node_at(k, i)->next)
    if (node_at(k, i)->kind == N_sym) report_except(k, i, b);
}

static void report_nobody(struct check *k, node_id at, const struct binding *b, sym param) {
  struct names names = {0};
  for (size_t i = 0; i < b->action_count; i++)
    if (b->actions[i].effect == EFFECT_WRITE)
      names_add_fields(k, &names, b->actions[i].takes, b->actions[i].take_count);
  struct diag *d = diag_add(k->diags, D_admit, span_of(k, at),
                            "no write of the binding `%s` takes `%s:`", name_text(k, b->name),
                            name_text(k, param));
  names_help(k, d, name_text(k, param), &names, "they take");
}

/* Every write that takes the parameter, but for those in except:. */
static void link_admit(struct check *k, const struct clause_args *a, struct binding *b,
                       const struct admit *admit) {
  node_id except = arg_key(a, W_except);
  bool found = false;
  for (size_t i = 0; i < b->action_count; i++) {
    struct action *action = &b->actions[i];
    int index = takes_index(action, admit->param);
    if (action->effect != EFFECT_WRITE || index < 0 || named(k, except, action->name)) continue;
    found = true;
    action->admits = arena_push(k, action->admits, action->admit_count, sizeof *action->admits);
    action->admits[action->admit_count++] = (struct admit_use){admit, (size_t)index};
  }
  if (!found) report_nobody(k, a->pos[0], b, admit->param);
  check_except(k, except, b);
}

/* --- its code --- */

static bool is_no_text(const struct node *e) {
  return e->kind == N_true || e->kind == N_false || e->kind == N_int || e->kind == N_array || e->kind == N_hash ||
         e->kind == N_sym;
}

/* {wait: "why"} */
static bool waits_for(struct check *k, const struct node *hash) {
  const struct node *pair = hash->a ? node_at(k, hash->a) : NULL;
  return pair && pair->kind == N_pair && !pair->next && node_literal_name(k, pair->a) == W_wait &&
         !is_no_text(node_at(k, pair->b)) && node_at(k, pair->b)->kind != N_nil;
}

/* nil lets it through, a text refuses, :wait asks again later. */
static void answer_tail(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  bool waits = e->kind == N_hash ? waits_for(k, e) : e->kind == N_sym && e->a == W_wait;
  if (waits || !is_no_text(e)) return;
  struct diag *d = diag_add(k->diags, D_admit, span_of(k, n), "this is no answer of `admit`");
  diag_help(d, "nil: go on; a text: refused, and why; :wait or { wait: \"why\" }: not now, ask again");
}

static type_id admit_call_type(struct check *k) {
  const struct record_field fields[] = {
      {W_key, T_string}, {W_action, T_symbol}, {W_batch, type_optional(k->types, T_string)}, {W_zone, T_string},
      {W_page, T_boolean}};
  return type_record(k->types, fields, sizeof fields / sizeof *fields);
}

static void check_admit(struct check *k, const struct clause_args *a, struct admit *out) {
  struct scope scope, *outer = k->scope;
  struct place was = k->place;
  struct node *b = node_at(k, a->block);
  const type_id types[] = {T_any};
  scope_begin(k, &scope);
  k->driver = k->reads_only = true;
  k->call_type = admit_call_type(k);
  k->place = (struct place){IN_PERFORM, EFFECTS_NONE, "an admit"};
  scope_params(k, b->a, types, 1);
  if (b->b) check_body(k, b->b, true);
  if (b->b) each_tail(k, b->b, answer_tail);
  out->unit = (struct unit){.file = k->file, .body = b->b, .param_count = list_count(k, b->a)};
  scope_end(k, &scope, &out->unit);
  k->scope = outer;
  k->place = was;
  k->driver = k->reads_only = false;
  k->call_type = 0;
}

void decl_admit(struct check *k, const struct clause_args *a, struct binding *b) {
  if (!a->ok || !a->pos[0] || !a->block) return;
  struct admit *admit = arena_new(k->arena, struct admit);
  *admit = (struct admit){.param = node_at(k, a->pos[0])->a, .at = span_of(k, a->pos[0])};
  link_admit(k, a, b, admit);
  k->setting_type = decl_record(k, b->settings, b->setting_count);
  check_admit(k, a, admit);
  k->setting_type = 0;
}
