/* Declared values: type expressions, constants, and the fields of inputs, parameters and settings.
 */
#include "check.h"

static void report_type(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  struct names names = {0};
  for (type_id t = 0; t < TYPE_COUNT; t++)
    names_add(&names, type_name(t));
  if (e->kind == N_sym) {
    const char *name = name_text(k, e->a);
    struct diag *d = diag_add(k->diags, D_unknown_type, span_of(k, n), "no type `:%s`", name);
    int near = name_nearest(name, names.at, names.count);
    if (near >= 0) diag_help(d, "did you mean `:%s`?", names.at[near]);
    else
      diag_help(d, "types: integer, float, boolean, string, symbol, array, hash, duration, time, "
                   "date, phone, email, url, path ...");
  } else {
    struct diag *d = diag_add(k->diags, D_unknown_type, span_of(k, n), "this is not a type");
    diag_help(d, "a type is :string, [:string] for an array, or { name: :string } for a record");
  }
  mem_free(names.at);
}

static bool record_type(struct check *k, const struct node *e, type_id *out) {
  struct record_field fields[64];
  size_t n = 0;
  bool ok = true;
  for (node_id p = e->a; p; p = node_at(k, p)->next) {
    const struct node *pair = node_at(k, p), *key = node_at(k, pair->a);
    if (key->kind != N_sym || n == sizeof fields / sizeof *fields) {
      report_type(k, p);
      return false;
    }
    fields[n] = (struct record_field){key->a, T_any};
    ok &= decl_type(k, pair->b, &fields[n++].type);
  }
  *out = type_record(k->types, fields, n);
  return ok;
}

bool decl_type(struct check *k, node_id n, type_id *out) {
  const struct node *e = node_at(k, n);
  *out = T_any;
  if (e->kind == N_hash) return record_type(k, e, out);
  if (e->kind == N_array && e->a && !node_at(k, e->a)->next) {
    bool ok = decl_type(k, e->a, out);
    *out = type_array_of(k->types, *out);
    return ok;
  }
  if (e->kind == N_sym) {
    const char *s = name_text(k, e->a);
    size_t len = strlen(s);
    bool optional = len && s[len - 1] == '?';
    if (type_known(s, len - optional)) {
      *out = type_named(s, len - optional);
      if (optional) *out = type_optional(k->types, *out);
      return true;
    }
  }
  report_type(k, n);
  return false;
}

static bool all_constant(const struct check *k, node_id list) {
  for (node_id n = list; n; n = node_at(k, n)->next)
    if (!is_constant(k, n)) return false;
  return true;
}

/* A literal, a number with a unit, time("..."), and lists of them. */
bool is_constant(const struct check *k, node_id id) {
  const struct node *n = node_at(k, id);
  switch (n->kind) {
  case N_nil:
  case N_true:
  case N_false:
  case N_int:
  case N_float:
  case N_str:
  case N_sym:
    return true;
  case N_array:
  case N_hash:
  case N_regex:
    return all_constant(k, n->a);
  case N_pair:
    return is_constant(k, n->a) && is_constant(k, n->b);
  case N_range:
    return (!n->a || is_constant(k, n->a)) && (!n->b || is_constant(k, n->b));
  case N_unary:
    return n->x == OP_NEG && is_constant(k, n->a);
  case N_call:
    if (n->a) return is_constant(k, n->a) && !n->c && method_find(k->methods, T_integer, n->b);
    return (n->b == W_time || n->b == W_date || n->b == W_duration) && all_constant(k, n->c);
  default:
    return false;
  }
}

type_id constant_type(struct check *k, node_id n) {
  if (is_constant(k, n)) return check_expr(k, n);
  struct diag *d =
      diag_add(k->diags, D_not_literal, span_of(k, n), "this value must be written out");
  diag_help(d, "a number, a text, true, false, nil, 30.seconds, or a list of these");
  return T_any;
}

type_id decl_record(struct check *k, const struct field *f, size_t count) {
  struct record_field *fields = mem_array(count + 1, sizeof *fields);
  for (size_t i = 0; i < count; i++)
    fields[i] = (struct record_field){f[i].name, f[i].value_type};
  type_id type = type_record(k->types, fields, count);
  mem_free(fields);
  return type;
}

/* --- the keywords of a field --- */

static const char *describe(struct check *k, const struct field *f, const struct params *of) {
  if (!of) return arena_printf(k->arena, "`%s`", name_text(k, f->name));
  return arena_printf(k->arena, "`%s:` of `%s.%s`", name_text(k, f->name), of->group, of->name);
}

