/* What a rollback may read. It is armed before the step's first write, so what the step sets from
 * there on is nil in it when that write failed: it is to be tested before it is used. */
#include "check.h"

static const struct node *as_name(const struct check *k, node_id id) {
  const struct node *n = id ? node_at(k, id) : NULL;
  return n && n->kind == N_name ? n : NULL;
}

static void mark_name(struct check *k, node_id id) {
  if (as_name(k, id)) node_at(k, id)->flags |= NF_TESTED;
}

/* The name a call asks for nil: x.nil? and x&.anything. */
static node_id asked(const struct check *k, const struct node *n) {
  if (n->kind != N_call || !as_name(k, n->a)) return 0;
  return n->flags & NF_SAFE || strcmp(name_text(k, n->b), "nil?") == 0 ? n->a : 0;
}

void undo_test(struct check *k, node_id id) {
  if (!k->undoing || !id) return;
  const struct node *n = node_at(k, id);
  mark_name(k, id);
  mark_name(k, asked(k, n));
  if (n->kind == N_and || n->kind == N_or) undo_test(k, n->a), undo_test(k, n->b);
  if (n->kind == N_unary && n->x == OP_NOT) undo_test(k, n->a);
  if (n->kind == N_binary && (n->x == OP_EQ || n->x == OP_NE)) {
    if (node_at(k, n->b)->kind == N_nil) mark_name(k, n->a);
    if (node_at(k, n->a)->kind == N_nil) mark_name(k, n->b);
  }
}

static void know(struct check *k, node_id name, int by) {
  const struct node *n = as_name(k, name);
  uint32_t slot;
  if (n && scope_has(k, n->a, &slot)) k->scope->vars[slot].sure += by;
}

static void know_compared(struct check *k, const struct node *n, bool truth, int by) {
  if (n->x != (truth ? OP_NE : OP_EQ)) return;
  if (node_at(k, n->b)->kind == N_nil) know(k, n->a, by);
  if (node_at(k, n->a)->kind == N_nil) know(k, n->b, by);
}

void undo_know(struct check *k, node_id id, bool truth, int by) {
  if (!k->undoing || !id) return;
  const struct node *n = node_at(k, id);
  bool nil = n->kind == N_call && !(n->flags & NF_SAFE); /* of what asked() names: x.nil? */
  if (n->kind == N_name && truth) know(k, id, by);
  else if (n->kind == N_call && truth != nil) know(k, asked(k, n), by);
  else if (n->kind == N_unary && n->x == OP_NOT) undo_know(k, n->a, !truth, by);
  else if (n->kind == N_binary) know_compared(k, n, truth, by);
  else if (n->kind == (truth ? N_and : N_or))
    undo_know(k, n->a, truth, by), undo_know(k, n->b, truth, by);
}

static const char *action_words(struct check *k, const struct variable *v) {
  node_id at = v->from && node_at(k, v->from)->x == CALL_ACTION &&
                       node_at(k, v->from)->kind == N_call
                   ? v->from
                   : k->first_write;
  const struct node *call = node_at(k, at);
  return arena_printf(k->arena, "%s.%s", name_text(k, node_at(k, call->a)->a),
                      name_text(k, call->b));
}

type_id undo_read(struct check *k, node_id id, struct variable *v) {
  bool before = v->pos < k->scope->armed && v->late_step != k->step_number;
  if (!k->undoing || v->temp || before || v->sure > 0) return v->type;
  if (node_at(k, id)->flags & NF_TESTED) return type_optional(k->types, v->type);
  if (v->told_step == k->step_number) return v->type;
  v->told_step = k->step_number;
  const char *name = name_text(k, v->name);
  struct diag *d = diag_add(k->diags, D_nil_undo, span_of(k, id),
                            "`%s` is nil here when %s failed", name, action_words(k, v));
  diag_note(d, span_of(k, v->late_at ? v->late_at : v->at), "it is set here, when the rollback is armed already");
  diag_help(d, "write `... if %s`", name);
  return v->type;
}
