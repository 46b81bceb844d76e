/* Ruby constructs that are not in the language: what each is called and what to write instead.
 *
 * Reserved words and signs are met by the filter, which needs a token to go on with. Functions are
 * plain names to the grammar, so that `p` or `format` may be a field or an action; only a call
 * without a receiver is Ruby's, and those are found in the finished tree. */
#include "leftout.h"
#include "build.h"
#include "gram.h"
#include "token.h"

enum kind {
  LOOP,
  BLOCK,
  CLAUSE,
  AND,
  OR,
  NOT,
  IN,
  NAME,
  VALUE,
  LAMBDA,
  SCOPE,
  PLUS,
  DROP,
  EQUAL,
  ASSIGN,
  VARIABLE
};

static const struct keyword {
  const char *text;
  enum kind kind;
  const char *message, *help;
} keywords[] = {
#define KEYWORD(text, kind, message, help) {text, kind, message, help},
#include "leftout.def"
};

static const struct keyword *keyword_find(const char *text, size_t len) {
  size_t count = sizeof keywords / sizeof *keywords;
  for (size_t i = 0; i < count; i++) {
    const char *k = keywords[i].text;
    if (k[0] == '$' || k[0] == '@') {
      if (text[0] == k[0] && (k[1] == '\0' || text[1] == k[1])) return &keywords[i];
    } else if (strlen(k) == len && memcmp(k, text, len) == 0) return &keywords[i];
  }
  return &keywords[0];
}

static int as_error(struct parser *p) {
  p->value.expr = build_error(p, (at_t){p->start, p->end});
  return T_LITERAL;
}

static int as_name(struct parser *p) {
  uint32_t at = p->start;
  while (at < p->end && (p->text[at] == '$' || p->text[at] == '@'))
    at++;
  if (at == p->end) return as_error(p); /* a sigil alone names nothing */
  p->value.name = sym_intern(p->syms, p->text + at, p->end - at);
  return T_IDENT;
}

static int as_number(struct parser *p, int token, uint32_t num) {
  p->value.num = num;
  return token;
}

/* Passes over the rest of the line, `while x do`, `def f(a)`, `rescue E => e`: a refused first line
 * says nothing more. The opener, if any, is on the stack. */
static bool header_ends(const struct parser *p) {
  uint32_t at = scan_at(p);
  while (p->text[at] == ' ' || p->text[at] == '\t')
    at++;
  return !p->text[at] || strchr("\n\r#;", p->text[at]);
}

static void header_skip(struct parser *p) {
  uint32_t level = p->header = p->depth;
  p->state = S_OPERAND;
  while (!header_ends(p) || p->depth > level) {
    int token = token_next(p);
    if (!token || p->depth < level || (p->depth == level && token == T_THEN)) break;
  }
  p->header = 0;
  p->state = S_OPERAND;
}

static int as_block(struct parser *p, enum kind kind) {
  bool modifier = kind == LOOP && p->state != S_OPERAND;
  if (modifier) {
    opener_top(p)->command = false;
    return as_number(p, T_IF_MOD, 0);
  }
  bool begin = p->text[p->start] == 'b';
  uint32_t start = p->start, end = p->end;
  if (!opener_push(p, O_REFUSED)) return 0;
  opener_top(p)->body = true;
  if (!begin) header_skip(p);
  p->start = start, p->end = end;
  return T_REFUSED;
}

static int as_clause(struct parser *p) {
  if (p->state != S_OPERAND) return as_number(p, T_OR, N_or); /* x rescue y */
  if (p->text[p->start] == 'r') header_skip(p);
  return 0; /* the clause's statements go on in the block's list */
}

/* ->(a, b) { }: past the parameters; the block that follows is a call's. */
static int as_lambda(struct parser *p) {
  uint32_t at = p->end;
  while (p->text[at] && p->text[at] != '{' && p->text[at] != '\n' &&
         strncmp(p->text + at, "do", 2) != 0)
    at++;
  scan_jump(p, at);
  p->value.name = sym_intern(p->syms, "lambda", 6);
  return T_IDENT;
}

