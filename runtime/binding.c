/* Calls of actions: the one door to the world, and the one place for its rules.
 *
 * The intent of a write is on disk before its driver runs, the result is checked against what the
 * action gives, and the outcome is journalled before anything that depends on it. Drivers are
 * evaluated here, with primitives at hand that no runbook can reach. */
#include "run.h"

#include <errno.h>
#include <sys/stat.h>

#include "codec.h"
#include "digest.h"
#include "primitive.h"

/* One call under way: what the driver's hooks see. */
struct action_run {
  struct lane *lane;
  const struct action *action;
  const struct driver *driver;
  uint32_t ordinal;
  char key[65];
  bool writing; /* a primitive that writes was reached */
};

const struct driver *driver_for(const struct binding *b) {
  for (const struct driver *d = b->drivers; d; d = d->next)
    if (d->is_default) return d;
  return b->drivers && !b->drivers->next ? b->drivers : NULL;
}

static const char *text_of(const struct lane *lane, sym s) {
  return sym_text(lane->run->program->syms, s);
}

/* H(lane, step id with the item's key, call ordinal): the same over attempts. Each part ends in a
 * zero byte, so that no two differ only in where one part ends. */
static void key_make(struct lane *lane, uint32_t ordinal, char out[65]) {
  struct buf b = BUF_INIT;
  buf_adds(&b, lane->run->id);
  buf_addc(&b, 0);
  buf_adds(&b, lane->at ? lane->at->id : "on_failure");
  buf_addc(&b, 0);
  if (lane->at && lane->at->rolling_back) buf_adds(&b, "rollback");
  buf_addf(&b, "%c%u", 0, ordinal);
  sha256_hex_of(b.data, b.len, out);
  buf_release(&b);
}

/* --- intent and outcome --- */

static void record_args(struct record *r, const struct lane *lane, const struct action *action,
                        const value *args) {
  struct record in = {0};
  for (size_t i = 0; i < action->take_count; i++)
    if (args[i].tag != V_NIL)
      record_value(&in, text_of(lane, action->takes[i].name), args[i], lane->run->program->syms);
  buf_adds(&in.data, in.data.len ? "}" : "{}");
  record_raw(r, "args", buf_str(&in.data));
  buf_release(&in.data);
}

static void record_call(struct record *r, const struct action_run *c) {
  record_text(r, "binding", text_of(c->lane, c->action->binding->name));
  record_text(r, "action", text_of(c->lane, c->action->name));
  record_int(r, "call", c->ordinal);
  if (c->lane->at && c->lane->at->rolling_back) record_bool(r, "rollback", true);
}

/* A step is armed with its first intent: a half-done step is rolled back too. */
static enum status arm(struct lane *lane, struct error *err) {
  struct step_run *s = lane->at;
  lane->run->wrote = true;
  if (!s || s->armed || lane->run->rolling_back || lane->run->in_handler) return OK;
  s->armed = true;
  s->before = lane->run->armed;
  lane->run->armed = s;
  return s->step->rollback ? run_record(lane, EVENT_NAME(STEP_ARMED), NULL, err) : OK;
}

static enum status intent(struct action_run *c, const value *args, struct error *err) {
  struct lane *lane = c->lane;
  struct record r = {0};
  bool write = c->action->effect == EFFECT_WRITE;
  enum status status = write ? arm(lane, err) : OK;
  if (status != OK) return status;
  record_call(&r, c);
  record_text(&r, "effect", write ? "write" : "read");
  record_args(&r, lane, c->action, args);
  record_text(&r, "driver", text_of(lane, c->driver->name));
  if (write) record_text(&r, "key", c->key);
  if (lane->at) record_int(&r, "attempt", lane->at->attempt);
  status = run_record(lane, EVENT_NAME(ACTION_STARTED), &r, err);
  return status == OK && write ? run_sync(lane, err) : status;
}

static enum status outcome(struct action_run *c, value result, const struct error *problem,
                           int64_t us, struct error *err) {
  struct record r = {0};
  record_call(&r, c);
  if (problem) record_error(&r, "error", problem, c->lane->run->program);
  else record_value(&r, "result", result, c->lane->run->program->syms);
  record_int(&r, "duration_us", us);
  return run_record(c->lane, EVENT_NAME(ACTION_FINISHED), &r, err);
}

