/* Reads the outline off a plan. */
#include "outline.h"

static void walk(struct outline *o, const struct item *items, const struct place *at);

static struct place *place_new(struct outline *o, const struct place *outer) {
  o->places = mem_grow(o->places, o->place_count, &o->place_cap, sizeof *o->places);
  struct place *p = o->places[o->place_count++] = mem_zalloc(sizeof *p);
  p->outer = outer;
  return p;
}

/* The walk is over what stands in p: its last step is known now. */
static void close_place(struct outline *o, struct place *p, size_t before) {
  if (o->spot_count > before) p->last = o->spots[o->spot_count - 1].id;
}

static void walk_section(struct outline *o, const struct item *item, const struct place *at) {
  struct place *p = place_new(o, at);
  size_t before = o->spot_count;
  p->title = item->title;
  walk(o, item->items, p);
  close_place(o, p, before);
}

static void walk_parallel(struct outline *o, const struct item *item, const struct place *at) {
  struct place *group = place_new(o, at);
  uint32_t number = 0;
  group->title = "side by side";
  for (const struct item *i = item->items; i; i = i->next) {
    struct place *branch = place_new(o, group);
    struct item alone = *i;
    size_t before = o->spot_count;
    branch->beside = true;
    branch->number = ++number;
    alone.next = NULL;
    walk(o, &alone, branch);
    close_place(o, branch, before);
  }
}

static void walk_each(struct outline *o, const struct item *item, const struct place *at) {
  struct place *p = place_new(o, at);
  size_t before = o->spot_count;
  p->keyed = true;
  p->beside = item->at_once != 0;
  walk(o, item->items, p);
  p->heads_items = o->spot_count - before > 1;
  close_place(o, p, before);
}

static void walk_branches(struct outline *o, const struct item *item, const struct place *at) {
  for (const struct branch *b = item->branches; b; b = b->next)
    walk(o, b->items, at);
}

static void walk_step(struct outline *o, const struct item *item, const struct place *at) {
  o->spots = mem_grow(o->spots, o->spot_count, &o->spot_cap, sizeof *o->spots);
  o->spots[o->spot_count++] = (struct spot){item->step->id, item->step, at, false};
}

/* A place is counted among those of its word and runbook, as the engine does (place_text). */
static void walk_child(struct outline *o, const struct item *item, const struct place *at) {
  const char *word = item->kind == ITEM_RUN ? "run" : "start";
  const char *name = item->title ? item->title : "";
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s %s#", word, name);
  size_t number = 1, len = b.len;
  for (size_t i = 0; i < o->text_count; i++)
    number += strncmp(o->texts[i], buf_str(&b), len) == 0;
  buf_addf(&b, "%zu", number);
  o->texts = mem_grow(o->texts, o->text_count, &o->text_cap, sizeof *o->texts);
  o->texts[o->text_count++] = buf_take(&b);
  o->spots = mem_grow(o->spots, o->spot_count, &o->spot_cap, sizeof *o->spots);
  o->spots[o->spot_count++] = (struct spot){o->texts[o->text_count - 1], NULL, at, false};
}

static void walk(struct outline *o, const struct item *items, const struct place *at) {
  static void (*const walks[])(struct outline * o, const struct item *item,
                               const struct place *at) = {
      [ITEM_SECTION] = walk_section,
      [ITEM_STEP] = walk_step,
      [ITEM_PARALLEL] = walk_parallel,
      [ITEM_EACH_OF] = walk_each,
      [ITEM_IF] = walk_branches,
      [ITEM_CASE] = walk_branches,
      [ITEM_RUN] = walk_child,
      [ITEM_START] = walk_child,
      [ITEM_ASSIGN] = NULL,
  };
  for (; items; items = items->next)
    if (walks[items->kind]) walks[items->kind](o, items, at);
}

static int order(const char *id, const char *other, size_t len) {
  int c = strncmp(id, other, len);
  return c ? c : id[len] ? 1 : 0;
}

static int by_id(const void *a, const void *b, void *ud) {
  const struct spot *spots = ud;
  return strcmp(spots[*(const uint32_t *)a].id, spots[*(const uint32_t *)b].id);
}

void outline_make(struct outline *o, const struct plan *plan) {
  *o = (struct outline){0};
  if (plan) walk(o, plan->items, NULL);
  o->by_id = mem_array(o->spot_count + 1, sizeof *o->by_id);
  for (size_t i = 0; i < o->spot_count; i++)
    o->by_id[i] = (uint32_t)i;
  qsort_r(o->by_id, o->spot_count, sizeof *o->by_id, by_id, o->spots);
}

void outline_release(struct outline *o) {
  for (size_t i = 0; i < o->place_count; i++)
    mem_free(o->places[i]);
  for (size_t i = 0; i < o->text_count; i++)
    mem_free(o->texts[i]);
  mem_free(o->texts);
  mem_free(o->places);
  mem_free(o->spots);
  mem_free(o->by_id);
  *o = (struct outline){0};
}

struct spot *outline_find(const struct outline *o, const char *id, size_t len) {
  size_t from = 0, to = o->spot_count;
  while (from < to) {
    size_t mid = (from + to) / 2;
    struct spot *s = &o->spots[o->by_id[mid]];
    int c = order(s->id, id, len);
    if (c == 0) return s;
    if (c < 0) from = mid + 1;
    else to = mid;
  }
  return NULL;
}
