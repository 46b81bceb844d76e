/* The tree's storage, and reading what its nodes hold. */
#include "ast.h"

const char *const op_text[OP_COUNT] = {
    [OP_NONE] = "",
#define OP(id, text) [OP_##id] = text,
#include "op.def"
#undef OP
};

void tree_init(struct tree *t, struct source *s, uint32_t file) {
  *t = (struct tree){.source = s, .file = file};
}

void tree_release(struct tree *t) {
  uint32_t chunks = (t->count + TREE_CHUNK - 1) >> TREE_CHUNK_BITS;
  for (uint32_t i = 0; i < chunks; i++)
    mem_free(t->chunks[i]);
  mem_free(t->chunks);
  buf_release(&t->pool);
  *t = (struct tree){0};
}

node_id tree_add(struct tree *t, enum node_kind kind, uint32_t start, uint32_t end) {
  if ((t->count & (TREE_CHUNK - 1)) == 0) {
    uint32_t chunk = t->count >> TREE_CHUNK_BITS;
    t->chunks = mem_grow(t->chunks, chunk, &t->chunk_cap, sizeof *t->chunks);
    t->chunks[chunk] = mem_alloc(TREE_CHUNK * sizeof **t->chunks);
    if (chunk == 0) *t->chunks[0] = (struct node){0}, t->count = 1;
  }
  node_id id = t->count++;
  *tree_node(t, id) = (struct node){.kind = (uint8_t)kind, .start = start, .end = end};
  return id;
}

struct text tree_text(const struct tree *t, const struct node *str) {
  const char *base = str->flags & NF_POOL ? buf_str(&t->pool) : t->source->text;
  return (struct text){base + str->a, str->b};
}

int64_t tree_int(const struct node *n) {
  return (int64_t)((uint64_t)n->b << 32 | n->a);
}

double tree_float(const struct node *n) {
  uint64_t bits = (uint64_t)n->b << 32 | n->a;
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
