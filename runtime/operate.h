/* What an operator does to a run from any terminal: the rules, and the events that record it.
 *
 * A verb looks, judges and records in one transaction of the journal: of two at once the second sees
 * what the first recorded. A run is taken only in such a transaction too, so that one which nobody
 * has while a verb judges is nobody's until its record is there. A run that a process has is told by
 * an event, upon which that process acts. Repeating what was done succeeds and says so; what
 * contradicts the record is ERR_CONFLICT, with what was recorded, by whom and when. */
#ifndef STEPWISE_OPERATE_H
#define STEPWISE_OPERATE_H

#include "owner.h"
#include "standing.h"

struct operation {
  struct journal *journal; /* open for writing */
  struct owners *owners;
  const char *run;    /* a full id */
  const char *reason; /* or NULL */
  const char *tail;   /* follows each command that is told: " --journal PATH", or "" */
  struct buf said;    /* what to tell: lines, the last without its newline */
  /* found out by the verbs */
  struct standing standing;
  pid_t pid; /* who has the run, or 0 */
};
void operation_release(struct operation *op);

/* Finds out how the run stands and who has it. Calling it again brings it up to date. */
enum status operation_look(struct operation *op, struct error *err) must_use;
/* The same for good: until operation_record or operation_end nobody else writes or takes the run.
 * sure: it fails where nobody can tell who has the run. */
enum status operation_begin(struct operation *op, bool sure, struct error *err) must_use;
/* Lets others go on, without a record when there is none; also after it. Gives status. */
enum status operation_end(struct operation *op, enum status status);
/* Appends one event of the run and commits. data: an object's members, without the braces. */
enum status operation_record(struct operation *op, const char *kind, const char *step,
                             const char *members, struct error *err) must_use;
void operation_say(struct operation *op, const char *fmt, ...) like_printf(2, 3); /* one line */
/* The line "stepwise VERB RUN ...", with what follows the run's id. */
void operation_hint(struct operation *op, const char *verb, const char *rest, const char *about);
/* Says that an actor did something then, and why: "by ana@ops at 2026-11-22 05:14:03 UTC: text". */
void told_text(const struct told *t, struct buf *out);
enum status operate_note(struct operation *op, const char *text, struct error *err) must_use;
enum status operate_take_over(struct operation *op, struct error *err) must_use;
enum status operate_seal(struct operation *op, struct error *err) must_use;
/* Asks the process that has the run to stop it, and waits until it has, at most wait_us: then
 * ERR_WAITING. Without a process it ends the run here; with rollback and effects to undo nothing is
 * recorded and *roll_back is set: the caller undoes the run. ERR_FAILED with the kind "in_doubt"
 * while an action is in doubt; ERR_STOP when the process ended it otherwise than asked (see
 * op->standing.state). */
enum status operate_cancel(struct operation *op, bool rollback, int64_t wait_us, bool *roll_back,
                           struct error *err) must_use;
/* Undoes a run, until it is sealed; the step `to` and what was done before it stay done. A process
 * that has the run is asked to, as for cancel. Without one *go is set when there is anything to
 * undo: the run is this process's then, and the caller undoes it. */
enum status operate_rollback(struct operation *op, const char *to, int64_t wait_us, bool *go,
                             struct error *err) must_use;
enum status operate_abandon(struct operation *op, struct error *err) must_use;

#endif
