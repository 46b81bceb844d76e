/* One step: its gate, its attempts, its outcome. The only place that decides what is tried again.
 */
#include "run.h"

#include "codec.h"
#include "digest.h"
#include "fanout.h"
#include "utf8.h"

void step_run_free(struct step_run *s) {
  child_free(s->child);
  books_free(s->books);
  mem_free(s->id);
  mem_free(s->label);
  replay_free(s->replay);
  mem_free(s);
}

static enum status step_run_new(struct lane *lane, const struct step *step, struct step_run **out,
                                struct error *err) {
  char *label = NULL;
  enum status status = OK;
  if (step->label_node) status = run_text(lane, step->label_node, &label, err);
  struct step_run *s = mem_zalloc(sizeof *s);
  s->step = step;
  s->lane = lane;
  struct buf id = BUF_INIT;
  buf_adds(&id, step->id);
  buf_adds(&id, buf_str(&lane->item_key));
  if (id.len > STEP_ID_MAX) {
    status = error_set(err, ERR_LIMIT, "the step's id is %zu bytes long, at most %d", id.len,
                       STEP_ID_MAX);
    error_help(err, "it begins with %.40s; in each_of, as: :FIELD names a short key", id.data);
    size_t cut = utf8_back(id.data, STEP_ID_MAX / 4); /* it fails under what can be recorded */
    buf_truncate(&id, cut);
  }
  s->id = buf_take(&id);
  s->label = label ? label : mem_strdup(step->label ? step->label : step->id);
  s->started = clock_mono(lane->run->engine->config.clock);
  /* Without a step to undo nobody will want the variables of earlier. */
  if (!lane->armed) eval_log_clear(&lane->eval);
  s->log_from = eval_log_mark(&lane->eval);
  s->log_to = LOG_OPEN;
  *out = s;
  return status;
}

/* --- outcomes --- */

/* The variables that the step set: what a resumed run goes on with. Block parameters have no name.
 */
static void record_outputs(struct lane *lane, const struct step_run *s, struct record *r) {
  struct record outputs = {0};
  const struct unit *unit = &lane->run->plan->unit;
  for (size_t i = s->log_from; i < lane->log.count; i++) {
    const struct eval_change *c = &lane->log.items[i];
    if (unit->slot_names[c->slot])
      record_value(&outputs, sym_text(lane->run->program->syms, unit->slot_names[c->slot]),
                   lane->eval.slots[c->slot], lane->run->program->syms);
  }
  if (outputs.data.len) record_join(r, "outputs", &outputs);
}

static enum status step_skipped(struct lane *lane, struct step_run *s, const char *reason,
                                const char *by, struct error *err) {
  struct record r = {0};
  record_text(&r, "reason", reason);
  record_text(&r, "by", by);
  s->done = true;
  record_outputs(lane, s, &r);
  run_notice(lane, &(struct notice){.kind = NOTICE_STEP_SKIPPED,
                                    .text = s->label,
                                    .id = s->id,
                                    .detail = reason,
                                    .n = s->number,
                                    .of = lane->run->total});
  return run_record(lane, EVENT_NAME(STEP_SKIPPED), &r, err);
}

static enum status step_finished(struct lane *lane, struct step_run *s, const char *reason,
                                 struct error *err) {
  struct record r = {0};
  int64_t us = clock_mono(lane->run->engine->config.clock) - s->started;
  s->done = true;
  record_outputs(lane, s, &r);
  record_int(&r, "duration_us", us);
  record_text(&r, "reason", reason);
  run_notice(lane, &(struct notice){.kind = NOTICE_STEP_DONE, .us = us, .detail = reason});
  return run_record(lane, EVENT_NAME(STEP_FINISHED), &r, err);
}

static const char *const policy_name[] = {[POLICY_HOLD] = "hold",
                                          [POLICY_ROLLBACK] = "rollback",
                                          [POLICY_CONTINUE] = "continue",
                                          [POLICY_SKIP] = "skip"};

static enum policy step_policy(const struct step_run *s) {
  return s->policy != POLICY_DEFAULT ? s->policy : s->step->policy;
}

