/* What PCRE2 takes and Ruby does not, or reads in another way: refused before it is compiled, so
 * that a pattern means the same in both or is an error. */
#include "regex.h"

struct reader {
  const char *s;
  size_t len, i;
  bool extended; /* blanks and comments do not count */
  bool in_class, named, numbered;
  struct error *err;
};

static char peek(const struct reader *r, size_t ahead) {
  return r->i + ahead < r->len ? r->s[r->i + ahead] : '\0';
}

static enum status refuse(struct reader *r, size_t len, const char *why, const char *help) {
  if (len > r->len - r->i) len = r->len - r->i;
  error_set(r->err, ERR_VALUE, "bad regexp /%.*s/: `%.*s` %s", (int)r->len, r->s, (int)len,
            r->s + r->i, why);
  if (help) error_help(r->err, "%s", help);
  return r->err->status;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static int hex(char c) {
  if (is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum status read_hex(struct reader *r) {
  int high = hex(peek(r, 2)), low = hex(peek(r, 3));
  if (high < 0) return refuse(r, 3, "takes one or two hexadecimal digits", "write \\x41 or \\u00E9");
  if (low >= 0 && high >= 8)
    return refuse(r, 4, "is a byte that makes no character", "write the character, or \\u00E9");
  return OK;
}

static enum status read_unicode(struct reader *r) {
  size_t n = 0;
  if (peek(r, 2) == '{') return OK;
  while (n < 4 && hex(peek(r, 2 + n)) >= 0)
    n++;
  return n == 4 ? OK : refuse(r, 2, "takes four hexadecimal digits", "write \\u00E9 or \\u{1F600}");
}

/* \12 is a group's text again, or an octal number. */
static enum status read_number(struct reader *r) {
  size_t n = 0;
  int code = 0;
  while (n < 3 && peek(r, 1 + n) >= '0' && peek(r, 1 + n) <= '7')
    code = code * 8 + (peek(r, 1 + n) - '0'), n++;
  if (code >= 0x80 && (n == 3 || peek(r, 1) == '0'))
    return refuse(r, 1 + n, "is a byte that makes no character", "write the character, or \\u00E9");
  if (peek(r, 1) != '0' && !r->in_class) r->numbered = true;
  return OK;
}

static enum status read_property(struct reader *r) {
  const char *end = memchr(r->s + r->i, '}', r->len - r->i);
  if (peek(r, 2) != '{') return refuse(r, 3, "has no braces", "write \\p{L}");
  size_t len = end ? (size_t)(end - r->s) - r->i : 3;
  if ((peek(r, 3) | 0x20) == 'x' || memchr(r->s + r->i, '&', len))
    return refuse(r, len + 1, "is no property", "write \\p{Alpha}, \\p{Lu} or \\p{Greek}");
  return OK;
}

static enum status read_escape(struct reader *r) {
  char c = peek(r, 1);
  enum status st = OK;
  if (is_digit(c)) st = read_number(r);
  else if (c == 'x') st = read_hex(r);
  else if (c == 'u') st = read_unicode(r);
  else if (c == 'p' || c == 'P') st = read_property(r);
  else if ((c == 'g' || c == 'k') && peek(r, 2) != '<' && peek(r, 2) != '\'')
    st = refuse(r, 2, "names no group", "write \\k<name>");
  else if (((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) &&
           !strchr("wWdDsShHbBAzZGntrfvaeRXKkgc", c))
    st = refuse(r, 2, "means nothing", "write the letter without the backslash");
  r->i += 2;
  return st;
}

/* [:alpha:] */
static enum status read_posix(struct reader *r) {
  static const char names[] = ":alnum:alpha:ascii:blank:cntrl:digit:graph:lower:print:punct:space:"
                              "upper:xdigit:word:";
  const char *end = memmem(r->s + r->i + 2, r->len - r->i - 2, ":]", 2);
  size_t from = peek(r, 2) == '^' ? 3 : 2, len = end ? (size_t)(end - r->s) - r->i : 0;
  char name[16];
  if (len <= from || len - from > 8) return r->i++, OK;
  snprintf(name, sizeof name, ":%.*s:", (int)(len - from), r->s + r->i + from);
  if (!strstr(names, name)) return refuse(r, len + 2, "is no class", "write [[:alpha:]] or the like");
  r->i += len + 2;
  return OK;
}

static void open_class(struct reader *r) {
  r->in_class = true;
  r->i++;
  if (peek(r, 0) == '^') r->i++;
  if (peek(r, 0) == ']') r->i++;
}

/* (?i) and (?i: */
static enum status read_options(struct reader *r) {
  size_t n = 2;
  while (peek(r, n) && strchr("mix-", peek(r, n)))
    n++;
  char c = peek(r, n);
  if (n == 2 || (c != ':' && c != ')'))
    return refuse(r, 3, "begins no group", "groups are (...), (?:...), (?<name>...), (?=...), (?i:...)");
  if (c == ')' && r->i > 0 && memchr(r->s, '|', r->len))
    return refuse(r, n + 1, "holds for all that follows, over every |", "write (?i:...)");
  return OK;
}

static enum status read_group(struct reader *r) {
  enum status st = OK;
  char c = peek(r, 2), after = peek(r, 3);
  if (peek(r, 1) == '*') return refuse(r, 2, "repeats nothing", "write \\( for the character");
  if (peek(r, 1) != '?') return r->i++, OK;
  if (c == '#') {
    const char *end = memchr(r->s + r->i, ')', r->len - r->i);
    r->i = end ? (size_t)(end - r->s) : r->len;
    return OK;
  }
  if (c == '(' && !is_digit(after) && after != '<' && after != '\'')
    st = refuse(r, 4, "asks for no group", "write (?(<name>)...)");
  else if (c == '<' || c == '\'') r->named |= after != '=' && after != '!';
  else if (!c || !strchr(":=!>(", c)) st = read_options(r);
  r->i += 2;
  return st;
}

/* {2}, {2,}, {2,3}, and how they go on. */
static enum status read_interval(struct reader *r) {
  size_t n = 1, low = 0, high = 0;
  bool comma = false;
  for (; is_digit(peek(r, n)); n++)
    low++;
  if (peek(r, n) == ',')
    for (n++, comma = true; is_digit(peek(r, n)); n++)
      high++;
  enum status st = OK;
  if (peek(r, n) == '}' && (low || high)) {
    char after = peek(r, n + 1);
    if (!low) st = refuse(r, n + 1, "has no lower bound", "write {0,n}");
    else if (after == '+') st = refuse(r, n + 2, "repeats a repeat", "write (?:...{n})+");
    else if (after == '?' && !comma) st = refuse(r, n + 2, "repeats a repeat", "write (?:...{n})?");
  }
  r->i++;
  return st;
}

static enum status read_one(struct reader *r) {
  char c = peek(r, 0);
  if (c == '\\') return read_escape(r);
  if (r->in_class) {
    if (c == '[' && peek(r, 1) == ':') return read_posix(r);
    if (c == ']') r->in_class = false;
  } else if (c == '[') {
    return open_class(r), OK;
  } else if (c == '(') {
    return read_group(r);
  } else if (c == '{') {
    return read_interval(r);
  } else if (c == '#' && r->extended) {
    while (r->i < r->len && r->s[r->i] != '\n')
      r->i++;
    return OK;
  }
  r->i++;
  return OK;
}

enum status regex_dialect(const char *s, size_t len, bool extended, struct error *err) {
  struct reader r = {.s = s, .len = len, .extended = extended, .err = err};
  while (r.i < r.len) {
    enum status st = read_one(&r);
    if (st != OK) return st;
  }
  if (r.named && r.numbered) {
    error_set(err, ERR_VALUE, "bad regexp /%.*s/: groups with names have no numbers", (int)len, s);
    error_help(err, "write \\k<name>");
    return err->status;
  }
  return OK;
}
