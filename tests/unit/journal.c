/* The journal: appending, sharing, texts, runs, versions, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../runtime/journal_inner.h"

struct room {
  char dir[64], path[96];
};

static int room_make(void **state) {
  struct room *r = mem_zalloc(sizeof *r);
  snprintf(r->dir, sizeof r->dir, "/tmp/journal-XXXXXX");
  if (!mkdtemp(r->dir)) return 1;
  snprintf(r->path, sizeof r->path, "%s/journal.db", r->dir);
  *state = r;
  return 0;
}

static int room_clear(void **state) {
  static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm",
                                      "journal.db-journal", "other.db"};
  struct room *r = *state;
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", r->dir, names[i]);
    unlink(path);
  }
  int left = rmdir(r->dir); /* anything else in it is a file that should not be there */
  mem_free(r);
  return left;
}

static struct journal *opened(const struct room *r, enum journal_mode mode) {
  struct error err = {0};
  struct journal *j = NULL;
  enum status status = journal_open(&j, r->path, mode, &err);
  if (status != OK) print_message("%s\n", err.message);
  assert_int_equal(status, OK);
  return j;
}

static int64_t append(struct journal *j, const char *run, const char *kind, const char *data) {
  struct error err = {0};
  struct event e = {.run = run, .kind = kind, .data = data, .data_len = data ? strlen(data) : 0};
  enum status status = journal_append(j, &e, &err);
  if (status != OK) print_message("%s\n", err.message);
  assert_int_equal(status, OK);
  return e.seq;
}

static enum status append_fails(struct journal *j, const char *run, const char *kind,
                                const char *data) {
  struct error err = {0};
  struct event e = {.run = run, .kind = kind, .data = data, .data_len = data ? strlen(data) : 0};
  enum status status = journal_append(j, &e, &err);
  error_release(&err);
  return status;
}

static void commit(struct journal *j) {
  struct error err = {0};
  assert_int_equal(journal_commit(j, &err), OK);
}

static void verified(struct journal *j, uint64_t events) {
  struct error err = {0};
  struct journal_report r;
  assert_int_equal(journal_verify(j, true, &r, &err), OK);
  assert_string_equal(buf_str(&r.problem), "");
  assert_int_equal(r.bad_seq, 0);
  assert_int_equal(r.events, events);
  journal_report_release(&r);
}

static enum status list(void *ud, const struct event *e) {
  buf_addf(ud, "%d:%s:%s:%s ", (int)e->seq, e->run, e->kind, e->data);
  return OK;
}

static char *scanned(struct journal *j, struct event_filter f) {
  static char out[1024];
  struct error err = {0};
  struct buf b = BUF_INIT;
  assert_int_equal(journal_scan(j, &f, list, &b, &err), OK);
  snprintf(out, sizeof out, "%s", buf_str(&b));
  buf_release(&b);
  return out;
}

static void a_new_journal_begins_with_its_origin(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct event_filter all = {0};
  assert_non_null(strstr(scanned(j, all), "1::journal.created:{\"origin\":\""));
  assert_int_equal(append(j, "r1", "run.started", "{\"runbook\":\"x\"}"), 2);
  commit(j);
  verified(j, 2);
  journal_close(j);
  struct stat st;
  assert_int_equal(stat(((struct room *)*state)->path, &st), 0);
  assert_int_equal(st.st_mode & 07, 0); /* not for everybody to read */
}

static void appends_are_one_commit(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE), *other = opened(*state, JOURNAL_READ);
  assert_false(journal_pending(j));
  append(j, "r1", "run.started", "{\"runbook\":\"x\"}");
  append(j, "r1", "step.started", NULL);
  assert_true(journal_pending(j));
  assert_string_equal(scanned(other, (struct event_filter){.after = 1}), "");
  commit(j);
  assert_false(journal_pending(j));
  assert_int_equal(journal_commits(j), 1);
  assert_string_equal(scanned(other, (struct event_filter){.after = 2}), "3:r1:step.started:{} ");
  append(j, "r1", "noted", "{\"text\":\"forgotten\"}");
  journal_rollback(j);
  append(j, "r1", "noted", "{\"text\":\"kept\"}");
  journal_close(j); /* and not committed: forgotten as well */
  verified(other, 3);
  journal_close(other);
}

