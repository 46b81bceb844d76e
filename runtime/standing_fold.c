/* How a run stands: a fold over its events, one function for each kind that matters. */
#include "approval_state.h"
#include "peek.h"
#include "standing_inner.h"

/* --- small things --- */

static char *copy(const struct event *e, const char *key) {
  return peek_copy(e->data, e->data_len, key);
}

static void replace(char **to, char *owned) {
  mem_free(*to);
  *to = owned;
}

static void tell(struct told *t, const struct event *e, char *owned_text) {
  told_free(t);
  *t = (struct told){mem_strdup(e->actor), owned_text, e->time_us, e->seq};
}

/* A member as it is written; NULL when it is missing. */
static char *raw(const struct event *e, const char *key) {
  struct member m;
  if (!peek(e->data, e->data_len, key, &m)) return NULL;
  return mem_dup(m.value, m.value_len);
}

/* --- runs --- */

static void on_started(struct standing *s, const struct event *e) {
  replace(&s->runbook, copy(e, "runbook"));
  replace(&s->title, copy(e, "title"));
  replace(&s->lock, copy(e, "lock"));
  replace(&s->operator, mem_strdup(e->actor));
  struct member parent;
  if (peek(e->data, e->data_len, "parent", &parent))
    replace(&s->parent, peek_copy(parent.value, parent.value_len, "run"));
  tell(&s->started, e, copy(e, "file"));
}

static void on_taken_over(struct standing *s, const struct event *e) {
  char *to = copy(e, "to");
  replace(&s->operator, to ? to : mem_strdup(e->actor));
  tell(&s->taken_over, e, copy(e, "reason"));
}

static void on_sealed(struct standing *s, const struct event *e) {
  tell(&s->sealed, e, copy(e, "reason"));
}

static void on_noted(struct standing *s, const struct event *e) {
  tell(&s->noted, e, copy(e, "text"));
}

static void on_cancel_requested(struct standing *s, const struct event *e) {
  tell(&s->cancel_asked, e, copy(e, "reason"));
  s->cancel_rollback = peek_true(e->data, e->data_len, "rollback");
}

static void on_rollback_requested(struct standing *s, const struct event *e) {
  tell(&s->rollback_asked, e, copy(e, "reason"));
}

/* --- doubts --- */

static bool is_of(const struct doubt *d, const struct event *e, int64_t call) {
  return d->call == call && strcmp(d->step, e->step) == 0 &&
         (!d->action || peek_is(e->data, e->data_len, "action", d->action));
}

/* The open action that the event speaks of; the latest one. */
static struct doubt *doubt_of(struct standing *s, const struct event *e) {
  int64_t call = peek_int(e->data, e->data_len, "call", 0);
  for (size_t i = s->doubt_count; i-- > 0;)
    if (is_of(&s->doubts[i], e, call)) return &s->doubts[i];
  return NULL;
}

/* The same of an event that does not name the action. */
static const struct doubt *doubt_of_call(const struct standing *s, const struct event *e) {
  int64_t call = peek_int(e->data, e->data_len, "call", 0);
  for (size_t i = s->doubt_count; i-- > 0;)
    if (s->doubts[i].call == call && strcmp(s->doubts[i].step, e->step) == 0) return &s->doubts[i];
  return NULL;
}

static void doubt_drop(struct standing *s, struct doubt *d) {
  size_t i = (size_t)(d - s->doubts);
  memmove(d, d + 1, (--s->doubt_count - i) * sizeof *d);
}

static struct doubt doubt_read(const struct event *e) {
  return (struct doubt){.step = mem_strdup(e->step),
                        .binding = copy(e, "binding"),
                        .action = copy(e, "action"),
                        .key = copy(e, "key"),
                        .args = raw(e, "args"),
                        .call = peek_int(e->data, e->data_len, "call", 0),
                        .seq = e->seq,
                        .time_us = e->time_us,
                        .rollback = peek_true(e->data, e->data_len, "rollback")};
}

