/* Sections, branches, loops and child runs of a plan. What cannot be decided is walked both ways.
 */
#include "codec.h"
#include "dry_own.h"
#include "method.h"

/* An expression of the plan itself that fails ends the run there. */
static enum status plan_fails(struct dry *d, enum status status, struct error *err) {
  if (status == OK) return OK;
  struct error *why = d->e->err;
  if (status == ERR_CANCELLED) {
    error_move(err, why);
    return status;
  }
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_STOPS, .error = why, .text = why->message});
  if (!d->maybe && !d->over) {
    d->over = true;
    if (!d->outer && !d->total->stops_why) d->total->stops_why = mem_strdup(why->message);
  }
  error_release(why);
  return OK;
}

/* --- what may run or not --- */

/* Walks items from the variables of now, and notes what they set. */
static enum status items_maybe(struct dry *d, const struct item *items, bool *set,
                               struct error *err) {
  size_t mark = eval_log_mark(d->e);
  d->maybe++;
  d->level++;
  enum status status = dry_items(d, items, err);
  d->level--;
  d->maybe--;
  for (size_t i = mark; i < d->e->log->count; i++)
    set[d->e->log->items[i].slot] = true;
  eval_log_undo(d->e, mark);
  return status;
}

static void slots_forget(struct dry *d, bool *owned_set) {
  for (uint32_t i = 0; i < d->e->unit->slot_count; i++)
    if (owned_set[i]) eval_set_slot(d->e, i, value_unknown());
  mem_free(owned_set);
}

static bool *slots_new(const struct dry *d) {
  return mem_array(d->e->unit->slot_count + 1, sizeof(bool));
}

/* One branch, whose condition is so, not so or unknown. */
static enum status branch_walk(struct dry *d, const struct branch *b, const char *text,
                               enum dry_truth truth, bool *open, bool *set, struct error *err) {
  enum status status = OK;
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_BRANCH,
                                .text = text,
                                .truth = *open && truth == DRY_HOLDS ? DRY_OPEN : truth,
                                .detail = b->cond && truth != DRY_OPEN && dry_may_turn(d, b->cond)
                                              ? "as of now"
                                              : NULL,
                                .n = items_steps(b->items)});
  if (truth == DRY_OPEN || (truth == DRY_HOLDS && *open)) {
    *open = true;
    return items_maybe(d, b->items, set, err);
  }
  if (truth != DRY_HOLDS) return OK;
  d->level++;
  status = dry_items(d, b->items, err);
  d->level--;
  return status;
}

static enum status condition_of(struct dry *d, const struct item *item, const struct branch *b,
                                struct buf *text, enum dry_truth *truth) {
  value v;
  bool first = b == item->branches;
  buf_adds(text, !b->cond ? "else" : !first ? "elsif " : item->unless ? "unless " : "if ");
  *truth = DRY_HOLDS;
  if (!b->cond) return OK;
  dry_source(d, b->cond, text);
  enum status status = eval_node(d->e, b->cond, &v);
  if (status != OK) return status;
  *truth = dry_truth(v);
  value_unref(v);
  if (item->unless && first && *truth != DRY_OPEN)
    *truth = *truth == DRY_HOLDS ? DRY_HOLDS_NOT : DRY_HOLDS;
  return OK;
}

/* Whether one of the patterns takes the subject; without a subject a pattern is a condition. */
static enum status patterns_of(struct dry *d, const struct item *item, const struct branch *b,
                               value subject, struct buf *text, enum dry_truth *truth) {
  enum status status = OK;
  *truth = b->patterns ? DRY_HOLDS_NOT : DRY_HOLDS;
  buf_adds(text, b->patterns ? "when " : "else");
  if (b->patterns && item->subject) dry_source(d, item->subject, text), buf_adds(text, " is ");
  for (node_id p = b->patterns; p && status == OK; p = tree_node(d->e->tree, p)->next) {
    value v;
    bool yes = false;
    dry_source(d, p, text);
    if (tree_node(d->e->tree, p)->next) buf_adds(text, ", ");
    if (*truth == DRY_HOLDS) continue;
    status = eval_node(d->e, p, &v);
    if (status != OK) break;
    if (value_has_unknown(v) || value_has_unknown(subject)) *truth = DRY_OPEN;
    else if (!item->subject) yes = value_truthy(v);
    else status = op_matches(d->e, v, subject, &yes);
    value_unref(v);
    if (yes && *truth != DRY_OPEN) *truth = DRY_HOLDS;
  }
  return status;
}

