/* Leases of a run: taken, renewed while it is live, ended. */
#include "lease.h"

#include "run.h"
#include "text.h"

enum { PART = 3 };                            /* renewed after this part of its time */
static const int64_t LEAST = US_SECOND;       /* between two attempts to renew */

struct run_lease {
  struct run_lease *next;
  struct run *run;
  const struct action *action;
  const struct driver *driver;
  char *step, *key;
  value *args; /* owned */
  uint32_t ordinal;
  int64_t length, until; /* until: wall */
  struct task *task, *waiter; /* waiter: waits until no renewal is under way */
  bool renewing;
  bool paused; /* it is being ended: a renewal now would bring back what it holds */
  bool due;    /* to be renewed at once */
  bool ended;  /* nothing renews it any more */
  bool untold; /* it expired, and no step has failed of that yet */
};

static void of_text(const struct run_lease *l, struct buf *out) {
  const struct symtab *syms = l->run->program->syms;
  buf_addf(out, "%s.%s", sym_text(syms, l->action->binding->name), sym_text(syms, l->action->name));
}

static int64_t wall(const struct run *run) {
  return clock_wall(run->engine->config.clock);
}

/* --- how long --- */

static enum status length_of(struct run *run, const struct action *action, int64_t *out,
                             struct error *err) {
  enum status status = file_duration(&run->main, action->file, action->lease, out, err);
  if (status == OK && *out < LEAST) *out = LEAST;
  return status;
}

enum status lease_until(struct run *run, const struct action *action, int64_t *out,
                        struct error *err) {
  int64_t length;
  *out = 0;
  if (!action->lease) return OK;
  enum status status = length_of(run, action, &length, err);
  if (status == OK) *out = clock_add(wall(run), length);
  return status;
}

/* --- events --- */

static enum status lease_record(struct run_lease *l, const char *kind, const char *reason,
                                struct error *err) {
  struct record r = {0};
  record_int(&r, "call", l->ordinal);
  record_int(&r, "until_us", l->until);
  record_text(&r, "reason", reason);
  return run_record_at(&l->run->main, l->step, kind, &r, err);
}

static enum status record_taken(struct run_lease *l, struct error *err) {
  struct record r = {0};
  struct buf of = BUF_INIT;
  of_text(l, &of);
  record_int(&r, "call", l->ordinal);
  record_int(&r, "until_us", l->until);
  record_int(&r, "renew_us", l->length / PART);
  record_text(&r, "of", buf_str(&of));
  buf_release(&of);
  return run_record_at(&l->run->main, l->step, EVENT_NAME(LEASE_TAKEN), &r, err);
}

static enum status lease_end(struct run_lease *l, const char *reason, struct error *err) {
  l->ended = true;
  if (l->task && !task_is_done(l->task)) task_cancel(l->task);
  return lease_record(l, EVENT_NAME(LEASE_ENDED), reason, err);
}

/* --- renewing: in a task of its own --- */

/* What it extends is there already and is extended again and again: there is no intent to record.
 * It has as long as the lease lasts. */
static enum status renew(struct run_lease *l, struct error *err) {
  struct run *run = l->run;
  struct engine *g = run->engine;
  value setting;
  enum status status = run_settings(run, l->driver, &setting, err);
  if (status != OK) return status;
  int64_t now = wall(run), left = l->until - now;
  struct driver_call call = {.program = run->program,
                             .setting = setting,
                             .action = l->action,
                             .driver = l->driver,
                             .key = l->key,
                             .lease_until = clock_add(now, l->length),
                             .state_dir = run_state_dir(run),
                             .tasks = g->tasks,
                             .secrets = g->secrets,
                             .clock = g->config.clock};
  const struct perform *p = &l->driver->performs[l->action - l->action->binding->actions];
  int64_t at = clock_add(clock_mono(g->config.clock), left > LEAST ? left : LEAST);
  int64_t before = task_deadline_push(g->tasks, at);
  status = driver_renew(&call, p, l->args, err);
  task_deadline_restore(g->tasks, before);
  if (status == OK) l->until = call.lease_until;
  return status;
}

