/* Reading approvals from the journal, and counting those that hold. */
#include "approval_state.h"

#include "peek.h"
#include "ssh.h"

/* --- reading --- */

static void answer_free(struct approval_answer *a) {
  mem_free(a->approver);
  mem_free(a->identity);
  mem_free(a->reason);
  mem_free(a->actor);
  mem_free(a->data);
}

static void request_free(struct approval_request *r) {
  char *texts[] = {r->step,      r->text,  r->about, r->role,       r->nonce, r->plan,
                   r->requester, r->actor, r->data,  r->void_reason};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    mem_free(texts[i]);
  for (size_t i = 0; i < r->answer_count; i++)
    answer_free(&r->answers[i]);
  mem_free(r->answers);
}

void approvals_release(struct approvals *a) {
  for (size_t i = 0; i < a->count; i++)
    request_free(&a->at[i]);
  mem_free(a->at);
  *a = (struct approvals){0};
}

static char *text(const struct event *e, const char *key) {
  return peek_copy(e->data, e->data_len, key);
}
static char *needed(const struct event *e, const char *key) {
  char *s = text(e, key);
  return s ? s : mem_strdup("");
}
static int64_t number(const struct event *e, const char *key, int64_t otherwise) {
  return peek_int(e->data, e->data_len, key, otherwise);
}

static struct approval_request *asked_by(struct approvals *a, const struct event *e) {
  for (size_t i = a->count; i-- > 0;)
    if (*a->at[i].nonce && strcmp(a->at[i].step, e->step) == 0 &&
        peek_is(e->data, e->data_len, "nonce", a->at[i].nonce))
      return &a->at[i];
  return NULL;
}

/* A nonce is of one request: a second one would change what was asked after the answers. */
static void on_requested(struct approvals *a, const struct event *e) {
  if (asked_by(a, e)) return;
  a->at = mem_grow(a->at, a->count, &a->cap, sizeof *a->at);
  struct approval_request *r = &a->at[a->count++];
  int64_t within = number(e, "within_us", 0), quorum = number(e, "quorum", 1);
  *r = (struct approval_request){.step = mem_strdup(e->step),
                                 .text = needed(e, "text"),
                                 .about = text(e, "about"),
                                 .role = text(e, "role"),
                                 .nonce = needed(e, "nonce"),
                                 .plan = needed(e, "plan"),
                                 .requester = text(e, "requester"),
                                 .actor = mem_strdup(e->actor),
                                 .data = mem_dup(e->data, e->data_len),
                                 .len = e->data_len,
                                 .gate = (uint32_t)number(e, "gate", 1),
                                 .seq = e->seq,
                                 .time_us = e->time_us,
                                 .within_us = within,
                                 .use_by_us = number(e, "use_by_us", 0),
                                 .expires_us = number(e, "expires_us", e->time_us + within),
                                 .drill = run_is_drill(e->run),
                                 .self_ok = peek_true(e->data, e->data_len, "self_ok"),
                                 .is_signed = peek_true(e->data, e->data_len, "signed")};
  r->quorum = quorum >= 1 && quorum <= UINT32_MAX ? (uint32_t)quorum : UINT32_MAX;
  if (!r->requester) r->requester = mem_strdup(e->actor);
}

static void on_answer(struct approval_request *r, const struct event *e, bool denied) {
  r->answers = mem_grow(r->answers, r->answer_count, &r->answer_cap, sizeof *r->answers);
  int64_t use_by = r->use_by_us > INT64_MAX - e->time_us ? INT64_MAX : e->time_us + r->use_by_us;
  r->answers[r->answer_count++] =
      (struct approval_answer){.approver = needed(e, "approver"),
                               .identity = needed(e, "identity"),
                               .reason = text(e, "reason"),
                               .actor = mem_strdup(e->actor),
                               .data = mem_dup(e->data, e->data_len),
                               .len = e->data_len,
                               .seq = e->seq,
                               .time_us = e->time_us,
                               .use_by_us = number(e, "use_by_us", use_by),
                               .denied = denied,
                               .break_glass = peek_true(e->data, e->data_len, "break_glass")};
}

struct reading {
  struct approvals *out;
  const char *step;
};

static void on_void(struct approval_request *r, const struct event *e) {
  r->void_reason = needed(e, "reason");
  r->void_seq = e->seq;
}

static enum status on_event(void *ud, const struct event *e) {
  struct reading *g = ud;
  if (g->step && strcmp(e->step, g->step) != 0) return OK;
  if (strcmp(e->kind, EVENT_NAME(APPROVAL_REQUESTED)) == 0) return on_requested(g->out, e), OK;
  struct approval_request *r = asked_by(g->out, e);
  if (!r || r->used_seq || r->void_reason) return OK;
  if (strcmp(e->kind, EVENT_NAME(APPROVAL_GIVEN)) == 0) on_answer(r, e, false);
  else if (strcmp(e->kind, EVENT_NAME(APPROVAL_DENIED)) == 0) on_answer(r, e, true);
  else if (strcmp(e->kind, EVENT_NAME(APPROVAL_USED)) == 0) r->used_seq = e->seq, r->used_us = e->time_us;
  else if (strcmp(e->kind, EVENT_NAME(APPROVAL_VOIDED)) == 0) on_void(r, e);
  return OK;
}

enum status approvals_read(struct journal *j, const char *run, const char *step,
                           struct approvals *out, struct error *err) {
  struct reading g = {out, step};
  const struct event_filter f = {.run = run, .kind = "approval."};
  *out = (struct approvals){0};
  enum status status = journal_scan(j, &f, on_event, &g, err);
  if (status != OK) approvals_release(out);
  return status;
}

