/* The index of one run's events: made in one pass, parsed on demand. */
#include "history.h"

#include <errno.h>

#include "codec.h"

/* Names of kinds and steps, interned: an event costs two look-ups and no comparison of texts. */
struct history_index {
  struct symtab *names;
  uint8_t *kind_of;           /* by sym: kind + 1 */
  sym kinds_end;              /* syms below may be kinds */
  struct step_past **step_of; /* by sym */
  size_t step_cap;
};

static struct history_index *index_new(void) {
  struct history_index *x = mem_zalloc(sizeof *x);
  x->names = symtab_new();
  sym ids[EVENT_KINDS];
  for (int k = 0; k < EVENT_KINDS; k++) {
    ids[k] = sym_intern(x->names, event_kinds[k].name, strlen(event_kinds[k].name));
    if (ids[k] >= x->kinds_end) x->kinds_end = ids[k] + 1;
  }
  x->kind_of = mem_array(x->kinds_end, sizeof *x->kind_of);
  for (int k = 0; k < EVENT_KINDS; k++)
    x->kind_of[ids[k]] = (uint8_t)(k + 1);
  return x;
}

static void index_free(struct history_index *x) {
  symtab_free(x->names);
  mem_free(x->kind_of);
  mem_free(x->step_of);
  mem_free(x);
}

/* EVENT_KINDS when this version knows no such kind. */
static enum event_kind kind_find(const struct history_index *x, const char *name) {
  sym s = sym_find(x->names, name, strlen(name));
  return s && s < x->kinds_end && x->kind_of[s] ? (enum event_kind)(x->kind_of[s] - 1)
                                                : EVENT_KINDS;
}

static struct step_past *step_of(struct history *h, const char *id) {
  struct history_index *x = h->index;
  sym s = *id ? sym_intern(x->names, id, strlen(id)) : 0;
  while (s >= x->step_cap) {
    size_t was = x->step_cap;
    x->step_of = mem_grow(x->step_of, x->step_cap, &x->step_cap, sizeof(struct step_past *));
    memset(x->step_of + was, 0, (x->step_cap - was) * sizeof(struct step_past *));
  }
  if (x->step_of[s]) return x->step_of[s];
  struct step_past *p = mem_zalloc(sizeof *p);
  p->id = s ? sym_text(x->names, s) : "";
  h->steps = mem_grow(h->steps, h->step_count, &h->step_cap, sizeof(struct step_past *));
  h->steps[h->step_count++] = p;
  return x->step_of[s] = p;
}

struct step_past *history_step(const struct history *h, const char *id) {
  const struct history_index *x = h->index;
  sym s = *id ? sym_find(x->names, id, strlen(id)) : 0;
  return (*id && !s) || s >= x->step_cap ? NULL : x->step_of[s];
}

/* --- what each event means --- */

static void step_ended(struct step_past *p, uint32_t event, enum step_outcome how) {
  p->outputs_at = event;
  p->passed_over = how == STEP_SKIPPED && !p->began;
  p->outcome = how;
  p->ended = event;
}

static void on_step_started(struct history *h, struct step_past *p, uint32_t event) {
  (void)h;
  p->began = p->attempt_at = event;
  p->attempt = 1;
  p->outcome = STEP_BEGUN;
  p->ended = 0;
}

static void on_step_retried(struct history *h, struct step_past *p, uint32_t event) {
  p->attempt_at = p->outputs_at = event;
  p->attempt = (uint32_t)past_int(h, event, "attempt", p->attempt + 1);
}

static void on_finished(struct history *h, struct step_past *p, uint32_t event) {
  (void)h;
  step_ended(p, event, STEP_FINISHED);
}

static void on_skipped(struct history *h, struct step_past *p, uint32_t event) {
  (void)h;
  step_ended(p, event, STEP_SKIPPED);
}

int64_t history_attempt_began(const struct history *h, uint32_t first) {
  if (h->doubted < first) return h->events[first].time_us;
  return h->verdict ? h->events[h->verdict].time_us : INT64_MAX;
}

/* What was cut off, by a signal or by a branch beside it, or is in doubt, has not failed: it goes
 * on where it was. */
static bool cut_off(const struct history *h, uint32_t event) {
  static const char *const kinds[] = {"\"interrupted\"", "\"stopped\"", "\"in_doubt\""};
  const char *error, *kind;
  size_t len, n;
  if (!past_raw(h, event, "error", &error, &len)) return false;
  if (!json_member(error, len, "kind", &kind, &n)) return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (n >= strlen(kinds[i]) && memcmp(kind, kinds[i], strlen(kinds[i])) == 0) return true;
  return false;
}

static void on_failed(struct history *h, struct step_past *p, uint32_t event) {
  if (cut_off(h, event)) p->outputs_at = event;
  else step_ended(p, event, STEP_FAILED);
}

