/* The plan's SHA-256, from the texts or from their digests. */
#include "plan_hash.h"

#include <stdlib.h>

#include "../lang/source.h"

static int by_name(const void *a, const void *b) {
  const struct plan_module *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : strcmp(x->sha256, y->sha256);
}

/* The path from the directory of the runbook's file. */
static const char *name_from(const char *file, const char *name) {
  const char *slash = strrchr(file, '/');
  size_t n = slash ? (size_t)(slash - file) + 1 : 0;
  return strncmp(file, name, n) == 0 ? name + n : name;
}

void plan_hash_of(const char *file, const char *runbook, const struct plan_module *modules,
                  size_t count, const char *site, char out[SHA256_HEX]) {
  struct buf b = BUF_INIT;
  struct plan_module *sorted = mem_array(count + 1, sizeof *sorted);
  for (size_t i = 0; i < count; i++)
    sorted[i] = (struct plan_module){name_from(file, modules[i].name), modules[i].sha256};
  qsort(sorted, count, sizeof *sorted, by_name);
  buf_addf(&b, "runbook %s\n", runbook);
  for (size_t i = 0; i < count; i++)
    buf_addf(&b, "module %s %s\n", sorted[i].name, sorted[i].sha256);
  if (site) buf_addf(&b, "site %s\n", site);
  sha256_hex_of(b.data, b.len, out);
  mem_free(sorted);
  buf_release(&b);
}

void plan_hash(const struct program *p, const struct source *site, char out[SHA256_HEX]) {
  size_t count = p->file_count - 1;
  char runbook[SHA256_HEX], of_site[SHA256_HEX];
  char(*shas)[SHA256_HEX] = mem_array(count + 1, sizeof *shas);
  struct plan_module *modules = mem_array(count + 1, sizeof *modules);
  sha256_hex_of(p->sources[0]->text, p->sources[0]->len, runbook);
  for (size_t i = 0; i < count; i++) {
    const struct source *s = p->sources[i + 1];
    sha256_hex_of(s->text, s->len, shas[i]);
    modules[i] = (struct plan_module){s->name, shas[i]};
  }
  if (site) sha256_hex_of(site->text, site->len, of_site);
  plan_hash_of(p->sources[0]->name, runbook, modules, count, site ? of_site : NULL, out);
  mem_free(modules);
  mem_free(shas);
}
