/* Undoing what was done, latest first. Shielded from interruption and from the run's limit; the
 * first rollback that fails stops the unwinding, and what is left is listed. */
#include "run.h"

/* The rollback of one step: its attempts and their limits. */
struct undo {
  struct lane *lane;
  struct step_run *s;
  uint32_t attempt;
  int64_t timeout, retries, backoff;
  char *why; /* of a step that cannot be undone */
};

/* --- one attempt --- */

/* What the block assigns is gone with it. */
static enum status undo_eval(struct undo *u, struct error *err) {
  struct eval *e = &u->lane->eval;
  value out = VALUE_NIL;
  size_t mark = eval_log_mark(e);
  enum status status = run_call_block(u->lane, u->s->step->rollback, &out, err);
  eval_log_undo(e, mark);
  if (status == OK) value_unref(out);
  return status;
}

static enum status undo_try(struct undo *u, struct error *err) {
  struct engine *g = u->lane->run->engine;
  char limit[32];
  u->s->calls = u->s->prompts = 0;
  u->s->unsafe = false;
  int64_t began = clock_mono(g->config.clock);
  if (u->lane->replay) began = run_mono(u->lane->run, u->lane->replay->since_us);
  int64_t at = clock_add(began, u->timeout);
  int64_t before = task_deadline_push(g->tasks, at);
  enum status status = replay_close(u->lane, undo_eval(u, err), err);
  task_deadline_restore(g->tasks, before);
  if (status != OK && strcmp(err->kind, "limit") == 0) {
    took_text(u->timeout, limit);
    error_set(err, ERR_FAILED, "the rollback took longer than its timeout of %s", limit);
    error_kind(err, "timeout");
  }
  return status;
}

/* --- attempts --- */

/* As for a step: what may be over soon, unless something was begun that may not be repeated. */
static bool undo_again(const struct undo *u, const struct error *err) {
  return u->attempt <= u->retries && strcmp(err->kind, "transient") == 0 && !u->s->unsafe &&
         !u->s->in_doubt;
}

static enum status undo_failed(struct undo *u, const struct error *cause, bool again, int64_t delay,
                               struct error *err) {
  struct record r = {0};
  record_error(&r, "error", cause, u->lane->run->program);
  record_int(&r, "attempt", u->attempt);
  if (again) record_int(&r, "delay_us", delay);
  run_notice(u->lane, &(struct notice){.kind = again ? NOTICE_RETRY : NOTICE_ROLLBACK_FAILED,
                                       .error = cause,
                                       .n = u->attempt + again,
                                       .us = delay});
  return run_record(u->lane, EVENT_NAME(ROLLBACK_FAILED), &r, err);
}

/* The attempt that was under way when the run was interrupted goes on where it was. */
static enum status undo_begin(struct undo *u, struct error *err) {
  struct record r = {0};
  struct step_run *s = u->s;
  bool again = s->undo_again;
  s->undo_again = false;
  if (again) {
    u->lane->replay = replay_undo(u->lane->run->history, s->past);
    return OK;
  }
  record_int(&r, "attempt", u->attempt);
  return run_append(u->lane, EVENT_NAME(ROLLBACK_STARTED), &r, err);
}

static uint32_t undo_first(const struct undo *u) {
  const struct step_run *s = u->s;
  if (!s->undo_again) return 1;
  return (uint32_t)past_int(u->lane->run->history, s->past->undo_at, "attempt", 1);
}

