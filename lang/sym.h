/* Names, interned: equal names have equal ids, so the rest of the code compares integers.
 *
 * The words of word.def get the first ids, in order, so that a method, clause or type known to the
 * language is a constant: W_map, W_step, W_string. Ids are 32 bits and never freed before the table. */
#ifndef STEPWISE_SYM_H
#define STEPWISE_SYM_H

#include "arena.h"

typedef uint32_t sym; /* 0 = none */

enum word {
  W_NONE = 0,
#define WORD(id, text) W_##id,
#include "word.def"
#undef WORD
  WORD_COUNT
};

struct symtab;
struct symtab *symtab_new(void) must_use;
void symtab_free(struct symtab *t);
sym sym_intern(struct symtab *t, const char *s, size_t len);
sym sym_find(const struct symtab *t, const char *s, size_t len); /* 0 when never interned */
const char *sym_text(const struct symtab *t, sym id);            /* NUL-terminated; "" for 0 */
size_t sym_len(const struct symtab *t, sym id);

/* Did you mean: the candidate nearest to `name` by edit distance (with transpositions), or -1 when
 * none is near enough (distance over a third of the length). Ties go to the first. */
int name_nearest(const char *name, const char *const *candidates, size_t count);

#endif