static bool number_of(const struct tree *t, node_id id, double *out) {
  const struct node *n = tree_node(t, id);
  bool minus = n->kind == N_unary && n->x == OP_NEG;
  if (minus) n = tree_node(t, n->a);
  if (n->kind == N_int) *out = (double)tree_int(n);
  else if (n->kind == N_float) *out = tree_float(n);
  else return false;
  if (minus) *out = -*out;
  return true;
}

/* The number that min and max bound: the value itself, or the size of a text or list. */
static bool measure(struct check *k, node_id value, const struct field *f, double *out,
                    const char **what) {
  const struct node *n = node_at(k, value);
  type_id base = type_base(k->types, f->type);
  *what = "";
  if (base == T_integer || base == T_float || base == T_number) return number_of(k->t, value, out);
  *what = base == T_array ? " elements" : " characters";
  if (n->kind == N_array && base == T_array) return *out = list_count(k, n->a), true;
  if (n->kind != N_str || base != T_string) return false;
  struct text text = tree_text(k->t, n);
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++)
    count += ((unsigned char)text.s[i] & 0xC0) != 0x80;
  return *out = (double)count, true;
}

static void check_limits(struct check *k, node_id value, const struct field *f,
                         const struct params *of) {
  const struct tree *t = k->p->trees[f->file];
  double have, limit;
  const char *what;
  if ((!f->min && !f->max) || !measure(k, value, f, &have, &what)) return;
  for (int i = 0; i < 2; i++) {
    node_id bound = i ? f->max : f->min;
    if (!bound || !number_of(t, bound, &limit) || (i ? have <= limit : have >= limit)) continue;
    diag_add(k->diags, D_out_of_range, span_of(k, value), "%s is %s %.15g%s, not %.15g",
             describe(k, f, of), i ? "at most" : "at least", limit, what, have);
  }
}

static bool same_literal(struct check *k, node_id value, const struct tree *t, node_id other) {
  double a, b;
  const struct node *n = node_at(k, value), *o = tree_node(t, other);
  if (number_of(k->t, value, &a)) return !number_of(t, other, &b) || a == b;
  sym name = node_literal_name(k, value);
  if (!name) return true;
  if (o->kind == N_sym) return o->a == name;
  if (o->kind != N_str || n->kind == N_nil) return false;
  struct text text = tree_text(t, o);
  return sym_find(k->syms, text.s, text.len) == name;
}

static void check_one_of(struct check *k, node_id value, const struct field *f,
                         const struct params *of) {
  const struct tree *t = k->p->trees[f->file];
  if (!f->one_of || tree_node(t, f->one_of)->kind != N_array) return;
  struct names names = {0};
  bool found = false;
  for (node_id o = tree_node(t, f->one_of)->a; o && !found; o = tree_node(t, o)->next) {
    found = same_literal(k, value, t, o);
    const struct node *n = tree_node(t, o);
    if (n->kind == N_sym) names_add(&names, name_text(k, n->a));
    else
      names_add(&names, arena_printf(k->arena, "%.*s", (int)(n->end - n->start),
                                     t->source->text + n->start));
  }
  if (found) {
    mem_free(names.at);
    return;
  }
  sym name = node_literal_name(k, value);
  struct diag *d =
      diag_add(k->diags, D_enum_value, span_of(k, value), "%s is not one of the values of %s",
               value_words(k, value), describe(k, f, of));
  names_help(k, d, name_text(k, name), &names, "it is one of");
}

void check_field_value(struct check *k, node_id value, type_id have, const struct field *f,
                       const struct params *of) {
  if (have == T_nil && f->optional) return;
  if (!type_fits(k->types, have, f->value_type)) {
    /* A literal outside an enum says more than its type does. */
    if (type_fits(k->types, have, f->type)) return check_one_of(k, value, f, of);
    struct diag *d = diag_add(k->diags, D_wrong_type, span_of(k, value), "%s is %s, not %s",
                              describe(k, f, of), type_words(k, f->type), type_words(k, have));
    if (f->type == T_duration && type_fits(k->types, have, T_number))
      diag_help(d, "give it a unit: 30.seconds, 5.minutes, 2.hours");
    return;
  }
  if (f->one_of) check_one_of(k, value, f, of);
  check_limits(k, value, f, of);
}

/* Times and durations have no literals: inputs write them as texts. */
static bool is_written_time(const struct check *k, node_id n, type_id type) {
  return node_at(k, n)->kind == N_str && (type == T_time || type == T_date || type == T_duration);
}

static void take_default(struct check *k, node_id n, struct field *f) {
  type_id have = constant_type(k, n);
  f->default_value = n;
  if (have == T_nil) f->optional = true;
  else if (!is_written_time(k, n, f->type)) check_field_value(k, n, have, f, NULL);
}

