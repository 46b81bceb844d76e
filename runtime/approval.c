/* The gate before a step: a request in the journal, and waiting until enough people said yes to it.
 *
 * What counts is read from the journal alone (approval_state.c), so it makes no difference whether
 * an answer was typed at this run's prompt, came from another terminal while the run waited, or was
 * given while no process had the run. */
#include "approval.h"

#include "approval_inner.h"
#include "codec.h"
#include "digest.h"
#include "ssh.h"

static void gate_release(struct gate_run *g) {
  approvals_release(&g->state);
  mem_free(g->text);
  mem_free(g->problem);
  buf_release(&g->about);
}

/* --- what is asked --- */

/* One person cannot sign for others; in a drill that is not asked for. */
static bool wants_signature(const struct gate_run *g) {
  return g->role && g->role->is_signed && !g->lane->run->drill;
}

/* A call as it is written, on one line. */
static void call_text(const struct tree *t, const struct node *n, struct buf *out) {
  enum { LONGEST = 120 };
  size_t from = out->len;
  for (uint32_t i = n->start; i < n->end && out->len - from < LONGEST; i++) {
    char c = t->source->text[i];
    if (c == '\n' || c == '\t') c = ' ';
    if (c == ' ' && out->len > from && out->data[out->len - 1] == ' ') continue;
    buf_addc(out, c);
  }
  if (out->len - from < LONGEST) return;
  while (out->len > from && ((unsigned char)out->data[out->len - 1] & 0xC0) == 0x80)
    buf_truncate(out, out->len - 1);
  buf_truncate(out, out->len - 1); /* the last character may be cut */
  buf_adds(out, "...");
}

static bool stands_in(const struct node *n, const struct node *outer) {
  return n->start >= outer->start && n->end <= outer->end;
}

/* The write actions of a block, the first with `first` before it: how many. */
static uint32_t about_calls(struct gate_run *g, node_id block, node_id except, const char *first) {
  enum { MOST = 8 };
  const struct tree *t = g->lane->eval.tree;
  const struct node *body = tree_node(t, block), *out = except ? tree_node(t, except) : NULL;
  uint32_t n = 0;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *node = tree_node(t, id);
    if (node->kind != N_call || !stands_in(node, body) || (out && stands_in(node, out))) continue;
    const struct action *a = program_action(g->lane->run->program, t, node);
    if (!a || a->effect != EFFECT_WRITE || ++n > MOST) continue;
    buf_adds(&g->about, n > 1 ? ", " : first);
    call_text(t, node, &g->about);
  }
  if (n > MOST) buf_addf(&g->about, " and %u more", n - MOST);
  return n;
}

/* What the approver says yes to. Its undo is no part of what the step does. */
static void about_actions(struct gate_run *g) {
  const struct step *step = g->step->step;
  if (!about_calls(g, step->body, step->rollback, "does: "))
    buf_adds(&g->about, "does nothing that writes");
}

/* And the way back, or that there is none. */
static void about_undo(struct gate_run *g) {
  const struct step *step = g->step->step;
  struct error ignored = {0};
  char *why = NULL;
  if (step->rollback && !about_calls(g, step->rollback, 0, "; undone by: "))
    buf_adds(&g->about, "; can be rolled back");
  if (!step->irreversible) return;
  buf_adds(&g->about, "; cannot be undone");
  /* It may speak of what the body has yet to find out. */
  if (run_text(g->lane, step->irreversible, &why, &ignored) == OK && *why)
    buf_addf(&g->about, ": %s", why);
  mem_free(why);
  error_release(&ignored);
}

