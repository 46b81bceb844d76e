/* stepwise ack: somebody has what a run pages about. */
#include "command.h"

#include "../runtime/page_ack.h"
#include "verb.h"

int cmd_ack(int argc, char **argv) {
  struct verb v = {0};
  const char *note = NULL;
  const struct option options[] = {{"--journal", OPTION_TEXT, &v.journal_given},
                                   {"--note", OPTION_TEXT, &note},
                                   {"--json", OPTION_FLAG, &v.json},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&v, argc, argv, options, 1, 1, "a run", false);
  if (code == EXIT_SUCCEEDED && note) {
    code = verb_text(&v, "the note", note);
    if (code != EXIT_SUCCEEDED) texts_release(&v.rest);
  }
  v.reason = note;
  return code == EXIT_SUCCEEDED ? verb_do(&v, operate_ack) : code;
}