static enum flow step_failed(struct lane *lane, struct step_run *s, struct error *err) {
  lane_halt_name(lane, err);
  run_limit_name(err);
  run_park(lane, err);
  enum policy policy = policy_of(lane, step_policy(s), err);
  /* What waits, is in doubt or does not match the journal has not failed yet. */
  bool failed = err->status != ERR_JOURNAL && err->status != ERR_WAITING && !s->in_doubt;
  if (failed && strcmp(err->kind, "replay") != 0) {
    struct record r = {0};
    struct error second = {0};
    int64_t us = clock_mono(lane->run->engine->config.clock) - s->started;
    record_error(&r, "error", err, lane->run->program);
    record_int(&r, "attempt", s->attempt);
    record_text(&r, "policy", policy_name[policy]);
    record_outputs(lane, s, &r);
    record_int(&r, "duration_us", us);
    run_notice(lane, &(struct notice){
                         .kind = NOTICE_STEP_FAILED,
                         .error = err,
                         .us = us,
                         .detail = policy == POLICY_CONTINUE ? "going on: on_failure :continue"
                                   : policy == POLICY_SKIP   ? "going on: on_failure :skip"
                                                             : NULL});
    if (run_record(lane, EVENT_NAME(STEP_FAILED), &r, &second) != OK) error_move(err, &second);
  }
  return run_failed(lane, s, step_policy(s), err);
}

/* --- attempts --- */

struct limits {
  int64_t timeout, deadline;       /* durations, or CLOCK_NEVER */
  int64_t timeout_at, deadline_at; /* clock_mono */
};

/* Says which of the limits it was that passed; that of the run is named in run_failed. */
static void name_limit(struct lane *lane, const struct limits *l, struct error *err) {
  int64_t now = clock_mono(lane->run->engine->config.clock);
  char text[32];
  if (strcmp(err->kind, "limit") != 0 || (now < l->timeout_at && now < l->deadline_at)) return;
  const char *which = now >= l->deadline_at ? "deadline" : "timeout";
  took_text(*which == 't' ? l->timeout : l->deadline, text);
  error_set(err, ERR_FAILED, "the step took longer than its %s of %s", which, text);
  error_kind(err, which);
}

/* The attempt's clock and that of the step: both run on while nobody carries the run. */
static void attempt_begin(struct lane *lane, struct step_run *s, struct limits *l) {
  struct run *run = lane->run;
  int64_t began = clock_mono(run->engine->config.clock);
  if (s->replay) began = run_mono(run, s->replay->since_us);
  l->timeout_at = clock_add(began, l->timeout);
  lane->replay = s->replay;
  lane->clock_known = false;
  s->replay = NULL;
  s->calls = s->prompts = 0;
  s->writing = false;
}

static enum status attempt_body(struct lane *lane, struct step_run *s, struct error *err) {
  value out = VALUE_NIL;
  enum status status = eval_body(&lane->eval, s->step->body, &out);
  if (status == OK) value_unref(out);
  else error_move(err, &lane->err);
  if (status == OK) status = verifies_check(lane, s, err);
  /* What was all done before is not cut off now. */
  if (status == OK && !lane->replay) status = task_poll(lane->run->engine->tasks, err);
  if (status == OK) status = leases_check(lane->run, err);
  return replay_close(lane, status, err);
}

static enum status attempt(struct lane *lane, struct step_run *s, struct limits *l,
                           struct error *err) {
  struct tasks *tasks = lane->run->engine->tasks;
  enum status status = OK;
  attempt_begin(lane, s, l);
  int64_t before = task_deadline_push(tasks, l->timeout_at);
  if (!lane->replay && s->gate_due) status = replay_live(lane, err);
  if (status == OK) status = attempt_body(lane, s, err);
  task_deadline_restore(tasks, before);
  if (status != OK) name_limit(lane, l, err);
  return status;
}

static bool kind_listed(const struct lane *lane, const struct retry *r, const char *kind) {
  if (!r || !r->kinds) return strcmp(kind, "transient") == 0;
  for (size_t i = 0; i < r->kind_count; i++)
    if (strcmp(sym_text(lane->run->program->syms, r->kinds[i]), kind) == 0) return true;
  return false;
}

