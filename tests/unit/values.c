/* Values without an evaluator: dictionaries, lists, equality, text, JSON, regexps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/limits.h"
#include "../../runtime/codec.h"
#include "../../runtime/regex.h"
#include "../../runtime/text.h"
#include "../../runtime/utf8.h"

static struct symtab *syms;

static int start(void **state) {
  (void)state;
  syms = symtab_new();
  return 0;
}
static int stop(void **state) {
  (void)state;
  symtab_free(syms);
  return 0;
}

static value symbol(const char *s) {
  return value_symbol(sym_intern(syms, s, strlen(s)));
}

static void shows(value v, const char *want) {
  struct buf b = BUF_INIT;
  value_inspect(v, syms, &b);
  assert_string_equal(buf_str(&b), want);
  buf_release(&b);
}

/* -- dictionaries -- */

static void dict_keeps_order_and_replaces(void **state) {
  (void)state;
  struct dict *d = dict_new();
  for (int64_t i = 0; i < 1000; i++)
    dict_set(d, value_int((i * 7919) % 1000), value_int(i));
  assert_int_equal(dict_count(d), 1000);
  for (int64_t i = 0; i < 1000; i++) {
    value k, v, found;
    dict_at(d, (size_t)i, &k, &v);
    assert_int_equal(k.u.i, (i * 7919) % 1000);
    assert_true(dict_get(d, k, &found));
    assert_int_equal(found.u.i, i);
  }
  dict_set(d, value_int(5), value_cstr("new"));
  value v;
  assert_int_equal(dict_count(d), 1000);
  assert_true(dict_get(d, value_int(5), &v));
  assert_string_equal(value_str(v)->s, "new");
  assert_false(dict_get(d, value_int(1000), &v));
  assert_false(dict_get(d, value_float(5.0), &v)); /* 5 and 5.0 are two keys, as in Ruby */
  dict_free(d);
}

static void symbols_and_strings_are_one_key(void **state) {
  (void)state;
  struct dict *d = dict_new();
  for (int i = 0; i < 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "k%d", i);
    if (i % 2) dict_put(d, syms, symbol(name), value_int(i));
    else dict_put(d, syms, value_cstr(name), value_int(i));
  }
  for (int i = 0; i < 20; i++) {
    char name[16];
    snprintf(name, sizeof name, "k%d", i);
    value text = value_cstr(name), v;
    assert_true(dict_find(d, syms, symbol(name), &v));
    assert_int_equal(v.u.i, i);
    assert_true(dict_find(d, syms, text, &v));
    assert_int_equal(v.u.i, i);
    dict_put(d, syms, text, value_int(i + 100));
  }
  assert_int_equal(dict_count(d), 20);
  value v;
  assert_false(dict_find(d, syms, symbol("never"), &v));
  dict_free(d);
}

static void composite_keys_compare_by_content(void **state) {
  (void)state;
  struct dict *d = dict_new();
  struct list *a = list_new(2), *b = list_new(2);
  list_push(a, value_cstr("x")), list_push(a, value_int(1));
  list_push(b, symbol("x")), list_push(b, value_int(1));
  dict_put(d, syms, value_list(a), value_int(7));
  value v;
  assert_true(dict_find(d, syms, value_list(b), &v));
  assert_int_equal(v.u.i, 7);
  value_unref(value_list(b));
  dict_free(d);
}

/* -- lists, depth, freeing -- */

static void depth_and_unknown_are_known(void **state) {
  (void)state;
  value v = value_unknown();
  for (int i = 0; i < LIMIT_NESTING; i++) {
    struct list *l = list_new(0);
    list_push(l, v);
    v = value_list(l);
  }
  assert_int_equal(value_depth(v), LIMIT_NESTING);
  assert_true(value_has_unknown(v));
  value_unref(v);
  struct list *plain = list_new(0);
  list_push(plain, value_cstr("a"));
  assert_int_equal(value_depth(value_list(plain)), 1);
  assert_false(value_has_unknown(value_list(plain)));
  value_unref(value_list(plain));
}

static void references_are_counted(void **state) {
  (void)state;
  value s = value_cstr("shared");
  struct list *l = list_new(1);
  list_push(l, value_ref(s));
  assert_int_equal(s.u.o->refs, 2);
  value_unref(value_list(l));
  assert_int_equal(s.u.o->refs, 1);
  value_unref(s);
}

/* -- equality -- */

