/* Events on their way to the observer: told once they are committed, and never when they are not.
 */
#ifndef STEPWISE_ANNOUNCE_H
#define STEPWISE_ANNOUNCE_H

#include "engine.h"

struct announce {
  struct buf held; /* copies, one after the other */
};

void announce_hold(struct announce *a, const struct observer *o, const struct event *e);
void announce_all(struct announce *a, const struct observer *o); /* they are committed */
void announce_drop(struct announce *a);                          /* they never were */
void announce_release(struct announce *a);

#endif
