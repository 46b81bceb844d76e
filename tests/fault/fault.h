/* What a C test may ask of tests/fault/fault.c, when it is linked with it. */
#ifndef STEPWISE_TESTS_FAULT_H
#define STEPWISE_TESTS_FAULT_H

unsigned long fault_syncs(void); /* fsync and fdatasync of regular files, so far */

#endif
