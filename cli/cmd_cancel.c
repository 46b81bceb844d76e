/* stepwise cancel: ends a run, whether a process has it or not. */
#include "command.h"

#include "../runtime/clock.h"
#include "../runtime/text.h"
#include "verb.h"

#define PATIENCE (30 * US_SECOND)

static enum status roll_back(struct verb *v, struct error *err) {
  error_set(err, ERR_CONFLICT, "no process has run %s", v->run);
  error_help(err, "stepwise rollback %s%s undoes what was done and ends it", v->run, v->op.tail);
  return ERR_CONFLICT;
}

int cmd_cancel(int argc, char **argv) {
  struct verb v = {0};
  const char *wait = NULL;
  bool rollback = false, undo;
  int64_t patience = PATIENCE;
  const struct option options[] = {VERB_OPTIONS(&v),
                                   {"--wait", OPTION_TEXT, &wait},
                                   {"--rollback", OPTION_FLAG, &rollback},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&v, argc, argv, options, 1, 1, "a run", true);
  if (code != EXIT_SUCCEEDED) return code;
  if (wait && (!duration_parse(wait, strlen(wait), &patience) || patience < 0)) {
    texts_release(&v.rest);
    return usage_error(argv[0], "--wait wants a duration such as 30s or 2m, not '%s'", wait);
  }
  code = verb_open(&v);
  if (code != EXIT_SUCCEEDED) return code;
  struct error err = {0};
  enum status status = operate_cancel(&v.op, rollback, patience, &undo, &err);
  if (status == OK && undo) status = roll_back(&v, &err);
  return verb_end(&v, status, &err);
}
