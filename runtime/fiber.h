/* Fibers: places of execution with a stack of their own. Private to task.c.
 *
 * One function calls all of them, and is where each leaves to. Their stacks are mapped with a guard page
 * below, touched only where used. A fiber that is over waits, where it stands, for the next function: after
 * the first time the kernel is asked for nothing. */
#ifndef STEPWISE_FIBER_H
#define STEPWISE_FIBER_H

#include "../lang/mem.h"

struct fiber;
struct fibers; /* of one thread */

struct fibers *fibers_new(void) must_use;
void fibers_free(struct fibers *f); /* when all that were taken have been given back */

/* One that runs fn at its first fiber_enter; ends the process when there is no memory. */
struct fiber *fiber_take(struct fibers *f, void (*fn)(void *arg), void *arg) must_use;
void fiber_give(struct fibers *f, struct fiber *fiber); /* its fn has returned */

/* Goes on with it, until it leaves or its fn returns. Not from within a fiber. */
void fiber_enter(struct fibers *f, struct fiber *fiber);
void fiber_leave(struct fibers *f, struct fiber *fiber); /* from within: comes back when it is entered */

#endif
