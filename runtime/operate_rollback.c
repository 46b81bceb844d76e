/* rollback: whether a run may be undone, and by whom. */
#include "operate.h"

#include <time.h>

#include "codec.h"
#include "rollback_to.h"

enum { LOOK_AGAIN_US = 50000 };

static void nap(void) {
  const struct timespec t = {.tv_nsec = LOOK_AGAIN_US * 1000L};
  nanosleep(&t, NULL);
}

static enum status refuse_sealed(struct operation *op, struct error *err) {
  struct buf b = BUF_INIT;
  told_text(&op->standing.sealed, &b);
  error_set(err, ERR_CONFLICT, "run %s is sealed, %s", op->run, buf_str(&b));
  error_help(err, "a sealed run stays as it is; undo it by hand or with another runbook");
  buf_release(&b);
  return ERR_CONFLICT;
}

static void say_nothing_left(struct operation *op) {
  const struct standing *s = &op->standing;
  struct buf b = BUF_INIT;
  told_text(&s->last, &b);
  if (s->state == RUN_ROLLED_BACK)
    operation_say(op, "run %s is rolled back already, %s", op->run, buf_str(&b));
  else
    operation_say(op, "run %s is %s, and %s", op->run, standing_state(s, op->pid != 0),
                  s->wrote_count ? "all that it did is undone" : "nothing was changed");
  buf_release(&b);
}

/* An undoing that was interrupted stops where it was to stop. */
static enum status same_end(const struct operation *op, const struct history *h, const char *to,
                            struct error *err) {
  char *was = h->rolling_back ? past_text(h, h->rolling_back, "to") : NULL;
  enum status status = OK;
  if (h->rolling_back && strcmp(was ? was : "", to ? to : "") != 0) {
    status = error_set(err, ERR_CONFLICT, "run %s is being rolled back%s%s, and was interrupted", h->run,
                       was ? " to " : " as a whole", was ? was : "");
    error_help(err, "stepwise resume %s%s goes on with that; roll back further afterwards", h->run,
               op->tail);
  }
  mem_free(was);
  return status;
}

static enum status look(struct operation *op, const char *to, size_t *left, struct error *err) {
  struct history *h = NULL;
  struct undo_list list = {0};
  enum status status = history_load(&h, op->journal, op->run, err);
  if (status == OK && !op->pid) status = same_end(op, h, to, err);
  if (status == OK) status = undo_list_make(h, to, &list, err);
  *left = list.count;
  undo_list_release(&list);
  history_free(h);
  return status;
}

/* --- a run that a process has --- */

static enum status ask_owner(struct operation *op, const char *to, struct error *err) {
  const struct standing *s = &op->standing;
  struct buf m = BUF_INIT;
  if (s->state == RUN_ROLLING_BACK || s->rollback_asked.seq > s->last.seq) return OK;
  if (op->reason) buf_adds(&m, "\"reason\":"), json_text(&m, op->reason, strlen(op->reason));
  if (to) buf_addf(&m, "%s\"to\":", m.len ? "," : ""), json_text(&m, to, strlen(to));
  enum status status =
      operation_record(op, EVENT_NAME(RUN_ROLLBACK_REQUESTED), "", buf_str(&m), err);
  buf_release(&m);
  return status;
}

static enum status outcome(struct operation *op) {
  const struct standing *s = &op->standing;
  struct buf left = BUF_INIT;
  size_t n = standing_left(s, &left);
  bool undone = s->state == RUN_ROLLED_BACK;
  operation_say(op, "run %s is %s", op->run, standing_state(s, false));
  if (n) operation_say(op, "done and not undone, latest first: %s", buf_str(&left));
  buf_release(&left);
  return undone ? OK : ERR_STOP;
}

/* Whether there is anything to undo here: then the run is ours before anybody else may write. */
static enum status judge(struct operation *op, const char *to, bool *go, struct error *err) {
  size_t left = 0;
  enum status status = op->standing.sealed.by ? refuse_sealed(op, err) : OK;
  if (status == OK) status = look(op, to, &left, err);
  if (status != OK || op->pid) return status;
  *go = left || op->standing.state == RUN_ROLLING_BACK;
  if (!*go) return say_nothing_left(op), OK;
  status = owner_take(op->owners, op->standing.first_seq, NULL, err);
  *go = status == OK;
  return status;
}

static enum status rollback_live(struct operation *op, const char *to, int64_t wait_us, bool *go,
                                 struct error *err) {
  pid_t pid = op->pid, holder;
  enum status status = operation_end(op, ask_owner(op, to, err));
  for (int64_t waited = 0; status == OK && waited < wait_us; waited += LOOK_AGAIN_US) {
    nap();
    if (owner_of(op->owners, op->standing.first_seq, &holder)) continue;
    status = operation_begin(op, true, err);
    if (status != OK) return status;
    if (op->pid && operation_end(op, OK) == OK) continue; /* another one took it up at once */
    bool seen = op->standing.state == RUN_ROLLED_BACK ||
                op->standing.state == RUN_ROLLBACK_INCOMPLETE ||
                op->standing.state == RUN_IN_DOUBT;
    return seen ? outcome(op) : judge(op, to, go, err); /* it ended without a look at the request */
  }
  if (status != OK) return status;
  error_set(err, ERR_WAITING, "process %ld is asked to roll run %s back and has not done so yet",
            (long)pid, op->run);
  error_help(err, "what is under way is finished first; stepwise show %s%s tells how far it is",
             op->run, op->tail);
  return ERR_WAITING;
}

enum status operate_rollback(struct operation *op, const char *to, int64_t wait_us, bool *go,
                             struct error *err) {
  *go = false;
  enum status status = operation_begin(op, true, err);
  if (status != OK) return status;
  status = judge(op, to, go, err);
  if (status == OK && op->pid) status = rollback_live(op, to, wait_us, go, err);
  return operation_end(op, status);
}
