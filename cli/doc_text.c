/* The reference for a person at a terminal: first what to type, then what it means. */
#include "../runtime/primitive.h"
#include "doc.h"
#include "doc_prose.h"

struct view {
  const struct doc *d;
  size_t width;
  struct buf *out;
};

static void say(struct view *v, const char *s) {
  prose_words(s, strlen(s), 0, 0, v->width, true, v->out);
}

static void head(struct view *v, const char *name, const char *about) {
  struct buf b = BUF_INIT;
  buf_addf(&b, about ? "%s: %s" : "%s", name, about);
  say(v, buf_str(&b));
  buf_release(&b);
}

static void title(struct view *v, const char *s) {
  buf_addf(v->out, "\n%s\n", s);
}

static void prose(struct view *v, struct buf *text, size_t indent) {
  if (text->len) {
    buf_addc(v->out, '\n');
    prose_text(text->data, text->len, indent, v->width, v->out);
  }
  buf_release(text);
}

/* --- fields --- */

static void field_row(struct view *v, struct prose_rows *rows, const char *name,
                      const struct field *f, bool required) {
  struct buf type = BUF_INIT, words = BUF_INIT;
  doc_type(v->d, f, &type);
  doc_facts(v->d, f, required, &words);
  if (f->about) buf_addf(&words, "%s%s", words.len ? "; " : "", f->about);
  prose_row(rows, name, buf_str(&type), buf_str(&words));
  buf_release(&type);
  buf_release(&words);
}

static void fields(struct view *v, const struct field *f, size_t count, bool required,
                   size_t indent) {
  struct prose_rows rows = {0};
  for (size_t i = 0; i < count; i++)
    field_row(v, &rows, doc_name(v->d, f[i].name), &f[i], required);
  prose_rows_write(&rows, indent, v->width, v->out);
}

/* --- drivers --- */

static void driver_head(struct view *v, const struct driver *r) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s%s%s%s", doc_name(v->d, r->name),
           r->is_default ? " (serves when the site names none)" : "", r->about ? ": " : "",
           r->about ? r->about : "");
  buf_adds(v->out, "  ");
  prose_words(buf_str(&b), b.len, 2, 4, v->width, true, v->out);
  buf_release(&b);
}

static void drivers(struct view *v, const struct binding *b) {
  if (!b->drivers) return;
  title(v, "Drivers");
  for (const struct driver *r = b->drivers; r; r = r->next) {
    driver_head(v, r);
    fields(v, r->settings, r->setting_count, true, 4);
  }
}

static void driver_view(struct view *v, const struct driver *r) {
  struct buf b = BUF_INIT, text = BUF_INIT;
  buf_addf(&b, "%s.%s", doc_name(v->d, r->binding->name), doc_name(v->d, r->name));
  head(v, buf_str(&b), r->about);
  buf_addf(v->out, "\n  connect :%s, driver: \"%s\"", doc_name(v->d, r->binding->name),
           doc_name(v->d, r->name));
  for (size_t i = 0; i < r->setting_count; i++)
    if (!r->settings[i].optional && !r->settings[i].default_value)
      buf_addf(v->out, ", %s: ...", doc_name(v->d, r->settings[i].name));
  buf_adds(v->out, "   # in the site\n");
  doc_above_text(v->d, r->at, &text);
  prose(v, &text, 0);
  if (r->setting_count) title(v, "Settings");
  fields(v, r->settings, r->setting_count, true, 2);
  buf_release(&b);
}

/* --- actions --- */

static void action_facts(struct view *v, const struct action *a) {
  struct prose_rows rows = {0};
  struct buf b = BUF_INIT;
  const struct doc_module *m = doc_module_of(v->d, a->binding);
  buf_addf(&b, "use \"%s\"", m ? m->name : "");
  if (m) prose_row(&rows, "module", "", buf_str(&b));
  buf_clear(&b);
  buf_addf(&b, "%s: %s", a->effect == EFFECT_READ ? "read" : "write", doc_repeat(a));
  prose_row(&rows, "effect", "", buf_str(&b));
  buf_clear(&b);
  doc_each(v->d, a, "", &b);
  if (b.len) prose_row(&rows, "items", "", buf_str(&b));
  buf_clear(&b);
  doc_admit(v->d, a, "", &b);
  if (b.len) {
    buf_adds(&b, ": the binding is asked first, and may refuse or put off whom it concerns");
    prose_row(&rows, "admits", "", buf_str(&b));
    buf_clear(&b);
  }
  if (a->lease) {
    doc_source(v->d, a->file, a->lease, &b);
    buf_adds(&b, ": what it creates ends by itself then, unless the run renews it, which it does");
    prose_row(&rows, "lease", "", buf_str(&b));
    buf_clear(&b);
  }
  if (a->ends) {
    buf_addf(&b, "the lease of %s.%s with the same arguments", doc_name(v->d, a->binding->name),
             doc_name(v->d, a->ends->name));
    prose_row(&rows, "ends", "", buf_str(&b));
  }
  buf_release(&b);
  prose_rows_write(&rows, 2, v->width, v->out);
}

