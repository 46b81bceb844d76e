/* A step that the journal has: its variables are set again, its rollback is armed where it was, and
 * what became of it decides whether it is run. */
#include "approval.h"

/* --- what it set --- */

struct setting_again {
  struct lane *lane;
};

/* A name that the plan no longer has is of no use to it. */
static enum status set_again(void *ud, const char *name, value owned) {
  struct setting_again *a = ud;
  struct lane *lane = a->lane;
  const struct unit *unit = &lane->run->plan->unit;
  sym s = sym_find(lane->run->program->syms, name, strlen(name));
  for (uint32_t i = 0; s && i < unit->slot_count; i++) {
    if (unit->slot_names[i] != s) continue;
    eval_set_slot(&lane->eval, i, owned);
    return OK;
  }
  value_unref(owned);
  return OK;
}

static enum status outputs_again(struct lane *lane, const struct step_past *p, struct error *err) {
  struct setting_again a = {lane};
  if (!p->outputs_at) return OK;
  return past_members(lane->run->history, p->outputs_at, "outputs", lane->run->program->syms,
                      set_again, &a, err);
}

/* --- its rollback --- */

void step_arm(struct lane *lane, struct step_run *s, int64_t seq) {
  struct step_run **at = &lane->run->armed;
  s->armed = true;
  s->armed_seq = seq;
  lane->armed++;
  while (*at && (*at)->armed_seq > seq)
    at = &(*at)->before;
  s->before = *at;
  *at = s;
}

/* What became of the writes of its body. */
struct writes {
  bool did;      /* one succeeded */
  uint32_t open; /* the intent of one that nobody knows of, or 0 */
};

static struct writes writes_of(const struct history *h, const struct step_past *p) {
  struct writes w = {0};
  bool write = false;
  for (uint32_t e = p->first; e; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    const char *json;
    size_t len;
    if (kind == EVENT_ACTION_STARTED) {
      write = past_is(h, e, "effect", "write") && !past_is(h, e, "rollback", NULL) &&
              !past_is(h, e, "page", NULL);
      if (write) w.open = e;
    } else if (kind == EVENT_ACTION_FINISHED && write) {
      w.open = 0;
      w.did |= !past_raw(h, e, "error", &json, &len);
    } else if (kind == EVENT_ITEMS_FINISHED && write) {
      w.did |= past_int(h, e, "sent", 0) > 0;
    } else if (kind == EVENT_ACTION_SETTLED && write) {
      w.open = 0;
      w.did |= past_is(h, e, "as", "done");
    }
  }
  return w;
}

static void arm_again(struct lane *lane, struct step_run *s) {
  const struct history *h = lane->run->history;
  const struct step_past *p = s->past;
  if (!p->armed_seq || p->undo == UNDO_DONE) return;
  step_arm(lane, s, p->armed_seq);
  const struct writes w = writes_of(h, p);
  s->did = w.did || w.open;
  s->done = p->outcome == STEP_FINISHED || p->outcome == STEP_SKIPPED;
  s->undo_again = h->rolling_back && p->undo == UNDO_BEGUN;
}

/* --- what became of it --- */

static enum again finished(struct lane *lane, const struct step_past *p) {
  char *reason = past_text(lane->run->history, p->ended, "reason");
  if (!reason) return AGAIN_DONE;
  mem_free(lane->stop_reason);
  lane->stop_reason = reason;
  return AGAIN_FINISH;
}

/* A failure that was held is tried again because an operator says so; one whose run was interrupted
 * before it ended is met again. */
static enum again failed(struct lane *lane, struct step_run *s, enum status *status,
                         struct error *err) {
  const struct history *h = lane->run->history;
  const struct step_past *p = s->past;
  bool go_on = past_is(h, p->ended, "policy", "continue");
  if (go_on || past_is(h, p->ended, "policy", "skip")) {
    lane->run->some_failed |= go_on;
    return AGAIN_DONE;
  }
  if (lane->run->back) return *status = run_back_stop(err), AGAIN_FAILED;
  if (p->ended > h->held) {
    past_error(h, p->ended, "error", err);
    if (strcmp(err->kind, "declined") == 0) err->status = ERR_CANCELLED;
    /* What its gate said to do then, which the step itself need not say. */
    if (failed_of_no(err)) s->policy = past_is(h, p->ended, "policy", "rollback") ? POLICY_ROLLBACK : POLICY_HOLD;
    *status = err->status;
    return AGAIN_FAILED;
  }
  return AGAIN_NOT;
}

