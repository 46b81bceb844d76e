/* What must hold before a step (guard) and after it (verify). */
#include "run.h"

#include "codec.h"

static enum status guard_record(struct lane *lane, const struct guard *g, const char *text,
                                bool held, struct error *err) {
  static const char *const names[] = {"fail", "skip", "ask"};
  struct record r = {0};
  record_text(&r, "text", text);
  record_bool(&r, "held", held);
  record_text(&r, "otherwise", names[g->otherwise]);
  return run_record(lane, EVENT_NAME(GUARD_CHECKED), &r, err);
}

static enum status guard_skip(struct lane *lane, const char *text, struct error *err) {
  struct buf reason = BUF_INIT;
  buf_addf(&reason, "guard: not so: %s", text);
  mem_free(lane->stop_reason);
  lane->stop_reason = buf_take(&reason);
  lane->stop = STOP_SKIP;
  return error_set(err, ERR_STOP, "skipped");
}

static enum status guard_ask(struct lane *lane, const char *text, struct error *err) {
  struct buf question = BUF_INIT;
  struct answer a = {0};
  buf_addf(&question, "Not so: %s. Go on all the same?", text);
  struct prompt q = {.kind = PROMPT_CONFIRM, .text = buf_str(&question)};
  enum status status = run_ask(lane, &q, NULL, &a, err);
  answer_release(&a);
  buf_release(&question);
  return status;
}

static enum status guard_fail(const struct lane *lane, const struct guard *g, const char *text,
                              struct error *err) {
  error_set(err, ERR_FAILED, "guard: not so: %s", text);
  error_kind(err, "guard");
  error_at(err, tree_span(lane->eval.tree, g->at));
  return ERR_FAILED;
}

static enum status guard_check(struct lane *lane, const struct guard *g, struct error *err) {
  char *text;
  value v;
  enum status status = run_text(lane, g->text, &text, err);
  if (status != OK) return status;
  status = run_eval(lane, g->cond, &v, err);
  if (status == OK) {
    bool held = value_truthy(v);
    value_unref(v);
    status = guard_record(lane, g, text, held, err);
    if (status == OK && !held && g->otherwise == OTHERWISE_SKIP)
      status = guard_skip(lane, text, err);
    else if (status == OK && !held && g->otherwise == OTHERWISE_ASK)
      status = guard_ask(lane, text, err);
    else if (status == OK && !held) status = guard_fail(lane, g, text, err);
  }
  mem_free(text);
  return status;
}

enum status guards_check(struct lane *lane, struct step_run *s, struct error *err) {
  enum status status = OK;
  for (const struct guard *g = s->step->guards; status == OK && g; g = g->next)
    status = guard_check(lane, g, err);
  return status;
}

/* --- verify --- */

static enum status verify_failed(struct lane *lane, const struct verify *v, const char *text,
                                 int64_t within, struct error *err) {
  char limit[32];
  const char *what = *text ? text : "the condition";
  if (v->within) {
    took_text(within, limit);
    error_set(err, ERR_FAILED, "verify: %s did not hold within %s", what, limit);
  } else {
    error_set(err, ERR_FAILED, "verify: %s does not hold", what);
  }
  error_kind(err, "verify");
  error_at(err, tree_span(lane->eval.tree, v->block));
  return ERR_FAILED;
}

/* Looks until the block holds or `within` has passed; without it, once. */
static enum status verify_look(struct lane *lane, const struct verify *v, int64_t within,
                               struct look *l, struct error *err) {
  int64_t left = 0;
  enum status status = v->within ? wait_begin(lane, within, l->every, &left, err) : OK;
  if (status != OK) return status;
  if (!v->within) {
    value out;
    status = run_call_block(lane, v->block, &out, err);
    l->tries = 1;
    if (status == OK) l->held = value_truthy(out), value_unref(out);
    return status;
  }
  l->until = clock_add(clock_mono(lane->run->engine->config.clock), left);
  status = look_until(lane, l, err);
  struct record r = {0};
  record_bool(&r, "held", l->held);
  record_int(&r, "tries", l->tries);
  if (status == OK) return run_record(lane, EVENT_NAME(WAIT_FINISHED), &r, err);
  record_release(&r);
  return status;
}

static enum status verify_check(struct lane *lane, const struct verify *v, struct error *err) {
  int64_t within;
  char *text;
  struct look l = {.block = v->block, .ends = true};
  enum status status = run_duration(lane, v->within, 0, &within, err);
  if (status == OK) status = run_duration(lane, v->every, LIMIT_EVERY, &l.every, err);
  if (status == OK) status = run_text(lane, v->text, &text, err);
  if (status != OK) return status;
  status = verify_look(lane, v, within, &l, err);
  if (status == OK) {
    struct record r = {0};
    if (*text) record_text(&r, "text", text);
    record_bool(&r, "held", l.held);
    record_int(&r, "tries", l.tries);
    status = run_record(lane, EVENT_NAME(VERIFY_CHECKED), &r, err);
    if (status == OK && l.held)
      run_notice(lane, &(struct notice){.kind = NOTICE_VERIFIED, .text = *text ? text : NULL});
    if (status == OK && !l.held) status = verify_failed(lane, v, text, within, err);
  }
  mem_free(text);
  return status;
}

enum status verifies_check(struct lane *lane, struct step_run *s, struct error *err) {
  enum status status = OK;
  for (const struct verify *v = s->step->verifies; status == OK && v; v = v->next)
    status = verify_check(lane, v, err);
  return status;
}
