/* The text of one file and where its lines begin.
 *
 * Everything else speaks in byte offsets; only here they become line and column. Columns count
 * characters (code points) from 1; a tab is one character. */
#ifndef STEPWISE_SOURCE_H
#define STEPWISE_SOURCE_H

#include "mem.h"

#define SOURCE_MAX ((size_t)16 << 20)

struct source {
  char *name;         /* as the person wrote it; owned */
  char *text;         /* owned; followed by two NULs (flex wants them) */
  size_t len;
  uint32_t *lines;    /* offset of each line; built at first use */
  uint32_t line_count;
};

/* Takes ownership of text, which must have room for two bytes past len. Refuses (ERR_SYNTAX or
 * ERR_LIMIT, with place in the message) text over SOURCE_MAX, invalid UTF-8 and NUL bytes. */
enum status source_init(struct source *s, const char *name, char *text, size_t len,
                        struct error *err) must_use;
void source_release(struct source *s);
void source_line_col(struct source *s, uint32_t at, uint32_t *line, uint32_t *col); /* from 1 */
/* The line's bytes, without its newline. */
const char *source_line(struct source *s, uint32_t line, size_t *len);

#endif
