/* The part of `journal verify` that checks approvals again: was each that was used really given, is
 * it signed where its role wants that, and does the signature hold? */
#ifndef STEPWISE_JOURNAL_APPROVAL_H
#define STEPWISE_JOURNAL_APPROVAL_H

#include "journal.h"

/* For the answers and uses that the report of journal_verify lists; problems, warnings and the
 * number of signed answers that hold go into it. allowed: the text of an allowed_signers file;
 * an approver whom it does not name, and all with NULL, are checked with the file that the journal
 * keeps with the answer. ERR_JOURNAL when the journal cannot be read. */
enum status journal_verify_approvals(struct journal *j, const char *allowed,
                                     struct journal_report *report, struct error *err) must_use;

#endif
