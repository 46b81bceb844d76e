/* Starting a child: fork and exec, with what goes wrong before the exec told through a pipe.
 *
 * Its own code and not the loop's: outputs are pipes (a program may open /dev/stdout), input is a
 * file in memory (no writing that could block or fail), and the child inherits nothing else. */
#include "process_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ENDS = 3 + PROCESS_FILES, ABOVE = 32 };
enum stage { STAGE_DIR, STAGE_FILES, STAGE_EXEC };

struct failure {
  int32_t stage, number;
};

struct start {
  const struct process_spec *spec;
  char **env;     /* owned */
  int ends[ENDS]; /* what the child gets as 0, 1, 2 ...; -1: none */
  int told[2];    /* the pipe for failures */
  pid_t parent;
  sigset_t mask; /* as it was before */
};

/* --- before the fork --- */

static bool is_set(const struct process_spec *spec, const char *entry) {
  size_t len = strcspn(entry, "=");
  for (size_t i = 0; i < spec->env_count; i++)
    if (strlen(spec->env[i].name) == len && strncmp(spec->env[i].name, entry, len) == 0)
      return true;
  return false;
}

static char **environment(const struct process_spec *spec) {
  size_t count = 0, n = 0;
  for (char **e = environ; e && *e; e++)
    count++;
  char **out = mem_array(count + spec->env_count + 1, sizeof *out);
  for (char **e = environ; e && *e; e++)
    if (!is_set(spec, *e)) out[n++] = mem_strdup(*e);
  for (size_t i = 0; i < spec->env_count; i++) {
    struct buf b = BUF_INIT;
    if (!spec->env[i].value) continue;
    buf_addf(&b, "%s=%s", spec->env[i].name, spec->env[i].value);
    out[n++] = buf_take(&b);
  }
  return out;
}

static void environment_free(char **env) {
  for (char **e = env; e && *e; e++)
    mem_free(*e);
  mem_free(env);
}

/* A file in memory with this text, read from its start; -1 with errno. */
static int text_file(const struct process_text *text) {
  int fd = memfd_create("stepwise", MFD_CLOEXEC);
  size_t done = 0;
  while (fd >= 0 && done < text->len) {
    ssize_t n = write(fd, text->s + done, text->len - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      close(fd);
      return -1;
    }
    done += (size_t)n;
  }
  if (fd >= 0) lseek(fd, 0, SEEK_SET);
  return fd;
}

static void close_ends(struct start *s) {
  for (int i = 0; i < ENDS; i++)
    if (s->ends[i] >= 0) close(s->ends[i]);
}

static bool open_ends(struct start *s, struct spawned *out) {
  const struct process_spec *spec = s->spec;
  int pipes[2][2] = {{-1, -1}, {-1, -1}};
  s->ends[0] = spec->input.s ? text_file(&spec->input) : open("/dev/null", O_RDONLY | O_CLOEXEC);
  bool good = s->ends[0] >= 0;
  for (int i = 0; good && i < 2; i++)
    good = pipe2(pipes[i], O_CLOEXEC) == 0;
  for (size_t i = 0; good && i < spec->file_count; i++)
    good = (s->ends[3 + i] = text_file(&spec->files[i])) >= 0;
  if (good) good = pipe2(s->told, O_CLOEXEC) == 0;
  s->ends[1] = pipes[0][1];
  s->ends[2] = pipes[1][1];
  out->out = pipes[0][0];
  out->err = pipes[1][0];
  return good;
}

static void close_ours(struct spawned *out) {
  if (out->out >= 0) close(out->out);
  if (out->err >= 0) close(out->err);
}

/* --- in the child: nothing but what may be called after a fork --- */

static void child_failed(const struct start *s, enum stage stage) {
  struct failure f = {.stage = (int32_t)stage, .number = errno};
  ssize_t n = write(s->told[1], &f, sizeof f);
  _exit(n == sizeof f ? 127 : 126);
}

/* Each end first out of the way of the numbers that are given out. */
static bool child_files(struct start *s) {
  int last = 2 + (int)s->spec->file_count;
  s->told[1] = fcntl(s->told[1], F_DUPFD_CLOEXEC, ABOVE);
  for (int i = 0; i <= last; i++)
    if ((s->ends[i] = fcntl(s->ends[i], F_DUPFD_CLOEXEC, ABOVE)) < 0) return false;
  for (int i = 0; i <= last; i++)
    if (dup2(s->ends[i], i) < 0) return false;
  close_range((unsigned)last + 1, ~0U, CLOSE_RANGE_CLOEXEC); /* best effort: ours are already so */
  return true;
}

