/* Text on a terminal: how wide it is, and that it steers nothing, whoever wrote it. */
#ifndef STEPWISE_CLI_TEXT_H
#define STEPWISE_CLI_TEXT_H

#include <stdio.h>

#include "../lang/buf.h"

/* Code points, as columns on a terminal. */
size_t text_columns(const char *s, size_t len);
/* Bytes of the character at s that could steer a terminal or hide what is written (control
 * characters of both sets, changes of direction, stray bytes); 0 when it is harmless. */
size_t text_steers(const char *s, size_t len);
/* Adds s with `instead` in the place of each such character. */
void text_tame(struct buf *out, const char *s, size_t len, char instead);
/* The same, keeping lines; each further one after `indent` spaces. */
void text_tame_lines(struct buf *out, const char *s, size_t indent);
/* Prints text from anywhere, tamed, keeping lines. */
void text_print(FILE *out, const char *s, size_t indent);
/* Adds s padded to `columns`, or cut with ".." when it is longer. Control characters become spaces.
 */
void text_fit(struct buf *out, const char *s, size_t len, size_t columns);
/* Prints text from anywhere, tamed, on one line: line ends become '?' too. */
void text_print_line(FILE *out, const char *s);

#endif
