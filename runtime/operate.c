/* The verbs of an operator that end, annotate or hand over a run. */
#include "operate.h"

#include <time.h>

#include "run.h"
#include "text.h"

enum { LOOK_AGAIN_US = 50000 };

void operation_release(struct operation *op) {
  standing_release(&op->standing);
  buf_release(&op->said);
}

void operation_say(struct operation *op, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  if (op->said.len) buf_addc(&op->said, '\n');
  buf_vaddf(&op->said, fmt, ap);
  va_end(ap);
}

void operation_hint(struct operation *op, const char *verb, const char *rest, const char *about) {
  operation_say(op, "%s: stepwise %s %s%s%s%s", about, verb, op->run, *rest ? " " : "", rest,
                op->tail);
}

void told_text(const struct told *t, struct buf *out) {
  buf_addf(out, "by %s at ", t->by ? t->by : "somebody");
  time_text(t->time_us, false, 0, out);
  if (t->text && *t->text) buf_addf(out, ": %s", t->text);
}

/* Number of the run's first event, by which it is owned. */
static enum status first_of(void *ud, const struct run_row *r) {
  int64_t *first = ud;
  *first = r->first_seq;
  return OK;
}

enum status operation_look(struct operation *op, struct error *err) {
  const struct run_filter filter = {.run = op->run};
  int64_t first = 0;
  enum status status = journal_runs(op->journal, &filter, first_of, &first, err);
  if (status != OK) return status;
  if (!owner_of(op->owners, first, &op->pid)) op->pid = 0;
  standing_release(&op->standing);
  return standing_read(op->journal, op->run, &op->standing, err);
}

/* Where locks cannot be seen they cannot be taken either. */
static enum status surely_free(struct operation *op, struct error *err) {
  int64_t first = op->standing.first_seq;
  enum status status = owner_take(op->owners, first, &op->pid, err);
  if (status == OK) owner_drop(op->owners, first);
  if (status == ERR_CONFLICT) return error_release(err), OK;
  return status;
}

enum status operation_begin(struct operation *op, bool sure, struct error *err) {
  enum status status = journal_hold(op->journal, err);
  if (status == OK) status = operation_look(op, err);
  if (status == OK && sure && !op->pid) status = surely_free(op, err);
  return status == OK ? OK : operation_end(op, status);
}

enum status operation_end(struct operation *op, enum status status) {
  journal_rollback(op->journal);
  return status;
}

enum status operation_record(struct operation *op, const char *kind, const char *step,
                             const char *members, struct error *err) {
  struct buf data = BUF_INIT;
  buf_addf(&data, "{%s}", members);
  struct event e = {
      .run = op->run, .step = step, .kind = kind, .data = buf_str(&data), .data_len = data.len};
  enum status status = journal_append(op->journal, &e, err);
  if (status == OK) status = journal_commit(op->journal, err);
  buf_release(&data);
  return status;
}

/* The members of a record, for operation_record; empties r. */
static enum status record_it(struct operation *op, const char *kind, const char *step,
                             struct record *r, struct error *err) {
  const char *members = buf_str(&r->data);
  enum status status = operation_record(op, kind, step, members + (*members == '{'), err);
  buf_release(&r->data);
  return status;
}

static const char *me(struct operation *op) {
  return journal_actor(op->journal);
}

static enum status conflict(struct operation *op, struct error *err, const char *what,
                            const struct told *t) {
  struct buf b = BUF_INIT;
  told_text(t, &b);
  error_set(err, ERR_CONFLICT, "run %s %s %s", op->run, what, buf_str(&b));
  buf_release(&b);
  return ERR_CONFLICT;
}

static const char *ended(const struct operation *op) {
  static const char *const words[RUN_STATES] = {[RUN_SUCCEEDED] = "has succeeded,",
                                                [RUN_FAILED] = "has failed,",
                                                [RUN_CANCELLED] = "was cancelled",
                                                [RUN_ROLLED_BACK] = "was rolled back",
                                                [RUN_ROLLBACK_INCOMPLETE] =
                                                    "was rolled back in part,"};
  const char *word = words[op->standing.state];
  return word ? word : "has ended,";
}

