/* The journal: one append-only, hash-chained SQLite file. The only door to it.
 *
 * docs/journal.md states the schema and the byte form of the chain exactly. Appends are held in one
 * open transaction until journal_commit, which is one sync; nothing that depends on an event may
 * happen before that. Several processes may use one file at once. When an append or a commit fails,
 * everything since the last commit is rolled back and was never recorded. One thread uses a
 * journal. */
#ifndef STEPWISE_JOURNAL_H
#define STEPWISE_JOURNAL_H

#include "../lang/buf.h"

struct journal;

enum journal_mode {
  JOURNAL_WRITE, /* create when missing, migrate when older */
  JOURNAL_READ,  /* writes nothing; works on a read-only file or directory, and on older versions */
  JOURNAL_LOOK   /* the same without a trace: SQLite's own files beside it are not made or changed
                  * either, and a file that is not there is a journal without events */
};

/* What state a run is in. Derived from its events: event.def says which kind sets which. */
enum run_state {
  RUN_NONE, /* the kind sets no state */
  RUN_RUNNING,
  RUN_WAITING,
  RUN_HELD,
  RUN_IN_DOUBT,
  RUN_ROLLING_BACK,
  RUN_SUCCEEDED, /* this and those that follow are ends */
  RUN_FAILED,
  RUN_CANCELLED,
  RUN_ROLLED_BACK,
  RUN_ROLLBACK_INCOMPLETE,
  RUN_STATES
};
const char *run_state_name(enum run_state s);    /* "rolling_back"; "" for RUN_NONE */
enum run_state run_state_find(const char *name); /* RUN_NONE when there is none of that name */

enum event_kind {
#define EVENT(id, kind, state, fields) EVENT_##id,
#include "event.def"
#undef EVENT
  EVENT_KINDS
};
struct event_kind_info {
  const char *name;
  enum run_state state;
  const char *fields;
};
extern const struct event_kind_info event_kinds[EVENT_KINDS];
#define EVENT_NAME(id) (event_kinds[EVENT_##id].name)
const struct event_kind_info *event_kind_find(const char *name); /* NULL when unknown */

struct event {
  int64_t seq;       /* given by journal_append */
  int64_t time_us;   /* UTC microseconds; 0 = now (append fills it in) */
  const char *run;   /* NULL or "" when it belongs to no run */
  const char *step;  /* step id, NULL or "" */
  const char *kind;  /* a name of event.def; others are refused */
  const char *actor; /* NULL = the process's own, journal_actor */
  const char *data;  /* JSON text, one object, no NUL; NULL = {} */
  size_t data_len;
  const uint8_t *prev, *hash; /* 32 bytes each; set by journal_scan only */
};

#define EVENT_DATA_MAX ((size_t)16 << 20)
#define EVENT_NAME_MAX 1024 /* bytes of run, step, kind and actor each */

/* The path to use: `given`, else $STEPWISE_JOURNAL, else stepwise/journal.db under $XDG_STATE_HOME
 * or ~/.local/state; with `make` the directories of the last are made. Opens nothing. */
enum status journal_path(const char *given, bool make, struct buf *out, struct error *err) must_use;
/* ERR_JOURNAL with what, where and what to do: not a database, another application's, newer than
 * us, read-only, locked, full disk. In JOURNAL_READ a missing file is ERR_JOURNAL too. */
enum status journal_open(struct journal **out, const char *path, enum journal_mode mode,
                         struct error *err) must_use;
void journal_close(struct journal *j); /* drops what was not committed; NULL-safe */
/* How long to wait for other processes' transactions; 10 s unless set. */
void journal_set_patience(struct journal *j, int ms);
const char *journal_file(const struct journal *j); /* the path it was opened by */
/* The file itself, whatever links lead to it: what belongs to it stands beside this. */
const char *journal_base(const struct journal *j);
/* "" or one sentence: how a file that cannot be written is read, and what is not seen so. */
const char *journal_note(const struct journal *j);

/* Begins a transaction (BEGIN IMMEDIATE) at the first append after a commit. Fills in seq and
 * time_us. Keeps the run table: run.started of a known run and another run.* event that sets the
 * state of an unknown one are ERR_CONFLICT and ERR_NOT_FOUND. An ERR_VALUE (unknown kind, data that
 * is not a JSON object, too large) leaves the transaction as it was. */
enum status journal_append(struct journal *j, struct event *e, struct error *err) must_use;
enum status journal_commit(struct journal *j, struct error *err) must_use;
/* Begins the transaction without an event: until the commit or rollback nobody else writes, so what
 * is read now holds when something is appended because of it. */
