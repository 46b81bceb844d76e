/* Variables: from names to slots, and which of them are set on every path to a place.
 *
 * Slots that are set stand on a trail. A branch that ends takes what it set off the trail; when the
 * branches join, what all of them set goes back on. So the work is linear in the assignments,
 * however many variables there are. */
#include "check.h"

void vec_push(struct vec *v, uint32_t n) {
  v->at = mem_grow(v->at, v->count, &v->cap, sizeof *v->at);
  v->at[v->count++] = n;
}

void scope_begin(struct check *k, struct scope *s) {
  *s = (struct scope){0};
  k->scope = s;
}

static void warn_unused(struct check *k, const struct variable *v) {
  if (v->read || v->param || !v->at || *name_text(k, v->name) == '_') return;
  struct diag *d =
      diag_add(k->diags, D_unused, span_of(k, v->at), "nothing reads `%s`", name_text(k, v->name));
  diag_help(d, "leave it out, or begin its name with `_`");
}

void scope_end(struct check *k, struct scope *s, struct unit *out) {
  out->slot_count = (uint32_t)s->var_count;
  out->slot_names = arena_alloc(k->arena, s->var_count * sizeof(sym) + 1);
  for (size_t i = 0; i < s->var_count; i++) {
    out->slot_names[i] = s->vars[i].temp ? 0 : s->vars[i].name;
    if (!s->vars[i].temp) warn_unused(k, &s->vars[i]);
  }
  mem_free(s->var_of);
  mem_free(s->vars);
  mem_free(s->shadows);
  mem_free(s->temps.at);
  mem_free(s->trail.at);
  mem_free(s->saved.at);
  mem_free(s->exits.at);
  k->scope = NULL;
}

bool scope_has(const struct check *k, sym name, uint32_t *slot) {
  const struct scope *s = k->scope;
  if (!s || name >= s->var_cap || !s->var_of[name]) return false;
  *slot = s->var_of[name] - 1;
  return true;
}

static uint32_t *var_entry(struct scope *s, sym name) {
  if (name >= s->var_cap) {
    size_t cap = s->var_cap ? s->var_cap : 1024;
    while (cap <= name)
      cap *= 2;
    s->var_of = mem_realloc(s->var_of, cap * sizeof *s->var_of);
    memset(s->var_of + s->var_cap, 0, (cap - s->var_cap) * sizeof *s->var_of);
    s->var_cap = cap;
  }
  return &s->var_of[name];
}

static uint32_t slot_new(struct scope *s, bool temp) {
  if (temp && s->temps_used < s->temps.count) return s->temps.at[s->temps_used++];
  s->vars = mem_grow(s->vars, s->var_count, &s->vars_cap, sizeof *s->vars);
  uint32_t slot = (uint32_t)s->var_count++;
  if (temp) vec_push(&s->temps, slot), s->temps_used++;
  return slot;
}

/* Inside a block a new name lives until the block ends. */
static uint32_t declare(struct check *k, sym name, node_id at, bool temp) {
  struct scope *s = k->scope;
  uint32_t slot = slot_new(s, temp), *entry = var_entry(s, name);
  if (temp) {
    s->shadows = mem_grow(s->shadows, s->shadow_count, &s->shadow_cap, sizeof *s->shadows);
    s->shadows[s->shadow_count++] = (struct shadow){name, *entry};
  }
  *entry = slot + 1;
  s->vars[slot] = (struct variable){.name = name, .at = at, .temp = temp};
  return slot;
}

static void set(struct scope *s, uint32_t slot) {
  if (s->vars[slot].set) return;
  s->vars[slot].set = true;
  s->vars[slot].pos = (uint32_t)s->trail.count;
  vec_push(&s->trail, slot);
}

static void trail_cut(struct scope *s, size_t mark, enum unset_why why) {
  for (size_t i = mark; i < s->trail.count; i++) {
    s->vars[s->trail.at[i]].set = false;
    s->vars[s->trail.at[i]].why = (uint8_t)why;
  }
  s->trail.count = mark;
  if (mark < s->trail_low) s->trail_low = mark;
  if (mark < s->armed) s->armed = mark;
  for (struct beside *b = s->beside; b; b = b->outer)
    if (b->finishes && mark < b->floor) b->floor = mark;
}

