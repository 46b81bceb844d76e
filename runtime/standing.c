/* How a run stands: what belongs to it, and what is read off it. */
#include "standing_inner.h"

void told_free(struct told *t) {
  mem_free(t->by);
  mem_free(t->text);
  *t = (struct told){0};
}

void doubt_free(struct doubt *d) {
  mem_free(d->step);
  mem_free(d->binding);
  mem_free(d->action);
  mem_free(d->key);
  mem_free(d->args);
}

static void settled_free(struct settled *s) {
  doubt_free(&s->doubt);
  mem_free(s->as);
  mem_free(s->by);
  mem_free(s->result);
  told_free(&s->told);
}

void sending_free(struct sending *b) {
  mem_free(b->step);
  mem_free(b->batch);
  mem_free(b->action);
  mem_free(b->pause);
}

void gate_free(struct gate *g) {
  mem_free(g->step);
  mem_free(g->text);
  mem_free(g->role);
  mem_free(g->nonce);
  mem_free(g->otherwise);
  mem_free(g->by);
  told_free(&g->denied);
}

static void page_free(struct open_page *p) {
  mem_free(p->page);
  mem_free(p->step);
  mem_free(p->text);
  mem_free(p->unanswered);
  for (size_t i = 0; i < p->role_count; i++)
    mem_free(p->roles[i]);
  mem_free(p->roles);
  told_free(&p->acked);
}

void standing_release(struct standing *s) {
  char *texts[] = {s->runbook,  s->title,      s->lock,     s->parent, s->operator, s->last_step,
                   s->waits_on, s->error_kind, s->question, s->at};
  struct told *tolds[] = {&s->started, &s->last,         &s->sealed,        &s->taken_over,
                          &s->noted,   &s->cancel_asked, &s->rollback_asked,
                          &s->glass};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    mem_free(texts[i]);
  for (size_t i = 0; i < sizeof tolds / sizeof *tolds; i++)
    told_free(tolds[i]);
  for (size_t i = 0; i < s->doubt_count; i++)
    doubt_free(&s->doubts[i]);
  for (size_t i = 0; i < s->settled_count; i++)
    settled_free(&s->settled[i]);
  for (size_t i = 0; i < s->gate_count; i++)
    gate_free(&s->gates[i]);
  for (size_t i = 0; i < s->page_count; i++)
    page_free(&s->pages[i]);
  for (size_t i = 0; i < s->lease_count; i++)
    mem_free(s->leases[i].step), mem_free(s->leases[i].of);
  for (size_t i = 0; i < s->wrote_count; i++)
    mem_free(s->wrote[i].step);
  for (size_t i = 0; i < s->child_count; i++)
    mem_free(s->children[i].run), mem_free(s->children[i].runbook);
  mem_free(s->doubts);
  mem_free(s->settled);
  mem_free(s->gates);
  mem_free(s->pages);
  mem_free(s->leases);
  mem_free(s->wrote);
  mem_free(s->wrote_index);
  for (size_t i = 0; i < s->sending_count; i++)
    sending_free(&s->sendings[i]);
  mem_free(s->sendings);
  mem_free(s->children);
  *s = (struct standing){0};
}

/* --- reading it --- */

const char *standing_state(const struct standing *s, bool live) {
  bool moves = s->state == RUN_RUNNING || s->state == RUN_ROLLING_BACK;
  return moves && !live ? "interrupted" : run_state_name(s->state);
}

bool standing_ended(const struct standing *s) {
  return s->state >= RUN_SUCCEEDED;
}

size_t standing_left(const struct standing *s, struct buf *out) {
  size_t n = 0;
  for (size_t i = s->wrote_count; i-- > 0;) {
    const struct wrote *w = &s->wrote[i];
    if (w->undone) continue;
    buf_addf(out, "%s%s%s%s", n++ ? ", " : "", *w->step ? w->step : "on_failure",
             w->did ? "" : " (begun)", w->armed ? "" : " (cannot be undone)");
  }
  return n;
}

bool gate_released(const struct gate *g, int64_t now) {
  if (g->denied.by || (g->given && g->use_by_us < now)) return false;
  return g->glass || g->given >= g->quorum;
}

const char *standing_denial(const struct standing *s, const char *otherwise) {
  if (same_text(otherwise, "rollback")) return "rolls back";
  if (!otherwise) return "does what the runbook has for that";
  for (size_t i = 0; i < s->wrote_count; i++)
    if (s->wrote[i].did && !s->wrote[i].undone) return "holds it: what was done stays";
  return "ends it";
}

bool gate_verdict(const struct standing *s, const struct gate *g, bool live, int64_t now,
                  struct buf *out) {
  const struct told *no = &g->denied;
  if (no->by) {
    buf_addf(out, "denied by %s", no->by);
    if (no->text && *no->text) buf_addf(out, ": %s", no->text);
    if (!live) buf_addf(out, "; resume %s", standing_denial(s, g->otherwise));
    return true;
  }
  if (!gate_released(g, now)) return false;
  if (g->glass) {
    buf_addf(out, "glass broken by %s", s->glass.by);
    if (s->glass.text && *s->glass.text) buf_addf(out, ": %s", s->glass.text);
  } else {
    buf_addf(out, "approved by %s", g->by);
  }
  if (!live) buf_adds(out, "; resume goes on");
  return true;
}

void doubt_name(const struct standing *s, const struct doubt *d, struct buf *out) {
  size_t alike = 0;
  for (size_t i = 0; i < s->doubt_count; i++) {
    const struct doubt *o = &s->doubts[i];
    alike +=
        strcmp(o->step, d->step) == 0 && same_text(o->binding, d->binding) && same_text(o->action, d->action);
  }
  buf_addf(out, "%s/%s.%s", *d->step ? d->step : "on_failure", d->binding ? d->binding : "?",
           d->action ? d->action : "?");
  if (alike > 1) buf_addf(out, "#%lld", (long long)d->call);
}
