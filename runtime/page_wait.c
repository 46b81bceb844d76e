/* Waiting until somebody acknowledges a page: at the run's own prompt, or by `stepwise ack` from any
 * terminal. The journal alone says that somebody did. */
#include "page_inner.h"

#include "peek.h"

struct page_wait {
  struct page_wait *next; /* in engine.pages */
  struct run *run;
  struct task *task;
  bool asleep;
  uint32_t signals; /* of the run, when the wait began */
};

/* The question at the run's prompt: a task of its own, so that it can be withdrawn. */
struct page_ask {
  struct lane *lane;
  struct prompt q;
  struct answer answer;
  struct error err;
  enum status status;
  struct task *task;
  struct page_wait *wait;
  bool done, silent; /* silent: nobody can be asked here */
  bool passed;       /* whoever sits here knows that nobody will answer */
  char *problem;
};

static struct engine *engine_of(const struct page_run *p) {
  return p->lane->run->engine;
}

/* --- what the journal has --- */

struct acked {
  const char *page;
  char *by, *note; /* owned */
};

static enum status take_ack(void *ud, const struct event *e) {
  struct acked *a = ud;
  if (!peek_is(e->data, e->data_len, "page", a->page)) return OK;
  a->by = mem_strdup(e->actor);
  a->note = peek_copy(e->data, e->data_len, "note");
  return ERR_STOP;
}

enum status page_acked(struct page_run *p, bool *acked, struct error *err) {
  struct acked a = {.page = p->key};
  const struct event_filter f = {.run = p->lane->run->id, .kind = EVENT_NAME(PAGE_ACKNOWLEDGED)};
  enum status status = journal_scan(engine_of(p)->config.journal, &f, take_ack, &a, err);
  if (status == ERR_STOP) status = OK;
  *acked = a.by != NULL;
  if (a.by) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "acknowledged by %s%s%s", a.by, a.note ? ": " : "", a.note ? a.note : "");
    run_notice(p->lane, &(struct notice){.kind = NOTICE_PAGE, .text = buf_str(&b)});
    buf_release(&b);
  }
  mem_free(a.by);
  mem_free(a.note);
  return status;
}

void page_ack_came(struct run *run, const struct event *e) {
  (void)e;
  for (struct page_wait *w = run->engine->pages; w; w = w->next)
    if (w->run == run && w->asleep) task_wake(w->task);
}

/* --- signals --- */

void page_signal_came(struct run *run) {
  page_ack_came(run, NULL);
}

static bool told_to_stop(const struct page_wait *w) {
  return w->run->in_handler && w->run->signals != w->signals;
}

/* After a failure a page waits shielded. Who asks the run to stop meanwhile does not wait for people: the
 * run is left as it is, and `resume` goes on waiting. Not while another run still has something to end. */
static void leave_when_told(const struct page_run *p, const struct page_wait *w) {
  struct engine *g = engine_of(p);
  if (!told_to_stop(w)) return;
  for (const struct run *run = g->runs; run; run = run->next) {
    bool waits = false;
    for (const struct page_wait *o = g->pages; o && !waits; o = o->next)
      waits = o->run == run && told_to_stop(o);
    if (!waits) return;
  }
  engine_leave(g, "left as it is: it was told to stop", "a page waits for its acknowledgement");
}

/* --- at the prompt --- */

/* The role that this account is a member of, of those that are called; NULL: none. */
static const char *role_of(const struct page_run *p, const char *account) {
  for (size_t i = 0; i < p->count; i++)
    if (p->turns[i].role && role_has(p->turns[i].role, account)) return p->turns[i].name;
  return NULL;
}

static void ask_main(void *arg) {
  struct page_ask *a = arg;
  struct ask_wait turn;
  a->status = ask_begin(a->lane, &turn, a->q.until, &a->err);
  if (a->status == OK) {
    a->status = prompt_ask(a->lane->run->engine, &a->q, &a->answer, &a->err);
    ask_end(a->lane, &turn);
  }
  a->done = true;
  if (a->wait->asleep) task_wake(a->wait->task);
}

