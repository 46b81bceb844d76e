/* Durable steps a second, against the least that SQLite allows on the same disk.
 *
 * usage: steps [ROUNDS [RUNS [STEPS]]]      in the directory $TMPDIR, else .
 * One step is one write action: intent on disk, action, outcome. In turn, so that only ratios
 * count: single   one run of 1,000 steps; a bare table, one row a commit (both WAL,
 * synchronous=FULL) many     RUNS runs (100) of STEPS steps (100) side by side in one process;
 * rows, RUNS a commit Prints medians: steps a second, rows a second, and their ratios. */
#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../lang/source.h"
#include "../runtime/engine.h"
#include "../runtime/host.h"

enum { SINGLE = 1000, ROUNDS_MAX = 99 };

static const char runbook[] =
    "runbook \"bench\" do\n"
    "  input :steps, :integer\n"
    "  step \"List\" do\n      list = (1..input.steps).to_a\n    end\n    each_of list do |n|\n"
    "    step \"Put\" do\n"
    "      store.put value: n\n"
    "      rollback { store.drop value: n }\n"
    "    end\n"
    "  end\n"
    "end\n"
    "binding :store, \"Nothing behind it\" do\n"
    "  action :put, effect: :write, repeat: :by_key do\n"
    "    takes :value, :integer\n"
    "    gives :integer\n"
    "  end\n"
    "  action :drop, effect: :write, repeat: :safe do\n"
    "    takes :value, :integer\n"
    "  end\n"
    "end\n"
    "driver :none, for: :store, default: true do\n"
    "  perform(:put) { |value| value + 1 }\n"
    "  perform(:drop) { |value| nil }\n"
    "end\n";

struct bench {
  char dir[200], path[240], bare[240];
  struct host host;
  struct program *program;
};

__attribute__((noreturn)) static void die(const char *what, const struct error *err) {
  fprintf(stderr, "steps: %s: %s\n", what, err && err->message ? err->message : "failed");
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *t, int n) {
  qsort(t, (size_t)n, sizeof *t, by_size);
  return t[n / 2];
}

static void forget(const char *path) {
  static const char *const ends[] = {"", "-wal", "-shm", ".owners"};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    char name[300];
    snprintf(name, sizeof name, "%s%s", path, ends[i]);
    unlink(name);
  }
}

static void sql(sqlite3 *db, const char *text) {
  if (sqlite3_exec(db, text, NULL, NULL, NULL) != SQLITE_OK) die(sqlite3_errmsg(db), NULL);
}

/* Rows a second: `commits` commits of `group` rows each. */
static double bare_rows(const struct bench *b, int commits, int group) {
  static const char row[] = "{\"binding\":\"store\",\"action\":\"put\",\"call\":1,\"effect\":"
                            "\"write\",\"args\":{\"value\":1},"
                            "\"driver\":\"none\",\"key\":"
                            "\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"}";
  sqlite3 *db;
  sqlite3_stmt *put, *begin, *commit;
  forget(b->bare);
  if (sqlite3_open(b->bare, &db) != SQLITE_OK) die(b->bare, NULL);
  sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(id INTEGER PRIMARY "
          "KEY, at INT, d TEXT) STRICT");
  sqlite3_prepare_v2(db, "INSERT INTO t(at, d) VALUES(?, ?)", -1, &put, NULL);
  sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL);
  sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL);
  double t = now();
  for (int i = 0; i < commits; i++) {
    if (sqlite3_step(begin) != SQLITE_DONE) die("begin", NULL);
    sqlite3_reset(begin);
    for (int k = 0; k < group; k++) {
      sqlite3_bind_int64(put, 1, i);
      sqlite3_bind_text(put, 2, row, -1, SQLITE_STATIC);
      if (sqlite3_step(put) != SQLITE_DONE) die("insert", NULL);
      sqlite3_reset(put);
    }
    if (sqlite3_step(commit) != SQLITE_DONE) die("commit", NULL);
    sqlite3_reset(commit);
  }
  t = now() - t;
  sqlite3_finalize(put), sqlite3_finalize(begin), sqlite3_finalize(commit);
  sqlite3_close(db);
  forget(b->bare);
  return commits * (double)group / t;
}

