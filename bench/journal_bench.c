/* What the journal costs, against the least that SQLite and SHA-256 allow.
 *
 * usage: journal_bench [EVENTS [ROUNDS]]
 * Makes a journal of EVENTS events, then measures in turn, and prints medians and their ratio:
 *   verify   journal_verify against a bare loop: the same rows, the same bytes, one EVP_MD_CTX
 *   commits  one event a commit against one row a commit of a bare table (both synchronous=FULL)
 *   groups   events a second, 100 a commit
 *   resume   reading one run of EVENTS / 10 events; runs: listing all runs
 *   open     opening, one event, commit and close of an existing journal
 * and the peak memory of the process after verifying. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/evp.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../runtime/journal.h"

enum { RUN_EVENTS = 40, COMMITS = 300, GROUP = 100, ROUNDS_MAX = 99 };

static const char args[] =
    "{\"binding\":\"imports\",\"action\":\"commit\",\"effect\":\"write\",\"call\":3,\"args\":{"
    "\"table\":"
    "\"contacts\",\"rows\":1250,\"keys\":[\"email\",\"phone\"],\"by\":\"import-2026-11-02\"},"
    "\"key\":\""
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\",\"attempt\":1}";

struct bench {
  char dir[64], path[96], bare[96];
  int64_t events;
  int rounds;
};

__attribute__((noreturn)) static void die(const char *what, const struct error *err) {
  fprintf(stderr, "journal_bench: %s: %s\n", what, err && err->message ? err->message : "failed");
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

static struct journal *opened(const char *path, enum journal_mode mode) {
  struct error err = {0};
  struct journal *j = NULL;
  if (journal_open(&j, path, mode, &err) != OK) die("open", &err);
  return j;
}

static void append(struct journal *j, const char *run, const char *kind, const char *data) {
  struct error err = {0};
  struct event e = {.run = run, .step = "commit-rows", .kind = kind, .data = data};
  e.data_len = strlen(data);
  if (journal_append(j, &e, &err) != OK) die("append", &err);
}

static void commit(struct journal *j) {
  struct error err = {0};
  if (journal_commit(j, &err) != OK) die("commit", &err);
}

/* Runs of RUN_EVENTS events each, their ids as runs have them. */
static void append_many(struct journal *j, int64_t count, int64_t group, int64_t salt) {
  static const char *const kinds[] = {"step.started", "action.started", "action.finished",
                                      "step.finished"};
  char run[48] = "";
  for (int64_t i = 0; i < count; i++) {
    int64_t at = i % RUN_EVENTS;
    if (at == 0)
      snprintf(run, sizeof run, "20261102-%06lld-%08x", (long long)(i % 1000000),
               (unsigned)((uint64_t)(salt + i) * 2654435761u));
    const char *kind = at == 0                ? "run.started"
                       : at == RUN_EVENTS - 1 ? "run.succeeded"
                                              : kinds[at % 4];
    append(j, run, kind, at == 0 ? "{\"runbook\":\"spreadsheet-import\"}" : args);
    if (group && i % group == group - 1) commit(j);
  }
  commit(j);
}

/* The bare loop. */

