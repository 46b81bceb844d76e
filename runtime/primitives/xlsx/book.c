/* Reads the parts of a workbook that its sheets depend on: see book.h. */
#include "book.h"

#include <math.h>
#include <strings.h>

/* --- xl/workbook.xml and its relations --- */

struct reader {
  struct book *book;
  bool in_cells, in_item, in_text, in_phonetic;
  struct date_format {
    unsigned id;
    bool date;
  } * formats;
  size_t format_count, format_cap;
};

static void ignore_end(void *ud, const char *name) {
  (void)ud, (void)name;
}

static void workbook_start(void *ud, const char *name, const char **a) {
  struct book *b = ((struct reader *)ud)->book;
  if (!strcmp(name, "workbookPr")) {
    const char *since = xml_attribute(a, "date1904");
    b->since_1904 = since && (!strcmp(since, "1") || !strcmp(since, "true"));
  }
  if (strcmp(name, "sheet") || b->sheet_count == BOOK_MAX_SHEETS) return;
  const char *title = xml_attribute(a, "name"), *relation = xml_attribute(a, "id"),
             *state = xml_attribute(a, "state");
  if (!title || !relation) return;
  if (b->sheet_count == b->sheet_cap)
    b->sheets = mem_grow(b->sheets, b->sheet_count, &b->sheet_cap, sizeof *b->sheets);
  b->sheets[b->sheet_count++] = (struct book_sheet){mem_strdup(title), mem_strdup(relation), NULL,
                                                    state && strcmp(state, "visible")};
}

/* A target is relative to xl/ unless it starts at the root; ".." does not occur in practice and is
 * looked up as it stands, that is, not found. */
static void relation_start(void *ud, const char *name, const char **a) {
  struct book *b = ((struct reader *)ud)->book;
  const char *id = xml_attribute(a, "Id"), *target = xml_attribute(a, "Target");
  if (strcmp(name, "Relationship") || !id || !target) return;
  for (size_t i = 0; i < b->sheet_count; i++) {
    if (b->sheets[i].part || strcmp(b->sheets[i].relation, id)) continue;
    struct buf part = BUF_INIT;
    buf_addf(&part, "%s%s", *target == '/' ? "" : "xl/", *target == '/' ? target + 1 : target);
    b->sheets[i].part = buf_take(&part);
  }
}

/* --- xl/styles.xml: which number formats are dates --- */

static bool builtin_date(unsigned id) {
  return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) ||
         (id >= 50 && id <= 58);
}

/* A format is a date's when it has a letter of a date outside quotes, brackets and escapes. */
static bool code_is_date(const char *s) {
  for (; *s && *s != ';'; s++) {
    if (*s == '"') {
      if (!(s = strchr(s + 1, '"'))) return false;
    } else if (*s == '[') {
      const char *close = strchr(s, ']');
      if (!close) return false;
      if (close == s + 2 && strchr("hmsHMS", s[1])) return true;
      s = close;
    } else if (*s == '\\' || *s == '_' || *s == '*') {
      if (!*++s) return false;
    } else if (strchr("dmyhsDMYHS", *s)) {
      return true;
    } else if (!strncasecmp(s, "general", 7)) {
      s += 6;
    }
  }
  return false;
}

static bool format_is_date(const struct reader *r, unsigned id) {
  for (size_t i = 0; i < r->format_count; i++)
    if (r->formats[i].id == id) return r->formats[i].date;
  return builtin_date(id);
}

static void style_start(void *ud, const char *name, const char **a) {
  struct reader *r = ud;
  struct book *b = r->book;
  const char *id = xml_attribute(a, "numFmtId"), *code = xml_attribute(a, "formatCode");
  if (!strcmp(name, "cellXfs")) r->in_cells = true;
  if (!strcmp(name, "numFmt") && id && code && r->format_count < BOOK_MAX_STYLES) {
    if (r->format_count == r->format_cap)
      r->formats = mem_grow(r->formats, r->format_count, &r->format_cap, sizeof *r->formats);
    r->formats[r->format_count++] =
        (struct date_format){(unsigned)strtoul(id, NULL, 10), code_is_date(code)};
  }
  if (!r->in_cells || strcmp(name, "xf") || b->style_count == BOOK_MAX_STYLES) return;
  if (b->style_count == b->style_cap)
    b->style_is_date =
        mem_grow(b->style_is_date, b->style_count, &b->style_cap, sizeof *b->style_is_date);
  b->style_is_date[b->style_count++] = id && format_is_date(r, (unsigned)strtoul(id, NULL, 10));
}
static void style_end(void *ud, const char *name) {
  struct reader *r = ud;
  if (!strcmp(name, "cellXfs")) r->in_cells = false;
}

/* --- xl/sharedStrings.xml --- */

static void string_start(void *ud, const char *name, const char **a) {
  struct reader *r = ud;
  struct book *b = r->book;
  (void)a;
  if (!strcmp(name, "si")) {
    if (b->string_count == b->string_cap)
      b->string_at = mem_grow(b->string_at, b->string_count, &b->string_cap, sizeof *b->string_at);
    b->string_at[b->string_count++] = b->strings.len;
    r->in_item = true;
  } else if (!strcmp(name, "rPh")) {
    r->in_phonetic = true;
  } else if (!strcmp(name, "t")) {
    r->in_text = r->in_item && !r->in_phonetic;
  }
}
static void string_end(void *ud, const char *name) {
  struct reader *r = ud;
  if (!strcmp(name, "si")) {
    buf_addc(&r->book->strings, '\0');
    r->in_item = false;
  } else if (!strcmp(name, "rPh")) {
    r->in_phonetic = false;
  } else if (!strcmp(name, "t")) {
    r->in_text = false;
  }
}
static void string_text(void *ud, const char *s, size_t len) {
  struct reader *r = ud;
  if (r->in_text) buf_add(&r->book->strings, s, len);
}

