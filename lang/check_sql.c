/* SQL texts of drivers: written out where they are used, so that no value ever becomes a part of
 * one. */
#include "check.h"

static void report(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  const char *what = e->kind == N_dstr                      ? "a value is spliced into SQL text"
                     : e->kind == N_binary                  ? "SQL text is put together"
                     : e->kind == N_name || e->kind == N_call ? "SQL text that is not written out here"
                                                            : "this is no SQL text";
  struct diag *d = diag_add(k->diags, D_sql_text, span_of(k, n), "%s", what);
  diag_help(d, "write the whole text out, with ? or :name where a value goes, and give the values "
               "beside it");
}

static node_id last_of(const struct check *k, node_id body) {
  node_id last = 0;
  for (node_id s = node_at(k, body)->a; s; s = node_at(k, s)->next)
    last = s;
  return last;
}

void each_tail(struct check *k, node_id n, void (*fn)(struct check *k, node_id tail)) {
  if (!n) return;
  const struct node *e = node_at(k, n);
  switch (e->kind) {
  case N_body:
    each_tail(k, last_of(k, n), fn);
    break;
  case N_if:
    each_tail(k, e->b, fn);
    each_tail(k, e->c, fn);
    break;
  case N_case:
    for (node_id w = e->b; w; w = node_at(k, w)->next)
      each_tail(k, node_at(k, w)->b, fn);
    each_tail(k, e->c, fn);
    break;
  default:
    fn(k, n);
  }
}

/* A text of the site's own is one too: setting.query. */
static bool is_setting(const struct check *k, const struct node *e) {
  const struct node *receiver = e->kind == N_call && e->a ? node_at(k, e->a) : NULL;
  return receiver && receiver->kind == N_name && receiver->a == W_setting && !e->c;
}

static void text_tail(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  if (e->kind != N_str && e->kind != N_nil && !is_setting(k, e)) report(k, n);
}

void check_sql_text(struct check *k, node_id n) {
  each_tail(k, n, text_tail);
}

/* [text, values], or the text alone. */
static void statement_tail(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  if (e->kind == N_array && e->a) check_sql_text(k, e->a);
  else text_tail(k, n);
}

static node_id block_of(const struct check *k, const struct node *call) {
  for (node_id a = call->c; a; a = node_at(k, a)->next)
    if (node_at(k, a)->kind == N_block) return a;
  return 0;
}

static void statements_tail(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  node_id block = e->kind == N_call && e->a ? block_of(k, e) : 0;
  if (e->kind == N_array) {
    for (node_id s = e->a; s; s = node_at(k, s)->next)
      each_tail(k, s, statement_tail);
  } else if (e->kind == N_binary && e->x == OP_ADD) {
    each_tail(k, e->a, statements_tail);
    each_tail(k, e->b, statements_tail);
  } else if (block && (e->b == W_map || e->b == W_filter_map)) {
    each_tail(k, node_at(k, block)->b, statement_tail);
  } else if (block && e->b == W_flat_map) {
    each_tail(k, node_at(k, block)->b, statements_tail);
  } else {
    report(k, n);
  }
}

void check_sql_statements(struct check *k, node_id n) {
  each_tail(k, n, statements_tail);
}
