/* Words without a receiver: clauses, statements, functions. Their shapes come from clause.def. */
#include "check.h"

node_id arg_key(const struct clause_args *a, sym key) {
  for (size_t i = 0; a->clause->keys[i].word; i++)
    if (a->clause->keys[i].word == key) return a->keys[i];
  return 0;
}

sym arg_name(const struct check *k, const struct clause_args *a, sym key) {
  node_id n = arg_key(a, key);
  return n && node_at(k, n)->kind == N_sym ? node_at(k, n)->a : 0;
}

/* --- one argument --- */

static struct diag *report_shape(struct check *k, node_id n, const struct clause_args *a, sym key,
                                 const char *want) {
  const char *word = name_text(k, a->clause->word);
  struct diag *d;
  if (key)
    d = diag_add(k->diags, D_not_literal, span_of(k, n), "`%s:` of `%s` is %s", name_text(k, key),
                 word, want);
  else d = diag_add(k->diags, D_not_literal, span_of(k, n), "`%s` wants %s here", word, want);
  diag_help(d, "%s", a->clause->usage);
  return d;
}

static bool value_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                      sym key, type_id *type) {
  *type = check_expr(k, n);
  if (type_fits(k->types, *type, s->type)) return true;
  const char *word = name_text(k, a->clause->word);
  struct diag *d;
  if (key)
    d = diag_add(k->diags, D_wrong_type, span_of(k, n), "`%s:` of `%s` is %s, not %s",
                 name_text(k, key), word, type_words(k, s->type), type_words(k, *type));
  else
    d = diag_add(k->diags, D_wrong_type, span_of(k, n), "`%s` takes %s here, not %s", word,
                 type_words(k, s->type), type_words(k, *type));
  bool number = type_fits(k->types, *type, T_number);
  if (s->type == T_duration && number)
    diag_help(d, "give it a unit: 30.seconds, 5.minutes, 2.hours");
  else if (s->how == ARG_TEXT) diag_help(d, "put the value into a text: \"... #{value}\"");
  else diag_help(d, "%s", a->clause->usage);
  return false;
}

static bool string_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                       sym key, type_id *type) {
  *type = s->type;
  if (node_at(k, n)->kind == N_str) return true;
  report_shape(k, n, a, key,
               node_at(k, n)->kind == N_dstr ? "a text without #{ }" : "a text written out");
  return false;
}

static bool const_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                      sym key, type_id *type) {
  if (is_constant(k, n)) return value_arg(k, n, s, a, key, type);
  char want[64];
  snprintf(want, sizeof want, "%s written out", type_words(k, s->type));
  report_shape(k, n, a, key, want);
  return false;
}

static bool bool_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                     sym key, type_id *type) {
  *type = s->type;
  if (node_at(k, n)->kind == N_true || node_at(k, n)->kind == N_false) return true;
  report_shape(k, n, a, key, "true or false");
  return false;
}

static bool name_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                     sym key, type_id *type) {
  const struct node *e = node_at(k, n);
  *type = s->type;
  if (e->kind == N_sym) return true;
  struct diag *d = report_shape(k, n, a, key, "a symbol");
  struct text text = e->kind == N_str ? tree_text(k->t, e) : (struct text){0};
  if (text.len && text.len < 40) diag_help(d, "write :%.*s", (int)text.len, text.s);
  else if (e->kind == N_name) diag_help(d, "write :%s", name_text(k, e->a));
  return false;
}

static bool names_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                      sym key, type_id *type) {
  const struct node *e = node_at(k, n);
  bool ok = e->kind == N_sym || (e->kind == N_array && e->a);
  *type = s->type;
  for (node_id i = e->kind == N_array ? e->a : 0; i; i = node_at(k, i)->next)
    ok = ok && node_at(k, i)->kind == N_sym;
  if (!ok) report_shape(k, n, a, key, "a symbol or a list of them");
  return ok;
}

static bool type_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                     sym key, type_id *type) {
  (void)s, (void)a, (void)key;
  return decl_type(k, n, type);
}

