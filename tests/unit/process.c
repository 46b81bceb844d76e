/* Children: what they get and give, how they are stopped, and that nothing of them is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/process.h"

#define SPEC(...)                                                                                  \
  {                                                                                                \
    .args = (const char *const[]) {                                                                \
      __VA_ARGS__, NULL                                                                            \
    }                                                                                              \
  }

struct room {
  struct clock clock;
  struct tasks *tasks;
  struct process_spec spec;
  struct process_result result;
  struct error err;
  enum status status;
  struct task *other;
  int64_t limit;
};

static int open_files(void) {
  DIR *d = opendir("/proc/self/fd");
  int n = 0;
  while (readdir(d))
    n++;
  closedir(d);
  return n;
}

static void room_open(struct room *r, bool is_virtual) {
  *r = (struct room){0};
  if (is_virtual) clock_virtual(&r->clock, 1000000);
  else clock_real(&r->clock);
  r->tasks = tasks_new(&r->clock);
}

static void room_close(struct room *r) {
  process_result_release(&r->result);
  error_release(&r->err);
  tasks_free(r->tasks);
  assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* neither a child nor a zombie */
  assert_int_equal(errno, ECHILD);
}

static void run_it(void *arg) {
  struct room *r = arg;
  int64_t at = r->limit ? clock_add(clock_mono(&r->clock), r->limit) : CLOCK_NEVER;
  int64_t before = task_deadline_push(r->tasks, at);
  r->status = process_run(r->tasks, &r->spec, &r->result, &r->err);
  task_deadline_restore(r->tasks, before);
}

static void room_run(struct room *r) {
  task_release(task_spawn(r->tasks, run_it, r));
  tasks_run(r->tasks);
}

/* Runs it on both clocks, with nothing open afterwards that was not before. */
static void try(struct process_spec spec, int64_t limit, void (*check)(struct room *r)) {
  for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
    struct room r;
    int before = open_files();
    room_open(&r, is_virtual);
    r.spec = spec;
    r.limit = limit;
    room_run(&r);
    check(&r);
    room_close(&r);
    assert_int_equal(open_files(), before);
  }
}

static void expect_plain(struct room *r) {
  assert_int_equal(r->status, OK);
  assert_int_equal(r->result.status, 3);
  assert_int_equal(r->result.signal, 0);
  assert_string_equal(buf_str(&r->result.out), "to out\n");
  assert_string_equal(buf_str(&r->result.err), "to err\n");
}

static void outputs_and_status_are_told(void **state) {
  (void)state;
  struct process_spec spec = SPEC("sh", "-c", "echo to out; echo to err >&2; exit 3");
  try(spec, 0, expect_plain);
}

static void expect_given(struct room *r) {
  assert_int_equal(r->status, OK);
  assert_string_equal(buf_str(&r->result.out), "$HOME; echo x|/|two words|unset|input|third");
}

static void arguments_are_no_shell_text(void **state) {
  (void)state;
  static const struct process_var env[] = {{"GREETING", "two words"}, {"LC_ALL", NULL}};
  struct process_spec spec = SPEC("sh", "-c",
                                  "printf '%s|%s|%s|%s|' \"$1\" \"$PWD\" \"$GREETING\" "
                                  "\"${LC_ALL-unset}\"; cat; printf '|'; cat /dev/fd/3",
                                  "sh", "$HOME; echo x");
  spec.dir = "/";
  spec.env = env;
  spec.env_count = 2;
  spec.input = (struct process_text){"input", 5};
  spec.files[0] = (struct process_text){"third", 5};
  spec.file_count = 1;
  setenv("LC_ALL", "C", 1);
  try(spec, 0, expect_given);
}

static void expect_nothing_else(struct room *r) {
  assert_int_equal(r->status, OK);
  assert_string_equal(buf_str(&r->result.out), "0\n1\n2\n3\n");
}

static void nothing_else_is_inherited(void **state) {
  (void)state;
  int loose = dup(2);                                     /* without CLOEXEC */
  struct process_spec spec = SPEC("ls", "/proc/self/fd"); /* 3: the directory itself */
  try(spec, 0, expect_nothing_else);
  close(loose);
}

