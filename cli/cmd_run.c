/* stepwise run: loads a runbook, gathers what it needs, runs it, and ends with what became of it.
 */
#include "checkpoint.h"
#include "command.h"

#include "../runtime/host.h"
#include "carry.h"
#include "load.h"
#include "run_args.h"
#include "site_at.h"

struct run_command {
  struct run_args args;
  struct carry carry;
  const char *site_file, *wait;
  bool dry_run, virtual_clock;
  /* what the run is made of */
  struct host host;
  struct program *program;
  struct site *site;
};

/* How long to stay when nobody can be asked here. */
static int wait_check(struct run_command *c, const char *verb) {
  if (c->carry.detach && c->wait) return usage_error(verb, "--detach and --wait exclude each other");
  if (!c->wait) return EXIT_SUCCEEDED;
  if (c->virtual_clock) return usage_error(verb, "--wait takes real time, not --virtual-clock");
  if (c->args.drill) return usage_error(verb, "--wait takes real time, and that of a --drill passes at once");
  if (option_duration(c->wait, &c->carry.wait_us))
    return EXIT_SUCCEEDED;
  return usage_error(verb, "--wait wants a duration such as 30m or 2h, not '%s'", c->wait);
}

static int usage(struct run_command *c, int argc, char **argv) {
  const struct option options[] = {{"--set", OPTION_LIST, &c->args.sets},
                                   {"--inputs", OPTION_TEXT, &c->args.inputs},
                                   {"--answers", OPTION_TEXT, &c->carry.answers},
                                   {"--journal", OPTION_TEXT, &c->carry.journal_given},
                                   {"--site", OPTION_TEXT, &c->site_file},
                                   {"--role", OPTION_LIST, &c->args.roles},
                                   {"--from", OPTION_TEXT, &c->args.from},
                                   {"--only", OPTION_TEXT, &c->args.only},
                                   {"--skip", OPTION_LIST, &c->args.skip},
                                   {"--reason", OPTION_TEXT, &c->args.reason},
                                   {"--detach", OPTION_FLAG, &c->carry.detach},
                                   {"--wait", OPTION_TEXT, &c->wait},
                                   {"--json", OPTION_FLAG, &c->carry.json},
                                   {"--virtual-clock", OPTION_FLAG, &c->virtual_clock},
                                   {"--drill", OPTION_FLAG, &c->args.drill},
                                   {"--drill-fail", OPTION_LIST, &c->args.drill_fails},
                                   {"--drill-set", OPTION_LIST, &c->args.drill_sets},
                                   {"--dry-run", OPTION_FLAG, &c->dry_run},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &c->args.files);
  if (code != EXIT_SUCCEEDED) return code;
  if (c->dry_run) return EXIT_SUCCEEDED; /* cmd_plan reads it all again */
  code = wait_check(c, argv[0]);
  c->virtual_clock |= c->args.drill;
  return code == EXIT_SUCCEEDED ? run_args_check(&c->args, argv[0]) : code;
}

static int run_it(struct run_command *c) {
  struct engine_config config = carry_config(&c->carry, c->site);
  struct run_options options = run_args_options(&c->args);
  options.virtual_clock = c->virtual_clock;
  struct run_result result;
  struct engine *engine = engine_new(&config);
  c->carry.asker.line.tasks = engine_tasks(engine);
  engine_run(engine, c->program, &options, &result);
  engine_free(engine);
  int code = carry_code(&c->carry, &result);
  if (result.state != RUN_NONE && !result.journal_lost) checkpoint_if_due(c->carry.store, c->site);
  error_release(&result.error);
  return code;
}

static enum status journal_ready(struct run_command *c, struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = site_journal_path(c->carry.journal_given, c->site, true, &path, err);
  if (status == OK) status = carry_journal(&c->carry, buf_str(&path), err);
  buf_release(&path);
  return status;
}

static int prepare(struct run_command *c) {
  struct error err = {0};
  enum status status = OK;
  if (c->carry.answers)
    status = asker_load(&c->carry.asker, c->carry.answers, c->program->syms, &err);
  if (status == OK) status = run_args_collect(&c->args, c->program->syms, &err);
  if (status == OK) status = journal_ready(c, &err);
  int code = status == OK ? EXIT_SUCCEEDED : report_error(&err);
  error_release(&err);
  return code;
}

int cmd_run(int argc, char **argv) {
  struct run_command c = {0};
  int code = usage(&c, argc, argv);
  if (code == EXIT_SUCCEEDED && c.dry_run) {
    run_args_release(&c.args);
    return cmd_plan(argc, argv);
  }
  carry_init(&c.carry);
  if (c.virtual_clock) clock_virtual(&c.carry.clock, journal_now());
  if (code == EXIT_SUCCEEDED) code = load_runbook(c.args.files.items[0], &c.host, &c.program);
  if (code == EXIT_SUCCEEDED)
    code = load_site(c.site_file, c.args.files.items[0], true, &c.host, &c.site);
  c.carry.ui.program = c.program;
  if (code == EXIT_SUCCEEDED) code = prepare(&c);
  if (code == EXIT_SUCCEEDED) code = run_it(&c);
  code = carry_release(&c.carry, code);
  program_free(c.program);
  site_free(c.site);
  host_release(&c.host);
  run_args_release(&c.args);
  return code;
}
