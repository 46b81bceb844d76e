/* Branches that go on side by side: those of parallel, and the items of each_of with at_once.
 *
 * Each is a lane of its own. As many go on at once as at_once says; the next begins when one is
 * over. The lane that waits for them meets what the first of them failed of, after all have come to
 * rest: nothing is undone or held while another still acts. What the branches set is handed out
 * when all are over, in the order of the text or the list, as if they had run one after the other.
 */
#include "run.h"

/* What branches set, by slot: of the last in order that set it. */
struct output {
  value v; /* owned */
  bool set;
  uint32_t by;
};

struct group {
  struct lane *outer;
  struct task *waiter; /* outer's task */
  const struct item *item;
  struct buf place;
  uint32_t count, at_once;
  uint32_t begun, running;
  const struct item *next; /* parallel: the branch to begin next */
  const struct list *list; /* each_of */
  const struct dict *keys;
  struct lane *over;   /* branches that have ended and are not joined, chained by group_next */
  struct lane *failed; /* whose failure outer meets */
  const char **failed_ids;
  size_t failed_count, failed_cap;
  struct output *outputs;
  int64_t deadline, started;
};

static void group_release(struct group *g) {
  uint32_t slots = g->outer->eval.unit->slot_count;
  for (uint32_t i = 0; i < slots; i++)
    value_unref(g->outputs[i].v);
  mem_free(g->outputs);
  for (size_t i = 0; i < g->failed_count; i++)
    mem_free((void *)(uintptr_t)g->failed_ids[i]);
  mem_free(g->failed_ids);
  buf_release(&g->place);
}

/* --- in the branch's own task --- */

static void outputs_keep(struct group *g, struct lane *lane) {
  const struct unit *unit = lane->eval.unit;
  for (uint32_t i = 0; i < unit->slot_count; i++) {
    struct output *o = &g->outputs[i];
    if (!unit->slot_names[i] || !lane->log.touched[i] || !lane->eval.is_set[i]) continue;
    if (o->set && o->by > lane->number) continue;
    value_unref(o->v);
    *o = (struct output){.v = value_ref(lane->eval.slots[i]), .set = true, .by = lane->number};
  }
}

/* Of several failures the first is met; but what nobody knows, or a journal that is gone, comes
 * before what is merely wrong, and that before somebody who is waited for. */
static int weight(const struct lane *lane) {
  const struct failure *f = &lane->failure;
  if (f->err.status == ERR_JOURNAL) return 4;
  if (f->step && f->step->in_doubt) return 3;
  if (f->err.status == ERR_WAITING) return 0;
  return f->err.status == ERR_CANCELLED && strcmp(f->err.kind, "stopped") == 0 ? 1 : 2;
}

static void group_failed(struct group *g, struct lane *lane) {
  bool waits = lane->failure.err.status == ERR_WAITING;
  if (!waits) others_walk(lane->run, true);
  if (!g->failed || weight(lane) > weight(g->failed)) g->failed = lane;
  g->failed_ids = mem_grow(g->failed_ids, g->failed_count, &g->failed_cap, sizeof *g->failed_ids);
  g->failed_ids[g->failed_count++] =
      mem_strdup(lane->failure.step ? lane->failure.step->id : lane->name);
  if (waits) return; /* the others go on */
  for (struct lane *l = lane->run->lanes; l; l = l->next)
    if (l->group == g && l != lane && l->task) lane_halt(l, HALT_BRANCH);
}

static void lane_main(void *arg) {
  struct lane *lane = arg;
  struct group *g = lane->group;
  if (g->list) items_run(lane, g->item->items);
  else item_run_one(lane, lane->item);
  if (lane->failure.err.status == OK) outputs_keep(g, lane);
  else group_failed(g, lane);
  g->running--;
  lane->run->engine->lanes--;
  lane->group_next = g->over;
  g->over = lane;
  task_wake(g->waiter);
}

/* --- in the lane that waits for them --- */

static const char *branch_name(const struct item *item) {
  if (item->step) return item->step->label_node ? item->step->id : item->step->label;
  return item->title ? item->title : "branch";
}

static bool has_step(const struct item *items, const char *id) {
  for (const struct item *i = items; i; i = i->next) {
    if (i->step && strcmp(i->step->id, id) == 0) return true;
    if (has_step(i->items, id)) return true;
    for (const struct branch *b = i->branches; b; b = b->next)
      if (has_step(b->items, id)) return true;
  }
  return false;
}

/* The branch and what follows it are not before --from when the step is in it. */
static void see_from(struct lane *outer, const struct item *branch) {
  struct item alone = *branch;
  const char *from = outer->run->options->from;
  alone.next = NULL;
  if (from) outer->from_seen |= has_step(&alone, from);
}

/* What people see of an item: its key, or its number in the list where the key shows nothing or
 * could steer a terminal. */
static const char *item_name(const struct string *key, uint32_t index, char room[16]) {
  bool plain = key->len > 0;
  for (size_t i = 0; i < key->len; i++)
    plain &= (unsigned char)key->s[i] >= ' ' && key->s[i] != 127;
  if (plain) return key->s;
  snprintf(room, 16, "#%u", index + 1);
  return room;
}

static struct lane *branch_new(struct group *g) {
  struct lane *lane;
  char room[16];
  if (g->list) {
    value key, index;
    dict_at(g->keys, g->begun, &key, &index);
    lane = lane_new(g->outer, item_name(value_str(key), g->begun, room));
    buf_addf(&lane->item_key, "[%s]", value_str(key)->s);
    eval_bind(&lane->eval, g->item->param, g->list->items[g->begun]);
  } else {
    lane = lane_new(g->outer, branch_name(g->next));
    see_from(g->outer, g->next);
    lane->item = g->next;
    g->next = g->next->next;
  }
  lane->group = g;
  lane->number = g->begun++;
  return lane;
}

