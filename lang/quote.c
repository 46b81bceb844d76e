/* Strings, word lists, heredocs, and line ends.
 *
 * The hard one is the heredoc: its body stands on the lines after the one it is written in. As Ruby
 * does, we read the body at once, where the `<<~NAME` stands, and remember in parser.skip where the
 * next line really begins. The body's text stays in the source until the whole of it is known
 * (build_string): only then can the common indentation be taken off. */
#include "quote.h"
#include "build.h"
#include "gram.h"
#include "literal.h"
#include "token.h"

int quote_open(struct parser *p, enum string_kind kind, uint32_t at, uint32_t to) {
  p->start = at, p->end = to;
  p->value.num = kind;
  p->content = to;
  if (opener_push(p, O_STRING)) opener_top(p)->string = (uint8_t)kind;
  return T_STR_BEG;
}

static bool string_follows(const struct parser *p, uint32_t at) {
  const char *s = p->text + at;
  while (*s == ' ' || *s == '\t' || *s == '\\') {
    if (*s == '\\' && s[1] != '\n' && (s[1] != '\r' || s[2] != '\n')) return false;
    s += *s != '\\' ? 1 : s[1] == '\n' ? 2 : 3;
  }
  return *s == '"' || *s == '\'';
}

static uint32_t regex_flags(struct parser *p, uint32_t at, uint32_t to) {
  uint32_t flags = 0;
  for (uint32_t i = at + 1; i < to; i++) {
    char c = p->text[i];
    if (c == 'i') flags |= RE_I;
    else if (c == 'm') flags |= RE_M;
    else if (c == 'x') flags |= RE_X;
    else {
      struct diag *d = syntax_error(p, D_regexp, i, i + 1, "no regexp has the flag `%c`", c);
      diag_help(d, "the flags are i (any case), m (. takes line ends) and x (blanks do not count)");
    }
  }
  return flags;
}

int quote_close(struct parser *p, uint32_t at, uint32_t to) {
  p->start = at, p->end = to;
  struct opener *o = opener_top(p);
  p->value.num = o->string | regex_flags(p, at, o->string == STR_REGEX ? to : at) << 8;
  p->depth--;
  return T_STR_END;
}

/* Two strings side by side are one; the grammar sees STRING only where that may be. */
int quote_plain(struct parser *p, uint32_t at, uint32_t to) {
  if (p->skip && memchr(p->text + at, '\n', to - at)) /* the rest is past the heredoc */
    return p->text[at] == '"' ? quote_open(p, STR_DOUBLE, at, at + 1) : quote_single(p, at);
  p->start = at, p->end = to;
  if (p->text[to] == ':' && p->text[to + 1] != ':' && literal_label_here(p)) {
    p->value.name = sym_intern(p->syms, p->text + at + 1, to - at - 2);
    p->end = to + 1;
    return T_LABEL;
  }
  node_id id = node_new(p->tree, N_str, at, to);
  struct node *n = tree_node(p->tree, id);
  n->a = at + 1;
  n->b = to - at - 2;
  p->value.expr = (struct expr){id, 1};
  bool joined = p->last == T_STRING || p->last == T_STR_END || string_follows(p, to);
  return joined ? T_STRING : T_LITERAL;
}

static void unterminated(struct parser *p, uint32_t at, uint32_t to, const char *what,
                         const char *close) {
  diag_help(syntax_error(p, D_unclosed_string, at, to, "%s is not closed", what),
            "add the closing %s", close);
}

/* End of a quoted text without interpolation that begins at `at` (past the opener), nesting
 * brackets when open and close differ. The offset of the closing byte, or the end of the source. */
static uint32_t close_find(const struct parser *p, uint32_t at, char open, char close) {
  unsigned depth = 0;
  for (; at < p->length; at++) {
    char c = p->text[at];
    if (c == '\\') at++;
    else if (c == close) {
      if (depth-- == 0) return at;
    } else if (c == open) depth++;
  }
  return p->length;
}

