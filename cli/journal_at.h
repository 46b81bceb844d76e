/* Opening the journal for verbs that only read it. */
#ifndef STEPWISE_JOURNAL_AT_H
#define STEPWISE_JOURNAL_AT_H

#include "../runtime/journal.h"

/* The journal's path for a verb without a runbook: given (--journal), else $STEPWISE_JOURNAL, else
 * that of the site file in the working directory or above it, else the usual place. */
enum status journal_path_at(const char *given, struct buf *out, struct error *err) must_use;
/* given: --journal, or NULL for the usual place. *out is to be closed in any case. */
enum status journal_read_at(const char *given, struct journal **out, struct error *err) must_use;

/* journal_find_run, with the nearest run there is when there is none of that name. */
enum status run_find_at(struct journal *j, const char *text, char out[RUN_ID_MAX],
                        struct error *err) must_use;

#endif