static void tell(const struct action_run *c, enum notice_kind kind, int64_t us,
                 const struct error *e) {
  struct buf name = BUF_INIT;
  if (c->action->effect != EFFECT_WRITE) return;
  buf_addf(&name, "%s.%s", text_of(c->lane, c->action->binding->name),
           text_of(c->lane, c->action->name));
  run_notice(c->lane, &(struct notice){.kind = kind, .text = buf_str(&name), .us = us, .error = e});
  buf_release(&name);
}

/* --- arguments and results --- */

static enum status field_problem(const struct action_run *c, const char *what, sym name,
                                 struct error *inner, struct error *err) {
  error_set(err, ERR_VALUE, "%s.%s: %s %s: %s", text_of(c->lane, c->action->binding->name),
            text_of(c->lane, c->action->name), what, text_of(c->lane, name),
            inner->message ? inner->message : "bad value");
  error_kind(err, "validation");
  error_release(inner);
  return ERR_VALUE;
}

/* A driver answers with a hash; the runbook gets a record of what the action gives. */
static bool result_field(const struct lane *lane, value from, sym name, value *out) {
  if (from.tag == V_RECORD) return record_get(from, name, out);
  if (from.tag != V_HASH) return false;
  if (dict_get(value_dict(from), value_symbol(name), out)) return true;
  value key = value_string(text_of(lane, name), sym_len(lane->run->program->syms, name));
  bool found = dict_get(value_dict(from), key, out);
  value_unref(key);
  return found;
}

static enum status result_record(struct action_run *c, struct eval *e, value in, value *out,
                                 struct error *err) {
  struct dict *d = dict_new();
  enum status status = OK;
  for (size_t i = 0; status == OK && i < c->action->give_count; i++) {
    const struct field *f = &c->action->gives[i];
    struct error inner = {0};
    value v = VALUE_NIL, checked = VALUE_NIL;
    bool found = result_field(c->lane, in, f->name, &v);
    if (!found && !f->optional) {
      error_set(&inner, ERR_VALUE, "missing in what driver %s answered",
                text_of(c->lane, c->driver->name));
      status = field_problem(c, "result", f->name, &inner, err);
    } else if (found && !(v.tag == V_NIL && f->optional) &&
               field_check(e, f, v, false, &checked, &inner) != OK) {
      status = field_problem(c, "result", f->name, &inner, err);
    }
    if (status == OK) dict_set(d, value_symbol(f->name), checked);
  }
  *out = value_record(d);
  if (status != OK) value_unref(*out);
  return status;
}

static enum status result_check(struct action_run *c, struct eval *e, value in, value *out,
                                struct error *err) {
  if (c->action->give_count) return result_record(c, e, in, out, err);
  if (c->action->result == T_nil) {
    *out = VALUE_NIL;
    return OK;
  }
  struct field f = {.type = c->action->result, .file = c->driver->performs[0].unit.file};
  struct error inner = {0};
  if (field_check(e, &f, in, false, out, &inner) == OK) return OK;
  error_set(err, ERR_VALUE, "%s.%s: what driver %s answered: %s",
            text_of(c->lane, c->action->binding->name), text_of(c->lane, c->action->name),
            text_of(c->lane, c->driver->name), inner.message);
  error_release(&inner);
  return ERR_VALUE;
}

/* --- the driver --- */

static enum status state_dir_make(const char *path, struct error *err) {
  if (mkdir(path, 0700) == 0 || errno == EEXIST) return OK;
  int why = errno;
  error_set(err, ERR_IO, "cannot make the directory %s: %s", path, strerror(why));
  error_help(err, "it holds what embedded drivers keep; it stands beside the journal (--journal)");
  return ERR_IO;
}

static enum status hook_primitive(void *ud, struct eval *e, const struct primitive_sig *sig,
                                  node_id call, const value *args, value *out) {
  struct action_run *c = ud;
  struct engine *g = c->lane->run->engine;
  const struct primitive *p = (const struct primitive *)(const void *)sig;
  (void)call;
  if (sig->effect == EFFECT_WRITE && c->action->effect != EFFECT_WRITE)
    return error_set(e->err, ERR_CHECK,
                     "%s.%s is declared as a read, but its driver calls %s.%s, which writes",
                     text_of(c->lane, c->action->binding->name), text_of(c->lane, c->action->name),
                     sig->group, sig->name);
  enum status status = state_dir_make(g->config.state_dir, e->err);
  if (status != OK) return status;
  c->writing |= sig->effect == EFFECT_WRITE;
  struct primitive_call pc = {.syms = c->lane->run->program->syms,
                              .key = c->action->effect == EFFECT_WRITE ? c->key : "",
                              .state_dir = g->config.state_dir,
                              .tasks = g->tasks};
  return p->fn(&pc, args, out, e->err);
}

