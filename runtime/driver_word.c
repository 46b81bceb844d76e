/* The statements that code of a driver may have: fail!, expect, wait and wait_until. Nothing of them is
 * recorded: what a driver does is one action. */
#include "driver.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "limits.def"
#undef DEFAULT

struct word_args {
  struct driver_call *c;
  struct eval *e;
  const struct node *call;
};

static node_id positional(const struct word_args *a, size_t i) {
  return call_arg(a->e->tree, a->call, i);
}

/* --- fail! and expect --- */

/* fail! KIND, TEXT, retry_after: D. What a driver works out may be of another type than it thinks. */
static enum status failure_of(struct driver_call *c, struct eval *e, value kind, value text,
                              value after) {
  struct buf b = BUF_INIT;
  if (kind.tag != V_SYMBOL || (after.tag != V_NIL && after.tag != V_DURATION))
    return error_set(e->err, ERR_TYPE, "fail! wants a symbol and, for retry_after:, a duration: it has %s and %s",
                     value_type_name(kind), value_type_name(after));
  value_to_s(text, c->program->syms, &b);
  error_set(e->err, ERR_FAILED, "%s", buf_str(&b));
  error_kind(e->err, sym_text(c->program->syms, kind.u.s));
  if (after.tag == V_DURATION && after.u.i > 0) e->err->retry_after = after.u.i;
  buf_release(&b);
  return ERR_FAILED;
}

static enum status do_fail(const struct word_args *a, value *out) {
  enum { KIND, TEXT, AFTER, PARTS };
  const node_id nodes[PARTS] = {positional(a, 0), positional(a, 1),
                                call_keyword(a->e->tree, a->call, W_retry_after)};
  value parts[PARTS] = {VALUE_NIL, VALUE_NIL, VALUE_NIL};
  enum status status = OK;
  *out = VALUE_NIL;
  for (size_t i = 0; status == OK && i < PARTS; i++)
    if (nodes[i] && (status = eval_node(a->e, nodes[i], &parts[i])) != OK) parts[i] = VALUE_NIL;
  if (status == OK) status = failure_of(a->c, a->e, parts[KIND], parts[TEXT], parts[AFTER]);
  for (size_t i = 0; i < PARTS; i++)
    value_unref(parts[i]);
  return status;
}

/* What stands there, or the text that is given with it. */
static enum status do_expect(const struct word_args *a, value *out) {
  enum { SHOWN = 60 };
  struct buf text = BUF_INIT;
  value v;
  *out = VALUE_NIL;
  enum status status = eval_node(a->e, positional(a, 0), &v);
  if (status != OK) return status;
  bool held = value_truthy(v);
  value_unref(v);
  if (held) return OK;
  if (positional(a, 1)) {
    if ((status = eval_node(a->e, positional(a, 1), &v)) != OK) return status;
    value_to_s(v, a->c->program->syms, &text);
    value_unref(v);
  } else {
    buf_adds(&text, "expected: ");
    tree_line(a->e->tree, positional(a, 0), SHOWN, &text);
  }
  error_set(a->e->err, ERR_FAILED, "%s", buf_str(&text));
  error_kind(a->e->err, "validation");
  buf_release(&text);
  return ERR_FAILED;
}

/* --- waiting --- */

static int64_t now(const struct word_args *a) {
  return clock_mono(tasks_clock(a->c->tasks));
}

static enum status duration_of(const struct word_args *a, node_id n, int64_t otherwise, int64_t *out) {
  value v;
  *out = otherwise;
  if (!n) return OK;
  enum status status = eval_node(a->e, n, &v);
  if (status != OK) return status;
  if (v.tag == V_DURATION && v.u.i >= 0) return *out = v.u.i, OK;
  status = error_set(a->e->err, ERR_TYPE, "this is %s where a duration is wanted",
                     v.tag == V_DURATION ? "a negative duration" : value_type_name(v));
  error_help(a->e->err, "write for example 30.seconds or 2.hours");
  error_at(a->e->err, tree_span(a->e->tree, n));
  value_unref(v);
  return status;
}

static enum status do_wait(const struct word_args *a, value *out) {
  int64_t us;
  *out = VALUE_NIL;
  enum status status = duration_of(a, positional(a, 0), 0, &us);
  return status == OK ? task_sleep(a->c->tasks, us, a->e->err) : status;
}

static enum status too_long(const struct word_args *a, node_id block, int64_t within) {
  enum { SHOWN = 60 };
  char limit[32];
  struct buf what = BUF_INIT;
  const struct node *b = tree_node(a->e->tree, block);
  tree_line(a->e->tree, b->b ? b->b : block, SHOWN, &what);
  took_text(within, limit);
  error_set(a->e->err, ERR_FAILED, "waited %s for: %s", limit, buf_str(&what));
  error_kind(a->e->err, "timeout");
  buf_release(&what);
  return ERR_FAILED;
}

static enum status do_wait_until(const struct word_args *a, value *out) {
  enum { SHORTEST = 1000 };
  int64_t within, every;
  node_id block = call_block(a->e->tree, a->call);
  *out = value_bool(true);
  enum status status =
      duration_of(a, call_keyword(a->e->tree, a->call, W_within), LIMIT_WAIT_WITHIN, &within);
  if (status == OK)
    status = duration_of(a, call_keyword(a->e->tree, a->call, W_every), LIMIT_EVERY, &every);
  if (status != OK) return status;
  if (every < SHORTEST) every = SHORTEST;
  for (int64_t until = clock_add(now(a), within);;) {
    value v;
    if ((status = eval_block(a->e, block, NULL, 0, &v)) != OK) return status;
    bool holds = value_truthy(v);
    value_unref(v);
    int64_t left = until - now(a);
    if (holds) return OK;
    if (left <= 0) return too_long(a, block, within);
    status = task_sleep(a->c->tasks, every < left ? every : left, a->e->err);
    if (status != OK) return status;
  }
}

/* --- the table --- */

static const struct {
  sym word;
  enum status (*fn)(const struct word_args *a, value *out);
} statements[] = {{W_fail_bang, do_fail},
                  {W_expect, do_expect},
                  {W_wait, do_wait},
                  {W_wait_until, do_wait_until}};

enum status driver_statement(struct driver_call *c, struct eval *e, node_id call, sym word, value *out) {
  const struct node *n = tree_node(e->tree, call);
  const struct word_args a = {.c = c, .e = e, .call = n};
  for (size_t i = 0; n->kind == N_call && i < sizeof statements / sizeof *statements; i++)
    if (statements[i].word == word) return statements[i].fn(&a, out);
  return error_set(e->err, ERR_CHECK, "%s cannot stand in a driver", sym_text(c->program->syms, word));
}