static void equality_follows_ruby(void **state) {
  (void)state;
  value a = value_cstr("a"), secret = value_secret(value_cstr("a"));
  assert_true(value_equal(value_int(1), value_float(1.0), syms));
  assert_false(
      value_equal(value_int((INT64_C(1) << 53) + 1), value_float(9007199254740992.0), syms));
  assert_true(value_equal(a, symbol("a"), syms));
  assert_true(value_equal(secret, a, syms));
  assert_false(value_equal(secret, symbol("b"), syms));
  assert_false(value_equal(VALUE_NIL, value_bool(false), syms));
  assert_false(value_equal(value_duration(1), value_int(1), syms));
  assert_int_equal(number_compare(value_int(INT64_MAX), value_float(0x1p63)), -1);
  assert_int_equal(number_compare(value_float(-0x1p63), value_int(INT64_MIN)), 0);
  value_unref(a);
  value_unref(secret);
}

/* -- text -- */

static void floats_read_as_ruby_writes_them(void **state) {
  (void)state;
  static const struct {
    double f;
    const char *text;
  } cases[] = {{0.1, "0.1"},
               {1e20, "1.0e+20"},
               {1e14, "100000000000000.0"},
               {1e15, "1.0e+15"},
               {1e16, "1.0e+16"},
               {1e-4, "0.0001"},
               {1e-5, "1.0e-05"},
               {-0.0, "-0.0"},
               {5e-324, "5.0e-324"},
               {1.7976931348623157e308, "1.7976931348623157e+308"},
               {100.0, "100.0"},
               {0.30000000000000004, "0.30000000000000004"},
               {123456.789, "123456.789"},
               {2.5e-10, "2.5e-10"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    shows(value_float(cases[i].f), cases[i].text);
}

static void durations_and_times_are_shown(void **state) {
  (void)state;
  shows(value_duration(INT64_C(5400000000)), "1 hour 30 minutes");
  shows(value_duration(1500000), "1.5 seconds");
  shows(value_duration(0), "0 seconds");
  shows(value_duration(-60000000), "-1 minute");
  shows(value_time(0), "1970-01-01 00:00:00 UTC");
  shows(value_time(-1), "1969-12-31 23:59:59.999999 UTC");
  int64_t us;
  bool date;
  assert_true(time_parse("2026-11-02T09:00:00+01:30", 25, &us, &date));
  shows(value_time(us), "2026-11-02 07:30:00 UTC");
  assert_false(time_parse("2026-02-29", 10, &us, &date));
  assert_false(time_parse("2026-11-02T25:00:00Z", 20, &us, &date));
  assert_true(duration_parse("PT1H30M", 7, &us) && us == INT64_C(5400000000));
  assert_true(duration_parse("1h30m", 5, &us) && us == INT64_C(5400000000));
  assert_false(duration_parse("90", 2, &us));
}

static void secrets_never_show(void **state) {
  (void)state;
  struct list *l = list_new(1);
  list_push(l, value_secret(value_cstr("hunter2")));
  shows(value_list(l), "[[secret]]");
  struct buf b = BUF_INIT;
  json_write(value_list(l), syms, false, &b);
  json_write(value_list(l), syms, true, &b);
  assert_string_equal(buf_str(&b), "[\"[secret]\"][{\"$secret\":true}]");
  buf_release(&b);
  value_unref(value_list(l));
}

static void utf8_is_checked(void **state) {
  (void)state;
  static const struct {
    const char *s;
    size_t len;
    bool valid;
  } cases[] = {{"a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10, true},
               {"\xC0\x80", 2, false},
               {"\xED\xA0\x80", 3, false},
               {"\xF4\x90\x80\x80", 4, false},
               {"\xE2\x82", 2, false},
               {"a\0b", 3, false},
               {"\x80", 1, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(utf8_valid(cases[i].s, cases[i].len), cases[i].valid);
  assert_int_equal(utf8_count("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 4);
  assert_int_equal(char_upper(0x451), 0x401); /* Cyrillic */
  assert_int_equal(char_lower(0x3A9), 0x3C9); /* Greek */
}

/* -- JSON -- */

static void json_comes_back(void **state) {
  (void)state;
  static const char *const texts[] = {
      "null",
      "true",
      "-12",
      "1.5",
      "1.0e+20",
      "\"a\\n\\\"b\\\\\"",
      "[1,[2,{\"a\":[]}]]",
      "{\"b\":1,\"a\":{\"c\":null}}",
      "{\"$symbol\":\"delivered\"}",
      "{\"$duration\":90000000}",
      "{\"$time\":\"2026-11-02T09:00:00.25Z\"}",
      "{\"$time\":9223372036854775807}",
      "{\"$regexp\":[\"a/b\",5]}",
      "{\"$range\":[1,null,true]}",
      "{\"$record\":{\"id\":\"m1\",\"state\":{\"$symbol\":\"sent\"}}}",
      "{\"$hash\":[[{\"$symbol\":\"a\"},1],[2,[3]]]}",
      "{\"$hash\":[[\"$time\",1]]}",
      "{\"$float\":\"NaN\"}",
      "{\"$float\":\"-Infinity\"}",
      "{\"$unknown\":true}",
      "{\"$secret\":true}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    struct error err = {0};
    struct buf b = BUF_INIT;
    value v;
    if (json_read(texts[i], strlen(texts[i]), syms, true, &v, &err) != OK)
      fail_msg("%s: %s", texts[i], err.message);
    json_write(v, syms, true, &b);
    assert_string_equal(buf_str(&b), texts[i]);
    value_unref(v);
    buf_release(&b);
  }
}

static void bad_json_says_where(void **state) {
  (void)state;
  static const struct {
    const char *text, *part;
  } cases[] = {{"[1,\n 2,]", "line 2"},
               {"", "line 1"},
               {"{\"a\":1", "line 1"},
               {"\"\xFF\"", "line 1"},
               {"99999999999999999999", "integer"},
               {"{\"$time\":\"yesterday\"}", "$time"},
               {"{\"$range\":[1]}", "$range"},
               {"{\"$range\":[\"a\",5,false]}", "$range"},
               {"{\"$range\":[[1],null,false]}", "$range"},
               {"{\"$regexp\":[\"(\",0]}", "regexp"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct error err = {0};
    value v;
    assert_int_equal(json_read(cases[i].text, strlen(cases[i].text), syms, true, &v, &err),
                     ERR_VALUE);
    if (!strstr(err.message, cases[i].part)) fail_msg("%s: %s", cases[i].text, err.message);
    error_release(&err);
  }
}

static void deep_json_is_refused(void **state) {
  (void)state;
  static const int depths[] = {LIMIT_NESTING, 2000, 100000};
  for (size_t i = 0; i < 3; i++) {
    struct buf b = BUF_INIT;
    struct error err = {0};
    value v;
    buf_addn(&b, (size_t)depths[i], '[');
    buf_addn(&b, (size_t)depths[i], ']');
    assert_int_equal(json_read(b.data, b.len, syms, false, &v, &err), ERR_LIMIT);
    error_release(&err);
    buf_release(&b);
  }
}

/* -- regexps -- */

static bool matches(const char *pattern, unsigned flags, const char *text) {
  struct error err = {0};
  value v;
  struct match m;
  bool found;
  if (value_regexp(pattern, strlen(pattern), flags, &v, &err) != OK) fail_msg("%s", err.message);
  assert_int_equal(
      regex_search(value_regex(v), (struct text){text, strlen(text)}, 0, false, &found, &m, &err),
      OK);
  value_unref(v);
  return found;
}

static void regexps_speak_ruby(void **state) {
  (void)state;
  assert_true(matches("^b$", 0, "a\nb\nc"));
  assert_false(matches("\\Ab", 0, "a\nb"));
  assert_false(matches("a.b", 0, "a\nb"));
  assert_true(matches("a.b", RE_M, "a\nb"));
  assert_true(matches("(?m:a.b)", 0, "a\nb"));
  assert_true(matches("\\h{4}\\H", 0, "beefz"));
  assert_true(matches("[[:alpha:]]+\\z", 0, "\xC3\xA9"));
  assert_true(matches("\\u00e9", 0, "\xC3\xA9"));
  assert_true(matches("\xC3\x89", RE_I, "\xC3\xA9"));
  assert_true(matches("a b # c", RE_X, "ab"));
  assert_true(matches("(?<n>a)\\k<n>", 0, "aa"));
}

static void regexps_stop(void **state) {
  (void)state;
  struct error err = {0};
  value v;
  struct match m;
  bool found;
  const char *text = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab";
  assert_int_equal(value_regexp("^(a+)+$", 7, 0, &v, &err), OK);
  assert_int_equal(
      regex_search(value_regex(v), (struct text){text, strlen(text)}, 0, false, &found, &m, &err),
      ERR_LIMIT);
  assert_non_null(strstr(err.message, "steps"));
  error_release(&err);
  value_unref(v);
  assert_int_equal(value_regexp("(a", 2, 0, &v, &err), ERR_VALUE);
  assert_non_null(strstr(err.message, "bad regexp /(a/"));
  error_release(&err);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(dict_keeps_order_and_replaces),
                                     cmocka_unit_test(symbols_and_strings_are_one_key),
                                     cmocka_unit_test(composite_keys_compare_by_content),
                                     cmocka_unit_test(depth_and_unknown_are_known),
                                     cmocka_unit_test(references_are_counted),
                                     cmocka_unit_test(equality_follows_ruby),
                                     cmocka_unit_test(floats_read_as_ruby_writes_them),
                                     cmocka_unit_test(durations_and_times_are_shown),
                                     cmocka_unit_test(secrets_never_show),
                                     cmocka_unit_test(utf8_is_checked),
                                     cmocka_unit_test(json_comes_back),
                                     cmocka_unit_test(bad_json_says_where),
                                     cmocka_unit_test(deep_json_is_refused),
                                     cmocka_unit_test(regexps_speak_ruby),
                                     cmocka_unit_test(regexps_stop)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, start, stop);
}
