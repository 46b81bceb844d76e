/* From values to what primitives work with, and back. On the loop's thread only. */
#ifndef STEPWISE_ARGS_H
#define STEPWISE_ARGS_H

#include "../primitive.h"

/* The text of a string or symbol, secret or not; NULL for nil and others. Borrowed. */
const char *arg_text(const struct primitive_call *call, value v);
char *arg_dup(const struct primitive_call *call, value v) must_use; /* NULL for nil */
int64_t arg_integer(value v, int64_t missing);
int64_t arg_duration(value v, int64_t missing); /* us */
bool arg_true(value v, bool missing);
/* Text as interpolation shows it, of a string, symbol, number, true or false, secret or not; false
 * for anything else. */
bool arg_plain(const struct primitive_call *call, value v, struct buf *out);
/* What a hash or a record has under this name, a symbol or a text; nil when it has none. Borrowed. */
value arg_member(const struct primitive_call *call, value from, const char *name);
/* A file's path: as it is given, or in the directory where embedded drivers keep their files. */
char *arg_path(const struct primitive_call *call, value path, value state) must_use;

/* A failure of this class; returns status. */
enum status arg_fail(struct error *err, enum status status, const char *kind, const char *fmt, ...)
    like_printf(4, 5);
/* Of what the caller gave: ERR_VALUE, "validation". */
enum status arg_bad(struct error *err, const char *fmt, ...) like_printf(2, 3);

/* Field by field: the record that a primitive gives. */
void result_set(struct primitive_call *call, struct dict *d, const char *name, value owned);
/* Bytes from outside as text: what is not UTF-8, and NULs, become U+FFFD. */
value result_text(const char *s, size_t len) must_use;
/* A text that was made here, and is released; ERR_LIMIT when it is longer than strings are. */
enum status result_made(struct buf *b, value *out, struct error *err) must_use;

#endif
