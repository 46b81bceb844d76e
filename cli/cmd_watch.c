/* stepwise watch: hosts runbooks that start by themselves, at their schedules and triggers. */
#include "checkpoint.h"
#include "command.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "../runtime/secrets.h"
#include "../runtime/text.h"
#include "../runtime/watcher.h"
#include "carry.h"
#include "journal_view.h"
#include "load.h"
#include "run_args.h"
#include "site_at.h"
#include "spares.h"
#include "text.h"
#include "ui.h"
#include "when.h"

/* One file of those that are watched. */
struct hosted {
  struct host host;
  struct program *program;
  struct run_args args; /* its inputs; the texts are borrowed from the command's */
  struct run_options options;
};

struct watch_command {
  struct run_args args;
  const char *journal, *site_file, *lasting, *at;
  bool json, virtual_clock;
  struct hosted *hosted;
  size_t hosted_count;
  struct host site_host;
  struct site *site;
  struct ui ui;
  struct asker asker;
  struct clock clock;
  struct buf journal_path, state_dir, tail;
  struct journal *store;
  int64_t until_us;
  int output_errno;
};

/* --- what is told --- */

static void line(struct watch_command *c, const char *ink, const char *text) {
  struct moment m = moment_of(clock_wall(&c->clock));
  char at[32];
  strftime(at, sizeof at, "%m-%d %H:%M:%S", &m.tm);
  fprintf(c->ui.out, "%s%s%s  %s", ui_ink(&c->ui, INK_DIM), at, ui_ink(&c->ui, INK_PLAIN),
          ui_ink(&c->ui, ink));
  text_print(c->ui.out, text, 16);
  fprintf(c->ui.out, "%s\n", *ink ? ui_ink(&c->ui, INK_PLAIN) : "");
  fflush(c->ui.out);
}

static void add_time(const struct watch_command *c, int64_t us, struct buf *out) {
  site_time_text(c->site, us, out);
}

static void begins(const struct watch_command *c, const struct watch_news *n, struct buf *out) {
  char every[32];
  if (n->at_us) {
    buf_adds(out, ", next at ");
    add_time(c, n->at_us, out);
    return;
  }
  took_text(n->us, every);
  buf_addf(out, ", looked at every %s", every);
}

static void missed(const struct watch_command *c, const struct watch_news *n, struct buf *out) {
  buf_addf(out, ": missed %u time%s", n->n, n->n == 1 ? "" : "s");
  if (n->id) buf_addf(out, " since run %s", n->id);
  buf_adds(out, n->n == 1 ? ", at " : ", the last at ");
  add_time(c, n->at_us, out);
  buf_adds(out, "; what is missed is not made up");
}

static void ended(const struct watch_news *n, struct buf *out) {
  buf_addf(out, ": run %s %s%s", n->id, n->state == RUN_SUCCEEDED ? "" : "is ",
           run_state_name(n->state));
  if (n->error) buf_addf(out, ": %s", n->error->message);
}

static void trouble(const struct watch_news *n, const char *what, struct buf *out) {
  buf_addf(out, ": %s", what);
  if (!n->error) return;
  buf_addf(out, ": %s", n->error->message);
  if (n->error->help) buf_addf(out, "\nhelp: %s", n->error->help);
}

static void tell(void *ud, const struct watch_news *n) {
  struct watch_command *c = ud;
  struct buf b = BUF_INIT;
  bool bad = n->kind == WATCH_FAILED || n->kind == WATCH_REFUSED;
  bool odd = n->kind == WATCH_MISSED || n->kind == WATCH_PASSED ||
             (n->kind == WATCH_ENDED && n->state != RUN_SUCCEEDED);
  buf_addf(&b, "%s: %s", n->runbook, n->what);
  switch (n->kind) {
  case WATCH_BEGINS:
    begins(c, n, &b);
    break;
  case WATCH_MISSED:
    missed(c, n, &b);
    break;
  case WATCH_STARTS:
    buf_adds(&b, ": starts");
    break;
  case WATCH_ENDED:
    ended(n, &b);
    break;
  case WATCH_REFUSED:
    trouble(n, "no run came of it", &b);
    break;
  case WATCH_PASSED:
    buf_addf(&b,
             ": not started, because run %s is still open; stepwise show %s%s says what it needs",
             n->id, n->id, buf_str(&c->tail));
    break;
  case WATCH_FAILED:
    trouble(n, "cannot look", &b);
    break;
  }
  line(c, bad ? INK_RED : odd ? INK_YELLOW : "", buf_str(&b));
  buf_release(&b);
}

static void print_event(void *ud, const struct event *e) {
  struct watch_command *c = ud;
  struct buf b = BUF_INIT;
  view_export(&b, e);
  bool written = fwrite(b.data, 1, b.len, stdout) == b.len;
  if ((fflush(stdout) != 0 || !written) && errno != EPIPE && !c->output_errno)
    c->output_errno = errno;
  buf_release(&b);
}