enum status journal_hold(struct journal *j, struct error *err) must_use;
void journal_rollback(struct journal *j);      /* forgets what was appended and not committed */
bool journal_pending(const struct journal *j); /* appended and not committed */
uint64_t journal_commits(const struct journal *j);
/* "user@host" of this process, made at first use; valid until journal_close. */
const char *journal_actor(struct journal *j);
int64_t journal_now(void); /* UTC microseconds */

/* Texts a run is pinned to (runbook, modules, site), by SHA-256 hex of 64 characters. Putting joins
 * the transaction as an append does; a text that is there already costs one look. */
enum status journal_put_text(struct journal *j, const char *text, size_t len, char sha256_hex[65],
                             struct error *err) must_use;
/* Appends to out; checks the digest. ERR_NOT_FOUND, or ERR_JOURNAL when the text was changed. */
enum status journal_get_text(struct journal *j, const char *sha256_hex, struct buf *out,
                             struct error *err) must_use;

struct event_filter {
  const char *run;  /* NULL = all */
  const char *kind; /* NULL = all; a prefix when it ends in '.' */
  int64_t after;    /* seq > after */
  int64_t last;     /* > 0: only the last n, still in order */
};
/* Calls fn for each event in order; a status other than OK stops and is returned (fn fills err by
 * way of ud). Streams; what the event points to is valid during the call; fn must not append. */
enum status journal_scan(struct journal *j, const struct event_filter *f,
                         enum status (*fn)(void *ud, const struct event *e), void *ud,
                         struct error *err) must_use;
/* Whether another process committed since the last call (the first call says true). Cheap: no file
 * is read unless something changed. */
bool journal_changed(struct journal *j);

/* The run table: a cache derived from events, for listings; verify compares it with the events. */
struct run_row {
  const char *run, *runbook, *state, *actor;
  const char *lock;               /* run.started's; "" = none */
  int64_t started_us, changed_us; /* changed and last_seq: of the event that set the state */
  int64_t first_seq, last_seq;
};
struct run_filter {
  const char *run;            /* NULL = all; else exactly this one */
  const char *state;          /* NULL = all */
  const char *runbook;        /* NULL = all */
  const char *lock;           /* NULL = all; with `open`: the run that holds it, found at once */
  bool open;                  /* only those in a state that is no end */
  const char *actor;          /* NULL = all; "ana@ops", or "ana" wherever it was */
  const char *mine;           /* NULL = all; else those this actor started or took over */
  int64_t since_us, until_us; /* started then or later, and before; 0 = whenever */
  enum { DRILLS_TOO, DRILLS_ONLY, DRILLS_NOT } drills;
  bool newest_first;
  int64_t last; /* > 0: only the last n to start, still in order */
};
/* In the order of their start, oldest first unless newest_first. f may be NULL. */
enum status journal_runs(struct journal *j, const struct run_filter *f,
                         enum status (*fn)(void *ud, const struct run_row *r), void *ud,
                         struct error *err) must_use;
/* How many there are; `last` is passed over. */
enum status journal_count_runs(struct journal *j, const struct run_filter *f, int64_t *out,
                               struct error *err) must_use;
#define RUN_ID_MAX 64
/* How the id of a drill ends, and of no other run. */
#define RUN_DRILL "-drill"
bool run_is_drill(const char *run);
/* Resolves a full id or an unambiguous prefix or "last": the last to start, passing over those that
 * breaking glass began. ERR_NOT_FOUND; ERR_VALUE when several
 * begin so. */
enum status journal_find_run(struct journal *j, const char *text, char out[RUN_ID_MAX],
                             struct error *err) must_use;

struct journal_report {
  uint64_t events, runs, texts;
  int64_t bad_seq;     /* first bad event, 0 = none */
  const char *bad_how; /* changed, deleted, inserted, swapped, duplicated; "" = none */
  char head[65];       /* hash of the last good event, hex */
  struct buf problem;  /* "" when good: one sentence a line */
  struct buf warning;  /* what is odd and no problem, one sentence a line */
  int64_t *answers;    /* good events that answer approvals or use them: owned, by number */
  size_t answer_count, answer_cap;
  uint64_t approvals; /* signed answers that hold; see journal_approval.h */
};
/* OK when it could be read through, whatever it found: see problem. deep adds SQLite's own
 * integrity check. One pass, memory flat. Release the report in either case. */
enum status journal_verify(struct journal *j, bool deep, struct journal_report *out,
                           struct error *err) must_use;
void journal_report_release(struct journal_report *r);

#endif
