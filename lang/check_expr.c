/* Expressions: resolves every name, and knows of every value what can be known before a run.
 *
 * A type that is not known is T_any and stops nothing. A mistake is reported where it is made; what
 * depends on it is T_any, so that it is reported once. */
#include "check.h"

static type_id lead_or_not(struct check *k, node_id n, bool lead) {
  return lead ? check_lead(k, n) : check_expr(k, n);
}

/* Deeper than the step itself: what is only a step's clause may not stand here. */
static enum context nest(struct check *k) {
  enum context was = k->place.context;
  if (was == IN_STEP) k->place.context = IN_BODY;
  return was;
}

/* Only nil and false are false: a list is true even when it is empty. */
void check_truth(struct check *k, node_id n, type_id type) {
  if (type == T_any || type == T_nil || type == T_boolean || type_present(k->types, type) != type)
    return;
  struct diag *d = diag_add(k->diags, D_always_true, span_of(k, n),
                            "this is always true: %s is never nil or false", type_words(k, type));
  type_id base = type_base(k->types, type);
  if (base == T_array || base == T_hash)
    diag_help(d, "ask whether there is something in it: .any?");
  else if (base == T_string) diag_help(d, "ask whether there is something in it: !text.empty?");
}

void check_condition(struct check *k, node_id n) {
  undo_test(k, n);
  check_truth(k, n, check_expr(k, n));
}

static type_id nothing(struct check *k, node_id id, struct node *n, bool lead) {
  (void)k, (void)id, (void)n, (void)lead;
  return T_any;
}

#define PLAIN(kind)                                                                                \
  static type_id plain_##kind(struct check *k, node_id id, struct node *n, bool lead) {            \
    (void)k, (void)id, (void)n, (void)lead;                                                        \
    return T_##kind;                                                                               \
  }
PLAIN(nil)
PLAIN(boolean)
PLAIN(integer)
PLAIN(float)
PLAIN(string)
PLAIN(symbol)

/* A pattern without #{ } is known now: one that cannot be compiled is an error now. */
static void check_regexp(struct check *k, node_id id, const struct node *n) {
  const struct program_host *host = k->p->host;
  struct error err = {0};
  struct text text = {"", 0};
  if (!host || !host->check_regexp || (n->a && node_at(k, n->a)->kind != N_str)) return;
  if (n->a && node_at(k, n->a)->next) return;
  if (n->a) text = tree_text(k->t, node_at(k, n->a));
  if (host->check_regexp(host->ud, text.s, text.len, n->x, &err) != OK)
    diag_help(diag_add(k->diags, D_literal_value, span_of(k, id), "%s",
                       err.message ? err.message : "this is not a regexp"),
              "%s", err.help ? err.help : "check its brackets and escapes");
  error_release(&err);
}

static type_id text_parts(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  for (node_id p = n->a; p; p = node_at(k, p)->next)
    if (node_at(k, p)->kind != N_str) check_expr(k, p);
  if (n->kind == N_regex) return check_regexp(k, id, n), T_regexp;
  return n->flags & NF_SYMBOL ? T_symbol : T_string;
}

static type_id array_of(struct check *k, node_id id, struct node *n, bool lead) {
  (void)id, (void)lead;
  if (!n->a) return T_array;
  type_id element = check_expr(k, n->a);
  for (node_id e = node_at(k, n->a)->next; e; e = node_at(k, e)->next)
    element = type_join(k->types, element, check_expr(k, e));
  return type_array_of(k->types, element);
}

static void check_repeated_key(struct check *k, node_id first, node_id pair) {
  const struct node *key = node_at(k, node_at(k, pair)->a);
  if (key->kind != N_sym) return;
  for (node_id p = first; p != pair; p = node_at(k, p)->next) {
    const struct node *other = node_at(k, node_at(k, p)->a);
    if (other->kind != N_sym || other->a != key->a) continue;
    struct diag *d = diag_add(k->diags, D_repeated_keyword, span_of(k, node_at(k, pair)->a),
                              "the key `%s` stands twice", name_text(k, key->a));
    diag_note(d, span_of(k, node_at(k, p)->a), "it is given here first");
    return;
  }
}

