/* The reference for programs: editors, completion. One document. */
#include "../runtime/codec.h"
#include "../runtime/primitive.h"
#include "doc.h"

struct json {
  const struct doc *d;
  struct buf *out;
};

/* A comma where something stands before. */
static void next(struct json *j) {
  char last = j->out->len ? j->out->data[j->out->len - 1] : '{';
  if (last != '{' && last != '[' && last != ':') buf_addc(j->out, ',');
}

static void open_with(struct json *j, const char *name, char bracket) {
  next(j);
  if (name) buf_addf(j->out, "\"%s\":", name);
  buf_addc(j->out, bracket);
}

static void text(struct json *j, const char *name, const char *s) {
  if (!s) return;
  next(j);
  buf_addf(j->out, "\"%s\":", name);
  json_text(j->out, s, strlen(s));
}

static void view(struct json *j, const char *name, struct text t) {
  next(j);
  buf_addf(j->out, "\"%s\":", name);
  json_text(j->out, t.s, t.len);
}

static void truth(struct json *j, const char *name, bool yes) {
  next(j);
  buf_addf(j->out, "\"%s\":%s", name, yes ? "true" : "false");
}

static void buffer(struct json *j, const char *name, struct buf *b) {
  if (b->len) text(j, name, b->data);
  buf_release(b);
}

/* The words of a declaration, as they stand there. */
static void source(struct json *j, const char *name, const struct field *f, node_id n) {
  struct buf b = BUF_INIT;
  if (!n) return;
  doc_source(j->d, f->file, n, &b);
  buffer(j, name, &b);
}

static void field(struct json *j, const struct field *f) {
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  if (f->name) text(j, "name", doc_name(j->d, f->name));
  doc_type(j->d, f, &b);
  buffer(j, "type", &b);
  text(j, "about", f->about);
  truth(j, "optional", f->optional || f->default_value);
  truth(j, "secret", f->secret);
  source(j, "default", f, f->default_value);
  source(j, "min", f, f->min);
  source(j, "max", f, f->max);
  source(j, "one_of", f, f->one_of);
  source(j, "match", f, f->match);
  text(j, "form", f->form);
  buf_addc(j->out, '}');
}

static void fields(struct json *j, const char *name, const struct field *f, size_t count) {
  open_with(j, name, '[');
  for (size_t i = 0; i < count; i++)
    field(j, &f[i]);
  buf_addc(j->out, ']');
}

static void action(struct json *j, const struct action *a) {
  static const char *const repeats[] = {"unsafe", "safe", "by_key"};
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  buf_addf(&b, "%s.%s", doc_name(j->d, a->binding->name), doc_name(j->d, a->name));
  buffer(j, "name", &b);
  text(j, "kind", "action");
  text(j, "about", a->about);
  doc_usage(j->d, a, &b);
  buffer(j, "usage", &b);
  text(j, "effect", a->effect == EFFECT_READ ? "read" : "write");
  text(j, "repeat", repeats[a->repeat]);
  if (a->lease) doc_source(j->d, a->file, a->lease, &b);
  buffer(j, "lease", &b);
  doc_each(j->d, a, "", &b);
  buffer(j, "items", &b);
  doc_admit(j->d, a, "", &b);
  buffer(j, "admits", &b);
  if (a->ends) text(j, "ends", doc_name(j->d, a->ends->name));
  fields(j, "takes", a->takes, a->take_count);
  fields(j, "gives", a->plain ? a->plain : a->gives, a->plain ? 1 : a->give_count);
  buf_addc(j->out, '}');
}

static void driver(struct json *j, const struct driver *r) {
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  buf_addf(&b, "%s.%s", doc_name(j->d, r->binding->name), doc_name(j->d, r->name));
  buffer(j, "name", &b);
  text(j, "kind", "driver");
  text(j, "about", r->about);
  truth(j, "default", r->is_default);
  truth(j, "practice", r->practice);
  fields(j, "settings", r->settings, r->setting_count);
  buf_addc(j->out, '}');
}

