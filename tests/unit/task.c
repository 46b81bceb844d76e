/* Tasks and clocks: order, waiting, deadlines, cancellation, shields, blocking work, teardown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "../../lang/buf.h"
#include "../../runtime/task.h"

struct room {
  struct clock clock;
  struct tasks *tasks;
  struct buf log;
  struct error err;
  enum status status;
  struct task *other;
  int fd;
};

static void room_open(struct room *r, bool is_virtual) {
  *r = (struct room){0};
  if (is_virtual) clock_virtual(&r->clock, 1000000);
  else clock_real(&r->clock);
  r->tasks = tasks_new(&r->clock);
}

static void room_close(struct room *r) {
  tasks_free(r->tasks);
  buf_release(&r->log);
  error_release(&r->err);
}

static void run_task(struct room *r, void (*fn)(void *)) {
  task_release(task_spawn(r->tasks, fn, r));
  tasks_run(r->tasks);
}

struct sleeper {
  struct room *room;
  int64_t us;
  char name;
};

static void sleep_and_log(void *arg) {
  struct sleeper *s = arg;
  struct error err = {0};
  assert_int_equal(task_sleep(s->room->tasks, s->us, &err), OK);
  buf_addc(&s->room->log, s->name);
}

static void virtual_hours_pass_at_once(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  struct sleeper s[] = {
      {&r, 2 * US_HOUR, 'c'}, {&r, 1 * US_HOUR, 'b'}, {&r, 0, 'a'}, {&r, 3 * US_HOUR, 'd'}};
  for (int i = 0; i < 4; i++)
    task_release(task_spawn(r.tasks, sleep_and_log, &s[i]));
  tasks_run(r.tasks);
  assert_string_equal(buf_str(&r.log), "abcd");
  assert_int_equal(clock_wall(&r.clock), 1000000 + 3 * US_HOUR);
  room_close(&r);
}

static void many_tasks_share_pooled_stacks(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  enum { N = 500 };
  static struct sleeper s[N];
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < N; i++) {
      s[i] = (struct sleeper){&r, (i * 7919) % 1000, 'x'};
      task_release(task_spawn(r.tasks, sleep_and_log, &s[i]));
    }
    tasks_run(r.tasks);
  }
  assert_int_equal(r.log.len, 2 * N);
  room_close(&r);
}

static void past_deadline(void *arg) {
  struct room *r = arg;
  int64_t before = task_deadline_push(r->tasks, clock_add(clock_mono(&r->clock), 5));
  /* A wider inner limit does not widen the outer one. */
  int64_t inner = task_deadline_push(r->tasks, clock_add(clock_mono(&r->clock), US_HOUR));
  r->status = task_sleep(r->tasks, US_HOUR, &r->err);
  task_deadline_restore(r->tasks, inner);
  task_deadline_restore(r->tasks, before);
}

static void a_deadline_ends_a_wait(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  run_task(&r, past_deadline);
  assert_int_equal(r.status, ERR_FAILED);
  assert_string_equal(r.err.kind, "limit");
  assert_int_equal(clock_mono(&r.clock), 6);
  room_close(&r);
}

static void cancel_other(void *arg) {
  struct room *r = arg;
  task_cancel(r->other);
}

static void sleep_long(void *arg) {
  struct room *r = arg;
  r->status = task_sleep(r->tasks, US_HOUR, &r->err);
  struct error again = {0};
  assert_int_equal(task_sleep(r->tasks, 1, &again), ERR_CANCELLED);
  error_release(&again);
}

static void cancelling_ends_a_wait(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  r.other = task_spawn(r.tasks, sleep_long, &r);
  task_release(task_spawn(r.tasks, cancel_other, &r));
  tasks_run(r.tasks);
  assert_int_equal(r.status, ERR_CANCELLED);
  assert_int_equal(clock_mono(&r.clock), 1);
  assert_true(task_is_done(r.other));
  task_release(r.other);
  room_close(&r);
}

static void sleep_shielded(void *arg) {
  struct room *r = arg;
  int64_t before = task_shield(r->tasks);
  r->status = task_sleep(r->tasks, US_HOUR, &r->err);
  task_unshield(r->tasks, before);
  struct error after = {0};
  assert_int_equal(task_poll(r->tasks, &after), ERR_CANCELLED);
  error_release(&after);
}

static void a_shield_holds_cancellation_off(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  r.other = task_spawn(r.tasks, sleep_shielded, &r);
  task_release(task_spawn(r.tasks, cancel_other, &r));
  tasks_run(r.tasks);
  assert_int_equal(r.status, OK);
  assert_int_equal(clock_mono(&r.clock), 1 + US_HOUR);
  task_release(r.other);
  room_close(&r);
}

static void join_other(void *arg) {
  struct room *r = arg;
  assert_int_equal(task_wait(r->tasks, r->other, &r->err), OK);
  buf_addc(&r->log, 'j');
}

static void joining_waits_for_the_end(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  struct sleeper s = {&r, US_HOUR, 's'};
  r.other = task_spawn(r.tasks, sleep_and_log, &s);
  run_task(&r, join_other);
  assert_string_equal(buf_str(&r.log), "sj");
  room_close(&r);
}

static void add_ten(void *arg) {
  *(int *)arg += 10;
}

static void block_once(void *arg) {
  struct room *r = arg;
  int n = 1;
  task_blocking(r->tasks, add_ten, &n);
  r->fd = n;
}

