/* Types by number: built-ins from type.def, composites interned so that equal types have equal ids.
 */
#include "types.h"

struct entry {
  enum type_kind kind;
  uint32_t hash, next; /* next in its bucket: entry index + 1 */
  type_id inner;
  uint32_t depth; /* of types within types */
  size_t count;
  const struct record_field *fields;
  const sym *values;
};

/* Deeper types are not kept apart: `a = [a]` a million times over must stay cheap. */
enum { TYPE_DEPTH = 16 };

struct types {
  struct arena arena;
  struct entry *entries; /* type_id - TYPE_COUNT */
  size_t count, cap;
  uint32_t *buckets; /* entry index + 1; bucket_count is a power of two */
  size_t bucket_count;
};

static const struct {
  const char *text;
  size_t len;
} names[TYPE_COUNT] = {
#define TYPE(id, text) {text, sizeof text - 1},
#include "type.def"
#undef TYPE
};

struct types *types_new(void) {
  return mem_zalloc(sizeof(struct types));
}

void types_free(struct types *t) {
  if (!t) return;
  arena_release(&t->arena);
  mem_free(t->entries);
  mem_free(t->buckets);
  mem_free(t);
}

static int name_index(const char *s, size_t len) {
  for (int i = 0; i < TYPE_COUNT; i++)
    if (names[i].len == len && memcmp(names[i].text, s, len) == 0) return i;
  return -1;
}

type_id type_named(const char *s, size_t len) {
  int i = name_index(s, len);
  return i < 0 ? T_any : (type_id)i;
}

bool type_known(const char *s, size_t len) {
  return name_index(s, len) >= 0;
}

const char *type_name(type_id plain) {
  return plain < TYPE_COUNT ? names[plain].text : "any";
}

static const struct entry *entry_of(const struct types *t, type_id id) {
  return id < TYPE_COUNT ? NULL : &t->entries[id - TYPE_COUNT];
}

static uint32_t depth_of(const struct types *t, type_id id) {
  const struct entry *e = entry_of(t, id);
  return e ? e->depth : 0;
}

static uint32_t mix(uint32_t h, uint32_t v) {
  return (h ^ v) * 16777619u;
}

static uint32_t entry_hash(const struct entry *e) {
  uint32_t h = mix(mix(2166136261u, e->kind), e->inner);
  for (size_t i = 0; e->fields && i < e->count; i++)
    h = mix(mix(h, e->fields[i].name), e->fields[i].type);
  for (size_t i = 0; e->values && i < e->count; i++)
    h = mix(h, e->values[i]);
  return h ^ h >> 15;
}

static bool entry_equal(const struct entry *a, const struct entry *b) {
  if (a->hash != b->hash || a->kind != b->kind || a->inner != b->inner || a->count != b->count)
    return false;
  for (size_t i = 0; a->fields && i < a->count; i++)
    if (a->fields[i].name != b->fields[i].name || a->fields[i].type != b->fields[i].type)
      return false;
  return !a->values || memcmp(a->values, b->values, a->count * sizeof *a->values) == 0;
}

static void buckets_grow(struct types *t) {
  t->bucket_count = t->bucket_count ? 2 * t->bucket_count : 64;
  mem_free(t->buckets);
  t->buckets = mem_array(t->bucket_count, sizeof *t->buckets);
  for (size_t i = 0; i < t->count; i++) {
    uint32_t *bucket = &t->buckets[t->entries[i].hash & (t->bucket_count - 1)];
    t->entries[i].next = *bucket;
    *bucket = (uint32_t)i + 1;
  }
}

