/* Methods: is there one of this name for this value, do its arguments fit, what does it give. */
#include "check.h"

struct method_call {
  struct node *call;
  const struct method *m;
  type_id receiver;
  uint32_t args; /* positional */
  node_id block;
  type_id block_type;
};

/* What a block gets: the elements of what it walks. */
static size_t block_params(struct check *k, const struct method_call *c, type_id out[2]) {
  type_id element = type_element(k->types, c->receiver);
  type_id inner = type_inner(k->types, type_present(k->types, c->receiver));
  out[0] = element, out[1] = T_any;
  if (c->m->receiver == T_hash) {
    if (c->m->word == W_each_with_index) return out[0] = T_array, out[1] = T_integer, 2;
    if (c->m->word == W_reduce) return out[0] = T_any, out[1] = T_array, 2;
    bool values = c->m->word == W_transform_values;
    out[0] = values ? inner : T_any, out[1] = inner;
    return values || c->m->word == W_transform_keys || c->m->word == W_fetch ? 1 : 2;
  }
  switch (c->m->word) {
  case W_each_with_index:
    return out[1] = T_integer, 2;
  case W_reduce:
    return out[0] = T_any, out[1] = element, 2;
  case W_sort:
  case W_min:
  case W_max:
    return out[1] = element, 2;
  case W_each_slice:
    return out[0] = type_array_of(k->types, element), 1;
  case W_fetch:
    return out[0] = T_integer, 1;
  case W_sub:
  case W_gsub:
    return out[0] = T_string, 1;
  default:
    return 1;
  }
}

static type_id result_type(struct check *k, const struct method_call *c) {
  type_id receiver = type_present(k->types, c->receiver),
          element = type_element(k->types, receiver);
  type_id list = c->m->receiver == T_array ? receiver : T_array;
  switch (c->m->result) {
  case M_same:
    return type_base(k->types, receiver) == T_number ? T_number : receiver;
  case M_element:
    return c->args ? list : type_optional(k->types, element);
  case M_block:
    return c->block ? c->block_type : T_any;
  case M_blocks:
    return type_array_of(k->types, c->block ? c->block_type : T_any);
  case M_strings:
    return type_array_of(k->types, T_string);
  case M_integers:
    return type_array_of(k->types, T_integer);
  case M_sames:
    return type_array_of(k->types, receiver);
  case M_groups:
    return type_hash_of(k->types, receiver);
  case M_counts:
    return type_hash_of(k->types, T_integer);
  case M_total:
    return c->args || c->m->receiver == T_range ? T_any : c->block ? c->block_type : element;
  case M_flat:
    return T_array;
  case M_list:
    return list;
  default:
    return c->m->result;
  }
}

/* What Ruby's filter_map and sum do with nil: known only at run time. */
static type_id adjust(struct check *k, const struct method_call *c, type_id type) {
  if (c->m->word == W_filter_map)
    return type_array_of(k->types, type_present(k->types, type_element(k->types, type)));
  if (c->m->word == W_compact)
    return type_array_of(k->types, type_present(k->types, type_element(k->types, type)));
  bool rounds = c->m->word == W_round || c->m->word == W_ceil || c->m->word == W_floor;
  if (rounds && !c->args) return T_integer;
  if (c->m->word == W_index || (c->m->word == W_find && c->m->receiver == T_hash))
    return type_optional(k->types, type);
  return type;
}

static type_id wanted_type(struct check *k, const struct method_call *c, uint8_t spec) {
  if (spec == M_same) return c->receiver;
  if (spec == M_element) return type_element(k->types, c->receiver);
  return spec;
}

static void check_arg_type(struct check *k, const struct method_call *c, node_id arg, type_id have,
                           uint32_t i) {
  type_id want = wanted_type(k, c, i ? c->m->arg2 : c->m->arg1);
  if (type_fits(k->types, have, want)) return;
  diag_add(k->diags, D_wrong_type, span_of(k, arg), "`%s` takes %s here, not %s",
           name_text(k, c->call->b), type_words(k, want), type_words(k, have));
}

static void check_args(struct check *k, struct method_call *c) {
  const char *name = name_text(k, c->call->b);
  for (node_id a = c->call->c; a; a = node_at(k, a)->next) {
    const struct node *n = node_at(k, a);
    if (n->kind == N_block) {
      c->block = a;
    } else if (n->kind == N_pair) {
      check_expr(k, n->b);
      if (c->m)
        diag_add(k->diags, D_unknown_keyword, span_of(k, n->a),
                 "the method `%s` takes no keyword arguments", name);
    } else {
      type_id have = check_expr(k, a);
      if (c->m && (c->m->max < 0 || c->args < (uint32_t)c->m->max))
        check_arg_type(k, c, a, have, c->args);
      c->args++;
    }
  }
}

static void check_count(struct check *k, const struct method_call *c) {
  const char *name = name_text(k, c->call->b);
  if (c->args < c->m->min) {
    diag_add(k->diags, D_too_few, span_call_name(k, c->call), "`%s` takes %s%u argument%s, not %u",
             name, c->m->max == c->m->min ? "" : "at least ", c->m->min, c->m->min == 1 ? "" : "s",
             c->args);
  } else if (c->m->max >= 0 && c->args > (uint32_t)c->m->max) {
    char most[16];
    snprintf(most, sizeof most, "%d", c->m->max);
    diag_add(k->diags, D_too_many, span_call_name(k, c->call), "`%s` takes %s%s argument%s, not %u",
             name, c->m->max == c->m->min || !c->m->max ? "" : "at most ", c->m->max ? most : "no",
             c->m->max == 1 ? "" : "s", c->args);
  }
}

