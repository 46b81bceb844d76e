/* stepwise note: an operator's words in a run's record. */
#include "command.h"
#include "verb.h"

static enum status note(struct operation *op, struct error *err) {
  return operate_note(op, op->reason, err);
}

int cmd_note(int argc, char **argv) {
  struct verb v = {0};
  const struct option options[] = {{"--journal", OPTION_TEXT, &v.journal_given},
                                   {"--json", OPTION_FLAG, &v.json},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&v, argc, argv, options, 2, 2, "a run and a text", false);
  if (code != EXIT_SUCCEEDED) return code;
  v.reason = v.rest.items[1];
  code = verb_text(&v, "the text", v.reason);
  if (code == EXIT_SUCCEEDED) return verb_do(&v, note);
  texts_release(&v.rest);
  return code;
}