static void ask_start(struct page_run *p, struct page_ask *a, struct page_wait *w, int64_t until) {
  if (a->silent || a->task) return;
  a->lane = p->lane;
  a->wait = w;
  a->done = false;
  a->q = (struct prompt){.kind = PROMPT_PAGE,
                         .step = p->lane->at ? p->lane->at->id : "",
                         .branch = p->lane->name,
                         .text = p->text,
                         .problem = a->problem,
                         .until = until};
  a->task = task_spawn(engine_of(p)->tasks, ask_main, a);
}

/* Whatever becomes of the page, its question does not stay on the screen. */
static void ask_stop(struct page_run *p, struct page_ask *a) {
  struct tasks *tasks = engine_of(p)->tasks;
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

/* Nobody will: the next contact is not to wait for the end of the time. */
static bool answer_no(const char *said) {
  const char *s = said + strspn(said, " \t");
  size_t n = strcspn(s, " \t\r\n");
  if (s[n + strspn(s + n, " \t\r\n")]) return false;
  return (n == 2 && strncasecmp(s, "no", n) == 0) || (n == 1 && strncasecmp(s, "n", n) == 0);
}

/* "ack" or "ack kim is on it": the note, or NULL when it is neither. */
static const char *answer_note(char *said) {
  static const char *const words[] = {"ack", "yes", "y"};
  size_t n = strlen(said);
  while (n && strchr(" \t\r\n", said[n - 1]))
    said[--n] = '\0';
  said += strspn(said, " \t");
  n = strcspn(said, " \t:,");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == n && strncasecmp(words[i], said, n) == 0)
      return said + n + strspn(said + n, " \t:,");
  return NULL;
}

static enum status answer_record(struct page_run *p, const char *role, const char *note,
                                 struct error *err) {
  struct record r = {0};
  record_text(&r, "page", p->key);
  record_text(&r, "role", role);
  record_text(&r, "note", *note ? note : NULL);
  record_text(&r, "source", engine_of(p)->config.prompter->source);
  enum status status = run_record(p->lane, EVENT_NAME(PAGE_ACKNOWLEDGED), &r, err);
  return status == OK ? run_sync(p->lane, err) : status;
}

/* What was said at the prompt. An answer that does not do is asked for again where a person gave it. */
static enum status answer_take(struct page_run *p, struct page_ask *a, struct error *err) {
  const struct engine_config *config = &engine_of(p)->config;
  const char *role = role_of(p, journal_actor(config->journal));
  struct buf said = BUF_INIT;
  value_to_s(a->answer.value, p->lane->run->program->syms, &said);
  char *text = buf_take(&said);
  a->passed = answer_no(text);
  const char *note = a->passed ? NULL : answer_note(text), *problem = NULL;
  enum status status = OK;
  const struct run *run = p->lane->run;
  if (a->passed) problem = NULL;
  else if (!note) problem = "say ack once somebody has it (a remark may follow), or no: it goes on to the next";
  else if (!role && run->site && !run->drill && !*note)
    problem = "you are none of those who are paged: say who has it, as in: ack kim is on it";
  if (!problem && !a->passed) status = answer_record(p, role, note, err);
  mem_free(a->problem);
  a->problem = problem ? mem_strdup(problem) : NULL;
  if (problem && !config->prompter->again) a->silent = true;
  mem_free(text);
  return status;
}

/* The end of asking is not the end of waiting, unless the lane is stopped. */
static enum status asked(struct page_run *p, struct page_ask *a, struct error *err) {
  enum status status = a->status;
  if (status == OK) status = answer_take(p, a, err);
  else if (status == ERR_WAITING || status == ERR_FAILED) a->silent = true, status = OK;
  else error_move(err, &a->err);
  ask_stop(p, a);
  return status;
}

/* --- waiting --- */

static void tell_waiting(struct page_run *p, int64_t us) {
  char length[32];
  struct buf b = BUF_INIT;
  took_text(us, length);
  buf_addf(&b, "waiting %s for an acknowledgement: stepwise ack %s%s", length, p->lane->run->id,
           run_tail(p->lane));
  run_notice(p->lane, &(struct notice){.kind = NOTICE_WAIT, .text = buf_str(&b), .us = us});
  buf_release(&b);
}

