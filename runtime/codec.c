/* JSON in and out: the only door to jansson. Writing needs no library; reading builds jansson's
 * tree and turns it into values, so a bad text costs nothing but its own error. */
#include "codec.h"

#include <jansson.h>
#include <math.h>

#include "../lang/limits.h"
#include "regex.h"
#include "text.h"
#include "utf8.h"

/* -- writing -- */

void json_text(struct buf *out, const char *s, size_t len) {
  size_t done = 0;
  buf_addc(out, '"');
  for (size_t i = 0; i < len; i++) {
    unsigned char c = (unsigned char)s[i];
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
    buf_add(out, s + done, i - done);
    done = i + 1;
    switch (c) {
    case '"':
      buf_adds(out, "\\\"");
      break;
    case '\\':
      buf_adds(out, "\\\\");
      break;
    case '\n':
      buf_adds(out, "\\n");
      break;
    case '\t':
      buf_adds(out, "\\t");
      break;
    case '\r':
      buf_adds(out, "\\r");
      break;
    default:
      buf_addf(out, "\\u%04x", c);
    }
  }
  buf_add(out, s + done, len - done);
  buf_addc(out, '"');
}

struct writer {
  const struct symtab *syms;
  bool tagged;
  struct buf *out;
};

static void write_value(const struct writer *w, value v);

static void write_text(const struct writer *w, value v) {
  struct text t = value_text(v, w->syms);
  json_text(w->out, t.s, t.len);
}

/* The value as people see it, as a JSON string. */
static void write_shown(const struct writer *w, value v) {
  struct buf b = BUF_INIT;
  value_to_s(v, w->syms, &b);
  json_text(w->out, buf_str(&b), b.len);
  buf_release(&b);
}

static void write_list(const struct writer *w, const struct list *l) {
  buf_addc(w->out, '[');
  for (size_t i = 0; i < l->count; i++) {
    if (i) buf_addc(w->out, ',');
    write_value(w, l->items[i]);
  }
  buf_addc(w->out, ']');
}

static void write_object(const struct writer *w, const struct dict *d) {
  buf_addc(w->out, '{');
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    if (i) buf_addc(w->out, ',');
    if (value_is_text(k)) write_text(w, k);
    else write_shown(w, k);
    buf_addc(w->out, ':');
    write_value(w, v);
  }
  buf_addc(w->out, '}');
}

/* An object gives back what was written only when its keys are strings that are no tags. */
static bool plain_keys(const struct dict *d) {
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    if (k.tag != V_STRING || value_str(k)->s[0] == '$') return false;
  }
  return true;
}

static void write_hash(const struct writer *w, const struct dict *d) {
  if (!w->tagged || plain_keys(d)) return write_object(w, d);
  buf_adds(w->out, "{\"$hash\":[");
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    buf_adds(w->out, i ? ",[" : "[");
    write_value(w, k);
    buf_addc(w->out, ',');
    write_value(w, v);
    buf_addc(w->out, ']');
  }
  buf_adds(w->out, "]}");
}

static void write_float(const struct writer *w, double f) {
  struct buf b = BUF_INIT;
  float_text(f, &b);
  if (isfinite(f)) buf_add(w->out, b.data, b.len);
  else if (w->tagged) buf_addf(w->out, "{\"$float\":\"%s\"}", buf_str(&b));
  else buf_adds(w->out, "null");
  buf_release(&b);
}

static void write_time(const struct writer *w, int64_t us) {
  struct buf b = BUF_INIT;
  int64_t again;
  bool ignored;
  time_text(us, true, -1, &b);
  bool reads_back = time_parse(buf_str(&b), b.len, &again, &ignored) && again == us;
  if (w->tagged && !reads_back) buf_addf(w->out, "{\"$time\":%lld}", (long long)us);
  else buf_addf(w->out, w->tagged ? "{\"$time\":\"%s\"}" : "\"%s\"", buf_str(&b));
  buf_release(&b);
}

static void write_range(const struct writer *w, value v) {
  const struct range *r = value_rng(v);
  if (!w->tagged) return write_shown(w, v);
  buf_adds(w->out, "{\"$range\":[");
  write_value(w, r->lo);
  buf_addc(w->out, ',');
  write_value(w, r->hi);
  buf_addf(w->out, ",%s]}", r->exclusive ? "true" : "false");
}

static void write_regexp(const struct writer *w, const struct regex *r) {
  struct text src = regex_source(r);
  if (w->tagged) {
    buf_adds(w->out, "{\"$regexp\":[");
    json_text(w->out, src.s, src.len);
    buf_addf(w->out, ",%u]}", regex_flags(r));
    return;
  }
  struct buf b = BUF_INIT;
  regex_inspect(r, &b);
  json_text(w->out, buf_str(&b), b.len);
  buf_release(&b);
}

static void write_record(const struct writer *w, const struct dict *d) {
  if (w->tagged) buf_adds(w->out, "{\"$record\":");
  write_object(w, d);
  if (w->tagged) buf_addc(w->out, '}');
}

