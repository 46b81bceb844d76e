/* Runs that a run begins: `run` waits for one and goes on with what it gave, `start` does not wait.
 *
 * A child is a run like any other: its own id, journal events, lock and limits. That it begins is
 * on disk before it does (child.started), so that nobody begins it twice. One that is waited for is
 * a part of its parent: it is stopped with it, and undone with it, as one unit that was armed when
 * it began. */
#include "child.h"

#include "family.h"
#include "history.h"
#include "owner.h"

void child_free(struct child_run *c) {
  if (!c) return;
  if (c->run) run_free(c->run);
  for (size_t i = 0; i < c->options.input_count; i++) {
    value_unref(c->given[i].value);
    mem_free((void *)(uintptr_t)c->given[i].name);
  }
  for (size_t i = 0; i < c->options.role_count; i++)
    mem_free((void *)(uintptr_t)c->roles[i]);
  mem_free(c->roles);
  mem_free(c->given);
  mem_free(c->runbook);
  mem_free(c->parent_id);
  buf_release(&c->place);
  error_release(&c->result.error);
  history_free(c->history);
  pinned_release(&c->pinned);
  mem_free(c->past_id);
  mem_free(c);
}

bool child_waited_for(const struct child_run *c) {
  return c && c->waiter;
}

bool run_is_waited_for(const struct run *run) {
  const char *json, *waits;
  size_t len, n;
  if (run->options->parent) return run->options->parent->waits;
  const struct history *h = run->history;
  return h && past_raw(h, h->started, "parent", &json, &len) &&
         json_member(json, len, "wait", &waits, &n) && n == 4;
}

struct run *child_parent(const struct run *run) {
  return run->child ? run->child->waits : NULL;
}

const char *child_id(const struct child_run *c) {
  return c->run ? c->run->id : c->past_id;
}

/* --- before the first effect --- */

static enum status program_check(struct lane *lane, struct program *p, struct error *err) {
  const struct run_options *o = lane->run->options;
  const struct run_options options = {
      .roles = o->roles, .role_count = o->role_count, .drill = lane->run->drill};
  struct run_result result;
  struct error problem = {0};
  struct run *run = run_new(lane->run->engine, p, &options, &run_hooks, &result);
  enum status status = run_preflight(&run->main, &problem);
  run_free(run);
  if (status == OK) return OK;
  error_set(err, problem.status, "the runbook '%s', which this one runs: %s", p->plan->name,
            problem.message);
  if (problem.help) error_help(err, "%s", problem.help);
  error_release(&problem);
  return status;
}

enum status children_check(struct lane *lane, struct error *err) {
  struct run *run = lane->run;
  enum status status = OK;
  if (run->child) return OK; /* its parent has looked */
  status = family_make(run->program, &run->family, err);
  for (size_t i = 0; run->family && status == OK && i < run->family->count; i++)
    status = program_check(lane, run->family->programs[i], err);
  return status;
}

/* --- begin --- */

static bool is_secret(const struct lane *lane, const struct program *p, const char *name, value v) {
  value seen = value_ref(v);
  bool echoed = redact_value(lane->run->engine->secrets, lane->run->program->syms, &seen);
  value_unref(seen);
  if (echoed) return true; /* the journal has something else in its place */
  for (size_t i = 0; i < p->plan->input_count; i++)
    if (strcmp(sym_text(p->syms, p->plan->inputs[i].name), name) == 0 && p->plan->inputs[i].secret)
      return true;
  return value_has_secret(v);
}

static enum status given_take(struct lane *lane, struct child_run *c, struct program *p,
                              node_id pair, bool only_secret, struct error *err) {
  const struct tree *t = lane->eval.tree;
  const struct node *n = tree_node(t, pair);
  const struct symtab *syms = lane->run->program->syms;
  value v;
  if (n->kind != N_pair || tree_node(t, n->a)->kind != N_sym) return OK;
  enum status status = run_eval(lane, n->b, &v, err);
  if (status != OK) return status;
  const char *name = sym_text(syms, tree_node(t, n->a)->a);
  if (!only_secret || is_secret(lane, p, name, v))
    c->given[c->options.input_count++] =
        (struct given_input){mem_strdup(name), value_into(v, syms, p->syms), true};
  value_unref(v);
  return OK;
}

