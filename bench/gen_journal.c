/* Makes a journal for measuring what reads one.
 *
 * usage: gen_journal PATH RUNS EVENTS
 * RUNS runs of three events each, in every state, and then one run of EVENTS events: steps of ten
 * events, writes with rollbacks, that was interrupted in its middle. */
#include "../runtime/journal.h"

static void check(enum status status, const struct error *err) {
  if (status == OK) return;
  fprintf(stderr, "gen_journal: %s\n", err->message ? err->message : "failed");
  exit(1);
}

static void add(struct journal *j, const char *run, const char *step, enum event_kind kind,
                const char *data) {
  struct error err = {0};
  struct event e = {.run = run,
                    .step = step,
                    .kind = event_kinds[kind].name,
                    .actor = "ana@ops",
                    .data = data,
                    .data_len = strlen(data)};
  check(journal_append(j, &e, &err), &err);
}

static void commit(struct journal *j) {
  struct error err = {0};
  check(journal_commit(j, &err), &err);
}

static void small_runs(struct journal *j, long runs) {
  static const enum event_kind ends[] = {
      EVENT_RUN_SUCCEEDED,   EVENT_RUN_SUCCEEDED,   EVENT_RUN_SUCCEEDED, EVENT_RUN_FAILED,
      EVENT_RUN_ROLLED_BACK, EVENT_RUN_CANCELLED,   EVENT_RUN_HELD,      EVENT_RUN_WAITING,
      EVENT_RUN_NOTED, /* under way */
      EVENT_RUN_ROLLBACK_INCOMPLETE};
  for (long i = 0; i < runs; i++) {
    char id[RUN_ID_MAX];
    snprintf(id, sizeof id, "20261102-%06ld-%06ld", i / 1000, i);
    add(j, id, "", EVENT_RUN_STARTED, "{\"runbook\":\"restart-web\",\"inputs\":{\"node\":\"web-1\"}}");
    add(j, id, "drain", EVENT_STEP_STARTED, "{\"label\":\"Drain\"}");
    add(j, id, "", ends[i % 10], "{\"reason\":\"as planned\",\"text\":\"as planned\"}");
    if (i % 1000 == 999) commit(j);
  }
}

static void large_run(struct journal *j, long events) {
  static const char id[] = "20261103-000000-large2";
  add(j, id, "", EVENT_RUN_STARTED, "{\"runbook\":\"large\",\"title\":\"Many steps\",\"inputs\":{}}");
  for (long i = 1; i + 9 < events; i += 10) {
    char step[64], data[400];
    snprintf(step, sizeof step, "drain[web-%ld]", i / 10);
    add(j, id, step, EVENT_STEP_STARTED, "{\"label\":\"Drain\",\"attempt\":1}");
    add(j, id, step, EVENT_GUARD_CHECKED, "{\"text\":\"the pool is not empty\",\"held\":true}");
    add(j, id, step, EVENT_STEP_ARMED, "{}");
    for (int call = 1; call <= 3; call++) {
      snprintf(data, sizeof data,
               "{\"binding\":\"pool\",\"action\":\"drain\",\"call\":%d,\"effect\":\"write\","
               "\"args\":{\"node\":\"web-%ld\"},\"driver\":\"embedded\",\"key\":\"%064ld\",\"attempt\":1}",
               call, i / 10, i * 10 + call);
      add(j, id, step, EVENT_ACTION_STARTED, data);
      snprintf(data, sizeof data,
               "{\"binding\":\"pool\",\"action\":\"drain\",\"call\":%d,\"result\":{\"$record\":{"
               "\"node\":\"web-%ld\",\"count\":5}},\"duration_us\":812}",
               call, i / 10);
      if (call < 3 || i + 19 < events) add(j, id, step, EVENT_ACTION_FINISHED, data);
    }
    if (i + 19 < events) add(j, id, step, EVENT_STEP_FINISHED, "{\"duration_us\":4000}");
    if (i % 10000 == 1) commit(j);
  }
}

int main(int argc, char **argv) {
  struct journal *j = NULL;
  struct error err = {0};
  if (argc != 4) return fputs("usage: gen_journal PATH RUNS EVENTS\n", stderr), 2;
  check(journal_open(&j, argv[1], JOURNAL_WRITE, &err), &err);
  small_runs(j, strtol(argv[2], NULL, 10));
  large_run(j, strtol(argv[3], NULL, 10));
  commit(j);
  journal_close(j);
  return 0;
}
