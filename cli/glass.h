/* Paging when glass is broken. */
#ifndef STEPWISE_GLASS_H
#define STEPWISE_GLASS_H

#include "../runtime/approve.h"
#include "verb.h"

/* Once the answer that broke glass is recorded: pages the role that the site names for it, by a run of
 * its own in the same journal, with the site as the run was pinned to it. It waits for no
 * acknowledgement. Whatever comes of it is said and noted in the run; the answer stands. */
void glass_page(struct verb *v, const struct approve *a);

#endif
