/* Drills: runs that practise. Every binding is served by its driver :simulated with the settings that
 * it has by itself, waits take no time, and what drivers keep is kept in a directory of the drill's
 * own, below that of the real runs. Nothing of the site is connected, so nothing real is touched.
 *
 * A run is a drill from its first event on: its id says so (journal.h), so that it stands in every
 * line that names it. The runs that it begins are part of the same drill. */
#ifndef STEPWISE_DRILL_H
#define STEPWISE_DRILL_H

#include "../lang/plan.h"
#include "value.h"

struct action_run;
struct drill;
struct history;
struct lane;
struct record;

struct drill *drill_new(void) must_use;
struct drill *drill_ref(struct drill *d); /* NULL-safe */
void drill_unref(struct drill *d);        /* NULL-safe */

/* What whoever drills asks for: "BINDING.ACTION[:KIND[:COUNT[:AFTER]]]", a way in which the next
 * COUNT calls fail once AFTER more have passed; and "BINDING.SETTING=VALUE". ERR_VALUE says what is
 * wrong with the words; whether there are such names is seen by drill_check. */
enum status drill_fail(struct drill *d, const char *words, struct error *err) must_use;
enum status drill_set(struct drill *d, const char *words, struct error *err) must_use;
/* Before anything runs: the names are those of the run's bindings, or of a run's that it begins. */
enum status drill_check(const struct lane *lane, struct error *err) must_use;

/* The first run that asks is the one whose directory it is: state/drill/RUN. */
void drill_home(struct drill *d, const char *state_dir, const char *run);
const char *drill_dir(const struct drill *d);

/* What run.started says of it, in its options. */
void drill_record(const struct drill *d, struct record *options);
/* The drill that a run of the journal is part of, as far as it had come: NULL for any other run. */
enum status drill_past(const struct history *h, const char *state_dir, struct drill **out,
                       struct error *err) must_use;

/* The driver that serves a binding in a drill. ERR_NOT_FOUND says what to write. */
enum status drill_driver(const struct program *p, const struct binding *b,
                         const struct driver **out, struct error *err) must_use;
/* The value that was asked for, as text, or NULL. d may be NULL. */
const char *drill_setting(const struct drill *d, const char *binding, const char *setting);

/* --- drill_fail.c: calls that fail --- */

/* Before the driver of a live call is reached: counts the call and makes it fail when it is to. OK: it
 * is to be carried out; *lost: and its answer does not come back (drill_lose). */
enum status drill_call(struct action_run *c, bool *lost, struct error *err) must_use;
/* The driver has done it, and nobody hears of it. */
enum status drill_lose(struct action_run *c, value owned_answer, struct error *err) must_use;
/* Where the run that began the drill ends: tells and records which of the failures that were asked for
 * did not come. Nothing in any other run. */
enum status drill_unused(struct lane *lane, struct error *err) must_use;

#endif
