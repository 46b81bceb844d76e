/* What time it is: the machine's clocks, or a virtual one that only moves when everybody waits.
 *
 * Under the virtual clock a two-hour watch takes milliseconds (task.c advances it to the next timer
 * when nothing can run). Times are microseconds. */
#ifndef STEPWISE_CLOCK_H
#define STEPWISE_CLOCK_H

#include "../lang/status.h"

struct clock {
  bool is_virtual;
  int64_t wall, mono; /* virtual only */
};

#define CLOCK_NEVER INT64_MAX
#define US_SECOND INT64_C(1000000)
#define US_MINUTE (60 * US_SECOND)
#define US_HOUR (60 * US_MINUTE)

void clock_real(struct clock *c);
void clock_virtual(struct clock *c, int64_t wall_us);
int64_t clock_wall(const struct clock *c);          /* since 1970 UTC */
int64_t clock_mono(const struct clock *c);          /* never steps back */
void clock_advance(struct clock *c, int64_t by_us); /* virtual only; by >= 0 */
/* from + by, where NEVER and overflow stay NEVER. */
int64_t clock_add(int64_t from, int64_t by_us);
/* Says how long, as people do: "2 minutes", "350 ms". */
void took_text(int64_t us, char out[32]);

#endif
