/* Watching a child and ending it: see process.h.
 *
 * Hard part: the child's number must stay its own until the last signal is sent. So its end is seen
 * without reaping it (a pidfd, WNOWAIT), its group is signalled while it is at most a zombie, and
 * only then it is reaped. */
#include "process.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process_spawn.h"
#include "url.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "limits.def"
#undef DEFAULT

enum { LOOK_EVERY = 20000 }; /* us; only where the kernel has no pidfd */

struct stream {
  struct child *child;
  struct watch *watch;
  int fd; /* -1: at its end */
  struct buf *into;
  uint64_t *bytes;
};

struct child {
  struct tasks *tasks;
  struct task *task;
  const struct process_spec *spec;
  struct process_result *result;
  pid_t pid;
  int pidfd;
  struct watch *watch;
  struct stream streams[2];
  bool ended;
};

/* --- what the loop tells --- */

static void stream_close(struct stream *s) {
  watch_close(s->watch);
  if (s->fd >= 0) close(s->fd);
  s->watch = NULL;
  s->fd = -1;
}

static bool past_max(const struct child *c) {
  size_t max = c->result->out.max;
  return c->spec->stop_at_max && (c->result->out_bytes > max || c->result->err_bytes > max);
}

static void stream_ready(void *ud, int events) {
  struct stream *s = ud;
  char piece[16384];
  (void)events;
  for (int turns = 0; turns < 16; turns++) {
    ssize_t n = read(s->fd, piece, sizeof piece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      stream_close(s);
      task_wake(s->child->task);
      return;
    }
    size_t room = s->into->max - s->into->len;
    buf_add(s->into, piece, (size_t)n < room ? (size_t)n : room);
    *s->bytes += (uint64_t)n;
    if (past_max(s->child)) task_wake(s->child->task);
  }
}

static bool look_ended(struct child *c) {
  siginfo_t info = {0};
  if (!c->ended && waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
    c->ended = info.si_pid == c->pid;
  return c->ended;
}

static void child_ended(void *ud, int events) {
  struct child *c = ud;
  (void)events;
  if (!look_ended(c)) return;
  watch_set(c->watch, 0);
  task_wake(c->task);
}

static bool stream_open(struct child *c, int i, int fd, struct buf *into, uint64_t *bytes) {
  struct stream *s = &c->streams[i];
  *s = (struct stream){.child = c, .fd = fd, .into = into, .bytes = bytes};
  into->max = c->spec->max ? c->spec->max : PROCESS_OUTPUT;
  s->watch = watch_open(c->tasks, fd, stream_ready, s);
  if (s->watch) watch_set(s->watch, WATCH_READ);
  return s->watch != NULL;
}

static void child_watch(struct child *c, const struct spawned *from) {
  stream_open(c, 0, from->out, &c->result->out, &c->result->out_bytes);
  stream_open(c, 1, from->err, &c->result->err, &c->result->err_bytes);
  c->pidfd = pidfd_open(c->pid, 0);
  if (c->pidfd < 0) return;
  fcntl(c->pidfd, F_SETFD, FD_CLOEXEC);
  c->watch = watch_open(c->tasks, c->pidfd, child_ended, c);
  if (c->watch) watch_set(c->watch, WATCH_READ);
}

/* --- waiting --- */

static bool streams_ended(const struct child *c) {
  return c->streams[0].fd < 0 && c->streams[1].fd < 0;
}

static int64_t now(const struct child *c) {
  return clock_mono(tasks_clock(c->tasks));
}

/* Until something happens, or until that time (ERR_WAITING). */
static enum status await(struct child *c, int64_t until, struct error *err) {
  if (c->watch || c->ended) return task_await(c->tasks, until, err);
  int64_t look = clock_add(now(c), LOOK_EVERY);
  enum status s = task_await(c->tasks, look < until ? look : until, err);
  look_ended(c);
  return s == ERR_WAITING && look < until ? OK : s;
}

/* Until it has ended and its outputs too; what it left in the background may hold them open, and
 * gets a moment. ERR_WAITING: that, or `until`, is over. */
static enum status await_end(struct child *c, int64_t until, struct error *err) {
  bool leaving = false;
  enum status s = OK;
  while (s == OK && !(c->ended && streams_ended(c)) && !past_max(c)) {
    if (c->ended && !leaving) until = clock_add(now(c), LIMIT_BACKGROUND);
    leaving = c->ended;
    s = await(c, until, err);
  }
  return s;
}

/* --- ending --- */

static void signal_all(const struct child *c, int signum) {
  kill(c->spec->terminal ? c->pid : -c->pid, signum);
}

/* Nothing interrupts this: the child is gone when it returns. */
static void child_stop(struct child *c) {
  struct error ignored = {0};
  int64_t grace = c->spec->grace ? c->spec->grace : LIMIT_KILL_AFTER;
  int64_t before = task_shield(c->tasks), until = clock_add(now(c), grace);
  enum status s = OK;
  signal_all(c, SIGTERM);
  signal_all(c, SIGCONT); /* one that is stopped would not hear it */
  while (s == OK && !(c->ended && streams_ended(c)))
    s = await(c, until, &ignored);
  signal_all(c, SIGKILL);
  until = clock_add(now(c), LIMIT_KILL_AFTER);
  for (s = OK; s == OK && !c->ended;)
    s = await(c, until, &ignored);
  error_release(&ignored);
  task_unshield(c->tasks, before);
}

/* One that even KILL did not end hangs in the kernel: it is left to who started us. */
static void child_reap(struct child *c) {
  siginfo_t info = {0};
  while (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG) != 0 && errno == EINTR)
    continue;
  bool exited = info.si_code == CLD_EXITED;
  c->result->status = exited ? info.si_status : -1;
  c->result->signal = exited || !info.si_pid ? 0 : info.si_status;
}

