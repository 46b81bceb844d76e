/* Byte locks, one for each live run. */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct owners {
  char *path, *journal; /* owned */
  int fd;               /* -1 until it is needed */
  bool writable;
  int64_t *held; /* a process does not see its own locks */
  size_t count, cap;
};

struct owners *owners_new(const char *journal_file) {
  struct owners *o = mem_zalloc(sizeof *o);
  struct buf path = BUF_INIT;
  buf_addf(&path, "%s.owners", journal_file);
  o->path = buf_take(&path);
  o->journal = mem_strdup(journal_file);
  o->fd = -1;
  return o;
}

void owners_free(struct owners *o) {
  if (!o) return;
  if (o->fd >= 0) close(o->fd);
  mem_free(o->held);
  mem_free(o->path);
  mem_free(o->journal);
  mem_free(o);
}

/* Whoever may write the journal may lock: the file gets the journal's mode. */
static int make(const struct owners *o) {
  struct stat st;
  mode_t mode = stat(o->journal, &st) == 0 ? st.st_mode & 0666 : 0600;
  int fd = open(o->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd >= 0 && fchmod(fd, mode) == 0) return fd;
  return fd >= 0 || errno != EEXIST ? fd : open(o->path, O_RDWR | O_CLOEXEC);
}

/* For looking the file is opened as it can be; it may be missing as long as nobody takes a run. */
static int opened(struct owners *o, bool taking) {
  if (o->fd >= 0 && (o->writable || !taking)) return o->fd;
  int fd = open(o->path, O_RDWR | O_CLOEXEC);
  bool writable = fd >= 0;
  if (fd < 0 && taking && errno == ENOENT) writable = (fd = make(o)) >= 0;
  if (fd < 0 && !taking && errno != ENOENT) fd = open(o->path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  if (o->fd >= 0) close(o->fd); /* nothing is held by a descriptor that cannot write */
  o->fd = fd;
  o->writable = writable;
  return fd;
}

static struct flock byte(int64_t first_seq, short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = first_seq, .l_len = 1};
}

static size_t held_at(const struct owners *o, int64_t first_seq) {
  size_t i = 0;
  while (i < o->count && o->held[i] != first_seq)
    i++;
  return i;
}

bool owner_of(struct owners *o, int64_t first_seq, pid_t *pid) {
  struct flock lock = byte(first_seq, F_WRLCK);
  *pid = 0;
  if (held_at(o, first_seq) < o->count) return *pid = getpid(), true;
  int fd = opened(o, false);
  if (fd < 0) return false;
  /* Where a write lock may not be asked for, a shared one is in conflict with it just the same. */
  if (!o->writable) lock.l_type = F_RDLCK;
  if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return false;
  *pid = lock.l_pid;
  return true;
}

static enum status taken(struct owners *o, int64_t first_seq, pid_t *holder, struct error *err) {
  pid_t pid = 0;
  owner_of(o, first_seq, &pid);
  if (holder) *holder = pid;
  error_set(err, ERR_CONFLICT, "process %ld has this run", (long)pid);
  error_kind(err, "owned");
  return ERR_CONFLICT;
}

enum status owner_take(struct owners *o, int64_t first_seq, pid_t *holder, struct error *err) {
  struct flock lock = byte(first_seq, F_WRLCK);
  if (held_at(o, first_seq) < o->count) return OK;
  int fd = opened(o, true);
  if (fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0) {
    o->held = mem_grow(o->held, o->count, &o->cap, sizeof *o->held);
    o->held[o->count++] = first_seq;
    return OK;
  }
  int why = errno;
  if (fd >= 0 && (why == EAGAIN || why == EACCES)) return taken(o, first_seq, holder, err);
  error_set(err, ERR_JOURNAL, "cannot lock %s: %s", o->path, strerror(why));
  error_help(err,
             "a run is owned by a lock in this file; its directory must allow writing and locks");
  return ERR_JOURNAL;
}

void owner_drop(struct owners *o, int64_t first_seq) {
  struct flock lock = byte(first_seq, F_UNLCK);
  size_t at = held_at(o, first_seq);
  if (at == o->count) return;
  o->held[at] = o->held[--o->count];
  if (fcntl(o->fd, F_SETLK, &lock) != 0) {
    /* It goes with the process; until then the run looks owned, which is the safe way to be wrong.
     */
  }
}
