/* Constructors for text: strings of parts, symbols, regexps, heredocs without their indentation. */
#include "build.h"
#include "gram.h"

static struct expr parts_node(struct parser *p, enum node_kind kind, struct list parts, at_t at) {
  node_id id = node_new(p->tree, kind, at.start, at.end);
  tree_node(p->tree, id)->a = parts.head;
  return (struct expr){id, parts.depth + 1};
}

/* Text alone is a str: no part, or one that is text. */
static bool is_plain(struct parser *p, struct list parts) {
  return parts.head == parts.tail && (!parts.head || tree_node(p->tree, parts.head)->kind == N_str);
}

static struct expr plain_node(struct parser *p, struct list parts, at_t at) {
  if (!parts.head) return (struct expr){literal_str(p, at.start, at.start, ESC_NONE), 1};
  struct node *n = tree_node(p->tree, parts.head);
  n->start = at.start, n->end = at.end;
  return (struct expr){parts.head, 1};
}

static struct expr symbol_node(struct parser *p, struct list parts, at_t at) {
  struct expr e;
  if (!is_plain(p, parts)) {
    e = parts_node(p, N_dstr, parts, at);
    tree_node(p->tree, e.id)->flags |= NF_SYMBOL;
    return e;
  }
  e = plain_node(p, parts, at);
  struct node *n = tree_node(p->tree, e.id);
  struct text text = tree_text(p->tree, n);
  *n = (struct node){.kind = N_sym, .start = at.start, .end = at.end};
  n->a = sym_intern(p->syms, text.s, text.len);
  return e;
}

struct expr build_string(struct parser *p, struct list parts, uint32_t number, at_t at) {
  enum string_kind kind = number & 0xFF;
  struct expr e;
  switch (kind) {
  case STR_SYMBOL:
    return symbol_node(p, parts, at);
  case STR_REGEX:
    e = parts_node(p, N_regex, parts, at);
    tree_node(p->tree, e.id)->x = (uint16_t)(number >> 8);
    return e;
  case STR_HEREDOC:
  case STR_SQUIGGLY:
    return build_heredoc(p, parts, kind == STR_SQUIGGLY, ESC_DOUBLE, at);
  default:
    return is_plain(p, parts) ? plain_node(p, parts, at) : parts_node(p, N_dstr, parts, at);
  }
}

struct expr build_joined(struct parser *p, struct list strings, at_t at) {
  struct list parts = {.depth = strings.depth};
  for (node_id i = strings.head, next; i; i = next) {
    struct node *n = tree_node(p->tree, i);
    next = n->next;
    n->next = 0;
    if (n->kind == N_str) {
      list_add(p->tree, &parts, (struct expr){i, 1});
    } else if (n->kind == N_dstr && !(n->flags & NF_SYMBOL)) {
      for (node_id part = n->a, after; part; part = after) {
        after = tree_node(p->tree, part)->next;
        tree_node(p->tree, part)->next = 0;
        list_add(p->tree, &parts, (struct expr){part, 1});
      }
    } else {
      syntax_error(p, D_syntax, n->start, n->end, "only strings can stand side by side");
      return build_error(p, at);
    }
  }
  return parts_node(p, N_dstr, parts, at);
}

/* --- heredocs --- */

static bool at_line_start(const struct parser *p, uint32_t at) {
  return at == 0 || p->text[at - 1] == '\n';
}

/* Width of the blanks at `at`, tabs going to the next multiple of 8; *end is past them. */
static uint32_t blank_width(const struct parser *p, uint32_t at, uint32_t to, uint32_t *end) {
  uint32_t width = 0;
  for (; at < to; at++) {
    if (p->text[at] == ' ') width++;
    else if (p->text[at] == '\t') width = (width / 8 + 1) * 8;
    else break;
  }
  *end = at;
  return width;
}

static uint32_t line_end(const struct parser *p, uint32_t at, uint32_t to) {
  const char *eol = memchr(p->text + at, '\n', to - at);
  return eol ? (uint32_t)(eol - p->text) + 1 : to;
}

