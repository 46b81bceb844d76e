/* A file that is made under another name gets its own when it is whole: nobody sees half of one. */
#ifndef STEPWISE_PLACE_H
#define STEPWISE_PLACE_H

#include "../lang/status.h"

/* Gives it the name unless there is a file of that name, which stays: another program was quicker.
 * `from` is gone either way. 0, or what errno says. */
int file_place(const char *from, const char *to) must_use;

#endif
