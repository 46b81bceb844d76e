/* How a run stands: what its events have decided and what they leave open.
 *
 * Read in one pass over the run's events, without building values; memory goes with what is open
 * and with the steps that wrote, not with the number of events. Everything is owned by the
 * standing. */
#ifndef STEPWISE_STANDING_H
#define STEPWISE_STANDING_H

#include "journal.h"

/* An event as people are told of it. by is NULL while there was none. */
struct told {
  char *by, *text;
  int64_t time_us, seq;
};

/* A write action with an intent and no outcome that anybody knows of. */
struct doubt {
  char *step, *binding, *action;
  char *key;  /* or NULL */
  char *args; /* JSON */
  int64_t call, seq, time_us;
  bool rollback; /* begun by the step's rollback */
};
/* What was said of a doubt. */
struct settled {
  struct doubt doubt;
  char *as, *by;    /* done, not_done, abandoned; probe, operator ... */
  char *result;     /* JSON, tagged; or NULL */
  struct told told; /* text: the reason */
};

/* An approval that was asked for and is neither used nor void, nor is its denial met. */
struct gate {
  char *step, *text, *role, *nonce;
  char *otherwise; /* what follows a denial: hold or rollback; NULL: not recorded */
  char *by;        /* who approved it, with commas, or NULL */
  int64_t quorum, given, until_us, time_us, use_by_us; /* use_by: of the approval that lapses first */
  bool glass;         /* one of them broke it */
  struct told denied; /* by is NULL while nobody said no */
};
/* Somebody was paged. acked.by is NULL while nobody says that they have it. */
struct open_page {
  char *page, *step, *text;
  char **roles; /* those that were called, each a JSON list of names */
  size_t role_count, role_cap;
  struct told acked;
  int64_t until_us; /* it waits until then to be acknowledged; 0: it does not */
  char *unanswered; /* why nobody has it, or NULL */
};
struct lease {
  char *step, *of;
  int64_t call, until_us;
};
/* A step with effects, in the order of its first intent. */
struct wrote {
  char *step;
  bool armed; /* it has a rollback */
  bool did;   /* a write of it succeeded, or nobody knows */
  bool undone;
};
struct child {
  char *run, *runbook;
};
/* An action for each item of a list that has not come to its end. */
struct sending {
  char *step, *batch, *action; /* action: "sms.send_batch" */
  int64_t call, total, done, sent, refused, unsure;
  char *pause;                     /* why nothing was sent since then, or NULL */
  int64_t paused_us, pause_until_us; /* until: 0 where the binding says when */
};

struct standing {
  char run[RUN_ID_MAX];
  char *runbook, *title, *lock, *parent;
  char *operator;       /* who operates it: who started it, or took it over last */
  enum run_state state; /* as recorded */
  struct told started;  /* text: the runbook's file */
  struct told last;     /* the event that set the state; text: why, or what it waits for */
  char *last_step, *waits_on, *error_kind; /* of that event, or NULL */
  int64_t waits_until_us;
  struct told sealed, taken_over, noted, cancel_asked, rollback_asked;
  struct told glass; /* the last that was broken in it */
  bool cancel_rollback;
  int64_t first_seq, last_seq; /* of its events */
  int64_t last_us;             /* of the latest */
  uint64_t events;
  struct doubt *doubts;
  size_t doubt_count, doubt_cap;
  struct settled *settled;
  size_t settled_count, settled_cap;
  struct gate *gates;
  size_t gate_count, gate_cap;
  struct open_page *pages;
  size_t page_count, page_cap;
  struct lease *leases;
  size_t lease_count, lease_cap;
  struct wrote *wrote;
  size_t wrote_count, wrote_cap;
  uint32_t *wrote_index; /* by step */
  size_t wrote_places;
  struct child *children; /* begun and not ended */
  size_t child_count, child_cap;
  struct sending *sendings;
  size_t sending_count, sending_cap;
  char *question; /* asked and not answered, or NULL */
  char *at;       /* the step begun last that has not ended, or NULL */
};

/* run: a full id. ERR_NOT_FOUND when it has no events. Release in either case. */
enum status standing_read(struct journal *j, const char *run, struct standing *out,
                          struct error *err) must_use;
void standing_release(struct standing *s);

/* "interrupted" when it is under way and no process has it; else the state as recorded. */
const char *standing_state(const struct standing *s, bool live);
bool standing_ended(const struct standing *s);
/* Steps with effects that nobody undid: ids with commas, latest first; how many. */
size_t standing_left(const struct standing *s, struct buf *out);
/* Whether the step may begin as far as the events tell: signatures are checked when it does. */
bool gate_released(const struct gate *g, int64_t now);
/* What resume does after a denial that nobody has met yet, as what follows its name. */
const char *standing_denial(const struct standing *s, const char *otherwise);
/* "denied by ana: too late; resume rolls back"; live: a process has the run, and sees to it. False
 * when it is still to be answered. */
bool gate_verdict(const struct standing *s, const struct gate *g, bool live, int64_t now,
                  struct buf *out);
/* "drain/pool.drain", and its call where one step calls it more than once. */
void doubt_name(const struct standing *s, const struct doubt *d, struct buf *out);

#endif