/* The step's place in the index, which holds numbers from 1; FNV-1a. */
static uint32_t *wrote_place(const struct standing *s, const char *step) {
  uint32_t hash = 2166136261u;
  for (const char *p = step; *p; p++)
    hash = (hash ^ (unsigned char)*p) * 16777619u;
  for (size_t i = hash;; i++) {
    uint32_t *at = &s->wrote_index[i & (s->wrote_places - 1)];
    if (!*at || strcmp(s->wrote[*at - 1].step, step) == 0) return at;
  }
}

static void wrote_reindex(struct standing *s) {
  mem_free(s->wrote_index);
  s->wrote_places = s->wrote_places ? 2 * s->wrote_places : 16;
  s->wrote_index = mem_array(s->wrote_places, sizeof *s->wrote_index);
  for (size_t i = 0; i < s->wrote_count; i++)
    *wrote_place(s, s->wrote[i].step) = (uint32_t)i + 1;
}

static struct wrote *wrote_of(struct standing *s, const char *step) {
  if (2 * s->wrote_count >= s->wrote_places) wrote_reindex(s);
  uint32_t *at = wrote_place(s, step);
  if (!*at) {
    s->wrote = mem_grow(s->wrote, s->wrote_count, &s->wrote_cap, sizeof *s->wrote);
    s->wrote[s->wrote_count++] = (struct wrote){.step = mem_strdup(step)};
    *at = (uint32_t)s->wrote_count;
  }
  return &s->wrote[*at - 1];
}

/* --- batches --- */

static struct sending *sending_of(const struct standing *s, const struct event *e) {
  int64_t call = peek_int(e->data, e->data_len, "call", 0);
  for (size_t i = s->sending_count; i-- > 0;)
    if (s->sendings[i].call == call && strcmp(s->sendings[i].step, e->step) == 0)
      return &s->sendings[i];
  return NULL;
}

static void sending_count(struct sending *b, const struct event *e) {
  b->total = peek_int(e->data, e->data_len, "total", b->total);
  b->done = peek_int(e->data, e->data_len, "done", b->done);
  b->sent = peek_int(e->data, e->data_len, "sent", b->sent);
  b->refused = peek_int(e->data, e->data_len, "refused", b->refused);
  b->unsure = peek_int(e->data, e->data_len, "unsure", b->unsure);
}

static void pause_set(struct sending *b, char *owned_why, int64_t since, int64_t until) {
  mem_free(b->pause);
  b->pause = owned_why;
  b->paused_us = since;
  b->pause_until_us = until;
}

static void on_paused(struct standing *s, const struct event *e) {
  struct sending *b = sending_of(s, e);
  if (!b) return;
  sending_count(b, e);
  pause_set(b, copy(e, "reason"), e->time_us, peek_int(e->data, e->data_len, "until_us", 0));
}

/* Whether an item of the event went out later than that; all do that have a batch begun anew. */
static bool sent_after(const struct event *e, int64_t us) {
  static const char at[] = "\"at_us\":";
  struct member items;
  if (!peek(e->data, e->data_len, "items", &items)) return true;
  const char *p = items.value, *end = p + items.value_len;
  for (; (p = memmem(p, (size_t)(end - p), at, sizeof at - 1)); p += sizeof at - 1)
    if (strtoll(p + sizeof at - 1, NULL, 10) > us) return true;
  return false;
}

static void on_batch(struct standing *s, const struct event *e) {
  struct sending *b = sending_of(s, e);
  const struct doubt *d = doubt_of_call(s, e);
  if (!b) {
    struct buf action = BUF_INIT;
    buf_addf(&action, "%s.%s", d && d->binding ? d->binding : "?", d && d->action ? d->action : "?");
    s->sendings = mem_grow(s->sendings, s->sending_count, &s->sending_cap, sizeof *s->sendings);
    b = &s->sendings[s->sending_count++];
    *b = (struct sending){.step = mem_strdup(e->step),
                          .batch = copy(e, "batch"),
                          .action = buf_take(&action),
                          .call = peek_int(e->data, e->data_len, "call", 0)};
  }
  sending_count(b, e);
  if (b->pause && sent_after(e, b->paused_us)) pause_set(b, NULL, 0, 0);
  if (b->sent && !(d && d->rollback)) wrote_of(s, e->step)->did = true;
}