static void say_told(struct operation *op, const char *what, const struct told *t) {
  struct buf b = BUF_INIT;
  told_text(t, &b);
  operation_say(op, "%s %s", what, buf_str(&b));
  buf_release(&b);
}

/* --- note --- */

enum status operate_note(struct operation *op, const char *text, struct error *err) {
  enum status status = operation_begin(op, false, err);
  if (status != OK) return status;
  const struct told *last = &op->standing.noted;
  if (last->by && strcmp(last->by, me(op)) == 0 && last->text && strcmp(last->text, text) == 0) {
    operation_say(op, "noted already");
    return operation_end(op, OK);
  }
  struct record r = {0};
  record_text(&r, "text", text);
  status = record_it(op, EVENT_NAME(RUN_NOTED), "", &r, err);
  if (status == OK) operation_say(op, "noted in run %s", op->run);
  return status;
}

/* --- take-over --- */

enum status operate_take_over(struct operation *op, struct error *err) {
  enum status status = operation_begin(op, false, err);
  if (status != OK) return status;
  const struct standing *s = &op->standing;
  if (standing_ended(s)) {
    conflict(op, err, ended(op), &s->last);
    error_help(err, "there is nothing left to operate; `note` records what is still to be said");
    return operation_end(op, ERR_CONFLICT);
  }
  if (strcmp(s->operator, me(op)) == 0) {
    operation_say(op, "%s operates run %s already", me(op), op->run);
    return operation_end(op, OK);
  }
  struct record r = {0};
  record_text(&r, "from", s->operator);
  record_text(&r, "to", me(op));
  record_text(&r, "reason", op->reason);
  status = record_it(op, EVENT_NAME(RUN_TAKEN_OVER), "", &r, err);
  if (status == OK)
    operation_say(op, "%s now operates run %s, taken over from %s", me(op), op->run, s->operator);
  if (status == OK && op->pid) operation_say(op, "process %ld goes on with it", (long)op->pid);
  return status;
}

/* --- seal --- */

enum status operate_seal(struct operation *op, struct error *err) {
  enum status status = operation_begin(op, true, err);
  if (status != OK) return status;
  const struct standing *s = &op->standing;
  if (s->sealed.by) {
    say_told(op, "sealed already", &s->sealed);
    return operation_end(op, OK);
  }
  if (op->pid || !standing_ended(s)) {
    error_set(err, ERR_CONFLICT, "run %s has not ended: it is %s", op->run,
              standing_state(s, op->pid != 0));
    error_help(err, "only an end can be sealed; `stepwise show %s%s` says what can be done",
               op->run, op->tail);
    return operation_end(op, ERR_CONFLICT);
  }
  struct record r = {0};
  record_text(&r, "reason", op->reason);
  status = record_it(op, EVENT_NAME(RUN_SEALED), "", &r, err);
  if (status == OK)
    operation_say(op, "run %s is sealed as %s: it can no longer be rolled back", op->run,
                  run_state_name(s->state));
  return status;
}

/* --- cancel --- */

static void say_left(struct operation *op) {
  struct buf left = BUF_INIT;
  if (!standing_left(&op->standing, &left)) {
    operation_say(op, "%s",
                  op->standing.wrote_count ? "all that was done is undone" : "nothing was changed");
  } else {
    operation_say(op, "done and not undone, latest first: %s", buf_str(&left));
    operation_hint(op, "rollback", "", "undo it");
  }
  for (size_t i = 0; i < op->standing.child_count; i++)
    operation_say(op, "its child run %s of %s is on its own", op->standing.children[i].run,
                  op->standing.children[i].runbook);
  buf_release(&left);
}

/* What to do about actions in doubt, before the run may end. */
static enum status doubts_first(struct operation *op, struct error *err) {
  const struct standing *s = &op->standing;
  if (!s->doubt_count) return OK;
  struct buf names = BUF_INIT;
  for (size_t i = 0; i < s->doubt_count; i++) {
    if (i) buf_adds(&names, ", ");
    doubt_name(s, &s->doubts[i], &names);
  }
  error_set(err, ERR_FAILED, "run %s may have done what nobody knows of: %s", op->run,
            buf_str(&names));
  error_kind(err, "in_doubt");
  error_help(err,
             "look whether it happened, then stepwise mark-done %s ACTION --result VALUE%s, or "
             "--not-done --reason TEXT; or give it up: stepwise abandon %s --reason TEXT%s",
             op->run, op->tail, op->run, op->tail);
  buf_release(&names);
  return ERR_FAILED;
}

