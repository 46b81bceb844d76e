/* Approving and denying from another terminal than the run's own.
 *
 * approve_begin finds what is asked and whether this account may answer it; a person is shown
 * approve_show and agrees; approve_do signs where the role wants it, and appends the answer. What
 * others decided meanwhile is seen before anything is committed. */
#ifndef STEPWISE_APPROVE_H
#define STEPWISE_APPROVE_H

#include "approval_state.h"
#include "operate.h"
#include "site_pinned.h"

struct approve {
  struct operation *op; /* op->reason is the reason */
  const char *step;     /* or NULL: the only one that is asked for */
  const char *as;       /* --as, or NULL */
  const char *key;      /* --key, or NULL */
  bool deny, break_glass;
  bool may_ask;         /* the key's passphrase, at the terminal */
  /* found out */
  struct site_pinned pinned;
  const struct site_role *role; /* or NULL */
  struct approvals all;
  const struct approval_request *request;
  char *by;             /* who answers; owned */
  const char *identity; /* typed, account or signed */
  uint32_t given;       /* how many answers count already */
  int64_t seq;          /* of what was appended last */
  struct buf glass;     /* what was recorded of a broken glass; empty unless it was */
  bool done;            /* the same answer is there already: op->said says so */
};

/* ERR_NOT_FOUND, ERR_CONFLICT (it was decided otherwise), or ERR_FAILED with the kind
 * "permission". A request whose time has passed is recorded as void here. */
enum status approve_begin(struct approve *a, struct error *err) must_use;
void approve_show(const struct approve *a, struct buf *out);
enum status approve_do(struct approve *a, struct error *err) must_use;
void approve_release(struct approve *a); /* not the operation */

#endif
