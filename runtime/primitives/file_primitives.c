/* The primitives of the group `file`: small files, written so that a crash leaves the old or the
 * new.
 *
 * All work happens on the thread pool; jobs touch no values. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../digest.h"
#include "../task.h"
#include "../utf8.h"
#include "args.h"

enum { FILE_MAX = 1 << 20 };

struct job {
  enum status (*run)(struct job *j);
  char *path;
  const char *text;
  size_t len;
  int64_t max;
  mode_t mode;
  bool sync, found;
  struct buf read;
  struct error *err;
  enum status status;
};

static void job_run(void *arg) {
  struct job *j = arg;
  j->status = j->run(j);
}

static enum status job_do(struct primitive_call *call, struct job *j,
                          enum status (*run)(struct job *j), struct error *err) {
  j->run = run;
  j->err = err;
  if (call->tasks) task_blocking(call->tasks, job_run, j);
  else job_run(j);
  return j->status;
}

static void job_release(struct job *j) {
  mem_free(j->path);
  buf_release(&j->read);
}

/* --- what goes wrong --- */

static const char *class_of(int why) {
  static const struct {
    int number;
    const char *kind;
  } classes[] = {{EACCES, "permission"}, {EPERM, "permission"},   {EROFS, "permission"},
                 {ENOENT, "validation"}, {ENOTDIR, "validation"}, {EISDIR, "validation"},
                 {EMFILE, "transient"},  {ENFILE, "transient"},   {EINTR, "transient"}};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (classes[i].number == why) return classes[i].kind;
  return "provider";
}

static enum status refused(const struct job *j, const char *what, struct error *err) {
  int why = errno;
  return arg_fail(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO, class_of(why), "cannot %s %s: %s",
                  what, j->path, strerror(why));
}

/* --- writing --- */