static type_id hash_of(struct check *k, node_id id, struct node *n, bool lead) {
  enum { LOOKED_AT = 64 }; /* pairs searched for repeats: keeps large hashes linear */
  (void)id, (void)lead;
  type_id value = T_any;
  unsigned count = 0;
  for (node_id p = n->a; p; p = node_at(k, p)->next, count++) {
    struct node *pair = node_at(k, p);
    if (pair->kind != N_pair) continue;
    check_expr(k, pair->a);
    type_id t = check_expr(k, pair->b);
    value = count ? type_join(k->types, value, t) : t;
    if (count < LOOKED_AT) check_repeated_key(k, n->a, p);
  }
  return type_hash_of(k->types, value);
}

static type_id range_of(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  type_id a = n->a ? check_expr(k, n->a) : T_any, b = n->b ? check_expr(k, n->b) : T_any;
  a = type_base(k->types, a), b = type_base(k->types, b);
  if (n->a && n->b && a != b && !type_fits(k->types, a, b) && !type_fits(k->types, b, a))
    diag_add(k->diags, D_wrong_type, span_of(k, id), "a range from %s to %s", type_words(k, a),
             type_words(k, b));
  return T_range;
}

/* --- calls --- */

static type_id call_of(struct check *k, node_id id, struct node *n, bool lead) {
  uint32_t slot;
  type_id type;
  undo_test(k, id);
  if (!n->a) return check_statement(k, id, n, lead);
  struct node *receiver = node_at(k, n->a);
  if (receiver->kind == N_name && !scope_has(k, receiver->a, &slot)) {
    if (check_special_field(k, n, &type)) return type;
    if (k->driver && primitive_group(k, receiver->a)) return check_primitive(k, id, n);
    int binding = binding_find(k, receiver->a);
    if (binding >= 0) return check_action(k, id, n, (uint32_t)binding, lead);
    if (primitive_group(k, receiver->a)) return check_primitive(k, id, n);
    if (!receiver->x && receiver->a != W_now && receiver->a != W_today &&
        !clause_any(receiver->a) && !function_find(receiver->a)) {
      report_unknown_name(k, n->a, receiver->a, true);
      return check_method(k, id, n, T_any, lead);
    }
  }
  return check_method(k, id, n, lead_or_not(k, n->a, lead), lead);
}

static type_id index_of(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  type_id receiver = check_expr(k, n->a), base = type_base(k->types, receiver), arg = T_any;
  uint32_t count = 0;
  for (node_id a = n->c; a; a = node_at(k, a)->next, count++) {
    type_id t = check_expr(k, a);
    if (!count) arg = type_base(k->types, t);
  }
  if (base == T_any) return T_any;
  bool indexed = base == T_array || base == T_string || base == T_hash || base == T_symbol;
  if (!indexed) {
    struct diag *d = diag_add(k->diags, D_unknown_method, span_of(k, id), "%s has no [ ]",
                              type_words(k, receiver));
    if (base == T_record) diag_help(d, "a field is read with a dot: record.field");
    return T_any;
  }
  if (count != 1 && (base == T_hash || count != 2)) {
    diag_add(k->diags, count ? D_too_many : D_too_few, span_of(k, id), "[ ] takes one %s",
             base == T_hash ? "key" : "index, or a start and a length");
    return T_any;
  }
  if (base == T_array && arg != T_range && !type_fits(k->types, arg, T_number))
    diag_add(k->diags, D_wrong_type, span_of(k, n->c), "an array's index is an integer, not %s",
             type_words(k, arg));
  if (base == T_string || base == T_symbol) return type_optional(k->types, T_string);
  if (base == T_hash)
    return type_optional(k->types, type_inner(k->types, type_present(k->types, receiver)));
  bool one = count == 1 && arg == T_integer;
  type_id element = type_element(k->types, receiver);
  return one ? type_optional(k->types, element) : arg == T_any ? T_any : receiver;
}

/* --- control --- */

static type_id logic(struct check *k, node_id id, struct node *n, bool lead) {
  (void)id, (void)lead;
  undo_test(k, n->a);
  type_id left = check_expr(k, n->a);
  size_t mark = flow_mark(k);
  bool dead = k->scope->dead, truth = n->kind == N_and;
  undo_know(k, n->a, truth, 1);
  type_id right = check_expr(k, n->b);
  undo_know(k, n->a, truth, -1);
  flow_undo(k, mark, UNSET_BRANCH);
  k->scope->dead = dead;
  if (n->kind == N_or) left = type_present(k->types, left);
  return type_join(k->types, left, right);
}

static type_id branch(struct check *k, node_id n, bool lead) {
  if (!n) return T_nil;
  return node_at(k, n)->kind == N_body ? check_body(k, n, lead) : lead_or_not(k, n, lead);
}