/* Of the statements a driver has only fail!, which is the same word. */
static enum status hook_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  struct action_run *c = ud;
  const struct node *n = tree_node(e->tree, call);
  if (word != W_fail_bang || n->kind != N_call)
    return error_set(e->err, ERR_CHECK, "%s cannot stand in a driver", text_of(c->lane, word));
  struct buf text[2] = {BUF_INIT, BUF_INIT};
  enum status status = OK;
  int count = 0;
  for (node_id a; status == OK && count < 2 && (a = call_arg(e->tree, n, (size_t)count)); count++) {
    value v;
    status = eval_node(e, a, &v);
    if (status == OK) value_to_s(v, c->lane->run->program->syms, &text[count]), value_unref(v);
  }
  if (status == OK) {
    status = error_set(e->err, ERR_FAILED, "%s", buf_str(&text[count == 2]));
    error_kind(e->err, count == 2 ? buf_str(&text[0]) : "provider");
  }
  buf_release(&text[0]);
  buf_release(&text[1]);
  *out = VALUE_NIL;
  return status;
}

static enum status hook_action(void *ud, struct eval *e, const struct action *action, node_id call,
                               const value *args, const bool *given, value *out) {
  struct action_run *c = ud;
  (void)call, (void)args, (void)given, (void)out;
  return error_set(e->err, ERR_CHECK, "a driver cannot call %s.%s: drivers use primitives only",
                   text_of(c->lane, action->binding->name), text_of(c->lane, action->name));
}

static enum status hook_poll(void *ud, struct eval *e) {
  struct action_run *c = ud;
  return task_poll(c->lane->run->engine->tasks, e->err);
}

static int64_t hook_now(void *ud) {
  struct action_run *c = ud;
  return clock_wall(c->lane->run->engine->config.clock);
}

static const struct eval_hooks driver_hooks = {.action = hook_action,
                                               .statement = hook_statement,
                                               .primitive = hook_primitive,
                                               .poll = hook_poll,
                                               .now = hook_now};

/* The settings of a driver that no site configures: their defaults. */
static enum status settings_make(struct eval *e, const struct driver *d, value *out) {
  struct dict *s = dict_new();
  struct tree *tree = e->tree;
  enum status status = OK;
  for (size_t i = 0; status == OK && i < d->setting_count; i++) {
    value v = VALUE_NIL;
    if (d->settings[i].default_value) {
      e->tree = e->program->trees[d->settings[i].file];
      status = eval_node(e, d->settings[i].default_value, &v);
      e->tree = tree;
    }
    if (status == OK) dict_set(s, value_symbol(d->settings[i].name), v);
  }
  *out = value_record(s);
  return status;
}

static enum status perform(struct action_run *c, const struct perform *p, const value *args,
                           value *out, struct error *err) {
  struct eval e;
  struct dict *call = dict_new();
  struct error inner = {0};
  value answer = VALUE_NIL;
  eval_init(&e, c->lane->run->program, &p->unit, &driver_hooks, c, &inner);
  dict_set(call, value_symbol(W_key), value_cstr(c->key));
  e.call = value_record(call);
  enum status status = settings_make(&e, c->driver, &e.setting);
  for (uint32_t i = 0; i < p->unit.param_count && i < c->action->take_count; i++)
    eval_set_slot(&e, i, value_ref(args[i]));
  if (status == OK) status = eval_body(&e, p->unit.body, &answer);
  if (status == OK) {
    status = result_check(c, &e, answer, out, &inner);
    value_unref(answer);
  }
  value_unref(e.call);
  value_unref(e.setting);
  e.call = e.setting = VALUE_NIL;
  eval_release(&e);
  if (status != OK) {
    inner.status = status;
    /* What the world said is shown where the runbook called; a defect of the driver in the driver.
     */
    if (inner.kind[0]) inner.has_at = false;
    error_move(err, &inner);
  }
  error_release(&inner);
  return status;
}

/* --- the call --- */

