/* Faults for tests: stands between the program (SQLite, libuv and jansson in it) and the C library,
 * by ld's --wrap. Nothing of this is in the product; build/tests/stepwise-fault is the same objects
 * linked with it. Ruled by the environment:
 *
 *   STEPWISE_FAULT=WHAT:OPERATION:N[+]   the n-th such operation; with + all from there on
 *     WHAT        full (ENOSPC), io (EIO), readonly (EROFS), short (half is written, then ENOSPC),
 *                 kill (SIGKILL instead of it), torn (half is written, then SIGKILL),
 *                 kill-after, none (out of memory)
 *     OPERATION   write, sync, open (for writing), alloc
 *   STEPWISE_FAULT_ON=TEXT       only files whose path has it in it; else all regular files
 *   STEPWISE_FAULT_COUNT=FILE    at the end, "writes N syncs N opens N allocs N clocks N"
 *   STEPWISE_FAULT_CLOCK=N:US    from its n-th reading on, the wall clock is US microseconds off
 *   STEPWISE_FAULT_STILL=1       the clock that measures stands still: nothing is done because time passed
 *   STEPWISE_FAULT_SLEEP=N       SQLite's waits for a lock are N times shorter */
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum operation { WRITE, SYNC, OPEN, ALLOC, CLOCK, OPERATIONS };
static const char *const operation_names[OPERATIONS] = {"write", "sync", "open", "alloc", "clock"};
enum effect { NOTHING, FAIL, SHORT, TORN, KILL, KILL_AFTER };
static const struct {
  const char *name;
  enum effect effect;
  int why;
} faults[] = {{"full", FAIL, ENOSPC},        {"io", FAIL, EIO},     {"readonly", FAIL, EROFS},
              {"short", SHORT, ENOSPC},      {"kill", KILL, 0},     {"torn", TORN, 0},
              {"kill-after", KILL_AFTER, 0}, {"none", FAIL, ENOMEM}};

static struct {
  bool ready, on_and_on, still;
  unsigned long count[OPERATIONS], at;
  enum operation operation;
  enum effect effect;
  int why;
  const char *on;
  unsigned long clock_at;
  long long clock_off;
  long sleep_by;
} fault;

unsigned long fault_syncs(void) {
  return fault.count[SYNC];
}

static void refuse(const char *what) {
  fprintf(stderr, "fault: cannot read %s\n", what);
  _exit(99);
}

static void read_fault(const char *text) {
  char what[16], operation[16], more = 0;
  if (sscanf(text, "%15[^:]:%15[^:]:%lu%c", what, operation, &fault.at, &more) < 3) refuse(text);
  fault.on_and_on = more == '+';
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (strcmp(faults[i].name, what) == 0)
      fault.effect = faults[i].effect, fault.why = faults[i].why;
  fault.operation = OPERATIONS;
  for (int i = 0; i < OPERATIONS; i++)
    if (strcmp(operation_names[i], operation) == 0) fault.operation = (enum operation)i;
  if (fault.effect == NOTHING || fault.operation == OPERATIONS) refuse(text);
}

static void begin(void) {
  const char *text = getenv("STEPWISE_FAULT"), *clock = getenv("STEPWISE_FAULT_CLOCK");
  fault.ready = true;
  const char *sleep_by = getenv("STEPWISE_FAULT_SLEEP");
  fault.on = getenv("STEPWISE_FAULT_ON");
  fault.still = getenv("STEPWISE_FAULT_STILL") != NULL;
  fault.sleep_by = sleep_by ? strtol(sleep_by, NULL, 10) : 1;
  if (text) read_fault(text);
  if (clock && sscanf(clock, "%lu:%lld", &fault.clock_at, &fault.clock_off) != 2) refuse(clock);
}

__attribute__((destructor)) static void finish(void) {
  const char *path = getenv("STEPWISE_FAULT_COUNT");
  FILE *to = path ? fopen(path, "a") : NULL;
  if (!to) return;
  for (int i = 0; i < OPERATIONS; i++)
    fprintf(to, "%ss %lu%c", operation_names[i], fault.count[i], i + 1 < OPERATIONS ? ' ' : '\n');
  fclose(to);
}

/* What is to happen to this operation. */
static enum effect tick(enum operation o) {
  if (!fault.ready) begin();
  unsigned long n = ++fault.count[o];
  if (fault.effect == NOTHING || fault.operation != o) return NOTHING;
  if (n != fault.at && !(fault.on_and_on && n > fault.at)) return NOTHING;
  if (fault.effect == KILL) raise(SIGKILL);
  return fault.effect;
}