/* Fields and values of e are borrowed, and copied when the type is new. */
static type_id entry_intern(struct types *t, struct entry e) {
  e.hash = entry_hash(&e);
  if (t->count >= t->bucket_count) buckets_grow(t);
  uint32_t *bucket = &t->buckets[e.hash & (t->bucket_count - 1)];
  for (uint32_t i = *bucket; i; i = t->entries[i - 1].next)
    if (entry_equal(&t->entries[i - 1], &e)) return TYPE_COUNT + i - 1;
  if (e.fields) e.fields = (const void *)arena_dup(&t->arena, e.fields, e.count * sizeof *e.fields);
  if (e.values) e.values = (const void *)arena_dup(&t->arena, e.values, e.count * sizeof *e.values);
  t->entries = mem_grow(t->entries, t->count, &t->cap, sizeof *t->entries);
  e.next = *bucket;
  t->entries[t->count++] = e;
  *bucket = (uint32_t)t->count;
  return TYPE_COUNT + (type_id)t->count - 1;
}

type_id type_array_of(struct types *t, type_id element) {
  uint32_t depth = depth_of(t, element) + 1;
  if (element == T_any || depth > TYPE_DEPTH) return T_array;
  return entry_intern(t, (struct entry){.kind = TYPE_ARRAY, .inner = element, .depth = depth});
}

type_id type_hash_of(struct types *t, type_id value) {
  uint32_t depth = depth_of(t, value) + 1;
  if (value == T_any || depth > TYPE_DEPTH) return T_hash;
  return entry_intern(t, (struct entry){.kind = TYPE_HASH, .inner = value, .depth = depth});
}

type_id type_optional(struct types *t, type_id inner) {
  if (inner == T_any || inner == T_nil || type_kind(t, inner) == TYPE_OPTIONAL) return inner;
  struct entry e = {.kind = TYPE_OPTIONAL, .inner = inner, .depth = depth_of(t, inner)};
  return entry_intern(t, e);
}

type_id type_record(struct types *t, const struct record_field *fields, size_t count) {
  static const struct record_field none;
  struct entry e = {.kind = TYPE_RECORD, .count = count, .fields = count ? fields : &none};
  for (size_t i = 0; i < count; i++)
    if (e.depth < depth_of(t, fields[i].type)) e.depth = depth_of(t, fields[i].type);
  if (++e.depth > TYPE_DEPTH) return T_record;
  return entry_intern(t, e);
}

type_id type_enum(struct types *t, type_id base, const sym *values, size_t count) {
  if (!count) return base;
  return entry_intern(
      t, (struct entry){.kind = TYPE_ENUM, .inner = base, .count = count, .values = values});
}

enum type_kind type_kind(const struct types *t, type_id id) {
  const struct entry *e = entry_of(t, id);
  return e ? e->kind : TYPE_PLAIN;
}

type_id type_inner(const struct types *t, type_id id) {
  const struct entry *e = entry_of(t, id);
  return e ? e->inner : T_any;
}

const struct record_field *type_fields(const struct types *t, type_id id, size_t *count) {
  const struct entry *e = entry_of(t, type_present(t, id));
  bool record = e && e->kind == TYPE_RECORD;
  *count = record ? e->count : 0;
  return record ? e->fields : NULL;
}

const sym *type_values(const struct types *t, type_id id, size_t *count) {
  const struct entry *e = entry_of(t, type_present(t, id));
  bool list = e && e->kind == TYPE_ENUM;
  *count = list ? e->count : 0;
  return list ? e->values : NULL;
}

bool type_field(const struct types *t, type_id record, sym name, type_id *out) {
  size_t n;
  const struct record_field *f = type_fields(t, record, &n);
  for (size_t i = 0; i < n; i++)
    if (f[i].name == name) return *out = f[i].type, true;
  return false;
}

type_id type_present(const struct types *t, type_id id) {
  const struct entry *e = entry_of(t, id);
  return e && e->kind == TYPE_OPTIONAL ? e->inner : id;
}

type_id type_element(const struct types *t, type_id array) {
  array = type_present(t, array);
  return type_kind(t, array) == TYPE_ARRAY ? type_inner(t, array) : T_any;
}

