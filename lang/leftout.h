/* What is Ruby's and not ours, each with what to write instead; the table is leftout.def. */
#ifndef STEPWISE_LEFTOUT_H
#define STEPWISE_LEFTOUT_H

#include "parser.h"

/* The raw token [p->start, p->end) is a Ruby construct: reports it and returns the token that lets
 * the parser go on, or 0 to drop it. */
int leftout_token(struct parser *p);

enum mark { MARK_FUNCTION = 1, MARK_MUTATOR = 2 };
void leftout_start(struct parser *p);
void leftout_stop(struct parser *p);
void leftout_suspect(struct parser *p, node_id id);
/* A name or call was made: is its word one to look at when the tree is finished? */
static inline void leftout_note(struct parser *p, sym name, enum mark mark, node_id id) {
  if (name < p->mark_count && (p->marks[name] & mark)) leftout_suspect(p, id);
}

/* Calls of functions that Ruby has and we do not (puts, raise, system, list.sort! ...), and calls
 * that Ruby reads in another way when the name is a variable (x [1]). Over the finished tree. */
void leftout_check(struct parser *p);

#endif
