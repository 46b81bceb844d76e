/* stepwise run: loads a runbook, gathers what it needs, runs it, and ends with what became of it.
 */
#include "checkpoint.h"
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "../runtime/host.h"
#include "asker.h"
#include "journal_view.h"
#include "load.h"
#include "run_args.h"
#include "site_at.h"
#include "spares.h"
#include "text.h"
#include "ui.h"

struct run_command {
  struct run_args args;
  const char *answers, *journal, *site_file, *wait;
  bool json, dry_run, virtual_clock, detach;
  int64_t wait_us;
  /* what the run is made of */
  struct host host;
  struct program *program;
  struct site *site;
  struct ui ui;
  struct asker asker;
  struct buf journal_path, state_dir, tail;
  struct journal *store;
  struct clock clock;
  int output_errno; /* why events could not be printed, or 0 */
};

/* How long to stay when nobody can be asked here. */
static int wait_check(struct run_command *c, const char *verb) {
  if (c->detach && c->wait) return usage_error(verb, "--detach and --wait exclude each other");
  if (!c->wait) return EXIT_SUCCEEDED;
  if (c->virtual_clock) return usage_error(verb, "--wait takes real time, not --virtual-clock");
  if (option_duration(c->wait, &c->wait_us))
    return EXIT_SUCCEEDED;
  return usage_error(verb, "--wait wants a duration such as 30m or 2h, not '%s'", c->wait);
}

static int usage(struct run_command *c, int argc, char **argv) {
  const struct option options[] = {{"--set", OPTION_LIST, &c->args.sets},
                                   {"--inputs", OPTION_TEXT, &c->args.inputs},
                                   {"--answers", OPTION_TEXT, &c->answers},
                                   {"--journal", OPTION_TEXT, &c->journal},
                                   {"--site", OPTION_TEXT, &c->site_file},
                                   {"--role", OPTION_LIST, &c->args.roles},
                                   {"--from", OPTION_TEXT, &c->args.from},
                                   {"--only", OPTION_TEXT, &c->args.only},
                                   {"--skip", OPTION_LIST, &c->args.skip},
                                   {"--reason", OPTION_TEXT, &c->args.reason},
                                   {"--detach", OPTION_FLAG, &c->detach},
                                   {"--wait", OPTION_TEXT, &c->wait},
                                   {"--json", OPTION_FLAG, &c->json},
                                   {"--virtual-clock", OPTION_FLAG, &c->virtual_clock},
                                   {"--dry-run", OPTION_FLAG, &c->dry_run},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &c->args.files);
  if (code != EXIT_SUCCEEDED) return code;
  if (c->dry_run) return EXIT_SUCCEEDED; /* cmd_plan reads it all again */
  code = wait_check(c, argv[0]);
  return code == EXIT_SUCCEEDED ? run_args_check(&c->args, argv[0]) : code;
}

/* --- the journal and what stands beside it --- */

static enum status journal_ready(struct run_command *c, struct error *err) {
  enum status status = site_journal_path(c->journal, c->site, true, &c->journal_path, err);
  if (status != OK) return status;
  if (c->journal) {
    buf_adds(&c->tail, " --journal ");
    text_shell(&c->tail, c->journal);
  }
  const char *path = buf_str(&c->journal_path), *slash = strrchr(path, '/');
  buf_add(&c->state_dir, path, slash ? (size_t)(slash - path) + 1 : 0);
  buf_adds(&c->state_dir, "state");
  status = journal_open(&c->store, path, JOURNAL_WRITE, err);
  if (status == OK) spares_take_in(c->store);
  return status;
}

/* --- the run --- */

static void print_event(void *ud, const struct event *e) {
  struct run_command *c = ud;
  struct buf b = BUF_INIT;
  view_export(&b, e);
  bool written = fwrite(b.data, 1, b.len, stdout) == b.len;
  if ((fflush(stdout) != 0 || !written) && errno != EPIPE && !c->output_errno)
    c->output_errno = errno;
  buf_release(&b);
}

static void print_notice(void *ud, const struct notice *n) {
  struct run_command *c = ud;
  ui_notice(&c->ui, n);
}

