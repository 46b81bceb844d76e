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

/* Which of a, b and c hold a child, and which a list of them. */
enum { A = 1, B = 2, C = 4, A_LIST = 8, B_LIST = 16, C_LIST = 32 };

static const uint8_t children[NODE_KINDS] = {
    [N_dstr] = A_LIST,
    [N_regex] = A_LIST,
    [N_array] = A_LIST,
    [N_hash] = A_LIST,
    [N_body] = A_LIST,
    [N_pair] = A | B,
    [N_range] = A | B,
    [N_binary] = A | B,
    [N_and] = A | B,
    [N_or] = A | B,
    [N_assign] = A | B,
    [N_opassign] = A | B,
    [N_unary] = A,
    [N_call] = A | C_LIST,
    [N_index] = A | C_LIST,
    [N_if] = A | B | C,
    [N_case] = A | B_LIST | C,
    [N_when] = A_LIST | B,
    [N_block] = A_LIST | B,
    [N_massign] = A_LIST | B,
    [N_param] = C_LIST,
};

static bool walk_list(const struct tree *t, node_id first, bool (*visit)(void *ud, node_id id),
                      void *ud) {
  for (node_id id = first; id; id = tree_node(t, id)->next)
    if (tree_walk(t, id, visit, ud)) return true;
  return false;
}

bool tree_walk(const struct tree *t, node_id id, bool (*visit)(void *ud, node_id id), void *ud) {
  if (!id) return false;
  const struct node *n = tree_node(t, id);
  const node_id fields[] = {n->a, n->b, n->c};
  if (visit(ud, id)) return true;
  for (int i = 0; i < 3; i++) {
    if (children[n->kind] & A << i && tree_walk(t, fields[i], visit, ud)) return true;
    if (children[n->kind] & A_LIST << i && walk_list(t, fields[i], visit, ud)) return true;
  }
  return false;
}

void tree_line(const struct tree *tree, node_id n, size_t most, struct buf *out) {
  struct span at = tree_span(tree, n);
  const char *s = tree->source->text + at.start;
  most += out->len;
  for (size_t i = 0; i < at.end - at.start && out->len < most; i++) {
    bool space = s[i] == '\n' || s[i] == ' ' || s[i] == '\t';
    if (!space) buf_addc(out, s[i]);
    else if (out->len && out->data[out->len - 1] != ' ') buf_addc(out, ' ');
  }
  if (out->len < most) return;
  while (out->len && ((unsigned char)out->data[out->len - 1] & 0xC0) == 0x80)
    buf_truncate(out, out->len - 1);
  buf_truncate(out, out->len - 1); /* the last character may be cut: it goes whole */
  buf_adds(out, "...");
}
