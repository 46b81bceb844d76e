/* Evaluates expressions: one function for each kind of node, in a table. Calls are in eval_call.c.
 */
#include "eval_inner.h"

#include "../lang/limits.h"
#include "regex.h"

/* The parser refuses trees deeper than LIMIT_NESTING, so this is never met; it guards the C stack
 * of a task (a node costs a few hundred bytes) should that ever change. */
enum { DEPTH_MAX = 4 * LIMIT_NESTING };

void eval_init(struct eval *e, struct program *p, const struct unit *unit,
               const struct eval_hooks *hooks, void *ud, struct error *err) {
  *e = (struct eval){.program = p, .unit = unit, .hooks = hooks, .ud = ud, .err = err};
  e->tree = p->trees ? p->trees[unit->file] : NULL;
  e->slots = mem_array(unit->slot_count + 1, sizeof *e->slots);
  e->is_set = mem_array(unit->slot_count + 1, sizeof *e->is_set);
}

void eval_release(struct eval *e) {
  for (uint32_t i = 0; e->slots && i < e->unit->slot_count; i++)
    value_unref(e->slots[i]);
  mem_free(e->slots);
  mem_free(e->is_set);
  value_unref(e->input);
  value_unref(e->setting);
  value_unref(e->call);
  cache_free(e->cache);
  *e = (struct eval){0};
}

void eval_fork(struct eval *dst, const struct eval *src) {
  eval_init(dst, src->program, src->unit, src->hooks, src->ud, src->err);
  dst->tree = src->tree;
  for (uint32_t i = 0; i < src->unit->slot_count; i++) {
    dst->slots[i] = value_ref(src->slots[i]);
    dst->is_set[i] = src->is_set[i];
  }
  dst->input = value_ref(src->input);
  dst->setting = value_ref(src->setting);
  dst->call = value_ref(src->call);
}

void eval_set_slot(struct eval *e, uint32_t slot, value owned) {
  if (e->log) eval_log_assigned(e, slot);
  value_unref(e->slots[slot]);
  e->slots[slot] = owned;
  e->is_set[slot] = true;
}

void eval_unset_slot(struct eval *e, uint32_t slot) {
  if (e->log) eval_log_assigned(e, slot);
  value_unref(e->slots[slot]);
  e->slots[slot] = VALUE_NIL;
  e->is_set[slot] = false;
}

/* -- literals -- */

static enum status eval_nil(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id, (void)n;
  return *out = VALUE_NIL, OK;
}
static enum status eval_true(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id, (void)n;
  return *out = value_bool(true), OK;
}
static enum status eval_false(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id, (void)n;
  return *out = value_bool(false), OK;
}
static enum status eval_int(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id;
  return *out = value_int(tree_int(n)), OK;
}
static enum status eval_float(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id;
  return *out = value_float(tree_float(n)), OK;
}
static enum status eval_sym(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)e, (void)id;
  return *out = value_symbol(n->a), OK;
}
static enum status eval_str(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  struct text t = tree_text(e->tree, n);
  return *out = value_string(t.s, t.len), OK;
}

/* The parts of an interpolated text, put together. A secret among them taints it. */
struct parts {
  struct buf text;
  bool secret, unknown;
};

static enum status add_part(struct eval *e, node_id part, bool regexp, struct parts *p) {
  const struct node *n = tree_node(e->tree, part);
  if (n->kind == N_str) {
    struct text t = tree_text(e->tree, n);
    buf_add(&p->text, t.s, t.len);
    return OK;
  }
  value v;
  enum status st = eval_node(e, part, &v);
  if (st != OK) return st;
  if (v.tag == V_SECRET && regexp)
    st = error_set(e->err, ERR_TYPE, "a secret cannot be put into a regexp");
  p->secret |= v.tag == V_SECRET;
  p->unknown |= value_has_unknown(v);
  value_to_s(secret_reveal(v), e->program->syms, &p->text);
  value_unref(v);
  return st;
}

static enum status eval_parts(struct eval *e, node_id first, bool regexp, struct parts *p) {
  *p = (struct parts){.text = {.max = LIMIT_STRING}};
  enum status st = OK;
  for (node_id part = first; part && st == OK; part = tree_node(e->tree, part)->next)
    st = add_part(e, part, regexp, p);
  if (st == OK && p->text.overflow)
    st = error_set(e->err, ERR_LIMIT, "a string over %d MiB", LIMIT_STRING >> 20);
  if (st != OK) buf_release(&p->text);
  return st;
}

