/* Values handed from one program to another: symbols are numbers of a program's own table. */
#include "value.h"

static value list_into(value v, const struct symtab *from, struct symtab *to) {
  const struct list *old = value_array(v);
  struct list *l = list_new(old->count);
  for (size_t i = 0; i < old->count; i++)
    list_push(l, value_into(old->items[i], from, to));
  return value_list(l);
}

static value dict_into(value v, const struct symtab *from, struct symtab *to) {
  const struct dict *old = value_dict(v);
  struct dict *d = dict_new();
  for (size_t i = 0; i < dict_count(old); i++) {
    value key, item;
    dict_at(old, i, &key, &item);
    dict_set(d, value_into(key, from, to), value_into(item, from, to));
  }
  return v.tag == V_RECORD ? value_record(d) : value_hash(d);
}

value value_into(value v, const struct symtab *from, struct symtab *to) {
  switch (v.tag) {
  case V_SYMBOL:
    return value_symbol(sym_intern(to, sym_text(from, v.u.s), sym_len(from, v.u.s)));
  case V_ARRAY:
    return list_into(v, from, to);
  case V_HASH:
  case V_RECORD:
    return dict_into(v, from, to);
  case V_RANGE:
    return value_range(value_into(value_rng(v)->lo, from, to),
                       value_into(value_rng(v)->hi, from, to), value_rng(v)->exclusive);
  case V_SECRET:
    return value_secret(value_into(secret_reveal(v), from, to));
  default:
    return value_ref(v);
  }
}