static bool is_ours(const char *path) {
  if (!fault.ready) begin();
  return !fault.on || strstr(path, fault.on);
}

static bool is_our_file(int fd) {
  char link[32], path[4096];
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return false;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return false;
  path[n] = '\0';
  return is_ours(path);
}

/* -1 with errno set, or 0: go on. */
static int fails(enum effect e) {
  if (e != FAIL && e != SHORT) return 0;
  errno = fault.why;
  return -1;
}

static void after(enum effect e) {
  int why = errno;
  if (e == KILL_AFTER || e == TORN) raise(SIGKILL);
  errno = why;
}

/* Files. */

#define WRAP(type, name, ...)                                                                      \
  type __real_##name(__VA_ARGS__);                                                                 \
  type __wrap_##name(__VA_ARGS__);                                                                 \
  type __wrap_##name(__VA_ARGS__)

WRAP(ssize_t, write, int fd, const void *p, size_t len) {
  enum effect e = is_our_file(fd) ? tick(WRITE) : NOTHING;
  if (e == FAIL) return fails(e);
  if (e == SHORT && len < 2) return fails(e);
  ssize_t n = __real_write(fd, p, e == SHORT || e == TORN ? len / 2 : len);
  after(e);
  return n;
}

WRAP(ssize_t, pwrite64, int fd, const void *p, size_t len, off64_t at) {
  enum effect e = is_our_file(fd) ? tick(WRITE) : NOTHING;
  if (e == FAIL) return fails(e);
  if (e == SHORT && len < 2) return fails(e);
  ssize_t n = __real_pwrite64(fd, p, e == SHORT || e == TORN ? len / 2 : len, at);
  after(e);
  return n;
}

WRAP(int, fsync, int fd) {
  enum effect e = is_our_file(fd) ? tick(SYNC) : NOTHING;
  if (fails(e)) return -1;
  int rc = __real_fsync(fd);
  after(e);
  return rc;
}

WRAP(int, fdatasync, int fd) {
  enum effect e = is_our_file(fd) ? tick(SYNC) : NOTHING;
  if (fails(e)) return -1;
  int rc = __real_fdatasync(fd);
  after(e);
  return rc;
}

static enum effect opening(const char *path, int flags) {
  bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_CREAT;
  return writes && !(flags & O_DIRECTORY) && is_ours(path) ? tick(OPEN) : NOTHING;
}

static int mode_of(int flags, va_list ap) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, int) : 0;
}

#define WRAP_OPEN(name)                                                                            \
  WRAP(int, name, const char *path, int flags, ...) {                                              \
    va_list ap;                                                                                    \
    va_start(ap, flags);                                                                           \
    int mode = mode_of(flags, ap);                                                                 \
    va_end(ap);                                                                                    \
    enum effect e = opening(path, flags);                                                          \
    if (fails(e)) return -1;                                                                       \
    int fd = __real_##name(path, flags, mode);                                                     \
    after(e);                                                                                      \
    return fd;                                                                                     \
  }
WRAP_OPEN(open)
WRAP_OPEN(open64)

/* Memory. */

WRAP(void *, malloc, size_t size) {
  return fails(tick(ALLOC)) ? NULL : __real_malloc(size);
}

WRAP(void *, calloc, size_t count, size_t size) {
  return fails(tick(ALLOC)) ? NULL : __real_calloc(count, size);
}

WRAP(void *, realloc, void *p, size_t size) {
  return fails(tick(ALLOC)) ? NULL : __real_realloc(p, size);
}

/* Waits and the clock. */

WRAP(int, usleep, useconds_t us) {
  if (!fault.ready) begin();
  return __real_usleep(us / (useconds_t)fault.sleep_by);
}

WRAP(int, clock_gettime, clockid_t which, struct timespec *t) {
  int rc = __real_clock_gettime(which, t);
  if (!fault.ready) begin();
  if (which == CLOCK_MONOTONIC && fault.still) *t = (struct timespec){.tv_sec = 1};
  if (which != CLOCK_REALTIME) return rc;
  tick(CLOCK);
  if (!fault.clock_at || fault.count[CLOCK] < fault.clock_at) return rc;
  long long us = (long long)t->tv_sec * 1000000 + t->tv_nsec / 1000 + fault.clock_off;
  t->tv_sec = us / 1000000;
  t->tv_nsec = us % 1000000 * 1000;
  return rc;
}
