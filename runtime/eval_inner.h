/* What the evaluator's own files share. */
#ifndef STEPWISE_EVAL_INNER_H
#define STEPWISE_EVAL_INNER_H

#include "method.h"

enum status eval_call(struct eval *e, node_id id, const struct node *n, value *out) must_use;
enum status eval_index(struct eval *e, node_id id, const struct node *n, value *out) must_use;
enum status eval_pair(struct eval *e, node_id pair, struct dict *d) must_use;
enum status call_statement(struct eval *e, node_id id, sym word, value *out) must_use;
enum status function_now(struct eval *e, bool midnight, value *out) must_use;
void bind_spread(struct eval *e, node_id first, value v);

/* Whether parts of the node run is unknown (hooks.perhaps says which kinds): tells the hook, and
 * forgets what they assign. */
enum status eval_perhaps(struct eval *e, node_id id) must_use;

/* Whether a value fits a type as primitives write it ("string", "hash?"). Secrets fit "secret" and
 * "any" only. */
bool type_text_takes(const char *type, value v);

/* Compiled regexp literals, by node. */
bool cache_get(const struct eval_cache *c, const struct tree *t, node_id id, value *out);
void cache_put(struct eval_cache **c, const struct tree *t, node_id id, value v);
void cache_free(struct eval_cache *c);

#endif
