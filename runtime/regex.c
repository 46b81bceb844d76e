/* Regexps: Ruby's syntax translated to PCRE2's, compiled once, matched within limits.
 *
 * The two syntaxes are near enough that translation is a single pass over the pattern; what it
 * changes stands in the tables below (and in docs/differences.md where the meaning differs). */
#include "regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "../lang/limits.h"

enum { JIT_AFTER = 16 }; /* compiling to machine code pays from about here */

struct regex {
  struct object head;
  uint8_t flags;
  uint32_t runs;
  char *source; /* owned, as written */
  size_t len;
  pcre2_code *code;
  pcre2_match_data *match;      /* made at the first match */
  pcre2_match_context *context; /* likewise */
};

void regex_free(struct regex *r) {
  pcre2_match_context_free(r->context);
  pcre2_match_data_free(r->match);
  pcre2_code_free(r->code);
  mem_free(r->source);
  mem_free(r);
}

bool regex_equal(const struct regex *a, const struct regex *b) {
  return a->flags == b->flags && a->len == b->len && memcmp(a->source, b->source, a->len) == 0;
}

uint32_t regex_hash(const struct regex *r) {
  uint32_t h = r->flags + 17u;
  for (size_t i = 0; i < r->len; i++)
    h = (h ^ (unsigned char)r->source[i]) * 16777619u;
  return h;
}

struct text regex_source(const struct regex *r) {
  return (struct text){r->source, r->len};
}
unsigned regex_flags(const struct regex *r) {
  return r->flags;
}

static void flags_text(unsigned flags, struct buf *out) {
  if (flags & RE_M) buf_addc(out, 'm');
  if (flags & RE_I) buf_addc(out, 'i');
  if (flags & RE_X) buf_addc(out, 'x');
}

/* The source with every bare / escaped. */
static void source_text(const struct regex *r, struct buf *out) {
  for (size_t i = 0; i < r->len; i++) {
    if (r->source[i] == '\\' && i + 1 < r->len) buf_addc(out, r->source[i++]);
    else if (r->source[i] == '/') buf_addc(out, '\\');
    if (r->source[i] == '\n') buf_adds(out, "\\n");
    else buf_addc(out, r->source[i]);
  }
}

void regex_inspect(const struct regex *r, struct buf *out) {
  buf_addc(out, '/');
  source_text(r, out);
  buf_addc(out, '/');
  flags_text(r->flags, out);
}

void regex_to_s(const struct regex *r, struct buf *out) {
  buf_adds(out, "(?");
  flags_text(r->flags, out);
  if (r->flags != (RE_I | RE_M | RE_X)) {
    buf_addc(out, '-');
    flags_text(~r->flags, out);
  }
  buf_addc(out, ':');
  source_text(r, out);
  buf_addc(out, ')');
}

/* -- translation -- */

struct spelling {
  const char *ruby, *pcre;
};
static const struct spelling bracket_classes[] = {{"[:alpha:]", "\\p{L}\\p{M}"},
                                                  {"[:digit:]", "\\p{Nd}"},
                                                  {"[:alnum:]", "\\p{L}\\p{M}\\p{Nd}"},
                                                  {"[:upper:]", "\\p{Lu}"},
                                                  {"[:lower:]", "\\p{Ll}"},
                                                  {"[:space:]", "\\s\\x{85}\\p{Z}"},
                                                  {"[:word:]", "\\p{L}\\p{M}\\p{Nd}\\p{Pc}"},
                                                  {NULL, NULL}};
static const struct spelling properties[] = {
    {"\\p{Alpha}", "\\p{L}"},  {"\\p{Digit}", "\\p{Nd}"},  {"\\p{Upper}", "\\p{Lu}"},
    {"\\p{Lower}", "\\p{Ll}"}, {"\\p{Alnum}", "\\p{Xan}"}, {"\\p{Space}", "\\p{Xsp}"},
    {"\\p{Word}", "\\p{Xwd}"}, {"\\p{Punct}", "\\p{P}"},   {NULL, NULL}};

struct translation {
  const char *s;
  size_t len, i;
  unsigned in_class; /* how many [ are open */
  bool named, extended;
  struct buf out;
};

static bool at(const struct translation *t, const char *word) {
  size_t n = strlen(word);
  return t->len - t->i >= n && memcmp(t->s + t->i, word, n) == 0;
}