static enum status gate_prepare(struct gate_run *g, struct error *err) {
  const struct approval *a = g->approval;
  const struct site *site = site_of(g);
  enum status status = OK;
  if (a->quorum > QUORUM_MAX)
    status = error_set(err, ERR_LIMIT, "a quorum of %u; at most %d", a->quorum, QUORUM_MAX);
  if (status == OK && site) status = site_role_find(site, g->role_name, &g->role, err);
  if (status == OK) status = run_duration(g->lane, a->within, LIMIT_APPROVAL_WITHIN, &g->within, err);
  if (status == OK) status = run_duration(g->lane, a->use_by, LIMIT_APPROVAL_USE_BY, &g->use_by, err);
  if (status == OK) status = run_text(g->lane, a->text, &g->text, err);
  if (status != OK) return status;
  about_actions(g);
  about_undo(g);
  return OK;
}

static void nonce_make(char out[33]) {
  unsigned char b[16];
  random_bytes(b, sizeof b);
  hex_write(b, sizeof b, out);
}

static enum status starter(void *ud, const struct event *e) {
  char **actor = ud;
  mem_free(*actor);
  *actor = mem_strdup(e->actor);
  return OK;
}

/* What a denial would lead to, for those who look at the run while nothing executes it. */
static enum policy denial_policy(const struct gate_run *g) {
  struct error no = {0};
  enum policy policy = g->approval->otherwise;
  error_set(&no, ERR_CANCELLED, "denied");
  error_kind(&no, "declined");
  policy = policy_of(g->lane, policy != POLICY_DEFAULT ? policy : g->step->step->policy, &no);
  error_release(&no);
  return policy;
}

static enum status gate_request(struct gate_run *g, struct error *err) {
  struct run *run = g->lane->run;
  struct record r = {0};
  char *requester = NULL;
  const struct event_filter started = {.run = run->id, .kind = EVENT_NAME(RUN_STARTED)};
  enum status status = journal_scan(config_of(g)->journal, &started, starter, &requester, err);
  if (status != OK) return status;
  nonce_make(g->nonce);
  record_text(&r, "text", g->text);
  record_text(&r, "about", buf_str(&g->about));
  record_text(&r, "role", g->role_name);
  record_int(&r, "quorum", g->approval->quorum);
  record_text(&r, "nonce", g->nonce);
  record_text(&r, "plan", run->plan_sha);
  record_int(&r, "gate", g->number);
  record_int(&r, "within_us", g->within);
  record_int(&r, "use_by_us", g->use_by);
  record_int(&r, "expires_us", clock_add(clock_wall(clock_of(g)), g->within));
  if (g->approval->self_ok) record_bool(&r, "self_ok", true);
  if (wants_signature(g)) record_bool(&r, "signed", true);
  record_text(&r, "otherwise", denial_policy(g) == POLICY_ROLLBACK ? "rollback" : "hold");
  record_text(&r, "requester", requester);
  mem_free(requester);
  return run_record(g->lane, EVENT_NAME(APPROVAL_REQUESTED), &r, err);
}

/* --- its ends --- */

static enum status void_record(struct lane *lane, const char *step, const char *nonce,
                               const char *reason, struct error *err) {
  struct record r = {0};
  record_text(&r, "reason", reason);
  record_text(&r, "nonce", nonce);
  return run_record_at(lane, step, EVENT_NAME(APPROVAL_VOIDED), &r, err);
}

static enum status lapsed(const struct gate_run *g, const char *reason, struct error *err) {
  char limit[32];
  bool unused = strcmp(reason, "unused") == 0;
  took_text(unused ? g->use_by : g->within, limit);
  error_set(err, ERR_FAILED, "the approval was not %s within %s", unused ? "used" : "given", limit);
  error_kind(err, "expired");
  error_at(err, tree_span(g->lane->eval.tree, g->approval->at));
  return ERR_FAILED;
}

static enum status voided(const struct gate_run *g, const char *reason, struct error *err) {
  enum status status = void_record(g->lane, g->step->id, g->nonce, reason, err);
  if (status == OK) status = run_sync(g->lane, err);
  return status == OK ? lapsed(g, reason, err) : status;
}

