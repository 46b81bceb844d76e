/* Steps: their clauses in their order, their body, what they leave behind. */
#include "check.h"

/* Step clauses stand in this order; the body is between RANK_RETRIES and RANK_VERIFY. */
enum rank {
  RANK_NONE,
  RANK_ABOUT,
  RANK_REQUIRES,
  RANK_GUARD,
  RANK_APPROVE,
  RANK_TIMEOUT,
  RANK_RETRIES,
  RANK_BODY,
  RANK_VERIFY,
  RANK_UNDO,
  RANK_ON_FAILURE
};

struct building {
  struct step *step;
  enum rank rank;
  sym last;      /* the word that brought the rank */
  uint32_t once; /* bit by step_clauses index: has been given */
  bool may_skip; /* a guard may skip the step */
  node_id undo;  /* the first of rollback and irreversible */
  struct guard **guards;
  struct approval **approvals;
  struct verify **verifies;
};

typedef void take_fn(struct check *k, node_id id, const struct clause_args *a, struct building *b);

static void take_about(struct check *k, node_id id, const struct clause_args *a,
                       struct building *b) {
  (void)id;
  b->step->about = text_dup(k, a->pos[0]);
}

static void take_link(struct check *k, node_id id, const struct clause_args *a,
                      struct building *b) {
  struct step *s = b->step;
  const char **grown = arena_push(k, s->links, s->link_count, sizeof *grown);
  (void)id;
  grown[s->link_count++] = text_dup(k, a->pos[0]);
  s->links = grown;
}

static void take_requires(struct check *k, node_id id, const struct clause_args *a,
                          struct building *b) {
  (void)id;
  b->step->requires_role = arg_name(k, a, W_role);
}

static void take_guard(struct check *k, node_id id, const struct clause_args *a,
                       struct building *b) {
  struct guard *g = *b->guards = arena_new(k->arena, struct guard);
  sym otherwise = arg_name(k, a, W_otherwise);
  check_truth(k, a->pos[1], a->types[1]);
  *g = (struct guard){.text = a->pos[0], .cond = a->pos[1], .at = id};
  g->otherwise = otherwise == W_skip  ? OTHERWISE_SKIP
                 : otherwise == W_ask ? OTHERWISE_ASK
                                      : OTHERWISE_FAIL;
  b->may_skip |= g->otherwise == OTHERWISE_SKIP;
  b->guards = &g->next;
}

static void take_approve(struct check *k, node_id id, const struct clause_args *a,
                         struct building *b) {
  struct approval *p = *b->approvals = arena_new(k->arena, struct approval);
  node_id quorum = arg_key(a, W_quorum), self = arg_key(a, W_self_ok);
  int64_t count = quorum && node_at(k, quorum)->kind == N_int ? tree_int(node_at(k, quorum))
                  : quorum                                    ? 0
                                                              : 1;
  if (count < 1 || count > 100)
    diag_add(k->diags, D_out_of_range, span_of(k, quorum), "`quorum:` is a number from 1 to 100");
  *p = (struct approval){
      .text = a->pos[0], .role = arg_name(k, a, W_by), .quorum = (uint32_t)count, .at = id};
  p->within = arg_key(a, W_within);
  p->use_by = arg_key(a, W_use_by);
  p->self_ok = self && node_at(k, self)->kind == N_true;
  p->otherwise = plan_policy(arg_name(k, a, W_otherwise));
  b->approvals = &p->next;
}

static void take_timeout(struct check *k, node_id id, const struct clause_args *a,
                         struct building *b) {
  (void)k, (void)id;
  *(a->clause->word == W_timeout ? &b->step->timeout : &b->step->deadline) = a->pos[0];
}

static void take_retries(struct check *k, node_id id, const struct clause_args *a,
                         struct building *b) {
  struct retry *r = b->step->retry = arena_new(k->arena, struct retry);
  node_id on = arg_key(a, W_on), jitter = arg_key(a, W_jitter);
  (void)id;
  *r = (struct retry){a->pos[0], arg_key(a, W_backoff), arg_key(a, W_max_backoff), jitter, NULL, 0};
  if (jitter) {
    type_id have = check_expr(k, jitter);
    if (!type_fits(k->types, have, T_boolean) && !type_fits(k->types, have, T_number))
      diag_add(k->diags, D_wrong_type, span_of(k, jitter),
               "`jitter:` is true, false or a part such as 0.5, not %s", type_words(k, have));
  }
  if (!on) return;
  const struct node *list = node_at(k, on);
  node_id first = list->kind == N_array ? list->a : on;
  r->kinds = arena_alloc(k->arena,
                         (list->kind == N_array ? list_count(k, list->a) : 1) * sizeof *r->kinds);
  for (node_id n = first; n; n = list->kind == N_array ? node_at(k, n)->next : 0)
    r->kinds[r->kind_count++] = node_at(k, n)->a;
}