static int as_in(struct parser *p) {
  if (opener_top(p)->kind != O_CASE || p->state != S_OPERAND) return T_ARROW;
  opener_top(p)->body = false;
  return T_WHEN;
}

static int stand_in(struct parser *p, enum kind kind) {
  switch (kind) {
  case LOOP:
  case BLOCK:
    return as_block(p, kind);
  case CLAUSE:
    return as_clause(p);
  case AND:
    return as_number(p, T_AND, N_and);
  case OR:
    return as_number(p, T_OR, N_or);
  case NOT:
    return as_number(p, T_BANG, OP_NOT);
  case IN:
    return as_in(p);
  case LAMBDA:
    return as_lambda(p);
  case SCOPE:
    return p->state == S_OPERAND ? 0 : as_number(p, T_DOT, 0);
  case PLUS:
    return p->state == S_OPERAND ? 0 : as_number(p, T_ADDITIVE, OP_ADD);
  case EQUAL:
    return as_number(p, T_EQUALITY, OP_EQ);
  case ASSIGN:
    return as_number(p, T_OP_ASSIGN, OP_ADD);
  case VALUE:
    return as_error(p);
  case VARIABLE:
  case NAME:
    return as_name(p);
  case DROP:
    break;
  }
  return 0;
}

int leftout_token(struct parser *p) {
  const struct keyword *k = keyword_find(p->text + p->start, p->end - p->start);
  diag_help(syntax_error(p, D_left_out, p->start, p->end, "%s", k->message), "%s", k->help);
  if (p->fatal) return 0;
  bool nested = p->header && (k->kind == LOOP || k->kind == BLOCK || k->kind == CLAUSE);
  return nested ? as_name(p) : stand_in(p, k->kind);
}

/* --- over the finished tree --- */

static const struct function {
  const char *text, *message, *help;
} functions[] = {
#define FUNCTION(text, message, help) {text, message, help},
#include "leftout.def"
};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const struct mutator {
  const char *text, *instead;
} mutators[] = {
#define MUTATOR(text, instead) {text, instead},
#include "leftout.def"
};
enum { MUTATORS = sizeof mutators / sizeof *mutators };

static at_t name_place(const struct parser *p, const struct node *n, sym name) {
  uint32_t at = n->start, len = (uint32_t)sym_len(p->syms, name);
  if (n->kind == N_call && n->a) { /* after the receiver and its dot */
    at = tree_node(p->tree, n->a)->end;
    while (at < n->end && (p->text[at] == '.' || p->text[at] == '&' || p->text[at] == ' ' ||
                           p->text[at] == '\n' || p->text[at] == '\t'))
      at++;
  }
  return (at_t){at, at + len <= p->length ? at + len : n->end};
}

static void report_function(struct parser *p, const struct node *n) {
  sym name = n->kind == N_call ? n->b : n->a;
  for (int i = 0; i < FUNCTIONS; i++) {
    if (strcmp(functions[i].text, sym_text(p->syms, name)) != 0) continue;
    at_t at = name_place(p, n, name);
    diag_help(syntax_error(p, D_left_out, at.start, at.end, "%s", functions[i].message), "%s",
              functions[i].help);
  }
}

static void report_mutator(struct parser *p, const struct node *n) {
  for (int i = 0; i < MUTATORS; i++) {
    if (strcmp(mutators[i].text, sym_text(p->syms, n->b)) != 0) continue;
    at_t at = name_place(p, n, n->b);
    struct diag *d =
        syntax_error(p, D_left_out, at.start, at.end,
                     "`%s` is not in the language: values never change in place", mutators[i].text);
    diag_help(d, "make a new value with %s, and assign it to a name: x = x.%s", mutators[i].instead,
              mutators[i].instead);
  }
}

/* A bare word that Ruby would call; one before a dot names a binding or a primitive. */
static bool is_bare_call(const struct parser *p, const struct node *n) {
  return n->kind == N_name && p->text[n->end] != '.' && p->text[n->end] != '&';
}

static int compare_syms(const void *a, const void *b) {
  sym x = *(const sym *)a, y = *(const sym *)b;
  return x < y ? -1 : x > y;
}

struct names {
  sym *items;
  size_t count, cap;
};

