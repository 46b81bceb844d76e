/* What people see of a run: progress, values, failures, what to do next. Works at 80 columns,
 * without colour and without a terminal. */
#ifndef STEPWISE_UI_H
#define STEPWISE_UI_H

#include "../runtime/engine.h"
#include "bar.h"

struct ui {
  FILE *out;
  FILE *lines; /* where a notice's text is put together, made with the first one; owned */
  char *text;  /* that text */
  size_t text_size;
  bool colour;
  bool wrap;      /* long lines are broken between words */
  bool terminal;  /* a person's answers are on the screen already */
  struct span shown; /* the place of the last error that was shown; its end is 0 before */
  bool line_open; /* the step's line waits for its outcome */
  char *open_branch; /* which branch's line that is, or NULL; owned */
  size_t branch_width; /* the widest name of a branch so far */
  bool turns;     /* ui_turn is called */
  bool unwritten; /* until then */
  int output_errno; /* why something could not be written, or 0; that nobody reads it is no reason */
  bool asking;       /* a question stands on the screen: what is told meanwhile is held back */
  struct buf held;
  struct bars bars;
  bool parted;    /* a blank line stands between the run's head and its steps */
  size_t column;  /* where it stands */
  size_t width;
  const char *journal;           /* --journal as given, or NULL */
  const struct program *program; /* for places in the text */
};

void ui_init(struct ui *ui, FILE *out);
void ui_release(struct ui *ui);
void ui_notice(void *ui, const struct notice *n); /* an observer's notice */
/* Writes out what branches that go on side by side have told: once for all of them. */
void ui_turn(struct ui *ui);
/* Between these two a question stands before a person; what is told meanwhile comes after it. */
void ui_ask(struct ui *ui, const char *branch);
void ui_asked(struct ui *ui);
void ui_break(struct ui *ui); /* ends an open line, so that something else can be written */
const char *ui_ink(const struct ui *ui, const char *code); /* code, or "" without colour */
/* The message, its place in the text with a caret, its help. */
void ui_error(struct ui *ui, const struct error *e, size_t indent);
size_t terminal_columns(int fd); /* 80 when it is none */
size_t terminal_width(int fd);   /* that text is laid out for: 80 when there are fewer than 40 */

#define INK_BOLD "\033[1m"
#define INK_DIM "\033[2m"
#define INK_RED "\033[1;31m"
#define INK_GREEN "\033[32m"
#define INK_YELLOW "\033[33m"
#define INK_PLAIN "\033[0m"

#endif
