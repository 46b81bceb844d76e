/* The exact text that somebody approves or denies, and that a signed role signs.
 *
 * It is made from two events alone: approval.requested and the answer to it (approval.given or
 * approval.denied), so whoever has the journal can make it again and verify the signature with
 * ssh-keygen. docs/approvals.md states it byte for byte; change both together. */
#ifndef STEPWISE_APPROVAL_TEXT_H
#define STEPWISE_APPROVAL_TEXT_H

#include "journal.h"

struct tasks;

/* The data of the two events (JSON objects), with what their columns say. */
struct approval_words {
  const char *run, *step;
  const char *requested; /* data of approval.requested */
  size_t requested_len;
  const char *answer; /* data of approval.given or approval.denied */
  size_t answer_len;
  bool denied;
};

void approval_text(const struct approval_words *w, struct buf *out);

/* Whether the answer's signature holds: its text is the one the events make, and it is signed in
 * the namespace stepwise-approval with a key that allowed_signers gave its approver at that time
 * (us). allowed: the text of an allowed_signers file; NULL: the one the journal keeps with the
 * answer (`signers`). t may be NULL outside of tasks. ERR_FAILED, kind "signature", with the reason;
 * an answer that carries no signature is such a failure too. */
enum status approval_verify(struct tasks *t, struct journal *j, const struct approval_words *w,
                            const char *allowed, int64_t at, struct error *err) must_use;

#endif
