/* What was assigned since when: how a step's outputs are found, and how its rollback gets the
 * variables as the step left them, without copying a frame for every step. */
#include "eval.h"

void eval_log_open(struct eval *e, struct eval_log *log, bool touch) {
  *log = (struct eval_log){.period = 1};
  log->logged_in = mem_array(e->unit->slot_count + 1, sizeof *log->logged_in);
  if (touch) log->touched = mem_zalloc(e->unit->slot_count + 1);
  e->log = log;
}

static void drop(struct eval_log *log, size_t from) {
  while (log->count > from)
    value_unref(log->items[--log->count].was);
}

void eval_log_close(struct eval *e) {
  if (!e->log) return;
  drop(e->log, 0);
  mem_free(e->log->items);
  mem_free(e->log->logged_in);
  mem_free(e->log->touched);
  e->log = NULL;
}

void eval_log_clear(struct eval *e) {
  drop(e->log, 0);
  e->log->period++;
}

size_t eval_log_mark(struct eval *e) {
  e->log->period++;
  return e->log->count;
}

void eval_log_assigned(struct eval *e, uint32_t slot) {
  struct eval_log *log = e->log;
  if (log->touched) log->touched[slot] = true;
  if (log->logged_in[slot] == log->period) return;
  log->logged_in[slot] = log->period;
  log->items = mem_grow(log->items, log->count, &log->cap, sizeof *log->items);
  log->items[log->count++] = (struct eval_change){
      .slot = slot, .was_set = e->is_set[slot], .was = value_ref(e->slots[slot])};
}

static void exchange(struct eval *e, struct eval_change *c) {
  value now = e->slots[c->slot];
  bool was_set = e->is_set[c->slot];
  e->slots[c->slot] = c->was;
  e->is_set[c->slot] = c->was_set;
  c->was = now;
  c->was_set = was_set;
}

void eval_log_back(struct eval *e, size_t mark) {
  for (size_t i = e->log->count; i > mark; i--)
    exchange(e, &e->log->items[i - 1]);
}

void eval_log_forth(struct eval *e, size_t mark) {
  for (size_t i = mark; i < e->log->count; i++)
    exchange(e, &e->log->items[i]);
}

void eval_log_undo(struct eval *e, size_t mark) {
  eval_log_back(e, mark);
  drop(e->log, mark);
  e->log->period++;
}
