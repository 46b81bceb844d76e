/* format % values, as Ruby's: flags, width, precision, %<name>d and %{name}.
 *
 * A secret among the values makes the whole text a secret. */
#include "method.h"
#include "utf8.h"

#include <math.h>

#include "../lang/limits.h"

enum { WIDTH_MAX = 1 << 20 };

struct format {
  struct eval *e;
  struct text f;
  size_t i;
  value args; /* array, hash or one value */
  size_t next;
  bool secret;
  struct buf out;
};

struct directive {
  bool minus, zero, plus, space, alt;
  int width, precision; /* precision -1: none */
  bool named;
  value arg; /* borrowed; set when named */
};

#define bad(f, ...) error_set((f)->e->err, __VA_ARGS__)

static enum status next_arg(struct format *f, value *out) {
  if (f->args.tag == V_ARRAY) {
    struct list *l = value_array(f->args);
    if (f->next < l->count) return *out = l->items[f->next++], OK;
  } else if (f->next++ == 0) {
    return *out = f->args, OK;
  }
  return bad(f, ERR_VALUE, "the format \"%.*s\" asks for more values than were given",
             (int)f->f.len, f->f.s);
}

static enum status named_arg(struct format *f, char close, value *out) {
  size_t start = f->i;
  const char *end = memchr(f->f.s + start, close, f->f.len - start);
  if (!end) return bad(f, ERR_VALUE, "a %%%c without its %c", close == '>' ? '<' : '{', close);
  size_t len = (size_t)(end - f->f.s) - start;
  f->i = start + len + 1;
  if (f->args.tag != V_HASH && f->args.tag != V_RECORD)
    return bad(f, ERR_TYPE, "a format with names takes a hash, not %s", value_type_name(f->args));
  value key = value_string(f->f.s + start, len);
  bool found = dict_find(value_dict(f->args), f->e->program->syms, key, out);
  value_unref(key);
  if (found) return OK;
  return bad(f, ERR_VALUE, "the format names %.*s, which the hash lacks", (int)len, f->f.s + start);
}

static enum status number_of(struct format *f, int *out) {
  if (f->i < f->f.len && f->f.s[f->i] == '*') {
    value v;
    f->i++;
    enum status st = next_arg(f, &v);
    if (st != OK) return st;
    if (v.tag != V_INT || v.u.i > WIDTH_MAX || v.u.i < -WIDTH_MAX)
      return bad(f, ERR_VALUE, "* in a format takes a small integer");
    *out = (int)v.u.i;
    return OK;
  }
  int n = 0;
  while (f->i < f->f.len && f->f.s[f->i] >= '0' && f->f.s[f->i] <= '9') {
    n = n * 10 + (f->f.s[f->i++] - '0');
    if (n > WIDTH_MAX) return bad(f, ERR_LIMIT, "a width over %d in a format", WIDTH_MAX);
  }
  *out = n;
  return OK;
}

static bool read_flag(struct directive *d, char c) {
  switch (c) {
  case '-':
    return d->minus = true;
  case '0':
    return d->zero = true;
  case '+':
    return d->plus = true;
  case ' ':
    return d->space = true;
  case '#':
    return d->alt = true;
  default:
    return false;
  }
}

static enum status read_directive(struct format *f, struct directive *d) {
  enum status st = OK;
  *d = (struct directive){.precision = -1};
  for (; st == OK && f->i < f->f.len;) {
    char c = f->f.s[f->i];
    if (read_flag(d, c)) {
      f->i++;
    } else if (c == '*' || (c >= '1' && c <= '9')) {
      st = number_of(f, &d->width);
      if (d->width < 0) d->minus = true, d->width = -d->width;
    } else if (c == '.') {
      f->i++;
      st = number_of(f, &d->precision);
    } else if (c == '<') {
      f->i++;
      st = named_arg(f, '>', &d->arg);
      d->named = true;
    } else {
      break;
    }
  }
  return st;
}