static void two_writers_take_turns(void **state) {
  struct journal *a = opened(*state, JOURNAL_WRITE), *b = opened(*state, JOURNAL_WRITE);
  assert_int_equal(append(a, "r1", "run.started", "{}"), 2);
  commit(a);
  assert_int_equal(append(b, "r2", "run.started", "{}"), 3);
  commit(b);
  assert_int_equal(append(a, "r1", "run.succeeded", "{}"), 4);
  journal_set_patience(b, 20);
  struct error err = {0};
  struct event e = {.run = "r2", .kind = "run.held"};
  assert_int_equal(journal_append(b, &e, &err), ERR_JOURNAL);
  assert_non_null(strstr(err.message, "is locked: another process"));
  error_release(&err);
  assert_false(journal_pending(b));
  commit(a);
  assert_int_equal(append(b, "r2", "run.held", "{}"), 5);
  commit(b);
  verified(a, 5);
  journal_close(a);
  journal_close(b);
}

/* Several processes make the file and write to it at once. */
static void many_processes_share_one_file(void **state) {
  enum { PROCESSES = 4, EVENTS = 25 };
  pid_t pid[PROCESSES];
  for (int p = 0; p < PROCESSES; p++) {
    if ((pid[p] = fork()) != 0) continue;
    struct error err = {0};
    struct journal *j = NULL;
    char run[16];
    snprintf(run, sizeof run, "run-%d", p);
    int bad = journal_open(&j, ((struct room *)*state)->path, JOURNAL_WRITE, &err) != OK;
    for (int i = 0; i < EVENTS && !bad; i++) {
      struct event e = {.run = run, .kind = i ? "noted" : "run.started"};
      bad = journal_append(j, &e, &err) != OK || (i % 3 == 0 && journal_commit(j, &err) != OK);
    }
    if (!bad) bad = journal_commit(j, &err) != OK;
    if (bad) fprintf(stderr, "# %s\n", err.message);
    journal_close(j);
    _exit(bad);
  }
  for (int p = 0; p < PROCESSES; p++) {
    int status = -1;
    waitpid(pid[p], &status, 0);
    assert_int_equal(status, 0);
  }
  struct journal *j = opened(*state, JOURNAL_READ);
  verified(j, 1 + PROCESSES * EVENTS);
  journal_close(j);
}

static void events_are_refused(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  static const char nul[] = "{}\0{}";
  assert_int_equal(append_fails(j, "r1", "run.begun", "{}"), ERR_VALUE);
  assert_int_equal(append_fails(j, "r1", "noted", "[]"), ERR_VALUE);
  assert_int_equal(append_fails(j, "r1", "noted", "{\"a\":}"), ERR_VALUE);
  assert_int_equal(append_fails(j, "", "run.started", "{}"), ERR_VALUE);
  assert_int_equal(append_fails(j, "r1", "run.succeeded", "{}"), ERR_NOT_FOUND);
  assert_false(journal_pending(j)); /* and no lock is held for nothing */
  struct error err = {0};
  struct event e = {.kind = "noted", .data = nul, .data_len = sizeof nul - 1};
  assert_int_equal(journal_append(j, &e, &err), ERR_VALUE);
  char long_run[EVENT_NAME_MAX + 2];
  memset(long_run, 'r', sizeof long_run - 1);
  long_run[sizeof long_run - 1] = '\0';
  assert_int_equal(append_fails(j, long_run, "noted", "{}"), ERR_VALUE);
  append(j, "r1", "run.started", "{}");
  assert_int_equal(append_fails(j, "r1", "run.started", "{}"), ERR_CONFLICT);
  assert_true(journal_pending(j)); /* what came before the refused one stays */
  commit(j);
  verified(j, 2);
  journal_close(j);
  error_release(&err);
  struct journal *reader = opened(*state, JOURNAL_READ);
  assert_int_equal(append_fails(reader, "r1", "noted", "{}"), ERR_JOURNAL);
  journal_close(reader);
}

