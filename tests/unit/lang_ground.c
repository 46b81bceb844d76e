/* The ground floor: names, sources, buffers, arenas, diagnostics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../lang/arena.h"
#include "../../lang/diag.h"
#include "../../lang/sym.h"

static struct source source_of(const char *text, size_t len, struct error *err, enum status want) {
  struct source s;
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  assert_int_equal(source_init(&s, "a.rb", copy, len, err), want);
  return s;
}

static void names_are_interned(void **state) {
  (void)state;
  struct symtab *t = symtab_new();
  char name[32];
  sym first = sym_intern(t, "alpha", 5);
  for (int i = 0; i < 100000; i++) {
    int n = snprintf(name, sizeof name, "name%d", i);
    sym id = sym_intern(t, name, (size_t)n);
    assert_int_equal(sym_find(t, name, (size_t)n), id);
    assert_string_equal(sym_text(t, id), name);
  }
  assert_int_equal(sym_intern(t, "alpha", 5), first);
  assert_int_equal(sym_find(t, "never seen", 10), 0);
  assert_int_equal(sym_len(t, first), 5);
  for (sym w = 1; w < WORD_COUNT; w++)
    assert_int_equal(sym_find(t, sym_text(t, w), sym_len(t, w)), w); /* no word stands twice */
  symtab_free(t);
}

static void nearest_name(void **state) {
  (void)state;
  static const char *const names[] = {"size", "select", "sort_by", "send"};
  assert_int_equal(name_nearest("siez", names, 4), 0);
  assert_int_equal(name_nearest("selct", names, 4), 1);
  assert_int_equal(name_nearest("snd", names, 4), 3);
  assert_int_equal(name_nearest("zebra", names, 4), -1);
  assert_int_equal(name_nearest("", names, 4), -1);
}

static void lines_and_columns(void **state) {
  (void)state;
  struct error err = {0};
  const char text[] = "one\n\ttw\xC3\xB6 x\r\n\nend";
  struct source s = source_of(text, sizeof text - 1, &err, OK);
  uint32_t line, col;
  size_t len;
  source_line_col(&s, 0, &line, &col);
  assert_true(line == 1 && col == 1);
  source_line_col(&s, 10, &line, &col); /* the x after a two-byte letter */
  assert_true(line == 2 && col == 6);
  source_line_col(&s, (uint32_t)sizeof text - 1, &line, &col);
  assert_true(line == 4 && col == 4);
  assert_memory_equal(source_line(&s, 2, &len), "\ttw\xC3\xB6 x", 7);
  assert_int_equal(len, 7);
  assert_string_equal(source_line(&s, 9, &len), "");
  source_release(&s);
}

static void texts_that_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t len;
    const char *says;
  } bad[] = {
      {"ok\n\xFF\xFE", 5, "a.rb:2: not valid UTF-8 (byte 0xFF at offset 3)"},
      {"\xC0\xAF", 2, "a.rb:1: not valid UTF-8 (byte 0xC0 at offset 0)"},
      {"\xED\xA0\x80", 3, "a.rb:1: not valid UTF-8 (byte 0xED at offset 0)"},
      {"12345678\xE2\x82", 10, "a.rb:1: not valid UTF-8 (byte 0xE2 at offset 8)"},
      {"a\0b", 3, "a.rb:1: a NUL byte at offset 1; this is not a text file"},
      {"12345678901\0b", 13, "a.rb:1: a NUL byte at offset 11; this is not a text file"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct error err = {0};
    struct source s = source_of(bad[i].text, bad[i].len, &err, ERR_SYNTAX);
    assert_string_equal(err.message, bad[i].says);
    assert_non_null(err.help);
    source_release(&s);
    error_release(&err);
  }
}