enum status child_inputs(struct lane *lane, struct child_run *c, struct program *p, node_id call,
                         bool only_secret, struct error *err) {
  const struct tree *t = lane->eval.tree;
  size_t count = 0;
  enum status status = OK;
  for (node_id a = tree_node(t, call)->c; a; a = tree_node(t, a)->next)
    count++;
  c->given = mem_array(count + 1, sizeof *c->given);
  for (node_id a = tree_node(t, call)->c; a && status == OK; a = tree_node(t, a)->next)
    status = given_take(lane, c, p, a, only_secret, err);
  c->options.inputs = c->given;
  return status;
}

static void options_take(struct lane *lane, struct child_run *c, bool waits) {
  const struct run_options *o = lane->run->options;
  c->parent_id = mem_strdup(lane->run->id);
  c->parent = (struct run_parent){.run = c->parent_id, .place = buf_str(&c->place), .waits = waits};
  c->roles = mem_array(o->role_count + 1, sizeof *c->roles);
  for (; c->options.role_count < o->role_count; c->options.role_count++)
    c->roles[c->options.role_count] = mem_strdup(o->roles[c->options.role_count]);
  c->options.roles = c->roles;
  c->options.virtual_clock = o->virtual_clock;
  c->options.drill = lane->run->drill;
  c->options.parent = &c->parent;
  c->options.site = lane->run->site;
}

static struct child_run *child_new(struct lane *lane, node_id call, bool waits) {
  const struct tree *t = lane->eval.tree;
  struct text text = tree_text(t, tree_node(t, tree_node(t, call)->c));
  struct child_run *c = mem_zalloc(sizeof *c);
  c->call = call;
  c->armed_seq = INT64_MAX;
  c->runbook = mem_dup(text.s, text.len);
  place_text(lane, call, &c->place);
  options_take(lane, c, waits);
  return c;
}

void child_live(struct lane *lane, struct child_run *c, struct program *p) {
  struct buf name = BUF_INIT;
  c->run = run_new(lane->run->engine, p, &c->options, &run_hooks, &c->result);
  if (c->past_id && !c->history) { /* it was to begin, and did not */
    snprintf(c->run->id, sizeof c->run->id, "%s", c->past_id);
    memcpy(c->result.id, c->run->id, sizeof c->result.id);
  }
  c->run->child = c;
  c->run->family = family_ref(lane->run->family);
  if (lane->item && lane->item->kind == ITEM_RUN) buf_adds(&name, lane->name); /* all it does */
  else buf_addf(&name, "%s%s%s", lane->name ? lane->name : "", lane->name ? "/" : "", c->runbook);
  c->run->main.name = buf_take(&name);
}

static enum status child_record(struct lane *lane, const char *kind, struct record *r, struct error *err) {
  return run_record_at(lane, "", kind, r, err);
}

static enum status child_make(struct lane *lane, struct child_run *c, node_id call,
                              struct error *err) {
  struct program *p = family_find(lane->run->family, lane->run->program, c->runbook);
  if (!p) return error_set(err, ERR_NOT_FOUND, "no runbook '%s'", c->runbook);
  enum status status = replay_live(lane, err);
  if (status == OK) status = child_inputs(lane, c, p, call, false, err);
  if (status == OK) child_live(lane, c, p);
  return status;
}

/* That it begins is on disk before it does. */
static enum status child_begin(struct lane *lane, struct child_run *c, struct error *err) {
  struct record r = {0};
  enum status status = OK;
  if (!c->past_id) {
    record_text(&r, "run", c->run->id);
    record_text(&r, "runbook", c->runbook);
    record_text(&r, "place", buf_str(&c->place));
    record_bool(&r, "wait", c->parent.waits);
    status = child_record(lane, EVENT_NAME(CHILD_STARTED), &r, err);
  }
  if (status == OK) status = run_sync(lane, err);
  if (status != OK) return status;
  run_spawn(c->run);
  /* The limits of who waits for it hold in it, a write that is under way there included. */
  if (c->waiter) task_limit(c->run->main.task, task_deadline(lane->run->engine->tasks));
  return OK;
}

