/* docs/bindings.md: the whole reference as one page (`make docs` writes it, tests/docs/bindings.t
 * compares).
 *
 * The prose of a module is the comment that opens its file; that of a driver or an action the
 * comment right above it; that of a group of primitives stands in docs/primitives/. The
 * tables come from the declarations. */
#include "../runtime/primitive.h"
#include "doc.h"

struct page {
  const struct doc *d;
  struct buf *out;
};

static const char opening[] =
    "<!-- written by `make docs` from the declarations and the comments above them -->\n"
    "# Bindings\n"
    "\n"
    "What runbooks can call, module by module, and below what drivers are made of. `stepwise doc "
    "NAME` tells\n"
    "the same at a terminal: `stepwise doc web.get`. How a driver is written: [drivers.md](drivers.md).\n"
    "\n"
    "A call is checked before anything runs: names, types and limits of its arguments, and the "
    "fields of its\n"
    "result. `write` says that an action changes the world; how often it may be done is said "
    "behind it:\n"
    "`:safe` may be repeated, `:by_key` carries a key that lets the provider do it once, `:unsafe` "
    "is never\n"
    "repeated by itself ([resume.md](resume.md#in-doubt)). Which driver serves a binding is said "
    "by the site:\n"
    "`connect :web, driver: \"http\", timeout: 20.seconds`; where it says nothing, the driver "
    "marked *default*\n"
    "does.\n";

/* --- cells --- */

/* Text in a cell of a table. */
static void cell(struct buf *out, const char *s) {
  for (; s && *s; s++) {
    if (*s == '|') buf_addc(out, '\\');
    buf_addc(out, *s);
  }
}

/* A heading stands alone; so does what follows it. */
static void gap(struct page *p) {
  struct buf *b = p->out;
  while (b->len && b->data[b->len - 1] == '\n')
    buf_truncate(b, b->len - 1);
  buf_adds(b, "\n\n");
}

static void paragraph(struct page *p, struct buf *text) {
  if (text->len) {
    gap(p);
    buf_add(p->out, text->data, text->len);
  }
  buf_release(text);
}

/* --- fields --- */

static void field_row(struct page *p, const struct field *f, bool required) {
  struct buf b = BUF_INIT;
  buf_addf(p->out, "| `%s` | ", doc_name(p->d, f->name));
  doc_type(p->d, f, &b);
  cell(p->out, buf_str(&b));
  buf_clear(&b);
  doc_facts(p->d, f, required, &b);
  if (f->about) buf_addf(&b, "%s%s", b.len ? "; " : "", f->about);
  buf_adds(p->out, b.len ? " | " : " |");
  cell(p->out, buf_str(&b));
  buf_adds(p->out, " |\n");
  buf_release(&b);
}

static void fields(struct page *p, const char *what, const struct field *f, size_t count,
                   bool required) {
  if (!count) return;
  gap(p);
  buf_addf(p->out, "| %s | type | |\n|---|---|---|\n", what);
  for (size_t i = 0; i < count; i++)
    field_row(p, &f[i], required);
}

static void in_words(struct page *p, const struct field *f) {
  struct buf b = BUF_INIT;
  doc_type(p->d, f, &b);
  buf_adds(p->out, buf_str(&b));
  buf_clear(&b);
  doc_facts(p->d, f, false, &b);
  if (b.len) buf_addf(p->out, " (%s)", b.data);
  buf_release(&b);
}

/* A table where there is something to say of the fields, else a line. */
static void gives(struct page *p, const struct action *a) {
  bool described = false;
  for (size_t i = 0; i < a->give_count; i++)
    described |= a->gives[i].about != NULL;
  if (described) {
    fields(p, "gives", a->gives, a->give_count, false);
    return;
  }
  gap(p);
  buf_adds(p->out, a->plain ? "Gives: " : a->give_count ? "Gives a record: " : "Gives nothing");
  if (a->plain) in_words(p, a->plain);
  if (a->plain && a->plain->about) buf_addf(p->out, ", %s", a->plain->about);
  for (size_t i = 0; i < a->give_count; i++) {
    buf_addf(p->out, "%s`%s` ", i ? ", " : "", doc_name(p->d, a->gives[i].name));
    in_words(p, &a->gives[i]);
  }
  buf_adds(p->out, ".\n");
}

