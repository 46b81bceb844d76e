/* Values: making, freeing and comparing them. Each type's methods live in its own file. */
#include "value.h"

#include <math.h>

#include "regex.h"
#include "../lang/limits.h"

static const char *const type_names[V_TAGS] = {
    [V_NIL] = "nil",       [V_BOOL] = "boolean",      [V_INT] = "integer",
    [V_FLOAT] = "float",   [V_DURATION] = "duration", [V_TIME] = "time",
    [V_SYMBOL] = "symbol", [V_STRING] = "string",     [V_ARRAY] = "array",
    [V_HASH] = "hash",     [V_RANGE] = "range",       [V_REGEXP] = "regexp",
    [V_RECORD] = "record", [V_SECRET] = "secret",     [V_UNKNOWN] = "unknown",
};

const char *value_type_name(value v) {
  return type_names[v.tag];
}

/* -- making and freeing -- */

struct string *string_new(size_t len) {
  struct string *s = mem_alloc(sizeof *s + len + 1);
  s->head.refs = 1;
  s->hash = 0;
  s->len = len;
  s->s[len] = '\0';
  return s;
}

value value_string(const char *text, size_t len) {
  struct string *s = string_new(len);
  if (len) memcpy(s->s, text, len);
  return (value){.tag = V_STRING, .u.o = &s->head};
}

value value_cstr(const char *s) {
  return value_string(s, strlen(s));
}

struct list *list_new(size_t cap) {
  struct list *l = mem_zalloc(sizeof *l);
  l->head.refs = 1;
  l->depth = 1;
  l->cap = cap;
  if (cap) l->items = mem_alloc(cap * sizeof *l->items);
  return l;
}

void list_push(struct list *l, value owned) {
  l->items = mem_grow(l->items, l->count, &l->cap, sizeof *l->items);
  l->items[l->count++] = owned;
  if (owned.tag < V_ARRAY) return;
  unsigned depth = value_depth(owned) + 1;
  if (depth > l->depth) l->depth = (uint16_t)(depth > UINT16_MAX ? UINT16_MAX : depth);
  if (value_has_unknown(owned)) l->unknown = true;
  if (__builtin_add_overflow(l->inside, value_elements(owned), &l->inside)) l->inside = UINT32_MAX;
}

static void list_free(struct list *l) {
  for (size_t i = 0; i < l->count; i++)
    value_unref(l->items[i]);
  mem_free(l->items);
  mem_free(l);
}

value value_range(value lo, value hi, bool exclusive) {
  struct range *r = mem_alloc(sizeof *r);
  *r = (struct range){{1}, exclusive, lo, hi};
  return (value){.tag = V_RANGE, .u.o = &r->head};
}

static void range_free(struct range *r) {
  value_unref(r->lo);
  value_unref(r->hi);
  mem_free(r);
}

struct secret {
  struct object head;
  value inner;
};

value value_secret(value inner) {
  if (inner.tag == V_SECRET) return inner;
  struct secret *s = mem_alloc(sizeof *s);
  *s = (struct secret){{1}, inner};
  return (value){.tag = V_SECRET, .u.o = &s->head};
}

value secret_reveal(value v) {
  return v.tag == V_SECRET ? ((struct secret *)(void *)v.u.o)->inner : v;
}

/* A secret's text does not stay in freed memory. */
static void secret_free(struct secret *s) {
  if (s->inner.tag == V_STRING && s->inner.u.o->refs == 1) {
    struct string *text = value_str(s->inner);
    explicit_bzero(text->s, text->len);
  }
  value_unref(s->inner);
  mem_free(s);
}

/* Recursion is bounded: no value nests deeper than LIMIT_NESTING. */
void value_destroy(value v) {
  switch (v.tag) {
  case V_ARRAY:
    list_free(value_array(v));
    break;
  case V_HASH:
  case V_RECORD:
    dict_free(value_dict(v));
    break;
  case V_RANGE:
    range_free(value_rng(v));
    break;
  case V_REGEXP:
    regex_free(value_regex(v));
    break;
  case V_SECRET:
    secret_free((struct secret *)(void *)v.u.o);
    break;
  default:
    mem_free(v.u.o);
    break;
  }
}

/* -- shape -- */

bool value_has_unknown(value v) {
  switch (v.tag) {
  case V_UNKNOWN:
    return true;
  case V_ARRAY:
    return value_array(v)->unknown;
  case V_HASH:
  case V_RECORD:
    return dict_unknown(value_dict(v));
  case V_RANGE:
    return value_rng(v)->lo.tag == V_UNKNOWN || value_rng(v)->hi.tag == V_UNKNOWN;
  case V_SECRET:
    return secret_reveal(v).tag == V_UNKNOWN;
  default:
    return false;
  }
}

