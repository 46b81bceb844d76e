/* Declared values (inputs, parameters, results, settings): type, conversion, bounds, shape. */
#include "eval_inner.h"

#include <ctype.h>
#include <math.h>

#include "../lang/limits.h"
#include "codec.h"
#include "utf8.h"

struct checking {
  struct eval *e;
  const struct field *f;
  bool from_text;
  struct error *err;
  bool secret; /* what is checked is not to be shown */
};

/* An answer or a result has no name. */
static const char *name_of(const struct checking *k) {
  if (!k->f->name) return "it";
  return sym_text(k->e->program->syms, k->f->name);
}

/* -- shapes of strings -- */

/* E.164, as providers take it: the country's code first, and nothing between. */
static bool is_phone(struct text t) {
  if (t.len < 9 || t.len > 16 || t.s[0] != '+' || t.s[1] == '0') return false;
  for (size_t i = 1; i < t.len; i++)
    if (!isdigit((unsigned char)t.s[i])) return false;
  return true;
}

static bool is_visible(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if ((unsigned char)t.s[i] <= ' ' || t.s[i] == 0x7F) return false;
  return t.len > 0;
}

static bool is_email(struct text t) {
  const char *at = memchr(t.s, '@', t.len), *end = t.s + t.len;
  if (!at || at == t.s || !is_visible(t) || memchr(at + 1, '@', (size_t)(end - at - 1)))
    return false;
  const char *dot = memchr(at + 1, '.', (size_t)(end - at - 1));
  return dot && dot > at + 1 && end[-1] != '.' && !memmem(at, (size_t)(end - at), "..", 2);
}

static bool is_url(struct text t) {
  const char *colon = memmem(t.s, t.len, "://", 3);
  if (!colon || colon == t.s || !is_visible(t) || !isalpha((unsigned char)*t.s)) return false;
  for (const char *s = t.s; s < colon; s++)
    if (!isalnum((unsigned char)*s) && !strchr("+.-", *s)) return false;
  return (size_t)(colon - t.s) + 3 < t.len;
}

static bool is_path(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if ((unsigned char)t.s[i] < ' ') return false;
  return t.len > 0 && t.len < 4096;
}

static const struct shape {
  uint8_t type;
  bool (*holds)(struct text t);
  const char *words, *like;
} shapes[] = {
    {T_phone, is_phone, "a phone number with its country", "+15005550006"},
    {T_email, is_email, "an email address", "ana@example.org"},
    {T_url, is_url, "a URL", "https://example.org/path"},
    {T_path, is_path, "a path", "data/people.csv"},
};

static const struct shape *shape_of(type_id type) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (shapes[i].type == type) return &shapes[i];
  return NULL;
}

/* -- what each built-in type takes -- */

static const struct kind {
  uint16_t tags; /* 1 << tag, for each that fits as it is */
  const char *words, *like;
} kinds[TYPE_COUNT] = {
    [T_nil] = {1 << V_NIL, "nil", NULL},
    [T_boolean] = {1 << V_BOOL, "true or false", "true"},
    [T_integer] = {1 << V_INT, "an integer", "20"},
    [T_float] = {1 << V_FLOAT, "a float", "2.5"},
    [T_number] = {1 << V_INT | 1 << V_FLOAT, "a number", "2.5"},
    [T_string] = {1 << V_STRING, "a string", NULL},
    [T_symbol] = {1 << V_SYMBOL, "a symbol", NULL},
    [T_array] = {1 << V_ARRAY, "an array", "[\"a\", \"b\"]"},
    [T_hash] = {1 << V_HASH, "a hash", "{\"a\": 1}"},
    [T_range] = {1 << V_RANGE, "a range", NULL},
    [T_duration] = {1 << V_DURATION, "a duration", "90s, 1h30m or PT1H30M"},
    [T_time] = {1 << V_TIME, "a time", "2026-11-02T09:00:00Z"},
    [T_date] = {1 << V_TIME, "a date", "2026-11-02 (YYYY-MM-DD)"},
    [T_regexp] = {1 << V_REGEXP, "a regexp", NULL},
    [T_record] = {1 << V_RECORD, "a record", "{\"a\": 1}"},
    [T_secret] = {1 << V_SECRET, "a secret", NULL},
    [T_phone] = {1 << V_STRING, "a phone number with its country", "+15005550006"},
    [T_email] = {1 << V_STRING, "an email address", "ana@example.org"},
    [T_url] = {1 << V_STRING, "a URL", "https://example.org/path"},
    [T_path] = {1 << V_STRING, "a path", "data/people.csv"},
};

