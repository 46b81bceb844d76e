/* Values as people read them: a line, aligned fields, or a table that fits the width. */
#ifndef STEPWISE_TABLE_H
#define STEPWISE_TABLE_H

#include "../runtime/value.h"

/* Writes name (or NULL) and value, each line indented, no line wider than width. At most 20 rows.
 */
void value_show(const char *name, value v, const struct symtab *syms, size_t indent, size_t width,
                struct buf *out);

/* A table filled by rows of texts; the first row is the header. */
struct table {
  char **cells; /* owned, row by row */
  size_t columns, count, cap;
  size_t whole; /* this many columns from the left are never cut */
};
void table_cell(struct table *t, const char *text);
void table_write(const struct table *t, size_t indent, size_t width, struct buf *out);
void table_release(struct table *t);

#endif
