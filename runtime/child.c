/* Runs that a run begins: `run` waits for one and goes on with what it gave, `start` does not wait.
 *
 * A child is a run like any other: its own id, journal events, lock and limits. That it begins is on
 * disk before it does (child.started), so that nobody begins it twice. One that is waited for is a
 * part of its parent: it is stopped with it, and undone with it, as one unit that was armed when it
 * began. */
#include "run.h"

#include "family.h"

struct child_run {
  struct run *run;     /* owned; of one that is waited for until its parent ends */
  struct task *waiter; /* NULL: nobody waits */
  struct run *waits;   /* whose task that is */
  bool over;
  char *runbook; /* as the parent calls it */
  struct buf place;
  struct run_options options;
  struct run_parent parent;
  struct run_result result;
  struct given_input *given; /* with their names owned */
  char *parent_id;
  const char **roles; /* owned: the parent may end before it */
};

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
  mem_free(c);
}

bool child_waited_for(const struct child_run *c) {
  return c && c->waiter;
}

struct run *child_parent(const struct run *run) {
  return run->child ? run->child->waits : NULL;
}

const char *child_id(const struct child_run *c) {
  return c->run->id;
}

/* --- before the first effect --- */

static enum status program_check(struct lane *lane, struct program *p, struct error *err) {
  const struct run_options *o = lane->run->options;
  const struct run_options options = {.roles = o->roles, .role_count = o->role_count};
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

static enum status given_take(struct lane *lane, struct child_run *c, struct program *p,
                              node_id pair, struct error *err) {
  const struct tree *t = lane->eval.tree;
  const struct node *n = tree_node(t, pair);
  const struct symtab *syms = lane->run->program->syms;
  value v;
  if (n->kind != N_pair || tree_node(t, n->a)->kind != N_sym) return OK;
  enum status status = run_eval(lane, n->b, &v, err);
  if (status != OK) return status;
  c->given[c->options.input_count++] = (struct given_input){
      mem_strdup(sym_text(syms, tree_node(t, n->a)->a)), value_into(v, syms, p->syms)};
  value_unref(v);
  return OK;
}

static enum status inputs_take(struct lane *lane, struct child_run *c, struct program *p,
                               node_id call, struct error *err) {
  const struct tree *t = lane->eval.tree;
  size_t count = 0;
  enum status status = OK;
  for (node_id a = tree_node(t, call)->c; a; a = tree_node(t, a)->next)
    count++;
  c->given = mem_array(count + 1, sizeof *c->given);
  for (node_id a = tree_node(t, call)->c; a && status == OK; a = tree_node(t, a)->next)
    status = given_take(lane, c, p, a, err);
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
  c->options.parent = &c->parent;
  c->options.site = lane->run->site;
}

static enum status child_new(struct lane *lane, node_id call, bool waits, struct child_run **out,
                             struct error *err) {
  const struct tree *t = lane->eval.tree;
  struct text text = tree_text(t, tree_node(t, tree_node(t, call)->c));
  struct child_run *c = *out = mem_zalloc(sizeof *c);
  c->runbook = mem_dup(text.s, text.len);
  place_text(lane, call, &c->place);
  struct program *p = family_find(lane->run->family, lane->run->program, c->runbook);
  if (!p) return error_set(err, ERR_NOT_FOUND, "no runbook '%s'", c->runbook);
  enum status status = inputs_take(lane, c, p, call, err);
  if (status != OK) return status;
  options_take(lane, c, waits);
  c->run = run_new(lane->run->engine, p, &c->options, &run_hooks, &c->result);
  c->run->child = c;
  c->run->family = family_ref(lane->run->family);
  struct buf name = BUF_INIT;
  if (lane->item && lane->item->kind == ITEM_RUN) buf_adds(&name, lane->name); /* all it does */
  else buf_addf(&name, "%s%s%s", lane->name ? lane->name : "", lane->name ? "/" : "", c->runbook);
  c->run->main.name = buf_take(&name);
  return OK;
}

/* That it begins is on disk before it does. */
static enum status child_begin(struct lane *lane, struct child_run *c, struct error *err) {
  struct record r = {0};
  record_text(&r, "run", c->run->id);
  record_text(&r, "runbook", c->runbook);
  record_text(&r, "place", buf_str(&c->place));
  record_bool(&r, "wait", c->parent.waits);
  enum status status = run_record(lane, EVENT_NAME(CHILD_STARTED), &r, err);
  if (status == OK) status = run_sync(lane, err);
  if (status == OK) run_spawn(c->run);
  return status;
}

/* --- as a unit of what its parent undoes --- */

static struct step_run *unit_arm(struct lane *lane, struct child_run *c) {
  static const struct step plain = {.id = "", .label = ""};
  struct step_run *s = mem_zalloc(sizeof *s);
  struct buf label = BUF_INIT;
  buf_addf(&label, "run %s", c->runbook);
  s->step = &plain;
  s->lane = lane;
  s->child = c;
  s->id = mem_strdup(buf_str(&c->place));
  s->label = buf_take(&label);
  step_arm(lane, s, INT64_MAX);
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

/* The child unwinds by itself what it armed, in the task of whoever undoes its parent. */
enum status child_undo(struct lane *lane, struct step_run *s, struct error *err) {
  struct child_run *c = s->child;
  struct engine *g = lane->run->engine;
  struct error cause = {0};
  if (!c->run->armed) return OK;
  error_set(&cause, ERR_FAILED, "run %s, which waited for it, is rolled back", lane->run->id);
  error_kind(&cause, "parent");
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK, .text = s->label, .id = s->id});
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
  if (c->result.state == RUN_ROLLED_BACK) return OK;
  error_set(err, ERR_FAILED, "the rollback of run %s (%s) is not complete: %s", c->runbook,
            c->run->id, c->result.error.message ? c->result.error.message : "failed");
  error_help(err, "stepwise rollback %s goes on with it", c->run->id);
  error_kind(err, "child");
  return ERR_FAILED;
}

