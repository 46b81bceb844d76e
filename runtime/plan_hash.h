/* One name for everything a run is made of: the texts of the runbook, its modules and the site.
 *
 * SHA-256 over lines, each ended by a newline: `runbook SHA`, then `module NAME SHA` in byte order
 * of the names, then `site SHA` when there is a site; SHA is the hex SHA-256 of the text. Any
 * change of a byte in any of them gives another hash, so what was planned or approved is what runs.
 * A module's name is its path from the runbook's directory, so that it does not matter where from
 * the runbook was called; one of the standard library is stdlib/NAME.rb. */
#ifndef STEPWISE_PLAN_HASH_H
#define STEPWISE_PLAN_HASH_H

#include "../lang/program.h"
#include "digest.h"

/* site: the site file's text, or NULL without one. */
void plan_hash(const struct program *p, const struct source *site, char out[SHA256_HEX]);
/* The same from digests that were made already, as run.started holds them: modules in any order, by
 * their paths as they were opened, with `file` the runbook's own path. site may be NULL. */
struct plan_module {
  const char *name, *sha256;
};
void plan_hash_of(const char *file, const char *runbook, const struct plan_module *modules,
                  size_t count, const char *site, char out[SHA256_HEX]);

#endif