static enum status eval_dstr(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  struct parts p;
  enum status st = eval_parts(e, n->a, false, &p);
  if (st != OK) return st;
  if (p.unknown) *out = value_unknown();
  else if (n->flags & NF_SYMBOL)
    *out = value_symbol(sym_intern(e->program->syms, buf_str(&p.text), p.text.len));
  else *out = value_string(buf_str(&p.text), p.text.len);
  if (p.secret && !p.unknown) {
    if (n->flags & NF_SYMBOL) *out = value_string(buf_str(&p.text), p.text.len);
    *out = value_secret(*out);
  }
  buf_release(&p.text);
  return OK;
}

static bool is_constant(const struct tree *t, node_id first) {
  for (node_id part = first; part; part = tree_node(t, part)->next)
    if (tree_node(t, part)->kind != N_str) return false;
  return true;
}

static enum status eval_regex(struct eval *e, node_id id, const struct node *n, value *out) {
  bool constant = is_constant(e->tree, n->a);
  if (constant && cache_get(e->cache, e->tree, id, out)) return OK;
  struct parts p;
  enum status st = eval_parts(e, n->a, true, &p);
  if (st != OK) return st;
  if (p.unknown) *out = value_unknown();
  else st = value_regexp(buf_str(&p.text), p.text.len, n->x, out, e->err);
  buf_release(&p.text);
  if (st == OK && constant) cache_put(&e->cache, e->tree, id, *out);
  return st;
}

static enum status eval_array(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  size_t count = 0;
  for (node_id k = n->a; k; k = tree_node(e->tree, k)->next)
    count++;
  struct list *l = list_new(count);
  enum status st = OK;
  for (node_id k = n->a; k && st == OK; k = tree_node(e->tree, k)->next) {
    value v;
    st = eval_node(e, k, &v);
    if (st == OK) list_push(l, v);
  }
  if (st == OK) st = value_sane(value_list(l), e->err);
  return give_list(l, st, out);
}

enum status eval_pair(struct eval *e, node_id pair, struct dict *d) {
  const struct node *n = tree_node(e->tree, pair);
  value k, v;
  enum status st = eval_node(e, n->a, &k);
  if (st != OK) return st;
  st = eval_node(e, n->b, &v);
  if (st == OK) dict_put(d, e->program->syms, k, v);
  else value_unref(k);
  return st;
}

static enum status eval_hash(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  struct dict *d = dict_new();
  enum status st = OK;
  for (node_id k = n->a; k && st == OK; k = tree_node(e->tree, k)->next)
    st = eval_pair(e, k, d);
  if (st == OK) st = value_sane(value_hash(d), e->err);
  return give_dict(d, st, out);
}

static enum status eval_range(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  value lo = VALUE_NIL, hi = VALUE_NIL;
  enum status st = n->a ? eval_node(e, n->a, &lo) : OK;
  if (st == OK && n->b) st = eval_node(e, n->b, &hi);
  if (st == OK && !range_fits(lo, hi, e->program->syms))
    st = error_set(e->err, ERR_TYPE, "a range from %s to %s has no order", value_type_name(lo),
                   value_type_name(hi));
  if (st == OK) {
    *out = value_range(lo, hi, n->flags & NF_EXCL);
    return OK;
  }
  value_unref(lo);
  value_unref(hi);
  return st;
}

/* -- names -- */

static enum status read_slot(struct eval *e, const struct node *n, value *out) {
  if (e->is_set[n->b]) return *out = value_ref(e->slots[n->b]), OK;
  if (e->unset_is_nil) return *out = VALUE_NIL, OK;
  return error_set(e->err, ERR_CHECK, "%s is not set", sym_text(e->program->syms, n->a));
}

static enum status eval_name(struct eval *e, node_id id, const struct node *n, value *out) {
  switch (n->x) {
  case REF_VAR:
    return read_slot(e, n, out);
  case REF_INPUT:
    return *out = value_ref(e->input), OK;
  case REF_SETTING:
    return *out = value_ref(e->setting), OK;
  case REF_CALL:
    return *out = value_ref(e->call), OK;
  case REF_NOW:
    return function_now(e, false, out);
  case REF_TODAY:
    return function_now(e, true, out);
  case REF_STATEMENT:
    return call_statement(e, id, n->a, out);
  default:
    return error_set(e->err, ERR_CHECK, "%s is no value by itself",
                     sym_text(e->program->syms, n->a));
  }
}

static enum status eval_const(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id, (void)out;
  return error_set(e->err, ERR_CHECK, "%s is not known", sym_text(e->program->syms, n->a));
}

static enum status eval_error(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id, (void)n, (void)out;
  return error_set(e->err, ERR_SYNTAX, "this could not be read");
}

/* -- operators -- */