bool type_text_takes(const char *type, value v) {
  size_t len = strlen(type);
  bool optional = len && type[len - 1] == '?';
  if (optional) len--;
  if (len == 4 && memcmp(type, "text", 4) == 0)
    return value_is_text(v) || v.tag == V_SECRET || v.tag == V_SYMBOL || v.tag == V_UNKNOWN ||
           (optional && v.tag == V_NIL);
  type_id id = type_named(type, len);
  if (id == T_any || id >= TYPE_COUNT || v.tag == V_UNKNOWN || (optional && v.tag == V_NIL))
    return true;
  if (kinds[id].tags & 1 << V_STRING) return value_is_text(v);
  if (id == T_hash || id == T_record) return v.tag == V_HASH || v.tag == V_RECORD;
  if (id == T_float || id == T_symbol)
    return v.tag == V_INT || value_is_text(v) || kinds[id].tags >> v.tag & 1;
  return kinds[id].tags >> v.tag & 1;
}

/* Shows a wrong value, but never a secret one. */
static enum status wrong(const struct checking *k, value v, const char *words, const char *like) {
  struct buf b = {.max = 120};
  if (k->secret) buf_adds(&b, "what was given");
  else if (k->from_text && v.tag == V_STRING) value_inspect(v, k->e->program->syms, &b);
  else if (v.tag == V_STRING || v.tag < V_SYMBOL) value_inspect(v, k->e->program->syms, &b);
  else buf_addf(&b, "%s %s", strchr("aeiou", *value_type_name(v)) ? "an" : "a", value_type_name(v));
  error_set(k->err, ERR_VALUE, "%s must be %s, not %s", name_of(k), words, buf_str(&b));
  buf_release(&b);
  if (like) error_help(k->err, "write it like %s", like);
  return ERR_VALUE;
}

/* -- conversions -- */

static bool bool_from(struct text t, value *out) {
  static const char *const words[] = {"false", "true", "no", "yes", "n",
                                      "y",     "0",    "1",  "off", "on"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == t.len && strncasecmp(words[i], t.s, t.len) == 0)
      return *out = value_bool(i & 1), true;
  return false;
}

static bool number_from(struct text t, type_id type, value *out) {
  int64_t n;
  double f;
  if (type != T_float && text_to_int(t, 10, true, &n)) return *out = value_int(n), true;
  if (type == T_integer || !text_to_float(t, true, &f) || !isfinite(f)) return false;
  return *out = value_float(f), true;
}

/* JSON, or for arrays also words with commas between: a,b,c. */
static bool collection_from(const struct checking *k, struct text t, type_id type, value *out) {
  struct error ignored = {0};
  value v;
  bool json = t.len && strchr("[{", *t.s);
  if (json && json_read(t.s, t.len, k->e->program->syms, false, &v, &ignored) == OK) {
    uint8_t want = type == T_array ? V_ARRAY : V_HASH;
    if (v.tag == want) return *out = v, true;
    value_unref(v);
    return false;
  }
  error_release(&ignored);
  if (json || type != T_array) return false;
  struct list *l = list_new(0);
  while (t.len) {
    const char *comma = memchr(t.s, ',', t.len);
    size_t n = comma ? (size_t)(comma - t.s) : t.len;
    while (n && *t.s == ' ')
      t.s++, t.len--, n--;
    list_push(l, value_string(t.s, n));
    t.s += n + (comma != NULL), t.len -= n + (comma != NULL);
  }
  return *out = value_list(l), true;
}

