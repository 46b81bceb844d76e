/* The token filter: between the scanner and the grammar, it decides what Ruby decides by context.
 *
 * All it knows is the token before, the blanks around, and the stack of openers: which newline ends
 * a statement, whose `do` this is, block or hash, index or array, call or group, sign or operator,
 * modifier or statement. Where Ruby would guess, it reports both ways to write it. */
#include "build.h"
#include "clause.h"
#include "gram.h"
#include "leftout.h"
#include "literal.h"
#include "quote.h"
#include "token.h"

const struct token_info token_table[TOKEN_MAX - TOKEN_FIRST] = {
#define TOKEN(id, after, flags, words) [T_##id - TOKEN_FIRST] = {after, flags, words},
#include "token.def"
#undef TOKEN
};

static bool is_gap(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

/* --- openers --- */

uint32_t line_indent(const struct parser *p) {
  uint32_t at = p->line_start;
  while (p->text[at] == ' ' || p->text[at] == '\t')
    at++;
  return at - p->line_start;
}

bool opener_push(struct parser *p, enum opener_kind kind) {
  if (p->depth >= LIMIT_NESTING) {
    syntax_too_deep(p, p->start, p->end);
    p->fatal = true;
    return false;
  }
  struct opener *o = &p->stack[++p->depth];
  o->kind = (uint8_t)kind;
  o->ended = o->command = false;
  o->body = kind == O_DO || kind == O_BLOCK;
  o->params = 0;
  o->ternaries = 0;
  o->at = p->start;
  o->end = p->end;
  if (kind < O_HASH) o->indent = line_indent(p);
  return true;
}

static bool is_bracket(const struct opener *o) {
  return o->kind >= O_HASH && o->kind <= O_INDEX;
}

/* An `end` first on its line shows by its indentation what it was meant for. */
static void note_indent(struct parser *p, const struct opener *o) {
  uint32_t first = p->line_start + line_indent(p);
  if (first != p->start || o->kind == O_REFUSED) return;
  uint32_t indent = line_indent(p);
  if (indent < o->indent && !p->has_suspect) p->suspect = *o, p->has_suspect = true;
  if (indent > o->indent && !p->stray_end) p->stray_end = p->start;
}

/* `end` closes the innermost block; brackets left open in it are the parser's error. */
static int close_end(struct parser *p) {
  uint32_t d = p->depth;
  while (d > 0 && is_bracket(&p->stack[d]))
    d--;
  struct opener *o = &p->stack[d];
  if (o->kind == O_NONE || o->kind >= O_BLOCK) return T_END;
  note_indent(p, o);
  p->closed = true;
  p->depth = d - 1;
  return T_END;
}

static int close_bracket(struct parser *p, int token) {
  static const int closes[] = {
      [O_BLOCK] = T_RBRACE, [O_HASH] = T_RBRACE,  [O_PAREN] = T_RPAREN, [O_CALL] = T_RPAREN,
      [O_ARRAY] = T_RBRACK, [O_INDEX] = T_RBRACK, [O_INTERP] = T_RBRACE};
  struct opener *o = opener_top(p);
  if (o->kind < O_BLOCK || o->kind > O_INTERP || closes[o->kind] != token) return token;
  p->depth--;
  p->last_popped = true;
  p->closed = o->kind == O_BLOCK;
  if (o->kind != O_INTERP) return token;
  p->content = p->end;
  return T_INTERP_END;
}

static bool statement_here(const struct parser *p) {
  return p->state == S_OPERAND;
}

/* --- where Ruby guesses --- */

static bool guesses(const struct parser *p) {
  return p->state == S_NAME && p->space && !is_gap(p->text[p->end]);
}

/* Does the last name begin a statement, and is it a word of the language? It is called then: what a
 * statement computes is of no use. */
static bool last_is_clause(const struct parser *p) {
  uint32_t at = p->last_start;
  while (at > 0 && (p->text[at - 1] == ' ' || p->text[at - 1] == '\t'))
    at--;
  if (at > 0 && !strchr("\n;{|", p->text[at - 1])) return false;
  return clause_any(sym_intern(p->syms, p->text + p->last_start, p->last_end - p->last_start));
}

/* `show -x`: an operator after a name and a blank, with no blank after it. */
static void report_guess(struct parser *p) {
  int name = (int)(p->last_end - p->last_start), op = (int)(p->end - p->start);
  const char *word = p->text + p->last_start, *sign = p->text + p->start, *rest = p->text + p->end;
  int len = (int)strcspn(rest, " \t\r\n,;)]}");
  if (len > 30) len = 30;
  struct diag *d =
      syntax_error(p, D_ambiguous, p->start, p->end, "`%.*s %.*s%.*s` can be read in two ways",
                   name, word, op, sign, len, rest);
  if (last_is_clause(p)) {
    diag_help(d, "write `%.*s(%.*s%.*s)`", name, word, op, sign, len, rest);
    return;
  }
  diag_help(d, "write `%.*s(%.*s%.*s)` to call %.*s, `%.*s %.*s %.*s` to compute", name, word, op,
            sign, len, rest, name, word, name, word, op, sign, len, rest);
}

/* `foo (1) + 2`: does the bracket group, or hold the arguments? Returns true for the arguments. */
static bool report_group(struct parser *p) {
  const char *word = p->text + p->last_start, *rest = p->text + p->end;
  int name = (int)(p->last_end - p->last_start), len = 0, depth = 0, line;
  bool comma = false;
  for (; len < 200 && rest[len] && rest[len] != '\n' && depth >= 0; len++) {
    if (strchr("([{", rest[len])) depth++;
    if (strchr(")]}", rest[len])) depth--;
    comma |= depth == 0 && rest[len] == ',';
  }
  line = len;
  while (line < 200 && rest[line] && !strchr("\n#;{", rest[line]))
    line++;
  while (line > len && rest[line - 1] == ' ')
    line--;
  struct diag *d =
      syntax_error(p, D_ambiguous, p->last_end, p->end,
                   "a blank between `%.*s` and `(` can be read in two ways", name, word);
  if (comma || line == len || line > 50)
    diag_help(d, "write `%.*s(%.*s`, without the blank", name, word, len > 50 ? 0 : len, rest);
  else
    diag_help(
        d, "write `%.*s(%.*s` to call it with that alone, `%.*s((%.*s)` to call it with the whole",
        name, word, len, rest, name, word, line, rest);
  return comma;
}

/* --- one token in its context --- */

static int fix_paren(struct parser *p) {
  bool call = p->state == S_NAME || (p->state == S_OPERATOR && !p->space) || p->state == S_DOT;
  if (p->state == S_NAME && p->space) call = report_group(p);
  opener_push(p, call ? O_CALL : O_PAREN);
  return call ? T_LPAREN_CALL : T_LPAREN;
}

static int fix_bracket(struct parser *p) {
  bool array = p->state == S_OPERAND || (p->state == S_NAME && p->space);
  if (p->state == S_NAME && p->space) p->saw_spaced = true;
  opener_push(p, array ? O_ARRAY : O_INDEX);
  return array ? T_LBRACK : T_LBRACK_INDEX;
}

static int fix_brace(struct parser *p) {
  bool hash = p->state == S_OPERAND;
  opener_push(p, hash ? O_HASH : O_BLOCK);
  return hash ? T_LBRACE : T_LBRACE_BLOCK;
}

/* A `do` is the command's when one is open at this level, as in Ruby: `show xs.map do` gives the
 * block to show. */
static int fix_do(struct parser *p) {
  struct opener *o = opener_top(p);
  if (p->header && p->depth == p->header) return T_THEN;
  bool command = o->command;
  o->command = false;
  opener_push(p, O_DO);
  return command ? T_DO_COMMAND : T_DO;
}

static int fix_if(struct parser *p, int token) {
  if (statement_here(p)) {
    opener_push(p, token == T_IF ? O_IF : O_UNLESS);
    return token;
  }
  opener_top(p)->command = false;
  p->value.num = token == T_IF ? 0 : NF_UNLESS;
  return T_IF_MOD;
}

static int fix_pipe(struct parser *p) {
  struct opener *o = opener_top(p);
  if ((p->last == T_DO || p->last == T_DO_COMMAND || p->last == T_LBRACE_BLOCK) && !o->params) {
    o->params = 1;
    return T_PIPE_OPEN;
  }
  if (o->params == 1) {
    o->params = 2;
    return T_PIPE_CLOSE;
  }
  return T_PIPE;
}

/* `{ || ... }` */
static int fix_or(struct parser *p) {
  struct opener *o = opener_top(p);
  if (p->state != S_OPERAND || (o->kind != O_DO && o->kind != O_BLOCK) || o->params ||
      (p->last != T_DO && p->last != T_DO_COMMAND && p->last != T_LBRACE_BLOCK))
    return T_OR;
  o->params = 2;
  syntax_error(p, D_block, p->start, p->end, "an empty list of block parameters");
  return 0;
}

static int queue(struct parser *p, int token, int queued) {
  p->queued = queued;
  p->queued_start = p->start, p->queued_end = p->end;
  p->queued_value = p->value;
  return token;
}

/* A sign before a number belongs to it, except that -2 ** 2 is -(2 ** 2); +2 ** 2 is (+2) ** 2. */
static int fix_number(struct parser *p, uint32_t at, bool minus) {
  p->negative = minus;
  int token = scan_raw(p, p->scanner);
  p->negative = false;
  uint32_t next = p->end;
  while (p->text[next] == ' ' || p->text[next] == '\t' || p->text[next] == '\\' ||
         (p->text[next] == '\r' && p->text[next - 1] == '\\') ||
         (p->text[next] == '\n' && (p->text[next - 1] == '\\' || p->text[next - 1] == '\r')))
    next++;
  if (minus && token == T_LITERAL && p->text[next] == '*' && p->text[next + 1] == '*') {
    queue(p, T_UNARY, token);
    p->start = at, p->end = at + 1;
    p->value.num = OP_NEG;
    return T_UNARY;
  }
  if (minus) literal_negate(p, at);
  else p->start = at;
  return token;
}

static int fix_sign(struct parser *p) {
  if (guesses(p)) report_guess(p);
  if (p->state != S_OPERAND) return T_ADDITIVE;
  char next = p->text[p->end];
  bool minus = p->value.num == OP_SUB;
  if (next >= '0' && next <= '9') return fix_number(p, p->start, minus);
  p->value.num = minus ? OP_NEG : OP_PLUS;
  return minus ? T_UNARY : T_UPLUS;
}

static int fix_times(struct parser *p, int token) {
  if (p->text[p->start] != '/' && guesses(p)) report_guess(p);
  if (p->state != S_OPERAND || p->text[p->start] != '*') return token;
  struct diag *d =
      syntax_error(p, D_left_out, p->start, p->end, "`%.*s` spreads a list in Ruby, not here",
                   (int)(p->end - p->start), p->text + p->start);
  diag_help(d, "pass the list itself, or name its elements");
  return 0;
}

/* &:name passes a method as the block; any other & before a value is Ruby's. */
static int fix_amper(struct parser *p) {
  if (guesses(p)) report_guess(p);
  if (p->state != S_OPERAND) return T_AMPER;
  uint32_t at = p->start, name = p->end;
  if (p->text[name] == ':') {
    p->state = S_OPERAND;
    int token = scan_raw(p, p->scanner);
    const struct node *n = tree_node(p->tree, p->value.expr.id);
    if (token != T_LITERAL || n->kind != N_sym) {
      struct diag *d = syntax_error(p, D_left_out, at, p->end, "`&` takes a plain name here");
      diag_help(d, "write the block: { |x| ... }");
      return token;
    }
    p->start = at;
    p->value.expr = build_block_pass(p, n->a, (at_t){at, p->end});
    return T_BLOCK_PASS;
  }
  struct diag *d = syntax_error(p, D_left_out, at, name,
                                "`&` passes a stored block in Ruby; blocks are not stored here");
  diag_help(d, "write the block where it is used, or &:name for a method");
  return 0;
}

static int fix_question(struct parser *p) {
  if (p->state == S_NAME && !is_gap(p->text[p->end])) {
    int name = (int)(p->last_end - p->last_start);
    const char *word = p->text + p->last_start;
    struct diag *d =
        syntax_error(p, D_ambiguous, p->start, p->end, "a `?` that could ask or begin a character");
    diag_help(d, "put a blank on both sides of it: `%.*s ? a : b`", name, word);
  }
  opener_top(p)->ternaries++;
  return T_QUESTION;
}

static int fix_colon(struct parser *p) {
  struct opener *o = opener_top(p);
  if (o->ternaries && p->state == S_NAME && !is_gap(p->text[p->end]) && p->text[p->end] != '#') {
    struct diag *d = syntax_error(p, D_ambiguous, p->start, p->end,
                                  "a `:` that could choose or begin a symbol");
    diag_help(d, "put a blank on both sides of it: `... ? %.*s : ...`",
              (int)(p->last_end - p->last_start), p->text + p->last_start);
  }
  if (o->ternaries) o->ternaries--;
  return T_COLON;
}

static int fix_dots(struct parser *p) {
  if (p->state == S_OPERAND) return T_DOTS_OPEN;
  uint32_t at = p->end;
  while (p->text[at] == ' ' || p->text[at] == '\t')
    at++;
  char c = p->text[at], after = c ? p->text[at + 1] : '\0';
  if (c == '|' || c == '=' || c == '>' || c == '?' || (c == '&' && after != ':') ||
      (c == '%' && after != 'w' && after != 'i') || (c == '<' && after != '<') ||
      (c == '!' && (after == '=' || after == '~'))) {
    struct diag *d = syntax_error(p, D_ambiguous, p->start, p->end,
                                  "a range without an end before an operator");
    diag_help(d, "put the range in brackets: (1..)");
  }
  if (c == '\n' || c == '\r' || c == '#' || at >= p->length) {
    struct diag *d = syntax_error(p, D_ambiguous, p->start, p->end,
                                  "a range without an end at the end of a line");
    diag_help(d, "Ruby would take the next line as its end; write (1..) or [1, 5] in brackets");
  }
  return T_DOTS;
}

/* `key:` at a line's end takes the next line as its value, unless that line does not look like it.
 */
static void check_label(struct parser *p) {
  uint32_t at = p->end;
  while (p->text[at] == ' ' || p->text[at] == '\t')
    at++;
  if (p->text[at] != '\n' && p->text[at] != '\r' && p->text[at] != '#') return;
  if (is_bracket(opener_top(p))) return;
  bool gap;
  uint32_t line = p->line_start, indent = line_indent(p);
  const char *eol = memchr(p->text + at, '\n', p->length - at);
  uint32_t next = quote_lines(p, eol ? (uint32_t)(eol - p->text) + 1 : p->length, &gap);
  bool deeper = line_indent(p) > indent;
  p->line_start = line;
  if (deeper && next < p->length) return;
  p->ends_line = true;
  diag_help(syntax_error(p, D_ambiguous, p->start, p->end,
                         "`%.*s` at the end of a line would take the next line as its value",
                         (int)(p->end - p->start), p->text + p->start),
            "write the value, or put the arguments in brackets");
}

static int fix_clause(struct parser *p, int token) {
  struct opener *o = opener_top(p);
  o->command = false;
  if (o->kind == O_REFUSED && (token == T_ELSE || token == T_WHEN)) return 0;
  if (token == T_THEN || token == T_ELSE) o->body = true;
  else if (o->kind >= O_IF && o->kind <= O_CASE) o->body = false;
  return token;
}

static int fix_newline(struct parser *p) {
  struct opener *o = opener_top(p);
  if (p->value.num == ';' && p->state == S_OPERAND &&
      (p->last == T_NEWLINE || p->last == T_DO || p->last == T_DO_COMMAND ||
       p->last == T_LBRACE_BLOCK || p->last == T_PIPE_CLOSE || p->last == T_THEN ||
       p->last == T_ELSE || p->last == 0)) {
    if (o->body && !o->params) o->params = 2; /* block parameters stand before the first `;` */
    return 0;
  }
  o->command = false;
  o->ternaries = 0;
  if (!is_bracket(o) && p->value.num == '\n') p->told = false;
  if (p->careful && !is_bracket(o)) p->statement_indent = line_indent(p);
  if (o->kind >= O_IF && o->kind <= O_CASE) o->body = true;
  return T_NEWLINE;
}

/* 0: the token is dropped. */
static int token_fix(struct parser *p, int token) {
  switch (token) {
  case T_NEWLINE:
    return fix_newline(p);
  case T_LPAREN:
    return fix_paren(p);
  case T_LBRACK:
    return fix_bracket(p);
  case T_LBRACE:
    return fix_brace(p);
  case T_RPAREN:
  case T_RBRACK:
  case T_RBRACE:
    return close_bracket(p, token);
  case T_END:
    return close_end(p);
  case T_DO:
    return fix_do(p);
  case T_IF:
  case T_UNLESS:
    return fix_if(p, token);
  case T_CASE:
    opener_push(p, O_CASE);
    return token;
  case T_ELSE:
  case T_ELSIF:
  case T_WHEN:
  case T_THEN:
    return fix_clause(p, token);
  case T_PIPE:
    return fix_pipe(p);
  case T_OR:
    return fix_or(p);
  case T_ADDITIVE:
    return fix_sign(p);
  case T_TIMES:
  case T_POWER:
    return fix_times(p, token);
  case T_AMPER:
    return fix_amper(p);
  case T_QUESTION:
    return fix_question(p);
  case T_COLON:
    return fix_colon(p);
  case T_DOTS:
    return fix_dots(p);
  case T_LABEL:
    check_label(p);
    return token;
  case T_REFUSED:
    return leftout_token(p);
  default:
    return token;
  }
}

int token_next(struct parser *p) {
  for (;;) {
    if (p->fatal) return 0;
    int token;
    struct opener *level = opener_top(p); /* the token may push its own */
    if (p->queued) {
      token = p->queued;
      p->queued = 0;
      p->start = p->queued_start, p->end = p->queued_end;
      p->value = p->queued_value;
    } else {
      token = scan_raw(p, p->scanner);
      if (!token) return 0;
      p->closed = p->last_popped = false;
      token = token_fix(p, token);
      if (!token) continue;
    }
    const struct token_info *info = token_info(token);
    if (p->state == S_NAME && (info->flags & TF_STARTS)) level->command = true;
    p->state = p->ends_line ? S_OPERATOR : info->after;
    p->ends_line = false;
    p->before = p->last;
    p->before_start = p->last_start;
    p->before_end = p->last_end;
    p->last = token;
    p->last_start = p->start;
    p->last_end = p->end;
    return token;
  }
}

int filter_next(union token_value *value, struct token_span *at, struct parser *p) {
  int token = p->skipping ? recover_next(p) : token_next(p);
  if (!token && !p->ended) {
    p->ended = true;
    p->start = p->end = p->length;
  }
  *value = p->value;
  *at = (struct token_span){p->start, p->end};
  return token;
}
