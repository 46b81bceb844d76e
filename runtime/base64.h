/* Base64 (RFC 4648), of both alphabets. */
#ifndef STEPWISE_BASE64_H
#define STEPWISE_BASE64_H

#include "../lang/buf.h"

/* url: - and _ for + and /, and no = at the end. */
void base64_add(const void *p, size_t len, bool url, struct buf *out);
/* Reads either alphabet, with or without = at the end; white space is passed over. False when a
 * character is none of it, or the end is cut off. */
bool base64_read(const char *s, size_t len, struct buf *out) must_use;

#endif
