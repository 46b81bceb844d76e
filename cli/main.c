/* The command line: finds the verb, and what every verb needs to talk to a person. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/source.h"
#include "../lang/sym.h"
#include "text.h"

const struct command commands[] = {
#define COMMAND_AS(function, name, usage, about) {name, usage, about, cmd_##function},
#include "command.def"
    {NULL, NULL, NULL, NULL}};

static const struct command *command_find(const char *name) {
  for (const struct command *c = commands; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

int usage_error(const char *verb, const char *fmt, ...) {
  const struct command *c = command_find(verb);
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "stepwise %s: ", verb);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fprintf(stderr, "\nusage: stepwise %s %s\n", verb, c ? c->usage : "");
  return EXIT_USAGE;
}

static int exit_of(enum status status) {
  switch (status) {
  case OK: return EXIT_SUCCEEDED;
  case ERR_SYNTAX:
  case ERR_CHECK:
  case ERR_TYPE:
  case ERR_VALUE:
  case ERR_LIMIT:
  case ERR_NOT_FOUND:
  case ERR_IO: return EXIT_INVALID;
  case ERR_JOURNAL: return EXIT_JOURNAL;
  case ERR_CANCELLED: return EXIT_DECLINED;
  case ERR_WAITING: return EXIT_WAITING;
  default: return EXIT_FAILED;
  }
}

int report_error(const struct error *err) {
  fputs("stepwise: ", stderr);
  text_print(stderr, err->message ? err->message : "failed", 0);
  if (err->help) fputs("\nhelp: ", stderr), text_print(stderr, err->help, 0);
  putc('\n', stderr);
  return exit_of(err->status);
}

bool colour_wanted(int fd) {
  const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
  return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static enum status read_all(int fd, const char *path, size_t hint, struct buf *b,
                            struct error *err) {
  b->max = SOURCE_MAX + 4096;
  for (size_t ask = hint + 2;; ask = 64 << 10) {
    size_t left = b->max - b->len;
    if (left == 0) break;
    if (ask > left) ask = left;
    char *to = buf_reserve(b, ask);
    ssize_t n = read(fd, to, ask);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    if (n == 0) return OK;
    b->len += (size_t)n;
    if (b->len > SOURCE_MAX) break;
  }
  error_set(err, ERR_LIMIT, "%s: larger than 16 MiB, the most a file may have", path);
  error_help(err, "split it: `use \"module\"` brings in another file");
  return err->status;
}

static enum status open_source(const char *path, int *fd, size_t *hint, struct error *err) {
  struct stat st;
  *fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
  if (*fd < 0 || fstat(*fd, &st) != 0) {
    int why = errno;
    error_set(err, ERR_IO, "cannot read %s: %s", path, strerror(why));
    error_help(err, why == ENOENT ? "check the path" : "check its permissions");
    return err->status;
  }
  if (S_ISDIR(st.st_mode)) {
    error_set(err, ERR_IO, "cannot read %s: it is a directory", path);
    error_help(err, "name a file in it");
    return err->status;
  }
  bool sized = S_ISREG(st.st_mode) && st.st_size > 0 && (size_t)st.st_size <= SOURCE_MAX;
  *hint = sized ? (size_t)st.st_size : 64 << 10;
  return OK;
}

enum status read_source(const char *path, struct source *out, struct error *err) {
  int fd;
  size_t hint = 0;
  struct buf b = BUF_INIT;
  *out = (struct source){0};
  enum status status = open_source(path, &fd, &hint, err);
  if (status == OK) status = read_all(fd, path, hint, &b, err);
  if (fd > 0) close(fd);
  if (status == OK) {
    size_t len = b.len;
    (void)buf_reserve(&b, 2);
    status = source_init(out, strcmp(path, "-") ? path : "standard input", buf_take(&b), len, err);
    if (status != OK) source_release(out);
  }
  buf_release(&b);
  return status;
}

int cmd_version(int argc, char **argv) {
  if (argc > 1) return usage_error(argv[0], "unexpected '%s'", argv[1]);
  puts("stepwise " STEPWISE_VERSION);
  return EXIT_SUCCEEDED;
}

static void print_usage(const struct command *c) {
  printf("usage: stepwise %s %s\n%s\n", c->name, c->usage, c->about);
}

int cmd_help(int argc, char **argv) {
  if (argc > 2) return usage_error(argv[0], "unexpected '%s'", argv[2]);
  if (argc == 2) {
    const struct command *c = command_find(argv[1]);
    if (!c) return usage_error(argv[0], "no verb '%s'", argv[1]);
    print_usage(c);
    return EXIT_SUCCEEDED;
  }
  puts("stepwise runs operations runbooks. usage: stepwise VERB [ARGUMENTS]\n");
  for (const struct command *c = commands; c->name; c++) printf("  %-10s %s\n", c->name, c->about);
  puts("\n`stepwise help VERB` tells how to use one.");
  return EXIT_SUCCEEDED;
}

static int no_such_verb(const char *name) {
  const char *names[sizeof commands / sizeof *commands];
  size_t n = 0;
  for (const struct command *c = commands; c->name; c++) names[n++] = c->name;
  int near = name_nearest(name, names, n);
  fprintf(stderr, "stepwise: no verb '%s'", name);
  if (near >= 0) fprintf(stderr, "; did you mean '%s'?", names[near]);
  fputs("\n`stepwise help` lists them.\n", stderr);
  return EXIT_USAGE;
}

/* `stepwise VERB --help`, also at the end of a command that is there already. */
static bool help_wanted(int argc, char **argv) {
  if (argc < 3) return false;
  return strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0 ||
         (strcmp(argv[argc - 1], "--help") == 0 && strcmp(argv[argc - 2], "--") != 0);
}

int main(int argc, char **argv) {
  char help[] = "help", version[] = "version";
  if (argc < 2) {
    fputs("stepwise: say what to do; `stepwise help` lists the verbs\n", stderr);
    return EXIT_USAGE;
  }
  char *name = argv[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = help;
  if (strcmp(name, "--version") == 0) name = version;
  const struct command *c = command_find(name);
  if (!c) return no_such_verb(name);
  const char *fail = getenv("STEPWISE_FAIL_ALLOC");
  if (fail) mem_fail_at(strtoull(fail, NULL, 10));
  argv[1] = name;
  int code = EXIT_SUCCEEDED;
  if (help_wanted(argc, argv)) print_usage(c);
  else code = c->run(argc - 1, argv + 1);
  if (fflush(stdout) != 0 && errno != EPIPE) {
    fprintf(stderr, "stepwise: cannot write the output: %s\n", strerror(errno));
    return code ? code : EXIT_FAILED;
  }
  return code;
}
