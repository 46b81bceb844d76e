/* The shape of parsed texts, in a form that Ruby's own tree can be brought to as well.
 *
 * lang_shape FILE reads texts separated by lines that hold only %% and prints a line for each: its
 * shape, or REFUSED. tests/lang/ruby.t compares with Ruby. Without FILE: a test of the form itself.
 */
#include "../../lang/ast.h"

#include <stdio.h>

struct shape {
  struct tree tree;
  struct symtab *syms;
  struct buf *out;
};

static void put(struct shape *s, node_id id);

static const char *name_of(const struct shape *s, sym name) {
  return sym_text(s->syms, name);
}

static void put_list(struct shape *s, node_id id) {
  for (; id; id = tree_node(&s->tree, id)->next) {
    buf_addc(s->out, ' ');
    put(s, id);
  }
}

static void put_text(struct shape *s, struct text text) {
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.s[i];
    if (c <= ' ' || c == '"' || c >= 0x7F || c == '\\') buf_addf(s->out, "\\%02x", c);
    else buf_addc(s->out, (char)c);
  }
}

/* A name that ends in ? or ! is always a call. */
static void put_name(struct shape *s, const char *name) {
  char last = name[strlen(name) - 1];
  buf_addf(s->out, last == '?' || last == '!' ? "(%s)" : "%s", name);
}

/* Text parts run together, those of a string in #{} too, as Ruby keeps them. */
static bool put_parts(struct shape *s, node_id part, bool text) {
  for (; part; part = tree_node(&s->tree, part)->next) {
    const struct node *n = tree_node(&s->tree, part);
    bool more = n->kind == N_str;
    if (more && n->b == 0) continue;
    if (n->kind == N_dstr && !(n->flags & NF_SYMBOL)) {
      text = put_parts(s, n->a, text);
      continue;
    }
    if (!more || !text) buf_addc(s->out, ' ');
    if (more && !text) buf_addc(s->out, '"');
    if (more) put_text(s, tree_text(&s->tree, n));
    else put(s, part);
    text = more;
  }
  return text;
}

static void put_string(struct shape *s, const char *kind, node_id part) {
  buf_addf(s->out, "(%s", kind);
  put_parts(s, part, false);
  buf_addc(s->out, ')');
}

/* Keyword arguments are one hash at the end. */
static void put_arguments(struct shape *s, node_id id) {
  bool hash = false;
  for (; id; id = tree_node(&s->tree, id)->next) {
    const struct node *n = tree_node(&s->tree, id);
    if (n->kind == N_block) continue;
    if (n->kind == N_pair && !hash) buf_adds(s->out, " (hash"), hash = true;
    buf_addc(s->out, ' ');
    put(s, id);
  }
  if (hash) buf_addc(s->out, ')');
}

static node_id block_of(struct shape *s, const struct node *call) {
  node_id id = call->c;
  if (!(call->flags & NF_BLOCK)) return 0;
  while (tree_node(&s->tree, id)->next)
    id = tree_node(&s->tree, id)->next;
  return id;
}

static void put_plain_call(struct shape *s, const struct node *n) {
  if (n->a) {
    buf_adds(s->out, n->flags & NF_SAFE ? "(&. " : "(. ");
    put(s, n->a);
    buf_addf(s->out, " %s", name_of(s, n->b));
  } else buf_addf(s->out, "(%s", name_of(s, n->b));
  put_arguments(s, n->c);
  buf_addc(s->out, ')');
}

static void put_call(struct shape *s, const struct node *n) {
  node_id block = block_of(s, n);
  const struct node *b = tree_node(&s->tree, block);
  if (!block) {
    put_plain_call(s, n);
    return;
  }
  const struct node *param = tree_node(&s->tree, b->a);
  bool pass = b->a && strcmp(name_of(s, param->a), "&") == 0;
  buf_adds(s->out, pass ? "(pass " : "(iter ");
  put_plain_call(s, n);
  if (pass) {
    const struct node *body = tree_node(&s->tree, b->b);
    buf_addf(s->out, " :%s)", name_of(s, tree_node(&s->tree, body->a)->b));
    return;
  }
  buf_adds(s->out, " (");
  for (node_id id = b->a; id; id = tree_node(&s->tree, id)->next) {
    const struct node *q = tree_node(&s->tree, id);
    buf_addf(s->out, "%s%s", id == b->a ? "" : " ", q->a ? name_of(s, q->a) : "*");
  }
  buf_adds(s->out, ") ");
  put(s, b->b);
  buf_addc(s->out, ')');
}