static enum again begun(struct lane *lane, struct step_run *s) {
  s->again = s->past->began != 0;
  if (!s->again) return AGAIN_NOT;
  s->started = run_mono(lane->run, lane->run->history->events[s->past->began].time_us);
  s->replay = replay_body(lane->run->history, s->past);
  s->gate_due = s->replay != NULL;
  return AGAIN_NOT;
}

void step_meet(struct lane *lane, struct step_run *s) {
  struct history *h = lane->run->history;
  struct step_past *p = s->past = h ? history_step(h, s->id) : NULL;
  if (!p) return;
  if (!p->visited && (p->began || p->ended)) lane->run->visited++;
  p->visited = true;
}

enum again step_again(struct lane *lane, struct step_run *s, enum status *status,
                      struct error *err) {
  struct step_past *p = s->past;
  *status = OK;
  if (!p) return AGAIN_NOT;
  *status = outputs_again(lane, p, err);
  if (*status != OK) return AGAIN_NOT;
  arm_again(lane, s);
  if (p->outcome == STEP_FAILED) return failed(lane, s, status, err);
  if (p->outcome == STEP_FINISHED) return finished(lane, p);
  return p->outcome == STEP_SKIPPED ? AGAIN_DONE : begun(lane, s);
}

/* --- what an operator passes over --- */

static size_t place_of(const struct plan *plan, const char *id) {
  size_t i = 0;
  while (i < plan->step_count && strcmp(plan->steps[i]->id, id) != 0)
    i++;
  return i;
}

bool resume_passes(const struct lane *lane, const struct step *step, const char **why) {
  const struct plan *plan = lane->run->plan;
  const struct resume *o = lane->run->options->resume;
  if (!o) return false;
  *why = o->reason ? o->reason : "--skip";
  for (size_t i = 0; i < o->skip_count; i++)
    if (strcmp(step->id, o->skip[i]) == 0) return true;
  *why = "before --from";
  return o->from && place_of(plan, step->id) < place_of(plan, o->from);
}

const struct action *past_action(const struct run *run, uint32_t started) {
  const struct program *p = run->program;
  char *binding = past_text(run->history, started, "binding");
  char *action = past_text(run->history, started, "action");
  const struct action *found = NULL;
  for (size_t i = 0; binding && action && i < p->binding_count; i++) {
    const struct binding *b = p->bindings[i];
    for (size_t k = 0; k < b->action_count; k++)
      if (strcmp(sym_text(p->syms, b->name), binding) == 0 &&
          strcmp(sym_text(p->syms, b->actions[k].name), action) == 0)
        found = &b->actions[k];
  }
  mem_free(binding);
  mem_free(action);
  return found;
}

enum status doubt_passed(struct step_run *s, struct error *err) {
  const struct run *run = s->lane->run;
  uint32_t open = writes_of(run->history, s->past).open;
  if (!open) return OK;
  char *key = past_text(run->history, open, "key");
  s->in_doubt = true;
  s->doubt = (struct step_doubt){.action = past_action(run, open),
                                 .call = (uint32_t)past_int(run->history, open, "call", 0)};
  snprintf(s->doubt.key, sizeof s->doubt.key, "%s", key ? key : "");
  mem_free(key);
  error_set(err, ERR_FAILED, "step %s cannot be passed over: whether a write of it happened is not known",
            s->id);
  error_kind(err, "in_doubt");
  doubt_help(run, s->id, err);
  return ERR_FAILED;
}

bool doubt_left(struct lane *lane) {
  struct history *h = lane->run->history;
  struct error err = {0};
  for (size_t i = 1; h && i < h->step_count; i++) {
    struct step_run s = {.lane = lane, .past = h->steps[i]};
    if (s.past->visited) continue;
    s.id = mem_strdup(s.past->id);
    bool open = doubt_passed(&s, &err) != OK;
    if (open) run_doubt(lane, &s, &err);
    mem_free(s.id);
    error_release(&err);
    if (open) return true;
  }
  return false;
}
