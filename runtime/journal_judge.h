/* The part of `journal verify` that weighs checkpoints. For journal_verify.c. */
#ifndef STEPWISE_JOURNAL_JUDGE_H
#define STEPWISE_JOURNAL_JUDGE_H

#include "journal_checkpoint.h"
#include "journal_inner.h"

struct judge {
  struct journal *j;
  struct journal_report *report;
  struct checkpoints *list; /* or NULL */
  const struct checkpoint_keys *keys;
  bool altered; /* the schema was changed and put back */
  size_t at;
  int64_t next;              /* the size of the next checkpoint */
  int64_t own_good;          /* size of the last checkpoint of its own that holds */
  int64_t own_bad, own_said; /* size of the first that does not, and the event that says it; or 0 */
};

void judge_begin(struct judge *g); /* list, keys, j and report are set */
/* Event `next` has this hash, and all before it are good. */
void judge_event(struct judge *g, int64_t seq, const uint8_t *hash);
/* Event `seq` says what the hash of event `size` was; holds: and so it is. */
void judge_own(struct judge *g, int64_t seq, int64_t size, bool holds);
enum status judge_end(struct judge *g, struct error *err) must_use;

#endif
