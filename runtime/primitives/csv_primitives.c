/* The primitives of the group `csv`: small tables of text, read whole, and written.
 *
 * The reader is that of the imports. It reads files, so a text is given to it as one in memory. The
 * thread pool reads into an arena; values are made of that on the loop's thread. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lang/arena.h"
#include "../../lang/limits.h"
#include "../task.h"
#include "args.h"
#include "sheet.h"
#include "sheet_text.h"

enum { ROWS_MAX = 100000 };

struct row {
  uint64_t number;
  size_t count;
  struct text *cells;
};
struct job {
  struct sheet_options options;
  const char *text; /* or NULL: options.path */
  bool header;
  int64_t max;
  struct arena arena;
  struct row *rows;
  size_t count, cap;
  char **names; /* of the columns, in the arena */
  size_t name_count;
  struct error *err;
  enum status status;
};

/* --- on the thread pool --- */

static enum status open_it(const struct job *j, int *fd, struct error *err) {
  *fd = j->text ? memfd_create("csv", MFD_CLOEXEC)
                : open(j->options.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  size_t len = j->text ? strlen(j->text) : 0, done = 0;
  ssize_t n = 0;
  while (*fd >= 0 && n >= 0 && done < len)
    if ((n = write(*fd, j->text + done, len - done)) > 0) done += (size_t)n;
    else if (n < 0 && errno == EINTR) n = 0;
  if (*fd >= 0 && n >= 0) return lseek(*fd, 0, SEEK_SET), OK;
  int why = errno;
  if (*fd >= 0) close(*fd);
  return arg_fail(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO,
                  why == EACCES ? "permission" : "validation", "cannot read %s: %s",
                  j->options.path, strerror(why));
}

static enum status keep(struct job *j, const struct record *r) {
  if ((int64_t)j->count == j->max) {
    arg_fail(j->err, ERR_LIMIT, "validation", "%s has more than %lld rows", j->options.path,
             (long long)j->max);
    error_help(j->err, "say max: with more rows");
    return ERR_LIMIT;
  }
  if (r->problem)
    return arg_fail(j->err, ERR_VALUE, "validation", "%s: row %llu %s", j->options.path,
                    (unsigned long long)r->row, r->problem);
  j->rows = mem_grow(j->rows, j->count, &j->cap, sizeof *j->rows);
  struct row *to = &j->rows[j->count++];
  *to = (struct row){r->row, r->count, arena_alloc(&j->arena, r->count * sizeof *to->cells + 1)};
  for (size_t i = 0; i < r->count; i++)
    to->cells[i] =
        (struct text){arena_dup(&j->arena, r->cells[i].s, r->cells[i].len), r->cells[i].len};
  return OK;
}

static bool is_blank(const struct record *r) {
  return r->count == 0 ||
         (r->count == 1 && r->cells[0].len == 0 && r->cells[0].kind != CELL_QUOTED);
}

static enum status read_rows(struct job *j, struct sheet *s) {
  enum status st = OK;
  struct record r;
  bool more = true;
  while (st == OK) {
    st = j->header ? sheet_next(s, &r, &more, j->err) : s->ops->next(s, &r, &more, j->err);
    if (st != OK || !more) break;
    if (j->header || !is_blank(&r)) st = keep(j, &r);
  }
  j->name_count = s->name_count;
  j->names = arena_alloc(&j->arena, s->name_count * sizeof *j->names + 1);
  for (size_t i = 0; i < s->name_count; i++)
    j->names[i] = arena_dup(&j->arena, s->names[i], strlen(s->names[i]));
  return st;
}

static void job_run(void *arg) {
  struct job *j = arg;
  struct sheet *s = NULL;
  int fd;
  j->status = open_it(j, &fd, j->err);
  if (j->status != OK) return;
  j->status = j->header ? sheet_open_csv(&s, fd, &j->options, j->err)
                        : csv_open(&s, fd, &j->options, false, j->err);
  if (j->status == OK) {
    s->quoted_counts = true;
    j->status = read_rows(j, s);
  }
  sheet_close(s);
}

/* --- parse --- */

static value row_value(const struct job *j, const struct row *r, const char *row_as) {
  if (!j->header) {
    struct list *l = list_new(r->count);
    for (size_t i = 0; i < r->count; i++)
      list_push(l, value_string(r->cells[i].s, r->cells[i].len));
    return value_list(l);
  }
  struct dict *d = dict_new();
  for (size_t i = 0; i < j->name_count; i++)
    dict_set(d, value_cstr(j->names[i]),
             i < r->count ? value_string(r->cells[i].s, r->cells[i].len) : value_cstr(""));
  if (row_as) dict_set(d, value_cstr(row_as), value_int((int64_t)r->number));
  return value_hash(d);
}

static enum status parse(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  const char *text = arg_text(call, args[0]), *path = arg_text(call, args[1]),
             *row_as = arg_text(call, args[4]);
  struct job j = {.text = text, .header = arg_true(args[2], true), .err = err};
  j.options = (struct sheet_options){.path = text ? "the text" : path,
                                     .delimiter = arg_text(call, args[3])};
  j.max = arg_integer(args[5], ROWS_MAX);
  if (!text == !path) return arg_fail(err, ERR_VALUE, "validation", "say text: or path:");
  if (j.max < 1) return arg_fail(err, ERR_VALUE, "validation", "max: is at least 1 row");
  if (call->tasks) task_blocking(call->tasks, job_run, &j);
  else job_run(&j);
  if (j.status == OK) {
    struct list *l = list_new(j.count);
    for (size_t i = 0; i < j.count; i++)
      list_push(l, row_value(&j, &j.rows[i], row_as));
    *out = value_list(l);
  } else if (!err->kind[0]) {
    error_kind(err, "validation");
  }
  arena_release(&j.arena);
  mem_free(j.rows);
  return j.status;
}

/* --- text --- */

static void add_cell(struct buf *out, const char *s, size_t len, char delimiter) {
  const char *trimmed = s;
  size_t rest = len;
  text_trim(&trimmed, &rest);
  bool quote = rest != len; /* readers may take blanks around it away */
  for (size_t i = 0; i < len; i++)
    quote |= s[i] == '"' || s[i] == '\n' || s[i] == '\r' || s[i] == delimiter;
  if (quote) buf_addc(out, '"');
  for (size_t i = 0; i < len; i++) {
    if (s[i] == '"') buf_addc(out, '"');
    buf_addc(out, s[i]);
  }
  if (quote) buf_addc(out, '"');
}

static enum status add_value(struct primitive_call *call, struct buf *out, value v, char delimiter,
                             size_t row, struct error *err) {
  struct buf b = BUF_INIT;
  bool plain = v.tag == V_NIL || v.tag == V_TIME || v.tag == V_DURATION;
  if (plain) value_to_s(v, call->syms, &b);
  else if (v.tag == V_SECRET || !arg_plain(call, v, &b))
    return arg_fail(err, ERR_VALUE, "validation", "row %zu holds %s, which is no text", row,
                    value_type_name(v));
  add_cell(out, buf_str(&b), b.len, delimiter);
  buf_release(&b);
  return OK;
}

static value item_of(value row, const struct symtab *syms, value key, size_t i) {
  value v = VALUE_NIL;
  if (row.tag == V_ARRAY) return i < value_array(row)->count ? value_array(row)->items[i] : v;
  return dict_find(value_dict(row), syms, key, &v) ? v : VALUE_NIL;
}

/* A row of empty fields would be read as a blank one. */
static void quote_empty(struct buf *out, size_t start, char delimiter, size_t count) {
  buf_truncate(out, start);
  buf_adds(out, "\"\"");
  for (size_t i = 1; i < count; i++)
    buf_addc(out, delimiter);
}

static enum status add_row(struct primitive_call *call, struct buf *out, value row,
                           const struct list *columns, char delimiter, size_t number,
                           struct error *err) {
  bool fields = row.tag == V_HASH || row.tag == V_RECORD;
  enum status s = OK;
  if (!(fields && columns) && row.tag != V_ARRAY)
    return arg_fail(err, ERR_VALUE, "validation", "row %zu is %s, not %s", number,
                    value_type_name(row), columns ? "a hash or an array" : "an array");
  size_t count = columns ? columns->count : value_array(row)->count;
  if (row.tag == V_ARRAY && columns && value_array(row)->count != count)
    return arg_fail(err, ERR_VALUE, "validation", "row %zu has %zu values for %zu columns", number,
                    value_array(row)->count, count);
  size_t start = out->len;
  for (size_t i = 0; s == OK && i < count; i++) {
    if (i) buf_addc(out, delimiter);
    s = add_value(call, out, item_of(row, call->syms, columns ? columns->items[i] : VALUE_NIL, i),
                  delimiter, number, err);
  }
  if (count && out->len - start == count - 1) quote_empty(out, start, delimiter, count);
  buf_addc(out, '\n');
  return s;
}

static enum status text(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  struct buf b = {.max = LIMIT_STRING};
  const struct list *rows = value_array(args[0]),
                    *columns = args[1].tag == V_ARRAY ? value_array(args[1]) : NULL;
  const char *d = arg_text(call, args[2]);
  char delimiter = !d ? ',' : strcmp(d, "tab") == 0 ? '\t' : *d;
  enum status s = OK;
  if (!delimiter || !strchr(",;|\t:", delimiter) || (d && d[1] && delimiter != '\t'))
    return arg_fail(err, ERR_VALUE, "validation", "delimiter: is one of , ; : | or \"tab\"");
  for (size_t i = 0; s == OK && columns && i < columns->count; i++) {
    if (i) buf_addc(&b, delimiter);
    s = add_value(call, &b, columns->items[i], delimiter, 0, err);
  }
  if (columns) buf_addc(&b, '\n');
  for (size_t i = 0; s == OK && !b.overflow && i < rows->count; i++)
    s = add_row(call, &b, rows->items[i], columns, delimiter, i + 1, err);
  if (s == OK) return result_made(&b, out, err);
  buf_release(&b);
  return s;
}

static const struct primitive_param parse_params[] = {
    {"text", "string?", "the table"},
    {"path", "path?", "or a file with it"},
    {"header", "boolean?", "the first row names the columns; true unless said"},
    {"delimiter", "string?", "one of , ; : | or \"tab\"; by the first row unless said"},
    {"row_as", "string?", "a further key, with the number of the row in the file"},
    {"max", "integer?", "rows; 100,000 unless said"},
    {NULL, NULL, NULL}};
static const struct primitive_param text_params[] = {
    {"rows", "array", "arrays; with columns: hashes or records too"},
    {"columns", "array?", "the names in the first row, and the order of the fields"},
    {"delimiter", "string?", "one of , ; : | or \"tab\"; a comma unless said"},
    {NULL, NULL, NULL}};

const struct primitive csv_parse = {
    {"csv", "parse", parse_params, "array", EFFECT_READ,
     "The rows of a table: hashes by column, or arrays where there is no header"},
    parse};
const struct primitive csv_of = {
    {"csv", "text", text_params, "string", EFFECT_READ, "Rows as a table"}, text};
