/* Everything that can be known to be missing is found here, before the first effect: steps that are
 * named and do not exist, roles and drivers. */
#include "run.h"

static enum status step_exists(const struct lane *lane, const char *option, const char *id,
                               struct error *err) {
  const struct plan *plan = lane->run->plan;
  if (!id) return OK;
  const char **ids = mem_array(plan->step_count ? plan->step_count : 1, sizeof *ids);
  bool found = false;
  for (size_t i = 0; i < plan->step_count; i++) {
    ids[i] = plan->steps[i]->id;
    found |= strcmp(ids[i], id) == 0;
  }
  int near = found ? -1 : name_nearest(id, ids, plan->step_count);
  if (!found) {
    error_set(err, ERR_NOT_FOUND, "%s: no step '%s' in this runbook", option, id);
    if (strchr(id, '['))
      error_help(err, "items of an each_of cannot be chosen singly; name its step");
    else if (near >= 0) error_help(err, "did you mean '%s'?", ids[near]);
    else error_help(err, "a step's id is its label in lower case, with dashes");
  }
  mem_free(ids);
  return found ? OK : ERR_NOT_FOUND;
}

static enum status steps_exist(struct lane *lane, struct error *err) {
  const struct run_options *o = lane->run->options;
  enum status status = step_exists(lane, "--from", o->from, err);
  if (status == OK) status = step_exists(lane, "--only", o->only, err);
  for (size_t i = 0; status == OK && i < o->skip_count; i++)
    status = step_exists(lane, "--skip", o->skip[i], err);
  const struct resume *again = o->resume;
  if (again && status == OK) status = step_exists(lane, "--from", again->from, err);
  for (size_t i = 0; again && status == OK && i < again->skip_count; i++)
    status = step_exists(lane, "--skip", again->skip[i], err);
  return status;
}

static enum status driver_check(struct lane *lane, const struct binding *b, struct span at,
                                struct error *err) {
  const struct driver *d;
  value settings;
  enum status status = run_driver(lane->run, b, &d, err);
  if (status == OK) status = run_settings(lane->run, d, &settings, err);
  if (status != OK) error_at(err, at);
  return status;
}

/* Every action that the runbook names has somebody to carry it out, with all the secrets that takes. */
static enum status drivers_check(struct lane *lane, struct error *err) {
  const struct tree *t = lane->eval.tree;
  const struct binding *last = NULL;
  enum status status = OK;
  if (!lane->run->program->binding_count) return OK;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind != N_call || n->x != CALL_ACTION) continue;
    const struct action *a = program_action(lane->run->program, t, n);
    if (!a || a->binding == last) continue;
    last = a->binding;
    struct error why = {0};
    enum status one = driver_check(lane, last, tree_span(t, id), &why);
    if (one == OK) continue;
    if (one == ERR_CANCELLED) return error_move(err, &why), one;
    error_also(err, &why);
    if (status == OK) status = one;
  }
  return status;
}

/* --- variables that nobody sets when steps are passed over --- */

static bool passed(const struct run_options *o, const struct step *s, bool from_seen) {
  if (o->from && !from_seen) return true;
  if (o->only && strcmp(s->id, o->only) != 0) return true;
  for (size_t i = 0; i < o->skip_count; i++)
    if (strcmp(s->id, o->skip[i]) == 0) return true;
  return false;
}

static bool within(const struct node *n, const struct node *outer) {
  return outer->start <= n->start && n->end <= outer->end;
}

/* Whether what stands there may not be evaluated though its step runs. */
static bool conditional(const struct tree *t, const struct node *body, const struct node *n) {
  static const bool kinds[NODE_KINDS] = {[N_if] = true, [N_case] = true,  [N_and] = true,
                                         [N_or] = true, [N_block] = true, [N_opassign] = true};
  for (node_id id = 1; id < t->count; id++) {
    const struct node *outer = tree_node(t, id);
    if (kinds[outer->kind] && within(outer, body) && within(n, outer)) return true;
  }
  return false;
}