/* The run is over: was it by what is asked now? */
static enum status cancel_ended(struct operation *op, bool rollback, struct error *err) {
  const struct standing *s = &op->standing;
  if (s->state == RUN_ROLLED_BACK && rollback) {
    bool asked = s->cancel_asked.by && s->cancel_rollback;
    say_told(op, asked ? "cancelled and rolled back already, asked for" : "rolled back already",
             asked ? &s->cancel_asked : &s->last);
    return OK;
  }
  if (s->state == RUN_CANCELLED && !rollback) {
    say_told(op, "cancelled already", &s->last);
    return OK;
  }
  conflict(op, err, ended(op), &s->last);
  if (s->state == RUN_CANCELLED)
    error_help(err, "it was cancelled without a rollback: stepwise rollback %s%s undoes it",
               op->run, op->tail);
  return ERR_CONFLICT;
}

static enum status cancel_here(struct operation *op, bool rollback, bool *roll_back,
                               struct error *err) {
  const struct standing *s = &op->standing;
  struct buf left = BUF_INIT;
  enum status status = doubts_first(op, err);
  bool effects = standing_left(s, &left) != 0;
  buf_release(&left);
  if (status == OK && s->state == RUN_ROLLING_BACK) {
    error_set(err, ERR_CONFLICT, "run %s is being rolled back, and was interrupted", op->run);
    error_help(err, "stepwise resume %s%s goes on undoing", op->run, op->tail);
    status = ERR_CONFLICT;
  }
  if (status != OK) return status;
  if (rollback && effects) {
    *roll_back = true;
    return OK;
  }
  struct record r = {0};
  record_text(&r, "reason", op->reason);
  record_text(&r, "step", s->at ? s->at : s->last_step);
  status = record_it(op, EVENT_NAME(RUN_CANCELLED), "", &r, err);
  if (status != OK) return status;
  operation_say(op, "run %s is cancelled", op->run);
  say_left(op);
  return OK;
}

/* Asks the process that has the run, unless that was asked already. */
static enum status cancel_ask(struct operation *op, bool rollback, struct error *err) {
  const struct standing *s = &op->standing;
  if (s->cancel_asked.seq > s->last.seq) {
    if (s->cancel_rollback == rollback) return OK;
    conflict(op, err,
             rollback ? "is to be cancelled without a rollback, asked for"
                      : "is to be cancelled and rolled back, asked for",
             &s->cancel_asked);
    return ERR_CONFLICT;
  }
  struct record r = {0};
  record_text(&r, "reason", op->reason);
  if (rollback) record_bool(&r, "rollback", true);
  return record_it(op, EVENT_NAME(RUN_CANCEL_REQUESTED), "", &r, err);
}

static void nap(void) {
  const struct timespec t = {.tv_nsec = LOOK_AGAIN_US * 1000L};
  nanosleep(&t, NULL);
}

/* The process let go of the run: did it do what was asked? */
static enum status cancel_outcome(struct operation *op, bool rollback) {
  const struct standing *s = &op->standing;
  bool undone = s->state == RUN_ROLLED_BACK && rollback;
  if (s->state != RUN_CANCELLED && !undone) {
    operation_say(op, "run %s was not cancelled: it is %s", op->run, run_state_name(s->state));
    return ERR_STOP;
  }
  operation_say(op, undone ? "run %s is cancelled and rolled back" : "run %s is cancelled",
                op->run);
  say_left(op);
  return OK;
}

