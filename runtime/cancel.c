/* Cancelling a live run from elsewhere. */
#include "cancel.h"

#include "history.h"
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

static enum status request_read(void *ud, const struct event *e) {
  cancel_came(ud, e);
  return ERR_STOP;
}

void cancel_pending(struct run *run) {
  struct error err = {0};
  struct event_filter at = {.run = run->id};
  for (uint32_t n = run->history->count; n > 0; n--) {
    const struct past *p = history_event(run->history, n);
    /* Settling its doubts made it wait; anything else came after the request and answered it. */
    if (event_kinds[p->kind].state != RUN_NONE && p->kind != EVENT_RUN_WAITING) return;
    if (p->kind != EVENT_RUN_CANCEL_REQUESTED) continue;
    at.after = p->seq - 1;
    if (journal_scan(run->engine->config.journal, &at, request_read, run, &err) != OK)
      error_release(&err);
    return;
  }
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
