/* A write whose outcome nobody recorded. It is never silently repeated: what is safe to repeat is
 * done again, else the driver is asked, else an operator has to say what became of it. */
#include "action.h"

enum status settled_record(struct action_run *c, const char *as, const char *by,
                           const value *result, const char *reason, struct error *err) {
  struct record r = {0};
  record_call(&r, c);
  record_text(&r, "key", c->key);
  record_text(&r, "as", as);
  record_text(&r, "by", by);
  if (result) record_value(&r, "result", *result, c->lane->run->program->syms);
  record_text(&r, "reason", reason);
  return run_record(c->lane, EVENT_NAME(ACTION_SETTLED), &r, err);
}

/* Whether the driver knows: OK with *known. A probe that fails knows nothing. */
enum status doubt_probe(struct action_run *c, enum probed *known, value *out, struct buf *why,
                        struct error *err) {
  struct tasks *tasks = c->lane->run->engine->tasks;
  struct driver_call call;
  struct error problem = {0};
  *known = PROBED_UNKNOWN;
  if (!c->perform->has_probe) return buf_adds(why, "its driver cannot tell"), OK;
  enum status status = action_driver_call(c, &call, err);
  if (status != OK) return status;
  int64_t before = task_shield(tasks);
  task_deadline_push(tasks, clock_add(clock_mono(c->lane->run->engine->config.clock), LIMIT_PROBE));
  status = driver_probe(&call, c->perform, c->args, known, out, &problem);
  task_unshield(tasks, before);
  if (status != OK) {
    *known = PROBED_UNKNOWN;
    buf_addf(why, "its driver was asked and failed: %s", problem.message);
  } else if (*known == PROBED_UNKNOWN) {
    buf_adds(why, "its driver was asked and does not know");
  }
  error_release(&problem);
  return OK;
}

void doubt_help(const struct run *run, const char *what, struct error *err) {
  const char *tail = run->engine->config.tail;
  struct buf b = BUF_INIT;
  buf_addf(&b, "look, then say so: stepwise mark-done %s ", run->id);
  buf_add_word(&b, what);
  error_help(err, "%s --result JSON%s, or with --not-done --reason TEXT", buf_str(&b), tail ? tail : "");
  buf_release(&b);
}

void doubt_mark(struct action_run *c, struct error *err) {
  struct step_run *s = c->lane->at;
  struct buf name = BUF_INIT;
  action_text(c, &name);
  if (s) {
    s->in_doubt = true;
    s->doubt = (struct step_doubt){.action = c->action, .call = c->ordinal};
    memcpy(s->doubt.key, c->key, sizeof s->doubt.key);
  }
  error_kind(err, "in_doubt");
  doubt_help(c->lane->run, buf_str(&name), err);
  buf_release(&name);
}

static enum status in_doubt(struct action_run *c, const char *what, const char *why,
                            struct error *err) {
  struct buf name = BUF_INIT;
  action_text(c, &name);
  error_set(err, ERR_FAILED, "%s %s: whether it happened is not known, and %s", buf_str(&name), what,
            why);
  doubt_mark(c, err);
  buf_release(&name);
  return ERR_FAILED;
}

/* Records what the driver said. */
static enum status probed(struct action_run *c, enum probed known, value *out, struct error *err) {
  enum status status =
      settled_record(c, known == PROBED_DONE ? "done" : "not_done", "probe",
                     known == PROBED_DONE ? out : NULL, NULL, err);
  if (status != OK && known == PROBED_DONE) value_unref(*out);
  return status;
}

enum status doubt_settle(struct action_run *c, bool *done, value *out, struct error *err) {
  struct buf why = BUF_INIT;
  enum probed known;
  *done = false;
  if (action_repeatable(c))
    return settled_record(c, "not_done", c->perform->repeat == REPEAT_BY_KEY ? "by_key" : "safe", NULL,
                          "it may be done again", err);
  enum status status = doubt_probe(c, &known, out, &why, err);
  if (status == OK && known == PROBED_UNKNOWN)
    status = in_doubt(c, "was begun and the run was interrupted", buf_str(&why), err);
  else if (status == OK) status = probed(c, known, out, err);
  *done = status == OK && known == PROBED_DONE;
  buf_release(&why);
  return status;
}

enum status doubt_after_failure(struct action_run *c, value *out, struct error *err) {
  struct buf what = BUF_INIT;
  struct buf why = BUF_INIT;
  struct error second = {0};
  enum probed known;
  if (strcmp(err->kind, "limit") == 0) buf_adds(&what, "was cut off by a time limit");
  else if (err->kind[0]) buf_addf(&what, "has no answer (%s)", err->message);
  else buf_addf(&what, "was begun, and its driver failed afterwards (%s)", err->message);
  enum status status = doubt_probe(c, &known, out, &why, &second);
  if (status == OK && known == PROBED_UNKNOWN)
    status = in_doubt(c, buf_str(&what), buf_str(&why), &second);
  else if (status == OK) status = probed(c, known, out, &second);
  buf_release(&why);
  buf_release(&what);
  if (status != OK) error_move(err, &second);
  if (status == OK && known == PROBED_DONE) return error_release(err), OK;
  /* It did not happen: then the failure is one, and the step may be tried again. */
  if (status == OK && c->lane->at) c->lane->at->unsafe = false;
  return err->status;
}

enum status doubt_after_answer(struct action_run *c, value *out, struct error *err) {
  struct buf why = BUF_INIT;
  struct error second = {0};
  enum probed known;
  enum status status = doubt_probe(c, &known, out, &why, &second);
  buf_release(&why);
  if (status == OK && known != PROBED_UNKNOWN) status = probed(c, known, out, &second);
  if (status != OK) error_move(err, &second);
  else if (known == PROBED_DONE) return error_release(err), OK;
  else if (known == PROBED_NOT_DONE && c->lane->at) c->lane->at->unsafe = false;
  return err->status;
}