static enum status branches_walk(struct dry *d, const struct item *item, struct error *err) {
  bool open = false, *set = slots_new(d);
  value subject = VALUE_NIL;
  enum status status = OK;
  if (item->kind == ITEM_CASE && item->subject) status = eval_node(d->e, item->subject, &subject);
  status = plan_fails(d, status, err);
  for (const struct branch *b = item->branches; b && status == OK; b = b->next) {
    struct buf text = BUF_INIT;
    enum dry_truth truth = DRY_OPEN;
    status = item->kind == ITEM_IF ? condition_of(d, item, b, &text, &truth)
                                   : patterns_of(d, item, b, subject, &text, &truth);
    status = plan_fails(d, status, err);
    if (status == OK) status = branch_walk(d, b, buf_str(&text), truth, &open, set, err);
    buf_release(&text);
    if (truth == DRY_HOLDS) break;
  }
  value_unref(subject);
  slots_forget(d, set);
  return status;
}

/* --- loops --- */

static void key_of(const struct dry *d, const struct item *item, value v, size_t i,
                   struct buf *out) {
  value key = v;
  if (item->key_name && v.tag == V_RECORD) record_get(v, item->key_name, &key);
  if (item->key_name && v.tag == V_HASH)
    dict_find(value_dict(v), d->run->program->syms, value_symbol(item->key_name), &key);
  if (value_has_unknown(key)) buf_addf(out, "?%zu", i + 1);
  else value_to_s(key, d->run->program->syms, out);
}

static enum status item_walk(struct dry *d, const struct item *item, value v, const char *key,
                             struct error *err) {
  struct buf *path = &d->lane->item_key;
  size_t outer = path->len;
  buf_addf(path, "[%s]", key);
  eval_bind(d->e, item->param, v);
  enum status status = dry_items(d, item->items, err);
  buf_truncate(path, outer);
  return status;
}

static enum status each_known(struct dry *d, const struct item *item, const struct list *l,
                              struct error *err) {
  enum status status = OK;
  d->level++;
  for (size_t i = 0; status == OK && i < l->count; i++) {
    struct buf key = BUF_INIT;
    key_of(d, item, l->items[i], i, &key);
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_ITEM,
                                  .text = buf_str(&key),
                                  .n = (uint32_t)i + 1,
                                  .of = (uint32_t)l->count});
    status = item_walk(d, item, l->items[i], buf_str(&key), err);
    buf_release(&key);
  }
  dry_note(d, (struct dry_note){
                  .kind = DRY_NOTE_ITEM, .n = (uint32_t)l->count + 1, .of = (uint32_t)l->count});
  d->level--;
  return status;
}

/* Nobody knows how many there are, or whether there are any. */
static enum status each_unknown(struct dry *d, const struct item *item, struct error *err) {
  struct buf *path = &d->lane->item_key;
  size_t outer = path->len;
  bool *set = slots_new(d);
  buf_adds(path, "[?]");
  eval_bind(d->e, item->param, value_unknown());
  enum status status = items_maybe(d, item->items, set, err);
  buf_truncate(path, outer);
  slots_forget(d, set);
  return status;
}

static void at_once_text(const struct dry *d, node_id n, struct buf *out) {
  if (!n) return;
  dry_source(d, n, out);
  buf_adds(out, " at once");
}

