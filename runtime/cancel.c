/* Cancelling a live run from elsewhere. */
#include "cancel.h"

#include "peek.h"

void cancel_came(struct run *run, const struct event *e) {
  if (run->cancel.by || run->rolling_back) return;
  char *reason = peek_copy(e->data, e->data_len, "reason");
  run->cancel.by = mem_strdup(e->actor);
  run->cancel.reason = reason ? reason : mem_strdup("");
  run->cancel.rollback = peek_true(e->data, e->data_len, "rollback");
  struct buf text = BUF_INIT;
  buf_addf(&text, "%s cancels it", e->actor);
  run_notice(&run->main,
             &(struct notice){.kind = NOTICE_INTERRUPTED,
                              .text = buf_str(&text),
                              .detail = "stopping at the next safe place; what is under way is "
                                        "finished first"});
  buf_release(&text);
  lane_halt(&run->main, HALT_SIGNAL);
}

void run_cancelled(struct lane *lane, struct step_run *s, struct error *err) {
  struct run *run = lane->run;
  error_set(err, ERR_CANCELLED, "cancelled by %s: %s", run->cancel.by, run->cancel.reason);
  error_kind(err, "cancelled");
  if (run->cancel.rollback && run->armed) {
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
