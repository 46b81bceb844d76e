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

static uint32_t longest_branch(const struct item *item) {
  uint32_t most = 0;
  for (const struct branch *b = item->branches; b; b = b->next) {
    uint32_t n = items_ahead(b->items);
    if (n > most) most = n;
  }
  return most;
}

uint32_t items_ahead(const struct item *items) {
  uint32_t n = 0;
  for (const struct item *i = items; i; i = i->next)
    n += (i->step != NULL) + items_ahead(i->items) + longest_branch(i);
  return n;
}

/* The longest of the branches was counted. */
static enum flow branch_run(struct lane *lane, const struct item *item,
                            const struct branch *taken) {
  lane->run->total -= longest_branch(item) - (taken ? items_ahead(taken->items) : 0);
  return taken ? items_run(lane, taken->items) : FLOW_ON;
}

/* --- branches --- */

/* A plan's condition that cannot be evaluated is a failure of the lane, under its policy. */
enum flow plan_failed(struct lane *lane, struct error *err) {
  enum flow flow = run_failed(lane, NULL, POLICY_DEFAULT, err);
  error_release(err);
  return flow;
}

static enum flow if_run(struct lane *lane, const struct item *item) {
  struct error err = {0};
  for (const struct branch *b = item->branches; b; b = b->next) {
    bool taken = !b->cond;
    value v;
    if (b->cond) {
      if (run_eval(lane, b->cond, &v, &err) != OK) return plan_failed(lane, &err);
      taken = value_truthy(v) != (item->unless && b == item->branches);
      value_unref(v);
    }
    if (taken) return branch_run(lane, item, b);
  }
  return branch_run(lane, item, NULL);
}

/* Without a subject a pattern is a condition, as in Ruby. */
static enum status pattern_taken(struct lane *lane, const struct branch *b, const value *subject,
                                 bool *taken, struct error *err) {
  for (node_id p = b->patterns; p && !*taken; p = tree_node(lane->eval.tree, p)->next) {
    value v;
    enum status status = run_eval(lane, p, &v, err);
    if (status != OK) return status;
    if (!subject) *taken = value_truthy(v);
    else if (op_matches(&lane->eval, v, *subject, taken) != OK) error_move(err, &lane->err);
    value_unref(v);
    if (err->status != OK) return err->status;
  }
  return OK;
}

static enum flow case_run(struct lane *lane, const struct item *item) {
  struct error err = {0};
  value subject = VALUE_NIL;
  if (item->subject && run_eval(lane, item->subject, &subject, &err) != OK)
    return plan_failed(lane, &err);
  const struct branch *b = item->branches;
  for (; b; b = b->next) {
    bool taken = !b->patterns;
    if (pattern_taken(lane, b, item->subject ? &subject : NULL, &taken, &err) != OK) break;
    if (taken) break;
  }
  value_unref(subject);
  return err.status == OK ? branch_run(lane, item, b) : plan_failed(lane, &err);
}

static enum flow section_run(struct lane *lane, const struct item *item) {
  struct error err = {0};
  struct record r = {0};
  run_notice(lane, &(struct notice){.kind = NOTICE_SECTION, .text = item->title});
  if (replay_said(lane, EVENT_SECTION_STARTED, item->title)) return items_run(lane, item->items);
  record_text(&r, "title", item->title);
  if (run_record(lane, EVENT_NAME(SECTION_STARTED), &r, &err) != OK) return plan_failed(lane, &err);
  return items_run(lane, item->items);
}

static enum flow assign_run(struct lane *lane, const struct item *item) {
  struct error err = {0};
  value v;
  if (run_eval(lane, item->subject, &v, &err) != OK) return plan_failed(lane, &err);
  value_unref(v);
  return FLOW_ON;
}

static enum flow step_run_item(struct lane *lane, const struct item *item) {
  return step_execute(lane, item->step);
}

/* Child runs are no steps that --only could name; --from begins at a step. */
const char *child_passed(const struct run_options *o, bool from_seen) {
  return o->only ? "not the step of --only" : o->from && !from_seen ? "before --from" : NULL;
}

static enum flow child_item(struct lane *lane, const struct item *item) {
  const char *passed = child_passed(lane->run->options, lane->from_seen);
  struct error err = {0};
  struct record r = {0};
  struct buf text = BUF_INIT;
  if (!passed)
    return item->kind == ITEM_RUN ? child_run_item(lane, item) : child_start_item(lane, item);
  buf_addf(&text, "the run of %s is passed over: %s", item->title, passed);
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  record_text(&r, "text", buf_str(&text));
  buf_release(&text);
  enum status status = run_record(lane, EVENT_NAME(RUN_NOTED), &r, &err);
  return status == OK ? FLOW_ON : plan_failed(lane, &err);
}

static enum flow (*const item_ways[])(struct lane *lane, const struct item *item) = {
    [ITEM_SECTION] = section_run,   [ITEM_STEP] = step_run_item, [ITEM_IF] = if_run,
    [ITEM_CASE] = case_run,         [ITEM_EACH_OF] = each_run,   [ITEM_ASSIGN] = assign_run,
    [ITEM_PARALLEL] = parallel_run, [ITEM_RUN] = child_item,     [ITEM_START] = child_item,
};

enum flow item_run_one(struct lane *lane, const struct item *item) {
  struct error err = {0};
  if (lane_halted(lane, &err) != OK) return plan_failed(lane, &err);
  return item_ways[item->kind](lane, item);
}

enum flow items_run(struct lane *lane, const struct item *items) {
  for (const struct item *item = items; item; item = item->next)
    if (item_run_one(lane, item) == FLOW_END) return FLOW_END;
  return FLOW_ON;
}

/* --- start --- */

