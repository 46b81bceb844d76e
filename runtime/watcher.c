/* What starts runs: when each is due, what it looks at, and what becomes of the runs it starts. */
#include "watcher.h"

#include <unistd.h>

#include "../lang/cron.h"
#include "digest.h"
#include "peek.h"
#include "run.h"

#define NAP (60 * US_SECOND)  /* wall clocks are set: none is slept on for longer */
#define LATE (60 * US_SECOND) /* what is due and later than this was missed */
enum { MISSED_MOST = 1000, RUNS_LOOKED_AT = 500 };

struct starter {
  struct watcher *watcher;
  struct starter *next;
  struct program *program;
  const struct trigger *trigger; /* NULL: a schedule */
  struct cron cron;
  char *text; /* as the journal has it; owned */
  int64_t every, due;
  bool held;             /* the trigger's last look said yes */
  char *failed;          /* its last error, told once; owned */
  char last[RUN_ID_MAX]; /* the run it started last, or "" */
  int64_t last_us;
  struct run_options options;
  struct run_result result;
  struct task *task;
  bool live;
  struct driver_settings *settings;
  int64_t lock; /* of the owners' file; 0 = not had */
};

struct watcher {
  struct watcher_config config;
  struct starter *starters;
  size_t count;
  int signum; /* what stopped it */
};

static struct clock *clock_of(const struct starter *s) {
  return s->watcher->config.engine_config->clock;
}

static int64_t zone_offset(void *ud, int64_t us) {
  const struct watcher *w = ud;
  return site_offset(w->config.engine_config->site, us);
}

static void tell(struct starter *s, struct watch_news n) {
  n.runbook = s->program->plan->name;
  n.what = s->text;
  s->watcher->config.tell(s->watcher->config.ud, &n);
}

/* --- what the journal has of it --- */

struct search {
  struct starter *starter;
  struct journal *journal;
  struct error *err;
};

static enum status is_mine(void *ud, const struct event *e) {
  struct starter *s = ud;
  if (!peek_is(e->data, e->data_len, "trigger", s->text)) return ERR_STOP;
  snprintf(s->last, sizeof s->last, "%s", e->run);
  s->last_us = e->time_us;
  return ERR_STOP;
}

static enum status look_at_run(void *ud, const struct run_row *r) {
  struct search *search = ud;
  const struct event_filter at = {.after = r->first_seq - 1};
  enum status status = journal_scan(search->journal, &at, is_mine, search->starter, search->err);
  return *search->starter->last ? ERR_STOP : status == ERR_STOP ? OK : status;
}

static enum status find_last(struct starter *s, struct error *err) {
  struct search search = {s, s->watcher->config.engine_config->journal, err};
  const struct run_filter filter = {
      .runbook = s->program->plan->name, .newest_first = true, .last = RUNS_LOOKED_AT};
  enum status status = journal_runs(search.journal, &filter, look_at_run, &search, err);
  return status == ERR_STOP ? OK : status;
}

static enum status take_state(void *ud, const struct run_row *r) {
  *(enum run_state *)ud = run_state_find(r->state);
  return OK;
}

/* Whether the run it started last has not come to an end: parked, held or in another process. */
static bool last_is_open(struct starter *s) {
  struct error err = {0};
  enum run_state state = RUN_NONE;
  const struct run_filter filter = {.run = s->last};
  if (!*s->last) return false;
  enum status status =
      journal_runs(s->watcher->config.engine_config->journal, &filter, take_state, &state, &err);
  error_release(&err);
  return status == OK && state != RUN_NONE && state < RUN_SUCCEEDED;
}

/* --- when it is due --- */

static int64_t after(struct starter *s, int64_t us) {
  return cron_next(&s->cron, us, zone_offset, s->watcher);
}

/* How many of its times lie in between; *last: the latest of them. */
static uint32_t times_between(struct starter *s, int64_t from, int64_t to, int64_t *last) {
  uint32_t n = 0;
  for (int64_t at = after(s, from); at <= to && n < MISSED_MOST; at = after(s, at))
    n++, *last = at;
  return n;
}

