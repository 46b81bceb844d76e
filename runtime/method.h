/* Methods: one C function for each line of lang/method.def, found by the receiver's tag and the
 * word.
 *
 * A method borrows its receiver and arguments and gives an owned result. Argument counts, the
 * argument types of method.def and the presence of a block are checked before it is called. */
#ifndef STEPWISE_RUNTIME_METHOD_H
#define STEPWISE_RUNTIME_METHOD_H

#include "eval.h"
#include "text.h"

struct call {
  struct eval *e;
  const struct builtin *method; /* NULL in operators */
  const value *args;
  size_t count;
  node_id block; /* 0 = none */
  bool unknown;  /* set with ERR_STOP: a decision met an unknown value, so the result is unknown */
};

typedef enum status method_fn(struct call *c, value self, value *out);

struct builtin {
  method_fn *fn;
  const char *name;
  int16_t min, max;   /* max -1: any number */
  uint8_t block;      /* BLOCK_* */
  uint8_t arg1, arg2; /* type ids; T_any = not checked */
};
enum { BLOCK_NONE, BLOCK_MAY, BLOCK_MUST };

#define METHOD(receiver, id, name, min, max, block, result, arg1, arg2)                            \
  enum status m_##receiver##_##id(struct call *c, value self, value *out) must_use;
#include "../lang/method.def"

/* For one method that is another under a second name, or the same for several receivers. */
#define METHOD_SAME(name, fn)                                                                      \
  enum status m_##name(struct call *c, value self, value *out) {                                   \
    return fn(c, self, out);                                                                       \
  }

const struct builtin *builtin_find(value receiver, sym word);
/* Calls word on receiver: looks it up, checks the arguments, and lets unknown values through. The
 * call's args are borrowed. ERR_TYPE with a suggestion when there is no such method. */
enum status method_call(struct call *c, value receiver, sym word, value *out) must_use;

/* -- what methods are written with -- */

#define fail(c, ...) error_set((c)->e->err, __VA_ARGS__)

static inline struct symtab *call_syms(const struct call *c) {
  return c->e->program->syms;
}
static inline struct text text_of(const struct call *c, value v) {
  return value_text(v, call_syms(c));
}

/* Runs the block; arguments are borrowed. */
enum status call_yield(struct call *c, const value *args, size_t count, value *out) must_use;
enum status call_test(struct call *c, const value *args, size_t count, bool *yes) must_use;
size_t call_block_params(const struct call *c);
enum status call_unknown(struct call *c) must_use; /* what a method returns when it cannot decide */

/* Turns a built text into a string value and releases the buffer; ERR_LIMIT past LIMIT_STRING. */
enum status give_text(struct call *c, struct buf *b, value *out) must_use;
#define TEXT_BUF ((struct buf){.max = LIMIT_STRING})
enum status check_count(struct call *c, uint64_t count) must_use; /* against LIMIT_COLLECTION */
/* Pushes unless the list is full; consumes item in both cases. */
enum status give_item(struct call *c, struct list *l, value item) must_use;
/* Ends a method: the list as a value on OK, freed otherwise. Returns st. */
enum status give_list(struct list *l, enum status st, value *out);
enum status give_dict(struct dict *d, enum status st, value *out);

/* -- operators (op.c) -- */

enum status op_binary(struct eval *e, enum op op, value a, value b, value *out) must_use;
enum status op_unary(struct eval *e, enum op op, value a, value *out) must_use;
/* <=>: -1, 0, 1. ERR_TYPE when the two cannot be ordered. */
enum status op_compare(struct call *c, value a, value b, int *order) must_use;
bool op_order(value a, value b, const struct symtab *syms, int *order); /* false: not comparable */
enum status op_index(struct call *c, value self, value *out) must_use;  /* self[args] */
/* pattern === subject, as `case` asks. */
enum status op_matches(struct eval *e, value pattern, value subject, bool *yes) must_use;
enum op op_named(const char *s, size_t len); /* OP_NONE when it is no operator */

/* -- shared between types -- */

/* Resolves a range used as an index into something of `size`: [at, at+count). false: outside. */
enum status range_bounds(struct call *c, value range, size_t size, size_t *at, size_t *count,
                         bool *inside) must_use;
bool range_covers(value range, value v, const struct symtab *syms);
enum status text_index(struct call *c, value self, value *out) must_use;
enum status text_match(struct call *c, value text, value pattern, bool *found, size_t *at) must_use;
enum status text_format(struct eval *e, value format, value args, value *out) must_use;
enum status text_repeat(struct eval *e, value self, value times, value *out) must_use;
enum status list_repeat(struct eval *e, value self, value times, value *out) must_use;
enum status list_join(struct call *c, const struct list *l, struct text sep, struct buf *out,
                      bool *secret) must_use;
enum status list_index(struct call *c, value self, value *out) must_use;
enum status sort_values(struct call *c, value *items, const value *keys, size_t count) must_use;
#endif
