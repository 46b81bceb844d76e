/* Taking another text for a run: shown, and refused where it does not fit what is done. */
#include "plan_change.h"

#include "../runtime/plan_hash.h"
#include "command.h"
#include "diff.h"
#include "load.h"
#include "site_at.h"
#include "text.h"

/* --- the difference --- */

static const struct source *source_named(const struct program *p, const char *name) {
  for (size_t i = 1; i < p->file_count; i++)
    if (strcmp(p->sources[i]->name, name) == 0) return p->sources[i];
  return NULL;
}

static void pair(const struct source *old, const struct source *now, struct buf *out) {
  diff_unified(old ? old->name : "/dev/null", old ? old->text : "", old ? old->len : 0,
               now ? now->name : "/dev/null", now ? now->text : "", now ? now->len : 0, out);
}

static void differences(const struct taken *t, struct buf *out) {
  const struct program *old = t->pinned.program, *now = t->changed.program;
  pair(old->sources[0], now->sources[0], out);
  for (size_t i = 1; i < old->file_count; i++)
    pair(old->sources[i], source_named(now, old->sources[i]->name), out);
  for (size_t i = 1; i < now->file_count; i++)
    if (!source_named(old, now->sources[i]->name)) pair(NULL, now->sources[i], out);
  pair(site_text(t->site.site), site_text(t->changed.site), out);
}

/* --- whether it fits --- */

/* What did something goes on or is undone by its id, whether it is done or not. */
static bool must_be_there(const struct step_past *past) {
  return past->outcome == STEP_FINISHED || (past->armed_seq && past->undo != UNDO_DONE);
}

static const struct step *step_named(const struct program *p, const char *id, size_t len) {
  for (size_t i = 0; i < p->plan->step_count; i++) {
    const char *have = p->plan->steps[i]->id;
    if (strlen(have) == len && memcmp(have, id, len) == 0) return p->plan->steps[i];
  }
  return NULL;
}

static bool sets(const struct program *p, const struct step *s, const char *name) {
  for (size_t i = 0; i < s->output_count; i++)
    if (strcmp(sym_text(p->syms, p->plan->unit.slot_names[s->outputs[i]]), name) == 0) return true;
  return false;
}

/* A variable that only one of the two sets; NULL: none. */
static const char *unlike(const struct program *a, const struct step *x, const struct program *b,
                          const struct step *y) {
  for (size_t i = 0; i < x->output_count; i++) {
    const char *name = sym_text(a->syms, a->plan->unit.slot_names[x->outputs[i]]);
    if (!sets(b, y, name)) return name;
  }
  return NULL;
}

static enum status fits(const struct taken *t, const struct step_past *past, struct error *err) {
  const struct program *old = t->pinned.program, *now = t->changed.program;
  size_t len = strcspn(past->id, "["); /* without the items of each_of */
  const struct step *was = step_named(old, past->id, len), *is = step_named(now, past->id, len);
  if (!was) return OK;
  if (!is) {
    error_set(err, ERR_CONFLICT, "step %s %s, and the new text has no such step", past->id,
              past->outcome == STEP_FINISHED ? "is done" : "did something");
    error_help(err, "keep its id (id: \"%.*s\"), or start a new run with the new text", (int)len,
               past->id);
    return ERR_CONFLICT;
  }
  if (past->outcome != STEP_FINISHED) return OK; /* what it sets is yet to come */
  const char *gone = unlike(old, was, now, is), *new = unlike(now, is, old, was);
  if (!gone && !new) return OK;
  error_set(err, ERR_CONFLICT, "step %s is done, and %s %s in the new text", past->id,
            gone ? gone : new, gone ? "is not set by it" : "is set by it only");
  error_help(err, "a step that is done must set the same variables");
  return ERR_CONFLICT;
}

static enum status all_fit(const struct taken *t, struct error *err) {
  const struct history *h = t->history;
  enum status status = OK;
  for (size_t i = 1; status == OK && i < h->step_count; i++)
    if (must_be_there(h->steps[i])) status = fits(t, h->steps[i], err);
  return status;
}

int plan_change(struct taken *t, const char *file, const char *site_given, FILE *out) {
  struct error err = {0};
  struct buf text = BUF_INIT;
  const char *path = file ? file : t->pinned.program->sources[0]->name;
  int code = load_runbook(path, &t->changed.host, &t->changed.program);
  if (code == EXIT_SUCCEEDED)
    code = load_site(site_given, path, true, &t->changed.host, &t->changed.site);
  if (code != EXIT_SUCCEEDED) return code;
  differences(t, &text);
  if (!text.len) {
    fputs("note: the texts are those that the run goes on with: nothing was changed\n", stderr);
    return EXIT_SUCCEEDED;
  }
  if (all_fit(t, &err) != OK) {
    code = report_error(&err);
  } else {
    text_print(out, buf_str(&text), 0);
    t->resume.plan_changed = true;
  }
  error_release(&err);
  buf_release(&text);
  return code;
}
