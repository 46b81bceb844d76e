/* Roles before a run begins: who may run it, who can approve, who is paged. */
#include "page.h"

/* Without a site nobody has said who holds a role; the operator says so, and the journal has it. */
static enum status role_claimed(struct lane *lane, const char *name, const char *what,
                                struct error *err) {
  const struct run_options *o = lane->run->options;
  for (size_t i = 0; i < o->role_count; i++)
    if (strcmp(o->roles[i], name) == 0) return OK;
  error_set(err, ERR_FAILED, "%s may be run by :%s only", what, name);
  error_kind(err, "permission");
  error_help(err, "if you hold that role, say so with --role %s; the journal records it", name);
  return ERR_FAILED;
}

enum status role_check(struct lane *lane, sym role, const char *what, struct error *err) {
  const char *me = journal_actor(lane->run->engine->config.journal);
  const struct site *site = lane->run->site;
  const struct site_role *r;
  if (!role) return OK;
  const char *name = sym_text(lane->run->program->syms, role);
  bool drill = lane->run->drill != NULL; /* one person practises what several do */
  if (!site) return drill ? OK : role_claimed(lane, name, what, err);
  enum status status = site_role_find(site, name, &r, err);
  if (status == OK && !drill && !role_has(r, me)) {
    struct buf members = BUF_INIT;
    role_members_text(r, &members);
    status = error_set(err, ERR_FAILED, "%s may be run by :%s only, and %s is no member of it", what,
                       name, me);
    error_help(err, "its members, in %s: %s", site->file, buf_str(&members));
    buf_release(&members);
  }
  if (status != OK) error_kind(err, "permission");
  return status;
}

static enum status requires_check(struct lane *lane, struct error *err) {
  const struct plan *plan = lane->run->plan;
  enum status status = role_check(lane, plan->requires_role, "this runbook", err);
  for (size_t i = 0; status == OK && i < plan->step_count; i++) {
    struct buf what = BUF_INIT;
    buf_addf(&what, "step %s", plan->steps[i]->id);
    status = role_check(lane, plan->steps[i]->requires_role, buf_str(&what), err);
    buf_release(&what);
  }
  return status;
}

/* Found out after the first effect, this would leave a half-done run that nobody can release. */
static enum status quorum_check(struct lane *lane, const struct step *s, const struct approval *a,
                                const struct site_role *r, struct error *err) {
  const char *requester = journal_actor(lane->run->engine->config.journal);
  bool anybody = a->self_ok || lane->run->drill;
  bool barred = !anybody && role_has(r, requester);
  size_t able = role_approvers(r, anybody ? NULL : requester);
  if (able >= a->quorum) return OK;
  struct buf members = BUF_INIT;
  role_members_text(r, &members);
  error_set(err, ERR_FAILED, "step %s wants %u approval%s by :%s, and only %zu of its members can%s",
            s->id, a->quorum, a->quorum == 1 ? "" : "s", r->name, able,
            barred ? ": who starts the run is none of them" : "");
  error_help(err, "members: %s; somebody else starts the run, or the role gets more members",
             buf_str(&members));
  buf_release(&members);
  return ERR_FAILED;
}

static enum status approvers_check(struct lane *lane, const struct step *s, struct error *err) {
  const struct site *site = lane->run->site;
  enum status status = OK;
  for (const struct approval *a = s->approvals; status == OK && a; a = a->next) {
    const struct site_role *r;
    status = site_role_find(site, sym_text(lane->run->program->syms, a->role), &r, err);
    if (status == OK) status = quorum_check(lane, s, a, r, err);
    if (status != OK) error_at(err, tree_span(lane->eval.tree, a->at));
  }
  return status;
}

enum status people_check(struct lane *lane, struct error *err) {
  const struct plan *plan = lane->run->plan;
  enum status status = requires_check(lane, err);
  if (lane->run->site) {
    /* Once it has begun the gates themselves know who may. */
    for (size_t i = 0; !lane->run->resumed && status == OK && i < plan->step_count; i++)
      status = approvers_check(lane, plan->steps[i], err);
    if (status == OK) status = pages_check(lane, err);
  }
  /* Before the start it is something that was not given, and no failure of the run. */
  return status == OK ? OK : (err->status = ERR_VALUE);
}
