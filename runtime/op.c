/* Operators. Each pair of operand tags that an operator knows is one line of a table; everything
 * else is a type error that names both sides. */
#include "method.h"
#include "regex.h"
#include "utf8.h"

#include <math.h>

#include "../lang/limits.h"

typedef enum status op_fn(struct eval *e, value a, value b, value *out);

enum op op_named(const char *s, size_t len) {
  for (int op = 1; op < OP_COUNT; op++)
    if (strlen(op_text[op]) == len && memcmp(op_text[op], s, len) == 0) return (enum op)op;
  return OP_NONE;
}

static enum status overflow(struct eval *e, const char *op) {
  error_set(e->err, ERR_VALUE, "integer overflow in %s: integers have 64 bits", op);
  error_help(e->err, "use floats (1.0) for larger numbers");
  return ERR_VALUE;
}
static enum status too_long(struct eval *e, const char *what) {
  return error_set(e->err, ERR_VALUE, "%s is out of range", what);
}
static enum status divided(struct eval *e) {
  return error_set(e->err, ERR_VALUE, "divided by 0");
}

static double num(value v) {
  return v.tag == V_INT ? (double)v.u.i : v.tag == V_FLOAT ? v.u.f : 0;
}

/* -- integers -- */

static enum status int_add(struct eval *e, value a, value b, value *out) {
  int64_t n;
  if (__builtin_add_overflow(a.u.i, b.u.i, &n)) return overflow(e, "+");
  return *out = value_int(n), OK;
}
static enum status int_sub(struct eval *e, value a, value b, value *out) {
  int64_t n;
  if (__builtin_sub_overflow(a.u.i, b.u.i, &n)) return overflow(e, "-");
  return *out = value_int(n), OK;
}
static enum status int_mul(struct eval *e, value a, value b, value *out) {
  int64_t n;
  if (__builtin_mul_overflow(a.u.i, b.u.i, &n)) return overflow(e, "*");
  return *out = value_int(n), OK;
}
/* Division rounds down, and the rest has the divisor's sign. */
static enum status int_div(struct eval *e, value a, value b, value *out) {
  if (b.u.i == 0) return divided(e);
  if (a.u.i == INT64_MIN && b.u.i == -1) return overflow(e, "/");
  int64_t q = a.u.i / b.u.i;
  if (a.u.i % b.u.i != 0 && (a.u.i < 0) != (b.u.i < 0)) q--;
  return *out = value_int(q), OK;
}
static int64_t floor_mod(int64_t a, int64_t b) {
  int64_t r = b == -1 ? 0 : a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static enum status int_mod(struct eval *e, value a, value b, value *out) {
  if (b.u.i == 0) return divided(e);
  return *out = value_int(floor_mod(a.u.i, b.u.i)), OK;
}
static enum status int_pow(struct eval *e, value a, value b, value *out) {
  if (b.u.i < 0) {
    if (a.u.i == 0) return divided(e);
    return *out = value_float(pow((double)a.u.i, (double)b.u.i)), OK;
  }
  int64_t base = a.u.i, n = 1;
  for (uint64_t k = (uint64_t)b.u.i; k; k >>= 1) {
    if ((k & 1) && __builtin_mul_overflow(n, base, &n)) return overflow(e, "**");
    if (k > 1 && __builtin_mul_overflow(base, base, &base)) return overflow(e, "**");
  }
  return *out = value_int(n), OK;
}

/* -- floats, alone or with integers -- */

static enum status num_add(struct eval *e, value a, value b, value *out) {
  (void)e;
  return *out = value_float(num(a) + num(b)), OK;
}
static enum status num_sub(struct eval *e, value a, value b, value *out) {
  (void)e;
  return *out = value_float(num(a) - num(b)), OK;
}
static enum status num_mul(struct eval *e, value a, value b, value *out) {
  (void)e;
  return *out = value_float(num(a) * num(b)), OK;
}
static enum status num_div(struct eval *e, value a, value b, value *out) {
  (void)e;
  return *out = value_float(num(a) / num(b)), OK;
}
static enum status num_mod(struct eval *e, value a, value b, value *out) {
  double y = num(b), r = fmod(num(a), y);
  if (y == 0) return error_set(e->err, ERR_VALUE, "division by zero in %%");
  if (isinf(y) && isfinite(num(a))) r = num(a);
  if (r != 0 && (r < 0) != (y < 0)) r += y;
  return *out = value_float(r), OK;
}
static enum status num_pow(struct eval *e, value a, value b, value *out) {
  double x = num(a), y = num(b);
  if (x < 0 && isfinite(y) && y != floor(y))
    return error_set(e->err, ERR_VALUE,
                     "a negative number has no power of %g: the result is complex", y);
  return *out = value_float(pow(x, y)), OK;
}

/* -- texts -- */

static enum status text_add(struct eval *e, value a, value b, value *out) {
  struct text x = value_text(a, e->program->syms), y = value_text(b, e->program->syms);
  if (x.len + y.len > LIMIT_STRING)
    return error_set(e->err, ERR_LIMIT, "a string over %d MiB", LIMIT_STRING >> 20);
  struct string *s = string_new(x.len + y.len);
  memcpy(s->s, x.s, x.len);
  memcpy(s->s + x.len, y.s, y.len);
  return *out = (value){.tag = V_STRING, .u.o = &s->head}, OK;
}

/* What is put together with a secret is a secret. */
static enum status secret_add(struct eval *e, value a, value b, value *out) {
  value x = secret_reveal(a), y = secret_reveal(b);
  if (!value_is_text(x) || !value_is_text(y))
    return error_set(e->err, ERR_TYPE, "only texts are added to a secret");
  enum status st = text_add(e, x, y, out);
  if (st == OK) *out = value_secret(*out);
  return st;
}

static enum status text_match_op(struct eval *e, value a, value b, value *out) {
  value text = a.tag == V_REGEXP ? b : a, pattern = a.tag == V_REGEXP ? a : b;
  struct call c = {.e = e};
  bool found;
  size_t at;
  enum status st = text_match(&c, text, pattern, &found, &at);
  if (st == OK)
    *out = found ? value_int((int64_t)utf8_count(value_text(text, e->program->syms).s, at))
                 : VALUE_NIL;
  return st;
}
static enum status nil_match(struct eval *e, value a, value b, value *out) {
  (void)e, (void)a, (void)b;
  return *out = VALUE_NIL, OK;
}

/* -- arrays -- */

static enum status list_add(struct eval *e, value a, value b, value *out) {
  const struct list *x = value_array(a), *y = value_array(b);
  if (x->count + y->count > LIMIT_COLLECTION)
    return error_set(e->err, ERR_LIMIT, "a collection of more than %d elements", LIMIT_COLLECTION);
  struct list *l = list_new(x->count + y->count);
  for (size_t i = 0; i < x->count; i++)
    list_push(l, value_ref(x->items[i]));
  for (size_t i = 0; i < y->count; i++)
    list_push(l, value_ref(y->items[i]));
  return *out = value_list(l), OK;
}

static struct dict *set_of(const struct symtab *syms, const struct list *l) {
  struct dict *d = dict_new();
  for (size_t i = 0; i < l->count; i++)
    dict_put(d, syms, value_ref(l->items[i]), VALUE_NIL);
  return d;
}

/* Elements of `from` that are in `set` (or are not); each once when `seen` is kept. */
static void pick(const struct symtab *syms, const struct list *from, struct dict *set, bool in,
                 struct dict *seen, struct list *out) {
  value ignored;
  for (size_t i = 0; i < from->count; i++) {
    value v = from->items[i];
    if (set && dict_find(set, syms, v, &ignored) != in) continue;
    if (seen && dict_find(seen, syms, v, &ignored)) continue;
    if (seen) dict_put(seen, syms, value_ref(v), VALUE_NIL);
    list_push(out, value_ref(v));
  }
}

static enum status list_set_op(struct eval *e, value a, value b, enum op op, value *out) {
  const struct symtab *syms = e->program->syms;
  if (value_has_unknown(a) || value_has_unknown(b)) return *out = value_unknown(), OK;
  struct dict *set = op == OP_UNION ? NULL : set_of(syms, value_array(b));
  struct dict *seen = op == OP_SUB ? NULL : dict_new();
  struct list *l = list_new(0);
  pick(syms, value_array(a), set, op == OP_INTERSECT, seen, l);
  if (op == OP_UNION) pick(syms, value_array(b), NULL, false, seen, l);
  if (set) dict_free(set);
  if (seen) dict_free(seen);
  return *out = value_list(l), OK;
}
static enum status list_sub(struct eval *e, value a, value b, value *out) {
  return list_set_op(e, a, b, OP_SUB, out);
}
static enum status list_or(struct eval *e, value a, value b, value *out) {
  return list_set_op(e, a, b, OP_UNION, out);
}
static enum status list_and(struct eval *e, value a, value b, value *out) {
  return list_set_op(e, a, b, OP_INTERSECT, out);
}

/* -- durations and times -- */

static enum status us_add(struct eval *e, value a, value b, value *out) {
  int64_t n;
  if (__builtin_add_overflow(a.u.i, b.u.i, &n)) return too_long(e, "the sum");
  *out = a.tag == V_TIME || b.tag == V_TIME ? value_time(n) : value_duration(n);
  return OK;
}
/* time - time is a duration, time - duration a time. */
static enum status us_sub(struct eval *e, value a, value b, value *out) {
  int64_t n;
  if (__builtin_sub_overflow(a.u.i, b.u.i, &n)) return too_long(e, "the difference");
  *out = a.tag == V_TIME && b.tag == V_DURATION ? value_time(n) : value_duration(n);
  return OK;
}
static enum status duration_float(struct eval *e, double us, value *out) {
  us = round(us);
  if (!(us >= -0x1p63 && us < 0x1p63)) return too_long(e, "the duration");
  return *out = value_duration((int64_t)us), OK;
}
static enum status duration_mul(struct eval *e, value a, value b, value *out) {
  value d = a.tag == V_DURATION ? a : b, n = a.tag == V_DURATION ? b : a;
  int64_t us;
  if (n.tag == V_FLOAT) return duration_float(e, (double)d.u.i * n.u.f, out);
  if (__builtin_mul_overflow(d.u.i, n.u.i, &us)) return too_long(e, "the duration");
  return *out = value_duration(us), OK;
}
static enum status duration_div(struct eval *e, value a, value b, value *out) {
  if (num(b) == 0) return divided(e);
  return duration_float(e, (double)a.u.i / num(b), out);
}
static enum status duration_ratio(struct eval *e, value a, value b, value *out) {
  if (b.u.i == 0) return divided(e);
  return *out = value_float((double)a.u.i / (double)b.u.i), OK;
}
static enum status duration_mod(struct eval *e, value a, value b, value *out) {
  if (b.u.i == 0) return divided(e);
  return *out = value_duration(floor_mod(a.u.i, b.u.i)), OK;
}

/* -- the table -- */

struct op_case {
  uint8_t op, a, b;
  op_fn *fn;
};

#define NUMERIC(op, ints, nums)                                                                    \
  {op, V_INT, V_INT, ints}, {op, V_FLOAT, V_FLOAT, nums}, {op, V_INT, V_FLOAT, nums}, {            \
    op, V_FLOAT, V_INT, nums                                                                       \
  }
#define TEXTS(op, fn)                                                                              \
  {op, V_STRING, V_STRING, fn}, {op, V_STRING, V_SYMBOL, fn}, {                                    \
    op, V_SYMBOL, V_STRING, fn                                                                     \
  }
#define EITHER(op, x, y, fn)                                                                       \
  {op, x, y, fn}, {                                                                                \
    op, y, x, fn                                                                                   \
  }

static const struct op_case cases[] = {
    NUMERIC(OP_ADD, int_add, num_add),
    NUMERIC(OP_SUB, int_sub, num_sub),
    NUMERIC(OP_MUL, int_mul, num_mul),
    NUMERIC(OP_DIV, int_div, num_div),
    NUMERIC(OP_MOD, int_mod, num_mod),
    NUMERIC(OP_POW, int_pow, num_pow),
    TEXTS(OP_ADD, text_add),
    {OP_ADD, V_SECRET, V_SECRET, secret_add},
    EITHER(OP_ADD, V_SECRET, V_STRING, secret_add),
    EITHER(OP_ADD, V_SECRET, V_SYMBOL, secret_add),
    {OP_MUL, V_STRING, V_INT, text_repeat},
    {OP_MUL, V_STRING, V_FLOAT, text_repeat},
    EITHER(OP_MATCH, V_STRING, V_REGEXP, text_match_op),
    EITHER(OP_MATCH, V_SYMBOL, V_REGEXP, text_match_op),
    EITHER(OP_MATCH, V_NIL, V_REGEXP, nil_match),
    {OP_ADD, V_ARRAY, V_ARRAY, list_add},
    {OP_SUB, V_ARRAY, V_ARRAY, list_sub},
    {OP_UNION, V_ARRAY, V_ARRAY, list_or},
    {OP_INTERSECT, V_ARRAY, V_ARRAY, list_and},
    {OP_MUL, V_ARRAY, V_INT, list_repeat},
    {OP_MUL, V_ARRAY, V_STRING, list_repeat},
    {OP_ADD, V_DURATION, V_DURATION, us_add},
    {OP_ADD, V_TIME, V_DURATION, us_add},
    {OP_SUB, V_DURATION, V_DURATION, us_sub},
    {OP_SUB, V_TIME, V_DURATION, us_sub},
    {OP_SUB, V_TIME, V_TIME, us_sub},
    EITHER(OP_MUL, V_DURATION, V_INT, duration_mul),
    EITHER(OP_MUL, V_DURATION, V_FLOAT, duration_mul),
    {OP_DIV, V_DURATION, V_INT, duration_div},
    {OP_DIV, V_DURATION, V_FLOAT, duration_div},
    {OP_DIV, V_DURATION, V_DURATION, duration_ratio},
    {OP_MOD, V_DURATION, V_DURATION, duration_mod},
};

/* -- order -- */

static int sign(int64_t n) {
  return (n > 0) - (n < 0);
}

static bool list_order(const struct list *a, const struct list *b, const struct symtab *syms,
                       int *order) {
  for (size_t i = 0; i < a->count && i < b->count; i++) {
    if (!op_order(a->items[i], b->items[i], syms, order)) return false;
    if (*order) return true;
  }
  *order = (a->count > b->count) - (a->count < b->count);
  return true;
}

bool op_order(value a, value b, const struct symtab *syms, int *order) {
  bool numbers = (a.tag == V_INT || a.tag == V_FLOAT) && (b.tag == V_INT || b.tag == V_FLOAT);
  if (numbers) return *order = number_compare(a, b), *order != 2;
  if (value_is_text(a) && value_is_text(b)) {
    struct text x = value_text(a, syms), y = value_text(b, syms);
    int d = memcmp(x.s, y.s, x.len < y.len ? x.len : y.len);
    return *order = d ? sign(d) : (x.len > y.len) - (x.len < y.len), true;
  }
  if (a.tag != b.tag) return false;
  if (a.tag == V_DURATION || a.tag == V_TIME)
    return *order = (a.u.i > b.u.i) - (a.u.i < b.u.i), true;
  if (a.tag == V_ARRAY) return list_order(value_array(a), value_array(b), syms, order);
  *order = 0;
  return value_equal(a, b, syms);
}

static void describe(value v, const struct symtab *syms, struct buf *b) {
  if (v.tag == V_INT || v.tag == V_FLOAT || v.tag == V_NIL || v.tag == V_BOOL)
    value_inspect(v, syms, b);
  else
    buf_addf(b, "%s %s", strchr("aeiou", value_type_name(v)[0]) ? "an" : "a", value_type_name(v));
}

static bool duration_beside_number(value a, value b) {
  return (a.tag == V_DURATION && (b.tag == V_INT || b.tag == V_FLOAT)) ||
         (b.tag == V_DURATION && (a.tag == V_INT || a.tag == V_FLOAT));
}

static enum status cannot(struct eval *e, enum op op, const char *what, value a, value b) {
  struct buf x = BUF_INIT, y = BUF_INIT;
  describe(a, e->program->syms, &x);
  describe(b, e->program->syms, &y);
  if (op)
    error_set(e->err, ERR_TYPE, "%s %s %s cannot be done", buf_str(&x), op_text[op], buf_str(&y));
  else error_set(e->err, ERR_TYPE, "%s cannot be compared %s %s", buf_str(&x), what, buf_str(&y));
  buf_release(&x);
  buf_release(&y);
  if (duration_beside_number(a, b)) error_help(e->err, "give the number a unit, such as 3.minutes");
  else if (a.tag == V_NIL || b.tag == V_NIL)
    error_help(e->err, "one side is nil; check where it comes from");
  else if (op == OP_ADD && (value_is_text(a) || value_is_text(b)))
    error_help(e->err, "put it into the text: \"#{...}\"");
  return ERR_TYPE;
}

enum status op_compare(struct call *c, value a, value b, int *order) {
  if (value_has_unknown(a) || value_has_unknown(b)) return call_unknown(c);
  if (op_order(a, b, call_syms(c), order)) return OK;
  return cannot(c->e, OP_NONE, "with", a, b);
}

static enum status relation(struct eval *e, enum op op, value a, value b, value *out) {
  int order;
  bool comparable = op_order(a, b, e->program->syms, &order);
  if (op == OP_CMP) return *out = comparable ? value_int(order) : VALUE_NIL, OK;
  bool nan = (a.tag == V_FLOAT && isnan(a.u.f)) || (b.tag == V_FLOAT && isnan(b.u.f));
  bool ordered = a.tag == V_INT || a.tag == V_FLOAT || a.tag == V_DURATION || a.tag == V_TIME ||
                 value_is_text(a);
  if (!nan && (!comparable || !ordered)) return cannot(e, op, NULL, a, b);
  bool yes = !nan && (op == OP_LT   ? order < 0
                      : op == OP_LE ? order <= 0
                      : op == OP_GT ? order > 0
                                    : order >= 0);
  return *out = value_bool(yes), OK;
}

static const struct op_case *case_of(enum op op, value a, value b) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (cases[i].op == op && cases[i].a == a.tag && cases[i].b == b.tag) return &cases[i];
  return NULL;
}

