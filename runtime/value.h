/* Values of the runbook language: immutable, refcounted, 16 bytes.
 *
 * A `value` is passed by value. Functions that take values BORROW them and return OWNED ones unless
 * their comment says otherwise; value_ref / value_unref on immediates cost nothing. No cycles can
 * be made (values are immutable and blocks are not values), so counts are enough. */
#ifndef STEPWISE_VALUE_H
#define STEPWISE_VALUE_H

#include "../lang/buf.h"
#include "../lang/sym.h"

enum value_tag {
  V_NIL, V_BOOL, V_INT, V_FLOAT, V_DURATION, V_TIME, /* immediates; duration and time in microseconds */
  V_SYMBOL,                                          /* immediate: interned id of the interp's symtab */
  V_STRING, V_ARRAY, V_HASH, V_RANGE, V_REGEXP, V_RECORD, V_SECRET,
  V_UNKNOWN, /* plan only: a value that is not known before the run */
  V_TAGS
};

struct object {
  uint32_t refs;
};

typedef struct value {
  uint8_t tag;
  union {
    bool b;
    int64_t i; /* V_INT; V_DURATION and V_TIME: microseconds (time: since 1970 UTC) */
    double f;
    sym s;
    struct object *o;
  } u;
} value;

struct string {
  struct object head;
  uint32_t hash; /* 0 = not computed */
  size_t len;
  char s[]; /* NUL-terminated UTF-8 */
};

void value_destroy(value v); /* called by value_unref at zero */
static inline value value_ref(value v) {
  if (v.tag >= V_STRING && v.tag != V_UNKNOWN) v.u.o->refs++;
  return v;
}
static inline void value_unref(value v) {
  if (v.tag >= V_STRING && v.tag != V_UNKNOWN && --v.u.o->refs == 0) value_destroy(v);
}

#define VALUE_NIL ((value){.tag = V_NIL})
static inline value value_bool(bool b) { return (value){.tag = V_BOOL, .u.b = b}; }
static inline value value_int(int64_t i) { return (value){.tag = V_INT, .u.i = i}; }
static inline value value_float(double f) { return (value){.tag = V_FLOAT, .u.f = f}; }
static inline value value_duration(int64_t us) { return (value){.tag = V_DURATION, .u.i = us}; }
static inline value value_time(int64_t us) { return (value){.tag = V_TIME, .u.i = us}; }
static inline value value_symbol(sym s) { return (value){.tag = V_SYMBOL, .u.s = s}; }
static inline bool value_truthy(value v) { return !(v.tag == V_NIL || (v.tag == V_BOOL && !v.u.b)); }

value value_string(const char *s, size_t len) must_use;
value value_cstr(const char *s) must_use;
static inline struct string *value_str(value v) { return (struct string *)(void *)v.u.o; }

/* Arrays and hashes are built by a builder that owns what is pushed, then sealed into a value. */
struct list {
  struct object head;
  size_t count, cap;
  value *items;
};
struct list *list_new(size_t cap) must_use;
void list_push(struct list *l, value owned);
static inline value value_list(struct list *l) { return (value){.tag = V_ARRAY, .u.o = &l->head}; }
static inline struct list *value_array(value v) { return (struct list *)(void *)v.u.o; }

/* Insertion-ordered hash. Records are the same with symbol keys (ids in key.u.s). */
struct dict;
struct dict *dict_new(void) must_use;
void dict_set(struct dict *d, value owned_key, value owned_value); /* replaces; only before sealing */
bool dict_get(const struct dict *d, value key, value *borrowed);
size_t dict_count(const struct dict *d);
void dict_at(const struct dict *d, size_t i, value *borrowed_key, value *borrowed_value);
static inline value value_hash(struct dict *d) { return (value){.tag = V_HASH, .u.o = (struct object *)(void *)d}; }
static inline value value_record(struct dict *d) { return (value){.tag = V_RECORD, .u.o = (struct object *)(void *)d}; }
static inline struct dict *value_dict(value v) { return (struct dict *)(void *)v.u.o; }
bool record_get(value record, sym name, value *borrowed);

bool value_equal(value a, value b, const struct symtab *syms); /* == : 1 == 1.0; :a == "a" */
const char *value_type_name(value v);                          /* "string", "duration" ... */
/* Ruby's inspect where the type exists in Ruby. Secrets print as [secret]. Stops at depth 256. */
void value_inspect(value v, const struct symtab *syms, struct buf *out);
void value_to_s(value v, const struct symtab *syms, struct buf *out); /* what interpolation shows */

#endif
