/* What a program is loaded with: where modules come from, the primitives, what cannot run yet. */
#ifndef STEPWISE_HOST_H
#define STEPWISE_HOST_H

#include "../lang/buf.h"
#include "../lang/program.h"

/* The embedded standard library, as the command line hands it in. False: no module of that name. */
struct host {
  struct program_host program; /* give this to program_load */
  bool (*builtin)(const char *name, const char **text, size_t *len);
  const char **builtin_names; /* for did-you-mean; owned array */
  size_t builtin_count, builtin_cap;
  const struct primitive_sig **signatures;
};

/* The file NAME.rb beside the file `from`. */
void path_beside(const char *from, const char *name, struct buf *out);
/* `use "x"` is the standard library's x, else x.rb beside the file that says so. */
void host_init(struct host *h, bool (*builtin)(const char *name, const char **text, size_t *len));
void host_add_builtin(struct host *h, const char *name); /* a name to suggest; borrowed */
void host_release(struct host *h);

#endif
