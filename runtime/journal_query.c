/* Reading the journal: events, runs, and whether anything is new. Everything streams. */
#include "journal_inner.h"

#include <sqlite3.h>

/* Statements put together from a filter's parts: its text, then its values in the same order. */
struct query {
  struct buf sql;
  struct {
    const char *text; /* NULL: number */
    int64_t number;
  } value[12];
  int count;
};

static void query_number(struct query *q, const char *sql, int64_t n) {
  buf_adds(&q->sql, sql);
  q->value[q->count++].number = n;
}

static void query_text(struct query *q, const char *sql, const char *text) {
  buf_adds(&q->sql, sql);
  q->value[q->count++].text = text;
}

static enum status query_prepare(struct journal *j, struct query *q, struct sqlite3_stmt **out,
                                 struct error *err) {
  int rc = sqlite3_prepare_v2(j->db, buf_str(&q->sql), -1, out, NULL);
  for (int i = 0; i < q->count && rc == SQLITE_OK; i++) {
    if (q->value[i].text)
      rc = sqlite3_bind_text(*out, i + 1, q->value[i].text, -1, SQLITE_TRANSIENT);
    else rc = sqlite3_bind_int64(*out, i + 1, q->value[i].number);
  }
  buf_release(&q->sql);
  return rc == SQLITE_OK ? OK : journal_fail(j, rc, err);
}

static const char *text_at(struct sqlite3_stmt *s, int column) {
  const char *text = (const char *)sqlite3_column_text(s, column);
  return text ? text : "";
}

/* Events. */

#define EVENT_COLUMNS "seq, time_us, run, step, kind, actor, data, prev, hash"

/* '.' is followed by '/', so a prefix that ends in a dot is a range of kinds. */
static const char *after_prefix(const char *prefix, struct buf *upper) {
  buf_adds(upper, prefix);
  upper->data[upper->len - 1] = '/';
  return buf_str(upper);
}

static void scan_query(struct query *q, const struct event_filter *f, struct buf *upper) {
  size_t len = f->kind ? strlen(f->kind) : 0;
  if (f->last > 0) buf_adds(&q->sql, "SELECT * FROM (");
  query_number(q, "SELECT " EVENT_COLUMNS " FROM event WHERE seq > ?", f->after);
  if (f->run) query_text(q, " AND run <> '' AND run = ?", f->run);
  if (len && f->kind[len - 1] == '.') {
    query_text(q, " AND kind >= ?", f->kind);
    query_text(q, " AND kind < ?", after_prefix(f->kind, upper));
  } else if (f->kind) {
    query_text(q, " AND kind = ?", f->kind);
  }
  if (f->last > 0)
    query_number(q, " ORDER BY seq DESC LIMIT ?", f->last), buf_adds(&q->sql, ") ORDER BY seq");
  else buf_adds(&q->sql, " ORDER BY seq");
}

static const uint8_t *hash_at(struct sqlite3_stmt *s, int column) {
  return sqlite3_column_bytes(s, column) == SHA256_SIZE ? sqlite3_column_blob(s, column)
                                                        : chain_genesis;
}

static void read_event(struct sqlite3_stmt *s, struct event *e) {
  e->seq = sqlite3_column_int64(s, 0);
  e->time_us = sqlite3_column_int64(s, 1);
  e->run = text_at(s, 2);
  e->step = text_at(s, 3);
  e->kind = text_at(s, 4);
  e->actor = text_at(s, 5);
  e->data = text_at(s, 6);
  e->data_len = (size_t)sqlite3_column_bytes(s, 6);
  e->prev = hash_at(s, 7);
  e->hash = hash_at(s, 8);
}

