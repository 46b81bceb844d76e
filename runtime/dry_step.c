/* One step of a plan: gate, limits, body, verification, the way back; and what comes of it. */
#include "dry_own.h"

/* --- the gate --- */

static const char *const otherwise_name[] = {"else the step fails", "else the step is skipped",
                                             "else the operator is asked"};

/* What a guard that does not hold means here; *skip: the step ends. */
static void guard_fails(struct dry *d, const struct guard *g, struct dry_line *line, bool *skip) {
  struct buf why = BUF_INIT;
  buf_addf(&why, "guard: not so: %s", line->text);
  if (g->otherwise == OTHERWISE_SKIP && !d->maybe) {
    *skip = true;
    d->at->outcome = DRY_SKIPPED;
    d->at->reason = buf_take(&why);
  } else if (g->otherwise == OTHERWISE_FAIL) {
    dry_fails(d, buf_str(&why));
  }
  buf_release(&why);
}

static enum status guard_look(struct dry *d, const struct guard *g, bool *open, bool *skip) {
  char *text;
  value v;
  enum status status = dry_text(d, g->text, &text);
  if (status != OK) return status;
  status = eval_node(d->e, g->cond, &v);
  if (status != OK) {
    mem_free(text);
    return status;
  }
  enum dry_truth truth = dry_truth(v);
  value_unref(v);
  /* What is false now may be true after the writes before this. */
  bool later = truth == DRY_HOLDS_NOT && dry_may_turn(d, g->cond);
  struct dry_line *line = dry_line(d, DRY_GUARD, text);
  struct buf detail = BUF_INIT;
  buf_addf(&detail, "%s%s", later ? "not so now; " : "", otherwise_name[g->otherwise]);
  if (truth == DRY_HOLDS && dry_may_turn(d, g->cond)) {
    buf_clear(&detail);
    buf_adds(&detail, "so now; looked at again then");
  }
  line->detail = buf_take(&detail);
  line->truth = later ? DRY_OPEN : truth;
  if (line->truth == DRY_HOLDS_NOT) guard_fails(d, g, line, skip);
  *open |=
      line->truth == DRY_OPEN || (line->truth == DRY_HOLDS_NOT && g->otherwise == OTHERWISE_ASK);
  return OK;
}

/* Those of the role who may: not who starts the run, unless the gate lets them. */
static void members_text(const struct dry *d, const struct approval *a, const char *role,
                         struct buf *out) {
  const struct engine_config *config = &d->run->engine->config;
  const struct site_role *r = site_role(config->site, role);
  const char *requester = journal_actor(config->journal);
  uint32_t shown = 0;
  for (size_t i = 0; r && i < r->member_count; i++) {
    if (!a->self_ok && actor_is(requester, r->members[i])) continue;
    buf_addf(out, "%s%s", shown++ ? ", " : ": ", r->members[i]);
  }
  if (r && !shown) buf_adds(out, ": nobody who may");
  if (r && r->is_signed) buf_adds(out, " (signed)");
}

static void approval_detail(struct dry *d, const struct approval *a, struct buf *out) {
  if (a->quorum > 1) buf_addf(out, "%u people", a->quorum);
  else buf_adds(out, "1 person");
  const char *role = a->role ? sym_text(d->run->program->syms, a->role) : NULL;
  if (role) buf_addf(out, " of :%s", role);
  if (role && d->run->site) members_text(d, a, role, out);
  if (a->self_ok) buf_adds(out, ", who starts the run too");
  buf_adds(out, "; within ");
  dry_duration(d, a->within, LIMIT_APPROVAL_WITHIN, out);
  buf_adds(out, ", used within ");
  dry_duration(d, a->use_by, LIMIT_APPROVAL_USE_BY, out);
  if (a->otherwise == POLICY_ROLLBACK) buf_adds(out, ", else what was done is undone");
  if (a->otherwise == POLICY_HOLD) buf_adds(out, ", else nothing is undone");
}

static enum status approval_look(struct dry *d, const struct approval *a) {
  char *text;
  struct buf detail = BUF_INIT;
  enum status status = dry_text(d, a->text, &text);
  if (status != OK) return status;
  approval_detail(d, a, &detail);
  struct dry_line *line = dry_line(d, DRY_APPROVAL, text);
  line->truth = DRY_OPEN;
  line->detail = buf_take(&detail);
  return OK;
}

/* --- limits --- */

