/* What may run or not: parts under a condition that is unknown now. Each is walked, from the same
 * variables; the evaluator then forgets what they assign. */
#include "dry_own.h"

/* What a branch ends with, or fails of, is told in it and goes no further. After a skip! or finish
 * that may be reached, what follows in the step may not be. */
static enum status branch_ended(struct dry *d, enum status status) {
  if (status == OK || status == ERR_CANCELLED) return status;
  bool ends = status == ERR_STOP && (d->stop == STOPS_SKIP || d->stop == STOPS_FINISH);
  if (ends && !d->may_skip) d->maybe++;
  d->may_skip |= ends;
  d->may_finish |= ends && d->stop == STOPS_FINISH;
  if (status == ERR_STOP) error_release(d->e->err);
  else dry_problem(d, d->e->err);
  d->stop = STOPS_NOT;
  return OK;
}

enum status dry_may_run(struct dry *d, char *owned_condition, node_id body) {
  const struct node *n = tree_node(d->e->tree, body);
  size_t mark = eval_log_mark(d->e);
  value v;
  dry_line(d, DRY_CONDITION, owned_condition)->truth = DRY_OPEN;
  d->depth++;
  d->maybe++;
  enum status status;
  if (n->kind == N_block) {
    eval_bind(d->e, n->a, value_unknown());
    status = n->b ? eval_node(d->e, n->b, &v) : (v = VALUE_NIL, OK);
  } else {
    status = eval_node(d->e, body, &v);
  }
  if (status == OK) value_unref(v);
  else status = branch_ended(d, status);
  d->depth--;
  d->maybe--;
  eval_log_undo(d->e, mark);
  return status;
}

static enum status part(struct dry *d, const char *word, node_id condition, node_id body) {
  struct buf text = BUF_INIT;
  if (!body || !dry_has_effects(d, body)) return OK;
  buf_adds(&text, word);
  if (condition) dry_source(d, condition, &text);
  return dry_may_run(d, buf_take(&text), body);
}

static enum status case_parts(struct dry *d, const struct node *n) {
  const struct tree *t = d->e->tree;
  enum status status = OK;
  for (node_id w = n->b; w && status == OK; w = tree_node(t, w)->next) {
    const struct node *when = tree_node(t, w);
    struct buf text = BUF_INIT;
    if (!when->b || !dry_has_effects(d, when->b)) continue;
    buf_adds(&text, "when ");
    if (n->a) dry_source(d, n->a, &text), buf_adds(&text, " is ");
    for (node_id p = when->a; p; p = tree_node(t, p)->next) {
      dry_source(d, p, &text);
      if (tree_node(t, p)->next) buf_adds(&text, ", ");
    }
    status = dry_may_run(d, buf_take(&text), when->b);
  }
  return status == OK ? part(d, "else", 0, n->c) : status;
}

/* The list whose elements the block gets, from the call that it stands in. */
static enum status block_part(struct dry *d, node_id block) {
  const struct tree *t = d->e->tree;
  struct buf text = BUF_INIT;
  if (!dry_has_effects(d, block)) return OK;
  buf_adds(&text, "for each of ");
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind == N_call && n->a && call_block(t, n) == block) dry_source(d, n->a, &text);
  }
  return dry_may_run(d, buf_take(&text), block);
}

enum status dry_perhaps(void *ud, struct eval *e, node_id id) {
  struct dry *d = ud;
  const struct node *n = tree_node(e->tree, id);
  enum status status;
  if (d->quiet || !d->at) return OK;
  switch (n->kind) {
  case N_if:
    status = part(d, n->flags & NF_UNLESS ? "unless " : "if ", n->a, n->b);
    return status == OK ? part(d, "else", 0, n->c) : status;
  case N_case:
    return case_parts(d, n);
  case N_block:
    return block_part(d, id);
  case N_and:
    return part(d, "if ", n->a, n->b);
  case N_or:
    return part(d, "unless ", n->a, n->b);
  default: /* ||= and &&= */
    return part(d, n->x == OP_OR ? "unless " : "if ", n->a, n->b);
  }
}
