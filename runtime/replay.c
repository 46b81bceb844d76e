/* What was recorded of an attempt, told again. */
#include "replay.h"

#include "run.h"

/* What a body, a rollback or the on_failure block leaves; the gate of a step is checked anew. */
static const bool tellable[EVENT_KINDS] = {
    [EVENT_ACTION_STARTED] = true,  [EVENT_ACTION_FINISHED] = true, [EVENT_ACTION_SETTLED] = true,
    [EVENT_PROMPT_ASKED] = true,    [EVENT_PROMPT_ANSWERED] = true, [EVENT_EXPECT_CHECKED] = true,
    [EVENT_VERIFY_CHECKED] = true,  [EVENT_SHOWN] = true,           [EVENT_NOTED] = true,
    [EVENT_FINDING] = true,         [EVENT_FOLLOW_UP] = true,       [EVENT_PAGED] = true,
    [EVENT_PAGE_DELIVERED] = true,  [EVENT_PAGE_UNDELIVERED] = true, [EVENT_PAGE_ESCALATED] = true,
    [EVENT_PAGE_UNANSWERED] = true,
    [EVENT_CLOCK_READ] = true,      [EVENT_WAIT_STARTED] = true,    [EVENT_WAIT_FINISHED] = true,
    [EVENT_LOOK_FAILED] = true};

struct making {
  struct replay *r;
  size_t cap;
  bool gate; /* the action under way belongs to the gate */
};

/* Outcomes carry no attempt: they belong to the intent before them. */
static bool belongs(struct making *m, const struct history *h, uint32_t event) {
  switch (h->events[event].kind) {
  case EVENT_ACTION_STARTED:
    m->gate = past_int(h, event, "attempt", 1) == 0 && !past_is(h, event, "rollback", NULL);
    return !m->gate;
  case EVENT_ACTION_FINISHED:
  case EVENT_ACTION_SETTLED:
    return !m->gate;
  case EVENT_PROMPT_ASKED:
  case EVENT_PROMPT_ANSWERED:
    return past_int(h, event, "attempt", 1) != 0;
  case EVENT_CLOCK_READ: {
    const char *place;
    size_t len;
    return !past_raw(h, event, "place", &place, &len);
  }
  default:
    return true;
  }
}

/* The tellable events of a step from `from` on, before `to` (0: all). */
static struct replay *replay_from(const struct history *h, uint32_t from, uint32_t to,
                                  bool attempts) {
  struct making m = {.r = mem_zalloc(sizeof *m.r)};
  struct replay *r = m.r;
  r->h = h;
  for (uint32_t e = from; e && e != to; e = h->events[e].next) {
    if (!tellable[h->events[e].kind] || (attempts && !belongs(&m, h, e))) continue;
    r->events = mem_grow(r->events, r->count, &m.cap, sizeof *r->events);
    r->events[r->count++] = e;
  }
  if (!r->count) return mem_free(r), NULL;
  r->told = mem_array(r->count, sizeof *r->told);
  r->left = r->count;
  r->since_us = history_attempt_began(h, r->events[0]);
  return r;
}

struct replay *replay_body(const struct history *h, const struct step_past *p) {
  return replay_from(h, h->events[p->attempt_at].next, p->undo_from, true);
}

struct replay *replay_undo(const struct history *h, const struct step_past *p) {
  return replay_from(h, h->events[p->undo_at].next, 0, false);
}

/* Outside of steps nothing else is tellable but the clock, which has places there. */
struct replay *replay_handler(const struct history *h) {
  uint32_t e = h->steps[0]->first;
  while (e && (e <= h->rested || h->events[e].kind == EVENT_ACTION_SETTLED))
    e = h->events[e].next; /* what was settled since belongs to the block that was told before */
  return replay_from(h, e, 0, true);
}

/* Each failure's block does things of its own: their keys go on from there. */
uint32_t replay_handled(const struct history *h) {
  int64_t most = 0;
  for (uint32_t e = h ? h->steps[0]->first : 0; e && e <= h->rested; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    bool counts = kind == EVENT_ACTION_STARTED || kind == EVENT_PAGED;
    int64_t call = counts ? past_int(h, e, "call", 0) : 0;
    if (call > most) most = call;
  }
  return (uint32_t)most;
}

void replay_free(struct replay *r) {
  if (!r) return;
  mem_free(r->events);
  mem_free(r->told);
  mem_free(r);
}

/* --- one event after the other --- */

static size_t find(struct replay *r, enum event_kind kind) {
  size_t i = r->cursor[kind];
  while (i < r->count && (r->told[i] || r->h->events[r->events[i]].kind != kind))
    i++;
  return r->cursor[kind] = i;
}

static void tell(struct replay *r, size_t i) {
  r->told[i] = true;
  r->left--;
  while (r->head < r->count && r->told[r->head])
    r->head++;
}

uint32_t replay_peek(struct replay *r, enum event_kind kind) {
  size_t i = find(r, kind);
  return i < r->count ? r->events[i] : 0;
}

