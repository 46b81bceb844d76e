/* Allocation that ends the process when memory runs out; see mem.h for why. */
#include "mem.h"

#include <unistd.h>

/* The only mutable global of the project: it exists so that tests can count and fail allocations
 * in whatever room they happen. */
static struct {
  uint64_t count, fail_at;
} mem;

void mem_out(void) {
  static const char text[] = "\nstepwise: out of memory; nothing that the journal holds is lost\n";
  size_t skip = isatty(2) ? 0 : 1; /* a step's line may stand open on the screen */
  ssize_t ignored = write(2, text + skip, sizeof text - 1 - skip);
  (void)ignored;
  _exit(9);
}

static void mem_tick(void) {
  if (++mem.count == mem.fail_at) mem_out();
}

void *mem_alloc(size_t size) {
  mem_tick();
  void *p = malloc(size ? size : 1);
  if (!p) mem_out();
  return p;
}

void *mem_zalloc(size_t size) {
  mem_tick();
  void *p = calloc(1, size ? size : 1);
  if (!p) mem_out();
  return p;
}

void *mem_realloc(void *old, size_t size) {
  mem_tick();
  void *p = realloc(old, size ? size : 1);
  if (!p) mem_out();
  return p;
}

void *mem_array(size_t count, size_t size) {
  size_t total;
  if (__builtin_mul_overflow(count, size, &total)) mem_out();
  return mem_zalloc(total);
}

void mem_free(void *p) {
  free(p);
}

void mem_wipe(char *s) {
  if (s) explicit_bzero(s, strlen(s));
  mem_free(s);
}

char *mem_dup(const void *p, size_t len) {
  char *copy = mem_alloc(len + 1);
  if (len) memcpy(copy, p, len);
  copy[len] = '\0';
  return copy;
}

char *mem_strdup(const char *s) {
  return mem_dup(s, strlen(s));
}

void mem_fail_at(uint64_t n) {
  mem.fail_at = n ? mem.count + n : 0;
}

void *mem_grow(void *items, size_t count, size_t *cap, size_t item) {
  if (count < *cap) return items;
  size_t want = *cap ? *cap * 2 : 8, bytes;
  if (want <= count) want = count + 1;
  if (__builtin_mul_overflow(want, item, &bytes)) mem_out();
  *cap = want;
  return mem_realloc(items, bytes);
}