/* --- all together --- */

static enum status not_workbook(const struct book *b, int fd, struct error *err) {
  static const struct {
    const char *part, *what, *help;
  } others[] = {
      {"xl/workbook.bin", "is a binary workbook (.xlsb)", "save it as .xlsx"},
      {"content.xml", "is an OpenDocument file (.ods)", "save it as .xlsx or \"CSV UTF-8\""},
      {"word/document.xml", "is a text document (.docx), not a workbook", "name the .xlsx file"},
      {"ppt/presentation.xml", "is a presentation (.pptx), not a workbook", "name the .xlsx file"},
  };
  const char *what = "is a zip archive, but not a workbook",
             *help = "name the .xlsx file, or unpack the archive first";
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    struct zip *z = NULL;
    bool found = false;
    enum status s = zip_open(&z, fd, b->path, others[i].part, &found, err);
    if (s) return s;
    if (!found) continue;
    zip_close(z);
    what = others[i].what;
    help = others[i].help;
    break;
  }
  error_set(err, ERR_VALUE, "%s %s", b->path, what);
  error_help(err, "%s", help);
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status read_workbook(struct reader *r, int fd, struct error *err) {
  static const struct xml_handler workbook = {workbook_start, ignore_end, NULL, NULL},
                                  relations = {relation_start, ignore_end, NULL, NULL};
  struct book *b = r->book;
  bool found = false;
  enum status s = xml_read(fd, b->path, "xl/workbook.xml", &workbook, r, &found, err);
  if (!s && !found) return not_workbook(b, fd, err);
  if (!s) s = xml_read(fd, b->path, "xl/_rels/workbook.xml.rels", &relations, r, &found, err);
  if (s) return s;
  if (b->sheet_count) return OK;
  error_set(err, ERR_VALUE, "%s is a workbook without sheets", b->path);
  error_help(err, "open it in a spreadsheet program and save it again");
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status check_strings(void *ud, struct error *err) {
  const struct book *b = ((struct reader *)ud)->book;
  if (!b->strings.overflow && b->string_count <= BOOK_MAX_STRINGS) return OK;
  error_set(err, ERR_LIMIT, "%s has more shared text than %d MiB or %d million cells", b->path,
            BOOK_MAX_TEXT >> 20, BOOK_MAX_STRINGS >> 20);
  error_help(err, "save the sheet as \"CSV UTF-8\" and import that; CSV may be of any size");
  error_kind(err, "validation");
  return ERR_LIMIT;
}

enum status book_read(struct book *b, int fd, const char *path, struct error *err) {
  static const struct xml_handler styles = {style_start, style_end, NULL, NULL};
  static const struct xml_handler strings = {string_start, string_end, string_text, check_strings};
  struct reader r = {.book = b};
  bool found;
  *b = (struct book){.path = path, .strings.max = BOOK_MAX_TEXT};
  enum status s = read_workbook(&r, fd, err);
  if (!s) s = xml_read(fd, path, "xl/styles.xml", &styles, &r, &found, err);
  if (!s) s = xml_read(fd, path, "xl/sharedStrings.xml", &strings, &r, &found, err);
  mem_free(r.formats);
  return s;
}

void book_release(struct book *b) {
  for (size_t i = 0; i < b->sheet_count; i++) {
    mem_free(b->sheets[i].name);
    mem_free(b->sheets[i].relation);
    mem_free(b->sheets[i].part);
  }
  mem_free(b->sheets);
  buf_release(&b->strings);
  mem_free(b->string_at);
  mem_free(b->style_is_date);
}

/* Days since 1970-01-01 as a date: Howard Hinnant's civil_from_days. */
static void put_day(struct buf *out, int64_t days) {
  int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
  int64_t doe = z - era * 146097, yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
  int64_t d = doy - (153 * mp + 2) / 5 + 1, m = mp < 10 ? mp + 3 : mp - 9;
  buf_addf(out, "%04d-%02d-%02d", (int)(yoe + era * 400 + (m <= 2)), (int)m, (int)d);
}

/* Day 60 of the 1900 system is 29 February 1900, which never was: days before it are one off. */
bool book_date(const struct book *b, double serial, struct buf *out) {
  if (!(serial >= 0 && serial < 2958466)) return false;
  double day = floor(serial);
  int64_t seconds = (int64_t)floor((serial - day) * 86400 + 0.5);
  if (seconds == 86400) day += 1, seconds = 0;
  int64_t days = b->since_1904 ? (int64_t)day - 24107 : (int64_t)day - (day < 60 ? 25568 : 25569);
  bool time_only = !b->since_1904 && day < 1;
  if (!time_only) put_day(out, days);
  if (seconds || time_only)
    buf_addf(out, "%s%02d:%02d:%02d", time_only ? "" : " ", (int)(seconds / 3600),
             (int)(seconds / 60 % 60), (int)(seconds % 60));
  return true;
}
