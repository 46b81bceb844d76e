/* Tables in files: CSV as it is found in the world, headers, converters, normal forms, sorting. */
#include "../../runtime/primitives/sheet_convert.h"
#include "../../runtime/primitives/sheet_sort.h"
#include "../../runtime/primitives/sheet_text.h"

#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

/* A file in a directory of its own; gone with it. */
struct file {
  char path[64];
};

static struct file write_file(const char *bytes, size_t len) {
  struct file f = {"/tmp/stepwise-sheet-XXXXXX.csv"};
  int fd = mkstemps(f.path, 4);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, bytes, len), (ssize_t)len);
  close(fd);
  return f;
}

/* The whole of a file as text: fields parted by |, rows by line ends, problems in braces. */
static enum status read_all(const struct sheet_options *o, struct buf *out, struct error *err) {
  struct sheet *s;
  enum status st = sheet_open(&s, o, err);
  if (st) return st;
  for (size_t i = 0; i < s->name_count; i++)
    buf_addf(out, "%s%s", i ? "|" : "", s->names[i]);
  struct record r;
  bool more;
  while (!(st = sheet_next(s, &r, &more, err)) && more) {
    buf_addf(out, "\n%d:", (int)r.row);
    for (size_t i = 0; i < r.count; i++)
      buf_addf(out, "%s%.*s", i ? "|" : "", (int)r.cells[i].len, r.cells[i].s);
    if (r.problem) buf_addf(out, " {%s}", r.problem);
  }
  sheet_close(s);
  return st;
}

static void expect_read(const struct sheet_options *base, const char *bytes, size_t len,
                        const char *expected) {
  struct file f = write_file(bytes, len);
  struct sheet_options o = *base;
  struct buf out = BUF_INIT;
  struct error err = {0};
  o.path = f.path;
  enum status st = read_all(&o, &out, &err);
  unlink(f.path);
  if (st) print_error("%s\n", err.message);
  assert_int_equal(st, OK);
  assert_string_equal(buf_str(&out), expected);
  buf_release(&out);
}

/* Both texts must occur: in the message, and in the help line. */
static void expect_error(const struct sheet_options *base, const char *bytes, size_t len,
                         const char *message, const char *help) {
  struct file f = write_file(bytes, len);
  struct sheet_options o = *base;
  struct buf out = BUF_INIT;
  struct error err = {0};
  o.path = f.path;
  enum status st = read_all(&o, &out, &err);
  unlink(f.path);
  assert_int_not_equal(st, OK);
  if (!strstr(err.message, message) || !err.help || !strstr(err.help, help))
    print_error("said: %s\nhelp: %s\n", err.message, err.help ? err.help : "none");
  assert_non_null(strstr(err.message, message));
  assert_non_null(strstr(err.message, f.path));
  assert_non_null(err.help);
  assert_non_null(strstr(err.help, help));
  error_release(&err);
  buf_release(&out);
}

static const struct sheet_options plain;
#define READ(text, expected) expect_read(&plain, text, sizeof(text) - 1, expected)
#define REFUSE(text, message, help) expect_error(&plain, text, sizeof(text) - 1, message, help)

static void test_csv(void **state) {
  (void)state;
  READ("a,b\n1,2\n", "a|b\n2:1|2");
  READ("a,b\r\n1,2\r\n3,4", "a|b\n2:1|2\n3:3|4");
  READ("a,b\r1,2\r", "a|b\n2:1|2");
  READ("\xef\xbb\xbf"
       "a,b\n1,2\n",
       "a|b\n2:1|2");
  READ("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", "a|b\n2:x, y|say \"hi\"");
  READ("a,b\n\"one\ntwo\r\nthree\",2\n3,4\n", "a|b\n2:one\ntwo\r\nthree|2\n3:3|4");
  READ("a,b\n,\n  , \n1,\n", "a|b\n4:1|");
  READ("\n\n a , b  c \n1,2", "a|b c\n4:1|2");
  READ("a,b\n\"\",\"\"\"\"\n", "a|b\n2:|\"");
  READ("a,b\n5\" pipe,x\"y\"\n", "a|b\n2:5\" pipe|x\"y\"");
  READ("a,b\n\"x\" ,2\n", "a|b\n2:x|2");
  READ("a,b,,\n1,2,,\n", "a|b\n2:1|2");
  READ("a,b\n\"last\",\"x\"", "a|b\n2:last|x");
}

