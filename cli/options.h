/* The options of a verb: a table, read once, with did-you-mean for what is not in it. */
#ifndef STEPWISE_OPTIONS_H
#define STEPWISE_OPTIONS_H

#include "../lang/buf.h"

struct option {
  const char *name; /* "--set" */
  enum { OPTION_FLAG, OPTION_TEXT, OPTION_LIST } kind;
  void *to; /* bool *, const char **, struct texts * */
};
struct texts {
  const char **items; /* owned array of borrowed texts */
  size_t count, cap;
};
void texts_add(struct texts *t, const char *text);
void texts_release(struct texts *t);

/* Options may stand before and after the arguments; `--` ends them; --name=value works too. What is
 * no option goes to rest. EXIT_SUCCEEDED, or EXIT_USAGE after saying what is wrong. */
int options_read(int argc, char **argv, const struct option *options, struct texts *rest);

bool option_duration(const char *text, int64_t *us); /* "30m"; above zero */

#endif
