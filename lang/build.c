/* Tree constructors for the grammar. Places come from the grammar; meaning comes later. */
#include "build.h"
#include "leftout.h"

static uint32_t deeper(uint32_t a, uint32_t b) {
  return (a > b ? a : b) + 1;
}

/* The node with its depth, or an error node when that is more than anyone may walk. */
static struct expr made(struct parser *p, node_id id, uint32_t depth) {
  if (depth <= LIMIT_NESTING) return (struct expr){id, depth};
  struct node *n = tree_node(p->tree, id);
  syntax_too_deep(p, n->start, n->end);
  *n = (struct node){.kind = N_error, .start = n->start, .end = n->end};
  return (struct expr){id, 1};
}

static struct node *fresh(struct parser *p, enum node_kind kind, at_t at, node_id *id) {
  *id = node_new(p->tree, kind, at.start, at.end);
  return tree_node(p->tree, *id);
}

struct expr build_error(struct parser *p, at_t at) {
  return (struct expr){node_new(p->tree, N_error, at.start, at.end), 1};
}

struct expr build_name(struct parser *p, sym name, at_t at) {
  node_id id;
  fresh(p, N_name, at, &id)->a = name;
  leftout_note(p, name, MARK_FUNCTION, id);
  return (struct expr){id, 1};
}

struct expr build_const(struct parser *p, sym name, at_t at) {
  node_id id;
  fresh(p, N_const, at, &id)->a = name;
  return (struct expr){id, 1};
}

/* Positional arguments come first, then `key:`, last the block; Ruby has the same order. */
static void check_order(struct parser *p, node_id arg) {
  bool labels = false;
  for (; arg; arg = tree_node(p->tree, arg)->next) {
    const struct node *n = tree_node(p->tree, arg);
    if (n->kind == N_block && n->next) {
      syntax_error(p, D_argument, n->start, n->end, "a block argument comes last");
      return;
    }
    bool label = n->kind == N_pair && (n->flags & NF_LABEL);
    if (n->kind == N_pair && !label) {
      struct diag *d = syntax_error(p, D_argument, n->start, n->end,
                                    "a pair with `=>` is no argument by itself");
      diag_help(d, "write a hash: {key => value}; a keyword argument is written key: value");
      return;
    }
    if (labels && !label && n->kind != N_block) {
      struct diag *d = syntax_error(p, D_argument, n->start, n->end,
                                    "a plain argument stands after a keyword argument");
      diag_help(d, "put it before the first `key:`");
      return;
    }
    labels |= label;
  }
}

struct expr build_call(struct parser *p, struct expr receiver, uint32_t safe, sym name,
                       struct list args, unsigned flags, at_t at) {
  node_id id;
  struct node *n = fresh(p, N_call, at, &id);
  n->a = receiver.id;
  n->b = name;
  n->c = args.head;
  n->flags = (uint8_t)(flags | safe);
  leftout_note(p, name, receiver.id ? MARK_MUTATOR : MARK_FUNCTION, id);
  if (args.head != args.tail || (args.head && tree_node(p->tree, args.head)->kind == N_pair))
    check_order(p, args.head);
  if (args.tail && tree_node(p->tree, args.tail)->kind == N_block) n->flags |= NF_BLOCK;
  return made(p, id, deeper(receiver.depth, args.depth));
}

struct expr build_block_call(struct parser *p, struct expr call, struct expr block, at_t at) {
  struct node *n = tree_node(p->tree, call.id);
  if (n->kind == N_name) {
    sym name = n->a;
    n->kind = N_call, n->a = 0, n->b = name;
  }
  if (n->kind != N_call) return call;
  n->end = at.end;
  if (n->flags & NF_BLOCK) {
    struct node *b = tree_node(p->tree, block.id);
    diag_help(syntax_error(p, D_argument, b->start, b->end, "the call has a block already"),
              "pass either `&:name` or a block");
    return call;
  }
  n->flags |= NF_BLOCK;
  node_id last = n->c;
  if (!last) n->c = block.id;
  else {
    while (tree_node(p->tree, last)->next)
      last = tree_node(p->tree, last)->next;
    tree_node(p->tree, last)->next = block.id;
  }
  return made(p, call.id, deeper(call.depth - 1, block.depth));
}