static const char *const unset_why[] = {
    [UNSET_BRANCH] = "it is set here, on a path that may not be taken",
    [UNSET_BLOCK] = "it is set here, in a block that may not run",
    [UNSET_EACH] = "it is set here, once for each item, and ends with the item",
    [UNSET_PARALLEL] = "it is set here, in a branch that runs at the same time",
    [UNSET_SKIP] = "it is set here, in a step that may be skipped",
    [UNSET_FAILED] = "it is set here, in a step that may fail while the run goes on",
    [UNSET_HANDLER] = "it is set here, in a step that may not have run when this runs",
    [UNSET_CHILD] = "it is set here, by a run that may fail while this one goes on",
    [UNSET_FINISH] = "it is set here, behind a finish that may end its branch",
};

static const char *const unset_help[] = {
    [UNSET_BRANCH] = "set it before, or on every path",
    [UNSET_BLOCK] = "set it before the block",
    [UNSET_EACH] = "use it inside the each_of",
    [UNSET_PARALLEL] = "use it after the parallel part",
    [UNSET_SKIP] = "set it in a step that is never skipped, or read it in the same step",
    [UNSET_FAILED] = "set it in a step that stops the run when it fails",
    [UNSET_HANDLER] = "use inputs and what the failure says",
    [UNSET_CHILD] = "set it before, or let a failure stop the run",
    [UNSET_FINISH] = "set it before the finish, or end the step with skip!",
};

/* --- side by side --- */

static bool is_beside(const struct beside *b, uint32_t tick) {
  return !b->items && tick >= b->from && tick < b->at;
}

static void report_beside(struct check *k, node_id n, const struct variable *v, const char *what,
                          node_id other, const char *there) {
  if (!tell_once(k, v->name, TOLD_BESIDE)) return;
  struct diag *d = diag_add(k->diags, D_beside, span_of(k, n), what, name_text(k, v->name));
  diag_note(d, span_of(k, other), "%s", there);
  diag_help(d, "each branch works on a copy: use names of their own, and join them afterwards");
}

static void read_beside(struct check *k, node_id n, struct variable *v) {
  struct scope *s = k->scope;
  for (const struct beside *b = s->beside; b; b = b->outer)
    if (is_beside(b, v->set_tick))
      report_beside(k, n, v, "`%s` is set in a branch that runs at the same time", v->set_at,
                    "it is set here");
  v->read_tick = ++s->tick;
  v->read_at = n;
}

/* The items of a loop may set what stands outside it, but none may build on what another set. */
static void set_beside(struct check *k, node_id n, struct variable *v) {
  struct scope *s = k->scope;
  for (const struct beside *b = s->beside; b; b = b->outer) {
    if (is_beside(b, v->set_tick))
      report_beside(k, n, v, "`%s` is set in two branches that run at the same time", v->set_at,
                    "it is set here too");
    else if (is_beside(b, v->read_tick))
      report_beside(k, n, v, "`%s` is read in a branch that runs at the same time", v->read_at,
                    "it is read here");
    else if (b->items && v->set_tick && v->set_tick < b->from && v->read_tick > b->from)
      report_beside(k, n, v, "`%s` is set for each item, and items that run at the same time read it",
                    v->read_at, "it is read here");
  }
  v->set_tick = ++s->tick;
  v->set_at = n;
}

void beside_begin(struct check *k, struct beside *b, uint32_t from, bool items) {
  struct scope *s = k->scope;
  *b = (struct beside){.outer = s->beside,
                       .from = from,
                       .at = ++s->tick,
                       .items = items,
                       .floor = SIZE_MAX,
                       .dead = s->dead};
  s->beside = b;
}

void beside_end(struct check *k, struct beside *b, size_t mark) {
  struct scope *s = k->scope;
  s->beside = b->outer;
  if (!b->finishes) return;
  trail_cut(s, b->floor > mark ? b->floor : mark, UNSET_FINISH);
  s->dead = b->dead;
}

void flow_finish(struct check *k) {
  struct beside *b = k->scope->beside;
  k->scope->dead = true;
  if (!b) return;
  b->finishes = true;
  if (k->scope->trail.count < b->floor) b->floor = k->scope->trail.count;
}

/* --- reading and setting --- */

type_id scope_read(struct check *k, node_id n, struct node *name, uint32_t slot) {
  struct scope *s = k->scope;
  struct variable *v = &s->vars[slot];
  name->x = REF_VAR;
  name->b = slot;
  v->read = true;
  if (v->set && !s->dead) read_beside(k, n, v);
  if (v->set && !s->dead) return undo_read(k, n, v);
  if (s->dead) return v->type;
  if (tell_once(k, v->name, TOLD_UNSET)) {
    struct diag *d = diag_add(k->diags, D_unset, span_of(k, n), "`%s` may not be set here",
                              name_text(k, v->name));
    diag_note(d, span_of(k, v->at), "%s", unset_why[v->why]);
    diag_help(d, "%s", unset_help[v->why]);
  }
  return T_any;
}