/* A block of the step that is walked in a place of its own. */
static void walk_block(struct check *k, node_id block, struct place place) {
  struct place was = k->place;
  bool writes = k->step_writes, dead = k->scope->dead;
  node_id first = k->first_write;
  k->place = place;
  type_id type = check_block(k, block, NULL, 0, true);
  if (place.context == IN_CONDITION) check_truth(k, block, type);
  k->place = was;
  k->step_writes = writes;
  k->first_write = first;
  k->scope->dead = dead;
}

static void take_verify(struct check *k, node_id id, const struct clause_args *a,
                        struct building *b) {
  struct verify *v = *b->verifies = arena_new(k->arena, struct verify);
  *v = (struct verify){.text = a->pos[0],
                       .within = arg_key(a, W_within),
                       .every = arg_key(a, W_every),
                       .block = a->block};
  b->verifies = &v->next;
  if (v->every && !v->within) {
    struct diag *d = diag_add(k->diags, D_missing_keyword, span_of(k, v->every),
                              "`every:` of `verify` needs `within:` too");
    diag_help(d, "%s", a->clause->usage);
  }
  (void)id;
  walk_block(k, a->block, (struct place){IN_CONDITION, EFFECTS_READ, "a verify"});
}

static void take_rollback(struct check *k, node_id id, const struct clause_args *a,
                          struct building *b) {
  (void)id;
  b->step->rollback = a->block;
  b->step->undo_timeout = arg_key(a, W_timeout);
  b->step->undo_retries = arg_key(a, W_retries);
  b->step->undo_backoff = arg_key(a, W_backoff);
  k->undoing = k->step_writes;
  walk_block(k, a->block, (struct place){IN_ROLLBACK, EFFECTS_WRITE, "a rollback"});
  k->undoing = false;
}

static void take_irreversible(struct check *k, node_id id, const struct clause_args *a,
                              struct building *b) {
  (void)k, (void)id;
  b->step->irreversible = a->pos[0];
}

static void take_on_failure(struct check *k, node_id id, const struct clause_args *a,
                            struct building *b) {
  (void)id;
  b->step->policy = plan_policy(node_at(k, a->pos[0])->a);
}

static const struct step_clause {
  sym word;
  enum rank rank;
  bool many;
  const char *what; /* for messages about what it may do */
  take_fn *take;
} step_clauses[] = {
    {W_about, RANK_ABOUT, false, "`about`", take_about},
    {W_link, RANK_ABOUT, true, "`link`", take_link},
    {W_requires, RANK_REQUIRES, false, "`requires`", take_requires},
    {W_guard, RANK_GUARD, true, "a guard", take_guard},
    {W_approve, RANK_APPROVE, true, "an approval", take_approve},
    {W_timeout, RANK_TIMEOUT, false, "a timeout", take_timeout},
    {W_deadline, RANK_TIMEOUT, false, "a deadline", take_timeout},
    {W_retries, RANK_RETRIES, false, "`retries`", take_retries},
    {W_verify, RANK_VERIFY, true, "a verify", take_verify},
    {W_rollback, RANK_UNDO, false, "a rollback", take_rollback},
    {W_irreversible, RANK_UNDO, false, "`irreversible`", take_irreversible},
    {W_on_failure, RANK_ON_FAILURE, false, "`on_failure`", take_on_failure},
};

static int step_clause_index(sym word) {
  if (!word || word >= WORD_COUNT) return -1;
  for (size_t i = 0; i < sizeof step_clauses / sizeof *step_clauses; i++)
    if (step_clauses[i].word == word) return (int)i;
  return -1;
}

