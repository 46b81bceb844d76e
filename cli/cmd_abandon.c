/* stepwise abandon: nobody will find out; the run ends as failed. */
#include "command.h"
#include "verb.h"

int cmd_abandon(int argc, char **argv) {
  struct verb v = {0};
  const struct option options[] = {VERB_OPTIONS(&v), {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&v, argc, argv, options, 1, 1, "a run", true);
  return code == EXIT_SUCCEEDED ? verb_do(&v, operate_abandon) : code;
}