static enum status negated_match(struct eval *e, value a, value b, value *out) {
  enum status st = op_binary(e, OP_MATCH, a, b, out);
  if (st == OK && out->tag != V_UNKNOWN) *out = value_bool(out->tag == V_NIL);
  return st;
}

static bool is_unknown_op(enum op op, value a, value b) {
  if (a.tag == V_UNKNOWN || b.tag == V_UNKNOWN) return true;
  bool looks_inside = op != OP_ADD && op != OP_MUL;
  return looks_inside && (value_has_unknown(a) || value_has_unknown(b));
}

enum status op_binary(struct eval *e, enum op op, value a, value b, value *out) {
  if (a.tag == V_INT && b.tag == V_INT) { /* the common case, without the table */
    if (op == OP_ADD) return int_add(e, a, b, out);
    if (op == OP_SUB) return int_sub(e, a, b, out);
    if (op == OP_MUL) return int_mul(e, a, b, out);
  }
  if (is_unknown_op(op, a, b)) return *out = value_unknown(), OK;
  switch (op) {
  case OP_EQ:
    return *out = value_bool(value_equal(a, b, e->program->syms)), OK;
  case OP_NE:
    return *out = value_bool(!value_equal(a, b, e->program->syms)), OK;
  case OP_LT:
  case OP_LE:
  case OP_GT:
  case OP_GE:
  case OP_CMP:
    return relation(e, op, a, b, out);
  case OP_NMATCH:
    return negated_match(e, a, b, out);
  default:
    break;
  }
  if (op == OP_MOD && a.tag == V_STRING) return text_format(e, a, b, out);
  const struct op_case *k = case_of(op, a, b);
  if (!k) return cannot(e, op, NULL, a, b);
  enum status st = k->fn(e, a, b, out);
  if (st == OK && (st = value_sane(*out, e->err)) != OK) value_unref(*out);
  return st;
}

