/* Calls with declared parameters: actions of bindings, and the primitives that drivers are made of.
 */
#include "check.h"

/* "`sms.send`" and "`to:` of `sms.send`", made only when there is something to say. */
static const char *callee(struct check *k, const struct params *of) {
  return arena_printf(k->arena, "`%s.%s`", of->group, of->name);
}

/* "it takes to: phone, body: string" */
static const char *signature(struct check *k, const struct params *params) {
  struct buf b = BUF_INIT, t = BUF_INIT;
  if (!params->count) buf_adds(&b, "it takes nothing");
  for (size_t i = 0; i < params->count; i++)
    buf_addf(&b, "%s%s: %s%s", i ? ", " : "it takes ", name_text(k, params->at[i].name),
             params->at[i].words ? params->at[i].words
                                 : type_text(k->types, k->syms, params->at[i].type, &t),
             params->at[i].required ? "" : " (may be left out)");
  char *out = arena_dup(k->arena, b.data, b.len);
  buf_release(&b);
  buf_release(&t);
  return out;
}

static const struct param *param_find(const struct params *params, sym name, size_t *index) {
  for (size_t i = 0; i < params->count; i++)
    if (params->at[i].name == name) return *index = i, &params->at[i];
  return NULL;
}

/* A misspelt keyword counts as given: it is not missing too. */
static void report_keyword(struct check *k, node_id key, const struct params *params, bool *given) {
  const char *name = keyword_text(k, node_at(k, key)->a);
  struct names names = {0};
  for (size_t i = 0; i < params->count; i++)
    names_add(&names, keyword_text(k, params->at[i].name));
  struct diag *d = diag_add(k->diags, D_unknown_keyword, span_of(k, key), "%s takes no `%s`",
                            callee(k, params), name);
  int meant = names_help(k, d, name, &names, "it takes");
  if (meant >= 0 && meant < FIELDS_MAX) given[meant] = true;
}

static void check_value(struct check *k, node_id value, const struct param *p,
                        const struct params *of) {
  type_id have = check_expr(k, value);
  if (p->field) {
    check_field_value(k, value, have, p->field, of);
  } else if (!type_fits(k->types, have, p->type)) {
    diag_add(k->diags, D_wrong_type, span_of(k, value), "`%s:` of %s is %s%s, not %s",
             name_text(k, p->name), callee(k, of), p->words ? "a " : "",
             p->words ? p->words : type_words(k, p->type), type_words(k, have));
  } else if (p->look) {
    p->look(k, value);
  }
}

static void check_pair(struct check *k, node_id pair, const struct params *params, bool *given) {
  const struct node *p = node_at(k, pair);
  const struct node *key = node_at(k, p->a);
  size_t index;
  const struct param *param = key->kind == N_sym ? param_find(params, key->a, &index) : NULL;
  if (!param) {
    check_expr(k, p->b);
    if (key->kind == N_sym) report_keyword(k, p->a, params, given);
    else
      diag_add(k->diags, D_unknown_keyword, span_of(k, p->a), "%s takes `name: value`",
               callee(k, params));
    return;
  }
  check_value(k, p->b, param, params);
  if (index < FIELDS_MAX && given[index])
    diag_add(k->diags, D_repeated_keyword, span_of(k, p->a), "`%s:` is given twice",
             name_text(k, param->name));
  if (index < FIELDS_MAX) given[index] = true;
}

static void report_missing(struct check *k, const struct node *call, const struct params *params,
                           const bool *given) {
  struct buf missing = BUF_INIT;
  unsigned n = 0;
  for (size_t i = 0; i < params->count && i < FIELDS_MAX; i++)
    if (params->at[i].required && !given[i])
      buf_addf(&missing, "%s`%s:`", n++ ? ", " : "", name_text(k, params->at[i].name));
  if (n) {
    struct diag *d = diag_add(k->diags, D_missing_keyword, span_call_name(k, call), "%s needs %s",
                              callee(k, params), buf_str(&missing));
    diag_help(d, "%s", signature(k, params));
  }
  buf_release(&missing);
}

