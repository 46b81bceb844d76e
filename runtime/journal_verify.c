/* `journal verify`: is the journal what was written?
 *
 * One pass over the events, in order, with one row in memory: chain, run table and texts are
 * checked as they come. Only when an event is bad are its neighbours looked at, to say what was
 * done to it. */
#include "journal_judge.h"

#include <sqlite3.h>

enum { PROBLEM_MAX = 16 << 10, PIECE_BYTES = 64 << 10, RENUMBER_MAX = 64 };

#define COLUMNS "seq, time_us, prev, hash, run, step, kind, actor, data"

struct row {
  struct link_fields f;
  const uint8_t *hash; /* 32 bytes, or NULL when the column is of another length */
};

struct verifier {
  struct journal *j;
  struct journal_report *r;
  struct sqlite3_stmt *run_row, *missing_text, *own_checkpoint;
  int version;                 /* of the schema */
  int64_t expect;              /* number of the next event */
  uint8_t prev[SHA256_SIZE];   /* what it must follow */
  uint8_t before[SHA256_SIZE]; /* what the event before it followed */
  int64_t last_time, backwards;
  bool merging; /* the last event says that those that follow were kept elsewhere first */
  uint64_t runs_matched;
  struct judge judge;
};

static void problem(struct verifier *v, const char *fmt, ...) like_printf(2, 3);
static void problem(struct verifier *v, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  if (v->r->problem.len < PROBLEM_MAX) {
    buf_vaddf(&v->r->problem, fmt, ap);
    buf_addc(&v->r->problem, '\n');
    if (v->r->problem.len >= PROBLEM_MAX) buf_adds(&v->r->problem, "(and more)\n");
  }
  va_end(ap);
}

static void bad_event(struct verifier *v, int64_t seq, const char *how) {
  v->r->bad_seq = seq;
  v->r->bad_how = how;
}

static struct sqlite3_stmt *prepare(struct journal *j, const char *sql, struct error *err) {
  struct sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(j->db, sql, -1, &s, NULL);
  if (rc != SQLITE_OK) journal_fail(j, rc, err);
  return s;
}

/* Values are taken out of their columns once each: half of the calls that column_text and
 * column_bytes need. The connection is this thread's alone, so they need no protection. */
static const uint8_t *digest_at(struct sqlite3_stmt *s, int column) {
  sqlite3_value *v = sqlite3_column_value(s, column);
  const uint8_t *p = sqlite3_value_blob(v);
  return sqlite3_value_bytes(v) == SHA256_SIZE ? p : NULL;
}

/* False when prev or hash are not 32 bytes: such a row cannot be hashed. */
static bool read_row(struct sqlite3_stmt *s, struct row *row) {
  row->f.seq = sqlite3_column_int64(s, 0);
  row->f.time_us = sqlite3_column_int64(s, 1);
  row->f.prev = digest_at(s, 2);
  row->hash = digest_at(s, 3);
  for (int i = 0; i < PIECES; i++) {
    sqlite3_value *v = sqlite3_column_value(s, 4 + i);
    row->f.piece[i].p = sqlite3_value_text(v);
    row->f.piece[i].len = (uint32_t)sqlite3_value_bytes(v);
  }
  return row->f.prev && row->hash;
}

/* Whether the row's hash is right if it stood at this number after this hash. */
static bool fits(const struct row *row, int64_t seq, const uint8_t *prev) {
  uint8_t hash[SHA256_SIZE];
  struct link_fields f = row->f;
  if (!prev || !row->hash) return false;
  f.seq = seq;
  f.prev = prev;
  chain_hash(&f, hash);
  return memcmp(hash, row->hash, SHA256_SIZE) == 0;
}

/* What was done to the first bad event. Each question is asked of the file anew: this runs once. */

/* The event that belongs at v->expect, wherever it stands now; 0 when it is nowhere. */
static int64_t find_true(struct verifier *v, struct error *err) {
  int64_t at = 0;
  struct row row;
  struct sqlite3_stmt *s = prepare(v->j, "SELECT " COLUMNS " FROM event WHERE prev = ?1", err);
  if (!s) return 0;
  sqlite3_bind_blob(s, 1, v->prev, SHA256_SIZE, SQLITE_STATIC);
  while (!at && sqlite3_step(s) == SQLITE_ROW)
    if (read_row(s, &row) && fits(&row, v->expect, v->prev)) at = row.f.seq;
  sqlite3_finalize(s);
  return at;
}

