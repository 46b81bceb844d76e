/* One item of a batch on its way: its turn in the schedule, the driver, further tries, what became of
 * it. What cannot be helped by trying again is the batch's to decide. */
#include "fanout.h"

#include "../lang/limits.h"
#include "admit.h"
#include "digest.h"

/* --- the schedule --- */

enum { SLACK = 50000 }; /* what a busy machine may catch up on, us */

static int64_t scheduled(const struct fanout *f) {
  int64_t at = f->base + f->base_count * US_SECOND / f->per_second;
  return at > f->pause_until ? at : f->pause_until;
}

int64_t rate_due(const struct fanout *f) {
  return f->per_second ? scheduled(f) : f->pause_until;
}

/* Places are absolute times: what one item was late by, the next is not. After a pause nothing is made
 * up for. */
int64_t rate_take(struct fanout *f) {
  int64_t now = clock_mono(f->clock);
  if (!f->per_second) return f->pause_until;
  int64_t at = scheduled(f);
  bool paused = at == f->pause_until, moved = paused || at + SLACK < now;
  f->taken++;
  if (moved && !paused) f->late += now - at;
  if (moved) {
    f->base = at > now ? at : now;
    f->base_count = 0;
    at = f->base;
  }
  if (++f->base_count == f->per_second) f->base += US_SECOND, f->base_count = 0;
  return at;
}

void rate_give(struct fanout *f) {
  if (!f->per_second) return;
  f->taken--;
  if (f->base_count) f->base_count--;
  else f->base -= US_SECOND, f->base_count = f->per_second - 1;
}

/* --- its call --- */

void send_begin(struct fanout *f, size_t item, struct send *s) {
  size_t takes = f->call->action->take_count;
  *s = (struct send){.f = f, .item = (uint32_t)item, .call = *f->call, .answer = VALUE_NIL};
  s->args = mem_array(takes + 1, sizeof *s->args);
  for (size_t i = 0; i < takes; i++)
    s->args[i] = f->call->args[i];
  s->args[f->each] = f->list->items[item];
  s->call.args = s->args;
  s->call.batch = f->batch;
  s->call.number = (int64_t)item;
  s->call.writing = s->call.unsure = false;
  const struct entry *e = &f->book->entries[f->items[item].entry];
  if (e->begun) s->call.begun = e->begun;
  hex_write(e->key, 32, s->call.key);
}

void send_release(struct send *s) {
  value_unref(s->answer);
  error_release(&s->err);
  mem_free(s->args);
}

/* --- what became of it --- */

static bool is_kind(const struct error *err, const char *kind) {
  return strcmp(err->kind, kind) == 0;
}

/* Whether it may have been sent all the same. */
static bool is_lost(const struct send *s) {
  return s->call.writing && (s->call.unsure || is_kind(&s->err, "limit"));
}

/* The driver is asked; what it does not know stays open. */
static void ask_driver(struct send *s) {
  enum probed known = PROBED_UNKNOWN;
  struct buf why = BUF_INIT;
  struct error err = {0};
  s->state = ITEM_UNSURE;
  if (doubt_probe(&s->call, &known, &s->answer, &why, &err) == OK && known != PROBED_UNKNOWN) {
    s->state = known == PROBED_DONE ? ITEM_SENT : ITEM_FAILED;
    s->probed = true;
  }
  if (known != PROBED_DONE) value_unref(s->answer), s->answer = VALUE_NIL;
  if (!s->err.message) {
    error_set(&s->err, ERR_FAILED, "the run was interrupted, and %s",
              why.len ? buf_str(&why) : err.message ? err.message : "nobody knows");
    error_kind(&s->err, "in_doubt");
  }
  error_release(&err);
  buf_release(&why);
}

/* A failure that may pass leaves open whether a provider that knows no keys has it, unless it asks to come
 * back later: as in a step, the driver is asked, and what it does not know failed. */
static void ask_after_answer(struct send *s) {
  ask_driver(s);
  if (!s->probed) s->state = ITEM_FAILED;
}

static void item_failed(struct send *s) {
  bool once = s->call.perform->repeat == REPEAT_UNSAFE;
  bool may_know = once && s->call.writing && s->call.perform->has_probe &&
                  is_kind(&s->err, "transient") && !s->err.retry_after;
  if (is_lost(s) && once) ask_driver(s);
  else if (is_lost(s)) s->state = ITEM_UNSURE;
  else if (may_know) ask_after_answer(s);
  else if (is_kind(&s->err, "refused") || is_kind(&s->err, "validation")) s->state = ITEM_REFUSED;
  else s->state = ITEM_FAILED;
}

enum status item_probe(struct fanout *f, size_t item, struct send *out, struct error *err) {
  send_begin(f, item, out);
  enum status status = task_poll(f->tasks, err);
  if (status == OK) ask_driver(out);
  return status;
}

