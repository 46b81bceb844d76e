/* Small tables of plain data: see grid.h. */
#include "grid.h"

void grid_release(struct grid *g) {
  arena_release(&g->arena);
  mem_free(g->names);
  mem_free(g->cells);
  *g = (struct grid){0};
}

void grid_name(struct grid *g, const char *name) {
  g->names = mem_realloc(g->names, (g->columns + 1) * sizeof *g->names);
  g->names[g->columns++] = arena_dup(&g->arena, name, strlen(name));
}

struct grid_cell *grid_add(struct grid *g) {
  if (g->count == g->cap) g->cells = mem_grow(g->cells, g->count, &g->cap, sizeof *g->cells);
  struct grid_cell *c = &g->cells[g->count++];
  *c = (struct grid_cell){.type = GRID_NULL};
  return c;
}

void grid_add_integer(struct grid *g, int64_t i) {
  *grid_add(g) = (struct grid_cell){.type = GRID_INTEGER, .i = i};
}

void grid_add_text(struct grid *g, const char *s, size_t len) {
  *grid_add(g) =
      (struct grid_cell){.type = GRID_TEXT, .s = arena_dup(&g->arena, s, len), .len = len};
}
