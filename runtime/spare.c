/* A rollback under way goes on without the journal: an undo must not stop at a full disk. What it
 * does is kept in a file beside the journal, one event a line, synced. Lines are held back until
 * the journal has committed them, because a commit that fails takes all since the last one with it.
 */
#include "run.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static void spare_open(struct run *run) {
  struct buf path = BUF_INIT;
  buf_addf(&path, "%s.spare-%s.jsonl", journal_base(run->engine->config.journal), run->id);
  run->spare = buf_take(&path);
  run->spare_fd = open(run->spare, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  /* Who opens the journal meanwhile leaves it alone. */
  if (run->spare_fd >= 0) flock(run->spare_fd, LOCK_EX | LOCK_NB);
}

/* When not even this works the undo still goes on: it is what the operator needs most. */
void spare_write(struct run *run) {
  if (!run->unsaved.len) return;
  if (!run->spare) spare_open(run);
  ssize_t n = -1;
  if (run->spare_fd >= 0) n = write(run->spare_fd, run->unsaved.data, run->unsaved.len);
  run->spare_failed |= n != (ssize_t)run->unsaved.len || fsync(run->spare_fd) != 0;
  buf_clear(&run->unsaved);
}

void spare_tell(const struct run *run, struct error *err) {
  if (run->spare_failed)
    error_help(err,
               "what the rollback did could not all be written, not to %s either: keep what "
               "stands above",
               run->spare);
  else
    error_help(err,
               "what the rollback did is in %s: when the journal can be written again, the next run "
               "takes it in, or `stepwise journal merge`",
               run->spare);
}

void spare_hold(struct run *run, const struct event *e) {
  struct record r = {0};
  record_int(&r, "time_us", e->time_us);
  record_text(&r, "run", e->run);
  record_text(&r, "step", e->step);
  record_text(&r, "kind", e->kind);
  record_text(&r, "actor", e->actor);
  record_raw(&r, "data", e->data);
  buf_adds(&r.data, "}\n");
  buf_add(&run->unsaved, r.data.data, r.data.len);
  record_release(&r);
  if (run->engine->journal_lost) spare_write(run);
}

void spare_release(struct run *run) {
  if (run->spare_fd >= 0) close(run->spare_fd);
  run->spare_fd = -1;
  mem_free(run->spare);
  buf_release(&run->unsaved);
}
