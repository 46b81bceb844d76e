/* Signatures and base64 against published vectors (RFC 2202, 4231, 4648), and passwords by policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/buf.h"
#include "../../lang/mem.h"
#include "../../runtime/base64.h"
#include "../../runtime/digest.h"
#include "../../runtime/password.h"

static void signatures(void **state) {
  static const char text[] = "what do ya want for nothing?";
  static const struct {
    const char *digest, *hex;
  } cases[] = {
      {"sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
      {"sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
  };
  uint8_t out[DIGEST_MAX], key[131], other[SHA256_SIZE];
  char hex[2 * DIGEST_MAX + 1];
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t n = hmac_named(cases[i].digest, "Jefe", 4, text, strlen(text), out);
    hex_write(out, n, hex);
    assert_string_equal(hex, cases[i].hex);
  }
  memset(key, 0xaa, sizeof key); /* longer than a block */
  hmac_named("sha1", key, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
  hex_write(out, 20, hex);
  assert_string_equal(hex, "aa4ae5e15272d00e95705637ce8a3b55ed402112");
  for (size_t n = 0; n <= sizeof key; n += 13) {
    assert_int_equal(hmac_named("sha256", key, n, text, n % 20, out), SHA256_SIZE);
    hmac_sha256(key, n, text, n % 20, other);
    assert_memory_equal(out, other, sizeof other);
  }
  assert_int_equal(hmac_named("md5", "k", 1, "", 0, out), 0);
}