static bool spelled(struct translation *t, const struct spelling *table) {
  for (; table->ruby; table++) {
    if (!at(t, table->ruby)) continue;
    buf_adds(&t->out, table->pcre);
    t->i += strlen(table->ruby);
    return true;
  }
  return false;
}

/* \uXXXX and \u{X} become \x{X}. */
static void translate_unicode(struct translation *t) {
  t->i += 2;
  buf_adds(&t->out, "\\x");
  if (t->i < t->len && t->s[t->i] == '{') return;
  buf_addc(&t->out, '{');
  for (int n = 0; n < 4 && t->i < t->len; n++)
    buf_addc(&t->out, t->s[t->i++]);
  buf_addc(&t->out, '}');
}

/* To Ruby \w is ASCII but \b knows all letters. */
#define LETTER "[\\p{L}\\p{M}\\p{Nd}\\p{Pc}]"
static const char edge[] = "(?:(?<=" LETTER ")(?!" LETTER ")|(?<!" LETTER ")(?=" LETTER "))";
static const char no_edge[] = "(?:(?<=" LETTER ")(?=" LETTER ")|(?<!" LETTER ")(?!" LETTER "))";

static void translate_escape(struct translation *t) {
  char c = t->i + 1 < t->len ? t->s[t->i + 1] : '\0';
  if (c == 'u') {
    translate_unicode(t);
  } else if (c == 'h') {
    buf_adds(&t->out, t->in_class ? "0-9a-fA-F" : "[0-9a-fA-F]");
    t->i += 2;
  } else if (c == 'H' && !t->in_class) {
    buf_adds(&t->out, "[^0-9a-fA-F]");
    t->i += 2;
  } else if ((c == 'b' || c == 'B') && !t->in_class) {
    buf_adds(&t->out, c == 'b' ? edge : no_edge);
    t->i += 2;
  } else if (!spelled(t, properties)) {
    buf_add(&t->out, t->s + t->i, c ? 2 : 1);
    t->i += c ? 2 : 1;
  }
}

/* (?m-ix: in Ruby means "dot takes newlines", which PCRE2 calls s. */
static void translate_group(struct translation *t) {
  size_t j = t->i + 2;
  if (!at(t, "(?")) {
    buf_addc(&t->out, t->s[t->i++]);
    return;
  }
  while (j < t->len && strchr("mix-", t->s[j]))
    j++;
  if (j == t->len || (t->s[j] != ':' && t->s[j] != ')')) j = t->i + 2;
  buf_adds(&t->out, "(?");
  for (size_t k = t->i + 2; k < j; k++)
    buf_addc(&t->out, t->s[k] == 'm' ? 's' : t->s[k]);
  t->named |= j + 1 < t->len && ((t->s[j] == '<' && t->s[j + 1] != '=' && t->s[j + 1] != '!') ||
                                 t->s[j] == '\'');
  t->i = j;
}

static enum status translate(struct translation *t, struct error *err) {
  while (t->i < t->len) {
    char c = t->s[t->i];
    if (c == '\\') {
      translate_escape(t);
    } else if (t->in_class && at(t, "&&")) {
      error_set(err, ERR_VALUE, "bad regexp: && inside [] is not supported");
      error_help(err, "use a lookahead: (?=[a-z])[^aeiou]");
      return err->status;
    } else if (t->in_class && at(t, "[:")) {
      if (!spelled(t, bracket_classes)) {
        buf_adds(&t->out, "[:"), t->i += 2;
        while (t->i < t->len && t->s[t->i] != ']')
          buf_addc(&t->out, t->s[t->i++]);
        if (t->i < t->len) buf_addc(&t->out, t->s[t->i++]);
      }
    } else if (!t->in_class && (at(t, "(?#") || (c == '#' && t->extended))) {
      char end = c == '#' ? '\n' : ')';
      while (t->i < t->len && t->s[t->i] != end)
        buf_addc(&t->out, t->s[t->i++]);
    } else if (!t->in_class && c == '(') {
      translate_group(t);
    } else {
      if (c == '[') t->in_class++;
      if (c == ']' && t->in_class) t->in_class--;
      if (c == '[' && t->in_class > 1) {
        error_set(err, ERR_VALUE, "bad regexp: [] inside [] is not supported");
        error_help(err, "write \\[ for the character itself");
        return err->status;
      }
      buf_addc(&t->out, c), t->i++;
    }
  }
  return OK;
}

