/* Looks into JSON that is known to be good (an event's data), building nothing. */
#ifndef STEPWISE_PEEK_H
#define STEPWISE_PEEK_H

#include "../lang/buf.h"

struct member {
  const char *key, *value; /* key without its quotes; value as it is written */
  size_t key_len, value_len;
};

/* The next member of an object; p begins after its '{'. NULL after the last. */
const char *peek_next(const char *p, const char *end, struct member *m);
/* The member of that name; false when there is none or json is no object. */
bool peek(const char *json, size_t len, const char *key, struct member *m);

/* The value of a member as text: a string without quotes and escapes, anything else as written.
 * False when it is missing or null. */
bool peek_text(const char *json, size_t len, const char *key, struct buf *out);
char *peek_copy(const char *json, size_t len, const char *key) must_use; /* the same; or NULL */
void member_text(const struct member *m, struct buf *out);
int64_t peek_int(const char *json, size_t len, const char *key, int64_t otherwise);
bool peek_true(const char *json, size_t len, const char *key);
bool peek_is(const char *json, size_t len, const char *key, const char *text); /* a plain string */

/* Ends of tokens, for those who walk by themselves. */
const char *peek_space(const char *p, const char *end);
const char *peek_string(const char *p, const char *end); /* p at its first quote */

#endif
