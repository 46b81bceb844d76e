/* Heavy libraries as modules: stepwise-NAME.so, opened at first use, so that a run that needs none
 * pays for none. A module exports one structure stepwise_NAME that starts with a uint32_t version.
 */
#ifndef STEPWISE_MODULE_H
#define STEPWISE_MODULE_H

#include "../lang/status.h"

/* Looks beside the binary, above it, and in ../lib/stepwise of it. *out is the structure, valid to
 * the end of the process. */
enum status module_open(const char *name, uint32_t version, const void **out,
                        struct error *err) must_use;

#endif
