/* Drivers: settings, and code for every action of their binding. */
#include "check.h"

struct build {
  struct driver *driver;
  bool settings; /* the first pass: settings are known before the code that reads them */
};

/* One that another driver declared, and this one declares anew: with another default, say. Those of the
 * binding are the same for all but the driver for drills, which reaches nobody. */
static struct field *setting_shared(struct driver *d, sym name) {
  for (size_t i = d->name == W_simulated ? 0 : d->binding->setting_count; i < d->shared_settings; i++)
    if (d->settings[i].name == name) return &d->settings[i];
  return NULL;
}

static void take_setting(struct check *k, const struct clause_args *a, struct driver *d) {
  struct field *shared = a->ok ? setting_shared(d, node_at(k, a->pos[0])->a) : NULL;
  if (shared && a->types[1] == shared->value_type)
    decl_field(k, a->pos[0], a, shared->name, a->types[1], shared);
  else decl_setting(k, a, d->settings, &d->setting_count);
}

/* --- what a perform gives --- */

static void check_result_pair(struct check *k, node_id pair, const struct action *a, bool *given) {
  const struct node *p = node_at(k, pair), *key = node_at(k, p->a);
  sym name = node_literal_name(k, p->a);
  for (size_t i = 0; name && i < a->give_count; i++) {
    if (a->gives[i].name != name) continue;
    given[i] = true;
    check_field_value(k, p->b, check_expr(k, p->b), &a->gives[i], NULL);
    return;
  }
  if (!name || key->kind == N_dstr) return;
  struct names names = {0};
  names_add_fields(k, &names, a->gives, a->give_count);
  struct diag *d =
      diag_add(k->diags, D_result_shape, span_of(k, p->a), "`%s.%s` gives no `%s`",
               name_text(k, a->binding->name), name_text(k, a->name), name_text(k, name));
  names_help(k, d, name_text(k, name), &names, "it gives");
}

static void check_result_hash(struct check *k, node_id hash, const struct action *a) {
  bool *given = mem_array(a->give_count + 1, sizeof *given);
  struct buf missing = BUF_INIT;
  for (node_id p = node_at(k, hash)->a; p; p = node_at(k, p)->next)
    if (node_at(k, p)->kind == N_pair) check_result_pair(k, p, a, given);
  for (size_t i = 0; i < a->give_count; i++)
    if (!given[i] && !a->gives[i].optional)
      buf_addf(&missing, "%s`%s:`", missing.len ? ", " : "", name_text(k, a->gives[i].name));
  if (missing.len) {
    struct diag *d = diag_add(k->diags, D_result_shape, span_of(k, hash), "`%s.%s` also gives %s",
                              name_text(k, a->binding->name), name_text(k, a->name), missing.data);
    diag_note(d, a->at, "the action is declared here");
  }
  buf_release(&missing);
  mem_free(given);
}

/* Walks to every expression that may be the result. */
static void check_tail(struct check *k, node_id n, const struct action *a) {
  if (!n) return;
  const struct node *e = node_at(k, n);
  node_id last = 0;
  switch (e->kind) {
  case N_body:
    for (node_id s = e->a; s; s = node_at(k, s)->next)
      last = s;
    check_tail(k, last, a);
    break;
  case N_if:
    check_tail(k, e->b, a);
    check_tail(k, e->c, a);
    break;
  case N_case:
    for (node_id w = e->b; w; w = node_at(k, w)->next)
      check_tail(k, node_at(k, w)->b, a);
    check_tail(k, e->c, a);
    break;
  case N_hash:
    if (a->give_count) check_result_hash(k, n, a);
    break;
  default:
    break;
  }
}

static void check_result(struct check *k, node_id body, type_id type, const struct action *a) {
  check_tail(k, body, a);
  if (k->scope->dead || a->result == T_nil || type_fits(k->types, type, a->result)) return;
  node_id last = body;
  for (node_id s = node_at(k, body)->a; s; s = node_at(k, s)->next)
    last = s;
  struct diag *d = diag_add(k->diags, D_result_shape, span_of(k, last), "`%s.%s` gives %s, not %s",
                            name_text(k, a->binding->name), name_text(k, a->name),
                            type_words(k, a->result), type_words(k, type));
  diag_note(d, a->at, "the action is declared here");
}

/* --- perform and probe --- */

