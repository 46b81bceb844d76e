/* Opens the module stepwise-curl.so: see curl.h. */
#include "curl.h"

#include "../module.h"

/* The module stays where it is; what is kept for the loop is where. */
static void kept_release(void *p) {
  (void)p;
}

enum status curl_open(struct tasks *t, const struct curl_module **out, struct error *err) {
  static const char key = 0;
  const void *module = t ? tasks_kept(t, &key) : NULL;
  enum status s = module ? OK : module_open("curl", CURL_MODULE_VERSION, &module, err);
  if (s != OK) return s;
  if (t && !tasks_kept(t, &key)) tasks_keep(t, &key, (void *)(uintptr_t)module, kept_release);
  *out = module;
  return OK;
}
