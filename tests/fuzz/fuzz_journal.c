/* A damaged journal: the input is a list of edits, three bytes of place and one of content, made to a
 * sound file. Opening and verifying it must end, and what verify calls sound must read as it was
 * written (but for a tail cut off, which only a checkpoint can show). */
#include <fcntl.h>
#include <unistd.h>

#include "../../runtime/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { MAX_EVENTS = 16 };
static char path[] = "/tmp/stepwise-fuzz-XXXXXX";
static uint8_t sound[1 << 18];
static size_t size;
static struct seen { size_t count; uint64_t sum[MAX_EVENTS]; } written;

static void done(void) { unlink(path); }
static uint64_t mix(uint64_t h, const char *s) {
  while (*s) h = (h ^ (uint8_t)*s++) * 1099511628211u;
  return h * 31;
}
static enum status see(void *ud, const struct event *e) {
  struct seen *s = ud;
  uint64_t h = mix(mix(mix(mix(mix((uint64_t)e->time_us, e->run), e->step), e->kind), e->actor), e->data);
  if (s->count < MAX_EVENTS) s->sum[s->count++] = h;
  return OK;
}

static void check(struct journal *j, struct seen *s, bool *good) {
  struct journal_report report = {0};
  struct event_filter all = {0};
  struct error err = {0};
  *good = journal_scan(j, &all, see, s, &err) == OK && journal_verify(j, true, &report, &err) == OK &&
          report.problem.len == 0;
  journal_report_release(&report);
  error_release(&err);
}

static void make_sound(void) {
  static const char *const kinds[] = {"run.started", "step.started", "noted", "run.succeeded"};
  struct journal *j;
  struct error err = {0};
  bool good;
  int fd = mkstemp(path);
  if (close(fd) != 0 || unlink(path) != 0 || atexit(done) != 0) abort();
  if (journal_open(&j, path, JOURNAL_WRITE, &err) != OK) abort();
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    struct event e = {.run = "r1", .step = "s", .kind = kinds[i], .data = "{\"text\":\"x\"}", .data_len = 12};
    if (journal_append(j, &e, &err) != OK) abort();
  }
  if (journal_commit(j, &err) != OK) abort();
  check(j, &written, &good);
  if (!good || written.count < 4) abort();
  journal_close(j);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  size = (size_t)read(fd, sound, sizeof sound);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  if (size == 0) make_sound();
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (write(fd, sound, size) != (ssize_t)size) abort();
  for (size_t i = 0; i + 4 <= len; i += 4)
    if (pwrite(fd, data + i + 3, 1, (data[i] << 16 | data[i + 1] << 8 | data[i + 2]) % (off_t)size) != 1) abort();
  close(fd);
  struct journal *j;
  struct error err = {0};
  struct seen seen = {0};
  bool good;
  if (journal_open(&j, path, JOURNAL_READ, &err) == OK) {
    check(j, &seen, &good);
    if (good && memcmp(seen.sum, written.sum, seen.count * sizeof *seen.sum) != 0) abort();
    journal_close(j);
  }
  error_release(&err);
  return 0;
}
