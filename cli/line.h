/* One line from a person at the terminal, on the engine's loop. */
#ifndef STEPWISE_LINE_H
#define STEPWISE_LINE_H

#include "../lang/buf.h"
#include "../runtime/task.h"

struct line {
  struct tasks *tasks;
  FILE *out;       /* where the question is written */
  struct buf rest; /* read and not used yet */
  struct read *reading; /* who reads at present, or NULL */
  struct urgent *urgent; /* a question that came in between, or NULL */
  struct task *next;    /* waits until it can read, or NULL */
};

/* Writes the question, reads a line without its newline. secret: nothing typed is shown. In a task.
 * ERR_WAITING at the end of input or when `until` (clock_mono) passes; ERR_CANCELLED when
 * interrupted. */
enum status line_read(struct line *l, const char *question, bool secret, int64_t until,
                      struct buf *out, struct error *err) must_use;
/* The same for a question that may come while another stands there: it is asked in between, the
 * next line is its answer. line_again then shows the other question again. One of these at a time. */
enum status line_read_urgent(struct line *l, const char *question, struct buf *out,
                             struct error *err) must_use;
void line_again(struct line *l); /* shows the question that stands there, if any */
void line_show(struct line *l); /* typing is shown again: before the process ends half-way */
void line_release(struct line *l);

#endif
