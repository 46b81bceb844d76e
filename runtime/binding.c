/* Calls of actions: the one door to the world, and the one place for its rules.
 *
 * The intent of a write is on disk before its driver runs, the result is checked against what the
 * action gives, and the outcome is journalled before anything that depends on it. Drivers are
 * evaluated here, with primitives at hand that no runbook can reach. */
#include "admit.h"

#include "codec.h"
#include "digest.h"
#include "driver.h"
#include "fanout.h"

static const char *text_of(const struct lane *lane, sym s) {
  return sym_text(lane->run->program->syms, s);
}

/* H(run, step id with the item's key, call ordinal): the same over attempts. The on_failure block of a
 * run that went on and failed once more tells of another failure. Each part ends in a zero byte, so
 * that no two differ only in where one part ends. */
void call_key(struct lane *lane, uint32_t ordinal, char out[65]) {
  struct buf b = BUF_INIT;
  const struct history *h = lane->run->history;
  buf_adds(&b, lane->run->id);
  buf_addc(&b, 0);
  buf_adds(&b, lane->at ? lane->at->id : "on_failure");
  if (!lane->at && h && h->rested) buf_addf(&b, " %lld", (long long)h->events[h->rested].seq);
  buf_addc(&b, 0);
  if (lane->at && lane->at->rolling_back) buf_adds(&b, "rollback");
  buf_addf(&b, "%c%u", 0, ordinal);
  sha256_hex_of(b.data, b.len, out);
  buf_release(&b);
}

/* --- intent and outcome --- */

void record_args(struct record *r, const struct lane *lane, const struct action *action,
                 const value *args, size_t list_max) {
  struct record in = {0};
  for (size_t i = 0; i < action->take_count; i++)
    if (args[i].tag != V_NIL)
      record_value_within(&in, text_of(lane, action->takes[i].name), args[i],
                          lane->run->program->syms,
                          &action->takes[i] == action->each ? list_max : VALUE_MAX);
  record_join(r, "args", &in);
}

void record_call(struct record *r, const struct action_run *c) {
  record_text(r, "binding", text_of(c->lane, c->action->binding->name));
  record_text(r, "action", text_of(c->lane, c->action->name));
  record_int(r, "call", c->ordinal);
  if (c->lane->at && c->lane->at->rolling_back) record_bool(r, "rollback", true);
}

/* With the file's name before it when it is not the runbook's own. */
void action_site(const struct action_run *c, struct buf *out) {
  struct eval *e = &c->lane->eval;
  struct source *file = e->tree->source;
  uint32_t line, col;
  source_line_col(file, tree_span(e->tree, c->call).start, &line, &col);
  if (file != c->lane->run->program->sources[0]) buf_addf(out, "%s:", file->name);
  buf_addf(out, "%u:%u", line, col);
}

void action_text(const struct action_run *c, struct buf *out) {
  buf_addf(out, "%s.%s", text_of(c->lane, c->action->binding->name),
           text_of(c->lane, c->action->name));
}

/* A step is armed with its first intent: a half-done step is rolled back too. */
static enum status arm(struct lane *lane, struct error *err) {
  struct step_run *s = lane->at;
  if (lane->paging) return OK;
  lane->run->wrote = true;
  if (!s || s->armed || lane->run->rolling_back || lane->run->in_handler) return OK;
  step_arm(lane, s, INT64_MAX);
  return s->step->rollback ? run_record(lane, EVENT_NAME(STEP_ARMED), NULL, err) : OK;
}

static enum status intent(struct action_run *c, struct error *err) {
  struct lane *lane = c->lane;
  struct record r = {0};
  struct buf site = BUF_INIT;
  bool write = c->action->effect == EFFECT_WRITE;
  enum status status = write ? arm(lane, err) : OK;
  c->begun = clock_wall(lane->run->engine->config.clock);
  if (status != OK) return status;
  record_call(&r, c);
  record_text(&r, "effect", write ? "write" : "read");
  action_site(c, &site);
  record_text(&r, "site", buf_str(&site));
  buf_release(&site);
  record_args(&r, lane, c->action, c->args, LIST_MAX);
  record_text(&r, "driver", text_of(lane, c->driver->name));
  if (write) record_text(&r, "key", c->key);
  if (lane->paging) record_bool(&r, "page", true);
  if (c->lease_until) record_int(&r, "lease_until_us", c->lease_until);
  if (lane->at) record_int(&r, "attempt", lane->at->attempt);
  status = run_record(lane, EVENT_NAME(ACTION_STARTED), &r, err);
  return status == OK && write ? run_sync(lane, err) : status;
}

