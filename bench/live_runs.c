/* What a live run costs while it waits, in one process.
 *
 * usage: live_runs [RUNS]       in the directory $TMPDIR, else .
 * Starts RUNS runs (1,000), each with a step that waits for an hour and then asks; when all of them
 * wait, prints what the process holds in memory, and ends them by SIGTERM. Then the same with runs
 * that wait for an answer. */
#include <signal.h>
#include <unistd.h>

#include "../lang/source.h"
#include "../runtime/engine.h"
#include "../runtime/host.h"

static const char timers[] = "runbook \"timers\" do\n"
                             "  input :name, :string\n"
                             "  step \"Prepare\" do\n"
                             "    greeting = \"hello #{input.name}\"\n"
                             "    note greeting\n"
                             "  end\n"
                             "  step \"Wait\" do\n"
                             "    wait 1.hour\n"
                             "    note greeting\n"
                             "  end\n"
                             "end\n";
static const char people[] = "runbook \"people\" do\n"
                             "  input :name, :string\n"
                             "  step \"Prepare\" do\n"
                             "    greeting = \"hello #{input.name}\"\n"
                             "    note greeting\n"
                             "  end\n"
                             "  step \"Ask\" do\n"
                             "    approve \"Greet #{input.name}?\", by: :lead\n"
                             "    note greeting\n"
                             "  end\n"
                             "end\n";

struct bench {
  char dir[200], path[240];
  struct host host;
  struct tasks *tasks;
  int runs, waiting;
  long kib; /* when all waited */
};

__attribute__((noreturn)) static void die(const char *what, const struct error *err) {
  fprintf(stderr, "live_runs: %s: %s\n", what, err && err->message ? err->message : "failed");
  exit(1);
}

static long resident(void) {
  char line[200];
  long kib = 0;
  FILE *f = fopen("/proc/self/status", "r");
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, "VmRSS: %ld", &kib) == 1) break;
  if (f) fclose(f);
  return kib;
}

static void on_event(void *ud, const struct event *e) {
  struct bench *b = ud;
  b->waiting += strcmp(e->kind, "wait.started") == 0 || strcmp(e->kind, "approval.requested") == 0;
}

static void look(void *arg) {
  struct bench *b = arg;
  struct error err = {0};
  while (b->waiting < b->runs)
    if (task_sleep(b->tasks, 10000, &err) != OK) error_release(&err);
  if (task_sleep(b->tasks, 100000, &err) != OK) error_release(&err);
  b->kib = resident();
  kill(getpid(), SIGTERM);
}

static enum status nobody_yet(void *ud, const struct prompt *q, struct answer *out,
                              struct error *err) {
  struct bench *b = ud;
  (void)q;
  *out = (struct answer){0};
  return task_sleep(b->tasks, CLOCK_NEVER, err);
}

static struct program *load(struct bench *b, const char *text) {
  struct source s;
  struct error err = {0};
  struct program *p;
  size_t n = strlen(text);
  if (source_init(&s, "bench.rb", mem_dup(text, n + 1), n, &err) != OK) die("source", &err);
  program_load(&p, &s, &b->host.program);
  if (p->diags.errors) die("the runbook has errors", NULL);
  return p;
}

static void measure(struct bench *b, const char *name, const char *text) {
  struct program *program = load(b, text);
  struct clock clock;
  struct journal *j;
  struct error err = {0};
  const struct observer observer = {.ud = b, .event = on_event};
  const struct prompter prompter = {
      .ud = b, .ask = nobody_yet, .interactive = true, .source = "terminal"};
  clock_real(&clock);
  if (journal_open(&j, b->path, JOURNAL_WRITE, &err) != OK) die("open", &err);
  struct engine_config config = {.clock = &clock,
                                 .journal = j,
                                 .prompter = &prompter,
                                 .observer = &observer,
                                 .state_dir = b->dir};
  struct given_input input = {.name = "name", .value = value_cstr("kim"), .typed = true};
  const struct run_options options = {.inputs = &input, .input_count = 1};
  struct run_result *results = mem_array((size_t)b->runs, sizeof *results);
  struct engine *g = engine_new(&config);
  b->tasks = engine_tasks(g);
  b->waiting = 0;
  long before = resident();
  for (int i = 0; i < b->runs; i++)
    engine_start(g, program, &options, &results[i]);
  task_release(task_spawn(b->tasks, look, b));
  engine_wait(g);
  for (int i = 0; i < b->runs; i++) {
    if (results[i].state == RUN_NONE) die("run", &results[i].error);
    error_release(&results[i].error);
  }
  printf("%s  %d runs wait: process %ld KiB, each run %.1f KiB\n", name, b->runs, b->kib,
         (double)(b->kib - before) / b->runs);
  value_unref(input.value);
  mem_free(results);
  engine_free(g);
  journal_close(j);
  program_free(program);
}

int main(int argc, char **argv) {
  static const char *const ends[] = {"", "-wal", "-shm", ".owners"};
  static struct bench b;
  b.runs = argc > 1 ? atoi(argv[1]) : 1000;
  if (b.runs < 1) die("usage: live_runs [RUNS]", NULL);
  snprintf(b.dir, sizeof b.dir, "%s/live.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : ".");
  if (!mkdtemp(b.dir)) die(b.dir, NULL);
  snprintf(b.path, sizeof b.path, "%s/journal.db", b.dir);
  host_init(&b.host, NULL);
  measure(&b, "timers", timers);
  measure(&b, "people", people);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char name[300];
    snprintf(name, sizeof name, "%s%s", b.path, ends[i]);
    unlink(name);
  }
  host_release(&b.host);
  rmdir(b.dir);
  return 0;
}