/* Another event that says the same, its number aside; 0 when there is none. */
static int64_t find_copy(struct verifier *v, const struct row *row, struct error *err) {
  int64_t at = 0;
  struct sqlite3_stmt *s =
      prepare(v->j,
              "SELECT o.seq FROM event r JOIN event o ON o.hash = r.hash AND o.seq <> r.seq"
              " WHERE r.seq = ?1 AND (o.prev, o.time_us, o.run, o.step, o.kind, o.actor, o.data)"
              " = (r.prev, r.time_us, r.run, r.step, r.kind, r.actor, r.data) LIMIT 1",
              err);
  if (!s) return 0;
  sqlite3_bind_int64(s, 1, row->f.seq);
  if (sqlite3_step(s) == SQLITE_ROW) at = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  return at;
}

/* Whether the event after row, if there is one, follows it. */
static bool is_followed(struct verifier *v, const struct row *row, struct error *err) {
  struct row next;
  struct sqlite3_stmt *s = prepare(v->j, "SELECT " COLUMNS " FROM event WHERE seq = ?1", err);
  if (!s) return false;
  sqlite3_bind_int64(s, 1, row->f.seq + 1);
  bool follows = sqlite3_step(s) != SQLITE_ROW ||
                 (read_row(s, &next) && memcmp(next.f.prev, row->hash, SHA256_SIZE) == 0);
  sqlite3_finalize(s);
  return follows;
}

static void tell_missing(struct verifier *v, const struct row *row, int64_t stands_at) {
  long long first = v->expect, last = row->f.seq - 1;
  bad_event(v, v->expect, "deleted");
  if (stands_at)
    problem(v, "event %lld is missing: it stands at number %lld", first, (long long)stands_at);
  else if (first == last) problem(v, "event %lld is missing: it was deleted", first);
  else problem(v, "events %lld to %lld are missing: they were deleted", first, last);
}

/* The true event stands elsewhere: what is here instead? */
static void tell_displaced(struct verifier *v, const struct row *row, int64_t true_at,
                           int64_t copy_of) {
  long long here = v->expect, there = true_at;
  if (fits(row, true_at, row->f.prev)) {
    bad_event(v, v->expect, "swapped");
    problem(v, "events %lld and %lld were swapped", here, there);
  } else if (copy_of) {
    bad_event(v, v->expect, "duplicated");
    problem(v, "event %lld was inserted: it is a copy of event %lld", here, (long long)copy_of);
  } else {
    bad_event(v, v->expect, "inserted");
    problem(v, "event %lld was inserted: the event that belongs there stands at number %lld", here,
            there);
  }
}

/* The row was right under another number: events before it came or went, and the rest was
 * renumbered. Says so and returns true. */
static bool tell_renumbered(struct verifier *v, const struct row *row) {
  long long here = v->expect;
  if (here > 1 && fits(row, here - 1, row->f.prev) &&
      memcmp(row->f.prev, v->before, SHA256_SIZE) == 0) {
    bad_event(v, here - 1, "inserted");
    problem(v, "event %lld was inserted: the event after it was number %lld", here - 1, here - 1);
    return true;
  }
  for (int gone = 1; gone <= RENUMBER_MAX; gone++) {
    if (!fits(row, here + gone, row->f.prev)) continue;
    bad_event(v, here, "deleted");
    problem(v, "event %lld is missing: %d deleted, and the events after renumbered", here, gone);
    return true;
  }
  return false;
}

static void tell_changed(struct verifier *v, const struct row *row, struct error *err) {
  long long here = v->expect;
  bool linked = memcmp(row->f.prev, v->prev, SHA256_SIZE) == 0;
  bool rewritten = !linked && here > 1 && fits(row, here, row->f.prev) && is_followed(v, row, err);
  bad_event(v, rewritten ? here - 1 : here, "changed");
  if (rewritten)
    problem(v, "event %lld was changed and its hash made anew: event %lld does not follow it",
            here - 1, here);
  else if (linked) problem(v, "event %lld was changed: its hash does not match what it says", here);
  else problem(v, "event %lld was changed: it does not follow event %lld", here, here - 1);
}

