/* Values of the runbook language: immutable, refcounted, 16 bytes.
 *
 * A `value` is passed by value. Functions that take values BORROW them and return OWNED ones unless
 * their comment says otherwise; value_ref / value_unref on immediates cost nothing. No cycles can
 * be made (values are immutable and blocks are not values), so counts are enough. */
#ifndef STEPWISE_VALUE_H
#define STEPWISE_VALUE_H

#include "../lang/ast.h"

enum value_tag {
  V_NIL,
  V_BOOL,
  V_INT,
  V_FLOAT,
  V_DURATION,
  V_TIME,   /* immediates; duration and time in microseconds */
  V_SYMBOL, /* immediate: interned id of the interp's symtab */
  V_STRING,
  V_ARRAY,
  V_HASH,
  V_RANGE,
  V_REGEXP,
  V_RECORD,
  V_SECRET,
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
static inline value value_bool(bool b) {
  return (value){.tag = V_BOOL, .u.b = b};
}
static inline value value_int(int64_t i) {
  return (value){.tag = V_INT, .u.i = i};
}
static inline value value_float(double f) {
  return (value){.tag = V_FLOAT, .u.f = f};
}
static inline value value_duration(int64_t us) {
  return (value){.tag = V_DURATION, .u.i = us};
}
static inline value value_time(int64_t us) {
  return (value){.tag = V_TIME, .u.i = us};
}
static inline value value_symbol(sym s) {
  return (value){.tag = V_SYMBOL, .u.s = s};
}
static inline bool value_truthy(value v) {
  return !(v.tag == V_NIL || (v.tag == V_BOOL && !v.u.b));
}

struct string *string_new(size_t len) must_use; /* to be filled by the caller; NUL is in place */
value value_string(const char *s, size_t len) must_use;
value value_cstr(const char *s) must_use;
static inline struct string *value_str(value v) {
  return (struct string *)(void *)v.u.o;
}

/* Arrays and hashes are built by a builder that owns what is pushed, then sealed into a value.
 * Both know how deep they nest (1 = only scalars inside), how much is inside in all, and whether an
 * unknown value is among it. */
struct list {
  struct object head;
  uint16_t depth;
  bool unknown;
  uint32_t inside; /* elements of the elements, at every level */
  size_t count, cap;
  value *items;
};
struct list *list_new(size_t cap) must_use;
void list_push(struct list *l, value owned);
static inline value value_list(struct list *l) {
  return (value){.tag = V_ARRAY, .u.o = &l->head};
}
static inline struct list *value_array(value v) {
  return (struct list *)(void *)v.u.o;
}

/* Insertion-ordered hash. Records are the same with symbol keys (ids in key.u.s). */
struct dict;
struct dict *dict_new(void) must_use;
void dict_set(struct dict *d, value owned_key,
              value owned_value); /* replaces; only before sealing */
bool dict_get(const struct dict *d, value key, value *borrowed);
size_t dict_count(const struct dict *d);
void dict_at(const struct dict *d, size_t i, value *borrowed_key, value *borrowed_value);
static inline value value_hash(struct dict *d) {
  return (value){.tag = V_HASH, .u.o = (struct object *)(void *)d};
}
static inline value value_record(struct dict *d) {
  return (value){.tag = V_RECORD, .u.o = (struct object *)(void *)d};
}
static inline struct dict *value_dict(value v) {
  return (struct dict *)(void *)v.u.o;
}
bool record_get(value record, sym name, value *borrowed);
/* The same two with a symbol table, so that :a and "a" are one key. Code that uses one kind of key
 * throughout needs only dict_set and dict_get. */
void dict_put(struct dict *d, const struct symtab *syms, value owned_key, value owned_value);
bool dict_find(const struct dict *d, const struct symtab *syms, value key, value *borrowed);
void dict_free(struct dict *d); /* of a dict that was not made a value */
bool dict_unknown(const struct dict *d);
unsigned dict_depth(const struct dict *d);
uint32_t dict_elements(const struct dict *d);

/* Ranges: a..b or a...b, nil for an open end. Lazy: never holds its elements. */
struct range {
  struct object head;
  bool exclusive;
  value lo, hi; /* owned */
};
/* Whether a range may run from lo to hi: ends are scalars of one order, so that ranges do not nest.
 */
bool range_fits(value lo, value hi, const struct symtab *syms);
value value_range(value owned_lo, value owned_hi, bool exclusive) must_use; /* of ends that fit */
static inline struct range *value_rng(value v) {
  return (struct range *)(void *)v.u.o;
}

/* A compiled regexp; flags are RE_* of lang/ast.h. ERR_VALUE with the reason and its place in the
 * pattern when it does not compile. */
enum status value_regexp(const char *source, size_t len, unsigned flags, value *out,
                         struct error *err) must_use;

/* A secret prints as [secret] everywhere. The value inside is for drivers' primitives only. */
value value_secret(value owned_inner) must_use;
value secret_reveal(value secret); /* borrowed; other values come back as they are */
bool value_has_secret(value v);    /* is one, or holds one */
bool value_lost_secret(value v);   /* one whose text the journal does not have */

/* The same value for another program: its symbols are of that one's table. */
value value_into(value v, const struct symtab *from, struct symtab *to) must_use;

static inline value value_unknown(void) {
  return (value){.tag = V_UNKNOWN};
}
bool value_has_unknown(value v); /* is unknown, or holds something unknown */
unsigned value_depth(value v);   /* 0 for scalars */
/* How many elements there are in all, each counted as often as it is met: what a walk costs. Stops
 * at UINT32_MAX. */
uint32_t value_elements(value v);
/* ERR_LIMIT when v nests too deep or holds too much in all. Checked wherever a collection is made
 * by an expression, so that every walk over a value ends. */
enum status value_sane(value v, struct error *err) must_use;
int number_compare(value a, value b); /* integers and floats, exactly; 2 when either is NaN */
bool value_is_text(value v);          /* string or symbol */
struct text value_text(value v, const struct symtab *syms); /* of a string or symbol; borrowed */

bool value_equal(value a, value b, const struct symtab *syms); /* == : 1 == 1.0; :a == "a" */
const char *value_type_name(value v);                          /* "string", "duration" ... */
uint32_t value_key_hash(value v, const struct symtab *syms);   /* equal keys have equal hashes */
bool value_key_equal(value a, value b, const struct symtab *syms); /* as ==, but 1 and 1.0 differ */
/* Ruby's inspect where the type exists in Ruby. Secrets print as [secret]. Stops at depth 256. */
void value_inspect(value v, const struct symtab *syms, struct buf *out);
void value_to_s(value v, const struct symtab *syms, struct buf *out); /* what interpolation shows */

#endif
