/* Pages: whom, in which order, until when. */
#include "page_inner.h"

#include "digest.h"

enum { PAGE_TRIES = 3, PAGE_CALLS = 1 << 16 };
static const int64_t pause_us[PAGE_TRIES] = {0, 5 * US_SECOND, 15 * US_SECOND};

static struct run *run_of(const struct page_run *p) {
  return p->lane->run;
}

static void tell(struct page_run *p, bool bad, const char *text) {
  run_notice(p->lane, &(struct notice){.kind = NOTICE_PAGE, .text = text, .n = bad});
}

/* --- whom --- */

void page_members(const struct site_role *role, struct buf *out) {
  role_members_text(role, out);
  for (size_t i = 0; i < role->contact_count; i++)
    buf_addf(out, "%s%s%s%s", i ? ", " : "; ", role->contacts[i].way,
             role->contacts[i].to ? " " : "", role->contacts[i].to ? role->contacts[i].to : "");
}

static bool is_called(const struct page_run *p, const char *role) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->turns[i].name, role) == 0) return true;
  return false;
}

/* The roles that the page names are called at once, those of the line one after the other. */
static void turns_make(struct page_run *p, const char *const *roles, size_t count) {
  const struct site *site = run_of(p)->site;
  size_t more = p->line ? p->line->page_count : 0;
  p->turns = mem_array(count + more + 1, sizeof *p->turns);
  p->levels = 1;
  for (size_t i = 0; i < count; i++)
    if (!is_called(p, roles[i]))
      p->turns[p->count++] =
          (struct page_turn){.role = site ? site_role(site, roles[i]) : NULL, .name = roles[i]};
  for (size_t i = 0; i < more; i++)
    if (!is_called(p, p->line->page[i]))
      p->turns[p->count++] = (struct page_turn){.role = site_role(site, p->line->page[i]),
                                                .name = p->line->page[i],
                                                .level = p->levels++};
}

/* The page's own word, else the runbook's. A number is that line's: 2 is :sev2. What is worked out
 * while it runs may name no line: then the page goes to its roles alone. */
static void severity_of(struct page_run *p, value severity, struct buf *out) {
  const struct run *run = run_of(p);
  struct error none = {0};
  if (severity.tag == V_INT) buf_addf(out, "sev%lld", (long long)severity.u.i);
  else if (run->plan->severity) buf_adds(out, sym_text(run->program->syms, run->plan->severity));
  else return;
  p->severity = buf_str(out);
  if (site_severity_find(run->site, p->severity, &p->line, &none) != OK) error_release(&none);
}

/* --- one level --- */

static size_t contacts_of(const struct page_turn *t) {
  size_t n = t->role ? t->role->contact_count : 0;
  return n < 64 ? n : 64;
}

static void contact_text(const struct page_turn *t, const struct site_contact *c, struct buf *out) {
  buf_addf(out, ":%s by %s%s%s", t->name, c->way, c->to ? " " : "", c->to ? c->to : "");
}

static enum status delivery_record(struct page_run *p, const struct page_turn *t,
                                   const struct site_contact *c, const struct error *problem,
                                   struct error *err) {
  struct record r = {0};
  record_text(&r, "page", p->key);
  record_text(&r, "role", t->name);
  record_text(&r, "way", c->way);
  record_text(&r, "to", c->to);
  if (!problem) return run_record(p->lane, EVENT_NAME(PAGE_DELIVERED), &r, err);
  record_error(&r, "error", problem, run_of(p)->program);
  return run_record(p->lane, EVENT_NAME(PAGE_UNDELIVERED), &r, err);
}

static enum status contact_try(struct page_run *p, struct page_turn *t, size_t i,
                               struct error *err) {
  const struct site_contact *c = &t->role->contacts[i];
  struct error problem = {0};
  struct buf b = BUF_INIT;
  enum status status = page_deliver(p, t, c, &t->sent, &problem, err);
  if (status == OK) {
    contact_text(t, c, &b);
    if (t->sent) t->told |= UINT64_C(1) << i;
    else buf_addf(&b, ": not delivered: %s", problem.message);
    bool passes = !t->sent && strcmp(problem.kind, "transient") == 0;
    if (passes) t->again |= UINT64_C(1) << i;
    else t->again &= ~(UINT64_C(1) << i);
    status = delivery_record(p, t, c, t->sent ? NULL : &problem, err);
    tell(p, !t->sent, buf_str(&b));
  }
  buf_release(&b);
  error_release(&problem);
  return status;
}

/* The role's next contact that takes the page; in a further try those whose failure may pass. */
static enum status turn_try(struct page_run *p, struct page_turn *t, size_t from, bool first,
                            struct error *err) {
  enum status status = OK;
  for (size_t i = from; status == OK && !t->sent && i < contacts_of(t); i++) {
    if (!first && !(t->again & (UINT64_C(1) << i))) continue;
    status = contact_try(p, t, i, err);
    t->next = i + 1;
  }
  return status;
}

