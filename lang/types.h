/* Gradual types: what the checker knows of a value before anything runs.
 *
 * T_any is "not known": it fits everywhere and everything fits it. A type_id below TYPE_COUNT is a
 * built-in; others are made here (interned: equal types have equal ids). */
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

struct types;
struct record_field {
  sym name;
  type_id type;
};

struct types *types_new(void) must_use;
void types_free(struct types *t);
type_id type_named(const char *s, size_t len);                  /* "string" -> T_string; 0 = T_any if unknown: check first */
bool type_known(const char *s, size_t len);
type_id type_array_of(struct types *t, type_id element);
type_id type_hash_of(struct types *t, type_id value);
type_id type_optional(struct types *t, type_id inner);          /* inner or nil */
type_id type_record(struct types *t, const struct record_field *fields, size_t count);
type_id type_element(const struct types *t, type_id array);     /* T_any when not an array of known */
bool type_field(const struct types *t, type_id record, sym name, type_id *out);
bool type_fits(const struct types *t, type_id have, type_id want);
type_id type_join(struct types *t, type_id a, type_id b);       /* either: equal, number, or any */
const char *type_text(struct types *t, const struct symtab *syms, type_id id, struct buf *scratch);

#endif
