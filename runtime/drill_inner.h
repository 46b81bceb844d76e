/* A drill, as its two files share it. */
#ifndef STEPWISE_DRILL_INNER_H
#define STEPWISE_DRILL_INNER_H

#include "drill.h"
#include "run.h"

enum { DRILL_CALLS_MAX = 1000000 }; /* COUNT and AFTER, each */

struct drill_kind;
struct drill_fail {
  char *words;           /* as they were given */
  char *binding, *action; /* parts of them */
  const struct drill_kind *kind;
  int64_t from, to; /* which of the action's calls fail: from < n <= to */
};
struct drill_set {
  char *words;
  char *binding, *setting, *text;
};
/* How many calls of an action there were, as long as some are to fail. */
struct drill_count {
  const char *binding, *action; /* of the failures */
  int64_t calls, last;          /* last: after it nothing is counted */
};

struct drill {
  uint32_t refs;
  char home[RUN_ID_MAX]; /* the run that began it; "" until it has */
  struct buf dir;
  struct drill_fail *fails;
  struct drill_set *sets;
  struct drill_count *counts;
  size_t fail_count, fail_cap, set_count, set_cap, count_count, count_cap;
};

struct drill_count *drill_counted(const struct drill *d, const char *binding, const char *action);
enum status drill_kind_find(const char *name, const struct drill_kind **out,
                            struct error *err) must_use;

#endif
