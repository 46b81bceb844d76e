/* Bare words: variables, the records of the language, bindings, and what was meant by a word that
 * is none of these. */
#include "check.h"

static const struct {
  const char *name, *say;
} constants[] = {
    {"Time", "write `now`, or time(\"2026-11-02T09:00:00Z\")"},
    {"Date", "write `today`, or date(\"2026-11-02\")"},
    {"DateTime", "write `now`, or time(\"2026-11-02T09:00:00Z\")"},
    {"ENV", "the site file reads the environment, with env(\"NAME\"); a runbook takes inputs"},
    {"ARGV", "a runbook takes inputs: input :name, :type"},
    {"JSON", "a binding gives its results as records and hashes; there is nothing to parse"},
    {"File", "files are read and written by a binding's actions"},
    {"Dir", "files are read and written by a binding's actions"},
    {"IO", "files are read and written by a binding's actions"},
    {"FileUtils", "files are read and written by a binding's actions"},
    {"Integer", "write text.to_i"},
    {"Float", "write text.to_f"},
    {"String", "write value.to_s"},
    {"Array", "write value.to_a, or [value]"},
    {"Hash", "write { key: value }"},
    {"Regexp", "write /pattern/"},
    {"Range", "write first..last"},
    {"Net", "a URL is called by a binding's action"},
    {"URI", "a URL is called by a binding's action"},
    {"Kernel", "the outside world is reached by bindings only"},
    {"Process", "a command is run by a binding's action"},
    {"Open3", "a command is run by a binding's action"},
    {"Math", "numbers have + - * / % ** abs round floor ceil"},
    {"Random", "values do not change by chance: take an input instead"},
    {"SecureRandom", "values do not change by chance: take an input instead"},
    {"Struct", "write a hash, or declare what an action gives"},
    {"Set", "write an array; uniq, | and & work on it"},
    {"Thread", "write `parallel do ... end` around steps"},
    {"Timeout", "write `timeout 2.minutes` in the step"},
    {"Logger", "write `note \"text\"`"},
};

type_id check_const(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  const char *name = name_text(k, n->a);
  if (!tell_once(k, n->a, TOLD_NAME)) return T_any;
  struct diag *d = diag_add(k->diags, D_constant, span_of(k, id),
                            "`%s`: a runbook has no classes, modules or constants", name);
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
    if (strcmp(constants[i].name, name) == 0) diag_help(d, "%s", constants[i].say);
  if (d && !d->help) diag_help(d, "names begin with a small letter");
  return T_any;
}

static void names_add_visible(struct check *k, struct names *n) {
  struct scope *s = k->scope;
  for (size_t i = 0; i < s->var_count; i++) {
    uint32_t slot;
    if (scope_has(k, s->vars[i].name, &slot) && slot == i)
      names_add(n, name_text(k, s->vars[i].name));
  }
  if (k->input_type) names_add(n, "input");
  if (k->setting_type) names_add(n, "setting");
  if (k->call_type) names_add(n, "call");
  names_add(n, "now");
  names_add(n, "today");
  if (!k->driver)
    for (size_t i = 0; i < k->p->binding_count; i++)
      if (binding_seen(k, k->p->bindings[i])) names_add(n, name_text(k, k->p->bindings[i]->name));
  if (k->driver && k->p->host && k->p->host->primitives)
    for (const struct primitive_sig *const *p = k->p->host->primitives; *p; p++)
      if (p == k->p->host->primitives || strcmp(p[-1]->group, (*p)->group) != 0)
        names_add(n, (*p)->group);
}

/* An input used without `input.`? */
static bool report_bare_input(struct check *k, node_id id, sym name) {
  type_id t;
  if (!k->input_type || !type_field(k->types, k->input_type, name, &t)) return false;
  struct diag *d = diag_add(k->diags, D_unknown_name, span_of(k, id),
                            "`%s` is an input, not a variable", name_text(k, name));
  diag_help(d, "write `input.%s`", name_text(k, name));
  return true;
}

static bool report_late(struct check *k, node_id id, sym name) {
  node_id at = enough(k) ? 0 : find_assignment(k, name);
  if (!at) return false;
  bool later = node_at(k, at)->start > node_at(k, id)->start;
  struct diag *d =
      diag_add(k->diags, D_unset, span_of(k, id),
               later ? "`%s` is not set yet" : "`%s` is not known here", name_text(k, name));
  diag_note(d, span_of(k, at),
            later ? "it is set here, further down"
                  : "it is set here, in a block, and ends with the block");
  diag_help(d, "set it before it is read, where both places can see it");
  return true;
}

