/* The ways to reach somebody. */
#include "way.h"

#include <string.h>

const struct way ways[WAYS] = {
#define WAY(word, module, action) {#word, module, #action},
#include "way.def"
#undef WAY
};

int way_find(const char *name, int *near) {
  const char *names[WAYS];
  for (int i = 0; i < WAYS; i++) {
    if (strcmp(ways[i].name, name) == 0) return i;
    names[i] = ways[i].name;
  }
  if (near) *near = name_nearest(name, names, WAYS);
  return -1;
}
