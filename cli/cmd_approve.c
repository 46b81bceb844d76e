/* stepwise approve: releases a step that waits for approval, from any terminal. */
#include "command.h"
#include "verdict.h"

int cmd_approve(int argc, char **argv) {
  return verdict_main(argc, argv, false);
}