static bool write_all(int fd, const char *s, size_t len, size_t *done) {
  while (*done < len) {
    ssize_t n = write(fd, s + *done, len - *done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    *done += (size_t)n;
  }
  return true;
}

/* The entry in the directory is durable too. */
static bool sync_directory(const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? mem_dup(path, (size_t)(slash - path) + 1) : mem_strdup(".");
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool good = fd >= 0 && fsync(fd) == 0;
  int why = errno;
  if (fd >= 0) close(fd);
  mem_free(dir);
  errno = why;
  return good;
}

/* All of it or nothing: what was added before an error is taken off again, unless somebody else has
 * added to it meanwhile. */
static bool append_whole(struct job *j, int fd) {
  struct stat st, now;
  size_t done = 0;
  if (fstat(fd, &st) != 0) return false;
  if (write_all(fd, j->text, j->len, &done) && (!j->sync || fsync(fd) == 0)) return true;
  int why = errno;
  if (done && fstat(fd, &now) == 0 && now.st_size == st.st_size + (off_t)done &&
      ftruncate(fd, st.st_size) != 0)
    why = EIO;
  errno = why;
  return false;
}

static enum status run_append(struct job *j) {
  bool fresh = access(j->path, F_OK) != 0;
  int fd = open(j->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, j->mode);
  if (fd < 0) return refused(j, "append to", j->err);
  bool good = append_whole(j, fd) && (!fresh || !j->sync || sync_directory(j->path));
  enum status s = good ? OK : refused(j, "append to", j->err);
  close(fd);
  return s;
}

/* Beside the file, so that the rename stays on one file system; the name is nobody else's. */
static char *draft_name(const char *path) {
  unsigned char random[6];
  char hex[2 * sizeof random + 1];
  struct buf b = BUF_INIT;
  const char *slash = strrchr(path, '/');
  int dir = slash ? (int)(slash - path) + 1 : 0;
  random_bytes(random, sizeof random);
  hex_write(random, sizeof random, hex);
  buf_addf(&b, "%.*s.%s.%s", dir, path, path + dir, hex);
  return buf_take(&b);
}

static bool write_draft(struct job *j, const char *draft) {
  struct stat st;
  size_t done = 0;
  bool there = stat(j->path, &st) == 0;
  /* Whoever may not read the file may not read the draft either, however short its life is. */
  mode_t mode = there ? st.st_mode & 0700 : j->mode;
  int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
  if (fd < 0) return false;
  bool good = write_all(fd, j->text, j->len, &done) &&
              (!there || fchmod(fd, st.st_mode & 07777) == 0) && (!j->sync || fsync(fd) == 0);
  int why = errno;
  close(fd);
  errno = why;
  return good;
}

static enum status run_write(struct job *j) {
  char *draft = draft_name(j->path);
  enum status s = OK;
  if (!write_draft(j, draft) || rename(draft, j->path) != 0) {
    s = refused(j, "write", j->err);
    unlink(draft);
  } else if (j->sync && !sync_directory(j->path)) {
    s = refused(j, "write", j->err);
  }
  mem_free(draft);
  return s;
}

static enum status run_remove(struct job *j) {
  j->found = unlink(j->path) == 0;
  if (!j->found && errno != ENOENT) return refused(j, "remove", j->err);
  return !j->found || sync_directory(j->path) ? OK : refused(j, "remove", j->err);
}

/* --- reading --- */

static enum status read_whole(struct job *j, int fd) {
  char piece[16384];
  ssize_t n;
  j->read.max = (size_t)j->max;
  while ((n = read(fd, piece, sizeof piece)) != 0 && !j->read.overflow)
    if (n > 0) buf_add(&j->read, piece, (size_t)n);
    else if (errno != EINTR) return refused(j, "read", j->err);
  if (!j->read.overflow) return OK;
  arg_fail(j->err, ERR_LIMIT, "validation", "%s is larger than %lld bytes", j->path,
           (long long)j->max);
  error_help(j->err, "say max: with more bytes");
  return ERR_LIMIT;
}

static enum status run_read(struct job *j) {
  struct stat st;
  /* Not to hang at the opening of a pipe that nobody writes. */
  int fd = open(j->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return refused(j, "read", j->err);
  enum status s = OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    s = arg_fail(j->err, ERR_IO, "validation", "cannot read %s: it is not a file", j->path);
  if (s == OK) s = read_whole(j, fd);
  close(fd);
  return s;
}

static enum status run_exists(struct job *j) {
  struct stat st;
  j->found = stat(j->path, &st) == 0;
  return j->found || errno == ENOENT || errno == ENOTDIR ? OK : refused(j, "look for", j->err);
}

/* --- the primitives --- */

static enum status put(struct primitive_call *call, const value *args,
                       enum status (*run)(struct job *j), value *out, struct error *err) {
  struct job j = {.path = arg_path(call, args[0], args[2]),
                  .text = arg_text(call, args[1]),
                  .sync = arg_true(args[3], true),
                  .mode = (mode_t)arg_integer(args[4], 0644) & 07777};
  enum status s = OK;
  if (!j.text)
    s = arg_fail(err, ERR_VALUE, "validation", "text: is %s, not a text", value_type_name(args[1]));
  j.len = j.text ? strlen(j.text) : 0;
  if (s == OK) s = job_do(call, &j, run, err);
  if (s == OK) *out = VALUE_NIL;
  job_release(&j);
  return s;
}

static enum status append(struct primitive_call *call, const value *args, value *out,
                          struct error *err) {
  return put(call, args, run_append, out, err);
}

static enum status write_file(struct primitive_call *call, const value *args, value *out,
                              struct error *err) {
  return put(call, args, run_write, out, err);
}

static enum status remove_file(struct primitive_call *call, const value *args, value *out,
                               struct error *err) {
  struct job j = {.path = arg_path(call, args[0], args[1])};
  enum status s = job_do(call, &j, run_remove, err);
  if (s == OK) *out = value_bool(j.found);
  job_release(&j);
  return s;
}

static enum status exists(struct primitive_call *call, const value *args, value *out,
                          struct error *err) {
  struct job j = {.path = arg_path(call, args[0], args[1])};
  enum status s = job_do(call, &j, run_exists, err);
  if (s == OK) *out = value_bool(j.found);
  job_release(&j);
  return s;
}

/* The text, or where the first byte of it is that is none. */
static enum status exact(const struct job *j, struct error *err) {
  const char *s = buf_str(&j->read);
  size_t len = j->read.len, at = utf8_wrong(s, len), line = 1, begin = 0;
  if (at == len) return OK;
  for (size_t i = 0; i < at; i++)
    if (s[i] == '\n') line++, begin = i + 1;
  arg_fail(err, ERR_VALUE, "validation", "%s is no text in UTF-8: byte %zu of line %zu is 0x%02X",
           j->path, at - begin + 1, line, (unsigned)(unsigned char)s[at]);
  error_help(err, s[at] ? "save it as UTF-8" : "take the NUL out");
  return ERR_VALUE;
}

static enum status read_file(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  struct job j = {.path = arg_path(call, args[0], args[1]), .max = arg_integer(args[2], FILE_MAX)};
  enum status s = OK;
  if (j.max <= 0 || j.max > (int64_t)BUF_MAX)
    s = arg_fail(err, ERR_VALUE, "validation", "max: is from 1 to %zu bytes", BUF_MAX);
  if (s == OK) s = job_do(call, &j, run_read, err);
  if (s == OK && arg_true(args[3], false)) s = exact(&j, err);
  if (s == OK) *out = result_text(buf_str(&j.read), j.read.len);
  job_release(&j);
  return s;
}

#define PARAM_PATH                                                                                 \
  { "path", "path", "the file" }
#define PARAM_STATE                                                                                \
  { "state", "boolean?", "the path starts where embedded drivers keep their files" }
#define PARAM_END                                                                                  \
  { NULL, NULL, NULL }

static const struct primitive_param put_params[] = {
    PARAM_PATH,
    {"text", "text", "what it gets"},
    PARAM_STATE,
    {"sync", "boolean?", "on disk when it returns; true unless said"},
    {"mode", "integer?", "permissions of a new file; 0644 unless said"},
    PARAM_END};
static const struct primitive_param read_params[] = {
    PARAM_PATH, PARAM_STATE, {"max", "integer?", "bytes; 1 MiB unless said"},
    {"exact", "boolean?", "what is not UTF-8, and a NUL, are refused, with where; unless said they become U+FFFD"}, PARAM_END};
static const struct primitive_param one_params[] = {PARAM_PATH, PARAM_STATE, PARAM_END};

const struct primitive file_read = {
    {"file", "read", read_params, "string", EFFECT_READ, "The text of a file"}, read_file};
const struct primitive file_exists = {
    {"file", "exists", one_params, "boolean", EFFECT_READ, "Whether there is such a file"}, exists};
const struct primitive file_append = {
    {"file", "append", put_params, "nil", EFFECT_WRITE,
     "Adds to the end of a file, made when missing: all of the text or nothing"},
    append};
const struct primitive file_write = {
    {"file", "write", put_params, "nil", EFFECT_WRITE,
     "Replaces a file in one go: whoever reads sees the old text or the new"},
    write_file};
const struct primitive file_remove = {{"file", "remove", one_params, "boolean", EFFECT_WRITE,
                                       "Removes a file; false when it was gone"},
                                      remove_file};