static void branch_begin(struct group *g) {
  struct tasks *tasks = g->outer->run->engine->tasks;
  struct lane *lane = branch_new(g);
  g->running++;
  lane->run->engine->lanes++;
  lane->task = task_spawn(tasks, lane_main, lane);
  task_limit(lane->task, g->deadline);
}

/* A branch that armed a step is kept: the step's rollback sees its variables. */
static void branches_join(struct group *g) {
  while (g->over) {
    struct lane *lane = g->over;
    struct error err = {0};
    g->over = lane->group_next;
    if (task_wait(lane->run->engine->tasks, lane->task, &err) != OK) error_release(&err);
    lane->task = NULL;
    if (!lane->armed && lane->failure.err.status == OK) lane_free(lane);
  }
}

static bool goes_on(const struct group *g) {
  if (g->begun == g->count || g->outer->halt) return false;
  return !g->failed || g->failed->failure.err.status == ERR_WAITING;
}

/* Shielded: an interruption is passed on to the branches (lane_halt), and each ends where it is
 * safe to. */
static void group_run(struct group *g) {
  struct engine *e = g->outer->run->engine;
  struct error err = {0};
  g->deadline = task_deadline(e->tasks);
  int64_t before = task_shield(e->tasks);
  e->lanes--;
  for (;;) {
    while (g->running < g->at_once && goes_on(g))
      branch_begin(g);
    if (!g->running && !g->over) break;
    if (!g->over && task_park(e->tasks, &err) != OK) error_release(&err);
    branches_join(g);
  }
  e->lanes++;
  task_unshield(e->tasks, before);
}

static void outputs_hand_out(struct group *g) {
  struct eval *e = &g->outer->eval;
  for (uint32_t i = 0; i < e->unit->slot_count; i++)
    if (g->outputs[i].set) eval_set_slot(e, i, value_ref(g->outputs[i].v));
}

static enum status record_begin(struct group *g, struct error *err) {
  struct record r = {0};
  place_text(g->outer, g->item->node, &g->place);
  if (replay_said(g->outer, EVENT_BRANCHES_STARTED, buf_str(&g->place))) return OK;
  record_text(&r, "place", buf_str(&g->place));
  record_int(&r, "count", g->count);
  record_int(&r, "at_once", g->at_once);
  return run_record(g->outer, EVENT_NAME(BRANCHES_STARTED), &r, err);
}

static enum status record_end(struct group *g, struct error *err) {
  struct record r = {0};
  if (!g->failed && replay_said(g->outer, EVENT_BRANCHES_FINISHED, buf_str(&g->place))) return OK;
  record_text(&r, "place", buf_str(&g->place));
  record_texts(&r, "failed", g->failed_ids, g->failed_count);
  record_int(&r, "duration_us", clock_mono(g->outer->run->engine->config.clock) - g->started);
  return run_record(g->outer, EVENT_NAME(BRANCHES_FINISHED), &r, err);
}

/* The failure of a branch, as outer's own: its step is the one that is told of. */
static enum flow group_meet(struct group *g) {
  struct lane *outer = g->outer;
  struct failure *f = &g->failed->failure;
  outer->at = f->step;
  enum flow flow = run_failed(outer, f->step, f->policy, &f->err);
  outer->at = NULL;
  return flow;
}

static enum flow group_end(struct group *g) {
  struct error err = {0};
  enum status status = record_end(g, &err);
  if (g->failed) {
    error_release(&err);
    return group_meet(g);
  }
  if (status == OK && g->begun < g->count) status = lane_halted(g->outer, &err);
  if (status != OK) return plan_failed(g->outer, &err);
  outputs_hand_out(g);
  return FLOW_ON;
}

static enum status at_once_of(struct group *g, struct error *err) {
  value v;
  node_id n = g->item->at_once;
  g->at_once = g->count;
  if (!n) return OK;
  enum status status = run_eval(g->outer, n, &v, err);
  if (status != OK) return status;
  if (v.tag == V_INT && v.u.i >= 1) {
    g->at_once = v.u.i < g->count ? (uint32_t)v.u.i : g->count;
    return OK;
  }
  value_unref(v);
  status = error_set(err, ERR_VALUE, "at_once: wants a number of 1 or more");
  error_at(err, tree_span(g->outer->eval.tree, n));
  return status;
}

static enum flow group_go(struct group *g) {
  struct error err = {0};
  enum flow flow = FLOW_ON;
  g->waiter = task_current(g->outer->run->engine->tasks);
  g->started = clock_mono(g->outer->run->engine->config.clock);
  g->outputs = mem_array(g->outer->eval.unit->slot_count + 1, sizeof *g->outputs);
  enum status status = at_once_of(g, &err);
  if (status == OK) status = record_begin(g, &err);
  if (status != OK) {
    flow = plan_failed(g->outer, &err);
  } else if (g->count) {
    group_run(g);
    flow = group_end(g);
  }
  group_release(g);
  return flow;
}

enum flow parallel_run(struct lane *lane, const struct item *item) {
  struct group g = {.outer = lane, .item = item, .next = item->items};
  for (const struct item *i = item->items; i; i = i->next)
    g.count++;
  return g.count ? group_go(&g) : FLOW_ON;
}

enum flow each_beside(struct lane *lane, const struct item *item, const struct list *list,
                      value keys) {
  struct group g = {.outer = lane,
                    .item = item,
                    .list = list,
                    .keys = value_dict(keys),
                    .count = (uint32_t)list->count};
  return g.count ? group_go(&g) : FLOW_ON;
}
