/* The grammar's constructors: each makes one node (or a few) and says how deep the tree under it
 * is.
 *
 * A node is never deeper than LIMIT_NESTING: what would be is reported and becomes an error node,
 * so that everything that walks the tree may recurse. */
#ifndef STEPWISE_BUILD_H
#define STEPWISE_BUILD_H

#include "literal.h"

static inline node_id node_new(struct tree *t, enum node_kind kind, uint32_t start, uint32_t end) {
  if ((t->count & (TREE_CHUNK - 1)) == 0) return tree_add(t, kind, start, end);
  node_id id = t->count++;
  *tree_node(t, id) = (struct node){.kind = (uint8_t)kind, .start = start, .end = end};
  return id;
}

static inline void list_add(struct tree *t, struct list *l, struct expr e) {
  if (l->tail) tree_node(t, l->tail)->next = e.id;
  else l->head = e.id;
  l->tail = e.id;
  if (e.depth > l->depth) l->depth = e.depth;
}

static inline struct list list_one(struct expr e) {
  return (struct list){e.id, e.id, e.depth};
}

static inline struct list list_with(struct parser *p, struct list l, struct expr e) {
  list_add(p->tree, &l, e);
  return l;
}

typedef struct token_span at_t;

struct expr build_name(struct parser *p, sym name, at_t at);
struct expr build_const(struct parser *p, sym name, at_t at);
struct expr build_call(struct parser *p, struct expr receiver, uint32_t safe, sym name,
                       struct list args, unsigned flags, at_t at);
struct expr build_block_call(struct parser *p, struct expr call, struct expr block, at_t at);
struct expr build_index(struct parser *p, struct expr receiver, struct list args, at_t at);
struct expr build_unary(struct parser *p, uint32_t op, struct expr a, at_t at);
struct expr build_binary(struct parser *p, uint32_t op, struct expr a, struct expr b, at_t at);
struct expr build_pairwise(struct parser *p, enum node_kind kind, struct expr a, struct expr b,
                           at_t at); /* and, or */
struct expr build_range(struct parser *p, uint32_t excl, struct expr a, struct expr b, at_t at);
struct expr build_array(struct parser *p, struct list elements, at_t at);
struct expr build_hash(struct parser *p, struct list pairs, at_t at);
struct expr build_pair(struct parser *p, struct expr key, struct expr value, at_t at);
/* `key: value`; value.id 0 is the short form `key:`. */
struct expr build_label(struct parser *p, sym key, at_t key_at, struct expr value, at_t at);
struct expr build_block(struct parser *p, struct list params, struct expr body, unsigned flags,
                        at_t at);
struct expr build_block_pass(struct parser *p, sym method, at_t at); /* &:method */
struct expr build_param(struct parser *p, sym name, at_t at);
struct expr build_params(struct parser *p, struct list inner, at_t at); /* (a, b) */
struct expr build_body(struct parser *p, struct list statements, at_t at);
struct expr build_if(struct parser *p, struct expr cond, struct expr then, struct expr other,
                     unsigned flags, at_t at);
struct expr build_case(struct parser *p, struct expr subject, struct list whens, struct expr other,
                       at_t at);
struct expr build_when(struct parser *p, struct list patterns, struct expr body, at_t at);
/* target is any expression; all but a name is reported. */
struct expr build_assign(struct parser *p, struct expr target, struct list values, at_t at);
struct expr build_opassign(struct parser *p, struct expr target, uint32_t op, struct list values,
                           at_t at);
struct expr build_massign(struct parser *p, struct list targets, struct list values, at_t at);
struct expr build_error(struct parser *p, at_t at);
struct expr build_group(struct parser *p, struct expr inner, at_t at);

/* A string, symbol, regexp or heredoc of parts; kind is STR_END's number. */
struct expr build_string(struct parser *p, struct list parts, uint32_t kind, at_t at);
struct expr build_heredoc(struct parser *p, struct list parts, bool squiggly, enum escapes how,
                          at_t at);
struct expr build_joined(struct parser *p, struct list strings, at_t at); /* "a" "b" */

#endif