static enum status undo_attempts(struct undo *u, struct error *err) {
  struct tasks *tasks = u->lane->run->engine->tasks;
  for (u->attempt = undo_first(u);; u->attempt++) {
    struct error second = {0};
    enum status status = undo_begin(u, err);
    if (status == OK) status = undo_try(u, err);
    /* What is in doubt has not failed yet: the attempt goes on when it is settled. */
    if (status == OK || u->s->in_doubt) return status;
    bool again = undo_again(u, err) && !retry_too_late(err, u->timeout);
    int64_t delay = again ? backoff_delay(u->backoff, LIMIT_MAX_BACKOFF, u->attempt, true) : 0;
    if (again && delay < err->retry_after) delay = err->retry_after;
    enum status kept = undo_failed(u, err, again, delay, &second);
    if (kept == OK && again) kept = task_sleep(tasks, delay, &second);
    if (kept != OK) error_release(&second); /* the rollback's own failure says more */
    if (!again || kept != OK) return status;
    error_release(err);
  }
}

static enum status undo_limits(struct undo *u, struct error *err) {
  const struct step *step = u->s->step;
  u->retries = ROLLBACK_RETRIES;
  enum status status = run_duration(u->lane, step->undo_timeout, LIMIT_ROLLBACK, &u->timeout, err);
  if (status == OK)
    status = run_duration(u->lane, step->undo_backoff, LIMIT_BACKOFF, &u->backoff, err);
  if (status != OK || !step->undo_retries) return status;
  value v;
  status = run_eval(u->lane, step->undo_retries, &v, err);
  if (status == OK && v.tag == V_INT) u->retries = v.u.i;
  if (status == OK) value_unref(v);
  return status;
}

static bool assigned(const struct undo *u, size_t to, uint32_t slot) {
  for (size_t i = u->s->log_from; i < to; i++)
    if (u->lane->log.items[i].slot == slot) return true;
  return false;
}

/* What a step that failed half-way did not get to set is nil, whatever an earlier step or the item
 * before left in the same variable: it is not this step's. */
static void hide_unreached(struct undo *u, size_t then) {
  const struct step *step = u->s->step;
  if (u->s->done) return;
  for (size_t i = 0; i < step->late_count; i++)
    if (!assigned(u, then, step->late[i])) eval_unset_slot(&u->lane->eval, step->late[i]);
}

/* The variables as the step left them, whatever later steps assigned. */
static enum status undo_in_frame(struct undo *u, enum status (*fn)(struct undo *u, struct error *),
                                 struct error *err) {
  struct eval *e = &u->lane->eval;
  size_t then = u->s->log_to == LOG_OPEN ? u->lane->log.count : u->s->log_to;
  eval_log_back(e, then);
  size_t mark = eval_log_mark(e);
  hide_unreached(u, then);
  e->unset_is_nil = true;
  enum status status = fn(u, err);
  e->unset_is_nil = false;
  eval_log_undo(e, mark);
  eval_log_forth(e, then);
  return status;
}

static enum status undo_block(struct undo *u, struct error *err) {
  enum status status = undo_limits(u, err);
  return status == OK ? undo_attempts(u, err) : status;
}

/* --- one step --- */

static enum status undo_reason(struct undo *u, struct error *err) {
  return run_text(u->lane, u->s->step->irreversible, &u->why, err);
}

static enum status undo_pass(struct undo *u, struct error *err) {
  struct lane *lane = u->lane;
  struct step_run *s = u->s;
  struct record r = {0};
  if (undo_in_frame(u, undo_reason, err) != OK) {
    u->why = mem_strdup("it is irreversible");
    error_release(err);
  }
  char *why = u->why;
  record_text(&r, "reason", why);
  run_notice(lane, &(struct notice){
                       .kind = NOTICE_ROLLBACK_PASSED, .text = s->label, .id = s->id, .detail = why});
  mem_free(why);
  return run_record(lane, EVENT_NAME(ROLLBACK_PASSED), &r, err);
}