struct unset {
  const struct item **setter; /* of each slot: the step or child run that sets it, passed; owned */
  bool *kept;                 /* of each slot: something that runs sets it; owned */
};

static enum status unset_read(struct lane *lane, const struct unset *u, const struct step *s,
                              struct error *err) {
  const struct tree *t = lane->eval.tree;
  const struct node *body = tree_node(t, s->body);
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind != N_name || n->x != REF_VAR || n->b >= lane->run->plan->unit.slot_count) continue;
    if (!u->setter[n->b] || u->kept[n->b] || !within(n, body) || conditional(t, body, n)) continue;
    const struct item *by = u->setter[n->b];
    const char *name = by->step ? by->step->id : by->title;
    error_set(err, ERR_VALUE,
              "step %s reads `%s`, which %s %s would set, and that is passed over", s->id,
              sym_text(lane->run->program->syms, n->a), by->step ? "step" : "the run of", name);
    error_help(err, "run %s too, or pass over %s as well", name, s->id);
    error_at(err, tree_span(t, id));
    return ERR_VALUE;
  }
  return OK;
}

/* Steps of branches and loops may not run at all; what they set may be set. */
static enum status unset_items(struct lane *lane, struct unset *u, const struct item *items,
                               bool *from_seen, bool certain, struct error *err) {
  const struct run_options *o = lane->run->options;
  enum status status = OK;
  for (const struct item *i = items; i && status == OK; i = i->next) {
    const struct step *s = i->step;
    const struct tree *t = lane->eval.tree;
    if (i->kind == ITEM_ASSIGN) { /* of several names at once none is told apart */
      const struct node *n = tree_node(t, i->subject);
      if (n->kind == N_assign) u->kept[tree_node(t, n->a)->b] = true;
      else memset(u->kept, true, lane->run->plan->unit.slot_count * sizeof *u->kept);
    }
    for (const struct branch *b = i->branches; b && status == OK; b = b->next)
      status = unset_items(lane, u, b->items, from_seen, false, err);
    if (status == OK)
      status = unset_items(lane, u, i->items, from_seen, certain && i->kind == ITEM_SECTION, err);
    if (i->kind == ITEM_RUN && i->result_slot) {
      if (o->only || (o->from && !*from_seen)) u->setter[i->result_slot - 1] = i;
      else u->kept[i->result_slot - 1] = true;
    }
    if (!s || status != OK) continue;
    *from_seen |= o->from && strcmp(s->id, o->from) == 0;
    bool over = passed(o, s, *from_seen);
    for (size_t k = 0; k < s->output_count; k++)
      if (over) u->setter[s->outputs[k]] = i;
      else u->kept[s->outputs[k]] = true;
    if (!over && certain) status = unset_read(lane, u, s, err);
  }
  return status;
}

static enum status unset_check(struct lane *lane, struct error *err) {
  const struct run_options *o = lane->run->options;
  if (!o->from && !o->only && !o->skip_count) return OK;
  size_t n = lane->run->plan->unit.slot_count + 1;
  struct unset u = {mem_array(n, sizeof *u.setter), mem_array(n, sizeof *u.kept)};
  memset(u.setter, 0, n * sizeof *u.setter);
  memset(u.kept, 0, n * sizeof *u.kept);
  bool from_seen = false;
  enum status status = unset_items(lane, &u, lane->run->plan->items, &from_seen, true, err);
  mem_free(u.setter);
  mem_free(u.kept);
  return status;
}

static enum status (*const checks[])(struct lane *lane, struct error *err) = {
    steps_exist, unset_check, people_check, drivers_check};

enum status run_preflight(struct lane *lane, struct error *err) {
  enum status status = OK;
  for (size_t i = 0; status == OK && i < sizeof checks / sizeof *checks; i++)
    status = checks[i](lane, err);
  return status;
}

void run_preflight_all(struct lane *lane, void (*tell)(void *ud, const struct error *problem),
                       void *ud) {
  for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
    struct error err = {0};
    if (checks[i](lane, &err) != OK) tell(ud, &err);
    error_release(&err);
  }
}