/* A branch of an `if`, where its condition was true or false. */
static type_id known_branch(struct check *k, const struct node *n, node_id body, bool then,
                            bool lead) {
  bool truth = then == !(n->flags & NF_UNLESS);
  undo_know(k, n->a, truth, 1);
  type_id type = branch(k, body, lead);
  undo_know(k, n->a, truth, -1);
  return type;
}

static type_id if_of(struct check *k, node_id id, struct node *n, bool lead) {
  struct branch_mark m;
  (void)id;
  check_condition(k, n->a);
  enum context was = nest(k);
  branch_begin(k, &m);
  type_id a = known_branch(k, n, n->b, true, lead);
  branch_next(k, &m);
  type_id b = known_branch(k, n, n->c, false, lead);
  branch_next(k, &m);
  branch_end(k, &m, true);
  k->place.context = was;
  return type_join(k->types, a, b);
}

void check_pattern(struct check *k, const struct node *c, type_id subject, node_id pattern) {
  const struct node *p = node_at(k, pattern);
  type_id type = check_expr(k, pattern);
  if (c->a && p->kind != N_range && p->kind != N_regex)
    check_never_equal(k, pattern, c->a, subject, pattern, type);
}

bool case_covers(struct check *k, const struct node *c, type_id subject) {
  size_t count, seen = 0;
  const sym *values = type_values(k->types, subject, &count);
  if (type_present(k->types, subject) != subject || !c->a) return false;
  for (size_t i = 0; i < count; i++) {
    bool found = false;
    for (node_id w = c->b; w && !found; w = node_at(k, w)->next)
      for (node_id p = node_at(k, w)->a; p && !found; p = node_at(k, p)->next)
        found = node_literal_name(k, p) == values[i];
    seen += found;
  }
  return count && seen == count;
}

static type_id case_of(struct check *k, node_id id, struct node *n, bool lead) {
  struct branch_mark m;
  (void)id;
  type_id subject = n->a ? check_expr(k, n->a) : T_boolean, type = T_any;
  bool first = true;
  enum context was = nest(k);
  branch_begin(k, &m);
  for (node_id w = n->b; w; w = node_at(k, w)->next) {
    for (node_id p = node_at(k, w)->a; p; p = node_at(k, p)->next)
      check_pattern(k, n, subject, p);
    type_id t = branch(k, node_at(k, w)->b, lead);
    type = first ? t : type_join(k->types, type, t);
    first = false;
    branch_next(k, &m);
  }
  if (n->c || !case_covers(k, n, subject)) {
    type = type_join(k->types, type, branch(k, n->c, lead));
    branch_next(k, &m);
  }
  branch_end(k, &m, true);
  k->place.context = was;
  return type;
}

/* --- assignment --- */

bool may_assign(struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  uint32_t slot;
  if (n->kind != N_name && !(n->kind == N_param && n->a)) {
    diag_add(k->diags, D_assign_refused, span_of(k, id), "only a variable can be assigned");
    return false;
  }
  if (scope_has(k, n->a, &slot)) return true;
  const char *what = NULL, *name = name_text(k, n->a);
  if (n->a == W_input || n->a == W_setting || n->a == W_call || n->a == W_now || n->a == W_today)
    what = "a word of the language";
  else if (binding_find(k, n->a) >= 0) what = "a binding";
  else if (primitive_group(k, n->a) && k->driver) what = "a primitive";
  if (!what) return true;
  struct diag *d = diag_add(k->diags, D_assign_refused, span_of(k, id),
                            "`%s` is %s and cannot be assigned", name, what);
  diag_help(d, "choose another name for the variable");
  return false;
}

static type_id assign(struct check *k, node_id id, struct node *n, bool lead) {
  (void)id, (void)lead;
  type_id type = check_lead(k, n->b);
  if (!may_assign(k, n->a)) return type;
  scope_assign(k, n->a, type);
  struct variable *v = &k->scope->vars[node_at(k, n->a)->b];
  if (v->at == n->a) v->from = n->b;
  return type;
}

static type_id op_assign(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  uint32_t slot;
  bool ok = may_assign(k, n->a);
  if (n->x == OP_OR || n->x == OP_AND) undo_test(k, n->a);
  type_id left = ok ? check_expr(k, n->a) : T_any;
  bool known = ok && scope_has(k, node_at(k, n->a)->a, &slot);
  size_t mark = flow_mark(k);
  type_id right = check_lead(k, n->b), type;
  if (n->x == OP_OR || n->x == OP_AND) {
    flow_undo(k, mark, UNSET_BRANCH);
    type = type_join(k->types, n->x == OP_OR ? type_present(k->types, left) : left, right);
  } else {
    type = op_result(k, id, (enum op)n->x, left, right);
  }
  if (known) scope_assign(k, n->a, type);
  return type;
}