static void list_output(struct check *k, uint32_t slot) {
  struct variable *v = &k->scope->vars[slot];
  if (!k->step_number || v->temp || v->step == k->step_number) return;
  v->step = k->step_number;
  vec_push(&k->outputs, slot);
}

/* Of what a step sets once its rollback is armed, its rollback sees nothing when it failed before
 * that: not what an earlier step left in the same variable either. */
static void list_late(struct check *k, node_id id, struct variable *v, uint32_t slot) {
  if (!k->step_number || k->undoing || v->temp || v->early_step == k->step_number) return;
  if (!k->step_writes) v->early_step = k->step_number;
  else if (v->late_step != k->step_number) {
    v->late_step = k->step_number;
    v->late_at = id;
    vec_push(&k->late, slot);
  }
}

void scope_assign(struct check *k, node_id id, type_id type) {
  struct scope *s = k->scope;
  struct node *name = node_at(k, id);
  uint32_t slot;
  bool known = scope_has(k, name->a, &slot);
  if (!known) slot = declare(k, name->a, id, s->blocks > 0);
  struct variable *v = &s->vars[slot];
  /* What is nil now is set to something later, or it would not be a variable. */
  if (type == T_nil) type = T_any;
  v->type = known ? type_join(k->types, v->type, type) : type;
  name->x = REF_VAR;
  name->b = slot;
  set_beside(k, id, v);
  set(s, slot);
  list_output(k, slot);
  list_late(k, id, v, slot);
  if (k->undoing) v->sure++; /* set anew by the rollback itself */
}

/* The first name of a list of parameters has the smallest id of all of them. */
static node_id first_param(const struct check *k, node_id id) {
  while (id && !node_at(k, id)->a && node_at(k, id)->c)
    id = node_at(k, id)->c;
  return id;
}

static void check_repeated(struct check *k, node_id id, sym name, node_id first) {
  uint32_t slot;
  if (!scope_has(k, name, &slot) || *name_text(k, name) == '_') return;
  const struct variable *v = &k->scope->vars[slot];
  if (!v->param || v->at < first) return;
  struct diag *d = diag_add(k->diags, D_repeated_name, span_of(k, id),
                            "two parameters of the block are named `%s`", name_text(k, name));
  diag_help(d, "rename one; what is not used may be named `_`");
}

static void bind_param(struct check *k, node_id id, type_id type, node_id first) {
  struct node *p = node_at(k, id);
  if (!p->a) {
    for (node_id c = p->c; c; c = node_at(k, c)->next)
      bind_param(k, c, type_element(k->types, type), first);
    return;
  }
  check_repeated(k, id, p->a, first);
  uint32_t slot = declare(k, p->a, id, true);
  k->scope->vars[slot].type = type;
  k->scope->vars[slot].param = true;
  p->b = slot;
  set(k->scope, slot);
}

void scope_params(struct check *k, node_id params, const type_id *types, size_t count) {
  size_t i = 0;
  for (node_id p = params; p; p = node_at(k, p)->next, i++)
    bind_param(k, p, i < count ? types[i] : T_any, first_param(k, params));
}

size_t flow_mark(const struct check *k) {
  return k->scope->trail.count;
}

void flow_undo(struct check *k, size_t mark, enum unset_why why) {
  trail_cut(k->scope, mark, why);
}

void block_begin(struct check *k, struct block_mark *m) {
  struct scope *s = k->scope;
  *m = (struct block_mark){s->shadow_count, s->temps_used, s->trail.count, s->dead};
  s->blocks++;
}

void block_end(struct check *k, const struct block_mark *m) {
  struct scope *s = k->scope;
  trail_cut(s, m->trail, UNSET_BLOCK);
  while (s->shadow_count > m->shadows) {
    struct shadow *h = &s->shadows[--s->shadow_count];
    warn_unused(k, &s->vars[s->var_of[h->name] - 1]);
    s->var_of[h->name] = h->var;
  }
  s->temps_used = m->temps;
  s->dead = m->dead;
  s->blocks--;
}

void branch_begin(struct check *k, struct branch_mark *m) {
  struct scope *s = k->scope;
  *m = (struct branch_mark){s->trail.count, s->saved.count, 0, s->dead};
}

