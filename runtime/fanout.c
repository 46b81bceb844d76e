/* A batch under way: reserves items in the journal ahead of sending them, keeps as many on their way as
 * it may, and stops with nothing lost. */
#include "fanout.h"

#include "admit.h"
#include "text.h"

enum { FLUSH = 250000 }; /* how long an outcome waits for the next intent, us */

static const char *text_of(const struct fanout *f, sym s) {
  return sym_text(f->call->lane->run->program->syms, s);
}

/* What may not be repeated and nobody knows of is not sent any more. */
static bool is_final(const struct fanout *f, enum item_state state) {
  return state >= ITEM_SENT || (state == ITEM_UNSURE && fanout_once(f));
}

int64_t fanout_done(const struct fanout *f) {
  return f->sent + f->refused + (fanout_once(f) ? f->unsure : 0);
}

void fanout_count(struct fanout *f, enum item_state state, int by) {
  if (state == ITEM_SENT) f->sent += by;
  if (state == ITEM_REFUSED) f->refused += by;
  if (state == ITEM_UNSURE) f->unsure += by;
}

static void item_set(struct fanout *f, size_t item, enum item_state state, const char *kind,
                     const char *reason) {
  fanout_count(f, fanout_entry(f, item)->state, -1);
  book_set(f->book, f->items[item].entry, state, kind, reason);
  fanout_count(f, state, 1);
}

/* --- outcomes --- */

static void error_copy(struct error *to, const struct error *from) {
  error_set(to, from->status, "%s", from->message ? from->message : "failed");
  error_kind(to, from->kind);
  if (from->help) error_help(to, "%s", from->help);
  to->retry_after = from->retry_after;
  to->at = from->at;
  to->has_at = from->has_at;
}

static void end_push(struct fanout *f, struct send *s) {
  s->next = NULL;
  *f->ended_end = s;
  f->ended_end = &s->next;
  if (!f->ended_since) f->ended_since = clock_mono(f->clock);
}

/* Its intent is taken back: the journal does not say of what waits that it is being sent. What an earlier
 * process began stays open. */
static void take_back(struct fanout *f, struct send *s) {
  const struct entry *e = fanout_entry(f, s->item);
  if (e->state != ITEM_OPEN || e->doubt) {
    send_release(s);
    mem_free(s);
    return;
  }
  s->state = ITEM_FAILED;
  error_release(&s->err);
  error_set(&s->err, ERR_FAILED, "it was not sent: the binding holds it back for now");
  error_kind(&s->err, "held");
  item_set(f, s->item, s->state, s->err.kind, s->err.message);
  end_push(f, s);
}

static void put_off(struct fanout *f, struct send *s) {
  if (f->later_head == f->later_count) f->later_head = f->later_count = 0;
  f->later = mem_grow(f->later, f->later_count, &f->later_cap, sizeof *f->later);
  f->later[f->later_count++] = s->item;
  take_back(f, s);
}

/* Not now: the others come first. When it is said of so many in a row, it holds for all of them. */
static void hold_back(struct fanout *f, struct send *s) {
  enum { ROW = 64 };
  put_off(f, s);
  f->heedful = true;
  bool rest = f->next < f->count || f->ready_head < f->ready_count;
  bool all = ++f->held_back >= ROW || (!rest && f->held_back >= f->later_count - f->later_head);
  if (!all) return;
  f->held_back = 0;
  hold_all(f, clock_add(clock_mono(f->clock), LIMIT_ADMIT_EVERY));
}

/* An earlier try may have sent it, and what came since does not tell. */
static void doubt_stays(const struct fanout *f, struct send *s) {
  struct entry *e = fanout_entry(f, s->item);
  bool silent = s->state == ITEM_FAILED || (s->state == ITEM_REFUSED && s->turned);
  if (e->doubt && !s->probed && silent) s->state = ITEM_UNSURE;
  e->doubt = s->state == ITEM_UNSURE;
}