unsigned value_depth(value v) {
  switch (v.tag) {
  case V_ARRAY:
    return value_array(v)->depth;
  case V_HASH:
  case V_RECORD:
    return dict_depth(value_dict(v));
  case V_RANGE:
  case V_SECRET:
    return 1;
  default:
    return 0;
  }
}

uint32_t value_elements(value v) {
  uint64_t n = 0;
  if (v.tag == V_ARRAY) n = (uint64_t)value_array(v)->count + value_array(v)->inside;
  if (v.tag == V_HASH || v.tag == V_RECORD) n = dict_elements(value_dict(v));
  return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

enum status value_sane(value v, struct error *err) {
  if (v.tag < V_ARRAY) return OK;
  if (value_depth(v) > LIMIT_NESTING)
    return error_set(err, ERR_LIMIT, "a value nested deeper than %d", LIMIT_NESTING);
  if (value_elements(v) > LIMIT_ELEMENTS)
    return error_set(err, ERR_LIMIT, "a value of more than %d elements in all", LIMIT_ELEMENTS);
  return OK;
}

bool value_is_text(value v) {
  return v.tag == V_STRING || v.tag == V_SYMBOL;
}

struct text value_text(value v, const struct symtab *syms) {
  if (v.tag == V_STRING) return (struct text){value_str(v)->s, value_str(v)->len};
  return (struct text){sym_text(syms, v.u.s), sym_len(syms, v.u.s)};
}

/* -- equality -- */

static bool text_equal(value a, value b, const struct symtab *syms) {
  if (a.tag == V_SYMBOL && b.tag == V_SYMBOL) return a.u.s == b.u.s;
  if (!syms && a.tag != b.tag) return false;
  struct text x = value_text(a, syms), y = value_text(b, syms);
  return x.len == y.len && (x.s == y.s || memcmp(x.s, y.s, x.len) == 0);
}

/* Takes as long for a wrong first byte as for a wrong last one. */
static bool secret_equal(value a, value b, const struct symtab *syms) {
  a = secret_reveal(a), b = secret_reveal(b);
  if (!value_is_text(a) || !value_is_text(b) || (!syms && a.tag != b.tag))
    return value_equal(a, b, syms);
  struct text x = value_text(a, syms), y = value_text(b, syms);
  unsigned char differ = x.len != y.len;
  for (size_t i = 0; i < x.len; i++)
    differ |= (unsigned char)(x.s[i] ^ y.s[y.len ? i % y.len : 0]);
  return differ == 0;
}

typedef bool equal_fn(value a, value b, const struct symtab *syms);

static bool list_equal(const struct list *a, const struct list *b, const struct symtab *syms,
                       equal_fn *equal) {
  if (a == b) return true;
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++)
    if (!equal(a->items[i], b->items[i], syms)) return false;
  return true;
}

static bool dict_equal(const struct dict *a, const struct dict *b, const struct symtab *syms,
                       equal_fn *equal) {
  if (a == b) return true;
  if (dict_count(a) != dict_count(b)) return false;
  for (size_t i = 0; i < dict_count(a); i++) {
    value k, x, y;
    dict_at(a, i, &k, &x);
    if (!dict_find(b, syms, k, &y) || !equal(x, y, syms)) return false;
  }
  return true;
}

static bool range_equal(const struct range *a, const struct range *b, const struct symtab *syms,
                        equal_fn *equal) {
  return a->exclusive == b->exclusive && equal(a->lo, b->lo, syms) && equal(a->hi, b->hi, syms);
}

static bool same_tag_equal(value a, value b, const struct symtab *syms, equal_fn *equal) {
  switch (a.tag) {
  case V_NIL:
    return true;
  case V_BOOL:
    return a.u.b == b.u.b;
  case V_INT:
  case V_DURATION:
  case V_TIME:
    return a.u.i == b.u.i;
  case V_FLOAT:
    return a.u.f == b.u.f;
  case V_ARRAY:
    return list_equal(value_array(a), value_array(b), syms, equal);
  case V_HASH:
  case V_RECORD:
    return dict_equal(value_dict(a), value_dict(b), syms, equal);
  case V_RANGE:
    return range_equal(value_rng(a), value_rng(b), syms, equal);
  case V_REGEXP:
    return regex_equal(value_regex(a), value_regex(b));
  default:
    return false;
  }
}

