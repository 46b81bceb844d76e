/* The rule at the end of a zone's table, as POSIX writes it: "EST5EDT,M3.2.0,M11.1.0". */
#ifndef STEPWISE_ZONE_RULE_H
#define STEPWISE_ZONE_RULE_H

#include "zone.h"

enum { ZONE_NAME = 16 };

struct zone_day {
  enum { DAY_JULIAN, DAY_ZERO, DAY_WEEK } kind; /* J1..365 without leap days; 0..365; m.w.d */
  int month, week, day;
  int64_t time; /* seconds after midnight; may be negative */
};
struct zone_rule {
  char name[2][ZONE_NAME]; /* standard, summer */
  int64_t offset[2];       /* ahead of UTC */
  bool summer;
  struct zone_day from, to; /* of summer time, in local time before each change */
};

bool zone_rule_parse(const char *s, size_t len, struct zone_rule *out);
struct zone_moment zone_rule_at(const struct zone_rule *r, int64_t at);

#endif
