/* Characters of UTF-8 text. All texts here are valid; from outside they come through utf8_valid. */
#ifndef STEPWISE_UTF8_H
#define STEPWISE_UTF8_H

#include "value.h"

static inline bool utf8_cont(char c) {
  return ((unsigned char)c & 0xC0) == 0x80;
}
/* Bytes of the character that starts with c. */
static inline size_t utf8_width(char c) {
  unsigned char u = (unsigned char)c;
  return u < 0xC0 ? 1 : u < 0xE0 ? 2 : u < 0xF0 ? 3 : 4;
}
bool utf8_valid(const char *s, size_t len); /* no surrogates, overlongs or NULs */
size_t utf8_wrong(const char *s, size_t len); /* where the first thing is that is not; len: nowhere */
size_t utf8_count(const char *s, size_t len);
uint32_t utf8_decode(const char *s); /* the character at s */
/* The byte offset of character n; len when there are fewer. */
size_t utf8_offset(const char *s, size_t len, size_t n);
size_t utf8_back(const char *s, size_t at); /* start of the character before `at` */

/* Simple case mapping of every Unicode letter (case.def). */
uint32_t char_upper(uint32_t c);
uint32_t char_lower(uint32_t c);

#endif
