/* Paging when glass is broken. */
#ifndef STEPWISE_GLASS_H
#define STEPWISE_GLASS_H

#include "../runtime/operate.h"
#include "../runtime/site_pinned.h"
#include "carry.h"

struct broken {
  const char *role; /* that is to be paged */
  const char *step, *nonce, *text;
  struct site *site; /* as the run was pinned to it */
};

/* Once the answer that broke glass is recorded: pages the role that the site names for it, by a run of
 * its own in the same journal. It waits for no acknowledgement. Whatever comes of it is said and noted
 * in the run; the answer stands. */
void glass_page(struct operation *op, const struct broken *what);
/* The same where who broke it did not come to page, or to note it: nothing where somebody did, or is at
 * it now. */
enum status glass_left(struct operation *op, struct error *err) must_use;
/* The same before a run goes on, told on stderr. */
void glass_look(struct carry *c, struct owners *owners, const char *run);

#endif