static void binding(struct json *j, const struct binding *b) {
  open_with(j, NULL, '{');
  text(j, "name", doc_name(j->d, b->name));
  text(j, "kind", "binding");
  text(j, "about", b->about);
  const struct doc_module *m = doc_module_of(j->d, b);
  if (m) text(j, "use", m->name);
  open_with(j, "actions", '[');
  for (size_t i = 0; i < b->action_count; i++)
    action(j, &b->actions[i]);
  buf_addc(j->out, ']');
  open_with(j, "drivers", '[');
  for (const struct driver *r = b->drivers; r; r = r->next)
    driver(j, r);
  buf_adds(j->out, "]}");
}

static void module(struct json *j, const struct doc_module *m) {
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  text(j, "name", m->name);
  text(j, "kind", "module");
  doc_module_text(j->d, m, &b);
  buffer(j, "text", &b);
  open_with(j, "bindings", '[');
  const struct binding *held;
  for (size_t i = 0; (held = doc_binding_at(j->d, m, i)); i++)
    binding(j, held);
  buf_adds(j->out, "]}");
}

static void primitive(struct json *j, const struct primitive_sig *s) {
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  buf_addf(&b, "%s.%s", s->group, s->name);
  buffer(j, "name", &b);
  text(j, "kind", "primitive");
  text(j, "about", s->about);
  text(j, "effect", s->effect == EFFECT_READ ? "read" : "write");
  open_with(j, "takes", '[');
  for (const struct primitive_param *p = s->params; p->name; p++) {
    size_t len = strlen(p->type);
    bool optional = p->type[len - 1] == '?';
    open_with(j, NULL, '{');
    text(j, "name", p->name);
    buf_add(&b, p->type, len - optional);
    buffer(j, "type", &b);
    truth(j, "optional", optional);
    text(j, "about", p->about);
    buf_addc(j->out, '}');
  }
  buf_addc(j->out, ']');
  text(j, "gives", s->result);
  buf_addc(j->out, '}');
}

static void group(struct json *j, const struct doc_group *g) {
  open_with(j, NULL, '{');
  text(j, "name", g->name);
  text(j, "kind", "primitives");
  view(j, "about", g->about);
  view(j, "text", g->text);
  open_with(j, "primitives", '[');
  for (size_t i = 0; primitive_list[i]; i++)
    if (strcmp(primitive_list[i]->sig.group, g->name) == 0) primitive(j, &primitive_list[i]->sig);
  buf_adds(j->out, "]}");
}

static void word(struct json *j, const char *name) {
  struct buf b = BUF_INIT;
  open_with(j, NULL, '{');
  text(j, "name", name);
  text(j, "kind", "word");
  doc_word(name, &b);
  buffer(j, "text", &b);
  buf_addc(j->out, '}');
}

static void all(struct json *j) {
  open_with(j, NULL, '{');
  open_with(j, "modules", '[');
  for (size_t i = 0; i < j->d->module_count; i++)
    module(j, &j->d->modules[i]);
  buf_addc(j->out, ']');
  open_with(j, "primitives", '[');
  for (size_t i = 0; i < j->d->group_count; i++)
    group(j, &j->d->groups[i]);
  buf_adds(j->out, "]}");
}

void doc_json(const struct doc *d, const struct doc_item *item, struct buf *out) {
  struct json j = {d, out};
  if (!item) all(&j);
  else if (item->word) word(&j, item->word);
  else if (item->action) action(&j, item->action);
  else if (item->driver) driver(&j, item->driver);
  else if (item->primitive) primitive(&j, item->primitive);
  else if (item->group) group(&j, item->group);
  else if (item->binding) binding(&j, item->binding);
  else module(&j, item->module);
  buf_addc(out, '\n');
}
