/* What a run's events tell: the index that a resumed run goes by, and who owns a live run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/history.h"
#include "../../runtime/owner.h"

struct room {
  char dir[64], path[96];
  struct journal *j;
};

static int room_make(void **state) {
  struct room *r = mem_zalloc(sizeof *r);
  struct error err = {0};
  snprintf(r->dir, sizeof r->dir, "/tmp/history-XXXXXX");
  if (!mkdtemp(r->dir)) return 1;
  snprintf(r->path, sizeof r->path, "%s/journal.db", r->dir);
  if (journal_open(&r->j, r->path, JOURNAL_WRITE, &err) != OK) return 1;
  *state = r;
  return 0;
}

static int room_clear(void **state) {
  static const char *const names[] = {"", "-wal", "-shm", ".owners"};
  struct room *r = *state;
  char path[128];
  journal_close(r->j);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s%s", r->path, names[i]);
    unlink(path);
  }
  int left = rmdir(r->dir);
  mem_free(r);
  return left;
}

static void add(struct room *r, const char *step, const char *kind, const char *data) {
  struct error err = {0};
  struct event e = {
      .run = "one", .step = step, .kind = kind, .data = data, .data_len = strlen(data)};
  assert_int_equal(journal_append(r->j, &e, &err), OK);
}

static struct history *load(struct room *r) {
  struct error err = {0};
  struct history *h = NULL;
  assert_int_equal(journal_commit(r->j, &err), OK);
  enum status status = history_load(&h, r->j, "one", &err);
  if (status != OK) print_message("%s\n", err.message);
  assert_int_equal(status, OK);
  return h;
}

static void members(void **state) {
  (void)state;
  static const char json[] =
      "{\"a\":{\"b\":\"}\\\"\"},\"b\" : [1,{\"c\":2}], \"c\":-17,\"d\":\"x\"}";
  const char *at;
  size_t n;
  assert_true(json_member(json, sizeof json - 1, "a", &at, &n));
  assert_memory_equal(at, "{\"b\":\"}\\\"\"}", n);
  assert_true(json_member(json, sizeof json - 1, "b", &at, &n));
  assert_memory_equal(at, "[1,{\"c\":2}]", n);
  assert_true(json_member(json, sizeof json - 1, "c", &at, &n));
  assert_int_equal(n, 3);
  assert_true(json_member(json, sizeof json - 1, "d", &at, &n));
  assert_memory_equal(at, "\"x\"", n);
  assert_false(json_member(json, sizeof json - 1, "e", &at, &n));
  assert_false(json_member("{}", 2, "e", &at, &n));
}

static void outcomes(void **state) {
  struct room *r = *state;
  add(r, "", "run.started", "{\"runbook\":\"x\",\"inputs\":{}}");
  add(r, "a", "step.started", "{\"label\":\"A\"}");
  add(r, "a", "action.started",
      "{\"binding\":\"b\",\"action\":\"look\",\"effect\":\"read\",\"call\":1}");
  add(r, "a", "action.finished",
      "{\"binding\":\"b\",\"action\":\"look\",\"call\":1,\"result\":{\"$duration\":7}}");
  add(r, "a", "step.finished", "{\"outputs\":{\"x\":1,\"y\":{\"$symbol\":\"z\"}}}");
  add(r, "b", "step.skipped", "{\"reason\":\"no\",\"by\":\"operator\"}");
  add(r, "c", "step.started", "{\"label\":\"C\"}");
  add(r, "c", "action.started",
      "{\"binding\":\"b\",\"action\":\"do\",\"effect\":\"write\",\"call\":1}");
  add(r, "c", "step.retried",
      "{\"attempt\":2,\"error\":{\"kind\":\"transient\",\"message\":\"m\",\"help\":\"h\"}}");
  struct history *h = load(r);
  struct symtab *syms = symtab_new();
  const struct step_past *a = history_step(h, "a"), *b = history_step(h, "b"),
                         *c = history_step(h, "c");
  assert_null(history_step(h, "d"));
  assert_int_equal(a->outcome, STEP_FINISHED);
  assert_int_equal(a->armed_seq, 0);
  assert_true(b->outcome == STEP_SKIPPED && b->passed_over);
  assert_int_equal(c->outcome, STEP_BEGUN);
  assert_int_equal(c->attempt, 2);
  assert_int_equal(history_event(h, c->attempt_at)->kind, EVENT_STEP_RETRIED);
  assert_true(c->armed_seq > 0 && h->wrote);
  assert_int_equal(h->state, RUN_RUNNING);
  struct error err = {0};
  value v;
  uint32_t finished = history_event(h, history_event(h, a->first)->next)->next;
  assert_int_equal(past_value(h, finished, "result", syms, &v, &err), OK);
  assert_true(v.tag == V_DURATION && v.u.i == 7);
  past_error(h, c->attempt_at, "error", &err);
  assert_string_equal(err.kind, "transient");
  assert_string_equal(err.message, "m");
  assert_string_equal(err.help, "h");
  error_release(&err);
  symtab_free(syms);
  history_free(h);
}

static enum status count_member(void *ud, const char *name, value owned) {
  assert_string_equal(name, "big");
  *(size_t *)ud = value_str(owned)->len;
  value_unref(owned);
  return OK;
}

static void large(void **state) {
  struct room *r = *state;
  struct error err = {0};
  struct buf json = BUF_INIT, data = BUF_INIT;
  char sha[65];
  size_t len = 0;
  buf_addc(&json, '"');
  buf_addn(&json, 3000000, 'x');
  buf_addc(&json, '"');
  assert_int_equal(journal_put_text(r->j, json.data, json.len, sha, &err), OK);
  buf_addf(&data, "{\"outputs\":{\"big\":{\"$text\":\"%s\"}}}", sha);
  add(r, "", "run.started", "{\"runbook\":\"x\",\"inputs\":{}}");
  add(r, "a", "step.started", "{}");
  add(r, "a", "step.finished", buf_str(&data));
  struct history *h = load(r);
  struct symtab *syms = symtab_new();
  assert_int_equal(
      past_members(h, history_step(h, "a")->ended, "outputs", syms, count_member, &len, &err), OK);
  assert_int_equal(len, 3000000);
  symtab_free(syms);
  history_free(h);
  buf_release(&json);
  buf_release(&data);
}

static void no_run(void **state) {
  struct room *r = *state;
  struct error err = {0};
  struct history *h;
  assert_int_equal(history_load(&h, r->j, "none", &err), ERR_NOT_FOUND);
  error_release(&err);
}

/* --- owners --- */