/* Puts text into its field; prefix (sign, 0x) goes before padding zeros. */
static void add_field(struct format *f, const struct directive *d, struct text prefix,
                      struct text t, bool zero) {
  size_t have = utf8_count(t.s, t.len) + prefix.len;
  size_t pad = (size_t)d->width > have ? (size_t)d->width - have : 0;
  if (!d->minus && !zero) buf_addn(&f->out, pad, ' ');
  buf_add(&f->out, prefix.s, prefix.len);
  if (!d->minus && zero) buf_addn(&f->out, pad, '0');
  buf_add(&f->out, t.s, t.len);
  if (d->minus) buf_addn(&f->out, pad, ' ');
}

static enum status to_integer(struct format *f, value v, int64_t *n) {
  if (v.tag == V_INT) return *n = v.u.i, OK;
  if (v.tag == V_FLOAT) {
    double d = trunc(v.u.f);
    if (!(d >= -0x1p63 && d < 0x1p63))
      return bad(f, ERR_VALUE, "the float does not fit an integer");
    return *n = (int64_t)d, OK;
  }
  if (value_is_text(v) && text_to_int(value_text(v, f->e->program->syms), 10, true, n)) return OK;
  return bad(f, ERR_TYPE, "the format wants an integer, not %s", value_type_name(v));
}