static void expect_signal(struct room *r) {
  struct buf how = BUF_INIT;
  assert_int_equal(r->status, OK);
  assert_int_equal(r->result.status, -1);
  assert_int_equal(r->result.signal, SIGSEGV);
  process_how(&r->result, &how);
  assert_string_equal(buf_str(&how), "was killed by the signal SEGV");
  buf_release(&how);
}

static void a_signal_is_told(void **state) {
  (void)state;
  struct process_spec spec = SPEC("sh", "-c", "ulimit -c 0; kill -SEGV $$");
  try(spec, 0, expect_signal);
}

static void expect_missing(struct room *r) {
  assert_int_equal(r->status, ERR_NOT_FOUND);
  assert_string_equal(r->err.message, "there is no program stepwise-no-such-program");
  assert_string_equal(r->err.kind, "provider");
  assert_non_null(r->err.help);
}
static void expect_no_directory(struct room *r) {
  assert_int_equal(r->status, ERR_IO);
  assert_string_equal(r->err.message,
                      "cannot start true in the directory /nowhere: No such file or directory");
}
static void expect_not_allowed(struct room *r) {
  assert_int_equal(r->status, ERR_IO);
  assert_string_equal(r->err.message, "cannot start /etc/passwd: Permission denied");
  assert_string_equal(r->err.kind, "permission");
}

static void what_cannot_start_says_why(void **state) {
  (void)state;
  struct process_spec missing = SPEC("stepwise-no-such-program", "x"), dir = SPEC("true"),
                      file = SPEC("/etc/passwd");
  dir.dir = "/nowhere";
  try(missing, 0, expect_missing);
  try(dir, 0, expect_no_directory);
  try(file, 0, expect_not_allowed);
}

static void expect_cut(struct room *r) {
  assert_int_equal(r->status, OK);
  assert_int_equal(r->result.status, 0);
  assert_int_equal(r->result.out.len, 1000);
  assert_int_equal(r->result.out_bytes, 300000);
}
static void expect_too_much(struct room *r) {
  assert_int_equal(r->status, ERR_LIMIT);
  assert_string_equal(r->err.message,
                      "yes was stopped: it wrote more than 1000 bytes to its standard output");
  assert_int_equal(r->result.out.len, 1000);
}

static void outputs_have_a_limit(void **state) {
  (void)state;
  struct process_spec cut = SPEC("sh", "-c", "yes | head -c 300000"), endless = SPEC("yes");
  cut.max = endless.max = 1000;
  endless.stop_at_max = true;
  try(cut, 0, expect_cut);
  try(endless, 0, expect_too_much);
}

static void expect_whole(struct room *r) {
  assert_int_equal(r->status, OK);
  assert_int_equal(r->result.out.len, 3000000);
  assert_memory_equal(r->result.out.data, r->spec.input.s, 3000000);
}

static void much_goes_in_and_comes_out(void **state) {
  (void)state;
  char *text = mem_alloc(3000000);
  for (int i = 0; i < 3000000; i++)
    text[i] = (char)('a' + i * 7 % 26);
  struct process_spec spec = SPEC("cat");
  spec.input = (struct process_text){text, 3000000};
  spec.max = 4000000;
  try(spec, 0, expect_whole);
  struct process_spec unread = SPEC("sh", "-c", "echo to out; echo to err >&2; exit 3");
  unread.input = spec.input;
  try(unread, 0, expect_plain);
  mem_free(text);
}

static void expect_limit(struct room *r) {
  assert_int_equal(r->status, ERR_FAILED);
  assert_string_equal(r->err.kind, "limit");
  assert_non_null(strstr(r->err.message, " was stopped: it took longer than its time limit"));
}

static void expect_own_limit(struct room *r) {
  assert_int_equal(r->status, ERR_FAILED);
  assert_string_equal(r->err.kind, "transient");
  assert_string_equal(r->err.message, "sleep was stopped: it did not end within 30 ms");
  assert_true(r->result.started);
}