static enum status diagnose(struct verifier *v, const struct row *row, struct error *err) {
  if (row->f.seq < v->expect) {
    bad_event(v, row->f.seq, "inserted");
    problem(v, "event %lld was inserted: numbers begin at 1", (long long)row->f.seq);
    return OK;
  }
  int64_t true_at = find_true(v, err);
  if (row->f.seq > v->expect) {
    tell_missing(v, row, true_at);
    return err->status;
  }
  if (!row->f.prev || !row->hash) {
    bad_event(v, v->expect, "changed");
    problem(v, "event %lld was changed: its hashes are not 32 bytes long", (long long)v->expect);
    return err->status;
  }
  int64_t copy_of = find_copy(v, row, err);
  if (true_at) {
    tell_displaced(v, row, true_at, copy_of);
  } else if (copy_of) {
    bad_event(v, v->expect, "duplicated");
    problem(v, "event %lld was replaced: it is a copy of event %lld", (long long)v->expect,
            (long long)copy_of);
  } else if (!tell_renumbered(v, row)) {
    tell_changed(v, row, err);
  }
  return err->status;
}

/* The run table. For each event that sets a state, the run's row must be at that event or at a
 * later one; every row meets its last event once. So the comparison needs no memory of its own. */

#define RUN_ROW                                                                                    \
  "SELECT last_seq, changed_us, state, first_seq, started_us, actor, runbook IS " RUNBOOK_OF("?2")
static const char *const run_row[] = {
    [1] = RUN_ROW " FROM run WHERE run = ?1",
    [2] = RUN_ROW " AND lock IS " LOCK_OF("?2") " FROM run WHERE run = ?1",
};
_Static_assert(sizeof run_row / sizeof *run_row == JOURNAL_VERSION + 1, "one per version");

static bool text_is(struct sqlite3_stmt *s, int column, const void *p, size_t len) {
  return (size_t)sqlite3_column_bytes(s, column) == len &&
         (len == 0 || memcmp(sqlite3_column_text(s, column), p, len) == 0);
}

static void compare_start(struct verifier *v, const struct row *row, struct sqlite3_stmt *s) {
  const struct piece *actor = &row->f.piece[PIECE_ACTOR];
  const char *run = row->f.piece[PIECE_RUN].p;
  if (sqlite3_column_int64(s, 3) == row->f.seq && sqlite3_column_int64(s, 4) == row->f.time_us &&
      text_is(s, 5, actor->p, actor->len) && sqlite3_column_int(s, 6))
    return;
  problem(v, "run %s: the run table differs from event %lld, which started it", run,
          (long long)row->f.seq);
}

static void compare_state(struct verifier *v, const struct row *row, const char *state,
                          struct sqlite3_stmt *s) {
  int64_t last = sqlite3_column_int64(s, 0);
  const char *run = row->f.piece[PIECE_RUN].p;
  const char *cached = (const char *)sqlite3_column_text(s, 2);
  if (last == row->f.seq) v->runs_matched++;
  if (last > row->f.seq) return;
  if (last < row->f.seq)
    problem(v, "run %s: event %lld makes it %s; the run table stops at event %lld with %s", run,
            (long long)row->f.seq, state, (long long)last, cached);
  else if (!text_is(s, 2, state, strlen(state)) || sqlite3_column_int64(s, 1) != row->f.time_us)
    problem(v, "run %s: event %lld makes it %s; the run table says %s, or another time", run,
            (long long)row->f.seq, state, cached);
}

static enum status check_texts_of(struct verifier *v, const struct row *row, struct error *err) {
  struct sqlite3_stmt *s = v->missing_text;
  const struct piece *data = &row->f.piece[PIECE_DATA];
  int rc;
  sqlite3_bind_text(s, 1, data->p, (int)data->len, SQLITE_STATIC);
  while ((rc = sqlite3_step(s)) == SQLITE_ROW)
    problem(v, "event %lld: its text %s is missing", (long long)row->f.seq,
            (const char *)sqlite3_column_text(s, 0));
  sqlite3_reset(s);
  return rc == SQLITE_DONE ? OK : journal_fail(v->j, rc, err);
}

