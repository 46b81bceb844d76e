/* What keeps runs apart: `lock` and `concurrency`, by what the journal says of the runs that have
 * not ended. A run holds its lock until it ends, whether a process has it or not: one that is held,
 * waits or was interrupted half-way left things as they are. Drills have nothing in common, neither
 * with real runs nor with each other: they hold no lock and meet none. */
#include "run.h"

#include "owner.h"

struct others {
  struct lane *lane;
  int64_t count;
  struct buf who; /* them, one a line */
  char first[RUN_ID_MAX];
};

/* A run that waits for this one, at any distance, is no other. */
static bool is_ancestor(const struct lane *lane, const char *run) {
  for (const struct run *r = lane->run; r; r = child_parent(r))
    if (strcmp(r->id, run) == 0) return true;
  return false;
}

static enum status take_other(void *ud, const struct run_row *r) {
  struct others *o = ud;
  struct engine *g = o->lane->run->engine;
  char for_long[32];
  pid_t pid = 0;
  if (is_ancestor(o->lane, r->run)) return OK;
  if (o->count++ == 0) snprintf(o->first, sizeof o->first, "%s", r->run);
  bool owned = owner_of(g->owners, r->first_seq, &pid);
  bool live = strcmp(r->state, "running") == 0 || strcmp(r->state, "rolling_back") == 0;
  took_text(clock_wall(g->config.clock) - r->started_us, for_long);
  buf_addf(&o->who, "%srun %s, %s, by %s, begun %s ago", o->who.len ? "; " : "", r->run,
           live && !owned ? "interrupted" : r->state, r->actor, for_long);
  if (owned) buf_addf(&o->who, " (process %ld)", (long)pid);
  return OK;
}

static enum status refuse(const struct others *o, const char *what, struct error *err) {
  error_set(err, ERR_CONFLICT, "%s: %s", what, buf_str(&o->who));
  error_kind(err, "locked");
  error_help(err, "wait for it, or end it: stepwise show %s%s says what it needs", o->first,
             run_tail(o->lane));
  return ERR_CONFLICT;
}

static enum status others_find(struct others *o, const struct run_filter *f, struct error *err) {
  buf_clear(&o->who);
  o->count = 0;
  return journal_runs(o->lane->run->engine->config.journal, f, take_other, o, err);
}

static enum status check_lock(struct others *o, struct error *err) {
  struct lane *lane = o->lane;
  if (!lane->run->plan->lock) return OK;
  enum status status = run_text(lane, lane->run->plan->lock, &lane->run->lock, err);
  if (status != OK) return status;
  const struct run_filter f = {.lock = lane->run->lock, .open = true};
  status = others_find(o, &f, err);
  if (status != OK || !o->count) return status;
  struct buf what = BUF_INIT;
  buf_addf(&what, "another run holds the lock '%s'", lane->run->lock);
  status = refuse(o, buf_str(&what), err);
  buf_release(&what);
  return status;
}

static enum status check_concurrency(struct others *o, struct error *err) {
  struct lane *lane = o->lane;
  node_id n = lane->run->plan->concurrency;
  value most;
  if (!n) return OK;
  enum status status = run_eval(lane, n, &most, err);
  if (status != OK) return status;
  if (most.tag != V_INT || most.u.i < 1) {
    value_unref(most);
    status = error_set(err, ERR_VALUE, "concurrency wants a number of 1 or more");
    error_at(err, tree_span(lane->eval.tree, n));
    return status;
  }
  const struct run_filter f = {.runbook = lane->run->plan->name, .open = true, .drills = DRILLS_NOT};
  status = others_find(o, &f, err);
  if (status != OK || o->count < most.u.i) return status;
  struct buf what = BUF_INIT;
  buf_addf(&what, "%s may have %lld live run%s at a time (concurrency), and has",
           lane->run->plan->name, (long long)most.u.i, most.u.i == 1 ? "" : "s");
  status = refuse(o, buf_str(&what), err);
  buf_release(&what);
  return status;
}

enum status lock_look(struct lane *lane, struct error *err) {
  struct others o = {.lane = lane};
  if (lane->run->drill) return OK;
  enum status status = check_lock(&o, err);
  if (status == OK) status = check_concurrency(&o, err);
  buf_release(&o.who);
  return status;
}

/* What was appended before is committed first: should this run be refused, nothing else goes with
 * it. */
enum status run_lock(struct lane *lane, struct error *err) {
  struct engine *g = lane->run->engine;
  const struct plan *plan = lane->run->plan;
  if ((!plan->lock && !plan->concurrency) || lane->run->drill) return OK;
  /* A run that goes on and has not ended never gave up what it has. */
  if (lane->run->history && lane->run->history->state < RUN_SUCCEEDED) return OK;
  enum status status = journal_pending(g->config.journal) ? engine_commit(g, err) : OK;
  if (status == OK) status = journal_hold(g->config.journal, err);
  if (status != OK) return status;
  status = lock_look(lane, err);
  if (status != OK) journal_rollback(g->config.journal);
  return status;
}
