/* Runs out of the journal. */
#include "resume_run.h"

#include <unistd.h>

#include "../lang/source.h"
#include "../runtime/digest.h"
#include "checkpoint.h"
#include "command.h"

static enum status first_of(void *ud, const struct run_row *r) {
  *(int64_t *)ud = r->first_seq;
  return OK;
}

/* Who carries it: the actor of its latest run.started or run.resumed. */
static enum status take_actor(void *ud, const struct event *e) {
  struct buf *actor = ud;
  buf_clear(actor);
  buf_adds(actor, e->actor);
  return OK;
}

static enum status owned_by(struct journal *j, const char *run, pid_t pid, struct error *err) {
  struct buf actor = BUF_INIT;
  struct error none = {0};
  static const char *const kinds[] = {"run.started", "run.resumed", "run.taken_over"};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    const struct event_filter filter = {.run = run, .kind = kinds[i]};
    if (journal_scan(j, &filter, take_actor, &actor, &none) != OK) error_release(&none);
  }
  error_set(err, ERR_CONFLICT, "run %s is carried by process %ld, for %s", run, (long)pid,
            actor.len ? buf_str(&actor) : "somebody");
  error_kind(err, "owned");
  struct buf path = BUF_INIT;
  buf_add_word(&path, journal_file(j));
  error_help(err,
             "`stepwise show %s --journal %s` tells how far it is; `stepwise cancel %s --reason TEXT "
             "--journal %s` asks it to stop",
             run, buf_str(&path), run, buf_str(&path));
  buf_release(&path);
  buf_release(&actor);
  return ERR_CONFLICT;
}

enum status taken_own(struct taken *t, struct journal *j, struct owners *owners, const char *run,
                      struct error *err) {
  const struct run_filter filter = {.run = run};
  int64_t first = 0;
  pid_t pid = 0;
  bool joins = journal_pending(j); /* other runs of this process have something to commit */
  snprintf(t->run, sizeof t->run, "%s", run);
  enum status status = journal_runs(j, &filter, first_of, &first, err);
  if (status == OK) status = journal_hold(j, err);
  if (status == OK) status = owner_take(owners, first, &pid, err);
  bool taken = status == OK;
  if (status == ERR_CONFLICT) status = owned_by(j, run, pid, err);
  if (taken) status = history_load(&t->history, j, run, err);
  if (taken && status != OK) owner_drop(owners, first);
  if (!joins) journal_rollback(j);
  return status;
}

static int tell_diags(struct program *p) {
  struct buf b = BUF_INIT;
  diags_sort(&p->diags);
  diags_print(&p->diags, p->sources, colour_wanted(STDERR_FILENO), &b);
  fputs(buf_str(&b), stderr);
  buf_release(&b);
  return EXIT_INVALID;
}

int taken_load(struct taken *t, struct journal *j) {
  struct error err = {0};
  enum status status = pinned_load(&t->pinned, j, t->run, &err);
  if (status == OK && t->pinned.program->diags.errors) return tell_diags(t->pinned.program);
  if (status == OK && !t->pinned.program->plan)
    status = error_set(&err, ERR_CHECK, "what run %s runs is no runbook", t->run);
  if (status == OK) status = site_pinned_load(&t->site, j, t->run, &err);
  if (status == OK && t->site.site) status = site_enter(t->site.site, &err);
  int code = status == OK ? EXIT_SUCCEEDED : report_error(&err);
  error_release(&err);
  return code;
}

void taken_note_file(const struct taken *t) {
  const struct source *text = t->pinned.program->sources[0];
  struct source now = {0};
  struct error err = {0};
  bool there = read_source(text->name, &now, &err) == OK;
  if (!there)
    fprintf(stderr, "note: %s is gone; the run goes on with the text it began with\n", text->name);
  else if (now.len != text->len || memcmp(now.text, text->text, now.len) != 0)
    fprintf(stderr,
            "note: %s was changed since; the run goes on with the text it began with\n"
            "  (--accept-plan-change shows the difference and goes on with the new one)\n",
            text->name);
  if (there) source_release(&now);
  error_release(&err);
}

bool taken_virtual(const struct taken *t) {
  const char *json, *clock;
  size_t len, n;
  return past_raw(t->history, t->history->started, "options", &json, &len) &&
         json_member(json, len, "clock", &clock, &n) && n == 9 &&
         memcmp(clock, "\"virtual\"", 9) == 0;
}

void taken_options(struct taken *t) {
  t->options = run_args_options(&t->args);
  t->resume.history = t->history;
  t->options.resume = &t->resume;
  t->options.site = t->resume.plan_changed ? t->changed.site : t->site.site;
}

int taken_carry(struct taken *t, struct carry *c, struct owners *owners) {
  struct error err = {0};
  bool changed = t->resume.plan_changed;
  struct program *p = changed ? t->changed.program : t->pinned.program;
  if (taken_virtual(t)) clock_virtual(&c->clock, t->history->last_us);
  c->ui.program = p;
  enum status status = run_args_collect(&t->args, p->syms, &err);
  if (status == OK && c->answers) status = asker_load(&c->asker, c->answers, p->syms, &err);
  if (status != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  struct site *site = changed ? t->changed.site : t->site.site;
  struct engine_config config = carry_config(c, site);
  config.owners = owners;
  taken_options(t);
  struct engine *engine = engine_new(&config);
  c->asker.line.tasks = engine_tasks(engine);
  engine_run(engine, p, &t->options, &t->result);
  engine_free(engine);
  int code = carry_code(c, &t->result);
  if (t->result.state != RUN_NONE && !t->result.journal_lost)
    checkpoint_if_due(c->store, site);
  error_release(&t->result.error);
  return code;
}

void taken_release(struct taken *t) {
  pinned_release(&t->pinned);
  site_pinned_release(&t->site);
  program_free(t->changed.program);
  site_free(t->changed.site);
  host_release(&t->changed.host);
  run_args_release(&t->args);
  history_free(t->history);
  *t = (struct taken){0};
}
