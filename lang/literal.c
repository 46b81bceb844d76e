/* Numbers, words, symbols, and the escapes of strings. */
#include "literal.h"
#include "build.h"
#include "gram.h"
#include "token.h"

#include <errno.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (unsigned char)c >= 0x80;
}

static int token_node(struct parser *p, int token, node_id id) {
  p->value.expr = (struct expr){id, 1};
  return token;
}

int literal_word(struct parser *p, enum node_kind kind, uint32_t at, uint32_t to) {
  p->start = at, p->end = to;
  return token_node(p, T_LITERAL, node_new(p->tree, kind, at, to));
}

int literal_symbol(struct parser *p, uint32_t at, uint32_t to) {
  to = scan_at(p);
  p->start = at, p->end = to;
  node_id id = node_new(p->tree, N_sym, at, to);
  tree_node(p->tree, id)->a = sym_intern(p->syms, p->text + at + 1, to - at - 1);
  return token_node(p, T_LITERAL, id);
}

bool literal_label_here(const struct parser *p) {
  if (p->state == S_NAME) return p->space;
  return p->state == S_OPERAND && token_has(p->last, TF_LABEL);
}

/* `nil!= x`: the scanner takes `nil!` for a name at first. */
void literal_reserved(struct parser *p, uint32_t at, uint32_t to) {
  static const char words[] =
      " nil true false if unless elsif else end do case when then while until for def class module "
      "begin rescue ensure and or not in return break next redo retry yield super self alias undef "
      "__FILE__ __LINE__ __ENCODING__ BEGIN END ";
  int len = (int)(to - at);
  for (const char *w = words; (w = strchr(w, ' ')) && *++w;)
    if (strncmp(w, p->text + at, (size_t)len) == 0 && w[len] == ' ') {
      struct diag *d = syntax_error(p, D_ambiguous, at, to + 1, "a blank is missing after `%.*s`",
                                    len, p->text + at);
      diag_help(d, "write `%.*s != x`", len, p->text + at);
    }
}

/* --- numbers --- */

static int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static node_id int_node(struct parser *p, uint64_t bits) {
  node_id id = node_new(p->tree, N_int, p->start, p->end);
  struct node *n = tree_node(p->tree, id);
  n->a = (uint32_t)bits;
  n->b = (uint32_t)(bits >> 32);
  return id;
}

/* `10MB`, `3r`, `5min`: letters directly after a number. */
static void number_tail(struct parser *p) {
  uint32_t end = p->end;
  while (is_word(p->text[end]))
    end++;
  if (end == p->end) return;
  int digits = (int)(p->end - p->start), letters = (int)(end - p->end);
  const char *text = p->text + p->start, *tail = p->text + p->end;
  struct diag *d;
  if (letters <= 2 && (tail[0] == 'r' || tail[0] == 'i') && (letters == 1 || tail[1] == 'i')) {
    d = syntax_error(p, D_left_out, p->start, end, "there are no rational or complex numbers here");
    diag_help(d, "write %.*s or a float such as 0.5", digits, text);
  } else {
    d = syntax_error(p, D_number, p->start, end, "`%.*s` is not a number", digits + letters, text);
    if (tail[0] == '_') diag_help(d, "an underscore stands between two digits: 1_000_000");
    else if (text[0] == '0' && digits > 1)
      diag_help(d,
                "after 0x stand the digits 0 to 9 and a to f, after 0b 0 and 1, after 0o 0 to 7");
    else diag_help(d, "a unit is a method: 15.minutes, 2.hours, 10.megabytes, 2.percent");
  }
  p->end = end;
}