static uint8_t *put(uint8_t *to, uint64_t n, int bytes) {
  for (int i = 0; i < bytes; i++)
    to[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
  return to + bytes;
}

static size_t form(uint8_t *to, sqlite3_stmt *s, const uint8_t *prev) {
  uint8_t *at = to;
  memcpy(at, "stepwise/event/1", 16);
  memcpy(at + 16, prev, 32);
  at = put(at + 48, (uint64_t)sqlite3_column_int64(s, 0), 8);
  at = put(at, (uint64_t)sqlite3_column_int64(s, 1), 8);
  for (int i = 2; i <= 6; i++) {
    const void *text = sqlite3_column_text(s, i);
    size_t len = (size_t)sqlite3_column_bytes(s, i);
    at = put(at, len, 4);
    memcpy(at, text, len);
    at += len;
  }
  return (size_t)(at - to);
}

/* Seconds for all rows; the whole chain must come out good. */
static double bare_verify(const char *path) {
  static uint8_t bytes[1 << 16];
  uint8_t hash[32] = {0};
  sqlite3 *db = NULL;
  sqlite3_stmt *s = NULL;
  EVP_MD_CTX *ctx = EVP_MD_CTX_new();
  EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
  double begin = now();
  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(db,
                         "SELECT seq, time_us, run, step, kind, actor, data, hash FROM event"
                         " ORDER BY seq",
                         -1, &s, NULL) != SQLITE_OK)
    die(path, NULL);
  EVP_DigestInit_ex(ctx, md, NULL);
  while (sqlite3_step(s) == SQLITE_ROW) {
    size_t len = form(bytes, s, hash);
    EVP_DigestInit_ex(ctx, NULL, NULL);
    EVP_DigestUpdate(ctx, bytes, len);
    EVP_DigestFinal_ex(ctx, hash, NULL);
    if (memcmp(hash, sqlite3_column_blob(s, 7), 32) != 0) die("bare loop: a hash differs", NULL);
  }
  sqlite3_finalize(s);
  sqlite3_close(db);
  double took = now() - begin;
  EVP_MD_CTX_free(ctx);
  EVP_MD_free(md);
  return took;
}

static double our_verify(const char *path) {
  struct error err = {0};
  struct journal_report r;
  double begin = now();
  struct journal *j = opened(path, JOURNAL_READ);
  if (journal_verify(j, false, &r, &err) != OK) die("verify", &err);
  if (r.problem.len) die(buf_str(&r.problem), NULL);
  journal_close(j);
  double took = now() - begin;
  journal_report_release(&r);
  return took;
}

static void measure_verify(const struct bench *b) {
  double bare[ROUNDS_MAX], ours[ROUNDS_MAX];
  for (int i = 0; i < b->rounds; i++) {
    ours[i] = our_verify(b->path);
    if (i == 0) {
      struct rusage u;
      getrusage(RUSAGE_SELF, &u);
      printf("verify   peak memory %ld KiB\n", u.ru_maxrss);
    }
    bare[i] = bare_verify(b->path);
  }
  double x = median(bare, b->rounds), y = median(ours, b->rounds);
  printf("verify   %.0f rows/s, bare loop %.0f rows/s, ratio %.2f\n", (double)b->events / y,
         (double)b->events / x, x / y);
}

/* Commits. */

static double bare_commits(const char *path) {
  sqlite3 *db = NULL;
  sqlite3_stmt *s = NULL;
  if (sqlite3_open(path, &db) != SQLITE_OK ||
      sqlite3_exec(db,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                   "CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, data TEXT)",
                   NULL, NULL, NULL) != SQLITE_OK ||
      sqlite3_prepare_v2(db, "INSERT INTO t(data) VALUES(?1)", -1, &s, NULL) != SQLITE_OK)
    die(path, NULL);
  double begin = now();
  for (int i = 0; i < COMMITS; i++) {
    sqlite3_bind_text(s, 1, args, -1, SQLITE_STATIC);
    sqlite3_step(s);
    sqlite3_reset(s);
  }
  double took = now() - begin;
  sqlite3_finalize(s);
  sqlite3_close(db);
  return took;
}

static double our_commits(const char *path) {
  struct journal *j = opened(path, JOURNAL_WRITE);
  double begin = now();
  for (int i = 0; i < COMMITS; i++) {
    append(j, "20261102-000000-0a0b0c0d", "action.started", args);
    commit(j);
  }
  double took = now() - begin;
  journal_close(j);
  return took;
}

static void measure_commits(const struct bench *b) {
  double bare[ROUNDS_MAX], ours[ROUNDS_MAX];
  for (int i = 0; i < b->rounds; i++) {
    bare[i] = bare_commits(b->bare);
    ours[i] = our_commits(b->path);
  }
  double x = median(bare, b->rounds), y = median(ours, b->rounds);
  printf("commits  %.0f/s, raw SQLite %.0f/s, ratio %.2f\n", COMMITS / y, COMMITS / x, x / y);
}

