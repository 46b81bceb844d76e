/* Converters for plain text and numbers, and the table of all. Dates, phones and addresses have
 * their own files. */
#include "sheet_convert.h"
#include "sheet_convert_own.h"
#include "sheet_text.h"

#include <errno.h>

const char *convert_empty(struct converted *out) {
  *out = (struct converted){.type = CONVERTED_NULL};
  return NULL;
}
static const char *convert_text(struct converted *out, const char *s, size_t len) {
  *out = (struct converted){.type = len ? CONVERTED_TEXT : CONVERTED_NULL, .s = s, .len = len};
  return NULL;
}
const char *convert_added(struct converted *out, const struct buf *scratch, size_t from) {
  return convert_text(out, buf_str(scratch) + from, scratch->len - from);
}

struct cell cell_trimmed(const struct cell *in) {
  struct cell c = *in;
  text_trim(&c.s, &c.len);
  return c;
}

static const char *as_text(const struct convert_options *o, const struct cell *in,
                           struct buf *scratch, struct converted *out) {
  (void)o, (void)scratch;
  return convert_text(out, in->s, in->len);
}

static const char *as_trimmed(const struct convert_options *o, const struct cell *in,
                              struct buf *scratch, struct converted *out) {
  (void)o, (void)scratch;
  struct cell c = cell_trimmed(in);
  return convert_text(out, c.s, c.len);
}

static const char *as_squeezed(const struct convert_options *o, const struct cell *in,
                               struct buf *scratch, struct converted *out) {
  (void)o;
  size_t from = scratch->len;
  text_squeeze(scratch, in->s, in->len);
  return convert_added(out, scratch, from);
}

static const char *as_upper(const struct convert_options *o, const struct cell *in,
                            struct buf *scratch, struct converted *out) {
  (void)o;
  size_t from = scratch->len;
  struct cell c = cell_trimmed(in);
  text_upcase(scratch, c.s, c.len);
  return convert_added(out, scratch, from);
}

static const char *as_lower(const struct convert_options *o, const struct cell *in,
                            struct buf *scratch, struct converted *out) {
  (void)o;
  size_t from = scratch->len;
  struct cell c = cell_trimmed(in);
  text_downcase(scratch, c.s, c.len);
  return convert_added(out, scratch, from);
}

/* Copies a number's text without the commas that group thousands; false when they stand wrong. */
static bool copy_number(const struct cell *c, char *to, size_t size) {
  size_t n = 0, group = 0;
  bool grouped = false, fraction = false;
  for (size_t i = 0; i < c->len; i++) {
    char ch = c->s[i];
    if (ch == ',') {
      if (fraction || !n || (grouped ? group != 3 : group > 3) || i + 3 >= c->len) return false;
      grouped = true;
      group = 0;
      continue;
    }
    if (ch == '.' || ch == 'e' || ch == 'E') {
      if (grouped && !fraction && group != 3) return false;
      fraction = true;
    }
    if (ch >= '0' && ch <= '9') group++;
    else if (ch == '.' || ch == 'e' || ch == 'E') fraction = true;
    else if (!((ch == '-' || ch == '+') && (!n || to[n - 1] == 'e' || to[n - 1] == 'E')))
      return false;
    if (n + 1 >= size) return false;
    to[n++] = ch;
  }
  to[n] = '\0';
  return n > 0 && (fraction || !grouped || group == 3);
}

static const char *as_decimal(const struct convert_options *o, const struct cell *in,
                              struct buf *scratch, struct converted *out) {
  (void)o, (void)scratch;
  struct cell c = cell_trimmed(in);
  char text[64], *end;
  if (!c.len) return convert_empty(out);
  if (!copy_number(&c, text, sizeof text)) return "is not a number";
  double r = strtod(text, &end);
  if (*end || end == text) return "is not a number";
  if (r - r != 0) return "is too large for a number";
  *out = (struct converted){.type = CONVERTED_REAL, .r = r};
  return NULL;
}

