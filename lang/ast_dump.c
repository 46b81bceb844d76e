/* The tree as text, for tests: one line per node, children indented under it. */
#include "ast.h"
#include "limits.h"

static const char *const kind_names[NODE_KINDS] = {
#define NODE(kind) [N_##kind] = #kind,
#include "node.def"
#undef NODE
};

struct dump {
  const struct tree *tree;
  const struct symtab *syms;
  struct buf *out;
};

static void dump_node(const struct dump *d, node_id id, unsigned depth);

static void dump_list(const struct dump *d, node_id id, unsigned depth) {
  for (; id; id = tree_node(d->tree, id)->next)
    dump_node(d, id, depth);
}

/* A child that may be missing, named so that its place is seen. */
static void dump_part(const struct dump *d, const char *name, node_id id, unsigned depth) {
  if (!id) return;
  buf_addn(d->out, (size_t)depth * 2, ' ');
  buf_addf(d->out, "%s:\n", name);
  dump_node(d, id, depth + 1);
}

static void dump_text(struct buf *out, struct text text) {
  buf_addc(out, '"');
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.s[i];
    if (c == '\n') buf_adds(out, "\\n");
    else if (c == '\t') buf_adds(out, "\\t");
    else if (c == '"' || c == '\\') buf_addf(out, "\\%c", c);
    else if (c < 0x20 || c == 0x7F) buf_addf(out, "\\x%02X", c);
    else buf_addc(out, (char)c);
  }
  buf_addc(out, '"');
}

static void dump_sym(const struct dump *d, sym name) {
  struct text text = {sym_text(d->syms, name), sym_len(d->syms, name)};
  buf_addc(d->out, ' ');
  if (text.len && strcspn(text.s, " \"\\\n\t") == text.len) buf_adds(d->out, text.s);
  else dump_text(d->out, text);
}

/* What stands on the node's own line after its kind. */
static void dump_own(const struct dump *d, const struct node *n) {
  switch ((enum node_kind)n->kind) {
  case N_int:
    buf_addf(d->out, " %lld", (long long)tree_int(n));
    break;
  case N_float:
    buf_addf(d->out, " %.17g", tree_float(n));
    break;
  case N_str:
    buf_addc(d->out, ' ');
    dump_text(d->out, tree_text(d->tree, n));
    break;
  case N_sym:
  case N_name:
  case N_const:
    dump_sym(d, n->a);
    break;
  case N_param:
    if (n->a) dump_sym(d, n->a);
    break;
  case N_call:
    dump_sym(d, n->b);
    break;
  case N_unary:
  case N_binary:
  case N_opassign:
    buf_addf(d->out, " %s", op_text[n->x]);
    break;
  case N_regex:
    if (n->x)
      buf_addf(d->out, " /%s%s%s", n->x & RE_I ? "i" : "", n->x & RE_M ? "m" : "",
               n->x & RE_X ? "x" : "");
    break;
  default:
    break;
  }
}

static const struct {
  uint8_t kind, flag;
  const char *name;
} flag_names[] = {
    {N_call, NF_SAFE, "safe"},       {N_call, NF_PARENS, "parens"}, {N_call, NF_COMMAND, "command"},
    {N_call, NF_BLOCK, "block"},     {N_block, NF_BRACE, "brace"},  {N_pair, NF_LABEL, "label"},
    {N_dstr, NF_SYMBOL, "symbol"},   {N_range, NF_EXCL, "excl"},    {N_if, NF_UNLESS, "unless"},
    {N_if, NF_MODIFIER, "modifier"}, {N_if, NF_TERNARY, "ternary"}, {N_sym, NF_LABEL, "label"}};

static void dump_flags(struct buf *out, const struct node *n) {
  for (size_t i = 0; i < sizeof flag_names / sizeof *flag_names; i++)
    if (n->kind == flag_names[i].kind && (n->flags & flag_names[i].flag))
      buf_addf(out, " +%s", flag_names[i].name);
  if (n->flags & NF_GROUP) buf_adds(out, " +group");
}

static void dump_children(const struct dump *d, const struct node *n, unsigned depth) {
  switch ((enum node_kind)n->kind) {
  case N_dstr:
  case N_regex:
  case N_array:
  case N_hash:
  case N_body:
    dump_list(d, n->a, depth);
    break;
  case N_range:
    dump_part(d, "from", n->a, depth);
    dump_part(d, "to", n->b, depth);
    break;
  case N_call:
  case N_index:
    dump_part(d, "receiver", n->a, depth);
    dump_list(d, n->c, depth);
    break;
  case N_pair:
  case N_binary:
  case N_and:
  case N_or:
  case N_assign:
  case N_opassign:
    dump_node(d, n->a, depth);
    dump_node(d, n->b, depth);
    break;
  case N_unary:
    dump_node(d, n->a, depth);
    break;
  case N_if:
    dump_node(d, n->a, depth);
    dump_part(d, "then", n->b, depth);
    dump_part(d, "else", n->c, depth);
    break;
  case N_case:
    dump_part(d, "subject", n->a, depth);
    dump_list(d, n->b, depth);
    dump_part(d, "else", n->c, depth);
    break;
  case N_when:
  case N_block:
  case N_massign:
    dump_list(d, n->a, depth);
    dump_node(d, n->b, depth);
    break;
  case N_param:
    dump_list(d, n->c, depth);
    break;
  default:
    break;
  }
}

static void dump_node(const struct dump *d, node_id id, unsigned depth) {
  buf_addn(d->out, (size_t)depth * 2, ' ');
  if (!id) {
    buf_adds(d->out, "(none)\n");
    return;
  }
  const struct node *n = tree_node(d->tree, id);
  buf_adds(d->out, kind_names[n->kind]);
  dump_own(d, n);
  dump_flags(d->out, n);
  buf_addf(d->out, " [%u-%u]\n", n->start, n->end);
  if (depth >= 2 * LIMIT_NESTING) {
    buf_addn(d->out, (size_t)depth * 2 + 2, ' ');
    buf_adds(d->out, "...\n");
    return;
  }
  dump_children(d, n, depth + 1);
}

void ast_dump(const struct tree *t, const struct symtab *syms, node_id id, struct buf *out) {
  struct dump d = {t, syms, out};
  dump_node(&d, id, 0);
}