enum status journal_scan(struct journal *j, const struct event_filter *f,
                         enum status (*fn)(void *ud, const struct event *e), void *ud,
                         struct error *err) {
  struct query q = {0};
  struct buf upper = BUF_INIT;
  struct sqlite3_stmt *s = NULL;
  scan_query(&q, f, &upper);
  enum status status = query_prepare(j, &q, &s, err);
  buf_release(&upper);
  int rc = SQLITE_ROW;
  while (status == OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    struct event e;
    read_event(s, &e);
    status = fn(ud, &e);
  }
  if (status == OK && rc != SQLITE_DONE) status = journal_fail(j, rc, err);
  sqlite3_finalize(s);
  return status;
}

bool journal_changed(struct journal *j) {
  struct error err = {0};
  bool row = false;
  struct sqlite3_stmt *s = journal_statement(j, ST_DATA_VERSION, &err);
  int64_t version = j->data_version;
  if (s && journal_step(j, s, &row, &err) == OK) {
    if (row) version = sqlite3_column_int64(s, 0);
    sqlite3_reset(s);
  } else {
    version = -1; /* the reader that now looks meets the error itself */
  }
  error_release(&err);
  bool changed = version != j->data_version || version == -1;
  j->data_version = version;
  return changed;
}

/* Runs. */

bool run_is_drill(const char *run) {
  size_t len = strlen(run), n = strlen(RUN_DRILL);
  return len > n && strcmp(run + len - n, RUN_DRILL) == 0;
}

static void runs_where(struct query *q, const struct run_filter *f, int version) {
  /* Version 1 has no such column: what the event says. */
  const char *lock =
      version > 1 ? "lock"
                  : "coalesce((SELECT " LOCK_OF("data") " FROM event WHERE seq = first_seq), '')";
  buf_addf(&q->sql,
           "SELECT run, runbook, state, actor, started_us, changed_us, first_seq, last_seq,"
           " %s AS holds FROM run WHERE 1",
           lock);
  if (f->open) buf_adds(&q->sql, " AND " RUN_OPEN);
  if (f->lock) query_text(q, " AND holds = ?", f->lock);
  if (f->run) query_text(q, " AND run = ?", f->run);
  if (f->state) query_text(q, " AND state = ?", f->state);
  if (f->runbook) query_text(q, " AND runbook = ?", f->runbook);
  if (f->actor) query_text(q, " AND (actor = ?", f->actor);
  if (f->actor) query_text(q, " OR instr(actor, ? || '@') = 1)", f->actor);
  if (f->mine) query_text(q, " AND (actor = ?", f->mine);
  if (f->mine)
    query_text(q, " OR EXISTS (SELECT 1 FROM event e WHERE e.run <> '' AND e.run = run.run AND e.kind = "
                  "'run.taken_over' AND e.actor = ?))", f->mine);
  if (f->drills) query_number(q, " AND (substr(run, -6) = '" RUN_DRILL "') = ?", f->drills == DRILLS_ONLY);
  if (f->since_us) query_number(q, " AND started_us >= ?", f->since_us);
  if (f->until_us) query_number(q, " AND started_us < ?", f->until_us);
}

static void runs_query(struct query *q, const struct run_filter *f, int version) {
  bool turn = f->last > 0 && !f->newest_first;
  if (turn) buf_adds(&q->sql, "SELECT * FROM (");
  runs_where(q, f, version);
  if (f->last > 0) query_number(q, " ORDER BY first_seq DESC LIMIT ?", f->last);
  if (turn) buf_addc(&q->sql, ')');
  if (f->newest_first && f->last <= 0) buf_adds(&q->sql, " ORDER BY first_seq DESC");
  if (!f->newest_first) buf_adds(&q->sql, " ORDER BY first_seq");
}

