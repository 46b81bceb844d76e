/* What differs between two texts, as a unified diff. */
#ifndef STEPWISE_DIFF_H
#define STEPWISE_DIFF_H

#include "../lang/buf.h"

/* Nothing is added when they are equal. Either text may be empty: then all of the other is new or
 * gone. */
void diff_unified(const char *old_name, const char *old, size_t old_len, const char *new_name,
                  const char *now, size_t now_len, struct buf *out);

#endif
