/* Calls of actions in a plan: writes are noted and give what is unknown, reads are performed while
 * their answer still means something. */
#include "codec.h"
#include "fanout.h"
#include "text.h"
#include "dry_own.h"

/* --- bindings that are written through --- */

static void stale_add(struct dry *d, const char *binding, const char *step) {
  struct dry_total *t = d->total;
  for (size_t i = 0; i < t->stale_count; i++)
    if (t->stale[i].step && strcmp(t->stale[i].binding, binding) == 0) return;
  t->stale = mem_grow(t->stale, t->stale_count, &t->stale_cap, sizeof *t->stale);
  t->stale[t->stale_count++] = (struct stale){mem_strdup(binding), step ? mem_strdup(step) : NULL};
}

static bool writes_through(void *ud, node_id id) {
  struct dry *d = ud;
  const struct node *n = tree_node(d->e->tree, id);
  if (n->kind != N_call || n->x != CALL_ACTION) return false;
  const struct action *a = program_action(d->run->program, d->e->tree, n);
  if (a && a->effect == EFFECT_WRITE)
    stale_add(d, sym_text(d->run->program->syms, a->binding->name), NULL);
  return false;
}

void stale_beside(struct dry *d, node_id n) {
  tree_walk(d->e->tree, n, writes_through, d);
}

void stale_forget(struct dry *d, size_t from) {
  struct dry_total *t = d->total;
  size_t kept = from;
  for (size_t i = from; i < t->stale_count; i++) {
    if (t->stale[i].step) t->stale[kept++] = t->stale[i];
    else mem_free(t->stale[i].binding);
  }
  t->stale_count = kept;
}

/* --- reads --- */

static enum status driver_ready(struct dry *d, const struct action *action,
                                const struct driver **driver, value *setting, struct error *err) {
  *driver = NULL;
  enum status status = run_driver(d->run, action->binding, driver, err);
  if (status != OK) return status;
  return run_settings(d->run, *driver, setting, err);
}

/* Why the read is not performed; "" when it is. */
static void why_not(struct dry *d, const struct action *action, const value *args,
                    struct buf *out) {
  const struct dry_total *t = d->total;
  const char *binding = sym_text(d->run->program->syms, action->binding->name);
  if (d->undo) buf_adds(out, "in the rollback");
  else if (d->options->offline) buf_adds(out, "--offline");
  if (out->len) return;
  for (size_t i = 0; i < action->take_count; i++)
    if (value_has_unknown(args[i])) {
      buf_addf(out, "%s is unknown", sym_text(d->run->program->syms, action->takes[i].name));
      return;
    }
  for (size_t i = 0; i < t->stale_count; i++)
    if (strcmp(t->stale[i].binding, binding) == 0) {
      if (t->stale[i].step) buf_addf(out, "after a change of %s in %s", binding, t->stale[i].step);
      else buf_addf(out, "%s is changed beside this", binding);
      return;
    }
  const struct driver *driver;
  value setting;
  struct error err = {0};
  if (driver_ready(d, action, &driver, &setting, &err) != OK)
    buf_adds(out, driver ? "its driver cannot be used" : "no driver serves it");
  error_release(&err);
}

static enum status read_now(struct dry *d, const struct action *action, const value *args,
                            value *out, struct error *err) {
  const struct engine *g = d->run->engine;
  struct driver_call c = {.program = d->run->program,
                          .action = action,
                          .key = "",
                          .zone = d->run->site ? d->run->site->timezone : NULL,
                          .state_dir = run_state_dir(d->run),
                          .tasks = g->tasks,
                          .secrets = g->secrets,
                          .clock = g->config.clock,
                          .planning = true,
                          .now = d->now};
  driver_learn_args(g->secrets, d->run->program, action, args);
  enum status status = driver_ready(d, action, &c.driver, &c.setting, err);
  if (status != OK) return status;
  const struct perform *p = &c.driver->performs[action - action->binding->actions];
  int64_t until = clock_add(clock_mono(g->config.clock), LIMIT_PLAN_READ);
  int64_t before = task_deadline_push(g->tasks, until);
  status = driver_perform(&c, p, args, out, err);
  task_deadline_restore(g->tasks, before);
  return status;
}

/* A failure of the read is one of the step, told and gone on from; an interruption ends the plan.
 */
static enum status read_action(struct dry *d, const struct action *action, const value *args,
                               struct dry_line *line, value *out) {
  struct buf why = BUF_INIT;
  struct error err = {0};
  why_not(d, action, args, &why);
  if (why.len) {
    line->truth = DRY_OPEN;
    line->detail = buf_take(&why);
    *out = value_unknown();
    return OK;
  }
  enum status status = read_now(d, action, args, out, &err);
  if (status == OK) {
    struct buf json = {.max = DRY_VALUE_MAX};
    json_write(*out, d->run->program->syms, true, &json);
    line->truth = DRY_HOLDS;
    if (json.overflow) buf_release(&json);
    else line->result = buf_take(&json);
    return OK;
  }
  if (status == ERR_CANCELLED) {
    error_move(d->e->err, &err);
    return status;
  }
  line->truth = DRY_HOLDS_NOT;
  line->detail = mem_strdup(err.message ? err.message : "failed");
  dry_fails(d, line->detail);
  error_release(&err);
  *out = value_unknown();
  return OK;
}

