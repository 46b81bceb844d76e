/* Loading a program for a verb: from a file, with the standard library, errors told. */
#ifndef STEPWISE_LOAD_H
#define STEPWISE_LOAD_H

#include "../runtime/host.h"

/* The embedded library as host.h wants it. */
void host_open(struct host *h);
/* Reads and checks a file of any kind; host is open. As below. */
int load_file(const char *path, struct host *host, struct program **out);
/* Reads and checks a runbook. Diagnostics go to stderr. EXIT_SUCCEEDED: it may be run. *out is to
 * be freed in any case (program_free is NULL-safe), before the host. */
int load_runbook(const char *path, struct host *host, struct program **out);

#endif