static void on_armed(struct history *h, struct step_past *p, uint32_t event) {
  if (!p->armed_seq) p->armed_seq = h->events[event].seq;
}

/* A step without a rollback has no step.armed: its first intent of a write stands for it. */
static void on_intent(struct history *h, struct step_past *p, uint32_t event) {
  if (p->armed_seq && h->wrote) return;
  if (!past_is(h, event, "effect", "write") || past_is(h, event, "page", NULL)) return;
  h->wrote = true;
  if (*p->id && !p->armed_seq && !past_is(h, event, "rollback", NULL))
    p->armed_seq = h->events[event].seq;
}

static void on_rollback_started(struct history *h, struct step_past *p, uint32_t event) {
  (void)h;
  p->undo = UNDO_BEGUN;
  p->undo_at = event;
  if (!p->undo_from) p->undo_from = event;
}

static void on_rollback_failed(struct history *h, struct step_past *p, uint32_t event) {
  (void)h, (void)event;
  p->undo = UNDO_FAILED;
}

static void on_rollback_finished(struct history *h, struct step_past *p, uint32_t event) {
  (void)h, (void)event;
  p->undo = UNDO_DONE;
}

static void on_rollback_passed(struct history *h, struct step_past *p, uint32_t event) {
  (void)h;
  p->undo = UNDO_DONE;
  p->undo_at = event;
  if (!p->undo_from) p->undo_from = event;
}

static void on_run_started(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->started = event;
  h->first_seq = h->events[event].seq;
}

/* What follows it waits for an operator's word. */
static void on_run_in_doubt(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->doubted = event;
  h->verdict = 0;
}

static void on_run_resumed(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->resumed = event;
  if (!h->verdict) h->verdict = event;
}

static void on_run_held(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->held = event;
}

static void on_rolling_back(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->rolling_back = event;
}

static void on_plan_changed(struct history *h, struct step_past *p, uint32_t event) {
  (void)p;
  h->plan_changed = event;
}

static void (*const meaning[EVENT_KINDS])(struct history *h, struct step_past *p,
                                          uint32_t event) = {
    [EVENT_RUN_STARTED] = on_run_started,
    [EVENT_RUN_RESUMED] = on_run_resumed,
    [EVENT_RUN_IN_DOUBT] = on_run_in_doubt,
    [EVENT_RUN_HELD] = on_run_held,
    [EVENT_RUN_ROLLING_BACK] = on_rolling_back,
    [EVENT_RUN_PLAN_CHANGED] = on_plan_changed,
    [EVENT_STEP_STARTED] = on_step_started,
    [EVENT_STEP_RETRIED] = on_step_retried,
    [EVENT_STEP_FINISHED] = on_finished,
    [EVENT_STEP_SKIPPED] = on_skipped,
    [EVENT_STEP_FAILED] = on_failed,
    [EVENT_STEP_ARMED] = on_armed,
    [EVENT_ACTION_STARTED] = on_intent,
    [EVENT_ROLLBACK_STARTED] = on_rollback_started,
    [EVENT_ROLLBACK_FAILED] = on_rollback_failed,
    [EVENT_ROLLBACK_FINISHED] = on_rollback_finished,
    [EVENT_ROLLBACK_PASSED] = on_rollback_passed,
};

/* What nobody will ask for again is counted and not kept. */
static bool data_kept(enum event_kind kind) {
  static const bool dropped[EVENT_KINDS] = {
      [EVENT_GUARD_CHECKED] = true, [EVENT_EXPECT_CHECKED] = true, [EVENT_SHOWN] = true,
      [EVENT_FINDING] = true,       [EVENT_FOLLOW_UP] = true};
  return !dropped[kind];
}

static void chain(struct history *h, struct step_past *p) {
  if (p->last) h->events[p->last].next = h->count;
  else p->first = h->count;
  p->last = h->count;
}

struct loading {
  struct history *h;
  struct error err;
};

static enum status unknown_kind(struct loading *l, const struct event *e) {
  error_set(&l->err, ERR_VALUE, "run %s has an event %lld of a kind this version does not know: %s",
            l->h->run, (long long)e->seq, e->kind);
  error_help(&l->err, "go on with the stepwise that wrote it, or a newer one");
  return ERR_VALUE;
}

static enum status take(void *ud, const struct event *e) {
  struct loading *l = ud;
  struct history *h = l->h;
  enum event_kind kind = kind_find(h->index, e->kind);
  if (kind == EVENT_KINDS) return unknown_kind(l, e);
  h->count++;
  h->events = mem_grow(h->events, h->count, &h->event_cap, sizeof *h->events);
  h->events[h->count] =
      (struct past){.kind = kind, .at = h->data.len, .seq = e->seq, .time_us = e->time_us};
  if (data_kept(kind)) {
    h->events[h->count].len = (uint32_t)e->data_len;
    buf_add(&h->data, e->data, e->data_len);
  }
  if (e->time_us > h->last_us) h->last_us = e->time_us;
  struct step_past *p = step_of(h, e->step);
  chain(h, p);
  enum run_state state = event_kinds[kind].state;
  if (state != RUN_NONE) h->state = state;
  if (state == RUN_HELD || state >= RUN_SUCCEEDED) h->rested = h->count;
  if (state >= RUN_SUCCEEDED) h->rolling_back = 0;
  if (meaning[kind]) meaning[kind](h, p, h->count);
  return OK;
}