static void owned(void **state) {
  struct room *r = *state;
  struct error err = {0};
  struct owners *o = owners_new(r->path);
  pid_t pid;
  int ready[2];
  char c;
  assert_false(owner_of(o, 7, &pid));
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (!child) {
    struct owners *mine = owners_new(r->path);
    if (owner_take(mine, 7, NULL, &err) != OK || write(ready[1], "x", 1) != 1) _exit(1);
    pause();
  }
  assert_int_equal(read(ready[0], &c, 1), 1);
  assert_true(owner_of(o, 7, &pid));
  assert_int_equal(pid, child);
  assert_int_equal(owner_take(o, 7, &pid, &err), ERR_CONFLICT);
  assert_int_equal(pid, child);
  error_release(&err);
  assert_int_equal(owner_take(o, 8, NULL, &err), OK); /* another run is nobody's */
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  assert_false(owner_of(o, 7, &pid));
  assert_int_equal(owner_take(o, 7, NULL, &err), OK);
  assert_true(owner_of(o, 7, &pid));
  assert_int_equal(pid, getpid());
  owner_drop(o, 7);
  assert_false(owner_of(o, 7, &pid));
  assert_true(owner_of(o, 8, &pid));
  owners_free(o);
  close(ready[0]);
  close(ready[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(members),
      cmocka_unit_test_setup_teardown(outcomes, room_make, room_clear),
      cmocka_unit_test_setup_teardown(large, room_make, room_clear),
      cmocka_unit_test_setup_teardown(no_run, room_make, room_clear),
      cmocka_unit_test_setup_teardown(owned, room_make, room_clear),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