static bool is_choice(const char *list, const char *word) {
  size_t len = strlen(word);
  for (const char *p = list; (p = strstr(p, word)); p += len)
    if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len])) return true;
  return false;
}

static bool choice_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                       sym key, type_id *type) {
  const struct node *e = node_at(k, n);
  *type = s->type;
  if (e->kind != N_sym) return name_arg(k, n, s, a, key, type);
  const char *word = name_text(k, e->a);
  if (is_choice(s->choices, word)) return true;
  char *list = arena_printf(k->arena, "%s", s->choices);
  struct names names = {0};
  for (char *p = list, *next; p; p = next) {
    next = strchr(p, ' ');
    if (next) *next++ = 0;
    names_add(&names, p);
  }
  struct diag *d = diag_add(k->diags, D_unknown_choice, span_of(k, n), "`%s` has no `:%s`%s%s%s",
                            name_text(k, a->clause->word), word, key ? " for `" : "",
                            key ? name_text(k, key) : "", key ? ":`" : "");
  names_help(k, d, word, &names, "there are");
  return false;
}

static bool raw_arg(struct check *k, node_id n, const struct arg_spec *s, struct clause_args *a,
                    sym key, type_id *type) {
  (void)k, (void)n, (void)s, (void)a, (void)key;
  *type = T_any;
  return true;
}

static bool (*const arg_checks[])(struct check *, node_id, const struct arg_spec *,
                                  struct clause_args *, sym, type_id *) = {
    [ARG_NOTHING] = raw_arg, [ARG_RAW] = raw_arg,       [ARG_VALUE] = value_arg,
    [ARG_TEXT] = value_arg,  [ARG_STRING] = string_arg, [ARG_CONST] = const_arg,
    [ARG_BOOL] = bool_arg,   [ARG_NAME] = name_arg,     [ARG_NAMES] = names_arg,
    [ARG_TYPE] = type_arg,   [ARG_CHOICE] = choice_arg,
};

/* --- all arguments --- */

static void keyword_arg(struct check *k, node_id pair, struct clause_args *a) {
  const struct clause *c = a->clause;
  const struct node *p = node_at(k, pair), *key = node_at(k, p->a);
  type_id type = T_any;
  size_t i = 0;
  while (c->keys[i].word && (key->kind != N_sym || c->keys[i].word != key->a))
    i++;
  if (c->keys[i].word) {
    const struct clause_key *spec = &c->keys[i];
    if (a->keys[i])
      diag_add(k->diags, D_repeated_keyword, span_of(k, p->a), "`%s:` is given twice",
               name_text(k, key->a));
    a->keys[i] = p->b;
    a->ok &= arg_checks[spec->spec.how](k, p->b, &spec->spec, a, key->a, &type);
    a->key_types[i] = type;
    return;
  }
  check_expr(k, p->b);
  if (c->keys[i].needed && key->kind == N_sym) return; /* OTHERS */
  struct names names = {0};
  for (size_t j = 0; c->keys[j].word; j++)
    names_add(&names, keyword_text(k, c->keys[j].word));
  const char *name = key->kind == N_sym ? keyword_text(k, key->a) : "=>";
  struct diag *d = diag_add(k->diags, D_unknown_keyword, span_of(k, p->a), "`%s` takes no `%s`",
                            name_text(k, c->word), name);
  int meant = names_help(k, d, name, &names, "it takes");
  if (meant >= 0 && !a->keys[meant]) a->keys[meant] = p->b; /* misspelt, not missing */
  a->ok = false;
}

static void positional_arg(struct check *k, node_id n, struct clause_args *a) {
  const struct clause *c = a->clause;
  size_t i = a->count++;
  if (i >= c->max) {
    check_expr(k, n);
    if (i > c->max) return;
    struct diag *d =
        diag_add(k->diags, D_too_many, span_of(k, n),
                 c->max ? "`%s` takes no more than %u argument%s" : "`%s` takes no plain argument",
                 name_text(k, c->word), c->max, c->max == 1 ? "" : "s");
    diag_help(d, "%s", c->usage);
    a->ok = false;
    return;
  }
  size_t at = i < CLAUSE_ARGS ? i : CLAUSE_ARGS - 1;
  type_id type = T_any;
  a->ok &= arg_checks[c->args[at].how](k, n, &c->args[at], a, 0, &type);
  if (i < CLAUSE_ARGS) a->pos[i] = n, a->types[i] = type;
}

