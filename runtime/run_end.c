/* How a run ends: what follows from a failure, what is recorded, and what an operator is told. */
#include "cancel.h"

int64_t run_age(const struct run *run) {
  return clock_mono(run->engine->config.clock) - run->started;
}

/* Tells of actions that ended since the last commit. */
static void lost_text(const struct lane *lane, const char *text, struct buf *out) {
  buf_adds(out, text);
  if (lane->run->unproven.len)
    buf_addf(out, "%sthe journal has the intent, not the outcome, of: %s", *text ? "\n" : "",
             buf_str(&lane->run->unproven));
}

/* What the end would have been, and why it is none: the journal has not got it. */
static void end_unrecorded(struct lane *lane, enum run_state state, struct error *err) {
  struct run_result *result = lane->run->result;
  const struct error *why =
      lane->run->engine->journal_lost ? &lane->run->engine->journal_error : err;
  result->journal_lost = true;
  error_set(&result->error, ERR_JOURNAL, "the run %s, but the journal does not have it: %s",
            state == RUN_SUCCEEDED     ? "did all its steps"
            : state == RUN_ROLLED_BACK ? "is rolled back"
                                       : "has ended",
            why->message);
  if (lane->run->spare) spare_tell(lane->run, &result->error);
  else if (why->help) error_help(&result->error, "%s", why->help);
}

/* Who does not know it waits for what never comes. */
static void practice_tell(struct lane *lane) {
  struct buf text = BUF_INIT;
  if (!lane->run->practice.len) return;
  buf_addf(&text, "nothing went out by %s", buf_str(&lane->run->practice));
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  buf_release(&text);
}

/* Records how the run ended and commits; a journal that is gone becomes the result. */
void run_end(struct lane *lane, enum run_state state, const char *kind, struct record *r,
             struct error *cause, const char *detail) {
  struct error err = {0};
  leases_leave(lane, state >= RUN_SUCCEEDED);
  if (state != RUN_WAITING) practice_tell(lane);
  if (lane->run->glass) record_bool(r, "break_glass", true);
  enum status status = state == RUN_WAITING ? OK : drill_unused(lane, &err);
  if (status == OK) status = run_record(lane, kind, r, &err);
  if (status == OK) status = run_sync(lane, &err);
  lane->run->result->state = state;
  bool lost = status != OK || lane->run->engine->journal_lost;
  if (lost) {
    end_unrecorded(lane, state, &err);
  } else if (cause) {
    error_move(&lane->run->result->error, cause);
  }
  error_release(&err);
  struct buf text = BUF_INIT;
  if (lost) lost_text(lane, detail ? detail : "", &text);
  const struct error *told = lane->run->result->error.message ? &lane->run->result->error : NULL;
  run_notice(lane, &(struct notice){.kind = NOTICE_END,
                                    .text = lost ? "not recorded" : run_state_name(state),
                                    .id = lane->run->recorded ? lane->run->id : NULL,
                                    .detail = lost ? buf_str(&text) : detail,
                                    .error = told,
                                    .us = run_age(lane->run)});
  buf_release(&text);
}

/* What it gives to the run that waits for it: in the journal, should that one go on later. */
static void record_given(struct lane *lane, struct record *r) {
  const struct unit *unit = lane->eval.unit;
  const struct symtab *syms = lane->run->program->syms;
  struct record outputs = {0};
  if (!run_is_waited_for(lane->run)) return;
  for (uint32_t i = 0; i < unit->slot_count; i++)
    if (unit->slot_names[i] && lane->eval.is_set[i])
      record_value(&outputs, sym_text(syms, unit->slot_names[i]), lane->eval.slots[i], syms);
  if (outputs.data.len) record_join(r, "outputs", &outputs);
}

void run_succeed(struct lane *lane, const char *reason) {
  struct record r = {0};
  if (doubt_left(lane)) return;
  record_given(lane, &r);
  record_int(&r, "duration_us", run_age(lane->run));
  record_text(&r, "reason", reason);
  run_end(lane, RUN_SUCCEEDED, EVENT_NAME(RUN_SUCCEEDED), &r, NULL, reason);
}

void run_fail(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  record_error(&r, "error", err, lane->run->program);
  if (s) record_text(&r, "step", s->id);
  record_int(&r, "duration_us", run_age(lane->run));
  run_end(lane, RUN_FAILED, EVENT_NAME(RUN_FAILED), &r, err, NULL);
}

