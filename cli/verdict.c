/* A verdict from another terminal: shown, agreed to, recorded. */
#include "verdict.h"

#include <unistd.h>

#include "command.h"
#include "glass.h"
#include "text.h"
#include "verb.h"

struct verdict_command {
  struct verb verb;
  struct approve approve;
  bool yes;
};

static int usage(struct verdict_command *c, int argc, char **argv) {
  struct approve *a = &c->approve;
  const struct option give[] = {VERB_OPTIONS(&c->verb),
                                {"--as", OPTION_TEXT, &a->as},
                                {"--key", OPTION_TEXT, &a->key},
                                {"--yes", OPTION_FLAG, &c->yes},
                                {"--break-glass", OPTION_FLAG, &a->break_glass},
                                {NULL, OPTION_FLAG, NULL}};
  const struct option refuse[] = {VERB_OPTIONS(&c->verb),
                                  {"--as", OPTION_TEXT, &a->as},
                                  {"--key", OPTION_TEXT, &a->key},
                                  {"--yes", OPTION_FLAG, &c->yes},
                                  {NULL, OPTION_FLAG, NULL}};
  int code = verb_usage(&c->verb, argc, argv, a->deny ? refuse : give, 1, 2, "a run, and a step of it where several wait",
                        a->deny);
  if (code == EXIT_SUCCEEDED && a->as) code = verb_text(&c->verb, "--as", a->as);
  if (code == EXIT_SUCCEEDED && a->break_glass && !c->verb.reason)
    code = usage_error(argv[0], "--break-glass needs --reason TEXT: it is reviewed");
  if (code == EXIT_SUCCEEDED && !c->yes && !isatty(STDIN_FILENO))
    code = usage_error(argv[0], "there is no terminal to ask at: --yes says that you mean it");
  if (code != EXIT_SUCCEEDED) texts_release(&c->verb.rest);
  return code;
}

/* Only a clear yes is one. */
static bool agreed(const struct verdict_command *c) {
  const struct approve *a = &c->approve;
  char line[64];
  if (c->yes) return true;
  fprintf(stderr, "%s as %s? [yes/no] ",
          a->deny ? "deny" : a->break_glass ? "break glass" : "approve", a->by);
  fflush(stderr);
  return fgets(line, sizeof line, stdin) && approval_verdict(line) == VERDICT_APPROVE;
}

static void show(const struct verdict_command *c) {
  struct buf b = BUF_INIT;
  approve_show(&c->approve, &b);
  text_print(stderr, buf_str(&b), 0);
  buf_release(&b);
}

static void page(struct verdict_command *c) {
  const struct approve *a = &c->approve;
  const struct broken what = {a->role->break_glass, a->request->step, a->request->nonce, buf_str(&a->glass),
                              a->pinned.site};
  glass_page(a->op, &what);
}

int verdict_main(int argc, char **argv, bool deny) {
  struct verdict_command c = {.approve = {.deny = deny, .may_ask = isatty(STDIN_FILENO)}};
  struct approve *a = &c.approve;
  struct error err = {0};
  int code = usage(&c, argc, argv);
  if (code == EXIT_SUCCEEDED) code = verb_open(&c.verb);
  if (code != EXIT_SUCCEEDED) return code;
  a->op = &c.verb.op;
  a->step = c.verb.rest.count > 1 ? c.verb.rest.items[1] : NULL;
  enum status status = approve_begin(a, &err);
  bool ask = status == OK && !a->done;
  if (ask && !c.yes) show(&c);
  if (ask && !agreed(&c)) {
    status = error_set(&err, ERR_CANCELLED, "nothing was recorded");
    ask = false;
  }
  if (ask) status = approve_do(a, &err);
  if (status == OK && a->glass.len) page(&c);
  else if (status == OK && a->break_glass) status = glass_left(a->op, &err);
  approve_release(a);
  return verb_end(&c.verb, status, &err);
}
