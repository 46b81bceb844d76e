/* Questions to the journal in SQL. Only SELECT: whatever else is refused before it runs. */
#ifndef STEPWISE_JOURNAL_SQL_H
#define STEPWISE_JOURNAL_SQL_H

#include "journal.h"

struct journal_cell {
  enum { CELL_NULL, CELL_INTEGER, CELL_REAL, CELL_TEXT, CELL_BLOB } kind;
  int64_t integer;
  double real;
  const char *bytes; /* of a text or a blob; valid during the call */
  size_t len;
};
struct journal_rows {
  void *ud;
  enum status (*columns)(void *ud, const char *const *names, int count); /* once, before the rows */
  enum status (*row)(void *ud, const struct journal_cell *cells, int count);
};
/* Besides SQLite's functions there is utc(time_us), a time as text. ERR_VALUE: the text is no
 * single SELECT, or what it asks for cannot be computed. A status other than OK of rows' functions
 * stops and is returned. */
enum status journal_select(struct journal *j, const char *sql, const struct journal_rows *rows,
                           struct error *err) must_use;

#endif
