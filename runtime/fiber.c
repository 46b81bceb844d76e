/* Fibers: see fiber.h.
 *
 * A stack is entered for the first time by setcontext; from then on one is left and entered again by _setjmp
 * and _longjmp, as GNU Pth and QEMU do: swapcontext asks the kernel for the signal mask each time, which is
 * the same in all of them. Nothing is ever unwound: each jump goes to where another stack was left.
 * (R. S. Engelschall, Portable Multithreading, USENIX 2000.) */
#undef _FORTIFY_SOURCE /* its longjmp refuses to go to another stack */
#include <setjmp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "fiber.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef SANITIZED
#include <dlfcn.h>
#include <sanitizer/common_interface_defs.h>
#endif

enum { GUARD = 4096 };
/* Room for 256 levels of nested expressions; the sanitizer's frames are several times larger. */
#ifdef SANITIZED
static const size_t stack_bytes = (size_t)4 << 20;
#else
static const size_t stack_bytes = (size_t)512 << 10;
#endif

struct fiber {
  struct fiber *next; /* while it is idle */
  struct fibers *owner;
  void (*fn)(void *arg);
  void *arg;
  char *base; /* lowest usable byte; the guard page is below */
  union {
    ucontext_t start; /* until it has begun */
    jmp_buf place;    /* from then on */
  };
  bool begun;
  void *fake_stack; /* the sanitizer's */
};

struct fibers {
  struct fiber *idle;
  void (*jump)(jmp_buf to, int value);
  jmp_buf main;
  void *main_fake; /* these three: the sanitizer's */
  const void *main_base;
  size_t main_size;
};

/* --- what the sanitizer is told --- */

#ifdef SANITIZED
static void going_in(struct fibers *f, const struct fiber *to) {
  __sanitizer_start_switch_fiber(&f->main_fake, to->base, stack_bytes);
}
static void came_in(struct fibers *f, const struct fiber *to) {
  __sanitizer_finish_switch_fiber(to->fake_stack, &f->main_base, &f->main_size);
}
static void going_out(struct fibers *f, struct fiber *from) {
  __sanitizer_start_switch_fiber(&from->fake_stack, f->main_base, f->main_size);
}
static void came_out(struct fibers *f) {
  __sanitizer_finish_switch_fiber(f->main_fake, NULL, NULL);
}
/* Its own wrapper would unpoison the stack that is left: it takes a jump for an unwinding. */
static void jump_find(struct fibers *f) {
  void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (libc) *(void **)&f->jump = dlsym(libc, "_longjmp");
}
#else
static void going_in(struct fibers *f, const struct fiber *to) { (void)f, (void)to; }
static void came_in(struct fibers *f, const struct fiber *to) { (void)f, (void)to; }
static void going_out(struct fibers *f, struct fiber *from) { (void)f, (void)from; }
static void came_out(struct fibers *f) { (void)f; }
static void jump_find(struct fibers *f) { (void)f; }
#endif

/* --- switching --- */

void fiber_leave(struct fibers *f, struct fiber *fiber) {
  going_out(f, fiber);
  if (!_setjmp(fiber->place)) f->jump(f->main, 1);
  came_in(f, fiber);
}

static void fiber_main(unsigned high, unsigned low) {
  struct fiber *fiber = (struct fiber *)((uintptr_t)high << 32 | low);
  came_in(fiber->owner, fiber);
  for (;;) {
    fiber->fn(fiber->arg);
    fiber_leave(fiber->owner, fiber);
  }
}

void fiber_enter(struct fibers *f, struct fiber *fiber) {
  going_in(f, fiber);
  if (!_setjmp(f->main)) {
    if (fiber->begun) f->jump(fiber->place, 1);
    fiber->begun = true;
    setcontext(&fiber->start);
  }
  came_out(f);
}

/* --- taking and giving --- */

static struct fiber *fiber_new(struct fibers *f) {
  char *map = mmap(NULL, stack_bytes + GUARD, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED || mprotect(map, GUARD, PROT_NONE) != 0) mem_out();
  struct fiber *fiber = mem_zalloc(sizeof *fiber);
  uintptr_t p = (uintptr_t)fiber;
  fiber->owner = f;
  fiber->base = map + GUARD;
  getcontext(&fiber->start);
  fiber->start.uc_stack.ss_sp = fiber->base;
  fiber->start.uc_stack.ss_size = stack_bytes;
  fiber->start.uc_link = NULL;
  makecontext(&fiber->start, (void (*)(void))(uintptr_t)fiber_main, 2, (unsigned)(p >> 32), (unsigned)p);
  return fiber;
}

struct fiber *fiber_take(struct fibers *f, void (*fn)(void *arg), void *arg) {
  struct fiber *fiber = f->idle;
  if (fiber) f->idle = fiber->next;
  else fiber = fiber_new(f);
  fiber->fn = fn;
  fiber->arg = arg;
  return fiber;
}

void fiber_give(struct fibers *f, struct fiber *fiber) {
  fiber->next = f->idle;
  f->idle = fiber;
}

struct fibers *fibers_new(void) {
  struct fibers *f = mem_zalloc(sizeof *f);
  f->jump = _longjmp;
  jump_find(f);
  return f;
}

void fibers_free(struct fibers *f) {
  if (!f) return;
  for (struct fiber *fiber = f->idle, *next; fiber; fiber = next) {
    next = fiber->next;
    munmap(fiber->base - GUARD, stack_bytes + GUARD);
    mem_free(fiber);
  }
  mem_free(f);
}
