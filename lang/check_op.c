/* Operators: which types go together, and what they give. */
#include "check.h"

/* Types that an operator treats alike. */
enum kind {
  K_ANY,
  K_NIL,
  K_BOOL,
  K_NUMBER,
  K_TEXT,
  K_ARRAY,
  K_HASH,
  K_RANGE,
  K_DURATION,
  K_TIME,
  K_REGEXP,
  K_SECRET,
  KINDS
};

static const uint8_t kind_of[TYPE_COUNT] = {
    [T_any] = K_ANY,      [T_nil] = K_NIL,       [T_boolean] = K_BOOL,      [T_integer] = K_NUMBER,
    [T_float] = K_NUMBER, [T_number] = K_NUMBER, [T_string] = K_TEXT,       [T_symbol] = K_TEXT,
    [T_array] = K_ARRAY,  [T_hash] = K_HASH,     [T_record] = K_HASH,       [T_range] = K_RANGE,
    [T_time] = K_TIME,    [T_regexp] = K_REGEXP, [T_duration] = K_DURATION, [T_secret] = K_SECRET,
};

/* What an operator gives; RES_NONE: these do not go together. */
enum result {
  RES_NONE,
  RES_NUMBER,
  RES_FLOAT,
  RES_INTEGER,
  RES_TEXT,
  RES_ARRAY,
  RES_DURATION,
  RES_TIME,
  RES_BOOL,
  RES_ORDER
};

static const uint8_t table[OP_COUNT][KINDS][KINDS] = {
    [OP_ADD] = {[K_NUMBER][K_NUMBER] = RES_NUMBER,
                [K_TEXT][K_TEXT] = RES_TEXT,
                [K_ARRAY][K_ARRAY] = RES_ARRAY,
                [K_DURATION][K_DURATION] = RES_DURATION,
                [K_TIME][K_DURATION] = RES_TIME},
    [OP_SUB] = {[K_NUMBER][K_NUMBER] = RES_NUMBER,
                [K_ARRAY][K_ARRAY] = RES_ARRAY,
                [K_DURATION][K_DURATION] = RES_DURATION,
                [K_TIME][K_DURATION] = RES_TIME,
                [K_TIME][K_TIME] = RES_DURATION},
    [OP_MUL] = {[K_NUMBER][K_NUMBER] = RES_NUMBER,
                [K_TEXT][K_NUMBER] = RES_TEXT,
                [K_ARRAY][K_NUMBER] = RES_ARRAY,
                [K_ARRAY][K_TEXT] = RES_TEXT,
                [K_DURATION][K_NUMBER] = RES_DURATION,
                [K_NUMBER][K_DURATION] = RES_DURATION},
    [OP_DIV] = {[K_NUMBER][K_NUMBER] = RES_NUMBER,
                [K_DURATION][K_NUMBER] = RES_DURATION,
                [K_DURATION][K_DURATION] = RES_FLOAT},
    [OP_MOD] = {[K_NUMBER][K_NUMBER] = RES_NUMBER, [K_DURATION][K_DURATION] = RES_DURATION},
    [OP_POW] = {[K_NUMBER][K_NUMBER] = RES_NUMBER},
    [OP_MATCH] = {[K_TEXT][K_REGEXP] = RES_INTEGER, [K_REGEXP][K_TEXT] = RES_INTEGER},
    [OP_NMATCH] = {[K_TEXT][K_REGEXP] = RES_BOOL, [K_REGEXP][K_TEXT] = RES_BOOL},
    [OP_UNION] = {[K_ARRAY][K_ARRAY] = RES_ARRAY},
    [OP_INTERSECT] = {[K_ARRAY][K_ARRAY] = RES_ARRAY},
};

static bool is_order(enum op op) {
  return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE || op == OP_CMP;
}

static enum result result_of(enum op op, enum kind a, enum kind b) {
  if (op == OP_MOD && a == K_TEXT) return RES_TEXT; /* "%d rows" % n */
  if (op == OP_CMP) return RES_ORDER;
  if (!is_order(op)) return (enum result)table[op][a][b];
  bool ordered = a == K_NUMBER || a == K_TEXT || a == K_DURATION || a == K_TIME;
  return a == b && ordered ? RES_BOOL : RES_NONE;
}

static type_id numbers(type_id a, type_id b) {
  if (a == T_integer && b == T_integer) return T_integer;
  return a == T_float || b == T_float ? T_float : T_number;
}

static type_id result_type(struct check *k, enum op op, enum result r, type_id left,
                           type_id right) {
  type_id l = type_base(k->types, left), rt = type_base(k->types, right);
  switch (r) {
  case RES_NUMBER:
    return op == OP_POW && rt != T_float && l != T_float ? T_number : numbers(l, rt);
  case RES_FLOAT:
    return T_float;
  case RES_INTEGER:
    return type_optional(k->types, T_integer);
  case RES_TEXT:
    return T_string;
  case RES_ARRAY:
    return op == OP_ADD || op == OP_UNION ? type_join(k->types, left, right) : left;
  case RES_DURATION:
    return T_duration;
  case RES_TIME:
    return T_time;
  case RES_BOOL:
    return T_boolean;
  default:
    return T_any;
  }
}