static void expired(struct run_lease *l, const struct error *why) {
  struct buf text = BUF_INIT, of = BUF_INIT;
  struct error err = {0};
  of_text(l, &of);
  buf_addf(&text, "the lease of %s (step %s) has expired: it could not be renewed: %s",
           buf_str(&of), l->step, why->message ? why->message : "no answer");
  l->untold = true;
  run_notice(&l->run->main, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  if (lease_end(l, "expired", &err) != OK) error_release(&err);
  buf_release(&text);
  buf_release(&of);
}

/* How long until the next attempt; the last is made when the lease ends. */
static int64_t next_wait(struct run_lease *l, bool renewed) {
  if (l->due) return l->due = false, 0;
  int64_t left = l->until - wall(l->run), wait = l->length / PART / 4;
  if (renewed) return l->length / PART;
  if (wait < LEAST) wait = LEAST;
  return wait < left ? wait : left > 0 ? left : 0;
}

static bool renew_now(struct run_lease *l, struct error *err) {
  l->renewing = true;
  bool renewed = renew(l, err) == OK;
  l->renewing = false;
  if (l->waiter) task_wake(l->waiter);
  return renewed;
}

/* Until it is time and nobody is ending it. */
static enum status lease_wait(struct run_lease *l, bool renewed, struct error *err) {
  struct tasks *tasks = l->run->engine->tasks;
  enum status status = task_sleep(tasks, next_wait(l, renewed), err);
  while (status == OK && l->paused && !l->ended)
    status = task_park(tasks, err);
  return status;
}

static void lease_task(void *arg) {
  struct run_lease *l = arg;
  struct engine *g = l->run->engine;
  struct error err = {0};
  bool renewed = true;
  while (!l->ended) {
    if (lease_wait(l, renewed, &err) != OK || l->ended) break;
    if (g->journal_lost && !l->run->rolling_back) break; /* nothing more is begun */
    renewed = renew_now(l, &err);
    if (l->ended) break;
    if (renewed && lease_record(l, EVENT_NAME(LEASE_RENEWED), NULL, &err) != OK) break;
    if (!renewed && wall(l->run) >= l->until) expired(l, &err);
    error_release(&err);
  }
  error_release(&err);
}

/* --- taking --- */

static void lease_forget(struct run_lease *l) {
  for (size_t i = 0; l->args && i < l->action->take_count; i++)
    value_unref(l->args[i]);
  mem_free(l->args);
  mem_free(l->step);
  mem_free(l->key);
  task_release(l->task);
  mem_free(l);
}

/* The same call of another attempt took it before. */
static struct run_lease *taken_before(const struct run *run, const struct lease_call *c) {
  for (struct run_lease *l = run->leases; l; l = l->next)
    if (!l->ended && l->action == c->action && l->ordinal == c->ordinal &&
        strcmp(l->step, c->step) == 0)
      return l;
  return NULL;
}

static struct run_lease *lease_new(struct run *run, const struct lease_call *c, int64_t length) {
  struct run_lease *l = mem_zalloc(sizeof *l);
  *l = (struct run_lease){.next = run->leases,
                          .run = run,
                          .action = c->action,
                          .driver = c->driver,
                          .step = mem_strdup(c->step),
                          .key = mem_strdup(c->key),
                          .ordinal = c->ordinal,
                          .length = length,
                          .until = c->until};
  l->args = mem_array(c->action->take_count + 1, sizeof *l->args);
  for (size_t i = 0; i < c->action->take_count; i++)
    l->args[i] = value_ref(c->args[i]);
  run->leases = l;
  return l;
}

enum status lease_take(struct lane *lane, const struct lease_call *c, struct error *err) {
  struct run *run = lane->run;
  struct run_lease *l = taken_before(run, c);
  int64_t length;
  if (l) {
    l->until = c->until;
    return lease_record(l, EVENT_NAME(LEASE_RENEWED), NULL, err);
  }
  enum status status = length_of(run, c->action, &length, err);
  if (status != OK) return status;
  l = lease_new(run, c, length);
  status = record_taken(l, err);
  if (status == OK) l->task = task_spawn(run->engine->tasks, lease_task, l);
  else l->ended = true;
  return status;
}

static bool arguments_agree(const struct run_lease *l, const struct action *a, const value *args) {
  const struct symtab *syms = l->run->program->syms;
  for (size_t i = 0; i < a->take_count; i++)
    for (size_t k = 0; k < l->action->take_count; k++)
      if (a->takes[i].name == l->action->takes[k].name && !value_equal(args[i], l->args[k], syms))
        return false;
  return true;
}

/* --- a run that goes on --- */

/* Of the step's events: the intent of a call of its body, and whether its lease was taken. */
static uint32_t call_event(const struct history *h, const struct step_past *p, enum event_kind kind,
                           uint32_t ordinal) {
  uint32_t found = 0;
  for (uint32_t e = p->first; e; e = h->events[e].next)
    if (h->events[e].kind == kind && past_int(h, e, "call", 0) == ordinal &&
        !past_is(h, e, "rollback", NULL))
      found = e;
  return found;
}

enum status lease_told(struct lane *lane, const struct lease_call *c, struct error *err) {
  const struct history *h = lane->run->history;
  const struct step_past *p = history_step(h, c->step);
  struct lease_call again = *c;
  enum status status = OK;
  for (struct run_lease *l = lane->run->leases; l && status == OK; l = l->next) {
    if (l->ended || l->action != c->action->ends || !arguments_agree(l, c->action, c->args))
      continue;
    bool later = strcmp(l->step, c->step) == 0 && l->ordinal > c->ordinal;
    if (!later) status = lease_end(l, "lifted", err);
  }
  if (status != OK || !c->action->lease || !p) return status;
  if (call_event(h, p, EVENT_LEASE_TAKEN, c->ordinal)) return OK;
  uint32_t started = call_event(h, p, EVENT_ACTION_STARTED, c->ordinal);
  again.until = started ? past_int(h, started, "lease_until_us", 0) : 0;
  status = lease_take(lane, &again, err);
  if (status == OK) lane->run->leases->due = true;
  return status;
}

struct argument {
  const struct run *run;
  const struct action *action;
  value *args;
};

static enum status argument_take(void *ud, const char *name, value owned) {
  struct argument *a = ud;
  for (size_t i = 0; i < a->action->take_count; i++) {
    if (strcmp(sym_text(a->run->program->syms, a->action->takes[i].name), name) != 0) continue;
    value_unref(a->args[i]);
    a->args[i] = owned;
    return OK;
  }
  value_unref(owned);
  return OK;
}

static const struct action *action_of(const struct run *run, uint32_t started) {
  const struct action *a = past_action(run, started);
  return a && a->lease ? a : NULL;
}

/* Until when it was renewed last. */
static int64_t until_again(const struct history *h, uint32_t taken, uint32_t ordinal, bool *ended) {
  int64_t until = past_int(h, taken, "until_us", 0);
  *ended = false;
  for (uint32_t e = h->events[taken].next; e; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    if (kind != EVENT_LEASE_RENEWED && kind != EVENT_LEASE_ENDED) continue;
    if (past_int(h, e, "call", 0) != ordinal) continue;
    until = past_int(h, e, "until_us", until);
    *ended |= kind == EVENT_LEASE_ENDED;
  }
  return until;
}

/* For some time nobody held it, and others may have come in. */
static void tell_late(struct run_lease *l, int64_t until) {
  struct buf text = BUF_INIT;
  buf_adds(&text, "the lease of ");
  of_text(l, &text);
  buf_addf(&text, " (step %s) had expired at ", l->step);
  time_text(until, false, 0, &text);
  buf_adds(&text, ", and is renewed");
  run_notice(&l->run->main, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  buf_release(&text);
}

/* A renewal now says whether it still holds; nothing goes on before that is known. */
static enum status renew_again(struct run_lease *l, struct error *err) {
  struct error problem = {0};
  enum status status = OK;
  int64_t until = l->until;
  bool late = wall(l->run) >= until, renewed = renew_now(l, &problem);
  if (renewed && late) tell_late(l, until);
  if (renewed) status = lease_record(l, EVENT_NAME(LEASE_RENEWED), NULL, err);
  else if (wall(l->run) >= l->until) expired(l, &problem);
  error_release(&problem);
  if (status == OK && !l->ended) l->task = task_spawn(l->run->engine->tasks, lease_task, l);
  return status;
}

static enum status again(struct lane *lane, const struct step_past *p, uint32_t taken,
                         struct error *err) {
  struct run *run = lane->run;
  const struct history *h = run->history;
  uint32_t ordinal = (uint32_t)past_int(h, taken, "call", 0);
  uint32_t started = call_event(h, p, EVENT_ACTION_STARTED, ordinal);
  const struct action *action = started ? action_of(run, started) : NULL;
  int64_t length;
  bool ended;
  if (!action) return OK; /* the plan was changed: nobody knows how to renew it */
  enum status status = length_of(run, action, &length, err);
  int64_t until = until_again(h, taken, ordinal, &ended);
  if (status != OK || ended) return status;
  struct lease_call c = {.action = action, .step = p->id, .ordinal = ordinal, .until = until};
  struct argument a = {run, action, mem_array(action->take_count + 1, sizeof *a.args)};
  for (size_t i = 0; i < action->take_count; i++)
    a.args[i] = VALUE_NIL;
  char *key = past_text(h, started, "key");
  status = past_members(h, started, "args", run->program->syms, argument_take, &a, err);
  if (status == OK) status = run_driver(run, action->binding, &c.driver, err);
  c.args = a.args;
  c.key = key ? key : "";
  if (status == OK) status = renew_again(lease_new(run, &c, length), err);
  for (size_t i = 0; i < action->take_count; i++)
    value_unref(a.args[i]);
  mem_free(a.args);
  mem_free(key);
  return status;
}

enum status leases_again(struct lane *lane, struct error *err) {
  const struct history *h = lane->run->history;
  enum status status = OK;
  for (size_t i = 0; i < h->step_count && status == OK; i++) {
    const struct step_past *p = h->steps[i];
    for (uint32_t e = p->first; e && status == OK; e = h->events[e].next)
      if (h->events[e].kind == EVENT_LEASE_TAKEN) status = again(lane, p, e, err);
  }
  return status;
}

/* --- ending --- */

static void lease_pause(struct run_lease *l) {
  struct tasks *tasks = l->run->engine->tasks;
  struct error err = {0};
  l->paused = true;
  int64_t before = task_shield(tasks);
  l->waiter = task_current(tasks);
  while (l->renewing && task_park(tasks, &err) == OK)
    ;
  l->waiter = NULL;
  task_unshield(tasks, before);
  error_release(&err);
}

static void lease_resume(struct run_lease *l) {
  l->paused = false;
  if (l->task && !task_is_done(l->task)) task_wake(l->task);
}

void leases_lifting(struct lane *lane, const struct action *action, const value *args) {
  for (struct run_lease *l = lane->run->leases; l; l = l->next)
    if (!l->ended && l->action == action->ends && arguments_agree(l, action, args)) lease_pause(l);
}

enum status leases_lift(struct lane *lane, const struct action *action, const value *args,
                        bool lifted, struct error *err) {
  enum status status = OK;
  for (struct run_lease *l = lane->run->leases; l && status == OK; l = l->next) {
    if (l->ended || l->action != action->ends || !arguments_agree(l, action, args)) continue;
    if (lifted) status = lease_end(l, "lifted", err);
    else lease_resume(l);
  }
  return status;
}

void leases_undoing(struct lane *lane, const char *step) {
  for (struct run_lease *l = lane->run->leases; l; l = l->next)
    if (!l->ended && strcmp(l->step, step) == 0) lease_pause(l);
}

enum status leases_undone(struct lane *lane, const char *step, struct error *err) {
  enum status status = OK;
  for (struct run_lease *l = lane->run->leases; l && status == OK; l = l->next)
    if (!l->ended && strcmp(l->step, step) == 0) status = lease_end(l, "rolled_back", err);
  return status;
}

enum status leases_check(struct run *run, struct error *err) {
  struct buf of = BUF_INIT;
  if (run->rolling_back || run->in_handler) return OK;
  for (struct run_lease *l = run->leases; l; l = l->next) {
    if (!l->untold) continue;
    l->untold = false;
    of_text(l, &of);
    error_set(err, ERR_FAILED, "the lease of %s (step %s) has expired: what it held may be gone",
              buf_str(&of), l->step);
    error_kind(err, "lease_expired");
    error_help(err, "look at what %s did; the step that took it may have to be done again",
               buf_str(&of));
    buf_release(&of);
    return ERR_FAILED;
  }
  return OK;
}

void leases_leave(struct lane *lane, bool over) {
  for (struct run_lease *l = lane->run->leases; l; l = l->next) {
    struct buf text = BUF_INIT;
    struct error err = {0};
    if (l->ended) continue;
    of_text(l, &text);
    buf_addf(&text, " of step %s ends by itself at ", l->step);
    time_text(l->until, false, 0, &text);
    if (!over) buf_adds(&text, ", unless the run goes on before");
    run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
    if (over && lease_end(l, "run_ended", &err) != OK) error_release(&err);
    buf_release(&text);
  }
}

void leases_release(struct run *run) {
  struct tasks *tasks = run->engine->tasks;
  while (run->leases) {
    struct run_lease *l = run->leases;
    struct error err = {0};
    run->leases = l->next;
    l->ended = true;
    int64_t before = task_shield(tasks);
    if (l->task) task_cancel(l->task);
    if (l->task && task_wait(tasks, l->task, &err) == OK) l->task = NULL;
    task_unshield(tasks, before);
    error_release(&err);
    lease_forget(l);
  }
}