enum status history_load(struct history **out, struct journal *j, const char *run,
                         struct error *err) {
  struct history *h = mem_zalloc(sizeof *h);
  struct loading l = {.h = h};
  h->journal = j;
  h->data.max = SIZE_MAX;
  snprintf(h->run, sizeof h->run, "%s", run);
  h->index = index_new();
  h->events = mem_grow(NULL, 0, &h->event_cap, sizeof *h->events);
  h->events[0] = (struct past){0};
  (void)step_of(h, "");
  struct event_filter filter = {.run = run};
  enum status status = journal_scan(j, &filter, take, &l, err);
  if (status != OK && l.err.message) error_move(err, &l.err);
  if (status == OK && !h->started)
    status = error_set(err, ERR_NOT_FOUND, "no run %s in %s", run, journal_file(j));
  if (status == OK) *out = h;
  else history_free(h);
  error_release(&l.err);
  return status;
}

void history_free(struct history *h) {
  if (!h) return;
  for (size_t i = 0; i < h->step_count; i++)
    mem_free(h->steps[i]);
  mem_free(h->steps);
  mem_free(h->events);
  buf_release(&h->data);
  if (h->places) symtab_free(h->places);
  mem_free(h->place_first);
  mem_free(h->place_next);
  index_free(h->index);
  mem_free(h);
}

/* --- what stands outside of steps --- */

static sym place_key(struct history *h, enum event_kind kind, const char *text, size_t len,
                     bool make) {
  struct buf key = BUF_INIT;
  buf_addf(&key, "%d ", (int)kind);
  buf_add(&key, text, len);
  sym s = make ? sym_intern(h->places, key.data, key.len) : sym_find(h->places, key.data, key.len);
  buf_release(&key);
  return s;
}

/* By kind and the JSON of the field that tells events of the kind apart. */
static void places_index(struct history *h) {
  static const char *const fields[EVENT_KINDS] = {
      [EVENT_SECTION_STARTED] = "title",   [EVENT_CLOCK_READ] = "place",
      [EVENT_BRANCHES_STARTED] = "place",  [EVENT_CHILD_STARTED] = "place",
      [EVENT_BRANCHES_FINISHED] = "place", [EVENT_CHILD_FINISHED] = "place"};
  h->places = symtab_new();
  h->place_next = mem_array(h->count + 1, sizeof *h->place_next);
  for (uint32_t e = h->steps[0]->first; e; e = h->events[e].next) {
    const char *json, *field = fields[h->events[e].kind];
    size_t len;
    if (!field || !past_raw(h, e, field, &json, &len)) continue;
    sym s = place_key(h, h->events[e].kind, json, len, true);
    while (s >= h->place_cap) {
      size_t was = h->place_cap;
      h->place_first = mem_grow(h->place_first, was, &h->place_cap, sizeof *h->place_first);
      memset(h->place_first + was, 0, (h->place_cap - was) * sizeof *h->place_first);
    }
    h->place_next[e] = h->place_first[s];
    h->place_first[s] = e;
  }
}

static uint32_t *place_find(struct history *h, enum event_kind kind, const char *text) {
  struct buf json = BUF_INIT;
  if (!h->places) places_index(h);
  json_text(&json, text, strlen(text));
  sym s = place_key(h, kind, json.data, json.len, false);
  buf_release(&json);
  return s && s < h->place_cap && h->place_first[s] ? &h->place_first[s] : NULL;
}

uint32_t history_place(struct history *h, enum event_kind kind, const char *place) {
  const uint32_t *latest = place_find(h, kind, place);
  return latest ? *latest : 0;
}

bool history_said(struct history *h, enum event_kind kind, const char *text) {
  uint32_t *first = place_find(h, kind, text);
  if (!first) return false;
  *first = h->place_next[*first];
  return true;
}

int64_t history_body_began(const struct history *h, const struct step_past *p) {
  for (uint32_t e = p->began; e && e != p->undo_from; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    bool acts = kind == EVENT_ACTION_STARTED || kind == EVENT_PROMPT_ASKED;
    if (kind == EVENT_STEP_RETRIED || kind == EVENT_WAIT_STARTED || kind == EVENT_CLOCK_READ ||
        (acts && past_int(h, e, "attempt", 1) != 0 && !past_is(h, e, "rollback", NULL)))
      return h->events[e].time_us;
  }
  return 0;
}
