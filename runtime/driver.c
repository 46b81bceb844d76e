/* Drivers at work: the code that a perform block holds, with primitives at hand that no runbook can
 * reach, and the check of what it answers. */
#include "driver.h"

#include <errno.h>
#include <sys/stat.h>

#include "primitive.h"

static const char *text_of(const struct driver_call *c, sym s) {
  return sym_text(c->program->syms, s);
}

/* --- results --- */

static enum status field_problem(const struct driver_call *c, const char *what, sym name,
                                 struct error *inner, struct error *err) {
  error_set(err, ERR_VALUE, "%s.%s: %s %s: %s", text_of(c, c->action->binding->name),
            text_of(c, c->action->name), what, text_of(c, name),
            inner->message ? inner->message : "bad value");
  error_kind(err, "validation");
  error_release(inner);
  return ERR_VALUE;
}

/* A driver answers with a hash; the runbook gets a record of what the action gives. */
static bool result_field(const struct driver_call *c, value from, sym name, value *out) {
  if (from.tag == V_RECORD) return record_get(from, name, out);
  if (from.tag != V_HASH) return false;
  if (dict_get(value_dict(from), value_symbol(name), out)) return true;
  value key = value_string(text_of(c, name), sym_len(c->program->syms, name));
  bool found = dict_get(value_dict(from), key, out);
  value_unref(key);
  return found;
}

