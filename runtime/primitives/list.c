/* All primitives, in the order of their tables. */
#include "../primitive.h"

const struct primitive *const primitive_list[] = {NULL};