static bool may_pass(const struct page_run *p, uint32_t level) {
  for (size_t i = 0; i < p->count; i++)
    if (p->turns[i].level == level && p->turns[i].again) return true;
  return false;
}

static enum status pause_before(struct page_run *p, int number, struct error *err) {
  if (!number || replaying(p->lane)) return OK;
  return task_sleep(run_of(p)->engine->tasks, pause_us[number], err);
}

/* Each role of the level by one contact more. *sent: somebody has it. */
static enum status level_deliver(struct page_run *p, uint32_t level, bool *sent,
                                 struct error *err) {
  size_t *from = mem_array(p->count + 1, sizeof *from);
  enum status status = OK;
  *sent = false;
  for (size_t i = 0; i < p->count; i++) {
    from[i] = p->turns[i].next;
    p->turns[i].again = 0;
  }
  for (int n = 0; status == OK && !*sent && n < PAGE_TRIES; n++) {
    if (n && !may_pass(p, level)) break;
    status = pause_before(p, n, err);
    for (size_t i = 0; status == OK && i < p->count; i++) {
      struct page_turn *t = &p->turns[i];
      if (t->level != level) continue;
      t->sent = false;
      status = turn_try(p, t, from[i], n == 0, err);
      *sent |= t->sent;
    }
  }
  mem_free(from);
  return status;
}

static bool level_has(const struct page_run *p, uint32_t level) {
  for (size_t i = 0; i < p->count; i++)
    if (p->turns[i].level == level && p->turns[i].next < contacts_of(&p->turns[i])) return true;
  return false;
}

/* The shortest time of its roles: silence is not waited for longer than anybody says. 0: no
 * acknowledgement is wanted. */
static int64_t level_ack(const struct page_run *p, uint32_t level) {
  int64_t least = 0;
  if (run_of(p)->options->page_and_go) return 0;
  for (size_t i = 0; i < p->count; i++) {
    const struct page_turn *t = &p->turns[i];
    if (t->level != level || !t->role) continue;
    int64_t own = t->role->ack_within ? t->role->ack_within : p->line ? p->line->ack_within : 0;
    if (own && (!least || own < least)) least = own;
  }
  return least;
}

/* --- from level to level --- */

/* Where it goes from here: false when nobody is left. */
static bool goes_to(const struct page_run *p, uint32_t level, int64_t round, uint32_t *to,
                    int64_t *to_round) {
  *to_round = round;
  for (*to = level; *to < p->levels; ++*to)
    if (level_has(p, *to)) return true;
  *to_round = round + 1;
  *to = 0;
  return p->line && round < p->line->repeat;
}

static enum status escalate(struct page_run *p, uint32_t level, int64_t round, bool silence,
                            struct error *err) {
  const char **names = mem_array(p->count + 1, sizeof *names);
  struct record r = {0};
  size_t n = 0;
  for (size_t i = 0; i < p->count; i++)
    if (p->turns[i].level == level) names[n++] = p->turns[i].name;
  record_text(&r, "page", p->key);
  record_texts(&r, "to", names, n);
  record_text(&r, "reason", silence ? "silence" : "undelivered");
  if (round) record_int(&r, "round", round + 1);
  mem_free(names);
  return run_record(p->lane, EVENT_NAME(PAGE_ESCALATED), &r, err);
}

static enum status level_wait(struct page_run *p, uint32_t level, struct error *err) {
  int64_t within = level_ack(p, level);
  bool acked = false;
  char length[32];
  p->sent = true;
  if (!within) return p->over = true, OK;
  enum status status = page_await(p, within, &acked, err);
  if (status != OK || p->cut) return status;
  p->over = acked;
  if (acked) return page_quiet(p, err);
  struct buf b = BUF_INIT;
  took_text(within, length);
  if (p->passed) buf_adds(&b, "nobody acknowledges it");
  else buf_addf(&b, "nobody acknowledged within %s", length);
  tell(p, true, buf_str(&b));
  buf_release(&b);
  return OK;
}

static void turns_again(struct page_run *p) {
  for (size_t i = 0; i < p->count; i++)
    p->turns[i].next = 0;
}

static enum status call_all(struct page_run *p, struct error *err) {
  uint32_t level = 0, to;
  int64_t round = 0, to_round;
  for (;;) {
    bool sent;
    enum status status = level_deliver(p, level, &sent, err);
    if (status == OK && sent) status = level_wait(p, level, err);
    if (status != OK || p->over || p->cut || !goes_to(p, level, round, &to, &to_round)) return status;
    if (to_round != round) turns_again(p);
    status = escalate(p, to, to_round, sent, err);
    if (status != OK) return status;
    level = to;
    round = to_round;
  }
}

/* --- its begin and end --- */

static enum status follow_up(struct page_run *p, const char *what, struct error *err) {
  struct buf b = BUF_INIT;
  struct record r = {0};
  buf_addf(&b, "%s%s", what, p->text);
  record_text(&r, "text", buf_str(&b));
  record_text(&r, "owner", p->turns[0].name);
  run_notice(p->lane, &(struct notice){.kind = NOTICE_FOLLOW_UP,
                                       .text = buf_str(&b),
                                       .detail = p->turns[0].name});
  buf_release(&b);
  return run_record(p->lane, EVENT_NAME(FOLLOW_UP), &r, err);
}