static void check_needed(struct check *k, node_id id, struct clause_args *a) {
  const struct clause *c = a->clause;
  const struct node *n = node_at(k, id);
  const char *word = name_text(k, c->word);
  struct span at = {k->file, n->start, n->start + (uint32_t)strlen(word)};
  struct diag *d = NULL;
  bool missing = false;
  if (a->count < c->min) {
    missing = true;
    d = diag_add(k->diags, D_too_few, at, "`%s` needs %s%u argument%s, not %zu", word,
                 c->max > c->min ? "at least " : "", c->min, c->min == 1 ? "" : "s", a->count);
  }
  for (size_t i = 0; !missing && c->keys[i].word; i++) {
    if (!c->keys[i].needed || a->keys[i]) continue;
    missing = true;
    d = diag_add(k->diags, D_missing_keyword, at, "`%s` needs `%s:`", word,
                 name_text(k, c->keys[i].word));
  }
  if (!missing && c->block_needed && !a->block) {
    missing = true;
    d = diag_add(k->diags, D_block_missing, at, "`%s` needs a block", word);
  }
  if (d) diag_help(d, "%s", c->usage);
  if (missing) a->ok = false;
}

static void check_clause_block(struct check *k, struct clause_args *a) {
  const struct clause *c = a->clause;
  if (c->block == HOLDS_NONE) {
    struct diag *d = diag_add(k->diags, D_block_refused, span_of(k, a->block),
                              "`%s` takes no block", name_text(k, c->word));
    diag_help(d, "%s", c->usage);
    a->ok = false;
    return;
  }
  node_id params = node_at(k, a->block)->a;
  uint32_t count = list_count(k, params);
  if (count <= c->params) return;
  struct diag *d = diag_add(k->diags, D_block_params, span_of(k, params),
                            c->params ? "the block of `%s` gets one value, not %u"
                                      : "the block of `%s` gets no values",
                            name_text(k, c->word), count);
  diag_help(d, "%s", c->usage);
}

void check_clause(struct check *k, node_id id, const struct clause *c, struct clause_args *out) {
  struct node *n = node_at(k, id);
  *out = (struct clause_args){.clause = c, .ok = true};
  n->x = n->kind == N_name ? REF_STATEMENT : CALL_STATEMENT;
  for (node_id a = n->kind == N_call ? n->c : 0; a; a = node_at(k, a)->next) {
    const struct node *arg = node_at(k, a);
    if (arg->kind == N_block) out->block = a;
    else if (arg->kind == N_pair) keyword_arg(k, a, out);
    else positional_arg(k, a, out);
  }
  check_needed(k, id, out);
  if (out->block) check_clause_block(k, out);
  if (out->ok) check_leasts(k, out);
}

/* --- statements --- */

static bool is_end(sym word) {
  return word == W_fail_bang || word == W_skip_bang || word == W_finish;
}

static void check_statement_block(struct check *k, const struct clause_args *a) {
  struct place was = k->place;
  k->place.context = a->clause->block == HOLDS_CONDITION ? IN_CONDITION : IN_BODY;
  if (a->clause->block == HOLDS_CONDITION) {
    if (k->place.effects == EFFECTS_WRITE) k->place.effects = EFFECTS_READ;
    k->place.what = "a condition";
  }
  type_id type = check_block(k, a->block, NULL, 0, true);
  if (a->clause->block == HOLDS_CONDITION) check_truth(k, a->block, type);
  k->place = was;
}

static type_id statement_type(struct check *k, const struct clause_args *a) {
  switch (a->clause->word) {
  case W_choose:
    return type_element(k->types, a->types[1]);
  case W_ask:
    return a->types[1];
  case W_manual:
    return T_any; /* what was written down, else true */
  case W_confirm:
    return T_boolean;
  default:
    return T_nil;
  }
}