static void names_add(struct names *n, sym name) {
  n->items = mem_grow(n->items, n->count, &n->cap, sizeof *n->items);
  n->items[n->count++] = name;
}

static bool names_has(const struct names *n, sym name) {
  return n->count && bsearch(&name, n->items, n->count, sizeof *n->items, compare_syms);
}

static struct names assigned_names(const struct parser *p) {
  struct names names = {0};
  for (node_id id = 1; id < p->tree->count; id++) {
    const struct node *n = tree_node(p->tree, id);
    if (n->kind == N_param && n->a) names_add(&names, n->a);
    if (n->kind == N_assign || n->kind == N_opassign)
      names_add(&names, tree_node(p->tree, n->a)->a);
    if (n->kind != N_massign) continue;
    for (node_id i = n->a; i; i = tree_node(p->tree, i)->next)
      if (tree_node(p->tree, i)->kind == N_name) names_add(&names, tree_node(p->tree, i)->a);
  }
  if (names.count) qsort(names.items, names.count, sizeof *names.items, compare_syms);
  return names;
}

/* `x [1]` calls x with a list, unless x is a variable: then Ruby takes its element. */
static void report_spaced(struct parser *p, const struct node *n) {
  const struct node *arg = tree_node(p->tree, n->c);
  const char *name = sym_text(p->syms, n->b);
  if (p->text[arg->start] != '[' && p->text[arg->start] != '%' && p->text[arg->start] != '<')
    return;
  int len = (int)(arg->end - arg->start);
  const char *text = p->text + arg->start;
  const char *eol = memchr(text, '\n', (size_t)len);
  if (eol) len = (int)(eol - text);
  struct diag *d =
      syntax_error(p, D_ambiguous, n->start, arg->end,
                   "`%s %c` can be read in two ways: %s is a variable here", name, text[0], name);
  if (text[0] == '[')
    diag_help(d, "write `%s%.*s` for its element, `%s(%.*s)` to call it with a list", name, len,
              text, name, len, text);
  else
    diag_help(d, "write `%s(%.*s)` to call it, or choose another name for the variable", name, len,
              text);
}

static void check_spaced(struct parser *p) {
  struct names names = assigned_names(p);
  for (node_id id = 1; id < p->tree->count; id++) {
    const struct node *n = tree_node(p->tree, id);
    if (n->kind == N_call && !n->a && (n->flags & NF_COMMAND) && n->c && names_has(&names, n->b))
      report_spaced(p, n);
  }
  mem_free(names.items);
}

static void mark(struct parser *p, sym name, enum mark how) {
  if (name >= p->mark_count) {
    uint32_t count = name + 256;
    p->marks = mem_realloc(p->marks, count);
    memset(p->marks + p->mark_count, 0, count - p->mark_count);
    p->mark_count = count;
  }
  p->marks[name] |= how;
}

void leftout_start(struct parser *p) {
  for (int i = 0; i < FUNCTIONS; i++)
    mark(p, sym_intern(p->syms, functions[i].text, strlen(functions[i].text)), MARK_FUNCTION);
  for (int i = 0; i < MUTATORS; i++)
    mark(p, sym_intern(p->syms, mutators[i].text, strlen(mutators[i].text)), MARK_MUTATOR);
}

void leftout_stop(struct parser *p) {
  mem_free(p->marks);
  mem_free(p->suspects);
}

void leftout_suspect(struct parser *p, node_id id) {
  p->suspects = mem_grow(p->suspects, p->suspect_count, &p->suspect_cap, sizeof *p->suspects);
  p->suspects[p->suspect_count++] = id;
}

void leftout_check(struct parser *p) {
  if (p->saw_spaced) check_spaced(p);
  if (!p->suspect_count) return;
  struct names names = assigned_names(p);
  for (size_t i = 0; i < p->suspect_count; i++) {
    const struct node *n = tree_node(p->tree, p->suspects[i]);
    if (n->kind == N_call && n->a) report_mutator(p, n);
    else if ((n->kind == N_call && !names_has(&names, n->b)) ||
             (is_bare_call(p, n) && !names_has(&names, n->a)))
      report_function(p, n);
  }
  mem_free(names.items);
}