static void action_gives(struct view *v, const struct action *a) {
  if (a->plain) {
    struct prose_rows rows = {0};
    field_row(v, &rows, "", a->plain, false);
    title(v, "Gives");
    prose_rows_write(&rows, 0, v->width, v->out);
  } else if (a->give_count) {
    title(v, "Gives a record");
    fields(v, a->gives, a->give_count, false, 2);
  }
}

/* A call that can be copied: one that is too long goes on in the next line, after a comma. */
static void usage_lines(struct view *v, const struct buf *usage) {
  size_t column = 2, n;
  buf_adds(v->out, "\n  ");
  for (const char *s = buf_str(usage); *s; s += n, column += n) {
    const char *comma = strstr(s, ", ");
    n = comma ? (size_t)(comma - s) + 2 : strlen(s);
    if (column > 6 && v->width && column + n > v->width) {
      buf_truncate(v->out, v->out->len - 1);
      buf_adds(v->out, "\n      ");
      column = 6;
    }
    buf_add(v->out, s, n);
  }
  buf_adds(v->out, "\n\n");
}

static void action_view(struct view *v, const struct action *a) {
  struct buf b = BUF_INIT, text = BUF_INIT;
  buf_addf(&b, "%s.%s", doc_name(v->d, a->binding->name), doc_name(v->d, a->name));
  head(v, buf_str(&b), a->about);
  buf_clear(&b);
  doc_usage(v->d, a, &b);
  usage_lines(v, &b);
  action_facts(v, a);
  doc_above_text(v->d, a->at, &text);
  prose(v, &text, 0);
  if (a->take_count) title(v, "Takes");
  fields(v, a->takes, a->take_count, true, 2);
  action_gives(v, a);
  drivers(v, a->binding);
  buf_release(&b);
}

static void binding_view(struct view *v, const struct binding *b) {
  struct prose_rows rows = {0};
  for (size_t i = 0; i < b->action_count; i++) {
    struct buf s = BUF_INIT;
    doc_signature(v->d, &b->actions[i], &s);
    prose_row(&rows, buf_str(&s), b->actions[i].effect == EFFECT_READ ? "read" : "write",
              b->actions[i].about);
    buf_release(&s);
  }
  title(v, "Actions");
  prose_rows_write(&rows, 2, v->width, v->out);
  drivers(v, b);
  buf_addf(v->out, "\nMore of each: stepwise doc %s.%s\n", doc_name(v->d, b->name),
           b->action_count ? doc_name(v->d, b->actions[0].name) : "ACTION");
}

static void module_view(struct view *v, const struct doc_module *m, const struct binding *only) {
  struct buf text = BUF_INIT;
  const struct binding *b = only ? only : doc_binding_at(v->d, m, 0);
  head(v, b ? doc_name(v->d, b->name) : m->name, b ? b->about : NULL);
  if (m) buf_addf(v->out, "\n  use \"%s\"\n", m->name);
  if (m) doc_module_text(v->d, m, &text);
  prose(v, &text, 0);
  for (size_t i = 0; b; b = only ? NULL : doc_binding_at(v->d, m, ++i)) {
    if (i) buf_addc(v->out, '\n'), head(v, doc_name(v->d, b->name), b->about);
    doc_above_text(v->d, b->at, &text);
    prose(v, &text, 0);
    binding_view(v, b);
  }
}

/* --- primitives --- */

static bool may_be_left_out(const struct primitive_param *p) {
  return p->type[strlen(p->type) - 1] == '?';
}

/* With what must be given. */
static void primitive_name(const struct primitive_sig *s, struct buf *out) {
  size_t given = 0;
  bool more = false;
  buf_addf(out, "%s.%s(", s->group, s->name);
  for (const struct primitive_param *p = s->params; p->name; p++) {
    more |= may_be_left_out(p);
    if (!may_be_left_out(p)) buf_addf(out, "%s%s", given++ ? ", " : "", p->name);
  }
  buf_adds(out, !more ? ")" : given ? ", ...)" : "...)");
}

static const char *effect_word(enum effect e) {
  return e == EFFECT_READ ? "read" : "write";
}

