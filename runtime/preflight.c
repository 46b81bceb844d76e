/* Everything that can be known to be missing is found here, before the first effect: steps that are
 * named and do not exist, roles, drivers, and the lock. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"

static enum status step_exists(const struct run *run, const char *option, const char *id,
                               struct error *err) {
  const struct plan *plan = run->plan;
  if (!id) return OK;
  const char **ids = mem_array(plan->step_count ? plan->step_count : 1, sizeof *ids);
  bool found = false;
  for (size_t i = 0; i < plan->step_count; i++) {
    ids[i] = plan->steps[i]->id;
    found |= strcmp(ids[i], id) == 0;
  }
  int near = found ? -1 : name_nearest(id, ids, plan->step_count);
  if (!found) {
    error_set(err, ERR_NOT_FOUND, "%s: no step '%s' in this runbook", option, id);
    if (strchr(id, '['))
      error_help(err, "items of an each_of cannot be chosen singly; name its step");
    else if (near >= 0) error_help(err, "did you mean '%s'?", ids[near]);
    else error_help(err, "a step's id is its label in lower case, with dashes");
  }
  mem_free(ids);
  return found ? OK : ERR_NOT_FOUND;
}

static enum status steps_exist(const struct run *run, struct error *err) {
  const struct run_options *o = run->options;
  enum status status = step_exists(run, "--from", o->from, err);
  if (status == OK) status = step_exists(run, "--only", o->only, err);
  for (size_t i = 0; status == OK && i < o->skip_count; i++)
    status = step_exists(run, "--skip", o->skip[i], err);
  return status;
}

/* Without a site nobody has said who holds a role; the operator says so, and the journal has it. */
enum status role_check(struct run *run, sym role, const char *what, struct error *err) {
  if (!role) return OK;
  const char *name = sym_text(run->program->syms, role);
  for (size_t i = 0; i < run->options->role_count; i++)
    if (strcmp(run->options->roles[i], name) == 0) return OK;
  error_set(err, ERR_FAILED, "%s may be run by :%s only", what, name);
  error_kind(err, "permission");
  error_help(err, "if you hold that role, say so with --role %s; the journal records it", name);
  return ERR_FAILED;
}

static enum status roles_check(struct run *run, struct error *err) {
  enum status status = role_check(run, run->plan->requires_role, "this runbook", err);
  for (size_t i = 0; status == OK && i < run->plan->step_count; i++) {
    struct buf what = BUF_INIT;
    buf_addf(&what, "step %s", run->plan->steps[i]->id);
    status = role_check(run, run->plan->steps[i]->requires_role, buf_str(&what), err);
    buf_release(&what);
  }
  /* Before the start it is something that was not given, and no failure of the run. */
  return status == OK ? OK : (err->status = ERR_VALUE);
}

static enum status driver_check(struct run *run, const struct binding *b, struct span at,
                                struct error *err) {
  const struct symtab *syms = run->program->syms;
  const struct driver *d = driver_for(b);
  enum status status = OK;
  if (!d) {
    status = error_set(err, ERR_NOT_FOUND, "no driver serves binding %s", sym_text(syms, b->name));
    error_help(err, b->drivers ? "it has several; mark one with default: true"
                               : "use a module that has a driver for it");
  }
  for (size_t i = 0; d && status == OK && i < d->setting_count; i++) {
    const struct field *f = &d->settings[i];
    if (f->default_value || f->optional) continue;
    status = error_set(err, ERR_NOT_FOUND, "driver %s of binding %s needs the setting %s",
                       sym_text(syms, d->name), sym_text(syms, b->name), sym_text(syms, f->name));
    error_help(err, "a site file gives it: connect :%s, driver: \"%s\", %s: ...",
               sym_text(syms, b->name), sym_text(syms, d->name), sym_text(syms, f->name));
  }
  if (status != OK) error_at(err, at);
  return status;
}

/* Every action that the runbook names has somebody to carry it out. */
static enum status drivers_check(struct run *run, struct error *err) {
  const struct tree *t = run->eval.tree;
  const struct binding *last = NULL;
  if (!run->program->binding_count) return OK;
  for (node_id id = 1; id < t->count; id++) {
    const struct node *n = tree_node(t, id);
    if (n->kind != N_call || n->x != CALL_ACTION) continue;
    const struct action *a = program_action(run->program, t, n);
    if (!a || a->binding == last) continue;
    last = a->binding;
    enum status status = driver_check(run, last, tree_span(t, id), err);
    if (status != OK) return status;
  }
  return OK;
}

enum status run_preflight(struct run *run, struct error *err) {
  enum status status = steps_exist(run, err);
  if (status == OK) status = roles_check(run, err);
  if (status == OK) status = drivers_check(run, err);
  return status;
}

/* --- the lock --- */

static enum status dir_make(const char *path, struct error *err) {
  if (mkdir(path, 0700) == 0 || errno == EEXIST) return OK;
  return error_set(err, ERR_IO, "cannot make the directory %s: %s", path, strerror(errno));
}

static enum status lock_held(int fd, const char *text, struct error *err) {
  char who[200];
  ssize_t n = pread(fd, who, sizeof who - 1, 0);
  who[n > 0 ? n : 0] = '\0';
  who[strcspn(who, "\n")] = '\0';
  error_set(err, ERR_CONFLICT, "another run holds the lock '%s': %s", text,
            *who ? who : "just started");
  error_kind(err, "locked");
  error_help(err, "wait for it to end; `stepwise runs` lists what is live");
  return ERR_CONFLICT;
}

static enum status lock_take(struct run *run, const char *path, const char *text,
                             struct error *err) {
  struct buf who = BUF_INIT;
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return error_set(err, ERR_IO, "cannot open the lock %s: %s", path, strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    int why = errno;
    enum status status = why == EWOULDBLOCK
                             ? lock_held(fd, text, err)
                             : error_set(err, ERR_IO, "cannot lock %s: %s", path, strerror(why));
    close(fd);
    return status;
  }
  buf_addf(&who, "run %s by %s, process %ld\n", run->id, journal_actor(run->engine->config.journal),
           (long)getpid());
  if (ftruncate(fd, 0) != 0 || write(fd, who.data, who.len) != (ssize_t)who.len) {
    /* The lock holds all the same; only its holder's name is missing. */
  }
  buf_release(&who);
  run->lock_fd = fd;
  return OK;
}

/* An OS lock on a file named by the text's digest: it dies with the process. */
enum status run_lock(struct run *run, struct error *err) {
  char *text, sha[SHA256_HEX];
  struct buf path = BUF_INIT;
  if (!run->plan->lock) return OK;
  enum status status = run_text(run, run->plan->lock, &text, err);
  if (status != OK) return status;
  buf_adds(&path, run->engine->config.state_dir);
  status = dir_make(buf_str(&path), err);
  buf_adds(&path, "/locks");
  if (status == OK) status = dir_make(buf_str(&path), err);
  sha256_hex_of(text, strlen(text), sha);
  buf_addf(&path, "/%s", sha);
  if (status == OK) status = lock_take(run, buf_str(&path), text, err);
  buf_release(&path);
  mem_free(text);
  return status;
}

/* The file stays: removing it would let two runs lock two files of one name. */
void run_unlock(struct run *run) {
  if (run->lock_fd >= 0) close(run->lock_fd);
  run->lock_fd = -1;
}
