/* How a page reaches somebody: by the action of a binding, called as a runbook would call it. */
#include "page_inner.h"

#include "action.h"

static const struct action *action_named(const struct program *p, enum way_id way,
                                         const char *name) {
  for (size_t i = 0; i < p->binding_count; i++) {
    const struct binding *b = p->bindings[i];
    if (strcmp(sym_text(p->syms, b->name), ways[way].name) != 0) continue;
    for (size_t k = 0; k < b->action_count; k++)
      if (strcmp(sym_text(p->syms, b->actions[k].name), name) == 0) return &b->actions[k];
  }
  return NULL;
}

const struct action *page_action(const struct program *p, enum way_id way) {
  return action_named(p, way, ways[way].action);
}

/* What the action takes, checked as the evaluator does. */
static enum status argument(const struct page_run *p, enum way_id way, const struct field *f,
                            const struct site_contact *c, value *out, struct error *err) {
  struct eval *e = &p->lane->eval;
  const char *name = sym_text(p->lane->run->program->syms, f->name);
  value said = VALUE_NIL;
  enum status status = OK;
  *out = VALUE_NIL;
  if (page_says(p, way, name, c, &said)) {
    status = field_check(e, f, said, said.tag == V_STRING, out, err);
    value_unref(said);
  } else if (f->default_value) {
    status = field_default(e, f, out);
    if (status != OK && err != e->err) error_move(err, e->err);
  } else if (!f->optional) {
    status = error_set(err, ERR_VALUE, "%s wants %s, which a page does not have", ways[way].name, name);
  }
  return status;
}

static void arguments_release(value *args, size_t count) {
  for (size_t i = 0; i < count; i++)
    value_unref(args[i]);
  mem_free(args);
}

/* --- delivering --- */

/* Ends the page, and is no mere failure to deliver. */
static bool is_end(const struct page_run *p, const struct error *e, int64_t limit) {
  if (e->status == ERR_JOURNAL || e->status == ERR_CANCELLED || e->status == ERR_WAITING) return true;
  if (strcmp(e->kind, "replay") == 0) return true;
  if (strcmp(e->kind, "limit") != 0) return false;
  /* Its own, or that of what it stands in? On the way back and after a failure the block goes on. */
  const struct run *run = p->lane->run;
  return !run->in_handler && !run->rolling_back &&
         clock_mono(run->engine->config.clock) >= limit;
}

static enum status call_action(struct page_run *p, enum way_id way, const struct action *action,
                               const struct site_contact *c, struct error *err) {
  struct lane *lane = p->lane;
  value *args = mem_array(action->take_count + 1, sizeof *args), out = VALUE_NIL;
  size_t n = 0;
  enum status status = OK;
  for (; status == OK && n < action->take_count; n++)
    status = argument(p, way, &action->takes[n], c, &args[n], err);
  if (status == OK) {
    lane->paging = true;
    status = action_call(lane, &lane->eval, action, p->call, args, NULL, &out);
    lane->paging = false;
    if (status == OK) value_unref(out);
    else if (err != &lane->err) error_move(err, &lane->err);
  }
  arguments_release(args, n);
  return status;
}

/* One that hangs must not keep the page from the next. */
static enum status call_limited(struct page_run *p, enum way_id way, const struct action *action,
                                const struct site_contact *c, bool *ends, struct error *err) {
  struct tasks *tasks = p->lane->run->engine->tasks;
  int64_t now = clock_mono(p->lane->run->engine->config.clock), limit = task_deadline(tasks);
  int64_t before = task_deadline_push(tasks, clock_add(now, LIMIT_PAGE));
  struct error problem = {0};
  enum status status = call_action(p, way, action, c, &problem);
  task_deadline_restore(tasks, before);
  *ends = status != OK && is_end(p, &problem, limit);
  if (status != OK && !*ends && strcmp(problem.kind, "limit") == 0) {
    char length[32];
    took_text(LIMIT_PAGE, length);
    error_set(&problem, ERR_FAILED, "it took longer than %s", length);
    error_kind(&problem, "limit");
  }
  if (status != OK) error_move(err, &problem);
  return status;
}

enum status page_deliver(struct page_run *p, const struct page_turn *turn,
                         const struct site_contact *c, bool *taken, struct error *problem,
                         struct error *err) {
  int way = way_find(c->way, NULL);
  const struct action *action = way >= 0 ? page_action(p->lane->run->program, (enum way_id)way) : NULL;
  bool ends = false;
  (void)turn;
  *taken = false;
  if (!action) {
    error_set(problem, ERR_NOT_FOUND, "no binding of this run serves %s", c->way);
    return OK;
  }
  enum status status = call_limited(p, (enum way_id)way, action, c, &ends, problem);
  *taken = status == OK;
  if (!ends) return OK;
  error_move(err, problem);
  return status;
}

/* Best effort: that somebody has it is recorded, whatever the service says. */
enum status page_quiet(struct page_run *p, struct error *err) {
  const struct action *action = action_named(p->lane->run->program, WAY_pager, "acknowledge");
  enum status status = OK;
  for (size_t i = 0; action && status == OK && i < p->count; i++) {
    const struct page_turn *t = &p->turns[i];
    for (size_t k = 0; status == OK && t->role && k < t->role->contact_count && k < 64; k++) {
      const struct site_contact *c = &t->role->contacts[k];
      struct error problem = {0};
      bool ends = false;
      if (!(t->told & (UINT64_C(1) << k)) || way_find(c->way, NULL) != WAY_pager) continue;
      status = call_limited(p, WAY_pager, action, c, &ends, &problem);
      if (ends) error_move(err, &problem);
      else status = OK;
      error_release(&problem);
    }
  }
  return status;
}