/* An item that was not sent stops the others, unless it is one that is only reported. */
static void ended(struct fanout *f, struct send *s) {
  if (s->held) {
    hold_back(f, s);
    return;
  }
  doubt_stays(f, s);
  f->held_back = 0;
  f->holding = false;
  if (s->turned && !s->tries && !fanout_once(f)) rate_give(f);
  item_set(f, s->item, s->state, s->err.kind, s->err.message);
  if (s->state == ITEM_SENT && f->call->lane->at) f->call->lane->at->did = true;
  if (s->at_us > f->book->last_us) f->book->last_us = s->at_us;
  if (!is_final(f, s->state) && !s->turned && f->problem.status == OK) {
    error_copy(&f->problem, &s->err);
    f->problem_item = s->item;
  }
  end_push(f, s);
}

static void join(struct fanout *f) {
  int64_t before = task_shield(f->tasks);
  while (f->over) {
    struct send *s = f->over;
    struct error err = {0};
    f->over = s->next;
    if (task_wait(f->tasks, s->task, &err) != OK) error_release(&err);
    f->slots[s->slot] = NULL;
    f->in_flight--;
    ended(f, s);
  }
  task_unshield(f->tasks, before);
}

/* --- reserving and sending --- */

/* How many intents may stand in the journal without their item being on its way. */
static size_t ahead(const struct fanout *f) {
  size_t most = 4 * (size_t)f->call->action->at_once;
  size_t share = f->per_second ? (size_t)f->per_second / 4 + 1 : most;
  return share < most ? share : most;
}

/* What may not be repeated has no intent before its turn has come: a crash leaves no more in doubt
 * than was really under way. */
static size_t wanted(const struct fanout *f) {
  size_t ready = f->ready_count - f->ready_head, places = f->call->action->at_once - f->in_flight;
  int64_t now = clock_mono(f->clock);
  if (now < f->pause_until) return 0;
  if (!fanout_once(f)) return 2 * ready <= ahead(f) ? ahead(f) - ready : 0;
  if (ready || rate_due(f) > now) return 0;
  return f->per_second && places ? 1 : places;
}

/* Whether its intent may stand. Asked about first is what may not be repeated, what was held back before, and
 * while nothing shows that the binding lets anything through. What may be repeated is asked about
 * again when it is sent: here only :wait counts. */
static bool may_reserve(struct fanout *f, size_t item, bool was_held) {
  bool once = fanout_once(f);
  if (!admit_asks(f->call->action) || !(once || was_held || f->heedful)) return true;
  struct send *s = mem_alloc(sizeof *s);
  send_begin(f, item, s);
  bool may = item_admitted(s) || (!once && !s->held);
  if (may && f->unheeded) {
    error_release(&s->err);
    s->held = !fanout_let_go(f);
    may = !s->held && (item_admitted(s) || (!once && !s->held));
  }
  if (!may) return ended(f, s), false;
  f->heedful = false;
  send_release(s);
  mem_free(s);
  return true;
}

static void put_ready(struct fanout *f, uint32_t item) {
  if (f->ready_head == f->ready_count) f->ready_head = f->ready_count = 0;
  f->ready = mem_grow(f->ready, f->ready_count, &f->ready_cap, sizeof *f->ready);
  f->ready[f->ready_count++] = item;
  fanout_entry(f, item)->doubt |= fanout_entry(f, item)->state == ITEM_UNSURE;
  item_set(f, item, ITEM_OPEN, NULL, NULL);
  fanout_entry(f, item)->begun = clock_wall(f->clock);
}

static bool stands_still(const struct fanout *f) {
  return f->problem.status != OK || f->pause_until > clock_mono(f->clock);
}

/* Those of the list first, then those that were held back: the last of what is ready. */
static size_t take_next(struct fanout *f, size_t most) {
  size_t taken = 0;
  while (taken < most && f->next < f->count && !stands_still(f)) {
    size_t item = f->next++;
    if (is_final(f, fanout_entry(f, item)->state) || !may_reserve(f, item, false)) continue;
    put_ready(f, (uint32_t)item);
    taken++;
  }
  if (taken) return taken;
  for (size_t left = f->later_count - f->later_head; left && taken < most && !stands_still(f); left--) {
    uint32_t item = f->later[f->later_head++];
    if (!may_reserve(f, item, true)) continue;
    put_ready(f, item);
    taken++;
  }
  return taken;
}