/* A line of blanks says nothing about the indentation; one that goes on with #{} does. */
static bool is_blank_line(const struct parser *p, uint32_t at, uint32_t to) {
  return at < to &&
         (p->text[at] == '\n' || (p->text[at] == '\r' && at + 1 < to && p->text[at + 1] == '\n'));
}

/* Text of the heredoc itself, not a string in one of its #{}. */
static bool is_own_text(const struct node *n) {
  return n->kind == N_str && !(n->flags & NF_POOL) && n->a == n->start && n->b == n->end - n->start;
}

/* Ruby 3.1 overlooks the indentation of a line that follows a line of blanks; where that matters
 * the text would depend on the version, and is refused. */
static uint32_t common_indent(struct parser *p, node_id part) {
  uint32_t least = UINT32_MAX, seen = UINT32_MAX, where = 0;
  bool blanks = false;
  for (; part; part = tree_node(p->tree, part)->next) {
    const struct node *n = tree_node(p->tree, part);
    if (!is_own_text(n)) continue;
    for (uint32_t at = n->start; at < n->end; at = line_end(p, at, n->end)) {
      if (!at_line_start(p, at)) continue;
      uint32_t end, width = blank_width(p, at, n->end, &end);
      bool empty = is_blank_line(p, end, n->end);
      if (!empty && width < least) least = width, where = at;
      if (!empty && !blanks && width < seen) seen = width;
      blanks = empty && end > at;
    }
  }
  if (least != seen)
    diag_help(syntax_error(p, D_ambiguous, where, where + least + 1,
                           "the blanks of the line before hide this line's indentation from Ruby"),
              "delete the blanks of the empty line");
  return least; /* lines of blanks only: all of them */
}

/* Past at most `indent` columns of blanks; a tab that would go further stays. */
static uint32_t indent_skip(const struct parser *p, uint32_t at, uint32_t to, uint32_t indent) {
  for (uint32_t width = 0; at < to && width < indent; at++) {
    if (p->text[at] == ' ') width++;
    else if (p->text[at] == '\t' && (width / 8 + 1) * 8 <= indent) width = (width / 8 + 1) * 8;
    else break;
  }
  return at;
}

static void dedent_part(struct parser *p, struct node *n, uint32_t indent, enum escapes how) {
  uint32_t from = (uint32_t)p->tree->pool.len;
  for (uint32_t at = n->start, end; at < n->end; at = end) {
    end = line_end(p, at, n->end);
    uint32_t first = at_line_start(p, at) ? indent_skip(p, at, end, indent) : at;
    literal_decode(p, first, end, how);
  }
  n->flags |= NF_POOL;
  n->a = from;
  n->b = (uint32_t)p->tree->pool.len - from;
}

/* Drops parts that hold nothing and joins neighbours, which a nested heredoc leaves behind. */
static struct list parts_tidy(struct parser *p, struct list parts) {
  struct list tidy = {.depth = parts.depth};
  for (node_id i = parts.head, next; i; i = next) {
    struct node *n = tree_node(p->tree, i);
    next = n->next;
    n->next = 0;
    if (n->kind == N_str && n->b == 0 && (next || tidy.head)) continue;
    struct node *last = tidy.tail ? tree_node(p->tree, tidy.tail) : NULL;
    if (last && last->kind == N_str && n->kind == N_str && last->a + last->b == n->a &&
        last->flags == n->flags) {
      last->b += n->b;
      continue;
    }
    list_add(p->tree, &tidy, (struct expr){i, 1});
  }
  tidy.depth = parts.depth;
  return tidy;
}

struct expr build_heredoc(struct parser *p, struct list parts, bool squiggly, enum escapes how,
                          at_t at) {
  uint32_t indent = squiggly ? common_indent(p, parts.head) : 0;
  for (node_id i = parts.head; i; i = tree_node(p->tree, i)->next) {
    struct node *n = tree_node(p->tree, i);
    if (is_own_text(n)) dedent_part(p, n, indent, how);
  }
  parts = parts_tidy(p, parts);
  return is_plain(p, parts) ? plain_node(p, parts, at) : parts_node(p, N_dstr, parts, at);
}
