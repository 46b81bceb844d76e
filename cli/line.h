/* One line from a person at the terminal, on the engine's loop. */
#ifndef STEPWISE_LINE_H
#define STEPWISE_LINE_H

#include "../lang/buf.h"
#include "../runtime/task.h"

struct line {
  struct tasks *tasks;
  FILE *out;       /* where the question is written */
  struct buf rest; /* read and not used yet */
};

/* Writes the question, reads a line without its newline. secret: nothing typed is shown. In a task.
 * ERR_WAITING at the end of input or when `until` (clock_mono) passes; ERR_CANCELLED when
 * interrupted. */
enum status line_read(struct line *l, const char *question, bool secret, int64_t until,
                      struct buf *out, struct error *err) must_use;
void line_release(struct line *l);

#endif
