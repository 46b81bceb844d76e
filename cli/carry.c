/* Carrying runs: run, resume, rollback. */
#include "carry.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "../runtime/secrets.h"
#include "command.h"
#include "journal_view.h"
#include "spares.h"
#include "text.h"

static void print_event(void *ud, const struct event *e) {
  struct carry *c = ud;
  struct buf b = BUF_INIT;
  view_export(&b, e);
  bool written = fwrite(b.data, 1, b.len, stdout) == b.len;
  if ((fflush(stdout) != 0 || !written) && errno != EPIPE && !c->output_errno)
    c->output_errno = errno;
  buf_release(&b);
}

static void print_notice(void *ud, const struct notice *n) {
  struct carry *c = ud;
  ui_notice(&c->ui, n);
}

static void write_out(void *ud) {
  struct carry *c = ud;
  ui_turn(&c->ui);
}

static void short_secret(void *ud, const char *name) {
  (void)ud;
  fflush(stdout);
  fprintf(stderr, "warning: the secret%s%s is shorter than %d bytes: what is written is not searched for it\n",
          *name ? " " : "", name, SECRET_SHORTEST);
}

struct secrets *secrets_told(void) {
  struct secrets *s = secrets_new();
  secrets_on_short(s, short_secret, NULL);
  return s;
}

void carry_init(struct carry *c) {
  c->secrets = secrets_told();
  /* Whoever reads our output may go; a run does not end half-way because of that. */
  signal(SIGPIPE, SIG_IGN);
  ui_init(&c->ui, c->json ? stderr : stdout);
  c->ui.turns = true;
  if (c->json) c->ui.bars.wanted = false;
  c->ui.journal = c->journal_given;
  asker_init(&c->asker, &c->ui, !c->detach && isatty(STDIN_FILENO) && isatty(fileno(c->ui.out)));
  clock_real(&c->clock);
  c->observer =
      (struct observer){.ud = c, .event = c->json ? print_event : NULL, .notice = print_notice, .turn = write_out};
}

void state_beside(const struct journal *j, struct buf *out) {
  const char *path = journal_base(j), *slash = strrchr(path, '/');
  buf_add(out, path, slash ? (size_t)(slash - path) + 1 : 0);
  buf_adds(out, "state");
}

enum status carry_journal(struct carry *c, const char *path, struct error *err) {
  if (c->journal_given) {
    buf_adds(&c->tail, " --journal ");
    buf_add_word(&c->tail, c->journal_given);
  }
  enum status status = journal_open(&c->store, path, JOURNAL_WRITE, err);
  if (status != OK) return status;
  state_beside(c->store, &c->state_dir);
  spares_take_in(c->store);
  return OK;
}

struct engine_config carry_config(struct carry *c, struct site *site) {
  return (struct engine_config){.clock = &c->clock,
                                .journal = c->store,
                                .prompter = &c->asker.prompter,
                                .observer = &c->observer,
                                .site = site,
                                .secrets = c->secrets,
                                .wait_us = c->wait_us,
                                .tail = buf_str(&c->tail),
                                .state_dir = buf_str(&c->state_dir)};
}

int carry_state_code(enum run_state state) {
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
  return codes[state];
}

static int not_begun(struct carry *c, const struct run_result *r) {
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

int carry_code(struct carry *c, const struct run_result *r) {
  if (r->state == RUN_NONE) return not_begun(c, r);
  if (r->journal_lost) return EXIT_JOURNAL;
  if (r->interrupted) return EXIT_INTERRUPTED;
  return r->declined ? EXIT_DECLINED : carry_state_code(r->state);
}

static int unwritten(int why, const char *what, int code) {
  if (!why) return code;
  fprintf(stderr, "stepwise: cannot write %s: %s; the journal has what was done\n", what, strerror(why));
  return code == EXIT_SUCCEEDED ? EXIT_FAILED : code;
}

int carry_release(struct carry *c, int code) {
  code = unwritten(c->output_errno, "the events", code);
  if (!c->json) code = unwritten(c->ui.output_errno, "the output", code);
  asker_release(&c->asker);
  ui_release(&c->ui);
  journal_close(c->store);
  secrets_free(c->secrets);
  buf_release(&c->state_dir);
  buf_release(&c->tail);
  return code;
}
