/* stepwise cancel: ends a run, whether a process has it or not. */
#include "command.h"

#include "../runtime/clock.h"
#include "../runtime/text.h"
#include "verb.h"

#define PATIENCE (30 * US_SECOND)

/* No process has it: the verb that undoes does the rest. */
static int roll_back(struct verb *v) {
  char verb[] = "rollback", yes[] = "--yes", reason[] = "--reason", journal[] = "--journal",
       json[] = "--json";
  char *argv[9] = {verb, NULL, yes, reason, NULL};
  char *run = mem_strdup(v->run), *why = mem_strdup(v->reason);
  char *path = v->journal_given ? mem_strdup(v->journal_given) : NULL;
  struct error none = {0};
  int argc = 5;
  argv[1] = run;
  argv[4] = why;
  if (path) argv[argc++] = journal, argv[argc++] = path;
  if (v->json) argv[argc++] = json;
  v->json = false;
  int code = verb_end(v, OK, &none);
  if (code == EXIT_SUCCEEDED) code = cmd_rollback(argc, argv);
  mem_free(run);
  mem_free(why);
  mem_free(path);
  return code;
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
  if (status == OK && undo) return roll_back(&v);
  return verb_end(&v, status, &err);
}