static void test_csv_problems(void **state) {
  (void)state;
  READ("a,b,c\n1,2\n1,2,3,4\n1,2,3,,\n", "a|b|c\n2:1|2 {has fewer fields than the header}\n"
                                         "3:1|2|3|4 {has more fields than the header}\n4:1|2|3");
  READ("a,b\n\"x\"y,2\n3,4\n", "a|b\n2:x|2 {text stands after a closing quote}\n3:3|4");
}

static void test_delimiters(void **state) {
  (void)state;
  READ("a;b,c;d\n1;2;3\n", "a|b,c|d\n2:1|2|3");
  READ("\"a;x;y;z\",b\n1,2\n", "a;x;y;z|b\n2:1|2");
  READ("a\tb\n1\t2,5\n", "a|b\n2:1|2,5");
  READ("sep=;\r\na,x;b\r\n1;2\r\n", "a,x|b\n2:1|2");
  READ("sep=x,b\n1,2\n", "sep=x|b\n2:1|2");
  READ("sep=;\r", "sep=");
  struct sheet_options o = {.delimiter = "|"};
  expect_read(&o, "a|b\n1|2,5\n", 10, "a|b\n2:1|2,5");
  o = (struct sheet_options){.format = "tsv"};
  expect_read(&o, "a,b\tc\n1,2\t\"3\t4\"\n", 16, "a,b|c\n2:1,2|3\t4");
}

static void test_encodings(void **state) {
  (void)state;
  struct sheet_options o = {.encoding = "latin-1"};
  static const char latin[] = "name,x\nJos\xe9,\x80 5\n";
  expect_read(&o, latin, sizeof latin - 1, "name|x\n2:Jos\xc3\xa9|\xe2\x82\xac 5");
  REFUSE("name\nJos\xe9\n", "is not UTF-8: byte 0xE9 at line 2", "iconv -f WINDOWS-1252");
  REFUSE("name\nab\xc3", "is not UTF-8: byte 0xC3 at line 2", "windows-1252");
  REFUSE("name\n\xed\xa0\x80\n", "is not UTF-8", "encoding");
  REFUSE("name\n\xc0\xaf\n", "is not UTF-8", "encoding");
  REFUSE("\xff\xfe"
         "a\0b\0",
         "is UTF-16", "iconv -f UTF-16");
  REFUSE("a,b\n1,\0x\n", "binary data: a NUL byte at line 2", "CSV UTF-8");
}

static void test_headers(void **state) {
  (void)state;
  REFUSE("", "has no header", "first row names the columns");
  REFUSE("\n \n,,\n", "has no header", "first row");
  REFUSE("a,,b\n1,2,3\n", "column 2 has no name", "name of its own");
  REFUSE("Email,b,e-mail\n1,2,3\n", "columns 1 and 3 are both named \"e-mail\"", "name of its own");
  REFUSE("Ana,ana@example.org,x\nBo,bo@example.org,y\n",
         "has no header: row 1, column 2 holds \"ana@example.org\"", "add a first row");
  REFUSE("a,,b,A\n", "column 2 has no name; columns 1 and 4 are both named \"A\"", "name");
}