void report_unknown_name(struct check *k, node_id id, sym name, bool receiver) {
  if (!tell_once(k, name, TOLD_NAME)) return;
  if (report_bare_input(k, id, name) || report_late(k, id, name)) return;
  const char *text = name_text(k, name);
  struct names names = {0};
  if (!enough(k)) names_add_visible(k, &names);
  struct diag *d =
      diag_add(k->diags, D_unknown_name, span_of(k, id),
               receiver && !k->driver ? "no variable or binding `%s`" : "no variable `%s`", text);
  int near = name_nearest(text, names.at, names.count);
  if (near >= 0) diag_help(d, "did you mean `%s`?", names.at[near]);
  else if (primitive_group(k, name))
    diag_help(d, "`%s` is a primitive, for drivers only: call a binding's action", text);
  else if (receiver && !k->driver && k->plan)
    diag_help(d, "a binding is brought in by `use \"module\"`");
  mem_free(names.at);
}

static type_id special_name(struct check *k, struct node *n) {
  static const struct {
    sym word;
    enum name_ref ref;
    size_t type; /* offset of the type in struct check */
  } special[] = {{W_input, REF_INPUT, offsetof(struct check, input_type)},
                 {W_setting, REF_SETTING, offsetof(struct check, setting_type)},
                 {W_call, REF_CALL, offsetof(struct check, call_type)}};
  for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
    if (n->a != special[i].word) continue;
    type_id type = *(type_id *)(void *)((char *)k + special[i].type);
    if (type) n->x = (uint16_t)special[i].ref;
    return type;
  }
  return 0;
}

static void report_bare_binding(struct check *k, node_id id, int binding) {
  const struct binding *b = k->p->bindings[binding];
  struct names names = {0};
  for (size_t i = 0; i < b->action_count; i++)
    names_add(&names, name_text(k, b->actions[i].name));
  struct diag *d = diag_add(k->diags, D_bare_binding, span_of(k, id),
                            "`%s` is a binding, not a value", name_text(k, b->name));
  names_help(k, d, "", &names, "call one of its actions");
}

type_id check_name(struct check *k, node_id id, struct node *n, bool lead) {
  uint32_t slot;
  if (scope_has(k, n->a, &slot)) return scope_read(k, id, n, slot);
  type_id type = special_name(k, n);
  if (type) return type;
  if (n->a == W_now) return n->x = REF_NOW, T_time;
  if (n->a == W_today) return n->x = REF_TODAY, T_date;
  int binding = binding_find(k, n->a);
  if (binding >= 0) {
    report_bare_binding(k, id, binding);
    return T_any;
  }
  if (clause_any(n->a) || function_find(n->a)) {
    type = check_statement(k, id, n, lead);
    n->x = REF_STATEMENT;
    return type;
  }
  report_unknown_name(k, id, n->a, false);
  return T_any;
}

/* input.x, setting.x, call.x: a field of a record that is no value by itself. */
bool check_special_field(struct check *k, struct node *call, type_id *out) {
  struct node *receiver = node_at(k, call->a);
  type_id record = special_name(k, receiver);
  if (!record) return false;
  call->x = CALL_METHOD;
  *out = T_any;
  bool is_input = receiver->x == REF_INPUT;
  uint32_t i;
  bool found = is_input ? index_get(&k->index, k->plan, call->b, &i)
                        : type_field(k->types, record, call->b, out);
  if (found && is_input) {
    *out = k->plan->inputs[i].value_type;
    k->inputs_read[i] = 1;
  }
  if (found) {
    if (call->c)
      diag_add(k->diags, D_too_many, span_of(k, call->c), "`%s.%s` takes no arguments",
               name_text(k, receiver->a), name_text(k, call->b));
    return true;
  }
  if (method_find(k->methods, T_record, call->b)) return false;
  if (!tell_once(k, call->b, TOLD_NAME)) return true;
  struct names names = {0};
  names_add_record(k, &names, record);
  struct diag *d =
      diag_add(k->diags, is_input ? D_unknown_input : D_unknown_field, span_call_name(k, call),
               "no %s `%s`", name_text(k, receiver->a), name_text(k, call->b));
  names_help(k, d, name_text(k, call->b), &names, "there are");
  return true;
}
