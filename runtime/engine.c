/* Engines: a loop and a journal that carry runs, each a task; and what every part of a run needs.
 */
#include "run.h"

#include <signal.h>

#include "digest.h"

struct engine *engine_new(const struct engine_config *config) {
  struct engine *g = mem_zalloc(sizeof *g);
  g->config = *config;
  g->tasks = tasks_new(config->clock);
  tasks_on_turn(g->tasks, engine_turn, g);
  return g;
}

void engine_free(struct engine *g) {
  if (!g) return;
  tasks_free(g->tasks);
  error_release(&g->journal_error);
  mem_free(g);
}

struct tasks *engine_tasks(struct engine *g) {
  return g->tasks;
}

/* --- what parts of a run share --- */

enum status run_eval(struct run *run, node_id n, value *out, struct error *err) {
  enum status status = eval_node(&run->eval, n, out);
  if (status != OK && err != &run->err) error_move(err, &run->err);
  return status;
}

enum status run_call_block(struct run *run, node_id block, value *out, struct error *err) {
  enum status status = eval_block(&run->eval, block, NULL, 0, out);
  if (status != OK && err != &run->err) error_move(err, &run->err);
  return status;
}

enum status run_text(struct run *run, node_id n, char **out, struct error *err) {
  struct buf text = {.max = 1 << 20};
  if (n) {
    value v;
    enum status status = run_eval(run, n, &v, err);
    if (status != OK) return status;
    value_to_s(v, run->program->syms, &text);
    value_unref(v);
  }
  *out = buf_take(&text);
  return OK;
}

enum status run_duration(struct run *run, node_id n, int64_t otherwise, int64_t *out,
                         struct error *err) {
  *out = otherwise;
  if (!n) return OK;
  value v;
  enum status status = run_eval(run, n, &v, err);
  if (status != OK) return status;
  if (v.tag == V_DURATION && v.u.i >= 0) {
    *out = v.u.i;
    return OK;
  }
  status = error_set(err, ERR_TYPE, "this is %s where a duration is wanted",
                     v.tag == V_DURATION ? "a negative duration" : value_type_name(v));
  error_help(err, "write for example 30.seconds or 2.hours");
  error_at(err, tree_span(run->eval.tree, n));
  value_unref(v);
  return status;
}

bool actor_is(const char *actor, const char *name) {
  size_t n = strcspn(actor, "@");
  return strcspn(name, "@") == n && strncasecmp(actor, name, n) == 0;
}

static enum status hook_poll(void *ud, struct eval *e) {
  struct run *run = ud;
  return task_poll(run->engine->tasks, e->err);
}

static int64_t hook_now(void *ud) {
  struct run *run = ud;
  return clock_wall(run->engine->config.clock);
}

const struct eval_hooks run_hooks = {
    .action = action_call, .statement = run_statement, .poll = hook_poll, .now = hook_now};

/* --- starting --- */

/* The start's time in UTC and four random characters: sorts by time, can be typed and told apart.
 */
static void run_name(struct run *run) {
  static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";
  unsigned char random[4];
  time_t now = (time_t)(clock_wall(run->engine->config.clock) / US_SECOND);
  struct tm tm;
  gmtime_r(&now, &tm);
  size_t n = strftime(run->id, sizeof run->id, "%Y%m%d-%H%M%S-", &tm);
  random_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++)
    run->id[n + i] = letters[random[i] % (sizeof letters - 1)];
  run->id[n + sizeof random] = '\0';
}

static void stop_runs(void *ud, int signum) {
  struct engine *g = ud;
  for (struct run *run = g->runs; run; run = run->next) {
    const char *what = run->rolling_back
                           ? "a rollback is under way and is finished first"
                           : "stopping at the next safe place; what is under way is finished first";
    if (signum == SIGHUP) run->parked |= !run->rolling_back;
    else run->result->interrupted |= !run->rolling_back;
    run_notice(run, &(struct notice){.kind = NOTICE_INTERRUPTED,
                                     .text = signum == SIGINT   ? "interrupted"
                                             : signum == SIGHUP ? "the terminal is gone"
                                                                : "told to stop",
                                     .detail = what});
    task_cancel(run->task);
  }
}

static void run_release(struct run *run) {
  while (run->armed) {
    struct step_run *s = run->armed;
    run->armed = s->before;
    step_run_free(s);
  }
  run_unlock(run);
  eval_log_close(&run->eval);
  eval_release(&run->eval);
  error_release(&run->err);
  mem_free(run->stop_reason);
  spare_release(run);
  buf_release(&run->unproven);
  buf_release(&run->item_key);
}

void engine_run(struct engine *g, struct program *program, const struct run_options *options,
                struct run_result *out) {
  *out = (struct run_result){0};
  struct run run = {.engine = g,
                    .program = program,
                    .plan = program->plan,
                    .options = options,
                    .result = out,
                    .lock_fd = -1,
                    .spare_fd = -1};
  run_name(&run);
  memcpy(out->id, run.id, sizeof out->id);
  eval_init(&run.eval, program, &run.plan->unit, &run_hooks, &run, &run.err);
  eval_log_open(&run.eval, &run.log);
  g->runs = &run;
  tasks_on_signal(g->tasks, stop_runs, g);
  run.task = task_spawn(g->tasks, run_main, &run);
  tasks_run(g->tasks);
  task_release(run.task);
  g->runs = NULL;
  run_release(&run);
}
