/* How an undoing ends: all of it done, or what is left, for the journal and for who must do it. */
#include "run.h"

void record_armed(struct record *r, const char *name, const struct run *run,
                  const struct step_run *keep) {
  size_t n = 0;
  for (struct step_run *a = run->armed; a != keep; a = a->before)
    n++;
  const char **ids = mem_array(n + 1, sizeof *ids);
  n = 0;
  for (struct step_run *a = run->armed; a != keep; a = a->before)
    ids[n++] = a->id;
  if (n) record_texts(r, name, ids, n);
  else record_raw(r, name, "[]");
  mem_free(ids);
}

/* One step that is left: what it is called, and what its rollback would do. */
static void left_text(const struct step_run *s, unsigned number, struct buf *out) {
  enum { SHOWN = 400 };
  const struct plan *plan = s->lane->run->plan;
  const struct symtab *syms = s->lane->run->program->syms;
  buf_addf(out, "\n%u. %s (%s)", number, s->label, s->id);
  sym role = s->step->requires_role ? s->step->requires_role : plan->requires_role;
  if (role) buf_addf(out, ", by :%s", sym_text(syms, role));
  if (s->in_doubt) buf_adds(out, ", once it is settled");
  buf_adds(out, ": ");
  if (s->child) buf_addf(out, "stepwise rollback %s%s", child_id(s->child), run_tail(s->lane));
  else if (s->step->rollback) tree_line(s->lane->eval.tree, s->step->rollback, SHOWN, out);
  else buf_adds(out, "it is irreversible");
}

/* What was to stay done. */
static void kept_text(const struct step_run *keep, struct buf *out) {
  for (const struct step_run *s = keep; s; s = s->before)
    buf_addf(out, "%s %s", s == keep ? "done and not undone, latest first:" : ",", s->id);
}

static void all_left_text(const struct run *run, const struct step_run *keep, struct buf *out) {
  unsigned n = 0;
  buf_adds(out, run->armed != keep ? "still to be undone, in this order:" : "nothing is left to undo");
  for (struct step_run *s = run->armed; s != keep; s = s->before)
    left_text(s, ++n, out);
  if (run->plan->owner) buf_addf(out, "\nthe runbook's owner is %s", run->plan->owner);
}

static void undone(struct lane *lane, const struct step_run *keep, struct error *cause) {
  struct record r = {0};
  struct buf kept = BUF_INIT;
  lane->run->result->state = RUN_ROLLED_BACK;
  run_handler(lane, lane->at, cause);
  record_int(&r, "duration_us", run_age(lane->run));
  record_text(&r, "to", lane->run->undo_to);
  kept_text(keep, &kept);
  run_end(lane, RUN_ROLLED_BACK, EVENT_NAME(RUN_ROLLED_BACK), &r, cause,
          kept.len ? buf_str(&kept) : NULL);
  buf_release(&kept);
}

static void incomplete(struct lane *lane, const struct step_run *keep, struct error *problem) {
  struct run *run = lane->run;
  struct record r = {0};
  struct buf left = BUF_INIT;
  run->result->state = RUN_ROLLBACK_INCOMPLETE;
  run_handler(lane, lane->at, problem);
  all_left_text(run, keep, &left);
  record_armed(&r, "left", run, keep);
  record_text(&r, "step", run->armed ? run->armed->id : "");
  record_error(&r, "error", problem, run->program);
  record_text(&r, "text", buf_str(&left));
  run_end(lane, RUN_ROLLBACK_INCOMPLETE, EVENT_NAME(RUN_ROLLBACK_INCOMPLETE), &r, problem,
          buf_str(&left));
  buf_release(&left);
}

static void doubtful(struct step_run *s, struct error *problem) {
  struct step_run *at = s->lane->at;
  s->lane->at = s;
  run_doubt(s->lane, s, problem);
  s->lane->at = at;
}

void rollback_ended(struct lane *lane, const struct step_run *keep, struct error *cause,
                    struct error *problem) {
  struct step_run *s = lane->run->armed;
  if (!problem) undone(lane, keep, cause);
  else if (s && s->in_doubt) doubtful(s, problem);
  else incomplete(lane, keep, problem);
}
