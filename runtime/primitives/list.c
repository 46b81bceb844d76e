/* All primitives, from primitive.def. */
#include "../primitive.h"

#define PRIMITIVE(symbol) extern const struct primitive symbol;
#include "primitive.def"
#undef PRIMITIVE

const struct primitive *const primitive_list[] = {
#define PRIMITIVE(symbol) &symbol,
#include "primitive.def"
#undef PRIMITIVE
    NULL};
