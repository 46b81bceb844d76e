/* The evaluator on values that no expression can write: unknown ones, secrets, records; declared
 * fields; and what a context keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../runtime/codec.h"
#include "../../runtime/eval.h"

/* One text whose last statement is evaluated with x (and y) set from outside. */
struct trial {
  struct program *p;
  struct unit unit;
  struct eval e;
  struct error err;
  node_id last;
};

static void trial_begin(struct trial *t, const char *expr, const struct eval_hooks *hooks) {
  struct buf b = BUF_INIT;
  struct source s;
  *t = (struct trial){0};
  buf_addf(&b, "x = [1, \"a\", nil].first; y = [1, \"a\", nil].first; z = [x, y]; %s", expr);
  size_t len = b.len;
  (void)buf_reserve(&b, 2);
  assert_int_equal(source_init(&s, "expression", buf_take(&b), len, &t->err), OK);
  if (!program_load_expression(&t->p, &s, NULL, &t->unit, NULL))
    fail_msg("%s: %s", expr, t->p->diags.items[0].message);
  eval_init(&t->e, t->p, &t->unit, hooks, NULL, &t->err);
  for (node_id id = tree_node(t->e.tree, t->unit.body)->a; id; id = tree_node(t->e.tree, id)->next)
    t->last = id;
}

static void set(struct trial *t, const char *name, value owned) {
  sym s = sym_find(t->p->syms, name, strlen(name));
  for (uint32_t i = 0; i < t->unit.slot_count; i++)
    if (t->unit.slot_names[i] == s) return eval_set_slot(&t->e, i, owned);
  fail_msg("no variable %s", name);
}

static void trial_end(struct trial *t) {
  eval_release(&t->e);
  error_release(&t->err);
  program_free(t->p);
}

static void gives(struct trial *t, const char *expr, const char *want) {
  value v;
  struct buf b = BUF_INIT;
  if (eval_node(&t->e, t->last, &v) != OK) {
    buf_addf(&b, "error: %s", t->err.message);
    if (t->err.help) buf_addf(&b, "; %s", t->err.help);
  } else {
    value_inspect(v, t->p->syms, &b);
    value_unref(v);
  }
  if (strcmp(buf_str(&b), want) != 0) fail_msg("%s: want %s, have %s", expr, want, buf_str(&b));
  buf_release(&b);
}

struct row {
  const char *expr, *want;
};

/* -- unknown values -- */

#define U "(unknown until run)"