static void a_deadline_stops_it(void **state) {
  (void)state;
  struct process_spec spec = SPEC("sleep", "600"), own = SPEC("sleep", "600");
  try(spec, 30000, expect_limit);
  own.timeout = 30000;
  try(own, 0, expect_own_limit);
}

static bool alive(pid_t pid) {
  char path[64], state = 'Z';
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *f = fopen(path, "r");
  if (!f) return false;
  if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1) state = 'Z';
  fclose(f);
  return state != 'Z'; /* a zombie of init is none of ours */
}

/* Gone soon, if not yet: KILL takes its time on a busy machine. */
static bool gone(pid_t pid) {
  for (int i = 0; i < 200 && alive(pid); i++)
    usleep(20000);
  return !alive(pid);
}

static void expect_killed(struct room *r) {
  expect_limit(r);
  assert_int_equal(r->result.signal, SIGKILL);
  pid_t pids[2];
  assert_int_equal(sscanf(buf_str(&r->result.out), "%d %d", &pids[0], &pids[1]), 2);
  assert_true(gone(pids[0]));
  assert_true(gone(pids[1]));
}

static void what_ignores_TERM_is_killed_with_all_it_started(void **state) {
  (void)state;
  struct process_spec spec =
      SPEC("sh", "-c", "trap '' TERM; sleep 600 & echo $$ $!; while :; do sleep 0.05; done");
  spec.grace = 100000;
  try(spec, 300000, expect_killed);
}

static void expect_stopped_ended(struct room *r) {
  expect_limit(r);
  assert_int_equal(r->result.signal, SIGTERM);
}

static void one_that_is_stopped_hears_TERM(void **state) {
  (void)state;
  struct process_spec spec = SPEC("sh", "-c", "kill -STOP $$");
  try(spec, 100000, expect_stopped_ended);
}

static void expect_background(struct room *r) {
  int pid = 0;
  assert_int_equal(r->status, OK);
  assert_int_equal(r->result.status, 0);
  assert_int_equal(sscanf(buf_str(&r->result.out), "%d", &pid), 1);
  assert_true(alive(pid));
  kill(pid, SIGKILL);
}

static void a_background_that_holds_the_pipes_is_left_alone(void **state) {
  (void)state;
  struct process_spec spec = SPEC("sh", "-c", "sleep 600 & echo $!");
  try(spec, 0, expect_background);
}

static void cancel_soon(void *arg) {
  struct room *r = arg;
  struct error err = {0};
  assert_int_equal(task_sleep(r->tasks, 20000, &err), OK);
  task_cancel(r->other);
}

static void cancelling_stops_it(void **state) {
  (void)state;
  for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
    struct room r;
    int before = open_files();
    room_open(&r, is_virtual);
    r.spec = (struct process_spec)SPEC("sleep", "600");
    r.other = task_spawn(r.tasks, run_it, &r);
    task_release(task_spawn(r.tasks, cancel_soon, &r));
    tasks_run(r.tasks);
    assert_int_equal(r.status, ERR_CANCELLED);
    assert_string_equal(r.err.message, "sleep was stopped: it was cancelled");
    assert_int_equal(r.result.signal, SIGTERM);
    task_release(r.other);
    room_close(&r);
    assert_int_equal(open_files(), before);
  }
}

static void sleep_hours(void *arg) {
  struct room *r = arg;
  struct error err = {0};
  assert_int_equal(task_sleep(r->tasks, 2 * US_HOUR, &err), OK);
}

/* Time goes on as it does while a child runs, and jumps again when it is gone. */
static void virtual_hours_pass_behind_it(void **state) {
  (void)state;
  struct room r;
  room_open(&r, true);
  r.spec = (struct process_spec)SPEC("sleep", "0.05");
  task_release(task_spawn(r.tasks, sleep_hours, &r));
  room_run(&r);
  assert_int_equal(r.status, OK);
  assert_int_equal(r.result.status, 0);
  assert_int_equal(clock_mono(&r.clock), 1 + 2 * US_HOUR);
  room_close(&r);
}

static void shielded(void *arg) {
  struct room *r = arg;
  int64_t before = task_shield(r->tasks);
  r->status = process_run(r->tasks, &r->spec, &r->result, &r->err);
  task_unshield(r->tasks, before);
}

