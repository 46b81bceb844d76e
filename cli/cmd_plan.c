/* stepwise plan: what a run would do, without doing it; also `run --dry-run`. Nothing is written.
 */
#include "command.h"

#include <signal.h>
#include <unistd.h>

#include "../runtime/secrets.h"
#include "carry.h"
#include "load.h"
#include "options.h"
#include "plan_view.h"
#include "run_args.h"
#include "site_at.h"

struct plan_command {
  struct run_args args;
  const char *journal, *answers, *site_file;
  const char *wait;
  bool json, offline, dry_run, virtual_clock, detach;
  struct host host;
  struct program *program;
  struct site *site;
  struct plan_view view;
  struct asker asker;
  struct journal *store;
  struct buf state_dir;
  struct clock clock;
};

/* Those of `run` too, so that --dry-run can be added to any command that runs. */
static int usage(struct plan_command *c, int argc, char **argv) {
  const struct option options[] = {{"--set", OPTION_LIST, &c->args.sets},
                                   {"--inputs", OPTION_TEXT, &c->args.inputs},
                                   {"--journal", OPTION_TEXT, &c->journal},
                                   {"--site", OPTION_TEXT, &c->site_file},
                                   {"--role", OPTION_LIST, &c->args.roles},
                                   {"--from", OPTION_TEXT, &c->args.from},
                                   {"--only", OPTION_TEXT, &c->args.only},
                                   {"--skip", OPTION_LIST, &c->args.skip},
                                   {"--reason", OPTION_TEXT, &c->args.reason},
                                   {"--json", OPTION_FLAG, &c->json},
                                   {"--offline", OPTION_FLAG, &c->offline},
                                   {"--all", OPTION_FLAG, &c->view.all},
                                   {"--answers", OPTION_TEXT, &c->answers},
                                   {"--virtual-clock", OPTION_FLAG, &c->virtual_clock},
                                   {"--detach", OPTION_FLAG, &c->detach},
                                   {"--wait", OPTION_TEXT, &c->wait},
                                   {"--drill", OPTION_FLAG, &c->args.drill},
                                   {"--drill-fail", OPTION_LIST, &c->args.drill_fails},
                                   {"--drill-set", OPTION_LIST, &c->args.drill_sets},
                                   {"--dry-run", OPTION_FLAG, &c->dry_run},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &c->args.files);
  return code == EXIT_SUCCEEDED ? run_args_check(&c->args, argv[0]) : code;
}

/* The journal is looked at and not made; what would stand beside it is only named. */
static enum status journal_look(struct plan_command *c, struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = site_journal_path(c->journal, c->site, false, &path, err);
  if (status == OK) status = journal_open(&c->store, buf_str(&path), JOURNAL_LOOK, err);
  if (status == OK) state_beside(c->store, &c->state_dir);
  buf_release(&path);
  return status;
}

static int plan_it(struct plan_command *c) {
  struct error err = {0};
  uint32_t problems = 0;
  struct dry_observer observer = {.ud = &c->view, .note = c->json ? plan_json : plan_show};
  struct dry_options dry = {.offline = c->offline, .inputs_needed = c->dry_run};
  struct run_options options = run_args_options(&c->args);
  struct secrets *secrets = secrets_told();
  struct engine_config config = {.clock = &c->clock,
                                 .secrets = secrets,
                                 .journal = c->store,
                                 .prompter = &c->asker.prompter,
                                 .site = c->site,
                                 .state_dir = buf_str(&c->state_dir)};
  struct engine *engine = engine_new(&config);
  c->asker.line.tasks = engine_tasks(engine);
  enum status status = dry_run(engine, c->program, &options, &dry, &observer, &problems, &err);
  engine_free(engine);
  redact_error(secrets, &err);
  secrets_free(secrets);
  int code = problems ? EXIT_INVALID : EXIT_SUCCEEDED;
  if (status == ERR_CANCELLED) {
    fputs("\nstepwise: interrupted; nothing was changed\n", stderr);
    code = EXIT_INTERRUPTED;
  } else if (status != OK) {
    fflush(stdout);
    code = report_error(&err);
    struct ui ui = c->view.ui;
    ui.out = stderr;
    struct error at = err;
    at.help = NULL;
    if (err.has_at) ui_error(&ui, &at, 0);
    if (code != EXIT_JOURNAL) code = EXIT_INVALID;
  }
  error_release(&err);
  return code;
}

static int prepare(struct plan_command *c) {
  if (c->answers) fputs("stepwise: --answers is not used: a plan asks nobody\n", stderr);
  struct error err = {0};
  enum status status = run_args_collect(&c->args, c->program->syms, &err);
  if (status == OK) status = journal_look(c, &err);
  int code = status == OK ? EXIT_SUCCEEDED : report_error(&err);
  error_release(&err);
  return code;
}

static void plan_command_release(struct plan_command *c) {
  asker_release(&c->asker);
  journal_close(c->store);
  program_free(c->program);
  site_free(c->site);
  host_release(&c->host);
  plan_view_release(&c->view);
  buf_release(&c->state_dir);
  run_args_release(&c->args);
}

int cmd_plan(int argc, char **argv) {
  struct plan_command c = {0};
  signal(SIGPIPE, SIG_IGN);
  int code = usage(&c, argc, argv);
  /* Questions are for people; with --json the objects alone go to standard output. */
  ui_init(&c.view.ui, c.json ? stderr : stdout);
  asker_init(&c.asker, &c.view.ui, isatty(STDIN_FILENO) && isatty(fileno(c.view.ui.out)));
  clock_real(&c.clock);
  if (code == EXIT_SUCCEEDED) code = load_runbook(c.args.files.items[0], &c.host, &c.program);
  if (code == EXIT_SUCCEEDED)
    code = load_site(c.site_file, c.args.files.items[0], true, &c.host, &c.site);
  c.view.ui.program = c.program;
  c.view.drill = c.args.drill;
  c.view.file = code == EXIT_SUCCEEDED ? c.args.files.items[0] : "";
  if (code == EXIT_SUCCEEDED) code = prepare(&c);
  if (code == EXIT_SUCCEEDED) code = plan_it(&c);
  if (c.view.output_errno && code == EXIT_SUCCEEDED) {
    fprintf(stderr, "stepwise: cannot write the plan: %s\n", strerror(c.view.output_errno));
    code = EXIT_FAILED;
  }
  plan_command_release(&c);
  return code;
}
