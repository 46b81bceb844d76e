/* stepwise mark-done: what became of an action that is in doubt. */
#include "command.h"

#include "../runtime/settle.h"
#include "../runtime/utf8.h"
#include "verb.h"

static int check(const struct verb *v, const struct settlement *s) {
  if (s->not_done && s->result)
    return usage_error(v->name, "--result and --not-done exclude each other");
  if (s->not_done && !v->reason)
    return usage_error(v->name, "--not-done needs --reason TEXT: the journal records why");
  if (s->result && !utf8_valid(s->result, strlen(s->result)))
    return usage_error(v->name, "the result is not text in UTF-8");
  return EXIT_SUCCEEDED;
}

int cmd_mark_done(int argc, char **argv) {
  struct verb v = {0};
  struct settlement s = {0};
  const struct option options[] = {VERB_OPTIONS(&v),
                                   {"--result", OPTION_TEXT, &s.result},
                                   {"--not-done", OPTION_FLAG, &s.not_done},
                                   {NULL, OPTION_FLAG, NULL}};
  int code =
      verb_usage(&v, argc, argv, options, 1, 2, "a run, and the action that is meant", false);
  if (code != EXIT_SUCCEEDED) return code;
  s.action = v.rest.count > 1 ? v.rest.items[1] : NULL;
  code = check(&v, &s);
  if (code != EXIT_SUCCEEDED) return texts_release(&v.rest), code;
  code = verb_open(&v);
  if (code != EXIT_SUCCEEDED) return code;
  struct error err = {0};
  enum status status = operate_settle(&v.op, &s, &err);
  return verb_end(&v, status, &err);
}