static enum status record_inputs(struct lane *lane, struct record *r) {
  struct record in = {0};
  const struct dict *d = value_dict(lane->eval.input);
  for (size_t i = 0; i < dict_count(d); i++) {
    value name, v;
    dict_at(d, i, &name, &v);
    record_value(&in, sym_text(lane->run->program->syms, name.u.s), v, lane->run->program->syms);
  }
  record_join(r, "inputs", &in);
  return OK;
}

static enum status put_site(struct lane *lane, struct record *r, struct error *err) {
  const struct site *site = lane->run->site;
  char sha[65];
  if (!site) return OK;
  const struct source *s = site_text(site);
  enum status status =
      journal_put_text(lane->run->engine->config.journal, s->text, s->len, sha, err);
  if (status == OK) record_text(r, "site", sha);
  record_text(r, "site_file", site->file);
  return status;
}

/* The run is pinned: the journal keeps the text of everything it was read from. */
enum status run_put_texts(struct lane *lane, struct record *r, struct error *err) {
  struct program *p = lane->run->program;
  struct record modules = {0};
  char sha[65];
  enum status status = OK;
  for (size_t i = 0; status == OK && i < p->file_count; i++) {
    const struct source *s = p->sources[i];
    status = journal_put_text(lane->run->engine->config.journal, s->text, s->len, sha, err);
    if (status == OK) record_text(i ? &modules : r, i ? s->name : "sha256", sha);
  }
  if (modules.data.len) record_join(r, "modules", &modules);
  return status == OK ? put_site(lane, r, err) : status;
}

static void record_options(struct lane *lane, struct record *r) {
  const struct run_options *o = lane->run->options;
  struct record in = {0};
  record_text(&in, "from", o->from);
  record_text(&in, "only", o->only);
  record_texts(&in, "skip", o->skip, o->skip_count);
  record_text(&in, "skip_reason", o->skip_reason);
  record_texts(&in, "roles", o->roles, o->role_count);
  if (o->virtual_clock) record_text(&in, "clock", "virtual");
  if (o->page_and_go) record_bool(&in, "page_and_go", true);
  if (lane->run->drill) drill_record(lane->run->drill, &in);
  if (in.data.len) record_join(r, "options", &in);
}

static void record_parent(struct lane *lane, struct record *r) {
  const struct run_parent *p = lane->run->options->parent;
  struct record in = {0};
  if (!p) return;
  record_text(&in, "run", p->run);
  record_text(&in, "step", p->place);
  record_bool(&in, "wait", p->waits);
  record_join(r, "parent", &in);
}

static enum status run_begin(struct lane *lane, struct error *err) {
  struct record r = {0};
  struct plan *plan = lane->run->plan;
  record_text(&r, "runbook", plan->name);
  record_text(&r, "title", plan->title);
  enum status status = run_put_texts(lane, &r, err);
  record_text(&r, "file", lane->run->program->sources[0]->name);
  record_inputs(lane, &r);
  plan_hash(lane->run->program, site_text(lane->run->site), lane->run->plan_sha);
  record_text(&r, "plan", lane->run->plan_sha);
  record_text(&r, "stepwise", STEPWISE_VERSION);
  record_text(&r, "lock", lane->run->lock);
  record_options(lane, &r);
  record_parent(lane, &r);
  record_text(&r, "trigger", lane->run->options->trigger);
  if (status == OK) status = run_record(lane, EVENT_NAME(RUN_STARTED), &r, err);
  record_release(&r);
  if (status != OK) return status;
  run_notice(lane, &(struct notice){.kind = NOTICE_RUN,
                                    .text = plan->title ? plan->title : plan->name,
                                    .id = lane->run->id,
                                    .n = items_ahead(plan->items),
                                    .detail = journal_actor(lane->run->engine->config.journal)});
  return OK;
}

static enum status run_limit(struct lane *lane, struct error *err) {
  int64_t limit;
  enum status status = run_duration(lane, lane->run->plan->timeout, LIMIT_RUN, &limit, err);
  if (status == OK)
    task_deadline_push(lane->run->engine->tasks, clock_add(lane->run->started, limit));
  return status;
}

static void some_failed(struct lane *lane) {
  struct error err = {0};
  if (doubt_left(lane)) return;
  error_set(&err, ERR_FAILED, "some steps failed; the rest was done (on_failure :continue)");
  lane->run->result->state = RUN_FAILED;
  run_handler(lane, NULL, &err);
  run_fail(lane, NULL, &err);
  error_release(&err);
}

static enum status run_first(struct lane *lane, struct error *err) {
  enum status status = inputs_gather(lane, err);
  if (status == OK) status = run_preflight(lane, err);
  if (status == OK) status = children_check(lane, err);
  if (status == OK) status = drill_check(lane, err);
  if (status == OK) status = run_lock(lane, err);
  return status == OK ? run_begin(lane, err) : status;
}

void run_main(void *arg) {
  struct lane *lane = arg;
  struct error *err = &lane->run->result->error;
  lane->run->started = clock_mono(lane->run->engine->config.clock);
  enum status status = lane->run->history ? resume_begin(lane, err) : run_first(lane, err);
  /* What is only walked through to be undone has all its time behind it. */
  if (status == OK && !lane->run->back) status = run_limit(lane, err);
  if (status != OK) return;
  lane->run->result->state = RUN_RUNNING;
  lane->run->total = items_ahead(lane->run->plan->items);
  if (items_run(lane, lane->run->plan->items) == FLOW_END) return;
  if (lane->run->back) {
    if (run_back_stop(err) != OK) run_back(lane, NULL, err);
    return;
  }
  if (lane->run->some_failed) some_failed(lane);
  else run_succeed(lane, NULL);
}