void run_left_text(const struct lane *lane, struct buf *out) {
  if (!lane->run->wrote) {
    buf_adds(out, "nothing was changed");
    return;
  }
  if (!lane->run->armed) {
    buf_adds(out, "what was done stays as it is");
    return;
  }
  bool did = false;
  for (const struct step_run *a = lane->run->armed; a; a = a->before)
    did |= a->did;
  buf_addf(out, "%s and not undone, latest first:", did ? "done" : "begun");
  for (const struct step_run *a = lane->run->armed; a; a = a->before)
    buf_addf(out, "%s %s%s", a == lane->run->armed ? "" : ",", a->id,
             did && !a->did ? " (begun)" : "");
}

void run_hold(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  struct buf text = BUF_INIT;
  run_left_text(lane, &text);
  if (s) record_text(&r, "step", s->id);
  record_error(&r, "error", err, lane->run->program);
  record_text(&r, "text", buf_str(&text));
  run_end(lane, RUN_HELD, EVENT_NAME(RUN_HELD), &r, err, buf_str(&text));
  buf_release(&text);
}

static void run_cancel(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  record_text(&r, "reason", err->message);
  if (s) record_text(&r, "step", s->id);
  record_int(&r, "duration_us", run_age(lane->run));
  run_end(lane, RUN_CANCELLED, EVENT_NAME(RUN_CANCELLED), &r, err, "nothing was changed");
}

static void run_wait(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  bool approval = strcmp(err->kind, "approval") == 0;
  record_text(&r, "on", approval ? "approval" : "operator");
  if (s) record_text(&r, "step", s->id);
  record_text(&r, "text", err->message);
  if (approval && lane->run->waits_until) record_int(&r, "until_us", lane->run->waits_until);
  run_end(lane, RUN_WAITING, EVENT_NAME(RUN_WAITING), &r, err, NULL);
}

void run_doubt(struct lane *lane, struct step_run *s, struct error *err) {
  struct record r = {0};
  const struct step_doubt *d = &s->doubt;
  const struct symtab *syms = lane->run->program->syms;
  record_text(&r, "step", s->id);
  if (d->action) {
    record_text(&r, "binding", sym_text(syms, d->action->binding->name));
    record_text(&r, "action", sym_text(syms, d->action->name));
    record_int(&r, "call", d->call);
    record_text(&r, "key", d->key);
  }
  record_text(&r, "reason", err->message);
  run_end(lane, RUN_IN_DOUBT, EVENT_NAME(RUN_IN_DOUBT), &r, err,
          "whether the action happened is not known; look before anything is repeated");
}

/* --- the on_failure block --- */

static value failure_value(struct lane *lane, struct step_run *s, const struct error *err) {
  struct symtab *syms = lane->run->program->syms;
  const char *kind = err->kind[0] ? err->kind : "error";
  const char *message = err->message ? err->message : "failed";
  struct dict *d = dict_new();
  const char *state = run_state_name(lane->run->result->state);
  dict_set(d, value_symbol(W_kind), value_symbol(sym_intern(syms, kind, strlen(kind))));
  dict_set(d, value_symbol(W_message), value_cstr(message));
  dict_set(d, value_symbol(W_step), s ? value_cstr(s->id) : VALUE_NIL);
  dict_set(d, value_symbol(W_state), value_symbol(sym_intern(syms, state, strlen(state))));
  return value_record(d);
}

/* Runs shielded: what it tells people matters most when the run was interrupted. Its own failure is
 * noted and changes nothing. */
void run_handler(struct lane *lane, struct step_run *s, const struct error *cause) {
  struct tasks *tasks = lane->run->engine->tasks;
  if (!lane->run->plan->on_failure || lane->run->engine->journal_lost || lane->run->handled) return;
  value failure = failure_value(lane, s, cause), out = VALUE_NIL;
  int64_t before = task_shield(tasks);
  task_deadline_push(tasks, clock_add(clock_mono(lane->run->engine->config.clock), LIMIT_HANDLER));
  struct step_run *at = lane->at;
  lane->at = NULL;
  lane->run->in_handler = true;
  lane->run->handler_calls = replay_handled(lane->run->history);
  lane->replay = lane->run->history ? replay_handler(lane->run->history) : NULL;
  enum status status = eval_block(&lane->eval, lane->run->plan->on_failure, &failure, 1, &out);
  replay_free(lane->replay); /* the block failed at another place than before: it is told below */
  lane->replay = NULL;
  lane->run->in_handler = false;
  lane->at = at;
  task_unshield(tasks, before);
  if (status == OK) value_unref(out);
  value_unref(failure);
  if (status == OK || status == ERR_STOP) return;
  struct record r = {0};
  struct error err = {0};
  record_text(&r, "text", "the on_failure block failed");
  record_error(&r, "error", &lane->err, lane->run->program);
  run_notice(lane, &(struct notice){.kind = NOTICE_STEP_FAILED,
                                    .error = &lane->err,
                                    .detail = "in the on_failure block; the rest goes on"});
  if (run_record(lane, EVENT_NAME(RUN_NOTED), &r, &err) != OK) error_release(&err);
  error_release(&lane->err);
}

