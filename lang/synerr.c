/* Syntax errors in people's words. The parser says which token it met and which would have fitted;
 * here that becomes what is wrong, where it began, and what to write. */
#include "parser.h"
#include "gram.h"
#include "token.h"

#include <stdarg.h>

static struct span span_of(const struct parser *p, uint32_t start, uint32_t end) {
  if (start > p->length) start = p->length;
  if (end < start) end = start;
  return (struct span){p->file, start, end};
}

struct diag *syntax_error(struct parser *p, enum diag_code code, uint32_t start, uint32_t end,
                          const char *fmt, ...) {
  if (!p->careful) {
    syntax_first(p);
    return NULL;
  }
  if (p->header) return NULL; /* the line is refused already */
  if (code == D_character || code == D_ambiguous || code == D_left_out) p->told = true;
  bool soft = (code == D_unclosed || code == D_unclosed_string || code == D_unfinished) && !p->hard;
  if (soft) p->soft++;
  else p->hard++;
  struct buf text = {.max = 4096};
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&text, fmt, ap);
  va_end(ap);
  struct diag *d = diag_add(p->diags, code, span_of(p, start, end), "%s", buf_str(&text));
  buf_release(&text);
  return d;
}

void syntax_first(struct parser *p) {
  p->failed = p->fatal = true;
}

void syntax_too_deep(struct parser *p, uint32_t start, uint32_t end) {
  if (p->fatal && p->careful) return;
  struct diag *d =
      syntax_error(p, D_nesting, start, end, "nested more than %d levels deep", LIMIT_NESTING);
  diag_help(d, "name a part of it: assign it to a variable first");
  p->fatal = true;
}

/* --- what is open --- */

static const char *const opener_words[] = {
    [O_DO] = "`do`",       [O_IF] = "`if`",   [O_UNLESS] = "`unless`", [O_CASE] = "`case`",
    [O_REFUSED] = "block", [O_BLOCK] = "`{`", [O_HASH] = "`{`",        [O_PAREN] = "`(`",
    [O_CALL] = "`(`",      [O_ARRAY] = "`[`", [O_INDEX] = "`[`",       [O_INTERP] = "`#{`",
    [O_STRING] = "string"};
static const char *const closer_words[] = {
    [O_DO] = "end",  [O_IF] = "end",   [O_UNLESS] = "end", [O_CASE] = "end", [O_REFUSED] = "end",
    [O_BLOCK] = "}", [O_HASH] = "}",   [O_PAREN] = ")",    [O_CALL] = ")",   [O_ARRAY] = "]",
    [O_INDEX] = "]", [O_INTERP] = "}", [O_STRING] = "\""};

static bool is_open_bracket(const struct opener *o) {
  return o->kind >= O_HASH && o->kind <= O_INTERP;
}

static void report_open(struct parser *p, const struct opener *o) {
  struct diag *d =
      syntax_error(p, D_unclosed, o->at, o->end, "this %s is not closed", opener_words[o->kind]);
  if (o->kind < O_BLOCK)
    diag_help(d, "add `end`, indented like the line where the %s stands", opener_words[o->kind]);
  else diag_help(d, "add the closing `%s`", closer_words[o->kind]);
}

/* The text ended. Of the blocks that are open, the one whose `end` closed an outer one instead is
 * the likely culprit: its indentation tells. */
static bool report_unclosed(struct parser *p) {
  if (p->depth == 0) return false;
  const struct opener *o = opener_top(p);
  if (p->has_suspect && o->kind < O_BLOCK) o = &p->suspect;
  report_open(p, o);
  return true;
}

/* --- what was expected --- */

static bool has(const int *expected, int count, int token) {
  for (int i = 0; i < count; i++)
    if (expected[i] == token) return true;
  return false;
}

/* What would have fitted, the few likely ones, in words. */
static void expected_words(const int *expected, int count, struct buf *out) {
  static const int likely[] = {T_RPAREN, T_RBRACK, T_RBRACE, T_PIPE_CLOSE, T_INTERP_END, T_COMMA,
                               T_COLON,  T_THEN,   T_WHEN,   T_ARROW,      T_END};
  bool value = has(expected, count, T_LITERAL), name = has(expected, count, T_IDENT);
  int words = 0;
  if (value || name) buf_adds(out, value ? "a value" : "a name"), words++;
  for (size_t i = 0; i < sizeof likely / sizeof *likely && words < 3; i++) {
    int t = likely[i];
    if (!has(expected, count, t) || (t == T_COMMA && value)) continue;
    if (t == T_ARROW && has(expected, count, T_COMMA)) continue;
    buf_addf(out, "%s%s", words ? " or " : "", token_info(t)->words);
    words++;
  }
  if (!words || (!value && has(expected, count, T_NEWLINE)))
    buf_addf(out, "%sthe end of the line", words ? " or " : "");
}

