/* The scheduler: ready tasks run in order, then the turn hook, then the loop waits.
 *
 * Hard part: a task is woken for one of four reasons (event, timer, deadline, cancellation), and
 * whichever comes first must withdraw the others. task_suspend is the only place that waits. */
#include "task.h"

#include <fcntl.h>
#include <signal.h>
#include <uv.h>

#include "fiber.h"
#include "task_timer.h"

enum wake { WAKE_EVENT, WAKE_TIMER, WAKE_DEADLINE, WAKE_CANCEL };
enum task_state { TASK_READY, TASK_RUNNING, TASK_PARKED, TASK_DONE };

struct task {
  struct timer timer; /* first: a timer in the heap is its task */
  struct tasks *owner;
  struct task *next_ready;
  struct task *joiner; /* waits for this one */
  void (*fn)(void *arg);
  void *arg;
  struct fiber *fiber;
  enum task_state state;
  enum wake wake;
  bool cancelled, interruptible, timer_is_deadline;
  uint32_t shields, refs;
  int64_t deadline;
};

enum { SIGNALS = 3 };

struct kept {
  struct kept *next;
  const void *key;
  void *p;
  void (*release)(void *p);
};

struct tasks {
  struct clock *clock;
  struct task *first, *last; /* ready */
  struct task *current;
  size_t live;
  uint32_t outside; /* things the loop is waited on for: polls, work */
  uint32_t flowing; /* such things while which time goes on: children, transfers */
  struct timers timers;
  struct fibers *fibers;
  int64_t (*turn)(void *ud);
  void *turn_ud;
  void (*on_signal)(void *ud, int signum);
  void *signal_ud;
  int64_t last_turn;
  struct kept *kept;
  bool loop_open, timer_open;
  uv_loop_t loop;
  uv_timer_t alarm;
  uv_signal_t signals[SIGNALS];
  bool signal_open[SIGNALS];
};

struct tasks *tasks_new(struct clock *clock) {
  struct tasks *t = mem_zalloc(sizeof *t);
  t->clock = clock;
  t->fibers = fibers_new();
  t->last_turn = clock_mono(clock);
  return t;
}

static uv_loop_t *loop_of(struct tasks *t) {
  if (t->loop_open) return &t->loop;
  uv_replace_allocator(mem_alloc, mem_realloc, mem_array, mem_free);
  if (uv_loop_init(&t->loop) != 0) mem_out();
  t->loop.data = t;
  t->loop_open = true;
  return &t->loop;
}

void tasks_keep(struct tasks *t, const void *key, void *p, void (*release)(void *p)) {
  struct kept *k = mem_alloc(sizeof *k);
  *k = (struct kept){t->kept, key, p, release};
  t->kept = k;
}

void *tasks_kept(const struct tasks *t, const void *key) {
  for (const struct kept *k = t->kept; k; k = k->next)
    if (k->key == key) return k->p;
  return NULL;
}

static void release_kept(struct tasks *t) {
  for (struct kept *k = t->kept, *next; k; k = next) {
    next = k->next;
    k->release(k->p);
    mem_free(k);
  }
}

void tasks_free(struct tasks *t) {
  if (!t) return;
  release_kept(t);
  for (int i = 0; i < SIGNALS; i++)
    if (t->signal_open[i]) uv_close((uv_handle_t *)&t->signals[i], NULL);
  if (t->timer_open) uv_close((uv_handle_t *)&t->alarm, NULL);
  if (t->loop_open) {
    uv_run(&t->loop, UV_RUN_DEFAULT);
    uv_loop_close(&t->loop);
  }
  fibers_free(t->fibers);
  timers_release(&t->timers);
  mem_free(t);
}

struct clock *tasks_clock(const struct tasks *t) {
  return t->clock;
}

void tasks_on_turn(struct tasks *t, int64_t (*fn)(void *ud), void *ud) {
  t->turn = fn;
  t->turn_ud = ud;
}

static void signal_came(uv_signal_t *handle, int signum) {
  struct tasks *t = handle->loop->data;
  if (t->on_signal) t->on_signal(t->signal_ud, signum);
}

