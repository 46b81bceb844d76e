/* Reading and checking what a run is given. */
#include "run_args.h"

#include "../lang/source.h"
#include "../runtime/codec.h"
#include "../runtime/utf8.h"
#include "command.h"
#include "text.h"

/* What goes into the journal is text. */
static const char *no_text(const struct texts *t) {
  for (size_t i = 0; i < t->count; i++)
    if (!utf8_valid(t->items[i], strlen(t->items[i]))) return t->items[i];
  return NULL;
}

static int texts_check(const struct run_args *c, const char *verb) {
  const struct texts reason = {.items = (const char **)(uintptr_t)&c->reason,
                               .count = c->reason != NULL};
  const struct texts *const all[] = {&c->files, &c->sets,        &c->roles,     &c->skip,
                                     &reason,   &c->drill_fails, &c->drill_sets};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *bad = no_text(all[i]);
    if (!bad) continue;
    struct buf shown = BUF_INIT;
    text_tame(&shown, bad, strlen(bad), '?');
    int code = usage_error(verb, "'%s' is not text in UTF-8", buf_str(&shown));
    buf_release(&shown);
    return code;
  }
  return EXIT_SUCCEEDED;
}

static const char *set_twice(const struct texts *sets) {
  for (size_t i = 1; i < sets->count; i++) {
    size_t n = strcspn(sets->items[i], "=") + 1;
    for (size_t k = 0; k < i; k++)
      if (strncmp(sets->items[i], sets->items[k], n) == 0) return sets->items[i];
  }
  return NULL;
}

static int usage_of_steps(const struct run_args *a, const char *verb) {
  if (a->from && a->only) return usage_error(verb, "--from and --only exclude each other");
  if (a->skip.count && !a->reason)
    return usage_error(verb, "--skip needs --reason TEXT: the journal records why");
  if (a->skip.count && !a->reason[strspn(a->reason, " \t\n")])
    return usage_error(verb, "--skip needs a reason; the one given is empty");
  return EXIT_SUCCEEDED;
}

int run_args_check(const struct run_args *a, const char *verb) {
  if (a->files.count == 0) return usage_error(verb, "name the runbook's file");
  if (a->files.count > 1)
    return usage_error(verb, "one runbook at a time, not also '%s'", a->files.items[1]);
  for (size_t i = 0; i < a->sets.count; i++)
    if (!strchr(a->sets.items[i], '=') || a->sets.items[i][0] == '=')
      return usage_error(verb, "--set wants NAME=VALUE, not '%s'", a->sets.items[i]);
  /* Whoever forgot --drill must not begin a real run. */
  if (!a->drill && (a->drill_fails.count || a->drill_sets.count))
    return usage_error(verb, "%s needs --drill: a real run fails by itself",
                       a->drill_fails.count ? "--drill-fail" : "--drill-set");
  const char *twice = set_twice(&a->sets);
  if (twice) return usage_error(verb, "--set gives %.*s twice", (int)strcspn(twice, "="), twice);
  int code = usage_of_steps(a, verb);
  return code == EXIT_SUCCEEDED ? texts_check(a, verb) : code;
}

/* --- inputs --- */

static enum status inputs_read(struct run_args *c, struct symtab *syms, struct error *err) {
  struct source s;
  struct error inner = {0};
  enum status status = read_source(c->inputs, &s, err);
  if (status == ERR_LIMIT) error_help(err, "an input names a file rather than holding its content");
  if (status != OK) return status;
  status = json_read(s.text, s.len, syms, false, &c->inputs_file, &inner);
  if (status == OK && c->inputs_file.tag != V_HASH)
    status = error_set(&inner, ERR_VALUE, "it is not a JSON object");
  if (status != OK) {
    error_set(err, ERR_VALUE, "inputs file %s: %s", c->inputs, inner.message);
    error_help(err, "one object: {\"NAME\": value, ...}");
  }
  error_release(&inner);
  source_release(&s);
  return status;
}

static void inputs_collect(struct run_args *c) {
  const struct dict *d = c->inputs_file.tag == V_HASH ? value_dict(c->inputs_file) : NULL;
  size_t n = d ? dict_count(d) : 0;
  c->given = mem_array(n + c->sets.count + 1, sizeof *c->given);
  c->names = mem_array(c->sets.count + 1, sizeof *c->names);
  for (size_t i = 0; i < n; i++) {
    value key, v;
    dict_at(d, i, &key, &v);
    if (key.tag != V_STRING) continue;
    c->given[c->given_count++] = (struct given_input){value_str(key)->s, value_ref(v), true};
  }
  for (size_t i = 0; i < c->sets.count; i++) {
    const char *set = c->sets.items[i], *equals = strchr(set, '=');
    c->names[i] = mem_dup(set, (size_t)(equals - set));
    c->given[c->given_count++] = (struct given_input){c->names[i], value_cstr(equals + 1), false};
  }
}

static enum status drill_make(struct run_args *a, struct error *err) {
  enum status status = OK;
  a->made = drill_new();
  for (size_t i = 0; status == OK && i < a->drill_fails.count; i++)
    status = drill_fail(a->made, a->drill_fails.items[i], err);
  for (size_t i = 0; status == OK && i < a->drill_sets.count; i++)
    status = drill_set(a->made, a->drill_sets.items[i], err);
  return status;
}

enum status run_args_collect(struct run_args *a, struct symtab *syms, struct error *err) {
  enum status status = a->inputs ? inputs_read(a, syms, err) : OK;
  if (status == OK) inputs_collect(a);
  if (status == OK && a->drill) status = drill_make(a, err);
  return status;
}

struct run_options run_args_options(const struct run_args *a) {
  return (struct run_options){.inputs = a->given,
                              .input_count = a->given_count,
                              .roles = a->roles.items,
                              .role_count = a->roles.count,
                              .from = a->from,
                              .only = a->only,
                              .skip = a->skip.items,
                              .skip_count = a->skip.count,
                              .skip_reason = a->reason,
                              .drill = a->made};
}

void run_args_release(struct run_args *a) {
  for (size_t i = 0; i < a->given_count; i++)
    value_unref(a->given[i].value);
  for (size_t i = 0; a->names && i < a->sets.count; i++)
    mem_free(a->names[i]);
  mem_free(a->given);
  mem_free(a->names);
  value_unref(a->inputs_file);
  drill_unref(a->made);
  texts_release(&a->files);
  texts_release(&a->sets);
  texts_release(&a->roles);
  texts_release(&a->skip);
  texts_release(&a->drill_fails);
  texts_release(&a->drill_sets);
}
