/* stepwise resume: goes on with a run that was interrupted, waits, or is held. */
#include "command.h"

#include <unistd.h>

#include "glass.h"
#include "journal_at.h"
#include "plan_change.h"
#include "resume_all.h"
#include "text.h"
#include "when.h"

struct resume_command {
  struct carry carry;
  struct texts rest, sets, roles, skip;
  const char *reason, *from, *wait;
  const char *site_file;
  bool all, accept;
  struct owners *owners;
};

static int usage(struct resume_command *c, int argc, char **argv) {
  const struct option options[] = {{"--set", OPTION_LIST, &c->sets},
                                   {"--role", OPTION_LIST, &c->roles},
                                   {"--skip", OPTION_LIST, &c->skip},
                                   {"--from", OPTION_TEXT, &c->from},
                                   {"--reason", OPTION_TEXT, &c->reason},
                                   {"--answers", OPTION_TEXT, &c->carry.answers},
                                   {"--journal", OPTION_TEXT, &c->carry.journal_given},
                                   {"--wait", OPTION_TEXT, &c->wait},
                                   {"--json", OPTION_FLAG, &c->carry.json},
                                   {"--accept-plan-change", OPTION_FLAG, &c->accept},
                                   {"--all", OPTION_FLAG, &c->all},
                                   {"--site", OPTION_TEXT, &c->site_file},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &c->rest);
  if (code != EXIT_SUCCEEDED) return code;
  if (c->all && (c->rest.count || c->accept || c->from || c->skip.count || c->sets.count))
    return usage_error(argv[0], "--all takes no run and none of its options");
  if (!c->rest.count && !c->all) return usage_error(argv[0], "name the run: its id, or last");
  if (c->rest.count > (c->accept ? 2 : 1))
    return usage_error(argv[0], "unexpected '%s'", c->rest.items[c->rest.count - 1]);
  if (c->site_file && !c->accept)
    return usage_error(argv[0], "--site belongs to --accept-plan-change: a run keeps its site");
  if ((c->skip.count || c->from) && !c->reason)
    return usage_error(argv[0], "--from and --skip need --reason TEXT: the journal records why");
  if (c->reason && !c->reason[strspn(c->reason, " \t\n")])
    return usage_error(argv[0], "the reason is empty: the journal records it");
  if (c->wait && !option_duration(c->wait, &c->carry.wait_us))
    return usage_error(argv[0], "--wait wants a duration such as 30m or 2h, not '%s'", c->wait);
  return EXIT_SUCCEEDED;
}

/* Whether the run can go on; otherwise says why not. */
static bool goes_on(const struct taken *t, const struct carry *c, int *code) {
  enum run_state state = t->history->state;
  if (state < RUN_SUCCEEDED) return true;
  *code = carry_state_code(state);
  if (state == RUN_ROLLBACK_INCOMPLETE)
    fprintf(stderr, "stepwise: the rollback of run %s is not complete\nhelp: stepwise rollback %s%s goes on with it\n",
            t->run, t->run, buf_str(&c->tail));
  else fprintf(stderr, "stepwise: run %s has ended: %s\n", t->run, run_state_name(state));
  return false;
}

/* What is being undone goes forward no more: nothing of it can be passed over. */
static bool goes_forward(const struct resume_command *c, const struct taken *t) {
  if (!t->history->rolling_back || (!c->from && !c->skip.count)) return true;
  fprintf(stderr,
          "stepwise: run %s is being rolled back: --skip and --from are for a run that goes forward\n"
          "help: stepwise resume %s%s goes on with the rollback\n",
          t->run, t->run, buf_str(&c->carry.tail));
  return false;
}

static void texts_copy(struct texts *to, const struct texts *from) {
  for (size_t i = 0; i < from->count; i++)
    texts_add(to, from->items[i]);
}

static int resume_one(struct resume_command *c, const char *run) {
  struct taken t = {0};
  struct error err = {0};
  int code = EXIT_FAILED;
  texts_copy(&t.args.sets, &c->sets);
  texts_copy(&t.args.roles, &c->roles);
  t.resume.reason = c->reason;
  t.resume.from = c->from;
  t.resume.skip = c->skip.items;
  t.resume.skip_count = c->skip.count;
  glass_look(&c->carry, c->owners, run);
  enum status status = taken_own(&t, c->carry.store, c->owners, run, &err);
  if (status != OK) {
    code = report_error(&err);
  } else if (goes_on(&t, &c->carry, &code) && goes_forward(c, &t)) {
    code = taken_load(&t, c->carry.store);
    if (code == EXIT_SUCCEEDED && !c->accept) taken_note_file(&t);
    if (code == EXIT_SUCCEEDED && c->accept)
      code = plan_change(&t, c->rest.count > 1 ? c->rest.items[1] : NULL, c->site_file, c->carry.ui.out);
    if (code == EXIT_SUCCEEDED) {
      code = taken_carry(&t, &c->carry, c->owners);
    }
  }
  error_release(&err);
  asker_forget(&c->carry.asker);
  taken_release(&t);
  return code;
}

/* A journal that is not there is not made: there is no run in it. */
static enum status there(const char *path, struct error *err) {
  if (access(path, F_OK) == 0) return OK;
  error_set(err, ERR_JOURNAL, "there is no journal %s", path);
  error_help(err, "give another with --journal PATH");
  return ERR_JOURNAL;
}

static enum status open_at(struct resume_command *c, char run[RUN_ID_MAX], struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = journal_path_at(c->carry.journal_given, &path, err);
  if (status == OK) status = there(buf_str(&path), err);
  if (status == OK) status = carry_journal(&c->carry, buf_str(&path), err);
  if (status == OK && !c->all) status = run_find_at(c->carry.store, c->rest.items[0], run, err);
  buf_release(&path);
  return status;
}

int cmd_resume(int argc, char **argv) {
  struct resume_command c = {0};
  struct error err = {0};
  char run[RUN_ID_MAX];
  int code = usage(&c, argc, argv);
  carry_init(&c.carry);
  if (code == EXIT_SUCCEEDED && open_at(&c, run, &err) != OK) code = report_error(&err);
  error_release(&err);
  if (code == EXIT_SUCCEEDED) {
    c.owners = owners_new(journal_base(c.carry.store));
    code = c.all ? resume_all(&c.carry, c.owners, c.reason) : resume_one(&c, run);
  }
  owners_free(c.owners);
  code = carry_release(&c.carry, code);
  texts_release(&c.rest);
  texts_release(&c.sets);
  texts_release(&c.roles);
  texts_release(&c.skip);
  return code;
}