/* The outcomes of those before and the intents of those that follow: one commit. */
static enum status reserve(struct fanout *f, struct error *err) {
  struct lane *lane = f->call->lane;
  size_t most = wanted(f), taken = most ? take_next(f, most) : 0;
  bool flush = f->ended && (taken || fanout_once(f) || clock_mono(f->clock) - f->ended_since >= FLUSH);
  enum status status = taken ? leases_check(lane->run, err) : OK;
  if (status == OK && flush) status = record_ended(f, err);
  if (status == OK && taken) status = record_reserved(f, f->ready_count - taken, err);
  return status == OK && taken ? run_sync(lane, err) : status;
}

static void send_one(struct fanout *f) {
  struct send *s = mem_alloc(sizeof *s);
  send_begin(f, f->ready[f->ready_head++], s);
  while (f->slots[s->slot])
    s->slot++;
  f->slots[s->slot] = s;
  f->in_flight++;
  s->task = task_spawn(f->tasks, item_main, s);
  task_limit(s->task, task_deadline(f->tasks));
}

/* While all are held back, what was reserved ahead of its turn waits with them. */
static void put_all_off(struct fanout *f) {
  if (!f->holding || f->pause_until <= clock_mono(f->clock)) return;
  while (f->ready_head < f->ready_count) {
    struct send *s = mem_alloc(sizeof *s);
    send_begin(f, f->ready[f->ready_head++], s);
    put_off(f, s);
  }
}

static bool has_more(const struct fanout *f) {
  return f->next < f->count || f->later_head < f->later_count;
}

static bool may_send(const struct fanout *f) {
  return f->ready_head < f->ready_count && f->in_flight < f->call->action->at_once;
}

static void send_due(struct fanout *f) {
  while (may_send(f) && rate_due(f) <= clock_mono(f->clock)) {
    (void)rate_take(f);
    send_one(f);
  }
}

/* Until something ends, the next one's turn comes, or an outcome has waited long enough. */
static enum status wait_more(struct fanout *f, struct error *err) {
  int64_t now = clock_mono(f->clock), until = CLOCK_NEVER;
  bool turn = may_send(f) || (has_more(f) && f->in_flight < f->call->action->at_once);
  if (f->over) return OK;
  if (turn) until = rate_due(f);
  if (f->ended && f->ended_since + FLUSH < until) until = f->ended_since + FLUSH;
  if (until == CLOCK_NEVER) return task_park(f->tasks, err);
  return until > now ? task_sleep(f->tasks, until - now, err) : task_poll(f->tasks, err);
}

static enum status tell_pause(struct fanout *f, struct error *err) {
  struct buf name = BUF_INIT;
  if (!f->paused) return OK;
  f->paused = false;
  action_text(f->call, &name);
  run_notice(f->call->lane, &(struct notice){.kind = NOTICE_PAUSED,
                                             .text = buf_str(&name),
                                             .id = f->batch,
                                             .detail = buf_str(&f->pause),
                                             .us = f->holding ? 0 : f->pause_until - clock_mono(f->clock)});
  buf_release(&name);
  return record_paused(f, err);
}

static bool goes_on(const struct fanout *f) {
  return f->problem.status == OK &&
         (f->in_flight || f->ready_head < f->ready_count || has_more(f));
}

/* One turn; the next item to look at may be one that needs nothing any more. */
static enum status turn(struct fanout *f, struct error *err) {
  enum status status = task_poll(f->tasks, err);
  if (status == OK) status = tell_pause(f, err);
  if (status == OK) status = reserve(f, err);
  if (status == OK) status = tell_pause(f, err);
  if (status != OK) return status;
  send_due(f);
  put_all_off(f);
  fanout_progress(f, false);
  return goes_on(f) ? wait_more(f, err) : OK;
}

static enum status carry(struct fanout *f, struct error *err) {
  enum status status = OK;
  while (status == OK && goes_on(f)) {
    status = turn(f, err);
    join(f);
  }
  return status;
}

