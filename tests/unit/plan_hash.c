/* The plan's hash: what it is made of, and that nothing else moves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/source.h"
#include "../../runtime/plan_hash.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct plan_module two[] = {{"ops/b.rb", B}, {"ops/a.rb", A}};

/* What `printf '...' | sha256sum` says of the lines in the header. */
static void lines_are_hashed(void **state) {
  char got[SHA256_HEX];
  (void)state;
  plan_hash_of("x.rb", C, NULL, 0, NULL, got);
  assert_string_equal(got, "43cc657bc31ecebd9b6f902128e6d2ba3392e50e7fc2f5c0d435fef8371c1d09");
  plan_hash_of("ops/x.rb", C, two, 2, A, got);
  assert_string_equal(got, "db33f2f8a17c88c06b1c3691ef47775b7b5c8191c174db05c2cbb185557a0836");
}

static void place_and_order_do_not_matter(void **state) {
  static const struct plan_module from_within[] = {{"a.rb", A}, {"b.rb", B}};
  char outside[SHA256_HEX], within[SHA256_HEX];
  (void)state;
  plan_hash_of("ops/x.rb", C, two, 2, NULL, outside);
  plan_hash_of("x.rb", C, from_within, 2, NULL, within);
  assert_string_equal(outside, within);
}

static void every_part_matters(void **state) {
  static const struct plan_module renamed[] = {{"b.rb", B}, {"c.rb", A}};
  static const struct plan_module changed[] = {{"b.rb", B}, {"a.rb", C}};
  char got[5][SHA256_HEX];
  (void)state;
  plan_hash_of("ops/x.rb", C, two, 2, NULL, got[0]);
  plan_hash_of("ops/x.rb", C, two, 1, NULL, got[1]);
  plan_hash_of("x.rb", C, renamed, 2, NULL, got[2]);
  plan_hash_of("x.rb", C, changed, 2, NULL, got[3]);
  plan_hash_of("ops/x.rb", C, two, 2, B, got[4]);
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < i; k++)
      assert_string_not_equal(got[i], got[k]);
}

static void source_is(struct source *s, const char *name, const char *text) {
  struct error err = {0};
  size_t len = strlen(text);
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  assert_int_equal(source_init(s, name, copy, len, &err), OK);
}

static void texts_are_digested(void **state) {
  struct source main, module, site;
  struct source *sources[] = {&main, &module};
  struct program p = {.sources = sources, .file_count = 2};
  char got[SHA256_HEX], want[SHA256_HEX], sha[3][SHA256_HEX];
  (void)state;
  source_is(&main, "d/main.rb", "runbook");
  source_is(&module, "d/m.rb", "binding");
  source_is(&site, "site.rb", "site");
  for (int i = 0; i < 3; i++) {
    const struct source *s = i == 0 ? &main : i == 1 ? &module : &site;
    sha256_hex_of(s->text, s->len, sha[i]);
  }
  const struct plan_module m = {"m.rb", sha[1]};
  plan_hash_of("main.rb", sha[0], &m, 1, sha[2], want);
  plan_hash(&p, &site, got);
  assert_string_equal(got, want);
  plan_hash(&p, NULL, got);
  assert_string_not_equal(got, want);
  source_release(&main);
  source_release(&module);
  source_release(&site);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_hashed),
      cmocka_unit_test(place_and_order_do_not_matter),
      cmocka_unit_test(every_part_matters),
      cmocka_unit_test(texts_are_digested),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