/* What ended in an error may go on. */
static void sending_ended(struct standing *s, const struct event *e) {
  struct sending *b = sending_of(s, e);
  struct member error;
  if (!b || peek(e->data, e->data_len, "error", &error)) return;
  sending_free(b);
  memmove(b, b + 1, (--s->sending_count - (size_t)(b - s->sendings)) * sizeof *b);
}

/* --- actions --- */

static void on_action_started(struct standing *s, const struct event *e) {
  if (!peek_is(e->data, e->data_len, "effect", "write")) return;
  if (peek_true(e->data, e->data_len, "page")) return; /* no effect, and done again */
  /* Another attempt of the same call stands for the one before. */
  struct doubt *before = doubt_of(s, e);
  if (before) doubt_free(before), doubt_drop(s, before);
  s->doubts = mem_grow(s->doubts, s->doubt_count, &s->doubt_cap, sizeof *s->doubts);
  struct doubt *d = &s->doubts[s->doubt_count++];
  *d = doubt_read(e);
  if (!d->rollback) wrote_of(s, e->step)->undone = false;
}

static void on_action_finished(struct standing *s, const struct event *e) {
  struct doubt *d = doubt_of(s, e);
  sending_ended(s, e);
  if (!d) return;
  struct member error;
  bool failed = peek(e->data, e->data_len, "error", &error);
  /* Cut off by a time limit, or its answer was lost: that is no outcome. */
  if (failed && peek_is(error.value, error.value_len, "kind", "in_doubt")) return;
  if (!d->rollback && !failed) wrote_of(s, e->step)->did = true;
  doubt_free(d);
  doubt_drop(s, d);
}

static void on_action_settled(struct standing *s, const struct event *e) {
  struct doubt *d = doubt_of(s, e);
  if (!peek_is(e->data, e->data_len, "as", "not_done")) sending_ended(s, e);
  s->settled = mem_grow(s->settled, s->settled_count, &s->settled_cap, sizeof *s->settled);
  struct settled *to = &s->settled[s->settled_count++];
  *to = (struct settled){.doubt = d ? *d : doubt_read(e),
                         .as = copy(e, "as"),
                         .by = copy(e, "by"),
                         .result = raw(e, "result")};
  tell(&to->told, e, copy(e, "reason"));
  if (d) doubt_drop(s, d);
  if (!to->doubt.rollback && !same_text(to->as, "not_done")) wrote_of(s, e->step)->did = true;
}

/* The engine says that nobody knows, though an outcome was recorded: a time limit, for example. */
static void on_in_doubt(struct standing *s, const struct event *e) {
  struct member action;
  if (!peek(e->data, e->data_len, "action", &action) || doubt_of(s, e)) return;
  s->doubts = mem_grow(s->doubts, s->doubt_count, &s->doubt_cap, sizeof *s->doubts);
  s->doubts[s->doubt_count++] = doubt_read(e);
}

/* --- steps and rollbacks --- */

static void on_step_started(struct standing *s, const struct event *e) {
  replace(&s->at, mem_strdup(e->step));
}

static void gate_drop(struct standing *s, size_t i) {
  gate_free(&s->gates[i]);
  memmove(&s->gates[i], &s->gates[i + 1], (--s->gate_count - i) * sizeof *s->gates);
}

/* Those denials are met. step: NULL: all. */
static void denials_met(struct standing *s, const char *step) {
  for (size_t i = s->gate_count; i-- > 0;)
    if (s->gates[i].denied.by && (!step || strcmp(s->gates[i].step, step) == 0)) gate_drop(s, i);
}

static void on_step_ended(struct standing *s, const struct event *e) {
  denials_met(s, e->step);
  if (same_text(s->at, e->step)) replace(&s->at, NULL);
}

static void on_armed(struct standing *s, const struct event *e) {
  wrote_of(s, e->step)->armed = true;
}

static void on_undone(struct standing *s, const struct event *e) {
  wrote_of(s, e->step)->undone = true;
}

/* --- people --- */

