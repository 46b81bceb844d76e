/* Hash methods that are hashes' own (those shared with arrays are in enum.c), and records'. */
#include "iter.h"

#include "../lang/limits.h"

enum status m_hash_size(struct call *c, value self, value *out) {
  (void)c;
  *out = value_int((int64_t)dict_count(value_dict(self)));
  return OK;
}
METHOD_SAME(hash_length, m_hash_size)

enum status m_hash_empty_q(struct call *c, value self, value *out) {
  (void)c;
  *out = value_bool(dict_count(value_dict(self)) == 0);
  return OK;
}

enum status m_hash_key_q(struct call *c, value self, value *out) {
  value ignored;
  *out = value_bool(dict_find(value_dict(self), call_syms(c), c->args[0], &ignored));
  return OK;
}
METHOD_SAME(hash_include_q, m_hash_key_q)

enum status m_hash_value_q(struct call *c, value self, value *out) {
  const struct dict *d = value_dict(self);
  bool found = false;
  for (size_t i = 0; i < dict_count(d) && !found; i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    found = value_equal(v, c->args[0], call_syms(c));
  }
  *out = value_bool(found);
  return OK;
}

static enum status column(value self, bool keys, value *out) {
  const struct dict *d = value_dict(self);
  struct list *l = list_new(dict_count(d));
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    list_push(l, value_ref(keys ? k : v));
  }
  *out = value_list(l);
  return OK;
}

enum status m_hash_keys(struct call *c, value self, value *out) {
  (void)c;
  return column(self, true, out);
}
enum status m_hash_values(struct call *c, value self, value *out) {
  (void)c;
  return column(self, false, out);
}

/* "did you mean" among the keys that are text. */
static void suggest_key(struct call *c, const struct dict *d, value wanted) {
  const char *names[64];
  size_t n = 0;
  if (!value_is_text(wanted)) return;
  for (size_t i = 0; i < dict_count(d) && n < 64; i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    if (value_is_text(k)) names[n++] = text_of(c, k).s;
  }
  int near = name_nearest(text_of(c, wanted).s, names, n);
  if (near >= 0) error_help(c->e->err, "did you mean \"%s\"?", names[near]);
}

enum status m_hash_fetch(struct call *c, value self, value *out) {
  const struct dict *d = value_dict(self);
  value v;
  if (dict_find(d, call_syms(c), c->args[0], &v)) return *out = value_ref(v), OK;
  if (c->block) return call_yield(c, c->args, 1, out);
  if (c->count > 1) return *out = value_ref(c->args[1]), OK;
  struct buf b = {.max = 200};
  value_inspect(c->args[0], call_syms(c), &b);
  fail(c, ERR_VALUE, "the hash has no key %s", buf_str(&b));
  buf_release(&b);
  suggest_key(c, d, c->args[0]);
  return ERR_VALUE;
}

/* Copies the pairs whose key is (or is not) among the arguments. slice goes by the arguments'
 * order. */
enum status m_hash_slice(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  for (size_t i = 0; i < c->count; i++) {
    value v;
    if (dict_find(value_dict(self), call_syms(c), c->args[i], &v))
      dict_put(d, call_syms(c), value_ref(c->args[i]), value_ref(v));
  }
  *out = value_hash(d);
  return OK;
}

static bool among(const struct call *c, value key) {
  for (size_t i = 0; i < c->count; i++)
    if (value_key_equal(key, c->args[i], call_syms(c))) return true;
  return false;
}

enum status m_hash_except(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  for (size_t i = 0; i < dict_count(value_dict(self)); i++) {
    value k, v;
    dict_at(value_dict(self), i, &k, &v);
    if (!among(c, k)) dict_put(d, call_syms(c), value_ref(k), value_ref(v));
  }
  *out = value_hash(d);
  return OK;
}

/* -- merge -- */

static enum status merge_pair(struct call *c, struct dict *d, value k, value v) {
  value old, merged = VALUE_NIL;
  if (c->block && dict_find(d, call_syms(c), k, &old)) {
    value args[3] = {k, old, v};
    enum status st = call_yield(c, args, 3, &merged);
    if (st != OK) return st;
  } else {
    merged = value_ref(v);
  }
  dict_put(d, call_syms(c), value_ref(k), merged);
  return check_count(c, dict_count(d));
}

static enum status merge_all(struct call *c, struct dict *d, const struct dict *from, bool first) {
  enum status st = OK;
  for (size_t i = 0; i < dict_count(from) && st == OK; i++) {
    value k, v;
    dict_at(from, i, &k, &v);
    if (first) dict_put(d, call_syms(c), value_ref(k), value_ref(v));
    else st = merge_pair(c, d, k, v);
  }
  return st;
}

enum status m_hash_merge(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  enum status st = merge_all(c, d, value_dict(self), true);
  for (size_t i = 0; i < c->count && st == OK; i++) {
    if (c->args[i].tag == V_HASH || c->args[i].tag == V_RECORD)
      st = merge_all(c, d, value_dict(c->args[i]), false);
    else st = fail(c, ERR_TYPE, "merge takes hashes, not %s", value_type_name(c->args[i]));
  }
  return give_dict(d, st, out);
}

/* -- transforming -- */

static enum status transform(struct call *c, value self, bool keys, value *out) {
  struct dict *d = dict_new();
  enum status st = OK;
  for (size_t i = 0; i < dict_count(value_dict(self)) && st == OK; i++) {
    value k, v, made;
    dict_at(value_dict(self), i, &k, &v);
    st = call_yield(c, keys ? &k : &v, 1, &made);
    if (st != OK) break;
    if (keys && value_has_unknown(made)) st = call_unknown(c);
    dict_put(d, call_syms(c), keys ? made : value_ref(k), keys ? value_ref(v) : made);
  }
  return give_dict(d, st, out);
}

enum status m_hash_transform_keys(struct call *c, value self, value *out) {
  return transform(c, self, true, out);
}
enum status m_hash_transform_values(struct call *c, value self, value *out) {
  return transform(c, self, false, out);
}

enum status m_hash_invert(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  for (size_t i = 0; i < dict_count(value_dict(self)); i++) {
    value k, v;
    dict_at(value_dict(self), i, &k, &v);
    dict_put(d, call_syms(c), value_ref(v), value_ref(k));
  }
  *out = value_hash(d);
  return OK;
}

enum status m_record_to_h(struct call *c, value self, value *out) {
  struct dict *d = dict_new();
  return give_dict(d, merge_all(c, d, value_dict(self), true), out);
}