/* --- wait --- */

/* Returns when the child is over. A stop that comes meanwhile is passed on to it. */
static enum status child_await(struct lane *lane, struct child_run *c, struct error *err) {
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

static value child_value(struct lane *lane, const struct child_run *c) {
  struct symtab *to = lane->run->program->syms;
  const struct program *p = c->run->program;
  const struct eval *e = &c->run->main.eval;
  struct dict *outputs = dict_new(), *d = dict_new();
  const char *state = run_state_name(c->result.state);
  for (uint32_t i = 0; i < e->unit->slot_count; i++)
    if (e->unit->slot_names[i] && e->is_set[i])
      dict_set(outputs, value_into(value_symbol(e->unit->slot_names[i]), p->syms, to),
               value_into(e->slots[i], p->syms, to));
  dict_set(d, value_symbol(W_state), value_symbol(sym_intern(to, state, strlen(state))));
  dict_set(d, value_symbol(W_run), value_cstr(c->run->id));
  dict_set(d, value_symbol(W_outputs), value_record(outputs));
  return value_record(d);
}

static enum status child_finished(struct lane *lane, const struct child_run *c, const char *id,
                                  value result, struct error *err) {
  struct record r = {0};
  enum run_state state = c->result.state;
  record_text(&r, "run", id);
  record_text(&r, "place", buf_str(&c->place));
  record_text(&r, "state", state ? run_state_name(state) : "not_started");
  if (!state) record_error(&r, "error", &c->result.error, c->run->program);
  record_value(&r, "result", result, lane->run->program->syms);
  return run_record(lane, EVENT_NAME(CHILD_FINISHED), &r, err);
}

/* One that could not begin and that nobody waits for: its parent's events say so, even when that has
 * ended. */
static void child_refused(struct child_run *c) {
  struct lane *lane = &c->run->main;
  struct error err = {0};
  char id[RUN_ID_MAX];
  run_notice(lane, &(struct notice){.kind = NOTICE_END, .text = "did not begin", .error = &c->result.error});
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
static enum status child_failed(const struct child_run *c, struct error *err) {
  const struct run_result *r = &c->result;
  const char *message = r->error.message ? r->error.message : "it failed";
  const char *state = r->state ? run_state_name(r->state) : "did not begin";
  bool waits = r->state == RUN_WAITING || r->state == RUN_IN_DOUBT;
  enum status status = r->journal_lost  ? ERR_JOURNAL
                       : waits          ? ERR_WAITING
                       : r->interrupted ? ERR_CANCELLED
                       : r->declined    ? ERR_CANCELLED
                                        : ERR_FAILED;
  error_set(err, status, "run %s (%s) %s%s: %s", c->runbook, c->run->id, r->state ? "is " : "",
            state, message);
  error_kind(err, r->interrupted ? "interrupted" : r->declined ? "declined" : "child");
  if (r->state) error_help(err, "stepwise show %s", c->run->id);
  else if (r->error.help) error_help(err, "%s", r->error.help);
  return status;
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
  unit->did = c->run->wrote;
  unit->in_doubt = c->result.state == RUN_IN_DOUBT;
  if (c->result.state != RUN_SUCCEEDED && (status == OK || c->result.journal_lost)) {
    error_release(err);
    status = child_failed(c, err);
  } else if (c->result.state == RUN_SUCCEEDED && kept == OK) {
    error_release(err);
    status = OK; /* a stop is met at the next step */
  }
  if (status == OK && kept != OK) {
    status = kept;
    error_move(err, &second);
  }
  error_release(&second);
  if (!c->run->armed) unit_disarm(unit);
  return status;
}

/* --- in the plan --- */

/* `x = run ...` has the call below the assignment. */
static node_id call_of(const struct lane *lane, const struct item *item) {
  const struct node *n = tree_node(lane->eval.tree, item->node);
  return n->kind == N_assign ? n->b : item->node;
}

enum flow child_run_item(struct lane *lane, const struct item *item) {
  struct error err = {0};
  struct child_run *c;
  value result = VALUE_NIL;
  enum status status = child_new(lane, call_of(lane, item), true, &c, &err);
  if (status == OK) {
    struct step_run *unit = unit_arm(lane, c);
    c->waiter = task_current(lane->run->engine->tasks);
    c->waits = lane->run;
    status = child_begin(lane, c, &err);
    if (status != OK) {
      unit_disarm(unit);
    } else {
      status = child_await(lane, c, &err);
      status = child_end(lane, unit, status, &result, &err);
    }
  } else {
    child_free(c);
  }
  if (status == OK && item->result_slot)
    eval_set_slot(&lane->eval, item->result_slot - 1, value_ref(result));
  value_unref(result);
  return status == OK ? FLOW_ON : plan_failed(lane, &err);
}

enum status child_start(struct lane *lane, node_id call, struct error *err) {
  struct child_run *c;
  enum status status = child_new(lane, call, false, &c, err);
  if (status == OK) status = child_begin(lane, c, err);
  if (status != OK) {
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
