/* Schedules: "m h dom mon dow", as cron has them.
 *
 * A field is `*`, a number, a name (jan, mon), a range a-b, any of these with a step `/n`, or
 * several with commas between. Weekdays are 0 to 7, where 0 and 7 are Sunday. When both the day of
 * the month and the weekday are restricted, a day that fits either counts. @hourly, @daily,
 * @weekly, @monthly and @yearly stand for what they say. */
#ifndef STEPWISE_CRON_H
#define STEPWISE_CRON_H

#include "status.h"

struct cron {
  uint64_t minutes;
  uint32_t hours, days, months, weekdays; /* bit n: n counts; days and months from 1 */
  bool any_day, any_weekday;              /* written as `*` */
};

/* ERR_VALUE says what is wrong; also for a day that never comes, as February 30. */
enum status cron_parse(const char *text, struct cron *out, struct error *err) must_use;

/* The first time after `after_us` (microseconds since 1970, UTC) that the schedule names, in a zone
 * that is offset(ud, us) seconds ahead of UTC then; offset may be NULL: UTC. A time that the clock
 * leaps over in spring comes as much later; one that it meets twice in autumn counts once, unless
 * every hour counts. */
int64_t cron_next(const struct cron *c, int64_t after_us, int64_t (*offset)(void *ud, int64_t us),
                  void *ud);

#endif