static void write_symbol(const struct writer *w, value v) {
  if (w->tagged) buf_adds(w->out, "{\"$symbol\":");
  write_text(w, v);
  if (w->tagged) buf_addc(w->out, '}');
}

static void write_value(const struct writer *w, value v) {
  switch (v.tag) {
  case V_NIL:
    buf_adds(w->out, "null");
    break;
  case V_BOOL:
    buf_adds(w->out, v.u.b ? "true" : "false");
    break;
  case V_INT:
    buf_addi(w->out, v.u.i);
    break;
  case V_FLOAT:
    write_float(w, v.u.f);
    break;
  case V_STRING:
    write_text(w, v);
    break;
  case V_SYMBOL:
    write_symbol(w, v);
    break;
  case V_ARRAY:
    write_list(w, value_array(v));
    break;
  case V_HASH:
    write_hash(w, value_dict(v));
    break;
  case V_RECORD:
    write_record(w, value_dict(v));
    break;
  case V_TIME:
    write_time(w, v.u.i);
    break;
  case V_RANGE:
    write_range(w, v);
    break;
  case V_REGEXP:
    write_regexp(w, value_regex(v));
    break;
  case V_SECRET:
    buf_adds(w->out, w->tagged ? "{\"$secret\":true}" : "\"[secret]\"");
    break;
  case V_UNKNOWN:
    buf_adds(w->out, w->tagged ? "{\"$unknown\":true}" : "null");
    break;
  default: /* duration */
    if (w->tagged) buf_addf(w->out, "{\"$duration\":%lld}", (long long)v.u.i);
    else write_shown(w, v);
  }
}

void json_write(value v, const struct symtab *syms, bool tagged, struct buf *out) {
  struct writer w = {syms, tagged, out};
  write_value(&w, v);
}

/* -- reading -- */

static enum status give_list(struct list *l, enum status st, value *out) {
  if (st == OK) *out = value_list(l);
  else value_unref(value_list(l));
  return st;
}
static enum status give_dict(struct dict *d, enum status st, value *out) {
  if (st == OK) *out = value_hash(d);
  else dict_free(d);
  return st;
}

struct json_reader {
  struct symtab *syms;
  bool tagged;
  struct error *err;
};

static enum status read_value(const struct json_reader *r, json_t *j, int depth, value *out);

static value string_of(const json_t *j) {
  return value_string(json_string_value(j), json_string_length(j));
}

static enum status read_list(const struct json_reader *r, json_t *j, int depth, value *out) {
  size_t n = json_array_size(j);
  if (n > LIMIT_COLLECTION)
    return error_set(r->err, ERR_LIMIT, "a JSON array of more than %d elements", LIMIT_COLLECTION);
  struct list *l = list_new(n);
  enum status st = OK;
  for (size_t i = 0; i < n && st == OK; i++) {
    value v;
    st = read_value(r, json_array_get(j, i), depth, &v);
    if (st == OK) list_push(l, v);
  }
  return give_list(l, st, out);
}

static enum status read_object(const struct json_reader *r, json_t *j, bool record, int depth,
                               value *out) {
  struct dict *d = dict_new();
  enum status st = OK;
  for (void *it = json_object_iter(j); it && st == OK; it = json_object_iter_next(j, it)) {
    const char *name = json_object_iter_key(it);
    value v;
    st = read_value(r, json_object_iter_value(it), depth, &v);
    if (st != OK) break;
    size_t len = strlen(name);
    dict_set(d, record ? value_symbol(sym_intern(r->syms, name, len)) : value_string(name, len), v);
  }
  st = give_dict(d, st, out);
  if (st == OK && record) *out = value_record(d);
  return st;
}

/* -- tags: {"$name": content} -- */

typedef enum status tag_fn(const struct json_reader *r, json_t *j, int depth, value *out);

static enum status bad_tag(const struct json_reader *r, const char *tag) {
  return error_set(r->err, ERR_VALUE, "a bad %s in JSON", tag);
}

