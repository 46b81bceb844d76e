/* 100 runs of one process that step together share their commits: far fewer syncs than steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

#include "../../lang/source.h"
#include "../../runtime/engine.h"
#include "../../runtime/host.h"
#include "fault.h"

enum { RUNS = 100, STEPS = 10 };

static const char runbook[] = "runbook \"together\" do\n"
                              "  step \"List\" do\n"
                              "    list = (1..10).to_a\n"
                              "  end\n"
                              "  each_of list do |n|\n"
                              "    step \"Put\" do\n"
                              "      store.put value: n\n"
                              "      irreversible \"stays\"\n"
                              "    end\n"
                              "  end\n"
                              "end\n"
                              "binding :store, \"Nothing behind it\" do\n"
                              "  action :put, effect: :write, repeat: :safe do\n"
                              "    takes :value, :integer\n"
                              "    gives :integer\n"
                              "  end\n"
                              "end\n"
                              "driver :none, for: :store, default: true do\n"
                              "  perform(:put) { |value| value + 1 }\n"
                              "end\n";

static enum status nobody(void *ud, const struct prompt *q, struct answer *out, struct error *err) {
  (void)ud, (void)out;
  return error_set(err, ERR_WAITING, "nobody to answer '%s'", q->text);
}

static struct program *load(struct host *h) {
  struct source s;
  struct error err = {0};
  struct program *p = NULL;
  host_init(h, NULL);
  assert_int_equal(
      source_init(&s, "together.rb", mem_dup(runbook, sizeof runbook), sizeof runbook - 1, &err),
      OK);
  program_load(&p, &s, &h->program);
  assert_int_equal(p->diags.errors, 0);
  return p;
}

static void forget(const char *dir) {
  static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm",
                                      "journal.db.owners"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, names[i]);
    unlink(path);
  }
  rmdir(dir);
}

/* Syncs that `runs` runs take together, from the first step to the last. */
static unsigned long syncs_of(struct program *p, int runs) {
  char dir[] = "/tmp/group-XXXXXX", path[64];
  struct clock clock;
  struct journal *j;
  struct error err = {0};
  static const struct prompter prompter = {.ask = nobody, .source = "file"};
  static const struct observer quiet = {0};
  struct run_result results[RUNS] = {0};
  assert_non_null(mkdtemp(dir));
  snprintf(path, sizeof path, "%s/journal.db", dir);
  clock_real(&clock);
  assert_int_equal(journal_open(&j, path, JOURNAL_WRITE, &err), OK);
  struct engine_config config = {
      .clock = &clock, .journal = j, .prompter = &prompter, .observer = &quiet, .state_dir = dir};
  struct run_options options = {0};
  struct engine *g = engine_new(&config);
  unsigned long before = fault_syncs();
  for (int i = 0; i < runs; i++)
    engine_start(g, p, &options, &results[i]);
  engine_wait(g);
  unsigned long took = fault_syncs() - before;
  for (int i = 0; i < runs; i++)
    assert_int_equal(results[i].state, RUN_SUCCEEDED);
  struct journal_report report;
  assert_int_equal(journal_verify(j, true, &report, &err), OK);
  assert_string_equal(buf_str(&report.problem), "");
  assert_int_equal(report.runs, runs);
  journal_report_release(&report);
  engine_free(g);
  journal_close(j);
  forget(dir);
  return took;
}

static void runs_share_their_commits(void **state) {
  struct host h;
  (void)state;
  struct program *p = load(&h);
  unsigned long one = syncs_of(p, 1), all = syncs_of(p, RUNS);
  print_message("# %d steps: %lu syncs; %d times as many together: %lu\n", STEPS, one, RUNS, all);
  assert_in_range(one, STEPS, STEPS + 4);
  /* Now and then SQLite folds the -wal into the database, which costs a few more. */
  assert_true(all <= 3 * one);
  program_free(p);
  host_release(&h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(runs_share_their_commits)};
  setenv("STEPWISE_FAULT_STILL", "1", 1); /* a machine that is busy would count more commits */
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
