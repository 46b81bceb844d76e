/* Where a site's secrets come from: `secrets driver: "files"` and what follows it. One table of
 * drivers, in secret_store.c; each has a file of its own.
 *
 * What was fetched is kept for a minute, so that several connections and several fields of one
 * secret cost one look, and runs that begin later see a secret that was changed. */
#ifndef STEPWISE_SECRET_STORE_H
#define STEPWISE_SECRET_STORE_H

#include "secrets.h"
#include "site.h"

struct tasks;

/* With what a secret is fetched, and where it is learnt. */
struct secret_reach {
  struct tasks *tasks;     /* NULL, or outside of tasks: on a loop of its own */
  struct secrets *secrets; /* or NULL */
};

/* What follows `secrets`, evaluated; call 0: the site says nothing, *out is NULL. Paths are taken from
 * the site's directory. Nothing is fetched yet. */
enum status secret_store_open(struct secret_store **out, const struct site *s, node_id call,
                              struct error *err) must_use;
void secret_store_free(struct secret_store *store); /* NULL-safe; wipes */

/* The secret of that name, a V_SECRET; learnt. In a task, or outside of tasks. ERR_NOT_FOUND when
 * there is none, else ERR_IO, ERR_FAILED or ERR_VALUE; no message holds any of its text. */
enum status secret_store_fetch(struct secret_store *store, const struct secret_reach *reach,
                               const char *name, value *out, struct error *err) must_use;

#endif