static void tell_missed(struct starter *s, int64_t from, int64_t to, const char *since_run) {
  int64_t last = 0;
  uint32_t n = times_between(s, from, to, &last);
  if (n) tell(s, (struct watch_news){.kind = WATCH_MISSED, .id = since_run, .n = n, .at_us = last});
}

static enum status sleep_until(struct starter *s, int64_t at, struct error *err) {
  struct tasks *tasks = engine_tasks(s->watcher->config.engine);
  enum status status = OK;
  for (int64_t left; status == OK && (left = at - clock_wall(clock_of(s))) > 0;)
    status = task_sleep(tasks, left < NAP ? left : NAP, err);
  return status;
}

/* --- what a trigger looks at --- */

static enum status trigger_action(void *ud, struct eval *e, const struct action *action,
                                  node_id call, const value *args, const bool *given, value *out) {
  struct starter *s = ud;
  const struct engine_config *g = s->watcher->config.engine_config;
  struct driver_call c = {.program = s->program,
                          .action = action,
                          .key = "",
                          .state_dir = g->state_dir,
                          .tasks = engine_tasks(s->watcher->config.engine),
                          .secrets = engine_secrets(s->watcher->config.engine),
                          .clock = g->clock};
  (void)given;
  enum status status = site_driver(g->site, s->program, action->binding, &c.driver, e->err);
  if (status == OK)
    status = driver_settings(&s->settings, g->site, NULL, &(struct secret_reach){c.tasks, c.secrets},
                             s->program, c.driver, &c.setting, e->err);
  if (status == OK)
    status = driver_perform(&c, &c.driver->performs[action - action->binding->actions], args, out,
                            e->err);
  if (status != OK) error_at(e->err, tree_span(e->tree, call));
  return status;
}

static enum status trigger_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  struct starter *s = ud;
  (void)call, (void)out;
  return error_set(e->err, ERR_CHECK, "%s cannot stand in a trigger",
                   sym_text(s->program->syms, word));
}

static enum status trigger_poll(void *ud, struct eval *e) {
  struct starter *s = ud;
  return task_poll(engine_tasks(s->watcher->config.engine), e->err);
}

static int64_t trigger_now(void *ud) {
  return clock_wall(clock_of(ud));
}

static int64_t trigger_offset(void *ud, int64_t us) {
  struct starter *s = ud;
  return zone_offset(s->watcher, us);
}

static const struct eval_hooks trigger_hooks = {.action = trigger_action,
                                                .statement = trigger_statement,
                                                .poll = trigger_poll,
                                                .now = trigger_now,
                                                .offset = trigger_offset};

static enum status look(struct starter *s, bool *holds, struct error *err) {
  struct tasks *tasks = engine_tasks(s->watcher->config.engine);
  struct eval e;
  value v = VALUE_NIL;
  eval_init(&e, s->program, &s->trigger->unit, &trigger_hooks, s, err);
  int64_t before = task_deadline_push(tasks, clock_add(clock_mono(clock_of(s)), LIMIT_TRIGGER));
  enum status status = eval_body(&e, s->trigger->unit.body, &v);
  task_deadline_restore(tasks, before);
  eval_release(&e);
  if (status != OK) return status;
  *holds = value_truthy(v);
  value_unref(v);
  return OK;
}

/* An error that lasts is told once, and again when it changes. */
static void look_failed(struct starter *s, struct error *err) {
  redact_error(engine_secrets(s->watcher->config.engine), err);
  const char *message = err->message ? err->message : "failed";
  if (!s->failed || strcmp(s->failed, message) != 0) {
    mem_free(s->failed);
    s->failed = mem_strdup(message);
    tell(s, (struct watch_news){.kind = WATCH_FAILED, .error = err});
  }
  error_release(err);
}

/* A trigger starts a run when it begins to hold: after a look that said no, or the first one. */
static bool begins_to_hold(struct starter *s) {
  struct error err = {0};
  bool holds = false;
  if (look(s, &holds, &err) != OK) {
    if (err.status != ERR_CANCELLED || strcmp(err.kind, "interrupted") != 0) look_failed(s, &err);
    error_release(&err);
    return false;
  }
  mem_free(s->failed);
  s->failed = NULL;
  bool begins = holds && !s->held;
  s->held = holds;
  return begins;
}

