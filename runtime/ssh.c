/* ssh-keygen, asked: see ssh.h. What it says is English and stable enough to look for words in;
 * what decides is its exit status alone. */
#include "ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ALLOWED_MAX = 4 << 20 };
#define QUICK (30 * US_SECOND)
#define ASKING (5 * US_MINUTE)

/* No window pops up on some display when nobody is to be asked. */
static const struct process_var quiet[] = {{"SSH_ASKPASS_REQUIRE", "never"}};

static enum status keygen(struct tasks *t, struct process_spec *spec, struct process_result *out,
                          struct error *err) {
  if (!spec->timeout) spec->timeout = QUICK;
  spec->stop_at_max = true;
  if (!spec->terminal) {
    spec->env = quiet;
    spec->env_count = 1;
  }
  enum status s = process_run(t, spec, out, err);
  if (s == ERR_NOT_FOUND) {
    error_set(err, s, "ssh-keygen is not installed; it makes and verifies signatures");
    error_help(err, "apt-get install openssh-client");
    error_kind(err, "provider");
  }
  return s;
}

static struct process_text text_of(const char *s) {
  return (struct process_text){s, strlen(s)};
}

/* --- signing --- */

static const char *sign_help(const struct ssh_key *key, const char *said) {
  if (strstr(said, "passphrase") || strstr(said, "PIN"))
    return key->may_ask ? "check the passphrase"
                        : "the key has a passphrase: put it into your agent first (ssh-add)";
  if (access(key->path, F_OK) != 0) return "check the path of the key";
  if (strstr(said, "agent") || strstr(said, "No private key"))
    return "name a private key, or a public key whose private half your agent holds (ssh-add -l)";
  return "it must be a private key, or a public key whose private half your agent holds";
}

static enum status sign_failed(const struct ssh_key *key, const struct process_result *r,
                               struct error *err) {
  struct buf said = BUF_INIT;
  process_said(r, &said);
  error_set(err, ERR_FAILED, "cannot sign with the key %s: %s", key->path,
            said.len ? buf_str(&said) : "ssh-keygen gave no reason");
  error_help(err, "%s", sign_help(key, buf_str(&said)));
  error_kind(err, "permission");
  buf_release(&said);
  return ERR_FAILED;
}

enum status ssh_sign(struct tasks *t, const struct ssh_key *key, const char *space,
                     const char *text, size_t len, char **signature, struct error *err) {
  const char *args[] = {"ssh-keygen", "-Y", "sign", "-q", "-f", key->path, "-n", space, NULL};
  struct process_spec spec = {.args = args,
                              .input = {text, len},
                              .terminal = key->may_ask,
                              .timeout = key->may_ask ? ASKING : 0};
  struct process_result r;
  enum status s = keygen(t, &spec, &r, err);
  if (s == OK && (r.status != 0 || !r.out.len)) s = sign_failed(key, &r, err);
  if (s == OK) *signature = buf_take(&r.out);
  process_result_release(&r);
  return s;
}

/* --- verifying --- */

static enum status refused(const struct ssh_check *c, const struct process_result *r,
                           struct error *err) {
  static const struct {
    const char *said, *means;
  } reasons[] = {
      {"incorrect signature", "the text is not the one that was signed"},
      {"namespace does not match", "it was made for another purpose"},
      {"key is not permitted for use in signature namespace", "its key is not for this purpose"},
      {"no principal matched", "its key is none of theirs"},
      {"expired", "its key was not valid any more"},
      {"not yet valid", "its key was not valid yet"},
      {"parse signature", "it is no SSH signature"},
      {"incomplete message", "it is no SSH signature"},
  };
  struct buf said = BUF_INIT;
  process_said(r, &said);
  const char *why = "its key is none of theirs";
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (strstr(buf_str(&said), reasons[i].said)) {
      why = reasons[i].means;
      break;
    }
  error_set(err, ERR_FAILED, "this is not a signature by %s: %s", c->principal, why);
  error_kind(err, "signature");
  buf_release(&said);
  return ERR_FAILED;
}

/* Good "space" signature for ana with ED25519 key SHA256:... */
static void read_fingerprint(const char *said, char out[SSH_FINGERPRINT]) {
  const char *at = strstr(said, "SHA256:");
  size_t len = at ? strcspn(at, " \r\n") : 0;
  snprintf(out, SSH_FINGERPRINT, "%.*s", (int)(len < SSH_FINGERPRINT ? len : 0), at ? at : "");
}

