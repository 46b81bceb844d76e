/* Drills: runs that practise. Every binding is served by its driver :simulated with the settings that
 * it has by itself, waits take no time, and what drivers keep is kept in a directory of the drill's
 * own, below that of the real runs. Nothing of the site is connected, so nothing real is touched.
 *
 * A run is a drill from its first event on: its id says so (journal.h), so that it stands in every
 * line that names it. The runs that it begins are part of the same drill. */
#ifndef STEPWISE_DRILL_H
#define STEPWISE_DRILL_H

#include "../lang/plan.h"

struct drill;
struct history;
struct record;

struct drill *drill_new(void) must_use;
struct drill *drill_ref(struct drill *d); /* NULL-safe */
void drill_unref(struct drill *d);        /* NULL-safe */

/* The first run that asks is the one whose directory it is: state/drill/RUN. */
void drill_home(struct drill *d, const char *state_dir, const char *run);
const char *drill_dir(const struct drill *d);

/* What run.started says of it, in its options. */
void drill_record(const struct drill *d, struct record *options);
/* The drill that a run of the journal is part of: NULL for any other run. */
enum status drill_past(const struct history *h, const char *state_dir, struct drill **out,
                       struct error *err) must_use;

/* The driver that serves a binding in a drill. ERR_NOT_FOUND says what to write. */
enum status drill_driver(const struct program *p, const struct binding *b,
                         const struct driver **out, struct error *err) must_use;

#endif
