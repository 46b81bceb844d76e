/* What approve and deny share. */
#ifndef STEPWISE_VERDICT_H
#define STEPWISE_VERDICT_H

#include "../runtime/approve.h"
#include "../runtime/prompt.h"

int verdict_main(int argc, char **argv, bool deny);

#endif
