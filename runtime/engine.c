/* Engines: a loop and a journal that carry runs, each a task; and what every part of a run needs.
 */
#include "run.h"

#include "digest.h"
#include "family.h"
#include "watch_journal.h"

struct engine *engine_new(const struct engine_config *config) {
  struct engine *g = mem_zalloc(sizeof *g);
  g->config = *config;
  g->tasks = tasks_new(config->clock);
  g->secrets = config->secrets ? config->secrets : secrets_new();
  g->owners = config->owners ? config->owners : owners_new(journal_base(config->journal));
  tasks_on_turn(g->tasks, engine_turn, g);
  watch_begin(g);
  return g;
}

void engine_free(struct engine *g) {
  if (!g) return;
  tasks_free(g->tasks);
  if (g->owners != g->config.owners) owners_free(g->owners);
  if (g->secrets != g->config.secrets) secrets_free(g->secrets);
  error_release(&g->journal_error);
  announce_release(&g->announce);
  mem_free(g);
}

struct tasks *engine_tasks(struct engine *g) {
  return g->tasks;
}

struct secrets *engine_secrets(struct engine *g) {
  return g->secrets;
}

struct owners *engine_owners(struct engine *g) {
  return g->owners;
}

void engine_on_signal(struct engine *g, void (*fn)(void *ud, int signum), void *ud) {
  g->on_signal = fn;
  g->signal_ud = ud;
  tasks_on_signal(g->tasks, signal_came, g);
}

/* --- what parts of a run share --- */

enum status run_eval(struct lane *lane, node_id n, value *out, struct error *err) {
  enum status status = eval_node(&lane->eval, n, out);
  if (status != OK && err != &lane->err) error_move(err, &lane->err);
  return status;
}

enum status run_call_block(struct lane *lane, node_id block, value *out, struct error *err) {
  enum status status = eval_block(&lane->eval, block, NULL, 0, out);
  if (status != OK && err != &lane->err) error_move(err, &lane->err);
  return status;
}

/* What is written down and shown as one text has an end, and says so. */
static void cut_text(struct buf *text) {
  enum { MOST = 1 << 20, KEPT = 64 << 10 };
  size_t len = text->len, at = KEPT;
  if (len <= MOST) return;
  while (((unsigned char)text->data[at] & 0xC0) == 0x80)
    at--;
  buf_truncate(text, at);
  buf_addf(text, "... %.1f MiB, cut here", (double)len / MOST);
}

enum status run_text(struct lane *lane, node_id n, char **out, struct error *err) {
  struct buf text = BUF_INIT;
  if (n) {
    value v;
    enum status status = run_eval(lane, n, &v, err);
    if (status != OK) return status;
    value_to_s(v, lane->run->program->syms, &text);
    value_unref(v);
    redact_text(lane->run->engine->secrets, &text); /* before a part of a secret is cut off */
    cut_text(&text);
  }
  *out = buf_take(&text);
  return OK;
}

enum status run_duration(struct lane *lane, node_id n, int64_t otherwise, int64_t *out,
                         struct error *err) {
  *out = otherwise;
  if (!n) return OK;
  value v;
  enum status status = run_eval(lane, n, &v, err);
  if (status != OK) return status;
  if (v.tag == V_DURATION && v.u.i >= 0) {
    *out = v.u.i;
    return OK;
  }
  status = error_set(err, ERR_TYPE, "this is %s where a duration is wanted",
                     v.tag == V_DURATION ? "a negative duration" : value_type_name(v));
  error_help(err, "write for example 30.seconds or 2.hours");
  error_at(err, tree_span(lane->eval.tree, n));
  value_unref(v);
  return status;
}

enum status file_duration(struct lane *lane, uint32_t file, node_id n, int64_t *out,
                          struct error *err) {
  struct tree *tree = lane->eval.tree;
  lane->eval.tree = lane->run->program->trees[file];
  enum status status = run_duration(lane, n, 0, out, err);
  lane->eval.tree = tree;
  return status;
}

enum status run_driver(const struct run *run, const struct binding *b, const struct driver **out,
                       struct error *err) {
  if (run->drill) return drill_driver(run->program, b, out, err);
  return site_driver(run->site, run->program, b, out, err);
}

enum status run_settings(struct run *run, const struct driver *d, value *out, struct error *err) {
  const struct secret_reach reach = {run->engine->tasks, run->engine->secrets};
  return driver_settings(&run->settings, run->drill ? NULL : run->site, run->drill, &reach,
                         run->program, d, out, err);
}

const char *run_state_dir(const struct run *run) {
  return run->drill ? drill_dir(run->drill) : run->engine->config.state_dir;
}

bool actor_is(const char *actor, const char *name) {
  size_t n = strcspn(actor, "@");
  return strcspn(name, "@") == n && strncasecmp(actor, name, n) == 0;
}