/* Of a run's own notices only those that somebody has to act upon. */
static void print_notice(void *ud, const struct notice *n) {
  struct watch_command *c = ud;
  struct buf b = BUF_INIT;
  if (n->kind == NOTICE_END) checkpoint_if_due(c->store, c->site);
  if (n->kind != NOTICE_INTERRUPTED && n->kind != NOTICE_STEP_FAILED) return;
  buf_addf(&b, "run %s", n->run);
  if (n->step && *n->step) buf_addf(&b, ", step %s", n->step);
  buf_addf(&b, ": %s", n->error ? n->error->message : n->text);
  line(c, INK_YELLOW, buf_str(&b));
  buf_release(&b);
}

/* --- what is watched --- */

static int usage(struct watch_command *c, int argc, char **argv) {
  const struct option options[] = {{"--set", OPTION_LIST, &c->args.sets},
                                   {"--role", OPTION_LIST, &c->args.roles},
                                   {"--journal", OPTION_TEXT, &c->journal},
                                   {"--site", OPTION_TEXT, &c->site_file},
                                   {"--for", OPTION_TEXT, &c->lasting},
                                   {"--at", OPTION_TEXT, &c->at},
                                   {"--json", OPTION_FLAG, &c->json},
                                   {"--virtual-clock", OPTION_FLAG, &c->virtual_clock},
                                   {NULL, OPTION_FLAG, NULL}};
  int64_t lasting = 0, now = journal_now();
  int code = options_read(argc, argv, options, &c->args.files);
  if (code == EXIT_SUCCEEDED && !c->args.files.count)
    code = usage_error(argv[0], "name the files of the runbooks");
  if (code == EXIT_SUCCEEDED && c->lasting &&
      (!duration_parse(c->lasting, strlen(c->lasting), &lasting) || lasting <= 0))
    code = usage_error(argv[0], "--for wants a duration such as 30s or 8h, not '%s'", c->lasting);
  if (code == EXIT_SUCCEEDED && c->virtual_clock && !c->lasting)
    code = usage_error(argv[0], "--virtual-clock needs --for: its time passes at once");
  if (code == EXIT_SUCCEEDED && c->at && !c->virtual_clock)
    code = usage_error(argv[0], "--at is where a --virtual-clock begins");
  if (code == EXIT_SUCCEEDED && c->at && !when_read(c->at, now, &now))
    code = usage_error(argv[0], "--at wants a time such as 2026-11-02T08:00Z, not '%s'", c->at);
  if (code != EXIT_SUCCEEDED) return code;
  if (c->virtual_clock) clock_virtual(&c->clock, now);
  else clock_real(&c->clock);
  c->until_us = c->lasting ? clock_wall(&c->clock) + lasting : CLOCK_NEVER;
  /* The checks of `run` on --set and --role, which want one file. */
  struct run_args one = c->args;
  one.files.count = 1;
  return run_args_check(&one, argv[0]);
}

static bool has_input(const struct plan *plan, const struct symtab *syms, const char *name,
                      size_t len) {
  for (size_t i = 0; i < plan->input_count; i++) {
    const char *have = sym_text(syms, plan->inputs[i].name);
    if (strlen(have) == len && strncmp(have, name, len) == 0) return true;
  }
  return false;
}

static bool is_given(const struct run_args *a, const char *name) {
  for (size_t i = 0; i < a->given_count; i++)
    if (strcmp(a->given[i].name, name) == 0) return true;
  return false;
}

/* Nobody is there to ask: each input has a default or a --set. */
static int inputs_check(const struct hosted *h, const char *path) {
  const struct plan *plan = h->program->plan;
  int code = EXIT_SUCCEEDED;
  for (size_t i = 0; i < plan->input_count; i++) {
    const struct field *f = &plan->inputs[i];
    const char *name = sym_text(h->program->syms, f->name);
    if (f->default_value || f->optional || is_given(&h->args, name)) continue;
    fprintf(stderr,
            "stepwise: %s: input %s has no default and nobody is asked\nhelp: give it: --set "
            "%s=VALUE\n",
            path, name, name);
    code = EXIT_INVALID;
  }
  return code;
}

/* A --set goes to every runbook that has such an input. */
static int hosted_inputs(struct watch_command *c, struct hosted *h, const char *path) {
  struct error err = {0};
  for (size_t i = 0; i < c->args.sets.count; i++) {
    const char *set = c->args.sets.items[i];
    if (has_input(h->program->plan, h->program->syms, set, strcspn(set, "=")))
      texts_add(&h->args.sets, set);
  }
  for (size_t i = 0; i < c->args.roles.count; i++)
    texts_add(&h->args.roles, c->args.roles.items[i]);
  int code = EXIT_SUCCEEDED;
  if (run_args_collect(&h->args, h->program->syms, &err) != OK) code = report_error(&err);
  error_release(&err);
  if (code != EXIT_SUCCEEDED) return code;
  h->options = run_args_options(&h->args);
  h->options.virtual_clock = c->virtual_clock;
  return inputs_check(h, path);
}