static enum status denied(const struct gate_run *g, const struct approval_answer *a,
                          struct error *err) {
  bool why = a->reason && *a->reason;
  error_set(err, ERR_CANCELLED, "approval denied by %s%s%s", a->approver, why ? ": " : "",
            why ? a->reason : "");
  error_kind(err, "declined");
  error_at(err, tree_span(g->lane->eval.tree, g->approval->at));
  return ERR_CANCELLED;
}

bool failed_of_no(const struct error *err) {
  return strcmp(err->kind, "declined") == 0 || strcmp(err->kind, "expired") == 0;
}

/* The keys that this process verified with: what an approver recorded is the approver's word. */
static enum status record_signers(struct gate_run *g, struct record *r, struct error *err) {
  char *keys, sha[SHA256_HEX];
  enum status status = ssh_allowed_read(g->role->keys, &keys, err);
  if (status != OK) return status;
  status = journal_put_text(config_of(g)->journal, keys, strlen(keys), sha, err);
  if (status == OK) record_text(r, "signers", sha);
  mem_free(keys);
  return status;
}

static enum status used(struct gate_run *g, const struct approval_count *n, struct error *err) {
  struct record r = {0};
  if (wants_signature(g) && !n->break_glass) {
    enum status status = record_signers(g, &r, err);
    if (status != OK) return status;
  }
  record_text(&r, "nonce", g->nonce);
  record_texts(&r, "approvers", n->by, n->count);
  if (n->break_glass) record_bool(&r, "break_glass", true);
  g->lane->run->glass |= n->break_glass;
  return run_record(g->lane, EVENT_NAME(APPROVAL_USED), &r, err);
}

/* --- looking --- */

static void tell_new(struct gate_run *g, const struct approval_count *n) {
  if (g->told > n->count) g->told = n->count; /* one does not hold any more */
  for (; g->told < n->count; g->told++)
    run_notice(g->lane, &(struct notice){.kind = NOTICE_APPROVED,
                                         .text = g->text,
                                         .detail = n->by[g->told],
                                         .n = n->break_glass});
  if (!n->refused || n->refused->seq <= g->refused) return;
  struct buf b = BUF_INIT;
  g->refused = n->refused->seq;
  buf_addf(&b, "the approval by %s does not count: %s", n->refused->approver, n->why);
  run_notice(g->lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&b)});
  buf_release(&b);
}

static bool same_question(const struct gate_run *g, const struct approval_request *r) {
  return strcmp(r->plan, g->lane->run->plan_sha) == 0 && strcmp(r->text, g->text) == 0 &&
         r->quorum == g->approval->quorum &&
         strcmp(r->role ? r->role : "", g->role_name) == 0 && r->self_ok == g->approval->self_ok &&
         strcmp(r->about ? r->about : "", buf_str(&g->about)) == 0 &&
         r->is_signed == wants_signature(g);
}

static enum status request_lost(const struct approval_request *r, const char *tail,
                                struct error *err) {
  error_set(err, ERR_JOURNAL, r ? "a request for approval in the journal is not the one that was made"
                                : "the journal has lost a request for approval");
  error_help(err, "somebody changed the journal: `stepwise journal verify%s` says what is wrong", tail);
  return ERR_JOURNAL;
}

/* Signatures take a while to verify. From here on nobody answers any more; when somebody did
 * meanwhile, it is looked at again. */
static enum status gate_close(struct gate_run *g, bool *open, struct error *err) {
  struct journal *j = config_of(g)->journal;
  size_t before = request_of(g)->answer_count;
  enum status status = journal_hold(j, err);
  struct approvals counted = g->state;
  if (status != OK) return status;
  status = approvals_read(j, g->lane->run->id, g->step->id, &g->state, err);
  const struct approval_request *r = status == OK ? request_of(g) : NULL;
  *open = r && approval_open(r) && r->answer_count == before;
  g->wait.came |= !*open;
  approvals_release(*open ? &g->state : &counted);
  if (*open) g->state = counted; /* what was counted points into it */
  return status;
}

