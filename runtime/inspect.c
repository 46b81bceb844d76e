/* Values as text: inspect (as Ruby shows them) and to_s (what interpolation shows). */
#include "text.h"
#include "regex.h"
#include "utf8.h"

#include "../lang/limits.h"

static const char *escape_of(uint32_t c) {
  switch (c) {
  case '\n':
    return "\\n";
  case '\t':
    return "\\t";
  case '\r':
    return "\\r";
  case '\v':
    return "\\v";
  case '\f':
    return "\\f";
  case '\b':
    return "\\b";
  case '\a':
    return "\\a";
  case 0x1B:
    return "\\e";
  case '"':
    return "\\\"";
  case '\\':
    return "\\\\";
  default:
    return NULL;
  }
}

/* What Ruby calls unprintable; code points that are not assigned are shown as they are. */
static bool unprintable(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0 && c != 0x85) || c == 0x2028 || c == 0x2029;
}

/* Ruby writes a symbol of ASCII alone with \x, all other text with \u. */
static void inspect_text(struct text t, bool ascii, struct buf *out) {
  buf_addc(out, '"');
  for (size_t i = 0; i < t.len; i += utf8_width(t.s[i])) {
    uint32_t c = utf8_decode(t.s + i);
    const char *escape = escape_of(c);
    char next = i + 1 < t.len ? t.s[i + 1] : 0;
    if (escape) buf_adds(out, escape);
    else if (c == '#' && (next == '{' || next == '$' || next == '@')) buf_adds(out, "\\#");
    else if (unprintable(c)) buf_addf(out, ascii ? "\\x%02X" : "\\u%04X", c);
    else buf_add(out, t.s + i, utf8_width(t.s[i]));
  }
  buf_addc(out, '"');
}

static bool word_char(char c, bool first) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80 ||
         (!first && c >= '0' && c <= '9');
}

/* && and || are no methods in Ruby, and so no plain symbols. */
static bool is_operator(struct text t) {
  static const char *const names[] = {
#define OP(id, text) text,
#include "../lang/op.def"
#undef OP
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strlen(names[i]) == t.len && memcmp(names[i], t.s, t.len) == 0)
      return t.s[0] != t.s[1] || (t.s[0] != '&' && t.s[0] != '|');
  return false;
}

/* Whether :text needs no quotes. */
static bool plain_symbol(struct text t) {
  size_t i = 0;
  if (is_operator(t)) return true;
  while (i < t.len && word_char(t.s[i], i == 0))
    i++;
  if (i == 0) return t.len == 2 && memcmp(t.s, "[]", 2) == 0;
  if (i + 1 == t.len && strchr("?!=", t.s[i])) i++;
  return i == t.len;
}

static bool is_ascii(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if ((unsigned char)t.s[i] >= 0x80) return false;
  return true;
}

static void inspect_symbol(sym s, const struct symtab *syms, struct buf *out) {
  struct text t = {sym_text(syms, s), sym_len(syms, s)};
  buf_addc(out, ':');
  if (plain_symbol(t)) buf_add(out, t.s, t.len);
  else inspect_text(t, is_ascii(t), out);
}

static void inspect_list(const struct list *l, const struct symtab *syms, struct buf *out) {
  buf_addc(out, '[');
  for (size_t i = 0; i < l->count && !out->overflow; i++) {
    if (i) buf_adds(out, ", ");
    value_inspect(l->items[i], syms, out);
  }
  buf_addc(out, ']');
}

/* Ruby 3.1 writes {:a=>1}; records, which it lacks, look like its structs: #<record a: 1>. */
static void inspect_record(const struct dict *d, const struct symtab *syms, struct buf *out) {
  buf_adds(out, "#<record");
  for (size_t i = 0; i < dict_count(d) && !out->overflow; i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    struct text name = value_text(k, syms);
    buf_adds(out, i ? ", " : " ");
    if (plain_symbol(name)) buf_add(out, name.s, name.len);
    else inspect_text(name, is_ascii(name), out);
    buf_adds(out, ": ");
    value_inspect(v, syms, out);
  }
  buf_addc(out, '>');
}

static void inspect_hash(const struct dict *d, const struct symtab *syms, struct buf *out) {
  buf_addc(out, '{');
  for (size_t i = 0; i < dict_count(d) && !out->overflow; i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    if (i) buf_adds(out, ", ");
    value_inspect(k, syms, out);
    buf_adds(out, "=>");
    value_inspect(v, syms, out);
  }
  buf_addc(out, '}');
}

static void range_text(const struct range *r, const struct symtab *syms, bool inspect,
                       struct buf *out) {
  void (*show)(value, const struct symtab *, struct buf *) = inspect ? value_inspect : value_to_s;
  bool open = r->lo.tag == V_NIL && r->hi.tag == V_NIL;
  if (r->lo.tag != V_NIL || open) show(r->lo, syms, out);
  buf_adds(out, r->exclusive ? "..." : "..");
  if (r->hi.tag != V_NIL || (open && !inspect)) show(r->hi, syms, out);
}

void value_inspect(value v, const struct symtab *syms, struct buf *out) {
  if (out->overflow) return;
  switch (v.tag) {
  case V_NIL:
    buf_adds(out, "nil");
    break;
  case V_STRING:
    inspect_text(value_text(v, syms), false, out);
    break;
  case V_SYMBOL:
    inspect_symbol(v.u.s, syms, out);
    break;
  case V_ARRAY:
    inspect_list(value_array(v), syms, out);
    break;
  case V_HASH:
    inspect_hash(value_dict(v), syms, out);
    break;
  case V_RECORD:
    inspect_record(value_dict(v), syms, out);
    break;
  case V_RANGE:
    range_text(value_rng(v), syms, true, out);
    break;
  case V_REGEXP:
    regex_inspect(value_regex(v), out);
    break;
  case V_TIME:
    time_text(v.u.i, false, -1, out);
    break;
  default:
    value_to_s(v, syms, out);
    break;
  }
}

void value_to_s(value v, const struct symtab *syms, struct buf *out) {
  if (out->overflow) return;
  switch (v.tag) {
  case V_NIL:
    break;
  case V_BOOL:
    buf_adds(out, v.u.b ? "true" : "false");
    break;
  case V_INT:
    buf_addf(out, "%lld", (long long)v.u.i);
    break;
  case V_FLOAT:
    float_text(v.u.f, out);
    break;
  case V_DURATION:
    duration_text(v.u.i, out);
    break;
  case V_TIME:
    time_text(v.u.i, false, 0, out);
    break;
  case V_STRING:
  case V_SYMBOL: {
    struct text t = value_text(v, syms);
    buf_add(out, t.s, t.len);
    break;
  }
  case V_RANGE:
    range_text(value_rng(v), syms, false, out);
    break;
  case V_REGEXP:
    regex_to_s(value_regex(v), out);
    break;
  case V_SECRET:
    buf_adds(out, "[secret]");
    break;
  case V_UNKNOWN:
    buf_adds(out, "(unknown until run)");
    break;
  default:
    value_inspect(v, syms, out);
    break;
  }
}
