/* Signals: what each asks of the runs, and what a person at the terminal is asked in turn.
 *
 * The first one stops a run at the next safe place. A rollback is not stopped, and a run that is
 * being stopped is not stopped twice: Ctrl-C then asks whether to wait or to leave the run as it is,
 * now. Whoever leaves leaves a journal to go on from. */
#include "page.h"
#include "run.h"

#include <signal.h>

static const char *signal_words(int signum) {
  return signum == SIGINT ? "interrupted" : signum == SIGHUP ? "the terminal is gone" : "told to stop";
}

static void run_interrupt(struct run *run, int signum) {
  const char *what =
      run->rolling_back          ? "a rollback is under way and is finished first"
      : run->result->interrupted ? "it is being stopped; what is under way is finished first"
                                 : "stopping at the next safe place; what is under way is finished first";
  run->signals += signum != SIGHUP;
  page_signal_came(run);
  if (signum == SIGHUP) run->parked |= !run->rolling_back;
  else run->result->interrupted |= !run->rolling_back;
  if (!child_waited_for(run->child))
    run_notice(&run->main, &(struct notice){.kind = NOTICE_INTERRUPTED,
                                          .text = signal_words(signum),
                                          .detail = what});
  lane_halt(&run->main, HALT_SIGNAL);
}

/* --- leaving --- */

/* What would be cut off: "a rollback (drain) is under way". */
static void under_way(const struct engine *g, struct buf *out) {
  for (const struct run *run = g->runs; run; run = run->next) {
    buf_addf(out, "%s%s", out->len ? "; " : "",
             run->rolling_back ? "a rollback is under way" : "the run is being stopped");
    unsigned n = 0;
    for (const struct lane *lane = run->lanes; lane; lane = lane->next)
      if (lane->task && lane->at) buf_addf(out, "%s%s", n++ ? ", " : ", in ", lane->at->id);
  }
}

/* The journal is told, and what it was told so far is committed. A write action that is cut off has
 * its intent there: it is in doubt from now on. */
static void runs_left(struct engine *g, const char *who, const char *what) {
  for (struct run *run = g->runs; run; run = run->next) {
    struct record r = {0};
    struct error err = {0};
    if (!run->begun) continue;
    record_text(&r, "text", who);
    record_text(&r, "while", what);
    enum status status = run_record(&run->main, EVENT_NAME(RUN_NOTED), &r, &err);
    if (status == OK && !g->journal_lost) status = engine_commit(g, &err);
    run_notice(&run->main, &(struct notice){.kind = NOTICE_LEFT,
                                            .id = run->id,
                                            .text = status == OK ? NULL : err.message});
    error_release(&err);
  }
}

void engine_leave(struct engine *g, const char *who, const char *what) {
  const struct prompter *p = g->config.prompter;
  runs_left(g, who, what);
  p->quit(p->ud);
}

static void leave_task(void *arg) {
  struct engine *g = arg;
  const struct prompter *p = g->config.prompter;
  struct buf what = BUF_INIT;
  under_way(g, &what);
  bool leave = p->leave(p->ud, buf_str(&what));
  if (leave) engine_leave(g, "left as it is, by the operator at the terminal", buf_str(&what));
  buf_release(&what);
  task_release(g->leaving);
  g->leaving = NULL;
}

/* Nobody is left to leave: the question is taken back. */
void leave_forget(struct engine *g) {
  if (g->leaving && !g->runs) task_cancel(g->leaving);
}

void signal_came(void *ud, int signum) {
  struct engine *g = ud;
  bool again = false;
  if (g->on_signal) g->on_signal(g->signal_ud, signum);
  for (const struct run *run = g->runs; run; run = run->next)
    again |= run->rolling_back || run->result->interrupted;
  if (g->leaving && signum == SIGINT) return; /* the question stands there */
  if (again && signum == SIGINT && g->config.prompter->interactive) {
    g->leaving = task_spawn(g->tasks, leave_task, g);
    return;
  }
  for (struct run *run = g->runs; run; run = run->next)
    run_interrupt(run, signum);
}