/* --- actions --- */

static void action_rows(struct page *p, const struct binding *b) {
  gap(p);
  buf_adds(p->out, "| action | effect | what it does |\n|---|---|---|\n");
  for (size_t i = 0; i < b->action_count; i++) {
    const struct action *a = &b->actions[i];
    buf_addf(p->out, "| `%s.%s` | %s", doc_name(p->d, b->name), doc_name(p->d, a->name),
             doc_effect(a));
    if (a->lease) {
      buf_adds(p->out, ", a lease of `");
      doc_source(p->d, a->file, a->lease, p->out);
      buf_addc(p->out, '`');
    }
    if (a->each) buf_adds(p->out, ", "), doc_each(p->d, a, "`", p->out);
    if (a->admit_count) buf_adds(p->out, ", `admit` asked about "), doc_admit(p->d, a, "`", p->out);
    if (a->ends) buf_addf(p->out, ", ends that of `%s`", doc_name(p->d, a->ends->name));
    buf_adds(p->out, " | ");
    cell(p->out, a->about);
    buf_adds(p->out, " |\n");
  }
}

static void action_heading(struct page *p, const struct binding *b, size_t first) {
  const struct action *a = &b->actions[first];
  gap(p);
  buf_adds(p->out, "###");
  for (size_t i = first; i < b->action_count; i++)
    if (doc_same_shape(p->d, a, &b->actions[i]))
      buf_addf(p->out, "%s %s.%s", i == first ? "" : ",", doc_name(p->d, b->name),
               doc_name(p->d, b->actions[i].name));
}

/* Actions that take and give the same are told together. */
static void action_section(struct page *p, const struct binding *b, size_t first) {
  const struct action *a = &b->actions[first];
  struct buf text = BUF_INIT, usage = BUF_INIT;
  action_heading(p, b, first);
  doc_usage(p->d, a, &usage);
  gap(p);
  buf_addf(p->out, "    %s\n", buf_str(&usage));
  buf_release(&usage);
  for (size_t i = first; i < b->action_count; i++)
    if (doc_same_shape(p->d, a, &b->actions[i])) {
      doc_above_text(p->d, b->actions[i].at, &text);
      paragraph(p, &text);
    }
  fields(p, "takes", a->takes, a->take_count, true);
  gives(p, a);
}

static bool told(const struct page *p, const struct binding *b, size_t at) {
  for (size_t i = 0; i < at; i++)
    if (doc_same_shape(p->d, &b->actions[i], &b->actions[at])) return true;
  return false;
}

static void driver_section(struct page *p, const struct driver *r) {
  struct buf text = BUF_INIT;
  gap(p);
  buf_addf(p->out, "### Driver %s of %s\n", doc_name(p->d, r->name),
           doc_name(p->d, r->binding->name));
  if (r->about || r->is_default) gap(p);
  if (r->about) buf_addf(p->out, "%s. ", r->about);
  if (r->is_default) buf_adds(p->out, "*Default.*");
  while (p->out->len && p->out->data[p->out->len - 1] == ' ')
    buf_truncate(p->out, p->out->len - 1);
  doc_above_text(p->d, r->at, &text);
  paragraph(p, &text);
  fields(p, "setting", r->settings, r->setting_count, true);
}

static void binding_section(struct page *p, const struct binding *b) {
  struct buf text = BUF_INIT;
  gap(p);
  buf_addf(p->out, "## %s: %s\n", doc_name(p->d, b->name), b->about ? b->about : "");
  const struct doc_module *m = doc_module_of(p->d, b);
  gap(p);
  if (m) buf_addf(p->out, "`use \"%s\"`", m->name);
  if (m && doc_binding_at(p->d, m, 0) == b) doc_module_text(p->d, m, &text);
  paragraph(p, &text);
  doc_above_text(p->d, b->at, &text);
  paragraph(p, &text);
  action_rows(p, b);
  for (size_t i = 0; i < b->action_count; i++)
    if (!told(p, b, i)) action_section(p, b, i);
  for (const struct driver *r = b->drivers; r; r = r->next)
    driver_section(p, r);
}