static void test_cut_and_huge(void **state) {
  (void)state;
  REFUSE("a,Note\n1,x\n2,\"cut in the mid",
         "ends inside a quoted field in row 3, column 2 (Note), opened at line 3", "complete file");
  REFUSE("a,b\n1,\"x\ny\",\"never\n", "row 2, column 3, opened at line 3", "close that quote");
  struct buf big = BUF_INIT;
  buf_adds(&big, "a,b\n1,\"");
  for (int i = 0; i < 300000; i++)
    buf_adds(&big, "1,2,3\n");
  expect_error(&plain, big.data, big.len,
               "a quoted field is longer than 1 MiB in row 2, column 2 (b), opened at line 2",
               "quote");
  buf_clear(&big);
  buf_adds(&big, "a");
  buf_addn(&big, 3000, ',');
  expect_error(&plain, big.data, big.len, "has more than 1000 columns", "delimiter");
  buf_clear(&big);
  buf_adds(&big, "a,b\n");
  buf_addn(&big, 2 << 20, 'x');
  expect_error(&plain, big.data, big.len, "has more than 1048576 bytes in a field", "delimiter");
  buf_release(&big);
}

static void test_other_files(void **state) {
  (void)state;
  REFUSE("%PDF-1.4 ...", "is a PDF document", "export");
  REFUSE("\xd0\xcf\x11\xe0\xa1\xb1", "an encrypted workbook or an old .xls", "password");
  REFUSE("SQLite format 3\0x", "is a SQLite database", "sqlite3");
  struct buf out = BUF_INIT;
  struct error err = {0};
  struct sheet_options o = {.path = "/nonexistent/x.csv"};
  assert_int_equal(read_all(&o, &out, &err), ERR_NOT_FOUND);
  error_release(&err);
  o.path = "/tmp";
  assert_int_equal(read_all(&o, &out, &err), ERR_VALUE);
  assert_non_null(strstr(err.message, "is a directory"));
  error_release(&err);
  buf_release(&out);
}

/* Records across buffer ends: every length of the first field puts them elsewhere. */
static void test_buffer_ends(void **state) {
  (void)state;
  for (size_t pad = 0; pad < 24; pad++) {
    struct buf in = BUF_INIT, want = BUF_INIT;
    buf_adds(&in, "a,b\n");
    buf_adds(&want, "a|b\n2:");
    size_t fill = (256 << 10) - 12 + pad;
    buf_addn(&in, fill, 'x');
    buf_addn(&want, fill, 'x');
    buf_adds(&in, ",\"\xc3\xa9\"\"q\"\r\n\"\",\"z\"\r\n");
    buf_adds(&want, "|\xc3\xa9\"q\n3:|z");
    expect_read(&plain, in.data, in.len, want.data);
    buf_release(&in);
    buf_release(&want);
  }
}

static const char *convert(const char *name, const char *country, const char *text) {
  static char result[200];
  struct convert_options o = {.country = country};
  struct cell cell = {text, strlen(text), CELL_TEXT};
  struct buf scratch = BUF_INIT;
  struct converted v = {0};
  const char *wrong = converter_find(name)->fn(&o, &cell, &scratch, &v);
  if (wrong) snprintf(result, sizeof result, "! %s", wrong);
  else if (v.type == CONVERTED_NULL) snprintf(result, sizeof result, "nothing");
  else if (v.type == CONVERTED_INTEGER) snprintf(result, sizeof result, "%lld", (long long)v.i);
  else if (v.type == CONVERTED_REAL) snprintf(result, sizeof result, "%g", v.r);
  else snprintf(result, sizeof result, "%.*s", (int)v.len, v.s);
  buf_release(&scratch);
  return result;
}