bool value_equal(value a, value b, const struct symtab *syms) {
  if (value_is_text(a) && value_is_text(b)) return text_equal(a, b, syms);
  if (a.tag == V_SECRET || b.tag == V_SECRET) return secret_equal(a, b, syms);
  if (a.tag == V_INT && b.tag == V_FLOAT) return number_compare(a, b) == 0;
  if (a.tag == V_FLOAT && b.tag == V_INT) return number_compare(a, b) == 0;
  return a.tag == b.tag && same_tag_equal(a, b, syms, value_equal);
}

bool value_key_equal(value a, value b, const struct symtab *syms) {
  if (value_is_text(a) && value_is_text(b)) return text_equal(a, b, syms);
  if (a.tag != b.tag) return false;
  if (a.tag == V_SECRET) return secret_equal(a, b, syms);
  if (a.tag == V_FLOAT && isnan(a.u.f) && isnan(b.u.f)) return true;
  return same_tag_equal(a, b, syms, value_key_equal);
}

/* -- hashing -- */

static uint32_t hash_bytes(const char *s, size_t len) {
  uint64_t h = 0x9E3779B97F4A7C15u ^ len;
  for (; len >= 8; s += 8, len -= 8) {
    uint64_t w;
    memcpy(&w, s, 8);
    h = (h ^ w) * 0xBF58476D1CE4E5B9u;
    h ^= h >> 29;
  }
  uint64_t tail = 0;
  memcpy(&tail, s, len);
  h = (h ^ tail) * 0x94D049BB133111EBu;
  h ^= h >> 32;
  return (uint32_t)h ? (uint32_t)h : 1;
}

static uint32_t hash_mix(uint32_t h, uint32_t more) {
  return (h ^ more) * 0x85EBCA6Bu + (h >> 13) + 0x27D4EB2Fu;
}

static uint32_t hash_dict(const struct dict *d, const struct symtab *syms) {
  uint32_t h = (uint32_t)dict_count(d);
  for (size_t i = 0; i < dict_count(d); i++) { /* order does not matter to == */
    value k, v;
    dict_at(d, i, &k, &v);
    h += hash_mix(value_key_hash(k, syms), value_key_hash(v, syms));
  }
  return h;
}

static uint32_t hash_list(const struct list *l, const struct symtab *syms) {
  uint32_t h = (uint32_t)l->count + 7;
  for (size_t i = 0; i < l->count; i++)
    h = hash_mix(h, value_key_hash(l->items[i], syms));
  return h;
}

uint32_t value_key_hash(value v, const struct symtab *syms) {
  switch (v.tag) {
  case V_STRING: {
    struct string *s = value_str(v);
    if (!s->hash) s->hash = hash_bytes(s->s, s->len);
    return s->hash;
  }
  case V_SYMBOL:
    if (!syms) return hash_mix(v.u.s, 1);
    return hash_bytes(sym_text(syms, v.u.s), sym_len(syms, v.u.s));
  case V_ARRAY:
    return hash_list(value_array(v), syms);
  case V_HASH:
  case V_RECORD:
    return hash_dict(value_dict(v), syms);
  case V_RANGE:
    return hash_mix(value_key_hash(value_rng(v)->lo, syms), value_key_hash(value_rng(v)->hi, syms));
  case V_REGEXP:
    return regex_hash(value_regex(v));
  case V_SECRET:
    return value_key_hash(secret_reveal(v), syms);
  case V_FLOAT: {
    double f = v.u.f == 0 ? 0 : v.u.f; /* 0.0 and -0.0 are equal keys */
    return hash_bytes((const char *)&f, sizeof f);
  }
  case V_NIL:
    return 3;
  case V_BOOL:
    return v.u.b ? 5 : 4;
  default:
    return hash_mix(hash_bytes((const char *)&v.u.i, sizeof v.u.i), v.tag);
  }
}

static bool any_secret(value v, bool lost) {
  if (v.tag == V_SECRET) return !lost || secret_reveal(v).tag == V_NIL;
  if (v.tag == V_ARRAY) {
    for (size_t i = 0; i < value_array(v)->count; i++)
      if (any_secret(value_array(v)->items[i], lost)) return true;
  } else if (v.tag == V_HASH || v.tag == V_RECORD) {
    for (size_t i = 0; i < dict_count(value_dict(v)); i++) {
      value key, member;
      dict_at(value_dict(v), i, &key, &member);
      if (any_secret(member, lost)) return true;
    }
  }
  return false;
}

bool value_has_secret(value v) {
  return any_secret(v, false);
}

bool value_lost_secret(value v) {
  return any_secret(v, true);
}