type_id type_base(const struct types *t, type_id id) {
  static const uint8_t base[TYPE_COUNT] = {
      [T_any] = T_any,         [T_nil] = T_nil,       [T_boolean] = T_boolean,
      [T_integer] = T_integer, [T_float] = T_float,   [T_number] = T_number,
      [T_string] = T_string,   [T_symbol] = T_symbol, [T_array] = T_array,
      [T_hash] = T_hash,       [T_range] = T_range,   [T_duration] = T_duration,
      [T_time] = T_time,       [T_date] = T_time,     [T_regexp] = T_regexp,
      [T_record] = T_record,   [T_secret] = T_secret, [T_phone] = T_string,
      [T_email] = T_string,    [T_url] = T_string,    [T_path] = T_string,
  };
  id = type_present(t, id);
  const struct entry *e = entry_of(t, id);
  if (!e) return base[id];
  if (e->kind == TYPE_ARRAY) return T_array;
  if (e->kind == TYPE_HASH) return T_hash;
  return e->kind == TYPE_RECORD ? T_record : e->inner;
}

static bool is_text(type_id base) {
  return base == T_string || base == T_symbol;
}

/* Both are present, not any, and not equal. */
static bool base_fits(type_id have, type_id want) {
  bool numbers = have == T_integer || have == T_float || have == T_number;
  if (want == T_number) return numbers;
  if (want == T_float || want == T_integer)
    return have == T_number || (have == T_integer && want == T_float);
  if (want == T_record || want == T_hash) return have == T_record || have == T_hash;
  if (is_text(want)) return is_text(have) || have == T_secret;
  if (want == T_secret) return is_text(have);
  return have == want;
}

/* Values known to be disjoint do not fit; otherwise the run-time check decides. */
static bool enum_fits(const struct types *t, type_id have, type_id want) {
  size_t n, m;
  const sym *a = type_values(t, have, &n), *b = type_values(t, want, &m);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++)
      if (a[i] == b[j]) return true;
  return !n || !m;
}

static bool record_fits(const struct types *t, type_id have, type_id want) {
  size_t n, m;
  type_id found;
  const struct record_field *wanted = type_fields(t, want, &n);
  if (!type_fields(t, have, &m)) return true;
  for (size_t i = 0; i < n; i++) {
    bool has = type_field(t, have, wanted[i].name, &found);
    if (has ? !type_fits(t, found, wanted[i].type)
            : type_kind(t, wanted[i].type) != TYPE_OPTIONAL && wanted[i].type != T_any)
      return false;
  }
  return true;
}

static bool is_shaped(type_id id) {
  return id == T_phone || id == T_email || id == T_url || id == T_path;
}

bool type_fits(const struct types *t, type_id have, type_id want) {
  if (have == want || have == T_any || want == T_any) return true;
  if (have == T_nil) return type_kind(t, want) == TYPE_OPTIONAL;
  have = type_present(t, have), want = type_present(t, want);
  if (have == want || have == T_any || want == T_any) return true;
  if (is_shaped(have) && is_shaped(want)) return false;
  if (want == T_date) return have == T_date;
  if (!base_fits(type_base(t, have), type_base(t, want))) return false;
  switch (type_kind(t, want)) {
  case TYPE_ARRAY:
    return type_fits(t, type_element(t, have), type_inner(t, want));
  case TYPE_RECORD:
    return record_fits(t, have, want);
  case TYPE_ENUM:
    return enum_fits(t, have, want);
  default:
    return true;
  }
}

static type_id join_present(struct types *t, type_id a, type_id b) {
  type_id x = type_base(t, a), y = type_base(t, b);
  bool numbers = base_fits(x, T_number) || x == T_number;
  if (numbers && (base_fits(y, T_number) || y == T_number)) return x == y ? x : T_number;
  if (x != y) return T_any;
  if (x == T_array) return type_array_of(t, type_join(t, type_element(t, a), type_element(t, b)));
  return x;
}

type_id type_join(struct types *t, type_id a, type_id b) {
  if (a == b) return a;
  if (a == T_any || b == T_any) return T_any;
  if (a == T_nil) return type_optional(t, b);
  if (b == T_nil) return type_optional(t, a);
  type_id x = type_present(t, a), y = type_present(t, b);
  type_id joined = x == y ? x : join_present(t, x, y);
  return x == a && y == b ? joined : type_optional(t, joined);
}