/* --- its runs --- */

static void run_ended(void *ud, struct run_result *r) {
  struct starter *s = ud;
  struct watch_news n = {.kind = r->state == RUN_NONE ? WATCH_REFUSED : WATCH_ENDED,
                         .id = r->id,
                         .state = r->state,
                         .error = r->error.message ? &r->error : NULL};
  if (r->state != RUN_NONE) snprintf(s->last, sizeof s->last, "%s", r->id);
  tell(s, n);
  error_release(&r->error);
  s->live = false;
  if (s->task) task_wake(s->task);
}

/* Until the run has come to a stop: a signal stops the run, and that is waited for. */
static void start(struct starter *s) {
  struct tasks *tasks = engine_tasks(s->watcher->config.engine);
  struct error err = {0};
  if (last_is_open(s)) {
    tell(s, (struct watch_news){.kind = WATCH_PASSED, .id = s->last});
    return;
  }
  s->live = true;
  tell(s, (struct watch_news){.kind = WATCH_STARTS});
  engine_start(s->watcher->config.engine, s->program, &s->options, &s->result);
  int64_t before = task_shield(tasks);
  while (s->live)
    if (task_park(tasks, &err) != OK) error_release(&err);
  task_unshield(tasks, before);
}

/* --- its task --- */

static void run_schedule(struct starter *s) {
  struct error err = {0};
  for (int64_t from = clock_wall(clock_of(s));;) {
    s->due = after(s, from);
    if (s->due >= s->watcher->config.until_us) break;
    if (sleep_until(s, s->due, &err) != OK || s->watcher->signum) break;
    int64_t now = clock_wall(clock_of(s));
    bool late = now - s->due > LATE;
    if (late) tell_missed(s, s->due - 1, now, NULL);
    else start(s);
    if (s->watcher->signum) break;
    now = clock_wall(clock_of(s));
    if (!late) tell_missed(s, s->due, now, NULL);
    from = now > s->due ? now : s->due; /* a clock that is set back names no time twice */
  }
  error_release(&err);
}

static void run_trigger(struct starter *s) {
  struct error err = {0};
  while (!s->watcher->signum) {
    if (clock_wall(clock_of(s)) >= s->watcher->config.until_us) break;
    if (begins_to_hold(s) && !s->watcher->signum) start(s);
    if (s->watcher->signum || sleep_until(s, clock_wall(clock_of(s)) + s->every, &err) != OK) break;
  }
  error_release(&err);
}

static void starter_task(void *arg) {
  struct starter *s = arg;
  if (s->trigger) run_trigger(s);
  else run_schedule(s);
}

/* --- making them --- */

/* One process watches a starter: two would start two runs. */
static enum status starter_lock(struct starter *s, struct error *err) {
  uint8_t hash[SHA256_SIZE];
  struct buf b = BUF_INIT;
  buf_adds(&b, s->program->plan->name);
  buf_addc(&b, 0);
  buf_adds(&b, s->text);
  sha256_of(b.data, b.len, hash);
  buf_release(&b);
  /* Far behind all numbers of events. */
  int64_t lock = INT64_C(1) << 62;
  for (int i = 0; i < 6; i++)
    lock |= (int64_t)hash[i] << (8 * i);
  struct owners *owners = engine_owners(s->watcher->config.engine);
  pid_t pid = 0;
  if (owner_of(owners, lock, &pid) && pid == getpid()) {
    error_set(err, ERR_VALUE, "\"%s\" of %s is to be watched twice", s->text, s->program->plan->name);
    error_help(err, "name each runbook once; two of one name need other names");
    return ERR_VALUE;
  }
  enum status status = owner_take(owners, lock, &pid, err);
  if (status == OK) s->lock = lock;
  if (status != ERR_CONFLICT) return status;
  error_set(err, ERR_CONFLICT, "process %ld watches \"%s\" of %s already", (long)pid, s->text,
            s->program->plan->name);
  error_help(err, "one process watches a schedule or a trigger, so that it starts one run");
  return ERR_CONFLICT;
}