static void check_arguments(struct check *k, const struct node *call, const struct params *params) {
  bool given[FIELDS_MAX] = {false};
  size_t positional = 0;
  for (node_id a = call->c; a; a = node_at(k, a)->next) {
    const struct node *n = node_at(k, a);
    if (n->kind == N_block) {
      diag_add(k->diags, D_block_refused, span_of(k, a), "%s takes no block", callee(k, params));
      check_block(k, a, NULL, 0, false);
    } else if (n->kind == N_pair) {
      check_pair(k, a, params, given);
    } else if (positional < params->count && positional < FIELDS_MAX) {
      given[positional] = true;
      check_value(k, a, &params->at[positional++], params);
    } else {
      check_expr(k, a);
      if (positional++ == params->count) {
        struct diag *d = diag_add(k->diags, D_too_many, span_of(k, a), "%s takes %zu argument%s",
                                  callee(k, params), params->count, params->count == 1 ? "" : "s");
        diag_help(d, "%s", signature(k, params));
      }
    }
  }
  report_missing(k, call, params, given);
}

static void check_effect(struct check *k, node_id id, const struct node *call,
                         const struct action *a, bool lead) {
  const char *b = name_text(k, a->binding->name), *n = name_text(k, a->name);
  struct diag *d;
  if (k->place.effects == EFFECTS_NONE) {
    d = diag_add(k->diags, D_action_place, span_of(k, id),
                 "`%s.%s` is an action: %s cannot call one", b, n, k->place.what);
    diag_help(d, k->driver ? "drivers are made of primitives: http, sql, file ..."
                           : "call it in a step, assign the result, and use the variable here");
    return;
  }
  if (a->effect == EFFECT_READ) return;
  if (k->place.effects == EFFECTS_READ) {
    d = diag_add(k->diags, D_write_place, span_of(k, id), "`%s.%s` writes, and %s may only read", b,
                 n, k->place.what);
    diag_help(d, "call it in the step's body");
    return;
  }
  if (!lead) {
    d = diag_add(k->diags, D_write_place, span_of(k, id),
                 "`%s.%s` writes: it must be a statement of its own or the value of an assignment",
                 b, n);
    diag_help(d, "x = %s.%s(...), then use x", b, n);
    return;
  }
  if (!k->step_writes) k->first_write = id, k->scope->armed = flow_mark(k);
  k->step_writes = true;
  (void)call;
}

static void report_action(struct check *k, const struct node *call, const struct binding *b) {
  struct names names = {0};
  for (size_t i = 0; i < b->action_count; i++)
    names_add(&names, name_text(k, b->actions[i].name));
  struct diag *d =
      diag_add(k->diags, D_unknown_action, span_call_name(k, call),
               "the binding `%s` has no action `%s`", name_text(k, b->name), name_text(k, call->b));
  names_help(k, d, name_text(k, call->b), &names, "it has");
}

static void walk_arguments(struct check *k, const struct node *call) {
  for (node_id a = call->c; a; a = node_at(k, a)->next) {
    const struct node *n = node_at(k, a);
    if (n->kind == N_block) check_block(k, a, NULL, 0, false);
    else check_expr(k, n->kind == N_pair ? n->b : a);
  }
}

type_id check_action(struct check *k, node_id id, struct node *call, uint32_t binding, bool lead) {
  const struct binding *b = k->p->bindings[binding];
  struct node *receiver = node_at(k, call->a);
  int index = action_find(k, b, call->b);
  if (index < 0) {
    report_action(k, call, b);
    walk_arguments(k, call);
    return T_any;
  }
  const struct action *a = &b->actions[index];
  receiver->x = REF_BINDING;
  receiver->b = binding;
  receiver->c = (uint32_t)index;
  call->x = CALL_ACTION;
  check_effect(k, id, call, a, lead);
  struct param at[FIELDS_MAX];
  struct params params = {at, 0, name_text(k, b->name), name_text(k, a->name)};
  for (; params.count < a->take_count && params.count < FIELDS_MAX; params.count++) {
    const struct field *f = &a->takes[params.count];
    at[params.count] = (struct param){f->name, f->type, !f->default_value && !f->optional, f, NULL, NULL};
  }
  check_arguments(k, call, &params);
  return a->result;
}

/* --- primitives --- */

