/* What the site hands to drivers: which one serves a binding, its settings, env and secret. */
#include "drill.h"
#include "secret_store.h"
#include "site_inner.h"
#include "text.h"
#include "utf8.h"

/* --- env and secret --- */

static enum status hook_env(const struct site *s, const char *name, bool otherwise, value *out,
                            struct error *err) {
  const char *text = getenv(name);
  (void)s;
  if (!text && otherwise) return OK; /* the default is there */
  if (!text) {
    error_set(err, ERR_NOT_FOUND, "the environment has no %s", name);
    error_help(err, "set it, or give a default: env(\"%s\", \"...\")", name);
    return ERR_NOT_FOUND;
  }
  if (!utf8_valid(text, strlen(text)))
    return error_set(err, ERR_VALUE, "%s of the environment is no text in UTF-8", name);
  value_unref(*out);
  *out = value_cstr(text);
  return OK;
}

static enum status hook_secret(const struct site *s, const char *name, value *out,
                               struct error *err) {
  static const struct secret_reach none;
  if (s->secrets) return secret_store_fetch(s->secrets, s->reach ? s->reach : &none, name, out, err);
  error_set(err, ERR_NOT_FOUND, "the site says nowhere where secrets come from");
  error_help(err, "secrets driver: \"files\", directory: \"secrets\"");
  return ERR_NOT_FOUND;
}

static enum status hook_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  const struct site *s = ud;
  const struct node *n = tree_node(e->tree, call);
  value name, fallback = VALUE_NIL;
  if (word != W_env && word != W_secret)
    return error_set(e->err, ERR_CHECK, "%s cannot stand in a site",
                     sym_text(e->program->syms, word));
  enum status status = eval_node(e, call_arg(e->tree, n, 0), &name);
  if (status != OK) return status;
  node_id other = call_arg(e->tree, n, 1);
  if (other) status = eval_node(e, other, &fallback);
  *out = fallback;
  if (status == OK && !value_is_text(name))
    status = error_set(e->err, ERR_TYPE, "a name is wanted here");
  else if (status == OK) {
    struct text t = value_text(name, e->program->syms);
    char *text = mem_dup(t.s, t.len);
    status = word == W_env ? hook_env(s, text, other != 0, out, e->err)
                           : hook_secret(s, text, out, e->err);
    mem_free(text);
  }
  if (status != OK) error_at(e->err, tree_span(e->tree, call));
  if (status != OK) value_unref(fallback);
  value_unref(name);
  return status;
}

const struct eval_hooks site_hooks = {.statement = hook_statement};

/* --- drivers --- */

const struct site_connection *site_connection(const struct site *s, const char *binding) {
  for (size_t i = 0; s && i < s->connection_count; i++)
    if (strcmp(s->connections[i].binding, binding) == 0) return &s->connections[i];
  return NULL;
}

static enum status driver_unknown(const struct site *s, const struct site_connection *c,
                                  const struct program *p, const struct binding *b,
                                  struct error *err) {
  enum { MANY = 32 };
  const char *names[MANY];
  size_t n = 0;
  for (const struct driver *d = b->drivers; d && n < MANY; d = d->next)
    names[n++] = sym_text(p->syms, d->name);
  int near = name_nearest(c->driver, names, n);
  error_set(err, ERR_NOT_FOUND, "binding %s has no driver \"%s\"", c->binding, c->driver);
  if (near >= 0) error_help(err, "did you mean \"%s\"?", names[near]);
  else if (n) error_help(err, "what the runbook uses brings \"%s\"", names[0]);
  return site_fail(s, c->at, err);
}

/* What only simulates is in nobody's way, and nobody's stand-in: a real run takes it where the site
 * connects it, or where it is the default by its own word. */
static const struct driver *driver_plain(const struct binding *b) {
  const struct driver *only = NULL;
  size_t n = 0;
  for (const struct driver *d = b->drivers; d; d = d->next) {
    if (d->is_default) return d;
    if (d->name == W_simulated) continue;
    only = d;
    n++;
  }
  return n == 1 ? only : NULL;
}

