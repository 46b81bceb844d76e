/* Loading the runbooks that runbooks run, from the texts that came with the first. */
#include "family.h"

#include "../lang/plan.h"
#include "../lang/source.h"
#include "host.h"

static enum status text_of(const struct program *root, const char *file, struct source *out,
                           struct error *err) {
  for (size_t i = 0; i < root->file_count; i++) {
    const struct source *s = root->sources[i];
    if (strcmp(s->name, file) != 0) continue;
    char *text = mem_alloc(s->len + 2);
    memcpy(text, s->text, s->len);
    return source_init(out, file, text, s->len, err);
  }
  return error_set(err, ERR_NOT_FOUND, "there is no text of %s", file);
}

static enum status door_module(void *ud, const char *from, const char *name, struct source *out,
                               struct error *err) {
  const struct family *f = ud;
  struct buf file = BUF_INIT;
  struct error none = {0};
  buf_addf(&file, "stdlib/%s.rb", name);
  enum status status = text_of(f->root, buf_str(&file), out, &none);
  error_release(&none);
  if (status != OK) {
    buf_clear(&file);
    path_beside(from, name, &file);
    status = text_of(f->root, buf_str(&file), out, err);
  }
  buf_release(&file);
  return status;
}

static enum status door_runbook(void *ud, const char *from, const char *name, struct source *out,
                                struct error *err) {
  const struct family *f = ud;
  struct buf file = BUF_INIT;
  path_beside(from, name, &file);
  enum status status = text_of(f->root, buf_str(&file), out, err);
  buf_release(&file);
  return status;
}

/* --- */

static struct text called(const struct tree *t, node_id id) {
  const struct node *n = tree_node(t, id);
  bool runs = n->kind == N_call && !n->a && (n->b == W_run || n->b == W_start) && n->c;
  if (!runs || tree_node(t, n->c)->kind != N_str) return (struct text){0};
  return tree_text(t, tree_node(t, n->c));
}

static struct program *find_file(const struct family *f, const char *file) {
  for (size_t i = 0; i < f->count; i++)
    if (strcmp(f->programs[i]->sources[0]->name, file) == 0) return f->programs[i];
  return NULL;
}

struct program *family_find(const struct family *f, const struct program *p, const char *name) {
  struct buf file = BUF_INIT;
  path_beside(p->sources[0]->name, name, &file);
  struct program *found = f ? find_file(f, buf_str(&file)) : NULL;
  buf_release(&file);
  return found;
}

static enum status has_errors(const struct program *p, const char *name, struct error *err) {
  const struct diag *d = NULL;
  for (size_t i = 0; i < p->diags.count && !d; i++)
    if (diag_severity(p->diags.items[i].code) == SEV_ERROR) d = &p->diags.items[i];
  struct source *s = d ? p->sources[d->at.file] : p->sources[0];
  uint32_t line, col;
  source_line_col(s, d ? d->at.start : 0, &line, &col);
  error_set(err, ERR_CHECK, "the runbook '%s', which this one runs, has errors: %s:%u:%u: %s", name,
            s->name, line, col, d ? d->message : "it holds no runbook");
  error_help(err, "stepwise lint %s shows all of them", p->sources[0]->name);
  return ERR_CHECK;
}

static enum status load(struct family *f, const struct program *from, const char *name,
                        struct error *err) {
  struct source s;
  enum status status = door_runbook(f, from->sources[0]->name, name, &s, err);
  if (status != OK) return status;
  struct program *p;
  program_load(&p, &s, &f->door);
  f->programs = mem_grow(f->programs, f->count, &f->cap, sizeof(struct program *));
  f->programs[f->count++] = p;
  return p->diags.errors || !p->plan ? has_errors(p, name, err) : OK;
}

static enum status load_all(struct family *f, const struct program *p, struct error *err) {
  const struct tree *t = p->trees[0];
  enum status status = OK;
  for (node_id id = 1; id < t->count && status == OK; id++) {
    struct text text = called(t, id);
    if (!text.len) continue;
    char *name = mem_dup(text.s, text.len);
    if (!family_find(f, p, name)) {
      status = load(f, p, name, err);
      if (status == OK) status = load_all(f, f->programs[f->count - 1], err);
    }
    mem_free(name);
  }
  return status;
}

static bool runs_others(const struct program *p) {
  const struct tree *t = p->trees[0];
  for (node_id id = 1; id < t->count; id++)
    if (called(t, id).len) return true;
  return false;
}

enum status family_make(const struct program *root, struct family **out, struct error *err) {
  *out = NULL;
  if (!runs_others(root)) return OK;
  struct family *f = mem_zalloc(sizeof *f);
  f->refs = 1;
  f->root = root;
  f->door = *root->host;
  f->door.ud = f;
  f->door.load_module = door_module;
  f->door.load_runbook = door_runbook;
  enum status status = load_all(f, root, err);
  f->root = NULL;
  if (status == OK) *out = f;
  else family_unref(f);
  return status;
}

struct family *family_ref(struct family *f) {
  if (f) f->refs++;
  return f;
}

void family_unref(struct family *f) {
  if (!f || --f->refs) return;
  for (size_t i = 0; i < f->count; i++)
    program_free(f->programs[i]);
  mem_free(f->programs);
  mem_free(f);
}