static bool is_failure(const struct error *err) {
  if (strcmp(err->kind, "replay") == 0) return false;
  return err->status != ERR_CANCELLED && err->status != ERR_JOURNAL && err->status != ERR_WAITING &&
         err->status != ERR_STOP;
}

static enum status retry_count(struct lane *lane, const struct step *step, int64_t *out,
                               struct error *err) {
  *out = step->policy == POLICY_RETRY ? DEFAULT_RETRIES : 0;
  if (!step->retry || !step->retry->count) return OK;
  value v;
  enum status status = run_eval(lane, step->retry->count, &v, err);
  if (status == OK && v.tag == V_INT) *out = v.u.i;
  if (status == OK) value_unref(v);
  return status;
}

/* Whether this failure is followed by another attempt. What may not be repeated never is. */
static enum status may_retry(struct lane *lane, struct step_run *s, const struct error *cause,
                             bool *out, struct error *err) {
  const struct step *step = s->step;
  int64_t count;
  *out = false;
  if (!is_failure(cause) || s->in_doubt || lane->run->back) return OK;
  if (!step->retry && step->policy != POLICY_RETRY) return OK;
  if (step->policy != POLICY_RETRY && !kind_listed(lane, step->retry, cause->kind)) return OK;
  enum status status = retry_count(lane, step, &count, err);
  if (status != OK || s->attempt > count) return status;
  if (s->unsafe)
    run_notice(lane,
               &(struct notice){
                   .kind = NOTICE_NOTE,
                   .text = "not tried again: the step did something that may not be repeated"});
  *out = !s->unsafe;
  return OK;
}

int64_t backoff_delay(int64_t base, int64_t most, uint32_t attempt, bool jitter) {
  for (uint32_t i = 1; i < attempt && base < most; i++)
    base = clock_add(base, base);
  if (base > most) base = most;
  uint64_t random = 0;
  if (!jitter || base <= 0) return base;
  random_bytes(&random, sizeof random);
  return (int64_t)(random % (uint64_t)base);
}

/* The backoff; longer when whoever failed asks for more time. */
static enum status retry_delay(struct lane *lane, struct step_run *s, const struct error *cause,
                               int64_t *out, struct error *err) {
  static const struct retry plain;
  const struct retry *r = s->step->retry ? s->step->retry : &plain;
  int64_t base, most;
  enum status status = run_duration(lane, r->backoff, LIMIT_BACKOFF, &base, err);
  if (status == OK) status = run_duration(lane, r->max_backoff, LIMIT_MAX_BACKOFF, &most, err);
  bool jitter = true;
  if (status == OK && r->jitter) {
    value v;
    status = run_eval(lane, r->jitter, &v, err);
    if (status == OK) jitter = value_truthy(v), value_unref(v);
  }
  if (status != OK) return status;
  *out = backoff_delay(base, most, s->attempt, jitter);
  if (*out < cause->retry_after) *out = cause->retry_after;
  return OK;
}

bool retry_too_late(struct error *cause, int64_t left) {
  char asked[32], time[32];
  struct buf b = BUF_INIT;
  if (cause->retry_after <= left) return false;
  took_text(cause->retry_after, asked);
  took_text(left, time);
  buf_addf(&b, "%s; not tried again: that may be after %s, and its time limit leaves %s",
           cause->message, asked, time);
  mem_free(cause->message);
  cause->message = buf_take(&b);
  return true;
}

static int64_t time_left(const struct lane *lane) {
  const struct engine *g = lane->run->engine;
  int64_t at = task_deadline(g->tasks), now = clock_mono(g->config.clock);
  return at == CLOCK_NEVER ? CLOCK_NEVER : at > now ? at - now : 0;
}

