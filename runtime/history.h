/* What the journal has of one run, as an index to go on from: per step what became of it, where its
 * current attempt begins, when it was armed, how far its rollback is.
 *
 * Loading reads every event once and parses none: an event's data stays text until a field of it is
 * wanted. An interrupted run's whole future depends on what is read here, so what cannot be
 * understood is an error and never a guess. */
#ifndef STEPWISE_HISTORY_H
#define STEPWISE_HISTORY_H

#include "journal.h"
#include "value.h"

/* One recorded event. Events are numbered from 1 in the order of the journal; 0 is none. */
struct past {
  enum event_kind kind;
  uint32_t next; /* the next event of the same step, or 0 */
  uint32_t len;
  size_t at; /* its data: len bytes in history.data */
  int64_t seq, time_us;
};

enum step_outcome { STEP_BEGUN, STEP_FINISHED, STEP_SKIPPED, STEP_FAILED };
enum step_undo { UNDO_NONE, UNDO_BEGUN, UNDO_FAILED, UNDO_DONE };

/* A step that was begun or passed over. The one whose id is "" holds what stands outside of steps.
 */
struct step_past {
  const char *id;
  uint32_t first, last; /* its events */
  uint32_t
      began; /* the latest step.started: earlier ones are groups of attempts that were given up */
  uint32_t attempt_at; /* step.started or the latest step.retried after it */
  uint32_t attempt;    /* its number, from 1; 0 before the first step.started */
  uint32_t ended;         /* step.finished, .skipped or .failed that counts, or 0 */
  uint32_t outputs_at;    /* the latest event that says what variables it set */
  uint32_t undo_at;    /* the latest rollback.started or rollback.passed */
  uint32_t undo_from;  /* the first: what follows it is its rollback's and never the body's */
  int64_t armed_seq;   /* the event that armed it, or 0 */
  enum step_outcome outcome;
  enum step_undo undo;
  bool passed_over; /* it was skipped without being begun */
  bool visited;     /* the walk of a resumed run has met it */
};

struct history {
  struct journal *journal; /* borrowed */
  char run[RUN_ID_MAX];
  struct past *events; /* events[0] is none */
  uint32_t count;      /* the number of the last event */
  size_t event_cap;
  struct buf data;
  struct step_past **steps; /* in the order of their first event; steps[0] is "" */
  size_t step_count, step_cap;
  uint32_t started, resumed, held; /* latest run.started, run.resumed, run.held; 0 = none */
  uint32_t doubted, verdict; /* latest run.in_doubt, and the first run.resumed after it */
  uint32_t rolling_back; /* the latest run.rolling_back, unless its rollback has ended; a run that
                            was held meanwhile is still rolling back */
  uint32_t plan_changed;  /* the latest run.plan_changed */
  uint32_t rested;        /* the latest event that held or ended it */
  enum run_state state;
  int64_t first_seq, last_us; /* the latest time that an event has */
  bool wrote;                 /* the intent of a write is there */
  struct history_index *index;
  struct symtab *places; /* of what stands outside of steps; made at first use */
  uint32_t *place_first, *place_next;
  size_t place_cap;
};

/* ERR_NOT_FOUND when the journal has no such run. */
enum status history_load(struct history **out, struct journal *j, const char *run,
                         struct error *err) must_use;
void history_free(struct history *h);                                    /* NULL-safe */
struct step_past *history_step(const struct history *h, const char *id); /* NULL: never met */
/* The latest event of this kind outside of steps with this place; 0: none. */
uint32_t history_place(struct history *h, enum event_kind kind, const char *place);
/* Whether there is one more event of this kind outside of steps at this place (a section: with this
 * title): each is found once. */
bool history_said(struct history *h, enum event_kind kind, const char *text);
/* When its current group of attempts began to do something: the first event after its gate; 0: it
 * has not. */
int64_t history_body_began(const struct history *h, const struct step_past *p);

/* When the clock of an attempt began whose first event this is. An operator's word is waited for
 * without it: after a stop in doubt it begins anew. INT64_MAX: now. */
int64_t history_attempt_began(const struct history *h, uint32_t first);

/* Fields of an event's data. False, or the given default, when there is no such field. */
const struct past *history_event(const struct history *h, uint32_t event);
bool past_raw(const struct history *h, uint32_t event, const char *name, const char **json,
              size_t *len);
int64_t past_int(const struct history *h, uint32_t event, const char *name, int64_t otherwise);
bool past_is(const struct history *h, uint32_t event, const char *name, const char *text);
char *past_text(const struct history *h, uint32_t event, const char *name); /* owned; NULL: none */
/* A VALUE; large ones come from the text table. Nil when there is no such field. */
enum status past_value(const struct history *h, uint32_t event, const char *name,
                       struct symtab *syms, value *out, struct error *err) must_use;
/* The names and values of an object whose members are VALUEs, one call each, in order. */
enum status past_members(const struct history *h, uint32_t event, const char *name,
                         struct symtab *syms,
                         enum status (*fn)(void *ud, const char *name, value owned), void *ud,
                         struct error *err) must_use;
/* An ERROR as it was: kind, message, help. Status ERR_FAILED. */
void past_error(const struct history *h, uint32_t event, const char *name, struct error *out);

/* A member of a JSON object's text, which must be valid: no parsing, no memory. */
bool json_member(const char *json, size_t len, const char *name, const char **out, size_t *n);

#endif
