/* Writing checkpoints where somebody, or the site, says. */
#ifndef STEPWISE_CLI_CHECKPOINT_H
#define STEPWISE_CLI_CHECKPOINT_H

#include "../runtime/journal_checkpoint.h"
#include "../runtime/site.h"

struct checkpoint_order {
  const char *const *to; /* targets; none: standard output */
  size_t count;
  const char *beside; /* a file: relative paths of `to` are taken from its directory; or NULL */
  const char *key;    /* or NULL: unsigned */
};
/* Takes a checkpoint, signs it, writes it to every target that can be written, and records it.
 * Errors are told. *out and the key's fingerprint are for the caller, who releases the first. */
int checkpoint_write(struct journal *j, const struct checkpoint_order *order,
                     struct checkpoint *out, char fingerprint[SSH_FINGERPRINT]);
/* After a run: when the site names targets and the last checkpoint is older than it wants; not
 * while other runs have events that are not committed. What goes wrong is told and changes nothing
 * else. */
void checkpoint_if_due(struct journal *j, const struct site *site);

#endif
