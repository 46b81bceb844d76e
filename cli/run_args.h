/* What `run` and `plan` are told on the command line about a run: its inputs, roles and the choice
 * of its steps. */
#ifndef STEPWISE_RUN_ARGS_H
#define STEPWISE_RUN_ARGS_H

#include "../runtime/drill.h"
#include "../runtime/engine.h"
#include "options.h"

struct run_args {
  struct texts files, sets, roles, skip, drill_fails, drill_sets;
  const char *inputs, *from, *only, *reason;
  bool drill;
  struct drill *made; /* of --drill; owned */
  value inputs_file;
  struct given_input *given; /* of the file, then of --set; owned */
  size_t given_count;
  char **names; /* of --set; owned */
};

/* After options_read: EXIT_SUCCEEDED, or EXIT_USAGE after saying what is wrong. */
int run_args_check(const struct run_args *a, const char *verb);
/* Reads --inputs and puts all that is given together. */
enum status run_args_collect(struct run_args *a, struct symtab *syms, struct error *err) must_use;
struct run_options run_args_options(const struct run_args *a); /* borrows */
void run_args_release(struct run_args *a);

#endif