static enum status check_run_event(struct verifier *v, const struct row *row, struct error *err) {
  const struct event_kind_info *kind = event_kind_find(row->f.piece[PIECE_KIND].p);
  if (!kind || kind->state == RUN_NONE) return OK;
  bool starts = kind == &event_kinds[EVENT_RUN_STARTED];
  const struct piece *run = &row->f.piece[PIECE_RUN], *data = &row->f.piece[PIECE_DATA];
  struct sqlite3_stmt *s = v->run_row;
  sqlite3_bind_text(s, 1, run->p, (int)run->len, SQLITE_STATIC);
  sqlite3_bind_text(s, 2, starts ? data->p : "{}", starts ? (int)data->len : 2, SQLITE_STATIC);
  int rc = sqlite3_step(s);
  if (rc == SQLITE_ROW) {
    if (starts) compare_start(v, row, s);
    compare_state(v, row, run_state_name(kind->state), s);
  } else if (rc == SQLITE_DONE) {
    problem(v, "run %s: event %lld makes it %s; the run table does not have it",
            (const char *)run->p, (long long)row->f.seq, run_state_name(kind->state));
  }
  sqlite3_reset(s);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE) return journal_fail(v->j, rc, err);
  return starts ? check_texts_of(v, row, err) : OK;
}

/* A journal records its own checkpoints: a chain written anew with them as they were contradicts
 * itself. */
static enum status check_own_checkpoint(struct verifier *v, const struct row *row,
                                        struct error *err) {
  struct sqlite3_stmt *s = v->own_checkpoint;
  const struct piece *data = &row->f.piece[PIECE_DATA];
  sqlite3_bind_text(s, 1, data->p, (int)data->len, SQLITE_STATIC);
  int rc = sqlite3_step(s);
  if (rc == SQLITE_ROW)
    judge_own(&v->judge, row->f.seq, sqlite3_column_int64(s, 0), sqlite3_column_int(s, 1));
  sqlite3_reset(s);
  return rc == SQLITE_ROW ? OK : journal_fail(v->j, rc, err);
}

/* Rows of the run table that no event accounts for. */
static enum status find_extra_runs(struct verifier *v, struct error *err) {
  int64_t rows = 0;
  enum status status = journal_integer(v->j, "SELECT count(*) FROM run", &rows, err);
  if (status != OK) return status;
  v->r->runs = (uint64_t)rows;
  if (v->r->bad_seq || (uint64_t)rows == v->runs_matched) return OK;
  struct sqlite3_stmt *s = prepare(v->j,
                                   "SELECT r.run, r.last_seq, e.kind FROM run r LEFT JOIN event e"
                                   " ON e.seq = r.last_seq AND e.run = r.run ORDER BY r.first_seq",
                                   err);
  if (!s) return ERR_JOURNAL;
  int rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    const char *kind_name = (const char *)sqlite3_column_text(s, 2);
    const struct event_kind_info *kind = kind_name ? event_kind_find(kind_name) : NULL;
    if (!kind || kind->state == RUN_NONE)
      problem(v, "run %s: the run table names event %lld, which sets no state of this run",
              (const char *)sqlite3_column_text(s, 0), (long long)sqlite3_column_int64(s, 1));
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? OK : journal_fail(v->j, rc, err);
}

/* The chain. */

/* Whoever wants to look at approvals again need not look for them again. */
static void keep_answer(struct journal_report *r, const struct row *row) {
  static const enum event_kind kinds[] = {EVENT_APPROVAL_GIVEN, EVENT_APPROVAL_DENIED,
                                          EVENT_APPROVAL_USED};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(row->f.piece[PIECE_KIND].p, event_kinds[kinds[i]].name) != 0) continue;
    r->answers = mem_grow(r->answers, r->answer_count, &r->answer_cap, sizeof *r->answers);
    r->answers[r->answer_count++] = row->f.seq;
  }
}

static enum status check_meaning(struct verifier *v, const struct row *row, struct error *err) {
  const struct piece *kind = &row->f.piece[PIECE_KIND];
  if (kind->len > 4 && memcmp(kind->p, "run.", 4) == 0) return check_run_event(v, row, err);
  if (strcmp(kind->p, EVENT_NAME(JOURNAL_CHECKPOINTED)) == 0)
    return check_own_checkpoint(v, row, err);
  if (kind->len > 9 && memcmp(kind->p, "approval.", 9) == 0) keep_answer(v->r, row);
  return OK;
}

static bool is_marker(const struct piece *kind) {
  const char *name = EVENT_NAME(RUN_SPARE_MERGED);
  return kind->len == strlen(name) && memcmp(kind->p, name, kind->len) == 0;
}

