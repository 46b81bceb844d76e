/* What lang_parse answers: complete, stops too early, or wrong; and texts made to break parsers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/ast.h"
#include "../../lang/limits.h"

struct parsed {
  struct source source;
  struct tree tree;
  struct diags diags;
  struct symtab *syms;
  enum parse_result result;
};

static void parse(struct parsed *p, const char *text, size_t len) {
  struct error err = {0};
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  *p = (struct parsed){.syms = symtab_new()};
  assert_int_equal(source_init(&p->source, "a.rb", copy, len, &err), OK);
  p->result = lang_parse(&p->tree, &p->source, 0, p->syms, &p->diags);
  assert_int_equal(p->result == PARSE_OK, p->diags.errors == 0);
  assert_memory_equal(p->source.text, text, len); /* scanned in place, and left as it was */
}

static void parsed_release(struct parsed *p) {
  diags_release(&p->diags);
  tree_release(&p->tree);
  symtab_free(p->syms);
  source_release(&p->source);
}

static enum parse_result result_of(const char *text) {
  struct parsed p;
  parse(&p, text, strlen(text));
  enum parse_result result = p.result;
  parsed_release(&p);
  return result;
}

static void tells_incomplete_from_wrong(void **state) {
  (void)state;
  static const struct {
    const char *text;
    enum parse_result want;
  } cases[] = {
      {"", PARSE_OK},
      {"\n\n# only a comment", PARSE_OK},
      {"\xEF\xBB\xBFshow 1", PARSE_OK},
      {"show 1\r\nshow 2\r\n", PARSE_OK},
      {"x = 1", PARSE_OK},
      {"__END__\n)))", PARSE_OK},
      {"step \"a\" do", PARSE_INCOMPLETE},
      {"step \"a\" do\n  if x\n    show 1\n", PARSE_INCOMPLETE},
      {"list.map { |x|", PARSE_INCOMPLETE},
      {"list.map { |x", PARSE_INCOMPLETE},
      {"x =", PARSE_INCOMPLETE},
      {"x = 1 +\n", PARSE_INCOMPLETE},
      {"show 1,", PARSE_INCOMPLETE},
      {"show(1", PARSE_INCOMPLETE},
      {"show(1,\n  2\n", PARSE_INCOMPLETE},
      {"[1, 2", PARSE_INCOMPLETE},
      {"{a: 1", PARSE_INCOMPLETE},
      {"{a:", PARSE_INCOMPLETE},
      {"\"abc", PARSE_INCOMPLETE},
      {"'abc", PARSE_INCOMPLETE},
      {"%w[a b", PARSE_INCOMPLETE},
      {"/abc", PARSE_INCOMPLETE},
      {"\"abc #{x", PARSE_INCOMPLETE},
      {"note <<~TEXT\n  abc\n", PARSE_INCOMPLETE},
      {"note <<~'TEXT'\n  abc\n", PARSE_INCOMPLETE},
      {"case x\n", PARSE_INCOMPLETE},
      {"case x\nwhen 1", PARSE_INCOMPLETE},
      {"if x", PARSE_INCOMPLETE},
      {"x ? 1 :", PARSE_INCOMPLETE},
      {"x &&", PARSE_INCOMPLETE},
      {"a.", PARSE_INCOMPLETE},
      {"show)", PARSE_ERROR},
      {"end", PARSE_ERROR},
      {"x = )\nstep \"a\" do", PARSE_ERROR},
      {"show -x", PARSE_ERROR},
      {"while x do", PARSE_ERROR},
      {"puts \"x\"", PARSE_ERROR},
      {"x = 08", PARSE_ERROR},
      {"foo 1 2", PARSE_ERROR},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (result_of(cases[i].text) != cases[i].want) fail_msg("wrong answer for: %s", cases[i].text);
}

/* A text of `count` copies of `piece` between a beginning and an end. */
static void parse_repeated(struct parsed *p, const char *begin, const char *piece, size_t count,
                           const char *end) {
  struct buf text = BUF_INIT;
  buf_adds(&text, begin);
  for (size_t i = 0; i < count; i++)
    buf_adds(&text, piece);
  buf_adds(&text, end);
  parse(p, buf_str(&text), text.len);
  buf_release(&text);
}

static void expect_repeated(const char *begin, const char *piece, size_t count, const char *end,
                            enum parse_result want, const char *message) {
  struct parsed p;
  parse_repeated(&p, begin, piece, count, end);
  if (p.result != want) fail_msg("wrong answer for %zu times %s", count, piece);
  if (message) assert_non_null(strstr(p.diags.items[0].message, message));
  assert_true(p.diags.errors <= DIAG_MAX_ERRORS);
  parsed_release(&p);
}

static void deep_nesting_is_an_error(void **state) {
  (void)state;
  static const char *const pieces[] = {"[",      "(",     "{a: ",   "-",        "!",     "f(",
                                       "f do ",  "f { ",  "\"#{",   "x ? 1 : ", "2 ** ", "x ? ",
                                       "f a: [", "case ", "if x\n", "f \"#{",   "x[",    "<<~A"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct parsed p;
    parse_repeated(&p, "", pieces[i], 100000, "1");
    if (p.result == PARSE_OK) fail_msg("100000 times %s was accepted", pieces[i]);
    parsed_release(&p);
  }
  expect_repeated("x = ", "[", 100000, "", PARSE_ERROR, "256 levels");
  expect_repeated("x = ", "-", 100000, "y", PARSE_ERROR, "256 levels");
  expect_repeated("x = 1", " + 1", 100000, "", PARSE_ERROR, "256 levels");
  expect_repeated("x = a", ".b", 100000, "", PARSE_ERROR, "256 levels");
  expect_repeated("if a\n", "elsif b\n", 100000, "end", PARSE_ERROR, "256 levels");
  expect_repeated("x = a", " ? b : a", 100000, "", PARSE_ERROR, "256 levels");
  expect_repeated("x = 1", " + 1", 200, "", PARSE_OK, NULL);
}

/* Depth as the tree's readers count it: nodes from the root. */
static unsigned depth_of(const struct tree *t, node_id id, unsigned so_far) {
  unsigned deepest = so_far;
  for (; id; id = tree_node(t, id)->next) {
    const struct node *n = tree_node(t, id);
    bool kids_a = n->kind != N_int && n->kind != N_float && n->kind != N_str && n->kind != N_sym &&
                  n->kind != N_name && n->kind != N_const && n->kind != N_param &&
                  n->kind != N_error;
    bool kids_b = kids_a && n->kind != N_call && n->kind != N_index && n->kind != N_dstr &&
                  n->kind != N_regex && n->kind != N_unary;
    bool kids_c = n->kind == N_call || n->kind == N_index || n->kind == N_if || n->kind == N_case ||
                  n->kind == N_param;
    node_id kids[] = {kids_a ? n->a : 0, kids_b ? n->b : 0, kids_c ? n->c : 0};
    for (int i = 0; i < 3; i++) {
      unsigned d = kids[i] ? depth_of(t, kids[i], so_far + 1) : so_far;
      if (d > deepest) deepest = d;
    }
  }
  return deepest;
}

static void accepted_trees_are_shallow(void **state) {
  (void)state;
  static const char *const pieces[][3] = {{"x = ", "[", "]"},
                                          {"x = ", "f(", ")"},
                                          {"", "f do ", "end "},
                                          {"x = ", "- ", ""},
                                          {"x = ", "\"#{", "}\""}};
  for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
    unsigned accepted = 0;
    for (size_t n = 20; n <= 260; n += 20) {
      struct buf text = BUF_INIT;
      struct parsed p;
      buf_adds(&text, pieces[k][0]);
      for (size_t i = 0; i < n; i++)
        buf_adds(&text, pieces[k][1]);
      if (k) buf_adds(&text, "y ");
      for (size_t i = 0; i < n; i++)
        buf_adds(&text, pieces[k][2]);
      parse(&p, buf_str(&text), text.len);
      if (p.result == PARSE_OK) {
        assert_true(depth_of(&p.tree, p.tree.root, 1) <= LIMIT_NESTING + 2);
        accepted++;
      }
      parsed_release(&p);
      buf_release(&text);
    }
    assert_true(accepted >= 3 && accepted < 13);
  }
}