static void test_converters(void **state) {
  (void)state;
  static const struct {
    const char *converter, *in, *out;
  } cases[] = {
      {"text", " a ", " a "},
      {"trim", " \xc2\xa0 a b \t", "a b"},
      {"squeeze", "  a \t b  ", "a b"},
      {"trim", "  ", "nothing"},
      {"upcase", "zoë ñ", "ZOË Ñ"},
      {"downcase", "ÀÉ ŁÓDŹ", "àé łódź"},
      {"integer", "1,234", "1234"},
      {"integer", "12.0", "12"},
      {"integer", "-7", "-7"},
      {"integer", "", "nothing"},
      {"integer", "1.5", "! is not a whole number"},
      {"integer", "12,34", "! is not a whole number"},
      {"integer", "abc", "! is not a whole number"},
      {"integer", "99999999999999999999", "! is too large for a whole number"},
      {"decimal", "1,234.5", "1234.5"},
      {"decimal", "1e3", "1000"},
      {"decimal", "x", "! is not a number"},
      {"decimal", "1e999", "! is too large for a number"},
      {"boolean", "Yes", "1"},
      {"boolean", "FALSE", "0"},
      {"boolean", "2", "! is neither yes nor no"},
      {"phone", "(501) 555-0101", "+15015550101"},
      {"phone", "1-501-555-0101", "+15015550101"},
      {"phone", "+44 20 7946 0958", "+442079460958"},
      {"phone", "00 44 20 7946 0958", "+442079460958"},
      {"phone", "011 44 20 7946 0958", "+442079460958"},
      {"phone", "555-0101", "! has too few digits for a US phone number"},
      {"phone", "501-555-0101 x12", "! has an extension"},
      {"phone", "101-555-0101", "! has an area code that does not exist"},
      {"phone", "501-155-0101", "! has an exchange code that does not exist"},
      {"phone", "call me", "! is not a phone number"},
      {"phone", " ", "nothing"},
      {"phone", "25015550101", "! has too many digits for a US phone number"},
      {"email", " Ana.B+c@Example.ORG ", "Ana.B+c@example.org"},
      {"email", "a@b", "! has no dot in its domain"},
      {"email", "a.b.c", "! has no @"},
      {"email", "a@@b.org", "! has more than one @"},
      {"email", "a b@c.org", "! has a space in it"},
      {"email", ".a@b.org", "! has a dot at an end of the part before the @"},
      {"email", "a..b@c.org", "! has two dots in a row"},
      {"email", "a@-b.org", "! has a domain that cannot be"},
      {"email", "a@b..org", "! has an empty part in its domain"},
      {"email", "@b.org", "! has nothing before the @"},
      {"email", "a@b.c", "! has a top-level domain that cannot be"},
      {"email", "a@b_c.org", "! has a character that no domain has"},
      {"date", "2024-02-29", "2024-02-29"},
      {"date", "2/9/2024", "2024-02-09"},
      {"date", "02-09-24", "2024-02-09"},
      {"date", "2/9/56", "1956-02-09"},
      {"date", "Mar 5, 2024", "2024-03-05"},
      {"date", "5 March 2024", "2024-03-05"},
      {"date", "5-Sep-99", "1999-09-05"},
      {"date", "March 1st 2020", "2020-03-01"},
      {"date", "20240301", "2024-03-01"},
      {"date", "2024/3/1", "2024-03-01"},
      {"date", "2024-03-01 00:00:00", "2024-03-01"},
      {"date", "2024-03-01T00:00:00Z", "2024-03-01"},
      {"date", "2023-02-29", "! has a day that its month does not have"},
      {"date", "25/12/2024", "! has a month over 12; is the day first?"},
      {"date", "2024-03-01 14:30", "! has a time of day"},
      {"date", "soon", "! is not a date"},
      {"date", "1/2", "! is not a date"},
      {"date", "1/2/3/4", "! is not a date"},
      {"date_dmy", "25/12/2024", "2024-12-25"},
      {"date_dmy", "2024-12-25", "2024-12-25"},
      {"state", "ar", "AR"},
      {"state", "new  york", "NY"},
      {"state", "D.C.", "DC"},
      {"state", "Narnia", "! is not a US state or territory"},
      {"zip", "72201", "72201"},
      {"zip", "2134", "02134"},
      {"zip", "72201-1234", "72201-1234"},
      {"zip", "722011234", "72201-1234"},
      {"zip", "7220x", "! is not a ZIP code"},
      {"zip", "12", "! is not a ZIP code: it has 5 or 9 digits"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *got = convert(cases[i].converter, NULL, cases[i].in);
    if (strcmp(got, cases[i].out)) print_error("%s of \"%s\"\n", cases[i].converter, cases[i].in);
    assert_string_equal(got, cases[i].out);
  }
  assert_string_equal(convert("phone", "GB", "020 7946 0958"), "+442079460958");
  assert_string_equal(convert("phone", "DE", "030 123456"), "+4930123456");
}

static void test_normal(void **state) {
  (void)state;
  static const char *const same[][2] = {{"O'Brien", "o brien"},
                                        {"José García", "JOSE GARCIA"},
                                        {"St. John", "St John"},
                                        {"Łódź", "lodz"},
                                        {"ana@Example.org", " ANA@example.ORG"},
                                        {"(501) 555", "501555"},
                                        {"ΣΟΦΙΑ", "σοφια"},
                                        {"ИВАН", "иван"}};
  static const char *const other[][2] = {{"a.b@x.org", "ab@x.org"}, {"Ann", "Anne"}, {"1", "11"}};
  for (size_t i = 0; i < sizeof same / sizeof *same + sizeof other / sizeof *other; i++) {
    size_t n = sizeof same / sizeof *same;
    const char *const *pair = i < n ? same[i] : other[i - n];
    struct buf a = BUF_INIT, b = BUF_INIT;
    text_normal(&a, pair[0], strlen(pair[0]));
    text_normal(&b, pair[1], strlen(pair[1]));
    if ((strcmp(buf_str(&a), buf_str(&b)) == 0) != (i < n))
      print_error("%s, %s: %s, %s\n", pair[0], pair[1], buf_str(&a), buf_str(&b));
    assert_int_equal(strcmp(buf_str(&a), buf_str(&b)) == 0, i < n);
    buf_release(&a);
    buf_release(&b);
  }
}

/* A database may hold texts that are no UTF-8; none is read past its end. */
static void test_normal_of_bytes(void **state) {
  (void)state;
  static const char *const cut[][2] = {{"caf\xe9", "cafe"}, {"\xf0", "d"}, {"a\xc3", "aa"}};
  for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
    struct buf out = BUF_INIT;
    char *text = mem_strdup(cut[i][0]);
    text_normal(&out, text, strlen(text));
    assert_string_equal(buf_str(&out), cut[i][1]);
    buf_release(&out);
    mem_free(text);
  }
}

