/* Secrets of `pass`, the standard Unix password manager: the first line of an entry. */
#include "clock.h"
#include "process.h"
#include "secret_store_inner.h"

#define TIMEOUT (30 * US_SECOND)

static bool says(const struct process_result *r, const char *text) {
  return r->err.len && strcasestr(r->err.data, text);
}

/* With nobody to ask, gpg says the same of a key that is locked as of one that it does not have. */
static enum status gpg_failed(const struct secret_job *job, struct error *err) {
  error_set(err, ERR_FAILED,
            "cannot read the secret %s: gpg has no key for it, or the key is locked and there is nobody "
            "to ask for its passphrase", job->name);
  error_help(err, "unlock the key first, with `pass show` on this terminal or gpg-preset-passphrase; "
                  "or encrypt the entry for a key of the user who runs this: pass init");
  error_kind(err, "permission");
  return ERR_FAILED;
}

/* What it says on its standard error never has the secret: that goes to its output. */
static enum status failed(const struct secret_job *job, const struct process_result *r,
                          struct error *err) {
  struct buf how = BUF_INIT;
  if (says(r, "is not in the password store"))
    return error_set(err, ERR_NOT_FOUND, "no secret %s: it is not in the password store", job->name);
  if (says(r, "password store is empty"))
    return error_set(err, ERR_NOT_FOUND, "no secret %s: the password store is empty", job->name);
  static const char *const locked[] = {"no secret key", "pinentry", "ioctl", "no agent", "tty"};
  for (size_t i = 0; i < sizeof locked / sizeof *locked; i++)
    if (says(r, locked[i])) return gpg_failed(job, err);
  process_how(r, &how);
  buf_adds(&how, ": ");
  process_said(&(struct process_result){.err = r->err}, &how);
  error_set(err, ERR_FAILED, "cannot read the secret %s: pass %s", job->name, buf_str(&how));
  buf_release(&how);
  return ERR_FAILED;
}

static enum status not_run(const struct secret_job *job, enum status status, struct error *err) {
  if (status == ERR_CANCELLED || strcmp(err->kind, "limit") == 0) return status;
  char *why = mem_strdup(err->message ? err->message : "it cannot be run");
  bool slow = strcmp(err->kind, "transient") == 0;
  error_set(err, status, "cannot read the secret %s: %s", job->name, why);
  error_help(err, "%s", slow ? "gpg-agent may be waiting for a passphrase that nobody is asked for; unlock the key first"
                             : "the driver \"pass\" runs the program pass: apt-get install pass");
  mem_free(why);
  return status;
}

enum status secret_from_pass(struct secret_job *job, struct error *err) {
  struct process_result r;
  struct process_var env[3] = {{"LC_ALL", "C.UTF-8"}};
  size_t count = 1;
  const char *directory = secret_text(job, SECRET_pass_directory);
  const char *home = secret_text(job, SECRET_pass_gnupg_home);
  if (directory) env[count++] = (struct process_var){"PASSWORD_STORE_DIR", directory};
  if (home) env[count++] = (struct process_var){"GNUPGHOME", home};
  const char *args[] = {"pass", "show", "--", job->name, NULL};
  const struct process_spec spec = {.args = args,
                                    .env = env,
                                    .env_count = count,
                                    .max = SECRET_MAX,
                                    .stop_at_max = true,
                                    .timeout = secret_duration(job, SECRET_pass_timeout, TIMEOUT)};
  enum status status = process_run(job->reach->tasks, &spec, &r, err);
  if (status != OK) status = not_run(job, status, err);
  else if (r.status != 0) status = failed(job, &r, err);
  else if (r.out.len) buf_add(&job->out, r.out.data, strcspn(r.out.data, "\r\n"));
  if (r.out.data) explicit_bzero(r.out.data, r.out.cap);
  process_result_release(&r);
  return status;
}
