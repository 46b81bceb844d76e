/* What the verbs that carry runs share: what people and scripts are told, who is asked, the journal
 * and what stands beside it, and the exit code. */
#ifndef STEPWISE_CARRY_H
#define STEPWISE_CARRY_H

#include "asker.h"

struct carry {
  const char *answers, *journal_given; /* options, or NULL */
  bool json, detach;
  int64_t wait_us;
  struct ui ui;
  struct asker asker;
  struct clock clock;
  struct journal *store; /* owned */
  struct buf state_dir, tail; /* tail: " --journal PATH" as it was given, or "" */
  struct observer observer;
  struct secrets *secrets; /* owned */
  int output_errno; /* why events could not be printed, or 0 */
};

/* What a process is to keep out of all it writes; people are told of what cannot be kept out. Whoever
 * calls frees it. */
struct secrets *secrets_told(void) must_use;
/* After the options are read. */
void carry_init(struct carry *c);
/* Opens the journal for writing and finds the places beside it. */
enum status carry_journal(struct carry *c, const char *path, struct error *err) must_use;
/* Where drivers keep what they keep: a directory beside the journal. */
void state_beside(const struct journal *j, struct buf *out);
struct engine_config carry_config(struct carry *c, struct site *site); /* borrows */
/* Which exit code a run's end has; a run that did not begin is told of. */
int carry_code(struct carry *c, const struct run_result *r);
int carry_state_code(enum run_state state);
/* Says when events could not be printed; gives the code that the verb ends with. */
int carry_release(struct carry *c, int code);

#endif