static int exit_code(struct run_command *c, const struct run_result *r) {
  static const int codes[RUN_STATES] = {[RUN_RUNNING] = EXIT_FAILED,
                                        [RUN_WAITING] = EXIT_WAITING,
                                        [RUN_HELD] = EXIT_FAILED,
                                        [RUN_IN_DOUBT] = EXIT_IN_DOUBT,
                                        [RUN_ROLLING_BACK] = EXIT_FAILED,
                                        [RUN_SUCCEEDED] = EXIT_SUCCEEDED,
                                        [RUN_FAILED] = EXIT_FAILED,
                                        [RUN_CANCELLED] = EXIT_DECLINED,
                                        [RUN_ROLLED_BACK] = EXIT_ROLLED_BACK,
                                        [RUN_ROLLBACK_INCOMPLETE] = EXIT_ROLLBACK_INCOMPLETE};
  if (r->state == RUN_NONE) {
    if (r->interrupted)
      return fputs("\nstepwise: interrupted before anything was run\n", stderr), EXIT_INTERRUPTED;
    int code = report_error(&r->error);
    if (r->error.has_at) {
      struct ui ui = c->ui;
      ui.out = stderr;
      struct error at = r->error;
      at.help = NULL;
      ui_error(&ui, &at, 0);
    }
    return r->error.status == ERR_WAITING ? EXIT_INVALID : code;
  }
  if (r->journal_lost) return EXIT_JOURNAL;
  if (r->interrupted) return EXIT_INTERRUPTED;
  return r->declined ? EXIT_DECLINED : codes[r->state];
}

static int run_it(struct run_command *c) {
  struct observer observer = {
      .ud = c, .event = c->json ? print_event : NULL, .notice = print_notice};
  struct engine_config config = {.clock = &c->clock,
                                 .journal = c->store,
                                 .prompter = &c->asker.prompter,
                                 .observer = &observer,
                                 .site = c->site,
                                 .wait_us = c->wait_us,
                                 .tail = buf_str(&c->tail),
                                 .state_dir = buf_str(&c->state_dir)};
  struct run_options options = run_args_options(&c->args);
  options.virtual_clock = c->virtual_clock;
  struct run_result result;
  struct engine *engine = engine_new(&config);
  c->asker.line.tasks = engine_tasks(engine);
  engine_run(engine, c->program, &options, &result);
  engine_free(engine);
  int code = exit_code(c, &result);
  if (result.state != RUN_NONE && !result.journal_lost) checkpoint_if_due(c->store, c->site);
  error_release(&result.error);
  return code;
}

static int prepare(struct run_command *c) {
  struct error err = {0};
  enum status status = OK;
  if (c->answers)
    status = asker_load(&c->asker, c->answers, c->program->syms, &err);
  if (status == OK) status = run_args_collect(&c->args, c->program->syms, &err);
  if (status == OK) status = journal_ready(c, &err);
  int code = status == OK ? EXIT_SUCCEEDED : report_error(&err);
  error_release(&err);
  return code;
}

static void run_command_release(struct run_command *c) {
  asker_release(&c->asker);
  ui_release(&c->ui);
  journal_close(c->store);
  program_free(c->program);
  site_free(c->site);
  host_release(&c->host);
  buf_release(&c->journal_path);
  buf_release(&c->state_dir);
  buf_release(&c->tail);
  run_args_release(&c->args);
}

int cmd_run(int argc, char **argv) {
  struct run_command c = {0};
  /* Whoever reads our output may go; a run does not end half-way because of that. */
  signal(SIGPIPE, SIG_IGN);
  int code = usage(&c, argc, argv);
  if (code == EXIT_SUCCEEDED && c.dry_run) {
    run_args_release(&c.args);
    return cmd_plan(argc, argv);
  }
  ui_init(&c.ui, c.json ? stderr : stdout);
  asker_init(&c.asker, &c.ui, !c.detach && isatty(STDIN_FILENO) && isatty(fileno(c.ui.out)));
  if (c.virtual_clock) clock_virtual(&c.clock, journal_now());
  else clock_real(&c.clock);
  if (code == EXIT_SUCCEEDED) code = load_runbook(c.args.files.items[0], &c.host, &c.program);
  if (code == EXIT_SUCCEEDED)
    code = load_site(c.site_file, c.args.files.items[0], true, &c.host, &c.site);
  c.ui.program = c.program;
  c.ui.journal = c.journal;
  if (code == EXIT_SUCCEEDED) code = prepare(&c);
  if (code == EXIT_SUCCEEDED) code = run_it(&c);
  if (c.output_errno) {
    fprintf(stderr, "stepwise: cannot write the events: %s; the journal has them\n",
            strerror(c.output_errno));
    if (code == EXIT_SUCCEEDED) code = EXIT_FAILED;
  }
  run_command_release(&c);
  return code;
}
