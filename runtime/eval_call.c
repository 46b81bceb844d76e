/* Calls: methods and fields of values, functions, and what the hooks do (actions, primitives,
 * statements). Arguments are evaluated here, from left to right, before anything is called. */
#include "eval_inner.h"

#include "../lang/limits.h"

/* -- arguments as written -- */

static bool is_keyword(const struct tree *t, const struct node *n) {
  return n->kind == N_pair && tree_node(t, n->a)->kind == N_sym &&
         (tree_node(t, n->a)->flags & NF_LABEL);
}

node_id call_arg(const struct tree *t, const struct node *call, size_t i) {
  for (node_id a = call->c; a; a = tree_node(t, a)->next) {
    const struct node *n = tree_node(t, a);
    if (n->kind == N_pair || n->kind == N_block) return 0;
    if (i-- == 0) return a;
  }
  return 0;
}

node_id call_keyword(const struct tree *t, const struct node *call, sym name) {
  for (node_id a = call->c; a; a = tree_node(t, a)->next) {
    const struct node *n = tree_node(t, a);
    if (is_keyword(t, n) && tree_node(t, n->a)->a == name) return n->b;
  }
  return 0;
}

node_id call_block(const struct tree *t, const struct node *call) {
  if (!(call->flags & NF_BLOCK)) return 0;
  for (node_id a = call->c; a; a = tree_node(t, a)->next)
    if (tree_node(t, a)->kind == N_block) return a;
  return 0;
}

/* -- arguments as values -- */

enum { FEW = 4 };

struct argv {
  value few[FEW];
  value *items;
  size_t count, cap;
  struct dict *pairs; /* key: value arguments, as one last hash */
};

static void argv_push(struct argv *a, value v) {
  if (a->count == a->cap) {
    value *more = mem_array(a->cap * 2, sizeof *more);
    memcpy(more, a->items, a->count * sizeof *more);
    if (a->items != a->few) mem_free(a->items);
    a->items = more;
    a->cap *= 2;
  }
  a->items[a->count++] = v;
}

static void argv_release(struct argv *a) {
  for (size_t i = 0; i < a->count; i++)
    value_unref(a->items[i]);
  if (a->items != a->few) mem_free(a->items);
  if (a->pairs) dict_free(a->pairs);
}

static enum status argv_eval(struct eval *e, node_id first, struct argv *a) {
  *a = (struct argv){.items = a->few, .cap = FEW};
  enum status st = OK;
  for (node_id id = first; id && st == OK; id = tree_node(e->tree, id)->next) {
    const struct node *n = tree_node(e->tree, id);
    value v;
    if (n->kind == N_block) continue;
    if (n->kind == N_pair) {
      if (!a->pairs) a->pairs = dict_new();
      st = eval_pair(e, id, a->pairs);
      continue;
    }
    st = eval_node(e, id, &v);
    if (st == OK) argv_push(a, v);
  }
  if (st == OK && a->pairs) {
    argv_push(a, value_hash(a->pairs));
    a->pairs = NULL;
  }
  if (st != OK) argv_release(a);
  return st;
}

/* -- methods and fields -- */

static enum status no_field(struct eval *e, value record, sym name) {
  const char *names[128];
  size_t n = 0;
  const struct dict *d = value_dict(record);
  for (size_t i = 0; i < dict_count(d) && n < 128; i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    names[n++] = sym_text(e->program->syms, k.u.s);
  }
  const char *text = sym_text(e->program->syms, name);
  int near = name_nearest(text, names, n);
  error_set(e->err, ERR_TYPE, "the record has no field %s", text);
  if (near >= 0) error_help(e->err, "did you mean %s?", names[near]);
  else if (n) error_help(e->err, "its first field is %s", names[0]);
  return ERR_TYPE;
}

static enum status call_on(struct eval *e, const struct node *n, value receiver, value *out) {
  value field;
  if (receiver.tag == V_RECORD && !n->c) {
    if (record_get(receiver, n->b, &field)) return *out = value_ref(field), OK;
    if (!builtin_find(receiver, n->b)) return no_field(e, receiver, n->b);
  }
  struct argv a;
  enum status st = argv_eval(e, n->c, &a);
  if (st != OK) return st;
  struct call c = {.e = e, .args = a.items, .count = a.count, .block = call_block(e->tree, n)};
  st = method_call(&c, receiver, n->b, out);
  argv_release(&a);
  return st;
}