static enum status cancel_live(struct operation *op, bool rollback, int64_t wait_us,
                               bool *roll_back, struct error *err) {
  enum status status = operation_end(op, cancel_ask(op, rollback, err));
  pid_t pid = op->pid, holder;
  for (int64_t waited = 0; status == OK && waited < wait_us; waited += LOOK_AGAIN_US) {
    nap();
    if (owner_of(op->owners, op->standing.first_seq, &holder)) continue;
    status = operation_begin(op, true, err);
    if (status != OK) return status;
    if (op->pid && operation_end(op, OK) == OK) continue; /* another one took it up at once */
    if (standing_ended(&op->standing)) return cancel_outcome(op, rollback);
    return cancel_here(op, rollback, roll_back, err); /* it ended without having seen the request */
  }
  if (status != OK) return status;
  error_set(err, ERR_WAITING, "process %ld is asked to cancel run %s and has not done so yet",
            (long)pid, op->run);
  error_help(err, "what is under way is finished first; stepwise show %s%s tells how far it is",
             op->run, op->tail);
  return ERR_WAITING;
}

enum status operate_cancel(struct operation *op, bool rollback, int64_t wait_us, bool *roll_back,
                           struct error *err) {
  *roll_back = false;
  enum status status = operation_begin(op, true, err);
  if (status != OK) return status;
  if (op->pid) status = cancel_live(op, rollback, wait_us, roll_back, err);
  else if (standing_ended(&op->standing)) status = cancel_ended(op, rollback, err);
  else status = cancel_here(op, rollback, roll_back, err);
  return operation_end(op, status);
}

/* --- abandon --- */

static enum status abandon_doubt(struct operation *op, const struct doubt *d, struct error *err) {
  struct record r = {0};
  record_text(&r, "binding", d->binding);
  record_text(&r, "action", d->action);
  record_int(&r, "call", d->call);
  record_text(&r, "key", d->key);
  record_text(&r, "as", "abandoned");
  record_text(&r, "by", "operator");
  record_text(&r, "reason", op->reason);
  buf_addc(&r.data, '}');
  struct event e = {.run = op->run,
                    .step = d->step,
                    .kind = EVENT_NAME(ACTION_SETTLED),
                    .data = buf_str(&r.data),
                    .data_len = r.data.len};
  enum status status = journal_append(op->journal, &e, err);
  buf_release(&r.data);
  return status;
}

/* All of it is one commit. */
static enum status abandon_record(struct operation *op, struct error *err) {
  const struct standing *s = &op->standing;
  struct record r = {0}, error = {0};
  enum status status = OK;
  for (size_t i = 0; status == OK && i < s->doubt_count; i++)
    status = abandon_doubt(op, &s->doubts[i], err);
  record_text(&error, "kind", "abandoned");
  record_text(&error, "message", op->reason);
  buf_addc(&error.data, '}');
  record_raw(&r, "error", buf_str(&error.data));
  record_text(&r, "step", s->at ? s->at : s->last_step);
  if (status == OK) status = record_it(op, EVENT_NAME(RUN_FAILED), "", &r, err);
  else journal_rollback(op->journal);
  buf_release(&r.data);
  buf_release(&error.data);
  return status;
}

static enum status abandon_refuse(struct operation *op, struct error *err) {
  const struct standing *s = &op->standing;
  if (op->pid) {
    error_set(err, ERR_CONFLICT, "run %s is %s: process %ld has it", op->run,
              run_state_name(s->state), (long)op->pid);
    error_help(err, "stop it: stepwise cancel %s --reason TEXT%s", op->run, op->tail);
    return ERR_CONFLICT;
  }
  return conflict(op, err, ended(op), &s->last);
}

enum status operate_abandon(struct operation *op, struct error *err) {
  enum status status = operation_begin(op, true, err);
  if (status != OK) return status;
  const struct standing *s = &op->standing;
  bool abandoned = s->error_kind && strcmp(s->error_kind, "abandoned") == 0;
  if (!op->pid && s->state == RUN_FAILED && abandoned) {
    say_told(op, "abandoned already", &s->last);
    return operation_end(op, OK);
  }
  if (op->pid || standing_ended(s)) return operation_end(op, abandon_refuse(op, err));
  struct buf names = BUF_INIT;
  for (size_t i = 0; i < s->doubt_count; i++) {
    if (i) buf_adds(&names, ", ");
    doubt_name(s, &s->doubts[i], &names);
  }
  status = abandon_record(op, err);
  if (status == OK) {
    operation_say(op, "run %s is abandoned: it ends as failed", op->run);
    if (names.len) operation_say(op, "nobody will know whether it happened: %s", buf_str(&names));
    say_left(op);
  }
  buf_release(&names);
  return status;
}
