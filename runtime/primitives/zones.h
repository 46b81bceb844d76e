/* Time zones that were asked for, kept with the loop: quiet hours ask for the same few, once for each
 * recipient. */
#ifndef STEPWISE_ZONES_H
#define STEPWISE_ZONES_H

#include "../zone.h"
#include "args.h"

/* *mine: the caller frees it. ERR_VALUE when there is no such zone. */
enum status zone_kept(struct primitive_call *call, const char *name, struct zone **out, bool *mine,
                      struct error *err) must_use;

#endif
