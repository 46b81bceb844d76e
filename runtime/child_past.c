/* Children of a run that goes on: one that was begun is never begun again. It is found by its place
 * in the plan and its id, and what the journal has of its own run decides. */
#include "child.h"

#include "family.h"
#include "history.h"
#include "owner.h"

struct child_row {
  enum run_state state;
  int64_t first_seq;
};

static enum status take_row(void *ud, const struct run_row *r) {
  *(struct child_row *)ud = (struct child_row){run_state_find(r->state), r->first_seq};
  return OK;
}

/* RUN_NONE: it never began. */
static enum status row_of(struct lane *lane, const char *id, struct child_row *out,
                          struct error *err) {
  const struct run_filter f = {.run = id};
  *out = (struct child_row){.state = RUN_NONE};
  return journal_runs(lane->run->engine->config.journal, &f, take_row, out, err);
}

static enum status state_of(struct lane *lane, const char *id, enum run_state *out,
                            struct error *err) {
  struct child_row row;
  enum status status = row_of(lane, id, &row, err);
  *out = row.state;
  return status;
}

struct outputs {
  struct symtab *syms;
  struct dict *d;
};

static enum status take_output(void *ud, const char *name, value owned) {
  struct outputs *o = ud;
  dict_set(o->d, value_symbol(sym_intern(o->syms, name, strlen(name))), owned);
  return OK;
}

/* What a run that succeeded gave to who waits for it. */
static enum status child_outputs(struct lane *lane, const struct history *h, value *out,
                          struct error *err) {
  struct outputs o = {lane->run->program->syms, dict_new()};
  uint32_t end = 0;
  for (uint32_t e = 1; e <= h->count; e++)
    if (h->events[e].kind == EVENT_RUN_SUCCEEDED) end = e;
  enum status status = end ? past_members(h, end, "outputs", o.syms, take_output, &o, err) : OK;
  *out = value_record(o.d);
  if (status == OK) return OK;
  value_unref(*out);
  return status;
}

/* Whether there is anything of it to be undone. */
static bool can_be_undone(const struct history *h) {
  for (size_t i = 1; i < h->step_count; i++)
    if (h->steps[i]->armed_seq && h->steps[i]->undo != UNDO_DONE) return true;
  for (uint32_t e = 1; e <= h->count; e++)
    if (h->events[e].kind == EVENT_CHILD_STARTED && past_is(h, e, "wait", NULL)) return true;
  return false;
}

/* --- taking a run over --- */

static enum status has_errors(const struct lane *lane, const struct child_run *c,
                              struct error *err) {
  error_set(err, ERR_CHECK, "run %s (%s) cannot go on: this version refuses its text", c->runbook,
            c->past_id);
  error_help(err, "stepwise resume %s%s tells why", c->past_id, run_tail(lane));
  return ERR_CHECK;
}

static enum status own(struct lane *lane, const struct child_run *c, int64_t first_seq,
                       struct error *err) {
  struct owners *owners = lane->run->engine->owners;
  pid_t pid = 0;
  bool had = owner_of(owners, first_seq, &pid); /* by this process too */
  enum status status = had ? ERR_CONFLICT : owner_take(owners, first_seq, &pid, err);
  if (status != ERR_CONFLICT) return status;
  error_set(err, ERR_WAITING, "run %s (%s) is in the hands of process %ld", c->runbook, c->past_id,
            (long)pid);
  error_kind(err, "child");
  return ERR_WAITING;
}

/* Somebody else went on with it before it was taken. */
static enum status ended_meanwhile(const struct child_run *c, struct error *err) {
  error_set(err, ERR_WAITING, "run %s (%s) has just ended elsewhere", c->runbook, c->past_id);
  error_kind(err, "child");
  return ERR_WAITING;
}

static bool is_undone(enum run_state state) {
  return state == RUN_NONE || state == RUN_CANCELLED || state == RUN_ROLLED_BACK;
}

/* *nothing: there is nothing left of it to be undone. */
static enum status past_load(struct lane *lane, struct child_run *c, bool back, bool *nothing,
                             struct error *err) {
  struct journal *j = lane->run->engine->config.journal;
  enum status status = history_load(&c->history, j, c->past_id, err);
  if (status != OK) return status;
  bool ended = c->history->state >= RUN_SUCCEEDED;
  if (ended && !back) return ended_meanwhile(c, err);
  *nothing = back && ended && (is_undone(c->history->state) || !can_be_undone(c->history));
  if (*nothing) return OK;
  status = pinned_load(&c->pinned, j, c->past_id, err);
  if (status != OK) return status;
  bool good = c->pinned.program->plan && !c->pinned.program->diags.errors;
  return good ? OK : has_errors(lane, c, err);
}

enum status child_take_over(struct lane *lane, struct child_run *c, bool back, struct error *err) {
  struct child_row row;
  bool nothing = false;
  enum status status = row_of(lane, c->past_id, &row, err);
  if (status != OK || (back && is_undone(row.state))) return status;
  struct journal *j = lane->run->engine->config.journal;
  bool joins = journal_pending(j);
  status = journal_hold(j, err); /* what an operator does to it meanwhile is not missed */
  if (status != OK) return status;
  status = own(lane, c, row.first_seq, err);
  bool owned = status == OK;
  if (owned) status = past_load(lane, c, back, &nothing, err);
  if (!joins) journal_rollback(j);
  if (!owned) return status;
  if (status != OK || nothing) {
    owner_drop(lane->run->engine->owners, row.first_seq);
    return status;
  }
  c->resume = (struct resume){.history = c->history, .back = back};
  if (back) c->resume.reason = "the run that waited for it is rolled back";
  c->options.resume = &c->resume;
  child_live(lane, c, c->pinned.program);
  return OK;
}