static void a_scan_takes_what_the_filter_says(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  append(j, "r1", "run.started", "{}");
  append(j, "r2", "run.started", "{}");
  append(j, "r1", "noted", "{}");
  append(j, "r1", "run.succeeded", "{}");
  append(j, "r2", "noted", "{}");
  commit(j);
  struct event_filter f = {.run = "r1"};
  assert_string_equal(scanned(j, f), "2:r1:run.started:{} 4:r1:noted:{} 5:r1:run.succeeded:{} ");
  f.last = 2;
  assert_string_equal(scanned(j, f), "4:r1:noted:{} 5:r1:run.succeeded:{} ");
  f = (struct event_filter){.kind = "run.", .after = 2};
  assert_string_equal(scanned(j, f), "3:r2:run.started:{} 5:r1:run.succeeded:{} ");
  f = (struct event_filter){.kind = "noted", .run = "r2"};
  assert_string_equal(scanned(j, f), "6:r2:noted:{} ");
  f = (struct event_filter){.run = ""};
  assert_string_equal(scanned(j, f), "");
  journal_close(j);
}

static enum status stop(void *ud, const struct event *e) {
  (void)e;
  return ++*(int *)ud == 2 ? ERR_STOP : OK;
}

static void a_scan_stops_when_told(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  int count = 0;
  for (int i = 0; i < 5; i++)
    append(j, NULL, "noted", NULL);
  assert_int_equal(journal_scan(j, &(struct event_filter){0}, stop, &count, &err), ERR_STOP);
  assert_int_equal(count, 2);
  commit(j);
  journal_close(j);
}

static enum status list_run(void *ud, const struct run_row *r) {
  buf_addf(ud, "%s:%s:%s:%d-%d ", r->run, r->runbook, r->state, (int)r->first_seq,
           (int)r->last_seq);
  return OK;
}

static void the_run_table_follows_the_events(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  struct buf b = BUF_INIT;
  append(j, "20260101-aa", "run.started", "{\"runbook\":\"import\"}");
  append(j, "20260101-ab", "run.started", "{\"runbook\":7}");
  append(j, "20260101-aa", "noted", NULL);
  append(j, "20260101-aa", "run.rolling_back", NULL);
  commit(j);
  assert_int_equal(journal_runs(j, NULL, list_run, &b, &err), OK);
  assert_string_equal(buf_str(&b), "20260101-aa:import:rolling_back:2-5 20260101-ab::running:3-3 ");
  buf_clear(&b);
  struct run_filter f = {.state = "running", .last = 1};
  assert_int_equal(journal_runs(j, &f, list_run, &b, &err), OK);
  assert_string_equal(buf_str(&b), "20260101-ab::running:3-3 ");
  verified(j, 5);
  journal_close(j);
  buf_release(&b);
}

static void runs_are_found_by_prefix(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  char id[RUN_ID_MAX] = "";
  assert_int_equal(journal_find_run(j, "last", id, &err), ERR_NOT_FOUND);
  append(j, "abc", "run.started", NULL);
  append(j, "abcd", "run.started", NULL);
  append(j, "b\xc3\xa9", "run.started", NULL);
  commit(j);
  assert_int_equal(journal_find_run(j, "abc", id, &err), OK); /* exact, though abcd begins so */
  assert_string_equal(id, "abc");
  assert_int_equal(journal_find_run(j, "abcd", id, &err), OK);
  assert_int_equal(journal_find_run(j, "b", id, &err), OK);
  assert_string_equal(id, "b\xc3\xa9");
  assert_int_equal(journal_find_run(j, "last", id, &err), OK);
  assert_string_equal(id, "b\xc3\xa9");
  assert_int_equal(journal_find_run(j, "ab", id, &err), ERR_VALUE);
  assert_non_null(strstr(err.message, "abc, abcd"));
  assert_int_equal(journal_find_run(j, "x", id, &err), ERR_NOT_FOUND);
  assert_int_equal(journal_find_run(j, "%", id, &err), ERR_NOT_FOUND);
  assert_int_equal(journal_find_run(j, "", id, &err), ERR_NOT_FOUND);
  error_release(&err);
  journal_close(j);
}