uint32_t replay_next(struct replay *r, enum event_kind kind) {
  size_t i = find(r, kind);
  if (i == r->count) return 0;
  tell(r, i);
  return r->events[i];
}

enum event_kind replay_head(const struct replay *r) {
  return r->head < r->count ? r->h->events[r->events[r->head]].kind : EVENT_KINDS;
}

/* --- calls of actions --- */

static bool is_call(enum event_kind kind) {
  return kind == EVENT_ACTION_STARTED || kind == EVENT_ACTION_FINISHED ||
         kind == EVENT_ACTION_SETTLED;
}

/* A cut-off action has an outcome that says nothing of the world. */
static bool says_nothing(const struct history *h, uint32_t finished) {
  static const char *const kinds[] = {"interrupted", "stopped", "in_doubt"};
  struct error e = {0};
  const char *json;
  size_t len;
  if (!past_raw(h, finished, "error", &json, &len)) return false;
  past_error(h, finished, "error", &e);
  bool nothing = false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    nothing |= strcmp(e.kind, kinds[i]) == 0;
  error_release(&e);
  return nothing;
}

static void call_event(const struct history *h, uint32_t event, struct past_call *c) {
  switch (h->events[event].kind) {
  case EVENT_ACTION_STARTED:
    *c = (struct past_call){.state = PAST_OPEN, .started = event};
    return;
  case EVENT_ACTION_FINISHED:
    if (says_nothing(h, event)) return;
    c->state = PAST_ENDED;
    c->ended = event;
    return;
  default:
    c->ended = event;
    c->state = past_is(h, event, "as", "done")       ? PAST_ENDED
               : past_is(h, event, "as", "not_done") ? PAST_CLEARED
                                                     : PAST_ABANDONED;
  }
}

void replay_call(struct replay *r, uint32_t ordinal, struct past_call *out) {
  *out = (struct past_call){0};
  for (size_t i = r->head; i < r->count; i++) {
    uint32_t e = r->events[i];
    if (r->told[i] || !is_call(r->h->events[e].kind)) continue;
    if (past_int(r->h, e, "call", 0) != ordinal) return;
    call_event(r->h, e, out);
    tell(r, i);
  }
}

/* An operator names an action by its key. */
static bool same_key(const struct history *h, uint32_t a, uint32_t b) {
  const char *x, *y;
  size_t n, m;
  return past_raw(h, a, "key", &x, &n) && past_raw(h, b, "key", &y, &m) && n == m &&
         memcmp(x, y, n) == 0;
}

void history_call(const struct history *h, const struct step_past *p, uint32_t ordinal,
                  bool rollback, struct past_call *out) {
  struct making m = {0};
  *out = (struct past_call){0};
  for (uint32_t e = p->first; e; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    if (!is_call(kind) || !(rollback || belongs(&m, h, e))) continue;
    if (past_int(h, e, "call", 0) != ordinal) continue;
    bool own = kind == EVENT_ACTION_SETTLED ? out->started && same_key(h, out->started, e)
                                            : past_is(h, e, "rollback", NULL) == rollback;
    if (own) call_event(h, e, out);
  }
}

/* --- in a lane --- */

bool replaying(const struct lane *lane) {
  return lane->replay && lane->replay->left;
}

/* A run that is being undone goes forward no more: there is nothing to be passed over. */
static void differs_help(const struct run *run, struct error *err) {
  const char *tail = run->engine->config.tail;
  if (run->back || run->rolling_back)
    error_help(err, "nothing was done; go on undoing with other texts: stepwise resume %s "
                    "--accept-plan-change FILE%s, or give it up: stepwise abandon", run->id, tail ? tail : "");
  else
    error_help(err, "nothing was done; go on past the step with --skip STEP --reason TEXT, or roll the run back");
}

enum status replay_differs(const struct lane *lane, const char *recorded, const char *now,
                           struct error *err) {
  error_set(err, ERR_FAILED, "what the journal has is not what the runbook does\nrecorded: %s\nnow: %s",
            recorded, now);
  error_kind(err, "replay");
  differs_help(lane->run, err);
  return ERR_FAILED;
}

static void event_name(const struct replay *r, uint32_t event, struct buf *out) {
  static const char *const fields[] = {"binding", "action", "text", "args", "site"};
  buf_addf(out, "%s", event_kinds[r->h->events[event].kind].name);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    const char *json;
    size_t len;
    if (!past_raw(r->h, event, fields[i], &json, &len)) continue;
    buf_addc(out, ' ');
    buf_add(out, json, len < 400 ? len : 400);
  }
}

/* Something else comes now than what stands in the journal. */
static enum status more_recorded(const struct lane *lane, const struct replay *r, const char *now,
                                 struct error *err) {
  struct buf recorded = BUF_INIT;
  event_name(r, r->events[r->head], &recorded);
  enum status status = replay_differs(lane, buf_str(&recorded), now, err);
  buf_release(&recorded);
  return status;
}