static enum status eval_unary(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  value a;
  enum status st = eval_node(e, n->a, &a);
  if (st != OK) return st;
  st = op_unary(e, (enum op)n->x, a, out);
  value_unref(a);
  return st;
}

static enum status eval_binary(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  value a, b;
  enum status st = eval_node(e, n->a, &a);
  if (st != OK) return st;
  st = eval_node(e, n->b, &b);
  if (st == OK) {
    st = op_binary(e, (enum op)n->x, a, b, out);
    value_unref(b);
  }
  value_unref(a);
  return st;
}

static enum status eval_and(struct eval *e, node_id id, const struct node *n, value *out) {
  value a;
  enum status st = eval_node(e, n->a, &a);
  if (st != OK) return st;
  if (a.tag == V_UNKNOWN) return *out = a, eval_perhaps(e, id);
  if (!value_truthy(a)) return *out = a, OK;
  value_unref(a);
  return eval_node(e, n->b, out);
}

static enum status eval_or(struct eval *e, node_id id, const struct node *n, value *out) {
  value a;
  enum status st = eval_node(e, n->a, &a);
  if (st != OK) return st;
  if (a.tag == V_UNKNOWN) return *out = a, eval_perhaps(e, id);
  if (value_truthy(a)) return *out = a, OK;
  value_unref(a);
  return eval_node(e, n->b, out);
}

/* -- assignment -- */

static enum status eval_assign(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  enum status st = eval_node(e, n->b, out);
  if (st == OK) eval_set_slot(e, tree_node(e->tree, n->a)->b, value_ref(*out));
  return st;
}

static enum status eval_opassign(struct eval *e, node_id id, const struct node *n, value *out) {
  uint32_t slot = tree_node(e->tree, n->a)->b;
  value now = e->is_set[slot] ? value_ref(e->slots[slot]) : VALUE_NIL;
  bool logic = n->x == OP_OR || n->x == OP_AND;
  if (logic && now.tag == V_UNKNOWN) return *out = now, eval_perhaps(e, id);
  if (logic && value_truthy(now) == (n->x == OP_OR)) return *out = now, OK;
  value b;
  enum status st = eval_node(e, n->b, &b);
  if (st == OK && logic) {
    *out = b;
  } else if (st == OK) {
    st = op_binary(e, (enum op)n->x, now, b, out);
    value_unref(b);
  }
  value_unref(now);
  if (st == OK) eval_set_slot(e, slot, value_ref(*out));
  return st;
}

/* Binds names (or block parameters) to what there is; those left over become nil, all of an unknown
 * value unknown. */
static void bind_names(struct eval *e, node_id first, const value *args, size_t count) {
  size_t i = 0;
  for (node_id p = first; p; p = tree_node(e->tree, p)->next, i++) {
    const struct node *n = tree_node(e->tree, p);
    value v = i < count ? args[i] : VALUE_NIL;
    if (n->kind == N_param && !n->a) bind_spread(e, n->c, v);
    else eval_set_slot(e, n->b, value_ref(v));
  }
}

void bind_spread(struct eval *e, node_id first, value v) {
  if (v.tag == V_ARRAY) return bind_names(e, first, value_array(v)->items, value_array(v)->count);
  if (v.tag != V_UNKNOWN) return bind_names(e, first, &v, 1);
  for (node_id p = first; p; p = tree_node(e->tree, p)->next) {
    const struct node *n = tree_node(e->tree, p);
    if (n->kind == N_param && !n->a) bind_spread(e, n->c, v);
    else eval_set_slot(e, n->b, v);
  }
}

void eval_bind(struct eval *e, node_id params, value item) {
  if (params && tree_node(e->tree, params)->next) bind_spread(e, params, item);
  else bind_names(e, params, &item, 1);
}

static enum status eval_massign(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  enum status st = eval_node(e, n->b, out);
  if (st == OK) bind_spread(e, n->a, *out);
  return st;
}

/* -- branches -- */

static enum status eval_branch(struct eval *e, node_id id, value *out) {
  if (!id) return *out = VALUE_NIL, OK;
  return eval_node(e, id, out);
}

static enum status eval_if(struct eval *e, node_id id, const struct node *n, value *out) {
  value cond;
  enum status st = eval_node(e, n->a, &cond);
  if (st != OK) return st;
  if (cond.tag == V_UNKNOWN) return *out = cond, eval_perhaps(e, id);
  bool yes = value_truthy(cond) != ((n->flags & NF_UNLESS) != 0);
  value_unref(cond);
  return eval_branch(e, yes ? n->b : n->c, out);
}

enum answer { NO, YES, UNKNOWN };