bool item_admitted(struct send *s) {
  struct driver_call call;
  struct buf why = {.max = 1000};
  enum admitted said = ADMIT_YES;
  if (!admit_asks(s->call.action)) return true;
  s->state = ITEM_FAILED;
  enum status status = action_driver_call(&s->call, &call, &s->err);
  if (status == OK) status = admit_ask(&call, s->args, &said, &why, &s->err);
  if (status == OK && said == ADMIT_REFUSED) {
    s->state = ITEM_REFUSED;
    s->turned = true;
    error_set(&s->err, ERR_FAILED, "%s", buf_str(&why));
    error_kind(&s->err, "refused");
  }
  s->held = status == OK && said == ADMIT_WAIT;
  if (s->held) buf_clear(&s->f->held_why), buf_adds(&s->f->held_why, buf_str(&why));
  buf_release(&why);
  return status == OK && said == ADMIT_YES;
}

/* As any write: not interrupted half-way, while its time limit holds. */
static void item_try(struct send *s) {
  struct fanout *f = s->f;
  int64_t began = clock_mono(f->clock), before = task_shield(f->tasks);
  task_deadline_push(f->tasks, before);
  error_release(&s->err);
  s->tries++;
  s->at_us = clock_wall(f->clock);
  s->call.writing = s->call.unsure = s->probed = false;
  if (action_perform(&s->call, &s->answer, &s->err) == OK) s->state = ITEM_SENT;
  else item_failed(s);
  if (s->state == ITEM_UNSURE) fanout_entry(f, s->item)->doubt = true;
  task_unshield(f->tasks, before);
  s->took_us = clock_mono(f->clock) - began;
}

/* --- further tries --- */

/* The provider says when: that holds for all of them. */
void pause_all(struct fanout *f, int64_t until, const char *why) {
  if (until <= f->pause_until) return;
  f->pause_until = until;
  f->paused = true;
  buf_clear(&f->pause);
  buf_adds(&f->pause, why);
  task_wake(f->task);
}

void hold_all(struct fanout *f, int64_t until) {
  const char *why = f->held_why.len ? buf_str(&f->held_why) : "the binding holds it back for now";
  bool told = f->holding && strcmp(buf_str(&f->pause), why) == 0;
  f->holding = f->unheeded = true;
  pause_all(f, until, why);
  f->paused &= !told;
}

static bool may_try_again(const struct send *s) {
  const struct fanout *f = s->f;
  if (s->state != ITEM_FAILED && s->state != ITEM_UNSURE) return false;
  if (f->problem.status != OK || !is_kind(&s->err, "transient")) return false;
  if (s->tries >= LIMIT_TRIES) return false;
  /* One that may not be repeated is, when it did not come to be sent or the provider asks for it. */
  return s->call.perform->repeat != REPEAT_UNSAFE ||
         (s->state == ITEM_FAILED && (!s->call.writing || s->probed || s->err.retry_after));
}

/* Sleeps until it is tried again; false when it is not. */
static bool wait_for_turn(struct send *s) {
  struct fanout *f = s->f;
  struct error err = {0};
  int64_t asked = s->err.retry_after;
  int64_t delay = backoff_delay(LIMIT_BACKOFF, LIMIT_MAX_BACKOFF, s->tries, true);
  int64_t now = clock_mono(f->clock);
  if (asked > delay) delay = asked;
  int64_t at = task_deadline(f->tasks), left = at == CLOCK_NEVER ? at : at > now ? at - now : 0;
  if (retry_too_late(&s->err, left) || delay > left) return false;
  if (asked) f->holding = false, pause_all(f, clock_add(now, asked), s->err.message);
  enum status status = task_sleep(f->tasks, delay, &err);
  do
    if (status == OK) status = task_sleep(f->tasks, rate_take(f) - clock_mono(f->clock), &err);
  while (status == OK && f->pause_until > clock_mono(f->clock));
  error_release(&err);
  return status == OK;
}

/* Before each try, as people opt out while one waits for its turn. Not before that of which nobody knows
 * whether it was sent: its next try says so. */
static bool let_through(struct send *s, bool asked) {
  if (asked || s->state == ITEM_UNSURE) return true;
  error_release(&s->err);
  bool may = item_admitted(s);
  /* Let go by the binding, but what is first was not done since: it waits with the others. */
  s->held |= may && s->f->unheeded;
  return may && !s->held;
}

/* Refused by the binding, and an earlier try may have sent it: the driver may know. */
static void ask_whether_sent(struct send *s) {
  if (!s->turned || !fanout_entry(s->f, s->item)->doubt || !s->call.perform->has_probe) return;
  ask_driver(s);
  if (s->state == ITEM_SENT) error_release(&s->err), s->turned = false;
  else if (s->probed) s->state = ITEM_REFUSED;
}

void item_main(void *arg) {
  struct send *s = arg;
  struct fanout *f = s->f;
  /* What may not be repeated was asked about before its intent. */
  bool asked = s->call.perform->repeat == REPEAT_UNSAFE;
  do {
    if (!let_through(s, asked)) {
      ask_whether_sent(s);
      break;
    }
    asked = false;
    item_try(s);
  } while (may_try_again(s) && wait_for_turn(s));
  s->next = f->over;
  f->over = s;
  task_wake(f->task);
}