static enum status add_integer(struct format *f, struct directive *d, char conv, value v) {
  int64_t n;
  enum status st = to_integer(f, v, &n);
  if (st != OK) return st;
  unsigned base = conv == 'x' || conv == 'X' ? 16 : conv == 'o' ? 8 : conv == 'b' ? 2 : 10;
  const char *marks = conv == 'x'   ? "0x"
                      : conv == 'X' ? "0X"
                      : conv == 'o' ? "0"
                      : conv == 'b' ? "0b"
                                    : "";
  uint64_t u = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  char digits[64], prefix[8];
  size_t at = sizeof digits, p = 0;
  do
    digits[--at] = (conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[u % base], u /= base;
  while (u);
  if (n < 0) prefix[p++] = '-';
  else if (d->plus) prefix[p++] = '+';
  else if (d->space) prefix[p++] = ' ';
  for (const char *m = marks; d->alt && *m; m++)
    prefix[p++] = *m;
  struct buf b = TEXT_BUF;
  int have = (int)(sizeof digits - at);
  if (d->precision > have) buf_addn(&b, (size_t)(d->precision - have), '0');
  buf_add(&b, digits + at, sizeof digits - at);
  add_field(f, d, (struct text){prefix, p}, (struct text){buf_str(&b), b.len},
            d->zero && d->precision < 0);
  buf_release(&b);
  return OK;
}

static enum status add_float(struct format *f, struct directive *d, char conv, value v) {
  double x;
  if (v.tag == V_INT) x = (double)v.u.i;
  else if (v.tag == V_FLOAT) x = v.u.f;
  else if (!value_is_text(v) || !text_to_float(value_text(v, f->e->program->syms), true, &x))
    return bad(f, ERR_TYPE, "the format wants a number, not %s", value_type_name(v));
  struct buf b = TEXT_BUF;
  bool finite = isfinite(x);
  double size = fabs(x);
  if (d->precision > 1100) d->precision = 1100; /* no double has more digits */
  int digits = d->precision < 0 ? 6 : d->precision;
  if (!finite) buf_adds(&b, isnan(x) ? "NaN" : "Inf");
  else switch (conv) {
    case 'e':
      buf_addf(&b, d->alt ? "%#.*e" : "%.*e", digits, size);
      break;
    case 'E':
      buf_addf(&b, d->alt ? "%#.*E" : "%.*E", digits, size);
      break;
    case 'g':
      buf_addf(&b, d->alt ? "%#.*g" : "%.*g", digits, size);
      break;
    case 'G':
      buf_addf(&b, d->alt ? "%#.*G" : "%.*G", digits, size);
      break;
    default:
      buf_addf(&b, d->alt ? "%#.*f" : "%.*f", digits, size);
      break;
    }
  const char *sign = signbit(x) && !isnan(x) ? "-" : d->plus ? "+" : d->space ? " " : "";
  add_field(f, d, (struct text){sign, strlen(sign)}, (struct text){buf_str(&b), b.len},
            d->zero && finite);
  buf_release(&b);
  return OK;
}

static enum status add_text(struct format *f, struct directive *d, char conv, value v) {
  const struct symtab *syms = f->e->program->syms;
  struct buf b = TEXT_BUF;
  if (v.tag == V_SECRET) f->secret = true, v = secret_reveal(v);
  if (conv == 'p') value_inspect(v, syms, &b);
  else value_to_s(v, syms, &b);
  struct text t = {buf_str(&b), b.len};
  if (d->precision >= 0) t.len = utf8_offset(t.s, t.len, (size_t)d->precision);
  add_field(f, d, (struct text){"", 0}, t, false);
  buf_release(&b);
  return OK;
}

static enum status add_char(struct format *f, struct directive *d, value v) {
  struct buf b = TEXT_BUF;
  if (value_is_text(v)) {
    struct text t = value_text(v, f->e->program->syms);
    if (!t.len || t.len != utf8_width(t.s[0]))
      return bad(f, ERR_VALUE, "%%c takes one character");
    buf_add(&b, t.s, t.len);
  } else if (v.tag == V_INT && v.u.i > 0 && v.u.i < 0x110000 &&
             (v.u.i < 0xD800 || v.u.i > 0xDFFF)) {
    buf_add_utf8(&b, (uint32_t)v.u.i);
  } else {
    return bad(f, ERR_VALUE, "%%c takes a character or its number");
  }
  add_field(f, d, (struct text){"", 0}, (struct text){buf_str(&b), b.len}, false);
  buf_release(&b);
  return OK;
}

static enum status add_value(struct format *f, struct directive *d, char conv) {
  enum status st = d->named ? OK : next_arg(f, &d->arg);
  if (st != OK) return st;
  if (value_has_unknown(d->arg)) return ERR_STOP;
  if (strchr("sp", conv)) return add_text(f, d, conv, d->arg);
  if (d->arg.tag == V_SECRET) f->secret = true, d->arg = secret_reveal(d->arg);
  if (conv == 'c') return add_char(f, d, d->arg);
  return strchr("feEgG", conv) ? add_float(f, d, conv, d->arg) : add_integer(f, d, conv, d->arg);
}

static enum status add_directive(struct format *f) {
  struct directive d;
  enum status st = read_directive(f, &d);
  if (st != OK) return st;
  if (f->i == f->f.len)
    return bad(f, ERR_VALUE, "the format ends in an unfinished %%; write %%%% for a percent sign");
  char conv = f->f.s[f->i++];
  if (conv == '%') return buf_addc(&f->out, '%'), OK;
  if (conv == '{') {
    st = named_arg(f, '}', &d.arg);
    if (st == OK && value_has_unknown(d.arg)) return ERR_STOP;
    return st == OK ? add_text(f, &d, 's', d.arg) : st;
  }
  if (!strchr("diusxXobfeEgGcp", conv))
    return bad(f, ERR_VALUE, "the format has no %%%.*s", (int)utf8_width(conv), f->f.s + f->i - 1);
  return add_value(f, &d, conv);
}

static enum status give_format(struct format *f, value *out) {
  struct call c = {.e = f->e};
  enum status st = give_text(&c, &f->out, out);
  if (st == OK && f->secret) *out = value_secret(*out);
  return st;
}

enum status text_format(struct eval *e, value format, value args, value *out) {
  struct format f = {
      .e = e, .f = value_text(format, e->program->syms), .args = args, .out = TEXT_BUF};
  enum status st = OK;
  while (st == OK && f.i < f.f.len) {
    const char *pct = memchr(f.f.s + f.i, '%', f.f.len - f.i);
    size_t end = pct ? (size_t)(pct - f.f.s) : f.f.len;
    buf_add(&f.out, f.f.s + f.i, end - f.i);
    f.i = end;
    if (!pct) break;
    f.i++;
    st = add_directive(&f);
  }
  if (st == OK) return give_format(&f, out);
  buf_release(&f.out);
  if (st != ERR_STOP) return st;
  *out = value_unknown(); /* an unknown value was to be shown */
  return OK;
}
