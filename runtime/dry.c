/* A plan from its head to its end: inputs, what is known before the first step, items, handler. */
#include "dry.h"

#include "codec.h"
#include "dry_own.h"

void dry_note(const struct dry *d, struct dry_note n) {
  n.level = d->level;
  dry_note_tell(d->run->engine, d->observer, &n);
}

/* --- hooks --- */

static enum status hook_poll(void *ud, struct eval *e) {
  struct dry *d = ud;
  return task_poll(d->run->engine->tasks, e->err);
}

static int64_t hook_now(void *ud) {
  return ((struct dry *)ud)->now;
}

static int64_t hook_offset(void *ud, int64_t us) {
  struct dry *d = ud;
  return site_offset(d->run->site, us);
}

const struct eval_hooks dry_hooks = {.action = dry_action,
                                     .statement = dry_statement,
                                     .poll = hook_poll,
                                     .now = hook_now,
                                     .offset = hook_offset,
                                     .perhaps = dry_perhaps};

/* --- the head --- */

static bool is_given(const struct run_options *o, const char *name) {
  for (size_t i = 0; i < o->input_count; i++)
    if (strcmp(o->inputs[i].name, name) == 0) return true;
  return false;
}

static void inputs_tell(struct dry *d) {
  const struct plan *plan = d->run->plan;
  const struct symtab *syms = d->run->program->syms;
  for (size_t i = 0; i < plan->input_count; i++) {
    const struct field *f = &plan->inputs[i];
    const char *name = sym_text(syms, f->name);
    struct buf text = BUF_INIT, json = BUF_INIT;
    value v = VALUE_NIL;
    record_get(d->e->input, f->name, &v);
    if (v.tag == V_UNKNOWN) buf_adds(&text, "unknown: nobody gave it");
    else if (v.tag == V_NIL) buf_adds(&text, "not given");
    else value_inspect(v, syms, &text);
    json_write(v, syms, true, &json);
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_INPUT,
                                  .text = name,
                                  .detail = buf_str(&text),
                                  .json = buf_str(&json),
                                  .truth = v.tag == V_UNKNOWN ? DRY_OPEN : DRY_HOLDS,
                                  .n = f->default_value && v.tag != V_NIL &&
                                       !is_given(d->run->options, name)});
    buf_release(&text);
    buf_release(&json);
  }
}

static void problem_tell(void *ud, const struct error *problem) {
  struct dry *d = ud;
  d->total->end.problems++;
  dry_note(d,
           (struct dry_note){.kind = DRY_NOTE_PROBLEM, .error = problem, .text = problem->message});
}

/* Whether the run could begin beside those that are live. Of a child run it is only said. */
enum status dry_lock(struct dry *d, struct error *err) {
  const struct plan *plan = d->run->plan;
  struct buf shown = BUF_INIT;
  struct error problem = {0};
  char *text = NULL;
  if (!plan->lock && !plan->concurrency) return OK;
  if (dry_text(d, plan->lock, &text) != OK) {
    error_move(err, d->e->err);
    return err->status;
  }
  bool known = !strstr(text, "(unknown"), held = lock_look(d->lane, &problem) != OK;
  buf_addf(&shown, "\"%s\"%s", text, !known ? "" : held ? ": held" : ": free");
  if (plan->lock)
    dry_note(d,
             (struct dry_note){.kind = DRY_NOTE_FACT, .text = "lock", .detail = buf_str(&shown)});
  if (held && !d->outer) problem_tell(d, &problem);
  buf_release(&shown);
  error_release(&problem);
  mem_free(text);
  return OK;
}

