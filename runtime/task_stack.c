/* Mapping and pooling of stacks. A page below each is not accessible: overflow is a clean fault. */
#include "task_stack.h"

#include <sys/mman.h>

enum { GUARD = 4096 };
/* Room for 256 levels of nested expressions; the sanitizer's frames are several times larger. */
#if defined(__SANITIZE_ADDRESS__)
static const size_t stack_bytes = (size_t)4 << 20;
#else
static const size_t stack_bytes = (size_t)512 << 10;
#endif

struct stack *stack_take(struct stack **pool) {
  struct stack *s = *pool;
  if (s) {
    *pool = s->next;
    return s;
  }
  char *map = mmap(NULL, stack_bytes + GUARD, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED || mprotect(map, GUARD, PROT_NONE) != 0) mem_out();
  s = mem_zalloc(sizeof *s);
  s->base = map + GUARD;
  s->size = stack_bytes;
  return s;
}

void stack_give(struct stack **pool, struct stack *s) {
  s->next = *pool;
  *pool = s;
}

void stacks_release(struct stack **pool) {
  for (struct stack *s = *pool, *next; s; s = next) {
    next = s->next;
    munmap(s->base - GUARD, s->size + GUARD);
    mem_free(s);
  }
  *pool = NULL;
}
