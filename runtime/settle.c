/* Settling a doubt: which action is meant, whether the result fits, what is recorded. */
#include "settle.h"

#include "codec.h"
#include "pinned.h"
#include "run.h"

enum { KEY_LEAST = 4 };

/* --- which action --- */

/* How well a text names a doubt: 0 not at all. */
static int names(const struct doubt *d, const char *text) {
  struct buf b = BUF_INIT;
  int fit = 0;
  const char *step = *d->step ? d->step : "on_failure";
  buf_addf(&b, "%s/%s.%s", step, d->binding ? d->binding : "?", d->action ? d->action : "?");
  size_t whole = b.len;
  buf_addf(&b, "#%lld", (long long)d->call);
  const char *full = buf_str(&b);
  size_t n = strlen(text), call = b.len - whole, at = strlen(step) + 1;
  if (strcmp(text, full) == 0 || strcmp(text, full + at) == 0) fit = 2;
  else if (n == whole && strncmp(text, full, n) == 0) fit = 2;
  else if (n + at == whole && strncmp(text, full + at, n) == 0) fit = 1;
  else if (n == call && strcmp(text, full + whole) == 0) fit = 1;
  else if (strcmp(text, step) == 0) fit = 1;
  else if (n >= KEY_LEAST && d->key && strncmp(text, d->key, n) == 0) fit = 1;
  buf_release(&b);
  return fit;
}

static void list_doubts(const struct standing *s, const char *text, struct buf *out) {
  for (size_t i = 0; i < s->doubt_count; i++) {
    const struct doubt *d = &s->doubts[i];
    if (text && !names(d, text)) continue;
    if (out->len) buf_adds(out, ", ");
    doubt_name(s, d, out);
    if (d->key) buf_addf(out, " (%.8s)", d->key);
  }
}

static enum status several(const struct operation *op, const char *text, struct error *err) {
  struct buf b = BUF_INIT;
  list_doubts(&op->standing, text, &b);
  if (text) error_set(err, ERR_NOT_FOUND, "%s may mean any of: %s", text, buf_str(&b));
  else error_set(err, ERR_NOT_FOUND, "more than one action is in doubt: %s", buf_str(&b));
  error_help(err, "name one of them");
  buf_release(&b);
  return ERR_NOT_FOUND;
}

static enum status none_named(const struct operation *op, const char *text, struct error *err) {
  const struct standing *s = &op->standing;
  struct buf b = BUF_INIT;
  list_doubts(s, NULL, &b);
  if (text) error_set(err, ERR_NOT_FOUND, "no action %s of run %s is in doubt", text, op->run);
  else error_set(err, ERR_NOT_FOUND, "no action of run %s is in doubt", op->run);
  if (b.len) error_help(err, "in doubt: %s", buf_str(&b));
  else error_help(err, "stepwise show %s%s tells what it did", op->run, op->tail);
  buf_release(&b);
  return ERR_NOT_FOUND;
}

/* NULL in *out without an error: none is open that is so called. */
static enum status find_doubt(const struct operation *op, const char *text,
                              const struct doubt **out, struct error *err) {
  const struct standing *s = &op->standing;
  size_t found = 0;
  int best = 1;
  *out = NULL;
  for (size_t i = 0; i < s->doubt_count; i++) {
    int fit = text ? names(&s->doubts[i], text) : 1;
    if (fit < best) continue;
    found = fit > best ? 1 : found + 1;
    best = fit;
    *out = &s->doubts[i];
  }
  return found > 1 ? several(op, text, err) : OK;
}

/* The latest that was settled by this name. */
static const struct settled *find_settled(const struct standing *s, const char *text) {
  for (size_t i = s->settled_count; i-- > 0;)
    if (!text || names(&s->settled[i].doubt, text)) return &s->settled[i];
  return NULL;
}

/* --- the result --- */

static enum status no_poll(void *ud, struct eval *e) {
  (void)ud, (void)e;
  return OK;
}

static const struct eval_hooks no_hooks = {.poll = no_poll};

struct result {
  struct eval *eval;
  const struct action *action;
  struct symtab *syms;
  const char *text;
};

static const char *type_of(const struct result *r, type_id type, struct buf *scratch) {
  return type_text(r->eval->program->types, r->syms, type, scratch);
}