/* The clock of a drill goes ahead of everybody's. A process takes the time of an event, and then may have to
 * wait for others that write theirs. */
static void time_look(struct verifier *v, const struct row *row) {
  const struct piece *run = &row->f.piece[PIECE_RUN];
  size_t n = strlen(RUN_DRILL);
  if (run->len > n && memcmp(run->p + run->len - n, RUN_DRILL, n) == 0) return;
  bool back = row->f.time_us < v->last_time && v->last_time - row->f.time_us > JOURNAL_PATIENCE_MS * INT64_C(1000);
  if (back && !v->backwards && !v->merging) v->backwards = row->f.seq;
  v->last_time = row->f.time_us;
}

static enum status check_events(struct verifier *v, struct error *err) {
  struct row row;
  uint8_t hash[SHA256_SIZE];
  enum status status = OK;
  struct sqlite3_stmt *s = prepare(v->j, "SELECT " COLUMNS " FROM event ORDER BY seq", err);
  if (!s) return ERR_JOURNAL;
  int rc = SQLITE_DONE;
  while (status == OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
    bool whole = read_row(s, &row);
    if (whole) chain_hash(&row.f, hash);
    if (!whole || row.f.seq != v->expect || memcmp(row.f.prev, v->prev, SHA256_SIZE) != 0 ||
        memcmp(row.hash, hash, SHA256_SIZE) != 0) {
      status = diagnose(v, &row, err);
      rc = SQLITE_DONE;
      break;
    }
    time_look(v, &row);
    v->merging = is_marker(&row.f.piece[PIECE_KIND]);
    status = check_meaning(v, &row, err);
    memcpy(v->before, v->prev, SHA256_SIZE);
    memcpy(v->prev, hash, SHA256_SIZE);
    if (v->judge.next == v->expect) judge_event(&v->judge, v->expect, hash);
    v->expect++;
  }
  sqlite3_finalize(s);
  if (status != OK || rc == SQLITE_DONE) return status;
  if ((rc & 0xff) != SQLITE_CORRUPT) return journal_fail(v->j, rc, err);
  bad_event(v, v->expect, "changed");
  problem(v, "event %lld cannot be read: the file is damaged", (long long)v->expect);
  return OK;
}

/* Texts, read in pieces: one may be larger than all the memory we want to use. */
static int hash_body(struct verifier *v, sqlite3_blob **blob, int64_t id, char hex[SHA256_HEX]) {
  struct sha256 h;
  uint8_t digest[SHA256_SIZE], *bytes = mem_alloc(PIECE_BYTES);
  int rc = *blob ? sqlite3_blob_reopen(*blob, id)
                 : sqlite3_blob_open(v->j->db, "main", "text", "body", id, 0, blob);
  int size = rc == SQLITE_OK ? sqlite3_blob_bytes(*blob) : 0;
  sha256_begin(&h);
  for (int at = 0; at < size && rc == SQLITE_OK; at += PIECE_BYTES) {
    int n = size - at < PIECE_BYTES ? size - at : PIECE_BYTES;
    rc = sqlite3_blob_read(*blob, bytes, n, at);
    if (rc == SQLITE_OK) sha256_add(&h, bytes, (size_t)n);
  }
  sha256_end(&h, digest);
  hex_write(digest, sizeof digest, hex);
  mem_free(bytes);
  return rc;
}

static enum status check_texts(struct verifier *v, struct error *err) {
  sqlite3_blob *blob = NULL;
  struct sqlite3_stmt *s = prepare(v->j, "SELECT id, sha256 FROM text ORDER BY id", err);
  if (!s) return ERR_JOURNAL;
  int rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    char hex[SHA256_HEX];
    const char *name = (const char *)sqlite3_column_text(s, 1);
    int failed = hash_body(v, &blob, sqlite3_column_int64(s, 0), hex);
    if (failed && (failed & 0xff) != SQLITE_CORRUPT) {
      rc = failed;
      break;
    }
    if (failed || !name || strcmp(hex, name) != 0)
      problem(v, "text %s: its body was changed", name ? name : "?");
    v->r->texts++;
  }
  sqlite3_blob_close(blob);
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? OK : journal_fail(v->j, rc, err);
}

