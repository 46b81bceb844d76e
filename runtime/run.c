/* A run from its start to its end: preflight, then the plan's items in order. */
#include "run.h"

#include "codec.h"
#include "method.h"

/* --- how many steps --- */

uint32_t items_steps(const struct item *items) {
  uint32_t n = 0;
  for (const struct item *i = items; i; i = i->next) {
    n += i->step != NULL;
    n += items_steps(i->items);
    for (const struct branch *b = i->branches; b; b = b->next)
      n += items_steps(b->items);
  }
  return n;
}

/* Branches that are not taken are no steps to come. */
static enum flow branch_run(struct run *run, const struct item *item, const struct branch *taken) {
  for (const struct branch *b = item->branches; b; b = b->next)
    if (b != taken) run->total -= items_steps(b->items);
  return taken ? items_run(run, taken->items) : FLOW_ON;
}

/* --- branches --- */

/* A plan's condition that cannot be evaluated is a failure of the run, under its policy. */
enum flow plan_failed(struct run *run, struct error *err) {
  enum flow flow = run_failed(run, NULL, POLICY_DEFAULT, err);
  error_release(err);
  return flow;
}

static enum flow if_run(struct run *run, const struct item *item) {
  struct error err = {0};
  for (const struct branch *b = item->branches; b; b = b->next) {
    bool taken = !b->cond;
    value v;
    if (b->cond) {
      if (run_eval(run, b->cond, &v, &err) != OK) return plan_failed(run, &err);
      taken = value_truthy(v) != (item->unless && b == item->branches);
      value_unref(v);
    }
    if (taken) return branch_run(run, item, b);
  }
  return branch_run(run, item, NULL);
}

/* Without a subject a pattern is a condition, as in Ruby. */
static enum status pattern_taken(struct run *run, const struct branch *b, const value *subject,
                                 bool *taken, struct error *err) {
  for (node_id p = b->patterns; p && !*taken; p = tree_node(run->eval.tree, p)->next) {
    value v;
    enum status status = run_eval(run, p, &v, err);
    if (status != OK) return status;
    if (!subject) *taken = value_truthy(v);
    else if (op_matches(&run->eval, v, *subject, taken) != OK) error_move(err, &run->err);
    value_unref(v);
    if (err->status != OK) return err->status;
  }
  return OK;
}

static enum flow case_run(struct run *run, const struct item *item) {
  struct error err = {0};
  value subject = VALUE_NIL;
  if (item->subject && run_eval(run, item->subject, &subject, &err) != OK)
    return plan_failed(run, &err);
  const struct branch *b = item->branches;
  for (; b; b = b->next) {
    bool taken = !b->patterns;
    if (pattern_taken(run, b, item->subject ? &subject : NULL, &taken, &err) != OK) break;
    if (taken) break;
  }
  value_unref(subject);
  return err.status == OK ? branch_run(run, item, b) : plan_failed(run, &err);
}

static enum flow section_run(struct run *run, const struct item *item) {
  struct error err = {0};
  struct record r = {0};
  record_text(&r, "title", item->title);
  run_notice(run, &(struct notice){.kind = NOTICE_SECTION, .text = item->title});
  if (run_record(run, EVENT_NAME(SECTION_STARTED), &r, &err) != OK) return plan_failed(run, &err);
  return items_run(run, item->items);
}

static enum flow assign_run(struct run *run, const struct item *item) {
  struct error err = {0};
  value v;
  if (run_eval(run, item->subject, &v, &err) != OK) return plan_failed(run, &err);
  value_unref(v);
  return FLOW_ON;
}

static enum flow step_run_item(struct run *run, const struct item *item) {
  return step_execute(run, item->step);
}

/* Kinds that are not here are refused before a run begins (not_yet in host.c). */
static enum flow (*const item_run[])(struct run *run, const struct item *item) = {
    [ITEM_SECTION] = section_run, [ITEM_STEP] = step_run_item, [ITEM_IF] = if_run,
    [ITEM_CASE] = case_run,       [ITEM_EACH_OF] = each_run,   [ITEM_ASSIGN] = assign_run,
    [ITEM_START] = NULL,
};