/* --- the call --- */

static value result_unknown(const struct action *action) {
  bool nothing = !action->give_count && action->result == T_nil;
  return nothing ? VALUE_NIL : value_unknown();
}

static void args_take(struct dry *d, const struct action *action, node_id call, const value *args,
                      const bool *given, struct dry_line *line) {
  const struct tree *t = d->e->tree;
  const struct node *n = tree_node(t, call);
  for (size_t i = 0; i < action->take_count; i++) {
    sym name = action->takes[i].name;
    node_id expr = call_keyword(t, n, name);
    if (!expr) expr = call_arg(t, n, i);
    if (args[i].tag != V_NIL)
      dry_arg(d, line, sym_text(d->run->program->syms, name), args[i], expr, given[i]);
  }
}

/* How long lasts what the action creates, when the run is no more. */
static char *lease_text(struct dry *d, const struct action *action) {
  struct buf text = BUF_INIT;
  struct tree *tree = d->e->tree;
  d->e->tree = d->run->program->trees[action->file];
  dry_duration(d, action->lease, 0, &text);
  d->e->tree = tree;
  buf_adds(&text, ", renewed while the run lives");
  return buf_take(&text);
}

/* Of a long list people are told how it begins; --json has it whole. */
static void list_cut(struct dry *d, const struct action *action, const struct list *list,
                     struct dry_line *line) {
  enum { SHOWN = 3 };
  const char *name = sym_text(d->run->program->syms, action->each->name);
  for (size_t i = 0; i < line->arg_count && list->count > SHOWN; i++) {
    struct buf b = BUF_INIT;
    if (strcmp(line->args[i].name, name) != 0) continue;
    for (size_t k = 0; k < SHOWN; k++) {
      buf_adds(&b, k ? ", " : "[");
      value_inspect(list->items[k], d->run->program->syms, &b);
    }
    buf_adds(&b, ", ...]");
    mem_free(line->args[i].text);
    line->args[i].text = buf_take(&b);
  }
}

/* How many, how fast, how long it takes, how many there may be. */
static void batch_look(struct dry *d, const struct action *action, const value *args,
                       struct dry_line *line) {
  value list = args[action->each - action->takes], setting = VALUE_NIL;
  value rate = action->rate ? args[action->rate - action->takes] : VALUE_NIL;
  const struct driver *driver;
  struct error err = {0};
  struct buf b = BUF_INIT;
  char took[32];
  if (driver_ready(d, action, &driver, &setting, &err) != OK) setting = VALUE_NIL;
  error_release(&err);
  int64_t ceiling = fanout_ceiling(setting), n = list.tag == V_ARRAY ? (int64_t)value_array(list)->count : -1;
  if (n >= 0) count_text(n, &b);
  buf_adds(&b, n >= 0 ? " items" : "nobody knows how many items");
  if (rate.tag == V_INT) buf_adds(&b, ", "), count_text(rate.u.i, &b), buf_adds(&b, " a second");
  if (rate.tag == V_INT && rate.u.i > 0 && n > 1) {
    took_text((n - 1) * US_SECOND / rate.u.i, took);
    buf_addf(&b, ": about %s", took);
  }
  buf_adds(&b, n > ceiling ? ", and at most " : "; at most ");
  count_text(ceiling, &b);
  buf_adds(&b, n > ceiling ? " may be sent" : "");
  line->detail = buf_take(&b);
  line->batch = true;
  if (n >= 0) list_cut(d, action, value_array(list), line);
  if (n > ceiling) dry_fails(d, line->detail);
}

static void practice_look(struct dry *d, const struct action *action) {
  const struct driver *driver;
  struct error err = {0};
  if (d->run->drill) return;
  if (run_driver(d->run, action->binding, &driver, &err) == OK)
    driver_practice_add(d->run->program, driver, &d->total->practice);
  error_release(&err);
}

static void write_action(struct dry *d, const struct action *action, const struct dry_line *line) {
  struct dry_step *s = d->at;
  if (d->undo) return;
  practice_look(d, action);
  s->writes++;
  s->certain += !d->maybe;
  dry_wrote(d);
  stale_add(d, sym_text(d->run->program->syms, action->binding->name), s->id);
  dry_change(d, line);
}

enum status dry_action(void *ud, struct eval *e, const struct action *action, node_id call,
                       const value *args, const bool *given, value *out) {
  struct dry *d = ud;
  const struct symtab *syms = d->run->program->syms;
  bool writes = action->effect == EFFECT_WRITE;
  struct buf name = BUF_INIT;
  (void)e;
  *out = result_unknown(action);
  if (d->quiet || !d->at) return OK;
  buf_addf(&name, "%s.%s", sym_text(syms, action->binding->name), sym_text(syms, action->name));
  struct dry_line *line = dry_line(d, writes ? DRY_WRITE : DRY_READ, buf_take(&name));
  args_take(d, action, call, args, given, line);
  if (!writes) return read_action(d, action, args, line, out);
  if (action->lease) line->detail = lease_text(d, action);
  if (action->each) batch_look(d, action, args, line);
  write_action(d, action, line);
  return OK;
}