/* --- stopping --- */

/* What waits for its turn is not sent; what is under way is finished. */
static void bring_to_rest(struct fanout *f) {
  struct error err = {0};
  int64_t before = task_shield(f->tasks);
  if (f->problem.status == OK) f->problem.status = ERR_CANCELLED;
  for (uint32_t i = 0; i < f->call->action->at_once; i++)
    if (f->slots[i]) task_cancel(f->slots[i]->task);
  while (f->in_flight) {
    if (!f->over && task_park(f->tasks, &err) != OK) error_release(&err);
    join(f);
  }
  task_unshield(f->tasks, before);
}

static void give_back(struct fanout *f, uint32_t item) {
  if (fanout_entry(f, item)->state != ITEM_OPEN) return;
  bool doubt = fanout_entry(f, item)->doubt;
  struct send *s = mem_alloc(sizeof *s);
  send_begin(f, item, s);
  s->state = ITEM_FAILED;
  error_set(&s->err, ERR_FAILED,
            doubt ? "the run was interrupted when it may have been sent, and the batch stopped before it was tried again"
                  : "it was not sent: the batch stopped before");
  error_kind(&s->err, "stopped");
  ended(f, s);
}

/* Intents of items that did not come to be sent, and those of a process that is gone. */
static void give_all_back(struct fanout *f) {
  for (; f->ready_head < f->ready_count; f->ready_head++)
    give_back(f, f->ready[f->ready_head]);
  for (; f->later_head < f->later_count; f->later_head++)
    give_back(f, f->later[f->later_head]);
  for (size_t i = 0; f->again && i < f->count; i++)
    give_back(f, (uint32_t)i);
}

/* Should the journal be lost, people are told what it does not have. */
static void unproven(struct fanout *f) {
  struct buf *b = &f->call->lane->run->unproven;
  int64_t n = 0;
  for (const struct send *s = f->ended; s; s = s->next)
    n += s->state == ITEM_SENT;
  if (!n) return;
  buf_addf(b, "%s%s.%s (%lld items sent:", b->len ? ", " : "", text_of(f, f->call->action->binding->name),
           text_of(f, f->call->action->name), (long long)n);
  for (const struct send *s = f->ended; s; s = s->next)
    if (s->state == ITEM_SENT) buf_addf(b, " %s", f->items[s->item].to);
  buf_addc(b, ')');
}

static void where_text(const struct fanout *f, struct buf *out) {
  action_text(f->call, out);
  buf_adds(out, " stopped at ");
  count_text(fanout_done(f), out);
  buf_adds(out, " of ");
  count_text((int64_t)f->count, out);
}

/* The failure of an item, as the batch's. */
static enum status problem_raise(struct fanout *f, struct error *err) {
  struct buf b = BUF_INIT;
  where_text(f, &b);
  if (f->problem_item != SIZE_MAX) buf_addf(&b, ": %s", f->items[f->problem_item].to);
  buf_addf(&b, ": %s", f->problem.message);
  error_move(err, &f->problem);
  char kind[ERROR_KIND_MAX];
  memcpy(kind, err->kind, sizeof kind);
  char *help = err->help ? mem_strdup(err->help) : NULL;
  enum status status = err->status;
  int64_t retry_after = err->retry_after;
  error_set(err, status, "%s", buf_str(&b));
  error_kind(err, kind);
  err->retry_after = retry_after;
  if (help) error_help(err, "%s", help);
  mem_free(help);
  buf_release(&b);
  return status;
}

static enum status stop(struct fanout *f, enum status status, struct error *err) {
  struct error second = {0};
  bool item = status == OK;
  bring_to_rest(f);
  give_all_back(f);
  if (status != ERR_JOURNAL) {
    enum status kept = record_ended(f, &second);
    if (kept != OK) {
      error_move(err, &second);
      status = kept;
    }
  }
  if (status == ERR_JOURNAL) unproven(f);
  fanout_progress(f, true);
  if (status != OK || !item) return status;
  /* The batch's own limit, and an interruption, come before what an item failed of meanwhile. */
  status = task_poll(f->tasks, err);
  return status == OK ? problem_raise(f, err) : status;
}

