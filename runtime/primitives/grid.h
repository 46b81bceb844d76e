/* A small table of plain data: what work on a worker thread hands back to become values. */
#ifndef STEPWISE_GRID_H
#define STEPWISE_GRID_H

#include "../../lang/arena.h"

enum grid_type { GRID_NULL, GRID_INTEGER, GRID_REAL, GRID_TEXT };

struct grid_cell {
  enum grid_type type;
  int64_t i;
  double r;
  const char *s; /* in the grid's arena */
  size_t len;
};

/* Zero-initialise; grid_release frees. A column whose name ends in '?' holds booleans. */
struct grid {
  struct arena arena;
  const char **names;
  size_t columns;
  struct grid_cell *cells; /* row after row */
  size_t count, cap;       /* of cells */
};

static inline size_t grid_rows(const struct grid *g) {
  return g->columns ? g->count / g->columns : 0;
}
void grid_release(struct grid *g);
void grid_name(struct grid *g, const char *name); /* adds a column; before the first cell */
struct grid_cell *grid_add(struct grid *g); /* the next cell, null; valid until the next call */
void grid_add_integer(struct grid *g, int64_t i);
void grid_add_text(struct grid *g, const char *s, size_t len);

#endif