static void take_bound(struct check *k, node_id n, struct field *f, const char *word) {
  type_id base = type_base(k->types, f->type), have = constant_type(k, n);
  bool sized = base == T_string || base == T_array || base == T_hash || base == T_symbol;
  bool ordered = base == T_integer || base == T_float || base == T_number || base == T_duration ||
                 base == T_time;
  if (!sized && !ordered && base != T_any) {
    diag_add(k->diags, D_wrong_type, span_of(k, n), "%s has no `%s:`", type_words(k, f->type),
             word);
  } else if (!type_fits(k->types, have, sized ? T_integer : f->type) &&
             !is_written_time(k, n, f->type)) {
    diag_add(k->diags, D_wrong_type, span_of(k, n), "`%s:` of `%s` is %s, not %s", word,
             name_text(k, f->name), sized ? "a size" : type_words(k, f->type), type_words(k, have));
  }
}

static type_id one_of_type(struct check *k, const struct node *list, type_id type) {
  type_id base = type_base(k->types, type);
  uint32_t count = list_count(k, list->a), n = 0;
  if (base != T_string && base != T_symbol) return type;
  sym *values = mem_array(count, sizeof *values);
  for (node_id v = list->a; v; v = node_at(k, v)->next)
    if ((values[n] = node_literal_name(k, v))) n++;
  type_id out = n == count ? type_enum(k->types, base, values, n) : type;
  mem_free(values);
  return out;
}

static void take_one_of(struct check *k, node_id n, struct field *f) {
  const struct node *list = node_at(k, n);
  if (list->kind != N_array || !list->a || !is_constant(k, n)) {
    struct diag *d = diag_add(k->diags, D_not_literal, span_of(k, n),
                              "`one_of:` is a list of values, written out");
    diag_help(d, "one_of: [:first, :second]");
    return;
  }
  for (node_id v = list->a; v; v = node_at(k, v)->next) {
    type_id have = check_expr(k, v);
    if (!type_fits(k->types, have, f->type))
      diag_add(k->diags, D_wrong_type, span_of(k, v),
               "`%s` is %s, so %s can never be one of its values", name_text(k, f->name),
               type_words(k, f->type), type_words(k, have));
  }
  f->one_of = n;
  f->value_type = one_of_type(k, list, f->type);
}

static void take_match(struct check *k, node_id n, struct field *f) {
  type_id base = type_base(k->types, f->type);
  if (node_at(k, n)->kind != N_regex || !is_constant(k, n)) {
    struct diag *d =
        diag_add(k->diags, D_not_literal, span_of(k, n), "`match:` is a pattern, written out");
    diag_help(d, "match: /\\A[a-z0-9-]+\\z/");
  } else if (base != T_string && base != T_symbol && base != T_any) {
    diag_add(k->diags, D_wrong_type, span_of(k, n), "`match:` is for texts, and `%s` is %s",
             name_text(k, f->name), type_words(k, f->type));
  } else {
    check_expr(k, n);
    f->match = n;
  }
}

/* A pattern alone needs words: what else is checked has its own. */
static void take_form(struct check *k, node_id n, const struct clause_args *a, struct field *f) {
  if (!arg_key(a, W_match)) {
    struct diag *d = diag_add(k->diags, D_missing_keyword, span_of(k, n),
                              "`form:` says what `match:` takes, and there is none");
    diag_help(d, "match: /\\A[a-z0-9-]+\\z/, form: \"small letters, digits and dashes\"");
  } else if (node_at(k, n)->kind == N_str) {
    f->form = text_dup(k, n);
  }
}

static bool is_true(const struct check *k, node_id n) {
  return n && node_at(k, n)->kind == N_true;
}

void decl_field(struct check *k, node_id id, const struct clause_args *a, sym name, type_id type,
                struct field *out) {
  *out = (struct field){.name = name, .file = k->file, .at = span_of(k, id)};
  out->type = out->value_type = type_present(k->types, type);
  out->optional = out->type != type || is_true(k, arg_key(a, W_optional));
  out->secret = type == T_secret || is_true(k, arg_key(a, W_secret));
  node_id about = arg_key(a, W_about), n;
  if (about && node_at(k, about)->kind == N_str) out->about = text_dup(k, about);
  if ((n = arg_key(a, W_one_of))) take_one_of(k, n, out);
  if ((n = arg_key(a, W_match))) take_match(k, n, out);
  if ((n = arg_key(a, W_form))) take_form(k, n, a, out);
  if ((n = arg_key(a, W_min))) take_bound(k, out->min = n, out, "min");
  if ((n = arg_key(a, W_max))) take_bound(k, out->max = n, out, "max");
  if ((n = arg_key(a, W_default))) take_default(k, n, out);
  if (out->secret) out->value_type = T_secret;
  if (out->optional) out->value_type = type_optional(k->types, out->value_type);
}