static enum status call_method(struct eval *e, const struct node *n, value *out) {
  value receiver;
  enum status st = eval_node(e, n->a, &receiver);
  if (st != OK) return st;
  if (receiver.tag == V_NIL && (n->flags & NF_SAFE)) return *out = receiver, OK;
  st = call_on(e, n, receiver, out);
  value_unref(receiver);
  return st;
}

enum status eval_index(struct eval *e, node_id id, const struct node *n, value *out) {
  (void)id;
  value receiver;
  struct argv a;
  enum status st = eval_node(e, n->a, &receiver);
  if (st != OK) return st;
  if (receiver.tag == V_NIL && (n->flags & NF_SAFE)) return *out = receiver, OK;
  st = argv_eval(e, n->c, &a);
  if (st == OK) {
    struct call c = {.e = e, .args = a.items, .count = a.count};
    st = op_index(&c, receiver, out);
    argv_release(&a);
  }
  value_unref(receiver);
  return st;
}

/* -- functions -- */

static int64_t clock_now(struct eval *e) {
  if (e->hooks && e->hooks->now) return e->hooks->now(e->ud);
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

enum status function_now(struct eval *e, bool midnight, value *out) {
  const int64_t day = 86400 * INT64_C(1000000);
  int64_t us = clock_now(e);
  if (midnight && e->hooks && e->hooks->offset) us += e->hooks->offset(e->ud, us) * 1000000;
  int64_t rest = us % day;
  *out = value_time(midnight ? us - (rest < 0 ? rest + day : rest) : us);
  return OK;
}

static enum status function_parse(struct eval *e, sym word, value arg, value *out) {
  if (!value_is_text(arg))
    return error_set(e->err, ERR_TYPE, "%s takes a string, not %s",
                     sym_text(e->program->syms, word), value_type_name(arg));
  struct text t = value_text(arg, e->program->syms);
  int64_t us;
  bool date_only = false, ok;
  ok = word == W_duration ? duration_parse(t.s, t.len, &us)
                          : time_parse(t.s, t.len, &us, &date_only);
  if (word == W_date && ok) ok = date_only;
  if (ok) return *out = word == W_duration ? value_duration(us) : value_time(us), OK;
  const char *what = word == W_duration ? "a duration" : word == W_date ? "a date" : "a time";
  const char *like = word == W_duration ? "90s, 1h30m or PT1H30M"
                     : word == W_date   ? "2026-11-02"
                                        : "2026-11-02T09:00:00Z";
  error_set(e->err, ERR_VALUE, "\"%.*s\" is not %s", t.len < 80 ? (int)t.len : 80, t.s, what);
  error_help(e->err, "write it like %s", like);
  return ERR_VALUE;
}

static enum status call_function(struct eval *e, node_id id, const struct node *n, value *out) {
  if (n->b == W_now || n->b == W_today) return function_now(e, n->b == W_today, out);
  bool parses = n->b == W_time || n->b == W_date || n->b == W_duration;
  if (!parses) return call_statement(e, id, n->b, out); /* env, secret: the site's */
  struct argv a;
  enum status st = argv_eval(e, n->c, &a);
  if (st != OK) return st;
  if (a.count != 1)
    st = error_set(e->err, ERR_TYPE, "%s takes 1 argument, %zu given",
                   sym_text(e->program->syms, n->b), a.count);
  else if (a.items[0].tag == V_UNKNOWN) *out = a.items[0];
  else st = function_parse(e, n->b, a.items[0], out);
  argv_release(&a);
  return st;
}

/* -- hooks -- */

enum status call_statement(struct eval *e, node_id id, sym word, value *out) {
  *out = VALUE_NIL;
  if (e->hooks && e->hooks->statement) return e->hooks->statement(e->ud, e, id, word, out);
  return error_set(e->err, ERR_CHECK, "%s is not available here", sym_text(e->program->syms, word));
}

/* The expression for the i-th parameter: by its name, else by its place. */
static node_id argument_for(const struct eval *e, const struct node *n, sym name, size_t i) {
  node_id by_name = name ? call_keyword(e->tree, n, name) : 0;
  return by_name ? by_name : call_arg(e->tree, n, i);
}

static enum status action_arg(struct eval *e, const struct field *f, node_id expr, value *out) {
  value v;
  if (!expr) return field_default(e, f, out);
  enum status st = eval_node(e, expr, &v);
  if (st != OK) return st;
  st = field_check(e, f, v, false, out, e->err);
  if (st != OK) error_at(e->err, tree_span(e->tree, expr));
  value_unref(v);
  return st;
}

static enum status call_action(struct eval *e, node_id id, const struct node *n, value *out) {
  const struct action *action = program_action(e->program, e->tree, n);
  if (!action || !e->hooks || !e->hooks->action)
    return error_set(e->err, ERR_CHECK, "%s: actions are not available here",
                     sym_text(e->program->syms, n->b));
  size_t count = action->take_count, done = 0;
  value *args = mem_array(count + 1, sizeof *args);
  bool *given = mem_array(count + 1, sizeof *given);
  enum status st = OK;
  for (; done < count && st == OK; done += st == OK) {
    node_id expr = argument_for(e, n, action->takes[done].name, done);
    given[done] = expr != 0;
    st = action_arg(e, &action->takes[done], expr, &args[done]);
  }
  *out = VALUE_NIL;
  if (st == OK) st = e->hooks->action(e->ud, e, action, id, args, given, out);
  for (size_t i = 0; i < done; i++)
    value_unref(args[i]);
  mem_free(args);
  mem_free(given);
  return st;
}

static enum status primitive_arg(struct eval *e, const struct primitive_sig *sig,
                                 const struct primitive_param *p, node_id expr, value *out) {
  if (!expr) return *out = VALUE_NIL, OK;
  enum status st = eval_node(e, expr, out);
  if (st != OK || type_text_takes(p->type, *out)) return st;
  int len = (int)strcspn(p->type, "?");
  st = error_set(e->err, ERR_TYPE, "%s.%s: %s: takes %.*s, not %s", sig->group, sig->name, p->name,
                 len, p->type, value_type_name(*out));
  if (out->tag == V_SECRET) error_help(e->err, "it would be shown there; give it as a plain text");
  error_at(e->err, tree_span(e->tree, expr));
  value_unref(*out);
  return st;
}

static enum status call_primitive(struct eval *e, node_id id, const struct node *n, value *out) {
  const struct primitive_sig *sig = program_primitive(e->program, e->tree, n);
  if (!sig || !e->hooks || !e->hooks->primitive)
    return error_set(e->err, ERR_CHECK, "%s: primitives are not available here",
                     sym_text(e->program->syms, n->b));
  size_t count = 0, done = 0;
  while (sig->params[count].name)
    count++;
  value *args = mem_array(count + 1, sizeof *args);
  enum status st = OK;
  for (; done < count && st == OK; done += st == OK) {
    const struct primitive_param *p = &sig->params[done];
    sym name = sym_find(e->program->syms, p->name, strlen(p->name));
    st = primitive_arg(e, sig, p, argument_for(e, n, name, done), &args[done]);
  }
  *out = VALUE_NIL;
  if (st == OK) st = e->hooks->primitive(e->ud, e, sig, id, args, out);
  for (size_t i = 0; i < done; i++)
    value_unref(args[i]);
  mem_free(args);
  return st;
}

enum status eval_call(struct eval *e, node_id id, const struct node *n, value *out) {
  switch (n->x) {
  case CALL_METHOD:
    return call_method(e, n, out);
  case CALL_ACTION:
    return call_action(e, id, n, out);
  case CALL_PRIMITIVE:
    return call_primitive(e, id, n, out);
  case CALL_STATEMENT:
    return call_statement(e, id, n->b, out);
  case CALL_FUNCTION:
    return call_function(e, id, n, out);
  default:
    return error_set(e->err, ERR_CHECK, "%s is not known", sym_text(e->program->syms, n->b));
  }
}
