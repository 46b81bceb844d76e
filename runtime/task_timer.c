/* A binary heap of timers that know their own place, so that removing one costs log n. */
#include "task_timer.h"

void timers_release(struct timers *h) {
  mem_free(h->items);
  *h = (struct timers){0};
}

static void put(struct timers *h, size_t i, struct timer *t) {
  h->items[i] = t;
  t->place = i + 1;
}

static void sift_up(struct timers *h, size_t i) {
  struct timer *t = h->items[i];
  for (; i > 0 && h->items[(i - 1) / 2]->at > t->at; i = (i - 1) / 2)
    put(h, i, h->items[(i - 1) / 2]);
  put(h, i, t);
}

static void sift_down(struct timers *h, size_t i) {
  struct timer *t = h->items[i];
  for (size_t child; (child = 2 * i + 1) < h->count; i = child) {
    if (child + 1 < h->count && h->items[child + 1]->at < h->items[child]->at) child++;
    if (h->items[child]->at >= t->at) break;
    put(h, i, h->items[child]);
  }
  put(h, i, t);
}

void timers_add(struct timers *h, struct timer *t) {
  h->items = mem_grow(h->items, h->count, &h->cap, sizeof *h->items);
  h->items[h->count] = t;
  sift_up(h, h->count++);
}

void timers_remove(struct timers *h, struct timer *t) {
  if (!t->place) return;
  size_t i = t->place - 1;
  t->place = 0;
  struct timer *last = h->items[--h->count];
  if (last == t) return;
  put(h, i, last);
  sift_down(h, i);
  sift_up(h, last->place - 1);
}

struct timer *timers_first(const struct timers *h) {
  return h->count ? h->items[0] : NULL;
}
