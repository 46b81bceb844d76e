/* Waits: for a time to pass, or for a condition that is looked at every so often. Their end is an
 * absolute time in the journal, so a run that stood meanwhile waits only for what is left. */
#include "run.h"

enum status wait_begin(struct lane *lane, int64_t us, int64_t every, int64_t *left,
                       struct error *err) {
  struct record r = {0};
  uint32_t before = lane->replay ? replay_peek(lane->replay, EVENT_WAIT_STARTED) : 0;
  int64_t until = clock_add(clock_wall(lane->run->engine->config.clock), us);
  *left = us;
  if (before) *left = run_left(lane->run, past_int(lane->run->history, before, "until_us", until), us);
  record_int(&r, "until_us", until);
  if (every) record_int(&r, "every_us", every);
  return run_record(lane, EVENT_NAME(WAIT_STARTED), &r, err);
}

static bool ended_before(const struct lane *lane) {
  return lane->replay && replay_head(lane->replay) == EVENT_WAIT_FINISHED;
}

enum status wait_sleep(struct lane *lane, int64_t us, struct error *err) {
  if (ended_before(lane)) return OK;
  enum status status = lane->replay ? replay_live(lane, err) : OK;
  if (status == OK) status = task_sleep(lane->run->engine->tasks, us, err);
  replay_clock_moved(lane);
  return status;
}

static void tell_failed(struct lane *lane, const struct error *cause) {
  struct buf text = BUF_INIT;
  buf_addf(&text, "this look failed, and another follows: %s", cause->message);
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  buf_release(&text);
}

/* Since when looks fail: as the journal has it, or from now on. */
static void begin_failing(struct lane *lane, struct look *l) {
  struct clock *clock = lane->run->engine->config.clock;
  uint32_t before = lane->replay ? replay_peek(lane->replay, EVENT_LOOK_FAILED) : 0;
  if (l->failing) return;
  l->failing = true;
  l->since_us = clock_wall(clock);
  l->since = clock_mono(clock);
  if (!before) return;
  l->since_us = past_int(lane->run->history, before, "since_us", l->since_us);
  l->since = run_mono(lane->run, l->since_us);
}

/* Whether another look follows this failure. What was decided before is decided again. */
static bool passes(struct lane *lane, const struct look *l, const struct error *cause) {
  if (cause->status != ERR_FAILED || strcmp(cause->kind, "transient") != 0) return false;
  if (replaying(lane)) return replay_head(lane->replay) == EVENT_LOOK_FAILED;
  if (!l->ends && !l->tolerate) return false;
  int64_t since = l->failing ? l->since : clock_mono(lane->run->engine->config.clock);
  int64_t until = l->ends ? l->until : clock_add(since, l->tolerate);
  return clock_mono(lane->run->engine->config.clock) < until;
}

static enum status look_failed(struct lane *lane, struct look *l, struct error *err) {
  struct error cause = {0};
  struct record r = {0};
  if (!passes(lane, l, err)) return err->status;
  error_move(&cause, err);
  begin_failing(lane, l);
  tell_failed(lane, &cause);
  record_error(&r, "error", &cause, lane->run->program);
  record_int(&r, "since_us", l->since_us);
  enum status status = run_record(lane, EVENT_NAME(LOOK_FAILED), &r, err);
  error_release(&cause);
  return status;
}

/* One look: l->held is what it gave; false when it failed in a way that passes. */
static enum status look_once(struct lane *lane, struct look *l, int64_t *pause, struct error *err) {
  value v;
  enum status status = run_call_block(lane, l->block, &v, err);
  *pause = l->every;
  l->held = false;
  if (status != OK) {
    if (err->retry_after > *pause) *pause = err->retry_after;
    return look_failed(lane, l, err);
  }
  l->held = value_truthy(v);
  l->failing = false;
  value_unref(v);
  return OK;
}

enum status look_until(struct lane *lane, struct look *l, struct error *err) {
  struct clock *clock = lane->run->engine->config.clock;
  for (l->tries = 1;; l->tries++) {
    int64_t pause;
    bool before = lane->replay != NULL;
    enum status status = look_once(lane, l, &pause, err);
    if (status != OK) return status;
    if (ended_before(lane) || (l->ends && l->held)) return OK;
    if (replaying(lane)) continue;
    int64_t left = l->until - clock_mono(clock);
    /* The time was up while the run stood: it looks once more before it says that nothing came. */
    if (left <= 0 && (!before || !l->ends)) return OK;
    status = wait_sleep(lane, left <= 0 ? 0 : pause < left ? pause : left, err);
    if (status != OK) return status;
  }
}
