/* Tables in files, one record at a time: CSV and TSV here, XLSX in a module opened at first use.
 *
 * A source is opened with its header read and checked; sheet_next gives the data rows after it.
 * Rows are numbered as a spreadsheet shows them: the header of an ordinary file is row 1, and
 * blank rows count. Memory does not grow with the file. Every failure is an error that says what
 * is wrong, in which row and column, and what to do. Nothing here keeps state outside the source,
 * so all of it may run on a worker thread. */
#ifndef STEPWISE_SHEET_H
#define STEPWISE_SHEET_H

#include "../../lang/buf.h"

enum {
  SHEET_MAX_COLUMNS = 1000,
  SHEET_MAX_FIELD = 1 << 20,  /* bytes of one field */
  SHEET_MAX_RECORD = 8 << 20, /* bytes of one row */
  SHEET_MAX_NAME = 200        /* bytes of one column name */
};

enum cell_kind {
  CELL_TEXT,
  CELL_QUOTED, /* text that stood in quotes */
  CELL_ERROR /* a formula's error in a workbook: #N/A, #REF! ... */
};

struct cell {
  const char *s; /* UTF-8 without NUL bytes; valid until the next record */
  size_t len;
  enum cell_kind kind;
};

struct record {
  uint64_t row;
  size_t count;
  struct cell *cells;
  const char *problem; /* NULL, or what is wrong with the row's form; the cells are what was read */
};

struct sheet_options {
  const char *path;
  const char *format;   /* "csv", "tsv", "xlsx"; NULL = by the file's first bytes and name */
  const char *sheet;    /* workbooks: name, or number from 1; NULL = the first that is not hidden */
  const char *encoding; /* "utf-8", "latin-1", "windows-1252"; NULL = utf-8 */
  const char *delimiter; /* one of , ; | tab; NULL = by the header line */
};

struct sheet;
struct sheet_ops {
  /* The next record, blank ones too; *more is false at the end. */
  enum status (*next)(struct sheet *s, struct record *out, bool *more, struct error *err);
  void (*close)(struct sheet *s);
};

/* What every kind of source starts with; for reading. */
struct sheet {
  const struct sheet_ops *ops;
  const char *format;
  char *path;
  char delimiter; /* 0 for workbooks */
  const char *encoding;
  char **names; /* columns, trimmed; empty ones at the right end are left out */
  size_t name_count;
  uint64_t header_row;
  char **sheets; /* workbooks: all sheets' names */
  size_t sheet_count;
  char *sheet_name;     /* workbooks: the one that is read */
  bool ragged;          /* rows may be shorter than the header by their nature */
  uint64_t blank;       /* blank rows passed over so far */
  uint64_t ragged_rows; /* rows with another number of fields than the header so far */
  bool quoted_counts;   /* a row of empty fields is not blank when one of them is quoted */
};

enum status sheet_open(struct sheet **out, const struct sheet_options *options,
                       struct error *err) must_use;
/* The same of an open file that is text, which it owns from then on. */
enum status sheet_open_csv(struct sheet **out, int fd, const struct sheet_options *options,
                           struct error *err) must_use;
/* The next row that is not blank. A row too short or too long gets a problem. */
enum status sheet_next(struct sheet *s, struct record *out, bool *more, struct error *err) must_use;
void sheet_close(struct sheet *s); /* NULL-safe */

/* For the readers: frees what struct sheet itself owns. */
void sheet_release(struct sheet *s);
/* "column 3 (Email)", or without the name where there is none. */
void sheet_place(const struct sheet *s, size_t column, struct buf *out);

/* The readers. Each takes an open file that it owns from then on. */
enum status csv_open(struct sheet **out, int fd, const struct sheet_options *options, bool tabs,
                     struct error *err) must_use;
/* What the module stepwise-xlsx.so exports as stepwise_xlsx. */
struct xlsx_module {
  uint32_t version;
  enum status (*open)(struct sheet **out, int fd, const struct sheet_options *options,
                      struct error *err);
};
enum { XLSX_MODULE_VERSION = 2 };

#endif
