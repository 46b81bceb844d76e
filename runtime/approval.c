/* The gate before a step: distinct people, not the requester unless the runbook allows it.
 *
 * Without a site file nobody has said who is a member of which role. Then whoever is at the prompt
 * gives a name, and the journal says `identity: typed`: the gate proves that somebody other than
 * the requester was named, no more. */
#include "run.h"

#include "codec.h"
#include "digest.h"

enum { QUORUM_MAX = 16 };

struct gate {
  const struct approval *approval;
  const char *role;
  char *text;
  char nonce[33];
  char *by[QUORUM_MAX]; /* who approved */
  uint32_t given;
  int64_t within, use_by, first_at;
};

static void gate_release(struct gate *g) {
  for (uint32_t i = 0; i < g->given; i++)
    mem_free(g->by[i]);
  mem_free(g->text);
}

static void nonce_make(char out[33]) {
  unsigned char b[16];
  random_bytes(b, sizeof b);
  hex_write(b, sizeof b, out);
}

/* What the approver says yes to: the write actions of the body, and the way back. */
static void gate_about(const struct lane *lane, const struct step *step, struct buf *out) {
  const struct tree *t = lane->eval.tree;
  const struct node *body = tree_node(t, step->body);
  uint32_t n = 0;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *node = tree_node(t, id);
    if (node->kind != N_call || node->start < body->start || node->end > body->end) continue;
    const struct action *a = program_action(lane->run->program, t, node);
    if (!a || a->effect != EFFECT_WRITE) continue;
    buf_addf(out, "%s%s.%s",
             n++ ? ", " : "does: ", sym_text(lane->run->program->syms, a->binding->name),
             sym_text(lane->run->program->syms, a->name));
  }
  if (!n) buf_adds(out, "does nothing that writes");
  buf_adds(out, step->rollback       ? "; can be rolled back"
                : step->irreversible ? "; cannot be undone"
                                     : "");
}

static enum status gate_request(struct lane *lane, const struct gate *g, struct error *err) {
  struct record r = {0};
  record_text(&r, "text", g->text);
  record_text(&r, "role", g->role);
  record_int(&r, "quorum", g->approval->quorum);
  record_text(&r, "nonce", g->nonce);
  record_int(&r, "within_us", g->within);
  record_int(&r, "use_by_us", g->use_by);
  return run_record(lane, EVENT_NAME(APPROVAL_REQUESTED), &r, err);
}

/* Why this name cannot approve; NULL when it can. */
static const char *refuse(struct lane *lane, const struct gate *g, const char *by) {
  const char *requester = journal_actor(lane->run->engine->config.journal);
  if (!by || !*by) return "say who approves";
  if (actor_is(requester, by) && !g->approval->self_ok)
    return "who started the run cannot approve it; somebody else must";
  for (uint32_t i = 0; i < g->given; i++)
    if (actor_is(g->by[i], by)) return "has approved already; this takes different people";
  return NULL;
}

static enum status denied(struct lane *lane, const struct gate *g, const struct answer *a,
                          struct error *err) {
  struct record r = {0};
  const char *by = a->by && *a->by ? a->by : journal_actor(lane->run->engine->config.journal);
  record_text(&r, "approver", by);
  record_text(&r, "nonce", g->nonce);
  record_text(&r, "reason", a->comment);
  record_text(&r, "identity", "typed");
  enum status status = run_record(lane, EVENT_NAME(APPROVAL_DENIED), &r, err);
  if (status == OK) status = run_sync(lane, err);
  if (status != OK) return status;
  if (a->comment && *a->comment)
    error_set(err, ERR_CANCELLED, "approval denied by %s: %s", by, a->comment);
  else error_set(err, ERR_CANCELLED, "approval denied by %s", by);
  error_kind(err, "declined");
  error_at(err, tree_span(lane->eval.tree, g->approval->at));
  return ERR_CANCELLED;
}

static enum status approved(struct lane *lane, struct gate *g, struct answer *a,
                            struct error *err) {
  struct record r = {0};
  record_text(&r, "approver", a->by);
  record_text(&r, "nonce", g->nonce);
  record_text(&r, "reason", a->comment);
  record_text(&r, "identity", "typed");
  enum status status = run_record(lane, EVENT_NAME(APPROVAL_GIVEN), &r, err);
  if (status == OK) status = run_sync(lane, err);
  if (status != OK) return status;
  run_notice(lane, &(struct notice){.kind = NOTICE_APPROVED, .text = g->text, .detail = a->by});
  g->by[g->given++] = a->by;
  a->by = NULL;
  return OK;
}

static enum status voided(struct lane *lane, const struct gate *g, const char *reason,
                          const char *what, struct error *err) {
  struct record r = {0};
  char limit[32];
  record_text(&r, "reason", reason);
  record_text(&r, "nonce", g->nonce);
  enum status status = run_record(lane, EVENT_NAME(APPROVAL_VOIDED), &r, err);
  if (status != OK) return status;
  took_text(*reason == 'e' ? g->within : g->use_by, limit);
  error_set(err, ERR_FAILED, "the approval was not %s within %s", what, limit);
  error_kind(err, "expired");
  error_at(err, tree_span(lane->eval.tree, g->approval->at));
  return ERR_FAILED;
}