static const char *as_integer(const struct convert_options *o, const struct cell *in,
                              struct buf *scratch, struct converted *out) {
  (void)o, (void)scratch;
  struct cell c = cell_trimmed(in);
  char text[64], *end;
  if (!c.len) return convert_empty(out);
  if (!copy_number(&c, text, sizeof text)) return "is not a whole number";
  errno = 0;
  long long i = strtoll(text, &end, 10);
  if (errno == ERANGE) return "is too large for a whole number";
  if (end == text) return "is not a whole number";
  if (*end == '.') end += strspn(end + 1, "0") + 1;
  if (*end) return "is not a whole number";
  *out = (struct converted){.type = CONVERTED_INTEGER, .i = i};
  return NULL;
}

static const char *as_boolean(const struct convert_options *o, const struct cell *in,
                              struct buf *scratch, struct converted *out) {
  (void)o, (void)scratch;
  static const char *const words[] = {"no", "yes", "false", "true", "n", "y", "f", "t", "0", "1"};
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strlen(words[i]) == c.len && !strncasecmp(words[i], c.s, c.len)) {
      *out = (struct converted){.type = CONVERTED_INTEGER, .i = (int64_t)(i & 1)};
      return NULL;
    }
  return "is neither yes nor no";
}

/* Spreadsheets take the leading zeros off a ZIP code: 2134 was 02134. */
static const char *as_zip(const struct convert_options *o, const struct cell *in,
                          struct buf *scratch, struct converted *out) {
  (void)o;
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  char digits[10] = {0};
  size_t n = 0, dash = 0;
  for (size_t i = 0; i < c.len; i++) {
    if (c.s[i] == '-' && !dash && (i == 5 || i == 4 || i == 3)) dash = i;
    else if (c.s[i] >= '0' && c.s[i] <= '9' && n < 9) digits[n++] = c.s[i];
    else return "is not a ZIP code";
  }
  size_t main_part = dash ? dash : n > 5 ? n - 4 : n;
  if (main_part < 3 || main_part > 5 || (n > main_part && n - main_part != 4) ||
      (dash && n == main_part))
    return "is not a ZIP code: it has 5 or 9 digits";
  size_t from = scratch->len;
  buf_addn(scratch, 5 - main_part, '0');
  buf_add(scratch, digits, main_part);
  if (n > main_part) buf_addf(scratch, "-%.4s", digits + main_part);
  return convert_added(out, scratch, from);
}

const struct converter converters[] = {
    {"text", as_text, "as it stands", "TEXT"},
    {"trim", as_trimmed, "without spaces at both ends", "TEXT"},
    {"squeeze", as_squeezed, "trimmed, inner spaces made one", "TEXT"},
    {"upcase", as_upper, "trimmed, in capitals", "TEXT"},
    {"downcase", as_lower, "trimmed, in small letters", "TEXT"},
    {"integer", as_integer, "a whole number; 1,234 and 12.0 are fine", "INTEGER"},
    {"decimal", as_decimal, "a number", "REAL"},
    {"boolean", as_boolean, "yes/no, true/false, y/n, 1/0 as 1 or 0", "INTEGER"},
    {"phone", as_phone, "a phone number as E.164: +15015550123", "TEXT"},
    {"email", as_email, "an e-mail address, its domain in small letters", "TEXT"},
    {"date", as_date, "a date as YYYY-MM-DD; month before day where only numbers say it", "TEXT"},
    {"date_dmy", as_date_dmy, "a date as YYYY-MM-DD; day before month", "TEXT"},
    {"state", as_state, "a US state or territory, by code or name, as its two-letter code", "TEXT"},
    {"zip", as_zip, "a US ZIP code with its leading zeros", "TEXT"},
    {NULL, NULL, NULL, NULL},
};

const struct converter *converter_find(const char *name) {
  for (const struct converter *c = converters; c->name; c++)
    if (!strcmp(c->name, name)) return c;
  return NULL;
}