static void check_order(struct check *k, node_id id, struct building *b, enum rank rank, sym word) {
  if (rank >= b->rank) {
    b->rank = rank;
    b->last = word;
    return;
  }
  struct diag *d;
  if (rank == RANK_BODY)
    d = diag_add(k->diags, D_clause_order, span_of(k, id), "the step's body ends before `%s`",
                 name_text(k, b->last));
  else
    d = diag_add(k->diags, D_clause_order, span_of(k, id), "`%s` stands before %s%s%s",
                 name_text(k, word), b->last ? "`" : "the step's body",
                 b->last ? name_text(k, b->last) : "", b->last ? "`" : "");
  diag_help(d, "the order is about, requires, guard, approve, timeout, retries, body, verify, "
               "rollback or irreversible, on_failure");
}

static void report_undo_twice(struct check *k, node_id id, struct building *b) {
  struct diag *d = diag_add(k->diags, D_undo_twice, span_of(k, id),
                            "a step has `rollback` or `irreversible`, not both");
  diag_note(d, span_of(k, b->undo), "the first stands here");
}

static void step_clause(struct check *k, node_id id, int index, struct building *b) {
  const struct step_clause *c = &step_clauses[index];
  struct place was = k->place;
  struct clause_args a;
  check_order(k, id, b, c->rank, c->word);
  if (c->rank == RANK_UNDO) {
    if (b->undo && !(b->once & 1u << index)) report_undo_twice(k, id, b);
    if (!b->undo) b->undo = id;
  }
  if (!c->many && (b->once & 1u << index))
    diag_add(k->diags, D_repeated_clause, span_of(k, id), "`%s` stands twice in this step",
             name_text(k, c->word));
  b->once |= 1u << index;
  k->place.effects = EFFECTS_READ;
  k->place.what = c->what;
  check_clause(k, id, clause_find(c->word, IN_STEP), &a);
  k->place = was;
  node_at(k, id)->flags |= NF_CLAUSE;
  if (a.ok) c->take(k, id, &a, b);
}

static void step_line(struct check *k, node_id id, struct building *b) {
  const struct node *n = node_at(k, id);
  uint32_t slot;
  sym word = n->kind == N_call && !n->a                        ? n->b
             : n->kind == N_name && !scope_has(k, n->a, &slot) ? n->a
                                                               : 0;
  int index = step_clause_index(word);
  if (index >= 0) {
    step_clause(k, id, index, b);
    return;
  }
  check_order(k, id, b, RANK_BODY, 0);
  check_lead(k, id);
  check_idle(k, id);
}

static bool is_step_clause(const struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  return n->kind == N_call && !n->a && step_clause_index(n->b) >= 0;
}

static void step_body(struct check *k, node_id block, struct building *b) {
  b->step->body = node_at(k, block)->b;
  for (node_id s = b->step->body ? node_at(k, b->step->body)->a : 0, next; s; s = next) {
    next = node_at(k, s)->next;
    bool dead = k->scope->dead;
    step_line(k, s, b);
    if (!dead && k->scope->dead && next && !is_step_clause(k, next))
      diag_add(k->diags, D_unreached, span_of(k, next), "this is never reached");
  }
}

/* --- ids --- */

static bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void slug_add(struct buf *out, const char *s, size_t len) {
  for (size_t i = 0; i < len; i++) {
    char c = s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i];
    if (is_id_char(c)) buf_addc(out, c);
    else if (out->len && out->data[out->len - 1] != '-') buf_addc(out, '-');
  }
}

static void slug_of(struct check *k, node_id label, struct buf *out) {
  const struct node *n = node_at(k, label);
  struct text text;
  if (n->kind == N_str) {
    text = tree_text(k->t, n);
    slug_add(out, text.s, text.len);
  }
  for (node_id p = n->kind == N_dstr ? n->a : 0; p; p = node_at(k, p)->next) {
    if (node_at(k, p)->kind == N_str) text = tree_text(k->t, node_at(k, p));
    else text = (struct text){"-", 1};
    slug_add(out, text.s, text.len);
  }
  while (out->len && out->data[out->len - 1] == '-')
    buf_truncate(out, out->len - 1);
}

static bool is_id(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if (!is_id_char(t.s[i]) && (i == 0 || (t.s[i] != '-' && t.s[i] != '_' && t.s[i] != '.')))
      return false;
  return t.len > 0;
}

