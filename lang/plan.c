/* The plan: a runbook's clauses and the tree of its sections, steps, branches and child runs. */
#include "check.h"
#include "cron.h"

static void build_items(struct check *k, node_id list, struct item **first);

/* --- clauses of the runbook --- */

static void repeated(struct check *k, node_id id, sym word, node_id first) {
  struct diag *d = diag_add(k->diags, D_repeated_clause, span_of(k, id), "`%s` stands twice",
                            name_text(k, word));
  if (first) diag_note(d, span_of(k, first), "it stands here first");
}

typedef void take_fn(struct check *k, node_id id, const struct clause_args *a, struct plan *p);

static void take_reviewed(struct check *k, node_id id, const struct clause_args *a,
                          struct plan *p) {
  int year, month, day, end = 0;
  p->reviewed = text_dup(k, a->pos[0]);
  p->reviewed_by = text_dup(k, arg_key(a, W_by));
  (void)id;
  if (sscanf(p->reviewed, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && !p->reviewed[end] &&
      month >= 1 && month <= 12 && day >= 1 && day <= 31)
    return;
  diag_add(k->diags, D_literal_value, span_of(k, a->pos[0]),
           "`reviewed` takes a date: \"2026-11-02\"");
}

static void take_tags(struct check *k, node_id id, const struct clause_args *a, struct plan *p) {
  p->tags = arena_alloc(k->arena, a->count * sizeof *p->tags);
  for (node_id n = node_at(k, id)->c; n; n = node_at(k, n)->next)
    if (node_at(k, n)->kind == N_str) p->tags[p->tag_count++] = text_dup(k, n);
}

static void take_on_failure(struct check *k, node_id id, const struct clause_args *a,
                            struct plan *p) {
  if (!a->pos[0] && !a->block) {
    struct diag *d =
        diag_add(k->diags, D_too_few, span_of(k, id), "`on_failure` needs a policy or a block");
    diag_help(d, "%s", a->clause->usage);
  }
  if ((a->pos[0] && p->policy) || (a->block && p->on_failure)) repeated(k, id, W_on_failure, 0);
  if (a->pos[0]) p->policy = plan_policy(node_at(k, a->pos[0])->a);
  if (a->block) p->on_failure = a->block; /* walked last: it may run at any time */
}

static void check_aside(struct check *k, node_id block, struct unit *out) {
  struct scope scope, *outer = k->scope;
  type_id input = k->input_type;
  scope_begin(k, &scope);
  k->input_type = 0;
  k->place = (struct place){IN_CONDITION, EFFECTS_READ, "a trigger"};
  struct node *b = node_at(k, block);
  if (b->b) check_body(k, b->b, true);
  *out = (struct unit){.file = k->file, .body = b->b};
  scope_end(k, &scope, out);
  k->scope = outer;
  k->input_type = input;
}

static void take_trigger(struct check *k, node_id id, const struct clause_args *a, struct plan *p) {
  struct trigger *grown = arena_push(k, p->triggers, p->trigger_count, sizeof *grown);
  struct trigger *t = &grown[p->trigger_count++];
  struct place was = k->place;
  *t = (struct trigger){.text = a->pos[0], .every = arg_key(a, W_every), .at = id};
  check_aside(k, a->block, &t->unit);
  k->place = was;
  p->triggers = grown;
}

static void take_schedule(struct check *k, node_id id, const struct clause_args *a,
                          struct plan *p) {
  const char *text = text_dup(k, a->pos[0]);
  struct cron cron;
  struct error err = {0};
  (void)id;
  if (cron_parse(text, &cron, &err) != OK) {
    struct diag *d = diag_add(k->diags, D_literal_value, span_of(k, a->pos[0]),
                              "this is not a schedule: %s", err.message);
    diag_help(d, "%s", err.help);
  }
  error_release(&err);
  const char **grown = arena_push(k, p->schedules, p->schedule_count, sizeof *grown);
  grown[p->schedule_count++] = text;
  p->schedules = grown;
}

/* What a clause leaves in the plan: a text, a node, a name, or more than that. */
static const struct plan_clause {
  sym word;
  size_t text, node, name, seen; /* offsets; 0 = none */
  take_fn *take;
} plan_clauses[] = {
    {W_title, offsetof(struct plan, title), 0, 0, 0, NULL},
    {W_about, offsetof(struct plan, about), 0, 0, 0, NULL},
    {W_source, offsetof(struct plan, source_text), 0, 0, 0, NULL},
    {W_owner, offsetof(struct plan, owner), 0, 0, 0, NULL},
    {W_reviewed, 0, 0, 0, offsetof(struct plan, reviewed), take_reviewed},
    {W_review_every, 0, offsetof(struct plan, review_every), 0, 0, NULL},
    {W_lock, 0, offsetof(struct plan, lock), 0, 0, NULL},
    {W_timeout, 0, offsetof(struct plan, timeout), 0, 0, NULL},
    {W_concurrency, 0, offsetof(struct plan, concurrency), 0, 0, NULL},
    {W_severity, 0, 0, offsetof(struct plan, severity), 0, NULL},
    {W_requires, 0, 0, offsetof(struct plan, requires_role), 0, NULL},
    {W_tags, 0, 0, 0, offsetof(struct plan, tags), take_tags},
    {W_on_failure, 0, 0, 0, 0, take_on_failure},
    {W_trigger, 0, 0, 0, 0, take_trigger},
    {W_schedule, 0, 0, 0, 0, take_schedule},
};

static void *plan_at(struct plan *p, size_t offset) {
  return (char *)p + offset;
}

static bool is_filled(struct plan *p, const struct plan_clause *c) {
  size_t pointer = c->text ? c->text : c->seen;
  if (pointer) return *(void **)plan_at(p, pointer) != NULL;
  return (c->node || c->name) && *(uint32_t *)plan_at(p, c->node ? c->node : c->name) != 0;
}

static void plan_clause(struct check *k, node_id id, const struct clause *clause) {
  const struct plan_clause *c = plan_clauses, *end = c + sizeof plan_clauses / sizeof *plan_clauses;
  struct plan *p = k->plan;
  struct clause_args a;
  while (c < end && c->word != clause->word)
    c++;
  check_clause(k, id, clause, &a);
  node_at(k, id)->flags |= NF_CLAUSE;
  if (c == end || !a.ok) return;
  if (is_filled(p, c)) repeated(k, id, clause->word, 0);
  if (c->take) c->take(k, id, &a, p);
  if (c->text) *(const char **)plan_at(p, c->text) = text_dup(k, a.pos[0]);
  if (c->node) *(node_id *)plan_at(p, c->node) = a.pos[0];
  if (c->name) {
    node_id name = a.pos[0] ? a.pos[0] : arg_key(&a, W_role);
    *(sym *)plan_at(p, c->name) = node_at(k, name)->a;
  }
}

enum policy plan_policy(sym word) {
  static const struct {
    sym word;
    enum policy policy;
  } policies[] = {{W_hold, POLICY_HOLD},
                  {W_rollback, POLICY_ROLLBACK},
                  {W_continue, POLICY_CONTINUE},
                  {W_retry, POLICY_RETRY},
                  {W_skip, POLICY_SKIP}};
  for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
    if (policies[i].word == word) return policies[i].policy;
  return POLICY_DEFAULT;
}

/* --- inputs --- */

static void take_input(struct check *k, node_id id, struct plan *p) {
  struct clause_args a;
  check_clause(k, id, clause_find(W_input, IN_RUNBOOK), &a);
  node_at(k, id)->flags |= NF_CLAUSE;
  if (!a.pos[0] || node_at(k, a.pos[0])->kind != N_sym) return;
  sym name = node_at(k, a.pos[0])->a;
  uint32_t first;
  if (index_get(&k->index, p, name, &first)) {
    struct diag *d = diag_add(k->diags, D_repeated_name, span_of(k, a.pos[0]),
                              "the input `%s` is declared twice", name_text(k, name));
    diag_note(d, p->inputs[first].at, "it is declared here first");
    return;
  }
  index_put(&k->index, p, name, (uint32_t)p->input_count);
  decl_field(k, a.pos[0], &a, name, a.types[1], &p->inputs[p->input_count++]);
}

void plan_inputs(struct check *k, node_id body) {
  struct plan *p = k->plan;
  size_t count = 0;
  for (node_id s = body ? node_at(k, body)->a : 0; s; s = node_at(k, s)->next)
    count += is_word_call(k, s, W_input);
  p->inputs = arena_alloc(k->arena, count * sizeof *p->inputs + 1);
  k->inputs_read = mem_array(count + 1, 1);
  for (node_id s = count ? node_at(k, body)->a : 0; s; s = node_at(k, s)->next)
    if (is_word_call(k, s, W_input)) take_input(k, s, p);
  k->input_type = decl_record(k, p->inputs, p->input_count);
}

static void warn_inputs(struct check *k) {
  for (size_t i = 0; i < k->plan->input_count; i++) {
    const struct field *f = &k->plan->inputs[i];
    if (k->inputs_read[i]) continue;
    struct diag *d =
        diag_add(k->diags, D_unused, f->at, "nothing reads the input `%s`", name_text(k, f->name));
    diag_help(d, "leave it out, or use input.%s", name_text(k, f->name));
  }
}

/* --- items --- */

static struct item *item_new(struct check *k, enum item_kind kind, node_id node) {
  struct item *i = arena_new(k->arena, struct item);
  i->kind = kind;
  i->node = node;
  return i;
}

static void build_block(struct check *k, node_id block, struct item **first) {
  enum context was = k->place.context;
  node_id body = node_at(k, block)->b;
  k->place.context = IN_PLAN;
  if (body) build_items(k, node_at(k, body)->a, first);
  k->place.context = was;
}

static struct item *section_item(struct check *k, node_id id, const struct clause_args *a) {
  struct item *i = item_new(k, ITEM_SECTION, id);
  i->title = a->pos[0] && node_at(k, a->pos[0])->kind == N_str ? text_dup(k, a->pos[0]) : "";
  if (a->block) build_block(k, a->block, &i->items);
  return i;
}

static struct item *step_item(struct check *k, node_id id, const struct clause_args *a) {
  struct item *i = item_new(k, ITEM_STEP, id);
  i->step = plan_step(k, id, a);
  return i->step ? i : NULL;
}

/* Branches do not see what the others set; what follows sees it all. */
static struct item *parallel_item(struct check *k, node_id id, const struct clause_args *a) {
  struct item *i = item_new(k, ITEM_PARALLEL, id), **last = &i->items;
  size_t held = k->scope->saved.count;
  enum context was = k->place.context;
  i->at_once = arg_key(a, W_at_once);
  node_id body = a->block ? node_at(k, a->block)->b : 0;
  k->place.context = IN_PLAN;
  uint32_t from = ++k->scope->tick;
  bool was_dead = k->scope->dead, dead = was_dead;
  for (node_id s = body ? node_at(k, body)->a : 0; s; s = node_at(k, s)->next) {
    size_t mark = flow_mark(k);
    struct beside beside;
    beside_begin(k, &beside, from, false);
    *last = build_item(k, s);
    if (*last) last = &(*last)->next;
    beside_end(k, &beside, mark);
    flow_hold(k, mark);
    dead |= k->scope->dead;
    k->scope->dead = was_dead;
  }
  k->scope->dead = dead;
  flow_release(k, held);
  k->place.context = was;
  return i;
}

static void check_item_key(struct check *k, struct item *i, type_id element, node_id at) {
  type_id type, base = type_base(k->types, element);
  size_t count;
  if (!i->key_name || base == T_any || base == T_hash) return;
  if (base != T_record) {
    diag_help(diag_add(k->diags, D_unknown_field, span_of(k, at), "the items have no field `%s`",
                       name_text(k, i->key_name)),
              "%ss have no fields: leave `as:` out",
              type_text(k->types, k->syms, base == T_time ? type_present(k->types, element) : base,
                        &k->scratch[0]));
    return;
  }
  if (!type_fields(k->types, element, &count)) return;
  if (type_field(k->types, element, i->key_name, &type)) return;
  struct names names = {0};
  names_add_record(k, &names, element);
  struct diag *d = diag_add(k->diags, D_unknown_field, span_of(k, at),
                            "the items have no field `%s`", name_text(k, i->key_name));
  names_help(k, d, name_text(k, i->key_name), &names, "there are");
}

static struct item *each_item(struct check *k, node_id id, const struct clause_args *a) {
  struct item *i = item_new(k, ITEM_EACH_OF, id);
  struct block_mark m;
  i->subject = a->pos[0];
  i->at_once = arg_key(a, W_at_once);
  i->key_name = arg_name(k, a, W_as);
  if (!a->block) return i;
  type_id element = type_element(k->types, a->types[0]);
  check_item_key(k, i, element, arg_key(a, W_as));
  size_t mark = flow_mark(k);
  block_begin(k, &m);
  k->scope->blocks--; /* variables are outputs of steps, not the block's own */
  i->param = node_at(k, a->block)->a;
  node_at(k, a->block)->c = i->param ? node_at(k, i->param)->b : 0;
  scope_params(k, i->param, &element, 1);
  struct beside beside;
  if (i->at_once) beside_begin(k, &beside, ++k->scope->tick, true);
  build_block(k, a->block, &i->items);
  if (i->at_once) beside_end(k, &beside, mark);
  flow_undo(k, mark, UNSET_EACH);
  k->scope->blocks++;
  block_end(k, &m);
  return i;
}

/* --- child runs --- */

static void check_child_input(struct check *k, node_id pair, const struct child *c, bool *given) {
  const struct node *p = node_at(k, pair), *key = node_at(k, p->a);
  if (key->kind != N_sym) return;
  for (size_t i = 0; i < c->input_count; i++) {
    if (c->inputs[i].name != key->a) continue;
    given[i] = true;
    type_id have = check_expr(k, p->b);
    check_field_value(k, p->b, have, &c->inputs[i], NULL);
    return;
  }
  struct names names = {0};
  names_add_fields(k, &names, c->inputs, c->input_count);
  struct diag *d =
      diag_add(k->diags, D_unknown_input, span_of(k, p->a), "the runbook `%s` has no input `%s`",
               name_text(k, c->name), name_text(k, key->a));
  names_help(k, d, name_text(k, key->a), &names, "it has");
}

void plan_child(struct check *k, const struct clause_args *a, node_id call) {
  if (!a->pos[0] || node_at(k, a->pos[0])->kind != N_str) return;
  const struct child *c = child_find(k, a->pos[0]);
  if (!c || !c->loaded) return;
  bool *given = mem_array(c->input_count + 1, sizeof *given);
  struct buf missing = BUF_INIT;
  for (node_id n = node_at(k, call)->c; n; n = node_at(k, n)->next)
    if (node_at(k, n)->kind == N_pair) check_child_input(k, n, c, given);
  for (size_t i = 0; i < c->input_count; i++)
    if (!given[i] && !c->inputs[i].default_value && !c->inputs[i].optional)
      buf_addf(&missing, "%s`%s:`", missing.len ? ", " : "", name_text(k, c->inputs[i].name));
  if (missing.len)
    diag_add(k->diags, D_missing_keyword, span_of(k, a->pos[0]), "the runbook `%s` needs %s",
             name_text(k, c->name), missing.data);
  buf_release(&missing);
  mem_free(given);
}

static struct item *child_item(struct check *k, node_id id, const struct clause_args *a) {
  struct item *i = item_new(k, a->clause->word == W_run ? ITEM_RUN : ITEM_START, id);
  i->title = a->pos[0] && node_at(k, a->pos[0])->kind == N_str ? text_dup(k, a->pos[0]) : "";
  i->subject = node_at(k, id)->kind == N_call ? node_at(k, id)->c : 0;
  while (i->subject && node_at(k, i->subject)->kind != N_pair)
    i->subject = node_at(k, i->subject)->next;
  plan_child(k, a, id);
  return i;
}

static const struct {
  sym word;
  struct item *(*build)(struct check *k, node_id id, const struct clause_args *a);
} item_words[] = {{W_step, step_item},    {W_section, section_item}, {W_parallel, parallel_item},
                  {W_each_of, each_item}, {W_run, child_item},       {W_start, child_item}};

static int item_word(sym word) {
  for (size_t i = 0; i < sizeof item_words / sizeof *item_words; i++)
    if (item_words[i].word == word) return (int)i;
  return -1;
}

/* --- branches --- */

static void branch_items(struct check *k, node_id n, struct branch *b) {
  if (!n) return;
  if (node_at(k, n)->kind == N_body) build_items(k, node_at(k, n)->a, &b->items);
  else b->items = build_item(k, n);
}

static struct branch *branch_new(struct check *k, struct branch ***last) {
  struct branch *b = arena_new(k->arena, struct branch);
  **last = b;
  *last = &b->next;
  return b;
}

/* elsif chains are walked along, not down: they may be long. */
static struct item *if_item(struct check *k, node_id id) {
  struct item *i = item_new(k, ITEM_IF, id);
  struct branch **last = &i->branches;
  struct branch_mark m;
  struct node *n = node_at(k, id);
  enum context was = k->place.context;
  k->place.context = IN_PLAN;
  i->unless = n->flags & NF_UNLESS;
  branch_begin(k, &m);
  for (;;) {
    struct branch *b = branch_new(k, &last);
    b->cond = n->a;
    check_condition(k, n->a);
    branch_items(k, n->b, b);
    branch_next(k, &m);
    if (!n->c || node_at(k, n->c)->kind != N_if) break;
    n = node_at(k, n->c);
  }
  if (n->c) branch_items(k, n->c, branch_new(k, &last));
  branch_next(k, &m);
  branch_end(k, &m, true);
  k->place.context = was;
  return i;
}

static struct item *case_item(struct check *k, node_id id) {
  struct item *i = item_new(k, ITEM_CASE, id);
  struct branch **last = &i->branches;
  struct branch_mark m;
  struct node *n = node_at(k, id);
  enum context was = k->place.context;
  k->place.context = IN_PLAN;
  type_id subject = n->a ? check_expr(k, n->a) : T_boolean;
  i->subject = n->a;
  branch_begin(k, &m);
  for (node_id w = n->b; w; w = node_at(k, w)->next) {
    struct branch *b = branch_new(k, &last);
    b->patterns = node_at(k, w)->a;
    for (node_id p = b->patterns; p; p = node_at(k, p)->next)
      check_pattern(k, n, subject, p);
    branch_items(k, node_at(k, w)->b, b);
    branch_next(k, &m);
  }
  if (n->c) branch_items(k, n->c, branch_new(k, &last));
  if (n->c || !case_covers(k, n, subject)) branch_next(k, &m);
  branch_end(k, &m, true);
  k->place.context = was;
  return i;
}

/* What `run` gives. The child's variables are looked at as they are: its text may change. */
static type_id child_result(struct check *k) {
  const struct record_field fields[] = {
      {W_state, T_symbol}, {W_run, T_string}, {W_outputs, T_record}};
  return type_record(k->types, fields, sizeof fields / sizeof *fields);
}

/* x = run "other", or x = an expression of inputs and variables. */
static struct item *assign_item(struct check *k, node_id id) {
  struct node *n = node_at(k, id), *target = node_at(k, n->a);
  if (n->kind == N_assign && (is_word_call(k, n->b, W_run) || is_word_call(k, n->b, W_start))) {
    struct clause_args a;
    check_clause(k, n->b, clause_find(W_run, IN_PLAN), &a);
    struct item *i = child_item(k, n->b, &a);
    if (is_word_call(k, n->b, W_start)) {
      struct diag *d = diag_add(k->diags, D_wrong_place, span_of(k, id),
                                "`start` does not wait, so it gives no result");
      diag_help(d, "write `run` to wait for it");
    } else if (may_assign(k, n->a)) {
      size_t mark = flow_mark(k);
      scope_assign(k, n->a, child_result(k));
      i->result_slot = target->b + 1;
      if (k->runbook_policy == POLICY_CONTINUE) flow_undo(k, mark, UNSET_CHILD);
    }
    i->node = id;
    return i;
  }
  check_lead(k, id);
  struct item *i = item_new(k, ITEM_ASSIGN, id);
  i->subject = id;
  return i;
}

static void report_item(struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  sym word = n->kind == N_name ? n->a : n->kind == N_call && !n->a ? n->b : 0;
  uint32_t slot;
  if (word && !scope_has(k, word, &slot)) {
    report_word(k, id, word);
    return;
  }
  if (n->kind == N_call && n->a) {
    check_lead(k, id); /* an action says so itself */
    if (n->x == CALL_ACTION) return;
  }
  struct diag *d = diag_add(k->diags, D_wrong_place, span_of(k, id),
                            "only clauses, steps and what holds them stand in %s",
                            context_words(k->place.context));
  diag_help(d, "put it into a step: step \"label\" do ... end");
}

struct item *build_item(struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  switch (n->kind) {
  case N_if:
    return if_item(k, id);
  case N_case:
    return case_item(k, id);
  case N_assign:
  case N_opassign:
  case N_massign:
    return assign_item(k, id);
  default:
    break;
  }
  sym word = n->kind == N_name ? n->a : n->kind == N_call && !n->a ? n->b : 0;
  const struct clause *c = clause_find(word, k->place.context);
  int i = c ? item_word(word) : -1;
  if (i >= 0) {
    struct clause_args a;
    check_clause(k, id, c, &a);
    return item_words[i].build(k, id, &a);
  }
  if (!c) report_item(k, id);
  else if (word != W_input && word != W_use) plan_clause(k, id, c);
  return NULL;
}

static void build_items(struct check *k, node_id list, struct item **first) {
  for (node_id s = list; s; s = node_at(k, s)->next) {
    bool dead = k->scope->dead;
    *first = build_item(k, s);
    if (*first) first = &(*first)->next;
    node_id next = node_at(k, s)->next;
    /* on_failure stands among the items and is reached by failing. */
    if (!dead && k->scope->dead && next && !is_word_call(k, next, W_on_failure))
      diag_add(k->diags, D_unreached, span_of(k, next), "this is never reached");
  }
}

/* --- the runbook --- */

static void check_handler(struct check *k) {
  const struct record_field failure[] = {{W_kind, T_symbol},
                                         {W_message, T_string},
                                         {W_step, type_optional(k->types, T_string)},
                                         {W_state, T_symbol}};
  type_id type = type_record(k->types, failure, sizeof failure / sizeof *failure);
  if (!k->plan->on_failure) return;
  flow_forget(k, UNSET_HANDLER);
  k->place = (struct place){IN_HANDLER, EFFECTS_WRITE, "on_failure"};
  check_block(k, k->plan->on_failure, &type, 1, true);
}

static void collect_steps(struct item *list, struct plan *p) {
  for (struct item *i = list; i; i = i->next) {
    if (i->step) p->steps[p->step_count++] = i->step;
    collect_steps(i->items, p);
    for (struct branch *b = i->branches; b; b = b->next)
      collect_steps(b->items, p);
  }
}

static bool does_something(const struct item *list) {
  for (const struct item *i = list; i; i = i->next) {
    if (i->step || i->kind == ITEM_RUN || i->kind == ITEM_START || does_something(i->items))
      return true;
    for (const struct branch *b = i->branches; b; b = b->next)
      if (does_something(b->items)) return true;
  }
  return false;
}

static void check_plan_size(struct check *k, node_id call, const struct plan *p) {
  if (does_something(p->items) || k->diags->errors) return;
  struct diag *d =
      diag_add(k->diags, D_empty_plan, span_of(k, call), "the runbook `%s` has no steps", p->name);
  diag_help(d, "step \"label\" do ... end");
}

/* Steps before the clause are under it too. */
static enum policy find_policy(const struct check *k, node_id body) {
  for (node_id s = body ? node_at(k, body)->a : 0; s; s = node_at(k, s)->next) {
    const struct node *n = node_at(k, s);
    if (is_word_call(k, s, W_on_failure) && n->kind == N_call && n->c &&
        node_at(k, n->c)->kind == N_sym)
      return plan_policy(node_at(k, n->c)->a);
  }
  return POLICY_DEFAULT;
}

void plan_build(struct check *k, node_id call) {
  struct clause_args a;
  struct scope scope, *outer = k->scope;
  check_clause(k, call, clause_find(W_runbook, IN_FILE), &a);
  if (!a.ok) return;
  struct plan *p = arena_new(k->arena, struct plan);
  node_id body = node_at(k, a.block)->b;
  p->program = k->p;
  p->name = text_dup(k, a.pos[0]);
  k->plan = p;
  scope_begin(k, &scope);
  k->place = (struct place){IN_RUNBOOK, EFFECTS_NONE, "the plan, outside steps,"};
  plan_inputs(k, body);
  k->runbook_policy = find_policy(k, body);
  if (body) build_items(k, node_at(k, body)->a, &p->items);
  check_handler(k);
  warn_inputs(k);
  p->unit = (struct unit){.file = k->file, .body = body};
  scope_end(k, &scope, &p->unit);
  p->steps = arena_alloc(k->arena, k->step_count * sizeof *p->steps + 1);
  collect_steps(p->items, p);
  check_plan_size(k, call, p);
  k->scope = outer;
  k->p->plan = p;
  k->input_type = 0;
  k->plan = NULL;
}