static enum status driver_of(struct action_run *c, const struct perform **out, struct error *err) {
  const struct binding *b = c->action->binding;
  c->driver = driver_for(b);
  if (!c->driver)
    return error_set(err, ERR_NOT_FOUND, "no driver serves binding %s", text_of(c->lane, b->name));
  *out = &c->driver->performs[c->action - b->actions];
  return OK;
}

static void begin_write(struct action_run *c) {
  struct step_run *s = c->lane->at;
  if (s && c->action->repeat == REPEAT_UNSAFE) s->unsafe = true;
  if (s) s->writing = true;
  tell(c, NOTICE_ACTION, 0, NULL);
}

/* A write that was cut off by a limit may have happened: unless repeating is harmless, nobody
 * knows. */
static void mark_doubt(struct action_run *c, struct error *err) {
  struct step_run *s = c->lane->at;
  if (!s || !c->writing || c->action->repeat != REPEAT_UNSAFE) return;
  if (strcmp(err->kind, "limit") != 0) return;
  s->in_doubt = true;
  error_set(err, ERR_FAILED, "%s.%s was cut off by a time limit: whether it happened is not known",
            text_of(c->lane, c->action->binding->name), text_of(c->lane, c->action->name));
  error_kind(err, "in_doubt");
}

/* The driver of a write is not interrupted half-way; its time limit still holds. */
static enum status perform_shielded(struct action_run *c, const struct perform *p,
                                    const value *args, value *out, struct error *err) {
  struct tasks *tasks = c->lane->run->engine->tasks;
  if (c->action->effect != EFFECT_WRITE) return perform(c, p, args, out, err);
  int64_t before = task_shield(tasks);
  task_deadline_push(tasks, before);
  begin_write(c);
  enum status status = perform(c, p, args, out, err);
  task_unshield(tasks, before);
  return status;
}

/* Should the journal be lost before the next commit, people are told what it does not have. */
static void unproven(const struct action_run *c, bool done) {
  struct lane *lane = c->lane;
  if (c->action->effect != EFFECT_WRITE) return;
  buf_addf(&lane->run->unproven, "%s%s.%s", lane->run->unproven.len ? ", " : "",
           text_of(lane, c->action->binding->name), text_of(lane, c->action->name));
  buf_addf(&lane->run->unproven, " %s", done ? "(done" : "(failed");
  if (lane->at) buf_addf(&lane->run->unproven, ", step %s", lane->at->id);
  buf_addc(&lane->run->unproven, ')');
}

static enum status carry_out(struct action_run *c, const struct perform *p, const value *args,
                             value *out, struct error *err) {
  struct clock *clock = c->lane->run->engine->config.clock;
  struct error problem = {0}, second = {0};
  enum status status = intent(c, args, err);
  if (status != OK) return status;
  int64_t started = clock_mono(clock);
  status = perform_shielded(c, p, args, out, &problem);
  int64_t us = clock_mono(clock) - started;
  if (status != OK) mark_doubt(c, &problem);
  if (c->lane->at && !c->lane->run->in_handler && c->action->effect == EFFECT_WRITE)
    c->lane->at->did |= status == OK || strcmp(problem.kind, "limit") == 0 || c->lane->at->in_doubt;
  unproven(c, status == OK);
  tell(c, NOTICE_ACTION_DONE, us, status == OK ? NULL : &problem);
  enum status kept =
      outcome(c, status == OK ? *out : VALUE_NIL, status == OK ? NULL : &problem, us, &second);
  if (kept != OK) {
    if (status == OK) value_unref(*out);
    error_move(err, &second);
    error_release(&problem);
    return kept;
  }
  if (status != OK) error_move(err, &problem);
  return status;
}

/* The evaluator has checked the arguments against what the action takes. */
enum status action_call(void *ud, struct eval *e, const struct action *action, node_id call,
                        const value *args, const bool *given, value *out) {
  struct lane *lane = ud;
  struct action_run c = {.lane = lane, .action = action};
  const struct perform *p = NULL;
  struct error err = {0};
  (void)given;
  c.ordinal = lane->at ? ++lane->at->calls : ++lane->run->handler_calls;
  key_make(lane, c.ordinal, c.key);
  enum status status = task_poll(lane->run->engine->tasks, &err);
  if (status == OK) status = driver_of(&c, &p, &err);
  if (status == OK) status = carry_out(&c, p, args, out, &err);
  if (status != OK) {
    error_at(&err, tree_span(e->tree, call));
    error_move(e->err, &err);
  }
  return status;
}
