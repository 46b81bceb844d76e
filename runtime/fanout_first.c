/* What an action with `each:` names as `first:`: done before the batch begins, again before it goes on,
 * and with `every:` again and again while it is under way. Who opted out meanwhile is known then. */
#include "fanout.h"

#include "../lang/limits.h"
#include "text.h"

static enum status default_of(struct lane *lane, const struct field *f, value *out,
                              struct error *err) {
  struct eval *e = &lane->eval;
  *out = VALUE_NIL;
  if (!f->default_value || field_default(e, f, out) == OK) return OK;
  if (err != e->err) error_move(err, e->err);
  return err->status;
}

static void not_known(const struct fanout *f, const struct action_run *c, const char *when,
                      struct error *err) {
  struct buf b = BUF_INIT;
  action_text(c, &b);
  buf_addf(&b, ", %s ", *when == 'w' ? "while" : "before");
  action_text(f->call, &b);
  buf_addf(&b, " %s: %s", when, err->message);
  mem_free(err->message);
  err->message = buf_take(&b);
}

/* As any write: not interrupted half-way, while its time limit holds. */
static enum status perform(struct fanout *f, struct action_run *c, struct error *err) {
  value out = VALUE_NIL;
  int64_t before = task_shield(f->tasks);
  task_deadline_push(f->tasks, before);
  enum status status = action_perform(c, &out, err);
  task_unshield(f->tasks, before);
  if (status == OK) value_unref(out);
  return status;
}

/* when: as the message of a failure says it. */
static enum status first_do(struct fanout *f, const char *when, struct error *err) {
  const struct action *first = f->call->action->first;
  struct action_run c = *f->call;
  enum status status = OK;
  value *args = mem_array(first->take_count + 1, sizeof *args);
  size_t made = 0;
  for (; status == OK && made < first->take_count; made++)
    status = default_of(c.lane, &first->takes[made], &args[made], err);
  c.action = first;
  c.perform = &c.driver->performs[first - first->binding->actions];
  c.args = args;
  c.writing = c.unsure = false;
  if (status == OK) status = perform(f, &c, err);
  if (status != OK) not_known(f, &c, when, err);
  for (size_t i = 0; i < made; i++)
    value_unref(args[i]);
  mem_free(args);
  return status;
}

enum status fanout_first(struct fanout *f, struct error *err) {
  if (!f->call->action->first || fanout_done(f) == (int64_t)f->count) return OK;
  return first_do(f, f->again ? "goes on" : "begins", err);
}

/* What ended it ends the batch, which says so itself. */
static bool is_cut(const struct error *problem) {
  return problem->status == ERR_CANCELLED || strcmp(problem->kind, "limit") == 0;
}

static bool is_passing(const struct error *problem) {
  return strcmp(problem->kind, "transient") == 0;
}

/* Not for ever. */
static bool may_pass(struct fanout *f, const struct error *problem) {
  return is_passing(problem) && ++f->heed_failed < LIMIT_TRIES;
}

static void becomes_problem(struct fanout *f, struct error *problem) {
  error_move(&f->problem, problem);
  f->problem_item = SIZE_MAX;
}

/* One that may pass is told as why the batch stays paused, and done again with the next look. Where it is
 * done every so often, that counts for how long. */
bool fanout_let_go(struct fanout *f) {
  struct error err = {0};
  int64_t until = clock_add(clock_mono(f->clock), LIMIT_ADMIT_EVERY);
  if (!f->call->action->first || first_do(f, "goes on", &err) == OK) {
    f->holding = f->unheeded = false;
    f->heed_failed = 0;
    return true;
  }
  if (is_cut(&err)) {
    f->pause_until = until;
  } else if (f->heed ? is_passing(&err) : may_pass(f, &err)) {
    buf_clear(&f->held_why);
    buf_adds(&f->held_why, err.message);
    hold_all(f, until);
  } else becomes_problem(f, &err);
  error_release(&err);
  return false;
}

/* --- while it is under way --- */

/* One that may pass is told, and the next time comes. */
static bool passes(struct fanout *f, const struct error *problem) {
  if (!may_pass(f, problem)) return false;
  struct buf b = BUF_INIT;
  char length[32];
  took_text(f->every, length);
  buf_addf(&b, "%s; again in %s", problem->message, length);
  run_notice(f->call->lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&b)});
  buf_release(&b);
  return true;
}

/* A task of its own, so that it holds up nobody. */
static void heed_main(void *arg) {
  struct fanout *f = arg;
  struct error err = {0};
  while (task_sleep(f->tasks, f->every, &err) == OK && f->problem.status == OK) {
    if (first_do(f, "was under way", &err) == OK) f->heed_failed = 0;
    else if (!passes(f, &err)) break;
    error_release(&err);
  }
  if (err.status != OK && !is_cut(&err) && f->heed && f->problem.status == OK) {
    becomes_problem(f, &err);
    task_wake(f->task);
  }
  error_release(&err);
}

enum status fanout_heed(struct fanout *f, struct error *err) {
  const struct action *a = f->call->action;
  if (!a->first || !a->every) return OK;
  enum status status = file_duration(f->call->lane, a->file, a->every, &f->every, err);
  if (f->every < US_SECOND) f->every = US_SECOND;
  if (status != OK) return status;
  f->heed = task_spawn(f->tasks, heed_main, f);
  task_limit(f->heed, task_deadline(f->tasks));
  return OK;
}

void fanout_heed_end(struct fanout *f) {
  struct error err = {0};
  struct task *task = f->heed;
  if (!task) return;
  f->heed = NULL; /* what it fails of from here on keeps nothing from being sent */
  int64_t before = task_shield(f->tasks);
  task_cancel(task);
  if (task_wait(f->tasks, task, &err) != OK) error_release(&err);
  task_unshield(f->tasks, before);
}
