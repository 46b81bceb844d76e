/* Values that are written out: numbers, words, symbols and the text of strings.
 *
 * The token functions are called by the scanner's actions; they leave the place in start and end,
 * the node in value.expr, and return the token. */
#ifndef STEPWISE_LITERAL_H
#define STEPWISE_LITERAL_H

#include "parser.h"

void literal_reserved(struct parser *p, uint32_t at, uint32_t to); /* a keyword before `!=`: told */
int literal_word(struct parser *p, enum node_kind kind, uint32_t at, uint32_t to);
int literal_number(struct parser *p, uint32_t at);
int literal_symbol(struct parser *p, uint32_t at, uint32_t to); /* at the colon */
int literal_content(struct parser *p); /* text inside a string: start, end are set */
/* The number that ends at p->end is negative: the minus stands at `at`. */
void literal_negate(struct parser *p, uint32_t at);

bool literal_label_here(const struct parser *p); /* may `key:` stand here? */
/* Are the letters beyond ASCII ones that a name may hold? If not: reported, and end is set past. */
bool literal_letters(struct parser *p, uint32_t at, uint32_t to);
uint32_t literal_stray(struct parser *p,
                       uint32_t at); /* no token begins so; returns where to go on */
/* A `/` after a name and a blank with no blank after it: reported; true when a regexp was meant. */
bool literal_regex_guess(struct parser *p, uint32_t to);

/* How escapes are read. */
enum escapes { ESC_DOUBLE, ESC_SINGLE, ESC_REGEX, ESC_NONE };
/* Adds the source's [at, to) to the tree's pool with escapes read; reports bad ones. */
void literal_decode(struct parser *p, uint32_t at, uint32_t to, enum escapes how);
/* A str node whose text is [at, to) of the source, decoded when it must be. */
node_id literal_str(struct parser *p, uint32_t at, uint32_t to, enum escapes how);
/* The same for the pool's tail from `from` on. */
node_id literal_pool_str(struct parser *p, uint32_t from, uint32_t at, uint32_t to);

#endif