/* What stands in saved from m->saved on is set in every live branch so far. */
void branch_next(struct check *k, struct branch_mark *m) {
  struct scope *s = k->scope;
  bool live = !s->dead || m->dead;
  if (live && m->live++ == 0) {
    for (size_t i = m->trail; i < s->trail.count; i++)
      vec_push(&s->saved, s->trail.at[i]);
  } else if (live) {
    size_t kept = m->saved;
    for (size_t i = m->saved; i < s->saved.count; i++)
      if (s->vars[s->saved.at[i]].set) s->saved.at[kept++] = s->saved.at[i];
    s->saved.count = kept;
  }
  trail_cut(s, m->trail, UNSET_BRANCH);
  s->dead = m->dead;
}

void branch_end(struct check *k, struct branch_mark *m, bool exhaustive) {
  struct scope *s = k->scope;
  if (exhaustive)
    for (size_t i = m->saved; i < s->saved.count; i++)
      set(s, s->saved.at[i]);
  s->saved.count = m->saved;
  s->dead = m->dead || (exhaustive && !m->live);
}

void flow_hold(struct check *k, size_t mark) {
  struct scope *s = k->scope;
  for (size_t i = mark; i < s->trail.count; i++)
    vec_push(&s->saved, s->trail.at[i]);
  trail_cut(s, mark, UNSET_PARALLEL);
}

void flow_release(struct check *k, size_t held) {
  struct scope *s = k->scope;
  for (size_t i = held; i < s->saved.count; i++)
    set(s, s->saved.at[i]);
  s->saved.count = held;
}

/* Exits stand in the order of the trail. Those below where it was cut since the last exit are still
 * set; the others are found again above the cut, so that what is cut is paid for once. */
static void exits_filter(struct scope *s) {
  size_t from = s->exits.count;
  while (from > 0 && s->vars[s->exits.at[from - 1]].pos >= s->trail_low)
    from--;
  for (size_t i = from; i < s->exits.count; i++)
    if (!s->vars[s->exits.at[i]].set) s->vars[s->exits.at[i]].at_exit = false;
  s->exits.count = from;
  for (size_t i = s->trail_low; i < s->trail.count; i++)
    if (s->vars[s->trail.at[i]].at_exit) vec_push(&s->exits, s->trail.at[i]);
}

void flow_exit(struct check *k, size_t step_mark) {
  struct scope *s = k->scope;
  if (s->dead) return;
  if (s->has_exit) exits_filter(s);
  for (size_t i = step_mark; !s->has_exit && i < s->trail.count; i++) {
    struct variable *v = &s->vars[s->trail.at[i]];
    v->at_exit = !v->temp;
    if (v->at_exit) vec_push(&s->exits, s->trail.at[i]);
  }
  s->has_exit = true;
  s->trail_low = s->trail.count;
  s->dead = true;
}

/* After the step: set is what its end and every skip! have in common. */
void flow_step_end(struct check *k, size_t step_mark, bool may_skip, enum unset_why why) {
  struct scope *s = k->scope;
  for (size_t i = 0; i < s->exits.count; i++)
    s->vars[s->exits.at[i]].at_exit = false;
  if (may_skip) {
    trail_cut(s, step_mark, why);
    s->dead = false;
  } else if (s->has_exit) {
    size_t kept = 0;
    for (size_t i = 0; i < s->exits.count; i++)
      if (s->dead || s->vars[s->exits.at[i]].set) s->exits.at[kept++] = s->exits.at[i];
    trail_cut(s, step_mark, UNSET_SKIP);
    for (size_t i = 0; i < kept; i++)
      set(s, s->exits.at[i]);
    s->dead = false;
  }
  s->exits.count = 0;
  s->has_exit = false;
}

void flow_forget(struct check *k, enum unset_why why) {
  trail_cut(k->scope, 0, why);
  k->scope->dead = false;
}

node_id find_assignment(const struct check *k, sym name) {
  for (node_id id = 1; id < k->t->count; id++) {
    const struct node *n = tree_node(k->t, id);
    if ((n->kind == N_assign || n->kind == N_opassign) && tree_node(k->t, n->a)->a == name)
      return n->a;
    for (node_id v = n->kind == N_massign ? n->a : 0; v; v = tree_node(k->t, v)->next)
      if (tree_node(k->t, v)->kind == N_name && tree_node(k->t, v)->a == name) return v;
  }
  return 0;
}