/* A string (from the command line, a driver, a file) as the wanted type. */
static bool from_string(const struct checking *k, value v, type_id type, value *out) {
  struct text t = value_text(v, k->e->program->syms);
  int64_t us;
  bool date_only;
  switch (type) {
  case T_symbol:
    return *out = value_symbol(sym_intern(k->e->program->syms, t.s, t.len)), true;
  case T_time:
    return time_parse(t.s, t.len, &us, &date_only) && (*out = value_time(us), true);
  case T_date:
    return time_parse(t.s, t.len, &us, &date_only) && date_only && (*out = value_time(us), true);
  default:
    break;
  }
  if (!k->from_text) return false;
  switch (type) {
  case T_boolean:
    return bool_from(t, out);
  case T_integer:
  case T_float:
  case T_number:
    return number_from(t, type, out);
  case T_duration:
    return duration_parse(t.s, t.len, &us) && (*out = value_duration(us), true);
  case T_array:
  case T_hash:
  case T_record:
    return collection_from(k, t, type, out);
  default:
    return false;
  }
}

/* A hash with text keys as a record. */
static bool record_from(const struct checking *k, value v, value *out) {
  struct dict *d = dict_new();
  struct symtab *syms = k->e->program->syms;
  bool ok = true;
  for (size_t i = 0; i < dict_count(value_dict(v)) && ok; i++) {
    value key, val;
    dict_at(value_dict(v), i, &key, &val);
    ok = value_is_text(key);
    if (!ok) break;
    struct text t = value_text(key, syms);
    dict_set(d, value_symbol(sym_intern(syms, t.s, t.len)), value_ref(val));
  }
  if (!ok) return dict_free(d), false;
  return *out = value_record(d), true;
}

static bool converted(const struct checking *k, value v, type_id type, value *out) {
  const uint16_t text = 1 << V_STRING;
  if (v.tag == V_SYMBOL && (kinds[type].tags & text)) {
    struct text t = value_text(v, k->e->program->syms);
    return *out = value_string(t.s, t.len), true;
  }
  if (v.tag == V_INT && type == T_float) return *out = value_float((double)v.u.i), true;
  if (v.tag == V_RECORD && type == T_hash) {
    struct call c = {.e = k->e};
    return m_record_to_h(&c, v, out) == OK;
  }
  if (v.tag == V_STRING && from_string(k, v, type, out)) {
    if (type != T_record) return true;
    value hash = *out;
    bool ok = record_from(k, hash, out);
    value_unref(hash);
    return ok;
  }
  if (v.tag == V_HASH && type == T_record) return record_from(k, v, out);
  if (v.tag == V_STRING && type == T_secret) return *out = value_secret(value_ref(v)), true;
  return false;
}

static enum status check_type(const struct checking *k, value v, type_id type, value *out);

static enum status check_elements(const struct checking *k, value v, type_id element, value *out) {
  struct list *l = list_new(value_array(v)->count);
  enum status st = OK;
  for (size_t i = 0; i < value_array(v)->count && st == OK; i++) {
    value item;
    st = check_type(k, value_array(v)->items[i], element, &item);
    if (st == OK) list_push(l, item);
  }
  return give_list(l, st, out);
}

static enum status check_base(const struct checking *k, value v, type_id type, value *out) {
  const struct kind *kind = &kinds[type];
  bool fits = kind->tags >> v.tag & 1;
  if (v.tag == V_SECRET && (kind->tags & 1 << V_STRING))
    return *out = value_ref(v), OK; /* a secret text */
  value made;
  if (fits) made = value_ref(v);
  else if (!converted(k, v, type, &made))
    return wrong(k, v, kind->words,
                 k->from_text || (kind->like && value_is_text(v)) ? kind->like : NULL);
  const struct shape *shape = shape_of(type);
  bool midnight = type != T_date || made.u.i % (86400 * INT64_C(1000000)) == 0;
  if ((!shape || shape->holds(value_text(made, k->e->program->syms))) && midnight)
    return *out = made, OK;
  value_unref(made);
  return wrong(k, v, kind->words, kind->like);
}

