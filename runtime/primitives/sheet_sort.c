/* External sort of hash and row pairs: see sheet_sort.h. */
#include "sheet_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A run's window: the pairs of it that are in memory while runs are merged. */
struct run {
  off_t at, end; /* what is still in the file */
  struct sort_pair *window;
  size_t i, n;
};

struct sorter {
  char *directory;
  struct sort_pair *pairs;
  size_t count, cap, window;
  int fd;
  off_t written;
  struct run *runs;
  size_t run_count, run_cap;
  size_t *heap; /* runs by their first pair */
  size_t heap_count, next;
};

struct sorter *sorter_new(const char *directory, size_t pairs) {
  struct sorter *s = mem_zalloc(sizeof *s);
  s->directory = mem_strdup(directory);
  s->cap = pairs < 1024 ? 1024 : pairs;
  s->pairs = mem_array(s->cap, sizeof *s->pairs);
  s->fd = -1;
  return s;
}

void sorter_free(struct sorter *s) {
  if (!s) return;
  if (s->fd >= 0) close(s->fd);
  mem_free(s->directory);
  mem_free(s->pairs);
  mem_free(s->runs);
  mem_free(s->heap);
  mem_free(s);
}

static bool before(const struct sort_pair *a, const struct sort_pair *b) {
  return a->key != b->key ? a->key < b->key : a->row < b->row;
}
static int compare(const void *a, const void *b) {
  return before(a, b) ? -1 : before(b, a);
}

static enum status fail(struct error *err, const char *what, const char *directory) {
  error_set(err, ERR_IO, "cannot %s a temporary file in %s: %s", what, directory, strerror(errno));
  error_help(err, "the directory of the database needs room for 16 bytes a row and key");
  error_kind(err, "provider");
  return ERR_IO;
}

static enum status open_runs(struct sorter *s, struct error *err) {
  if (s->fd >= 0) return OK;
  s->fd = open(s->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (s->fd < 0) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/stepwise-sort-XXXXXX", s->directory);
    s->fd = n > 0 && (size_t)n < sizeof path ? mkstemp(path) : -1;
    if (s->fd >= 0) unlink(path);
  }
  return s->fd < 0 ? fail(err, "make", s->directory) : OK;
}

static enum status spill(struct sorter *s, struct error *err) {
  enum status st = open_runs(s, err);
  if (st) return st;
  qsort(s->pairs, s->count, sizeof *s->pairs, compare);
  const char *p = (const char *)s->pairs;
  size_t left = s->count * sizeof *s->pairs;
  off_t from = s->written;
  while (left) {
    ssize_t n = pwrite(s->fd, p, left, s->written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(err, "write", s->directory);
    p += n;
    left -= (size_t)n;
    s->written += n;
  }
  if (s->run_count == s->run_cap)
    s->runs = mem_grow(s->runs, s->run_count, &s->run_cap, sizeof *s->runs);
  s->runs[s->run_count++] = (struct run){.at = from, .end = s->written};
  s->count = 0;
  return OK;
}

enum status sorter_add(struct sorter *s, uint64_t hash, bool source, int64_t row,
                       struct error *err) {
  if (s->count == s->cap) {
    enum status st = spill(s, err);
    if (st) return st;
  }
  s->pairs[s->count++] = (struct sort_pair){(hash & ~(uint64_t)1) | source, row};
  return OK;
}

static enum status refill(struct sorter *s, struct run *r, struct error *err) {
  size_t want = s->window * sizeof *r->window;
  if (r->end - r->at < (off_t)want) want = (size_t)(r->end - r->at);
  size_t got = 0;
  while (got < want) {
    ssize_t n = pread(s->fd, (char *)r->window + got, want - got, r->at + (off_t)got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(err, "read", s->directory);
    got += (size_t)n;
  }
  r->at += (off_t)got;
  r->i = 0;
  r->n = got / sizeof *r->window;
  return OK;
}

static const struct sort_pair *first_of(const struct sorter *s, size_t run) {
  return &s->runs[run].window[s->runs[run].i];
}

static void sift_down(struct sorter *s, size_t i) {
  for (;;) {
    size_t least = i;
    for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < s->heap_count; k++)
      if (before(first_of(s, s->heap[k]), first_of(s, s->heap[least]))) least = k;
    if (least == i) return;
    size_t run = s->heap[i];
    s->heap[i] = s->heap[least];
    s->heap[least] = run;
    i = least;
  }
}

enum status sorter_finish(struct sorter *s, struct error *err) {
  if (!s->run_count) {
    qsort(s->pairs, s->count, sizeof *s->pairs, compare);
    return OK;
  }
  enum status st = s->count ? spill(s, err) : OK;
  s->window = s->cap / s->run_count;
  if (s->window < 16) {
    s->window = 16;
    s->pairs = mem_realloc(s->pairs, s->window * s->run_count * sizeof *s->pairs);
  }
  s->heap = mem_array(s->run_count, sizeof *s->heap);
  for (size_t i = 0; i < s->run_count && !st; i++) {
    s->runs[i].window = s->pairs + i * s->window;
    st = refill(s, &s->runs[i], err);
    s->heap[s->heap_count++] = i;
  }
  for (size_t i = s->heap_count; i-- > 0 && !st;)
    sift_down(s, i);
  return st;
}

enum status sorter_next(struct sorter *s, struct sort_pair *out, bool *more, struct error *err) {
  *more = s->run_count ? s->heap_count > 0 : s->next < s->count;
  if (!*more) return OK;
  if (!s->run_count) {
    *out = s->pairs[s->next++];
    return OK;
  }
  struct run *r = &s->runs[s->heap[0]];
  *out = r->window[r->i++];
  enum status st = OK;
  if (r->i == r->n && r->at < r->end) st = refill(s, r, err);
  else if (r->i == r->n) s->heap[0] = s->heap[--s->heap_count];
  sift_down(s, 0);
  return st;
}
