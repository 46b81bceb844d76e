/* Undoing what was done, latest first. Shielded from interruption and from the run's limit; the
 * first rollback that fails stops the unwinding, and what is left is listed. */
#include "run.h"

static void record_armed(struct record *r, const char *name, const struct lane *lane) {
  size_t n = 0;
  for (struct step_run *a = lane->run->armed; a; a = a->before)
    n++;
  const char **ids = mem_array(n + 1, sizeof *ids);
  n = 0;
  for (struct step_run *a = lane->run->armed; a; a = a->before)
    ids[n++] = a->id;
  if (n) record_texts(r, name, ids, n);
  else record_raw(r, name, "[]");
  mem_free(ids);
}

static void rollback_ended(struct lane *lane, struct step_run *s, struct error *cause,
                           struct error *problem) {
  struct record r = {0};
  lane->run->result->state = problem ? RUN_ROLLBACK_INCOMPLETE : RUN_ROLLED_BACK;
  run_handler(lane, s, problem ? problem : cause);
  if (!problem) {
    record_int(&r, "duration_us", run_age(lane->run));
    run_end(lane, RUN_ROLLED_BACK, EVENT_NAME(RUN_ROLLED_BACK), &r, cause, NULL);
    return;
  }
  struct buf left = BUF_INIT;
  buf_adds(&left, lane->run->armed ? "still to be undone by hand, in this order:"
                                   : "nothing is left to undo");
  for (struct step_run *a = lane->run->armed; a; a = a->before)
    buf_addf(&left, "%s %s", a == lane->run->armed ? "" : ",", a->id);
  record_armed(&r, "left", lane);
  record_text(&r, "step", lane->run->armed ? lane->run->armed->id : "");
  record_error(&r, "error", problem, lane->run->program);
  run_end(lane, RUN_ROLLBACK_INCOMPLETE, EVENT_NAME(RUN_ROLLBACK_INCOMPLETE), &r, problem,
          buf_str(&left));
  buf_release(&left);
}

/* Evaluates the block with the variables as the step left them, whatever later steps assigned. One
 * whose write failed half-way may have left variables unset: they are nil. What the block assigns
 * is gone with it. */
static enum status rollback_eval(struct lane *lane, const struct step_run *s, struct error *err) {
  struct eval *e = &lane->eval;
  value out = VALUE_NIL;
  size_t then = s->log_to == LOG_OPEN ? lane->log.count : s->log_to;
  eval_log_back(e, then);
  size_t mark = eval_log_mark(e);
  e->unset_is_nil = true;
  enum status status = run_call_block(lane, s->step->rollback, &out, err);
  e->unset_is_nil = false;
  eval_log_undo(e, mark);
  eval_log_forth(e, then);
  if (status == OK) value_unref(out);
  return status;
}

static enum status rollback_try(struct lane *lane, struct step_run *s, struct error *err) {
  struct tasks *tasks = lane->run->engine->tasks;
  s->calls = s->prompts = 0;
  int64_t before = task_shield(tasks);
  task_deadline_push(tasks, clock_add(clock_mono(lane->run->engine->config.clock), LIMIT_ROLLBACK));
  enum status status = rollback_eval(lane, s, err);
  task_unshield(tasks, before);
  if (status == ERR_STOP) { /* skip! in a rollback: there is nothing to undo */
    lane->stop = STOP_NONE;
    error_release(err);
    return OK;
  }
  return status;
}

static enum status rollback_attempts(struct lane *lane, struct step_run *s, struct error *err) {
  for (uint32_t attempt = 1;; attempt++) {
    struct record r = {0};
    record_int(&r, "attempt", attempt);
    enum status status = run_record(lane, EVENT_NAME(ROLLBACK_STARTED), &r, err);
    if (status == OK) status = rollback_try(lane, s, err);
    if (status == OK || attempt == ROLLBACK_TRIES || strcmp(err->kind, "transient") != 0)
      return status;
    int64_t before = task_shield(lane->run->engine->tasks);
    struct error slept = {0};
    status = task_sleep(lane->run->engine->tasks, LIMIT_BACKOFF << attempt, &slept);
    error_release(&slept);
    task_unshield(lane->run->engine->tasks, before);
  }
}

/* Undoes one step, or says why it cannot be undone. */
static enum status roll_back_step(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  if (!s->step->rollback) {
    char *why = NULL;
    enum status status = run_text(lane, s->step->irreversible, &why, err);
    if (status != OK) why = mem_strdup("the step has no rollback"), error_release(err);
    record_text(&r, "reason", why);
    run_notice(lane,
               &(struct notice){
                   .kind = NOTICE_ROLLBACK_PASSED, .text = s->label, .id = s->id, .detail = why});
    status = run_record(lane, EVENT_NAME(ROLLBACK_PASSED), &r, err);
    mem_free(why);
    return status;
  }
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK, .text = s->label, .id = s->id});
  int64_t started = clock_mono(lane->run->engine->config.clock);
  enum status status = rollback_attempts(lane, s, err);
  if (status == OK) {
    int64_t us = clock_mono(lane->run->engine->config.clock) - started;
    record_int(&r, "duration_us", us);
    run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK_DONE, .us = us});
    return run_record(lane, EVENT_NAME(ROLLBACK_FINISHED), &r, err);
  }
  struct error second = {0};
  record_error(&r, "error", err, lane->run->program);
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK_FAILED, .error = err});
  if (run_record(lane, EVENT_NAME(ROLLBACK_FAILED), &r, &second) != OK) error_release(&second);
  return status;
}

/* Each step is undone in the lane it ran in, with that lane's variables; by now every branch rests.
 */
static enum status unwind(struct run *run, struct error *err) {
  enum status status = OK;
  while (status == OK && run->armed) {
    struct step_run *s = run->armed;
    struct lane *lane = s->lane;
    struct step_run *at = lane->at;
    lane->at = s;
    s->rolling_back = true;
    status = roll_back_step(lane, s, err);
    if (status == OK) status = run_sync(lane, err);
    lane->at = at;
    if (status != OK) break;
    run->armed = s->before;
    s->armed = false;
    if (s != at) step_run_free(s);
  }
  return status;
}

void run_roll_back(struct lane *lane, struct error *cause) {
  struct record r = {0};
  struct error problem = {0};
  uint32_t n = 0;
  for (struct step_run *a = lane->run->armed; a; a = a->before)
    n++;
  record_text(&r, "reason", cause->message);
  record_armed(&r, "steps", lane);
  record_error(&r, "error", cause, lane->run->program);
  lane->run->rolling_back = true;
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLING_BACK, .n = n, .error = cause});
  struct step_run *s = lane->at;
  enum status status = run_record(lane, EVENT_NAME(RUN_ROLLING_BACK), &r, &problem);
  if (status == OK) status = run_sync(lane, &problem);
  if (status == OK) status = unwind(lane->run, &problem);
  rollback_ended(lane, s, cause, status == OK ? NULL : &problem);
  error_release(&problem);
}