static enum status check_deep(struct verifier *v, struct error *err) {
  struct sqlite3_stmt *s = prepare(v->j, "PRAGMA integrity_check(20)", err);
  if (!s) return ERR_JOURNAL;
  int rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    const char *words = (const char *)sqlite3_column_text(s, 0);
    if (words && strcmp(words, "ok") != 0) problem(v, "SQLite: %s", words);
  }
  sqlite3_finalize(s);
  return rc == SQLITE_DONE ? OK : journal_fail(v->j, rc, err);
}

static enum status check_all(struct verifier *v, bool deep, struct error *err) {
  struct buf schema = BUF_INIT;
  enum status status = schema_compare(v->j, v->version, &schema, &v->judge.altered, err);
  if (status == OK) buf_add(&v->r->problem, buf_str(&schema), schema.len);
  buf_release(&schema);
  if (status == OK) status = check_events(v, err);
  if (status == OK) status = find_extra_runs(v, err);
  if (status == OK) status = check_texts(v, err);
  if (status == OK && deep) status = check_deep(v, err);
  return status;
}

static enum status verifier_prepare(struct verifier *v, struct error *err) {
  int64_t version = 0; /* again: another process may have upgraded it since it was opened */
  enum status status = journal_integer(v->j, "PRAGMA user_version", &version, err);
  if (status != OK) return status;
  if (version < 1 || version > JOURNAL_VERSION)
    return error_set(err, ERR_JOURNAL, "%s was upgraded by a newer stepwise while in use",
                     v->j->path);
  v->version = (int)version;
  v->run_row = prepare(v->j, run_row[version], err);
  if (!v->run_row) return ERR_JOURNAL;
  v->missing_text =
      prepare(v->j,
              "SELECT h FROM (SELECT json_extract(?1, '$.sha256') AS h UNION ALL"
              " SELECT value FROM json_each(?1, '$.modules')) WHERE typeof(h) = 'text'"
              " AND NOT EXISTS (SELECT 1 FROM text WHERE sha256 = h)",
              err);
  v->own_checkpoint = prepare(v->j,
                              "SELECT ?1 ->> '$.size', EXISTS (SELECT 1 FROM event WHERE seq = ?1 "
                              "->> '$.size' AND lower(hex(hash)) = ?1 ->> '$.head')",
                              err);
  return v->missing_text && v->own_checkpoint ? OK : ERR_JOURNAL;
}

static void summarise(struct verifier *v) {
  v->r->events = (uint64_t)(v->expect - 1);
  hex_write(v->prev, SHA256_SIZE, v->r->head);
  if (v->r->events == 0 && !*v->r->bad_how) {
    bad_event(v, 1, "deleted");
    problem(v, "event 1 is missing: a journal begins with journal.created");
  }
  if (v->backwards)
    buf_addf(&v->r->warning, "event %lld is earlier than the one before it: a clock was set back\n",
             (long long)v->backwards);
}

enum status journal_verify(struct journal *j, bool deep, struct journal_report *out,
                           struct error *err) {
  return journal_verify_against(j, deep, NULL, NULL, out, err);
}

enum status journal_verify_against(struct journal *j, bool deep, struct checkpoints *list,
                                   const struct checkpoint_keys *keys, struct journal_report *out,
                                   struct error *err) {
  *out = (struct journal_report){.bad_how = ""};
  struct verifier v = {.j = j, .r = out, .expect = 1, .last_time = INT64_MIN};
  v.judge = (struct judge){.j = j, .report = out, .list = list, .keys = keys, .next = INT64_MAX};
  judge_begin(&v.judge);
  memcpy(v.prev, chain_genesis, SHA256_SIZE);
  bool mine = !j->open; /* one snapshot for all the passes */
  err->status = OK;
  enum status status = mine ? journal_exec(j, "BEGIN", err) : OK;
  if (status != OK) return status;
  status = verifier_prepare(&v, err);
  if (status == OK) status = check_all(&v, deep, err);
  if (status == OK) status = journal_unchanged(j, err);
  if (status == OK) summarise(&v);
  if (status == OK) status = judge_end(&v.judge, err);
  sqlite3_finalize(v.run_row);
  sqlite3_finalize(v.missing_text);
  sqlite3_finalize(v.own_checkpoint);
  if (mine) sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}

void journal_report_release(struct journal_report *r) {
  buf_release(&r->problem);
  buf_release(&r->warning);
  mem_free(r->answers);
}
