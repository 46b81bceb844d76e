/* Secrets in files, one each, and in the environment. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret_store_inner.h"

/* --- who may read and change it --- */

static enum status open_to(const char *what, const char *path, const char *whom, const char *mode,
                           struct error *err) {
  error_set(err, ERR_IO, "%s %s can be %s", what, path, whom);
  error_help(err, "chmod %s %s", mode, path);
  return ERR_IO;
}

static enum status owner_check(const struct stat *st, const char *what, const char *path,
                               struct error *err) {
  if (st->st_uid == 0 || st->st_uid == geteuid()) return OK;
  error_set(err, ERR_IO, "%s %s belongs to user %u, who could change it", what, path,
            (unsigned)st->st_uid);
  error_help(err, "chown %u %s, or chown 0", (unsigned)geteuid(), path);
  return ERR_IO;
}

/* Root may share a file with a group: that is how a service reads what it cannot change. */
static enum status file_check(const struct stat *st, const char *what, const char *path,
                              struct error *err) {
  if (!S_ISREG(st->st_mode)) return error_set(err, ERR_IO, "%s %s is not a file", what, path);
  enum status status = owner_check(st, what, path, err);
  if (status != OK) return status;
  if (st->st_mode & S_IROTH)
    return open_to(what, path, "read by everybody on this machine", "o-rwx", err);
  if (st->st_mode & S_IWOTH)
    return open_to(what, path, "changed by everybody on this machine", "o-rwx", err);
  if (st->st_mode & S_IWGRP) return open_to(what, path, "changed by its group", "g-rwx", err);
  if (st->st_mode & S_IRGRP && st->st_uid != 0)
    return open_to(what, path, "read by its group", "g-rwx", err);
  return OK;
}

static enum status directory_check(const char *path, struct error *err) {
  static const char what[] = "the directory of secrets";
  struct stat st;
  if (stat(path, &st) != 0)
    return error_set(err, ERR_IO, "cannot look at %s %s: %s", what, path, strerror(errno));
  enum status status = owner_check(&st, what, path, err);
  if (status != OK) return status;
  if (st.st_mode & S_IWOTH) return open_to(what, path, "changed by everybody on this machine", "o-w", err);
  if (st.st_mode & S_IWGRP) return open_to(what, path, "changed by its group", "g-w", err);
  return OK;
}

/* Who may change a directory on the way may put another file there. */
static enum status way_check(const char *base, char *real, struct error *err) {
  enum status status = directory_check(base, err);
  for (char *slash = real + strlen(base) + 1; status == OK && (slash = strchr(slash, '/')); slash++) {
    *slash = '\0';
    status = directory_check(real, err);
    *slash = '/';
  }
  return status;
}

/* --- reading --- */

static enum status too_large(const char *what, const char *path, struct error *err) {
  return error_set(err, ERR_LIMIT, "%s %s is larger than 1 MiB", what, path);
}

static enum status text_read(int fd, const char *what, const char *path, struct buf *out,
                             struct error *err) {
  enum { PIECE = 4096 };
  struct stat st;
  if (fstat(fd, &st) != 0)
    return error_set(err, ERR_IO, "cannot look at %s %s: %s", what, path, strerror(errno));
  enum status status = file_check(&st, what, path, err);
  if (status != OK) return status;
  if (st.st_size > SECRET_MAX) return too_large(what, path, err);
  ssize_t n = 0;
  out->max = SECRET_MAX + PIECE;
  buf_reserve(out, (size_t)st.st_size + PIECE); /* in one place, so that no copy stays behind */
  for (char *to; (to = buf_reserve(out, PIECE)) && (n = read(fd, to, PIECE)) > 0;)
    out->len += (size_t)n;
  if (n < 0) return error_set(err, ERR_IO, "cannot read %s %s: %s", what, path, strerror(errno));
  if (out->data) out->data[out->len] = '\0';
  return out->overflow ? too_large(what, path, err) : OK;
}

static enum status not_there(const char *what, const char *path, int why, struct error *err) {
  error_set(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read %s %s: %s", what, path,
            strerror(why));
  error_help(err, "the file's text is the secret; a newline at its end is not part of it");
  return err->status;
}

static bool lies_below(const char *real, const char *base) {
  size_t n = strlen(base);
  return strncmp(real, base, n) == 0 && real[n] == '/';
}

enum status secret_file_read(const char *path, const char *below, const char *what, struct buf *out,
                             struct error *err) {
  char *base = below ? realpath(below, NULL) : NULL, *real = realpath(path, NULL);
  int fd = -1, why = errno;
  enum status status = OK;
  if ((below && !base) || !real) status = not_there(what, path, why, err);
  else if (below && !lies_below(real, base)) {
    status = error_set(err, ERR_IO, "%s %s is a link that leads out of %s", what, path, below);
    error_help(err, "it leads to %s; put the file itself there", real);
  } else if (below) {
    status = way_check(base, real, err);
  }
  if (status == OK) {
    fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    status = fd < 0 ? not_there(what, path, errno, err) : text_read(fd, what, path, out, err);
  }
  if (fd >= 0) close(fd);
  free(base);
  free(real);
  return status;
}

enum status secret_from_files(struct secret_job *job, struct error *err) {
  const char *directory = secret_text(job, SECRET_files_directory);
  struct buf path = BUF_INIT;
  buf_addf(&path, "%s/%s", directory, job->name);
  enum status status = secret_file_read(buf_str(&path), directory, "the secret", &job->out, err);
  buf_release(&path);
  return status;
}

/* --- the environment --- */

/* twilio/auth_token is TWILIO_AUTH_TOKEN. */
enum status secret_from_env(struct secret_job *job, struct error *err) {
  const char *prefix = secret_text(job, SECRET_env_prefix);
  struct buf name = BUF_INIT;
  if (prefix) buf_adds(&name, prefix);
  for (const char *p = job->name; *p; p++)
    buf_addc(&name, isalnum((unsigned char)*p) ? (char)toupper((unsigned char)*p) : '_');
  const char *text = getenv(buf_str(&name));
  enum status status = OK;
  if (text) {
    buf_adds(&job->out, text);
  } else {
    status = error_set(err, ERR_NOT_FOUND, "no secret %s: the environment has no %s", job->name,
                       buf_str(&name));
    error_help(err, "set it where stepwise is started");
  }
  buf_release(&name);
  return status;
}
