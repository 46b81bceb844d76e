/* The standard library's texts and the reference page, embedded at build (tools/embed.sh). */
#ifndef STEPWISE_EMBED_H
#define STEPWISE_EMBED_H

#include <stddef.h>

struct stdlib_file {
  const char *name; /* as `use` names it, without its ending; NULL ends the table */
  const char *text; /* followed by two NULs */
  size_t len;
};
extern const struct stdlib_file stdlib_files[];

/* docs/primitives/NAME.md: "# About", an empty line, and what holds for the group. */
extern const struct stdlib_file primitive_pages[];

/* docs/language.md, for `stepwise doc WORD`. */
extern const char language_page[];
extern const size_t language_page_len;

#endif
