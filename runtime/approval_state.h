/* What the journal has of a run's approvals: who was asked for what, who answered, what counts.
 *
 * The one reading of the rules: the gate of a live run, a resumed one, and the verbs of other
 * terminals all decide by this. Limits are absolute times, looked at whenever somebody looks. */
#ifndef STEPWISE_APPROVAL_STATE_H
#define STEPWISE_APPROVAL_STATE_H

#include "approval_text.h"
#include "site.h"

struct approval_answer {
  char *approver, *identity, *reason, *actor; /* reason may be NULL */
  char *data;                                 /* of the event */
  size_t len;
  int64_t seq, time_us, use_by_us;
  bool denied, break_glass;
};

struct approval_request {
  char *step, *text, *about, *role, *nonce, *plan; /* about and role may be NULL */
  char *requester, *actor; /* who started the run; whose process asks */
  char *data;              /* of the event */
  size_t len;
  uint32_t quorum, gate; /* gate: which approval of its step, from 1 */
  int64_t seq, time_us, within_us, use_by_us, expires_us;
  bool self_ok, is_signed;
  bool drill; /* its run is one: whoever practises answers for others, at its own prompt */
  struct approval_answer *answers; /* in their order */
  size_t answer_count, answer_cap;
  int64_t used_seq, used_us; /* 0: not used */
  int64_t void_seq;
  char *void_reason; /* expired, unused, changed, plan_changed; NULL: not void */
};

struct approvals {
  struct approval_request *at;
  size_t count, cap;
};

/* All requests of the run, or of one step (NULL: all), oldest first. */
enum status approvals_read(struct journal *j, const char *run, const char *step,
                           struct approvals *out, struct error *err) must_use;
void approvals_release(struct approvals *a);
/* Asked for, and neither used, denied nor void. */
bool approval_open(const struct approval_request *r);
const struct approval_answer *approval_denial(const struct approval_request *r); /* or NULL */

/* Why this account cannot approve the request, as what follows its name; NULL when it can. site:
 * the run's, or NULL. Who broke glass needs only be known. */
const char *approver_barred(const struct approval_request *r, const struct site *site,
                            const char *account, bool break_glass);
/* One line, and no blanks around it: what is written otherwise could be one person twice. */
bool approver_named(const char *name);
/* The same name, whatever its case and the host behind an @. */
bool same_account(const char *a, const char *b);

/* Who would release the request as it stands at `now` (wall time). Signatures are checked with the
 * keys as they are now. */
struct approval_count {
  const char *by[16]; /* borrowed from the request's answers */
  uint32_t count;
  bool break_glass; /* one of them stands for all */
  bool lapsed;      /* one was not used in time: the request is void */
  const struct approval_answer *refused; /* the last that does not count, and why */
  char why[200];
};
enum { QUORUM_MAX = 16 };
enum status approval_count(struct tasks *t, struct journal *j, const char *run,
                           const struct approval_request *r, const struct site *site, int64_t now,
                           struct approval_count *out, struct error *err) must_use;

#endif
