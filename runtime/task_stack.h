/* Stacks for tasks: mapped with a guard page below, touched only where used, pooled. */
#ifndef STEPWISE_TASK_STACK_H
#define STEPWISE_TASK_STACK_H

#include "../lang/mem.h"

struct stack {
  struct stack *next; /* in the pool */
  char *base;         /* lowest usable byte; the guard page is below */
  size_t size;
};

/* Takes one from the pool, or maps a new one; ends the process when there is no memory. */
struct stack *stack_take(struct stack **pool) must_use;
void stack_give(struct stack **pool, struct stack *s);
void stacks_release(struct stack **pool);

#endif