/* A person who says no stops the lane, whatever becomes of steps that merely fail. */
enum policy policy_of(const struct lane *lane, enum policy policy, const struct error *err) {
  bool no = strcmp(err->kind, "declined") == 0;
  /* What is not understood is not undone either. */
  if (strcmp(err->kind, "replay") == 0) return POLICY_HOLD;
  if (policy == POLICY_DEFAULT || policy == POLICY_RETRY) policy = lane->run->plan->policy;
  if (no && (policy == POLICY_CONTINUE || policy == POLICY_SKIP)) return POLICY_HOLD;
  return policy == POLICY_DEFAULT || policy == POLICY_RETRY ? POLICY_HOLD : policy;
}

static void run_stopped(struct lane *lane, struct step_run *s, struct error *err) {
  bool declined = strcmp(err->kind, "declined") == 0;
  bool stopped = lane->run->result->interrupted || declined || lane->halt;
  lane->run->result->declined = declined && !lane->run->result->interrupted;
  /* The handler is told the state that follows. */
  lane->run->result->state = stopped && !lane->run->wrote ? RUN_CANCELLED : RUN_HELD;
  run_handler(lane, s, err);
  if (lane->run->result->state == RUN_CANCELLED) run_cancel(lane, s, err);
  else run_hold(lane, s, err);
}

static void journal_lost_end(struct lane *lane, struct error *err) {
  struct buf text = BUF_INIT;
  lost_text(lane, "the journal cannot be written, so nothing more was begun", &text);
  lane->run->result->journal_lost = true;
  lane->run->result->state = RUN_HELD;
  error_move(&lane->run->result->error, err);
  run_notice(lane, &(struct notice){.kind = NOTICE_END,
                                    .text = "stopped",
                                    .id = lane->run->recorded ? lane->run->id : NULL,
                                    .detail = buf_str(&text),
                                    .error = &lane->run->result->error});
  buf_release(&text);
}

void run_limit_name(struct error *err) {
  if (strcmp(err->kind, "limit") != 0) return;
  error_set(err, ERR_FAILED, "the run took longer than its time limit");
  error_kind(err, "run_timeout");
}

void run_park(struct lane *lane, struct error *err) {
  if (!lane->run->parked || lane->run->result->interrupted || err->status != ERR_CANCELLED) return;
  if (strcmp(err->kind, "interrupted") != 0) return;
  error_set(err, ERR_WAITING, "the terminal was closed");
  error_kind(err, "unanswered");
}

/* Whether the lane goes on after this failure, as its policy has it. */
static bool goes_on(struct lane *lane, struct step_run *s, enum policy policy,
                    const struct error *err) {
  if (policy != POLICY_CONTINUE && policy != POLICY_SKIP) return false;
  if (err->status == ERR_JOURNAL || err->status == ERR_WAITING || lane->halt) return false;
  return !(s && s->in_doubt) && !lane->run->result->interrupted;
}

enum flow run_failed(struct lane *lane, struct step_run *s, enum policy policy, struct error *err) {
  if (run_back(lane, s, err)) return FLOW_END;
  lane_halt_name(lane, err);
  run_park(lane, err);
  policy = policy_of(lane, policy, err);
  run_limit_name(err);
  if (goes_on(lane, s, policy, err)) {
    lane->run->some_failed |= policy == POLICY_CONTINUE;
    return FLOW_ON;
  }
  if (lane->outer) { /* who waits for it decides */
    lane->failure = (struct failure){.step = s, .policy = policy};
    error_move(&lane->failure.err, err);
  } else if (err->status == ERR_JOURNAL) journal_lost_end(lane, err);
  else if (err->status == ERR_WAITING && !lane->run->cancel.by) run_wait(lane, s, err);
  else if (s && s->in_doubt) run_doubt(lane, s, err);
  else if (lane->run->cancel.by) run_cancelled(lane, s, err);
  else if (lane->run->result->interrupted || lane->halt == HALT_PARENT) run_stopped(lane, s, err);
  else if (policy == POLICY_ROLLBACK) run_roll_back(lane, err);
  else run_stopped(lane, s, err);
  return FLOW_END;
}
