/* Markdown on a terminal: paragraphs wrapped, examples indented, links as their words. */
#ifndef STEPWISE_DOC_PROSE_H
#define STEPWISE_DOC_PROSE_H

#include "../lang/buf.h"

/* One line of words, wrapped at width; further lines begin after `indent` spaces. at: the column it
 * starts in. Links become their words; with_ticks false: backticks go too. Ends with a newline. */
void prose_words(const char *s, size_t len, size_t at, size_t indent, size_t width, bool with_ticks,
                 struct buf *out);
/* A whole text, each line indented. */
void prose_text(const char *s, size_t len, size_t indent, size_t width, struct buf *out);

/* Rows of three cells; the last is wrapped, the first two are as wide as their widest. */
struct prose_rows {
  char **cells; /* owned, row by row */
  size_t count, cap;
};
void prose_row(struct prose_rows *r, const char *a, const char *b, const char *c);
/* Writes and empties them. */
void prose_rows_write(struct prose_rows *r, size_t indent, size_t width, struct buf *out);

#endif
