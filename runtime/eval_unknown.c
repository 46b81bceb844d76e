/* What is not known before the run: parts that may run or not, and what becomes of the variables
 * they assign. */
#include "eval_inner.h"

static bool forget_one(void *ud, node_id id) {
  struct eval *e = ud;
  const struct node *n = tree_node(e->tree, id);
  if (n->kind == N_assign || n->kind == N_opassign)
    eval_set_slot(e, tree_node(e->tree, n->a)->b, value_unknown());
  else if (n->kind == N_massign) bind_spread(e, n->a, value_unknown());
  return false;
}

void eval_forget(struct eval *e, node_id n) {
  tree_walk(e->tree, n, forget_one, e);
}

static void forget_parts(struct eval *e, const struct node *n) {
  switch (n->kind) {
  case N_if:
    eval_forget(e, n->b);
    eval_forget(e, n->c);
    break;
  case N_case:
    for (node_id w = n->b; w; w = tree_node(e->tree, w)->next)
      eval_forget(e, w);
    eval_forget(e, n->c);
    break;
  default: /* and, or, opassign, block */
    eval_forget(e, n->b);
  }
}

enum status eval_perhaps(struct eval *e, node_id id) {
  e->met_unknown = true;
  if (e->hooks && e->hooks->perhaps) {
    enum status st = e->hooks->perhaps(e->ud, e, id);
    if (st != OK) return st;
  }
  forget_parts(e, tree_node(e->tree, id));
  return OK;
}
