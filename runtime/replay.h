/* Going on with a run: what the journal has of an attempt is told again, in order, instead of being
 * done again; at the first thing it has not, the lane is live.
 *
 * A replay covers one attempt of a step's body, one attempt of its rollback, or the on_failure
 * block. While a lane has one, run_record swallows what was recorded already and people are not
 * told again. What the lane does must match: otherwise it fails with the kind "replay", and its run
 * is held whatever the policy. */
#ifndef STEPWISE_REPLAY_H
#define STEPWISE_REPLAY_H

#include "history.h"

struct lane;
struct step_run;

struct replay {
  const struct history *h;
  uint32_t *events; /* owned; of the attempt, in order */
  bool *told;
  size_t count, left; /* left: not told again yet */
  size_t head;        /* the first of those */
  size_t cursor[EVENT_KINDS];
  int64_t since_us; /* when the attempt's clock began; INT64_MAX: now */
};

/* NULL when nothing was recorded of it. */
struct replay *replay_body(const struct history *h, const struct step_past *p);
struct replay *replay_undo(const struct history *h, const struct step_past *p);
struct replay *replay_handler(const struct history *h);
/* Calls of the on_failure block when it ran for failures before the present one; h may be NULL. */
uint32_t replay_handled(const struct history *h);
void replay_free(struct replay *r); /* NULL-safe */

/* The next of this kind, or 0. */
uint32_t replay_peek(struct replay *r, enum event_kind kind);
/* The same, and it is told now. */
uint32_t replay_next(struct replay *r, enum event_kind kind);
/* The kind of the first that is not told yet; EVENT_KINDS when all are. */
enum event_kind replay_head(const struct replay *r);

/* What became of the call of an action: its latest intent and what was said of that. */
struct past_call {
  enum { PAST_NONE, PAST_OPEN, PAST_ENDED, PAST_CLEARED, PAST_ABANDONED } state;
  uint32_t started, ended; /* ended: action.finished or action.settled with the outcome */
};
void replay_call(struct replay *r, uint32_t ordinal, struct past_call *out);
/* The latest call of this ordinal in attempts that were given up; of the step's rollback, or its body. */
void history_call(const struct history *h, const struct step_past *p, uint32_t ordinal,
                  bool rollback, struct past_call *out);

/* --- in a lane --- */

/* Whether what the lane says now was said before. */
bool replaying(const struct lane *lane);
/* run_record's part: *told when the event is there already. */
enum status replay_record(struct lane *lane, const char *kind, bool *told,
                          struct error *err) must_use;
/* From here on things are done: everything recorded must have been told. The step's guards and
 * approvals are checked again. A run that is to be undone stops here instead. */
enum status replay_live(struct lane *lane, struct error *err) must_use;
/* Ends the replay with its attempt. status is how the attempt ended, and is returned unless there is
 * more in the journal than it did. */
enum status replay_close(struct lane *lane, enum status status, struct error *err) must_use;
/* The kind "replay": both sides are shown. */
enum status replay_differs(const struct lane *lane, const char *recorded, const char *now,
                           struct error *err) must_use;

/* What `now` says: the same again in a replay; the clock stands still between two events. */
int64_t replay_clock(struct lane *lane);
void replay_clock_moved(struct lane *lane); /* time has passed without an event */

/* Whether the journal has this already: an event of this kind outside of steps with this place (a
 * section: this title). Each is found once. */
bool replay_said(struct lane *lane, enum event_kind kind, const char *text);

#endif
