/* The standard library's texts, embedded at build (tools/embed.sh). */
#ifndef STEPWISE_EMBED_H
#define STEPWISE_EMBED_H

#include <stddef.h>

struct stdlib_file {
  const char *name; /* "imports", as `use` names it; NULL ends the table */
  const char *text; /* followed by two NULs */
  size_t len;
};
extern const struct stdlib_file stdlib_files[];

#endif
