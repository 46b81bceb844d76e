/* Any text as a file: checking it must end and leave nothing behind; a program without an error has a
 * plan of steps, or none. */
#include "../../lang/plan.h"
#include "../../lang/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static enum status no_module(void *ud, const char *from, const char *name, struct source *out,
                             struct error *err) {
  (void)ud, (void)from, (void)out;
  return error_set(err, ERR_NOT_FOUND, "no module '%s'", name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const struct program_host host = {.load_module = no_module};
  struct source source;
  struct error err = {0};
  char *text = mem_zalloc(len + 2);
  if (len) memcpy(text, data, len);
  if (source_init(&source, "fuzz.rb", text, len, &err) == OK) {
    struct program *program;
    struct buf out = {.max = 1 << 20};
    program_load(&program, &source, &host);
    diags_print(&program->diags, program->sources, false, &out);
    if (program->diags.errors > 0 && out.len == 0) abort();
    if (program->diags.errors == 0 && program->plan && !program->plan->items) abort();
    buf_release(&out);
    program_free(program);
  } else {
    source_release(&source);
  }
  error_release(&err);
  return 0;
}
