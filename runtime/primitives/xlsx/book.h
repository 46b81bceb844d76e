/* What a workbook says beside its sheets: their names, shared strings, which styles are dates. */
#ifndef STEPWISE_XLSX_BOOK_H
#define STEPWISE_XLSX_BOOK_H

#include "xml.h"

enum {
  BOOK_MAX_SHEETS = 1000,
  BOOK_MAX_STYLES = 65536,
  BOOK_MAX_STRINGS = 4 << 20, /* shared strings */
  BOOK_MAX_TEXT = 48 << 20    /* bytes of all of them together */
};

struct book_sheet {
  char *name, *relation, *part; /* part: "xl/worksheets/sheet1.xml" */
  bool hidden;
};

struct book {
  const char *path;
  bool since_1904;
  struct book_sheet *sheets;
  size_t sheet_count, sheet_cap;
  struct buf strings; /* one after the other, each with a NUL */
  size_t *string_at;  /* where each begins */
  size_t string_count, string_cap;
  bool *style_is_date; /* by index of cellXfs */
  size_t style_count, style_cap;
};

enum status book_read(struct book *b, int fd, const char *path, struct error *err) must_use;
void book_release(struct book *b);
/* A date's serial number as text: YYYY-MM-DD, with HH:MM:SS where there is a time of day. */
bool book_date(const struct book *b, double serial, struct buf *out);

#endif