/* --- as a unit of what its parent undoes --- */

struct step_run *child_arm(struct lane *lane, struct child_run *c, int64_t seq) {
  static const struct step plain = {.id = "", .label = ""};
  struct step_run *s = mem_zalloc(sizeof *s);
  struct buf label = BUF_INIT;
  buf_addf(&label, "run %s", c->runbook);
  s->step = &plain;
  s->lane = lane;
  s->child = c;
  s->id = mem_strdup(buf_str(&c->place));
  s->label = buf_take(&label);
  step_arm(lane, s, seq);
  return s;
}

static void unit_disarm(struct step_run *s) {
  struct step_run **at = &s->lane->run->armed;
  while (*at != s)
    at = &(*at)->before;
  *at = s->before;
  s->lane->armed--;
  step_run_free(s);
}

/* In the task of whoever undoes its parent. */
static void undo_here(struct child_run *c, const char *parent) {
  struct engine *g = c->run->engine;
  struct error cause = {0};
  error_set(&cause, ERR_FAILED, "run %s, which waited for it, is rolled back", parent);
  error_kind(&cause, "parent");
  c->run->next = g->runs;
  g->runs = c->run;
  c->run->handled = true;
  error_release(&c->result.error);
  run_roll_back(&c->run->main, &cause);
  struct run **at = &g->runs;
  while (*at != c->run)
    at = &(*at)->next;
  *at = c->run->next;
  error_release(&cause);
}

/* One that the journal has is gone back with, as `stepwise rollback` would. */
static enum status undo_past(struct lane *lane, struct child_run *c, struct error *err) {
  enum status status = child_take_over(lane, c, true, err);
  if (status == OK && c->run) status = child_inputs(lane, c, c->pinned.program, c->call, true, err);
  if (status != OK || !c->run) return status;
  c->run->handled = true;
  c->waiter = task_current(lane->run->engine->tasks);
  c->waits = lane->run;
  run_spawn(c->run);
  status = child_await(lane, c, err);
  return status;
}

/* The child unwinds by itself what it armed. */
enum status child_undo(struct lane *lane, struct step_run *s, struct error *err) {
  struct child_run *c = s->child;
  enum status status = OK;
  if (c->run && !c->run->armed) return OK;
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK, .text = s->label, .id = s->id});
  if (c->run) undo_here(c, lane->run->id);
  else status = undo_past(lane, c, err);
  if (status != OK) return status;
  if (!c->run) run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK_DONE});
  if (!c->run || c->result.state == RUN_ROLLED_BACK) return OK;
  error_set(err, ERR_FAILED, "the rollback of run %s (%s) is not complete: %s", c->runbook,
            child_id(c), c->result.error.message ? c->result.error.message : "failed");
  error_help(err, "stepwise rollback %s%s goes on with it", child_id(c), run_tail(lane));
  error_kind(err, "child");
  return ERR_FAILED;
}

/* --- wait --- */

enum status child_await(struct lane *lane, struct child_run *c, struct error *err) {
  struct engine *g = lane->run->engine;
  enum status status = OK;
  g->lanes--;
  while (!c->over && status == OK)
    status = task_park(g->tasks, err);
  if (!c->over) {
    struct error none = {0};
    int64_t before = task_shield(g->tasks);
    lane_halt(&c->run->main, HALT_PARENT);
    while (!c->over)
      if (task_park(g->tasks, &none) != OK) error_release(&none);
    task_unshield(g->tasks, before);
  }
  g->lanes++;
  return status;
}

value child_result(struct lane *lane, const char *id, enum run_state state, value owned_outputs) {
  struct symtab *to = lane->run->program->syms;
  struct dict *d = dict_new();
  const char *name = run_state_name(state);
  dict_set(d, value_symbol(W_state), value_symbol(sym_intern(to, name, strlen(name))));
  dict_set(d, value_symbol(W_run), value_cstr(id));
  dict_set(d, value_symbol(W_outputs), owned_outputs);
  return value_record(d);
}