static enum status wait_and_retry(struct lane *lane, struct step_run *s, struct error *cause,
                                  struct error *err) {
  int64_t delay;
  struct record r = {0};
  enum status status = retry_delay(lane, s, cause, &delay, err);
  if (status != OK) return status;
  s->attempt++;
  record_int(&r, "attempt", s->attempt);
  record_error(&r, "error", cause, lane->run->program);
  record_int(&r, "delay_us", delay);
  record_outputs(lane, s, &r);
  run_notice(lane,
             &(struct notice){.kind = NOTICE_RETRY, .error = cause, .n = s->attempt, .us = delay});
  status = run_record(lane, EVENT_NAME(STEP_RETRIED), &r, err);
  return status == OK ? task_sleep(lane->run->engine->tasks, delay, err) : status;
}

/* What is left of the delay before an attempt that had not begun when the run was interrupted. */
static enum status delay_rest(struct lane *lane, struct step_run *s, struct error *err) {
  const struct history *h = lane->run->history;
  const struct step_past *p = s->past;
  if (!s->again || s->replay || p->attempt_at == p->began) return OK;
  int64_t delay = past_int(h, p->attempt_at, "delay_us", 0);
  int64_t until = clock_add(h->events[p->attempt_at].time_us, delay);
  return task_sleep(lane->run->engine->tasks, run_left(lane->run, until, delay), err);
}

static int64_t deadline_from(struct lane *lane, const struct step_run *s) {
  int64_t began = s->again ? history_body_began(lane->run->history, s->past) : 0;
  return began ? run_mono(lane->run, began) : clock_mono(lane->run->engine->config.clock);
}

static enum status attempts_loop(struct lane *lane, struct step_run *s, struct limits *l,
                                 struct error *err) {
  for (;;) {
    struct error cause = {0};
    bool again = false;
    enum status status = attempt(lane, s, l, &cause);
    l->timeout_at = CLOCK_NEVER; /* it ends with the attempt */
    if (status != OK && may_retry(lane, s, &cause, &again, err) != OK) status = err->status;
    else if (!again || retry_too_late(&cause, time_left(lane))) again = false, error_move(err, &cause);
    else if ((status = wait_and_retry(lane, s, &cause, err)) != OK) again = false;
    error_release(&cause);
    if (!again) return status;
  }
}

static enum status attempts(struct lane *lane, struct step_run *s, struct error *err) {
  struct limits l = {.timeout_at = CLOCK_NEVER};
  struct tasks *tasks = lane->run->engine->tasks;
  enum status status = run_duration(lane, s->step->timeout, CLOCK_NEVER, &l.timeout, err);
  if (status == OK) status = run_duration(lane, s->step->deadline, CLOCK_NEVER, &l.deadline, err);
  if (status != OK) return status;
  l.deadline_at = clock_add(deadline_from(lane, s), l.deadline);
  int64_t before = task_deadline_push(tasks, l.deadline_at);
  s->attempt = s->again ? s->past->attempt : 1;
  status = delay_rest(lane, s, err);
  if (status == OK) status = attempts_loop(lane, s, &l, err);
  if (status != OK) name_limit(lane, &l, err); /* the deadline may pass between attempts */
  task_deadline_restore(tasks, before);
  return status;
}

/* --- the whole step --- */

enum status step_gate(struct lane *lane, struct step_run *s, struct error *err) {
  bool waited = false;
  enum status status = role_check(lane, s->step->requires_role, "this step", err);
  if (status == OK) status = guards_check(lane, s, err);
  if (status == OK) status = approvals_pass(lane, s, &waited, err);
  /* The world may have moved while people thought. */
  if (status == OK && waited) status = guards_check(lane, s, err);
  return status;
}

static enum status step_begin(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  record_text(&r, "label", s->label);
  run_notice(lane, &(struct notice){.kind = NOTICE_STEP,
                                    .text = s->label,
                                    .id = s->id,
                                    .detail = s->step->about,
                                    .n = s->number,
                                    .of = lane->run->total});
  for (size_t i = 0; i < s->step->link_count; i++)
    run_notice(lane, &(struct notice){.kind = NOTICE_LINK, .text = s->step->links[i]});
  if (s->again) return record_release(&r), OK;
  return run_append(lane, EVENT_NAME(STEP_STARTED), &r, err);
}

