/* An answer that was given for others counts in the drill that asked for it, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../runtime/approval_state.h"
#include "../../runtime/clock.h"

static void put(struct journal *j, const char *run, const char *step, const char *kind,
                const char *data) {
  struct error err = {0};
  struct event e = {.run = run, .step = step, .kind = kind, .data = data, .data_len = strlen(data)};
  assert_int_equal(journal_append(j, &e, &err), OK);
}

/* How many count of one answer that is recorded as a drill's; why: what is told when it does not. */
static uint32_t counted(const char *run, char why[200]) {
  char dir[] = "/tmp/drill-XXXXXX", path[64];
  struct journal *j;
  struct error err = {0};
  struct approvals all;
  struct approval_count n;
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/j.db", dir);
  assert_int_equal(journal_open(&j, path, JOURNAL_WRITE, &err), OK);
  put(j, run, "", "run.started", "{\"runbook\":\"r\",\"sha256\":\"00\",\"inputs\":{},\"stepwise\":\"1\"}");
  put(j, run, "s", "approval.requested",
      "{\"text\":\"t\",\"role\":\"leads\",\"nonce\":\"00\",\"plan\":\"00\",\"within_us\":3600000000,"
      "\"use_by_us\":3600000000,\"requester\":\"ana\"}");
  put(j, run, "s", "approval.given", "{\"approver\":\"kim\",\"nonce\":\"00\",\"identity\":\"drill\"}");
  assert_int_equal(journal_commit(j, &err), OK);
  assert_int_equal(approvals_read(j, run, "s", &all, &err), OK);
  assert_int_equal(all.count, 1);
  assert_int_equal(approval_count(NULL, j, run, &all.at[0], NULL, journal_now(), &n, &err), OK);
  snprintf(why, 200, "%s", n.why);
  uint32_t count = n.count;
  approvals_release(&all);
  journal_close(j);
  static const char *const names[] = {"", "-wal", "-shm", ".owners"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/j.db%s", dir, names[i]);
    unlink(path);
  }
  rmdir(dir);
  return count;
}

static void answers(void **state) {
  (void)state;
  char why[200];
  assert_int_equal(counted("20261122-080000-abcdef-drill", why), 1);
  assert_int_equal(counted("20261122-080000-abcdef", why), 0);
  assert_string_equal(why, "was given in a drill");
}

static void names(void **state) {
  (void)state;
  assert_true(run_is_drill("20261122-080000-abcdef-drill"));
  assert_false(run_is_drill("20261122-080000-abcdef"));
  assert_false(run_is_drill("-drill"));
  assert_false(run_is_drill(""));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(answers), cmocka_unit_test(names)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
