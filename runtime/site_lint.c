/* Whether the connections of a site fit the drivers they name, and contacts the bindings that reach them,
 * as far as that can be told without the environment and without secrets: nothing of these is asked for. */
#include "site_lint.h"

#include "eval.h"
#include "page.h"
#include "site_inner.h"

static struct span setting_at(const struct site *s, const struct site_setting *given) {
  return tree_span(s->program->trees[0], given->node);
}

/* What env() and secret() give is known to a run alone. */
static bool is_written_out(const struct site *s, const struct site_setting *given) {
  struct span at = setting_at(s, given);
  const char *text = s->program->sources[0]->text + at.start;
  size_t len = at.end - at.start;
  return !memmem(text, len, "env(", 4) && !memmem(text, len, "secret(", 7) &&
         !memmem(text, len, "#{", 2);
}

static const struct field *field_named(const struct program *lib, const struct driver *d,
                                       const char *name) {
  for (size_t i = 0; i < d->setting_count; i++)
    if (strcmp(sym_text(lib->syms, d->settings[i].name), name) == 0) return &d->settings[i];
  return NULL;
}

static void unknown(const struct site *s, const struct site_connection *c, const struct program *lib,
                    const struct driver *d, const struct site_setting *given, struct diags *out) {
  const char **names = mem_array(d->setting_count + 1, sizeof *names);
  for (size_t i = 0; i < d->setting_count; i++)
    names[i] = sym_text(lib->syms, d->settings[i].name);
  int near = name_nearest(given->name, names, d->setting_count);
  struct diag *diag = diag_add(out, D_unknown_keyword, setting_at(s, given),
                               "driver %s of binding %s has no setting %s", c->driver, c->binding,
                               given->name);
  if (near >= 0) diag_help(diag, "did you mean %s?", names[near]);
  else if (!d->setting_count) diag_help(diag, "it takes none");
  else diag_help(diag, "stepwise doc %s tells its settings", c->binding);
  mem_free(names);
}

static void unfit(const struct site *s, struct program *lib, const struct field *f,
                  const struct site_setting *given, struct diags *out) {
  struct error err = {0};
  if (!is_written_out(s, given) || site_setting_fits(s, lib, f, given, &err) == OK) return;
  struct diag *diag = diag_add(out, D_wrong_type, setting_at(s, given), "%s", err.message);
  if (err.help) diag_help(diag, "%s", err.help);
  error_release(&err);
}

static void lacking(const struct site_connection *c, const struct program *lib,
                    const struct driver *d, struct diags *out) {
  for (size_t i = 0; i < d->setting_count; i++) {
    const char *name = sym_text(lib->syms, d->settings[i].name);
    bool given = d->settings[i].default_value || d->settings[i].optional;
    for (size_t k = 0; k < c->setting_count && !given; k++)
      given = strcmp(c->settings[k].name, name) == 0;
    if (given) continue;
    diag_help(diag_add(out, D_missing_keyword, c->at, "driver %s of binding %s needs the setting %s",
                       c->driver, c->binding, name),
              "connect :%s, driver: \"%s\", %s: ...", c->binding, c->driver, name);
    return;
  }
}

/* A driver by another name may be that of a module of one's own; one that is nearly a known one is a
 * slip. */
static const struct driver *driver_named(const struct site_connection *c, const struct program *lib,
                                         const struct binding *b, struct diags *out) {
  enum { MANY = 32 };
  const char *names[MANY];
  size_t n = 0;
  for (const struct driver *d = b->drivers; d; d = d->next) {
    const char *name = sym_text(lib->syms, d->name);
    if (strcmp(name, c->driver) == 0) return d;
    if (n < MANY) names[n++] = name;
  }
  int near = name_nearest(c->driver, names, n);
  if (near >= 0)
    diag_help(diag_add(out, D_unknown_choice, c->at, "binding %s has no driver \"%s\"", c->binding,
                       c->driver),
              "did you mean \"%s\"?", names[near]);
  return NULL;
}

/* It may be one of a module of one's own; but nothing would ever say that it is not. */
static void binding_unknown(const struct site_connection *c, const struct program *lib, struct diags *out) {
  const char **names = mem_array(lib->binding_count + 1, sizeof *names);
  for (size_t i = 0; i < lib->binding_count; i++)
    names[i] = sym_text(lib->syms, lib->bindings[i]->name);
  int near = name_nearest(c->binding, names, lib->binding_count);
  if (near >= 0)
    diag_help(diag_add(out, D_near_binding, c->at, "no binding %s is known", c->binding),
              "did you mean :%s? Without a connection that works on its embedded default", names[near]);
  mem_free(names);
}

static void connection(const struct site *s, const struct site_connection *c, struct program *lib,
                       struct diags *out) {
  const struct driver *d = NULL;
  const struct binding *b = NULL;
  for (size_t i = 0; i < lib->binding_count && !b; i++)
    if (strcmp(sym_text(lib->syms, lib->bindings[i]->name), c->binding) == 0) b = lib->bindings[i];
  if (b) d = driver_named(c, lib, b, out);
  else binding_unknown(c, lib, out);
  if (!d) return;
  for (size_t i = 0; i < c->setting_count; i++) {
    const struct field *f = field_named(lib, d, c->settings[i].name);
    if (f) unfit(s, lib, f, &c->settings[i], out);
    else unknown(s, c, lib, d, &c->settings[i], out);
  }
  lacking(c, lib, d, out);
}

static void contacts(const struct site_role *r, struct program *lib, struct diags *out) {
  static const struct unit nothing;
  struct error err = {0};
  struct eval e;
  eval_init(&e, lib, &nothing, NULL, NULL, &err);
  for (size_t i = 0; i < r->contact_count; i++) {
    if (page_contact_fits(&e, &r->contacts[i], &err) == OK) continue;
    struct diag *diag = diag_add(out, D_wrong_type, r->contacts[i].at, "%s", err.message);
    if (err.help) diag_help(diag, "%s", err.help);
    error_release(&err);
  }
  eval_release(&e);
}

static void zone(const struct site *s, struct diags *out) {
  struct error err = {0};
  if (site_zone_check(s, &err) == OK) return;
  struct diag *diag = diag_add(out, D_wrong_type, tree_span(s->program->trees[0], s->program->site->timezone),
                               "%s", err.message);
  if (err.help) diag_help(diag, "%s", err.help);
  error_release(&err);
}

void site_lint(const struct site *s, struct program *lib, struct diags *out) {
  zone(s, out);
  for (size_t i = 0; i < s->connection_count; i++)
    connection(s, &s->connections[i], lib, out);
  for (size_t i = 0; i < s->role_count; i++)
    contacts(&s->roles[i], lib, out);
}
