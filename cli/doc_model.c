/* Reading the reference off a checked program: everything that `stepwise doc` shows stands in the
 * declarations and in the comments above them. */
#include <stdlib.h>

#include "../runtime/primitive.h"
#include "../stdlib/embed.h"
#include "command.h"
#include "doc.h"
#include "load.h"

const char *doc_name(const struct doc *d, sym s) {
  return sym_text(d->program->syms, s);
}

/* --- modules --- */

/* "stdlib/sms.rb" and "ops/sms.rb" are both used as "sms". */
static const char *module_name(struct program *p, const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
  size_t len = strlen(base);
  if (len > 3 && strcmp(base + len - 3, ".rb") == 0) len -= 3;
  return arena_dup(&p->arena, base, len);
}

static bool declares(const struct program *p, uint32_t file, bool *drivers) {
  bool found = false;
  *drivers = false;
  for (size_t i = 0; i < p->binding_count; i++) {
    found |= p->bindings[i]->at.file == file;
    for (const struct driver *r = p->bindings[i]->drivers; r; r = r->next)
      *drivers |= r->at.file == file;
  }
  return found;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const struct doc_module *)a)->name, ((const struct doc_module *)b)->name);
}

/* A file that holds drivers only is a part of the module whose binding they serve. */
static void modules_collect(struct doc *d) {
  struct program *p = d->program;
  d->modules = mem_array(p->file_count + 1, sizeof *d->modules);
  for (uint32_t f = d->own ? 0 : 1; f < p->file_count && !(d->own && f); f++) {
    bool drivers, bindings = declares(p, f, &drivers);
    if (drivers && !bindings && !d->own) continue;
    d->modules[d->module_count++] = (struct doc_module){module_name(p, p->sources[f]->name), f};
  }
  qsort(d->modules, d->module_count, sizeof *d->modules, by_name);
}

/* "# Programs of this machine", an empty line, the text. */
static void groups_collect(struct doc *d) {
  size_t n = 0;
  while (primitive_pages[n].name)
    n++;
  d->groups = mem_array(n + 1, sizeof *d->groups);
  for (; d->group_count < n; d->group_count++) {
    const struct stdlib_file *f = &primitive_pages[d->group_count];
    size_t start = strspn(f->text, "# "), end = strcspn(f->text, "\n"),
           more = end + strspn(f->text + end, "\n");
    d->groups[d->group_count] = (struct doc_group){
        f->name, {f->text + start, end - start}, {f->text + more, f->len - more}};
  }
}

/* A text that uses all there is. */
static int load_library(struct doc *d) {
  struct buf b = BUF_INIT;
  struct source s;
  struct error err = {0};
  for (const struct stdlib_file *f = stdlib_files; f->name; f++)
    buf_addf(&b, "use \"%s\"\n", f->name);
  size_t len = b.len;
  (void)buf_reserve(&b, 2);
  enum status status = source_init(&s, "library", buf_take(&b), len, &err);
  int code = status == OK ? EXIT_SUCCEEDED : report_error(&err);
  error_release(&err);
  if (status == OK) program_load(&d->program, &s, &d->host.program);
  return code;
}

int doc_open(struct doc *d, const char *path) {
  *d = (struct doc){.own = path != NULL};
  host_open(&d->host);
  int code = path ? load_file(path, &d->host, &d->program) : load_library(d);
  if (code == EXIT_SUCCEEDED) modules_collect(d), groups_collect(d);
  return code;
}

void doc_close(struct doc *d) {
  mem_free(d->modules);
  mem_free(d->groups);
  program_free(d->program);
  host_release(&d->host);
  *d = (struct doc){0};
}

const struct doc_module *doc_module_of(const struct doc *d, const struct binding *b) {
  for (size_t i = 0; i < d->module_count; i++)
    if (d->modules[i].file == b->at.file) return &d->modules[i];
  return NULL;
}

const struct binding *doc_binding_at(const struct doc *d, const struct doc_module *m, size_t i) {
  for (size_t j = 0; j < d->program->binding_count; j++)
    if (d->program->bindings[j]->at.file == m->file && i-- == 0) return d->program->bindings[j];
  return NULL;
}

/* --- names --- */

struct finder {
  struct doc_item *out;
  const char *name;
  const char **names; /* all there are */
  size_t count, cap;
  char **made; /* those of them that are ours */
  size_t made_count, made_cap;
  bool found;
};

static void offer(void *ud, const char *name) {
  struct finder *f = ud;
  f->names = mem_grow(f->names, f->count, &f->cap, sizeof *f->names);
  f->names[f->count++] = name;
}

/* True when this is what was asked for, and the first such. */
static bool is(struct finder *f, const char *name) {
  offer(f, name);
  if (f->found || strcmp(f->name, name) != 0) return false;
  return f->found = true;
}

static const char *joined(struct finder *f, const char *group, const char *name) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s.%s", group, name);
  f->made = mem_grow(f->made, f->made_count, &f->made_cap, sizeof *f->made);
  return f->made[f->made_count++] = buf_take(&b);
}

