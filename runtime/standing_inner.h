/* What a standing is made of, as its two files share it. */
#ifndef STEPWISE_STANDING_INNER_H
#define STEPWISE_STANDING_INNER_H

#include "standing.h"

/* What each of them owns; a told one is emptied too. */
void told_free(struct told *t);
void doubt_free(struct doubt *d);
void sending_free(struct sending *b);
void gate_free(struct gate *g);

static inline bool same_text(const char *a, const char *b) {
  return a && b && strcmp(a, b) == 0;
}

#endif
