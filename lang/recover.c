/* Getting on after a syntax error: the rest of the statement is passed over, with its blocks.
 *
 * The parser goes back to the innermost list of statements; here the same place is found on the
 * stack of openers (the innermost that statements may follow), and tokens are dropped until that
 * statement ends. A `do` at that level is kept: the grammar reads its body, errors and all. */
#include "parser.h"
#include "gram.h"

static bool all_brackets(const struct parser *p, uint32_t level) {
  for (uint32_t d = level + 1; d <= p->depth; d++)
    if (p->stack[d].kind < O_HASH || p->stack[d].kind > O_INDEX) return false;
  return true;
}

/* At a line's end: is this the end of the statement? Open brackets are given up when the next line
 * is not indented further. */
static bool ends_here(struct parser *p) {
  if (p->depth > p->skip_level) {
    if (!all_brackets(p, p->skip_level) || line_indent(p) > p->skip_indent) return false;
    p->depth = p->skip_level;
  }
  return true;
}

static bool is_block_opener(int token) {
  return token == T_DO || token == T_DO_COMMAND || token == T_LBRACE_BLOCK;
}

void recover_start(struct parser *p, int token) {
  if (p->closed || !token) return;
  uint32_t level = p->depth;
  bool block = is_block_opener(token) && level > 0; /* the token's own block is not the place */
  if (block) level--;
  while (level > 0 && !p->stack[level].body)
    level--;
  p->skip_level = level;
  p->skip_indent = p->statement_indent;
  if (block && p->depth == level + 1) return;
  if (token == T_NEWLINE && ends_here(p)) return;
  const struct opener *o = opener_top(p);
  bool clause = token == T_ELSE || token == T_ELSIF || token == T_WHEN;
  if (clause && o->kind >= O_IF && o->kind <= O_CASE) return;
  p->skipping = true;
}

int recover_next(struct parser *p) {
  for (;;) {
    int token = token_next(p);
    bool stop = !token;
    switch (token) {
    case T_DO:
    case T_DO_COMMAND:
      stop = p->depth == p->skip_level + 1;
      break;
    case T_NEWLINE:
      stop = ends_here(p);
      break;
    case T_ELSE:
    case T_ELSIF:
    case T_WHEN:
      stop = p->depth <= p->skip_level;
      break;
    case T_END:
    case T_RBRACE:
    case T_INTERP_END:
      stop = p->depth < p->skip_level;
      break;
    }
    if (!stop) continue;
    p->skipping = false;
    return token;
  }
}
