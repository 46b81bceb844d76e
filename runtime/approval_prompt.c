/* Approving at the run's own prompt. */
#include "approval_inner.h"

#include "prompt.h"

/* In a drill whoever practises answers for others. With a site a name proves nothing, unless the role
 * takes typed names: only the operator can be told by the account, and only where the runbook lets the
 * requester approve. NULL: a name is asked for. false: nobody can approve here. */
static bool prompt_takes(const struct gate_run *g, const char **as) {
  const char *me = journal_actor(config_of(g)->journal);
  *as = NULL;
  if (!site_of(g) || g->role->typed || g->lane->run->drill) return true;
  if (g->role->is_signed) return false;
  *as = me;
  return !approver_barred(request_of(g), site_of(g), me, false);
}

/* Wakes a gate that sleeps, and none that waits for something else. */
static void gate_wake(struct engine *g, const struct task *gate) {
  for (struct gate_wait *w = g->gates; w; w = w->next)
    if (w->task == gate && w->asleep) task_wake(w->task);
}

static void ask_main(void *arg) {
  struct gate_ask *a = arg;
  struct ask_wait turn;
  a->status = ask_begin(a->lane, &turn, a->q.until, &a->err);
  if (a->status == OK) {
    a->status = prompt_ask(a->lane->run->engine, &a->q, &a->answer, &a->err);
    ask_end(a->lane, &turn);
  }
  a->done = true;
  gate_wake(a->lane->run->engine, a->gate);
}

void gate_ask_start(struct gate_run *g, struct gate_ask *a) {
  struct tasks *tasks = g->lane->run->engine->tasks;
  const struct approval_request *r = request_of(g);
  const char *as;
  if (g->silent || a->task) return;
  if (!prompt_takes(g, &as)) {
    g->silent = true;
    return;
  }
  int64_t left = r->expires_us - clock_wall(clock_of(g));
  *a = (struct gate_ask){.lane = g->lane, .gate = task_current(tasks)};
  a->q = (struct prompt){.kind = PROMPT_APPROVAL,
                         .step = g->step->id,
                         .branch = g->lane->name,
                         .text = g->text,
                         .about = buf_str(&g->about),
                         .role = g->role_name,
                         .as = as,
                         .problem = g->problem,
                         .given = g->told,
                         .quorum = r->quorum,
                         .until = clock_add(clock_mono(clock_of(g)), left > 0 ? left : 0)};
  a->task = task_spawn(tasks, ask_main, a);
}

void gate_ask_stop(struct gate_run *g, struct gate_ask *a) {
  struct tasks *tasks = g->lane->run->engine->tasks;
  struct error ignored = {0};
  if (!a->task) return;
  int64_t before = task_shield(tasks);
  task_cancel(a->task);
  if (task_wait(tasks, a->task, &ignored) != OK) error_release(&ignored);
  task_unshield(tasks, before);
  a->task = NULL;
  answer_release(&a->answer);
  error_release(&a->err);
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

static bool answered_by(const struct approval_request *r, const char *by) {
  for (size_t i = 0; i < r->answer_count; i++)
    if (same_account(r->answers[i].approver, by)) return true;
  return false;
}

/* Why this answer does not do, or NULL. */
static const char *answer_problem(struct gate_run *g, const struct gate_ask *a,
                                  enum verdict verdict, const char *by, struct buf *scratch) {
  const struct approval_request *r = request_of(g);
  if (verdict == VERDICT_NONE) return "answer approve or deny";
  if (by && *by && !approver_named(by)) return "the name is none: one line, without blanks around it";
  if (verdict == VERDICT_DENY) return NULL;
  if (!by || !*by) return "say who approves";
  if (answered_by(r, by)) return "has approved already; this takes different people";
  const char *why = approver_barred(r, site_of(g), by, false);
  if (!why) return NULL;
  /* In these words since before there were sites. */
  if (!a->q.as && strstr(why, "started the run")) return "who started the run cannot approve it; somebody else must";
  buf_addf(scratch, "%s %s", by, why);
  return buf_str(scratch);
}

static enum status answer_record(struct gate_run *g, const struct gate_ask *a, bool no,
                                 struct error *err) {
  const char *me = journal_actor(config_of(g)->journal), *by = a->answer.by;
  struct record r = {0};
  char account[256];
  snprintf(account, sizeof account, "%.*s", (int)strcspn(me, "@"), me);
  if (a->q.as || !by || !*by) by = account;
  record_text(&r, "approver", by);
  record_text(&r, "nonce", g->nonce);
  record_text(&r, "reason", a->answer.comment);
  record_text(&r, "identity", g->lane->run->drill ? "drill" : a->q.as ? "account" : "typed");
  if (!no) record_int(&r, "use_by_us", clock_add(clock_wall(clock_of(g)), g->use_by));
  enum status status =
      run_record(g->lane, no ? EVENT_NAME(APPROVAL_DENIED) : EVENT_NAME(APPROVAL_GIVEN), &r, err);
  return status == OK ? run_sync(g->lane, err) : status;
}

static enum status answer_bad(const struct gate_run *g, const char *problem, struct error *err) {
  error_set(err, ERR_VALUE, "approval '%s': %s", g->text, problem);
  error_help(err,
             "in the answers file: \"approve %s\": {\"answer\": \"approve\", \"by\": \"NAME\"}",
             g->step->id);
  return ERR_VALUE;
}

/* A file begins anew with each process: what of it the run has already is passed over. */
static bool given_before(struct gate_run *g, const char *by) {
  const struct history *h = g->lane->run->history;
  const struct approval_request *r = request_of(g);
  size_t before = 0;
  bool his = false;
  if (!h || !by || config_of(g)->prompter->again) return false;
  for (size_t i = 0; i < r->answer_count; i++) {
    if (r->answers[i].seq > h->events[h->count].seq) continue;
    his |= same_account(r->answers[i].approver, by);
    before++;
  }
  return his && g->passed++ < before;
}

enum status gate_ask_take(struct gate_run *g, struct gate_ask *a, struct error *err) {
  struct buf word = BUF_INIT, scratch = BUF_INIT;
  answer_word(g->lane, a->answer.value, &word);
  if (a->answer.by) trim(a->answer.by);
  enum verdict verdict = approval_verdict(buf_str(&word));
  const char *by = a->q.as ? a->q.as : a->answer.by;
  bool passed = verdict == VERDICT_APPROVE && given_before(g, by);
  const char *problem = passed ? NULL : answer_problem(g, a, verdict, by, &scratch);
  enum status status = OK;
  mem_free(g->problem);
  g->problem = problem ? mem_strdup(problem) : NULL;
  if (passed) status = OK;
  else if (!problem) status = answer_record(g, a, verdict == VERDICT_DENY, err);
  else if (!config_of(g)->prompter->again) status = answer_bad(g, problem, err);
  buf_release(&word);
  buf_release(&scratch);
  return status;
}