static void check_params(struct check *k, node_id block, const struct action *a) {
  uint32_t i = 0;
  for (node_id p = node_at(k, block)->a; p; p = node_at(k, p)->next, i++) {
    sym name = node_at(k, p)->a;
    bool other = false;
    for (size_t j = 0; j < a->take_count; j++)
      other |= j != i && a->takes[j].name == name;
    if (name && i < a->take_count && (!other || a->takes[i].name == name)) continue;
    struct diag *d = diag_add(k->diags, D_block_params, span_of(k, p),
                              i < a->take_count ? "parameter %u of `%s.%s` is `%s`"
                                                : "parameter %u: `%s.%s` takes only %s",
                              i + 1, name_text(k, a->binding->name), name_text(k, a->name),
                              i < a->take_count ? name_text(k, a->takes[i].name)
                                                : arena_printf(k->arena, "%zu", a->take_count));
    diag_note(d, a->at, "the action is declared here");
    return;
  }
}

/* Which code of an action it is. A probe only reads; a renewal gives nothing. */
enum code { CODE_PERFORM, CODE_PROBE, CODE_RENEW };
static const char *const code_words[] = {"perform", "probe", "renew"};
static const char *const code_places[] = {"a driver", "a probe", "a driver"};

/* call.key and call.zone; of a write call.begun; of an action with a lease until when it is taken; of one for each item
 * of a list, of which batch the item is and which of them. */
static type_id call_type(struct check *k, const struct action *a) {
  struct record_field fields[6] = {{W_key, T_string}, {W_zone, T_string}};
  size_t n = 2;
  if (a->effect == EFFECT_WRITE) fields[n++] = (struct record_field){W_begun, T_time};
  if (a->each) fields[n++] = (struct record_field){W_batch, T_string};
  if (a->each) fields[n++] = (struct record_field){W_number, T_integer};
  if (a->lease) fields[n++] = (struct record_field){W_lease_until, T_time};
  return type_record(k->types, fields, n);
}

static void check_code(struct check *k, node_id block, struct action *a, enum code code,
                       struct unit *out) {
  struct scope scope, *outer = k->scope;
  struct place was = k->place;
  struct node *b = node_at(k, block);
  type_id types[FIELDS_MAX];
  check_params(k, block, a);
  scope_begin(k, &scope);
  k->action = a;
  k->call_type = call_type(k, a);
  k->reads_only = code == CODE_PROBE || a->effect == EFFECT_READ;
  k->place = (struct place){IN_PERFORM, EFFECTS_NONE, code_places[code]};
  if (code == CODE_PERFORM && k->reads_only) k->place.what = "the perform of a read action";
  for (size_t i = 0; i < a->take_count; i++)
    types[i] = &a->takes[i] == a->each ? type_element(k->types, a->each->type) : a->takes[i].value_type;
  scope_params(k, b->a, types, a->take_count);
  type_id type = b->b ? check_body(k, b->b, true) : T_nil;
  if (code == CODE_PERFORM && b->b && !a->each) check_result(k, b->b, type, a);
  *out = (struct unit){.file = k->file, .body = b->b, .param_count = list_count(k, b->a)};
  scope_end(k, &scope, out);
  k->scope = outer;
  k->place = was;
  k->action = NULL;
  k->call_type = 0;
  k->reads_only = false;
}

static void report_unknown(struct check *k, node_id at, const struct binding *b, sym name) {
  struct names names = {0};
  for (size_t i = 0; i < b->action_count; i++)
    names_add(&names, name_text(k, b->actions[i].name));
  struct diag *e =
      diag_add(k->diags, D_unknown_action, span_of(k, at), "the binding `%s` has no action `%s`",
               name_text(k, b->name), name_text(k, name));
  names_help(k, e, name_text(k, name), &names, "it has");
}

static void report_no_lease(struct check *k, node_id at, const struct action *a) {
  struct diag *d = diag_add(k->diags, D_lease, span_of(k, at), "`%s.%s` has no lease to renew",
                            name_text(k, a->binding->name), name_text(k, a->name));
  diag_note(d, a->at, "the action is declared here");
  diag_help(d, "write `lease: 15.minutes` there, if what it creates ends by itself");
}

/* Whether this code is the first of its kind for the action; then it is there. It takes the place of
 * another driver's. */
