/* Functions that this project does not use, as compile errors. Included through mem.h everywhere.
 *
 * Each has a replacement that states its bounds: buf_* for text, mem_* for memory, gmtime_r for
 * times, spawning by argument list for commands. */
#ifndef STEPWISE_BANNED_H
#define STEPWISE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef STEPWISE_ALLOW_BANNED
#pragma GCC poison strcpy strcat strncat strncpy sprintf vsprintf gets strtok system popen
#pragma GCC poison localtime gmtime ctime asctime setjmp longjmp
#endif

#endif
