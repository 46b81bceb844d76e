/* The method table and how a method is called. The table is constant data: nothing is built when
 * the program starts, and the linker proves that every line of method.def has its function. */
#include "eval_inner.h"

#include "../lang/limits.h"

enum {
  M_NONE,
#define METHOD(receiver, id, name, min, max, block, result, arg1, arg2) M_##receiver##_##id,
#include "../lang/method.def"
  M_COUNT
};

/* `same` and `element` are checked by the methods themselves. */
#define T_same T_any
#define T_element T_any

static const struct builtin methods[M_COUNT] = {
    {NULL, "", 0, 0, 0, 0, 0},
#define METHOD(receiver, id, name, min, max, block, result, arg1, arg2)                            \
  {m_##receiver##_##id, name, min, max, BLOCK_##block, T_##arg1, T_##arg2},
#include "../lang/method.def"
};

static const uint16_t by_word[TYPE_COUNT][WORD_COUNT] = {
#define METHOD(receiver, id, name, min, max, block, result, arg1, arg2)                            \
  [T_##receiver][W_##id] = M_##receiver##_##id,
#include "../lang/method.def"
};

/* Where a tag's methods stand in method.def, nearest first; T_any comes last of itself. */
static const uint8_t lines_of[V_TAGS][2] = {
    [V_BOOL] = {T_boolean},
    [V_INT] = {T_integer, T_number},
    [V_FLOAT] = {T_float, T_number},
    [V_DURATION] = {T_duration},
    [V_TIME] = {T_time},
    [V_SYMBOL] = {T_symbol},
    [V_STRING] = {T_string},
    [V_ARRAY] = {T_array},
    [V_HASH] = {T_hash},
    [V_RANGE] = {T_range},
    [V_REGEXP] = {T_regexp},
    [V_RECORD] = {T_record},
    [V_SECRET] = {T_secret},
    [V_NIL] = {T_nil},
};

const struct builtin *builtin_find(value receiver, sym word) {
  if (word >= WORD_COUNT) return NULL;
  const uint8_t *lines = lines_of[receiver.tag];
  uint16_t m = lines[0] ? by_word[lines[0]][word] : 0;
  if (!m && lines[1]) m = by_word[lines[1]][word];
  if (!m) m = by_word[T_any][word];
  return m ? &methods[m] : NULL;
}

/* The method of this tag whose name is nearest, or NULL. */
static const char *builtin_nearest(value receiver, const char *name) {
  const char *names[M_COUNT];
  size_t n = 0;
  for (sym w = 1; w < WORD_COUNT; w++) {
    const struct builtin *m = builtin_find(receiver, w);
    if (m) names[n++] = m->name;
  }
  int near = name_nearest(name, names, n);
  return near < 0 ? NULL : names[near];
}

/* -- checks before a call -- */

static bool type_takes(uint8_t type, value v) {
  switch (type) {
  case T_integer:
    return v.tag == V_INT;
  case T_number:
    return v.tag == V_INT || v.tag == V_FLOAT;
  case T_string:
    return value_is_text(v);
  case T_array:
    return v.tag == V_ARRAY;
  case T_hash:
    return v.tag == V_HASH || v.tag == V_RECORD;
  case T_duration:
    return v.tag == V_DURATION;
  case T_time:
    return v.tag == V_TIME;
  default:
    return true;
  }
}

static const char *type_words(uint8_t type) {
  static const char *const names[TYPE_COUNT] = {
#define TYPE(id, text) text,
#include "../lang/type.def"
#undef TYPE
  };
  return names[type];
}

static const char *article(const char *noun) {
  return strchr("aeiou", noun[0]) ? "an" : "a";
}

static enum status check_arity(struct call *c, const struct builtin *m) {
  if ((long)c->count >= m->min && (m->max < 0 || (long)c->count <= m->max)) return OK;
  if (m->max == 0) return fail(c, ERR_TYPE, "%s takes no arguments, %zu given", m->name, c->count);
  if (m->max == m->min)
    return fail(c, ERR_TYPE, "%s takes %d argument%s, %zu given", m->name, m->min,
                m->min == 1 ? "" : "s", c->count);
  if (m->max < 0)
    return fail(c, ERR_TYPE, "%s takes at least %d argument%s, %zu given", m->name, m->min,
                m->min == 1 ? "" : "s", c->count);
  return fail(c, ERR_TYPE, "%s takes %d to %d arguments, %zu given", m->name, m->min, m->max,
              c->count);
}

static enum status check_args(struct call *c, const struct builtin *m) {
  for (size_t i = 0; i < c->count; i++) {
    uint8_t want = i == 0 ? m->arg1 : m->arg2;
    if (type_takes(want, c->args[i])) continue;
    const char *w = type_words(want), *have = value_type_name(c->args[i]);
    return fail(c, ERR_TYPE, "%s takes %s %s here, not %s%s%s", m->name, article(w), w,
                c->args[i].tag == V_NIL ? "" : article(have), c->args[i].tag == V_NIL ? "" : " ",
                have);
  }
  return OK;
}

static enum status check_block(struct call *c, const struct builtin *m) {
  if (m->block == BLOCK_MUST && !c->block) {
    fail(c, ERR_TYPE, "%s needs a block", m->name);
    error_help(c->e->err, "write %s { |x| ... }", m->name);
    return ERR_TYPE;
  }
  if (m->block == BLOCK_NONE && c->block) return fail(c, ERR_TYPE, "%s takes no block", m->name);
  return OK;
}

/* -- unknown values -- */

/* Methods that may see unknown elements of a known collection: those that only move elements, or
 * decide through their block (call_test notices). All others give unknown. */
static const uint16_t moves_elements[] = {W_size,
                                          W_length,
                                          W_empty_q,
                                          W_first,
                                          W_last,
                                          W_map,
                                          W_select,
                                          W_filter,
                                          W_reject,
                                          W_find,
                                          W_each,
                                          W_each_slice,
                                          W_each_with_index,
                                          W_reverse,
                                          W_take,
                                          W_drop,
                                          W_zip,
                                          W_to_a,
                                          W_to_h,
                                          W_keys,
                                          W_values,
                                          W_key_q,
                                          W_fetch,
                                          W_merge,
                                          W_slice,
                                          W_except,
                                          W_transform_values,
                                          W_partition,
                                          W_nil_q,
                                          W_filter_map,
                                          W_reduce,
                                          W_take_while,
                                          W_drop_while};

static bool sees_unknown(const struct call *c, value receiver, sym word) {
  for (size_t i = 0; i < c->count; i++)
    if (c->args[i].tag == V_UNKNOWN) return true;
  if (receiver.tag == V_UNKNOWN) return true;
  if (!value_has_unknown(receiver)) return false;
  if (receiver.tag == V_RANGE) return true;
  for (size_t i = 0; i < sizeof moves_elements / sizeof *moves_elements; i++)
    if (moves_elements[i] == word) return false;
  return true;
}

enum status call_unknown(struct call *c) {
  c->unknown = true;
  return ERR_STOP;
}

/* The block may be called, or not, or again. */
static enum status give_unknown(const struct call *c, value *out) {
  *out = value_unknown();
  return c->block ? eval_perhaps(c->e, c->block) : OK;
}

/* -- calling -- */

static enum status no_method(struct call *c, value receiver, sym word) {
  const char *name = sym_text(call_syms(c), word), *type = value_type_name(receiver);
  const char *near = builtin_nearest(receiver, name);
  if (receiver.tag == V_NIL) {
    fail(c, ERR_TYPE, "nil has no %s", name);
    error_help(c->e->err, "use &.%s where the value may be nil", name);
    return ERR_TYPE;
  }
  if (receiver.tag == V_SECRET) {
    fail(c, ERR_TYPE, "a secret has no %s", name);
    error_help(c->e->err, "a secret can be passed on, compared and put into a text; no more");
    return ERR_TYPE;
  }
  fail(c, ERR_TYPE, "%s %s has no %s", article(type), type, name);
  value field;
  bool in_hash = receiver.tag == V_HASH &&
                 dict_find(value_dict(receiver), call_syms(c), value_symbol(word), &field);
  if (in_hash || (receiver.tag == V_HASH && !near))
    error_help(c->e->err, "fields of a hash are read with [\"%s\"]", name);
  else if (near) error_help(c->e->err, "did you mean %s?", near);
  return ERR_TYPE;
}

enum status method_call(struct call *c, value receiver, sym word, value *out) {
  const struct builtin *m = builtin_find(receiver, word);
  if (receiver.tag != V_UNKNOWN && !m) return no_method(c, receiver, word);
  if (sees_unknown(c, receiver, word)) return give_unknown(c, out);
  enum status st = check_arity(c, m);
  if (st == OK) st = check_args(c, m);
  if (st == OK) st = check_block(c, m);
  if (st != OK) return st;
  c->method = m;
  st = m->fn(c, receiver, out);
  if (st == ERR_STOP && c->unknown) return give_unknown(c, out);
  if (st == OK && (st = value_sane(*out, c->e->err)) != OK) value_unref(*out);
  return st;
}

/* -- blocks -- */

enum status call_yield(struct call *c, const value *args, size_t count, value *out) {
  return eval_block(c->e, c->block, args, count, out);
}

enum status call_test(struct call *c, const value *args, size_t count, bool *yes) {
  value v;
  enum status st = call_yield(c, args, count, &v);
  if (st != OK) return st;
  if (v.tag == V_UNKNOWN) return call_unknown(c);
  *yes = value_truthy(v);
  value_unref(v);
  return OK;
}

size_t call_block_params(const struct call *c) {
  const struct tree *t = c->e->tree;
  size_t n = 0;
  for (node_id p = tree_node(t, c->block)->a; p; p = tree_node(t, p)->next)
    n++;
  return n;
}

/* -- results -- */

enum status give_text(struct call *c, struct buf *b, value *out) {
  if (b->overflow || b->len > LIMIT_STRING) {
    buf_release(b);
    return fail(c, ERR_LIMIT, "a string over %d MiB", LIMIT_STRING >> 20);
  }
  *out = value_string(buf_str(b), b->len);
  buf_release(b);
  return OK;
}

enum status check_count(struct call *c, uint64_t count) {
  if (count <= LIMIT_COLLECTION) return OK;
  return fail(c, ERR_LIMIT, "a collection of more than %d elements", LIMIT_COLLECTION);
}

enum status give_item(struct call *c, struct list *l, value item) {
  if (l->count < LIMIT_COLLECTION) {
    list_push(l, item);
    return OK;
  }
  value_unref(item);
  return check_count(c, (uint64_t)LIMIT_COLLECTION + 1);
}

enum status give_list(struct list *l, enum status st, value *out) {
  value v = value_list(l);
  if (st == OK) *out = v;
  else value_unref(v);
  return st;
}

enum status give_dict(struct dict *d, enum status st, value *out) {
  if (st == OK) *out = value_hash(d);
  else dict_free(d);
  return st;
}