/* a && b && c in any grouping. */
static void put_flat(struct shape *s, node_id id, unsigned kind) {
  const struct node *n = tree_node(&s->tree, id);
  if (n->kind == kind) {
    put_flat(s, n->a, kind);
    put_flat(s, n->b, kind);
    return;
  }
  buf_addc(s->out, ' ');
  put(s, id);
}

/* Ruby drops a literal that stands as a statement, unless it is the last. */
static node_id next_kept(struct shape *s, node_id id) {
  for (; id; id = tree_node(&s->tree, id)->next) {
    const struct node *n = tree_node(&s->tree, id);
    bool literal = n->kind == N_nil || n->kind == N_true || n->kind == N_false ||
                   n->kind == N_int || n->kind == N_float || n->kind == N_sym || n->kind == N_str;
    if (!literal || !n->next) break;
  }
  return id;
}

static void put_body(struct shape *s, node_id id) {
  id = next_kept(s, id);
  node_id next = id ? next_kept(s, tree_node(&s->tree, id)->next) : 0;
  if (next) buf_adds(s->out, "(do ");
  put(s, id);
  for (; next; next = next_kept(s, tree_node(&s->tree, next)->next)) {
    buf_addc(s->out, ' ');
    put(s, next);
  }
  if (tree_node(&s->tree, id)->next && next_kept(s, tree_node(&s->tree, id)->next))
    buf_addc(s->out, ')');
}

static void put_two(struct shape *s, const char *word, node_id a, node_id b) {
  buf_addf(s->out, "(%s ", word);
  put(s, a);
  buf_addc(s->out, ' ');
  put(s, b);
  buf_addc(s->out, ')');
}

static void put_case(struct shape *s, const struct node *n) {
  buf_adds(s->out, "(case ");
  put(s, n->a);
  for (node_id id = n->b; id; id = tree_node(&s->tree, id)->next) {
    const struct node *when = tree_node(&s->tree, id);
    buf_adds(s->out, " (when (");
    put_list(s, when->a);
    buf_adds(s->out, ") ");
    put(s, when->b);
    buf_addc(s->out, ')');
  }
  buf_addc(s->out, ' ');
  put(s, n->c);
  buf_addc(s->out, ')');
}

static void put_opassign(struct shape *s, const struct node *n) {
  const char *name = name_of(s, tree_node(&s->tree, n->a)->a);
  if (n->x == OP_OR || n->x == OP_AND) buf_addf(s->out, "(%s= %s ", op_text[n->x], name);
  else buf_addf(s->out, "(= %s (%s %s ", name, op_text[n->x], name);
  put(s, n->b);
  buf_adds(s->out, n->x == OP_OR || n->x == OP_AND ? ")" : "))");
}

static void put_operator(struct shape *s, const struct node *n) {
  buf_addf(s->out, "(%s ", op_text[n->x]);
  put(s, n->a);
  if (n->kind == N_binary) {
    buf_addc(s->out, ' ');
    put(s, n->b);
  }
  buf_addc(s->out, ')');
}

static void put_listed(struct shape *s, const char *word, node_id first) {
  buf_addf(s->out, "(%s", word);
  put_list(s, first);
  buf_addc(s->out, ')');
}

static void put_if(struct shape *s, const struct node *n) {
  buf_adds(s->out, n->flags & NF_UNLESS ? "(unless " : "(if ");
  put(s, n->a);
  buf_addc(s->out, ' ');
  put(s, n->b);
  buf_addc(s->out, ' ');
  put(s, n->c);
  buf_addc(s->out, ')');
}

static void put_targets(struct shape *s, node_id id) {
  buf_adds(s->out, "(mlhs");
  for (; id; id = tree_node(&s->tree, id)->next) {
    const struct node *n = tree_node(&s->tree, id);
    buf_addc(s->out, ' ');
    if (n->kind == N_param && !n->a) put_targets(s, n->c);
    else buf_adds(s->out, name_of(s, n->a));
  }
  buf_addc(s->out, ')');
}

