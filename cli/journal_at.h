/* Opening the journal for verbs that only read it. */
#ifndef STEPWISE_JOURNAL_AT_H
#define STEPWISE_JOURNAL_AT_H

#include "../runtime/journal.h"

/* given: --journal, or NULL for the usual place. *out is to be closed in any case. */
enum status journal_read_at(const char *given, struct journal **out, struct error *err) must_use;

#endif
