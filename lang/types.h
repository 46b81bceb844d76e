/* Gradual types: what the checker knows of a value before anything runs.
 *
 * T_any is "not known": it fits everywhere and everything fits it. A type_id below TYPE_COUNT is a
 * built-in; others are made here (interned: equal types have equal ids), and live until types_free.
 */
#ifndef STEPWISE_TYPES_H
#define STEPWISE_TYPES_H

#include "buf.h"
#include "sym.h"

typedef uint32_t type_id;

enum {
#define TYPE(id, text) T_##id,
#include "type.def"
#undef TYPE
  TYPE_COUNT
};

enum type_kind {
  TYPE_PLAIN,    /* below TYPE_COUNT */
  TYPE_ARRAY,    /* of type_inner */
  TYPE_HASH,     /* values are of type_inner */
  TYPE_OPTIONAL, /* type_inner or nil */
  TYPE_RECORD,   /* type_fields */
  TYPE_ENUM      /* type_inner (symbol or string), one of type_values */
};

struct types;
struct record_field {
  sym name;
  type_id type;
};

struct types *types_new(void) must_use;
void types_free(struct types *t);

type_id type_named(const char *s,
                   size_t len); /* "string" -> T_string; T_any if unknown: check first */
bool type_known(const char *s, size_t len);
const char *type_name(type_id plain); /* the text of type.def */
/* A type as primitives write it: a name of type.def, "[T]" for an array of T, "{name: T, ...}" for
 * a record, "T?" for one that may be nil. False when it is none of these. */
bool type_parse(struct types *t, struct symtab *syms, const char *s, size_t len, type_id *out);

type_id type_array_of(struct types *t, type_id element); /* T_array for T_any */
type_id type_hash_of(struct types *t, type_id value);    /* T_hash for T_any */
type_id type_optional(struct types *t, type_id inner);
type_id type_record(struct types *t, const struct record_field *fields, size_t count);
/* One of a list of symbols or strings; base is T_symbol or T_string, values are their texts. */
type_id type_enum(struct types *t, type_id base, const sym *values, size_t count);

enum type_kind type_kind(const struct types *t, type_id id);
type_id type_inner(const struct types *t, type_id id); /* array, hash, optional, enum; else T_any */
const struct record_field *type_fields(const struct types *t, type_id id, size_t *count);
const sym *type_values(const struct types *t, type_id id, size_t *count);
bool type_field(const struct types *t, type_id record, sym name, type_id *out);

type_id type_element(const struct types *t, type_id array); /* T_any when not an array of known */
type_id type_present(const struct types *t, type_id id);    /* without "or nil" */
/* The built-in type whose methods a value of this type has: T_string for a phone, T_array for an
 * array of anything, T_time for a date. */
type_id type_base(const struct types *t, type_id id);
bool type_fits(const struct types *t, type_id have, type_id want);
type_id type_join(struct types *t, type_id a, type_id b); /* either: the nearest that holds both */
/* "array of integer". Written into scratch (cleared first); valid until scratch changes. */
const char *type_text(const struct types *t, const struct symtab *syms, type_id id,
                      struct buf *scratch);

#endif