static void find_binding(const struct doc *d, struct finder *f, const struct binding *b) {
  const char *name = doc_name(d, b->name);
  struct doc_item item = {.binding = b, .module = doc_module_of(d, b)};
  if (is(f, name)) *f->out = item;
  for (size_t i = 0; i < b->action_count; i++)
    if (is(f, joined(f, name, doc_name(d, b->actions[i].name)))) {
      *f->out = item;
      f->out->action = &b->actions[i];
    }
  for (const struct driver *r = b->drivers; r; r = r->next)
    if (is(f, joined(f, name, doc_name(d, r->name)))) {
      *f->out = item;
      f->out->driver = r;
    }
}

static void find_primitives(const struct doc *d, struct finder *f) {
  for (size_t k = 0; k < d->group_count; k++) {
    const struct doc_group *g = &d->groups[k];
    if (is(f, g->name)) f->out->group = g;
    for (size_t i = 0; primitive_list[i]; i++) {
      const struct primitive_sig *s = &primitive_list[i]->sig;
      if (strcmp(s->group, g->name) != 0 || !is(f, joined(f, s->group, s->name))) continue;
      f->out->group = g;
      f->out->primitive = s;
    }
  }
}

static enum status not_found(const struct doc *d, const struct finder *f, struct error *err) {
  int near = name_nearest(f->name, f->names, f->count);
  error_set(err, ERR_NOT_FOUND, "there is nothing called `%s`%s", f->name,
            d->own ? " in this module, among the primitives or in the language" : "");
  if (near >= 0) error_help(err, "did you mean `%s`?", f->names[near]);
  else error_help(err, "`stepwise doc` lists what there is");
  return ERR_NOT_FOUND;
}

enum status doc_find(const struct doc *d, const char *name, struct doc_item *out,
                     struct error *err) {
  struct finder f = {.out = out, .name = name};
  *out = (struct doc_item){0};
  for (size_t i = 0; i < d->program->binding_count; i++)
    find_binding(d, &f, d->program->bindings[i]);
  for (size_t i = 0; i < d->module_count; i++)
    if (is(&f, d->modules[i].name)) out->module = &d->modules[i];
  find_primitives(d, &f);
  doc_words(offer, &f);
  if (!f.found) {
    struct buf b = BUF_INIT;
    if ((f.found = doc_word(name, &b))) out->word = name;
    buf_release(&b);
  }
  enum status s = f.found ? OK : not_found(d, &f, err);
  for (size_t i = 0; i < f.made_count; i++)
    mem_free(f.made[i]);
  mem_free(f.made);
  mem_free(f.names);
  return s;
}

/* --- comments --- */

/* One line of a comment, without its `# `. */
static void comment_line(const char *s, size_t len, struct buf *out) {
  size_t skip = len && *s == '#' ? 1 : 0;
  if (skip && len > 1 && s[1] == ' ') skip = 2;
  buf_add(out, s + skip, len - skip);
  buf_addc(out, '\n');
}

static size_t line_length(const char *s, const char *end) {
  const char *nl = memchr(s, '\n', (size_t)(end - s));
  return nl ? (size_t)(nl - s) : (size_t)(end - s);
}

static const struct source *source_of(const struct doc *d, uint32_t file) {
  return d->program->sources[file];
}

void doc_module_text(const struct doc *d, const struct doc_module *m, struct buf *out) {
  const struct source *s = source_of(d, m->file);
  const char *end = s->text + s->len;
  for (const char *p = s->text; p < end && *p == '#';) {
    size_t len = line_length(p, end);
    comment_line(p, len, out);
    p += len + (p + len < end);
  }
}

static const char *line_start(const char *text, const char *p) {
  while (p > text && p[-1] != '\n')
    p--;
  return p;
}

/* The first line of the comment right above p's line; that line itself when there is none. */
static const char *comment_start(const char *text, const char *p) {
  const char *first = line_start(text, p);
  while (first > text) {
    const char *line = line_start(text, first - 1), *c = line + strspn(line, " ");
    if (*c != '#') break;
    first = line;
  }
  return first;
}

void doc_above_text(const struct doc *d, struct span at, struct buf *out) {
  const struct source *s = source_of(d, at.file);
  const char *here = line_start(s->text, s->text + at.start),
             *p = comment_start(s->text, s->text + at.start);
  if (p == s->text) return; /* it opens the file: the module's own */
  while (p < here) {
    size_t len = line_length(p, here), blank = strspn(p, " ");
    comment_line(p + blank, len - blank, out);
    p += len + 1;
  }
}

/* --- fields --- */

void doc_source(const struct doc *d, uint32_t file, node_id n, struct buf *out) {
  tree_line(d->program->trees[file], n, 200, out);
}

/* As it is written, marked as code. */
static void code(const struct doc *d, uint32_t file, node_id n, struct buf *out) {
  buf_addc(out, '`');
  doc_source(d, file, n, out);
  buf_addc(out, '`');
}

void doc_type(const struct doc *d, const struct field *f, struct buf *out) {
  struct buf scratch = BUF_INIT;
  const char *text = type_text(d->program->types, d->program->syms, f->type, &scratch);
  if (f->secret && f->type != T_secret) buf_adds(out, "secret ");
  buf_adds(out, text);
  buf_release(&scratch);
}

