/* Regexp literals are compiled once for each evaluation context. */
#include "eval_inner.h"

struct cached {
  const struct tree *tree;
  node_id id;
  value v;
};

struct eval_cache {
  size_t count;
  uint32_t mask;
  struct cached *slots; /* tree NULL = free */
};

static struct cached *slot_of(const struct eval_cache *c, const struct tree *t, node_id id) {
  uint32_t i = id * 0x9E3779B1u & c->mask;
  while (c->slots[i].tree && (c->slots[i].tree != t || c->slots[i].id != id))
    i = (i + 1) & c->mask;
  return &c->slots[i];
}

bool cache_get(const struct eval_cache *c, const struct tree *t, node_id id, value *out) {
  if (!c) return false;
  const struct cached *s = slot_of(c, t, id);
  if (!s->tree) return false;
  *out = value_ref(s->v);
  return true;
}

static void grow(struct eval_cache *c) {
  struct eval_cache old = *c;
  c->mask = old.mask * 2 + 1;
  c->slots = mem_array(c->mask + 1, sizeof *c->slots);
  for (uint32_t i = 0; i <= old.mask; i++)
    if (old.slots[i].tree) *slot_of(c, old.slots[i].tree, old.slots[i].id) = old.slots[i];
  mem_free(old.slots);
}

void cache_put(struct eval_cache **cache, const struct tree *t, node_id id, value v) {
  struct eval_cache *c = *cache;
  if (!c) {
    c = *cache = mem_zalloc(sizeof *c);
    c->mask = 15;
    c->slots = mem_array(16, sizeof *c->slots);
  }
  if (++c->count * 2 > c->mask) grow(c);
  *slot_of(c, t, id) = (struct cached){t, id, value_ref(v)};
}

void cache_free(struct eval_cache *c) {
  if (!c) return;
  for (uint32_t i = 0; i <= c->mask; i++)
    if (c->slots[i].tree) value_unref(c->slots[i].v);
  mem_free(c->slots);
  mem_free(c);
}
