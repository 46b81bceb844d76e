/* Moments as people give them on the command line, and as lists show them. */
#ifndef STEPWISE_WHEN_H
#define STEPWISE_WHEN_H

#include "../lang/buf.h"

/* "2026-11-02", "2026-11-02T10:00Z", "today", "yesterday" (UTC), or how long ago: "2h", "3d".
 * now_us: microseconds since 1970, UTC, as *out. */
bool when_read(const char *text, int64_t now_us, int64_t *out);
/* In at most six characters: "78 ms", "5.7 s", "12 m", "2.5 h", "3 d". */
void when_brief(int64_t us, char out[32]);
/* "Nov 22 08:14", or "2025-11-22" when it was in another year than now_us. */
void when_short(int64_t time_us, int64_t now_us, char out[32]);

#endif