/* Linear in size: these end at once, or never. */
static void large_texts(void **state) {
  (void)state;
  struct parsed p;
  size_t size = (size_t)10 << 20;
  char *line = mem_alloc(size);
  memset(line, 'x', size);
  memcpy(line, "show \"", 6);
  line[size - 1] = '"';
  parse(&p, line, size);
  assert_int_equal(p.result, PARSE_OK);
  parsed_release(&p);
  line[size - 1] = 'x'; /* not closed */
  parse(&p, line, size);
  assert_int_equal(p.result, PARSE_INCOMPLETE);
  parsed_release(&p);
  mem_free(line);
  expect_repeated("", "show \"a#{b}\\n\"\n", 200000, "", PARSE_OK, NULL);
  expect_repeated("x = [", "1, ", 300000, "]", PARSE_OK, NULL);
  expect_repeated("x = \"", "#{a}", 200000, "\"", PARSE_OK, NULL);
  expect_repeated("", "a; ", 300000, "", PARSE_OK, NULL);
  expect_repeated("a", "\n\n# c\n", 300000, "", PARSE_OK, NULL);
}

static void expect_any_error(const char *piece) {
  struct parsed p;
  parse_repeated(&p, "", piece, 50001, "");
  if (p.result == PARSE_OK) fail_msg("50001 times %s was accepted", piece);
  parsed_release(&p);
}

static void large_broken_texts(void **state) {
  (void)state;
  static const char *const pieces[] = {
      ") ",    "x = ", "show -x\n", "a b ", "%q( ",   "<<~A ",    "'",        "\"",
      "? ",    "do ",  "end\n",     "| ",   "x [",    "\xC2\xA0", "=begin\n", "while ",
      "a /b ", "`",    "%w[",       "f {",  "a (b) ", "a:\n",     "1..\n",    "rescue\n"};
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
    expect_any_error(pieces[i]);
}

static void values_are_read(void **state) {
  (void)state;
  struct parsed p;
  const char text[] = "[-9223372036854775808, 1.5, \"a\\u{E9}\", 'b']";
  parse(&p, text, sizeof text - 1);
  assert_int_equal(p.result, PARSE_OK);
  const struct tree *t = &p.tree;
  node_id id = tree_node(t, tree_node(t, tree_node(t, t->root)->a)->a)->next;
  const struct node *least = tree_node(t, tree_node(t, tree_node(t, t->root)->a)->a);
  assert_true(tree_int(least) == INT64_MIN);
  assert_true(tree_float(tree_node(t, id)) == 1.5);
  struct text s = tree_text(t, tree_node(t, tree_node(t, id)->next));
  assert_int_equal(s.len, 3);
  assert_memory_equal(s.s, "a\xC3\xA9", 3);
  parsed_release(&p);
}

int main(void) {
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tells_incomplete_from_wrong), cmocka_unit_test(deep_nesting_is_an_error),
      cmocka_unit_test(accepted_trees_are_shallow),  cmocka_unit_test(large_texts),
      cmocka_unit_test(large_broken_texts),          cmocka_unit_test(values_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
