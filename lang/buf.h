/* A growable run of bytes with a stated maximum. Always NUL-terminated once something was added.
 *
 * Past its maximum a buffer keeps what fitted, drops the rest and remembers: check `overflow` once
 * at the end instead of after every append. */
#ifndef STEPWISE_BUF_H
#define STEPWISE_BUF_H

#include <stdarg.h>
#include "mem.h"

struct buf {
  char *data; /* owned; NULL while empty */
  size_t len, cap;
  size_t max; /* 0 = BUF_MAX */
  bool overflow;
};

#define BUF_MAX ((size_t)256 << 20)
#define BUF_INIT {0}

void buf_release(struct buf *b);
void buf_wipe(struct buf *b); /* overwrites it, and releases it */
void buf_clear(struct buf *b); /* keeps the memory */
void buf_add(struct buf *b, const void *p, size_t len);
void buf_adds(struct buf *b, const char *s);
void buf_addc(struct buf *b, char c);
void buf_addi(struct buf *b, int64_t i); /* in decimal */
void buf_addn(struct buf *b, size_t n, char c); /* n times c */
void buf_addf(struct buf *b, const char *fmt, ...) like_printf(2, 3);
/* As one word of a shell's command, quoted when it has to be. */
void buf_add_word(struct buf *b, const char *s);
void buf_vaddf(struct buf *b, const char *fmt, va_list ap) like_printf(2, 0);
void buf_add_utf8(struct buf *b, uint32_t codepoint);
char *buf_reserve(struct buf *b, size_t len); /* room for len more bytes and a NUL; NULL past max */
const char *buf_str(const struct buf *b);     /* never NULL; valid until the next change */
char *buf_take(struct buf *b) must_use;       /* the bytes, owned by the caller; b is empty after */
void buf_truncate(struct buf *b, size_t len);

#endif