static enum status page_begin(struct page_run *p, const char *const *roles, size_t count,
                              struct error *err) {
  struct record r = {0};
  struct buf whom = BUF_INIT;
  buf_adds(&whom, "to ");
  for (size_t i = 0; i < p->count && p->turns[i].level == 0; i++) {
    buf_addf(&whom, "%s:%s", i ? ", " : "", p->turns[i].name);
    if (p->turns[i].role) buf_adds(&whom, " ("), role_members_text(p->turns[i].role, &whom), buf_addc(&whom, ')');
  }
  if (p->severity) buf_addf(&whom, ", severity :%s", p->severity);
  run_notice(p->lane,
             &(struct notice){.kind = NOTICE_PAGED, .text = p->text, .detail = buf_str(&whom)});
  buf_release(&whom);
  record_text(&r, "page", p->key);
  record_int(&r, "call", p->ordinal);
  record_texts(&r, "roles", roles, count);
  record_text(&r, "text", p->text);
  record_text(&r, "severity", p->severity);
  enum status status = run_record(p->lane, EVENT_NAME(PAGED), &r, err);
  if (status == OK && p->line && p->line->ticket) status = follow_up(p, "", err);
  return status;
}

static bool reachable(const struct page_run *p) {
  for (size_t i = 0; i < p->count; i++)
    if (contacts_of(&p->turns[i])) return true;
  return false;
}

static void unanswered_text(const struct page_run *p, struct buf *out) {
  const char *when = !p->cut                        ? ""
                     : strcmp(p->cut, "stopped") == 0 ? " before it was stopped"
                                                      : " before its time was over";
  if (p->sent) buf_addf(out, "NOBODY ANSWERED%s: call somebody yourself", when);
  else if (reachable(p)) buf_addf(out, "NOBODY WAS REACHED%s: call somebody yourself", when);
  else
    buf_adds(out, run_of(p)->site
                      ? "NOBODY WAS REACHED: the site has no page: for them; call them yourself"
                      : "NOBODY WAS REACHED: without a site nobody can be paged; call them yourself");
}

/* Nobody has it: never silently. */
static enum status unanswered(struct page_run *p, struct error *err) {
  struct record r = {0};
  struct buf text = BUF_INIT;
  const char *reason = p->sent ? "silence" : reachable(p) ? "undelivered" : "no_contacts";
  unanswered_text(p, &text);
  tell(p, true, buf_str(&text));
  buf_release(&text);
  record_text(&r, "page", p->key);
  record_text(&r, "reason", p->cut ? p->cut : reason);
  enum status status = run_record(p->lane, EVENT_NAME(PAGE_UNANSWERED), &r, err);
  if (status != OK) return status;
  return follow_up(p, p->sent ? "nobody answered the page: " : "nobody was reached by the page: ", err);
}

/* --- cut short --- */

/* A run that is parked goes on with the page later; one on its way back does not. */
static const char *cut_reason(const struct run *run, const struct error *err) {
  if (strcmp(err->kind, "limit") == 0) return "timeout";
  if (strcmp(err->kind, "back") == 0) return "stopped";
  if (err->status != ERR_CANCELLED) return NULL;
  return run->parked && !run->result->interrupted && !run->cancel.by ? NULL : "stopped";
}

/* What it stands in ends, and with it the page, which nobody has. The step's failure is what counts. */
static void cut_short(struct page_run *p, const struct error *why) {
  struct error err = {0};
  bool acked = false;
  p->cut = cut_reason(run_of(p), why);
  if (!p->cut || run_of(p)->engine->journal_lost) return;
  enum status status = page_acked(p, &acked, &err);
  if (status == OK && !acked) status = unanswered(p, &err);
  if (status != OK) error_release(&err);
}

/* Whoever was called and however often, what comes after the page has the same number, and with it the
 * same key, in every attempt. */
static void calls_end(struct page_run *p) {
  uint32_t *calls = p->lane->at ? &p->lane->at->calls : &run_of(p)->handler_calls;
  if (*calls < p->ordinal + PAGE_CALLS) *calls = p->ordinal + PAGE_CALLS;
}

enum status page_do(struct lane *lane, node_id call, const char *const *roles, size_t count,
                    const char *text, value severity, struct error *err) {
  struct page_run p = {.lane = lane, .call = call, .text = text};
  struct buf name = BUF_INIT;
  p.ordinal = lane->at ? ++lane->at->calls : ++lane->run->handler_calls;
  call_key(lane, p.ordinal, p.key);
  severity_of(&p, severity, &name);
  turns_make(&p, roles, count);
  enum status status = page_begin(&p, roles, count, err);
  if (status == OK) status = call_all(&p, err);
  if (status == OK && !p.over) status = unanswered(&p, err);
  else if (status != OK) cut_short(&p, err);
  calls_end(&p);
  mem_free(p.turns);
  buf_release(&name);
  return status;
}
