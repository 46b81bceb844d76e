/* Brings a rollback's spare events back into the journal, each file once, whatever happens between.
 *
 * The hard thing is a crash or a doubtful commit: a file whose digest the journal has is only
 * renamed, and an event that the journal has already (a commit may fail and be there all the same)
 * is not appended again. */
#include "spare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec.h"
#include "digest.h"
#include "history.h"

struct spare {
  struct journal *journal;
  const char *path;
  char run[RUN_ID_MAX];
  char sha[SHA256_HEX];
  struct buf text;
  struct symtab *syms;
  struct event *events; /* what they point to is in texts */
  size_t count, cap;
  struct arena texts;
  bool torn;   /* the last line is not whole */
  bool merged; /* the journal has it already */
};

/* --- reading --- */

static enum status file_text(int fd, struct buf *out, struct error *err) {
  enum { PIECE = 65536 };
  out->max = (size_t)1 << 30;
  for (;;) {
    char *to = buf_reserve(out, PIECE);
    if (!to) return error_set(err, ERR_LIMIT, "it is larger than 1 GiB");
    ssize_t n = read(fd, to, PIECE);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_set(err, ERR_IO, "it cannot be read: %s", strerror(errno));
    if (n == 0) return OK;
    out->len += (size_t)n;
  }
}

static bool is_object(struct spare *s, const char *line, size_t len) {
  struct error err = {0};
  value v;
  bool good = json_read(line, len, s->syms, false, &v, &err) == OK;
  if (good) {
    good = v.tag == V_HASH;
    value_unref(v);
  }
  error_release(&err);
  return good;
}

/* A text member, without its quotes: ids and names have nothing to unescape but what json_read
 * undoes. */
static const char *member_text(struct spare *s, const char *line, size_t len, const char *name) {
  struct error err = {0};
  const char *json, *text = "";
  size_t n;
  value v;
  if (!json_member(line, len, name, &json, &n)) return "";
  if (json_read(json, n, s->syms, false, &v, &err) == OK) {
    if (v.tag == V_STRING) text = arena_dup(&s->texts, value_str(v)->s, value_str(v)->len);
    value_unref(v);
  }
  error_release(&err);
  return text;
}

static bool line_event(struct spare *s, const char *line, size_t len, struct event *out) {
  const char *data, *time;
  size_t n, digits;
  if (!is_object(s, line, len) || !json_member(line, len, "data", &data, &n) ||
      !json_member(line, len, "time_us", &time, &digits))
    return false;
  *out = (struct event){.time_us = strtoll(time, NULL, 10),
                        .run = member_text(s, line, len, "run"),
                        .step = member_text(s, line, len, "step"),
                        .kind = member_text(s, line, len, "kind"),
                        .actor = member_text(s, line, len, "actor"),
                        .data = arena_dup(&s->texts, data, n),
                        .data_len = n};
  return out->time_us > 0 && *out->kind && *out->actor;
}

static enum status line_take(struct spare *s, size_t number, const char *line, size_t len,
                             struct error *err) {
  struct event e;
  if (!line_event(s, line, len, &e))
    return error_set(err, ERR_VALUE, "line %zu is no event", number);
  if (strcmp(e.run, s->run) != 0)
    return error_set(err, ERR_VALUE, "line %zu belongs to run %s", number, e.run);
  s->events = mem_grow(s->events, s->count, &s->cap, sizeof *s->events);
  s->events[s->count++] = e;
  return OK;
}

/* The last line may be cut: its writer died, or the disk was full there too. */
static enum status lines_take(struct spare *s, struct error *err) {
  const char *at = buf_str(&s->text), *end = at + s->text.len;
  for (size_t number = 1; at < end; number++) {
    const char *nl = memchr(at, '\n', (size_t)(end - at));
    if (!nl) {
      s->torn = true;
      return OK;
    }
    enum status status = line_take(s, number, at, (size_t)(nl - at), err);
    if (status != OK) return status;
    at = nl + 1;
  }
  return OK;
}

/* --- what the journal has of it --- */

static enum status known(void *ud, const struct event *e) {
  struct spare *s = ud;
  const char *sha;
  size_t n;
  if (strcmp(e->kind, EVENT_NAME(RUN_SPARE_MERGED)) == 0 &&
      json_member(e->data, e->data_len, "sha256", &sha, &n))
    s->merged |= n == sizeof s->sha + 1 && memcmp(sha + 1, s->sha, sizeof s->sha - 1) == 0;
  size_t kept = 0;
  for (size_t i = 0; i < s->count; i++) {
    const struct event *x = &s->events[i];
    bool same = x->time_us == e->time_us && strcmp(x->kind, e->kind) == 0 &&
                strcmp(x->step, e->step) == 0 && x->data_len == e->data_len &&
                memcmp(x->data, e->data, e->data_len) == 0;
    if (!same) s->events[kept++] = *x;
  }
  s->count = kept;
  return OK;
}

static enum status one_row(void *ud, const struct run_row *row) {
  (void)row;
  *(bool *)ud = true;
  return OK;
}

static enum status look_up(struct spare *s, struct error *err) {
  struct run_filter run = {.run = s->run};
  struct event_filter events = {.run = s->run};
  bool there = false;
  enum status status = journal_runs(s->journal, &run, one_row, &there, err);
  if (status == OK && !there)
    status = error_set(err, ERR_NOT_FOUND, "the journal has no run %s", s->run);
  return status == OK ? journal_scan(s->journal, &events, known, s, err) : status;
}