static const char *const policy_word[] = {[POLICY_HOLD] = "hold",
                                          [POLICY_ROLLBACK] = "rollback",
                                          [POLICY_CONTINUE] = "continue",
                                          [POLICY_SKIP] = "skip"};

/* "up to 2 more attempts after 1 second". */
static void attempts_text(struct dry *d, node_id n, int64_t otherwise, node_id backoff,
                          struct buf *out) {
  value count = value_int(otherwise);
  if (n && eval_node(d->e, n, &count) != OK) {
    error_release(d->e->err);
    count = value_unknown();
  }
  buf_adds(out, out->len ? "; up to " : "up to ");
  dry_value_text(d, count, n, false, out);
  value_unref(count);
  buf_adds(out, " more attempts after ");
  dry_duration(d, backoff, LIMIT_BACKOFF, out);
}

static void retry_text(struct dry *d, const struct step *step, struct buf *out) {
  const struct retry *r = step->retry;
  const struct symtab *syms = d->run->program->syms;
  if (!r && step->policy != POLICY_RETRY) return;
  attempts_text(d, r ? r->count : 0, DEFAULT_RETRIES, r ? r->backoff : 0, out);
  buf_adds(out, " to ");
  dry_duration(d, r ? r->max_backoff : 0, LIMIT_MAX_BACKOFF, out);
  buf_adds(out, step->policy == POLICY_RETRY ? ", whatever failed" : ", on ");
  if (step->policy == POLICY_RETRY) return;
  if (!r->kinds) buf_adds(out, "transient");
  for (size_t i = 0; r->kinds && i < r->kind_count; i++)
    buf_addf(out, "%s%s", i ? ", " : "", sym_text(syms, r->kinds[i]));
}

static void limits_look(struct dry *d, const struct step *step) {
  struct buf text = BUF_INIT;
  if (step->timeout) {
    buf_adds(&text, "an attempt takes at most ");
    dry_duration(d, step->timeout, 0, &text);
  }
  if (step->deadline) {
    buf_adds(&text, text.len ? ", the step " : "the step takes at most ");
    dry_duration(d, step->deadline, 0, &text);
  }
  retry_text(d, step, &text);
  if (step->policy != POLICY_DEFAULT && step->policy != POLICY_RETRY)
    buf_addf(&text, "%son failure: %s", text.len ? "; " : "", policy_word[step->policy]);
  if (step->requires_role)
    buf_addf(&text, "%sonly :%s may run it", text.len ? "; " : "",
             sym_text(d->run->program->syms, step->requires_role));
  if (text.len) dry_line(d, DRY_LIMIT, buf_take(&text));
}

/* What a step that does not come to its end for certain may set. all: whatever was set before. */
static void outputs_forget(struct dry *d, const struct step *step, bool all) {
  for (size_t i = 0; i < step->output_count; i++)
    if (all || !d->e->is_set[step->outputs[i]])
      eval_set_slot(d->e, step->outputs[i], value_unknown());
}

/* --- body and what follows --- */

/* What the evaluator ended with becomes the step's outcome; only an interruption goes on. */
static enum status settle(struct dry *d, enum status status) {
  struct error *err = d->e->err;
  if (status == OK || status == ERR_CANCELLED) return status;
  if (status == ERR_STOP) {
    if (d->stop == STOPS_SKIP && !d->maybe && d->at->outcome != DRY_FAILS) {
      d->at->outcome = DRY_SKIPPED;
    }
    error_release(err);
    return OK;
  }
  dry_fails(d, err->message ? err->message : "failed");
  dry_problem(d, err);
  return OK;
}

static enum status body_look(struct dry *d, const struct step *step) {
  value v = VALUE_NIL;
  enum status status = eval_body(d->e, step->body, &v);
  if (status == OK) value_unref(v);
  return settle(d, status);
}

static enum status verify_look(struct dry *d, const struct verify *v) {
  struct buf text = BUF_INIT, detail = BUF_INIT;
  char *given = NULL;
  value out;
  enum status status = v->text ? dry_text(d, v->text, &given) : OK;
  if (status == OK) status = eval_block(d->e, v->block, NULL, 0, &out);
  if (status != OK) {
    mem_free(given);
    return settle(d, status);
  }
  enum dry_truth truth = dry_truth(out);
  value_unref(out);
  const struct node *b = tree_node(d->e->tree, v->block);
  if (given && *given) buf_adds(&text, given);
  else dry_source(d, b->b ? b->b : v->block, &text);
  mem_free(given);
  buf_adds(&detail, "verify");
  if (v->within) buf_adds(&detail, ", within "), dry_duration(d, v->within, 0, &detail);
  if (truth == DRY_HOLDS_NOT && (v->within || dry_may_turn(d, v->block))) {
    buf_adds(&detail, "; not so now");
    truth = DRY_OPEN;
  }
  struct dry_line *line = dry_line(d, DRY_CHECK, buf_take(&text));
  line->truth = truth;
  line->detail = buf_take(&detail);
  if (truth == DRY_HOLDS_NOT) dry_fails(d, line->text);
  return OK;
}