static void token_words(const struct parser *p, int token, struct token_span at, struct buf *out) {
  switch (token) {
  case 0:
    buf_adds(out, "the end of the text");
    return;
  case T_NEWLINE:
    buf_adds(out, p->text[at.start] == ';' ? "`;`" : "the end of the line");
    return;
  case T_STR_BEG:
  case T_STRING:
    buf_adds(out, "a string");
    return;
  case T_STR_CONTENT:
    buf_adds(out, "text");
    return;
  case T_STR_END:
    buf_adds(out, "the end of the string");
    return;
  case T_INTERP_END:
    buf_adds(out, "the `}` of `#{`");
    return;
  default:
    break;
  }
  uint32_t len = at.end - at.start;
  const char *eol = memchr(p->text + at.start, '\n', len);
  if (eol) len = (uint32_t)(eol - p->text) - at.start;
  if (len > 30) buf_adds(out, token_info(token)->words);
  else buf_addf(out, "`%.*s`", (int)len, p->text + at.start);
}

/* --- common slips --- */

struct slip {
  struct parser *p;
  int token, before; /* the unexpected token and the one before it */
  struct token_span at, last;
  const int *expected;
  int count;
};

static int word_len(const struct slip *s) {
  return (int)(s->last.end - s->last.start);
}

/* The text from a token on, as far as it reads as the arguments of a call; 0 when that is unclear.
 */