/* Reads what there is and decides. OK with *open: the gate is passed; OK without: wait on. */
static enum status gate_look(struct gate_run *g, bool *open, struct error *err) {
  const struct engine_config *config = config_of(g);
  int64_t now = clock_wall(clock_of(g));
  struct approval_count n;
  g->wait.came = false;
  approvals_release(&g->state);
  enum status status =
      approvals_read(config->journal, g->lane->run->id, g->step->id, &g->state, err);
  if (status != OK) return status;
  const struct approval_request *r = request_of(g);
  if (!r || !same_question(g, r)) return request_lost(r, run_tail(g->lane), err);
  if (approval_denial(r)) return denied(g, approval_denial(r), err);
  if (r->void_reason) return lapsed(g, r->void_reason, err);
  status = approval_count(g->lane->run->engine->tasks, config->journal, g->lane->run->id, r,
                          site_of(g), now, &n, err);
  if (status != OK) return status;
  tell_new(g, &n);
  *open = n.break_glass || n.count >= r->quorum;
  if (*open) status = gate_close(g, open, err);
  if (status != OK) return status;
  if (*open) return used(g, &n, err);
  if (g->wait.came) return OK;
  if (n.lapsed) return voided(g, "unused", err);
  return now > r->expires_us ? voided(g, "expired", err) : OK;
}

/* How long it is until something changes by itself. */
static int64_t look_again(const struct gate_run *g) {
  const struct approval_request *r = request_of(g);
  int64_t at = r->expires_us;
  for (size_t i = 0; i < r->answer_count; i++)
    if (r->answers[i].use_by_us < at) at = r->answers[i].use_by_us;
  int64_t left = clock_add(at - clock_wall(clock_of(g)), 1000), wait = config_of(g)->wait_us;
  if (wait && g->silent) {
    int64_t patience = clock_add(g->began, wait) - clock_mono(clock_of(g));
    if (patience < left) left = patience;
  }
  return left > 0 ? left : 0;
}

/* --- waiting --- */

void approval_came(struct run *run, const struct event *e) {
  for (struct gate_wait *w = run->engine->gates; w; w = w->next) {
    if (w->run != run || strcmp(w->step, e->step) != 0) continue;
    w->came = true;
    if (w->asleep) task_wake(w->task);
  }
}

static void approve_command(const struct gate_run *g, struct buf *out) {
  buf_addf(out, "stepwise approve %s ", g->lane->run->id);
  buf_add_word(out, g->step->id);
  buf_adds(out, config_of(g)->tail ? config_of(g)->tail : "");
}

/* Parks the run. The journal has the request, so it goes on from there. */
static enum status parked(struct gate_run *g, struct error *err) {
  const struct approval_request *r = request_of(g);
  const char *tail = config_of(g)->tail ? config_of(g)->tail : "";
  struct buf help = BUF_INIT;
  if (!err->message)
    error_set(err, ERR_WAITING, "'%s' waits for approval by :%s (step %s)", g->text, g->role_name,
              g->step->id);
  if (err->help) buf_addf(&help, "%s; or ", err->help);
  buf_adds(&help, "`");
  approve_command(g, &help);
  buf_addf(&help, "`, then `stepwise resume %s%s`", g->lane->run->id, tail);
  err->status = ERR_WAITING;
  error_kind(err, "approval");
  error_help(err, "%s", buf_str(&help));
  g->lane->run->waits_until = r ? r->expires_us : 0;
  buf_release(&help);
  return ERR_WAITING;
}

/* Whether there is any reason to stay: somebody at a terminal, or --wait. */
static bool may_stay(const struct gate_run *g) {
  const struct engine_config *config = config_of(g);
  if (config->prompter->interactive) return true;
  return config->wait_us && clock_mono(clock_of(g)) < clock_add(g->began, config->wait_us);
}