static enum status outcome(struct action_run *c, value result, const struct error *problem,
                           int64_t us, struct error *err) {
  struct record r = {0};
  record_call(&r, c);
  if (problem) record_error(&r, "error", problem, c->lane->run->program);
  else record_value(&r, "result", result, c->lane->run->program->syms);
  record_int(&r, "duration_us", us);
  return run_record(c->lane, EVENT_NAME(ACTION_FINISHED), &r, err);
}

static void tell(const struct action_run *c, enum notice_kind kind, int64_t us,
                 const struct error *e) {
  struct buf name = BUF_INIT;
  if (c->action->effect != EFFECT_WRITE || c->lane->paging) return;
  action_text(c, &name);
  run_notice(c->lane, &(struct notice){.kind = kind,
                                       .text = buf_str(&name),
                                       .us = us,
                                       .error = e,
                                       .progress = c->progress.last ? &c->progress : NULL});
  buf_release(&name);
}

/* --- the call --- */

enum status action_driver_call(struct action_run *c, struct driver_call *out, struct error *err) {
  struct run *run = c->lane->run;
  struct engine *g = run->engine;
  value setting;
  enum status status = run_settings(run, c->driver, &setting, err);
  if (status != OK) return status;
  *out = (struct driver_call){.program = run->program,
                              .setting = setting,
                              .action = c->action,
                              .driver = c->driver,
                              .key = c->key,
                              .paging = c->lane->paging,
                              .zone = run->site ? run->site->timezone : NULL,
                              .batch = c->batch,
                              .number = c->number,
                              .begun = c->begun,
                              .lease_until = c->lease_until,
                              .state_dir = run_state_dir(run),
                              .tasks = g->tasks,
                              .secrets = g->secrets,
                              .clock = g->config.clock};
  return OK;
}

enum status action_perform(struct action_run *c, value *out, struct error *err) {
  struct driver_call call;
  bool lost = false;
  enum status status = action_driver_call(c, &call, err);
  if (status == OK && c->lane->run->drill) status = drill_call(c, &lost, err);
  if (status != OK) return status;
  status = driver_perform(&call, c->perform, c->args, out, err);
  c->writing |= call.writing;
  c->unsure |= call.unsure;
  return status == OK && lost ? drill_lose(c, *out, err) : status;
}

static enum status driver_of(struct action_run *c, struct error *err) {
  const struct binding *b = c->action->binding;
  enum status status = run_driver(c->lane->run, b, &c->driver, err);
  if (status != OK) return status;
  c->perform = &c->driver->performs[c->action - b->actions];
  return OK;
}

static void begin_write(struct action_run *c) {
  struct step_run *s = c->lane->paging ? NULL : c->lane->at;
  if (s && action_once(c)) s->unsafe = true;
  if (s) s->writing = true;
  tell(c, NOTICE_ACTION, 0, NULL);
}

/* A write that was cut off by a limit, whose answer was lost, or whose driver failed after it had written
 * may have happened: unless repeating is harmless, the driver is asked. */
static bool cut_off(const struct action_run *c, const struct error *err) {
  if (!c->writing || action_repeatable(c)) return false;
  return c->unsure || strcmp(err->kind, "limit") == 0;
}

/* A failure that may pass is worth another attempt, if the driver can say that nothing was done. */
static bool may_know(const struct action_run *c, const struct error *err) {
  return c->writing && c->perform->repeat == REPEAT_UNSAFE && c->perform->has_probe &&
         strcmp(err->kind, "transient") == 0;
}

/* The driver of a write is not interrupted half-way; its time limit still holds. */
static enum status perform_shielded(struct action_run *c, value *out, struct error *err) {
  struct tasks *tasks = c->lane->run->engine->tasks;
  if (c->action->effect != EFFECT_WRITE) return action_perform(c, out, err);
  if (c->action->each) return begin_write(c), fanout_perform(c, out, err);
  int64_t before = task_shield(tasks);
  task_deadline_push(tasks, before);
  begin_write(c);
  enum status status = action_perform(c, out, err);
  if (status != OK && cut_off(c, err)) status = doubt_after_failure(c, out, err);
  else if (status != OK && may_know(c, err)) status = doubt_after_answer(c, out, err);
  task_unshield(tasks, before);
  return status;
}

/* Should the journal be lost before the next commit, people are told what it does not have. */
static void unproven(const struct action_run *c, bool done) {
  struct lane *lane = c->lane;
  if (c->action->effect != EFFECT_WRITE) return;
  buf_addf(&lane->run->unproven, "%s%s.%s", lane->run->unproven.len ? ", " : "",
           text_of(lane, c->action->binding->name), text_of(lane, c->action->name));
  buf_addf(&lane->run->unproven, " %s", done ? "(done" : "(failed");
  if (lane->at) buf_addf(&lane->run->unproven, ", step %s", lane->at->id);
  buf_addc(&lane->run->unproven, ')');
}