/* What a person can type in. */
static bool is_answer(struct check *k, node_id type) {
  static const type_id refused[] = {T_any, T_nil, T_array, T_hash, T_range, T_regexp, T_record};
  const struct node *n = node_at(k, type);
  if (n->kind != N_sym) return false;
  type_id named = type_named(name_text(k, n->a), strlen(name_text(k, n->a)));
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    if (named == refused[i]) return false;
  return true;
}

static void check_ask(struct check *k, const struct clause_args *a) {
  if (a->ok && !is_answer(k, a->pos[1])) {
    struct diag *d = diag_add(k->diags, D_wrong_type, span_of(k, a->pos[1]),
                              "nobody can type in a value of this type");
    diag_help(d, "ask for a :string, :integer, :boolean, :date, :duration, :phone ...");
  }
  node_id value = arg_key(a, W_default);
  if (!value || !a->ok || type_fits(k->types, a->key_types[0], a->types[1])) return;
  diag_add(k->diags, D_wrong_type, span_of(k, value), "`default:` of `ask` is %s, not %s",
           type_words(k, a->types[1]), type_words(k, a->key_types[0]));
}

static type_id check_word(struct check *k, node_id id, const struct clause *c) {
  struct clause_args a;
  check_clause(k, id, c, &a);
  if (c->word == W_ask) check_ask(k, &a);
  if (c->word == W_expect && a.pos[0]) check_truth(k, a.pos[0], a.types[0]);
  if (c->word == W_start && a.ok) plan_child(k, &a, id);
  if (a.block && c->block != HOLDS_NONE) check_statement_block(k, &a);
  if (c->word == W_skip_bang) flow_exit(k, k->step_mark);
  else if (c->word == W_finish) flow_finish(k);
  else if (is_end(c->word)) k->scope->dead = true;
  return a.ok ? statement_type(k, &a) : T_any;
}

static bool function_here(struct check *k, const struct function *f) {
  bool site_only = f->word == W_env || f->word == W_secret;
  return !site_only || (k->place.context & (IN_SITE | IN_ESCALATION));
}

static type_id check_function(struct check *k, node_id id, struct node *call,
                              const struct function *f) {
  uint32_t count = 0;
  const char *name = name_text(k, f->word);
  call->x = call->kind == N_name ? REF_STATEMENT : CALL_FUNCTION;
  if (!function_here(k, f)) {
    struct diag *d = diag_add(k->diags, D_wrong_place, span_of(k, id),
                              "`%s` stands in the site file only", name);
    diag_help(d, "the site hands it on: a driver reads setting.NAME, a runbook takes an input");
  }
  for (node_id a = call->kind == N_call ? call->c : 0; a; a = node_at(k, a)->next, count++) {
    node_id value = node_at(k, a)->kind == N_pair ? node_at(k, a)->b : a;
    if (node_at(k, a)->kind == N_block) continue;
    type_id have = check_expr(k, value);
    if (!type_fits(k->types, have, f->arg))
      diag_add(k->diags, D_wrong_type, span_of(k, value), "`%s` takes %s, not %s", name,
               type_words(k, f->arg), type_words(k, have));
  }
  if (count < f->min || count > f->max)
    diag_add(k->diags, count < f->min ? D_too_few : D_too_many, span_call_name(k, call),
             f->max ? "`%s` takes %u argument%s, not %u" : "`%s` takes no arguments", name, f->max,
             f->max == 1 ? "" : "s", count);
  return f->result;
}

static void walk_all(struct check *k, const struct node *call) {
  for (node_id a = call->kind == N_call ? call->c : 0; a; a = node_at(k, a)->next) {
    const struct node *n = node_at(k, a);
    if (n->kind == N_block) check_block(k, a, NULL, 0, true);
    else check_expr(k, n->kind == N_pair ? n->b : a);
  }
}