static void unknown_goes_through_everything(void **state) {
  (void)state;
  static const struct row rows[] = {{"x + 1", U},
                                    {"1 + x", U},
                                    {"-x", U},
                                    {"!x", U},
                                    {"x == 1", U},
                                    {"x == x", U},
                                    {"x.size", U},
                                    {"x.anything_at_all", U},
                                    {"x[0]", U},
                                    {"[1, 2][x]", U},
                                    {"\"a#{x}b\"", U},
                                    {":\"a#{x}\"", U},
                                    {"x && 1", U},
                                    {"x || 1", U},
                                    {"nil || x", U},
                                    {"x ? 1 : 2", U},
                                    {"[x, 1]", "[" U ", 1]"},
                                    {"[x, 1].size", "2"},
                                    {"[x, 1].last", "1"},
                                    {"[x, 1].first", U},
                                    {"[x, 1].include?(1)", U},
                                    {"[x, 1].sum", U},
                                    {"[x, 1].sort", U},
                                    {"[x, 1].join", U},
                                    {"[x, 1] == [x, 1]", U},
                                    {"[x, 1] + [2]", "[" U ", 1, 2]"},
                                    {"[x, 1] - [1]", U},
                                    {"[x, 1].map { |v| v }", "[" U ", 1]"},
                                    {"[1, 2].map { |v| v + x }", "[" U ", " U "]"},
                                    {"[1, 2].select { |v| v == x }", U},
                                    {"[1, 2].find { |v| x }", U},
                                    {"[1, 2].any? { |v| v == x }", U},
                                    {"[1, 2].group_by { |v| x }", U},
                                    {"[1, 2].sort_by { |v| x }", U},
                                    {"[1, 2].reduce { |a, b| a + b + x }", U},
                                    {"{ a: x }[:a]", U},
                                    {"{ a: x, b: 1 }.keys", "[:a, :b]"},
                                    {"{ a: x }.invert", U},
                                    {"{ x => 1 }.size", "1"},
                                    {"(1..x).to_a", U},
                                    {"\"%s\" % x", U},
                                    {"\"%s\" % [x]", U},
                                    {"/a#{x}/", U},
                                    {"\"abc\".sub(/b/) { |m| x }", U},
                                    {"[3, x].max", U},
                                    {"[[x, 1], [x, 2]].to_h", U},
                                    {"[x].uniq", U},
                                    {"x.nil?", U},
                                    {"case x when 1 then 2 else 3 end", U},
                                    {"case 1 when x then 2 else 3 end", U},
                                    {"if x then 1 end", U},
                                    {"false && x", "false"},
                                    {"true || x", "true"},
                                    {"a, b = x; [a, b]", "[" U ", " U "]"},
                                    {"[[1, x]].map { |a, b| a }", "[1]"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct trial t;
    trial_begin(&t, rows[i].expr, NULL);
    set(&t, "x", value_unknown());
    if (strchr(rows[i].expr, ';')) { /* run all of it: only the last is evaluated by gives */
      value v;
      node_id before = 0;
      for (node_id id = tree_node(t.e.tree, t.unit.body)->a; id != t.last;
           id = tree_node(t.e.tree, id)->next)
        before = id;
      assert_int_equal(eval_node(&t.e, before, &v), OK);
      value_unref(v);
    }
    gives(&t, rows[i].expr, rows[i].want);
    trial_end(&t);
  }
}

static void an_unknown_condition_hides_both_branches(void **state) {
  (void)state;
  struct trial t;
  value v;
  trial_begin(&t, "if x then y = 2 else z = 3 end", NULL);
  set(&t, "x", value_unknown());
  set(&t, "y", value_int(1));
  assert_int_equal(eval_node(&t.e, t.last, &v), OK);
  assert_int_equal(v.tag, V_UNKNOWN);
  assert_true(t.e.met_unknown);
  for (uint32_t i = 1; i < 3; i++)
    assert_int_equal(t.e.slots[i].tag, V_UNKNOWN);
  trial_end(&t);
}

/* Whatever may or may not have run, what it assigns is not known. */
static void what_may_have_run_is_forgotten(void **state) {
  (void)state;
  static const char *const exprs[] = {"x && [1].map { |v| y = v }",
                                      "x || [1].map { |v| y = v }",
                                      "x ||= [1].map { |v| y = v }",
                                      "x &&= [1].map { |v| y = v }",
                                      "x ? [1].map { |v| y = v } : 3",
                                      "if x then 3 else y = 2 end",
                                      "y = 2 if x",
                                      "y += 1 unless x",
                                      "case x when 1 then y = 2 end",
                                      "case x when 1 then 3 else y = 2 end",
                                      "case when x then 3 when [1].any? { |v| y = v } then 4 end",
                                      "if x then y, z = [2, 3] end",
                                      "if x then [1].each { |v| y ||= v } end",
                                      "x.map { |v| y = v }",
                                      "[1, 2].select { |v| y = v; x }",
                                      "x && [1, { a: [1].map { |v| y = v } }]"};
  for (size_t i = 0; i < sizeof exprs / sizeof *exprs; i++) {
    struct trial t;
    value v;
    sym y;
    trial_begin(&t, exprs[i], NULL);
    set(&t, "x", value_unknown());
    set(&t, "y", value_int(1));
    if (eval_node(&t.e, t.last, &v) != OK) fail_msg("%s: %s", exprs[i], t.err.message);
    assert_int_equal(v.tag, V_UNKNOWN);
    assert_true(t.e.met_unknown);
    y = sym_find(t.p->syms, "y", 1);
    for (uint32_t k = 0; k < t.unit.slot_count; k++)
      if (t.unit.slot_names[k] == y && t.e.slots[k].tag != V_UNKNOWN)
        fail_msg("%s: y is known", exprs[i]);
    trial_end(&t);
  }
}

static enum status count_parts(void *ud, struct eval *e, node_id n) {
  int *count = ud;
  (void)e, (void)n;
  ++*count;
  return OK;
}

static void the_hook_is_told_what_may_run(void **state) {
  (void)state;
  static const struct eval_hooks hooks = {.perhaps = count_parts};
  static const struct {
    const char *expr;
    int times;
  } rows[] = {{"x && y", 1},
              {"false && x", 0},
              {"x ? 1 : 2", 1},
              {"x.map { |v| v }", 1},
              {"x.size", 0},
              {"case x when 1 then 2 end", 1},
              {"[1, x].map { |v| v ? 1 : 2 }", 1},
              {"x ||= 1", 1},
              {"[1, 2].any? { |v| x }", 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct trial t;
    value v;
    int count = 0;
    trial_begin(&t, rows[i].expr, &hooks);
    t.e.ud = &count;
    set(&t, "x", value_unknown());
    if (eval_node(&t.e, t.last, &v) != OK) fail_msg("%s: %s", rows[i].expr, t.err.message);
    value_unref(v);
    if (count != rows[i].times) fail_msg("%s: told %d times", rows[i].expr, count);
    trial_end(&t);
  }
}

/* -- secrets -- */

static void secrets_taint_and_never_show(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"x", "[secret]"},
      {"\"Bearer #{x}\"", "[secret]"},
      {"x + \"a\"", "[secret]"},
      {"\"a\" + x", "[secret]"},
      {"[x, 1]", "[[secret], 1]"},
      {"[x, \"a\"].join", "[secret]"},
      {"\"%s\" % x", "[secret]"},
      {"\"%p\" % [x]", "[secret]"},
      {"x.to_s", "[secret]"},
      {"x.inspect", "\"[secret]\""},
      {"{ a: x }", "{:a=>[secret]}"},
      {"x == \"hunter2\"", "true"},
      {"x == \"hunter3\"", "false"},
      {"x == \"\"", "false"},
      {"\"hunter2\" == x", "true"},
      {"x != \"a\"", "true"},
      {"x.nil?", "false"},
      {":\"a#{x}\"", "[secret]"},
      {"x.size", "error: a secret has no size; a secret can be passed on, compared and put into a "
                 "text; no more"},
      {"x[0]", "error: secret has no []"},
      {"/#{x}/", "error: a secret cannot be put into a regexp"},
      {"x =~ /h/", "error: a secret =~ a regexp cannot be done"},
      {"\"a\".sub(/a/) { |m| x }", "error: a secret cannot be put into a text by sub"},
      {"[x, \"a\"].sort", "error: a secret cannot be compared with a string"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct trial t;
    trial_begin(&t, rows[i].expr, NULL);
    set(&t, "x", value_secret(value_cstr("hunter2")));
    gives(&t, rows[i].expr, rows[i].want);
    trial_end(&t);
  }
}

/* -- records -- */

static void records_are_read_with_a_dot(void **state) {
  (void)state;
  static const struct row rows[] = {
      {"x.id", "\"m1\""},
      {"x.state", ":sent"},
      {"x.size", "7"},
      {"x[\"id\"]", "\"m1\""},
      {"x[:nope]", "nil"},
      {"x&.id", "\"m1\""},
      {"x.stat", "error: the record has no field stat; did you mean state?"},
      {"x.zzz", "error: the record has no field zzz; its first field is id"},
      {"x.to_h", "{:id=>\"m1\", :state=>:sent, :size=>7}"},
      {"x", "#<record id: \"m1\", state: :sent, size: 7>"},
      {"x.nil?", "false"},
      {"x == x", "true"},
      {"\"#{x.state}\"", "\"sent\""},
      {"[x].map { |r| r.id }", "[\"m1\"]"},
      {"x.state == \"sent\"", "true"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct trial t;
    trial_begin(&t, rows[i].expr, NULL);
    struct error err = {0};
    value v;
    const char *json = "{\"$record\":{\"id\":\"m1\",\"state\":{\"$symbol\":\"sent\"},\"size\":7}}";
    assert_int_equal(json_read(json, strlen(json), t.p->syms, true, &v, &err), OK);
    set(&t, "x", v);
    gives(&t, rows[i].expr, rows[i].want);
    trial_end(&t);
  }
}

/* -- contexts -- */

static int64_t noon(void *ud) {
  (void)ud;
  return INT64_C(1793620800000000) + 1;
}
static enum status polled(void *ud, struct eval *e) {
  (void)ud;
  return error_set(e->err, ERR_CANCELLED, "cancelled");
}

static void hooks_give_the_time_and_stop_loops(void **state) {
  (void)state;
  struct eval_hooks clock = {.now = noon}, stop = {.poll = polled};
  struct trial t;
  trial_begin(&t, "[now - today, today]", &clock);
  gives(&t, "now", "[12 hours 0.000001 seconds, 2026-11-02 00:00:00 UTC]");
  trial_end(&t);
  value v;
  trial_begin(&t, "(1..5).map { |i| i }", &stop);
  assert_int_equal(eval_node(&t.e, t.last, &v), ERR_CANCELLED);
  trial_end(&t);
}

static void a_fork_has_its_own_variables(void **state) {
  (void)state;
  struct trial t;
  struct eval fork;
  trial_begin(&t, "x", NULL);
  set(&t, "x", value_cstr("before"));
  eval_fork(&fork, &t.e);
  eval_set_slot(&fork, 0, value_cstr("after"));
  assert_string_equal(value_str(t.e.slots[0])->s, "before");
  assert_true(t.e.is_set[0] && !fork.is_set[2]);
  eval_release(&fork);
  trial_end(&t);
}

static void errors_know_their_place(void **state) {
  (void)state;
  struct trial t;
  value v;
  trial_begin(&t, "[1, 2].map { |i| x / (i - 1) }", NULL);
  set(&t, "x", value_int(7));
  assert_int_equal(eval_node(&t.e, t.last, &v), ERR_VALUE);
  assert_true(t.err.has_at);
  assert_memory_equal(t.p->sources[0]->text + t.err.at.start, "x / (i - 1)",
                      t.err.at.end - t.err.at.start);
  trial_end(&t);
}

/* -- declared fields -- */

struct field_row {
  type_id type;
  const char *in; /* text, or tagged JSON when it starts with `=` */
  bool from_text;
  const char *want; /* inspect, or the error */
};

static void fields_convert_and_refuse(void **state) {
  (void)state;
  static const struct field_row rows[] = {
      {T_integer, "12", true, "12"},
      {T_integer, "12x", true, "f must be an integer, not \"12x\"; write it like 20"},
      {T_integer, "", true, "f must be an integer, not \"\"; write it like 20"},
      {T_integer, "99999999999999999999", true,
       "f must be an integer, not \"99999999999999999999\"; write it like 20"},
      {T_integer, "=\"12\"", false, "f must be an integer, not \"12\"; write it like 20"},
      {T_integer, "=1.5", false, "f must be an integer, not 1.5"},
      {T_float, "2.5", true, "2.5"},
      {T_float, "=2", false, "2.0"},
      {T_number, "3", true, "3"},
      {T_number, "3.5", true, "3.5"},
      {T_float, "1e999", true, "f must be a float, not \"1e999\"; write it like 2.5"},
      {T_boolean, "yes", true, "true"},
      {T_boolean, "FALSE", true, "false"},
      {T_boolean, "maybe", true, "f must be true or false, not \"maybe\"; write it like true"},
      {T_string, "a b", true, "\"a b\""},
      {T_string, "={\"$symbol\":\"a\"}", false, "\"a\""},
      {T_string, "=1", false, "f must be a string, not 1"},
      {T_symbol, "sent", true, ":sent"},
      {T_symbol, "=\"sent\"", false, ":sent"},
      {T_duration, "15m", true, "15 minutes"},
      {T_duration, "15", true,
       "f must be a duration, not \"15\"; write it like 90s, 1h30m or PT1H30M"},
      {T_time, "2026-11-02T09:00:00Z", true, "2026-11-02 09:00:00 UTC"},
      {T_date, "2026-11-02", true, "2026-11-02 00:00:00 UTC"},
      {T_date, "2026-11-02T09:00:00Z", true,
       "f must be a date, not \"2026-11-02T09:00:00Z\"; write it like 2026-11-02 (YYYY-MM-DD)"},
      {T_time, "=\"2026-11-02T09:00:00Z\"", false, "2026-11-02 09:00:00 UTC"},
      {T_phone, "+15005550006", true, "\"+15005550006\""},
      {T_phone, "+12345678", true, "\"+12345678\""},
      {T_phone, "+123456789012345", true, "\"+123456789012345\""},
      {T_phone, "2025550100", true, "f must be a phone number with its country, not \"2025550100\"; write it like +15005550006"},
      {T_phone, "+1 (500) 555-0006", true, "f must be a phone number with its country, not \"+1 (500) 555-0006\"; write it like +15005550006"},
      {T_phone, "+1234567", true, "f must be a phone number with its country, not \"+1234567\"; write it like +15005550006"},
      {T_phone, "+1234567890123456", true, "f must be a phone number with its country, not \"+1234567890123456\"; write it like +15005550006"},
      {T_phone, "+0123456789", true, "f must be a phone number with its country, not \"+0123456789\"; write it like +15005550006"},
      {T_phone, "12ab", true, "f must be a phone number with its country, not \"12ab\"; write it like +15005550006"},
      {T_email, "ana@example.org", true, "\"ana@example.org\""},
      {T_email, "ana@org", true,
       "f must be an email address, not \"ana@org\"; write it like ana@example.org"},
      {T_email, "a@b@c.d", true,
       "f must be an email address, not \"a@b@c.d\"; write it like ana@example.org"},
      {T_url, "https://example.org/x", true, "\"https://example.org/x\""},
      {T_url, "example.org", true,
       "f must be a URL, not \"example.org\"; write it like https://example.org/path"},
      {T_path, "data/x.csv", true, "\"data/x.csv\""},
      {T_path, "", true, "f must be a path, not \"\"; write it like data/people.csv"},
      {T_array, "a, b", true, "[\"a\", \"b\"]"},
      {T_array, "[1, 2]", true, "[1, 2]"},
      {T_array, "[1", true, "f must be an array, not \"[1\"; write it like [\"a\", \"b\"]"},
      {T_hash, "{\"a\": 1}", true, "{\"a\"=>1}"},
      {T_record, "{\"a\": 1}", true, "#<record a: 1>"},
      {T_record, "={\"a\":1}", false, "#<record a: 1>"},
      {T_secret, "k", true, "[secret]"},
      {T_string, "caf\xe9", true,
       "f is not UTF-8 text; set the terminal to UTF-8, or convert it with iconv"},
      {T_any, "=[1,null]", false, "[1, nil]"},
      {T_integer, "=null", false, "f must be an integer, not nil"},
      {T_integer, "={\"$unknown\":true}", false, U},
      {T_string, "={\"$secret\":true}", false, "[secret]"}};
  struct trial t;
  trial_begin(&t, "x", NULL);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct field f = {.name = sym_intern(t.p->syms, "f", 1), .type = rows[i].type};
    struct error err = {0};
    struct buf b = BUF_INIT;
    value in, out;
    const char *text = rows[i].in;
    if (*text == '=')
      assert_int_equal(json_read(text + 1, strlen(text + 1), t.p->syms, true, &in, &err), OK);
    else in = value_cstr(text);
    if (field_check(&t.e, &f, in, rows[i].from_text, &out, &err) == OK) {
      value_inspect(out, t.p->syms, &b);
      value_unref(out);
    } else {
      buf_adds(&b, err.message);
      if (err.help) buf_addf(&b, "; %s", err.help);
    }
    if (strcmp(buf_str(&b), rows[i].want) != 0)
      fail_msg("%s: want %s, have %s", text, rows[i].want, buf_str(&b));
    buf_release(&b);
    error_release(&err);
    value_unref(in);
  }
  trial_end(&t);
}

static void fields_keep_their_bounds(void **state) {
  (void)state;
  struct trial t;
  trial_begin(&t, "[2, 5, [\"ab\", \"abc\"], /\\Aab/]", NULL);
  const struct node *list = tree_node(t.e.tree, t.last);
  node_id min = list->a, max = tree_node(t.e.tree, min)->next,
          one_of = tree_node(t.e.tree, max)->next, match = tree_node(t.e.tree, one_of)->next;
  const struct {
    type_id type;
    node_id min, max, one_of, match;
    bool secret, given_secret;
    const char *in, *want, *form;
  } rows[] = {
      {T_integer, min, max, 0, 0, false, false, "3", "3", NULL},
      {T_integer, min, max, 0, 0, false, false, "1", "f must be at least 2, not 1", NULL},
      {T_integer, min, max, 0, 0, false, false, "6", "f must be at most 5, not 6", NULL},
      {T_string, min, 0, 0, 0, false, false, "a", "f must be at least 2 characters, not 1", NULL},
      {T_string, 0, max, 0, 0, false, false, "abcdef", "f must be at most 5 characters, not 6", NULL},
      {T_array, min, 0, 0, 0, false, false, "a", "f must be at least 2 elements, not 1", NULL},
      {T_string, 0, 0, one_of, 0, false, false, "abc", "\"abc\"", NULL},
      {T_symbol, 0, 0, one_of, 0, false, false, "abc", ":abc", NULL},
      {T_string, 0, 0, one_of, 0, false, false, "x", "f cannot be x; it is one of: ab, abc", NULL},
      {T_string, 0, 0, 0, match, false, false, "abz", "\"abz\"", NULL},
      {T_string, 0, 0, 0, match, false, false, "zab",
       "f must be of the declared form, not \"zab\"; it must match /\\Aab/", NULL},
      {T_string, 0, 0, 0, 0, true, false, "k", "[secret]", NULL},
      {T_string, 0, 0, one_of, 0, true, false, "k",
       "f cannot be what was given; it is one of: ab, abc", NULL},
      {T_string, 0, 0, one_of, 0, false, true, "k",
       "f cannot be what was given; it is one of: ab, abc", NULL},
      {T_string, min, 0, 0, 0, false, true, "k",
       "f must be at least 2 characters, not what was given", NULL},
      {T_string, 0, 0, 0, match, false, true, "k",
       "f must be of the declared form, not what was given; it must match /\\Aab/", NULL},
      {T_string, 0, 0, 0, match, false, false, "zab", "f must be ab and more, not \"zab\"",
       "ab and more"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct field f = {.name = sym_intern(t.p->syms, "f", 1),
                      .type = rows[i].type,
                      .min = rows[i].min,
                      .max = rows[i].max,
                      .one_of = rows[i].one_of,
                      .form = rows[i].form,
                      .match = rows[i].match,
                      .secret = rows[i].secret};
    struct error err = {0};
    struct buf b = BUF_INIT;
    value in = value_cstr(rows[i].in), out;
    if (rows[i].given_secret) in = value_secret(in);
    if (field_check(&t.e, &f, in, true, &out, &err) == OK) {
      value_inspect(out, t.p->syms, &b);
      value_unref(out);
    } else {
      buf_adds(&b, err.message);
      if (err.help) buf_addf(&b, "; %s", err.help);
    }
    if (strcmp(buf_str(&b), rows[i].want) != 0)
      fail_msg("%s: want %s, have %s", rows[i].in, rows[i].want, buf_str(&b));
    buf_release(&b);
    error_release(&err);
    value_unref(in);
  }
  trial_end(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(unknown_goes_through_everything),
                                     cmocka_unit_test(an_unknown_condition_hides_both_branches),
                                     cmocka_unit_test(what_may_have_run_is_forgotten),
                                     cmocka_unit_test(the_hook_is_told_what_may_run),
                                     cmocka_unit_test(secrets_taint_and_never_show),
                                     cmocka_unit_test(records_are_read_with_a_dot),
                                     cmocka_unit_test(hooks_give_the_time_and_stop_loops),
                                     cmocka_unit_test(a_fork_has_its_own_variables),
                                     cmocka_unit_test(errors_know_their_place),
                                     cmocka_unit_test(fields_convert_and_refuse),
                                     cmocka_unit_test(fields_keep_their_bounds)};
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
