/* Insertion-ordered hash table: entries in a row, and an index over them once there are many.
 *
 * Symbols and strings name the same key. At the top level that is found by probing a second time
 * under the other kind, and only in tables that hold the other kind, so a table of one kind pays
 * nothing for it and needs no symbol table. */
#include "value.h"

enum { LINEAR_MAX = 8, HAS_STRING = 1, HAS_SYMBOL = 2 };

struct entry {
  value key, value;
  uint32_t hash;
};

struct dict {
  struct object head;
  uint16_t depth;
  bool unknown;
  uint8_t kinds;   /* HAS_* of the keys */
  uint32_t inside; /* elements of the keys and values, at every level */
  size_t count, cap;
  struct entry *entries;
  uint32_t *index; /* entry number + 1, 0 = free; NULL while count <= LINEAR_MAX */
  uint32_t mask;
};

struct dict *dict_new(void) {
  struct dict *d = mem_zalloc(sizeof *d);
  d->head.refs = 1;
  d->depth = 1;
  return d;
}

void dict_free(struct dict *d) {
  for (size_t i = 0; i < d->count; i++) {
    value_unref(d->entries[i].key);
    value_unref(d->entries[i].value);
  }
  mem_free(d->entries);
  mem_free(d->index);
  mem_free(d);
}

size_t dict_count(const struct dict *d) {
  return d->count;
}
bool dict_unknown(const struct dict *d) {
  return d->unknown;
}
unsigned dict_depth(const struct dict *d) {
  return d->depth;
}
uint32_t dict_elements(const struct dict *d) {
  uint64_t n = (uint64_t)d->count + d->inside;
  return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

void dict_at(const struct dict *d, size_t i, value *key, value *val) {
  *key = d->entries[i].key;
  *val = d->entries[i].value;
}

/* A symbol key is hashed by its id: no table needed. Inside composite keys its text counts. */
static uint32_t key_hash(value key, const struct symtab *syms) {
  return value_key_hash(key, key.tag == V_SYMBOL ? NULL : syms);
}

static bool entry_is(const struct entry *e, uint32_t hash, value key, const struct symtab *syms) {
  return e->hash == hash && e->key.tag == key.tag && value_key_equal(e->key, key, syms);
}

static struct entry *probe(const struct dict *d, uint32_t hash, value key,
                           const struct symtab *syms) {
  if (!d->index) {
    for (size_t i = 0; i < d->count; i++)
      if (entry_is(&d->entries[i], hash, key, syms)) return &d->entries[i];
    return NULL;
  }
  for (uint32_t i = hash & d->mask; d->index[i]; i = (i + 1) & d->mask) {
    struct entry *e = &d->entries[d->index[i] - 1];
    if (entry_is(e, hash, key, syms)) return e;
  }
  return NULL;
}

/* The entry under the same text as the other kind of key. */
static struct entry *probe_other(const struct dict *d, value key, const struct symtab *syms) {
  if (key.tag == V_STRING && d->kinds & HAS_SYMBOL) {
    sym s = sym_find(syms, value_str(key)->s, value_str(key)->len);
    value as_symbol = value_symbol(s);
    return s ? probe(d, key_hash(as_symbol, syms), as_symbol, syms) : NULL;
  }
  if (key.tag == V_SYMBOL && d->kinds & HAS_STRING) {
    value as_string = value_string(sym_text(syms, key.u.s), sym_len(syms, key.u.s));
    struct entry *e = probe(d, key_hash(as_string, syms), as_string, syms);
    value_unref(as_string);
    return e;
  }
  return NULL;
}

static struct entry *find(const struct dict *d, uint32_t hash, value key,
                          const struct symtab *syms) {
  struct entry *e = probe(d, hash, key, syms);
  return e || !syms ? e : probe_other(d, key, syms);
}

bool dict_find(const struct dict *d, const struct symtab *syms, value key, value *borrowed) {
  if (!d->count) return false;
  struct entry *e = find(d, key_hash(key, syms), key, syms);
  if (e) *borrowed = e->value;
  return e != NULL;
}

bool dict_get(const struct dict *d, value key, value *borrowed) {
  return dict_find(d, NULL, key, borrowed);
}

bool record_get(value record, sym name, value *borrowed) {
  return dict_get(value_dict(record), value_symbol(name), borrowed);
}

static void index_add(struct dict *d, uint32_t hash, size_t entry) {
  uint32_t i = hash & d->mask;
  while (d->index[i])
    i = (i + 1) & d->mask;
  d->index[i] = (uint32_t)entry + 1;
}

/* Keeps the index at most half full. */
static void index_grow(struct dict *d) {
  if (d->count <= LINEAR_MAX || (d->index && d->count * 2 <= d->mask)) return;
  uint32_t size = 32;
  while (size < d->count * 4)
    size *= 2;
  mem_free(d->index);
  d->index = mem_array(size, sizeof *d->index);
  d->mask = size - 1;
  for (size_t i = 0; i < d->count; i++)
    index_add(d, d->entries[i].hash, i);
}

static void note_shape(struct dict *d, value v) {
  if (v.tag < V_ARRAY) return;
  unsigned depth = value_depth(v) + 1;
  if (depth > d->depth) d->depth = (uint16_t)(depth > UINT16_MAX ? UINT16_MAX : depth);
  if (value_has_unknown(v)) d->unknown = true;
  if (__builtin_add_overflow(d->inside, value_elements(v), &d->inside)) d->inside = UINT32_MAX;
}

void dict_put(struct dict *d, const struct symtab *syms, value key, value val) {
  uint32_t hash = key_hash(key, syms);
  note_shape(d, val);
  struct entry *e = find(d, hash, key, syms);
  if (e) {
    if (d->inside != UINT32_MAX) d->inside -= value_elements(e->value);
    value_unref(e->value);
    value_unref(key);
    e->value = val;
    return;
  }
  note_shape(d, key);
  d->entries = mem_grow(d->entries, d->count, &d->cap, sizeof *d->entries);
  d->entries[d->count++] = (struct entry){key, val, hash};
  d->kinds |= key.tag == V_STRING ? HAS_STRING : key.tag == V_SYMBOL ? HAS_SYMBOL : 0;
  if (d->index && d->count * 2 <= d->mask) index_add(d, hash, d->count - 1);
  else index_grow(d);
}

void dict_set(struct dict *d, value key, value val) {
  dict_put(d, NULL, key, val);
}
