/* The steps of a rollback, for people to look at first. */
#include "rollback_plan.h"

#include "../runtime/rollback_to.h"
#include "text.h"

enum { SHOWN = 200 };

/* The step of the plan; its id in the run has the item's key in each_of. */
static const struct step *step_of(const struct plan *plan, const char *id) {
  size_t n = strcspn(id, "[");
  for (size_t i = 0; i < plan->step_count; i++)
    if (strlen(plan->steps[i]->id) == n && strncmp(plan->steps[i]->id, id, n) == 0)
      return plan->steps[i];
  return NULL;
}

static void source_of(const struct taken *t, node_id n, struct buf *out) {
  const struct program *p = t->pinned.program;
  tree_line(p->trees[p->plan->unit.file], n, SHOWN, out);
}

/* One line: what it is called, and what its rollback does or why there is none. */
static void item_text(const struct taken *t, const struct undo_item *item, struct buf *out) {
  const struct step *s = step_of(t->pinned.program->plan, item->id);
  if (item->child) {
    buf_addf(out, "%s: the run %s", item->id, item->child);
    return;
  }
  buf_addf(out, "%s (%s)%s: ", s && s->label ? s->label : item->id, item->id,
           item->step->outcome == STEP_FINISHED ? "" : ", not finished");
  if (s && s->rollback) {
    source_of(t, s->rollback, out);
  } else {
    buf_adds(out, "stays, a point of no return");
    if (s && s->irreversible) buf_adds(out, ": "), source_of(t, s->irreversible, out);
  }
}

static void print(struct ui *ui, const char *text, size_t indent) {
  text_print(ui->out, text, indent);
  putc('\n', ui->out);
}

static void show_items(const struct taken *t, const struct undo_list *l, struct ui *ui) {
  for (size_t i = 0; i < l->count; i++) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "  %zu. ", i + 1);
    item_text(t, &l->items[i], &b);
    print(ui, buf_str(&b), 5);
    buf_release(&b);
  }
}

static void show_kept(const struct undo_list *l, struct ui *ui) {
  struct buf b = BUF_INIT;
  for (size_t i = 0; i < l->kept_count; i++)
    buf_addf(&b, "%s%s", i ? ", " : "stays done: ", l->kept[i].id);
  if (b.len) print(ui, buf_str(&b), 2);
  buf_release(&b);
}

enum status rollback_plan_show(const struct taken *t, const char *to, struct ui *ui,
                               struct error *err) {
  struct undo_list l;
  struct buf head = BUF_INIT;
  const struct plan *plan = t->pinned.program->plan;
  enum status status = undo_list_make(t->history, to, &l, err);
  if (status == OK) {
    buf_addf(&head, "run %s of %s, %s: %zu step%s to undo, latest first", t->run, plan->name,
             run_state_name(t->history->state), l.count, l.count == 1 ? "" : "s");
    print(ui, buf_str(&head), 0);
    show_items(t, &l, ui);
    show_kept(&l, ui);
  }
  undo_list_release(&l);
  buf_release(&head);
  return status;
}
