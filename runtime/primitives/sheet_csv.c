/* The CSV and TSV reader: one pass over large read buffers.
 *
 * The hard thing is a record that crosses a buffer's end. Scanning changes nothing, so a record
 * that turns out to be incomplete is scanned again after more was read; only a complete one has
 * its doubled quotes closed up, in place. */
#include "sheet.h"
#include "sheet_text.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK = 256 << 10 };

struct csv {
  struct sheet head;
  int fd;
  bool latin1, ended;
  char *data; /* a sentinel line end stands at data[end] */
  size_t at, end, cap;
  struct buf wide; /* a Latin-1 chunk as UTF-8 */
  struct utf8_state utf8;
  uint64_t offset; /* bytes of the file read and checked */
  uint64_t row, line;
  struct cell *cells;
  size_t cell_cap;
};

/* How far a record got. */
struct scan {
  const char *p;    /* where scanning stands */
  size_t count;     /* fields so far */
  const char *open; /* the quote that is open, or NULL */
  const char *problem;
  bool complete;
};

static void csv_close(struct sheet *s) {
  struct csv *c = (struct csv *)s;
  if (c->fd >= 0) close(c->fd);
  mem_free(c->data);
  mem_free(c->cells);
  buf_release(&c->wide);
  sheet_release(s);
  mem_free(c);
}

/* Lines of the file before a byte, read again: only errors need it. */
static uint64_t line_of(int fd, uint64_t offset) {
  char chunk[16384];
  uint64_t line = 1;
  for (uint64_t at = 0; at < offset;) {
    size_t want = offset - at < sizeof chunk ? (size_t)(offset - at) : sizeof chunk;
    ssize_t got = pread(fd, chunk, want, (off_t)at);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; i++)
      line += chunk[i] == '\n';
    at += (uint64_t)got;
  }
  return line;
}

static enum status fail_nul(struct csv *c, uint64_t offset, struct error *err) {
  error_set(err, ERR_VALUE, "%s holds binary data: a NUL byte at line %llu (byte %llu)",
            c->head.path, (unsigned long long)line_of(c->fd, offset), (unsigned long long)offset);
  error_help(err, "save the table as \"CSV UTF-8\" or as .xlsx and import that");
  error_kind(err, "validation");
  return err->status;
}

static enum status fail_utf8(struct csv *c, uint64_t offset, struct error *err) {
  error_set(err, ERR_VALUE, "%s is not UTF-8: byte 0x%02X at line %llu (byte %llu)", c->head.path,
            c->utf8.lead, (unsigned long long)line_of(c->fd, offset), (unsigned long long)offset);
  error_help(err,
             "if it comes from Excel it is Windows-1252, near to Latin-1: say encoding: "
             "\"windows-1252\", or convert it with: iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW");
  error_kind(err, "validation");
  return err->status;
}

static enum status check_chunk(struct csv *c, const char *s, size_t len, struct error *err) {
  const char *nul = memchr(s, 0, len);
  if (nul) return fail_nul(c, c->offset + (uint64_t)(nul - s), err);
  size_t bad;
  if (!c->latin1 && !utf8_check(&c->utf8, s, len, &bad)) return fail_utf8(c, c->offset + bad, err);
  c->offset += len;
  return OK;
}

static void make_room(struct csv *c, size_t room) {
  if (c->at) memmove(c->data, c->data + c->at, c->end - c->at);
  c->end -= c->at;
  c->at = 0;
  if (c->end + room + 1 <= c->cap) return;
  while (c->end + room + 1 > c->cap)
    c->cap *= 2;
  c->data = mem_realloc(c->data, c->cap);
}

static enum status read_some(struct csv *c, char *to, size_t size, size_t *got, struct error *err) {
  ssize_t n;
  do
    n = read(c->fd, to, size);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    error_set(err, ERR_IO, "cannot read %s: %s", c->head.path, strerror(errno));
    error_kind(err, "provider");
    return ERR_IO;
  }
  *got = (size_t)n;
  return n ? check_chunk(c, to, *got, err) : OK;
}

static enum status end_of_file(struct csv *c, struct error *err) {
  c->ended = true;
  if (c->utf8.need) return fail_utf8(c, c->offset - c->utf8.had, err);
  return OK;
}

static enum status fill(struct csv *c, struct error *err) {
  make_room(c, CHUNK);
  size_t got;
  enum status s;
  if (!c->latin1) {
    if ((s = read_some(c, c->data + c->end, CHUNK, &got, err))) return s;
    c->end += got;
  } else {
    char chunk[CHUNK / 4];
    if ((s = read_some(c, chunk, sizeof chunk, &got, err))) return s;
    buf_clear(&c->wide);
    latin1_to_utf8(&c->wide, chunk, got);
    if (c->wide.len) memcpy(c->data + c->end, c->wide.data, c->wide.len);
    c->end += c->wide.len;
  }
  c->data[c->end] = '\n';
  return got ? OK : end_of_file(c, err);
}