struct expr build_index(struct parser *p, struct expr receiver, struct list args, at_t at) {
  node_id id;
  struct node *n = fresh(p, N_index, at, &id);
  n->a = receiver.id;
  n->c = args.head;
  return made(p, id, deeper(receiver.depth, args.depth));
}

/* Ruby gives a range in a condition, and a regexp alone, another meaning: a switch that stays on,
 * and a match of the line read last. */
static void check_condition(struct parser *p, node_id id) {
  const struct node *n = tree_node(p->tree, id);
  if (n->kind == N_and || n->kind == N_or) {
    check_condition(p, n->a);
    check_condition(p, n->b);
  } else if (n->kind == N_range) {
    struct diag *d =
        syntax_error(p, D_ambiguous, n->start, n->end, "a range is no condition by itself");
    diag_help(d, "ask whether it holds a value: (1..5).include?(x)");
  } else if (n->kind == N_regex) {
    struct diag *d =
        syntax_error(p, D_ambiguous, n->start, n->end, "a regexp is no condition by itself");
    diag_help(d, "say what it is to match: text =~ /.../");
  }
}

struct expr build_unary(struct parser *p, uint32_t op, struct expr a, at_t at) {
  node_id id;
  if (op == OP_NOT) check_condition(p, a.id);
  struct node *n = fresh(p, N_unary, at, &id);
  n->x = (uint16_t)op;
  n->a = a.id;
  return made(p, id, a.depth + 1);
}

/* /(?<year>\d+)/ =~ text sets the variable year in Ruby. */
static void check_match(struct parser *p, node_id id) {
  const struct node *n = tree_node(p->tree, id);
  if (n->kind != N_regex || !n->a || tree_node(p->tree, n->a)->kind != N_str) return;
  struct text text = tree_text(p->tree, tree_node(p->tree, n->a));
  const char *at = text.s, *end = text.s + text.len;
  while (at && (at = memmem(at, (size_t)(end - at), "(?<", 3)) && (at += 3) < end) {
    if (*at == '=' || *at == '!') continue;
    struct diag *d = syntax_error(p, D_ambiguous, n->start, n->end,
                                  "named groups on the left of =~ set variables in Ruby");
    diag_help(d, "write the text first, text =~ /.../, or take the group: text[/.../, \"name\"]");
    return;
  }
}

struct expr build_binary(struct parser *p, uint32_t op, struct expr a, struct expr b, at_t at) {
  node_id id;
  if (op == OP_MATCH) check_match(p, a.id);
  struct node *n = fresh(p, N_binary, at, &id);
  n->x = (uint16_t)op;
  n->a = a.id;
  n->b = b.id;
  return made(p, id, deeper(a.depth, b.depth));
}

static struct expr pair_of(struct parser *p, enum node_kind kind, unsigned flags, struct expr a,
                           struct expr b, at_t at) {
  node_id id;
  struct node *n = fresh(p, kind, at, &id);
  n->flags = (uint8_t)flags;
  n->a = a.id;
  n->b = b.id;
  return made(p, id, deeper(a.depth, b.depth));
}

struct expr build_pairwise(struct parser *p, enum node_kind kind, struct expr a, struct expr b,
                           at_t at) {
  return pair_of(p, kind, 0, a, b, at);
}

struct expr build_range(struct parser *p, uint32_t excl, struct expr a, struct expr b, at_t at) {
  return pair_of(p, N_range, excl, a, b, at);
}

struct expr build_pair(struct parser *p, struct expr key, struct expr value, at_t at) {
  return pair_of(p, N_pair, 0, key, value, at);
}