static void action_name(const struct result *r, struct buf *out) {
  buf_addf(out, "%s.%s", sym_text(r->syms, r->action->binding->name),
           sym_text(r->syms, r->action->name));
}

/* What the result has to be, as an operator writes it: the help of every refusal. */
static void result_help(const struct result *r, struct error *err) {
  struct buf b = BUF_INIT, scratch = BUF_INIT;
  const struct action *a = r->action;
  for (size_t i = 0; i < a->give_count; i++)
    buf_addf(&b, "%s\"%s\": %s", i ? ", " : "{", sym_text(r->syms, a->gives[i].name),
             type_of(r, a->gives[i].type, &scratch));
  if (a->give_count) buf_addc(&b, '}');
  else buf_adds(&b, type_of(r, a->result, &scratch));
  const char *optional = err->help ? err->help : "";
  struct buf help = BUF_INIT;
  action_name(r, &help);
  buf_addf(&help, " gives %s%s%s", buf_str(&b), *optional ? "; " : "", optional);
  error_help(err, "%s", buf_str(&help));
  buf_release(&help);
  buf_release(&b);
  buf_release(&scratch);
}

static enum status refuse(const struct result *r, struct error *err, const char *fmt, ...)
    like_printf(3, 4);
static enum status refuse(const struct result *r, struct error *err, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  error_set(err, ERR_VALUE, "%s", buf_str(&b));
  result_help(r, err);
  buf_release(&b);
  return ERR_VALUE;
}

static enum status check_one(const struct result *r, const struct field *f, value in, value *out,
                             struct error *err) {
  enum status status = field_check(r->eval, f, in, in.tag == V_STRING, out, err);
  if (status != OK) result_help(r, err);
  return status;
}

static enum status unknown_fields(const struct result *r, const struct dict *given,
                                  struct error *err) {
  const char *names_of[64];
  size_t n = r->action->give_count < 64 ? r->action->give_count : 64;
  for (size_t i = 0; i < n; i++)
    names_of[i] = sym_text(r->syms, r->action->gives[i].name);
  for (size_t i = 0; i < dict_count(given); i++) {
    value key, v;
    dict_at(given, i, &key, &v);
    bool known = n < r->action->give_count;
    for (size_t k = 0; k < n && !known; k++)
      known = strcmp(names_of[k], value_str(key)->s) == 0;
    if (known) continue;
    int near = name_nearest(value_str(key)->s, names_of, n);
    return refuse(r, err, "the result has no field %s%s%s%s", value_str(key)->s,
                  near >= 0 ? "; did you mean " : "", near >= 0 ? names_of[near] : "",
                  near >= 0 ? "?" : "");
  }
  return OK;
}

static enum status check_fields(const struct result *r, value in, value *out, struct error *err) {
  const struct action *a = r->action;
  enum status status = unknown_fields(r, value_dict(in), err);
  struct dict *d = dict_new();
  for (size_t i = 0; status == OK && i < a->give_count; i++) {
    const struct field *f = &a->gives[i];
    value key = value_cstr(sym_text(r->syms, f->name)), v, checked = VALUE_NIL;
    bool found = dict_get(value_dict(in), key, &v);
    value_unref(key);
    if (found) status = check_one(r, f, v, &checked, err);
    else if (!f->optional)
      status = refuse(r, err, "the result lacks %s", sym_text(r->syms, f->name));
    if (status == OK) dict_set(d, value_symbol(f->name), checked);
  }
  *out = value_record(d);
  if (status != OK) value_unref(*out);
  return status;
}

static enum status check_record(const struct result *r, value *out, struct error *err) {
  struct error bad = {0};
  value v;
  if (json_read(r->text, strlen(r->text), r->syms, false, &v, &bad) != OK || v.tag != V_HASH) {
    enum status status = refuse(r, err, "the result is no JSON object%s%s", bad.message ? ": " : "",
                                bad.message ? bad.message : "");
    if (!bad.message) value_unref(v);
    error_release(&bad);
    return status;
  }
  enum status status = check_fields(r, v, out, err);
  value_unref(v);
  return status;
}