/* What the rollback says of its attempts. */
static void undo_limits_look(struct dry *d, const struct step *step) {
  struct buf text = BUF_INIT;
  if (step->undo_timeout) {
    buf_adds(&text, "an attempt takes at most ");
    dry_duration(d, step->undo_timeout, 0, &text);
  }
  if (step->undo_retries || step->undo_backoff) {
    attempts_text(d, step->undo_retries, ROLLBACK_RETRIES, step->undo_backoff, &text);
    buf_adds(&text, ", on transient");
  }
  if (text.len) dry_line(d, DRY_LIMIT, buf_take(&text));
}

/* The rollback as it would be after the whole body. */
static enum status undo_look(struct dry *d, const struct step *step) {
  size_t mark = eval_log_mark(d->e);
  value v = VALUE_NIL;
  dry_line(d, DRY_UNDO, NULL);
  d->undo = d->e->unset_is_nil = true;
  d->depth++;
  undo_limits_look(d, step);
  enum status status = eval_block(d->e, step->rollback, NULL, 0, &v);
  if (status == OK) value_unref(v);
  status = settle(d, status);
  d->depth--;
  d->undo = d->e->unset_is_nil = false;
  eval_log_undo(d->e, mark);
  return status;
}

static enum status way_back_look(struct dry *d, const struct step *step) {
  struct dry_step *s = d->at;
  if (!s->writes) return OK;
  if (step->rollback) {
    s->can_undo = true;
    return undo_look(d, step);
  }
  if (!step->irreversible) return OK;
  char *why;
  s->no_way_back = true;
  enum status status = dry_text(d, step->irreversible, &why);
  if (status == OK) dry_line(d, DRY_NO_WAY_BACK, why);
  return settle(d, status);
}

static enum status gate_look(struct dry *d, const struct step *step, bool *open, bool *skip) {
  enum status status = OK;
  for (const struct guard *g = step->guards; g && status == OK && !*skip; g = g->next)
    status = settle(d, guard_look(d, g, open, skip));
  for (const struct approval *a = step->approvals; a && status == OK && !*skip; a = a->next)
    status = settle(d, approval_look(d, a));
  return status;
}

static enum status step_look(struct dry *d, const struct step *step) {
  bool open = false, skip = false;
  enum status status = gate_look(d, step, &open, &skip);
  if (status != OK || skip) return status;
  limits_look(d, step);
  d->maybe += open;
  status = body_look(d, step);
  for (const struct verify *v = step->verifies; v && status == OK && d->stop == STOPS_NOT;
       v = v->next)
    status = verify_look(d, v);
  if (status == OK) status = way_back_look(d, step);
  d->maybe -= open + d->may_skip;
  if (open || d->may_skip) outputs_forget(d, step, true);
  d->may_skip = false;
  return status;
}

/* --- the step --- */

static const char *passed_over(struct dry *d, const struct step *step) {
  const struct run_options *o = d->run->options;
  if (d->outer) return NULL;
  if (o->from && strcmp(step->id, o->from) == 0) d->from_seen = true;
  if (o->from && !d->from_seen) return "before --from";
  if (o->only && strcmp(step->id, o->only) != 0) return "not the step of --only";
  for (size_t i = 0; i < o->skip_count; i++)
    if (strcmp(step->id, o->skip[i]) == 0) return o->skip_reason ? o->skip_reason : "--skip";
  return NULL;
}

static enum policy policy_here(const struct dry *d, const struct step *step) {
  enum policy own = step ? step->policy : POLICY_DEFAULT;
  if (own == POLICY_DEFAULT || own == POLICY_RETRY) own = d->run->plan->policy;
  return own == POLICY_DEFAULT || own == POLICY_RETRY ? POLICY_HOLD : own;
}

