/* Checkpoints: what the journal's chain was at a moment, written down outside of it and signed.
 *
 * The chain alone cannot show that its end was cut off, that it was written anew, or that an older
 * copy of the file was put back; a checkpoint kept elsewhere can. docs/journal.md states the text
 * that is signed and both forms in which it is kept: a note (in files and git) and one line (in a
 * system log). */
#ifndef STEPWISE_JOURNAL_CHECKPOINT_H
#define STEPWISE_JOURNAL_CHECKPOINT_H

#include "journal.h"
#include "ssh.h"

enum checkpoint_finding {
  CHECKPOINT_UNREACHED, /* the chain is broken before it */
  CHECKPOINT_AGREES,
  CHECKPOINT_DIFFERS, /* the chain has another hash there */
  CHECKPOINT_BEYOND,  /* the chain is shorter */
  CHECKPOINT_FOREIGN, /* another journal's */
  CHECKPOINT_FORGED   /* its signature does not hold: not compared */
};
enum checkpoint_trust {
  TRUST_UNSIGNED,
  TRUST_UNCHECKED, /* signed; no keys were given, or a later one of the same file speaks for it */
  TRUST_GOOD,
  TRUST_BAD
};

struct checkpoint {
  char origin[33];
  int64_t size; /* events */
  char head[65];
  int64_t time_us;
  char *signature; /* armored; NULL = unsigned */
  /* Of one that was read: */
  const char *file;
  int line;
  enum checkpoint_finding finding;
  enum checkpoint_trust trust;
  char *signer; /* a name of the allowed signers, or NULL */
};
struct checkpoints {
  struct checkpoint *items;
  size_t count, cap;
};

/* What the journal's chain is now; unsigned. */
enum status checkpoint_take(struct journal *j, struct checkpoint *out, struct error *err) must_use;
/* The text that is signed: five lines. */
void checkpoint_text(const struct checkpoint *c, struct buf *out);
/* The text, its signature or "unsigned", and an empty line. */
void checkpoint_note(const struct checkpoint *c, struct buf *out);
/* The same in one line, without a newline. */
void checkpoint_line(const struct checkpoint *c, struct buf *out);
void checkpoint_release(struct checkpoint *c);

/* Adds those of a file to *out: notes, or lines among others of a system log. `path` must outlive
 * them. ERR_IO, ERR_NOT_FOUND; ERR_VALUE names the line that is no checkpoint's. */
enum status checkpoints_read(const char *path, struct checkpoints *out, struct error *err) must_use;
/* By size; of equal ones the earlier read first. */
void checkpoints_sort(struct checkpoints *list);
void checkpoints_release(struct checkpoints *list);

/* Whether the journal has that event with that hash, and that origin: one look, not a verification.
 */
enum status checkpoint_agrees(struct journal *j, const struct checkpoint *c, bool *agrees,
                              struct error *err) must_use;
/* Signatures. */

/* fingerprint: of the key, for the event. */
enum status checkpoint_sign(struct tasks *t, struct checkpoint *c, const struct ssh_key *key,
                            char fingerprint[SSH_FINGERPRINT], struct error *err) must_use;
struct checkpoint_keys {
  char *allowed; /* owned: who may sign checkpoints, as allowed_signers has it; NULL = nothing given
                  */
};
/* From a list of allowed signers and a public key; either may be NULL. */
enum status checkpoint_keys_read(const char *signers, const char *key, struct checkpoint_keys *out,
                                 struct error *err) must_use;
void checkpoint_keys_release(struct checkpoint_keys *k);
/* Sets c's trust and signer; why says what is wrong with a bad one, as in "notes:1 WHY". Fails only
 * when it could not be checked. */
enum status checkpoint_check(struct checkpoint *c, const struct checkpoint_keys *keys,
                             struct buf *why, struct error *err) must_use;

/* What journal_verify finds of them goes into their finding, trust and signer, and into the report.
 * list is sorted. */
enum status journal_verify_against(struct journal *j, bool deep, struct checkpoints *list,
                                   const struct checkpoint_keys *keys, struct journal_report *out,
                                   struct error *err) must_use;

/* Writes it to "file:PATH" (or a path), "git:DIRECTORY", "syslog" or "syslog:SOCKET", and syncs it.
 * ERR_CONFLICT: the journal does not agree with the last one there; ERR_VALUE: no such target. */
enum status checkpoint_put(struct tasks *t, struct journal *j, const struct checkpoint *c,
                           const char *target, struct error *err) must_use;
/* The journal.checkpointed event, committed. fingerprint: "" when unsigned. */
enum status checkpoint_record(struct journal *j, const struct checkpoint *c,
                              const char *fingerprint, const char *const *to, size_t count,
                              struct error *err) must_use;

/* time_us of the last journal.checkpointed event; 0 = there is none. */
enum status checkpoint_last(struct journal *j, int64_t *time_us, struct error *err) must_use;

#endif
