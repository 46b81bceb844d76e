/* Bars of batches that are under way, on a terminal: the last lines of the screen, redrawn in place.
 *
 * Whatever else is written is written between bars_clear and bars_draw. Without a terminal there are
 * none: a line a minute is told instead. */
#ifndef STEPWISE_BAR_H
#define STEPWISE_BAR_H

#include <stdio.h>

#include "../runtime/engine.h"

struct bar {
  char *batch, *text; /* owned */
  char *branch;       /* which of those that go on side by side, or NULL; owned */
  struct progress progress;
};
struct bars {
  bool wanted; /* there is a terminal that can do it */
  struct bar *items;
  size_t count, cap;
  size_t drawn; /* lines on the screen */
};

void bars_init(struct bars *b, int fd);
void bars_release(struct bars *b);
/* What the notice says of its batch is what its bar shows from now on; of one that has ended there is
 * none. */
void bars_take(struct bars *b, const struct notice *n);
void bars_forget(struct bars *b); /* nobody will say how they end */
void bars_clear(struct bars *b, FILE *out);
/* width: columns of the terminal; where there are too few nothing is drawn. */
void bars_draw(struct bars *b, FILE *out, size_t width);

/* "12 a second", or "45 a minute" where that says more. */
void rate_text(int64_t per_minute, struct buf *out);

/* "4,213 of 9,000", and what else is known: refused, how fast, how long it takes. */
void progress_text(const struct progress *p, struct buf *out);

#endif