static void base64(void **state) {
  static const struct {
    const char *text, *plain, *url;
  } cases[] = {{"", "", ""},
               {"f", "Zg==", "Zg"},
               {"fo", "Zm8=", "Zm8"},
               {"foo", "Zm9v", "Zm9v"},
               {"foob", "Zm9vYg==", "Zm9vYg"},
               {"fooba", "Zm9vYmE=", "Zm9vYmE"},
               {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
               {"\xff\xfe\xfb\xf0", "//778A==", "__778A"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct buf b = BUF_INIT;
    base64_add(cases[i].text, strlen(cases[i].text), false, &b);
    assert_string_equal(buf_str(&b), cases[i].plain);
    buf_clear(&b);
    base64_add(cases[i].text, strlen(cases[i].text), true, &b);
    assert_string_equal(buf_str(&b), cases[i].url);
    for (int form = 0; form < 2; form++) {
      const char *s = form ? cases[i].plain : cases[i].url;
      buf_clear(&b);
      assert_true(base64_read(s, strlen(s), &b));
      assert_string_equal(buf_str(&b), cases[i].text);
    }
    buf_release(&b);
  }
}

static void base64_refused(void **state) {
  static const char *const cases[] = {"Z",    "Zg=", "Zg===", "Zm9v=", "Z g = = x",
                                      "Zh==", "Zm9", "Zm9v!", "=",     "Zg==Zg=="};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct buf b = BUF_INIT;
    bool good = base64_read(cases[i], strlen(cases[i]), &b);
    if (good) fail_msg("\"%s\" was read", cases[i]);
    buf_release(&b);
  }
  struct buf b = BUF_INIT;
  assert_true(base64_read(" Zm\n9v\r\n", 9 - 1, &b));
  assert_string_equal(buf_str(&b), "foo");
  buf_release(&b);
}

static size_t count_of(const char *s, const char *characters) {
  size_t n = 0;
  for (; *s; s++)
    n += strchr(characters, *s) != NULL;
  return n;
}

static void policies_hold(void **state) {
  static const char lower[] = "abcdefghijklmnopqrstuvwxyz", upper[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                    digits[] = "0123456789";
  static const struct password_policy cases[] = {
      {20, {1, 1, 1, 1}, NULL},      {4, {1, 1, 1, 1}, NULL},     {8, {0, 0, 8, 0}, NULL},
      {1, {0, 0, 0, 1}, NULL},       {256, {3, 60, 60, 3}, NULL}, {12, {2, 2, 2, 0}, "0O1lI"},
      {6, {0, 0, 1, 0}, "012345678"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int round = 0; round < 200; round++) {
      const struct password_policy *p = &cases[i];
      struct error err = {0};
      char s[PASSWORD_MAX + 1];
      assert_int_equal(password_make(p, s, &err), OK);
      size_t n[] = {count_of(s, lower), count_of(s, upper), count_of(s, digits), 0};
      n[3] = strlen(s) - n[0] - n[1] - n[2];
      assert_int_equal(strlen(s), p->length);
      for (size_t k = 0; k < PASSWORD_CLASSES; k++)
        if (n[k] < p->least[k] || (!p->least[k] && n[k])) fail_msg("class %zu of \"%s\"", k, s);
      if (p->exclude && count_of(s, p->exclude)) fail_msg("excluded: \"%s\"", s);
      for (const char *c = s; *c; c++)
        assert_true(*c > ' ' && *c < 127 && !strchr("\"'`\\", *c)); /* safe to quote anywhere */
    }
}

static void policies_refused(void **state) {
  static const struct {
    struct password_policy policy;
    const char *words;
  } cases[] = {
      {{0, {1, 1, 1, 1}, NULL}, "length: is from 1 to 256"},
      {{257, {1, 1, 1, 1}, NULL}, "length: is from 1 to 256"},
      {{3, {1, 1, 1, 1}, NULL}, "length: 3 has no room for the 4 characters asked for"},
      {{8, {0, 0, 0, 0}, NULL}, "no character at all"},
      {{8, {1, 0, 2, 0}, "0123456789"}, "digits: 2 are asked for, and exclude: leaves none"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct error err = {0};
    char s[PASSWORD_MAX + 1];
    assert_int_equal(password_make(&cases[i].policy, s, &err), ERR_VALUE);
    if (!strstr(err.message, cases[i].words)) fail_msg("%s", err.message);
    error_release(&err);
  }
}

/* 60,000 throws of a die with 6 sides, and of one that a power of two does not hold. A count that
 * is off by 8 standard deviations comes once in 10^15 runs. */
static void draws_have_no_bias(void **state) {
  static const uint32_t sides[] = {1, 2, 6, 10, 26, 94};
  (void)state;
  for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
    enum { THROWS = 60000 };
    uint32_t seen[94] = {0};
    double mean = (double)THROWS / sides[i], most = 64 * mean;
    for (int n = 0; n < THROWS; n++) {
      uint32_t draw = random_below(sides[i]);
      assert_true(draw < sides[i]);
      seen[draw]++;
    }
    for (uint32_t n = 0; n < sides[i]; n++) {
      double off = seen[n] - mean;
      if (off * off > most) fail_msg("%u of %u came %u times", n, sides[i], seen[n]);
    }
  }
  for (int n = 0; n < 1000; n++) /* half of all draws are thrown away here */
    assert_true(random_below((UINT32_C(1) << 31) + 1) <= UINT32_C(1) << 31);
}

/* Where the characters that must be there stand is chance too. */
static void places_are_drawn(void **state) {
  struct password_policy p = {8, {1, 0, 1, 0}, "bcdefghijklmnopqrstuvwxyz"};
  size_t seen[8] = {0};
  (void)state;
  p.least[PASSWORD_DIGITS] = 7; /* one a among 7 digits */
  for (int n = 0; n < 8000; n++) {
    struct error err = {0};
    char s[PASSWORD_MAX + 1];
    assert_int_equal(password_make(&p, s, &err), OK);
    seen[strcspn(s, "a")]++;
  }
  for (size_t i = 0; i < 8; i++) /* 1,000 each, 30 is a standard deviation */
    if (seen[i] < 760 || seen[i] > 1240) fail_msg("place %zu: %zu", i, seen[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(signatures),       cmocka_unit_test(base64),
      cmocka_unit_test(base64_refused),   cmocka_unit_test(policies_hold),
      cmocka_unit_test(policies_refused), cmocka_unit_test(draws_have_no_bias),
      cmocka_unit_test(places_are_drawn),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