static void child_close(struct child *c) {
  watch_close(c->watch);
  if (c->pidfd >= 0) close(c->pidfd);
  stream_close(&c->streams[0]);
  stream_close(&c->streams[1]);
}

/* --- what is told --- */

static enum status stopped(const struct child *c, enum status s, struct error *err) {
  struct buf why = BUF_INIT;
  char kind[ERROR_KIND_MAX], took[32];
  took_text(c->spec->timeout, took);
  snprintf(kind, sizeof kind, "%s", s == ERR_WAITING ? "transient" : err->kind);
  if (s == ERR_WAITING) buf_addf(&why, "it did not end within %s", took);
  else if (s == ERR_CANCELLED) buf_adds(&why, "it was cancelled");
  else buf_adds(&why, "it took longer than its time limit");
  if (s == ERR_WAITING) s = ERR_FAILED;
  error_set(err, s, "%s was stopped: %s%s", c->spec->args[0], buf_str(&why),
            c->ended ? "" : ", but the kernel does not let go of it");
  error_kind(err, kind);
  buf_release(&why);
  return s;
}

static enum status too_much(const struct child *c, struct error *err) {
  bool out = c->result->out_bytes > c->result->out.max;
  error_set(err, ERR_LIMIT, "%s was stopped: it wrote more than %zu bytes to its standard %s",
            c->spec->args[0], c->result->out.max, out ? "output" : "error");
  error_help(err, "have it write less, or into a file; or say max: with more bytes");
  error_kind(err, "provider");
  return ERR_LIMIT;
}

static enum status child_run(struct child *c, struct error *err) {
  int64_t until = c->spec->timeout ? clock_add(now(c), c->spec->timeout) : CLOCK_NEVER;
  enum status s = await_end(c, until, err);
  if (c->ended) s = OK; /* whatever came after that, what it did is known */
  if (s == OK && past_max(c)) s = too_much(c, err);
  if (s == OK) return OK;
  child_stop(c);
  return s == ERR_LIMIT ? s : stopped(c, s, err);
}

static enum status run_in_task(struct tasks *t, const struct process_spec *spec,
                               struct process_result *out, struct error *err) {
  struct child c = {.tasks = t, .task = task_current(t), .spec = spec, .result = out, .pidfd = -1};
  struct spawned from;
  enum status s = task_poll(t, err);
  if (s == OK) s = process_spawn(spec, &from, err);
  if (s != OK) return s;
  c.pid = from.pid;
  out->started = true;
  child_watch(&c, &from);
  s = child_run(&c, err);
  child_reap(&c);
  child_close(&c);
  return s;
}

/* --- outside of tasks --- */

struct alone {
  struct tasks *tasks;
  const struct process_spec *spec;
  struct process_result *out;
  struct error *err;
  enum status status;
};

static void alone_main(void *arg) {
  struct alone *a = arg;
  a->status = run_in_task(a->tasks, a->spec, a->out, a->err);
}

enum status process_run(struct tasks *t, const struct process_spec *spec,
                        struct process_result *out, struct error *err) {
  struct clock clock;
  *out = (struct process_result){.status = -1};
  if (t && task_current(t)) return run_in_task(t, spec, out, err);
  clock_real(&clock);
  struct alone a = {.tasks = tasks_new(&clock), .spec = spec, .out = out, .err = err};
  task_release(task_spawn(a.tasks, alone_main, &a));
  tasks_run(a.tasks);
  tasks_free(a.tasks);
  return a.status;
}

void process_result_release(struct process_result *r) {
  buf_wipe(&r->out);
  buf_wipe(&r->err);
}

void process_how(const struct process_result *r, struct buf *out) {
  const char *name = r->signal ? sigabbrev_np(r->signal) : NULL;
  if (!r->signal) buf_addf(out, "ended with status %d", r->status);
  else if (name) buf_addf(out, "was killed by the signal %s", name);
  else buf_addf(out, "was killed by the signal %d", r->signal);
}

void process_said(const struct process_result *r, struct buf *out) {
  enum { MOST = 500 };
  const struct buf *from = r->err.len ? &r->err : &r->out;
  struct buf shown = BUF_INIT;
  urls_shown(buf_str(from), from->len, &shown); /* before a part of one is cut off */
  const char *s = buf_str(&shown), *end = s + shown.len;
  while (end > s && isspace((unsigned char)end[-1]))
    end--;
  if (end - s > MOST) {
    s = end - MOST;
    while (s < end && !isspace((unsigned char)*s)) /* the rest of a word could be that of a secret */
      s++;
    while (s < end && isspace((unsigned char)*s))
      s++;
  }
  for (; s < end; s++) {
    bool space = (unsigned char)*s < ' ';
    if (!space) buf_addc(out, *s);
    else if (out->len && out->data[out->len - 1] != ' ') buf_addc(out, ' ');
  }
  buf_release(&shown);
}
