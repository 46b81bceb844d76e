/* Cancelling a live run from elsewhere. */
#include "cancel.h"

#include "peek.h"

static void stop_for(struct run *run, const struct event *e, bool rollback, const char *what) {
  char *reason = peek_copy(e->data, e->data_len, "reason");
  struct buf text = BUF_INIT;
  run->cancel.by = mem_strdup(e->actor);
  run->cancel.reason = reason ? reason : mem_strdup("");
  run->cancel.rollback = rollback;
  buf_addf(&text, "%s %s", e->actor, what);
  run_notice(&run->main,
             &(struct notice){.kind = NOTICE_INTERRUPTED,
                              .text = buf_str(&text),
                              .detail = "stopping at the next safe place; what is under way is "
                                        "finished first"});
  buf_release(&text);
  lane_halt(&run->main, HALT_SIGNAL);
}

void cancel_came(struct run *run, const struct event *e) {
  if (run->cancel.by || run->rolling_back) return;
  stop_for(run, e, peek_true(e->data, e->data_len, "rollback"), "cancels it");
}

void rollback_came(struct run *run, const struct event *e) {
  if (run->cancel.by || run->rolling_back) return;
  run->cancel.undo = true;
  run->undo_to = peek_copy(e->data, e->data_len, "to");
  stop_for(run, e, true, "rolls it back");
}

void run_cancelled(struct lane *lane, struct step_run *s, struct error *err) {
  struct run *run = lane->run;
  error_set(err, ERR_CANCELLED, "%s by %s%s%s", run->cancel.undo ? "rolled back" : "cancelled",
            run->cancel.by, *run->cancel.reason ? ": " : "", run->cancel.reason);
  error_kind(err, run->cancel.undo ? "rollback" : "cancelled");
  if (run->cancel.undo || (run->cancel.rollback && run->armed)) {
    run_roll_back(lane, err);
    return;
  }
  struct record r = {0};
  struct buf text = BUF_INIT;
  run->result->state = RUN_CANCELLED; /* the handler is told the state that follows */
  run_handler(lane, s, err);
  run_left_text(lane, &text);
  record_text(&r, "reason", run->cancel.reason);
  record_text(&r, "by", run->cancel.by);
  if (s) record_text(&r, "step", s->id);
  record_int(&r, "duration_us", run_age(run));
  run_end(lane, RUN_CANCELLED, EVENT_NAME(RUN_CANCELLED), &r, err, buf_str(&text));
  buf_release(&text);
}
