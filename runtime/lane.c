/* Lanes: a run's threads of control, how a branch begins as a copy, and how one is stopped. */
#include "run.h"

struct lane *lane_new(struct lane *outer, const char *name) {
  struct lane *lane = mem_zalloc(sizeof *lane);
  struct run *run = outer->run;
  struct buf text = BUF_INIT;
  lane->run = run;
  lane->outer = outer;
  lane->from_seen = outer->from_seen;
  eval_fork(&lane->eval, &outer->eval);
  lane->eval.ud = lane;
  lane->eval.err = &lane->err;
  eval_log_open(&lane->eval, &lane->log, true);
  buf_adds(&lane->item_key, buf_str(&outer->item_key));
  buf_addf(&text, "%s%s%s", outer->name ? outer->name : "", outer->name ? "/" : "", name);
  lane->name = buf_take(&text);
  lane->next = run->lanes;
  run->lanes = lane;
  return lane;
}

void lane_release(struct lane *lane) {
  eval_log_close(&lane->eval);
  eval_release(&lane->eval);
  error_release(&lane->err);
  error_release(&lane->failure.err);
  replay_free(lane->replay);
  if (lane->at && !lane->at->armed) step_run_free(lane->at);
  mem_free(lane->stop_reason);
  mem_free(lane->name);
  buf_release(&lane->item_key);
  task_release(lane->task);
}

void lane_free(struct lane *lane) {
  struct lane **at = &lane->run->lanes;
  while (*at != lane)
    at = &(*at)->next;
  *at = lane->next;
  lane_release(lane);
  mem_free(lane);
}

static bool is_within(const struct lane *lane, const struct lane *outer) {
  while (lane && lane != outer)
    lane = lane->outer;
  return lane != NULL;
}

void lane_halt(struct lane *lane, enum halt why) {
  for (struct lane *l = lane->run->lanes; l; l = l->next) {
    if (!l->task || !is_within(l, lane)) continue;
    if (!l->halt || why == HALT_SIGNAL) l->halt = why;
    task_cancel(l->task);
  }
}

enum status lane_halted(const struct lane *lane, struct error *err) {
  if (!lane->halt) return OK;
  error_set(err, ERR_CANCELLED, "interrupted");
  error_kind(err, "interrupted");
  lane_halt_name(lane, err);
  return ERR_CANCELLED;
}

void lane_halt_name(const struct lane *lane, struct error *err) {
  static const char *const why[] = {[HALT_BRANCH] = "stopped, because a branch beside it failed",
                                    [HALT_PARENT] =
                                        "stopped, because the run that waits for it stops"};
  if (lane->halt < HALT_BRANCH || strcmp(err->kind, "interrupted") != 0) return;
  error_set(err, ERR_CANCELLED, "%s", why[lane->halt]);
  error_kind(err, "stopped");
}

/* --- places --- */

/* A child runbook's name, of a call of run or start; else nothing. */
static struct text child_name(const struct tree *t, const struct node *call) {
  if ((call->b != W_run && call->b != W_start) || !call->c) return (struct text){0};
  const struct node *first = tree_node(t, call->c);
  return first->kind == N_str ? tree_text(t, first) : (struct text){0};
}

static bool same_kind(const struct tree *t, const struct node *a, const struct node *b) {
  if (b->kind != N_call || b->a || b->b != a->b) return false;
  struct text x = child_name(t, a), y = child_name(t, b);
  return x.len == y.len && (!x.len || memcmp(x.s, y.s, x.len) == 0);
}

void place_text(const struct lane *lane, node_id node, struct buf *out) {
  const struct tree *t = lane->eval.tree;
  const struct node *n = tree_node(t, node);
  if (n->kind == N_assign) n = tree_node(t, n->b);
  struct text name = child_name(t, n);
  unsigned number = 0;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *other = tree_node(t, id);
    number += same_kind(t, n, other) && other->start <= n->start;
  }
  buf_adds(out, sym_text(lane->run->program->syms, n->b));
  if (name.len) buf_addc(out, ' '), buf_add(out, name.s, name.len);
  buf_addf(out, "#%u%s", number, buf_str(&lane->item_key));
}