enum flow items_run(struct run *run, const struct item *items) {
  for (const struct item *item = items; item; item = item->next) {
    struct error err = {0};
    if (!item_run[item->kind]) {
      error_set(&err, ERR_CHECK, "this construct cannot be run yet");
      error_at(&err, tree_span(run->eval.tree, item->node));
      return plan_failed(run, &err);
    }
    if (item_run[item->kind](run, item) == FLOW_END) return FLOW_END;
  }
  return FLOW_ON;
}

/* --- start --- */

static enum status record_inputs(struct run *run, struct record *r) {
  struct record in = {0};
  const struct dict *d = value_dict(run->eval.input);
  for (size_t i = 0; i < dict_count(d); i++) {
    value name, v;
    dict_at(d, i, &name, &v);
    record_value(&in, sym_text(run->program->syms, name.u.s), v, run->program->syms);
  }
  buf_adds(&in.data, in.data.len ? "}" : "{}");
  record_raw(r, "inputs", buf_str(&in.data));
  buf_release(&in.data);
  return OK;
}

/* The run is pinned: the journal keeps the text of everything it was read from. */
static enum status put_texts(struct run *run, struct record *r, struct error *err) {
  struct program *p = run->program;
  struct record modules = {0};
  char sha[65];
  enum status status = OK;
  for (size_t i = 0; status == OK && i < p->file_count; i++) {
    const struct source *s = p->sources[i];
    status = journal_put_text(run->engine->config.journal, s->text, s->len, sha, err);
    if (status == OK) record_text(i ? &modules : r, i ? s->name : "sha256", sha);
  }
  if (modules.data.len) {
    buf_addc(&modules.data, '}');
    record_raw(r, "modules", buf_str(&modules.data));
  }
  buf_release(&modules.data);
  return status;
}

static void record_options(struct run *run, struct record *r) {
  const struct run_options *o = run->options;
  struct record in = {0};
  record_text(&in, "from", o->from);
  record_text(&in, "only", o->only);
  record_texts(&in, "skip", o->skip, o->skip_count);
  record_text(&in, "skip_reason", o->skip_reason);
  record_texts(&in, "roles", o->roles, o->role_count);
  if (o->virtual_clock) record_text(&in, "clock", "virtual");
  if (!in.data.len) return;
  buf_addc(&in.data, '}');
  record_raw(r, "options", buf_str(&in.data));
  buf_release(&in.data);
}

static enum status run_begin(struct run *run, struct error *err) {
  struct record r = {0};
  struct plan *plan = run->plan;
  record_text(&r, "runbook", plan->name);
  record_text(&r, "title", plan->title);
  enum status status = put_texts(run, &r, err);
  record_text(&r, "file", run->program->sources[0]->name);
  record_inputs(run, &r);
  record_text(&r, "stepwise", STEPWISE_VERSION);
  record_options(run, &r);
  if (status == OK) status = run_record(run, EVENT_NAME(RUN_STARTED), &r, err);
  buf_release(&r.data);
  if (status != OK) return status;
  run_notice(run, &(struct notice){.kind = NOTICE_RUN,
                                   .text = plan->title ? plan->title : plan->name,
                                   .id = run->id,
                                   .n = (uint32_t)plan->step_count,
                                   .detail = journal_actor(run->engine->config.journal)});
  return OK;
}

static enum status run_limit(struct run *run, struct error *err) {
  int64_t limit;
  enum status status = run_duration(run, run->plan->timeout, LIMIT_RUN, &limit, err);
  if (status == OK) task_deadline_push(run->engine->tasks, clock_add(run->started, limit));
  return status;
}

static void some_failed(struct run *run) {
  struct error err = {0};
  error_set(&err, ERR_FAILED, "some steps failed; the rest was done (on_failure :continue)");
  run->result->state = RUN_FAILED;
  run_handler(run, NULL, &err);
  run_fail(run, NULL, &err);
  error_release(&err);
}

void run_main(void *arg) {
  struct run *run = arg;
  struct error *err = &run->result->error;
  run->started = clock_mono(run->engine->config.clock);
  enum status status = inputs_gather(run, err);
  if (status == OK) status = run_preflight(run, err);
  if (status == OK) status = run_limit(run, err);
  if (status == OK) status = run_lock(run, err);
  if (status == OK) status = run_begin(run, err);
  if (status != OK) return;
  run->result->state = RUN_RUNNING;
  run->total = items_steps(run->plan->items);
  if (items_run(run, run->plan->items) == FLOW_END) return;
  if (run->some_failed) some_failed(run);
  else run_succeed(run, NULL);
}
