/* Reading a verb's options from its table. */
#include "options.h"

#include "../lang/sym.h"
#include "../runtime/text.h"
#include "command.h"

void texts_add(struct texts *t, const char *text) {
  t->items = mem_grow(t->items, t->count, &t->cap, sizeof *t->items);
  t->items[t->count++] = text;
}

void texts_release(struct texts *t) {
  mem_free(t->items);
  *t = (struct texts){0};
}

static int unknown(const char *verb, const char *given, size_t len, const struct option *options) {
  const char *names[32];
  size_t n = 0;
  char *name = mem_dup(given, len);
  for (; options[n].name && n < 32; n++)
    names[n] = options[n].name;
  int near = name_nearest(name, names, n);
  int code = near >= 0 ? usage_error(verb, "no option %s; did you mean %s?", name, names[near])
                       : usage_error(verb, "no option %s", name);
  mem_free(name);
  return code;
}

static const struct option *find(const struct option *options, const char *given, size_t len) {
  for (; options->name; options++)
    if (strlen(options->name) == len && strncmp(options->name, given, len) == 0) return options;
  return NULL;
}

static void store(const struct option *o, const char *text) {
  if (o->kind == OPTION_FLAG) *(bool *)o->to = true;
  else if (o->kind == OPTION_TEXT) *(const char **)o->to = text;
  else texts_add(o->to, text);
}

int options_read(int argc, char **argv, const struct option *options, struct texts *rest) {
  bool over = false;
  for (int i = 1; i < argc; i++) {
    const char *given = argv[i];
    if (over || given[0] != '-' || !given[1]) {
      texts_add(rest, given);
      continue;
    }
    if (strcmp(given, "--") == 0) {
      over = true;
      continue;
    }
    size_t len = strcspn(given, "=");
    const struct option *o = find(options, given, len);
    if (!o) return unknown(argv[0], given, len, options);
    const char *text = given[len] ? given + len + 1 : NULL;
    if (o->kind == OPTION_FLAG && text) return usage_error(argv[0], "%s takes no value", o->name);
    if (o->kind != OPTION_FLAG && !text) {
      if (i + 1 == argc) return usage_error(argv[0], "%s needs a value", o->name);
      text = argv[++i];
    }
    store(o, text);
  }
  return EXIT_SUCCEEDED;
}

bool option_duration(const char *text, int64_t *us) {
  return duration_parse(text, strlen(text), us) && *us > 0;
}