void tasks_on_signal(struct tasks *t, void (*fn)(void *ud, int signum), void *ud) {
  static const int signums[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
  t->on_signal = fn;
  t->signal_ud = ud;
  for (int i = 0; i < SIGNALS; i++) {
    struct sigaction was;
    /* Who started us under nohup, or in the background of a script, wants it ignored. */
    if (sigaction(signums[i], NULL, &was) != 0 || was.sa_handler == SIG_IGN) continue;
    if (t->signal_open[i]) continue;
    uv_signal_init(loop_of(t), &t->signals[i]);
    uv_signal_start(&t->signals[i], signal_came, signums[i]);
    t->signal_open[i] = true;
  }
}

/* --- switching --- */

static void enter(struct tasks *t, struct task *task) {
  t->current = task;
  task->state = TASK_RUNNING;
  fiber_enter(t->fibers, task->fiber);
  t->current = NULL;
}

static void leave(struct task *task) {
  fiber_leave(task->owner->fibers, task->fiber);
}

static void task_main(void *arg) {
  struct task *task = arg;
  task->fn(task->arg);
  task->state = TASK_DONE;
}

static void make_ready(struct task *task) {
  struct tasks *t = task->owner;
  task->state = TASK_READY;
  task->next_ready = NULL;
  if (t->last) t->last->next_ready = task;
  else t->first = task;
  t->last = task;
}

static void wake_as(struct task *task, enum wake wake) {
  if (task->state != TASK_PARKED) return;
  task->wake = wake;
  timers_remove(&task->owner->timers, &task->timer);
  make_ready(task);
}

struct task *task_spawn(struct tasks *t, void (*fn)(void *arg), void *arg) {
  struct task *task = mem_zalloc(sizeof *task);
  *task = (struct task){.owner = t, .fn = fn, .arg = arg, .deadline = CLOCK_NEVER, .refs = 2};
  task->fiber = fiber_take(t->fibers, task_main, task);
  t->live++;
  make_ready(task);
  return task;
}

void task_limit(struct task *task, int64_t at) {
  task->deadline = at;
}

int64_t task_deadline(const struct tasks *t) {
  return t->current->deadline;
}

void task_release(struct task *task) {
  if (task && --task->refs == 0) mem_free(task);
}

static void task_ended(struct tasks *t, struct task *task) {
  fiber_give(t->fibers, task->fiber);
  task->fiber = NULL;
  t->live--;
  if (task->joiner) wake_as(task->joiner, WAKE_EVENT);
  task_release(task);
}

/* --- the turn --- */

static void run_ready(struct tasks *t) {
  struct task *task = t->first;
  t->first = t->last = NULL;
  while (task) {
    struct task *next = task->next_ready;
    enter(t, task);
    if (task->state == TASK_DONE) task_ended(t, task);
    task = next;
  }
}

static void fire_timers(struct tasks *t) {
  int64_t now = clock_mono(t->clock);
  for (struct timer *first; (first = timers_first(&t->timers)) && first->at <= now;) {
    struct task *task = (struct task *)(void *)first;
    wake_as(task, task->timer_is_deadline ? WAKE_DEADLINE : WAKE_TIMER);
  }
}

static void alarm_rang(uv_timer_t *handle) {
  (void)handle;
}

/* Waits on the loop for at most us. */
static void loop_wait(struct tasks *t, int64_t us) {
  uv_loop_t *loop = loop_of(t);
  if (!t->timer_open) {
    uv_timer_init(loop, &t->alarm);
    t->timer_open = true;
  }
  if (us == CLOCK_NEVER) {
    uv_timer_stop(&t->alarm);
  } else {
    uv_update_time(loop);
    /* It repeats: uv_run calls what is due before it polls, and would then poll for ever. */
    uv_timer_start(&t->alarm, alarm_rang, (uint64_t)(us + 999) / 1000, 1);
  }
  uv_run(loop, UV_RUN_ONCE);
}

/* As loop_wait, with the virtual clock going along. */
static void loop_wait_flowing(struct tasks *t, int64_t us) {
  struct clock real;
  clock_real(&real);
  int64_t from = clock_mono(&real);
  loop_wait(t, us);
  clock_advance(t->clock, clock_mono(&real) - from);
}

static void turn_wait(struct tasks *t, int64_t limit) {
  struct timer *first = timers_first(&t->timers);
  int64_t now = clock_mono(t->clock);
  bool flows = !t->clock->is_virtual || t->flowing;
  if (!flows && !t->outside) {
    if (t->loop_open) uv_run(&t->loop, UV_RUN_NOWAIT);
    if (first && !t->first) clock_advance(t->clock, first->at - now);
    return;
  }
  int64_t wait = first && flows ? first->at - now : CLOCK_NEVER;
  if (limit < wait) wait = limit;
  if (wait < 0) wait = 0;
  if (t->clock->is_virtual && flows) loop_wait_flowing(t, wait);
  else loop_wait(t, wait);
}

void tasks_run(struct tasks *t) {
  for (;;) {
    run_ready(t);
    int64_t limit = t->turn ? t->turn(t->turn_ud) : CLOCK_NEVER;
    t->last_turn = clock_mono(t->clock);
    if (!t->live) return;
    if (!t->first) turn_wait(t, limit);
    else if (t->loop_open) uv_run(&t->loop, UV_RUN_NOWAIT);
    fire_timers(t);
  }
}

/* --- waiting --- */

struct task *task_current(const struct tasks *t) {
  return t->current;
}

bool task_is_cancelled(const struct task *task) {
  return task->cancelled && !task->shields;
}

bool task_is_done(const struct task *task) {
  return task->state == TASK_DONE;
}

void task_cancel(struct task *task) {
  task->cancelled = true;
  if (task->interruptible && !task->shields) wake_as(task, WAKE_CANCEL);
}

void task_wake(struct task *task) {
  wake_as(task, WAKE_EVENT);
}

/* Suspends the current task until woken, until `until` passes, or (when interruptible) until it is
 * cancelled or past its deadline. */
static enum wake task_suspend(struct tasks *t, bool interruptible, int64_t until) {
  struct task *task = t->current;
  if (interruptible && task_is_cancelled(task)) return WAKE_CANCEL;
  task->timer_is_deadline = interruptible && task->deadline < until;
  task->timer.at = task->timer_is_deadline ? task->deadline : until;
  if (task->timer.at != CLOCK_NEVER) timers_add(&t->timers, &task->timer);
  task->interruptible = interruptible;
  task->state = TASK_PARKED;
  leave(task);
  task->interruptible = false;
  return task->wake;
}

static enum status wake_status(enum wake wake, struct error *err) {
  if (wake == WAKE_CANCEL) {
    error_set(err, ERR_CANCELLED, "interrupted");
    error_kind(err, "interrupted");
    return ERR_CANCELLED;
  }
  if (wake == WAKE_DEADLINE) {
    error_set(err, ERR_FAILED, "took longer than its time limit");
    error_kind(err, "limit");
    return ERR_FAILED;
  }
  return OK;
}

enum status task_sleep(struct tasks *t, int64_t us, struct error *err) {
  int64_t until = clock_add(clock_mono(t->clock), us > 0 ? us : 0);
  return wake_status(task_suspend(t, true, until), err);
}

enum status task_park(struct tasks *t, struct error *err) {
  return wake_status(task_suspend(t, true, CLOCK_NEVER), err);
}

enum status task_wait(struct tasks *t, struct task *other, struct error *err) {
  while (other->state != TASK_DONE) {
    other->joiner = t->current;
    enum status status = task_park(t, err);
    other->joiner = NULL;
    if (status != OK) return status;
  }
  task_release(other);
  return OK;
}

void task_yield(struct tasks *t) {
  make_ready(t->current);
  leave(t->current);
}

enum status task_poll(struct tasks *t, struct error *err) {
  enum { SLICE = 10000 };
  struct task *task = t->current;
  int64_t now = clock_mono(t->clock);
  if (!t->clock->is_virtual && now - t->last_turn > SLICE) task_yield(t);
  if (task_is_cancelled(task)) return wake_status(WAKE_CANCEL, err);
  return now >= task->deadline ? wake_status(WAKE_DEADLINE, err) : OK;
}

int64_t task_deadline_push(struct tasks *t, int64_t at) {
  int64_t before = t->current->deadline;
  if (at < before) t->current->deadline = at;
  return before;
}

void task_deadline_restore(struct tasks *t, int64_t before) {
  t->current->deadline = before;
}

int64_t task_shield(struct tasks *t) {
  int64_t before = t->current->deadline;
  t->current->shields++;
  t->current->deadline = CLOCK_NEVER;
  return before;
}

void task_unshield(struct tasks *t, int64_t before) {
  t->current->shields--;
  t->current->deadline = before;
}

/* --- the world outside --- */

struct watch {
  uv_poll_t poll; /* first */
  void (*fn)(void *ud, int events);
  void *ud;
};

static void watch_ready(uv_poll_t *poll, int status, int events) {
  struct watch *w = poll->data;
  int seen = status < 0 ? WATCH_READ | WATCH_WRITE : 0; /* reading or writing says what it is */
  if (events & (UV_READABLE | UV_DISCONNECT)) seen |= WATCH_READ;
  if (events & UV_WRITABLE) seen |= WATCH_WRITE;
  w->fn(w->ud, seen);
}

/* Of a watch or an alarm, which its handle's data is. */
static void watch_closed(uv_handle_t *handle) {
  mem_free(handle->data);
}

struct watch *watch_open(struct tasks *t, int fd, void (*fn)(void *ud, int events), void *ud) {
  struct watch *w = mem_zalloc(sizeof *w);
  if (uv_poll_init(loop_of(t), &w->poll, fd) != 0) {
    mem_free(w);
    return NULL;
  }
  w->poll.data = w;
  w->fn = fn;
  w->ud = ud;
  return w;
}

void watch_set(struct watch *w, int events) {
  int wanted = (events & WATCH_READ ? UV_READABLE : 0) | (events & WATCH_WRITE ? UV_WRITABLE : 0);
  if (wanted) uv_poll_start(&w->poll, wanted, watch_ready);
  else uv_poll_stop(&w->poll);
}

void watch_close(struct watch *w) {
  if (w) uv_close((uv_handle_t *)&w->poll, watch_closed);
}

enum status task_await(struct tasks *t, int64_t until, struct error *err) {
  t->flowing++;
  enum wake wake = task_suspend(t, true, until);
  t->flowing--;
  if (wake == WAKE_TIMER) return error_set(err, ERR_WAITING, "it did not come in time");
  return wake_status(wake, err);
}

struct alarm {
  uv_timer_t timer; /* first */
  void (*fn)(void *ud);
  void *ud;
};

static void alarm_due(uv_timer_t *timer) {
  struct alarm *a = timer->data;
  a->fn(a->ud);
}

struct alarm *alarm_open(struct tasks *t, void (*fn)(void *ud), void *ud) {
  struct alarm *a = mem_zalloc(sizeof *a);
  uv_timer_init(loop_of(t), &a->timer);
  a->timer.data = a;
  a->fn = fn;
  a->ud = ud;
  return a;
}

void alarm_set(struct alarm *a, int64_t us) {
  uv_update_time(a->timer.loop);
  if (us == CLOCK_NEVER) uv_timer_stop(&a->timer);
  else uv_timer_start(&a->timer, alarm_due, (uint64_t)(us + 999) / 1000, 0);
}

void alarm_close(struct alarm *a) {
  if (a) uv_close((uv_handle_t *)&a->timer, watch_closed);
}

static void input_came(void *ud, int events) {
  (void)events;
  task_wake(ud);
}

enum status task_readable(struct tasks *t, int fd, int64_t until, struct error *err) {
  int flags = fcntl(fd, F_GETFL);
  struct watch *w = watch_open(t, fd, input_came, t->current);
  if (!w) return task_poll(t, err); /* a regular file: never waits */
  /* libuv makes it non-blocking, and so the terminal of everybody who shares it. */
  if (flags >= 0) fcntl(fd, F_SETFL, flags);
  t->outside++;
  watch_set(w, WATCH_READ);
  enum wake wake = task_suspend(t, true, until);
  t->outside--;
  watch_close(w);
  if (wake == WAKE_TIMER) return error_set(err, ERR_WAITING, "nobody answered in time");
  return wake_status(wake, err);
}

struct work {
  uv_work_t req; /* first */
  void (*fn)(void *arg);
  void *arg;
  struct task *task;
  bool done;
};

static void work_run(uv_work_t *req) {
  struct work *w = req->data;
  w->fn(w->arg);
}

static void work_done(uv_work_t *req, int status) {
  (void)status;
  struct work *w = req->data;
  w->done = true;
  task_wake(w->task);
}

void task_blocking(struct tasks *t, void (*fn)(void *arg), void *arg) {
  struct work w = {.fn = fn, .arg = arg, .task = t->current};
  w.req.data = &w;
  if (uv_queue_work(loop_of(t), &w.req, work_run, work_done) != 0) {
    fn(arg);
    return;
  }
  t->outside++;
  while (!w.done)
    task_suspend(t, false, CLOCK_NEVER);
  t->outside--;
}

enum status task_blocking_until(struct tasks *t, void (*fn)(void *arg), void (*stop)(void *arg),
                                void *arg, struct error *err) {
  struct work w = {.fn = fn, .arg = arg, .task = t->current};
  enum status status = OK;
  w.req.data = &w;
  if (uv_queue_work(loop_of(t), &w.req, work_run, work_done) != 0) {
    fn(arg);
    return OK;
  }
  t->outside++;
  while (!w.done) {
    enum wake wake = task_suspend(t, status == OK, CLOCK_NEVER);
    if (w.done || status != OK) continue;
    status = wake_status(wake, err);
    if (status != OK) stop(arg);
  }
  t->outside--;
  return status;
}