int quote_single(struct parser *p, uint32_t at) {
  bool symbol = p->text[at] == ':';
  uint32_t from = at + 1 + symbol, to = close_find(p, from, '\0', '\'');
  p->start = at;
  p->end = to < p->length ? to + 1 : to;
  if (to == p->length) unterminated(p, at, from, "this string", "'");
  if (p->skip && memchr(p->text + at, '\n', to - at)) {
    struct diag *d = syntax_error(p, D_heredoc, at, from, "a string goes on past a heredoc's line");
    diag_help(d, "end the string on its line");
  }
  node_id id;
  if (symbol) {
    uint32_t mark = (uint32_t)p->tree->pool.len;
    literal_decode(p, from, to, ESC_SINGLE);
    id = node_new(p->tree, N_sym, at, p->end);
    const char *text = buf_str(&p->tree->pool) + mark;
    tree_node(p->tree, id)->a = sym_intern(p->syms, text, p->tree->pool.len - mark);
    buf_truncate(&p->tree->pool, mark);
    p->value.expr = (struct expr){id, 1};
    return T_LITERAL;
  }
  id = literal_str(p, from, to, ESC_SINGLE);
  tree_node(p->tree, id)->start = at;
  tree_node(p->tree, id)->end = p->end;
  p->value.expr = (struct expr){id, 1};
  return p->last == T_STRING || p->last == T_STR_END || string_follows(p, p->end) ? T_STRING
                                                                                  : T_LITERAL;
}

/* --- %w[ ] --- */