enum status journal_runs(struct journal *j, const struct run_filter *f,
                         enum status (*fn)(void *ud, const struct run_row *r), void *ud,
                         struct error *err) {
  static const struct run_filter all = {0};
  struct query q = {0};
  struct sqlite3_stmt *s = NULL;
  runs_query(&q, f ? f : &all, j->version);
  enum status status = query_prepare(j, &q, &s, err);
  int rc = SQLITE_ROW;
  while (status == OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    struct run_row r = {.run = text_at(s, 0),
                        .runbook = text_at(s, 1),
                        .state = text_at(s, 2),
                        .actor = text_at(s, 3),
                        .lock = text_at(s, 8),
                        .started_us = sqlite3_column_int64(s, 4),
                        .changed_us = sqlite3_column_int64(s, 5),
                        .first_seq = sqlite3_column_int64(s, 6),
                        .last_seq = sqlite3_column_int64(s, 7)};
    status = fn(ud, &r);
  }
  if (status == OK && rc != SQLITE_DONE) status = journal_fail(j, rc, err);
  sqlite3_finalize(s);
  return status;
}

enum status journal_count_runs(struct journal *j, const struct run_filter *f, int64_t *out,
                               struct error *err) {
  struct query q = {0};
  struct sqlite3_stmt *s = NULL;
  buf_adds(&q.sql, "SELECT count(*) FROM (");
  runs_where(&q, f, j->version);
  buf_addc(&q.sql, ')');
  enum status status = query_prepare(j, &q, &s, err);
  int rc = status == OK ? sqlite3_step(s) : SQLITE_ROW;
  if (rc == SQLITE_ROW && status == OK) *out = sqlite3_column_int64(s, 0);
  else if (status == OK) status = journal_fail(j, rc, err);
  sqlite3_finalize(s);
  return status;
}

static enum status no_run(struct journal *j, const char *text, struct error *err) {
  if (strcmp(text, "last") == 0) error_set(err, ERR_NOT_FOUND, "no run in %s yet", j->path);
  else error_set(err, ERR_NOT_FOUND, "no run %s in %s", text, j->path);
  struct buf path = BUF_INIT;
  buf_add_word(&path, j->path);
  error_help(err, "`stepwise runs --journal %s` lists the runs there are", buf_str(&path));
  buf_release(&path);
  return ERR_NOT_FOUND;
}

static enum status several_runs(struct journal *j, const char *text, const char *first,
                                const char *second, struct error *err) {
  error_set(err, ERR_VALUE, "several runs in %s begin with %s: %s, %s ...", j->path, text, first,
            second);
  error_help(err, "give more of the id");
  return ERR_VALUE;
}

/* The first run of the statement; a second one, unless the first is `text` itself, is a conflict.
 */
static enum status only_run(struct journal *j, struct sqlite3_stmt *s, const char *text,
                            char out[RUN_ID_MAX], struct error *err) {
  char first[RUN_ID_MAX];
  bool row = false, second = false;
  enum status status = journal_step(j, s, &row, err);
  if (status != OK) return status;
  if (!row) return no_run(j, text, err);
  snprintf(first, sizeof first, "%s", text_at(s, 0));
  if (strcmp(text, "last") != 0 && strcmp(first, text) != 0)
    status = journal_step(j, s, &second, err);
  if (status != OK) return status;
  if (second) return several_runs(j, text, first, text_at(s, 0), err);
  memcpy(out, first, sizeof first);
  return OK;
}

enum status journal_find_run(struct journal *j, const char *text, char out[RUN_ID_MAX],
                             struct error *err) {
  bool last = strcmp(text, "last") == 0;
  if (!*text || strlen(text) >= RUN_ID_MAX) return no_run(j, text, err);
  struct sqlite3_stmt *s = journal_statement(j, last ? ST_RUN_LAST : ST_RUN_PREFIX, err);
  if (!s) return ERR_JOURNAL;
  struct buf upper = BUF_INIT;
  if (!last) {
    buf_adds(&upper, text);
    buf_adds(&upper, "\xf4\x8f\xbf\xbf"); /* the last code point: after all that begin with text */
    sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, buf_str(&upper), -1, SQLITE_STATIC);
  }
  enum status status = only_run(j, s, text, out, err);
  sqlite3_reset(s);
  buf_release(&upper);
  return status;
}
