/* Looking at what others append. */
#include "watch_journal.h"

#include <time.h>

#include "approval.h"
#include "cancel.h"
#include "page.h"

enum { LOOK_EVERY = 100000 }; /* us */

static const struct {
  enum event_kind kind;
  watch_fn *fn;
} watched[] = {
    {EVENT_APPROVAL_GIVEN, approval_came},
    {EVENT_APPROVAL_DENIED, approval_came},
    {EVENT_APPROVAL_VOIDED, approval_came},
    {EVENT_PAGE_ACKNOWLEDGED, page_ack_came},
    {EVENT_RUN_CANCEL_REQUESTED, cancel_came},
    {EVENT_RUN_ROLLBACK_REQUESTED, rollback_came},
};

/* Waiting for people takes real time, whatever clock the run has. */
static int64_t real_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * US_SECOND + t.tv_nsec / 1000;
}

static enum status seen(void *ud, const struct event *e) {
  struct engine *g = ud;
  g->watched = e->seq;
  return OK;
}

void watch_begin(struct engine *g) {
  const struct event_filter last = {.last = 1};
  struct error err = {0};
  if (!g->config.journal) return;
  if (journal_scan(g->config.journal, &last, seen, g, &err) != OK) error_release(&err);
}

static enum status on_event(void *ud, const struct event *e) {
  struct engine *g = ud;
  g->watched = e->seq;
  for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
    if (strcmp(event_kinds[watched[i].kind].name, e->kind) != 0) continue;
    for (struct run *run = g->runs; run; run = run->next)
      if (strcmp(run->id, e->run) == 0) watched[i].fn(run, e);
  }
  return OK;
}

/* A look that fails is not the last: whoever needs the journal to go on meets its error. */
static void look(struct engine *g) {
  const struct event_filter since = {.after = g->watched};
  struct error err = {0};
  if (!journal_changed(g->config.journal)) return;
  if (journal_scan(g->config.journal, &since, on_event, g, &err) != OK) error_release(&err);
}

int64_t watch_turn(struct engine *g) {
  if (!g->runs || !g->config.journal || g->journal_lost) return CLOCK_NEVER;
  int64_t now = real_now(), left = g->look_at - now;
  if (left > 0) return left;
  look(g);
  g->look_at = now + LOOK_EVERY;
  return LOOK_EVERY;
}
