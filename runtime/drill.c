/* What a drill is made of. */
#include "drill.h"

#include "peek.h"
#include "run.h"

struct drill {
  uint32_t refs;
  char home[RUN_ID_MAX]; /* the run that began it; "" until it has */
  struct buf dir;
};

struct drill *drill_new(void) {
  struct drill *d = mem_zalloc(sizeof *d);
  d->refs = 1;
  return d;
}

struct drill *drill_ref(struct drill *d) {
  if (d) d->refs++;
  return d;
}

void drill_unref(struct drill *d) {
  if (!d || --d->refs) return;
  buf_release(&d->dir);
  mem_free(d);
}

void drill_home(struct drill *d, const char *state_dir, const char *run) {
  if (*d->home) return;
  snprintf(d->home, sizeof d->home, "%s", run);
  buf_addf(&d->dir, "%s/drill/%s", state_dir, run);
}

const char *drill_dir(const struct drill *d) {
  return buf_str(&d->dir);
}

/* --- in the journal --- */

void drill_record(const struct drill *d, struct record *options) {
  struct record in = {0};
  record_text(&in, "of", d->home);
  record_join(options, "drill", &in);
}

enum status drill_past(const struct history *h, const char *state_dir, struct drill **out,
                       struct error *err) {
  const char *options, *drill;
  size_t len, n;
  *out = NULL;
  if (!run_is_drill(h->run)) return OK;
  if (!past_raw(h, h->started, "options", &options, &len) ||
      !json_member(options, len, "drill", &drill, &n))
    return error_set(err, ERR_JOURNAL, "run %s is named as a drill and was not begun as one", h->run);
  char *home = peek_copy(drill, n, "of");
  struct drill *d = drill_new();
  drill_home(d, state_dir, home && *home ? home : h->run);
  mem_free(home);
  *out = d;
  return OK;
}

/* --- drivers --- */

enum status drill_driver(const struct program *p, const struct binding *b,
                         const struct driver **out, struct error *err) {
  const char *name = sym_text(p->syms, b->name);
  for (const struct driver *d = b->drivers; d; d = d->next)
    if (d->name == W_simulated) return *out = d, OK;
  *out = NULL;
  error_set(err, ERR_NOT_FOUND, "binding %s has no driver :simulated, which serves it in a drill",
            name);
  struct buf same = BUF_INIT;
  for (const struct driver *d = b->drivers; d && !same.len; d = d->next)
    buf_addf(&same, ", or: driver :simulated, for: :%s, same_as: :%s", name, sym_text(p->syms, d->name));
  error_help(err, "write beside its drivers: driver :simulated, for: :%s do ... end%s", name,
             buf_str(&same));
  buf_release(&same);
  return ERR_NOT_FOUND;
}
