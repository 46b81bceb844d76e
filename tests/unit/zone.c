/* Time zones against the C library's own reading of them, and tables that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../lang/mem.h"
#include "../../runtime/zone.h"
#include "../../runtime/zone_rule.h"

static const char *const zones[] = {"UTC",
                                    "America/New_York",
                                    "America/St_Johns",
                                    "Europe/Berlin",
                                    "Europe/Dublin",
                                    "Asia/Kolkata",
                                    "Asia/Kathmandu",
                                    "Asia/Jerusalem",
                                    "Australia/Lord_Howe",
                                    "Pacific/Apia",
                                    "Africa/Casablanca",
                                    "America/Nuuk",
                                    "Pacific/Chatham",
                                    "Etc/GMT+5",
                                    "Asia/Gaza",
                                    "America/Sao_Paulo"};

/* Every 5 days and 7 hours from 1920 to 2120, and each hour around a change of 2040. */
static void compare(const struct zone *z, const char *name, int64_t at) {
  struct tm tm;
  time_t t = (time_t)at;
  struct zone_moment m = zone_at(z, at);
  localtime_r(&t, &tm);
  if (m.offset != tm.tm_gmtoff || m.dst != (tm.tm_isdst > 0) ||
      strcmp(m.abbreviation, tm.tm_zone) != 0)
    fail_msg("%s at %lld: %lld %d %s, not %ld %d %s", name, (long long)at, (long long)m.offset,
             m.dst, m.abbreviation, tm.tm_gmtoff, tm.tm_isdst, tm.tm_zone);
}

static void as_the_library_has_them(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
    struct error err = {0};
    struct zone *z;
    assert_int_equal(zone_open(zones[i], &z, &err), OK);
    setenv("TZ", zones[i], 1);
    tzset();
    for (int64_t at = INT64_C(-1577923200); at < INT64_C(4733510400); at += 457200)
      compare(z, zones[i], at);
    for (int64_t at = INT64_C(2209032000); at < INT64_C(2240568000); at += 1800)
      compare(z, zones[i], at);
    zone_free(z);
    error_release(&err);
  }
}

static void refused(const char *name) {
  struct error err = {0};
  struct zone *z;
  assert_int_equal(zone_open(name, &z, &err), ERR_VALUE);
  assert_null(z);
  assert_non_null(strstr(err.message, name));
  assert_non_null(err.help);
  error_release(&err);
}

static void names_stay_in_the_directory(void **state) {
  (void)state;
  refused("Mars/Base");
  refused("");
  refused("/etc/hostname");
  refused("../../../etc/hostname");
  refused("America"); /* a directory */
  refused("zone1970.tab");
}

/* A table cut off anywhere, or with any byte turned over, is refused or read: no more. */
static void damaged_tables(void **state) {
  char bytes[8192];
  struct zone *z;
  (void)state;
  int fd = open("/usr/share/zoneinfo/America/New_York", O_RDONLY);
  ssize_t len = read(fd, bytes, sizeof bytes);
  close(fd);
  assert_true(len > 1000 && len < (ssize_t)sizeof bytes);
  for (ssize_t n = 0; n < len; n++) {
    char *part = mem_dup(bytes, (size_t)n); /* so that a checker of memory sees the end */
    assert_false(zone_read(part, (size_t)n, &z));
    mem_free(part);
  }
  for (ssize_t i = 0; i < len; i++) {
    bytes[i] ^= (char)0xff;
    if (zone_read(bytes, (size_t)len, &z)) {
      zone_at(z, 0);
      zone_at(z, INT64_C(5000000000));
      zone_free(z);
    }
    bytes[i] ^= (char)0xff;
  }
}

static void rules(void **state) {
  static const struct {
    const char *rule;
    int64_t at, offset; /* at < 0: the rule is refused */
  } cases[] = {
      {"EST5EDT,M3.2.0,M11.1.0", 1700000000, -18000}, /* 2023-11-14 */
      {"EST5EDT,M3.2.0,M11.1.0", 1690000000, -14400}, /* 2023-07-22 */
      {"<-03>3", 0, -10800},
      {"IST-2IDT,M3.4.4/26,M10.5.0", 1711670399, 7200},  /* 2024-03-28 23:59:59 UTC */
      {"IST-2IDT,M3.4.4/26,M10.5.0", 1711670400, 10800}, /* a Friday at 2:00 there */
      {"AAA0BBB,J60,J300", 1709251199, 0},               /* 2024-02-29 23:59:59: J60 is March 1st */
      {"AAA0BBB,J60/0,J300", 1709251200, 3600},
      {"AAA0BBB,59/0,300", 1709164800, 3600}, /* counted from 0, leap day and all: February 29th */
      {"AAA0BBB,59/0,300", 1709164799, 0},
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1704067200, 46800}, /* southern summer, January */
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", 1719792000, 43200},
      {"EST", -1, 0},
      {"E5", -1, 0},
      {"EST5EDT", -1, 0},
      {"EST5EDT,M3.2.0", -1, 0},
      {"EST5EDT,M13.2.0,M11.1.0", -1, 0},
      {"EST5EDT,M3.6.0,M11.1.0", -1, 0},
      {"EST5EDT,M3.2.7,M11.1.0", -1, 0},
      {"EST5EDT,J0,J366", -1, 0},
      {"EST5EDT,M3.2.0,M11.1.0x", -1, 0},
      {"ABCDEFGHIJKLMNOPQRSTUVW5", -1, 0},
      {"EST999", -1, 0},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct zone_rule r;
    bool good = zone_rule_parse(cases[i].rule, strlen(cases[i].rule), &r);
    if (good != (cases[i].at >= 0)) fail_msg("%s: %s", cases[i].rule, good ? "taken" : "refused");
    if (good && zone_rule_at(&r, cases[i].at).offset != cases[i].offset)
      fail_msg("%s at %lld", cases[i].rule, (long long)cases[i].at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(as_the_library_has_them),
      cmocka_unit_test(names_stay_in_the_directory),
      cmocka_unit_test(damaged_tables),
      cmocka_unit_test(rules),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