static int rest_len(const struct slip *s) {
  const char *rest = s->p->text + s->at.start;
  int depth = 0, len = 0;
  for (; len < 200 && rest[len] && !strchr("\n;#", rest[len]); len++) {
    if (strchr("([{", rest[len])) depth++;
    if (strchr(")]}", rest[len]) && depth-- == 0) break;
    if (len && strncmp(rest + len, " do", 3) == 0 &&
        (!rest[len + 3] || strchr(" \n", rest[len + 3])))
      break;
  }
  while (len > 0 && (rest[len - 1] == ' ' || rest[len - 1] == '\t'))
    len--;
  return len > 40 || depth > 0 ? 0 : len;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* x = 1 +
 * step "a" do: the line before ends in an operator and takes this line as its value. */
static bool continues_line(const struct slip *s) {
  const struct parser *p = s->p;
  uint32_t at = s->last.start;
  bool line_end = false;
  while (at > 0 && is_blank(p->text[at - 1]))
    line_end |= p->text[--at] == '\n';
  if (!line_end || at == 0) return false;
  struct diag *d = syntax_error(s->p, D_syntax, at - 1, at,
                                "this line goes on in the next, and that is not its value");
  diag_help(d, "write what is missing after the `%c`, or delete it", p->text[at - 1]);
  return true;
}

/* a && foo b: a call without brackets inside a larger expression. */
static bool slip_nested_command(const struct slip *s) {
  if (s->before != T_IDENT || !token_has(s->token, TF_STARTS) || s->token == T_LABEL) return false;
  if (continues_line(s)) return true;
  struct diag *d = syntax_error(s->p, D_syntax, s->last.start, s->at.end,
                                "a call inside an expression needs brackets");
  int len = rest_len(s);
  diag_help(d, "write `%.*s(%.*s)`", word_len(s), s->p->text + s->last.start, len ? len : 3,
            len ? s->p->text + s->at.start : "...");
  return true;
}

/* foo "x" { }, 5 do ... end */
static bool slip_block(const struct slip *s) {
  struct diag *d;
  if (s->token == T_LBRACE_BLOCK) {
    d = syntax_error(s->p, D_syntax, s->at.start, s->at.end,
                     "this `{` opens a block, but no call stands before it");
    diag_help(d, "put the arguments in brackets, name(...) { ... }, or write do ... end; for a "
                 "hash, name({...})");
  } else if (s->token == T_DO || s->token == T_DO_COMMAND) {
    d = syntax_error(s->p, D_syntax, s->at.start, s->at.end,
                     "this `do` opens a block, but no call stands before it");
    diag_help(d, "a block belongs to a call: name(...) do ... end");
  } else return false;
  return true;
}

/* foo { a: 1 } */
static bool slip_hash_argument(const struct slip *s) {
  if (s->token != T_LABEL || s->before != T_LBRACE_BLOCK) return false;
  struct diag *d = syntax_error(s->p, D_syntax, s->last.start, s->last.end,
                                "a `{` after a name opens a block, not a hash");
  diag_help(d, "write the arguments without braces, `name key: value`, or `name({key: value})`");
  return true;
}

/* [a: 1] */
static bool slip_array_label(const struct slip *s) {
  enum opener_kind open = opener_top(s->p)->kind;
  if (s->token != T_LABEL || (open != O_ARRAY && open != O_INDEX)) return false;
  struct diag *d =
      syntax_error(s->p, D_syntax, s->at.start, s->at.end, "a list holds values, not `key: value`");
  diag_help(d, "write [{key: value}] for a list of one hash, {key: value} for the hash");
  return true;
}

/* An operator or comma, and then the end of whatever it stands in. */
static bool slip_value_missing(const struct slip *s) {
  static const int ends[] = {0,        T_NEWLINE, T_END,   T_RPAREN,     T_RBRACK,
                             T_RBRACE, T_COMMA,   T_COLON, T_INTERP_END, T_ARROW};
  static const int operators[] = {T_ASSIGN, T_OP_ASSIGN, T_OR,    T_AND,   T_EQUALITY, T_RELATION,
                                  T_PIPE,   T_AMPER,     T_TIMES, T_POWER, T_ADDITIVE, T_UNARY,
                                  T_UPLUS,  T_BANG,   T_QUESTION,  T_COLON, T_ARROW, T_COMMA,    T_DOTS_OPEN};
  if (!has(ends, sizeof ends / sizeof *ends, s->token) ||
      !has(operators, sizeof operators / sizeof *operators, s->before) ||
      !has(s->expected, s->count, T_LITERAL))
    return false;
  struct diag *d =
      syntax_error(s->p, s->token ? D_syntax : D_unfinished, s->last.start, s->last.end,
                   "a value is missing after `%.*s`", word_len(s), s->p->text + s->last.start);
  diag_help(d, "write the value, or delete the `%.*s`", word_len(s), s->p->text + s->last.start);
  return true;
}

static bool slip_name_missing(const struct slip *s) {
  if (s->before != T_DOT) return false;
  struct diag *d =
      syntax_error(s->p, s->token ? D_syntax : D_unfinished, s->last.start, s->last.end,
                   "a name is missing after `%.*s`", word_len(s), s->p->text + s->last.start);
  diag_help(d, "write the field or method, as in `list.size`");
  return true;
}

static bool slip_assignment(const struct slip *s) {
  if (s->token != T_ASSIGN && s->token != T_OP_ASSIGN) return false;
  struct diag *d = syntax_error(s->p, D_syntax, s->at.start, s->at.end,
                                "an assignment stands on a line of its own");
  if (s->token == T_ASSIGN)
    diag_help(d, "to compare write ==; to assign, do it on the line before");
  else diag_help(d, "do it on the line before");
  return true;
}

/* A line that begins with `.` or with `key:`. */
static bool slip_line_start(const struct slip *s) {
  struct diag *d;
  if (s->token == T_DOT && s->before == T_NEWLINE) {
    d = syntax_error(s->p, D_syntax, s->at.start, s->at.end, "nothing stands before this `.`");
    diag_help(d, "a chain of calls goes on in the very next line; delete the empty line between");
    return true;
  }
  if (s->token != T_COLON || s->before != T_IDENT || opener_top(s->p)->ternaries) return false;
  d = syntax_error(s->p, D_syntax, s->last.start, s->at.end,
                   "`%.*s:` is an argument, and no call takes it", word_len(s),
                   s->p->text + s->last.start);
  diag_help(d, "end the line before it with a comma, or write `%.*s = ...` for a variable",
            word_len(s), s->p->text + s->last.start);
  return true;
}

/* show 1 2, x = 1 y = 2: two values side by side. */
static bool slip_side_by_side(const struct slip *s) {
  if (!token_has(s->token, TF_STARTS) || s->token == T_BANG) return false;
  if (s->before < TOKEN_FIRST || token_info(s->before)->after == S_OPERAND ||
      token_info(s->before)->after == S_DOT)
    return false;
  struct buf got = {.max = 400};
  token_words(s->p, s->token, s->at, &got);
  struct diag *d = syntax_error(s->p, D_syntax, s->at.start, s->at.end,
                                "something is missing before %s", buf_str(&got));
  diag_help(d,
            "a comma between arguments, an operator between values, a line end between statements");
  buf_release(&got);
  return true;
}

static bool slip_interpolation(const struct slip *s) {
  if (s->token == T_INTERP_END && s->before == T_INTERP_BEG) {
    struct diag *d = syntax_error(s->p, D_syntax, s->last.start, s->at.end, "`#{}` holds nothing");
    diag_help(d, "write a value between the braces, or \\#{} for the characters");
    return true;
  }
  return false;
}

/* A line that ends inside brackets. */
static bool slip_bracket(const struct slip *s) {
  const struct opener *o = opener_top(s->p);
  if (s->token != T_NEWLINE || !is_open_bracket(o)) return false;
  struct diag *d = syntax_error(s->p, D_unclosed_bracket, o->at, o->end, "this %s is not closed",
                                opener_words[o->kind]);
  diag_help(d, "add the closing `%s`; a list goes on in the next line after a comma",
            closer_words[o->kind]);
  return true;
}

static bool slip_block_param(const struct slip *s) {
  const struct opener *o = opener_top(s->p);
  bool inside = o->params == 1 && (o->kind == O_DO || o->kind == O_BLOCK);
  if (!inside) return false;
  struct diag *d =
      syntax_error(s->p, D_block, s->at.start, s->at.end, "block parameters are plain names");
  diag_help(d, "write |a, b| or |a, (b, c)|; there are no defaults, splats or keywords");
  s->p->told = true;
  return true;
}

/* case x / if x, and then something else on the line */
static bool slip_closer(const struct slip *s) {
  struct parser *p = s->p;
  struct diag *d;
  if (s->token != T_END && s->token != T_RBRACE && s->token != T_RPAREN && s->token != T_RBRACK &&
      s->token != T_ELSE && s->token != T_ELSIF && s->token != T_WHEN)
    return false;
  const char *word = p->text + s->at.start;
  int len = (int)(s->at.end - s->at.start);
  const struct opener *o = opener_top(p);
  if (s->token == T_END && !p->closed) {
    if (is_open_bracket(o)) return false;
    d = syntax_error(p, D_stray, s->at.start, s->at.end, "this `end` closes nothing");
    if (p->stray_end)
      diag_note(d, span_of(p, p->stray_end, p->stray_end + 3),
                "this `end` is indented further than what it closes: it may be the one too many");
    diag_help(d, "delete it, or write the line that it is to close");
    return true;
  }
  if (s->token == T_END) return false;
  if (s->token == T_ELSE || s->token == T_ELSIF || s->token == T_WHEN) {
    if (o->kind >= O_IF && o->kind <= O_CASE) return false;
    d = syntax_error(p, D_stray, s->at.start, s->at.end, "this `%.*s` belongs to nothing", len,
                     word);
    if (o->kind == O_DO)
      diag_note(d, span_of(p, o->at, o->end), "the innermost open block is this `do`");
    diag_help(d, s->token == T_WHEN ? "`when` stands in case ... end"
                                    : "it stands in if ... end; is an `end` too early?");
    return true;
  }
  if (p->last_popped) return false;
  d = syntax_error(p, D_stray, s->at.start, s->at.end, "this `%.*s` closes nothing", len, word);
  if (o->kind)
    diag_note(d, span_of(p, o->at, o->end), "open here is this %s", opener_words[o->kind]);
  if (o->kind)
    diag_help(d, "delete it, or close first what is open with `%s`", closer_words[o->kind]);
  else diag_help(d, "delete it, or write what it is to close");
  return true;
}

static bool (*const slips[])(const struct slip *) = {
    slip_interpolation, slip_block_param, slip_hash_argument, slip_array_label, slip_value_missing,
    slip_name_missing,  slip_bracket,     slip_closer,        slip_assignment,  slip_nested_command,
    slip_block,         slip_line_start,  slip_side_by_side};

static void report_plain(struct slip *s) {
  struct parser *p = s->p;
  struct buf want = {.max = 400}, got = {.max = 400};
  expected_words(s->expected, s->count, &want);
  token_words(p, s->token, s->at, &got);
  struct token_span at = s->token ? s->at : s->last;
  struct diag *d = syntax_error(p, s->token ? D_syntax : D_unfinished, at.start, at.end,
                                s->token ? "%s cannot stand here; expected %s"
                                         : "%s comes too early; expected %s",
                                buf_str(&got), buf_str(&want));
  const struct opener *o = opener_top(p);
  if (is_open_bracket(o) && o->at != s->at.start)
    diag_note(d, span_of(p, o->at, o->end), "inside this %s", opener_words[o->kind]);
  buf_release(&want);
  buf_release(&got);
}

void syntax_unexpected(struct parser *p, int token, struct token_span at, const int *expected,
                       int count) {
  if (p->fatal) return;
  if (p->told && token) { /* the statement has its error; what follows from it is no news */
    recover_start(p, token);
    return;
  }
  struct slip s = {p, token, p->before, at, {p->before_start, p->before_end}, expected, count};
  if (!token) s.before = p->last, s.last = (struct token_span){p->last_start, p->last_end};
  if (!token) {
    p->fatal = true;
    if (!report_unclosed(p)) report_plain(&s);
    return;
  }
  bool told = false;
  for (size_t i = 0; i < sizeof slips / sizeof *slips && !told; i++)
    told = slips[i](&s);
  if (!told) report_plain(&s);
  recover_start(p, token);
}