static void buffers_stop_at_their_maximum(void **state) {
  (void)state;
  struct buf b = {.max = 10};
  buf_adds(&b, "12345678");
  assert_false(b.overflow);
  buf_adds(&b, "901");
  assert_true(b.overflow);
  assert_string_equal(buf_str(&b), "12345678");
  buf_clear(&b);
  assert_false(b.overflow);
  buf_add_utf8(&b, 0x1F600);
  assert_string_equal(buf_str(&b), "\xF0\x9F\x98\x80");
  buf_release(&b);
  assert_string_equal(buf_str(&b), "");
}

static void arena_blocks_are_apart(void **state) {
  (void)state;
  struct arena a = {0};
  char *last = NULL;
  for (size_t i = 1; i < 100000; i = i * 3 + 1) {
    char *p = arena_alloc(&a, i);
    assert_int_equal((uintptr_t)p % 8, 0);
    memset(p, 'x', i);
    if (last) assert_int_equal(last[0], 'x');
    last = p;
  }
  assert_string_equal(arena_printf(&a, "%d-%s", 7, "up"), "7-up");
  arena_release(&a);
}

static void diagnostics_have_their_shape(void **state) {
  (void)state;
  struct error err = {0};
  const char text[] = "step \"a\"\n\tshwo x\n";
  struct source s = source_of(text, sizeof text - 1, &err, OK), *sources[] = {&s};
  struct diags d = {0};
  struct diag *one = diag_add(&d, D_syntax, (struct span){0, 10, 14}, "no '%s' here", "shwo");
  diag_note(one, (struct span){0, 0, 4}, "in this step");
  diag_help(one, "did you mean 'show'?");
  assert_null(diag_add(&d, D_syntax, (struct span){0, 10, 14}, "again"));
  struct buf out = BUF_INIT;
  diags_print(&d, sources, false, &out);
  char want[512];
  snprintf(want, sizeof want,
           "a.rb:2:2: error[%s]: no 'shwo' here\n 2 |  shwo x\n   |  ^~~~\n"
           "a.rb:1:1: note: in this step\n 1 | step \"a\"\n   | ^~~~\n"
           "help: did you mean 'show'?\n\n"
           "1 error; names and types are checked once this is mended\n",
           diag_number(D_syntax));
  assert_string_equal(buf_str(&out), want);
  for (uint32_t i = 0; i < 40; i++) diag_add(&d, D_syntax, (struct span){0, i, i + 1}, "e%u", i);
  assert_int_equal(d.errors, DIAG_MAX_ERRORS);
  assert_int_equal(d.dropped, 20); /* 41 places, one of them twice */
  diags_release(&d);
  buf_release(&out);
  source_release(&s);
}

static void long_lines_are_cut_around_the_caret(void **state) {
  (void)state;
  struct error err = {0};
  char text[5000];
  memset(text, 'a', sizeof text);
  struct source s = source_of(text, sizeof text, &err, OK);
  struct buf out = BUF_INIT;
  diag_caret(&s, (struct span){0, 4000, 4003}, false, &out);
  assert_true(out.len < 500);
  assert_non_null(strstr(buf_str(&out), "...aaaa"));
  const char *caret = strstr(buf_str(&out), "^~~"), *row = strrchr(buf_str(&out), '|');
  assert_non_null(caret);
  assert_int_equal(caret - row, 2 + 3 + 20); /* after "| ", "..." and what stands before */
  assert_true(strlen(row) < 80);
  buf_release(&out);
  source_release(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_interned),
      cmocka_unit_test(nearest_name),
      cmocka_unit_test(lines_and_columns),
      cmocka_unit_test(texts_that_are_refused),
      cmocka_unit_test(buffers_stop_at_their_maximum),
      cmocka_unit_test(arena_blocks_are_apart),
      cmocka_unit_test(diagnostics_have_their_shape),
      cmocka_unit_test(long_lines_are_cut_around_the_caret),
  };
  cmocka_set_message_output(CM_OUTPUT_TAP);
  return cmocka_run_group_tests(tests, NULL, NULL);
}
