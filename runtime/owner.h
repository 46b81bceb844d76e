/* Who carries a live run: a lock of the operating system that dies with its process.
 *
 * One file beside the journal, JOURNAL.owners, holds nothing; byte n of it is locked by the process
 * that owns the run whose first event is number n. A run that has not ended and whose byte nobody
 * holds was interrupted. Such locks belong to the process and are gone as soon as it closes any
 * descriptor of the file, so one process has one `struct owners` for a journal, for as long as it
 * owns a run. */
#ifndef STEPWISE_OWNER_H
#define STEPWISE_OWNER_H

#include <sys/types.h>

#include "../lang/buf.h"

struct owners;
struct owners *owners_new(const char *journal_file) must_use; /* opens nothing yet */
void owners_free(struct owners *o); /* gives up what it holds; NULL-safe */

/* Takes the run: while the journal is held (journal_hold), so that whoever holds it knows that a run
 * nobody has stays so. Taking again what is held is OK. ERR_CONFLICT when another process has it, with
 * its number in *holder (may be NULL); ERR_JOURNAL when the file cannot be made or locked. */
enum status owner_take(struct owners *o, int64_t first_seq, pid_t *holder,
                       struct error *err) must_use;
/* Whether some process has the run, and which: this one included. Makes no file. When nobody can
 * tell (the file cannot be read), nobody has it. */
bool owner_of(struct owners *o, int64_t first_seq, pid_t *pid);
void owner_drop(struct owners *o, int64_t first_seq);

#endif