static enum status read_symbol(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)depth;
  if (!json_is_string(j)) return bad_tag(r, "$symbol");
  *out = value_symbol(sym_intern(r->syms, json_string_value(j), json_string_length(j)));
  return OK;
}
static enum status read_duration(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)depth;
  if (!json_is_integer(j)) return bad_tag(r, "$duration");
  *out = value_duration(json_integer_value(j));
  return OK;
}
static enum status read_time(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)depth;
  int64_t us;
  bool date;
  if (json_is_integer(j)) return *out = value_time(json_integer_value(j)), OK;
  if (!json_is_string(j) || !time_parse(json_string_value(j), json_string_length(j), &us, &date))
    return bad_tag(r, "$time");
  *out = value_time(us);
  return OK;
}
static enum status read_float(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)depth;
  const char *s = json_string_value(j);
  if (!s) return bad_tag(r, "$float");
  *out = value_float(strcmp(s, "NaN") == 0 ? NAN : *s == '-' ? -INFINITY : INFINITY);
  return OK;
}
static enum status read_regexp(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)depth;
  json_t *src = json_array_get(j, 0), *flags = json_array_get(j, 1);
  if (!json_is_string(src) || !json_is_integer(flags)) return bad_tag(r, "$regexp");
  return value_regexp(json_string_value(src), json_string_length(src),
                      (unsigned)json_integer_value(flags) & 7, out, r->err);
}
static enum status read_range(const struct json_reader *r, json_t *j, int depth, value *out) {
  value lo, hi;
  if (json_array_size(j) != 3) return bad_tag(r, "$range");
  enum status st = read_value(r, json_array_get(j, 0), depth, &lo);
  if (st != OK) return st;
  st = read_value(r, json_array_get(j, 1), depth, &hi);
  if (st != OK) return value_unref(lo), st;
  if (!range_fits(lo, hi, r->syms)) {
    value_unref(lo);
    value_unref(hi);
    return bad_tag(r, "$range");
  }
  *out = value_range(lo, hi, json_is_true(json_array_get(j, 2)));
  return OK;
}
static enum status read_record(const struct json_reader *r, json_t *j, int depth, value *out) {
  if (!json_is_object(j)) return bad_tag(r, "$record");
  return read_object(r, j, true, depth, out);
}
static enum status read_hash(const struct json_reader *r, json_t *j, int depth, value *out) {
  struct dict *d = dict_new();
  enum status st = OK;
  for (size_t i = 0; i < json_array_size(j) && st == OK; i++) {
    json_t *pair = json_array_get(j, i);
    value k, v;
    if (json_array_size(pair) != 2) st = bad_tag(r, "$hash");
    if (st == OK) st = read_value(r, json_array_get(pair, 0), depth, &k);
    if (st != OK) break;
    st = read_value(r, json_array_get(pair, 1), depth, &v);
    if (st == OK) dict_put(d, r->syms, k, v);
    else value_unref(k);
  }
  return give_dict(d, st, out);
}
/* The text of a secret is never written, so it comes back as a secret of nil. */
static enum status read_secret(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)r, (void)j, (void)depth;
  *out = value_secret(VALUE_NIL);
  return OK;
}
static enum status read_unknown(const struct json_reader *r, json_t *j, int depth, value *out) {
  (void)r, (void)j, (void)depth;
  *out = value_unknown();
  return OK;
}

static const struct {
  const char *name;
  tag_fn *read;
} tags[] = {{"$symbol", read_symbol},  {"$duration", read_duration}, {"$time", read_time},
            {"$float", read_float},    {"$regexp", read_regexp},     {"$range", read_range},
            {"$record", read_record},  {"$hash", read_hash},         {"$secret", read_secret},
            {"$unknown", read_unknown}};

static tag_fn *tag_of(const char *name) {
  for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
    if (strcmp(tags[i].name, name) == 0) return tags[i].read;
  return NULL;
}

static enum status read_value(const struct json_reader *r, json_t *j, int depth, value *out) {
  if (depth > LIMIT_NESTING - 8)
    return error_set(r->err, ERR_LIMIT, "JSON nested deeper than %d", LIMIT_NESTING - 8);
  switch (json_typeof(j)) {
  case JSON_NULL:
    return *out = VALUE_NIL, OK;
  case JSON_TRUE:
    return *out = value_bool(true), OK;
  case JSON_FALSE:
    return *out = value_bool(false), OK;
  case JSON_INTEGER:
    return *out = value_int(json_integer_value(j)), OK;
  case JSON_REAL:
    return *out = value_float(json_real_value(j)), OK;
  case JSON_STRING:
    return *out = string_of(j), OK;
  case JSON_ARRAY:
    return read_list(r, j, depth + 1, out);
  case JSON_OBJECT:
    break;
  }
  if (r->tagged && json_object_size(j) == 1) {
    void *it = json_object_iter(j);
    tag_fn *read = tag_of(json_object_iter_key(it));
    if (read) return read(r, json_object_iter_value(it), depth + 1, out);
  }
  return read_object(r, j, false, depth + 1, out);
}

enum status json_read(const char *s, size_t len, struct symtab *syms, bool tagged, value *out,
                      struct error *err) {
  json_error_t why;
  /* Of what people write, a name given twice is a mistake: which of the two was meant? */
  json_set_alloc_funcs(mem_alloc, mem_free);
  json_t *j = json_loadb(s, len, JSON_DECODE_ANY | (tagged ? 0 : JSON_REJECT_DUPLICATES), &why);
  if (!j && json_error_code(&why) == json_error_out_of_memory) mem_out();
  if (!j && json_error_code(&why) == json_error_stack_overflow)
    return error_set(err, ERR_LIMIT, "JSON nested deeper than %d", LIMIT_NESTING - 8);
  if (!j) {
    enum json_error_code code = json_error_code(&why);
    const char *what = code == json_error_null_character ? "a NUL character is not allowed"
                       : code == json_error_null_byte_in_key ? "a NUL character is not allowed"
                                                             : why.text;
    return error_set(err, ERR_VALUE, "bad JSON at line %d, column %d: %s", why.line, why.column,
                     what);
  }
  struct json_reader r = {syms, tagged, err};
  enum status st = read_value(&r, j, 0, out);
  json_decref(j);
  return st;
}