static void stops_here(struct dry *d, const char *why, const char *then) {
  struct dry_total *t = d->total;
  struct buf text = BUF_INIT;
  if (d->over || d->maybe || d->outer) return;
  d->over = true;
  t->stops_at = mem_strdup(d->at->id);
  t->stops_why = mem_strdup(why);
  t->end.then = then;
  buf_addf(&text, "%s", why);
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_STOPS, .text = buf_str(&text), .detail = then});
  buf_release(&text);
}

static const char *const policy_then[] = {
    [POLICY_HOLD] = "it is held, nothing is undone (on_failure :hold)",
    [POLICY_ROLLBACK] = "what was done is undone, last first (on_failure :rollback)",
    [POLICY_CONTINUE] = "the run goes on, and ends as failed (on_failure :continue)",
    [POLICY_SKIP] = "the run goes on (on_failure :skip)"};

static void step_count(struct dry *d) {
  struct dry_step *s = d->at;
  struct dry_end *end = &d->total->end;
  if (s->outcome == DRY_NO_CHANGE && s->writes) s->outcome = s->certain ? DRY_CHANGE : DRY_UNKNOWN;
  end->steps++;
  end->outcomes[s->outcome]++;
  end->unreached += !s->reached;
}

/* A finish may be reached: whatever follows in the run depends on that. */
static void may_end(struct dry *d) {
  struct buf text = BUF_INIT;
  buf_addf(&text, "unless the run is finished in %s", d->at->id);
  dry_note(d,
           (struct dry_note){.kind = DRY_NOTE_BRANCH, .text = buf_str(&text), .truth = DRY_OPEN});
  buf_release(&text);
  d->level++;
  d->maybe++;
  d->may_finish = false;
}

static void step_tell(struct dry *d, const struct step *step) {
  struct dry_step *s = d->at;
  enum policy policy = policy_here(d, step);
  s->policy = policy_word[policy];
  s->then = policy_then[policy];
  step_count(d);
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_STEP, .step = s});
  if (s->outcome == DRY_FAILS && (policy == POLICY_HOLD || policy == POLICY_ROLLBACK))
    stops_here(d, s->reason, s->then);
  else if (d->stop == STOPS_FINISH)
    stops_here(d, "the run is finished there", "it ends as succeeded");
  else if (d->may_finish) may_end(d);
}

enum status dry_do_step(struct dry *d, const struct step *step, struct error *err) {
  struct buf id = BUF_INIT;
  char *label = NULL;
  struct dry_step s = {.about = step->about,
                       .child = d->child,
                       .section = d->section,
                       .number = ++d->total->end.steps,
                       .reached = !d->over,
                       .maybe = d->maybe > 0};
  d->total->end.steps--; /* counted when it is told */
  d->at = &s;
  d->depth = 0;
  d->stop = STOPS_NOT;
  buf_adds(&id, step->id);
  buf_adds(&id, buf_str(&d->lane->item_key));
  s.id = buf_str(&id);
  enum status status = step->label_node ? dry_text(d, step->label_node, &label) : OK;
  s.label = label ? label : step->label ? step->label : step->id;
  const char *passed = passed_over(d, step);
  if (status != OK) status = settle(d, status);
  if (passed) {
    s.outcome = DRY_SKIPPED;
    s.reason = mem_strdup(passed);
  } else if (status == OK) {
    status = step_look(d, step);
  }
  bool ended = s.outcome == DRY_SKIPPED || s.outcome == DRY_FAILS;
  if (status == OK && ended) outputs_forget(d, step, s.outcome == DRY_FAILS);
  if (status == OK) step_tell(d, step);
  else error_move(err, d->e->err);
  d->at = NULL;
  d->stop = STOPS_NOT;
  dry_step_release(&s);
  buf_release(&id);
  mem_free(label);
  return status;
}

/* The runbook's own on_failure block: it runs after a failure only. */
enum status dry_handler(struct dry *d, struct error *err) {
  node_id block = d->run->plan->on_failure;
  if (!block) return OK;
  struct dry_step s = {.id = "on_failure",
                       .label = "When a step fails",
                       .child = d->child,
                       .reached = true,
                       .maybe = true,
                       .handler = true};
  value failure = value_unknown(), v;
  d->at = &s;
  d->depth = 0;
  d->maybe++;
  enum status status = eval_block(d->e, block, &failure, 1, &v);
  if (status == OK) value_unref(v);
  status = settle(d, status);
  d->maybe--;
  s.outcome = DRY_UNKNOWN;
  if (status == OK && s.line_count)
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_STEP, .step = &s});
  if (status != OK) error_move(err, d->e->err);
  d->at = NULL;
  dry_step_release(&s);
  return status;
}
