/* Starting a child: private to process.c. */
#ifndef STEPWISE_PROCESS_SPAWN_H
#define STEPWISE_PROCESS_SPAWN_H

#include <sys/types.h>

#include "process.h"

struct spawned {
  pid_t pid;
  int out, err; /* our ends of its pipes */
};

/* All or nothing: on an error no child and no descriptor is left. */
enum status process_spawn(const struct process_spec *spec, struct spawned *out,
                          struct error *err) must_use;

#endif
