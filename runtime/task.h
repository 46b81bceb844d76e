/* Tasks: stackful coroutines over one libuv loop, so that waiting reads like calling.
 *
 * All tasks share one thread; a task runs until it waits. Functions marked "in a task" may only be
 * called from inside one and may suspend it. Each returns early when the task is cancelled
 * (ERR_CANCELLED) or when its deadline passes (ERR_FAILED, kind "limit"), unless it is shielded.
 * The loop is opened at the first call that needs it, and threads start at the first
 * task_blocking: a run that never waits costs neither. */
#ifndef STEPWISE_TASK_H
#define STEPWISE_TASK_H

#include "clock.h"
#include "../lang/mem.h"

struct tasks;
struct task;

struct tasks *tasks_new(struct clock *clock) must_use; /* borrows the clock */
void tasks_free(struct tasks *t);                      /* after tasks_run has returned */
struct clock *tasks_clock(const struct tasks *t);

/* The handle is owned by the caller: task_wait or task_release it. fn runs at the next turn. */
struct task *task_spawn(struct tasks *t, void (*fn)(void *arg), void *arg) must_use;
void task_release(struct task *task);
/* A deadline (clock_mono) for a task that was just spawned: that of whoever waits for it. */
void task_limit(struct task *task, int64_t at);
int64_t task_deadline(const struct tasks *t); /* of the current task */
/* Runs until no task is left. */
void tasks_run(struct tasks *t);

/* Called once a turn, when every ready task has run and before the loop waits: the place for a
 * group commit. Returns the longest it may wait before it is called again, in us, or CLOCK_NEVER.
 */
void tasks_on_turn(struct tasks *t, int64_t (*fn)(void *ud), void *ud);
/* SIGINT, SIGTERM and SIGHUP, those that are not ignored from the start, are given to fn, on the
 * loop, from now until tasks_free. */
void tasks_on_signal(struct tasks *t, void (*fn)(void *ud, int signum), void *ud);

/* Calls fn on the loop whenever fd is ready for what watch_set asks for, until watch_close; fd
 * stays open so long and does not block from now on. NULL: it cannot be watched (a regular file).
 * fn never waits: it notes what it saw and wakes a task. */
enum { WATCH_READ = 1, WATCH_WRITE = 2 };
struct watch;
struct watch *watch_open(struct tasks *t, int fd, void (*fn)(void *ud, int events),
                         void *ud) must_use;
void watch_set(struct watch *w, int events); /* WATCH_*; 0: nothing for now */
void watch_close(struct watch *w);           /* NULL-safe */
/* Calls fn once, so many us of the machine's clock after alarm_set; CLOCK_NEVER takes that back. */
struct alarm;
struct alarm *alarm_open(struct tasks *t, void (*fn)(void *ud), void *ud) must_use;
void alarm_set(struct alarm *a, int64_t us);
void alarm_close(struct alarm *a); /* NULL-safe */
/* What a library keeps for the loop, under the address of something of its own; tasks_free releases
 * it, while the loop is still there. */
void tasks_keep(struct tasks *t, const void *key, void *p, void (*release)(void *p));
void *tasks_kept(const struct tasks *t, const void *key); /* NULL: nothing */

struct task *task_current(const struct tasks *t); /* NULL outside */
void task_cancel(struct task *task);              /* now or at its next wait; a shield delays it */
bool task_is_cancelled(const struct task *task);
bool task_is_done(const struct task *task);

/* --- in a task --- */

/* Waits until the other task has ended; takes its handle in every case that returns OK. */
enum status task_wait(struct tasks *t, struct task *other, struct error *err) must_use;
enum status task_sleep(struct tasks *t, int64_t us, struct error *err) must_use;
/* Until fd can be read (a regular file always can). until: clock_mono time, or CLOCK_NEVER;
 * ERR_WAITING when it passes. */
enum status task_readable(struct tasks *t, int fd, int64_t until, struct error *err) must_use;
/* Until task_wake, by who watches something outside: a child, a socket. Under the virtual clock
 * time goes on as it really does meanwhile. until: as above. */
enum status task_await(struct tasks *t, int64_t until, struct error *err) must_use;
/* Runs fn on the thread pool and waits for it, whatever happens: work cannot be cut off. fn must
 * not touch values (their counts are not atomic). */
void task_blocking(struct tasks *t, void (*fn)(void *arg), void *arg);
/* The same for work that can be asked to stop: when the task is cancelled or past its deadline, stop
 * is called once, on the loop while fn runs. Waits for fn all the same; the status says why it was
 * asked, OK when it was not. */
enum status task_blocking_until(struct tasks *t, void (*fn)(void *arg), void (*stop)(void *arg),
                                void *arg, struct error *err) must_use;
/* Lets others run; with task_park and task_wake, the ground for other kinds of waiting. */
void task_yield(struct tasks *t);
enum status task_park(struct tasks *t, struct error *err) must_use; /* until task_wake */
void task_wake(
    struct task *task); /* from anywhere on the loop's thread; harmless when not parked */
/* Cheap check for long computations: yields now and then, reports cancellation and deadline. */
enum status task_poll(struct tasks *t, struct error *err) must_use;

/* The current task's deadline (clock_mono): the nearer of this and the present one; returns the one
 * before, for task_deadline_restore. */
int64_t task_deadline_push(struct tasks *t, int64_t at);
void task_deadline_restore(struct tasks *t, int64_t before);
/* Between these two neither cancellation nor outer deadlines reach the task; they nest. The value
 * returned is given back to task_unshield. */
int64_t task_shield(struct tasks *t) must_use;
void task_unshield(struct tasks *t, int64_t before);

#endif
