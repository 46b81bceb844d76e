/* The journal: one append-only, hash-chained SQLite file. The only door to it.
 *
 * docs/journal.md states the schema and the byte form of the chain exactly. Appends are held in one
 * open transaction until journal_commit, which is one sync; nothing that depends on an event may
 * happen before that. Several processes may use one file at once. */
#ifndef STEPWISE_JOURNAL_H
#define STEPWISE_JOURNAL_H

#include "../lang/buf.h"

struct journal;

enum journal_mode {
  JOURNAL_WRITE,  /* create when missing, migrate when older */
  JOURNAL_READ    /* never writes; works on a read-only file or directory */
};

struct event {
  int64_t seq;     /* given by journal_append */
  int64_t time_us; /* UTC microseconds; 0 = now */
  const char *run; /* "" when it belongs to no run */
  const char *step; /* step id or "" */
  const char *kind; /* event.def */
  const char *actor;
  const char *data; /* JSON text, object */
  size_t data_len;
};

/* ERR_JOURNAL with what, where and what to do: not a database, another application's, newer than
 * us, read-only, locked, full disk. */
enum status journal_open(struct journal **out, const char *path, enum journal_mode mode,
                         struct error *err) must_use;
void journal_close(struct journal *j);
/* Begins a transaction (BEGIN IMMEDIATE) at the first append after a commit. */
enum status journal_append(struct journal *j, struct event *e, struct error *err) must_use;
enum status journal_commit(struct journal *j, struct error *err) must_use;
bool journal_pending(const struct journal *j); /* appended and not committed */
uint64_t journal_commits(const struct journal *j);

/* Texts a run is pinned to (runbook, modules, site), by SHA-256 hex of 64 characters. */
enum status journal_put_text(struct journal *j, const char *text, size_t len, char sha256_hex[65],
                             struct error *err) must_use;
enum status journal_get_text(struct journal *j, const char *sha256_hex, struct buf *out,
                             struct error *err) must_use;

struct event_filter {
  const char *run;  /* NULL = all */
  const char *kind; /* NULL = all; a prefix when it ends in '.' */
  int64_t after;    /* seq > after */
  int64_t last;     /* > 0: only the last n, still in order */
};
/* Calls fn for each event in order; a status other than OK stops and is returned. Streams. */
enum status journal_scan(struct journal *j, const struct event_filter *f,
                         enum status (*fn)(void *ud, const struct event *e), void *ud,
                         struct error *err) must_use;

/* The run table: a cache derived from events, for listings; verify compares it with the events. */
struct run_row {
  const char *run, *runbook, *state, *actor;
  int64_t started_us, changed_us, last_seq;
};
enum status journal_runs(struct journal *j, enum status (*fn)(void *ud, const struct run_row *r),
                         void *ud, struct error *err) must_use;
/* Resolves a full id or an unambiguous prefix or "last". */
enum status journal_find_run(struct journal *j, const char *text, char out[64], struct error *err) must_use;

struct journal_report {
  uint64_t events, runs, texts;
  int64_t bad_seq;         /* first bad event, 0 = none */
  char head[65];           /* hash of the last event, hex */
  struct buf problem;      /* "" when good: one sentence a line */
};
enum status journal_verify(struct journal *j, struct journal_report *out, struct error *err) must_use;

#endif