static bool code_begin(struct perform *p, struct action *a, enum code code) {
  bool first = code == CODE_PERFORM ? !p->action : code == CODE_PROBE ? !p->has_probe : !p->has_renew;
  first |= p->shared >> code & 1;
  p->shared &= (uint8_t)~(1u << code);
  if (code == CODE_PERFORM) p->action = a;
  if (code == CODE_PROBE) p->has_probe = true;
  if (code == CODE_RENEW) p->has_renew = true;
  return first;
}

/* A driver knows its provider: whether that one heeds a key, or never minds a second time. */
static enum repeat take_repeat(struct check *k, const struct clause_args *a, const struct action *action) {
  node_id at = arg_key(a, W_repeat);
  if (!at) return action->repeat;
  if (action->effect == EFFECT_WRITE) return repeat_of(arg_name(k, a, W_repeat), EFFECT_WRITE);
  struct diag *d = diag_add(k->diags, D_wrong_place, span_of(k, at), "`%s.%s` is a read, which may always be done again",
                            name_text(k, action->binding->name), name_text(k, action->name));
  diag_help(d, "leave `repeat:` out");
  return action->repeat;
}

static void take_code(struct check *k, const struct clause_args *a, struct driver *d) {
  sym word = a->clause->word;
  enum code code = word == W_probe ? CODE_PROBE : word == W_renew ? CODE_RENEW : CODE_PERFORM;
  if (!a->pos[0] || !a->block || node_at(k, a->pos[0])->kind != N_sym) return;
  sym name = node_at(k, a->pos[0])->a;
  int index = action_find(k, d->binding, name);
  if (index < 0) {
    report_unknown(k, a->pos[0], d->binding, name);
    return;
  }
  struct perform *p = &d->performs[index];
  struct action *action = &d->binding->actions[index];
  if (code == CODE_RENEW && !action->lease) {
    report_no_lease(k, a->pos[0], action);
    return;
  }
  if (!code_begin(p, action, code)) {
    diag_add(k->diags, D_repeated_name, span_of(k, a->pos[0]), "the %s for `%s` stands twice",
             code_words[code], name_text(k, name));
    return;
  }
  if (code == CODE_PERFORM) p->repeat = take_repeat(k, a, action);
  struct unit *const units[] = {&p->unit, &p->probe, &p->renew};
  check_code(k, a->block, action, code, units[code]);
}

static void driver_clause(struct check *k, node_id id, const struct clause_args *a, void *ud) {
  struct build *b = ud;
  (void)id;
  bool setting = a->clause->word == W_setting;
  if (setting && b->settings) take_setting(k, a, b->driver);
  else if (!setting && !b->settings) take_code(k, a, b->driver);
}

static void check_renew(struct check *k, const struct driver *d, const struct perform *p,
                        const struct action *a) {
  if (!a->lease || !p->action || p->has_renew) return;
  struct diag *e = diag_add(k->diags, D_lease, d->at, "the driver `%s` lacks a renew of `%s`",
                            name_text(k, d->name), name_text(k, a->name));
  diag_note(e, a->at, "the action has a lease, which a run renews as long as it goes on");
  diag_help(e, "add `renew :%s do ... end`; it extends what the action created to call.lease_until",
            name_text(k, a->name));
}

static void check_complete(struct check *k, const struct driver *d) {
  struct buf missing = BUF_INIT;
  unsigned n = 0;
  for (size_t i = 0; i < d->binding->action_count; i++)
    if (!d->performs[i].action)
      buf_addf(&missing, "%s`%s`", n++ ? ", " : "", name_text(k, d->binding->actions[i].name));
  if (n) {
    struct diag *e =
        diag_add(k->diags, D_perform_missing, d->at, "the driver `%s` lacks %s of `%s`",
                 name_text(k, d->name), missing.data, name_text(k, d->binding->name));
    diag_note(e, d->binding->at, "the binding is declared here");
    diag_help(e, "add a perform for each");
  }
  buf_release(&missing);
  for (size_t i = 0; i < d->binding->action_count; i++)
    check_renew(k, d, &d->performs[i], &d->binding->actions[i]);
}

/* The driver whose code this one has, but for what it says itself: declared before it. */
static const struct driver *driver_other(struct check *k, const struct clause_args *a,
                                         const struct binding *b) {
  sym other = arg_name(k, a, W_same_as);
  struct names names = {0};
  for (const struct driver *d = b->drivers; d && other; d = d->next) {
    if (d->name == other) {
      mem_free(names.at);
      return d;
    }
    names_add(&names, name_text(k, d->name));
  }
  if (!other) return NULL;
  struct diag *d = diag_add(k->diags, D_unknown_binding, span_of(k, arg_key(a, W_same_as)),
                            "no driver `%s` of `%s` stands above", name_text(k, other),
                            name_text(k, b->name));
  names_help(k, d, name_text(k, other), &names, "there are");
  return NULL;
}

