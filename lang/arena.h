/* Memory that is freed all at once: trees, plans, names. */
#ifndef STEPWISE_ARENA_H
#define STEPWISE_ARENA_H

#include "mem.h"

struct arena_chunk;
struct arena {
  struct arena_chunk *chunks;
  char *at, *end;
  size_t total; /* bytes taken from the allocator */
};

void arena_release(struct arena *a);
void *arena_alloc(struct arena *a, size_t size) must_use; /* cleared, aligned to 8 */
char *arena_dup(struct arena *a, const void *p, size_t len) must_use; /* with a NUL */
char *arena_printf(struct arena *a, const char *fmt, ...) like_printf(2, 3) must_use;

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