static enum status answer_bad(const struct prompt *q, const struct gate *g, const char *problem,
                              struct error *err) {
  error_set(err, ERR_VALUE, "approval '%s': %s", g->text, problem);
  error_help(err,
             "in the answers file: \"approve %s\": {\"answer\": \"approve\", \"by\": \"NAME\"}",
             q->step);
  return ERR_VALUE;
}

enum verdict approval_verdict(const char *text) {
  static const struct {
    const char *word;
    enum verdict verdict;
  } words[] = {{"approve", VERDICT_APPROVE}, {"yes", VERDICT_APPROVE}, {"y", VERDICT_APPROVE},
               {"true", VERDICT_APPROVE},    {"deny", VERDICT_DENY},   {"no", VERDICT_DENY},
               {"n", VERDICT_DENY},          {"false", VERDICT_DENY}};
  text += strspn(text, " \t");
  size_t n = strcspn(text, " \t\r\n");
  if (text[n + strspn(text + n, " \t\r\n")]) return VERDICT_NONE;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i].word) == n && strncasecmp(words[i].word, text, n) == 0)
      return words[i].verdict;
  return VERDICT_NONE;
}

/* A blank more makes nobody another person. */
static void trim(char *s) {
  size_t from = strspn(s, " \t"), n = strlen(s + from);
  while (n && (s[from + n - 1] == ' ' || s[from + n - 1] == '\t'))
    n--;
  memmove(s, s + from, n);
  s[n] = '\0';
}

/* One answer; asks again after one that does not count, where somebody is there to be asked. */
static enum status gate_ask_now(struct lane *lane, struct gate *g, struct prompt *q,
                            struct error *err) {
  const struct prompter *p = lane->run->engine->config.prompter;
  for (;;) {
    struct answer a = {0};
    q->given = g->given;
    enum status status = p->ask(p->ud, q, &a, err);
    if (status == ERR_WAITING && clock_mono(lane->run->engine->config.clock) >= q->until)
      return voided(lane, g, "expired", "given", err);
    if (status != OK) return status;
    struct buf text = BUF_INIT;
    answer_word(lane, a.value, &text);
    if (a.by) trim(a.by);
    const char *problem = NULL;
    enum verdict verdict = approval_verdict(buf_str(&text));
    bool no = verdict == VERDICT_DENY;
    if (verdict == VERDICT_NONE) problem = "answer approve or deny";
    else if (!no) problem = refuse(lane, g, a.by);
    buf_release(&text);
    if (problem && !p->again) status = answer_bad(q, g, problem, err);
    else if (no) status = denied(lane, g, &a, err);
    else if (!problem) status = approved(lane, g, &a, err);
    answer_release(&a);
    q->problem = problem;
    if (!problem || status != OK) return status;
  }
}

static enum status gate_ask(struct lane *lane, struct gate *g, struct prompt *q,
                            struct error *err) {
  struct ask_wait w;
  enum status status = ask_begin(lane, &w, q->until, err);
  if (status == ERR_WAITING) return voided(lane, g, "expired", "given", err);
  if (status != OK) return status;
  status = gate_ask_now(lane, g, q, err);
  ask_end(lane, &w);
  return status;
}

static enum status gate_pass(struct lane *lane, struct step_run *s, struct gate *g,
                             struct error *err) {
  struct clock *clock = lane->run->engine->config.clock;
  struct buf about = BUF_INIT;
  gate_about(lane, s->step, &about);
  struct prompt q = {.kind = PROMPT_APPROVAL,
                     .step = s->id,
                     .branch = lane->name,
                     .text = g->text,
                     .about = buf_str(&about),
                     .role = g->role,
                     .quorum = g->approval->quorum,
                     .until = clock_add(clock_mono(clock), g->within)};
  enum status status = gate_request(lane, g, err);
  while (status == OK && g->given < g->approval->quorum) {
    status = gate_ask(lane, g, &q, err);
    if (g->given == 1 && !g->first_at) g->first_at = clock_mono(clock);
  }
  if (status == OK && clock_mono(clock) > clock_add(g->first_at, g->use_by))
    status = voided(lane, g, "unused", "used", err);
  buf_release(&about);
  return status;
}

static enum status approval_pass(struct lane *lane, struct step_run *s, const struct approval *a,
                                 struct error *err) {
  struct gate g = {.approval = a,
                   .role = a->role ? sym_text(lane->run->program->syms, a->role) : NULL};
  enum status status = OK;
  nonce_make(g.nonce);
  if (a->quorum > QUORUM_MAX)
    status = error_set(err, ERR_LIMIT, "a quorum of %u; at most %d", a->quorum, QUORUM_MAX);
  if (status == OK) status = run_duration(lane, a->within, LIMIT_APPROVAL_WITHIN, &g.within, err);
  if (status == OK) status = run_duration(lane, a->use_by, LIMIT_APPROVAL_USE_BY, &g.use_by, err);
  if (status == OK) status = run_text(lane, a->text, &g.text, err);
  if (status == OK) status = gate_pass(lane, s, &g, err);
  gate_release(&g);
  return status;
}

enum status approvals_pass(struct lane *lane, struct step_run *s, bool *waited, struct error *err) {
  enum status status = OK;
  for (const struct approval *a = s->step->approvals; status == OK && a; a = a->next) {
    *waited = true;
    status = approval_pass(lane, s, a, err);
  }
  return status;
}