static char closing(char open) {
  static const char pairs[] = "[](){}<>";
  const char *pair = strchr(pairs, open);
  return pair ? pair[1] : open;
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

static bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* One word [at, to): `\ ` and an escaped bracket stand for themselves. */
static node_id word_node(struct parser *p, uint32_t at, uint32_t to, bool symbols, char open,
                         char close) {
  struct buf *pool = &p->tree->pool;
  uint32_t mark = (uint32_t)pool->len;
  for (uint32_t i = at; i < to; i++) {
    char next = i + 1 < to ? p->text[i + 1] : '\0';
    if (p->text[i] == '\\' && (is_blank(next) || next == '\\' || next == open || next == close))
      i++;
    buf_addc(pool, p->text[i]);
  }
  if (!symbols && pool->len - mark != to - at) return literal_pool_str(p, mark, at, to);
  node_id id = node_new(p->tree, symbols ? N_sym : N_str, at, to);
  struct node *n = tree_node(p->tree, id);
  n->a = symbols ? sym_intern(p->syms, buf_str(pool) + mark, pool->len - mark) : at;
  n->b = symbols ? 0 : to - at;
  buf_truncate(pool, mark);
  return id;
}

int quote_words(struct parser *p, uint32_t at) {
  char open = p->text[at + 2], close = closing(open);
  bool symbols = p->text[at + 1] == 'i';
  uint32_t to = close_find(p, at + 3, open == close ? '\0' : open, close);
  p->start = at;
  p->end = to < p->length ? to + 1 : to;
  if (to == p->length) unterminated(p, at, at + 3, "this list of words", "bracket");
  if (p->state == S_NAME) p->saw_spaced = true;
  struct list words = {0};
  for (uint32_t i = at + 3; i < to;) {
    uint32_t from = i;
    while (i < to && !is_blank(p->text[i]))
      i += p->text[i] == '\\' && i + 1 < to ? 2 : 1;
    if (i > from)
      list_add(p->tree, &words, (struct expr){word_node(p, from, i, symbols, open, close), 1});
    while (i < to && is_blank(p->text[i]))
      i++;
  }
  node_id id = node_new(p->tree, N_array, at, p->end);
  tree_node(p->tree, id)->a = words.head;
  p->value.expr = (struct expr){id, 2};
  return T_LITERAL;
}

/* --- heredocs --- */

static uint32_t line_after(const struct parser *p, uint32_t at) {
  const char *eol = memchr(p->text + at, '\n', p->length - at);
  return eol ? (uint32_t)(eol - p->text) + 1 : p->length;
}

/* Is the line at `at` the terminator? Then *end is past it, with its line end. */
static bool is_terminator(const struct parser *p, const struct opener *o, uint32_t at,
                          uint32_t *end) {
  if (o->indented)
    while (is_blank(p->text[at]) && p->text[at] != '\n')
      at++;
  if (strncmp(p->text + at, p->text + o->name, o->name_len) != 0) return false;
  at += o->name_len;
  if (p->text[at] == '\r' && p->text[at + 1] == '\n') at++;
  if (p->text[at] != '\n' && at != p->length) return false;
  *end = at < p->length ? at + 1 : at;
  return true;
}

static int heredoc_raw(struct parser *p, const struct opener *o, uint32_t at, uint32_t body) {
  uint32_t line = body, end = body;
  while (line < p->length && !is_terminator(p, o, line, &end))
    line = line_after(p, line);
  p->start = at, p->end = p->go;
  if (line >= p->length) {
    unterminated(p, at, p->end, "this heredoc", "line");
    end = p->length;
  }
  p->skip = end;
  node_id id = node_new(p->tree, N_str, body, line);
  tree_node(p->tree, id)->a = body;
  tree_node(p->tree, id)->b = line - body;
  struct list parts = {0};
  if (line > body) list_add(p->tree, &parts, (struct expr){id, 1});
  enum string_kind kind = o->string;
  p->value.expr = build_heredoc(p, parts, kind == STR_SQUIGGLY, ESC_NONE,
                                (struct token_span){p->start, p->end});
  return T_LITERAL;
}

/* The name after `<<`, `<<~` or `<<-`: a word or a quoted text. false when there is none. */
static bool heredoc_name(const struct parser *p, uint32_t at, bool quoted, uint32_t *end) {
  char quote = p->text[at++];
  while (quoted ? p->text[at] && p->text[at] != quote && p->text[at] != '\n' : is_word(p->text[at]))
    at++;
  *end = at;
  return !quoted || p->text[at] == quote;
}

int quote_heredoc(struct parser *p, uint32_t at, bool after_name) {
  char mark = p->text[at + 2];
  bool squiggly = mark == '~', dash = mark == '-';
  uint32_t name = at + 2 + (squiggly || dash), name_end;
  char quote = p->text[name];
  bool quoted = quote == '\'' || quote == '"',
       lower = quote == '_' || (quote >= 'a' && quote <= 'z');
  p->start = at, p->end = p->go = at + 2;
  if ((!quoted && (!is_word(quote) || (quote >= '0' && quote <= '9'))) ||
      (after_name && !squiggly && !dash && lower) || !heredoc_name(p, name, quoted, &name_end))
    return T_REFUSED; /* `x << y`: appends, in Ruby */
  uint32_t to = quoted ? name_end + 1 : name_end;
  p->end = p->go = to;
  if (after_name) p->saw_spaced = true;
  if (quoted) name++;
  struct opener o = {.string = squiggly ? STR_SQUIGGLY : STR_HEREDOC,
                     .name = name,
                     .name_len = name_end - name,
                     .indented = squiggly || dash,
                     .resume = to};
  uint32_t body = p->skip ? p->skip : line_after(p, to), end;
  if (quote == '\'') return heredoc_raw(p, &o, at, body);
  p->value.num = o.string;
  p->skip = 0;
  if (!opener_push(p, O_STRING)) return T_STR_BEG;
  struct opener *top = opener_top(p);
  top->string = o.string, top->name = o.name, top->name_len = o.name_len;
  top->indented = o.indented, top->resume = o.resume;
  top->ended = is_terminator(p, top, body, &end);
  p->content = p->go = body;
  return T_STR_BEG;
}

int quote_heredoc_end(struct parser *p) {
  struct opener *o = opener_top(p);
  uint32_t end = p->length;
  if (!is_terminator(p, o, scan_at(p), &end)) end = p->length;
  p->start = o->at, p->end = o->end;
  p->value.num = o->string;
  p->skip = end;
  scan_jump(p, o->resume);
  p->depth--;
  return T_STR_END;
}

/* A line ended inside a string. Past a pending heredoc the text has a gap; before a terminator it
 * stops: in both cases what was read so far is handed out. */
int quote_line(struct parser *p, uint32_t to) {
  struct opener *o = opener_top(p);
  uint32_t end;
  p->go = to;
  if (p->skip) {
    p->go = p->skip;
    p->skip = 0;
  }
  if (o->string >= STR_HEREDOC && is_terminator(p, o, p->go, &end)) o->ended = true;
  if (p->go == to && !o->ended) return 0;
  p->start = p->content, p->end = to;
  p->content = p->go;
  return literal_content(p);
}

int quote_unterminated(struct parser *p) {
  static const char *const what[] = {"this string", "this symbol", "this regexp", "this heredoc",
                                     "this heredoc"};
  static const char *const close[] = {"\"", "\"", "/"};
  struct opener *o = opener_top(p);
  p->go = p->length;
  struct diag *d =
      syntax_error(p, D_unclosed_string, o->at, o->end, "%s is not closed", what[o->string]);
  if (o->string < STR_HEREDOC) diag_help(d, "add the closing %s", close[o->string]);
  else
    diag_help(d, "end it with a line that holds only %.*s%s", (int)o->name_len, p->text + o->name,
              o->indented ? "" : ", without blanks before it");
  p->start = p->end = p->length;
  p->fatal = true;
  return 0;
}

/* --- line ends --- */

static bool line_is(const struct parser *p, uint32_t at, const char *word) {
  size_t len = strlen(word);
  return strncmp(p->text + at, word, len) == 0 &&
         (at + len >= p->length || is_blank(p->text[at + len]));
}

/* =begin ... =end */
static uint32_t block_comment(struct parser *p, uint32_t at) {
  struct diag *d =
      syntax_error(p, D_left_out, at, at + 6, "`=begin` comments are not in the language");
  diag_help(d, "begin each line of the comment with #");
  for (at = line_after(p, at); at < p->length; at = line_after(p, at))
    if (line_is(p, at, "=end")) return line_after(p, at);
  return p->length;
}

uint32_t quote_lines(struct parser *p, uint32_t at, bool *gap) {
  const char *text = p->text;
  *gap = false;
  for (;;) {
    p->line_start = at;
    if (text[at] == '=' && line_is(p, at, "=begin")) {
      at = block_comment(p, at);
      continue;
    }
    if (text[at] == '_' && strncmp(text + at, "__END__", 7) == 0) {
      uint32_t end = at + 7 + (text[at + 7] == '\r');
      if (text[end] == '\n' || end >= p->length) return p->length;
    }
    while (text[at] == ' ' || text[at] == '\t' || text[at] == '\f' || text[at] == '\v')
      at++;
    if (text[at] == '#') at = line_after(p, at);
    else if (text[at] == '\n') *gap = true, at++;
    else if (text[at] == '\r' && text[at + 1] == '\n') *gap = true, at += 2;
    else return at;
  }
}

/* Does the statement go on in the line at `at`? */
static bool continues(const struct parser *p, uint32_t at, bool gap) {
  const char *s = p->text + at;
  const struct opener *o = &p->stack[p->depth];
  if (!gap && ((s[0] == '.' && s[1] != '.') || (s[0] == '&' && s[1] == '.'))) return true;
  if (o->ternaries && s[0] == ':' && is_blank(s[1])) return true;
  if (o->kind < O_HASH) return false;
  if (at >= p->length) return true; /* what is missing is the closing bracket */
  return s[0] == (o->kind == O_ARRAY || o->kind == O_INDEX   ? ']'
                  : o->kind == O_HASH || o->kind == O_INTERP ? '}'
                                                             : ')');
}

int quote_newline(struct parser *p, uint32_t at, uint32_t to) {
  bool gap;
  uint32_t next = to;
  if (p->skip) next = p->skip, p->skip = 0;
  p->go = quote_lines(p, next, &gap);
  p->space = true;
  if (p->state == S_OPERAND || p->state == S_DOT || continues(p, p->go, gap)) return 0;
  p->start = at, p->end = to;
  p->value.num = '\n';
  return T_NEWLINE;
}

/* --- Ruby's, not ours --- */

uint32_t quote_backtick(struct parser *p, uint32_t at) {
  uint32_t to = close_find(p, at + 1, '\0', '`'), end = to < p->length ? to + 1 : to;
  uint32_t shown = line_after(p, at) < end ? at + 1 : end;
  struct diag *d = syntax_error(p, D_left_out, at, shown, "no text is run as a command");
  diag_help(d, "a command goes through an action of a binding, whose driver runs it: name.action(...)");
  p->value.expr = (struct expr){node_new(p->tree, N_error, at, end), 1};
  return end;
}

static const struct {
  char letter;
  const char *message, *help;
} percents[] = {
    {'x', "no text is run as a command",
     "a command goes through an action of a binding, whose driver runs it: name.action(...)"},
    {'q', "`%q` strings are not in the language", "write '...' or a heredoc"},
    {'Q', "`%Q` strings are not in the language", "write \"...\" or a heredoc"},
    {'W', "`%W` lists are not in the language",
     "write [\"a\", \"b#{c}\"], or %w[a b] for plain words"},
    {'I', "`%I` lists are not in the language", "write [:a, :b], or %i[a b]"},
    {'r', "`%r` regexps are not in the language", "write /.../ and \\/ for a slash"},
    {'s', "`%s` symbols are not in the language", "write :name or :\"some text\""},
    {'\0', "`%` strings are not in the language", "write \"...\" or a heredoc"},
};

/* After a name and a blank, `%w[` begins a list and any other `%` computes. */
int quote_percent(struct parser *p, uint32_t at, bool after_name) {
  char letter = p->text[at + 1], c = p->text[at + 2];
  bool words = (letter == 'w' || letter == 'i') && c && strchr("[({<|/!", c);
  if (words) return quote_words(p, at);
  uint32_t open = at + 1;
  if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z')) open++;
  else letter = '\0';
  c = p->text[open];
  p->start = at, p->end = at + 1;
  p->value.num = OP_MOD;
  if (after_name || is_blank(c) || is_word(c) || !c) return T_TIMES;
  size_t i = 0;
  while (percents[i].letter != letter && percents[i].letter)
    i++;
  char close = closing(c);
  uint32_t to = close_find(p, open + 1, c == close ? '\0' : c, close);
  diag_help(syntax_error(p, D_left_out, at, open + 1, "%s", percents[i].message), "%s",
            percents[i].help);
  p->end = to < p->length ? to + 1 : to;
  p->value.expr = (struct expr){node_new(p->tree, N_error, at, p->end), 1};
  return T_LITERAL;
}

uint32_t quote_character(struct parser *p, uint32_t at) {
  uint32_t end = at + 2;
  if (p->text[at + 1] == '\\' && end < p->length) end++;
  while (((unsigned char)p->text[end] & 0xC0) == 0x80)
    end++;
  struct diag *d =
      syntax_error(p, D_left_out, at, end, "`%.*s` is a character literal in Ruby, not here",
                   (int)(end - at), p->text + at);
  diag_help(d, "write \"%.*s\"", (int)(end - at - 1), p->text + at + 1);
  p->value.expr = (struct expr){node_new(p->tree, N_error, at, end), 1};
  return end;
}

void quote_hash_sign(struct parser *p, uint32_t at) {
  char sign = p->text[at + 1], c = p->text[at + 2];
  bool word =
      c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;
  if (sign == '@' && !word && c != '@') return;
  struct diag *d =
      syntax_error(p, D_left_out, at, at + 2, "`#%c` in a string names a variable in Ruby", sign);
  diag_help(d, "write \\#%c for the two characters, #{name} for a value", sign);
}