static void driver_share(struct driver *d, const struct driver *other) {
  d->setting_count = d->shared_settings = other->setting_count;
  memcpy(d->settings, other->settings, other->setting_count * sizeof *d->settings);
  memcpy(d->performs, other->performs, d->binding->action_count * sizeof *d->performs);
  for (size_t i = 0; i < d->binding->action_count; i++)
    d->performs[i].shared = 1 << CODE_PERFORM | 1 << CODE_PROBE | 1 << CODE_RENEW;
}

static struct driver *driver_new(struct check *k, const struct clause_args *a, struct binding *b,
                                 const struct driver *other) {
  struct driver *d = arena_new(k->arena, struct driver);
  node_id about = arg_key(a, W_about), is_default = arg_key(a, W_default),
          practice = arg_key(a, W_practice),
          body = a->block ? node_at(k, a->block)->b : 0;
  *d = (struct driver){.name = node_at(k, a->pos[0])->a, .binding = b, .at = span_of(k, a->pos[0])};
  d->about = about && node_at(k, about)->kind == N_str ? text_dup(k, about) : NULL;
  d->is_default = is_default && node_at(k, is_default)->kind == N_true;
  d->practice = d->name == W_simulated || (practice && node_at(k, practice)->kind == N_true) ||
                (!practice && other && other->practice);
  size_t settings = (other ? other->setting_count : b->setting_count) +
                    (body ? list_count(k, node_at(k, body)->a) : 0);
  d->settings = arena_alloc(k->arena, settings * sizeof *d->settings + 1);
  for (; !other && d->setting_count < b->setting_count; d->setting_count++)
    d->settings[d->setting_count] = b->settings[d->setting_count];
  d->performs = arena_alloc(k->arena, b->action_count * sizeof *d->performs + 1);
  if (other) driver_share(d, other);
  struct driver **last = &b->drivers;
  for (; *last; last = &(*last)->next) {
    bool both = d->is_default && (*last)->is_default, same = (*last)->name == d->name;
    if (!both && !same) continue;
    struct diag *e = diag_add(k->diags, D_repeated_name, d->at,
                              same ? "the driver `%s` of `%s` is declared twice"
                                   : "`%s` is the second default driver of `%s`",
                              name_text(k, d->name), name_text(k, b->name));
    diag_note(e, (*last)->at, same ? "it is declared here first" : "the first is declared here");
  }
  *last = d;
  return d;
}

static void report_binding(struct check *k, node_id at, sym name) {
  struct names names = {0};
  for (size_t i = 0; i < k->p->binding_count; i++)
    names_add(&names, name_text(k, k->p->bindings[i]->name));
  struct diag *d =
      diag_add(k->diags, D_unknown_binding, span_of(k, at), "no binding `%s`", name_text(k, name));
  names_help(k, d, name_text(k, name), &names, "there are");
}

void decl_driver(struct check *k, node_id call) {
  struct clause_args a;
  check_clause(k, call, clause_find(W_driver, IN_FILE), &a);
  sym binding = arg_name(k, &a, W_for);
  if (!binding || !a.pos[0] || node_at(k, a.pos[0])->kind != N_sym) return;
  if (!a.block && !arg_name(k, &a, W_same_as)) {
    diag_add(k->diags, D_block_missing, span_of(k, a.pos[0]), "`driver` needs a block, or same_as:");
    return;
  }
  int index = binding_find(k, binding);
  if (index < 0) {
    report_binding(k, arg_key(&a, W_for), binding);
    return;
  }
  const struct driver *other = driver_other(k, &a, k->p->bindings[index]);
  struct build b = {driver_new(k, &a, k->p->bindings[index], other), true};
  k->driver = true;
  if (a.block) each_clause(k, a.block, IN_DRIVER, driver_clause, &b);
  k->setting_type = decl_record(k, b.driver->settings, b.driver->setting_count);
  b.settings = false;
  if (a.block) each_clause(k, a.block, IN_DRIVER, driver_clause, &b);
  if (other || !arg_name(k, &a, W_same_as)) check_complete(k, b.driver);
  k->driver = false;
  k->setting_type = 0;
}
