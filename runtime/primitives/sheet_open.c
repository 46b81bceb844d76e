/* Opens a table in a file: what kind it is, what its header says, and how rows fit the header. */
#include "../module.h"
#include "sheet.h"
#include "sheet_convert.h"
#include "sheet_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void sheet_release(struct sheet *s) {
  for (size_t i = 0; i < s->name_count; i++)
    mem_free(s->names[i]);
  for (size_t i = 0; i < s->sheet_count; i++)
    mem_free(s->sheets[i]);
  mem_free(s->names);
  mem_free(s->sheets);
  mem_free(s->sheet_name);
  mem_free(s->path);
}

void sheet_close(struct sheet *s) {
  if (s) s->ops->close(s);
}

void sheet_place(const struct sheet *s, size_t column, struct buf *out) {
  buf_addf(out, "column %zu", column + 1);
  if (column < s->name_count) buf_addf(out, " (%s)", s->names[column]);
}

static enum status refuse(struct error *err, enum status status, const char *path, const char *what,
                          const char *help) {
  error_set(err, status, "%s %s", path, what);
  if (help) error_help(err, "%s", help);
  error_kind(err, "validation");
  return status;
}

static enum status open_file(const char *path, int *out, struct error *err) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    enum status st = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    error_set(err, st, "cannot open %s: %s", path, strerror(errno));
    error_help(err, st == ERR_NOT_FOUND
                        ? "check the path; it is taken from the directory you are in"
                        : "make the file readable for the user who runs this");
    error_kind(err, "validation");
    return st;
  }
  struct stat st;
  if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
    *out = fd;
    return OK;
  }
  bool directory = S_ISDIR(st.st_mode);
  close(fd);
  return refuse(err, ERR_VALUE, path, directory ? "is a directory" : "is not a regular file",
                "name one .csv, .tsv or .xlsx file");
}

/* Files that are something else are known by their first bytes. */
struct kind {
  const char *magic;
  size_t len;
  const char *format; /* or NULL: refused with what and help */
  const char *what, *help;
};

static const struct kind kinds[] = {
    {"PK\003\004", 4, "xlsx", NULL, NULL},
    {"PK\005\006", 4, NULL, "is an empty zip archive, not a workbook",
     "save the table as .xlsx again"},
    {"\xd0\xcf\x11\xe0", 4, NULL, "is an encrypted workbook or an old .xls file",
     "open it, take the password off, and save it as .xlsx or \"CSV UTF-8\""},
    {"\xff\xfe", 2, NULL, "is UTF-16 text",
     "save it as \"CSV UTF-8\", or convert it with: iconv -f UTF-16 -t UTF-8 FILE > NEW"},
    {"\xfe\xff", 2, NULL, "is UTF-16 text",
     "save it as \"CSV UTF-8\", or convert it with: iconv -f UTF-16 -t UTF-8 FILE > NEW"},
    {"%PDF", 4, NULL, "is a PDF document, not a table", "export the table as CSV or .xlsx"},
    {"\x1f\x8b", 2, NULL, "is compressed", "unpack it first: gunzip FILE"},
    {"SQLite format 3", 15, NULL, "is a SQLite database, not a table in a file",
     "export the table: sqlite3 -header -csv FILE 'select * from ...' > NEW"},
};

static const struct kind *kind_of(int fd) {
  char first[16] = {0};
  ssize_t got = pread(fd, first, sizeof first, 0);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (got >= (ssize_t)kinds[i].len && !memcmp(first, kinds[i].magic, kinds[i].len))
      return &kinds[i];
  return NULL;
}

static bool has_suffix(const char *path, const char *suffix) {
  size_t n = strlen(path), m = strlen(suffix);
  return n >= m && !strcasecmp(path + n - m, suffix);
}