static void check_method_block(struct check *k, struct method_call *c, bool lead) {
  const char *name = name_text(k, c->call->b);
  type_id params[2];
  bool known = c->m && c->m->block != BLOCK_NONE;
  size_t count = known ? block_params(k, c, params) : 0;
  if (c->block) {
    c->block_type = check_block(k, c->block, params, count, lead);
    if (c->m && !known)
      diag_add(k->diags, D_block_refused, span_of(k, c->block), "`%s` takes no block", name);
    uint32_t given = list_count(k, node_at(k, c->block)->a);
    type_id first = count ? type_base(k->types, params[0]) : T_any;
    if (known && count == 1 && given > 1 && first != T_any && first != T_array)
      diag_add(k->diags, D_block_params, span_of(k, node_at(k, c->block)->a),
               "the block of `%s` gets one value, %s, not %u", name, type_words(k, params[0]),
               given);
  } else if (c->m && c->m->block == BLOCK_MUST) {
    struct diag *d =
        diag_add(k->diags, D_block_missing, span_call_name(k, c->call), "`%s` needs a block", name);
    diag_help(d, "%s { |x| ... }", name);
  }
}

static void report_method(struct check *k, struct node *call, type_id receiver, type_id base) {
  const char *name = name_text(k, call->b);
  struct names names = {0};
  size_t fields;
  type_fields(k->types, receiver, &fields);
  bool record = base == T_record;
  names_add_record(k, &names, receiver);
  for (size_t i = 0; i < method_count; i++)
    if (method_find(k->methods, base, method_table[i].word) == &method_table[i] &&
        method_table[i].receiver != T_any)
      names_add(&names, name_text(k, method_table[i].word));
  struct diag *d = record ? diag_add(k->diags, D_unknown_field, span_call_name(k, call),
                                     "no field `%s` in %s", name, type_words(k, receiver))
                          : diag_add(k->diags, D_unknown_method, span_call_name(k, call),
                                     "%s has no method `%s`", type_words(k, receiver), name);
  if (base == T_hash && name_nearest(name, names.at, names.count) < 0)
    diag_help(d, "a hash's values are read with [ ]: hash[\"%s\"]", name);
  else if (receiver == T_nil) diag_help(d, "this is always nil");
  if (d && d->help) mem_free(names.at);
  else names_help(k, d, name, &names, "there are");
}

/* Ruby's other names for what is here. */
static const struct {
  const char *ruby, *ours;
} other_names[] = {
    {"collect", "map"},        {"detect", "find"},
    {"inject", "reduce"},      {"each_char", "chars"},
    {"blank?", "empty?"},      {"present?", "any?"},
    {"has_key?", "key?"},      {"member?", "include?"},
    {"contains?", "include?"}, {"push", "+"},
    {"append", "+"},           {"concat", "+"},
    {"merge!", "merge"},       {"to_str", "to_s"},
    {"trim", "strip"},         {"len", "size"},
    {"upper", "upcase"},       {"lower", "downcase"},
    {"map!", "map"},           {"sort!", "sort"},
    {"filter!", "filter"},     {"contain?", "include?"},
};

static bool report_other_name(struct check *k, struct node *call, type_id receiver) {
  const char *name = name_text(k, call->b);
  for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++) {
    if (strcmp(other_names[i].ruby, name) != 0) continue;
    sym ours = sym_find(k->syms, other_names[i].ours, strlen(other_names[i].ours));
    bool plus = *other_names[i].ours == '+';
    if (!plus && !method_find(k->methods, type_base(k->types, receiver), ours)) return false;
    struct diag *d = diag_add(k->diags, D_unknown_method, span_call_name(k, call),
                              "%s has no method `%s`", type_words(k, receiver), name);
    diag_help(d, plus ? "values never change: write a + b" : "it is called `%s` here",
              other_names[i].ours);
    return true;
  }
  return false;
}

type_id check_method(struct check *k, node_id id, struct node *call, type_id receiver, bool lead) {
  struct method_call c = {.call = call, .receiver = receiver};
  type_id base = type_base(k->types, receiver), field = T_any;
  size_t fields;
  (void)id;
  call->x = CALL_METHOD;
  bool is_field = type_field(k->types, receiver, call->b, &field);
  bool open = base == T_any || (base == T_record && !type_fields(k->types, receiver, &fields));
  if (!is_field && !open) c.m = method_find(k->methods, base, call->b);
  if (!is_field && !open && !c.m && receiver != T_nil &&
      type_present(k->types, receiver) != receiver)
    c.m = method_find(k->methods, T_nil, call->b);
  bool unknown = !is_field && !open && !c.m;
  if (unknown && (receiver != T_nil || !(call->flags & NF_SAFE)) &&
      !report_other_name(k, call, receiver))
    report_method(k, call, receiver, base);
  check_args(k, &c);
  if (is_field && (c.args || c.block))
    diag_add(k->diags, D_too_many, span_call_name(k, call), "the field `%s` takes no arguments",
             name_text(k, call->b));
  if (c.m) check_count(k, &c);
  check_method_block(k, &c, lead);
  type_id type = is_field ? field : c.m ? adjust(k, &c, result_type(k, &c)) : T_any;
  return call->flags & NF_SAFE ? type_optional(k->types, type) : type;
}