static void child_signals(const struct start *s) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  sigset_t none;
  for (int i = 1; i < NSIG; i++)
    sigaction(i, &plain, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != s->parent) _exit(126); /* it died before it could be watched */
}

static void child_main(struct start *s) {
  const struct process_spec *spec = s->spec;
  if (!spec->terminal) setsid();
  child_signals(s);
  if (!child_files(s)) child_failed(s, STAGE_FILES);
  if (spec->dir && chdir(spec->dir) != 0) child_failed(s, STAGE_DIR);
  environ = s->env;
  execvp(spec->args[0], (char *const *)(uintptr_t)spec->args);
  child_failed(s, STAGE_EXEC);
}

/* --- after the fork --- */

static const char *class_of(int number) {
  static const struct {
    int number;
    const char *kind;
  } classes[] = {{EACCES, "permission"}, {EPERM, "permission"}, {EAGAIN, "transient"},
                 {ENOMEM, "transient"},  {EMFILE, "transient"}, {ENFILE, "transient"},
                 {ENOENT, "provider"},   {E2BIG, "validation"}};
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (classes[i].number == number) return classes[i].kind;
  return "provider";
}

static enum status no_start(const struct process_spec *spec, int number, struct error *err) {
  error_set(err, ERR_IO, "cannot start %s: %s", spec->args[0], strerror(number));
  error_kind(err, class_of(number));
  return ERR_IO;
}

static enum status not_found(const struct process_spec *spec, struct error *err) {
  const char *name = spec->args[0];
  bool path = strchr(name, '/') != NULL;
  if (path && !spec->dir && access(name, F_OK) == 0) {
    error_set(err, ERR_NOT_FOUND, "cannot start %s: what its first line names is not there", name);
    error_help(err, "install the interpreter that stands after #! in it");
  } else {
    error_set(err, ERR_NOT_FOUND, "there is no program %s", name);
    error_help(err, path ? "check the path" : "install it, or give its path: it is not on PATH");
  }
  error_kind(err, "provider");
  return ERR_NOT_FOUND;
}

static enum status explain(const struct process_spec *spec, const struct failure *f,
                           struct error *err) {
  if (f->stage == STAGE_DIR) {
    error_set(err, ERR_IO, "cannot start %s in the directory %s: %s", spec->args[0], spec->dir,
              strerror(f->number));
    error_kind(err, class_of(f->number));
    return ERR_IO;
  }
  if (f->stage == STAGE_EXEC && f->number == ENOENT) return not_found(spec, err);
  enum status s = no_start(spec, f->number, err);
  if (f->number == EACCES) error_help(err, "it must be a file that may be executed (chmod +x)");
  if (f->number == E2BIG) error_help(err, "give long texts as its input instead of as arguments");
  return s;
}

/* Until the exec, which closes the pipe. */
static bool heard(int fd, struct failure *f) {
  ssize_t n;
  do
    n = read(fd, f, sizeof *f);
  while (n < 0 && errno == EINTR);
  return n == sizeof *f;
}

static void reap(pid_t pid) {
  siginfo_t info;
  while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR)
    continue;
}

/* No signal of ours reaches a handler of ours in the child. */
static pid_t fork_quietly(struct start *s) {
  sigset_t all;
  sigfillset(&all);
  s->parent = getpid();
  pthread_sigmask(SIG_SETMASK, &all, &s->mask);
  pid_t pid = fork();
  if (pid == 0) child_main(s);
  int number = errno;
  pthread_sigmask(SIG_SETMASK, &s->mask, NULL);
  errno = number;
  return pid;
}

static enum status start_child(struct start *s, struct spawned *out, struct error *err) {
  struct failure f;
  if (!open_ends(s, out)) return no_start(s->spec, errno, err);
  out->pid = fork_quietly(s);
  if (out->pid < 0) return no_start(s->spec, errno, err);
  close(s->told[1]);
  s->told[1] = -1;
  if (!heard(s->told[0], &f)) return OK;
  reap(out->pid);
  return explain(s->spec, &f, err);
}

enum status process_spawn(const struct process_spec *spec, struct spawned *out, struct error *err) {
  struct start s = {.spec = spec, .told = {-1, -1}, .env = environment(spec)};
  for (int i = 0; i < ENDS; i++)
    s.ends[i] = -1;
  *out = (struct spawned){.out = -1, .err = -1};
  enum status status = start_child(&s, out, err);
  if (status != OK) close_ours(out);
  close_ends(&s);
  if (s.told[0] >= 0) close(s.told[0]);
  if (s.told[1] >= 0) close(s.told[1]);
  environment_free(s.env);
  return status;
}
