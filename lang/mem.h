/* The one allocator door. It never returns NULL.
 *
 * When memory runs out the process says so on stderr and ends with exit code 9: every effect that
 * matters is in the journal before anything depends on it, so ending is the safe answer and no
 * caller carries a path that is never tested. Tests can make the n-th call fail (mem_fail_at). */
#ifndef STEPWISE_MEM_H
#define STEPWISE_MEM_H

#include "banned.h"
#include "status.h"

void *mem_alloc(size_t size) must_use;              /* not cleared; size 0 gives a unique block */
void *mem_zalloc(size_t size) must_use;             /* cleared */
void *mem_realloc(void *p, size_t size) must_use;
void *mem_array(size_t count, size_t size) must_use; /* cleared; ends the process on overflow */
void mem_free(void *p);                             /* NULL-safe */
void mem_wipe(char *s);                             /* overwrites a text, and frees it; NULL-safe */
char *mem_dup(const void *p, size_t len) must_use;  /* len bytes and a NUL */
char *mem_strdup(const char *s) must_use;
void mem_out(void) __attribute__((noreturn));       /* out of memory: says so and ends, code 9 */
/* From now on the n-th allocation fails (0 = never). For tests; also STEPWISE_FAIL_ALLOC. */
void mem_fail_at(uint64_t n);

/* Grows *items (of item size) so that one more than count fits; doubles. */
void *mem_grow(void *items, size_t count, size_t *cap, size_t item) must_use;

#endif