static int digit_value(char c) {
  return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static bool digits_fit(const char *s, const char *end, unsigned base) {
  for (; s < end; s++)
    if (*s != '_' && digit_value(*s) >= (int)base) return false;
  return true;
}

/* Reads digits of a base with single underscores between them. */
static bool digits_read(const char *s, const char *end, unsigned base, uint64_t *out) {
  uint64_t n = 0;
  for (; s < end; s++) {
    if (*s == '_') continue;
    if (__builtin_mul_overflow(n, base, &n) || __builtin_add_overflow(n, digit_value(*s), &n))
      return false;
  }
  *out = n;
  return true;
}

static bool underscores_fit(const char *s, const char *end) {
  if (s == end || *s == '_' || end[-1] == '_') return false;
  for (; s + 1 < end; s++)
    if (s[0] == '_' && s[1] == '_') return false;
  return true;
}

static int int_token(struct parser *p, uint32_t at, uint32_t to) {
  p->start = at, p->end = to;
  const char *s = p->text + at, *end = p->text + to;
  unsigned base = 10;
  uint64_t n = 0;
  if (*s == '0' && to - at > 1) {
    base = (s[1] | 0x20) == 'x' ? 16 : (s[1] | 0x20) == 'b' ? 2 : (s[1] | 0x20) == 'o' ? 8 : 0;
    if (base) s += 2;
  }
  if (base == 0) {
    struct diag *d = syntax_error(p, D_number, at, to, "a number does not begin with 0");
    diag_help(d, "write it without the 0; an octal number begins with 0o, as 0o644");
  } else if (!underscores_fit(s, end)) {
    struct diag *d =
        syntax_error(p, D_number, at, to, "`%.*s` is not a number", (int)(to - at), p->text + at);
    diag_help(d, "an underscore stands between two digits: 1_000_000");
  } else if (is_word(p->text[to])) {
    number_tail(p);
  } else if (!digits_fit(s, end, base)) {
    struct diag *d =
        syntax_error(p, D_number, at, to, "`%.*s` is not a number", (int)(to - at), p->text + at);
    diag_help(d, "after 0x stand the digits 0 to 9 and a to f, after 0b 0 and 1, after 0o 0 to 7");
  } else if (!digits_read(s, end, base, &n) || n > (uint64_t)INT64_MAX + p->negative) {
    struct diag *d = syntax_error(p, D_number, at, to, "the integer does not fit 64 bits");
    diag_help(d, "the largest is 9223372036854775807; a float (1e30) goes further");
    n = 0;
  }
  return token_node(p, T_LITERAL, int_node(p, n));
}

void literal_negate(struct parser *p, uint32_t at) {
  struct node *n = tree_node(p->tree, p->value.expr.id);
  uint64_t bits = (uint64_t)n->b << 32 | n->a;
  bits = n->kind == N_int ? 0 - bits : bits ^ (uint64_t)1 << 63;
  n->a = (uint32_t)bits;
  n->b = (uint32_t)(bits >> 32);
  n->start = p->start = at;
}

static int float_token(struct parser *p, uint32_t at, uint32_t to) {
  p->start = at, p->end = to;
  char digits[400];
  size_t len = 0;
  for (uint32_t i = at; i < to && len < sizeof digits - 1; i++)
    if (p->text[i] != '_') digits[len++] = p->text[i];
  digits[len] = '\0';
  double value = strtod(digits, NULL);
  if (is_word(p->text[to])) number_tail(p);
  else if (value > 1.7976931348623157e308 || to - at >= sizeof digits) {
    syntax_error(p, D_number, at, to, "the number is too large for a float");
    value = 0;
  } else if (p->text[at] == '0' && is_digit(p->text[at + 1])) {
    struct diag *d = syntax_error(p, D_number, at, to, "a number does not begin with 0");
    diag_help(d, "write it without the 0 in front");
  }
  node_id id = node_new(p->tree, N_float, p->start, p->end);
  struct node *n = tree_node(p->tree, id);
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  n->a = (uint32_t)bits;
  n->b = (uint32_t)(bits >> 32);
  return token_node(p, T_LITERAL, id);
}

static uint32_t digits_end(const struct parser *p, uint32_t at) {
  while (is_digit(p->text[at]) || (p->text[at] == '_' && is_digit(p->text[at + 1])))
    at++;
  return at;
}

int literal_number(struct parser *p, uint32_t at) {
  const char *s = p->text + at;
  uint32_t end = digits_end(p, at);
  bool real = false;
  if (s[0] == '0' && is_word(s[1]) && !is_digit(s[1]) && (s[1] | 0x20) != 'e') { /* 0x1F */
    for (end = at + 2; hex_value(p->text[end]) >= 0 || p->text[end] == '_';)
      end++;
    return int_token(p, at, end);
  }
  if (p->text[end] == '.' && is_digit(p->text[end + 1])) end = digits_end(p, end + 1), real = true;
  if ((p->text[end] | 0x20) == 'e') {
    uint32_t sign = end + 1 + (p->text[end + 1] == '-' || p->text[end + 1] == '+');
    if (is_digit(p->text[sign])) end = digits_end(p, sign), real = true;
  }
  return real ? float_token(p, at, end) : int_token(p, at, end);
}

/* --- text --- */

node_id literal_pool_str(struct parser *p, uint32_t from, uint32_t at, uint32_t to) {
  node_id id = node_new(p->tree, N_str, at, to);
  struct node *n = tree_node(p->tree, id);
  n->flags = NF_POOL;
  n->a = from;
  n->b = (uint32_t)p->tree->pool.len - from;
  return id;
}

node_id literal_str(struct parser *p, uint32_t at, uint32_t to, enum escapes how) {
  const char *s = p->text + at;
  if (to > at && (memchr(s, '\r', to - at) || (how != ESC_NONE && memchr(s, '\\', to - at)))) {
    uint32_t from = (uint32_t)p->tree->pool.len;
    literal_decode(p, at, to, how);
    return literal_pool_str(p, from, at, to);
  }
  node_id id = node_new(p->tree, N_str, at, to);
  tree_node(p->tree, id)->a = at;
  tree_node(p->tree, id)->b = to - at;
  return id;
}

int literal_content(struct parser *p) {
  static const enum escapes how[] = {ESC_DOUBLE, ESC_DOUBLE, ESC_REGEX, ESC_NONE, ESC_NONE};
  enum string_kind kind = opener_top(p)->string;
  if (kind == STR_HEREDOC || kind == STR_SQUIGGLY) { /* decoded when the whole heredoc is there */
    node_id id = node_new(p->tree, N_str, p->start, p->end);
    tree_node(p->tree, id)->a = p->start;
    tree_node(p->tree, id)->b = p->end - p->start;
    return token_node(p, T_STR_CONTENT, id);
  }
  return token_node(p, T_STR_CONTENT, literal_str(p, p->start, p->end, how[kind]));
}

struct decoder {
  struct parser *p;
  struct buf *out;
  uint32_t at, to;
  bool bytes; /* \x or octal made bytes that may not be UTF-8 */
};

static void bad_escape(struct decoder *d, uint32_t from, const char *what, const char *help) {
  uint32_t end = d->at < d->to ? d->at : d->to;
  while (end < d->to && ((unsigned char)d->p->text[end] & 0xC0) == 0x80)
    end++;
  diag_help(syntax_error(d->p, D_escape, from, end, "%s", what), "%s", help);
}

/* Up to max digits of a base (a power of two) at d->at. */
static int read_digits(struct decoder *d, int max, int bits, uint32_t *out) {
  int n = 0;
  for (*out = 0; n < max && d->at < d->to; n++, d->at++) {
    int v = hex_value(d->p->text[d->at]);
    if (v < 0 || v >= 1 << bits) break;
    *out = *out << bits | (uint32_t)v;
  }
  return n;
}

static void add_codepoint(struct decoder *d, uint32_t from, uint32_t c) {
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
    bad_escape(d, from, c ? "there is no such character" : "text holds no NUL",
               "a character is \\u{1} to \\u{10FFFF}, without D800 to DFFF");
  else buf_add_utf8(d->out, c);
}

/* \u00E9 and \u{1F600 1F601}; d->at is past the u. */
static void decode_unicode(struct decoder *d, uint32_t from) {
  uint32_t c;
  const char *text = d->p->text;
  if (d->at < d->to && text[d->at] != '{') {
    if (read_digits(d, 4, 4, &c) == 4) add_codepoint(d, from, c);
    else bad_escape(d, from, "`\\u` takes four hexadecimal digits", "write \\u00E9 or \\u{1F600}");
    return;
  }
  d->at++;
  bool any = false;
  for (;;) {
    while (d->at < d->to && (text[d->at] == ' ' || text[d->at] == '\t'))
      d->at++;
    if (d->at >= d->to || read_digits(d, 6, 4, &c) == 0) break;
    add_codepoint(d, from, c);
    any = true;
  }
  if (any && d->at < d->to && text[d->at] == '}') d->at++;
  else bad_escape(d, from, "`\\u{` takes hexadecimal digits and a `}`", "write \\u{1F600}");
}

static void decode_byte(struct decoder *d, uint32_t from, uint32_t byte) {
  if (byte == 0 || byte > 0xFF) {
    bad_escape(d, from, byte ? "there is no such byte" : "text holds no NUL",
               "leave it out; data with NUL bytes belongs in a file");
    return;
  }
  if (byte >= 0x80) d->bytes = true;
  buf_addc(d->out, (char)byte);
}

static void decode_double(struct decoder *d) {
  static const char from[] = "abefnrstv", to[] = "\a\b\033\f\n\r \t\v";
  uint32_t start = d->at++, value;
  char c = d->at < d->to ? d->p->text[d->at] : '\\';
  const char *plain = c ? strchr(from, c) : NULL;
  if (plain) {
    d->at++;
    buf_addc(d->out, to[plain - from]);
  } else if (c == '\n') {
    d->at++;
  } else if (c == '\r' && d->at + 1 < d->to && d->p->text[d->at + 1] == '\n') {
    d->at += 2;
  } else if (c == 'u') {
    d->at++;
    decode_unicode(d, start);
  } else if (c == 'x') {
    d->at++;
    if (read_digits(d, 2, 4, &value)) decode_byte(d, start, value);
    else bad_escape(d, start, "`\\x` takes one or two hexadecimal digits", "write \\x41");
  } else if (c >= '0' && c <= '7') {
    read_digits(d, 3, 3, &value);
    decode_byte(d, start, value);
  } else if (c == 'c' || c == 'C' || c == 'M') {
    d->at++;
    bad_escape(d, start, "control and meta escapes are not in the language",
               "write the character as \\u{1}, or its name (\\t, \\e, \\n)");
  } else {
    buf_addc(d->out, c); /* the character itself; its further bytes follow as text */
    d->at++;
  }
}

static void decode_single(struct decoder *d) {
  char c = d->at + 1 < d->to ? d->p->text[d->at + 1] : '\0';
  if (c == '\\' || c == '\'') d->at++;
  buf_addc(d->out, d->p->text[d->at++]);
}

/* Escapes belong to the regexp engine, but for `\/` and a line end. */
static void decode_regex(struct decoder *d) {
  d->at++;
  char c = d->at < d->to ? d->p->text[d->at] : '\\';
  if (c == '/') {
    buf_addc(d->out, c);
    d->at++;
  } else if (c == '\n') {
    d->at++;
  } else if (c == '\r' && d->at + 1 < d->to && d->p->text[d->at + 1] == '\n') {
    d->at += 2;
  } else {
    buf_addc(d->out, '\\');
    if (d->at < d->to) buf_addc(d->out, d->p->text[d->at++]);
  }
}

static bool utf8_valid(const unsigned char *s, size_t len) {
  for (size_t i = 0; i < len;) {
    unsigned char c = s[i];
    size_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (n > 1 && (c < 0xC2 || c > 0xF4 || n > len - i)) return false;
    for (size_t k = 1; k < n; k++)
      if ((s[i + k] & 0xC0) != 0x80) return false;
    if ((c == 0xE0 && s[i + 1] < 0xA0) || (c == 0xED && s[i + 1] > 0x9F) ||
        (c == 0xF0 && s[i + 1] < 0x90) || (c == 0xF4 && s[i + 1] > 0x8F))
      return false;
    i += n;
  }
  return true;
}

static uint32_t run_end(const struct decoder *d, enum escapes how) {
  uint32_t i = d->at;
  const char *s = d->p->text;
  while (i < d->to && s[i] != '\r' && (s[i] != '\\' || how == ESC_NONE))
    i++;
  return i;
}

void literal_decode(struct parser *p, uint32_t at, uint32_t to, enum escapes how) {
  struct decoder d = {p, &p->tree->pool, at, to, false};
  size_t from = d.out->len;
  while (d.at < to) {
    uint32_t run = run_end(&d, how);
    buf_add(d.out, p->text + d.at, run - d.at);
    d.at = run;
    if (run >= to) break;
    if (p->text[run] == '\r') { /* a line end is \n, however the file was saved */
      if (run + 1 >= to || p->text[run + 1] != '\n') buf_addc(d.out, '\r');
      d.at++;
    } else if (how == ESC_DOUBLE) decode_double(&d);
    else if (how == ESC_SINGLE) decode_single(&d);
    else decode_regex(&d);
  }
  const unsigned char *made = (const unsigned char *)buf_str(d.out) + from;
  if (d.bytes && !utf8_valid(made, d.out->len - from))
    diag_help(syntax_error(p, D_escape, at, to, "the escapes of this text do not make valid UTF-8"),
              "write characters as \\u{E9}, or the character itself");
}

/* --- what is no token --- */

static uint32_t utf8_at(const char *s, uint32_t *len) {
  unsigned char c = (unsigned char)s[0];
  uint32_t n = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
  uint32_t code = n == 1 ? c : c & (0x7F >> n);
  for (uint32_t i = 1; i < n; i++)
    code = code << 6 | ((unsigned char)s[i] & 0x3F);
  *len = n;
  return code;
}

/* Characters that come from word processors and web pages and look like something else. */
static const struct {
  uint32_t first, last;
  const char *what, *help;
} lookalikes[] = {
    {0xA0, 0xA0, "a no-break space", "replace it by a plain space"},
    {0x2000, 0x200F, "an invisible or odd space", "replace it by a plain space, or delete it"},
    {0x2010, 0x2015, "a typographic dash", "write a plain `-`"},
    {0x2018, 0x201B, "a typographic quote", "write a plain ' or \""},
    {0x201C, 0x201F, "a typographic quote", "write a plain \""},
    {0x2026, 0x2026, "an ellipsis character", "write ... with three dots"},
    {0x2028, 0x202F, "an invisible or odd space", "replace it by a plain space, or delete it"},
    {0x2030, 0x206F, "a punctuation character that no name holds", "put it in a string"},
    {0x3000, 0x3000, "an ideographic space", "replace it by a plain space"},
    {0xFEFF, 0xFEFF, "a byte order mark", "delete it; it may only open a file"},
    {0xFF01, 0xFF5E, "a full-width character", "write the plain ASCII character"},
};

static int lookalike(uint32_t code) {
  for (size_t i = 0; i < sizeof lookalikes / sizeof *lookalikes; i++)
    if (code >= lookalikes[i].first && code <= lookalikes[i].last) return (int)i;
  return -1;
}

bool literal_letters(struct parser *p, uint32_t at, uint32_t to) {
  for (uint32_t i = at, len; i < to; i += len) {
    uint32_t code = utf8_at(p->text + i, &len);
    int k = code < 0x80 ? -1 : lookalike(code);
    if (k < 0) continue;
    diag_help(syntax_error(p, D_character, i, i + len, "%s stands here", lookalikes[k].what), "%s",
              lookalikes[k].help);
    p->end = to;
    return false;
  }
  return true;
}

uint32_t literal_stray(struct parser *p, uint32_t at) {
  unsigned char c = (unsigned char)p->text[at];
  struct diag *d;
  if (c == '\r')
    d = syntax_error(p, D_character, at, at + 1, "a carriage return in the middle of a line");
  else if (c == '\\')
    d = syntax_error(p, D_character, at, at + 1, "a `\\` that is not at the end of its line");
  else if (c < 0x20 || c == 0x7F)
    d = syntax_error(p, D_character, at, at + 1, "a control character (byte 0x%02X)", c);
  else d = syntax_error(p, D_character, at, at + 1, "`%c` begins nothing in this language", c);
  diag_help(d, "delete it");
  return at + 1;
}

/* Where a `/` or the line ends, not looking far. */
static size_t guess_end(const char *s) {
  size_t len = 0;
  while (len < 200 && s[len] && s[len] != '/' && s[len] != '\n')
    len++;
  return len;
}

bool literal_regex_guess(struct parser *p, uint32_t to) {
  char next = p->text[to];
  if (p->state != S_NAME || !p->space || next == ' ' || next == '\t' || next == '\n' ||
      next == '\r')
    return false;
  const char *s = p->text + to;
  size_t len = guess_end(s);
  int name = (int)(p->last_end - p->last_start);
  const char *word = p->text + p->last_start;
  bool regex = s[len] == '/';
  struct diag *d =
      syntax_error(p, D_ambiguous, to - 1, to, "a `/` that could divide or begin a regexp");
  if (regex)
    diag_help(d, "write `%.*s(/%.*s/)` for a regexp, `%.*s / %.*s` to divide", name, word,
              (int)(len < 40 ? len : 40), s, name, word, (int)strcspn(s, " \t\r\n/"), s);
  else diag_help(d, "to divide, put a blank on both sides of the `/`");
  return regex;
}