static void facts_tell(struct dry *d) {
  static const char *const names[] = {
      [POLICY_DEFAULT] = "hold",      [POLICY_HOLD] = "hold",  [POLICY_ROLLBACK] = "roll back",
      [POLICY_CONTINUE] = "continue", [POLICY_RETRY] = "hold", [POLICY_SKIP] = "skip"};
  const struct plan *plan = d->run->plan;
  struct buf text = BUF_INIT;
  dry_duration(d, plan->timeout, LIMIT_RUN, &text);
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_FACT, .text = "limit", .detail = buf_str(&text)});
  buf_clear(&text);
  dry_note(d, (struct dry_note){
                  .kind = DRY_NOTE_FACT, .text = "on failure", .detail = names[plan->policy]});
  if (plan->concurrency) {
    dry_source(d, plan->concurrency, &text);
    dry_note(d, (struct dry_note){
                    .kind = DRY_NOTE_FACT, .text = "concurrency", .detail = buf_str(&text)});
  }
  if (plan->requires_role)
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_FACT,
                                  .text = "may be run by",
                                  .detail = sym_text(d->run->program->syms, plan->requires_role)});
  buf_release(&text);
}

static enum status head_tell(struct dry *d, struct error *err) {
  const struct plan *plan = d->run->plan;
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_HEAD,
                                .text = plan->title ? plan->title : plan->name,
                                .detail = plan->name});
  inputs_tell(d);
  facts_tell(d);
  enum status status = dry_lock(d, err);
  if (status != OK) return status;
  run_preflight_all(d->lane, problem_tell, d);
  struct error children = {0};
  if (children_check(d->lane, &children) != OK) problem_tell(d, &children);
  else if (drill_check(d->lane, &children) != OK) problem_tell(d, &children);
  error_release(&children);
  return OK;
}

/* --- the walk --- */

enum status dry_walk(struct dry *d, struct error *err) {
  enum status status = dry_items(d, d->run->plan->items, err);
  return status == OK ? dry_handler(d, err) : status;
}

/* What a walk holds besides its run. */
void dry_release(struct dry *d) {
  for (uint32_t i = 0; d->early && i < d->e->unit->slot_count; i++)
    value_unref(d->early[i]);
  mem_free(d->early);
  run_free(d->run);
}

static void end_tell(struct dry *d) {
  struct dry_total *t = d->total;
  plan_hash(d->run->program, site_text(d->run->site), t->end.plan_sha);
  t->end.changes = t->changes;
  t->end.stops_at = t->stops_at;
  t->end.stops_why = t->stops_why;
  t->end.practice = t->practice.len ? buf_str(&t->practice) : NULL;
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_END, .end = &t->end});
}

struct dry_main {
  struct dry *d;
  struct task *task;
  struct error *err;
  enum status status;
};

static void main_task(void *arg) {
  struct dry_main *m = arg;
  struct dry *d = m->d;
  m->status = inputs_gather(d->lane, m->err);
  if (m->status == OK) m->status = head_tell(d, m->err);
  if (m->status == OK) m->status = dry_walk(d, m->err);
  if (m->status == OK) end_tell(d);
}

static void interrupted(void *ud, int signum) {
  struct dry_main *m = ud;
  (void)signum;
  task_cancel(m->task);
}

enum status dry_run(struct engine *g, struct program *program, const struct run_options *options,
                    const struct dry_options *dry, const struct dry_observer *observer,
                    uint32_t *problems, struct error *err) {
  struct dry_total total = {0};
  struct run_result result;
  struct run_options given = *options;
  given.inputs_unknown = !dry->inputs_needed;
  struct dry d = {.options = dry,
                  .observer = observer,
                  .total = &total,
                  .now = clock_wall(g->config.clock),
                  .run = run_new(g, program, &given, &dry_hooks, &result)};
  struct dry_main m = {.d = &d, .err = err};
  d.lane = &d.run->main;
  d.e = &d.lane->eval;
  d.e->ud = &d;
  tasks_on_signal(g->tasks, interrupted, &m);
  m.task = task_spawn(g->tasks, main_task, &m);
  tasks_run(g->tasks);
  task_release(m.task);
  *problems = total.end.problems;
  dry_release(&d);
  dry_total_release(&total);
  return m.status;
}