static struct starter *starter_new(struct watcher *w, struct program *p,
                                   const struct run_options *options) {
  struct starter *s = mem_zalloc(sizeof *s), **at = &w->starters;
  s->watcher = w;
  s->program = p;
  s->options = *options;
  s->options.ended = run_ended;
  s->options.ud = s;
  while (*at)
    at = &(*at)->next;
  *at = s;
  w->count++;
  return s;
}

static enum status starter_ready(struct starter *s, char *owned_text, struct error *err) {
  s->text = owned_text;
  s->options.trigger = s->text;
  enum status status = starter_lock(s, err);
  return status == OK ? find_last(s, err) : status;
}

static enum status add_schedule(struct watcher *w, struct program *p, const char *text,
                                const struct run_options *options, struct error *err) {
  struct starter *s = starter_new(w, p, options);
  struct buf b = BUF_INIT;
  enum status status = cron_parse(text, &s->cron, err);
  buf_addf(&b, "schedule %s", text);
  char *owned = buf_take(&b);
  if (status == OK) return starter_ready(s, owned, err);
  mem_free(owned);
  return status;
}

static enum status add_trigger(struct watcher *w, struct program *p, const struct trigger *t,
                               const struct run_options *options, struct error *err) {
  struct starter *s = starter_new(w, p, options);
  struct eval e;
  value text = VALUE_NIL, every = VALUE_NIL;
  struct buf b = BUF_INIT;
  s->trigger = t;
  eval_init(&e, p, &p->plan->unit, &trigger_hooks, s, err);
  enum status status = eval_node(&e, t->text, &text);
  if (status == OK) status = eval_node(&e, t->every, &every);
  if (status == OK && (every.tag != V_DURATION || every.u.i < US_SECOND)) {
    status = error_set(err, ERR_VALUE, "every: of a trigger is a second or more");
    error_at(err, tree_span(e.tree, t->every));
  }
  if (status == OK) value_to_s(text, p->syms, &b);
  s->every = every.u.i;
  value_unref(text);
  value_unref(every);
  eval_release(&e);
  char *owned = buf_take(&b);
  if (status == OK) return starter_ready(s, owned ? owned : mem_strdup(""), err);
  mem_free(owned);
  return status;
}

enum status watcher_add(struct watcher *w, struct program *program,
                        const struct run_options *options, struct error *err) {
  const struct plan *plan = program->plan;
  enum status status = OK;
  for (size_t i = 0; status == OK && i < plan->schedule_count; i++)
    status = add_schedule(w, program, plan->schedules[i], options, err);
  for (size_t i = 0; status == OK && i < plan->trigger_count; i++)
    status = add_trigger(w, program, &plan->triggers[i], options, err);
  return status;
}

struct watcher *watcher_new(const struct watcher_config *config) {
  struct watcher *w = mem_zalloc(sizeof *w);
  w->config = *config;
  return w;
}

void watcher_free(struct watcher *w) {
  for (struct starter *s = w ? w->starters : NULL, *next; s; s = next) {
    next = s->next;
    if (s->lock) owner_drop(engine_owners(w->config.engine), s->lock);
    if (s->task) task_release(s->task);
    driver_settings_free(&s->settings);
    mem_free(s->text);
    mem_free(s->failed);
    mem_free(s);
  }
  mem_free(w);
}

/* --- running --- */

static void signal_stops(void *ud, int signum) {
  struct watcher *w = ud;
  w->signum = signum;
  for (struct starter *s = w->starters; s; s = s->next)
    if (s->task) task_cancel(s->task);
}

static void tell_begins(struct starter *s) {
  int64_t now = clock_wall(clock_of(s));
  if (s->trigger) {
    tell(s, (struct watch_news){.kind = WATCH_BEGINS, .us = s->every});
    return;
  }
  tell(s, (struct watch_news){.kind = WATCH_BEGINS, .at_us = after(s, now)});
  if (*s->last) tell_missed(s, s->last_us, now, s->last);
}

int watcher_run(struct watcher *w) {
  struct tasks *tasks = engine_tasks(w->config.engine);
  engine_on_signal(w->config.engine, signal_stops, w);
  for (struct starter *s = w->starters; s; s = s->next) {
    tell_begins(s);
    s->task = task_spawn(tasks, starter_task, s);
  }
  engine_wait(w->config.engine);
  return w->signum;
}