static void a_shield_lets_it_finish(void **state) {
  (void)state;
  struct room r;
  room_open(&r, false);
  r.spec = (struct process_spec)SPEC("sleep", "0.1");
  r.other = task_spawn(r.tasks, shielded, &r);
  task_release(task_spawn(r.tasks, cancel_soon, &r));
  tasks_run(r.tasks);
  assert_int_equal(r.status, OK);
  assert_int_equal(r.result.status, 0);
  task_release(r.other);
  room_close(&r);
}

static void many_run_at_once(void **state) {
  (void)state;
  enum { N = 30 };
  static struct room rooms[N];
  struct process_spec spec = SPEC("sh", "-c", "sleep 0.02; echo done");
  struct room r;
  int before = open_files();
  room_open(&r, true);
  for (int i = 0; i < N; i++) {
    rooms[i] = (struct room){.tasks = r.tasks, .spec = spec};
    task_release(task_spawn(r.tasks, run_it, &rooms[i]));
  }
  tasks_run(r.tasks);
  for (int i = 0; i < N; i++) {
    assert_int_equal(rooms[i].status, OK);
    assert_string_equal(buf_str(&rooms[i].result.out), "done\n");
    process_result_release(&rooms[i].result);
  }
  room_close(&r);
  assert_int_equal(open_files(), before);
}

static void it_runs_outside_of_tasks_too(void **state) {
  (void)state;
  int before = open_files();
  struct process_spec spec = SPEC("sh", "-c", "echo to out; echo to err >&2; exit 3");
  struct room r = {0};
  struct buf said = BUF_INIT;
  spec.terminal = true;
  r.status = process_run(NULL, &spec, &r.result, &r.err);
  expect_plain(&r);
  process_said(&r.result, &said);
  assert_string_equal(buf_str(&said), "to err");
  buf_release(&said);
  process_result_release(&r.result);
  assert_int_equal(open_files(), before);
}

static void the_end_begins_with_a_word(void **state) {
  (void)state;
  struct process_result r = {0};
  struct buf said = BUF_INIT;
  buf_adds(&r.err, "a long-word-that-is-cut ");
  while (r.err.len < 520)
    buf_adds(&r.err, "and on ");
  process_said(&r, &said);
  assert_true(said.len > 490 && said.len <= 500 && strncmp(said.data, "and on and", 10) == 0);
  buf_clear(&r.err), buf_clear(&said);
  while (r.err.len < 520)
    buf_adds(&r.err, "secret");
  process_said(&r, &said);
  assert_string_equal(buf_str(&said), "");
  buf_release(&said), buf_release(&r.err);
}

/* What the library keeps for itself from its first use on is none of a child's. */
static void warm_up(void) {
  struct process_spec spec = SPEC("true");
  struct process_result result;
  struct error err = {0};
  if (process_run(NULL, &spec, &result, &err) != OK) abort();
  process_result_release(&result);
}

int main(void) {
  warm_up();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(outputs_and_status_are_told),
      cmocka_unit_test(arguments_are_no_shell_text),
      cmocka_unit_test(nothing_else_is_inherited),
      cmocka_unit_test(a_signal_is_told),
      cmocka_unit_test(what_cannot_start_says_why),
      cmocka_unit_test(outputs_have_a_limit),
      cmocka_unit_test(much_goes_in_and_comes_out),
      cmocka_unit_test(a_deadline_stops_it),
      cmocka_unit_test(what_ignores_TERM_is_killed_with_all_it_started),
      cmocka_unit_test(one_that_is_stopped_hears_TERM),
      cmocka_unit_test(a_background_that_holds_the_pipes_is_left_alone),
      cmocka_unit_test(cancelling_stops_it),
      cmocka_unit_test(virtual_hours_pass_behind_it),
      cmocka_unit_test(a_shield_lets_it_finish),
      cmocka_unit_test(many_run_at_once),
      cmocka_unit_test(it_runs_outside_of_tasks_too),
      cmocka_unit_test(the_end_begins_with_a_word),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
