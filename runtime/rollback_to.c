/* What is undone, in which order, and where it stops when a step is to stay done: at the latest that
 * was armed before it. */
#include "rollback_to.h"

#include "run.h"

/* A child run that was waited for is armed by the event that began it; its id is its place. */
static int64_t child_seq(const struct history *h, const char *place) {
  for (uint32_t i = 1; i <= h->count; i++)
    if (history_event(h, i)->kind == EVENT_CHILD_STARTED && past_is(h, i, "place", place))
      return history_event(h, i)->seq;
  return 0;
}

static int64_t armed_seq(const struct history *h, const struct step_run *s) {
  const struct step_past *p = s->child ? NULL : history_step(h, s->id);
  return p ? p->armed_seq : child_seq(h, s->id);
}

/* What was armed by the step `to` or before it stays done; NULL: nothing does. ERR_NOT_FOUND: there
 * is no such step in the run; ERR_CONFLICT: it is rolled back already. */
static enum status rollback_boundary(const struct history *h, const char *to, int64_t *seq,
                              struct error *err) {
  const struct step_past *p = to ? history_step(h, to) : NULL;
  *seq = 0;
  if (!to) return OK;
  if (!p || !p->first) {
    const char **ids = mem_array(h->step_count + 1, sizeof *ids);
    for (size_t i = 0; i < h->step_count; i++)
      ids[i] = h->steps[i]->id;
    int near = name_nearest(to, ids, h->step_count);
    error_set(err, ERR_NOT_FOUND, "run %s has done no step %s", h->run, to);
    if (near >= 0) error_help(err, "did you mean %s?", ids[near]);
    mem_free(ids);
    return ERR_NOT_FOUND;
  }
  if (p->undo == UNDO_DONE)
    return error_set(err, ERR_CONFLICT, "step %s is rolled back already: it cannot stay done", to);
  *seq = p->armed_seq ? p->armed_seq : history_event(h, p->last)->seq;
  return OK;
}

enum status rollback_keep(struct run *run, struct step_run **keep, struct error *err) {
  struct history *h = NULL;
  int64_t seq;
  *keep = NULL;
  if (!run->undo_to) return OK;
  enum status status = history_load(&h, run->engine->config.journal, run->id, err);
  if (status == OK) status = rollback_boundary(h, run->undo_to, &seq, err);
  for (struct step_run *s = run->armed; s && status == OK && !*keep; s = s->before)
    if (armed_seq(h, s) <= seq) *keep = s;
  history_free(h);
  return status;
}

/* --- the list --- */

static void item_add(struct undo_list *l, int64_t boundary, struct undo_item item) {
  if (item.seq > boundary) {
    l->items = mem_grow(l->items, l->count, &l->cap, sizeof *l->items);
    l->items[l->count++] = item;
  } else {
    l->kept = mem_grow(l->kept, l->kept_count, &l->kept_cap, sizeof *l->kept);
    l->kept[l->kept_count++] = item;
  }
}

static enum status child_state(void *ud, const struct run_row *r) {
  *(enum run_state *)ud = run_state_find(r->state);
  return OK;
}

/* A child that is undone already, or was never begun, is none of the parent's. */
static enum status child_add(const struct history *h, uint32_t event, int64_t boundary,
                             struct undo_list *l, struct error *err) {
  char *run = past_text(h, event, "run");
  enum run_state state = RUN_NONE;
  const struct run_filter filter = {.run = run};
  enum status status = OK;
  if (run) status = journal_runs(h->journal, &filter, child_state, &state, err);
  if (status != OK || state == RUN_NONE || state == RUN_ROLLED_BACK || state == RUN_CANCELLED) {
    mem_free(run);
    return status;
  }
  item_add(l, boundary, (struct undo_item){.seq = history_event(h, event)->seq,
                                           .child = run,
                                           .id = past_text(h, event, "place")});
  return OK;
}

static int latest_first(const void *a, const void *b) {
  const struct undo_item *x = a, *y = b;
  return (x->seq < y->seq) - (x->seq > y->seq);
}

enum status undo_list_make(const struct history *h, const char *to, struct undo_list *out,
                           struct error *err) {
  int64_t boundary;
  *out = (struct undo_list){0};
  enum status status = rollback_boundary(h, to, &boundary, err);
  for (size_t i = 1; i < h->step_count && status == OK; i++) {
    const struct step_past *p = h->steps[i];
    if (p->armed_seq && p->undo != UNDO_DONE)
      item_add(out, boundary, (struct undo_item){.seq = p->armed_seq, .step = p, .id = p->id});
  }
  for (uint32_t e = 1; e <= h->count && status == OK; e++)
    if (history_event(h, e)->kind == EVENT_CHILD_STARTED && past_is(h, e, "wait", NULL))
      status = child_add(h, e, boundary, out, err);
  if (out->count) qsort(out->items, out->count, sizeof *out->items, latest_first);
  if (out->kept_count) qsort(out->kept, out->kept_count, sizeof *out->kept, latest_first);
  return status;
}

static void items_release(struct undo_item *items, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (items[i].child) mem_free((void *)(uintptr_t)items[i].id);
    mem_free(items[i].child);
  }
  mem_free(items);
}

void undo_list_release(struct undo_list *l) {
  items_release(l->items, l->count);
  items_release(l->kept, l->kept_count);
  *l = (struct undo_list){0};
}