struct expr build_label(struct parser *p, sym key, at_t key_at, struct expr value, at_t at) {
  node_id id;
  struct node *n = fresh(p, N_sym, key_at, &id);
  n->a = key;
  n->flags = NF_LABEL;
  if (!value.id) { /* key: alone is key: key */
    const char *text = sym_text(p->syms, key);
    bool plain = p->text[key_at.start] != '"' && p->text[key_at.start] != '\'';
    char last = text[0] ? text[strlen(text) - 1] : '\0';
    if (!plain || last == '?' || last == '!' || (text[0] >= 'A' && text[0] <= 'Z'))
      diag_help(syntax_error(p, D_argument, key_at.start, key_at.end, "`key:` without a value"),
                "write the value; only a plain name may stand for itself, as in `to:`");
    value = build_name(p, key, (at_t){key_at.start, key_at.end - 1});
  }
  return pair_of(p, N_pair, NF_LABEL, (struct expr){id, 1}, value, at);
}

static struct expr list_node(struct parser *p, enum node_kind kind, struct list items, at_t at) {
  node_id id;
  fresh(p, kind, at, &id)->a = items.head;
  return made(p, id, items.depth + 1);
}

struct expr build_array(struct parser *p, struct list elements, at_t at) {
  return list_node(p, N_array, elements, at);
}

struct expr build_hash(struct parser *p, struct list pairs, at_t at) {
  return list_node(p, N_hash, pairs, at);
}

struct expr build_body(struct parser *p, struct list statements, at_t at) {
  if (statements.head) {
    at.start = tree_node(p->tree, statements.head)->start;
    at.end = tree_node(p->tree, statements.tail)->end;
  }
  return list_node(p, N_body, statements, at);
}

struct expr build_block(struct parser *p, struct list params, struct expr body, unsigned flags,
                        at_t at) {
  node_id id;
  struct node *n = fresh(p, N_block, at, &id);
  n->flags = (uint8_t)flags;
  n->a = params.head;
  n->b = body.id;
  return made(p, id, deeper(params.depth, body.depth));
}

/* &:size is { |it| it.size } with a parameter that no text can name. */
struct expr build_block_pass(struct parser *p, sym method, at_t at) {
  sym it = sym_intern(p->syms, "&", 1);
  struct expr name = build_name(p, it, at);
  struct expr call = build_call(p, name, 0, method, (struct list){0}, 0, at);
  struct expr body = build_body(p, list_one(call), at);
  return build_block(p, list_one(build_param(p, it, at)), body, NF_BRACE, at);
}

struct expr build_param(struct parser *p, sym name, at_t at) {
  node_id id;
  char last = sym_text(p->syms, name)[sym_len(p->syms, name) - 1];
  if (last == '?' || last == '!')
    syntax_error(p, D_block, at.start, at.end, "a block parameter's name has no `%c`", last);
  fresh(p, N_param, at, &id)->a = name;
  return (struct expr){id, 1};
}

struct expr build_params(struct parser *p, struct list inner, at_t at) {
  node_id id;
  fresh(p, N_param, at, &id)->c = inner.head;
  return made(p, id, inner.depth + 1);
}

struct expr build_if(struct parser *p, struct expr cond, struct expr then, struct expr other,
                     unsigned flags, at_t at) {
  node_id id;
  check_condition(p, cond.id);
  struct node *n = fresh(p, N_if, at, &id);
  n->flags = (uint8_t)flags;
  n->a = cond.id;
  n->b = then.id;
  n->c = other.id;
  return made(p, id, deeper(cond.depth, deeper(then.depth, other.depth) - 1));
}

struct expr build_case(struct parser *p, struct expr subject, struct list whens, struct expr other,
                       at_t at) {
  node_id id;
  struct node *n = fresh(p, N_case, at, &id);
  n->a = subject.id;
  n->b = whens.head;
  n->c = other.id;
  return made(p, id, deeper(subject.depth, deeper(whens.depth, other.depth) - 1));
}

struct expr build_when(struct parser *p, struct list patterns, struct expr body, at_t at) {
  node_id id;
  struct node *n = fresh(p, N_when, at, &id);
  n->a = patterns.head;
  n->b = body.id;
  return made(p, id, deeper(patterns.depth, body.depth));
}