static void test_sorter(void **state) {
  (void)state;
  enum { PAIRS = 20000 };
  for (size_t memory = 1024; memory <= 2 * PAIRS; memory *= 40) {
    struct sorter *s = sorter_new("/tmp", memory);
    struct error err = {0};
    uint64_t sum = 0, seen = 0;
    for (int64_t i = 0; i < PAIRS; i++) {
      uint64_t hash = text_hash(7, &(int64_t){i % 9000}, 8);
      sum += (uint64_t)i;
      assert_int_equal(sorter_add(s, hash, i % 3 != 0, i, &err), OK);
    }
    assert_int_equal(sorter_finish(s, &err), OK);
    struct sort_pair before = {0, -1}, p;
    bool more;
    size_t count = 0;
    while (sorter_next(s, &p, &more, &err) == OK && more) {
      assert_true(p.key > before.key || (p.key == before.key && p.row > before.row));
      seen += (uint64_t)p.row;
      before = p;
      count++;
    }
    assert_int_equal(count, PAIRS);
    assert_int_equal(seen, sum);
    sorter_free(s);
  }
}

int main(void) {
  cmocka_set_message_output(CM_OUTPUT_TAP);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_csv),
      cmocka_unit_test(test_csv_problems),
      cmocka_unit_test(test_delimiters),
      cmocka_unit_test(test_encodings),
      cmocka_unit_test(test_headers),
      cmocka_unit_test(test_cut_and_huge),
      cmocka_unit_test(test_other_files),
      cmocka_unit_test(test_buffer_ends),
      cmocka_unit_test(test_converters),
      cmocka_unit_test(test_normal),
      cmocka_unit_test(test_normal_of_bytes),
      cmocka_unit_test(test_sorter),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
