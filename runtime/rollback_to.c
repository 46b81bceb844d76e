/* Where an undoing stops that leaves a step done: at the latest step that was armed before it. */
#include "history.h"
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

enum status rollback_boundary(const struct history *h, const char *to, int64_t *seq,
                              struct error *err) {
  const struct step_past *p = history_step(h, to);
  *seq = 0;
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