bool primitive_group(const struct check *k, sym name) {
  const struct program_host *host = k->p->host;
  if (!host || !host->primitives) return false;
  for (const struct primitive_sig *const *p = host->primitives; *p; p++)
    if (strcmp((*p)->group, name_text(k, name)) == 0) return true;
  return false;
}

static int primitive_find(struct check *k, const struct node *call, struct names *names) {
  const struct primitive_sig *const *list = k->p->host->primitives;
  const char *group = name_text(k, node_at(k, call->a)->a), *name = name_text(k, call->b);
  for (int i = 0; list[i]; i++) {
    if (strcmp(list[i]->group, group) != 0) continue;
    if (strcmp(list[i]->name, name) == 0) return i;
    names_add(names, list[i]->name);
  }
  return -1;
}

static type_id host_type(struct check *k, const char *text) {
  type_id type = T_any;
  if (text && !type_parse(k->types, k->syms, text, strlen(text), &type)) return T_any;
  return type;
}

/* Types that only parameters of primitives have. */
static const struct own_type {
  const char *name;
  uint8_t type;
  const char *words;
  void (*look)(struct check *k, node_id value);
} own_types[] = {{"text", T_secret, "text", NULL}, /* what a secret fits, any text fits too */
                 {"sql", T_string, "text", check_sql_text},
                 {"statements", T_array, NULL, check_sql_statements}};

static const struct own_type *own_type_find(const char *text, size_t len) {
  for (size_t i = 0; i < sizeof own_types / sizeof *own_types; i++)
    if (strlen(own_types[i].name) == len && strncmp(own_types[i].name, text, len) == 0)
      return &own_types[i];
  return NULL;
}

static void signature_params(struct check *k, const struct primitive_sig *sig, struct params *out) {
  for (const struct primitive_param *p = sig->params; p && p->name && out->count < FIELDS_MAX;
       p++) {
    size_t len = p->type ? strlen(p->type) : 0;
    bool optional = len && p->type[len - 1] == '?';
    const struct own_type *own = own_type_find(p->type, len - optional);
    type_id type = own ? own->type : host_type(k, p->type);
    if (own && optional) type = type_optional(k->types, type);
    out->at[out->count++] = (struct param){sym_intern(k->syms, p->name, strlen(p->name)),
                                           type,
                                           !optional,
                                           NULL,
                                           own ? own->words : NULL,
                                           own ? own->look : NULL};
  }
}

static void check_primitive_place(struct check *k, node_id id, const struct primitive_sig *sig) {
  if (!k->driver) {
    struct diag *d = diag_add(k->diags, D_primitive_place, span_of(k, id),
                              "`%s` is a primitive, for drivers only", sig->group);
    diag_help(d, "call an action of a binding: `use \"module\"` brings bindings in");
  } else if (k->reads_only && sig->effect == EFFECT_WRITE) {
    struct diag *d =
        diag_add(k->diags, D_driver_effect, span_of(k, id), "`%s.%s` writes, and %s may only read",
                 sig->group, sig->name, k->place.what);
    bool read = k->action && k->action->effect == EFFECT_READ;
    if (read) diag_help(d, "declare the action with effect: :write");
    else if (k->action) diag_help(d, "it only looks for what the perform did: use what reads");
  }
}

type_id check_primitive(struct check *k, node_id id, struct node *call) {
  struct node *receiver = node_at(k, call->a);
  struct names names = {0};
  int index = primitive_find(k, call, &names);
  if (index < 0) {
    struct diag *d = diag_add(k->diags, D_unknown_action, span_call_name(k, call),
                              "the primitive `%s` has no `%s`", name_text(k, receiver->a),
                              name_text(k, call->b));
    names_help(k, d, name_text(k, call->b), &names, "it has");
    walk_arguments(k, call);
    return T_any;
  }
  mem_free(names.at);
  const struct primitive_sig *sig = k->p->host->primitives[index];
  receiver->x = REF_PRIMITIVE;
  receiver->c = (uint32_t)index;
  call->x = CALL_PRIMITIVE;
  check_primitive_place(k, id, sig);
  struct param at[FIELDS_MAX];
  struct params params = {at, 0, sig->group, sig->name};
  signature_params(k, sig, &params);
  check_arguments(k, call, &params);
  return host_type(k, sig->result);
}