static value child_value(struct lane *lane, const struct child_run *c) {
  struct symtab *to = lane->run->program->syms;
  const struct program *p = c->run->program;
  const struct eval *e = &c->run->main.eval;
  struct dict *outputs = dict_new();
  for (uint32_t i = 0; i < e->unit->slot_count; i++)
    if (e->unit->slot_names[i] && e->is_set[i])
      dict_set(outputs, value_into(value_symbol(e->unit->slot_names[i]), p->syms, to),
               value_into(e->slots[i], p->syms, to));
  return child_result(lane, c->run->id, c->result.state, value_record(outputs));
}

enum status child_finished(struct lane *lane, const struct child_run *c, const char *id,
                           value result, struct error *err) {
  struct record r = {0};
  enum run_state state = c->result.state;
  record_text(&r, "run", id);
  record_text(&r, "place", buf_str(&c->place));
  record_text(&r, "state", state ? run_state_name(state) : "not_started");
  if (!state) record_error(&r, "error", &c->result.error, c->run->program);
  record_value(&r, "result", result, lane->run->program->syms);
  return child_record(lane, EVENT_NAME(CHILD_FINISHED), &r, err);
}

/* One that could not begin and that nobody waits for: its parent's events say so, even when that
 * has ended. */
static void child_refused(struct child_run *c) {
  struct lane *lane = &c->run->main;
  struct error err = {0};
  char id[RUN_ID_MAX];
  run_notice(lane, &(struct notice){
                       .kind = NOTICE_END, .text = "did not begin", .error = &c->result.error});
  memcpy(id, c->run->id, sizeof id);
  memcpy(c->run->id, c->parent_id, strlen(c->parent_id) + 1);
  enum status status = child_finished(lane, c, id, VALUE_NIL, &err);
  if (status == OK) status = engine_commit(c->run->engine, &err);
  if (status != OK) error_release(&err); /* the next event meets it */
}

/* In the child's own task, when all of it is over. */
void child_over(struct child_run *c) {
  c->over = true;
  if (c->waiter) {
    task_wake(c->waiter);
    return;
  }
  if (c->result.state == RUN_NONE) child_refused(c);
  child_free(c);
}

/* What the parent is told of a child that did not succeed. Who waits for somebody is no failure. */
enum status child_failed(const struct lane *lane, const struct child_run *c, struct error *err) {
  const struct run_result *r = &c->result;
  const char *message = r->error.message ? r->error.message : "it failed";
  const char *state = r->state ? run_state_name(r->state) : "did not begin";
  bool waits = r->state == RUN_WAITING || r->state == RUN_IN_DOUBT;
  enum status status = r->journal_lost  ? ERR_JOURNAL
                       : waits          ? ERR_WAITING
                       : r->interrupted ? ERR_CANCELLED
                       : r->declined    ? ERR_CANCELLED
                                        : ERR_FAILED;
  error_set(err, status, "run %s (%s) %s%s: %s", c->runbook, child_id(c), r->state ? "is " : "",
            state, message);
  error_kind(err, r->interrupted ? "interrupted" : r->declined ? "declined" : "child");
  if (r->state) error_help(err, "stepwise show %s%s", child_id(c), run_tail(lane));
  else if (r->error.help) error_help(err, "%s", r->error.help);
  return status;
}

/* A child that was stopped before it had come to where it was does not know all that it did; its
 * journal does. */
static bool half_walked(const struct child_run *c) {
  return c->history && (c->run->walking || c->run->visited < c->run->to_visit);
}

/* What there is of the child for its parent to undo. */
static void unit_keep(struct lane *lane, struct step_run *unit) {
  struct child_run *c = unit->child;
  unit->did = c->run->wrote;
  unit->in_doubt = c->result.state == RUN_IN_DOUBT;
  if (half_walked(c)) {
    struct step_run *past = child_arm_past(lane, c, c->past_id, unit->armed_seq);
    past->did = unit->did;
    past->in_doubt = unit->in_doubt;
    unit_disarm(unit);
  } else if (!c->run->armed) {
    unit_disarm(unit);
  }
}