static enum status try_pattern(struct eval *e, node_id pattern, bool has_subject, value subject,
                               enum answer *answer) {
  value p;
  bool yes;
  enum status st = eval_node(e, pattern, &p);
  if (st != OK) return st;
  if (value_has_unknown(p) || value_has_unknown(subject)) {
    *answer = UNKNOWN;
  } else {
    yes = value_truthy(p);
    if (has_subject) st = op_matches(e, p, subject, &yes);
    if (st == OK) *answer = yes ? YES : NO;
  }
  value_unref(p);
  return st;
}

static enum status pick_when(struct eval *e, const struct node *n, value subject,
                             enum answer *answer, node_id *body) {
  *answer = NO;
  *body = n->c;
  for (node_id w = n->b; w; w = tree_node(e->tree, w)->next) {
    const struct node *when = tree_node(e->tree, w);
    for (node_id p = when->a; p; p = tree_node(e->tree, p)->next) {
      enum status st = try_pattern(e, p, n->a != 0, subject, answer);
      if (st != OK || *answer == UNKNOWN) return st;
      if (*answer == YES) return *body = when->b, OK;
    }
  }
  return OK;
}

static enum status eval_case(struct eval *e, node_id id, const struct node *n, value *out) {
  value subject = VALUE_NIL;
  enum answer answer;
  node_id body;
  enum status st = n->a ? eval_node(e, n->a, &subject) : OK;
  if (st != OK) return st;
  st = pick_when(e, n, subject, &answer, &body);
  value_unref(subject);
  if (st != OK) return st;
  if (answer != UNKNOWN) return eval_branch(e, body, out);
  return *out = value_unknown(), eval_perhaps(e, id);
}

/* -- bodies and blocks -- */

static enum status eval_body_node(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  value last = VALUE_NIL;
  for (node_id s = n->a; s; s = tree_node(e->tree, s)->next) {
    if (tree_node(e->tree, s)->flags & NF_CLAUSE) continue;
    value_unref(last);
    last = VALUE_NIL;
    enum status st = e->hooks && e->hooks->poll ? e->hooks->poll(e->ud, e) : OK;
    if (st == OK) st = eval_node(e, s, &last);
    if (st != OK) return st;
  }
  *out = last;
  return OK;
}

enum status eval_body(struct eval *e, node_id body, value *out) {
  return eval_branch(e, body, out);
}

enum status eval_block(struct eval *e, node_id block, const value *args, size_t count, value *out) {
  const struct node *n = tree_node(e->tree, block);
  bool several = n->a && tree_node(e->tree, n->a)->next;
  if (several && count == 1) bind_spread(e, n->a, args[0]);
  else bind_names(e, n->a, args, count);
  return eval_branch(e, n->b, out);
}

static enum status eval_stray(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id, (void)n, (void)out;
  return error_set(e->err, ERR_CHECK, "this has no value by itself");
}

/* -- the table -- */

typedef enum status eval_fn(struct eval *e, node_id id, const struct node *n, value *out);

static eval_fn *const by_kind[NODE_KINDS] = {
    [N_NONE] = eval_stray,
    [N_error] = eval_error,
    [N_nil] = eval_nil,
    [N_true] = eval_true,
    [N_false] = eval_false,
    [N_int] = eval_int,
    [N_float] = eval_float,
    [N_str] = eval_str,
    [N_dstr] = eval_dstr,
    [N_sym] = eval_sym,
    [N_regex] = eval_regex,
    [N_array] = eval_array,
    [N_hash] = eval_hash,
    [N_pair] = eval_stray,
    [N_range] = eval_range,
    [N_name] = eval_name,
    [N_const] = eval_const,
    [N_call] = eval_call,
    [N_index] = eval_index,
    [N_unary] = eval_unary,
    [N_binary] = eval_binary,
    [N_and] = eval_and,
    [N_or] = eval_or,
    [N_if] = eval_if,
    [N_case] = eval_case,
    [N_when] = eval_stray,
    [N_body] = eval_body_node,
    [N_assign] = eval_assign,
    [N_opassign] = eval_opassign,
    [N_massign] = eval_massign,
    [N_block] = eval_stray,
    [N_param] = eval_stray,
};

enum status eval_node(struct eval *e, node_id id, value *out) {
  const struct node *n = tree_node(e->tree, id);
  enum status st;
  if (e->depth >= DEPTH_MAX) {
    st = error_set(e->err, ERR_LIMIT, "an expression of more than %d steps in a row", DEPTH_MAX);
  } else {
    e->depth++;
    st = by_kind[n->kind](e, id, n, out);
    e->depth--;
  }
  if (st != OK && st != ERR_STOP) error_at(e->err, tree_span(e->tree, id));
  return st;
}