enum status site_driver(const struct site *s, const struct program *p, const struct binding *b,
                        const struct driver **out, struct error *err) {
  const char *name = sym_text(p->syms, b->name);
  const struct site_connection *c = site_connection(s, name);
  *out = NULL;
  for (const struct driver *d = c ? b->drivers : NULL; d && !*out; d = d->next)
    if (strcmp(sym_text(p->syms, d->name), c->driver) == 0) *out = d;
  if (*out) return OK;
  if (c) return driver_unknown(s, c, p, b, err);
  *out = driver_plain(b);
  if (*out) return OK;
  error_set(err, ERR_NOT_FOUND, "no driver serves binding %s", name);
  bool drills = b->drivers && !b->drivers->next && b->drivers->name == W_simulated;
  error_help(err, drills       ? "it has only the one for drills: run --drill, or use a module that has another"
                  : b->drivers ? "it has several: the site connects one, or one has default: true"
                               : "use a module that has a driver for it");
  return ERR_NOT_FOUND;
}

/* --- settings --- */

/* Symbols are numbers of one program's table; what goes to another is named anew there. */
static value moved(value v, const struct symtab *from, struct symtab *to) {
  if (v.tag == V_SYMBOL) {
    const char *text = sym_text(from, v.u.s);
    return value_symbol(sym_intern(to, text, strlen(text)));
  }
  if (v.tag == V_ARRAY) {
    struct list *l = list_new(value_array(v)->count);
    for (size_t i = 0; i < value_array(v)->count; i++)
      list_push(l, moved(value_array(v)->items[i], from, to));
    return value_list(l);
  }
  if (v.tag != V_HASH) return value_ref(v);
  struct dict *d = dict_new();
  for (size_t i = 0; i < dict_count(value_dict(v)); i++) {
    value key, held;
    dict_at(value_dict(v), i, &key, &held);
    dict_put(d, to, moved(key, from, to), moved(held, from, to));
  }
  return value_hash(d);
}

/* All that is missing is told, not only the first. */
static enum status connection_ready(const struct site *s, struct site_connection *c,
                                    struct error *err) {
  enum status status = OK;
  for (size_t i = 0; i < c->setting_count; i++) {
    value v;
    struct error why = {0};
    enum status one = site_value(s, c->settings[i].node, &v, &why);
    if (one == OK) {
      value_unref(c->settings[i].value);
      c->settings[i].value = v;
      continue;
    }
    error_also(err, &why);
    if (status == OK) status = one;
    if (one == ERR_CANCELLED) return one;
  }
  return status;
}

static enum status settings_known(const struct site *s, const struct site_connection *c,
                                  const struct program *p, const struct driver *d,
                                  struct error *err) {
  const char **names = mem_array(d->setting_count + 1, sizeof *names);
  enum status status = OK;
  for (size_t i = 0; i < d->setting_count; i++)
    names[i] = sym_text(p->syms, d->settings[i].name);
  for (size_t i = 0; status == OK && i < c->setting_count; i++) {
    bool known = false;
    for (size_t k = 0; k < d->setting_count && !known; k++)
      known = strcmp(names[k], c->settings[i].name) == 0;
    if (known) continue;
    int near = name_nearest(c->settings[i].name, names, d->setting_count);
    error_set(err, ERR_NOT_FOUND, "driver %s of binding %s has no setting %s", c->driver,
              c->binding, c->settings[i].name);
    if (near >= 0) error_help(err, "did you mean %s?", names[near]);
    else if (!d->setting_count) error_help(err, "it takes none");
    status = site_fail(s, tree_span(s->program->trees[0], c->settings[i].node), err);
  }
  mem_free(names);
  return status;
}

static enum status setting_given(const struct site *s, struct eval *e,
                                 const struct site_setting *given, const struct field *f,
                                 value *out, struct error *err) {
  struct error inner = {0};
  value v = moved(given->value, s->program->syms, e->program->syms);
  enum status status = field_check(e, f, v, v.tag == V_STRING, out, &inner);
  value_unref(v);
  if (status == OK) return OK;
  inner.has_at = false;
  error_move(err, &inner);
  return site_fail(s, tree_span(s->program->trees[0], given->node), err);
}