static void texts_are_kept_by_digest(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  struct buf b = BUF_INIT;
  char hex[65], again[65];
  static const char text[] = "step \"x\" do\nend\0more";
  assert_int_equal(journal_put_text(j, text, sizeof text, hex, &err), OK);
  assert_true(journal_pending(j));
  commit(j);
  assert_int_equal(journal_put_text(j, text, sizeof text, again, &err), OK);
  assert_false(journal_pending(j)); /* it is there: nothing to write */
  assert_string_equal(hex, again);
  assert_int_equal(journal_get_text(j, hex, &b, &err), OK);
  assert_int_equal(b.len, sizeof text);
  assert_memory_equal(b.data, text, sizeof text);
  hex[0] = hex[0] == '0' ? '1' : '0';
  assert_int_equal(journal_get_text(j, hex, &b, &err), ERR_NOT_FOUND);
  assert_int_equal(journal_put_text(j, "", 0, hex, &err), OK);
  commit(j);
  assert_int_equal(journal_get_text(j, hex, &b, &err), OK);
  verified(j, 1);
  journal_close(j);
  buf_release(&b);
  error_release(&err);
}

static void changes_are_noticed(void **state) {
  struct journal *a = opened(*state, JOURNAL_WRITE), *b = opened(*state, JOURNAL_READ);
  assert_true(journal_changed(b));
  assert_false(journal_changed(b));
  append(a, NULL, "noted", NULL);
  assert_false(journal_changed(b));
  commit(a);
  assert_true(journal_changed(b));
  assert_false(journal_changed(b));
  journal_close(a);
  journal_close(b);
}

static void an_older_journal_is_upgraded(void **state) {
  static const char *const next[] = {NULL, NULL, "ALTER TABLE run ADD COLUMN title TEXT"};
  static const char *const broken[] = {NULL, NULL, NULL,
                                       "CREATE TABLE more(x); CREATE TABLE more(x)"};
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  int64_t version = 0;
  assert_int_equal(schema_upgrade(j, &(struct schema){next, 3}, &err), OK);
  assert_int_equal(journal_integer(j, "PRAGMA user_version", &version, &err), OK);
  assert_int_equal(version, 3);
  assert_non_null(strstr(scanned(j, (struct event_filter){.after = 1}),
                         "2::journal.migrated:{\"from\":2,\"to\":3"));
  assert_int_equal(schema_upgrade(j, &(struct schema){next, 3}, &err), OK); /* nothing to do */
  assert_int_equal(schema_upgrade(j, &(struct schema){broken, 4}, &err), ERR_JOURNAL);
  assert_int_equal(journal_integer(j, "PRAGMA user_version", &version, &err), OK);
  assert_int_equal(version, 3); /* all of an upgrade or nothing of it */
  assert_int_equal(
      journal_integer(j, "SELECT count(*) FROM sqlite_schema WHERE name = 'more'", &version, &err),
      OK);
  assert_int_equal(version, 0);
  assert_int_equal(append_fails(j, NULL, "noted", "{}"), ERR_JOURNAL); /* newer than this code */
  error_release(&err);
  journal_close(j);
}

static void an_empty_file_becomes_a_journal(void **state) {
  struct room *r = *state;
  close(open(r->path, O_CREAT | O_WRONLY, 0600));
  struct journal *j = opened(r, JOURNAL_WRITE);
  struct error err = {0};
  append(j, NULL, "noted", NULL);
  commit(j);
  verified(j, 2);
  journal_close(j);
  j = opened(r, JOURNAL_WRITE);
  int64_t wal = 0;
  assert_int_equal(
      journal_integer(j, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, &err), OK);
  assert_int_equal(wal, 1);
  verified(j, 2);
  journal_close(j);
}

static void a_deleted_journal_is_not_written_to(void **state) {
  struct room *r = *state;
  struct journal *j = opened(r, JOURNAL_WRITE);
  append(j, NULL, "noted", NULL);
  commit(j);
  unlink(r->path);
  struct error err = {0};
  struct event e = {.kind = "noted"};
  assert_int_equal(journal_append(j, &e, &err), ERR_JOURNAL);
  assert_non_null(strstr(err.message, "moved or deleted"));
  error_release(&err);
  journal_close(j);
}