static enum flow stopped(struct lane *lane, struct step_run *s, struct error *err) {
  enum stop stop = lane->stop;
  char *reason = lane->stop_reason;
  lane->stop = STOP_NONE;
  lane->stop_reason = NULL;
  error_release(err);
  enum status status = stop == STOP_SKIP ? step_skipped(lane, s, reason, "skip!", err)
                                         : step_finished(lane, s, reason, err);
  enum flow flow = stop == STOP_SKIP ? FLOW_ON : FLOW_END;
  if (status != OK) flow = run_failed(lane, s, step_policy(s), err);
  else if (stop == STOP_FINISH && !lane->outer) run_succeed(lane, reason);
  mem_free(reason);
  return flow;
}

static const char *passed_over(struct lane *lane, const struct step *step) {
  const struct run_options *o = lane->run->options;
  const char *why;
  if (o->from && strcmp(step->id, o->from) == 0) lane->from_seen = true;
  if (o->from && !lane->from_seen) return "before --from";
  if (o->only && strcmp(step->id, o->only) != 0) return "not the step of --only";
  for (size_t i = 0; i < o->skip_count; i++)
    if (strcmp(step->id, o->skip[i]) == 0) return o->skip_reason ? o->skip_reason : "--skip";
  return resume_passes(lane, step, &why) ? why : NULL;
}

static enum status step_do(struct lane *lane, struct step_run *s, struct error *err) {
  enum status status = step_begin(lane, s, err);
  /* With something recorded of the attempt the gate waits until that is told. */
  if (status == OK && !s->gate_due) status = step_gate(lane, s, err);
  if (status == OK) status = attempts(lane, s, err);
  return status == OK ? step_finished(lane, s, NULL, err) : status;
}

static enum flow step_run_through(struct lane *lane, struct step_run *s) {
  struct error err = {0};
  const char *passed = passed_over(lane, s->step);
  enum flow flow = FLOW_ON;
  enum status status = OK;
  if (lane->run->history && !s->replay) status = replay_live(lane, &err);
  if (status == OK && passed && s->past) status = doubt_passed(s, &err);
  if (status == OK && passed) status = step_skipped(lane, s, passed, "operator", &err);
  else if (status == OK) status = step_do(lane, s, &err);
  if (status == ERR_STOP) flow = stopped(lane, s, &err);
  else if (status != OK) flow = step_failed(lane, s, &err);
  error_release(&err);
  return flow;
}

/* A step of a resumed run: what the journal has of it decides. */
static enum flow step_resume(struct lane *lane, struct step_run *s) {
  struct error err = {0};
  enum status status;
  enum flow flow = FLOW_ON;
  enum again again = step_again(lane, s, &status, &err);
  if (again == AGAIN_DONE) return FLOW_ON;
  if (again == AGAIN_FINISH && lane->run->back && !lane->outer) status = run_back_stop(&err);
  else if (again == AGAIN_FINISH && !lane->outer) run_succeed(lane, lane->stop_reason);
  if (again == AGAIN_FINISH && status == OK) return FLOW_END;
  if (again == AGAIN_FAILED || status != OK) flow = run_failed(lane, s, step_policy(s), &err);
  else flow = step_run_through(lane, s);
  error_release(&err);
  return flow;
}

static enum flow step_enter(struct lane *lane, struct step_run *s) {
  return s->past ? step_resume(lane, s) : step_run_through(lane, s);
}

enum flow step_execute(struct lane *lane, const struct step *step) {
  struct error err = {0};
  struct step_run *s;
  enum status status = step_run_new(lane, step, &s, &err);
  s->number = ++lane->run->number;
  lane->at = s;
  step_meet(lane, s);
  enum flow flow = status == OK ? step_enter(lane, s) : step_failed(lane, s, &err);
  if (lane->failure.step == s) return error_release(&err), flow; /* kept for who meets it */
  lane->at = NULL;
  if (!s->armed) step_run_free(s);
  else if (flow == FLOW_ON) s->log_to = eval_log_mark(&lane->eval);
  error_release(&err);
  return flow;
}