static void report_repeated_id(struct check *k, node_id at, const char *id) {
  struct diag *d =
      diag_add(k->diags, D_repeated_id, span_of(k, at), "the step id `%s` is taken", id);
  for (size_t i = 0; d && i < k->step_count; i++)
    if (strcmp(k->step_list[i]->id, id) == 0) {
      diag_note(d, span_of(k, node_at(k, k->step_list[i]->node)->c), "by this step");
      break;
    }
  diag_help(d, "give one of them an id of its own: step \"label\", id: \"other-id\" do");
}

static const char *step_id(struct check *k, node_id label, node_id given) {
  struct buf b = BUF_INIT;
  if (given && node_at(k, given)->kind == N_str) {
    struct text text = tree_text(k->t, node_at(k, given));
    buf_add(&b, text.s, text.len);
    if (!is_id(text))
      diag_help(diag_add(k->diags, D_bad_id, span_of(k, given), "this is not a step id"),
                "small letters, digits, `-`, `_` and `.`");
  } else {
    slug_of(k, label, &b);
    if (!b.len)
      diag_help(diag_add(k->diags, D_bad_id, span_of(k, label), "this label gives no step id"),
                "name one: step \"label\", id: \"some-id\" do");
  }
  sym name = sym_intern(k->syms, buf_str(&b), b.len);
  if (b.len && !tell_once(k, name, TOLD_STEP_ID))
    report_repeated_id(k, given ? given : label, buf_str(&b));
  buf_release(&b);
  return sym_text(k->syms, name);
}

/* --- the step --- */

static void check_undo(struct check *k, struct step *s, node_id label) {
  if (!s->writes || s->rollback || s->irreversible) return;
  struct diag *d = diag_add(k->diags, D_undo_missing, span_of(k, label),
                            "this step writes, and does not say how to undo it");
  diag_note(d, span_of(k, k->first_write), "it writes here");
  diag_help(d, "add `rollback do ... end`, or `irreversible \"why\"` where there is no way back");
}

/* The run goes on after this step fails: what it set may be missing then. */
static bool goes_on(const struct check *k, const struct step *s) {
  enum policy p = s->policy ? s->policy : k->runbook_policy;
  return p == POLICY_CONTINUE || p == POLICY_SKIP;
}

static uint32_t *take_slots(struct check *k, struct vec *v, size_t *count) {
  *count = v->count;
  uint32_t *slots = arena_alloc(k->arena, v->count * sizeof *slots + 1);
  if (v->count) memcpy(slots, v->at, v->count * sizeof *slots);
  v->count = 0;
  return slots;
}

static void take_outputs(struct check *k, struct step *s) {
  s->outputs = take_slots(k, &k->outputs, &s->output_count);
  s->late = take_slots(k, &k->late, &s->late_count);
}

static void step_remember(struct check *k, struct step *s) {
  k->step_list = mem_grow(k->step_list, k->step_count, &k->step_cap, sizeof *k->step_list);
  k->step_list[k->step_count++] = s;
}

struct step *plan_step(struct check *k, node_id call, const struct clause_args *args) {
  struct step *s = arena_new(k->arena, struct step);
  struct building b = {
      .step = s, .guards = &s->guards, .approvals = &s->approvals, .verifies = &s->verifies};
  struct place was = k->place;
  node_id label = args->pos[0];
  if (!label || !args->block) return NULL;
  const struct node *l = node_at(k, label);
  bool plain = l->kind == N_str;
  if (!plain && l->kind != N_dstr) {
    if (args->ok)
      diag_add(k->diags, D_not_literal, span_of(k, label), "a step's label is a text written out");
    return NULL;
  }
  s->node = call;
  s->label = plain ? text_dup(k, label)
                   : arena_dup(k->arena, k->t->source->text + l->start + 1, l->end - l->start - 2);
  s->label_node = plain ? 0 : label;
  s->id = step_id(k, label, arg_key(args, W_id));
  step_remember(k, s);
  k->step_number = (uint32_t)k->step_count;
  k->step_mark = flow_mark(k);
  k->step_writes = false;
  k->place = (struct place){IN_STEP, EFFECTS_WRITE, "a step"};
  step_body(k, args->block, &b);
  s->writes = k->step_writes;
  check_undo(k, s, label);
  take_outputs(k, s);
  bool on = goes_on(k, s);
  flow_step_end(k, k->step_mark, b.may_skip || on, b.may_skip ? UNSET_SKIP : UNSET_FAILED);
  k->step_number = 0;
  k->place = was;
  return s;
}