static void fact(struct buf *out, const char *text) {
  if (out->len) buf_adds(out, ", ");
  buf_adds(out, text);
}

static void bounds(const struct doc *d, const struct field *f, struct buf *out) {
  type_id base = type_base(d->program->types, f->type);
  bool size = base == T_string || base == T_array || base == T_hash;
  if (!f->min && !f->max) return;
  fact(out, size ? "size " : "");
  if (!f->max) buf_adds(out, "at least ");
  else if (!f->min) buf_adds(out, "at most ");
  if (f->min) code(d, f->file, f->min, out);
  if (f->min && f->max) buf_adds(out, " to ");
  if (f->max) code(d, f->file, f->max, out);
}

void doc_facts(const struct doc *d, const struct field *f, bool required, struct buf *out) {
  const struct tree *t = d->program->trees[f->file];
  struct buf b = BUF_INIT;
  if (f->default_value && tree_node(t, f->default_value)->kind != N_nil) {
    fact(&b, "default ");
    code(d, f->file, f->default_value, &b);
  } else if (f->optional) {
    fact(&b, required ? "optional" : "may be nil");
  } else if (required) {
    fact(&b, "required");
  }
  bounds(d, f, &b);
  if (f->one_of) {
    fact(&b, "one of ");
    for (node_id n = tree_node(t, f->one_of)->a; n; n = tree_node(t, n)->next) {
      code(d, f->file, n, &b);
      if (tree_node(t, n)->next) buf_adds(&b, ", ");
    }
  }
  if (f->form) {
    fact(&b, f->form);
  } else if (f->match) {
    fact(&b, "matches ");
    code(d, f->file, f->match, &b);
  }
  buf_add(out, b.data, b.len);
  buf_release(&b);
}

/* --- actions --- */

const char *doc_effect(const struct action *a) {
  static const char *const writes[] = {"write, `:unsafe`", "write, `:safe`", "write, `:by_key`"};
  return a->effect == EFFECT_READ ? "read" : writes[a->repeat];
}

const char *doc_repeat(const struct action *a) {
  static const char *const writes[] = {
      "not done twice by itself: cut off, it leaves the run in doubt",
      "may be done again without harm: retries and a resume may repeat it",
      "carries a key that stays the same: done again, a provider that heeds it does it once"};
  return a->effect == EFFECT_READ ? "changes nothing" : writes[a->repeat];
}

void doc_each(const struct doc *d, const struct action *a, const char *tick, struct buf *out) {
  if (!a->each) return;
  buf_addf(out, "for each of %s%s%s", tick, doc_name(d, a->each->name), tick);
  if (a->by) buf_addf(out, ", told apart by %s%s%s", tick, doc_name(d, a->by), tick);
  if (a->rate) buf_addf(out, ", %s%s%s a second", tick, doc_name(d, a->rate->name), tick);
  buf_addf(out, ", %u at a time", a->at_once);
  if (a->first) buf_addf(out, ", %s%s%s first%s", tick, doc_name(d, a->first->name), tick, a->every ? " and meanwhile" : "");
}

void doc_admit(const struct doc *d, const struct action *a, const char *tick, struct buf *out) {
  for (size_t i = 0; i < a->admit_count; i++)
    buf_addf(out, "%s%s%s%s", i ? ", " : "", tick, doc_name(d, a->takes[a->admits[i].index].name), tick);
}

static bool same_field(const struct doc *d, const struct field *a, const struct field *b) {
  struct buf x = BUF_INIT, y = BUF_INIT;
  doc_facts(d, a, true, &x);
  doc_facts(d, b, true, &y);
  bool same = a->name == b->name && a->value_type == b->value_type && a->secret == b->secret &&
              strcmp(buf_str(&x), buf_str(&y)) == 0 &&
              strcmp(a->about ? a->about : "", b->about ? b->about : "") == 0;
  buf_release(&x);
  buf_release(&y);
  return same;
}

bool doc_same_shape(const struct doc *d, const struct action *a, const struct action *b) {
  if (a->take_count != b->take_count || a->give_count != b->give_count || a->result != b->result)
    return false;
  for (size_t i = 0; i < a->take_count; i++)
    if (!same_field(d, &a->takes[i], &b->takes[i])) return false;
  for (size_t i = 0; i < a->give_count; i++)
    if (!same_field(d, &a->gives[i], &b->gives[i])) return false;
  return true;
}

void doc_signature(const struct doc *d, const struct action *a, struct buf *out) {
  size_t given = 0;
  buf_addf(out, "%s.%s", doc_name(d, a->binding->name), doc_name(d, a->name));
  for (size_t i = 0; i < a->take_count; i++) {
    const struct field *f = &a->takes[i];
    if (f->default_value || f->optional) continue;
    buf_addf(out, "%s%s:", given++ ? ", " : "(", doc_name(d, f->name));
  }
  if (given < a->take_count) buf_adds(out, given ? ", ..." : "(...");
  if (a->take_count) buf_addc(out, ')');
}
