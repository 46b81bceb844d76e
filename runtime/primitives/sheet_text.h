/* Text of cells: UTF-8 checks, letter case, and the normal form that duplicates are found by. */
#ifndef STEPWISE_SHEET_TEXT_H
#define STEPWISE_SHEET_TEXT_H

#include "../../lang/buf.h"

/* Carries a sequence cut by a chunk's end over to the next chunk. Zero-initialise. */
struct utf8_state {
  uint8_t need, had; /* bytes still to come, bytes of the sequence so far */
  uint8_t low, high; /* bounds of the next one */
  uint8_t lead;      /* the first byte of the sequence, also of the bad one */
};

/* True when the bytes go on well; else *bad is the offset of the sequence that does not, which may
 * lie before s and is then "negative". */
bool utf8_check(struct utf8_state *st, const char *s, size_t len, size_t *bad) must_use;
/* Reads one code point at *p and moves *p past it. What is no UTF-8 (a database may hold it, with a
 * NUL behind it) counts byte by byte. */
uint32_t utf8_next(const char **p);
size_t utf8_cut(const char *s, size_t len,
                size_t max); /* bytes of the longest whole prefix <= max */
/* Adds text in ISO 8859-1 with the letters that Windows-1252 has in 0x80-0x9f. */
void latin1_to_utf8(struct buf *out, const char *s, size_t len);

void text_upcase(struct buf *out, const char *s, size_t len);
void text_downcase(struct buf *out, const char *s, size_t len);
/* Without spaces at both ends (ASCII space, tab, line ends, no-break space); borrows s. */
void text_trim(const char **s, size_t *len);
void text_squeeze(struct buf *out, const char *s,
                  size_t len); /* trimmed, inner runs made one space */

/* The form that two spellings of one thing share: lower case, no accents, no spaces, no
 * punctuation; addresses with an @ keep their punctuation. Empty when nothing is left. */
void text_normal(struct buf *out, const char *s, size_t len);

uint64_t text_hash(uint64_t seed, const void *s, size_t len);

#endif