enum status replay_record(struct lane *lane, const char *kind, bool *told, struct error *err) {
  const struct event_kind_info *info = event_kind_find(kind);
  enum event_kind k = (enum event_kind)(info - event_kinds);
  *told = false;
  if (!tellable[k]) return OK;
  *told = replay_next(lane->replay, k) != 0;
  /* What settles a doubt is recorded before anything is checked. */
  if (*told || k == EVENT_ACTION_SETTLED) return OK;
  if (lane->replay->left) return more_recorded(lane, lane->replay, kind, err);
  return replay_live(lane, err);
}

/* They walk without waiting for anything, so some turns without a step met mean that all are there.
 * One that goes on gives way to one that fails: that one stops it. */
void others_walk(struct run *run, bool failed) {
  enum { STILL = 100 };
  size_t seen = 0;
  run->walk_failed |= failed;
  for (int still = 0; run->walking; still++) {
    if (run->visited != seen) still = 0;
    seen = run->visited;
    bool there = run->visited >= run->to_visit || still == STILL;
    if (there && (failed || !run->walk_failed)) break;
    task_yield(run->engine->tasks);
  }
  run->walking = false;
}

enum status replay_live(struct lane *lane, struct error *err) {
  struct step_run *s = lane->at;
  if (lane->replay && lane->replay->left) return more_recorded(lane, lane->replay, "something else", err);
  replay_free(lane->replay);
  lane->replay = NULL;
  others_walk(lane->run, false);
  if (lane->run->back && !lane->run->rolling_back) return run_back_stop(err);
  if (!s || !s->gate_due || s->rolling_back) return OK;
  s->gate_due = false;
  uint32_t attempt = s->attempt, calls = s->calls, prompts = s->prompts;
  s->attempt = s->calls = s->prompts = 0;
  enum status status = step_gate(lane, s, err);
  s->attempt = attempt;
  s->calls = calls;
  s->prompts = prompts;
  return status;
}

/* A limit that passed while the run stood still cuts the attempt short, and so does a signal. */
static bool cut_short(const struct error *err) {
  return err->status == ERR_CANCELLED || err->status == ERR_WAITING || err->status == ERR_JOURNAL ||
         strcmp(err->kind, "limit") == 0 || strcmp(err->kind, "replay") == 0 ||
         strcmp(err->kind, "in_doubt") == 0;
}

enum status replay_close(struct lane *lane, enum status status, struct error *err) {
  struct replay *r = lane->replay;
  if (!r) return status;
  if (r->left && (status == OK || !cut_short(err))) {
    struct buf now = BUF_INIT;
    if (status == OK) buf_adds(&now, "the end of the step");
    else buf_addf(&now, "a failure: %s", err->message ? err->message : "");
    status = more_recorded(lane, r, buf_str(&now), err);
    buf_release(&now);
  }
  replay_free(r);
  lane->replay = NULL;
  return status;
}

/* --- the clock --- */

void replay_clock_moved(struct lane *lane) {
  lane->clock_known = false;
}

static int64_t clock_before(struct lane *lane, const char *place) {
  struct history *h = lane->run->history;
  uint32_t e = 0;
  if (!place) e = lane->replay ? replay_next(lane->replay, EVENT_CLOCK_READ) : 0;
  else if (h) e = history_place(h, EVENT_CLOCK_READ, place);
  return e ? past_int(lane->replay ? lane->replay->h : h, e, "us", 0) : 0;
}

/* Outside of a body the place tells reads apart: the walk through the plan is always the same. */
static const char *clock_place(struct lane *lane, struct buf *out) {
  if (lane->run->in_handler || lane->at) return NULL;
  buf_addf(out, "%s#%u", lane->name ? lane->name : "", ++lane->clock_reads);
  return buf_str(out);
}

int64_t replay_clock(struct lane *lane) {
  struct run *run = lane->run;
  int64_t now = clock_wall(run->engine->config.clock);
  if (!run->begun) return now; /* inputs are recorded as values */
  if (lane->at && !lane->at->attempt && !lane->at->rolling_back) return now; /* checked anew */
  if (lane->clock_known) return lane->clock_us;
  struct buf place = BUF_INIT;
  const char *where = clock_place(lane, &place);
  int64_t before = clock_before(lane, where);
  lane->clock_us = before ? before : now;
  if (!before) {
    struct record r = {0};
    struct error err = {0};
    record_int(&r, "us", now);
    record_text(&r, "place", where);
    /* A journal that is gone is met again by whatever depends on the time. */
    if (run_append(lane, EVENT_NAME(CLOCK_READ), &r, &err) != OK) error_release(&err);
  }
  lane->clock_known = true;
  buf_release(&place);
  return lane->clock_us;
}

bool replay_said(struct lane *lane, enum event_kind kind, const char *text) {
  struct history *h = lane->run->history;
  return h && history_said(h, kind, text);
}