static int sets_check(const struct watch_command *c, const char *verb) {
  for (size_t i = 0; i < c->args.sets.count; i++) {
    const char *set = c->args.sets.items[i];
    size_t len = strcspn(set, "=");
    bool known = false;
    for (size_t k = 0; k < c->hosted_count; k++)
      known |= has_input(c->hosted[k].program->plan, c->hosted[k].program->syms, set, len);
    if (known) continue;
    fprintf(stderr, "stepwise %s: none of the runbooks has an input %.*s\n", verb, (int)len, set);
    return EXIT_INVALID;
  }
  return EXIT_SUCCEEDED;
}

static int load(struct watch_command *c, const char *verb) {
  c->hosted = mem_array(c->args.files.count, sizeof *c->hosted);
  for (size_t i = 0; i < c->args.files.count; i++) {
    const char *path = c->args.files.items[i];
    struct hosted *h = &c->hosted[c->hosted_count++];
    int code = load_runbook(path, &h->host, &h->program);
    if (code != EXIT_SUCCEEDED) return code;
    const struct plan *plan = h->program->plan;
    if (!plan->schedule_count && !plan->trigger_count) {
      fprintf(stderr,
              "stepwise: %s has neither a schedule nor a trigger\n"
              "help: write one: schedule \"0 8 * * *\"\n",
              path);
      return EXIT_INVALID;
    }
    code = hosted_inputs(c, h, path);
    if (code != EXIT_SUCCEEDED) return code;
  }
  int code = sets_check(c, verb);
  if (code != EXIT_SUCCEEDED) return code;
  return load_site(c->site_file, c->args.files.items[0], true, &c->site_host, &c->site);
}

/* --- running --- */

static enum status journal_ready(struct watch_command *c, struct error *err) {
  enum status status = site_journal_path(c->journal, c->site, true, &c->journal_path, err);
  if (status != OK) return status;
  if (c->journal) buf_adds(&c->tail, " --journal "), buf_add_word(&c->tail, c->journal);
  status = journal_open(&c->store, buf_str(&c->journal_path), JOURNAL_WRITE, err);
  if (status != OK) return status;
  state_beside(c->store, &c->state_dir);
  spares_take_in(c->store);
  return OK;
}

static int watch_all(struct watch_command *c, struct watcher *w) {
  struct error err = {0};
  enum status status = OK;
  for (size_t i = 0; status == OK && i < c->hosted_count; i++)
    status = watcher_add(w, c->hosted[i].program, &c->hosted[i].options, &err);
  if (status != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  int signum = watcher_run(w);
  if (signum) line(c, "", "stopped; nothing is watched any more");
  return signum == SIGINT ? EXIT_INTERRUPTED : EXIT_SUCCEEDED;
}

static int run_it(struct watch_command *c) {
  struct error err = {0};
  if (journal_ready(c, &err) != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  const struct observer observer = {
      .ud = c, .event = c->json ? print_event : NULL, .notice = print_notice};
  struct secrets *secrets = secrets_told();
  const struct engine_config config = {.clock = &c->clock,
                                       .journal = c->store,
                                       .prompter = &c->asker.prompter,
                                       .observer = &observer,
                                       .site = c->site,
                                       .secrets = secrets,
                                       .tail = buf_str(&c->tail),
                                       .state_dir = buf_str(&c->state_dir)};
  struct engine *engine = engine_new(&config);
  const struct watcher_config watching = {
      .engine = engine, .engine_config = &config, .until_us = c->until_us, .tell = tell, .ud = c};
  struct watcher *w = watcher_new(&watching);
  c->asker.line.tasks = engine_tasks(engine);
  int code = watch_all(c, w);
  watcher_free(w);
  engine_free(engine);
  secrets_free(secrets);
  return code;
}

static void watch_release(struct watch_command *c) {
  for (size_t i = 0; i < c->hosted_count; i++) {
    run_args_release(&c->hosted[i].args);
    program_free(c->hosted[i].program);
    host_release(&c->hosted[i].host);
  }
  mem_free(c->hosted);
  asker_release(&c->asker);
  ui_release(&c->ui);
  journal_close(c->store);
  site_free(c->site);
  host_release(&c->site_host);
  buf_release(&c->journal_path);
  buf_release(&c->state_dir);
  buf_release(&c->tail);
  run_args_release(&c->args);
}

int cmd_watch(int argc, char **argv) {
  struct watch_command c = {0};
  signal(SIGPIPE, SIG_IGN);
  int code = usage(&c, argc, argv);
  ui_init(&c.ui, c.json ? stderr : stdout);
  if (c.json) c.ui.bars.wanted = false;
  asker_init(&c.asker, &c.ui, false);
  host_open(&c.site_host);
  if (code == EXIT_SUCCEEDED) code = load(&c, argv[0]);
  if (code == EXIT_SUCCEEDED) code = run_it(&c);
  if (c.output_errno) {
    fprintf(stderr, "stepwise: cannot write the events: %s; the journal has them\n",
            strerror(c.output_errno));
    if (code == EXIT_SUCCEEDED) code = EXIT_FAILED;
  }
  watch_release(&c);
  return code;
}