static enum status await_live(struct page_run *p, struct page_wait *w, int64_t left, bool *acked,
                              struct error *err) {
  struct clock *clock = engine_of(p)->config.clock;
  struct page_ask ask = {0};
  int64_t until = clock_add(clock_mono(clock), left);
  enum status status = page_acked(p, acked, err);
  while (status == OK && !*acked && !ask.passed && clock_mono(clock) < until) {
    ask_start(p, &ask, w, until);
    w->asleep = true;
    status = task_sleep(engine_of(p)->tasks, until - clock_mono(clock), err);
    w->asleep = false;
    if (status == OK && ask.task && ask.done) status = asked(p, &ask, err);
    if (status == OK) status = page_acked(p, acked, err);
    if (status == OK && !*acked) leave_when_told(p, w);
  }
  p->passed = ask.passed;
  ask_stop(p, &ask);
  mem_free(ask.problem);
  replay_clock_moved(p->lane);
  return status;
}

/* While a failure is handled or a step is undone, waiting for people takes nothing of the time that
 * these have: what comes after the page is done too. */
static enum status await_shielded(struct page_run *p, struct page_wait *w, int64_t left,
                                  bool *acked, struct error *err) {
  struct tasks *tasks = engine_of(p)->tasks;
  struct clock *clock = engine_of(p)->config.clock;
  const struct run *run = p->lane->run;
  if (!run->in_handler && !run->rolling_back) return await_live(p, w, left, acked, err);
  int64_t began = clock_mono(clock), before = task_shield(tasks);
  enum status status = await_live(p, w, left, acked, err);
  task_unshield(tasks, clock_add(before, clock_mono(clock) - began));
  return status;
}

static enum status await_from_now(struct page_run *p, int64_t left, bool *acked,
                                  struct error *err) {
  struct engine *engine = engine_of(p);
  enum status status = p->lane->replay ? replay_live(p->lane, err) : OK;
  if (status == OK) status = run_sync(p->lane, err); /* who is told finds it in the journal */
  if (status != OK) return status;
  struct page_wait w = {.next = engine->pages,
                        .run = p->lane->run,
                        .signals = p->lane->run->signals,
                        .task = task_current(engine->tasks)};
  engine->pages = &w;
  status = await_shielded(p, &w, left, acked, err);
  struct page_wait **at = &engine->pages;
  while (*at != &w)
    at = &(*at)->next;
  *at = w.next;
  return status;
}

/* The wait has no end in the journal, the page has: the run went no further. A limit that cut it has
 * passed for good; a stop that did not get to end its step has not. */
static enum status cut_before(struct page_run *p, struct error *err) {
  struct lane *lane = p->lane;
  uint32_t e = replay_peek(lane->replay, EVENT_PAGE_UNANSWERED);
  p->cut = past_is(lane->run->history, e, "reason", "stopped") ? "stopped" : "timeout";
  if (strcmp(p->cut, "stopped") == 0) return OK;
  error_set(err, ERR_FAILED, "took longer than its time limit");
  error_kind(err, "limit");
  return ERR_FAILED;
}

enum status page_await(struct page_run *p, int64_t us, bool *acked, struct error *err) {
  struct lane *lane = p->lane;
  struct record r = {0};
  int64_t left;
  tell_waiting(p, us);
  enum status status = wait_begin(lane, us, 0, &left, err);
  if (status != OK) return status;
  if (lane->replay && replay_head(lane->replay) == EVENT_PAGE_UNANSWERED) return cut_before(p, err);
  bool ended = lane->replay && replay_head(lane->replay) == EVENT_WAIT_FINISHED;
  if (ended)
    *acked = past_is(lane->run->history, replay_peek(lane->replay, EVENT_WAIT_FINISHED), "held", NULL);
  else status = await_from_now(p, left, acked, err);
  if (status != OK) return status;
  record_bool(&r, "held", *acked);
  return run_record(lane, EVENT_NAME(WAIT_FINISHED), &r, err);
}