static void primitive_view(struct view *v, const struct primitive_sig *s) {
  struct prose_rows rows = {0};
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s.%s", s->group, s->name);
  head(v, buf_str(&b), s->about);
  buf_clear(&b);
  primitive_name(s, &b);
  buf_addf(v->out, "\n  %s   # in drivers only\n\n", buf_str(&b));
  prose_row(&rows, "effect", "", effect_word(s->effect));
  prose_row(&rows, "gives", "", s->result);
  prose_rows_write(&rows, 2, v->width, v->out);
  if (s->params->name) title(v, "Takes, by keyword or in this order");
  for (const struct primitive_param *p = s->params; p->name; p++) {
    buf_clear(&b);
    buf_addf(&b, "%.*s", (int)(strlen(p->type) - may_be_left_out(p)), p->type);
    char *type = buf_take(&b);
    buf_addf(&b, "%s%s", may_be_left_out(p) ? "optional; " : "", p->about);
    prose_row(&rows, p->name, type, buf_str(&b));
    mem_free(type);
  }
  prose_rows_write(&rows, 2, v->width, v->out);
  buf_release(&b);
}

static void group_view(struct view *v, const struct doc_group *g) {
  struct prose_rows rows = {0};
  struct buf about = BUF_INIT;
  buf_add(&about, g->about.s, g->about.len);
  head(v, g->name, buf_str(&about));
  buf_release(&about);
  buf_adds(v->out, "\n  Primitives: drivers use them, runbooks do not.\n\n");
  prose_text(g->text.s, g->text.len, 0, v->width, v->out);
  title(v, "Primitives");
  for (size_t i = 0; primitive_list[i]; i++) {
    const struct primitive_sig *s = &primitive_list[i]->sig;
    struct buf b = BUF_INIT;
    if (strcmp(s->group, g->name) != 0) continue;
    primitive_name(s, &b);
    prose_row(&rows, buf_str(&b), effect_word(s->effect), s->about);
    buf_release(&b);
  }
  prose_rows_write(&rows, 2, v->width, v->out);
}

/* --- all of it --- */

static void module_row(struct view *v, struct prose_rows *rows, const struct doc_module *m) {
  struct buf b = BUF_INIT;
  const struct binding *binding = doc_binding_at(v->d, m, 0);
  if (binding && binding->about) buf_addf(&b, "%s: ", binding->about);
  for (size_t j = 0; (binding = doc_binding_at(v->d, m, j)); j++)
    for (size_t i = 0; i < binding->action_count; i++)
      buf_addf(&b, "%s%s.%s", i || j ? ", " : "", doc_name(v->d, binding->name),
               doc_name(v->d, binding->actions[i].name));
  if (!b.len) {
    struct buf text = BUF_INIT;
    doc_module_text(v->d, m, &text);
    buf_add(&b, buf_str(&text), strcspn(buf_str(&text), "\n"));
    buf_release(&text);
  }
  prose_row(rows, m->name, "", buf_str(&b));
  buf_release(&b);
}

static void library_view(struct view *v) {
  struct prose_rows rows = {0};
  say(v, "Modules, for runbooks: `use \"NAME\"`");
  for (size_t i = 0; i < v->d->module_count; i++)
    module_row(v, &rows, &v->d->modules[i]);
  prose_rows_write(&rows, 2, v->width, v->out);
  buf_addc(v->out, '\n');
  say(v, "Primitives, for drivers:");
  for (size_t k = 0; k < v->d->group_count; k++) {
    const struct doc_group *g = &v->d->groups[k];
    struct buf b = BUF_INIT;
    buf_addf(&b, "%.*s:", (int)g->about.len, g->about.s);
    for (size_t i = 0, n = 0; primitive_list[i]; i++)
      if (strcmp(primitive_list[i]->sig.group, g->name) == 0)
        buf_addf(&b, "%s %s", n++ ? "," : "", primitive_list[i]->sig.name);
    prose_row(&rows, g->name, "", buf_str(&b));
    buf_release(&b);
  }
  prose_rows_write(&rows, 2, v->width, v->out);
  buf_addc(v->out, '\n');
  say(v, "stepwise doc NAME tells more of a module, an action (web.get), a driver (web.http), a "
         "primitive (file.read), or a word of the language (wait_until, phone, strftime).");
}

void doc_text(const struct doc *d, const struct doc_item *item, size_t width, struct buf *out) {
  struct view v = {d, width, out};
  if (!item && d->own && d->module_count) module_view(&v, &d->modules[0], NULL);
  else if (!item) library_view(&v);
  else if (item->word) doc_word(item->word, out);
  else if (item->action) action_view(&v, item->action);
  else if (item->driver) driver_view(&v, item->driver);
  else if (item->primitive) primitive_view(&v, item->primitive);
  else if (item->group) group_view(&v, item->group);
  else module_view(&v, item->module, item->binding);
}
