/* SSH signatures, made and verified by ssh-keygen -Y of openssh-client. The only door to SSH.
 *
 * A signature is over a text in a namespace: one for approvals is none for checkpoints. Keys may
 * lie in a file, be held by an agent (SSH_AUTH_SOCK; the key is named by its public half) or in
 * hardware. Nothing is written to disk: texts, signatures and lists of signers are handed over in
 * memory. Every function works in a task, and outside of tasks with t NULL. When ssh-keygen is
 * missing the error says what to install (ERR_NOT_FOUND). */
#ifndef STEPWISE_SSH_H
#define STEPWISE_SSH_H

#include "process.h"

#define SSH_APPROVAL "stepwise-approval"
#define SSH_CHECKPOINT "stepwise-checkpoint"
enum { SSH_FINGERPRINT = 96 }; /* "SHA256:..." and a NUL */

struct ssh_key {
  const char *path; /* a private key, or a public key whose private half an agent holds */
  bool may_ask;     /* for its passphrase or PIN, at the terminal; else such a key is an error */
};

/* *signature is the armoured text, to be kept as it is; owned by the caller. */
enum status ssh_sign(struct tasks *t, const struct ssh_key *key, const char *space,
                     const char *text, size_t len, char **signature, struct error *err) must_use;

struct ssh_check {
  const char *allowed;   /* the text of an allowed_signers file: see ssh_allowed_read */
  const char *principal; /* who must have signed */
  const char *space;
  const char *text;
  size_t len;
  const char *signature;
  int64_t at; /* wall time in us for which the key must be allowed; 0 = now */
};
/* OK: it is a signature of this text in this namespace, by a key that `allowed` gives the
 * principal. Else ERR_FAILED, kind "signature", with the reason. fingerprint may be NULL. */
enum status ssh_verify(struct tasks *t, const struct ssh_check *check,
                       char fingerprint[SSH_FINGERPRINT], struct error *err) must_use;

/* Who made it, by its key alone: the first name that `allowed` gives that key; owned by the caller.
 * ERR_FAILED, kind "signature", when it is nobody's. The text is not looked at: ssh_verify does. */
enum status ssh_signer(struct tasks *t, const char *allowed, const char *signature, int64_t at,
                       char **principal, struct error *err) must_use;

/* Of the key in this file, private or public. */
enum status ssh_fingerprint(struct tasks *t, const char *path, char out[SSH_FINGERPRINT],
                            struct error *err) must_use;
/* Whether the list gives the principal a key at all. */
enum status ssh_has_key(struct tasks *t, const char *allowed, const char *principal, bool *out,
                        struct error *err) must_use;
/* An allowed_signers file, whole; owned by the caller. */
enum status ssh_allowed_read(const char *path, char **out, struct error *err) must_use;

#endif