/* A module without a binding of its own brings in others. */
static void module_section(struct page *p, const struct doc_module *m) {
  struct buf text = BUF_INIT;
  const struct binding *b = doc_binding_at(p->d, m, 0);
  if (!b) {
    gap(p);
    buf_addf(p->out, "## %s\n", m->name);
    doc_module_text(p->d, m, &text);
    paragraph(p, &text);
  }
  for (size_t i = 0; b; b = doc_binding_at(p->d, m, ++i))
    binding_section(p, b);
}

/* --- primitives --- */

static void primitive_row(struct page *p, const struct primitive_sig *s) {
  buf_addf(p->out, "| `%s.%s` | %s | ", s->group, s->name,
           s->effect == EFFECT_READ ? "read" : "write");
  for (const struct primitive_param *q = s->params; q->name; q++)
    buf_addf(p->out, "%s`%s%s`", q == s->params ? "" : ", ", q->name,
             q->type[strlen(q->type) - 1] == '?' ? "?" : "");
  buf_addf(p->out, " | `%s` | ", s->result);
  cell(p->out, s->about);
  buf_adds(p->out, " |\n");
}

static bool same_param(const struct primitive_param *a, const struct primitive_param *b) {
  return strcmp(a->name, b->name) == 0 && strcmp(a->type, b->type) == 0 &&
         strcmp(a->about, b->about) == 0;
}

/* Whether a primitive of the group before this one has the same parameter. */
static bool param_told(size_t at, const struct primitive_param *q) {
  for (size_t i = 0; i < at; i++) {
    if (strcmp(primitive_list[i]->sig.group, primitive_list[at]->sig.group) != 0) continue;
    for (const struct primitive_param *r = primitive_list[i]->sig.params; r->name; r++)
      if (same_param(q, r)) return true;
  }
  return false;
}

static void param_rows(struct page *p, size_t at) {
  for (const struct primitive_param *q = primitive_list[at]->sig.params; q->name; q++) {
    if (param_told(at, q)) continue;
    size_t len = strlen(q->type);
    bool optional = q->type[len - 1] == '?';
    buf_addf(p->out, "| `%s` | %.*s%s | ", q->name, (int)(len - optional), q->type,
             optional ? ", optional" : "");
    cell(p->out, q->about);
    buf_adds(p->out, " |\n");
  }
}

static bool in_group(size_t i, const struct doc_group *g) {
  return strcmp(primitive_list[i]->sig.group, g->name) == 0;
}

static void group_section(struct page *p, const struct doc_group *g) {
  gap(p);
  buf_addf(p->out, "### %s: %.*s\n\n%.*s", g->name, (int)g->about.len, g->about.s, (int)g->text.len,
           g->text.s);
  gap(p);
  buf_adds(p->out,
           "| primitive | effect | takes | gives | what it does |\n|---|---|---|---|---|\n");
  for (size_t i = 0; primitive_list[i]; i++)
    if (in_group(i, g)) primitive_row(p, &primitive_list[i]->sig);
  gap(p);
  buf_adds(p->out, "| parameter | type | |\n|---|---|---|\n");
  for (size_t i = 0; primitive_list[i]; i++)
    if (in_group(i, g)) param_rows(p, i);
}

void doc_markdown(const struct doc *d, struct buf *out) {
  struct page p = {d, out};
  buf_adds(out, d->own ? "" : opening);
  for (size_t i = 0; i < d->module_count; i++)
    module_section(&p, &d->modules[i]);
  if (!d->own) {
    gap(&p);
    buf_adds(out, "## Primitives for drivers\n\n"
                  "Only drivers reach these. Parameters are given by keyword, or in the order of "
                  "the table; `?` marks\n"
                  "those that may be left out. `text` is a string or symbol that may be secret. A "
                  "read action, a probe\n"
                  "and a plan can call those that read only.\n");
    for (size_t i = 0; i < d->group_count; i++)
      group_section(&p, &d->groups[i]);
  }
  gap(&p);
  buf_truncate(out, out->len - 1);
}