/* Whether a field of a record is what it is declared to be; what is left out and may be nil is nil. */
static enum status check_member(const struct checking *k, const struct dict *from,
                                const struct record_field *f, struct dict *to) {
  const struct types *types = k->e->program->types;
  value v = VALUE_NIL, checked = VALUE_NIL;
  bool found = dict_find(from, k->e->program->syms, value_symbol(f->name), &v);
  if (!found && type_kind(types, f->type) != TYPE_OPTIONAL && f->type != T_any)
    return error_set(k->err, ERR_VALUE, "%s lacks `%s:`", name_of(k),
                     sym_text(k->e->program->syms, f->name));
  enum status st = check_type(k, v, f->type, &checked);
  if (st == OK) dict_put(to, k->e->program->syms, value_symbol(f->name), checked);
  return st;
}

static enum status check_record(const struct checking *k, value v, type_id type, value *out) {
  size_t count;
  const struct record_field *fields = type_fields(k->e->program->types, type, &count);
  struct dict *d = dict_new();
  value made;
  enum status st = check_base(k, v, T_record, &made);
  if (st != OK) return dict_free(d), st;
  for (size_t i = 0; i < dict_count(value_dict(made)); i++) {
    value key, held;
    dict_at(value_dict(made), i, &key, &held);
    dict_put(d, k->e->program->syms, value_ref(key), value_ref(held));
  }
  for (size_t i = 0; st == OK && i < count; i++)
    st = check_member(k, value_dict(made), &fields[i], d);
  value_unref(made);
  if (st != OK) return dict_free(d), st;
  return *out = value_record(d), OK;
}

static enum status check_type(const struct checking *k, value v, type_id type, value *out) {
  const struct types *types = k->e->program->types;
  if (type == T_any || v.tag == V_UNKNOWN) return *out = value_ref(v), OK;
  if (type < TYPE_COUNT) return check_base(k, v, type, out);
  enum type_kind kind = types ? type_kind(types, type) : TYPE_PLAIN;
  if (kind == TYPE_OPTIONAL && v.tag == V_NIL) return *out = v, OK;
  if (kind == TYPE_OPTIONAL) return check_type(k, v, type_inner(types, type), out);
  if (kind == TYPE_RECORD) return check_record(k, v, type, out);
  type_id element = types ? type_element(types, type) : T_any;
  if (element == T_any) return *out = value_ref(v), OK;
  value list;
  enum status st = check_base(k, v, T_array, &list);
  if (st != OK) return st;
  st = check_elements(k, list, element, out);
  value_unref(list);
  return st;
}

/* -- bounds -- */

/* Literals of a declaration are evaluated in the file that holds them. */
static enum status literal(const struct checking *k, node_id id, value *out) {
  struct eval e = *k->e;
  e.tree = e.program->trees[k->f->file];
  e.err = k->err;
  e.cache = NULL;
  enum status st = eval_node(&e, id, out);
  cache_free(e.cache);
  return st;
}

enum status field_default(struct eval *e, const struct field *f, value *out) {
  struct checking k = {.e = e, .f = f, .err = e->err};
  value v;
  if (!f->default_value) return *out = VALUE_NIL, OK;
  enum status st = literal(&k, f->default_value, &v);
  if (st != OK) return st;
  st = field_check(e, f, v, false, out, e->err);
  value_unref(v);
  return st;
}

/* Strings and collections are bounded by their size, all others by themselves. */
static value measure(value v, const struct symtab *syms, const char **unit) {
  *unit = "";
  if (v.tag == V_ARRAY) return *unit = " elements", value_int((int64_t)value_array(v)->count);
  if (v.tag == V_HASH || v.tag == V_RECORD)
    return *unit = " entries", value_int((int64_t)dict_count(value_dict(v)));
  if (!value_is_text(v)) return v;
  struct text t = value_text(v, syms);
  return *unit = " characters", value_int((int64_t)utf8_count(t.s, t.len));
}

