/* Where checkpoints go: a file that only grows, a git repository, the system log. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "codec.h"
#include "journal_checkpoint.h"

struct request {
  struct tasks *tasks;
  struct journal *j;
  const struct checkpoint *c;
};

static enum status fail_file(const char *path, const char *verb, int why, struct error *err) {
  error_set(err, ERR_IO, "%s: cannot %s the checkpoint: %s", path, verb, strerror(why));
  error_help(err, why == ENOSPC || why == EDQUOT
                      ? "make room and try again; the checkpoints before it are as they were"
                      : "check the path and its permissions, or give another with --to");
  return ERR_IO;
}

/* A journal that does not agree with the last checkpoint of a file is not what it was: another one
 * on top would only cover that up. */
static enum status follows(struct request *q, const char *path, struct error *err) {
  struct checkpoints before = {0};
  bool agrees = true;
  enum status status = checkpoints_read(path, &before, err);
  const struct checkpoint *last = before.count ? &before.items[before.count - 1] : NULL;
  if (status == OK && last) status = checkpoint_agrees(q->j, last, &agrees, err);
  if (status == OK && !agrees) {
    status = error_set(err, ERR_CONFLICT,
                       "the journal %s is not what it was: it does not agree with the checkpoint "
                       "%s:%d, so none was added",
                       journal_file(q->j), path, last->line);
    error_help(err, "`stepwise journal verify --checkpoint %s` says what was done to it", path);
  }
  checkpoints_release(&before);
  return status;
}

/* All of it or nothing: what a full disk cut off is taken back. */
static int write_note(int fd, const struct buf *note) {
  struct stat before;
  size_t at = 0;
  if (fstat(fd, &before) != 0) return errno;
  while (at < note->len) {
    ssize_t n = write(fd, note->data + at, note->len - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    at += (size_t)n;
  }
  int why = at < note->len ? errno : 0;
  if (!why && fsync(fd) != 0) why = errno;
  if (why && ftruncate(fd, before.st_size) != 0) return why;
  return why;
}

static enum status append_note(struct request *q, const char *path, int fd, struct error *err) {
  struct stat st;
  struct buf note = BUF_INIT;
  if (flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0) return fail_file(path, "lock", errno, err);
  enum status status = st.st_size > 0 ? follows(q, path, err) : OK;
  if (status != OK) return status;
  checkpoint_note(q->c, &note);
  int why = write_note(fd, &note);
  buf_release(&note);
  return why ? fail_file(path, "write", why, err) : OK;
}

static void sync_directory_of(const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  mem_free(dir);
}

static enum status put_file(struct request *q, const char *path, struct error *err) {
  int made = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  int fd = made >= 0 ? made : open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return fail_file(path, "write", errno, err);
  enum status status = append_note(q, path, fd, err);
  close(fd);
  if (made >= 0 && status == OK) sync_directory_of(path);
  if (made >= 0 && status != OK) unlink(path);
  return status;
}

/* git */

static enum status git(struct request *q, const char *dir, const char *const *args,
                       struct error *err) {
  enum { ARGS_MAX = 16 };
  const char *all[ARGS_MAX] = {"git", "-C", dir};
  for (size_t i = 3; *args && i < ARGS_MAX - 1; i++)
    all[i] = *args++;
  struct process_spec spec = {.args = all, .timeout = US_MINUTE};
  struct process_result r;
  enum status status = process_run(q->tasks, &spec, &r, err);
  if (status == OK && r.status != 0) {
    struct buf said = BUF_INIT;
    process_said(&r, &said);
    status = error_set(err, ERR_IO, "%s: git cannot keep the checkpoint: %s", dir, buf_str(&said));
    error_help(err, "`git -C %s status` looks closer; a repository is made by git init", dir);
    buf_release(&said);
  }
  process_result_release(&r);
  return status;
}

/* Whoever commits needs a name; git refuses without one. */
static bool has_name(struct request *q, const char *dir) {
  static const char *const ask[] = {"config", "user.email", NULL};
  struct error none = {0};
  bool has = git(q, dir, ask, &none) == OK;
  error_release(&none);
  return has;
}

static enum status put_git(struct request *q, const char *dir, struct error *err) {
  struct buf path = BUF_INIT, title = BUF_INIT;
  buf_addf(&path, "%s/%s.checkpoints", dir, q->c->origin);
  buf_addf(&title, "checkpoint: %lld events, %.16s", (long long)q->c->size, q->c->head);
  const char *name = strrchr(buf_str(&path), '/') + 1;
  const char *inside[] = {"rev-parse", "--git-dir", NULL}, *add[] = {"add", "--", name, NULL};
  const char *commit[] = {"commit", "--quiet", "--message", buf_str(&title),
                          "--only", "--",      name,        NULL};
  const char *named[] = {"-c",        "user.name=stepwise",
                         "-c",        "user.email=stepwise@localhost",
                         "commit",    "--quiet",
                         "--message", buf_str(&title),
                         "--only",    "--",
                         name,        NULL};
  enum status status = git(q, dir, inside, err);
  if (status == OK) status = put_file(q, buf_str(&path), err);
  if (status == OK) status = git(q, dir, add, err);
  if (status == OK) status = git(q, dir, has_name(q, dir) ? commit : named, err);
  buf_release(&path);
  buf_release(&title);
  return status;
}

/* The system log. syslog(3) drops what nobody listens to without a word; a checkpoint that is lost
 * must be an error. */

static int send_to(const char *socket_path, const struct buf *message) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(socket_path) >= sizeof to.sun_path) return ENAMETOOLONG;
  memcpy(to.sun_path, socket_path, strlen(socket_path) + 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int why = 0;
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
      send(fd, message->data, message->len, MSG_NOSIGNAL) < 0)
    why = errno;
  close(fd);
  return why;
}

