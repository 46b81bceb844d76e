/* Signatures of checkpoints, through the SSH door. */
#include <errno.h>

#include "journal_checkpoint.h"

enum status checkpoint_sign(struct tasks *t, struct checkpoint *c, const struct ssh_key *key,
                            char fingerprint[SSH_FINGERPRINT], struct error *err) {
  struct buf text = BUF_INIT;
  checkpoint_text(c, &text);
  enum status status = ssh_fingerprint(t, key->path, fingerprint, err);
  if (status == OK)
    status = ssh_sign(t, key, SSH_CHECKPOINT, buf_str(&text), text.len, &c->signature, err);
  if (status == OK) c->trust = TRUST_UNCHECKED;
  buf_release(&text);
  return status;
}

/* Keys. */

static bool is_public_key(const char *text) {
  static const char *const begins[] = {"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
    if (strncmp(text, begins[i], strlen(begins[i])) == 0) return true;
  return false;
}

/* The public key in the file, or in the one beside it when it holds the private half. */
static enum status read_public_key(const char *path, char **out, struct error *err) {
  enum status status = ssh_allowed_read(path, out, err);
  if (status == OK && strncmp(*out, "-----BEGIN", 10) == 0) {
    struct buf beside = BUF_INIT;
    buf_addf(&beside, "%s.pub", path);
    mem_free(*out);
    status = ssh_allowed_read(buf_str(&beside), out, err);
    buf_release(&beside);
  }
  if (status != OK || is_public_key(*out)) return status;
  mem_free(*out);
  error_set(err, ERR_VALUE, "%s is no public SSH key", path);
  error_help(err, "it has one line, as ssh-keygen wrote it: ssh-ed25519 AAAA... comment");
  return ERR_VALUE;
}

enum status checkpoint_keys_read(const char *signers, const char *key, struct checkpoint_keys *out,
                                 struct error *err) {
  char *text = NULL, *one = NULL;
  struct buf all = BUF_INIT;
  enum status status = signers ? ssh_allowed_read(signers, &text, err) : OK;
  if (status == OK && key) status = read_public_key(key, &one, err);
  if (status == OK && text) buf_addf(&all, "%s\n", text);
  if (status == OK && one)
    buf_addf(&all, "--key namespaces=\"" SSH_CHECKPOINT "\" %.*s\n", (int)strcspn(one, "\r\n"),
             one);
  if (status == OK && all.len) out->allowed = buf_take(&all);
  else buf_release(&all);
  mem_free(text);
  if (status == OK) mem_free(one);
  return status;
}

void checkpoint_keys_release(struct checkpoint_keys *k) {
  mem_free(k->allowed);
  k->allowed = NULL;
}

/* A signature that does not hold is an answer; a program that is not there is none. */
static enum status answer(struct checkpoint *c, enum status status, struct buf *why,
                          struct error *err) {
  c->trust = status == OK ? TRUST_GOOD : TRUST_BAD;
  if (status != ERR_FAILED) return status;
  buf_addf(why, "has a signature that does not hold: %s", err->message);
  error_release(err);
  *err = (struct error){0};
  return OK;
}

enum status checkpoint_check(struct checkpoint *c, const struct checkpoint_keys *keys,
                             struct buf *why, struct error *err) {
  struct buf text = BUF_INIT;
  char *who = NULL;
  checkpoint_text(c, &text);
  enum status status = ssh_signer(NULL, keys->allowed, c->signature, c->time_us, &who, err);
  if (status == OK) {
    struct ssh_check check = {.allowed = keys->allowed,
                              .principal = who,
                              .space = SSH_CHECKPOINT,
                              .text = buf_str(&text),
                              .len = text.len,
                              .signature = c->signature,
                              .at = c->time_us};
    status = ssh_verify(NULL, &check, NULL, err);
  }
  c->signer = who;
  buf_release(&text);
  return answer(c, status, why, err);
}