static bool is_unit(enum kind a) {
  return a == K_DURATION || a == K_TIME;
}

static void report(struct check *k, node_id at, enum op op, type_id left, type_id right) {
  enum kind a = kind_of[type_base(k->types, left)], b = kind_of[type_base(k->types, right)];
  struct diag *d = diag_add(k->diags, D_operator, span_of(k, at), "%s %s %s has no meaning",
                            type_words(k, left), op_text[op], type_words(k, right));
  if ((is_unit(a) && b == K_NUMBER) || (a == K_NUMBER && is_unit(b)))
    diag_help(d, "give the number a unit: 3.seconds, 5.minutes, 2.hours");
  else if (a == K_DURATION && b == K_TIME) diag_help(d, "write the time first: time + duration");
  else if (op == OP_ADD && (a == K_TEXT || b == K_TEXT))
    diag_help(d, "put the value into the text: \"... #{value}\", or write value.to_s");
  else if (a == K_TEXT && b == K_NUMBER) diag_help(d, "make the text a number: text.to_i");
  else if (a == K_NUMBER && b == K_TEXT) diag_help(d, "make the text a number: text.to_i");
}

type_id op_result(struct check *k, node_id at, enum op op, type_id left, type_id right) {
  if (left == T_integer && right == T_integer && op <= OP_MOD && op >= OP_ADD) return T_integer;
  enum kind a = kind_of[type_base(k->types, left)], b = kind_of[type_base(k->types, right)];
  bool ordered = is_order(op) && op != OP_CMP;
  if (a == K_ANY || b == K_ANY)
    return ordered || op == OP_NMATCH ? T_boolean : op == OP_CMP ? T_any : T_any;
  enum result r = result_of(op, a, b);
  if (r == RES_NONE) {
    report(k, at, op, left, right);
    return ordered ? T_boolean : T_any;
  }
  return result_type(k, op, r, left, right);
}

static void report_enum(struct check *k, node_id at, type_id list, sym value, node_id literal) {
  size_t count;
  const sym *values = type_values(k->types, list, &count);
  struct names names = {0};
  for (size_t i = 0; i < count; i++)
    names_add(&names, name_text(k, values[i]));
  struct diag *d = diag_add(k->diags, D_enum_value, span_of(k, literal), "this is never `%s`",
                            name_text(k, value));
  (void)at;
  names_help(k, d, name_text(k, value), &names, "it is one of");
}

static bool enum_lacks(struct check *k, type_id list, node_id literal, sym *value) {
  size_t count;
  const sym *values = type_values(k->types, list, &count);
  *value = count ? node_literal_name(k, literal) : 0;
  if (!*value) return false;
  for (size_t i = 0; i < count; i++)
    if (values[i] == *value) return false;
  return true;
}

void check_never_equal(struct check *k, node_id at, node_id l, type_id left, node_id r,
                       type_id right) {
  sym value;
  if (enum_lacks(k, left, r, &value)) {
    report_enum(k, at, left, value, r);
    return;
  }
  if (enum_lacks(k, right, l, &value)) {
    report_enum(k, at, right, value, l);
    return;
  }
  enum kind a = kind_of[type_base(k->types, left)], b = kind_of[type_base(k->types, right)];
  if (a == b || a == K_ANY || b == K_ANY || a == K_NIL || b == K_NIL) return;
  if ((a == K_SECRET && b == K_TEXT) || (a == K_TEXT && b == K_SECRET)) return;
  struct diag *d = diag_add(k->diags, D_never_equal, span_of(k, at), "%s never equals %s",
                            type_words(k, left), type_words(k, right));
  bool number = a == K_NUMBER || b == K_NUMBER;
  if (number && (a == K_TEXT || b == K_TEXT))
    diag_help(d, "make them alike: text.to_i, or number.to_s");
  else if (number && (is_unit(a) || is_unit(b)))
    diag_help(d, "give the number a unit: 3.seconds, 5.minutes, 2.hours");
}

type_id check_binary(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  undo_test(k, id);
  type_id left = check_expr(k, n->a), right = check_expr(k, n->b);
  if (n->x != OP_EQ && n->x != OP_NE) return op_result(k, id, (enum op)n->x, left, right);
  check_never_equal(k, id, n->a, left, n->b, right);
  return T_boolean;
}

type_id check_unary(struct check *k, node_id id, struct node *n, bool lead) {
  (void)lead;
  undo_test(k, id);
  type_id type = check_expr(k, n->a);
  if (n->x == OP_NOT) return T_boolean;
  enum kind a = kind_of[type_base(k->types, type)];
  if (a == K_ANY || a == K_NUMBER || a == K_DURATION) return type;
  diag_add(k->diags, D_operator, span_of(k, id), "%s has no %s", type_words(k, type),
           n->x == OP_NEG ? "-" : "+");
  return T_any;
}