static enum status put_syslog(struct request *q, const char *path, struct error *err) {
  enum { AUTH_NOTICE = 4 << 3 | 5 };
  char when[32];
  struct tm tm;
  time_t now = (time_t)(q->c->time_us / 1000000);
  struct buf b = BUF_INIT;
  localtime_r(&now, &tm);
  strftime(when, sizeof when, "%b %e %H:%M:%S", &tm);
  buf_addf(&b, "<%d>%s stepwise[%ld]: ", AUTH_NOTICE, when, (long)getpid());
  checkpoint_line(q->c, &b);
  int why = send_to(*path ? path : "/dev/log", &b);
  buf_release(&b);
  if (!why) return OK;
  error_set(err, ERR_IO, "the checkpoint cannot be sent to the system log %s: %s",
            *path ? path : "/dev/log", strerror(why));
  error_help(err, "is a system log running? --to syslog:SOCKET names another socket of one");
  return ERR_IO;
}

static const struct {
  const char *name;
  enum status (*put)(struct request *q, const char *rest, struct error *err);
} targets[] = {{"file:", put_file}, {"git:", put_git}, {"syslog:", put_syslog}};

enum status checkpoint_put(struct tasks *t, struct journal *j, const struct checkpoint *c,
                           const char *target, struct error *err) {
  struct request q = {t, j, c};
  if (strcmp(target, "syslog") == 0) return put_syslog(&q, "", err);
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    size_t len = strlen(targets[i].name);
    if (strncmp(target, targets[i].name, len) == 0 && target[len])
      return targets[i].put(&q, target + len, err);
  }
  const char *colon = strchr(target, ':'), *slash = strchr(target, '/');
  if (*target && (!colon || (slash && slash < colon))) return put_file(&q, target, err);
  error_set(err, ERR_VALUE, "checkpoints cannot go to '%s'", target);
  error_help(err, "say file:PATH, git:DIRECTORY, syslog or syslog:SOCKET");
  return ERR_VALUE;
}

enum status checkpoint_record(struct journal *j, const struct checkpoint *c,
                              const char *fingerprint, const char *const *to, size_t count,
                              struct error *err) {
  struct buf data = BUF_INIT;
  buf_addf(&data, "{\"size\":%lld,\"head\":\"%s\"", (long long)c->size, c->head);
  if (*fingerprint) buf_addf(&data, ",\"key\":\"%s\"", fingerprint);
  buf_adds(&data, ",\"to\":[");
  for (size_t i = 0; i < count; i++) {
    buf_adds(&data, i ? "," : "");
    json_text(&data, to[i], strlen(to[i]));
  }
  buf_adds(&data, "]}");
  struct event e = {
      .kind = EVENT_NAME(JOURNAL_CHECKPOINTED), .data = data.data, .data_len = data.len};
  enum status status = journal_append(j, &e, err);
  if (status == OK) status = journal_commit(j, err);
  buf_release(&data);
  return status;
}
