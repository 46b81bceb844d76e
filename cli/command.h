/* The verbs of the command line: one line each in command.def, one file each in cli/cmd_*.c. */
#ifndef STEPWISE_COMMAND_H
#define STEPWISE_COMMAND_H

#include "../lang/buf.h"

/* Exit codes (docs/language.md): what a script may rely on. */
enum exit_code {
  EXIT_SUCCEEDED = 0,
  EXIT_FAILED = 1, /* failed or held */
  EXIT_USAGE = 2,
  EXIT_INVALID = 3, /* errors in the runbook or inputs */
  EXIT_WAITING = 4,
  EXIT_IN_DOUBT = 5,
  EXIT_ROLLED_BACK = 6,
  EXIT_ROLLBACK_INCOMPLETE = 7,
  EXIT_DECLINED = 8, /* declined or cancelled */
  EXIT_JOURNAL = 9,
  EXIT_INTERRUPTED = 130
};

/* argv[0] is the verb. Returns an exit code. */
#define COMMAND_AS(function, name, usage, about) int cmd_##function(int argc, char **argv);
#include "command.def"

struct command {
  const char *name, *usage, *about;
  int (*run)(int argc, char **argv);
};
extern const struct command commands[]; /* ends with name NULL */

/* Prints "stepwise VERB: message", then the verb's usage; returns EXIT_USAGE. */
int usage_error(const char *verb, const char *fmt, ...) like_printf(2, 3);
/* Prints an error with its help line to stderr, as "stepwise: message". Returns the exit code that
 * belongs to its status. */
int report_error(const struct error *err);
/* Reads a whole file (or - for standard input) with room for two NULs after it, as source_init
 * wants. ERR_IO or ERR_LIMIT, with what to do; refuses directories. */
struct source;
enum status read_source(const char *path, struct source *out, struct error *err) must_use;
bool colour_wanted(int fd); /* a terminal, and NO_COLOR unset */

#endif