static struct gate *gate_of(struct standing *s, const struct event *e) {
  for (size_t i = s->gate_count; i-- > 0;)
    if (s->gates[i].nonce && peek_is(e->data, e->data_len, "nonce", s->gates[i].nonce))
      return &s->gates[i];
  return NULL;
}

static void on_gate(struct standing *s, const struct event *e) {
  s->gates = mem_grow(s->gates, s->gate_count, &s->gate_cap, sizeof *s->gates);
  int64_t quorum = peek_int(e->data, e->data_len, "quorum", 1);
  int64_t within = peek_int(e->data, e->data_len, "within_us", 0);
  s->gates[s->gate_count++] =
      (struct gate){.step = mem_strdup(e->step),
                    .text = copy(e, "text"),
                    .role = copy(e, "role"),
                    .nonce = copy(e, "nonce"),
                    .otherwise = copy(e, "otherwise"),
                    .quorum = quorum,
                    .until_us = peek_int(e->data, e->data_len, "expires_us", within + e->time_us),
                    .time_us = e->time_us};
}

/* Whether one of those names, with commas, is that account's. */
static bool named_in(const char *names, const char *who) {
  for (const char *p = names ? names : ""; *p;) {
    size_t n = strcspn(p, ",");
    char *name = mem_dup(p, n);
    bool same = same_account(name, who);
    mem_free(name);
    if (same) return true;
    p += n + strspn(p + n, ", ");
  }
  return false;
}

static void on_gate_given(struct standing *s, const struct event *e) {
  struct gate *g = gate_of(s, e);
  char *by = copy(e, "approver");
  bool glass = peek_true(e->data, e->data_len, "break_glass");
  int64_t use_by = peek_int(e->data, e->data_len, "use_by_us", INT64_MAX);
  if (glass) {
    tell(&s->glass, e, copy(e, "reason"));
    if (by) replace(&s->glass.by, mem_strdup(by));
  }
  if (g && by) {
    bool more = !named_in(g->by, by);
    struct buf b = BUF_INIT;
    if (more) buf_addf(&b, "%s%s%s", g->by ? g->by : "", g->by ? ", " : "", by);
    if (more) replace(&g->by, buf_take(&b));
    g->use_by_us = g->given && g->use_by_us < use_by ? g->use_by_us : use_by;
    g->given += more;
    g->glass |= glass;
  }
  mem_free(by);
}

static void on_gate_denied(struct standing *s, const struct event *e) {
  struct gate *g = gate_of(s, e);
  if (!g || g->denied.by) return;
  tell(&g->denied, e, copy(e, "reason"));
  char *by = copy(e, "approver");
  if (by) replace(&g->denied.by, by);
}

static void on_gate_closed(struct standing *s, const struct event *e) {
  struct gate *g = gate_of(s, e);
  if (g) gate_drop(s, (size_t)(g - s->gates));
}

static void on_asked(struct standing *s, const struct event *e) {
  replace(&s->question, copy(e, "text"));
}

static void on_answered(struct standing *s, const struct event *e) {
  (void)e;
  replace(&s->question, NULL);
}

/* --- pages --- */

static struct open_page *page_of(struct standing *s, const struct event *e) {
  for (size_t i = s->page_count; i-- > 0;)
    if (s->pages[i].page && peek_is(e->data, e->data_len, "page", s->pages[i].page))
      return &s->pages[i];
  return NULL;
}

static void page_calls(struct open_page *p, char *owned) {
  if (!owned) return;
  p->roles = mem_grow(p->roles, p->role_count, &p->role_cap, sizeof *p->roles);
  p->roles[p->role_count++] = owned;
}

/* A further attempt of its step pages again under the same name. */
static void on_paged(struct standing *s, const struct event *e) {
  struct open_page *p = page_of(s, e);
  if (!p) {
    s->pages = mem_grow(s->pages, s->page_count, &s->page_cap, sizeof *s->pages);
    p = &s->pages[s->page_count++];
    *p = (struct open_page){
        .page = copy(e, "page"), .step = mem_strdup(e->step), .text = copy(e, "text")};
  }
  replace(&p->unanswered, NULL);
  page_calls(p, raw(e, "roles"));
}

