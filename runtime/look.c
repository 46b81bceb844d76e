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

enum status look_until(struct lane *lane, struct look *l, struct error *err) {
  struct clock *clock = lane->run->engine->config.clock;
  for (l->tries = 1;; l->tries++) {
    value v;
    bool before = lane->replay != NULL;
    enum status status = run_call_block(lane, l->block, &v, err);
    if (status != OK) return status;
    l->held = value_truthy(v);
    value_unref(v);
    if (ended_before(lane) || (l->ends && l->held)) return OK;
    if (replaying(lane)) continue;
    int64_t left = l->until - clock_mono(clock);
    /* The time was up while the run stood: it looks once more before it says that nothing came. */
    if (left <= 0 && (!before || !l->ends)) return OK;
    status = wait_sleep(lane, left <= 0 ? 0 : l->every < left ? l->every : left, err);
    if (status != OK) return status;
  }
}
