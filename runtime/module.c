/* Opens modules: see module.h. The dynamic linker keeps count; opening one again costs little. */
#include "module.h"
#include "../lang/buf.h"

#include <dlfcn.h>
#include <unistd.h>

static enum status fail(const char *name, const char *why, struct error *err) {
  error_set(err, ERR_IO, "cannot open the module stepwise-%s.so: %s", name, why);
  error_help(err,
             "it belongs beside the stepwise binary or in PREFIX/lib/stepwise; build it with make");
  error_kind(err, "provider");
  return err->status;
}

static void directory_of_binary(struct buf *out) {
  char path[4096];
  ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  while (n > 0 && path[n - 1] != '/')
    n--;
  buf_add(out, n > 0 ? path : "./", n > 0 ? (size_t)n : 2);
}

static void *open_near(const char *name) {
  static const char *const places[] = {"", "../lib/stepwise/", "../"};
  struct buf path = BUF_INIT;
  directory_of_binary(&path);
  size_t base = path.len;
  void *handle = NULL;
  for (size_t i = 0; i < sizeof places / sizeof *places && !handle; i++) {
    buf_truncate(&path, base);
    buf_addf(&path, "%sstepwise-%s.so", places[i], name);
    if (access(buf_str(&path), F_OK)) continue;
    handle = dlopen(buf_str(&path), RTLD_NOW | RTLD_LOCAL);
    if (!handle) break;
  }
  buf_release(&path);
  return handle;
}

enum status module_open(const char *name, uint32_t version, const void **out, struct error *err) {
  dlerror();
  void *handle = open_near(name);
  if (!handle) {
    const char *why = dlerror();
    return fail(name, why ? why : "there is none", err);
  }
  struct buf symbol = BUF_INIT;
  buf_addf(&symbol, "stepwise_%s", name);
  const uint32_t *found = dlsym(handle, buf_str(&symbol));
  buf_release(&symbol);
  if (!found) return fail(name, "it is not a module of Stepwise", err);
  if (*found != version) return fail(name, "it is of another version of Stepwise", err);
  *out = found;
  return OK;
}