static void put(struct shape *s, node_id id) {
  const struct node *n = tree_node(&s->tree, id);
  if (!id) {
    buf_adds(s->out, "nil");
    return;
  }
  switch ((enum node_kind)n->kind) {
  case N_nil:
    buf_adds(s->out, "nil");
    break;
  case N_true:
    buf_adds(s->out, "true");
    break;
  case N_false:
    buf_adds(s->out, "false");
    break;
  case N_int:
    buf_addf(s->out, "%lld", (long long)tree_int(n));
    break;
  case N_float:
    buf_addf(s->out, "%g", tree_float(n));
    break;
  case N_sym:
    buf_addf(s->out, ":%s", name_of(s, n->a));
    break;
  case N_name:
    put_name(s, name_of(s, n->a));
    break;
  case N_str:
    buf_adds(s->out, n->b ? "(str \"" : "(str");
    put_text(s, tree_text(&s->tree, n));
    buf_addc(s->out, ')');
    break;
  case N_dstr:
    put_string(s, "str", n->a);
    break;
  case N_regex:
    put_string(s, "regex", n->a);
    break;
  case N_array:
    put_listed(s, "list", n->a);
    break;
  case N_hash:
    put_listed(s, "hash", n->a);
    break;
  case N_pair:
    put(s, n->a);
    buf_addc(s->out, ' ');
    put(s, n->b);
    break;
  case N_range:
    put_two(s, n->flags & NF_EXCL ? "..." : "..", n->a, n->b);
    break;
  case N_call:
    put_call(s, n);
    break;
  case N_index:
    buf_adds(s->out, "(. ");
    put(s, n->a);
    buf_adds(s->out, " []");
    put_arguments(s, n->c);
    buf_addc(s->out, ')');
    break;
  case N_unary:
  case N_binary:
    put_operator(s, n);
    break;
  case N_and:
  case N_or:
    buf_adds(s->out, n->kind == N_and ? "(&&" : "(||");
    put_flat(s, id, n->kind);
    buf_addc(s->out, ')');
    break;
  case N_if:
    put_if(s, n);
    break;
  case N_case:
    put_case(s, n);
    break;
  case N_body:
    put_body(s, n->a);
    break;
  case N_assign:
    put_two(s, "=", n->a, n->b);
    break;
  case N_opassign:
    put_opassign(s, n);
    break;
  case N_massign:
    buf_adds(s->out, "(= ");
    put_targets(s, n->a);
    buf_addc(s->out, ' ');
    put(s, n->b);
    buf_addc(s->out, ')');
    break;
  default:
    buf_addf(s->out, "(kind %d)", n->kind);
    break;
  }
}

static void shape_of(const char *text, size_t len, struct buf *out) {
  struct source source;
  struct error err = {0};
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  if (source_init(&source, "text.rb", copy, len, &err) != OK) exit(2);
  struct shape s = {.syms = symtab_new(), .out = out};
  struct diags diags = {0};
  if (lang_parse(&s.tree, &source, 0, s.syms, &diags) == PARSE_OK) put(&s, s.tree.root);
  else buf_adds(out, "REFUSED");
  buf_addc(out, '\n');
  diags_release(&diags);
  tree_release(&s.tree);
  symtab_free(s.syms);
  source_release(&source);
}

static int shapes_of_file(const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) return 2;
  struct buf text = BUF_INIT, out = BUF_INIT;
  char line[4096];
  while (fgets(line, sizeof line, f)) {
    if (strcmp(line, "%%\n") != 0) {
      buf_adds(&text, line);
      continue;
    }
    shape_of(buf_str(&text), text.len, &out);
    buf_clear(&text);
  }
  fclose(f);
  fwrite(buf_str(&out), 1, out.len, stdout);
  buf_release(&text);
  buf_release(&out);
  return 0;
}

int main(int argc, char **argv) {
  if (argc > 1) return shapes_of_file(argv[1]);
  struct buf out = BUF_INIT;
  const char text[] = "x = foo a.b 1 do |c| -c ** 2 end\n";
  shape_of(text, sizeof text - 1, &out);
  bool good = strcmp(buf_str(&out), "(= x (iter (foo (. a b 1)) (c) (-@ (** c 2))))\n") == 0;
  printf("1..1\n%sok 1 - the form of a shape\n", good ? "" : "not ");
  if (!good) printf("# %s", buf_str(&out));
  buf_release(&out);
  return !good;
}
