/* SQLite's allocator is ours. */
#include "journal_memory.h"

#include <malloc.h>
#include <sqlite3.h>

#include "../lang/mem.h"

static void *take(int size) {
  return mem_alloc((size_t)size);
}

static void *resize(void *p, int size) {
  return mem_realloc(p, (size_t)size);
}

static int size_of(void *p) {
  return p ? (int)malloc_usable_size(p) : 0;
}

static int round_up(int size) {
  return (size + 7) & ~7;
}

static int begin(void *ud) {
  (void)ud;
  return SQLITE_OK;
}

static void end(void *ud) {
  (void)ud;
}

/* Once SQLite is in use it refuses another allocator: this one is in place then. */
void sqlite_memory(void) {
  static const struct sqlite3_mem_methods ours = {take,     mem_free, resize, size_of,
                                                  round_up, begin,    end,    NULL};
  sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
}
