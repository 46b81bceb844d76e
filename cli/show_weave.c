/* Lanes of output: what is written through, and what is held. */
#include "show_weave.h"

#include "text.h"

enum { LEVELS = 64, INDENT = 2 };

/* One heading above a step: its place and the text, which also tells items apart. */
struct level {
  const struct place *place;
  char *text; /* owned; NULL: no heading */
};
struct path {
  struct level levels[LEVELS];
  size_t count;
};

struct weave_step {
  struct weave_step *next;
  struct weave_lane *lane;
  char *id;
  struct path path;
  struct buf held;
  void *slot;
  bool begun; /* its headings are written: it is the first of its lane */
  bool ended; /* told when those before it have ended */
};

struct weave_lane {
  struct weave_lane *next;
  char *key; /* "" for the main line */
  struct buf held;
  struct weave_step *steps; /* open, in the order they began */
  struct path last;         /* the headings written last */
  const char *last_step;    /* the step that ends the lane, without its keys; or NULL */
  bool done;
};

/* --- paths --- */

static void path_release(struct path *p) {
  for (size_t i = 0; i < p->count; i++)
    mem_free(p->levels[i].text);
  p->count = 0;
}

static void path_copy(struct path *to, const struct path *from) {
  path_release(to);
  for (; to->count < from->count; to->count++) {
    to->levels[to->count] = from->levels[to->count];
    if (from->levels[to->count].text)
      to->levels[to->count].text = mem_strdup(from->levels[to->count].text);
  }
}

/* The n-th key of "drain[web-1][a]", from 0; false when there are fewer. */
static bool key_of(const char *id, size_t n, const char **key, size_t *len) {
  const char *p = strchr(id, '[');
  for (; p; p = strstr(p + 1, "][") ? strstr(p + 1, "][") + 1 : NULL) {
    if (n--) continue;
    const char *end = strstr(p, "][");
    *key = p + 1;
    *len = end ? (size_t)(end - p - 1) : strlen(p + 1) - 1;
    return true;
  }
  return false;
}

static void path_of(const struct spot *spot, const char *id, struct path *out) {
  const struct place *chain[LEVELS];
  size_t n = 0, keys = 0;
  for (const struct place *p = spot ? spot->place : NULL; p && n < LEVELS; p = p->outer)
    chain[n++] = p;
  while (n-- > 0) {
    const struct place *p = chain[n];
    struct level *l = &out->levels[out->count++];
    const char *key;
    size_t len;
    *l = (struct level){p, p->title ? mem_strdup(p->title) : NULL};
    if (p->keyed && key_of(id, keys++, &key, &len)) l->text = mem_dup(key, len);
  }
}

static bool shown(const struct level *l) {
  return l->text && (!l->place->keyed || l->place->heads_items);
}

static bool level_same(const struct level *a, const struct level *b) {
  if (a->place != b->place || !a->text != !b->text) return false;
  return !a->text || strcmp(a->text, b->text) == 0;
}

static size_t path_depth(const struct path *p) {
  size_t depth = 0;
  for (size_t i = 0; i < p->count; i++)
    depth += shown(&p->levels[i]);
  return depth;
}

/* What tells the branch of the outermost group apart: "" outside of groups. */
static char *lane_key(const struct path *p, const char **last) {
  struct buf b = BUF_INIT;
  *last = NULL;
  for (size_t i = 0; i < p->count; i++) {
    const struct level *l = &p->levels[i];
    buf_addf(&b, "%p/%s/", (const void *)l->place, l->text ? l->text : "");
    if (!l->place->beside) continue;
    *last = l->place->last;
    return buf_take(&b);
  }
  buf_release(&b);
  return mem_strdup("");
}

/* --- writing --- */

static bool is_front(const struct weave *f, const struct weave_lane *l) {
  return l == f->lanes || l == f->lanes->next;
}

static void lane_write(struct weave *f, struct weave_lane *l, const char *text, size_t len) {
  if (is_front(f, l)) fwrite(text, 1, len, f->out);
  else buf_add(&l->held, text, len);
}

static void headings(struct weave *f, struct weave_lane *l, const struct path *p) {
  size_t same = 0, depth = 0;
  while (same < p->count && same < l->last.count &&
         level_same(&p->levels[same], &l->last.levels[same]))
    same++;
  for (size_t i = 0; i < p->count; i++) {
    if (!shown(&p->levels[i])) continue;
    struct buf b = BUF_INIT;
    buf_addn(&b, f->margin + INDENT * depth++, ' ');
    text_tame(&b, p->levels[i].text, strlen(p->levels[i].text), '?');
    buf_addc(&b, '\n');
    if (i >= same) lane_write(f, l, b.data, b.len);
    buf_release(&b);
  }
  path_copy(&l->last, p);
}

/* The step is the first of its lane now: what was held of it is written. */
static void step_begin(struct weave *f, struct weave_step *s) {
  s->begun = true;
  headings(f, s->lane, &s->path);
  lane_write(f, s->lane, buf_str(&s->held), s->held.len);
  buf_release(&s->held);
}

static void step_free(struct weave_step *s) {
  path_release(&s->path);
  buf_release(&s->held);
  mem_free(s->id);
  mem_free(s);
}