/* --- the whole --- */

static bool gives_unsure(const struct action *a) {
  for (size_t i = 0; i < a->give_count; i++)
    if (a->gives[i].name == W_unsure) return true;
  return false;
}

/* Nobody ever said that it is not known: it was given back before the driver was asked. */
static bool was_stopped(const struct entry *e) {
  return e->kind && strcmp(e->kind, "stopped") == 0;
}

/* What may be sent again is asked about only when it is not going to be. */
static bool to_be_asked(const struct fanout *f, const struct entry *e) {
  if (e->state == ITEM_OPEN) return true;
  return e->state == ITEM_UNSURE && (!fanout_once(f) || !gives_unsure(f->call->action) || was_stopped(e));
}

/* Items whose intent has no outcome: the driver is asked. */
static enum status settle(struct fanout *f, struct error *err) {
  enum status status = OK;
  for (size_t i = 0; f->again && status == OK && i < f->count; i++) {
    if (!to_be_asked(f, fanout_entry(f, i))) continue;
    struct send *s = mem_alloc(sizeof *s);
    status = item_probe(f, i, s, err);
    if (status == OK) {
      ended(f, s);
      if (s->state == ITEM_FAILED) error_release(&f->problem), f->problem = (struct error){0};
    } else {
      send_release(s);
      mem_free(s);
    }
  }
  if (status == OK && f->ended) status = record_ended(f, err);
  return status;
}

static enum status in_doubt(struct fanout *f, struct error *err) {
  struct buf b = BUF_INIT, list = BUF_INIT;
  int64_t n = 0;
  for (size_t i = 0; i < f->count; i++)
    if (fanout_entry(f, i)->state == ITEM_UNSURE && n++ < 5)
      buf_addf(&list, "%s%s", list.len ? ", " : "", f->items[i].to);
  action_text(f->call, &b);
  error_set(err, ERR_FAILED, "%s: whether %lld of %zu were sent is not known: %s%s", buf_str(&b),
            (long long)n, f->count, buf_str(&list), n > 5 ? " ..." : "");
  doubt_mark(f->call, err);
  buf_release(&list);
  buf_release(&b);
  return ERR_FAILED;
}

static enum status finish(struct fanout *f, value *out, struct error *err) {
  enum status status = f->ended ? record_ended(f, err) : OK;
  if (status == ERR_JOURNAL) unproven(f);
  if (status != OK) return status;
  fanout_progress(f, true);
  if (f->unsure && !gives_unsure(f->call->action)) return in_doubt(f, err);
  *out = fanout_result(f);
  return OK;
}

enum status fanout_perform(struct action_run *c, value *out, struct error *err) {
  struct fanout f;
  value setting = VALUE_NIL;
  enum status status = fanout_open(&f, c, &setting, err);
  if (status == OK) status = fanout_sift(&f, setting, err);
  if (status == OK) fanout_schedule(&f);
  if (status == OK) status = record_batch(&f, err);
  if (status == OK) {
    if (fanout_once(&f)) status = settle(&f, err);
    if (status == OK) status = fanout_first(&f, err);
    if (status == OK) status = fanout_heed(&f, err);
    if (status == OK) status = carry(&f, err);
    fanout_heed_end(&f);
    bool over = status == OK && f.problem.status == OK;
    status = over ? finish(&f, out, err) : stop(&f, status, err);
  }
  fanout_close(&f);
  return status;
}

enum status fanout_stop(struct action_run *c, value *out, struct error *err) {
  struct fanout f;
  value setting = VALUE_NIL;
  enum status status = fanout_open(&f, c, &setting, err);
  for (size_t i = 0; status == OK && i < f.count; i++)
    fanout_count(&f, fanout_entry(&f, i)->state, 1);
  if (status == OK) status = settle(&f, err);
  bool stays = f.unsure && fanout_once(&f) && !gives_unsure(c->action);
  if (status == OK && stays) status = in_doubt(&f, err);
  else if (status == OK) *out = fanout_result(&f);
  fanout_close(&f);
  return status;
}