/* Undoes one step, or says why it cannot be undone. */
static enum status undo_step(struct lane *lane, struct step_run *s, struct error *err) {
  struct clock *clock = lane->run->engine->config.clock;
  struct undo u = {.lane = lane, .s = s};
  struct record r = {0};
  if (s->child) return child_undo(lane, s, err);
  if (!s->step->rollback) return undo_pass(&u, err);
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK, .text = s->label, .id = s->id});
  leases_undoing(lane, s->id);
  int64_t started = clock_mono(clock);
  enum status status = undo_in_frame(&u, undo_block, err);
  if (status != OK) return status;
  int64_t us = clock_mono(clock) - started;
  record_int(&r, "duration_us", us);
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLBACK_DONE, .us = us});
  status = run_record(lane, EVENT_NAME(ROLLBACK_FINISHED), &r, err);
  return status == OK ? leases_undone(lane, s->id, err) : status;
}

/* Nobody knows whether an action of the step happened, so nobody knows what there is to undo. */
static enum status undo_doubtful(const struct step_run *s, struct error *err) {
  if (s->child) {
    error_set(err, ERR_FAILED, "whether an action of its run %s happened is not known", child_id(s->child));
    error_help(err, "stepwise show %s%s tells which; settle it there", child_id(s->child),
               run_tail(s->lane));
  } else {
    error_set(err, ERR_FAILED, "whether an action of step %s happened is not known", s->id);
  }
  error_kind(err, "in_doubt");
  return ERR_FAILED;
}

/* Each step is undone in the lane it ran in, with that lane's variables; by now every branch rests.
 */
static enum status unwind(struct run *run, const struct step_run *keep, struct error *err) {
  enum status status = OK;
  while (status == OK && run->armed != keep) {
    struct step_run *s = run->armed;
    struct lane *lane = s->lane;
    struct step_run *at = lane->at;
    lane->at = s;
    s->rolling_back = true;
    status = s->in_doubt ? undo_doubtful(s, err) : undo_step(lane, s, err);
    if (status == OK) status = run_sync(lane, err);
    s->rolling_back = false;
    lane->at = at;
    if (status != OK) break;
    run->armed = s->before;
    s->armed = false;
    if (s != at) step_run_free(s);
  }
  return status;
}

static enum status unwind_begin(struct lane *lane, const struct step_run *keep,
                                const struct error *cause, struct error *err) {
  struct record r = {0};
  uint32_t n = 0;
  for (struct step_run *a = lane->run->armed; a != keep; a = a->before)
    n++;
  record_text(&r, "reason", cause->message);
  record_armed(&r, "steps", lane->run, keep);
  record_text(&r, "to", lane->run->undo_to);
  record_error(&r, "error", cause, lane->run->program);
  lane->run->rolling_back = true;
  run_notice(lane, &(struct notice){.kind = NOTICE_ROLLING_BACK, .n = n, .error = cause});
  enum status status = run_record(lane, EVENT_NAME(RUN_ROLLING_BACK), &r, err);
  return status == OK ? run_sync(lane, err) : status;
}

/* A step that is armed and that the walk of a resumed run did not come to would stay as it is. */
static enum status all_met(const struct run *run, struct error *err) {
  const struct history *h = run->history;
  for (size_t i = 1; h && i < h->step_count; i++) {
    const struct step_past *p = h->steps[i];
    if (!p->armed_seq || p->undo == UNDO_DONE || p->visited) continue;
    error_set(err, ERR_FAILED, "step %s is to be undone, and the plan did not come to it", p->id);
    error_kind(err, "replay");
    return ERR_FAILED;
  }
  return OK;
}

void run_roll_back(struct lane *lane, struct error *cause) {
  struct tasks *tasks = lane->run->engine->tasks;
  struct error problem = {0};
  struct step_run *keep;
  int64_t before = task_shield(tasks);
  enum status status = rollback_keep(lane->run, &keep, &problem);
  if (status == OK) status = all_met(lane->run, &problem);
  if (status == OK) status = unwind_begin(lane, keep, cause, &problem);
  if (status == OK) status = unwind(lane->run, keep, &problem);
  task_unshield(tasks, before);
  rollback_ended(lane, keep, cause, status == OK ? NULL : &problem);
  error_release(&problem);
}
