/* Types: interned, read from text, told in words, and which values fit which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/method.h"

static struct types *types;
static struct symtab *syms;

static type_id type_of(const char *text) {
  type_id t = T_nil;
  if (!type_parse(types, syms, text, strlen(text), &t)) fail_msg("not a type: %s", text);
  return t;
}

static void equal_types_are_one(void **state) {
  (void)state;
  assert_int_equal(type_of("[string]"), type_array_of(types, T_string));
  assert_int_equal(type_of("[[string]]"), type_array_of(types, type_of("[string]")));
  assert_int_equal(type_of("{a: string, b: [integer]}"), type_of("{ a: string, b: [ integer ] }"));
  assert_int_not_equal(type_of("{a: string}"), type_of("{a: integer}"));
  assert_int_not_equal(type_of("{a: string}"), type_of("{b: string}"));
  assert_int_equal(type_of("string?"), type_optional(types, T_string));
  assert_int_equal(type_optional(types, type_of("string?")), type_of("string?"));
  assert_int_equal(type_array_of(types, T_any), T_array);
}

static void types_are_told_in_words(void **state) {
  (void)state;
  static const char *const words[][2] = {
      {"integer", "integer"},
      {"[string]", "array of string"},
      {"string?", "string or nil"},
      {"[string?]?", "array of string or nil or nil"},
      {"{a: string, b: any}", "record with a, b"},
      {"[{a: string}]", "array of records"},
      {"{}", "record with no fields"},
      {"{a: any, b: any, c: any, d: any, e: any, f: any, g: any}",
       "record with a, b, c, d, e, f, ..."},
  };
  struct buf b = BUF_INIT;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    assert_string_equal(type_text(types, syms, type_of(words[i][0]), &b), words[i][1]);
  sym values[] = {W_read, W_write};
  assert_string_equal(type_text(types, syms, type_enum(types, T_symbol, values, 2), &b),
                      "one of :read, :write");
  assert_string_equal(type_text(types, syms, type_enum(types, T_string, values, 2), &b),
                      "one of \"read\", \"write\"");
  buf_release(&b);
}

static void bad_types_are_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",    "strng", "[string",    "string]",  "[]",
      "{a}", "{a: }", "{a: string", "string??", "{a: string b: string}",
      "?"};
  type_id t;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    if (type_parse(types, syms, bad[i], strlen(bad[i]), &t)) fail_msg("accepted: %s", bad[i]);
}

static void what_fits(void **state) {
  (void)state;
  static const struct {
    const char *have, *want;
    bool fits;
  } cases[] = {
      {"any", "integer", true},
      {"integer", "any", true},
      {"integer", "float", true},
      {"float", "integer", false},
      {"number", "integer", true},
      {"string", "integer", false},
      {"phone", "string", true},
      {"string", "phone", true},
      {"phone", "email", false},
      {"symbol", "string", true},
      {"string", "symbol", true},
      {"secret", "string", true},
      {"string", "secret", true},
      {"secret", "integer", false},
      {"date", "time", true},
      {"time", "date", false},
      {"duration", "integer", false},
      {"nil", "string", false},
      {"nil", "string?", true},
      {"string?", "string", true},
      {"[integer]", "array", true},
      {"array", "[integer]", true},
      {"[integer]", "[string]", false},
      {"[phone]", "[string]", true},
      {"hash", "{a: string}", true},
      {"{a: string}", "hash", true},
      {"{a: string, b: any}", "{a: string}", true},
      {"{b: any}", "{a: string}", false},
      {"{}", "{a: string?}", true},
      {"{a: integer}", "{a: string}", false},
      {"array", "hash", false},
      {"boolean", "integer", false},
      {"range", "array", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (type_fits(types, type_of(cases[i].have), type_of(cases[i].want)) != cases[i].fits)
      fail_msg("%s into %s: not %d", cases[i].have, cases[i].want, cases[i].fits);
  sym small[] = {W_read}, both[] = {W_read, W_write}, other[] = {W_skip};
  type_id a = type_enum(types, T_symbol, small, 1), b = type_enum(types, T_symbol, both, 2),
          c = type_enum(types, T_symbol, other, 1);
  assert_true(type_fits(types, a, b));
  assert_true(type_fits(types, b, a)); /* it may be: known at run time */
  assert_false(type_fits(types, c, b));
  assert_true(type_fits(types, T_symbol, c));
}

static void either_of_two(void **state) {
  (void)state;
  static const char *const cases[][3] = {
      {"integer", "integer", "integer"},  {"integer", "float", "number"},
      {"integer", "string", "any"},       {"nil", "string", "string?"},
      {"string?", "string", "string?"},   {"string?", "integer", "any"},
      {"phone", "email", "string"},       {"[integer]", "[float]", "[number]"},
      {"[integer]", "[string]", "array"}, {"any", "string", "any"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    type_id a = type_of(cases[i][0]), b = type_of(cases[i][1]), want = type_of(cases[i][2]);
    if (type_join(types, a, b) != want || type_join(types, b, a) != want)
      fail_msg("%s or %s is not %s", cases[i][0], cases[i][1], cases[i][2]);
  }
}

static void methods_by_receiver(void **state) {
  (void)state;
  struct method_index *m = method_index_new();
  assert_int_equal(method_find(m, T_string, W_size)->receiver, T_string);
  assert_int_equal(method_find(m, T_array, W_size)->receiver, T_array);
  assert_int_equal(method_find(m, T_integer, W_round)->receiver, T_number);
  assert_int_equal(method_find(m, T_integer, W_to_s)->receiver, T_integer);
  assert_int_equal(method_find(m, T_float, W_to_s)->receiver, T_any);
  assert_int_equal(method_find(m, T_number, W_even_q)->receiver, T_integer);
  assert_null(method_find(m, T_string, W_map));
  assert_null(method_find(m, T_nil, W_size));
  assert_null(method_find(m, T_string, W_step));
  for (size_t i = 0; i < method_count; i++)
    if (method_find(m, method_table[i].receiver, method_table[i].word) != &method_table[i])
      fail_msg("line %zu of method.def stands twice", i + 1);
  method_index_free(m);
}

static int set_up(void **state) {
  (void)state;
  types = types_new();
  syms = symtab_new();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  types_free(types);
  symtab_free(syms);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_types_are_one),   cmocka_unit_test(types_are_told_in_words),
      cmocka_unit_test(bad_types_are_refused), cmocka_unit_test(what_fits),
      cmocka_unit_test(either_of_two),         cmocka_unit_test(methods_by_receiver),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