static void time_option(int64_t at, char out[64]) {
  time_t seconds = (time_t)(at / US_SECOND);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  strftime(out, 64, "-Overify-time=%Y%m%d%H%M%SZ", &tm);
}

enum status ssh_verify(struct tasks *t, const struct ssh_check *check,
                       char fingerprint[SSH_FINGERPRINT], struct error *err) {
  char when[64];
  const char *args[] = {
      "ssh-keygen", "-Y",         "verify", "-f",        "/dev/fd/3", "-I", check->principal,
      "-n",         check->space, "-s",     "/dev/fd/4", when,        NULL};
  struct process_spec spec = {.args = args,
                              .input = {check->text, check->len},
                              .files = {text_of(check->allowed), text_of(check->signature)},
                              .file_count = 2};
  struct process_result r;
  if (check->at) time_option(check->at, when);
  else args[11] = NULL;
  enum status s = keygen(t, &spec, &r, err);
  if (s == OK && r.status != 0) s = refused(check, &r, err);
  if (s == OK && fingerprint) read_fingerprint(buf_str(&r.out), fingerprint);
  process_result_release(&r);
  return s;
}

enum status ssh_signer(struct tasks *t, const char *allowed, const char *signature, int64_t at,
                       char **principal, struct error *err) {
  char when[64];
  const char *args[] = {"ssh-keygen", "-Y", "find-principals", "-f", "/dev/fd/3", "-s", "/dev/fd/4",
                        when,         NULL};
  struct process_spec spec = {
      .args = args, .files = {text_of(allowed), text_of(signature)}, .file_count = 2};
  struct process_result r;
  if (at) time_option(at, when);
  else args[7] = NULL;
  enum status s = keygen(t, &spec, &r, err);
  if (s == OK && (r.status != 0 || !r.out.len)) {
    s = error_set(err, ERR_FAILED, "its key is nobody's of the allowed signers");
    error_kind(err, "signature");
  }
  if (s == OK) *principal = mem_dup(r.out.data, strcspn(r.out.data, "\r\n"));
  process_result_release(&r);
  return s;
}

/* --- keys --- */

enum status ssh_fingerprint(struct tasks *t, const char *path, char out[SSH_FINGERPRINT],
                            struct error *err) {
  const char *args[] = {"ssh-keygen", "-l", "-E", "sha256", "-f", path, NULL};
  struct process_spec spec = {.args = args};
  struct process_result r;
  struct buf said = BUF_INIT;
  enum status s = keygen(t, &spec, &r, err);
  if (s == OK && r.status != 0) {
    process_said(&r, &said);
    s = error_set(err, ERR_FAILED, "cannot read the key %s: %s", path, buf_str(&said));
    error_help(err, "it must be an SSH key, private or public (ssh-keygen -t ed25519 makes one)");
  }
  if (s == OK) read_fingerprint(buf_str(&r.out), out);
  buf_release(&said);
  process_result_release(&r);
  return s;
}

enum status ssh_has_key(struct tasks *t, const char *allowed, const char *principal, bool *out,
                        struct error *err) {
  const char *args[] = {"ssh-keygen", "-Y", "match-principals", "-f",
                        "/dev/fd/3",  "-I", principal,          NULL};
  struct process_spec spec = {.args = args, .files = {text_of(allowed)}, .file_count = 1};
  struct process_result r;
  enum status s = keygen(t, &spec, &r, err);
  if (s == OK) *out = r.status == 0;
  process_result_release(&r);
  return s;
}

static enum status read_whole(int fd, const char *path, struct buf *to, struct error *err) {
  char piece[4096];
  ssize_t n;
  to->max = ALLOWED_MAX;
  while ((n = read(fd, piece, sizeof piece)) > 0)
    buf_add(to, piece, (size_t)n);
  if (n < 0) return error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
  if (!to->overflow) return OK;
  return error_set(err, ERR_LIMIT, "%s is too large for a list of signers", path);
}

enum status ssh_allowed_read(const char *path, char **out, struct error *err) {
  struct buf text = BUF_INIT;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    int why = errno;
    error_set(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read the list of signers %s: %s",
              path, strerror(why));
    error_help(err, "it has one line for each key: a name, then the public key (man ssh-keygen, "
                    "ALLOWED SIGNERS)");
    return err->status;
  }
  enum status s = read_whole(fd, path, &text, err);
  close(fd);
  if (s == OK) {
    buf_addc(&text, '\0');
    *out = buf_take(&text);
  } else {
    buf_release(&text);
  }
  return s;
}