/* SQLite stops at the file's limit; the transaction is gone whole, the journal goes on after. */
static void a_full_disk_records_nothing(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct error err = {0};
  char data[4000] = "{\"x\":\"";
  memset(data + 6, 'x', sizeof data - 9);
  memcpy(data + sizeof data - 3, "\"}", 3);
  append(j, "r1", "run.started", NULL);
  commit(j);
  assert_int_equal(journal_exec(j, "PRAGMA max_page_count = 40", &err), OK);
  enum status status = OK;
  for (int i = 0; i < 100 && status == OK; i++) {
    struct event e = {.kind = "noted", .data = data, .data_len = strlen(data)};
    status = journal_append(j, &e, &err);
  }
  assert_int_equal(status, ERR_JOURNAL);
  assert_non_null(strstr(err.message, "disk is full"));
  assert_non_null(strstr(err.help, "make room"));
  assert_false(journal_pending(j));
  verified(j, 2);
  assert_int_equal(journal_exec(j, "PRAGMA max_page_count = 100000", &err), OK);
  append(j, "r1", "run.succeeded", NULL);
  commit(j);
  verified(j, 3);
  error_release(&err);
  journal_close(j);
}

static void one_run_is_read_by_its_index(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  struct sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(j->db,
                              "EXPLAIN QUERY PLAN SELECT * FROM event WHERE seq > ? AND run <> ''"
                              " AND run = ? ORDER BY seq",
                              -1, &s, NULL);
  assert_int_equal(rc, SQLITE_OK);
  assert_int_equal(sqlite3_step(s), SQLITE_ROW);
  assert_non_null(strstr((const char *)sqlite3_column_text(s, 3), "USING INDEX event_run"));
  assert_int_equal(sqlite3_step(s), SQLITE_DONE); /* no sort after it */
  sqlite3_finalize(s);
  journal_close(j);
}

static void states_have_names(void **state) {
  (void)state;
  for (int s = RUN_RUNNING; s < RUN_STATES; s++)
    assert_int_equal(run_state_find(run_state_name((enum run_state)s)), s);
  assert_int_equal(run_state_find("nowhere"), RUN_NONE);
  for (int k = 0; k < EVENT_KINDS; k++)
    assert_ptr_equal(event_kind_find(event_kinds[k].name), &event_kinds[k]); /* no name twice */
}

static enum status run_id(void *ud, const struct run_row *r) {
  buf_addf(ud, "%s\n", r->run);
  return OK;
}

static char *run_ids(struct journal *j, struct run_filter f) {
  static char out[256];
  struct error err = {0};
  struct buf b = BUF_INIT;
  assert_int_equal(journal_runs(j, &f, run_id, &b, &err), OK);
  snprintf(out, sizeof out, "%s", buf_str(&b));
  buf_release(&b);
  return out;
}

/* A run holds its lock in every state that is no end. */
static void a_lock_is_held_until_the_end(void **state) {
  struct journal *j = opened(*state, JOURNAL_WRITE);
  append(j, "r1", "run.started", "{\"runbook\":\"x\",\"lock\":\"pool/eu\"}");
  append(j, "r2", "run.started", "{\"runbook\":\"x\"}");
  for (int k = 0; k < EVENT_KINDS; k++) {
    if (event_kinds[k].state == RUN_NONE || k == EVENT_RUN_STARTED) continue;
    append(j, "r1", event_kinds[k].name, NULL);
    const char *held = event_kinds[k].state < RUN_SUCCEEDED ? "r1\n" : "";
    assert_string_equal(
        run_ids(j, (struct run_filter){.run = "r1", .lock = "pool/eu", .open = true}), held);
    assert_string_equal(run_ids(j, (struct run_filter){.lock = "pool/eu", .open = true}), held);
  }
  assert_string_equal(run_ids(j, (struct run_filter){.lock = "pool/eu"}), "r1\n");
  assert_string_equal(run_ids(j, (struct run_filter){.open = true}), "r2\n");
  assert_string_equal(run_ids(j, (struct run_filter){.lock = "pool", .open = true}), "");
  journal_close(j);
}

/* For the script tests, which need a journal: `journal.t write PATH RUNS FIRST [now]`. Each run has
 * a text, a module of its own, steps and an end of another kind, in one commit. */

static const int64_t from = 4102444800000000; /* 2100-01-01: the same output every time */
static bool now;                              /* with a fourth argument: the times they are */