/* Text as it stands, or the JSON that it is: "42" is an integer, a string or JSON for either. */
static enum status check_plain(const struct result *r, value *out, struct error *err) {
  struct field whole = {.type = r->action->result, .file = r->action->at.file};
  const struct field *f = r->action->plain ? r->action->plain : &whole;
  struct error ignored = {0};
  value v = value_cstr(r->text);
  enum status status = field_check(r->eval, f, v, true, out, err);
  value_unref(v);
  if (status != OK && json_read(r->text, strlen(r->text), r->syms, false, &v, &ignored) == OK) {
    if (v.tag != V_STRING && field_check(r->eval, f, v, false, out, &ignored) == OK) status = OK;
    value_unref(v);
  }
  error_release(&ignored);
  if (status != OK) result_help(r, err);
  else error_release(err);
  return status;
}

static enum status check_result(const struct result *r, value *out, struct error *err) {
  *out = VALUE_NIL;
  bool gives = r->action->give_count || r->action->result != T_nil;
  if (!gives && r->text) return refuse(r, err, "there is no result to give");
  if (!gives) return OK;
  if (!r->text) return refuse(r, err, "which result did it have? --result is missing");
  return r->action->give_count ? check_record(r, out, err) : check_plain(r, out, err);
}

static const struct action *find_action(const struct program *p, const struct doubt *d) {
  for (size_t i = 0; d->binding && d->action && i < p->binding_count; i++) {
    const struct binding *b = p->bindings[i];
    if (strcmp(sym_text(p->syms, b->name), d->binding) != 0) continue;
    for (size_t k = 0; k < b->action_count; k++)
      if (strcmp(sym_text(p->syms, b->actions[k].name), d->action) == 0) return &b->actions[k];
  }
  return NULL;
}

/* The result as the journal has it: tagged JSON. */
static enum status result_json(struct operation *op, const struct doubt *d, const char *text,
                               struct buf *out, struct error *err) {
  struct pinned p;
  struct eval e;
  struct error inner = {0};
  value v = VALUE_NIL;
  enum status status = pinned_load(&p, op->journal, op->run, err);
  const struct action *action = status == OK ? find_action(p.program, d) : NULL;
  if (status == OK && !action)
    status = error_set(err, ERR_NOT_FOUND, "the texts of run %s have no action %s.%s", op->run,
                       d->binding ? d->binding : "?", d->action ? d->action : "?");
  if (status == OK) {
    const struct unit unit = {.file = action->at.file};
    eval_init(&e, p.program, &unit, &no_hooks, NULL, &inner);
    struct result r = {&e, action, p.program->syms, text};
    status = check_result(&r, &v, err);
    if (status == OK) json_write(v, p.program->syms, true, out);
    if (status == OK) value_unref(v);
    eval_release(&e);
  }
  error_release(&inner);
  pinned_release(&p);
  return status;
}

/* --- recording --- */

/* A result as people read it, without the marks of its types. */
static void result_text(const char *tagged, struct buf *out) {
  struct symtab *syms = symtab_new();
  struct error err = {0};
  value v;
  if (json_read(tagged, strlen(tagged), syms, true, &v, &err) == OK) {
    json_write(v, syms, false, out);
    value_unref(v);
  }
  error_release(&err);
  symtab_free(syms);
}

static enum status was_settled(struct operation *op, const struct settled *was,
                               const struct settlement *s, struct error *err) {
  struct buf json = BUF_INIT, told = BUF_INIT, name = BUF_INIT;
  enum status status = OK;
  const char *as = s->not_done ? "not_done" : "done";
  bool same = was->as && strcmp(was->as, as) == 0;
  if (same && !s->not_done) {
    status = result_json(op, &was->doubt, s->result, &json, err);
    same = status == OK && strcmp(buf_str(&json), was->result ? was->result : "null") == 0;
  }
  told_text(&was->told, &told);
  doubt_name(&op->standing, &was->doubt, &name);
  if (status == OK && same) {
    operation_say(op, "%s is settled so already, %s", buf_str(&name), buf_str(&told));
  } else if (status == OK) {
    struct buf result = BUF_INIT;
    if (was->result) buf_adds(&result, " with "), result_text(was->result, &result);
    status = error_set(err, ERR_CONFLICT, "%s was settled as %s%s, %s", buf_str(&name),
                       was->as ? was->as : "?", buf_str(&result), buf_str(&told));
    buf_release(&result);
    error_help(err, "what was said of an action stands: the run may have gone on with it");
  }
  buf_release(&json);
  buf_release(&told);
  buf_release(&name);
  return status;
}