enum status site_setting_fits(const struct site *s, struct program *p, const struct field *f,
                              const struct site_setting *given, struct error *err) {
  static const struct unit nothing;
  struct eval e;
  value v, out;
  enum status status = site_value(s, given->node, &v, err);
  if (status != OK) return status;
  eval_init(&e, p, &nothing, NULL, NULL, err);
  value here = moved(v, s->program->syms, p->syms);
  status = field_check(&e, f, here, here.tag == V_STRING, &out, err);
  if (status == OK) value_unref(out);
  value_unref(here);
  value_unref(v);
  eval_release(&e);
  return status;
}

static enum status setting_missing(const struct site *s, const struct program *p,
                                   const struct driver *d, const struct field *f,
                                   struct error *err) {
  const char *binding = sym_text(p->syms, d->binding->name), *driver = sym_text(p->syms, d->name);
  const char *name = sym_text(p->syms, f->name);
  const struct site_connection *c = site_connection(s, binding);
  error_set(err, ERR_NOT_FOUND, "driver %s of binding %s needs the setting %s", driver, binding,
            name);
  error_help(err, "a site file gives it: connect :%s, driver: \"%s\", %s: ...", binding, driver,
             name);
  return c ? site_fail(s, c->at, err) : ERR_NOT_FOUND;
}

static const struct site_setting *given(const struct site_connection *c, const char *name) {
  for (size_t i = 0; c && i < c->setting_count; i++)
    if (strcmp(c->settings[i].name, name) == 0) return &c->settings[i];
  return NULL;
}

static enum status setting_make(const struct site *s, const struct site_connection *c,
                                struct eval *e, const struct driver *d, const struct field *f,
                                value *out, struct error *err) {
  const struct site_setting *from = given(c, sym_text(e->program->syms, f->name));
  *out = VALUE_NIL;
  if (from) return setting_given(s, e, from, f, out, err);
  if (!f->default_value) return f->optional ? OK : setting_missing(s, e->program, d, f, err);
  enum status status = field_default(e, f, out);
  if (status != OK && err != e->err) error_move(err, e->err);
  return status;
}

/* Text, as inputs are given on the command line. */
static enum status setting_asked(struct eval *e, const char *binding, const struct field *f,
                                 const char *text, value *out, struct error *err) {
  struct error inner = {0};
  value v = value_cstr(text);
  enum status status = field_check(e, f, v, true, out, &inner);
  value_unref(v);
  if (status == OK) return OK;
  error_set(err, status, "--drill-set %s.%s: %s", binding, sym_text(e->program->syms, f->name),
            inner.message);
  if (inner.help) error_help(err, "%s", inner.help);
  error_release(&inner);
  return status;
}

enum status site_settings(struct site *s, const struct drill *drill,
                          const struct secret_reach *reach, struct eval *e, const struct driver *d,
                          value *out, struct error *err) {
  const char *binding = sym_text(e->program->syms, d->binding->name);
  struct site_connection *c = (struct site_connection *)(uintptr_t)site_connection(s, binding);
  enum status status = OK;
  if (c && strcmp(c->driver, sym_text(e->program->syms, d->name)) != 0) c = NULL;
  if (c) status = settings_known(s, c, e->program, d, err);
  if (c && status == OK) {
    s->reach = reach;
    status = connection_ready(s, c, err);
    s->reach = NULL;
  }
  struct dict *settings = dict_new();
  for (size_t i = 0; status == OK && i < d->setting_count; i++) {
    value v;
    const char *asked = drill_setting(drill, binding, sym_text(e->program->syms, d->settings[i].name));
    status = asked ? setting_asked(e, binding, &d->settings[i], asked, &v, err)
                   : setting_make(s, c, e, d, &d->settings[i], &v, err);
    if (status == OK) dict_set(settings, value_symbol(d->settings[i].name), v);
  }
  if (status == OK) *out = value_record(settings);
  else dict_free(settings);
  return status;
}
