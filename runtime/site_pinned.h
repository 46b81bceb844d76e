/* A run's site, from the text that the journal keeps of it: the roles as they were when it began. */
#ifndef STEPWISE_SITE_PINNED_H
#define STEPWISE_SITE_PINNED_H

#include "host.h"
#include "journal.h"
#include "site.h"

struct site_pinned {
  struct site *site; /* NULL: the run has none */
  char *plan;        /* SHA-256 of the run's plan, hex, as its events say last; or NULL */
  struct host host;  /* private */
};
/* run: a full id. Release in either case. */
enum status site_pinned_load(struct site_pinned *p, struct journal *j, const char *run,
                             struct error *err) must_use;
void site_pinned_release(struct site_pinned *p);

#endif