static enum status choose_format(const char **out, int fd, const struct sheet_options *o,
                                 struct error *err) {
  const struct kind *kind = kind_of(fd);
  if (kind && !kind->format) return refuse(err, ERR_VALUE, o->path, kind->what, kind->help);
  const char *f = o->format;
  if (f && strcmp(f, "csv") && strcmp(f, "tsv") && strcmp(f, "xlsx"))
    return error_set(err, ERR_VALUE, "unknown format \"%.20s\"; it is csv, tsv or xlsx", f);
  bool zip = kind != NULL;
  if (f ? zip != !strcmp(f, "xlsx") : !zip && has_suffix(o->path, ".xlsx"))
    return refuse(err, ERR_VALUE, o->path,
                  zip ? "is a zip archive, not text" : "is not a workbook (.xlsx is a zip archive)",
                  f ? "the call's `format:` does not fit the file; without it the file tells"
                    : "save it again as a workbook, or name it .csv when it is text");
  bool tabs = has_suffix(o->path, ".tsv") || has_suffix(o->path, ".tab");
  *out = f ? f : zip ? "xlsx" : tabs ? "tsv" : "csv";
  return OK;
}

static enum status open_reader(struct sheet **out, const struct sheet_options *o,
                               struct error *err) {
  int fd = -1;
  enum status st = open_file(o->path, &fd, err);
  if (st) return st;
  const char *format = "";
  const struct xlsx_module *xlsx = NULL;
  st = choose_format(&format, fd, o, err);
  if (!st && !strcmp(format, "xlsx")) {
    const void *found = NULL;
    st = module_open("xlsx", XLSX_MODULE_VERSION, &found, err);
    xlsx = found;
  }
  if (st) {
    close(fd);
    return st;
  }
  if (xlsx) return xlsx->open(out, fd, o, err);
  return csv_open(out, fd, o, !strcmp(format, "tsv"), err);
}

static bool is_blank(const struct sheet *sheet, const struct record *r) {
  for (size_t i = 0; i < r->count; i++) {
    const char *s = r->cells[i].s;
    size_t len = r->cells[i].len;
    if (sheet->quoted_counts && r->cells[i].kind == CELL_QUOTED) return false;
    text_trim(&s, &len);
    if (len) return false;
  }
  return true;
}

/* One buffer gathers everything that is wrong with a header, so that it can be mended at once. */
static void complain(struct buf *out, const char *fmt, ...) like_printf(2, 3);
static void complain(struct buf *out, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  if (out->len) buf_adds(out, "; ");
  buf_vaddf(out, fmt, ap);
  va_end(ap);
}

/* Two names are one when their normal forms are; symbols alone ("#") are compared as written. */
static void normal_name(struct buf *out, const char *name) {
  text_normal(out, name, strlen(name));
  if (!out->len) buf_adds(out, name);
}

static bool same_name(const struct buf *a, const struct buf *b) {
  return a->len == b->len && !memcmp(buf_str(a), buf_str(b), a->len);
}

static void check_names(const struct sheet *s, struct buf *wrong) {
  struct buf *normal = mem_array(s->name_count, sizeof *normal);
  for (size_t i = 0; i < s->name_count; i++) {
    normal_name(&normal[i], s->names[i]);
    const char *name = s->names[i];
    if (!*name) complain(wrong, "column %zu has no name", i + 1);
    if (strlen(name) > SHEET_MAX_NAME)
      complain(wrong, "the name of column %zu is longer than %d bytes", i + 1, SHEET_MAX_NAME);
    for (size_t j = 0; j < i && *name; j++)
      if (same_name(&normal[i], &normal[j])) {
        complain(wrong, "columns %zu and %zu are both named \"%s\"", j + 1, i + 1, name);
        break;
      }
  }
  for (size_t i = 0; i < s->name_count; i++)
    buf_release(&normal[i]);
  mem_free(normal);
}

static bool converts(const char *converter, const char *text) {
  const struct converter *c = converter_find(converter);
  struct cell cell = {text, strlen(text), CELL_TEXT};
  struct buf scratch = BUF_INIT;
  struct converted out = {0};
  bool good = !c->fn(&(struct convert_options){.country = "US"}, &cell, &scratch, &out);
  buf_release(&scratch);
  return good && out.type != CONVERTED_NULL;
}