static void on_escalated(struct standing *s, const struct event *e) {
  struct open_page *p = page_of(s, e);
  if (p) page_calls(p, raw(e, "to"));
}

static void on_acknowledged(struct standing *s, const struct event *e) {
  struct open_page *p = page_of(s, e);
  if (p && !p->acked.by) tell(&p->acked, e, copy(e, "note"));
}

static void on_unanswered(struct standing *s, const struct event *e) {
  struct open_page *p = page_of(s, e);
  if (!p) return;
  replace(&p->unanswered, copy(e, "reason"));
  p->until_us = 0; /* a wait that was cut short has no end of its own */
}

/* The wait that follows a delivery is the page's. */
static void on_wait(struct standing *s, const struct event *e) {
  bool begins = strcmp(e->kind, EVENT_NAME(WAIT_STARTED)) == 0;
  for (size_t i = s->page_count; i-- > 0;) {
    if (strcmp(s->pages[i].step, e->step) != 0) continue;
    s->pages[i].until_us = begins ? peek_int(e->data, e->data_len, "until_us", 0) : 0;
    return;
  }
}

/* --- leases and children --- */

static struct lease *lease_of(struct standing *s, const struct event *e) {
  int64_t call = peek_int(e->data, e->data_len, "call", 0);
  for (size_t i = s->lease_count; i-- > 0;)
    if (s->leases[i].call == call && strcmp(s->leases[i].step, e->step) == 0) return &s->leases[i];
  return NULL;
}

static void on_lease(struct standing *s, const struct event *e) {
  struct lease *l = lease_of(s, e);
  int64_t until = peek_int(e->data, e->data_len, "until_us", 0);
  if (l) {
    l->until_us = until;
    return;
  }
  s->leases = mem_grow(s->leases, s->lease_count, &s->lease_cap, sizeof *s->leases);
  s->leases[s->lease_count++] = (struct lease){.step = mem_strdup(e->step),
                                               .of = copy(e, "of"),
                                               .call = peek_int(e->data, e->data_len, "call", 0),
                                               .until_us = until};
}

static void on_lease_ended(struct standing *s, const struct event *e) {
  struct lease *l = lease_of(s, e);
  if (!l) return;
  size_t i = (size_t)(l - s->leases);
  mem_free(l->step);
  mem_free(l->of);
  memmove(l, l + 1, (--s->lease_count - i) * sizeof *l);
}

/* Of those that the run waits for. */
static void on_child(struct standing *s, const struct event *e) {
  if (!peek_true(e->data, e->data_len, "wait")) return;
  s->children = mem_grow(s->children, s->child_count, &s->child_cap, sizeof *s->children);
  s->children[s->child_count++] = (struct child){copy(e, "run"), copy(e, "runbook")};
}

static void on_child_finished(struct standing *s, const struct event *e) {
  for (size_t i = s->child_count; i-- > 0;) {
    struct child *c = &s->children[i];
    if (!c->run || !peek_is(e->data, e->data_len, "run", c->run)) continue;
    mem_free(c->run);
    mem_free(c->runbook);
    memmove(c, c + 1, (--s->child_count - i) * sizeof *c);
    return;
  }
}

/* --- the fold --- */