static struct lease_call lease_call(const struct action_run *c) {
  return (struct lease_call){.action = c->action,
                             .driver = c->driver,
                             .args = c->args,
                             .step = c->lane->at ? c->lane->at->id : "",
                             .key = c->key,
                             .ordinal = c->ordinal,
                             .until = c->lease_until};
}

/* What became of the action, for leases. */
static enum status leases_move(struct action_run *c, bool done, struct error *err) {
  struct lane *lane = c->lane;
  enum status status = OK;
  if (c->action->ends) status = leases_lift(lane, c->action, c->args, done, err);
  if (status != OK || !done || !c->lease_until) return status;
  const struct lease_call call = lease_call(c);
  return lease_take(lane, &call, err);
}

/* The same where the journal has the outcome. */
static enum status leases_told(struct action_run *c, value *out, struct error *err) {
  if (!c->action->lease && !c->action->ends) return OK;
  const struct lease_call call = lease_call(c);
  enum status status = lease_told(c->lane, &call, err);
  if (status != OK) value_unref(*out);
  return status;
}

static void note_did(const struct action_run *c, enum status status, const struct error *problem) {
  struct step_run *s = c->lane->at;
  if (!s || c->action->effect != EFFECT_WRITE || c->lane->paging) return;
  s->did |= status == OK || strcmp(problem->kind, "limit") == 0 || s->in_doubt;
}

static enum status carry_out(struct action_run *c, value *out, struct error *err) {
  struct clock *clock = c->lane->run->engine->config.clock;
  struct error problem = {0}, second = {0};
  enum status status = credentials_record(c, err);
  if (status == OK) status = intent(c, err);
  if (status != OK) return status;
  if (c->action->ends) leases_lifting(c->lane, c->action, c->args);
  int64_t started = clock_mono(clock);
  status = perform_shielded(c, out, &problem);
  int64_t us = clock_mono(clock) - started;
  note_did(c, status, &problem);
  unproven(c, status == OK);
  tell(c, NOTICE_ACTION_DONE, us, status == OK ? NULL : &problem);
  /* What is in doubt has no outcome. */
  enum status kept = OK;
  if (status == OK || strcmp(problem.kind, "in_doubt") != 0)
    kept = outcome(c, status == OK ? *out : VALUE_NIL, status == OK ? NULL : &problem, us, &second);
  if (kept == OK) kept = leases_move(c, status == OK, &second);
  if (kept != OK) {
    if (status == OK) value_unref(*out);
    error_move(err, &second);
    error_release(&problem);
    return kept;
  }
  if (status != OK) error_move(err, &problem);
  return status;
}

static enum status action_now(struct action_run *c, value *out, struct error *err) {
  struct run *run = c->lane->run;
  enum status status = task_poll(run->engine->tasks, err);
  bool effect = c->action->effect == EFFECT_WRITE && !c->lane->paging;
  if (status == OK && effect) status = leases_check(run, err);
  if (status == OK && !c->action->each) status = admit_action(c, err);
  if (status == OK) status = lease_until(run, c->action, &c->lease_until, err);
  if (status == OK && c->action->each) status = fanout_check(c, err);
  return status == OK ? carry_out(c, out, err) : status;
}

/* The evaluator has checked the arguments against what the action takes. */
enum status action_call(void *ud, struct eval *e, const struct action *action, node_id call,
                        const value *args, const bool *given, value *out) {
  struct lane *lane = ud;
  struct action_run c = {.lane = lane, .action = action, .args = args, .call = call};
  struct error err = {0};
  bool told = false;
  (void)given;
  driver_learn_args(lane->run->engine->secrets, lane->run->program, action, args);
  c.ordinal = lane->at ? ++lane->at->calls : ++lane->run->handler_calls;
  call_key(lane, c.ordinal, c.key);
  enum status status = driver_of(&c, &err);
  if (status == OK && action->effect == EFFECT_WRITE && !lane->run->drill)
    driver_practice_add(lane->run->program, c.driver, &lane->run->practice);
  if (status == OK && lane->run->history) status = action_again(&c, &told, out, &err);
  if (status == OK && told) status = leases_told(&c, out, &err);
  else if (status == OK) status = action_now(&c, out, &err);
  if (status != OK) {
    error_at(&err, tree_span(e->tree, call));
    error_move(e->err, &err);
  }
  return status;
}