/* --- what became of it --- */

/* What the parent's journal has of the child at this place. */
struct past_child {
  uint32_t started, finished; /* events of the parent's history; 0 = none */
  char *id;                   /* owned */
};

/* Each failure's block has children of its own: those of a block that was told before do not count. */
static uint32_t past_at(struct lane *lane, const struct child_run *c, enum event_kind kind) {
  struct history *h = lane->run->history;
  uint32_t e = history_place(h, kind, buf_str(&c->place));
  return lane->run->in_handler && e <= h->rested ? 0 : e;
}

static void past_find(struct lane *lane, const struct child_run *c, struct past_child *out) {
  struct history *h = lane->run->history;
  *out = (struct past_child){0};
  if (!h) return;
  out->started = past_at(lane, c, EVENT_CHILD_STARTED);
  if (!out->started) return;
  out->id = past_text(h, out->started, "run");
  uint32_t finished = past_at(lane, c, EVENT_CHILD_FINISHED);
  if (finished && out->id && past_is(h, finished, "run", out->id)) out->finished = finished;
}

struct step_run *child_arm_past(struct lane *lane, const struct child_run *c, const char *id,
                                int64_t seq) {
  struct child_run *then = mem_zalloc(sizeof *then);
  then->call = c->call;
  then->runbook = mem_strdup(c->runbook);
  then->past_id = mem_strdup(id);
  buf_adds(&then->place, buf_str(&c->place));
  then->parent_id = mem_strdup(lane->run->id);
  then->parent =
      (struct run_parent){.run = then->parent_id, .place = buf_str(&then->place), .waits = true};
  then->options.parent = &then->parent;
  then->options.virtual_clock = c->options.virtual_clock;
  then->options.drill = c->options.drill;
  then->options.site = lane->run->site;
  struct step_run *s = child_arm(lane, then, seq);
  s->did = true;
  return s;
}

/* It succeeded, and its parent did not get to say so. */
static enum status gave(struct lane *lane, struct child_run *c, const struct past_child *p,
                        value *result, struct error *err) {
  struct history *h;
  value outputs;
  enum status status = history_load(&h, lane->run->engine->config.journal, p->id, err);
  if (status != OK) return status;
  status = child_outputs(lane, h, &outputs, err);
  history_free(h);
  if (status != OK) return status;
  *result = child_result(lane, p->id, RUN_SUCCEEDED, outputs);
  c->result.state = RUN_SUCCEEDED;
  return child_finished(lane, c, p->id, *result, err);
}

/* It ended, and not well, and nobody has met that yet. */
static enum status ended_badly(struct lane *lane, struct child_run *c, enum run_state state,
                               struct error *err) {
  c->result.state = state;
  enum status status = child_finished(lane, c, c->past_id, VALUE_NIL, err);
  return status == OK ? child_failed(lane, c, err) : status;
}

static enum again_child decide(struct lane *lane, struct child_run *c, const struct past_child *p,
                               enum run_state state, value *result, enum status *status,
                               struct error *err) {
  struct history *h = lane->run->history;
  bool over = p->finished && past_is(h, p->finished, "state", run_state_name(RUN_SUCCEEDED));
  if (!is_undone(state) && (state >= RUN_SUCCEEDED || lane->run->back))
    child_arm_past(lane, c, p->id, h->events[p->started].seq);
  if (over) {
    *status = past_value(h, p->finished, "result", lane->run->program->syms, result, err);
    return CHILD_DONE;
  }
  if (state == RUN_SUCCEEDED) return *status = gave(lane, c, p, result, err), CHILD_DONE;
  c->past_id = mem_strdup(p->id);
  if (lane->run->back) return *status = run_back_stop(err), CHILD_FAILED;
  if (state == RUN_NONE) return CHILD_NEW;
  if (state < RUN_SUCCEEDED) {
    c->armed_seq = h->events[p->started].seq;
    return CHILD_GOES_ON;
  }
  if (!p->finished) return *status = ended_badly(lane, c, state, err), CHILD_FAILED;
  mem_free(c->past_id); /* the operator goes on: it is tried again */
  c->past_id = NULL;
  return CHILD_NEW;
}

enum again_child child_again(struct lane *lane, struct child_run *c, value *result,
                             enum status *status, struct error *err) {
  struct past_child p;
  enum run_state state;
  enum again_child again = CHILD_NEW;
  past_find(lane, c, &p);
  if (p.id) {
    *status = state_of(lane, p.id, &state, err);
    again = *status == OK ? decide(lane, c, &p, state, result, status, err) : CHILD_FAILED;
  }
  mem_free(p.id);
  return again;
}

enum status child_started_before(struct lane *lane, struct child_run *c, bool *begun,
                                 struct error *err) {
  struct past_child p;
  enum run_state state = RUN_NONE;
  past_find(lane, c, &p);
  *begun = p.finished != 0;
  if (!p.id || *begun) return mem_free(p.id), OK;
  enum status status = state_of(lane, p.id, &state, err);
  *begun = state != RUN_NONE;
  if (*begun && state < RUN_SUCCEEDED) {
    struct buf text = BUF_INIT;
    buf_addf(&text, "%s was started before: run %s; stepwise show %s%s says how it is",
             c->runbook, p.id, p.id, run_tail(lane));
    run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
    buf_release(&text);
  }
  c->past_id = p.id;
  return status;
}