static struct cell *add_cell(struct csv *c, struct scan *scan) {
  if (scan->count == c->cell_cap)
    c->cells = mem_grow(c->cells, scan->count, &c->cell_cap, sizeof *c->cells);
  struct cell *cell = &c->cells[scan->count++];
  *cell = (struct cell){.kind = CELL_TEXT};
  return cell;
}

/* A field without quotes: up to the delimiter or the line end (the sentinel stops it at the
 * latest). */
static void scan_plain(struct csv *c, struct scan *scan) {
  struct cell *cell = add_cell(c, scan);
  const char *p = scan->p;
  char delimiter = c->head.delimiter;
  cell->s = p;
  while (*p != delimiter && *p != '\n' && *p != '\r')
    p++;
  cell->len = (size_t)(p - cell->s);
  scan->p = p;
}

/* After the closing quote only the delimiter or the line end may stand; spaces are let pass. */
static void scan_after_quote(struct csv *c, struct scan *scan) {
  const char *p = scan->p;
  char delimiter = c->head.delimiter;
  for (; *p != delimiter && *p != '\n' && *p != '\r'; p++)
    if (*p != ' ') scan->problem = "text stands after a closing quote";
  scan->p = p;
}

/* A quoted field; len counts the doubled quotes too, and kind marks, for the moment, that there
 * are some. Leaves scan->open set when the buffer ends first. */
static void scan_quoted(struct csv *c, struct scan *scan) {
  struct cell *cell = add_cell(c, scan);
  const char *p = scan->p + 1, *end = c->data + c->end;
  scan->open = scan->p;
  cell->s = p;
  cell->kind = CELL_QUOTED;
  for (;; p += 2) {
    p = memchr(p, '"', (size_t)(end - p));
    if (!p || (p + 1 == end && !c->ended)) {
      scan->p = end;
      return;
    }
    if (p + 1 == end || p[1] != '"') break;
    cell->kind = CELL_ERROR;
  }
  cell->len = (size_t)(p - cell->s);
  scan->open = NULL;
  scan->p = p + 1;
  scan_after_quote(c, scan);
}

/* Sets complete when the record's end was found inside the buffer. */
static void scan_record(struct csv *c, struct scan *scan) {
  const char *end = c->data + c->end;
  char delimiter = c->head.delimiter;
  for (;;) {
    if (*scan->p == '"' && scan->p < end) scan_quoted(c, scan);
    else scan_plain(c, scan);
    if (scan->open || scan->p >= end || scan->count > SHEET_MAX_COLUMNS) return;
    if (*scan->p != delimiter) break;
    scan->p++;
  }
  bool carriage = *scan->p == '\r';
  if (carriage && scan->p + 1 == end && !c->ended) return;
  scan->p += carriage && scan->p + 1 < end && scan->p[1] == '\n' ? 2 : 1;
  scan->complete = true;
}

static uint64_t count_lines(const char *from, const char *to) {
  uint64_t n = 0;
  for (const char *p = from; (p = memchr(p, '\n', (size_t)(to - p))) != NULL; p++)
    n++;
  return n;
}

static enum status fail_open_quote(struct csv *c, const struct scan *scan, const char *how,
                                   struct error *err) {
  struct buf place = BUF_INIT;
  sheet_place(&c->head, scan->count - 1, &place);
  error_set(err, ERR_VALUE, "%s: %s in row %llu, %s, opened at line %llu", c->head.path, how,
            (unsigned long long)c->row + 1, buf_str(&place),
            (unsigned long long)(c->line + count_lines(c->data + c->at, scan->open)));
  error_help(err, "close that quote, or double a quote that belongs to the text, or get the "
                  "complete file again");
  error_kind(err, "validation");
  buf_release(&place);
  return err->status;
}

static enum status fail_size(struct csv *c, const char *what, long long limit, struct error *err) {
  error_set(err, ERR_LIMIT, "%s: row %llu (line %llu) has more than %lld %s", c->head.path,
            (unsigned long long)c->row + 1, (unsigned long long)c->line, limit, what);
  error_help(err, "a delimiter or a quote is probably wrong there; check that line of the file");
  error_kind(err, "validation");
  return err->status;
}

static enum status check_limits(struct csv *c, const struct scan *scan, struct error *err) {
  if (scan->count > SHEET_MAX_COLUMNS) return fail_size(c, "columns", SHEET_MAX_COLUMNS, err);
  if (scan->open && scan->p - scan->open > SHEET_MAX_FIELD)
    return fail_open_quote(c, scan, "a quoted field is longer than 1 MiB", err);
  if (scan->p - (c->data + c->at) > SHEET_MAX_RECORD)
    return fail_size(c, "bytes", SHEET_MAX_RECORD, err);
  return OK;
}

static void close_up(struct cell *cell) {
  char *base = (char *)(uintptr_t)cell->s, *to = base;
  for (size_t i = 0; i < cell->len; i++) {
    *to++ = base[i];
    if (base[i] == '"') i++;
  }
  cell->len = (size_t)(to - base);
  cell->kind = CELL_QUOTED;
}

