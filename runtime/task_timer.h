/* The tasks' timers: a binary heap, nearest first. Private to task.c. */
#ifndef STEPWISE_TASK_TIMER_H
#define STEPWISE_TASK_TIMER_H

#include "../lang/mem.h"

struct timer {
  int64_t at;
  size_t place; /* index in the heap + 1; 0 = not in it */
};
struct timers {
  struct timer **items;
  size_t count, cap;
};

void timers_release(struct timers *h);
void timers_add(struct timers *h, struct timer *t);
void timers_remove(struct timers *h, struct timer *t); /* harmless when not in it */
struct timer *timers_first(const struct timers *h);    /* or NULL */

#endif
