/* stepwise seal: a run that has ended stays as it is. */
#include "command.h"
#include "verb.h"

int cmd_seal(int argc, char **argv) {
  struct verb v = {0};
  const struct option options[] = {VERB_OPTIONS(&v), {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&v, argc, argv, options, 1, 1, "a run", false);
  return code == EXIT_SUCCEEDED ? verb_do(&v, operate_seal) : code;
}