static void measure_groups(const struct bench *b) {
  double ours[ROUNDS_MAX];
  int64_t count = 20000;
  for (int i = 0; i < b->rounds; i++) {
    struct journal *j = opened(b->path, JOURNAL_WRITE);
    double begin = now();
    append_many(j, count, GROUP, b->events + i * count);
    ours[i] = now() - begin;
    journal_close(j);
  }
  printf("groups   %.0f events/s, %d a commit\n", (double)count / median(ours, b->rounds), GROUP);
}

static void measure_open(const struct bench *b) {
  double ours[ROUNDS_MAX];
  for (int i = 0; i < b->rounds; i++) {
    double begin = now();
    struct journal *j = opened(b->path, JOURNAL_WRITE);
    append(j, NULL, "noted", "{\"text\":\"x\"}");
    commit(j);
    journal_close(j);
    ours[i] = now() - begin;
  }
  printf("open     %.3f ms: open, one event, commit, close\n", median(ours, b->rounds) * 1e3);
}

/* Reading. */

static enum status count_event(void *ud, const struct event *e) {
  *(int64_t *)ud += e->seq > 0;
  return OK;
}

static enum status count_run(void *ud, const struct run_row *r) {
  *(int64_t *)ud += r->first_seq > 0;
  return OK;
}

static void measure_reading(const struct bench *b) {
  double resume[ROUNDS_MAX], runs[ROUNDS_MAX];
  int64_t events = 0, listed = 0;
  struct error err = {0};
  struct journal *j = opened(b->path, JOURNAL_WRITE);
  append(j, "20261102-long", "run.started", "{\"runbook\":\"long\"}");
  for (int64_t i = 1; i < b->events / 10; i++)
    append(j, "20261102-long", "action.finished", args);
  commit(j);
  for (int i = 0; i < b->rounds; i++) {
    events = listed = 0;
    double begin = now();
    if (journal_scan(j, &(struct event_filter){.run = "20261102-long"}, count_event, &events, &err))
      die("scan", &err);
    double between = now();
    if (journal_runs(j, NULL, count_run, &listed, &err) != OK) die("runs", &err);
    runs[i] = now() - between;
    resume[i] = between - begin;
  }
  journal_close(j);
  printf("resume   %.1f ms for a run of %lld events\n", median(resume, b->rounds) * 1e3,
         (long long)events);
  printf("runs     %.1f ms for %lld runs\n", median(runs, b->rounds) * 1e3, (long long)listed);
}

static void bench_clear(struct bench *b) {
  static const char *const names[] = {"journal.db", "bare.db"};
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  char path[128];
  for (int n = 0; n < 2; n++)
    for (int s = 0; s < 3; s++) {
      snprintf(path, sizeof path, "%s/%s%s", b->dir, names[n], suffixes[s]);
      unlink(path);
    }
  rmdir(b->dir);
}

int main(int argc, char **argv) {
  struct bench b = {.events = argc > 1 ? atoll(argv[1]) : 200000,
                    .rounds = argc > 2 ? atoi(argv[2]) : 5};
  const char *tmp = getenv("TMPDIR");
  if (b.events < 100 || b.rounds < 1 || b.rounds > ROUNDS_MAX) {
    fputs("usage: journal_bench [EVENTS [ROUNDS]]\n", stderr);
    return 2;
  }
  snprintf(b.dir, sizeof b.dir, "%.40s/journal-bench-XXXXXX", tmp ? tmp : "/tmp");
  if (!mkdtemp(b.dir)) die(b.dir, NULL);
  snprintf(b.path, sizeof b.path, "%s/journal.db", b.dir);
  snprintf(b.bare, sizeof b.bare, "%s/bare.db", b.dir);
  struct journal *j = opened(b.path, JOURNAL_WRITE);
  append_many(j, b.events - 1, 10000, 0);
  journal_close(j);
  measure_verify(&b);
  measure_commits(&b);
  measure_groups(&b);
  measure_open(&b);
  measure_reading(&b);
  bench_clear(&b);
  return 0;
}
