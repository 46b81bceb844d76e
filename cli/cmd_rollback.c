/* stepwise rollback: undoes what a run did, whether it has ended or not, until it is sealed. */
#include "command.h"

#include <unistd.h>

#include "../runtime/operate.h"
#include "../runtime/utf8.h"
#include "journal_at.h"
#include "resume_run.h"
#include "rollback_plan.h"
#include "text.h"
#include "when.h"

#define PATIENCE (30 * US_SECOND)

struct rollback_command {
  struct carry carry;
  struct texts rest, sets, roles;
  const char *reason, *to, *wait;
  bool yes;
  int64_t patience;
  struct owners *owners;
  char run[RUN_ID_MAX];
};

static bool is_text(const char *s) {
  return utf8_valid(s, strlen(s)) && s[strspn(s, " \t\n")];
}

static int usage(struct rollback_command *c, int argc, char **argv) {
  const struct option options[] = {{"--to", OPTION_TEXT, &c->to},
                                   {"--reason", OPTION_TEXT, &c->reason},
                                   {"--yes", OPTION_FLAG, &c->yes},
                                   {"--set", OPTION_LIST, &c->sets},
                                   {"--role", OPTION_LIST, &c->roles},
                                   {"--answers", OPTION_TEXT, &c->carry.answers},
                                   {"--journal", OPTION_TEXT, &c->carry.journal_given},
                                   {"--wait", OPTION_TEXT, &c->wait},
                                   {"--json", OPTION_FLAG, &c->carry.json},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &c->rest);
  if (code != EXIT_SUCCEEDED) return code;
  if (c->rest.count != 1) return usage_error(argv[0], "name one run: its id, or last");
  if (c->reason && !is_text(c->reason))
    return usage_error(argv[0], "the reason is empty or not text: the journal records it");
  c->patience = PATIENCE;
  if (c->wait && !option_duration(c->wait, &c->patience))
    return usage_error(argv[0], "--wait wants a duration such as 30s or 2m, not '%s'", c->wait);
  return EXIT_SUCCEEDED;
}

/* Nobody to ask: then the command line says that it is meant, and why. */
static int meant(struct rollback_command *c) {
  if (c->carry.asker.terminal || (c->yes && c->reason)) return EXIT_SUCCEEDED;
  return usage_error("rollback", "without a terminal it needs --yes and --reason TEXT");
}

/* A journal that is not there is not made: there is no run in it. */
static enum status open_at(struct rollback_command *c, struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = journal_path_at(c->carry.journal_given, &path, err);
  if (status == OK && access(buf_str(&path), F_OK) != 0) {
    status = error_set(err, ERR_JOURNAL, "there is no journal %s", buf_str(&path));
    error_help(err, "give another with --journal PATH");
  }
  if (status == OK) status = carry_journal(&c->carry, buf_str(&path), err);
  if (status == OK) status = run_find_at(c->carry.store, c->rest.items[0], c->run, err);
  buf_release(&path);
  return status;
}

/* Whether it is to be undone here; otherwise *code is what came of it. */
static bool decide(struct rollback_command *c, int *code) {
  struct operation op = {.journal = c->carry.store,
                         .owners = c->owners,
                         .run = c->run,
                         .reason = c->reason,
                         .tail = buf_str(&c->carry.tail)};
  struct error err = {0};
  bool go = false;
  enum status status = operate_rollback(&op, c->to, c->patience, &go, &err);
  if (op.said.len) {
    text_print(c->carry.ui.out, buf_str(&op.said), 0);
    putc('\n', c->carry.ui.out);
  }
  *code = status == OK         ? EXIT_SUCCEEDED
          : status == ERR_STOP ? carry_state_code(op.standing.state)
                               : report_error(&err);
  error_release(&err);
  operation_release(&op);
  return go;
}

static bool agreed(struct rollback_command *c) {
  char line[256];
  if (c->yes) return true;
  fputs("undo this? [yes/no] ", c->carry.ui.out);
  fflush(c->carry.ui.out);
  if (!fgets(line, sizeof line, stdin)) return false;
  size_t n = strcspn(line, " \t\r\n");
  return n && (strncasecmp(line, "yes", n) == 0);
}

static void texts_copy(struct texts *to, const struct texts *from) {
  for (size_t i = 0; i < from->count; i++)
    texts_add(to, from->items[i]);
}

static int undo(struct rollback_command *c, struct taken *t) {
  struct error err = {0};
  int code = taken_load(t, c->carry.store);
  if (code != EXIT_SUCCEEDED) return code;
  if (rollback_plan_show(t, c->to, &c->carry.ui, &err) != OK) {
    code = report_error(&err);
    error_release(&err);
    return code;
  }
  if (!agreed(c)) {
    fputs("nothing was undone\n", c->carry.ui.out);
    return EXIT_DECLINED;
  }
  code = taken_carry(t, &c->carry, c->owners);
  /* What was asked for is done. */
  return code == EXIT_ROLLED_BACK ? EXIT_SUCCEEDED : code;
}

static int undo_here(struct rollback_command *c) {
  struct taken t = {0};
  struct error err = {0};
  int code;
  texts_copy(&t.args.sets, &c->sets);
  texts_copy(&t.args.roles, &c->roles);
  t.resume.reason = c->reason;
  t.resume.back = true;
  t.resume.to = c->to;
  if (taken_own(&t, c->carry.store, c->owners, c->run, &err) == OK) code = undo(c, &t);
  else code = report_error(&err);
  error_release(&err);
  taken_release(&t);
  return code;
}

int cmd_rollback(int argc, char **argv) {
  struct rollback_command c = {0};
  struct error err = {0};
  int code = usage(&c, argc, argv);
  carry_init(&c.carry);
  if (code == EXIT_SUCCEEDED) code = meant(&c);
  if (code == EXIT_SUCCEEDED && open_at(&c, &err) != OK) code = report_error(&err);
  error_release(&err);
  if (code == EXIT_SUCCEEDED) {
    c.owners = owners_new(journal_base(c.carry.store));
    if (decide(&c, &code)) code = undo_here(&c);
  }
  owners_free(c.owners);
  code = carry_release(&c.carry, code);
  texts_release(&c.rest);
  texts_release(&c.sets);
  texts_release(&c.roles);
  return code;
}
