/* The one place where the command line joins the standard library and the runtime. */
#include "load.h"

#include <unistd.h>

#include "../lang/plan.h"
#include "../lang/source.h"
#include "../stdlib/embed.h"
#include "command.h"

static bool builtin(const char *name, const char **text, size_t *len) {
  for (const struct stdlib_file *f = stdlib_files; f->name; f++) {
    if (strcmp(f->name, name) != 0) continue;
    *text = f->text;
    *len = f->len;
    return true;
  }
  return false;
}

void host_open(struct host *h) {
  host_init(h, builtin);
  for (const struct stdlib_file *f = stdlib_files; f->name; f++)
    host_add_builtin(h, f->name);
}

static int tell(struct program *p) {
  struct buf b = BUF_INIT;
  diags_sort(&p->diags);
  diags_print(&p->diags, p->sources, colour_wanted(STDERR_FILENO), &b);
  fputs(buf_str(&b), stderr);
  buf_release(&b);
  return EXIT_INVALID;
}

int load_file(const char *path, struct host *host, struct program **out) {
  struct source s;
  struct error err = {0};
  if (read_source(path, &s, &err) != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  program_load(out, &s, &host->program);
  return (*out)->diags.errors ? tell(*out) : EXIT_SUCCEEDED;
}

int load_runbook(const char *path, struct host *host, struct program **out) {
  host_open(host);
  int code = load_file(path, host, out);
  if (code != EXIT_SUCCEEDED || (*out)->plan) return code;
  fprintf(stderr,
          "stepwise: %s holds no runbook\nhelp: a runbook is: runbook \"name\" do ... end\n", path);
  return EXIT_INVALID;
}