/* A name is hardly ever an address, a phone number or a date: then the header is missing. */
static bool looks_like_data(const char *name) {
  static const char *const telling[] = {"email", "phone", "date"};
  for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
    if (converts(telling[i], name)) return true;
  return false;
}

static enum status check_header(const struct sheet *s, struct error *err) {
  for (size_t i = 0; i < s->name_count; i++)
    if (looks_like_data(s->names[i])) {
      error_set(err, ERR_VALUE,
                "%s has no header: row %llu, column %zu holds \"%.60s\", which is data", s->path,
                (unsigned long long)s->header_row, i + 1, s->names[i]);
      error_help(err, "add a first row that names the columns");
      error_kind(err, "validation");
      return err->status;
    }
  struct buf wrong = {.max = 1000};
  check_names(s, &wrong);
  enum status st = OK;
  if (wrong.len) {
    st =
        error_set(err, ERR_VALUE, "the header of %s (row %llu) cannot be used: %s%s", s->path,
                  (unsigned long long)s->header_row, buf_str(&wrong), wrong.overflow ? " ..." : "");
    error_help(err, "give every column a name of its own in that row");
    error_kind(err, "validation");
  }
  buf_release(&wrong);
  return st;
}

static void take_names(struct sheet *s, const struct record *r) {
  s->header_row = r->row;
  size_t count = r->count;
  char **names = mem_array(count ? count : 1, sizeof *names);
  for (size_t i = 0; i < count; i++) {
    struct buf name = BUF_INIT;
    text_squeeze(&name, r->cells[i].s, r->cells[i].len);
    names[i] = mem_strdup(buf_str(&name));
    buf_release(&name);
  }
  while (count && !*names[count - 1])
    mem_free(names[--count]);
  s->names = names;
  s->name_count = count;
}

static enum status read_header(struct sheet *s, struct error *err) {
  struct record r;
  bool more;
  do {
    enum status st = s->ops->next(s, &r, &more, err);
    if (st) return st;
  } while (more && is_blank(s, &r));
  if (!more)
    return refuse(err, ERR_VALUE, s->path, "has no header: it holds nothing but blank rows",
                  "the first row names the columns, the rows after it hold the data");
  if (r.problem)
    return refuse(err, ERR_VALUE, s->path,
                  "has a damaged header: text stands after a closing quote",
                  "double a quote that belongs to a column's name");
  take_names(s, &r);
  return check_header(s, err);
}

enum status sheet_open(struct sheet **out, const struct sheet_options *o, struct error *err) {
  struct sheet *s;
  enum status st = open_reader(&s, o, err);
  if (st) return st;
  st = read_header(s, err);
  if (st) sheet_close(s);
  else *out = s;
  return st;
}

enum status sheet_open_csv(struct sheet **out, int fd, const struct sheet_options *o,
                           struct error *err) {
  struct sheet *s;
  enum status st = csv_open(&s, fd, o, false, err);
  if (st) return st;
  st = read_header(s, err);
  if (st) sheet_close(s);
  else *out = s;
  return st;
}

/* Extra empty fields at the right end are what programs leave behind; they are no fault. */
static void check_width(struct sheet *s, struct record *r) {
  while (r->count > s->name_count && !r->cells[r->count - 1].len)
    r->count--;
  bool shorter = r->count < s->name_count && !s->ragged;
  if (!shorter && r->count <= s->name_count) return;
  s->ragged_rows++;
  if (!r->problem)
    r->problem = shorter ? "has fewer fields than the header" : "has more fields than the header";
}

enum status sheet_next(struct sheet *s, struct record *out, bool *more, struct error *err) {
  for (;;) {
    enum status st = s->ops->next(s, out, more, err);
    if (st || !*more) return st;
    if (!is_blank(s, out)) break;
    s->blank++;
  }
  check_width(s, out);
  return OK;
}