static void names_add_words(struct check *k, struct names *n) {
  for (size_t i = 0; i < clause_count; i++)
    if (clause_table[i].contexts & k->place.context)
      names_add(n, name_text(k, clause_table[i].word));
  for (size_t i = 0; i < function_count; i++)
    if (function_here(k, &function_table[i])) names_add(n, name_text(k, function_table[i].word));
}

static void report_elsewhere(struct check *k, node_id id, const struct clause *c) {
  struct node *n = node_at(k, id);
  const char *word = name_text(k, c->word);
  struct span at = {k->file, n->start, n->start + (uint32_t)strlen(word)};
  unsigned contexts = 0;
  for (size_t i = 0; i < clause_count; i++)
    if (clause_table[i].word == c->word) contexts |= clause_table[i].contexts;
  if (contexts & (k->place.context == IN_BODY ? IN_STEP : k->place.context)) {
    diag_add(k->diags, D_wrong_place, at, "`%s` stands directly in %s, not inside something else",
             word, context_words(k->place.context == IN_BODY ? IN_STEP : k->place.context));
    return;
  }
  struct diag *d = diag_add(k->diags, D_wrong_place, at, "`%s` does not stand in %s", word,
                            context_words(k->place.context));
  diag_help(d, "it belongs in %s", context_words((enum context)contexts));
}

void report_word(struct check *k, node_id id, sym word) {
  const struct clause *elsewhere = clause_any(word);
  if (elsewhere) {
    report_elsewhere(k, id, elsewhere);
    return;
  }
  if (!tell_once(k, word, TOLD_WORD)) return;
  const char *text = name_text(k, word);
  struct node *n = node_at(k, id);
  struct span at = {k->file, n->start, n->start + (uint32_t)strlen(text)};
  struct names names = {0};
  names_add_words(k, &names);
  struct diag *d = diag_add(k->diags, D_unknown_word, at, "no clause or statement `%s` in %s", text,
                            context_words(k->place.context));
  int near = name_nearest(text, names.at, names.count);
  if (near >= 0) diag_help(d, "did you mean `%s`?", names.at[near]);
  mem_free(names.at);
}

/* Only statements stand inside others; clauses and items of a plan are taken up by their owners. */
static const struct clause *statement_here(struct check *k, sym word) {
  enum context inner = IN_BODY | IN_ROLLBACK | IN_HANDLER | IN_PERFORM;
  enum context here = k->place.context == IN_STEP ? IN_BODY : k->place.context;
  return here & inner ? clause_find(word, here) : NULL;
}

/* After `page = 1` Ruby takes the `:` of `page :dba` for an operator. */
static void check_symbol_after(struct check *k, node_id id, const struct node *call, sym word) {
  uint32_t slot;
  if (call->kind != N_call || !(call->flags & NF_COMMAND) || !call->c) return;
  const struct node *first = node_at(k, call->c);
  if (first->kind != N_sym || first->flags & (NF_LABEL | NF_GROUP) || !scope_has(k, word, &slot))
    return;
  const char *name = name_text(k, word);
  struct diag *d =
      diag_add(k->diags, D_ambiguous, span_of(k, id),
               "`%s :` can be read in two ways: %s is a variable here", name, name);
  diag_help(d, "write %s(...), or choose another name for the variable", name);
}

type_id check_statement(struct check *k, node_id id, struct node *call, bool lead) {
  sym word = call->kind == N_name ? call->a : call->b;
  uint32_t slot;
  const struct clause *c = statement_here(k, word);
  if (c) check_symbol_after(k, id, call, word);
  if (c) return check_word(k, id, c);
  const struct function *f = function_find(word);
  if (f) return check_function(k, id, call, f);
  (void)lead;
  if (call->kind == N_call && scope_has(k, word, &slot)) {
    diag_add(k->diags, D_too_many, span_of(k, id), "`%s` is a variable and takes no arguments",
             name_text(k, word));
    k->scope->vars[slot].read = true;
  } else {
    report_word(k, id, word);
  }
  walk_all(k, call);
  return T_any;
}
