/* Who answers the engine's questions: an answers file first, then the person at the terminal.
 *
 * The answers file is one JSON object. A key is a question's text, or the id of the step that asks;
 * for approvals "approve STEP-ID", for the acknowledgement of a page "ack STEP-ID". A value is the answer, or an object
 * {"answer": "approve", "by": "kim", "evidence": "...", "reason": "..."}; an array of these is used
 * up in order, anything else answers every time. */
#ifndef STEPWISE_ASKER_H
#define STEPWISE_ASKER_H

#include "../runtime/prompt.h"
#include "line.h"
#include "ui.h"

struct asker {
  struct prompter prompter; /* give this to the engine */
  struct symtab *syms;
  value answers;    /* hash, or nil; owned */
  const char *path; /* of the answers file */
  uint32_t *used;   /* answers used of each key that holds an array */
  bool terminal;
  struct line line;
  struct ui *ui;
};

/* tasks is set by the caller in line.tasks before the first question. */
void asker_init(struct asker *a, struct ui *ui, bool terminal);
void asker_release(struct asker *a);
void asker_forget(struct asker *a); /* its answers file: another run may have another */
/* Reads an answers file; the names of symbols go to syms. */
enum status asker_load(struct asker *a, const char *path, struct symtab *syms,
                       struct error *err) must_use;

/* Asks the person at the terminal (ask.c). */
enum status ask_terminal(struct asker *a, const struct prompt *q, struct answer *out,
                         struct error *err) must_use;

/* Asks whether to wait for what is under way or to leave it as it is, until one is answered. */
bool ask_leave(struct asker *a, const char *what);

#endif
