/* Calls that fail because whoever drills asked for it. What follows is what would follow on the day:
 * attempts, policies, rollbacks and doubts are the engine's own. */
#include "action.h"
#include "drill_inner.h"

#define SLOW (30 * US_SECOND)

struct drill_kind {
  const char *name;
  const char *text; /* what it fails of, or NULL: it does not fail at once */
  const char *told; /* when it begins; NULL: its failure tells */
};

static const struct drill_kind kinds[] = {
    {"transient", "no answer from the provider", NULL},
    {"provider", "the provider failed", NULL},
    {"permission", "the provider does not let us", NULL},
    {"validation", "the provider does not take what it was given", NULL},
    {"refused", "it is refused", NULL},
    {"limit", NULL, "does not come back"},
    {"lost", NULL, NULL},
    {"slow", NULL, "is slow"},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

enum status drill_kind_find(const char *name, const struct drill_kind **out, struct error *err) {
  const char *names[KINDS];
  struct buf all = BUF_INIT;
  for (size_t i = 0; i < KINDS; i++) {
    names[i] = kinds[i].name;
    buf_addf(&all, "%s%s", i ? ", " : "", kinds[i].name);
    if (strcmp(kinds[i].name, name) == 0) *out = &kinds[i];
  }
  bool found = *out != NULL;
  int near = found ? -1 : name_nearest(name, names, KINDS);
  if (!found) error_set(err, ERR_VALUE, "--drill-fail: no kind of failure '%s'", name);
  if (near >= 0) error_help(err, "did you mean %s?", names[near]);
  else if (!found) error_help(err, "there are: %s", buf_str(&all));
  buf_release(&all);
  return found ? OK : ERR_VALUE;
}

static bool is(const struct drill_kind *kind, const char *name) {
  return kind && strcmp(kind->name, name) == 0;
}

/* --- which calls --- */

static const struct drill_kind *kind_of(const struct drill *d, const struct drill_count *c) {
  for (size_t i = 0; i < d->fail_count; i++) {
    const struct drill_fail *f = &d->fails[i];
    if (strcmp(f->binding, c->binding) == 0 && strcmp(f->action, c->action) == 0 &&
        c->calls > f->from && c->calls <= f->to)
      return f->kind;
  }
  return NULL;
}

/* The journal has how many there were: a drill that goes on does not begin anew. */
static enum status call_record(struct action_run *c, const struct drill_count *n,
                               const struct drill_kind *kind, struct error *err) {
  struct record r = {0};
  record_call(&r, c);
  record_text(&r, "of", c->lane->run->drill->home);
  record_int(&r, "number", n->calls);
  if (kind) record_text(&r, "fails", kind->name);
  return run_record(c->lane, EVENT_NAME(DRILL_CALLED), &r, err);
}

static void call_tell(struct action_run *c, const struct drill_kind *kind) {
  struct buf b = BUF_INIT;
  if (!kind->told) return;
  action_text(c, &b);
  buf_addf(&b, " %s (drill)", kind->told);
  run_notice(c->lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&b)});
  buf_release(&b);
}

/* --- how --- */

static enum status fails(const struct action_run *c, const char *kind, const char *text,
                         struct error *err) {
  struct buf name = BUF_INIT;
  action_text(c, &name);
  error_set(err, ERR_FAILED, "%s: %s (drill)", buf_str(&name), text);
  error_kind(err, kind);
  buf_release(&name);
  return ERR_FAILED;
}

/* Nothing comes back until the time is up. */
static enum status hangs(struct action_run *c, struct error *err) {
  struct tasks *tasks = c->lane->run->engine->tasks;
  c->writing |= c->action->effect == EFFECT_WRITE;
  enum status status =
      task_sleep(tasks, task_deadline(tasks) == CLOCK_NEVER ? LIMIT_RUN : CLOCK_NEVER, err);
  return status == OK ? fails(c, "limit", "it took longer than its time limit", err) : status;
}

enum status drill_call(struct action_run *c, bool *lost, struct error *err) {
  struct drill *d = c->lane->run->drill;
  const struct symtab *syms = c->lane->run->program->syms;
  *lost = false;
  struct drill_count *n = drill_counted(d, sym_text(syms, c->action->binding->name),
                                        sym_text(syms, c->action->name));
  if (!n || n->calls >= n->last) return OK;
  n->calls++;
  const struct drill_kind *kind = kind_of(d, n);
  enum status status = call_record(c, n, kind, err);
  if (status != OK || !kind) return status;
  call_tell(c, kind);
  if (kind->text) return fails(c, kind->name, kind->text, err);
  *lost = is(kind, "lost");
  if (is(kind, "limit")) return hangs(c, err);
  return is(kind, "slow") ? task_sleep(c->lane->run->engine->tasks, SLOW, err) : OK;
}

/* Whether it happened is not known: a write that may not be repeated is in doubt now. */
enum status drill_lose(struct action_run *c, value owned_answer, struct error *err) {
  value_unref(owned_answer);
  c->writing = c->unsure = c->action->effect == EFFECT_WRITE;
  return fails(c, "transient", "its answer was lost", err);
}

/* --- those that did not come --- */

static enum status unused(struct lane *lane, const struct drill_fail *f, int64_t came, int64_t calls,
                          struct error *err) {
  struct buf b = BUF_INIT;
  struct record r = {0};
  int64_t of = f->to - f->from;
  if (!calls) buf_addf(&b, "asked to fail, and not called: %s", f->words);
  else
    buf_addf(&b, "asked to fail, and did not: %s; %lld of %lld came, in %lld call%s", f->words,
             (long long)came, (long long)of, (long long)calls, calls == 1 ? "" : "s");
  run_notice(lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&b)});
  record_text(&r, "fail", f->words);
  record_int(&r, "came", came);
  record_int(&r, "of", of);
  record_int(&r, "calls", calls);
  buf_release(&b);
  return run_record(lane, EVENT_NAME(DRILL_UNUSED), &r, err);
}

enum status drill_unused(struct lane *lane, struct error *err) {
  const struct drill *d = lane->run->drill;
  enum status status = OK;
  if (!d || strcmp(lane->run->id, d->home) != 0) return OK;
  for (size_t i = 0; status == OK && i < d->fail_count; i++) {
    const struct drill_fail *f = &d->fails[i];
    int64_t calls = drill_counted(d, f->binding, f->action)->calls;
    int64_t came = calls > f->from ? calls - f->from : 0;
    if (calls < f->to) status = unused(lane, f, came, calls, err);
  }
  return status;
}