static enum status each_walk(struct dry *d, const struct item *item, struct error *err) {
  struct buf text = BUF_INIT, beside = BUF_INIT;
  size_t stale = d->total->stale_count;
  value list = VALUE_NIL;
  enum status status = eval_node(d->e, item->subject, &list);
  if (status == OK && list.tag != V_ARRAY && list.tag != V_UNKNOWN) {
    status =
        error_set(d->e->err, ERR_TYPE, "each_of needs an array, not %s", value_type_name(list));
    error_at(d->e->err, tree_span(d->e->tree, item->subject));
  }
  bool good = status == OK;
  status = plan_fails(d, status, err);
  if (good) {
    bool known = list.tag == V_ARRAY;
    dry_source(d, item->subject, &text);
    at_once_text(d, item->at_once, &beside);
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_EACH,
                                  .text = buf_str(&text),
                                  .detail = beside.len ? buf_str(&beside) : NULL,
                                  .truth = known ? DRY_HOLDS : DRY_OPEN,
                                  .n = known ? (uint32_t)value_array(list)->count : 0});
    if (item->at_once) stale_beside(d, item->node);
    status = known ? each_known(d, item, value_array(list), err) : each_unknown(d, item, err);
    stale_forget(d, stale);
  }
  value_unref(list);
  buf_release(&text);
  buf_release(&beside);
  return status;
}

/* --- side by side --- */

static enum status one_item(struct dry *d, const struct item *item, struct error *err);

static enum status parallel_walk(struct dry *d, const struct item *item, struct error *err) {
  struct buf text = BUF_INIT;
  enum status status = OK;
  at_once_text(d, item->at_once, &text);
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_PARALLEL, .text = text.len ? text.data : NULL});
  d->level++;
  for (const struct item *i = item->items; i && status == OK; i = i->next) {
    size_t stale = d->total->stale_count;
    for (const struct item *other = item->items; other; other = other->next)
      if (other != i) stale_beside(d, other->node);
    status = one_item(d, i, err);
    stale_forget(d, stale);
  }
  d->level--;
  buf_release(&text);
  return status;
}

/* --- the rest --- */

static enum status section_walk(struct dry *d, const struct item *item, struct error *err) {
  const char *outer = d->section;
  dry_note(d, (struct dry_note){.kind = DRY_NOTE_SECTION, .text = item->title});
  d->section = item->title;
  enum status status = dry_items(d, item->items, err);
  d->section = outer;
  return status;
}

static enum status assign_walk(struct dry *d, const struct item *item, struct error *err) {
  value v;
  enum status status = eval_node(d->e, item->subject, &v);
  if (status == OK) value_unref(v);
  else eval_forget(d->e, item->subject);
  return plan_fails(d, status, err);
}

static enum status step_walk(struct dry *d, const struct item *item, struct error *err) {
  return dry_do_step(d, item->step, err);
}

static enum status child_walk(struct dry *d, const struct item *item, struct error *err) {
  const char *passed = d->outer ? NULL : child_passed(d->run->options, d->from_seen);
  if (passed) {
    struct buf text = BUF_INIT;
    buf_addf(&text, "passed over: %s", passed);
    dry_note(d, (struct dry_note){
                    .kind = DRY_NOTE_PASSED, .text = item->title, .detail = buf_str(&text)});
    buf_release(&text);
    return OK;
  }
  enum status status = dry_child_run(d, item->title, item->subject, item->kind == ITEM_RUN, err);
  if (item->result_slot) eval_set_slot(d->e, item->result_slot - 1, value_unknown());
  return status;
}

static enum status (*const walks[])(struct dry *d, const struct item *item, struct error *err) = {
    [ITEM_SECTION] = section_walk, [ITEM_STEP] = step_walk,   [ITEM_PARALLEL] = parallel_walk,
    [ITEM_EACH_OF] = each_walk,    [ITEM_IF] = branches_walk, [ITEM_CASE] = branches_walk,
    [ITEM_RUN] = child_walk,       [ITEM_START] = child_walk, [ITEM_ASSIGN] = assign_walk,
};

static enum status one_item(struct dry *d, const struct item *item, struct error *err) {
  return walks[item->kind](d, item, err);
}

enum status dry_items(struct dry *d, const struct item *items, struct error *err) {
  enum status status = task_poll(d->run->engine->tasks, err);
  for (const struct item *i = items; i && status == OK; i = i->next)
    status = one_item(d, i, err);
  return status;
}
