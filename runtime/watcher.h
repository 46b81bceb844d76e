/* Starts runbooks by themselves: at the times of their schedules, and when what their triggers look
 * at begins to hold.
 *
 * Each schedule and each trigger is a task of the engine. It starts one run at a time: while a run
 * of it is open, parked or live, none is begun. What it has started is in the journal (run.started
 * has `trigger`), so nothing is kept beside it: times that passed while nobody watched are told and
 * not made up. A trigger's looks are reads and leave no events. */
#ifndef STEPWISE_WATCHER_H
#define STEPWISE_WATCHER_H

#include "engine.h"

enum watch_news_kind {
  WATCH_BEGINS,  /* at_us: when it comes next; 0: a trigger, every us */
  WATCH_MISSED,  /* n times since the run `id`, the last at at_us; or since it was looked at */
  WATCH_STARTS,  /* a run is begun; NOTICE_RUN has its id */
  WATCH_ENDED,   /* id, state; error or NULL */
  WATCH_REFUSED, /* no run came of it: error */
  WATCH_PASSED,  /* not started: the run `id` is open */
  WATCH_FAILED   /* a trigger cannot look: error */
};

struct watch_news {
  enum watch_news_kind kind;
  const char *runbook, *what; /* what: "schedule 0 8 * * *", or a trigger's text */
  const char *id;
  enum run_state state;
  int64_t at_us, us;
  uint32_t n;
  const struct error *error;
};

struct watcher_config {
  struct engine *engine;
  const struct engine_config *engine_config; /* what the engine was made with */
  int64_t until_us; /* wall time at which it ends by itself, or CLOCK_NEVER */
  void (*tell)(void *ud, const struct watch_news *n);
  void *ud;
};

struct watcher;
struct watcher *watcher_new(const struct watcher_config *config) must_use;
void watcher_free(struct watcher *w);
/* The schedules and triggers of a program; options are those of each of its runs. Both are
 * borrowed. ERR_CONFLICT: another process watches one of them; ERR_VALUE: this one does already. */
enum status watcher_add(struct watcher *w, struct program *program,
                        const struct run_options *options, struct error *err) must_use;
/* Runs until `until_us` or until a signal stops it and all runs have come to a stop; which signal,
 * or 0. */
int watcher_run(struct watcher *w);

#endif