static void assign_target(struct check *k, node_id id, type_id type) {
  const struct node *n = node_at(k, id);
  if (n->kind == N_param && !n->a) {
    for (node_id c = n->c; c; c = node_at(k, c)->next)
      assign_target(k, c, type_element(k->types, type));
  } else if (may_assign(k, id)) { /* a name, or within parentheses a parameter */
    scope_assign(k, id, type);
  }
}

static type_id multiple_assign(struct check *k, node_id id, struct node *n, bool lead) {
  (void)id, (void)lead;
  type_id whole = check_lead(k, n->b);
  type_id base = type_base(k->types, whole);
  if (base != T_any && base != T_array)
    diag_add(k->diags, D_wrong_type, span_of(k, n->b), "only an array is taken apart, not %s",
             type_words(k, whole));
  for (node_id v = n->a; v; v = node_at(k, v)->next)
    assign_target(k, v, type_element(k->types, whole));
  return whole;
}

/* --- bodies --- */

static bool is_idle(const struct node *n) {
  switch (n->kind) {
  case N_nil:
  case N_true:
  case N_false:
  case N_int:
  case N_float:
  case N_str:
  case N_dstr:
  case N_sym:
  case N_regex:
  case N_array:
  case N_hash:
  case N_range:
  case N_index:
  case N_binary:
    return true;
  case N_name:
    return n->x != REF_STATEMENT && n->x != REF_NONE;
  default:
    return false;
  }
}

void check_idle(struct check *k, node_id s) {
  if (is_idle(node_at(k, s)))
    diag_add(k->diags, D_no_effect, span_of(k, s), "the value of %s is not used",
             value_words(k, s));
}

type_id check_body(struct check *k, node_id body, bool lead) {
  type_id type = T_nil;
  for (node_id s = node_at(k, body)->a, next; s; s = next) {
    next = node_at(k, s)->next;
    bool dead = k->scope->dead;
    type = lead ? check_lead(k, s) : check_expr(k, s);
    if (next) check_idle(k, s);
    if (next && k->scope->dead && !dead)
      diag_add(k->diags, D_unreached, span_of(k, next), "this is never reached");
  }
  return type;
}

static type_id body_of(struct check *k, node_id id, struct node *n, bool lead) {
  (void)n;
  return check_body(k, id, lead);
}

type_id check_block(struct check *k, node_id block, const type_id *params, size_t count,
                    bool lead) {
  struct block_mark m;
  struct node *b = node_at(k, block);
  enum context was = nest(k);
  block_begin(k, &m);
  scope_params(k, b->a, params, count);
  if (b->a) b->c = node_at(k, b->a)->b;
  type_id type = b->b ? check_body(k, b->b, lead) : T_nil;
  block_end(k, &m);
  k->place.context = was;
  return type;
}

static type_id (*const walkers[NODE_KINDS])(struct check *, node_id, struct node *, bool) = {
    [N_error] = nothing,
    [N_nil] = plain_nil,
    [N_true] = plain_boolean,
    [N_false] = plain_boolean,
    [N_int] = plain_integer,
    [N_float] = plain_float,
    [N_str] = plain_string,
    [N_dstr] = text_parts,
    [N_sym] = plain_symbol,
    [N_regex] = text_parts,
    [N_array] = array_of,
    [N_hash] = hash_of,
    [N_range] = range_of,
    [N_name] = check_name,
    [N_const] = check_const,
    [N_call] = call_of,
    [N_index] = index_of,
    [N_unary] = check_unary,
    [N_binary] = check_binary,
    [N_and] = logic,
    [N_or] = logic,
    [N_if] = if_of,
    [N_case] = case_of,
    [N_body] = body_of,
    [N_assign] = assign,
    [N_opassign] = op_assign,
    [N_massign] = multiple_assign,
};

static type_id walk(struct check *k, node_id id, bool lead) {
  struct node *n = node_at(k, id);
  if (!walkers[n->kind]) return T_any;
  return walkers[n->kind](k, id, n, lead);
}

type_id check_expr(struct check *k, node_id n) {
  return walk(k, n, false);
}

type_id check_lead(struct check *k, node_id n) {
  return walk(k, n, true);
}
