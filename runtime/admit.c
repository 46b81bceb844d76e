/* Asking a binding whom its writes may reach: see admit.h. */
#include "admit.h"

#include "driver.h"

/* {wait: "why"} is :wait with a reason. */
static bool has_reason(value v, value *reason) {
  return v.tag == V_HASH && dict_count(value_dict(v)) == 1 && dict_get(value_dict(v), value_symbol(W_wait), reason);
}

static enum status no_answer(const struct driver_call *c, const char *what, value v, struct error *err) {
  return error_set(err, ERR_VALUE, "the admit of %s answers %s%s, not nil, a text, :wait or { wait: \"why\" }",
                   sym_text(c->program->syms, c->action->binding->name), what, value_type_name(v));
}

/* What the code answered. */
static enum status answer_take(const struct driver_call *c, value v, enum admitted *out,
                               struct buf *why, struct error *err) {
  value reason = v;
  bool given = has_reason(v, &reason), bare = v.tag == V_SYMBOL && v.u.s == W_wait;
  if (v.tag == V_NIL) return OK;
  if (!bare && reason.tag != V_STRING) return no_answer(c, given ? "{ wait: } with " : "", reason, err);
  *out = bare || given ? ADMIT_WAIT : ADMIT_REFUSED;
  buf_clear(why);
  if (!bare) value_to_s(reason, c->program->syms, why);
  if (*out == ADMIT_REFUSED && !why->len) buf_adds(why, "no reason given");
  return OK;
}

enum status admit_ask(struct driver_call *c, const value *args, enum admitted *out, struct buf *why,
                      struct error *err) {
  enum status status = OK;
  *out = ADMIT_YES;
  for (size_t i = 0; status == OK && *out != ADMIT_REFUSED && i < c->action->admit_count; i++) {
    const struct admit_use *use = &c->action->admits[i];
    enum admitted said = ADMIT_YES;
    value v;
    if (args[use->index].tag == V_NIL) continue;
    status = driver_admit(c, &use->admit->unit, &args[use->index], &v, err);
    if (status != OK) return status;
    status = answer_take(c, v, &said, why, err);
    if (said > ADMIT_YES && *out != ADMIT_REFUSED) *out = said;
    value_unref(v);
  }
  return status;
}

/* --- one action --- */

static void who(const struct action_run *c, struct buf *out) {
  const struct symtab *syms = c->lane->run->program->syms;
  bool more = false;
  for (size_t i = 0; i < c->action->admit_count; i++) {
    value v = c->args[c->action->admits[i].index];
    if (v.tag == V_NIL) continue;
    if (more) buf_adds(out, ", ");
    value_to_s(v, syms, out);
    more = true;
  }
}

static enum status refused(const struct action_run *c, const struct buf *why, struct error *err) {
  struct buf name = BUF_INIT, to = {.max = 200};
  action_text(c, &name);
  who(c, &to);
  error_set(err, ERR_FAILED, "%s to %s is refused: %s", buf_str(&name), buf_str(&to), buf_str(why));
  error_kind(err, "refused");
  buf_release(&name);
  buf_release(&to);
  return ERR_FAILED;
}

static void tell_wait(const struct action_run *c, const struct buf *why) {
  struct buf text = BUF_INIT;
  action_text(c, &text);
  buf_adds(&text, " to ");
  who(c, &text);
  buf_addf(&text, " waits: %s; asked again every %d seconds",
           why->len ? buf_str(why) : "it is held back for now", (int)(LIMIT_ADMIT_EVERY / US_SECOND));
  run_notice(c->lane, &(struct notice){.kind = NOTICE_NOTE, .text = buf_str(&text)});
  buf_release(&text);
}

enum status admit_action(struct action_run *c, struct error *err) {
  struct driver_call call;
  struct buf why = {.max = 1000};
  enum admitted said = ADMIT_WAIT;
  if (!admit_asks(c->action)) return OK;
  enum status status = action_driver_call(c, &call, err);
  for (bool told = false; status == OK && said == ADMIT_WAIT; told = true) {
    status = admit_ask(&call, c->args, &said, &why, err);
    if (status != OK || said != ADMIT_WAIT) break;
    if (c->lane->paging) break; /* who is paged is called at night too, and while a batch is paused */
    if (!told) tell_wait(c, &why);
    status = task_sleep(call.tasks, LIMIT_ADMIT_EVERY, err);
  }
  if (status == OK && said == ADMIT_REFUSED) status = refused(c, &why, err);
  buf_release(&why);
  return status;
}