static void lane_free(struct weave_lane *l) {
  path_release(&l->last);
  buf_release(&l->held);
  mem_free(l->key);
  mem_free(l);
}

/* --- lanes --- */

/* The headings above the group are written by its first lane. */
static struct weave_lane *lane_new(struct weave *f, char *owned_key, const char *last,
                                   const struct path *p) {
  struct weave_lane *l = mem_zalloc(sizeof *l), **at = &f->lanes;
  l->key = owned_key;
  l->last_step = last;
  while (*at)
    at = &(*at)->next;
  *at = l;
  path_copy(&l->last, f->lanes->next == l ? &f->lanes->last : p);
  for (size_t i = 0; i < l->last.count && f->lanes->next != l; i++)
    while (l->last.count > i && l->last.levels[i].place->beside)
      mem_free(l->last.levels[--l->last.count].text);
  return l;
}

static struct weave_lane *lane_of(struct weave *f, const struct path *p) {
  const char *last;
  char *key = lane_key(p, &last);
  for (struct weave_lane *l = f->lanes; l; l = l->next)
    if (strcmp(l->key, key) == 0) return mem_free(key), l;
  return lane_new(f, key, last, p);
}

static void lane_through(struct weave *f, struct weave_lane *l) {
  fwrite(buf_str(&l->held), 1, l->held.len, f->out);
  buf_release(&l->held);
}

/* The front lane is over: the next one is written through, and so on while they are over too. */
static void lane_next(struct weave *f) {
  while (f->lanes->next && f->lanes->next->done && !f->lanes->next->steps) {
    struct weave_lane *l = f->lanes->next;
    f->lanes->next = l->next;
    path_copy(&f->lanes->last, &l->last);
    lane_free(l);
    if (f->lanes->next) lane_through(f, f->lanes->next);
  }
}

/* --- what the caller uses --- */

void weave_init(struct weave *f, FILE *out, const struct outline *outline, size_t margin,
                void (*cut_off)(void *ud, struct weave_step *s), void *ud) {
  *f = (struct weave){
      .out = out, .outline = outline, .margin = margin, .cut_off = cut_off, .ud = ud};
  f->lanes = mem_zalloc(sizeof *f->lanes);
  f->lanes->key = mem_strdup("");
}

void weave_release(struct weave *f) {
  for (struct weave_lane *l = f->lanes, *next; l; l = next) {
    next = l->next;
    for (struct weave_step *s = l->steps, *after; s; s = after) {
      after = s->next;
      step_free(s);
    }
    lane_free(l);
  }
  f->lanes = NULL;
}

static struct weave_step *find(const struct weave *f, const char *id) {
  for (struct weave_lane *l = f->lanes; l; l = l->next)
    for (struct weave_step *s = l->steps; s; s = s->next)
      if (!s->ended && strcmp(s->id, id) == 0) return s;
  return NULL;
}

struct weave_step *weave_step(struct weave *f, const char *id, size_t *depth, bool *opened) {
  struct weave_step *s = find(f, id), **at;
  *opened = !s;
  if (!s) {
    s = mem_zalloc(sizeof *s);
    s->id = mem_strdup(id);
    struct spot *spot = outline_find(f->outline, id, strcspn(id, "["));
    if (spot) spot->seen = true;
    if (!f->undoing) path_of(spot, id, &s->path);
    s->lane = lane_of(f, &s->path);
    for (at = &s->lane->steps; *at; at = &(*at)->next) {
    }
    *at = s;
    if (s == s->lane->steps) step_begin(f, s);
  }
  *depth = path_depth(&s->path);
  return s;
}

void weave_add(struct weave *f, struct weave_step *s, const char *text, size_t len) {
  if (s->begun) lane_write(f, s->lane, text, len);
  else buf_add(&s->held, text, len);
}

void **weave_slot(struct weave_step *s) {
  return &s->slot;
}

static bool ends_lane(const struct weave_lane *l, const char *id) {
  size_t n = strcspn(id, "[");
  return l->last_step && strlen(l->last_step) == n && strncmp(l->last_step, id, n) == 0;
}

void weave_line(struct weave *f, const char *text, size_t len) {
  fwrite(text, 1, len, f->out);
}

/* Takes off those that have ended and are next to be told. */
static void lane_turn(struct weave *f, struct weave_lane *l) {
  while (l->steps && l->steps->ended) {
    struct weave_step *s = l->steps;
    l->steps = s->next;
    step_free(s);
    if (l->steps) step_begin(f, l->steps);
  }
}

void weave_end(struct weave *f, struct weave_step *s) {
  struct weave_lane *l = s->lane;
  s->ended = true;
  l->done |= ends_lane(l, s->id);
  lane_turn(f, l);
  lane_next(f);
}

static void lane_close(struct weave *f, struct weave_lane *l) {
  for (struct weave_step *s = l->steps; s; s = s->next) {
    if (!s->ended) f->cut_off(f->ud, s);
    s->ended = true;
  }
  lane_turn(f, l);
  l->done = true;
}

void weave_flush(struct weave *f) {
  for (struct weave_lane *l = f->lanes; l; l = l->next)
    lane_close(f, l);
  lane_next(f);
}

void weave_branches(struct weave *f, bool began) {
  if (began) f->groups++;
  else if (f->groups) f->groups--;
  if (!began && !f->groups) weave_flush(f);
}
