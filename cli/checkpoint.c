/* Checkpoints from the command line and at the end of runs. */
#include "checkpoint.h"

#include <errno.h>
#include <unistd.h>

#include "command.h"
#include "options.h"

static int told(struct error *err, int code) {
  report_error(err);
  error_release(err);
  *err = (struct error){0};
  return code;
}

static enum status sign(const char *path, struct checkpoint *c, char fingerprint[SSH_FINGERPRINT],
                        struct error *err) {
  struct ssh_key key = {path, isatty(STDIN_FILENO) && isatty(STDERR_FILENO)};
  return path ? checkpoint_sign(NULL, c, &key, fingerprint, err) : OK;
}

/* "file:notes" beside "/srv/site.rb" is "file:/srv/notes". */
static char *from_there(const char *target, const char *beside) {
  struct buf b = BUF_INIT;
  const char *colon = strchr(target, ':'), *slash = beside ? strrchr(beside, '/') : NULL;
  const char *path = colon ? colon + 1 : target;
  if (!slash || !*path || *path == '/' || strcmp(target, "syslog") == 0) return mem_strdup(target);
  buf_add(&b, target, (size_t)(path - target));
  buf_add(&b, beside, (size_t)(slash - beside) + 1);
  buf_adds(&b, path);
  return buf_take(&b);
}

static int print_note(const struct checkpoint *c) {
  struct buf note = BUF_INIT;
  checkpoint_note(c, &note);
  fputs(buf_str(&note), stdout);
  buf_release(&note);
  if (fflush(stdout) == 0 && !ferror(stdout)) return EXIT_SUCCEEDED;
  fprintf(stderr, "stepwise: cannot write the checkpoint: %s\n", strerror(errno));
  return EXIT_FAILED;
}

/* Wherever it can be written it is written; done gets these, in owned texts. */
static int put(struct journal *j, const struct checkpoint_order *o, const struct checkpoint *c,
               struct texts *done) {
  struct error err = {0};
  int code = EXIT_SUCCEEDED;
  for (size_t i = 0; i < o->count; i++) {
    char *target = from_there(o->to[i], o->beside);
    if (checkpoint_put(NULL, j, c, target, &err) == OK) {
      texts_add(done, target);
      continue;
    }
    mem_free(target);
    code = told(&err, err.status == ERR_VALUE ? EXIT_INVALID : EXIT_FAILED);
  }
  if (!o->count) code = print_note(c);
  if (!o->count && code == EXIT_SUCCEEDED) texts_add(done, mem_strdup("standard output"));
  return code;
}

int checkpoint_write(struct journal *j, const struct checkpoint_order *order,
                     struct checkpoint *out, char fingerprint[SSH_FINGERPRINT]) {
  struct error err = {0};
  struct texts done = {0};
  *fingerprint = '\0';
  enum status status = checkpoint_take(j, out, &err);
  if (status == OK) status = sign(order->key, out, fingerprint, &err);
  if (status != OK) return told(&err, status == ERR_JOURNAL ? EXIT_JOURNAL : EXIT_INVALID);
  int code = put(j, order, out, &done);
  if (done.count && checkpoint_record(j, out, fingerprint, done.items, done.count, &err) != OK)
    code = told(&err, EXIT_JOURNAL);
  for (size_t i = 0; i < done.count; i++)
    mem_free((char *)(uintptr_t)done.items[i]);
  texts_release(&done);
  return code;
}

void checkpoint_if_due(struct journal *j, const struct site *site) {
  char fingerprint[SSH_FINGERPRINT];
  int64_t last = 0;
  struct error err = {0};
  struct checkpoint c = {0};
  if (!site || !site->checkpoint_count || journal_pending(j)) return;
  if (checkpoint_last(j, &last, &err) != OK) {
    told(&err, EXIT_JOURNAL);
    return;
  }
  int64_t now = journal_now();
  /* A last one from the future: the clock was set back, and its age says nothing. */
  if (last && last <= now && now - last < site->checkpoint_every) return;
  struct checkpoint_order order = {.to = (const char *const *)site->checkpoint_to,
                                   .count = site->checkpoint_count,
                                   .beside = site->file,
                                   .key = site->checkpoint_key};
  if (checkpoint_write(j, &order, &c, fingerprint) != EXIT_SUCCEEDED)
    fputs("stepwise: the checkpoint that the site asks for is not in all its places; `stepwise "
          "journal checkpoint` writes one\n",
          stderr);
  checkpoint_release(&c);
}