const struct approval_answer *approval_denial(const struct approval_request *r) {
  for (size_t i = 0; i < r->answer_count; i++)
    if (r->answers[i].denied) return &r->answers[i];
  return NULL;
}

bool approval_open(const struct approval_request *r) {
  return !r->used_seq && !r->void_reason && !approval_denial(r);
}

/* --- who may --- */

bool same_account(const char *a, const char *b) {
  size_t n = strcspn(a, "@");
  return n && strcspn(b, "@") == n && strncasecmp(a, b, n) == 0;
}

bool approver_named(const char *name) {
  size_t n = strlen(name);
  if (!n || *name == '@' || *name == ' ' || name[n - 1] == ' ') return false;
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)name[i] < ' ' || name[i] == 0x7f) return false;
  return true;
}

const char *approver_barred(const struct approval_request *r, const struct site *site,
                            const char *account, bool break_glass) {
  if (!approver_named(account)) return "is no name";
  const struct site_role *role = site && r->role ? site_role(site, r->role) : NULL;
  if (break_glass) {
    if (!role || !role->break_glass) return "cannot break glass: the site allows it for no such role";
    return site_knows(site, account) ? NULL : "cannot break glass: the site does not know that account";
  }
  if (site && !role) return "holds no such role: the site does not name it";
  if (role && !role_has(role, account)) return "is no member of the role";
  if (r->self_ok || r->drill) return NULL;
  if (same_account(r->requester, account))
    return "started the run and cannot approve it; somebody else must";
  if (same_account(r->actor, account))
    return "operates the run and cannot approve it; somebody else must";
  return NULL;
}

/* --- what counts --- */

struct counting {
  struct tasks *tasks;
  struct journal *journal;
  const char *run;
  const struct approval_request *request;
  const struct site *site;
  const struct site_role *role;
  char *keys; /* the role's allowed_signers, read at first use; owned */
};

static enum status signature_holds(struct counting *c, const struct approval_answer *a,
                                   struct error *err) {
  const struct approval_request *r = c->request;
  struct approval_words w = {c->run, r->step, r->data, r->len, a->data, a->len, false};
  enum status status = c->keys ? OK : ssh_allowed_read(c->role->keys, &c->keys, err);
  if (status == OK) status = approval_verify(c->tasks, c->journal, &w, c->keys, a->time_us, err);
  return status;
}

/* By whom it was given, as far as the role wants that proven; NULL: well enough. */
static const char *identity_short(const struct counting *c, const struct approval_answer *a) {
  if (strcmp(a->identity, "drill") == 0) return c->request->drill ? NULL : "was given in a drill";
  if (!c->role || a->break_glass) {
    bool own = strcmp(a->identity, "account") != 0 || same_account(a->actor, a->approver);
    return own ? NULL : "was given by another account than it says";
  }
  if (c->role->is_signed)
    return strcmp(a->identity, "signed") == 0 ? NULL : "is not signed, as the role wants it";
  if (strcmp(a->identity, "account") == 0)
    return same_account(a->actor, a->approver) ? NULL : "was given by another account than it says";
  return c->role->typed ? NULL : "is a typed name, which the role does not take";
}

static const char *answer_short(const struct counting *c, const struct approval_answer *a) {
  const struct approval_request *r = c->request;
  const char *why = approver_barred(r, c->site, a->approver, a->break_glass);
  if (!why) why = identity_short(c, a);
  if (!why && a->time_us > r->expires_us) why = "came after its time";
  if (!why && a->use_by_us > clock_add(a->time_us, r->use_by_us)) why = "says to last longer than was asked";
  if (!why && a->break_glass && !(a->reason && *a->reason)) why = "broke glass without a reason";
  return why;
}

static bool counted(const struct approval_count *n, const char *name) {
  for (uint32_t i = 0; i < n->count; i++)
    if (same_account(n->by[i], name)) return true;
  return false;
}

/* A bad signature does not count; an unreadable journal or missing ssh-keygen is an error. */
static enum status count_one(struct counting *c, const struct approval_answer *a, int64_t now,
                             struct approval_count *n, struct error *err) {
  const char *why = answer_short(c, a);
  struct error bad = {0};
  enum status status = OK;
  bool is_signed = c->role && c->role->is_signed && !a->break_glass && strcmp(a->identity, "drill") != 0;
  if (!why && counted(n, a->approver)) return OK;
  if (!why && is_signed) status = signature_holds(c, a, &bad);
  if (status == ERR_FAILED && strcmp(bad.kind, "signature") == 0) why = bad.message, status = OK;
  if (status != OK) {
    error_move(err, &bad);
    return status;
  }
  if (why) {
    n->refused = a;
    snprintf(n->why, sizeof n->why, "%s", why);
  } else if (a->use_by_us < now) {
    n->lapsed = true;
  } else if (n->count < QUORUM_MAX) {
    n->by[n->count++] = a->approver;
    n->break_glass |= a->break_glass;
  }
  error_release(&bad);
  return OK;
}

enum status approval_count(struct tasks *t, struct journal *j, const char *run,
                           const struct approval_request *r, const struct site *site, int64_t now,
                           struct approval_count *out, struct error *err) {
  struct counting c = {.tasks = t, .journal = j, .run = run, .request = r, .site = site};
  enum status status = OK;
  *out = (struct approval_count){0};
  c.role = site && r->role ? site_role(site, r->role) : NULL;
  for (size_t i = 0; status == OK && i < r->answer_count; i++)
    if (!r->answers[i].denied) status = count_one(&c, &r->answers[i], now, out, err);
  mem_free(c.keys);
  return status;
}