static enum status nobody(void *ud, const struct prompt *q, struct answer *out, struct error *err) {
  (void)ud, (void)out;
  return error_set(err, ERR_WAITING, "nobody to answer '%s'", q->text);
}

static void on_event(void *ud, const struct event *e) {
  (void)e;
  ++*(uint64_t *)ud;
}

/* Steps a second, and events, of all runs together. */
static double our_steps(struct bench *b, int runs, int steps, double *events) {
  struct clock clock;
  struct journal *j;
  struct error err = {0};
  uint64_t count = 0;
  const struct observer counting = {.ud = &count, .event = on_event};
  static const struct prompter prompter = {.ask = nobody, .source = "file"};
  forget(b->path);
  clock_real(&clock);
  if (journal_open(&j, b->path, JOURNAL_WRITE, &err) != OK) die("open", &err);
  struct engine_config config = {.clock = &clock,
                                 .journal = j,
                                 .prompter = &prompter,
                                 .observer = &counting,
                                 .state_dir = b->dir};
  struct given_input input = {.name = "steps", .value = value_int(steps), .typed = true};
  struct run_options options = {.inputs = &input, .input_count = 1};
  struct run_result *results = mem_array((size_t)runs, sizeof *results);
  struct engine *g = engine_new(&config);
  double t = now();
  for (int i = 0; i < runs; i++)
    engine_start(g, b->program, &options, &results[i]);
  engine_wait(g);
  t = now() - t;
  for (int i = 0; i < runs; i++)
    if (results[i].state != RUN_SUCCEEDED) die("run", &results[i].error);
  engine_free(g);
  journal_close(j);
  forget(b->path);
  mem_free(results);
  *events = (double)count / t;
  return runs * (double)steps / t;
}

static void load(struct bench *b) {
  struct source s;
  struct error err = {0};
  host_init(&b->host, NULL);
  if (source_init(&s, "bench.rb", mem_dup(runbook, sizeof runbook), sizeof runbook - 1, &err) != OK)
    die("source", &err);
  program_load(&b->program, &s, &b->host.program);
  if (!b->program->diags.errors) return;
  struct buf text = BUF_INIT;
  diags_print(&b->program->diags, b->program->sources, false, &text);
  fputs(buf_str(&text), stderr);
  die("the runbook", NULL);
}

int main(int argc, char **argv) {
  static struct bench b;
  int rounds = argc > 1 ? atoi(argv[1]) : 5, runs = argc > 2 ? atoi(argv[2]) : 100;
  int steps = argc > 3 ? atoi(argv[3]) : 100;
  double single[ROUNDS_MAX], row[ROUNDS_MAX], many[ROUNDS_MAX], rows[ROUNDS_MAX];
  double events[ROUNDS_MAX];
  if (rounds < 1 || rounds > ROUNDS_MAX || runs < 1 || steps < 1)
    die("usage: steps [ROUNDS [RUNS [STEPS]]]", NULL);
  snprintf(b.dir, sizeof b.dir, "%s/steps.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : ".");
  if (!mkdtemp(b.dir)) die(b.dir, NULL);
  snprintf(b.path, sizeof b.path, "%s/journal.db", b.dir);
  snprintf(b.bare, sizeof b.bare, "%s/bare.db", b.dir);
  load(&b);
  for (int i = 0; i < rounds; i++) {
    row[i] = bare_rows(&b, SINGLE, 1);
    single[i] = our_steps(&b, 1, SINGLE, &events[i]);
    rows[i] = bare_rows(&b, 100, runs);
    many[i] = our_steps(&b, runs, steps, &events[i]);
  }
  double s = median(single, rounds), r = median(row, rounds), m = median(many, rounds),
         g = median(rows, rounds);
  printf("single  %.0f steps/s, bare rows %.0f/s, ratio %.2f\n", s, r, s / r);
  printf("many    %.0f steps/s, %.2f times single; bare rows in groups of %d %.0f/s, ratio %.2f, "
         "events %.0f/s\n",
         m, m / s, runs, g, m / g, median(events, rounds));
  struct rusage u;
  getrusage(RUSAGE_SELF, &u);
  printf("memory  peak %ld KiB\n", u.ru_maxrss);
  program_free(b.program);
  host_release(&b.host);
  rmdir(b.dir);
  return 0;
}