/* What became of the question. Nobody there to be asked is the end of asking, not of waiting. */
static enum status asked(struct gate_run *g, struct gate_ask *a, struct error *err) {
  enum status status = a->status;
  bool late = status == ERR_WAITING && clock_mono(clock_of(g)) >= a->q.until;
  if (status == OK) status = gate_ask_take(g, a, err);
  else if (late) status = OK; /* the next look finds the request expired */
  else if (status == ERR_WAITING && !config_of(g)->prompter->interactive && may_stay(g))
    g->silent = true, status = OK;
  else error_move(err, &a->err);
  gate_ask_stop(g, a);
  return status == ERR_WAITING ? parked(g, err) : status;
}

static void tell_waiting(struct gate_run *g) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "by :%s", g->role_name);
  if (g->role) buf_adds(&b, " ("), role_members_text(g->role, &b), buf_addc(&b, ')');
  buf_addf(&b, ", %u of %u until ", g->told, g->approval->quorum);
  site_time_text(site_of(g), request_of(g)->expires_us, &b);
  buf_addc(&b, '\n');
  approve_command(g, &b);
  run_notice(g->lane,
             &(struct notice){.kind = NOTICE_APPROVAL, .text = g->text, .detail = buf_str(&b)});
  buf_release(&b);
}

/* Sleeps until somebody answers, here or elsewhere, or a limit passes. */
static enum status gate_sleep(struct gate_run *g, struct gate_ask *a, struct error *err) {
  if ((a->task && a->done) || g->wait.came) return OK;
  g->wait.asleep = true;
  enum status status = task_sleep(g->lane->run->engine->tasks, look_again(g), err);
  g->wait.asleep = false;
  return status;
}

static enum status gate_waits(struct gate_run *g, struct gate_ask *a, struct error *err) {
  bool open = false, told = false;
  enum status status = gate_look(g, &open, err);
  while (status == OK && !open) {
    /* Who is told of it, here or elsewhere, finds it in the journal. */
    status = run_sync(g->lane, err);
    if (status != OK) return status;
    gate_ask_start(g, a);
    if (g->silent && !may_stay(g) && !g->wait.came) return parked(g, err);
    if (g->silent && !told) tell_waiting(g), told = true;
    status = gate_sleep(g, a, err);
    if (status == OK && a->task && a->done) status = asked(g, a, err);
    uint32_t before = g->told;
    if (status == OK) status = gate_look(g, &open, err);
    if (g->told != before) gate_ask_stop(g, a); /* one less is asked for */
  }
  return status;
}

static enum status gate_wait(struct gate_run *g, struct gate_ask *a, struct error *err) {
  struct engine *engine = g->lane->run->engine;
  g->wait = (struct gate_wait){.next = engine->gates,
                               .step = g->step->id,
                               .run = g->lane->run,
                               .task = task_current(engine->tasks)};
  engine->gates = &g->wait;
  enum status status = gate_waits(g, a, err);
  struct gate_wait **at = &engine->gates;
  while (*at != &g->wait)
    at = &(*at)->next;
  *at = g->wait.next;
  return status;
}

/* --- picking up --- */

struct group {
  const char *step;
  int64_t seq;
};

static enum status group_event(void *ud, const struct event *e) {
  struct group *g = ud;
  bool begins = strcmp(e->kind, EVENT_NAME(STEP_STARTED)) == 0;
  bool ends = strcmp(e->kind, EVENT_NAME(STEP_FAILED)) == 0;
  if ((begins || ends) && strcmp(e->step, g->step) == 0) g->seq = e->seq;
  return OK;
}

/* Whether the step has begun anew or failed since: what was decided before then is behind it. An
 * approval that was used stands for the attempts it let begin, over a crash too. */
static enum status behind(struct gate_run *g, int64_t seq, bool *out, struct error *err) {
  struct group last = {.step = g->step->id};
  const struct event_filter f = {.run = g->lane->run->id, .kind = "step.", .after = seq};
  enum status status = journal_scan(config_of(g)->journal, &f, group_event, &last, err);
  *out = last.seq != 0;
  return status;
}