static uint32_t options(const struct translation *t, unsigned flags) {
  return PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C |
         (t->named ? PCRE2_NO_AUTO_CAPTURE : 0) | (flags & RE_I ? PCRE2_CASELESS : 0) |
         (flags & RE_M ? PCRE2_DOTALL : 0) | (flags & RE_X ? PCRE2_EXTENDED : 0);
}

static enum status compile(struct translation *t, unsigned flags, pcre2_code **code,
                           struct error *err) {
  int why;
  size_t where;
  const char *pattern = buf_str(&t->out);
  *code = pcre2_compile((PCRE2_SPTR)pattern, t->out.len, options(t, flags), &why, &where, NULL);
  if (*code) return OK;
  if (why == PCRE2_ERROR_HEAP_FAILED) mem_out();
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(why, text, sizeof text);
  bool same = t->out.len == t->len && memcmp(pattern, t->s, t->len) == 0;
  if (same)
    return error_set(err, ERR_VALUE, "bad regexp /%.*s/: %s, at byte %zu", (int)t->len, t->s,
                     (char *)text, where);
  return error_set(err, ERR_VALUE, "bad regexp /%.*s/: %s", (int)t->len, t->s, (char *)text);
}

enum status value_regexp(const char *source, size_t len, unsigned flags, value *out,
                         struct error *err) {
  struct translation t = {.s = source, .len = len};
  pcre2_code *code = NULL;
  if (len > (64 << 10)) return error_set(err, ERR_LIMIT, "a regexp longer than 64 KiB");
  t.extended = flags & RE_X;
  enum status st = regex_dialect(source, len, t.extended, err);
  if (st == OK) st = translate(&t, err);
  if (st == OK) st = compile(&t, flags, &code, err);
  buf_release(&t.out);
  if (st != OK) return st;
  struct regex *r = mem_zalloc(sizeof *r);
  r->head.refs = 1;
  r->flags = (uint8_t)flags;
  r->source = mem_dup(source, len);
  r->len = len;
  r->code = code;
  *out = (value){.tag = V_REGEXP, .u.o = &r->head};
  return OK;
}

/* -- matching -- */

static void prepare(struct regex *r) {
  if (++r->runs == JIT_AFTER) (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
  if (r->match) return;
  r->match = pcre2_match_data_create_from_pattern(r->code, NULL);
  r->context = pcre2_match_context_create(NULL);
  if (!r->match || !r->context) mem_out();
  pcre2_set_match_limit(r->context, LIMIT_REGEX_STEPS);
  pcre2_set_depth_limit(r->context, LIMIT_REGEX_DEPTH);
}

static enum status match_failed(const struct regex *r, int why, struct error *err) {
  if (why == PCRE2_ERROR_NOMEMORY) mem_out();
  if (why == PCRE2_ERROR_MATCHLIMIT || why == PCRE2_ERROR_DEPTHLIMIT ||
      why == PCRE2_ERROR_HEAPLIMIT || why == PCRE2_ERROR_JIT_STACKLIMIT) {
    error_set(err, ERR_LIMIT, "the regexp /%.*s/ took more than %d steps", (int)r->len, r->source,
              LIMIT_REGEX_STEPS);
    error_help(err, "avoid a repeat inside a repeat, such as (a+)+");
    return err->status;
  }
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(why, text, sizeof text);
  return error_set(err, ERR_VALUE, "the regexp /%.*s/ failed: %s", (int)r->len, r->source,
                   (char *)text);
}

enum status regex_search(struct regex *r, struct text s, size_t from, bool again, bool *found,
                         struct match *m, struct error *err) {
  prepare(r);
  uint32_t opt = again ? PCRE2_NO_UTF_CHECK : 0;
  PCRE2_SPTR subject = (PCRE2_SPTR)s.s;
  int n = pcre2_match(r->code, subject, s.len, from, opt, r->match, r->context);
  if (n == PCRE2_ERROR_JIT_STACKLIMIT)
    n = pcre2_match(r->code, subject, s.len, from, opt | PCRE2_NO_JIT, r->match, r->context);
  if (n == PCRE2_ERROR_NOMATCH) {
    *found = false;
    return OK;
  }
  if (n < 0) return match_failed(r, n, err);
  *found = true;
  *m = (struct match){pcre2_get_ovector_pointer(r->match), pcre2_get_ovector_count(r->match)};
  return OK;
}

int regex_group(const struct regex *r, const char *name, size_t len) {
  char copy[64];
  if (len >= sizeof copy) return -1;
  memcpy(copy, name, len);
  copy[len] = '\0';
  int n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)copy);
  return n > 0 ? n : -1;
}