enum status op_unary(struct eval *e, enum op op, value a, value *out) {
  if (a.tag == V_UNKNOWN) return *out = a, OK;
  if (op == OP_NOT) return *out = value_bool(!value_truthy(a)), OK;
  bool number = a.tag == V_INT || a.tag == V_FLOAT || a.tag == V_DURATION;
  if (!number)
    return error_set(e->err, ERR_TYPE, "%s cannot be done on %s", op_text[op], value_type_name(a));
  if (op == OP_PLUS) return *out = a, OK;
  if (a.tag == V_FLOAT) return *out = value_float(-a.u.f), OK;
  if (a.u.i == INT64_MIN) return overflow(e, "-");
  *out = a;
  out->u.i = -a.u.i;
  return OK;
}

/* -- [] -- */

static enum status wants_one(struct call *c) {
  if (c->count == 1) return OK;
  return fail(c, ERR_TYPE, "[] takes one key here, not %zu", c->count);
}

enum status op_index(struct call *c, value self, value *out) {
  for (size_t i = 0; i < c->count; i++)
    if (value_has_unknown(c->args[i])) self = value_unknown();
  value v;
  switch (self.tag) {
  case V_UNKNOWN:
    return *out = self, OK;
  case V_STRING:
  case V_SYMBOL:
    return text_index(c, self, out);
  case V_ARRAY:
    return list_index(c, self, out);
  case V_HASH:
  case V_RECORD: {
    enum status st = wants_one(c);
    if (st == OK)
      *out = dict_find(value_dict(self), call_syms(c), c->args[0], &v) ? value_ref(v) : VALUE_NIL;
    return st;
  }
  default:
    fail(c, ERR_TYPE, "%s has no []", value_type_name(self));
    if (self.tag == V_NIL) error_help(c->e->err, "use &.[] or dig where the value may be nil");
    return ERR_TYPE;
  }
}

enum status op_matches(struct eval *e, value pattern, value subject, bool *yes) {
  struct call c = {.e = e};
  size_t at;
  if (pattern.tag == V_RANGE) return *yes = range_covers(pattern, subject, e->program->syms), OK;
  if (pattern.tag == V_REGEXP && value_is_text(subject))
    return text_match(&c, subject, pattern, yes, &at);
  return *yes = value_equal(pattern, subject, e->program->syms), OK;
}