static enum status finish_record(struct csv *c, struct scan *scan, struct record *out,
                                 struct error *err) {
  for (size_t i = 0; i < scan->count; i++) {
    if (c->cells[i].len > SHEET_MAX_FIELD)
      return fail_size(c, "bytes in a field", SHEET_MAX_FIELD, err);
    if (c->cells[i].kind == CELL_ERROR) close_up(&c->cells[i]);
  }
  c->line += count_lines(c->data + c->at, scan->p);
  c->at = (size_t)(scan->p - c->data);
  *out = (struct record){++c->row, scan->count, c->cells, scan->problem};
  return OK;
}

static enum status csv_next(struct sheet *s, struct record *out, bool *more, struct error *err) {
  struct csv *c = (struct csv *)s;
  enum status st;
  for (;;) {
    if (c->at == c->end && c->ended) {
      *more = false;
      return OK;
    }
    struct scan scan = {.p = c->data + c->at};
    if (c->at < c->end) {
      scan_record(c, &scan);
      if ((st = check_limits(c, &scan, err))) return st;
    }
    if (c->ended && scan.open)
      return fail_open_quote(c, &scan, "the file ends inside a quoted field", err);
    if (scan.complete || c->ended) {
      *more = true;
      if (scan.p > c->data + c->end) scan.p = c->data + c->end;
      return finish_record(c, &scan, out, err);
    }
    if ((st = fill(c, err))) return st;
  }
}

/* The delimiter that stands most often in the first line, outside quotes; a comma in doubt. */
static char guess_delimiter(const struct csv *c) {
  static const char candidates[] = ",;\t|";
  size_t seen[4] = {0};
  bool quoted = false;
  for (const char *p = c->data + c->at; p < c->data + c->end; p++) {
    if (*p == '"') quoted = !quoted;
    if (quoted) continue;
    if (*p == '\n' || *p == '\r') break;
    for (size_t i = 0; i < 4; i++)
      seen[i] += *p == candidates[i];
  }
  size_t best = 0;
  for (size_t i = 1; i < 4; i++)
    if (seen[i] > seen[best]) best = i;
  return candidates[best];
}

/* Excel's own first line "sep=;" names the delimiter; Excel does not show it as a row. */
static bool take_sep_line(struct csv *c) {
  const char *p = c->data + c->at;
  if (c->end - c->at < 6 || strncasecmp(p, "sep=", 4) || !strchr(",;\t|:", p[4])) return false;
  bool room = c->end - c->at >= 7; /* at data[end] stands the sentinel, which is no line end */
  size_t end = p[5] == '\r' && room && p[6] == '\n' ? 7 : p[5] == '\n' ? 6 : 0;
  if (!end) return false;
  c->head.delimiter = p[4];
  c->at += end;
  c->line++;
  return true;
}

static enum status choose_delimiter(struct csv *c, const struct sheet_options *o, bool tabs,
                                    struct error *err) {
  const char *d = o->delimiter;
  if (take_sep_line(c)) return OK;
  if (!d) c->head.delimiter = tabs ? '\t' : guess_delimiter(c);
  else if (!strcmp(d, "tab") || !strcmp(d, "\\t")) c->head.delimiter = '\t';
  else if (strlen(d) == 1 && strchr(",;|\t:", *d)) c->head.delimiter = *d;
  else {
    error_set(err, ERR_VALUE, "\"%.20s\" is no delimiter; it is one of , ; : | or \"tab\"", d);
    error_kind(err, "validation");
    return ERR_VALUE;
  }
  return OK;
}

static enum status choose_encoding(struct csv *c, const char *name, struct error *err) {
  static const struct {
    const char *name;
    bool latin1;
  } known[] = {{"utf-8", false},     {"utf8", false},        {"latin-1", true},
               {"iso-8859-1", true}, {"windows-1252", true}, {"cp1252", true}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcasecmp(name, known[i].name)) {
      c->latin1 = known[i].latin1;
      c->head.encoding = c->latin1 ? "windows-1252" : "utf-8";
      return OK;
    }
  error_set(err, ERR_VALUE, "unknown encoding \"%.40s\"", name);
  error_help(err, "encodings are utf-8, latin-1 and windows-1252; convert others with iconv");
  error_kind(err, "validation");
  return err->status;
}

enum status csv_open(struct sheet **out, int fd, const struct sheet_options *o, bool tabs,
                     struct error *err) {
  struct csv *c = mem_zalloc(sizeof *c);
  static const struct sheet_ops ops = {csv_next, csv_close};
  c->head =
      (struct sheet){.ops = &ops, .format = tabs ? "tsv" : "csv", .path = mem_strdup(o->path)};
  c->fd = fd;
  c->line = 1;
  c->cap = 2 * CHUNK;
  c->data = mem_alloc(c->cap);
  enum status st = choose_encoding(c, o->encoding ? o->encoding : "utf-8", err);
  if (!st) st = fill(c, err);
  if (!st && c->end >= 3 && !memcmp(c->data, "\xef\xbb\xbf", 3) && !c->latin1) c->at = 3;
  if (!st) st = choose_delimiter(c, o, tabs, err);
  if (st) {
    csv_close(&c->head);
    return st;
  }
  *out = &c->head;
  return OK;
}