struct expr build_group(struct parser *p, struct expr inner, at_t at) {
  struct node *n = tree_node(p->tree, inner.id);
  n->flags |= NF_GROUP;
  n->start = at.start;
  n->end = at.end;
  return inner;
}

/* --- assignments --- */

static bool target_fits(struct parser *p, node_id target) {
  const struct node *n = tree_node(p->tree, target);
  struct diag *d;
  if (n->kind == N_param) {
    bool fits = true;
    for (node_id i = n->c; i; i = tree_node(p->tree, i)->next)
      fits &= target_fits(p, i);
    return fits;
  }
  if (n->kind == N_name && !(n->flags & NF_GROUP)) {
    const char *text = sym_text(p->syms, n->a);
    char last = text[strlen(text) - 1];
    if (last != '?' && last != '!') return true;
    syntax_error(p, D_target, n->start, n->end, "a variable's name has no `%c`", last);
  } else if (n->kind == N_call || n->kind == N_index) {
    if (n->a && tree_node(p->tree, n->a)->kind == N_error) return false;
    d = syntax_error(p, D_target, n->start, n->end, "values never change in place");
    if (n->kind == N_index)
      diag_help(
          d,
          "make a new value, list + [x] or hash.merge({key => value}), and assign that to a name");
    else diag_help(d, "assign to a plain name; a record's fields are set where it is made");
  } else if (n->kind == N_const) {
    d = syntax_error(p, D_target, n->start, n->end, "a variable begins with a small letter");
    diag_help(d, "rename it in small letters");
  } else if (n->kind != N_error) {
    syntax_error(p, D_target, n->start, n->end, "only a name can be assigned");
  }
  return false;
}

static struct expr values_expr(struct parser *p, struct list values) {
  if (values.head == values.tail) return (struct expr){values.head, values.depth};
  at_t at = {tree_node(p->tree, values.head)->start, tree_node(p->tree, values.tail)->end};
  return build_array(p, values, at);
}

static struct expr single_value(struct parser *p, struct list values) {
  if (values.head != values.tail) {
    const struct node *first = tree_node(p->tree, values.head);
    struct diag *d = syntax_error(p, D_target, first->start, tree_node(p->tree, values.tail)->end,
                                  "several values for one name");
    diag_help(d, "for a list write [...]");
  }
  return values_expr(p, values);
}

struct expr build_assign(struct parser *p, struct expr target, struct list values, at_t at) {
  bool fits = target_fits(p, target.id);
  struct expr value = single_value(p, values);
  return fits ? pair_of(p, N_assign, 0, target, value, at) : build_error(p, at);
}

struct expr build_opassign(struct parser *p, struct expr target, uint32_t op, struct list values,
                           at_t at) {
  bool fits = target_fits(p, target.id);
  struct expr value = single_value(p, values);
  if (!fits) return build_error(p, at);
  struct expr e = pair_of(p, N_opassign, 0, target, value, at);
  if (tree_node(p->tree, e.id)->kind == N_opassign) tree_node(p->tree, e.id)->x = (uint16_t)op;
  return e;
}

/* (a, b) on the left holds params, as it does between the | | of a block. */
static void names_to_params(struct parser *p, node_id id) {
  for (; id; id = tree_node(p->tree, id)->next) {
    struct node *n = tree_node(p->tree, id);
    if (n->kind == N_name) n->kind = N_param;
    else if (n->kind == N_param) names_to_params(p, n->c);
  }
}

struct expr build_massign(struct parser *p, struct list targets, struct list values, at_t at) {
  bool fits = true;
  for (node_id i = targets.head; i; i = tree_node(p->tree, i)->next) {
    fits &= target_fits(p, i);
    if (tree_node(p->tree, i)->kind == N_param) names_to_params(p, tree_node(p->tree, i)->c);
  }
  if (!fits) return build_error(p, at);
  return pair_of(p, N_massign, 0, (struct expr){targets.head, targets.depth},
                 values_expr(p, values), at);
}
