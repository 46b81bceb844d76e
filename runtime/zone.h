/* Local time anywhere: the machine's own tables of time zones (TZif, RFC 8536), read without
 * touching the process's own zone. What a table does not list any more follows from its last line,
 * a rule as POSIX writes it.
 */
#ifndef STEPWISE_ZONE_H
#define STEPWISE_ZONE_H

#include "../lang/status.h"

struct zone;
struct zone_moment {
  int64_t offset; /* seconds ahead of UTC */
  bool dst;
  const char *abbreviation; /* "EST"; as long as the zone */
};

/* "America/New_York", below TZDIR or /usr/share/zoneinfo; "UTC" needs no file. ERR_VALUE when this
 * machine knows no such zone. Blocks for one small file. */
enum status zone_open(const char *name, struct zone **out, struct error *err) must_use;
/* The same from the bytes of a file; false when they are no table. */
bool zone_read(const void *bytes, size_t len, struct zone **out) must_use;
void zone_free(struct zone *z); /* NULL-safe */
/* at: seconds since 1970 UTC. */
struct zone_moment zone_at(const struct zone *z, int64_t at);

#endif