static void text_add(const struct types *t, const struct symtab *syms, type_id id,
                     struct buf *out) {
  enum { SHOWN = 6 };
  const struct entry *e = entry_of(t, id);
  if (!e) {
    buf_adds(out, names[id].text);
    return;
  }
  switch (e->kind) {
  case TYPE_ARRAY:
    buf_adds(out, "array of ");
    break;
  case TYPE_HASH:
    buf_adds(out, "hash of ");
    break;
  case TYPE_RECORD:
    buf_adds(out, "record with ");
    break;
  case TYPE_ENUM:
    buf_adds(out, "one of ");
    break;
  default:
    break;
  }
  if (e->kind != TYPE_ENUM && e->kind != TYPE_RECORD) {
    bool record = type_kind(t, e->inner) == TYPE_RECORD && e->kind != TYPE_OPTIONAL;
    if (record) buf_adds(out, "records");
    else text_add(t, syms, e->inner, out);
  }
  if (e->kind == TYPE_OPTIONAL) buf_adds(out, " or nil");
  for (size_t i = 0; (e->fields || e->values) && i < e->count && i < SHOWN; i++) {
    const char *quote = e->values ? e->inner == T_symbol ? ":" : "\"" : "";
    buf_addf(out, "%s%s%s%s", i ? ", " : "", quote,
             sym_text(syms, e->fields ? e->fields[i].name : e->values[i]),
             *quote == '"' ? quote : "");
  }
  if (e->count > SHOWN) buf_adds(out, ", ...");
  if (e->kind == TYPE_RECORD && !e->count) buf_adds(out, "no fields");
}

const char *type_text(const struct types *t, const struct symtab *syms, type_id id,
                      struct buf *scratch) {
  buf_clear(scratch);
  text_add(t, syms, id, scratch);
  return scratch->data;
}

struct reader {
  struct types *types;
  struct symtab *syms;
  const char *at, *end;
  unsigned depth;
};

static bool read_type(struct reader *r, type_id *out);

static void read_space(struct reader *r) {
  while (r->at < r->end && *r->at == ' ')
    r->at++;
}

static bool read_char(struct reader *r, char c) {
  read_space(r);
  if (r->at == r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static size_t read_word(struct reader *r, const char **word) {
  read_space(r);
  *word = r->at;
  while (r->at < r->end &&
         (*r->at == '_' || (*r->at >= 'a' && *r->at <= 'z') || (*r->at >= '0' && *r->at <= '9')))
    r->at++;
  return (size_t)(r->at - *word);
}

static bool read_record(struct reader *r, type_id *out) {
  enum { FIELDS = 64 };
  struct record_field fields[FIELDS];
  size_t n = 0;
  while (!read_char(r, '}')) {
    const char *word;
    if (n == FIELDS || (n && !read_char(r, ','))) return false;
    size_t len = read_word(r, &word);
    if (!len || !read_char(r, ':') || !read_type(r, &fields[n].type)) return false;
    fields[n++].name = sym_intern(r->syms, word, len);
  }
  *out = type_record(r->types, fields, n);
  return true;
}

static bool read_type(struct reader *r, type_id *out) {
  const char *word;
  if (r->depth++ > 16) return false;
  if (read_char(r, '[')) {
    if (!read_type(r, out) || !read_char(r, ']')) return false;
    *out = type_array_of(r->types, *out);
  } else if (read_char(r, '{')) {
    if (!read_record(r, out)) return false;
  } else {
    size_t len = read_word(r, &word);
    if (!type_known(word, len)) return false;
    *out = type_named(word, len);
  }
  if (r->at < r->end && *r->at == '?') r->at++, *out = type_optional(r->types, *out);
  r->depth--;
  return true;
}

bool type_parse(struct types *t, struct symtab *syms, const char *s, size_t len, type_id *out) {
  struct reader r = {t, syms, s, s + len, 0};
  if (!read_type(&r, out)) return false;
  read_space(&r);
  return r.at == r.end;
}