static enum status keep_seq(void *ud, const struct event *e) {
  ((struct event *)ud)->seq = e->seq;
  return OK;
}

static enum status write_event(struct journal *j, const char *run, const char *kind,
                               const char *data, struct error *err) {
  struct event last = {0}, e = {.run = run, .kind = kind, .data = data, .data_len = strlen(data)};
  struct event_filter f = {.last = 1};
  enum status status = journal_scan(j, &f, keep_seq, &last, err);
  e.time_us = now ? 0 : from + last.seq * 1500000;
  e.actor = "ana@ops";
  e.step = strncmp(kind, "run.", 4) == 0 ? "" : "one";
  return status == OK ? journal_append(j, &e, err) : status;
}

static enum status write_run(struct journal *j, int i, struct error *err) {
  static const char *const ends[] = {"run.succeeded", "run.failed", "run.held", "run.rolled_back"};
  char runbook[65], module[65], run[32], text[32], data[256];
  snprintf(run, sizeof run, "20261102-%04d", i);
  snprintf(text, sizeof text, "module %d\n", i);
  enum status status = journal_put_text(j, "runbook \"x\" do\nend\n", 20, runbook, err);
  if (status == OK) status = journal_put_text(j, text, strlen(text), module, err);
  if (status != OK) return status;
  snprintf(data, sizeof data,
           "{\"runbook\":\"caf\xc3\xa9\",\"sha256\":\"%s\",\"modules\":{\"m\":\"%s\"}}", runbook,
           module);
  status = write_event(j, run, "run.started", data, err);
  if (status == OK)
    status =
        write_event(j, run, "step.started", "{\"label\":\"One \\\"quoted\\\" \\u001b[31m\"}", err);
  if (status == OK)
    status = write_event(j, run, "shown", "{\"as\":\"rows\",\"value\":[1,{\"a\":null}]}", err);
  if (status == OK) status = write_event(j, run, ends[i % 4], "{\"reason\":\"done\"}", err);
  return status == OK ? journal_commit(j, err) : status;
}

static int write_journal(const char *path, int runs, int first) {
  struct error err = {0};
  struct journal *j = NULL;
  enum status status = journal_open(&j, path, JOURNAL_WRITE, &err);
  for (int i = 0; i < runs && status == OK; i++)
    status = write_run(j, first + i, &err);
  if (status != OK) printf("%s\nhelp: %s\n", err.message, err.help ? err.help : "none");
  journal_close(j);
  error_release(&err);
  return status == OK ? 0 : 9;
}

/* `journal.t lock PATH TEXT`: the runs that hold it. */
static int print_holders(const char *path, const char *text) {
  struct error err = {0};
  struct journal *j = NULL;
  if (journal_open(&j, path, JOURNAL_READ, &err) != OK) return 9;
  char *ids = run_ids(j, (struct run_filter){.lock = text, .open = true});
  fputs(ids, stdout);
  journal_close(j);
  return 0;
}

#define test(f) cmocka_unit_test_setup_teardown(f, room_make, room_clear)

int main(int argc, char **argv) {
  now = argc == 6;
  if ((argc == 5 || now) && strcmp(argv[1], "write") == 0)
    return write_journal(argv[2], atoi(argv[3]), atoi(argv[4]));
  if (argc == 4 && strcmp(argv[1], "lock") == 0) return print_holders(argv[2], argv[3]);
  const struct CMUnitTest tests[] = {
      test(a_new_journal_begins_with_its_origin),
      test(appends_are_one_commit),
      test(two_writers_take_turns),
      test(a_lock_is_held_until_the_end),
      test(many_processes_share_one_file),
      test(events_are_refused),
      test(a_scan_takes_what_the_filter_says),
      test(a_scan_stops_when_told),
      test(the_run_table_follows_the_events),
      test(runs_are_found_by_prefix),
      test(texts_are_kept_by_digest),
      test(changes_are_noticed),
      test(an_older_journal_is_upgraded),
      test(an_empty_file_becomes_a_journal),
      test(a_deleted_journal_is_not_written_to),
      test(a_full_disk_records_nothing),
      test(one_run_is_read_by_its_index),
      cmocka_unit_test(states_have_names),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