static const struct {
  enum event_kind kind;
  void (*fn)(struct standing *s, const struct event *e);
} folds[] = {
    {EVENT_RUN_STARTED, on_started},
    {EVENT_RUN_TAKEN_OVER, on_taken_over},
    {EVENT_RUN_SEALED, on_sealed},
    {EVENT_RUN_NOTED, on_noted},
    {EVENT_RUN_CANCEL_REQUESTED, on_cancel_requested},
    {EVENT_RUN_ROLLBACK_REQUESTED, on_rollback_requested},
    {EVENT_RUN_IN_DOUBT, on_in_doubt},
    {EVENT_ACTION_STARTED, on_action_started},
    {EVENT_ACTION_FINISHED, on_action_finished},
    {EVENT_ACTION_SETTLED, on_action_settled},
    {EVENT_STEP_STARTED, on_step_started},
    {EVENT_STEP_FINISHED, on_step_ended},
    {EVENT_STEP_FAILED, on_step_ended},
    {EVENT_STEP_SKIPPED, on_step_ended},
    {EVENT_STEP_ARMED, on_armed},
    {EVENT_ROLLBACK_FINISHED, on_undone},
    {EVENT_APPROVAL_REQUESTED, on_gate},
    {EVENT_APPROVAL_GIVEN, on_gate_given},
    {EVENT_APPROVAL_USED, on_gate_closed},
    {EVENT_APPROVAL_DENIED, on_gate_denied},
    {EVENT_APPROVAL_VOIDED, on_gate_closed},
    {EVENT_PROMPT_ASKED, on_asked},
    {EVENT_PROMPT_ANSWERED, on_answered},
    {EVENT_PAGED, on_paged},
    {EVENT_PAGE_ESCALATED, on_escalated},
    {EVENT_PAGE_ACKNOWLEDGED, on_acknowledged},
    {EVENT_PAGE_UNANSWERED, on_unanswered},
    {EVENT_WAIT_STARTED, on_wait},
    {EVENT_WAIT_FINISHED, on_wait},
    {EVENT_BATCH_STARTED, on_batch},
    {EVENT_ITEMS_FINISHED, on_batch},
    {EVENT_BATCH_PAUSED, on_paused},
    {EVENT_LEASE_TAKEN, on_lease},
    {EVENT_LEASE_RENEWED, on_lease},
    {EVENT_LEASE_ENDED, on_lease_ended},
    {EVENT_CHILD_STARTED, on_child},
    {EVENT_CHILD_FINISHED, on_child_finished},
};

/* An operator who ends a run without its process ends its pages too: nothing waits or escalates. */
static void pages_end(struct standing *s) {
  for (size_t i = 0; i < s->page_count; i++) {
    struct open_page *p = &s->pages[i];
    if (p->until_us && !p->unanswered) p->unanswered = mem_strdup("stopped");
    p->until_us = 0;
  }
}

/* Why the run is in the state that this event set: its reason, text or error. */
static void fold_state(struct standing *s, const struct event *e, enum run_state state) {
  struct member error;
  char *why = copy(e, "reason");
  if (!why) why = copy(e, "text");
  s->state = state;
  if (standing_ended(s)) pages_end(s);
  if (state != RUN_RUNNING && state != RUN_WAITING) denials_met(s, NULL);
  replace(&s->error_kind, NULL);
  if (peek(e->data, e->data_len, "error", &error)) {
    replace(&s->error_kind, peek_copy(error.value, error.value_len, "kind"));
    mem_free(why);
    why = peek_copy(error.value, error.value_len, "message");
  }
  char *step = copy(e, "step");
  replace(&s->last_step, step ? step : *e->step ? mem_strdup(e->step) : NULL);
  replace(&s->waits_on, copy(e, "on"));
  s->waits_until_us = peek_int(e->data, e->data_len, "until_us", 0);
  tell(&s->last, e, why);
  char *by = state == RUN_CANCELLED ? copy(e, "by") : NULL;
  if (by) replace(&s->last.by, by);
}

static enum status fold(void *ud, const struct event *e) {
  struct standing *s = ud;
  if (!s->first_seq) s->first_seq = e->seq;
  s->last_seq = e->seq;
  s->last_us = e->time_us;
  s->events++;
  for (size_t i = 0; i < sizeof folds / sizeof *folds; i++)
    if (strcmp(event_kinds[folds[i].kind].name, e->kind) == 0) folds[i].fn(s, e);
  if (strncmp(e->kind, "run.", 4) != 0) return OK;
  const struct event_kind_info *info = event_kind_find(e->kind);
  if (info && info->state != RUN_NONE) fold_state(s, e, info->state);
  return OK;
}

enum status standing_read(struct journal *j, const char *run, struct standing *out,
                          struct error *err) {
  struct event_filter filter = {.run = run};
  *out = (struct standing){0};
  snprintf(out->run, sizeof out->run, "%s", run);
  enum status status = journal_scan(j, &filter, fold, out, err);
  if (status != OK || out->first_seq) return status;
  return error_set(err, ERR_NOT_FOUND, "no run %s in %s", run, journal_file(j));
}
