/* Schedules: what is read, what is refused, and when they come next, over changes of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../lang/cron.h"

#define US INT64_C(1000000)

static int64_t at(const char *text) { /* "2026-11-22 08:00", UTC */
  struct tm tm = {0};
  assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
  return (int64_t)timegm(&tm) * US;
}

static int64_t local_offset(void *ud, int64_t us) {
  time_t t = (time_t)(us / US);
  struct tm tm;
  (void)ud;
  localtime_r(&t, &tm);
  return tm.tm_gmtoff;
}

/* The next times after `from`, as UTC, with spaces between. */
static void comes(const char *schedule, const char *zone, const char *from, const char *want) {
  struct cron c;
  struct error err = {0};
  char have[400] = "";
  if (cron_parse(schedule, &c, &err) != OK) fail_msg("%s: %s", schedule, err.message);
  if (zone) setenv("TZ", zone, 1), tzset();
  int64_t us = at(from);
  for (const char *p = want; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
    char text[32];
    struct tm tm;
    us = cron_next(&c, us, zone ? local_offset : NULL, NULL);
    time_t t = (time_t)(us / US);
    gmtime_r(&t, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    size_t n = strlen(have);
    snprintf(have + n, sizeof have - n, "%s%s", n ? "," : "", text);
  }
  if (strcmp(have, want) != 0) fail_msg("%s after %s: %s, not %s", schedule, from, have, want);
}

static void test_next(void **state) {
  (void)state;
  comes("0 8 * * *", NULL, "2026-11-22 07:59", "2026-11-22 08:00,2026-11-23 08:00");
  comes("0 8 * * *", NULL, "2026-11-22 08:00", "2026-11-23 08:00");
  comes("*/15 * * * *", NULL, "2026-11-22 23:40", "2026-11-22 23:45,2026-11-23 00:00,2026-11-23 00:15");
  comes("5/20 9-10 * * *", NULL, "2026-11-22 09:30", "2026-11-22 09:45,2026-11-22 10:05,2026-11-22 10:25");
  comes("0 0 29 2 *", NULL, "2026-11-22 00:00", "2028-02-29 00:00,2032-02-29 00:00");
  comes("0 0 29 feb *", NULL, "2097-01-01 00:00", "2104-02-29 00:00");
  comes("0 9 * * mon-fri", NULL, "2026-11-20 10:00", "2026-11-23 09:00,2026-11-24 09:00");
  comes("0 9 * * sat-sun", NULL, "2026-11-20 10:00", "2026-11-21 09:00,2026-11-22 09:00");
  comes("0 9 * * 7", NULL, "2026-11-20 10:00", "2026-11-22 09:00");
  comes("0 0 31 * *", NULL, "2026-11-01 00:00", "2026-12-31 00:00,2027-01-31 00:00,2027-03-31 00:00");
  /* A day of the month or a weekday: either. */
  comes("0 0 13 * fri", NULL, "2026-11-12 00:00", "2026-11-13 00:00,2026-11-20 00:00,2026-11-27 00:00");
  comes("0 0 */10 * *", NULL, "2026-11-12 00:00", "2026-11-21 00:00,2026-12-01 00:00");
  comes("@daily", NULL, "2026-12-31 12:00", "2027-01-01 00:00");
  comes("0,30 8,20 1,15 jan,Jul *", NULL, "2026-07-15 20:15", "2026-07-15 20:30,2027-01-01 08:00");
}

/* America/New_York: 2026-03-08 02:00 becomes 03:00; 2026-11-01 02:00 becomes 01:00. */
static void test_zones(void **state) {
  (void)state;
  const char *ny = "America/New_York";
  comes("0 8 * * *", ny, "2026-03-07 00:00", "2026-03-07 13:00,2026-03-08 12:00,2026-03-09 12:00");
  comes("30 2 * * *", ny, "2026-03-07 00:00", "2026-03-07 07:30,2026-03-08 07:30,2026-03-09 06:30");
  comes("*/30 2,3 * * *", ny, "2026-03-08 06:00", "2026-03-08 07:00,2026-03-08 07:30,2026-03-09 06:00");
  comes("30 1 * * *", ny, "2026-10-31 12:00", "2026-11-01 05:30,2026-11-02 06:30");
  comes("*/30 * * * *", ny, "2026-11-01 05:00", "2026-11-01 05:30,2026-11-01 06:00,2026-11-01 06:30,2026-11-01 07:00");
  comes("0 0 * * *", "Asia/Kolkata", "2026-11-22 00:00", "2026-11-22 18:30,2026-11-23 18:30");
  comes("0 0 1 * *", "Pacific/Auckland", "2026-11-22 00:00", "2026-11-30 11:00,2026-12-31 11:00");
}

static void refused(const char *schedule, const char *message) {
  struct cron c;
  struct error err = {0};
  assert_int_equal(cron_parse(schedule, &c, &err), ERR_VALUE);
  if (!strstr(err.message, message)) fail_msg("%s: %s, not %s", schedule, err.message, message);
  assert_non_null(err.help);
  error_release(&err);
}

static void test_refused(void **state) {
  (void)state;
  refused("", "five fields, not fewer");
  refused("0 8 * *", "five fields, not fewer");
  refused("0 8 * * * *", "five fields, not more");
  refused("60 8 * * *", "minute '60' is none of 0 to 59");
  refused("0 24 * * *", "hour '24' is none of 0 to 23");
  refused("0 8 0 * *", "day '0' is none of 1 to 31");
  refused("0 8 * 13 *", "month '13' is none of 1 to 12 or jan to dec");
  refused("0 8 * * 8", "weekday '8' is none of 0 to 7 or sun to sat");
  refused("0 8 * * mo", "weekday 'mo'");
  refused("0 8 * * monday", "weekday 'monday'");
  refused("5-1 8 * * *", "minute '5-1' runs backwards");
  refused("*/0 8 * * *", "minute '*/0' has a step of 0");
  refused("*/ 8 * * *", "minute '*/'");
  refused("1,,2 8 * * *", "minute ''");
  refused("-1 8 * * *", "minute '-1'");
  refused("1- 8 * * *", "minute '1-'");
  refused("** 8 * * *", "minute '**'");
  refused("99999999999999999999 8 * * *", "minute '9999");
  refused("0 0 30 2 *", "that day never comes");
  refused("0 0 31 4,6,9,11 *", "that day never comes");
  refused("@often", "there is no '@often'");
  refused("@reboot", "there is no '@reboot'");
  refused("*/99 8 * * *", "minute '*/99' is none of 0 to 59");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_next), cmocka_unit_test(test_zones), cmocka_unit_test(test_refused)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