static enum status check_bound(const struct checking *k, value v, node_id id, bool is_min) {
  const struct symtab *syms = k->e->program->syms;
  const char *unit;
  value bound, have = measure(v, syms, &unit);
  int order;
  if (!id) return OK;
  enum status st = literal(k, id, &bound);
  if (st != OK) return st;
  bool comparable = op_order(have, bound, syms, &order);
  if (!comparable || (is_min ? order < 0 : order > 0)) {
    struct buf b = BUF_INIT, h = {.max = 60};
    value_to_s(bound, syms, &b);
    value_to_s(have, syms, &h);
    st = error_set(k->err, ERR_VALUE, "%s must be at %s %s%s, not %s", name_of(k),
                   is_min ? "least" : "most", buf_str(&b), unit,
                   k->secret ? "what was given" : buf_str(&h));
    buf_release(&b);
    buf_release(&h);
  }
  value_unref(bound);
  return st;
}

static void choices_text(const struct checking *k, value choices, struct buf *out) {
  const struct list *l = value_array(choices);
  for (size_t i = 0; i < l->count; i++) {
    if (i) buf_adds(out, ", ");
    value_to_s(l->items[i], k->e->program->syms, out);
  }
}

void field_choices(struct eval *e, const struct field *f, struct buf *out) {
  struct error err = {0};
  struct checking k = {.e = e, .f = f, .err = &err};
  value choices;
  if (f->one_of && literal(&k, f->one_of, &choices) == OK) {
    if (choices.tag == V_ARRAY) choices_text(&k, choices, out);
    value_unref(choices);
  }
  error_release(&err);
}

static enum status check_choice(const struct checking *k, value v) {
  if (!k->f->one_of) return OK;
  value choices;
  enum status st = literal(k, k->f->one_of, &choices);
  if (st != OK) return st;
  const struct list *l = value_array(choices);
  bool found = choices.tag != V_ARRAY;
  for (size_t i = 0; !found && i < l->count; i++)
    found = value_equal(v, l->items[i], k->e->program->syms);
  if (!found) {
    struct buf b = {.max = 400}, shown = {.max = 80};
    choices_text(k, choices, &b);
    value_to_s(v, k->e->program->syms, &shown);
    st = error_set(k->err, ERR_VALUE, "%s cannot be %s", name_of(k),
                   k->secret ? "what was given" : buf_str(&shown));
    error_help(k->err, "it is one of: %s", buf_str(&b));
    buf_release(&b);
    buf_release(&shown);
  }
  value_unref(choices);
  return st;
}

static enum status check_match(const struct checking *k, value v) {
  if (!k->f->match || !value_is_text(v)) return OK;
  value pattern;
  struct eval e = *k->e;
  e.err = k->err;
  struct call c = {.e = &e};
  bool found = true;
  size_t at;
  enum status st = literal(k, k->f->match, &pattern);
  if (st != OK) return st;
  if (pattern.tag == V_REGEXP) st = text_match(&c, v, pattern, &found, &at);
  if (st == OK && !found) {
    struct buf b = {.max = 200};
    value_inspect(pattern, e.program->syms, &b);
    st = wrong(k, v, k->f->form ? k->f->form : "of the declared form", NULL);
    if (!k->f->form) error_help(k->err, "it must match %s", buf_str(&b));
    buf_release(&b);
  }
  value_unref(pattern);
  return st;
}

enum status field_check(struct eval *e, const struct field *f, value in, bool from_text, value *out,
                        struct error *err) {
  struct checking k = {e, f, from_text, err, f->secret || in.tag == V_SECRET};
  value v;
  if (in.tag == V_NIL && f->optional) return *out = in, OK;
  if (from_text && in.tag == V_STRING && !utf8_valid(value_str(in)->s, value_str(in)->len)) {
    error_set(err, ERR_VALUE, "%s is not UTF-8 text", name_of(&k));
    error_help(err, "set the terminal to UTF-8, or convert it with iconv");
    return ERR_VALUE;
  }
  enum status st = check_type(&k, in, f->type, &v);
  if (st != OK) return st;
  value plain = secret_reveal(v);
  if (!value_has_unknown(plain)) {
    st = check_bound(&k, plain, f->min, true);
    if (st == OK) st = check_bound(&k, plain, f->max, false);
    if (st == OK) st = check_choice(&k, plain);
    if (st == OK) st = check_match(&k, plain);
  }
  if (st == OK) *out = f->secret ? value_secret(v) : v;
  else value_unref(v);
  return st;
}
