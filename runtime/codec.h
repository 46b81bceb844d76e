/* JSON in and out: the only door to jansson.
 *
 * Values that JSON lacks are written as {"$duration": microseconds}, {"$time": "ISO 8601"},
 * {"$symbol": "x"}, {"$regexp": [source, flags]}, {"$range": [a, b, excl]}, {"$record": {...}},
 * {"$float": "NaN"}, {"$unknown": true}, and hashes with keys other than plain strings as
 * {"$hash": [[key, value], ...]} when `tagged` is set (journal: round trip), or as plain strings
 * and objects (people, APIs) when not. Secrets are always {"$secret": true} (tagged) or "[secret]".
 */
#ifndef STEPWISE_CODEC_H
#define STEPWISE_CODEC_H

#include "value.h"

void json_write(value v, const struct symtab *syms, bool tagged, struct buf *out);
/* ERR_VALUE with line and column on bad text. Objects become hashes with string keys. */
enum status json_read(const char *s, size_t len, struct symtab *syms, bool tagged, value *out,
                      struct error *err) must_use;
void json_text(struct buf *out, const char *s,
               size_t len); /* quoted and escaped; needs no jansson */

#endif