static enum status result_record(struct driver_call *c, struct eval *e, value in, value *out,
                                 struct error *err) {
  struct dict *d = dict_new();
  enum status status = OK;
  for (size_t i = 0; status == OK && i < c->action->give_count; i++) {
    const struct field *f = &c->action->gives[i];
    struct error inner = {0};
    value v = VALUE_NIL, checked = VALUE_NIL;
    bool found = result_field(c, in, f->name, &v);
    if (!found && !f->optional) {
      error_set(&inner, ERR_VALUE, "missing in what driver %s answered",
                text_of(c, c->driver->name));
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

static enum status result_check(struct driver_call *c, struct eval *e, value in, value *out,
                                struct error *err) {
  if (c->batch) return *out = value_ref(in), OK;
  if (c->action->give_count) return result_record(c, e, in, out, err);
  if (c->action->result == T_nil) {
    *out = VALUE_NIL;
    return OK;
  }
  struct field f = {.type = c->action->result, .file = c->driver->performs[0].unit.file};
  struct error inner = {0};
  if (field_check(e, &f, in, false, out, &inner) == OK) return OK;
  error_set(err, ERR_VALUE, "%s.%s: what driver %s answered: %s",
            text_of(c, c->action->binding->name), text_of(c, c->action->name),
            text_of(c, c->driver->name), inner.message);
  error_release(&inner);
  return ERR_VALUE;
}

/* --- secrets --- */

static void learn(struct secrets *s, const struct program *p, const char *group, sym name,
                  const char *source, value v) {
  struct buf b = BUF_INIT;
  if (!s || !value_has_secret(v)) return;
  buf_addf(&b, "%s.%s", group, sym_text(p->syms, name));
  secrets_learn_value(s, buf_str(&b), source, v, p->syms);
  buf_release(&b);
}

void driver_learn_args(struct secrets *secrets, const struct program *p, const struct action *action,
                       const value *args) {
  const char *binding = sym_text(p->syms, action->binding->name);
  for (size_t i = 0; i < action->take_count; i++)
    learn(secrets, p, binding, action->takes[i].name, SECRET_ARGUMENT, args[i]);
}

/* --- the driver --- */

static enum status state_dir_make(const char *path, struct error *err) {
  if (mkdir(path, 0700) == 0 || errno == EEXIST) return OK;
  int why = errno;
  const char *slash = strrchr(path, '/');
  if (why == ENOENT && slash && slash > path) { /* that of a drill is two below */
    char *above = mem_dup(path, (size_t)(slash - path));
    enum status status = state_dir_make(above, err);
    mem_free(above);
    if (status != OK || mkdir(path, 0700) == 0 || errno == EEXIST) return status;
    why = errno;
  }
  error_set(err, ERR_IO, "cannot make the directory %s: %s", path, strerror(why));
  error_help(err, "it holds what embedded drivers keep; it stands beside the journal (--journal)");
  return ERR_IO;
}

/* An argument that a primitive refuses is the driver's doing: where it stands. */
static void argument_place(const struct eval *e, const struct primitive_sig *sig, node_id call) {
  uint32_t line, col;
  struct error *err = e->err;
  if (err->status != ERR_VALUE || strcmp(err->kind, "validation") != 0) return;
  char *had = err->help ? mem_strdup(err->help) : NULL;
  source_line_col(e->tree->source, tree_span(e->tree, call).start, &line, &col);
  error_help(err, "%s%sthe driver calls %s.%s at %s:%u:%u", had ? had : "", had ? "; " : "",
             sig->group, sig->name, e->tree->source->name, line, col);
  mem_free(had);
}

static enum status hook_primitive(void *ud, struct eval *e, const struct primitive_sig *sig,
                                  node_id call, const value *args, value *out) {
  struct driver_call *c = ud;
  const struct primitive *p = (const struct primitive *)(const void *)sig;
  if (sig->effect == EFFECT_WRITE && c->reads_only)
    return error_set(e->err, ERR_CHECK, "%s of %s.%s calls %s.%s, which writes", c->reads_only,
                     text_of(c, c->action->binding->name), text_of(c, c->action->name), sig->group,
                     sig->name);
  if (sig->effect == EFFECT_WRITE && c->action->effect != EFFECT_WRITE)
    return error_set(
        e->err, ERR_CHECK, "%s.%s is declared as a read, but its driver calls %s.%s, which writes",
        text_of(c, c->action->binding->name), text_of(c, c->action->name), sig->group, sig->name);
  enum status status = c->planning ? OK : state_dir_make(c->state_dir, e->err);
  if (status != OK) return status;
  c->writing |= sig->effect == EFFECT_WRITE;
  struct primitive_call pc = {.syms = c->program->syms,
                              .key = c->action->effect == EFFECT_WRITE ? c->key : "",
                              .state_dir = c->state_dir,
                              .secrets = c->secrets,
                              .tasks = c->tasks};
  status = p->fn(&pc, args, out, e->err);
  if (status == OK)
    secrets_learn_value(c->secrets, text_of(c, c->action->binding->name), "driver", *out, c->program->syms);
  if (status != OK) argument_place(e, sig, call);
  c->wrote |= status == OK && sig->effect == EFFECT_WRITE;
  c->unsure |= status != OK && pc.unsure && sig->effect == EFFECT_WRITE;
  return status;
}

static enum status hook_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  return driver_statement(ud, e, call, word, out);
}

static enum status hook_action(void *ud, struct eval *e, const struct action *action, node_id call,
                               const value *args, const bool *given, value *out) {
  struct driver_call *c = ud;
  (void)call, (void)args, (void)given, (void)out;
  return error_set(e->err, ERR_CHECK, "a driver cannot call %s.%s: drivers use primitives only",
                   text_of(c, action->binding->name), text_of(c, action->name));
}

static enum status hook_poll(void *ud, struct eval *e) {
  struct driver_call *c = ud;
  return task_poll(c->tasks, e->err);
}

static int64_t hook_now(void *ud) {
  struct driver_call *c = ud;
  return c->planning ? c->now : clock_wall(c->clock);
}

static const struct secrets *hook_secrets(void *ud) {
  struct driver_call *c = ud;
  return c->secrets;
}

static const struct eval_hooks driver_hooks = {.action = hook_action,
                                               .statement = hook_statement,
                                               .primitive = hook_primitive,
                                               .poll = hook_poll,
                                               .now = hook_now,
                                               .secrets = hook_secrets};

static value call_value(const struct driver_call *c) {
  struct dict *call = dict_new();
  dict_set(call, value_symbol(W_key), value_cstr(c->key));
  bool admits = c->reads_only && c->action->admit_count;
  dict_set(call, value_symbol(W_zone), value_cstr(c->zone ? c->zone : "UTC"));
  if (admits) dict_set(call, value_symbol(W_action), value_symbol(c->action->name));
  if (admits) dict_set(call, value_symbol(W_page), value_bool(c->paging));
  if (admits || c->batch)
    dict_set(call, value_symbol(W_batch), c->batch ? value_cstr(c->batch) : VALUE_NIL);
  if (c->batch) dict_set(call, value_symbol(W_number), value_int(c->number));
  if (c->action->effect == EFFECT_WRITE) dict_set(call, value_symbol(W_begun), value_time(c->begun));
  if (c->action->lease)
    dict_set(call, value_symbol(W_lease_until),
             c->lease_until ? value_time(c->lease_until) : VALUE_NIL);
  return value_record(call);
}

typedef enum status answer_check(struct driver_call *c, struct eval *e, value in, value *out,
                                 struct error *err);

/* Evaluates one unit of the driver with the action's arguments; with check the answer is made the
 * result. */
static enum status unit_run(struct driver_call *c, const struct unit *unit, const value *args,
                            answer_check *check, value *out, struct error *err) {
  struct eval e;
  struct error inner = {0};
  value answer = VALUE_NIL;
  eval_init(&e, c->program, unit, &driver_hooks, c, &inner);
  e.call = call_value(c);
  e.setting = value_ref(c->setting);
  for (uint32_t i = 0; i < unit->param_count && i < c->action->take_count; i++)
    eval_set_slot(&e, i, value_ref(args[i]));
  enum status status = eval_body(&e, unit->body, &answer);
  if (status == OK) {
    if (check) status = check(c, &e, answer, out, &inner);
    else if (out) *out = value_ref(answer);
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

enum status driver_perform(struct driver_call *c, const struct perform *p, const value *args,
                           value *out, struct error *err) {
  enum status status = unit_run(c, &p->unit, args, result_check, out, err);
  if (status == OK)
    learn(c->secrets, c->program, text_of(c, c->action->binding->name), c->action->name, "result", *out);
  /* Only a defect of the driver has no kind: what it would have said of the write is not known. */
  c->unsure |= status != OK && status != ERR_CANCELLED && c->wrote && !err->kind[0];
  return status;
}

enum status driver_renew(struct driver_call *c, const struct perform *p, const value *args,
                         struct error *err) {
  return unit_run(c, &p->renew, args, NULL, NULL, err);
}

enum status driver_admit(struct driver_call *c, const struct unit *admit, const value *arg,
                         value *out, struct error *err) {
  const char *before = c->reads_only;
  c->reads_only = "the admit";
  enum status status = unit_run(c, admit, arg, NULL, out, err);
  c->reads_only = before;
  return status;
}

static bool says(const struct driver_call *c, value v, const char *word) {
  return v.tag == V_SYMBOL && strcmp(sym_text(c->program->syms, v.u.s), word) == 0;
}

/* The two words stand for no result. */
static enum status probe_check(struct driver_call *c, struct eval *e, value in, value *out,
                               struct error *err) {
  if (!says(c, in, "not_done") && !says(c, in, "unknown")) return result_check(c, e, in, out, err);
  *out = value_ref(in);
  return OK;
}

enum status driver_probe(struct driver_call *c, const struct perform *p, const value *args,
                         enum probed *known, value *out, struct error *err) {
  c->reads_only = "the probe";
  enum status status = unit_run(c, &p->probe, args, probe_check, out, err);
  if (status != OK) return status;
  *known = says(c, *out, "not_done")  ? PROBED_NOT_DONE
           : says(c, *out, "unknown") ? PROBED_UNKNOWN
                                      : PROBED_DONE;
  return OK;
}
