/* What an action with `each:` names as `first:`: done before the batch begins, and again before it goes
 * on. Who opted out while it stood is known then. */
#include "fanout.h"

static enum status default_of(struct lane *lane, const struct field *f, value *out,
                              struct error *err) {
  struct eval *e = &lane->eval;
  *out = VALUE_NIL;
  if (!f->default_value || field_default(e, f, out) == OK) return OK;
  if (err != e->err) error_move(err, e->err);
  return err->status;
}

static void not_known(const struct fanout *f, const struct action_run *c, struct error *err) {
  struct buf b = BUF_INIT;
  action_text(c, &b);
  buf_adds(&b, ", before ");
  action_text(f->call, &b);
  buf_addf(&b, f->again ? " goes on: %s" : " begins: %s", err->message);
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
  else not_known(f, c, err);
  return status;
}

enum status fanout_first(struct fanout *f, struct error *err) {
  const struct action *first = f->call->action->first;
  struct action_run c = *f->call;
  enum status status = OK;
  if (!first || fanout_done(f) == (int64_t)f->count) return OK;
  value *args = mem_array(first->take_count + 1, sizeof *args);
  size_t made = 0;
  for (; status == OK && made < first->take_count; made++)
    status = default_of(c.lane, &first->takes[made], &args[made], err);
  c.action = first;
  c.perform = &c.driver->performs[first - first->binding->actions];
  c.args = args;
  c.writing = c.unsure = false;
  if (status == OK) status = perform(f, &c, err);
  for (size_t i = 0; i < made; i++)
    value_unref(args[i]);
  mem_free(args);
  return status;
}
