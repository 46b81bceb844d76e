/* stepwise deny: says no to a step that waits for approval; that ends its gate. */
#include "command.h"
#include "verdict.h"

int cmd_deny(int argc, char **argv) {
  return verdict_main(argc, argv, true);
}
