/* A bump allocator over chunks; what it gives out lives until arena_release. */
#include "arena.h"
#include "buf.h"

enum { CHUNK = 64 << 10 };

struct arena_chunk {
  struct arena_chunk *next;
  char bytes[] __attribute__((aligned(8)));
};

void arena_release(struct arena *a) {
  for (struct arena_chunk *c = a->chunks, *next; c; c = next) {
    next = c->next;
    mem_free(c);
  }
  *a = (struct arena){0};
}

static void *arena_chunk_new(struct arena *a, size_t size) {
  struct arena_chunk *c = mem_zalloc(sizeof *c + size);
  c->next = a->chunks;
  a->chunks = c;
  a->total += sizeof *c + size;
  return c->bytes;
}

void *arena_alloc(struct arena *a, size_t size) {
  size = (size + 7) & ~(size_t)7;
  if ((size_t)(a->end - a->at) >= size && a->at) {
    void *p = a->at;
    a->at += size;
    return p;
  }
  if (size > CHUNK / 4) return arena_chunk_new(a, size); /* a block of its own */
  a->at = arena_chunk_new(a, CHUNK);
  a->end = a->at + CHUNK;
  void *p = a->at;
  a->at += size;
  return p;
}

char *arena_dup(struct arena *a, const void *p, size_t len) {
  char *copy = arena_alloc(a, len + 1);
  if (len) memcpy(copy, p, len);
  return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  char *copy = arena_dup(a, buf_str(&b), b.len);
  buf_release(&b);
  return copy;
}