static enum status append(struct operation *op, enum event_kind kind, const char *step,
                          struct record *r, struct error *err) {
  buf_addc(&r->data, '}');
  struct event e = {.run = op->run,
                    .step = step,
                    .kind = event_kinds[kind].name,
                    .data = buf_str(&r->data),
                    .data_len = r->data.len};
  enum status status = journal_append(op->journal, &e, err);
  buf_release(&r->data);
  return status;
}

static enum status append_settled(struct operation *op, const struct doubt *d, bool not_done,
                                  const char *json, struct error *err) {
  struct record r = {0};
  record_text(&r, "binding", d->binding);
  record_text(&r, "action", d->action);
  record_int(&r, "call", d->call);
  record_text(&r, "key", d->key);
  record_text(&r, "as", not_done ? "not_done" : "done");
  record_text(&r, "by", "operator");
  if (!not_done) record_raw(&r, "result", json);
  record_text(&r, "reason", op->reason);
  return append(op, EVENT_ACTION_SETTLED, d->step, &r, err);
}

/* With its last doubt settled a run that nobody carries waits to be resumed. One that was undoing
 * stays so: it goes on undoing. */
static enum status append_waiting(struct operation *op, struct error *err) {
  const struct standing *s = &op->standing;
  bool waits = s->state == RUN_IN_DOUBT || s->state == RUN_RUNNING;
  if (op->pid || s->doubt_count > 1 || !waits) return OK;
  struct record r = {0};
  struct buf text = BUF_INIT;
  buf_addf(&text, "settled; go on with: stepwise resume %s%s", op->run, op->tail);
  record_text(&r, "on", "operator");
  record_text(&r, "step", s->at ? s->at : s->last_step);
  record_text(&r, "text", buf_str(&text));
  buf_release(&text);
  return append(op, EVENT_RUN_WAITING, "", &r, err);
}

static void say_next(struct operation *op) {
  const struct standing *s = &op->standing;
  if (op->pid) {
    operation_say(op, "process %ld goes on with the run", (long)op->pid);
  } else if (s->doubt_count > 1) {
    operation_say(op, "%zu more in doubt; `stepwise show %s%s` names them", s->doubt_count - 1,
                  op->run, op->tail);
  } else {
    operation_hint(op, "resume", "", "go on");
  }
}

static enum status settle(struct operation *op, const struct doubt *d, const struct settlement *s,
                          struct error *err) {
  struct buf json = BUF_INIT, name = BUF_INIT;
  enum status status = OK;
  if (!s->not_done) status = result_json(op, d, s->result, &json, err);
  if (status == OK) status = append_settled(op, d, s->not_done, buf_str(&json), err);
  if (status == OK) status = append_waiting(op, err);
  if (status == OK) status = journal_commit(op->journal, err);
  if (status == OK) {
    doubt_name(&op->standing, d, &name);
    operation_say(op, "%s %s", buf_str(&name), s->not_done ? "did not happen" : "was done");
    say_next(op);
  }
  buf_release(&json);
  buf_release(&name);
  return status;
}

static enum status settle_named(struct operation *op, const struct settlement *s, struct error *err) {
  const struct doubt *d = NULL;
  enum status status = find_doubt(op, s->action, &d, err);
  if (status != OK) return status;
  const struct settled *was = d ? NULL : find_settled(&op->standing, s->action);
  if (was) return was_settled(op, was, s, err);
  if (!d) return none_named(op, s->action, err);
  if (standing_ended(&op->standing)) {
    error_set(err, ERR_CONFLICT, "run %s has ended: it is %s", op->run,
              run_state_name(op->standing.state));
    error_help(err, "write down what you found: stepwise note %s TEXT%s", op->run, op->tail);
    return ERR_CONFLICT;
  }
  return settle(op, d, s, err);
}

enum status operate_settle(struct operation *op, const struct settlement *s, struct error *err) {
  enum status status = operation_begin(op, true, err);
  return status == OK ? operation_end(op, settle_named(op, s, err)) : status;
}