/* Ends what was between the two; what the child armed stays the parent's to undo. */
static enum status child_end(struct lane *lane, struct step_run *unit, enum status status,
                             value *result, struct error *err) {
  struct child_run *c = unit->child;
  struct error second = {0};
  *result = VALUE_NIL;
  if (c->result.state == RUN_SUCCEEDED) *result = child_value(lane, c);
  enum status kept = child_finished(lane, c, c->run->id, *result, &second);
  lane->run->wrote |= c->run->wrote;
  if (c->result.state != RUN_SUCCEEDED && (status == OK || c->result.journal_lost)) {
    error_release(err);
    status = child_failed(lane, c, err);
  } else if (c->result.state == RUN_SUCCEEDED && kept == OK) {
    error_release(err);
    status = OK; /* a stop is met at the next step */
  }
  if (status == OK && kept != OK) {
    status = kept;
    error_move(err, &second);
  }
  error_release(&second);
  unit_keep(lane, unit);
  return status;
}

/* --- in the plan --- */

/* `x = run ...` has the call below the assignment. */
static node_id call_of(const struct lane *lane, const struct item *item) {
  const struct node *n = tree_node(lane->eval.tree, item->node);
  return n->kind == N_assign ? n->b : item->node;
}

/* From here on it is live. Takes c. */
static enum status child_carry(struct lane *lane, struct child_run *c, value *result,
                               struct error *err) {
  struct step_run *unit = child_arm(lane, c, c->armed_seq);
  c->waiter = task_current(lane->run->engine->tasks);
  c->waits = lane->run;
  enum status status = child_begin(lane, c, err);
  if (status != OK) {
    unit_disarm(unit);
    return status;
  }
  status = child_await(lane, c, err);
  return child_end(lane, unit, status, result, err);
}

static enum status child_do(struct lane *lane, node_id call, value *result, struct error *err) {
  struct child_run *c = child_new(lane, call, true);
  enum status status = OK;
  switch (child_again(lane, c, result, &status, err)) {
  case CHILD_DONE:
  case CHILD_FAILED:
    child_free(c);
    return status;
  case CHILD_GOES_ON:
    status = replay_live(lane, err);
    if (status == OK) status = child_take_over(lane, c, false, err);
    if (status == OK) status = child_inputs(lane, c, c->pinned.program, call, true, err);
    break;
  case CHILD_NEW:
    status = child_make(lane, c, call, err);
    break;
  }
  if (status == OK) return child_carry(lane, c, result, err);
  child_free(c);
  return status;
}

enum flow child_run_item(struct lane *lane, const struct item *item) {
  struct error err = {0};
  value result = VALUE_NIL;
  enum status status = child_do(lane, call_of(lane, item), &result, &err);
  if (status == OK && item->result_slot)
    eval_set_slot(&lane->eval, item->result_slot - 1, value_ref(result));
  value_unref(result);
  return status == OK ? FLOW_ON : plan_failed(lane, &err);
}

enum status child_start(struct lane *lane, node_id call, struct error *err) {
  struct child_run *c = child_new(lane, call, false);
  bool begun = false;
  enum status status = child_started_before(lane, c, &begun, err);
  if (status == OK && !begun) status = child_make(lane, c, call, err);
  if (status == OK && !begun) status = child_begin(lane, c, err);
  if (status != OK || begun) {
    child_free(c);
    return status;
  }
  struct buf text = BUF_INIT;
  buf_addf(&text, "started %s: run %s, which goes on by itself", c->runbook, c->run->id);
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  buf_release(&text);
  return OK;
}

enum flow child_start_item(struct lane *lane, const struct item *item) {
  struct error err = {0};
  return child_start(lane, item->node, &err) == OK ? FLOW_ON : plan_failed(lane, &err);
}