static enum status hook_poll(void *ud, struct eval *e) {
  struct lane *lane = ud;
  return replaying(lane) ? OK : task_poll(lane->run->engine->tasks, e->err);
}

static int64_t hook_now(void *ud) {
  return replay_clock(ud);
}

static int64_t hook_offset(void *ud, int64_t us) {
  struct lane *lane = ud;
  return site_offset(lane->run->site, us);
}

static const struct secrets *hook_secrets(void *ud) {
  struct lane *lane = ud;
  return lane->run->engine->secrets;
}

const struct eval_hooks run_hooks = {.action = action_call,
                                     .statement = run_statement,
                                     .poll = hook_poll,
                                     .now = hook_now,
                                     .offset = hook_offset,
                                     .secrets = hook_secrets};

/* --- runs --- */

/* The start's time in UTC and random characters: sorts by time, can be typed and told apart. A drill
 * says what it is. */
static void run_name(struct run *run) {
  static const char letters[] = "23456789abcdefghjkmnpqrstuvwxyz";
  unsigned char random[6];
  time_t now = (time_t)(clock_wall(run->engine->config.clock) / US_SECOND);
  struct tm tm;
  gmtime_r(&now, &tm);
  size_t n = strftime(run->id, sizeof run->id, "%Y%m%d-%H%M%S-", &tm);
  random_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++)
    run->id[n + i] = letters[random[i] % (sizeof letters - 1)];
  snprintf(run->id + n + sizeof random, sizeof run->id - n - sizeof random, "%s",
           run->drill ? RUN_DRILL : "");
}

void run_free(struct run *run) {
  resumed_free(run);
  if (run->first_seq) owner_drop(run->engine->owners, run->first_seq);
  while (run->armed) {
    struct step_run *s = run->armed;
    run->armed = s->before;
    step_run_free(s);
  }
  mem_free(run->undo_to);
  mem_free(run->lock);
  mem_free(run->cancel.by);
  mem_free(run->cancel.reason);
  driver_settings_free(&run->settings);
  mem_free(run->used);
  for (struct lane *lane = run->lanes, *next; lane; lane = next) {
    next = lane->next;
    lane_release(lane);
    if (lane != &run->main) mem_free(lane);
  }
  spare_release(run);
  buf_release(&run->unproven);
  buf_release(&run->practice);
  family_unref(run->family);
  drill_unref(run->drill);
  mem_free(run);
}

static void run_task(void *arg) {
  struct run *run = arg, **at = &run->engine->runs;
  const struct run_options *options = run->options;
  struct run_result *result = run->result;
  run_main(&run->main);
  redact_error(run->engine->secrets, &result->error);
  leases_release(run);
  while (*at != run)
    at = &(*at)->next;
  *at = run->next;
  run->engine->lanes--;
  leave_forget(run->engine);
  if (run->child) {
    child_over(run->child); /* it frees the run, or keeps it */
    return;
  }
  run_free(run);
  if (options->ended) options->ended(options->ud, result);
}

struct run *run_new(struct engine *g, struct program *program, const struct run_options *options,
                    const struct eval_hooks *hooks, struct run_result *out) {
  struct run *run = mem_zalloc(sizeof *run);
  *out = (struct run_result){0};
  *run = (struct run){.engine = g,
                      .program = program,
                      .plan = program->plan,
                      .options = options,
                      .site = options->site ? options->site : g->config.site,
                      .drill = drill_ref(options->drill),
                      .result = out,
                      .spare_fd = -1};
  run_name(run);
  if (options->resume) {
    run->history = options->resume->history;
    run->first_seq = run->history->first_seq;
    memcpy(run->id, run->history->run, sizeof run->id);
  }
  memcpy(out->id, run->id, sizeof out->id);
  if (run->drill) drill_home(run->drill, g->config.state_dir, run->id);
  run->lanes = &run->main;
  run->main.run = run;
  eval_init(&run->main.eval, program, &run->plan->unit, hooks, &run->main, &run->main.err);
  eval_log_open(&run->main.eval, &run->main.log, false);
  return run;
}

void run_spawn(struct run *run) {
  struct engine *g = run->engine;
  if (!g->runs) tasks_on_signal(g->tasks, signal_came, g);
  run->next = g->runs;
  g->runs = run;
  g->lanes++;
  run->main.task = task_spawn(g->tasks, run_task, run);
}

void engine_start(struct engine *g, struct program *program, const struct run_options *options,
                  struct run_result *out) {
  run_spawn(run_new(g, program, options, &run_hooks, out));
}

void engine_wait(struct engine *g) {
  tasks_run(g->tasks);
}

void engine_run(struct engine *g, struct program *program, const struct run_options *options,
                struct run_result *out) {
  engine_start(g, program, options, out);
  engine_wait(g);
}