static void adopt(struct gate_run *g, const struct approval_request *r) {
  snprintf(g->nonce, sizeof g->nonce, "%s", r->nonce);
}

/* An approval that was used is counted again as it was then: that a use stands in the journal opens
 * nothing. Without enough of them the step asks anew. */
static enum status used_before(const struct gate_run *g, const struct approval_request *r,
                               bool *passed, struct error *err) {
  struct approval_count n;
  enum status status =
      approval_count(g->lane->run->engine->tasks, config_of(g)->journal, g->lane->run->id, r,
                     site_of(g), r->used_us, &n, err);
  *passed = status == OK && (n.break_glass || n.count >= r->quorum);
  return status;
}

/* A request that is decided: met now when this is the attempt it was made for. */
static enum status pick_up_decided(struct gate_run *g, const struct approval_request *r, bool same,
                                   bool *passed, struct error *err) {
  const struct approval_answer *no = approval_denial(r);
  bool over;
  enum status status = behind(g, r->used_seq ? r->used_seq : no ? no->seq : r->void_seq, &over, err);
  if (status != OK || over || !same) return status;
  if (r->used_seq) return used_before(g, r, passed, err);
  if (no || strstr(r->void_reason, "changed") == NULL) adopt(g, r);
  return OK;
}

/* Goes on with the request that an earlier process made, when it still is the same question. */
static enum status pick_up(struct gate_run *g, bool *passed, struct error *err) {
  const struct approval_request *r = NULL;
  enum status status = approvals_read(config_of(g)->journal, g->lane->run->id, g->step->id,
                                      &g->state, err);
  for (size_t i = 0; i < g->state.count; i++)
    if (g->state.at[i].gate == g->number) r = &g->state.at[i];
  if (status != OK || !r) return status;
  bool plan = strcmp(r->plan, g->lane->run->plan_sha) == 0, same = same_question(g, r);
  if (!approval_open(r)) return pick_up_decided(g, r, same, passed, err);
  if (same) adopt(g, r);
  else status = void_record(g->lane, g->step->id, r->nonce, plan ? "changed" : "plan_changed", err);
  return status;
}

static enum status approval_pass(struct lane *lane, struct step_run *s, const struct approval *a,
                                 uint32_t number, bool *waited, struct error *err) {
  struct gate_run g = {.lane = lane,
                       .step = s,
                       .approval = a,
                       .number = number,
                       .role_name = a->role ? sym_text(lane->run->program->syms, a->role) : "",
                       .began = clock_mono(lane->run->engine->config.clock)};
  struct gate_ask ask = {0};
  bool passed = false;
  enum status status = gate_prepare(&g, err);
  if (status == OK) status = pick_up(&g, &passed, err);
  if (status == OK && !passed) {
    *waited = true;
    if (!*g.nonce) status = gate_request(&g, err);
    if (status == OK) status = gate_wait(&g, &ask, err);
    gate_ask_stop(&g, &ask);
  }
  gate_release(&g);
  return status;
}

enum status approvals_pass(struct lane *lane, struct step_run *s, bool *waited, struct error *err) {
  uint32_t number = 0;
  for (const struct approval *a = s->step->approvals; a; a = a->next) {
    enum status status = approval_pass(lane, s, a, ++number, waited, err);
    if (status != OK && failed_of_no(err)) s->policy = a->otherwise;
    if (status != OK) return status;
  }
  return OK;
}

enum status approvals_void(struct lane *lane, const char *reason, struct error *err) {
  struct approvals all;
  enum status status =
      approvals_read(lane->run->engine->config.journal, lane->run->id, NULL, &all, err);
  for (size_t i = 0; status == OK && i < all.count; i++)
    if (approval_open(&all.at[i]))
      status = void_record(lane, all.at[i].step, all.at[i].nonce, reason, err);
  approvals_release(&all);
  return status;
}