/* --- writing --- */

static enum status marker(struct spare *s, struct error *err) {
  struct buf data = BUF_INIT;
  buf_adds(&data, "{\"file\":");
  json_text(&data, s->path, strlen(s->path));
  buf_addf(&data, ",\"events\":%zu,\"sha256\":\"%s\"%s}", s->count, s->sha,
           s->torn ? ",\"torn\":true" : "");
  struct event e = {.run = s->run,
                    .kind = EVENT_NAME(RUN_SPARE_MERGED),
                    .data = buf_str(&data),
                    .data_len = data.len};
  enum status status = journal_append(s->journal, &e, err);
  buf_release(&data);
  return status;
}

static enum status append_all(struct spare *s, struct error *err) {
  enum status status = marker(s, err);
  for (size_t i = 0; status == OK && i < s->count; i++)
    status = journal_append(s->journal, &s->events[i], err);
  if (status == OK) status = journal_commit(s->journal, err);
  if (status != OK) journal_rollback(s->journal);
  return status;
}

static enum status put_away(const struct spare *s, struct error *err) {
  struct buf to = BUF_INIT;
  enum status status = OK;
  buf_addf(&to, "%s.merged", s->path);
  if (rename(s->path, buf_str(&to)) != 0)
    status = error_set(err, ERR_IO, "it is merged, but cannot be renamed: %s", strerror(errno));
  buf_release(&to);
  return status;
}

/* --- one file --- */

static enum status merge_open(struct spare *s, int fd, struct error *err) {
  enum status status = file_text(fd, &s->text, err);
  if (status != OK) return status;
  sha256_hex_of(s->text.data, s->text.len, s->sha);
  status = lines_take(s, err);
  if (status == OK) status = look_up(s, err);
  if (status == OK && !s->merged) status = append_all(s, err);
  return status == OK ? put_away(s, err) : status;
}

static void tell_merged(const struct spare *s, struct buf *out) {
  if (s->merged) return;
  buf_addf(out, "%zu event%s of run %s from %s", s->count, s->count == 1 ? "" : "s", s->run,
           s->path);
  buf_adds(out, s->torn ? "; its last line is cut and is left out\n" : "\n");
}

static void tell_refused(const struct spare *s, const struct error *err, struct buf *out) {
  buf_addf(out, "%s: %s%s%s; the file is left as it is\n", s->path, err->message,
           err->help ? "; " : "", err->help ? err->help : "");
}

static void merge_file(struct spare *s, struct buf *merged, struct buf *refused) {
  struct error err = {0};
  int fd = open(s->path, O_RDONLY | O_CLOEXEC);
  enum status status = OK;
  if (fd < 0) status = error_set(&err, ERR_IO, "it cannot be read: %s", strerror(errno));
  bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; /* its rollback goes on */
  if (fd >= 0 && !held) status = merge_open(s, fd, &err);
  if (status != OK) tell_refused(s, &err, refused);
  else if (!held) tell_merged(s, merged);
  if (fd >= 0) close(fd);
  error_release(&err);
}

/* JOURNAL.spare-RUN.jsonl gives RUN. */
static bool run_of(const char *file, const char *prefix, char run[RUN_ID_MAX]) {
  static const char tail[] = ".jsonl";
  size_t n = strlen(prefix), len = strlen(file), t = sizeof tail - 1;
  if (len <= n + t || strncmp(file, prefix, n) != 0 || strcmp(file + len - t, tail) != 0)
    return false;
  if (len - n - t >= RUN_ID_MAX) return false;
  memcpy(run, file + n, len - n - t);
  run[len - n - t] = '\0';
  return true;
}

static void merge_named(struct journal *j, const char *dir, size_t dir_len, const char *file,
                        const char *run, struct buf *merged, struct buf *refused) {
  struct buf path = BUF_INIT;
  buf_add(&path, dir, dir_len);
  buf_adds(&path, file);
  struct spare s = {.journal = j, .path = buf_str(&path), .syms = symtab_new()};
  snprintf(s.run, sizeof s.run, "%s", run);
  merge_file(&s, merged, refused);
  buf_release(&s.text);
  mem_free(s.events);
  arena_release(&s.texts);
  symtab_free(s.syms);
  buf_release(&path);
}

void spare_merge(struct journal *j, struct buf *merged, struct buf *refused) {
  const char *file = journal_base(j), *slash = strrchr(file, '/');
  size_t dir_len = slash ? (size_t)(slash - file) + 1 : 0;
  struct buf dir = BUF_INIT, prefix = BUF_INIT;
  char run[RUN_ID_MAX];
  buf_add(&dir, file, dir_len);
  buf_addf(&prefix, "%s.spare-", file + dir_len);
  DIR *d = opendir(dir_len ? buf_str(&dir) : ".");
  for (struct dirent *e; d && (e = readdir(d));)
    if (run_of(e->d_name, buf_str(&prefix), run))
      merge_named(j, file, dir_len, e->d_name, run, merged, refused);
  if (d) closedir(d);
  buf_release(&dir);
  buf_release(&prefix);
}
