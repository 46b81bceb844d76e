/* What a run's pages need, looked at before the run begins. */
#include "page_inner.h"
#include "site_inner.h"

enum status page_contact_fits(struct eval *e, const struct site_contact *c, struct error *err) {
  int way = way_find(c->way, NULL);
  const struct action *action = way < 0 ? NULL : page_action(e->program, (enum way_id)way);
  const struct field *f =
      action ? page_contact_field(e->program->syms, (enum way_id)way, action) : NULL;
  value out;
  if (!f || !c->to) return OK;
  struct field named = *f; /* the site knows the way and not the action's parameter */
  named.name = sym_intern(e->program->syms, c->way, strlen(c->way));
  value v = value_cstr(c->to);
  enum status status = field_check(e, &named, v, true, &out, err);
  if (status == OK) value_unref(out);
  value_unref(v);
  return status;
}

/* A driver that cannot be set up is found out now and not when somebody is to be called. */
static enum status contacts_check(struct lane *lane, const struct site_role *role,
                                  struct error *err) {
  struct run *run = lane->run;
  enum status status = OK;
  for (size_t i = 0; status == OK && i < role->contact_count; i++) {
    int way = way_find(role->contacts[i].way, NULL);
    const struct action *action = way < 0 ? NULL : page_action(run->program, (enum way_id)way);
    const struct driver *driver;
    value settings;
    if (!action)
      status = error_set(err, ERR_NOT_FOUND, "no binding of this run serves %s, by which :%s is paged",
                         role->contacts[i].way, role->name);
    if (status == OK) status = run_driver(run, action->binding, &driver, err);
    if (status == OK) status = run_settings(run, driver, &settings, err);
    if (status == OK && page_contact_fits(&lane->eval, &role->contacts[i], err) != OK)
      status = site_fail(run->site, role->contacts[i].at, err);
  }
  return status;
}

static enum status role_paged(struct lane *lane, const char *name, struct error *err) {
  const struct site_role *r;
  enum status status = site_role_find(lane->run->site, name, &r, err);
  /* A run that does nothing but page gains nothing by not beginning. */
  return status == OK && !lane->run->options->page_and_go ? contacts_check(lane, r, err) : status;
}

/* Roles that a statement pages: :name or a list of names. */
static enum status roles_check(struct lane *lane, node_id roles, struct error *err) {
  const struct tree *t = lane->eval.tree;
  bool list = tree_node(t, roles)->kind == N_array;
  for (node_id i = list ? tree_node(t, roles)->a : roles; i; i = list ? tree_node(t, i)->next : 0) {
    if (role_paged(lane, sym_text(lane->run->program->syms, tree_node(t, i)->a), err) == OK) continue;
    error_at(err, tree_span(t, i));
    return err->status;
  }
  return OK;
}

static enum status line_check(struct lane *lane, const char *severity, struct error *err) {
  const struct site_severity *line;
  enum status status = site_severity_find(lane->run->site, severity, &line, err);
  for (size_t i = 0; status == OK && line && i < line->page_count; i++)
    status = role_paged(lane, line->page[i], err);
  return status;
}

/* A number that is written out; what is worked out while it runs is not known yet. */
static enum status severity_check(struct lane *lane, node_id severity, struct error *err) {
  const struct tree *t = lane->eval.tree;
  const struct plan *plan = lane->run->plan;
  char name[32];
  enum status status = OK;
  if (!severity && !plan->severity) return OK;
  if (!severity) return line_check(lane, sym_text(lane->run->program->syms, plan->severity), err);
  const struct node *n = tree_node(t, severity);
  if (n->kind != N_int) return OK;
  snprintf(name, sizeof name, "sev%lld", (long long)((uint64_t)n->b << 32 | n->a));
  status = line_check(lane, name, err);
  if (status != OK) error_at(err, tree_span(t, severity));
  return status;
}

enum status pages_check(struct lane *lane, struct error *err) {
  const struct tree *t = lane->eval.tree;
  enum status status = OK;
  for (node_id id = 1; status == OK && id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind != N_call || n->x != CALL_STATEMENT || n->b != W_page) continue;
    status = roles_check(lane, call_arg(t, n, 0), err);
    if (status == OK) status = severity_check(lane, call_keyword(t, n, W_severity), err);
  }
  return status;
}
