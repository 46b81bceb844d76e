/* How secrets are kept and met, as the files of the search share it. */
#ifndef STEPWISE_SECRETS_INNER_H
#define STEPWISE_SECRETS_INNER_H

#include "secrets.h"

enum pattern_kind { PATTERN_PLAIN, PATTERN_BASE64, PATTERN_HEX };

/* Bytes to look for. In base64 and hex those characters that the secret alone decides: `lead` and
 * `tail` further ones before and after them are decided by it in part. */
struct pattern {
  uint8_t *bytes; /* owned; base64 in the standard alphabet, hex in lower case */
  size_t len;
  enum pattern_kind kind;
  uint8_t lead, tail;
  uint32_t secret;
  uint32_t next; /* of those that begin with the same byte; 0: none */
};

struct known {
  char *text; /* owned */
  size_t len;
  char *name;  /* or NULL; owned */
  const char *source;
  char *shown; /* "[secret NAME]"; owned */
};

struct secrets {
  struct known *known;
  size_t known_count, known_cap;
  struct pattern *patterns; /* the first is no pattern: its number ends a chain */
  size_t pattern_count, pattern_cap;
  uint32_t first[256];   /* by the byte that a pattern begins with */
  uint64_t pairs[1024];  /* 65536 bits: two bytes that may begin one, as they stand in a text */
  void (*on_short)(void *ud, const char *name);
  void *on_short_ud;
  char **shorts; /* names that it was called with; owned */
  size_t short_count, short_cap;
};

static inline bool pair_may(const struct secrets *s, uint8_t a, uint8_t b) {
  unsigned n = (unsigned)a << 8 | b;
  return s->pairs[n >> 6] >> (n & 63) & 1;
}

/* A place where a secret stands. */
struct met {
  size_t start, end;
  uint32_t secret;
};
/* The first at or after `from`, joined with those that overlap it; false: none. */
bool secrets_meet(const struct secrets *s, const char *text, size_t len, size_t from,
                  struct met *out);

#endif
