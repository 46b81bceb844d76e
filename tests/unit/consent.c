/* Opt-out words, area codes, quiet hours, ways to write an address. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "../../runtime/primitives/consent.h"
#include "../../runtime/zone.h"

static void means(const char *text, const char *expected) {
  const char *got = consent_keyword(text, strlen(text));
  if (!expected) {
    if (got) fail_msg("\"%s\" means %s", text, got);
  } else if (!got || strcmp(got, expected) != 0) {
    fail_msg("\"%s\" means %s, not %s", text, got ? got : "nothing", expected);
  }
}

static void words_of_carriers(void **state) {
  static const char *const stops[] = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL",
                                      "END",  "QUIT",    "REVOKE",      "OPTOUT"};
  static const char *const starts[] = {"START", "UNSTOP", "YES"};
  (void)state;
  for (size_t i = 0; i < 8; i++)
    means(stops[i], "stop");
  for (size_t i = 0; i < 3; i++)
    means(starts[i], "start");
  means("HELP", "help");
  means("INFO", "help");
}

static void as_people_write_them(void **state) {
  (void)state;
  means("stop", "stop");
  means("  Stop.\n", "stop");
  means("STOP!!!", "stop");
  means("\"stop\"", "stop");
  means("Stop all", "stop");
  means("opt-out", "stop");
  means("OPT OUT", "stop");
  means("un-subscribe", "stop");
  means("\xE2\x80\x9Cstop\xE2\x80\x9D", "stop");      /* curly quotes */
  means("STOP \xF0\x9F\x9B\x91", "stop");             /* a stop sign */
  means("stop\xC2\xA0", "stop");                      /* a blank that does not break */
  means("\xEF\xBB\xBFSTOP", "stop");                  /* a byte order mark */
  means("yes", "start");
  means("Yes!", "start");
}

static void the_whole_message_only(void **state) {
  (void)state;
  means("please stop", NULL);
  means("stop it", NULL);
  means("don't stop", NULL);
  means("stopped", NULL);
  means("the end", NULL);
  means("yes please", NULL);
  means("ST0P", NULL);
  means("\xC3\xA9nd", NULL); /* a letter beyond ASCII is one */
  means("STOP\xD0\xA1", NULL);
  means("", NULL);
  means("...", NULL);
  means("\xFF\xFE", NULL);
  means("STOP\xE2\x80", NULL); /* cut off in a character */
  means("UNSUBSCRIBEUNSUBSCRIBEUNSUBSCRIBE", NULL);
}

static void area_codes(void **state) {
  (void)state;
  assert_string_equal(consent_zones("+12025550123"), "America/New_York");
  assert_string_equal(consent_zones("+14155550123"), "America/Los_Angeles");
  assert_string_equal(consent_zones("+18085550123"), "Pacific/Honolulu");
  assert_string_equal(consent_zones("+18505550123"), "America/Chicago America/New_York");
  assert_null(consent_zones("+15555550123")); /* no such code */
  assert_null(consent_zones("+442071838750"));
  assert_null(consent_zones("+1202555012"));
  assert_null(consent_zones("+1202555012x"));
  assert_null(consent_zones("2025550123"));
  assert_null(consent_zones(""));
}

/* Every zone of the table is one that this machine knows. */
static void zones_exist(void **state) {
  static const char *const lists[] = {
#define AREA(code, zones) zones,
#include "../../runtime/primitives/area_code.def"
#undef AREA
  };
  static const int codes[] = {
#define AREA(code, zones) code,
#include "../../runtime/primitives/area_code.def"
#undef AREA
  };
  (void)state;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    assert_true(codes[i] >= 200 && codes[i] <= 999 && (!i || codes[i] > codes[i - 1]));
    for (const char *s = lists[i]; *s;) {
      size_t n = strcspn(s, " ");
      char name[64];
      struct error err = {0};
      struct zone *z;
      assert_true(n && n < sizeof name);
      memcpy(name, s, n);
      name[n] = 0;
      if (zone_open(name, &z, &err) != OK) fail_msg("%d: no zone %s", codes[i], name);
      zone_free(z);
      s += n + (s[n] == ' ');
    }
  }
}

static void quiet_hours(void **state) {
  int from, to;
  (void)state;
  assert_true(quiet_read("21:00-08:00", &from, &to));
  assert_int_equal(from, 21 * 3600);
  assert_int_equal(to, 8 * 3600);
  assert_true(quiet_at(from, to, 21 * 3600));
  assert_true(quiet_at(from, to, 0));
  assert_true(quiet_at(from, to, 8 * 3600 - 1));
  assert_false(quiet_at(from, to, 8 * 3600));
  assert_false(quiet_at(from, to, 21 * 3600 - 1));
  assert_true(quiet_read("12:30-13:00", &from, &to));
  assert_true(quiet_at(from, to, 12 * 3600 + 1800));
  assert_false(quiet_at(from, to, 13 * 3600));
  static const char *const bad[] = {"", "21-8", "21:00-24:00", "21:60-08:00", "21:00 08:00", "21:00-08:00 ", "9:00-17:00"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_false(quiet_read(bad[i], &from, &to));
}

static void address_is(const char *channel, const char *in, const char *out) {
  char *got = consent_address(channel, in);
  assert_string_equal(got, out);
  mem_free(got);
}

static void addresses(void **state) {
  (void)state;
  address_is("sms", "+1 (202) 555-0123", "+12025550123");
  address_is("sms", "none", "");
  address_is("email", " Ana.Lee@Example.ORG ", "ana.lee@example.org");
  address_is("email", "", "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_of_carriers), cmocka_unit_test(as_people_write_them),
      cmocka_unit_test(the_whole_message_only), cmocka_unit_test(area_codes),
      cmocka_unit_test(zones_exist), cmocka_unit_test(quiet_hours), cmocka_unit_test(addresses)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