static void blocking_work_runs_and_returns(void **state) {
  (void)state;
  for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
    struct room r;
    room_open(&r, is_virtual);
    run_task(&r, block_once);
    assert_int_equal(r.fd, 11);
    room_close(&r);
  }
}

static void read_when_ready(void *arg) {
  struct room *r = arg;
  char c = 0;
  r->status = task_readable(r->tasks, r->fd, CLOCK_NEVER, &r->err);
  assert_int_equal(read(r->fd, &c, 1), 1);
  buf_addc(&r->log, c);
}

static void write_later(void *arg) {
  struct room *r = arg;
  task_yield(r->tasks);
  buf_addc(&r->log, 'w');
  assert_int_equal(write((int)r->clock.wall, "x", 1), 1);
}

static void reading_waits_for_data(void **state) {
  (void)state;
  struct room r;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  room_open(&r, false);
  r.fd = ends[0];
  r.clock.wall = ends[1]; /* unused by a real clock */
  task_release(task_spawn(r.tasks, read_when_ready, &r));
  run_task(&r, write_later);
  assert_int_equal(r.status, OK);
  assert_string_equal(buf_str(&r.log), "wx");
  close(ends[0]), close(ends[1]);
  room_close(&r);
}

static void read_in_time(void *arg) {
  struct room *r = arg;
  r->status = task_readable(r->tasks, r->fd, clock_add(clock_mono(&r->clock), 1000), &r->err);
}

static void nobody_answers(void **state) {
  (void)state;
  struct room r;
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  room_open(&r, false);
  r.fd = ends[0];
  run_task(&r, read_in_time);
  assert_int_equal(r.status, ERR_WAITING);
  close(ends[0]), close(ends[1]);
  room_close(&r);
}

static int64_t count_turns(void *ud) {
  ++*(int *)ud;
  return CLOCK_NEVER;
}

static void yield_thrice(void *arg) {
  struct room *r = arg;
  for (int i = 0; i < 3; i++)
    task_yield(r->tasks);
}

static void the_hook_sees_each_turn(void **state) {
  (void)state;
  struct room r;
  int turns = 0;
  room_open(&r, true);
  tasks_on_turn(r.tasks, count_turns, &turns);
  run_task(&r, yield_thrice);
  assert_int_equal(turns, 4);
  room_close(&r);
}

static void sleep_an_hour(void *arg) {
  struct room *r = arg;
  struct error err = {0};
  r->status = task_sleep(r->tasks, US_HOUR, &err);
  buf_adds(&r->log, err.kind);
  error_release(&err);
}

/* What a lane does for its branch: the deadline is handed on, the wait itself is not cut short. */
static void hand_on_the_limit(void *arg) {
  struct room *r = arg;
  struct error err = {0};
  task_deadline_push(r->tasks, clock_add(clock_mono(&r->clock), US_MINUTE));
  struct task *branch = task_spawn(r->tasks, sleep_an_hour, r);
  task_limit(branch, task_deadline(r->tasks));
  int64_t before = task_shield(r->tasks);
  assert_int_equal(task_wait(r->tasks, branch, &err), OK);
  task_unshield(r->tasks, before);
  assert_int_equal(task_deadline(r->tasks), before);
}

static void a_deadline_is_handed_on(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  int64_t began = clock_mono(&r.clock);
  run_task(&r, hand_on_the_limit);
  assert_int_equal(r.status, ERR_FAILED);
  assert_string_equal(buf_str(&r.log), "limit");
  assert_int_equal(clock_mono(&r.clock) - began, US_MINUTE);
  room_close(&r);
}

enum { MANY = 1000 };
struct many {
  struct room *room;
  int64_t us;
  int *woken;
  int place;
};

static void sleep_its_time(void *arg) {
  struct many *m = arg;
  struct error err = {0};
  assert_int_equal(task_sleep(m->room->tasks, m->us, &err), OK);
  m->place = ++*m->woken;
}

static void a_thousand_wake_in_order(void **state) {
  (void)state;
  struct room r;
  static struct many many[MANY];
  int woken = 0;
  room_open(&r, true);
  int64_t began = clock_mono(&r.clock);
  for (int i = 0; i < MANY; i++) { /* 7 and 1,000 share no factor: every length once, in no order */
    many[i] = (struct many){&r, (int64_t)(1 + i * 7 % MANY) * US_MINUTE, &woken, 0};
    task_release(task_spawn(r.tasks, sleep_its_time, &many[i]));
  }
  tasks_run(r.tasks);
  assert_int_equal(woken, MANY);
  for (int i = 0; i < MANY; i++)
    assert_int_equal(many[i].place, many[i].us / US_MINUTE);
  assert_int_equal(clock_mono(&r.clock) - began, MANY * US_MINUTE);
  room_close(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(virtual_hours_pass_at_once),
      cmocka_unit_test(many_tasks_share_pooled_stacks),
      cmocka_unit_test(a_deadline_ends_a_wait),
      cmocka_unit_test(cancelling_ends_a_wait),
      cmocka_unit_test(a_shield_holds_cancellation_off),
      cmocka_unit_test(joining_waits_for_the_end),
      cmocka_unit_test(blocking_work_runs_and_returns),
      cmocka_unit_test(reading_waits_for_data),
      cmocka_unit_test(nobody_answers),
      cmocka_unit_test(the_hook_sees_each_turn),
      cmocka_unit_test(a_deadline_is_handed_on),
      cmocka_unit_test(a_thousand_wake_in_order),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("task", tests, NULL, NULL);
}
