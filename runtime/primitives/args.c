/* From values to what primitives work with, and back: see args.h. */
#include "args.h"
#include "../../lang/limits.h"
#include "../utf8.h"

const char *arg_text(const struct primitive_call *call, value v) {
  v = secret_reveal(v);
  if (v.tag == V_STRING) return value_str(v)->s;
  return v.tag == V_SYMBOL ? sym_text(call->syms, v.u.s) : NULL;
}

char *arg_dup(const struct primitive_call *call, value v) {
  const char *s = arg_text(call, v);
  return s ? mem_strdup(s) : NULL;
}

int64_t arg_integer(value v, int64_t missing) {
  return v.tag == V_INT ? v.u.i : missing;
}

int64_t arg_duration(value v, int64_t missing) {
  return v.tag == V_DURATION ? v.u.i : missing;
}

bool arg_true(value v, bool missing) {
  return v.tag == V_NIL ? missing : value_truthy(v);
}

bool arg_plain(const struct primitive_call *call, value v, struct buf *out) {
  v = secret_reveal(v);
  if (v.tag != V_STRING && v.tag != V_SYMBOL && v.tag != V_INT && v.tag != V_FLOAT &&
      v.tag != V_BOOL)
    return false;
  value_to_s(v, call->syms, out);
  return true;
}

value arg_member(const struct primitive_call *call, value from, const char *name) {
  value v = VALUE_NIL, key = value_symbol(sym_intern(call->syms, name, strlen(name)));
  if (from.tag != V_HASH && from.tag != V_RECORD) return v;
  if (dict_get(value_dict(from), key, &v)) return v;
  key = value_cstr(name);
  if (!dict_get(value_dict(from), key, &v)) v = VALUE_NIL;
  value_unref(key);
  return v;
}

char *arg_path(const struct primitive_call *call, value path, value state) {
  const char *s = arg_text(call, path);
  if (!arg_true(state, false) || !s || *s == '/') return s ? mem_strdup(s) : NULL;
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s/%s", call->state_dir, s);
  return buf_take(&b);
}

static enum status fail(struct error *err, enum status status, const char *kind, const char *fmt, va_list ap) {
  struct buf text = BUF_INIT;
  buf_vaddf(&text, fmt, ap);
  error_set(err, status, "%s", buf_str(&text));
  error_kind(err, kind);
  buf_release(&text);
  return status;
}

enum status arg_fail(struct error *err, enum status status, const char *kind, const char *fmt,
                     ...) {
  va_list ap;
  va_start(ap, fmt);
  fail(err, status, kind, fmt, ap);
  va_end(ap);
  return status;
}

enum status arg_bad(struct error *err, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fail(err, ERR_VALUE, "validation", fmt, ap);
  va_end(ap);
  return ERR_VALUE;
}

void result_set(struct primitive_call *call, struct dict *d, const char *name, value owned) {
  dict_set(d, value_symbol(sym_intern(call->syms, name, strlen(name))), owned);
}

/* How many bytes from s on are text: 0 when the first is none. */
static size_t valid_run(const char *s, size_t len) {
  size_t n = 0;
  while (n < len) {
    size_t width = utf8_width(s[n]);
    if (width > len - n || !utf8_valid(s + n, width)) break;
    n += width;
  }
  return n;
}

value result_text(const char *s, size_t len) {
  if (utf8_valid(s, len)) return value_string(s, len);
  struct buf b = BUF_INIT;
  while (len) {
    size_t n = valid_run(s, len);
    buf_add(&b, s, n);
    if (n < len) buf_adds(&b, "\xEF\xBF\xBD"), n++;
    s += n;
    len -= n;
  }
  value v = value_string(buf_str(&b), b.len);
  buf_release(&b);
  return v;
}

enum status result_made(struct buf *b, value *out, struct error *err) {
  bool fits = !b->overflow && b->len <= LIMIT_STRING;
  if (fits) *out = value_string(buf_str(b), b->len);
  buf_release(b);
  return fits ? OK : arg_fail(err, ERR_LIMIT, "validation", "a string over %d MiB", LIMIT_STRING >> 20);
}
