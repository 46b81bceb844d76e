/* Finds modules: in the standard library, or beside the file that uses them. */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/source.h"
#include "primitive.h"

static enum status file_read(int fd, const char *path, struct source *out, struct error *err) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return error_set(err, ERR_IO, "cannot read %s: it is not a file", path);
  if ((uintmax_t)st.st_size > SOURCE_MAX)
    return error_set(err, ERR_LIMIT, "%s: larger than 16 MiB, the most a file may have", path);
  size_t size = (size_t)st.st_size, len = 0;
  char *text = mem_alloc(size + 2);
  for (ssize_t n; len < size && (n = read(fd, text + len, size - len)) != 0;) {
    if (n > 0) len += (size_t)n;
    else if (errno != EINTR) {
      mem_free(text);
      return error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    }
  }
  enum status status = source_init(out, path, text, len, err);
  if (status != OK) source_release(out);
  return status;
}

/* A module's name is a plain word or a path below the file's directory. */
static bool name_is_tame(const char *name) {
  if (!*name || *name == '/') return false;
  for (const char *p = name; p; p = strchr(p, '/') ? strchr(p, '/') + 1 : NULL)
    if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2])) return false;
  return true;
}

void path_beside(const char *from, const char *name, struct buf *out) {
  const char *slash = strrchr(from, '/');
  size_t n = strlen(name);
  if (slash) buf_add(out, from, (size_t)(slash - from) + 1);
  buf_adds(out, name);
  if (n < 3 || strcmp(name + n - 3, ".rb") != 0) buf_adds(out, ".rb");
}

static enum status no_module(const struct host *h, const char *name, const char *path,
                             struct error *err) {
  error_set(err, ERR_NOT_FOUND, "no module '%s'", name);
  int near = name_nearest(name, h->builtin_names, h->builtin_count);
  if (near >= 0) error_help(err, "did you mean \"%s\"?", h->builtin_names[near]);
  else error_help(err, "it is no module of the standard library, and there is no file %s", path);
  return ERR_NOT_FOUND;
}

static enum status no_runbook(const struct host *h, const char *name, const char *path,
                              struct error *err) {
  (void)h;
  error_set(err, ERR_NOT_FOUND, "no runbook '%s'", name);
  error_help(err, "there is no file %s: a runbook that is run stands beside the one that runs it", path);
  return ERR_NOT_FOUND;
}

typedef enum status not_found_fn(const struct host *h, const char *name, const char *path,
                                 struct error *err);

static enum status load_file(const struct host *h, const char *from, const char *name,
                             not_found_fn *not_found, struct source *out, struct error *err) {
  struct buf path = BUF_INIT;
  enum status status;
  path_beside(from, name, &path);
  int fd = name_is_tame(name) ? open(buf_str(&path), O_RDONLY | O_CLOEXEC) : -1;
  if (fd >= 0) {
    status = file_read(fd, buf_str(&path), out, err);
    close(fd);
  } else if (name_is_tame(name) && errno != ENOENT) {
    status = error_set(err, ERR_IO, "cannot read %s: %s", buf_str(&path), strerror(errno));
  } else {
    status = not_found(h, name, buf_str(&path), err);
  }
  buf_release(&path);
  return status;
}

static enum status load_module(void *ud, const char *from, const char *name, struct source *out,
                               struct error *err) {
  const struct host *h = ud;
  const char *text;
  size_t len;
  if (!h->builtin || !h->builtin(name, &text, &len)) return load_file(h, from, name, no_module, out, err);
  struct buf shown = BUF_INIT;
  buf_addf(&shown, "stdlib/%s.rb", name);
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  enum status status = source_init(out, buf_str(&shown), copy, len, err);
  buf_release(&shown);
  return status;
}

static enum status load_runbook(void *ud, const char *from, const char *name, struct source *out,
                                struct error *err) {
  return load_file(ud, from, name, no_runbook, out, err);
}

static enum status check_regexp(void *ud, const char *s, size_t len, unsigned flags, struct error *err) {
  value v;
  (void)ud;
  enum status status = value_regexp(s, len, flags, &v, err);
  if (status == OK) value_unref(v);
  return status;
}

void host_init(struct host *h, bool (*builtin)(const char *name, const char **text, size_t *len)) {
  *h = (struct host){.builtin = builtin};
  size_t n = 0;
  while (primitive_list[n])
    n++;
  h->signatures = mem_array(n + 1, sizeof *h->signatures);
  for (size_t i = 0; i < n; i++)
    h->signatures[i] = &primitive_list[i]->sig;
  h->program = (struct program_host){.ud = h,
                                     .load_module = load_module,
                                     .load_runbook = load_runbook,
                                     .check_regexp = check_regexp,
                                     .primitives = h->signatures};
}

void host_add_builtin(struct host *h, const char *name) {
  h->builtin_names =
      mem_grow(h->builtin_names, h->builtin_count, &h->builtin_cap, sizeof *h->builtin_names);
  h->builtin_names[h->builtin_count++] = name;
}

void host_release(struct host *h) {
  mem_free(h->signatures);
  mem_free(h->builtin_names);
}
