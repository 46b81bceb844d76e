/* What the operator's verbs share: their run, the journal open for writing, what is told. */
#ifndef STEPWISE_VERB_H
#define STEPWISE_VERB_H

#include "../runtime/operate.h"
#include "options.h"

struct verb {
  const char *name; /* argv[0] */
  const char *journal_given, *reason;
  bool json;
  struct texts rest; /* arguments: the run first */
  struct operation op;
  struct buf tail;
  char run[RUN_ID_MAX];
  int64_t before; /* the last event when it began */
};

/* Options that every verb has, for its table. */
#define VERB_OPTIONS(v)                                                                            \
  {"--journal", OPTION_TEXT, &(v)->journal_given}, {"--reason", OPTION_TEXT, &(v)->reason}, {      \
    "--json", OPTION_FLAG, &(v)->json                                                              \
  }
/* Reads them and checks the number of arguments (the run included) and the reason. EXIT_SUCCEEDED,
 * or EXIT_USAGE after saying what is wrong. `wants` names the arguments. */
int verb_usage(struct verb *v, int argc, char **argv, const struct option *options, size_t least,
               size_t most, const char *wants, bool reason);
/* Whether a text may go into the journal: UTF-8, and more than blanks. */
int verb_text(const struct verb *v, const char *what, const char *text);
/* Opens the journal and finds the run. EXIT_SUCCEEDED, or a code after saying why. */
int verb_open(struct verb *v);
/* Tells what came of it and returns the exit code; takes err. Releases the verb. */
int verb_end(struct verb *v, enum status status, struct error *err);
/* verb_open, fn, verb_end. */
int verb_do(struct verb *v, enum status (*fn)(struct operation *op, struct error *err));

#endif
