/* Takes in what rollbacks left beside a journal that took no events, and says so. */
#ifndef STEPWISE_SPARES_H
#define STEPWISE_SPARES_H

#include "../runtime/journal.h"

/* For every verb that opens the journal for writing, before its first event. Tells on stderr; false
 * when a file was refused, which keeps nothing else from going on. */
bool spares_take_in(struct journal *j);

#endif
