/* The tree of one file: 28-byte nodes in chunks, named by 32-bit ids, so that a file of 100,000 lines
 * costs a few megabytes and node addresses never move.
 *
 * node.def says what each kind's fields hold. The parser fills kind, flags, start, end and a, b, c;
 * the resolver fills x and the slots. After checking the tree is never written again. */
#ifndef STEPWISE_AST_H
#define STEPWISE_AST_H

#include "buf.h"
#include "diag.h"
#include "sym.h"

typedef uint32_t node_id; /* 0 = none */

enum node_kind {
  N_NONE = 0,
#define NODE(kind) N_##kind,
#include "node.def"
#undef NODE
  NODE_KINDS
};

enum node_flag {
  NF_SAFE = 1,     /* call, index: &. */
  NF_PARENS = 2,   /* call: arguments in parentheses */
  NF_COMMAND = 4,  /* call: arguments without parentheses */
  NF_BLOCK = 8,    /* call: the last argument is a block */
  NF_BRACE = 2,    /* block: { } */
  NF_LABEL = 1,    /* pair, sym: written key: */
  NF_SYMBOL = 2,   /* dstr: a symbol */
  NF_EXCL = 1,     /* range: ... */
  NF_UNLESS = 1,   /* if */
  NF_MODIFIER = 2, /* if */
  NF_TERNARY = 4,  /* if */
  NF_POOL = 16,    /* str: the text is in the tree's pool, not in the source */
  NF_GROUP = 32,   /* any expression: written in parentheses */
  NF_CLAUSE = 64,  /* call: a clause lifted into the plan; not a statement of the body */
  NF_TESTED = 128  /* name: asked whether it is nil, in a rollback; set by the checker */
};

/* What a bare word is (name.x) and what a call calls (call.x), set by the resolver. */
enum name_ref {
  REF_NONE,
  REF_VAR,       /* b: slot */
  REF_INPUT,     /* the record `input` */
  REF_SETTING,   /* the record `setting` (drivers) */
  REF_CALL,      /* the record `call` (drivers: call.key) */
  REF_BINDING,   /* b: index into program.bindings; as a receiver of a call also c: action index */
  REF_PRIMITIVE, /* a primitive group; as a receiver c: index into host->primitives */
  REF_NOW,
  REF_TODAY,
  REF_STATEMENT  /* a statement word without arguments */
};
enum call_ref {
  CALL_NONE,
  CALL_METHOD,    /* receiver.method or receiver.field: decided by the value at run time */
  CALL_ACTION,    /* receiver is a REF_BINDING name */
  CALL_PRIMITIVE, /* receiver is a REF_PRIMITIVE name */
  CALL_STATEMENT, /* no receiver: expect, confirm, note, fail! ... (sym b is the word) */
  CALL_FUNCTION   /* no receiver: a pure function word (env, secret, duration ...) */
};

enum re_flag { RE_I = 1, RE_M = 2, RE_X = 4 };

enum op {
  OP_NONE,
#define OP(id, text) OP_##id,
#include "op.def"
#undef OP
  OP_COUNT
};
extern const char *const op_text[OP_COUNT];

struct node {
  uint8_t kind, flags;
  uint16_t x;
  uint32_t start, end;
  uint32_t a, b, c;
  node_id next;
};

#define TREE_CHUNK_BITS 12
#define TREE_CHUNK (1u << TREE_CHUNK_BITS)

struct tree {
  struct source *source; /* borrowed */
  uint32_t file;         /* index in the program's files */
  struct node **chunks;  /* owned */
  uint32_t count;        /* nodes in use; id 0 is never used */
  size_t chunk_cap;
  struct buf pool;       /* texts that differ from their source (escapes, heredocs) */
  node_id root;          /* body */
};

static inline struct node *tree_node(const struct tree *t, node_id id) {
  return &t->chunks[id >> TREE_CHUNK_BITS][id & (TREE_CHUNK - 1)];
}

struct text {
  const char *s;
  size_t len;
};

void tree_init(struct tree *t, struct source *s, uint32_t file);
void tree_release(struct tree *t);
node_id tree_add(struct tree *t, enum node_kind kind, uint32_t start, uint32_t end);
struct text tree_text(const struct tree *t, const struct node *str); /* of a str node */
int64_t tree_int(const struct node *n);
double tree_float(const struct node *n);
static inline struct span tree_span(const struct tree *t, node_id id) {
  const struct node *n = tree_node(t, id);
  return (struct span){t->file, n->start, n->end};
}

/* Visits the node and every node inside, outer ones first, in order of text, until visit says true;
 * whether one did. id 0 has none. */
bool tree_walk(const struct tree *t, node_id id, bool (*visit)(void *ud, node_id id), void *ud);

/* One line per node, indented, for tests: kind, fields, names, places. Deep trees stop at 256. */
void ast_dump(const struct tree *t, const struct symtab *syms, node_id id, struct buf *out);

/* Parses s into t. Diagnostics go to d. OK: the tree may be checked. INCOMPLETE: the text stops in
 * the middle of a construct (the REPL asks for more). ERROR: d has at least one error; the tree
 * holds what could be read, with error nodes for the rest. */
enum parse_result { PARSE_OK, PARSE_INCOMPLETE, PARSE_ERROR };
enum parse_result lang_parse(struct tree *t, struct source *s, uint32_t file, struct symtab *syms,
                             struct diags *d);

/* What stands in the text there, on one line, cut after `most` bytes. */
void tree_line(const struct tree *tree, node_id n, size_t most, struct buf *out);

#endif
