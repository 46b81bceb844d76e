/* The ways to reach somebody: those of way.def. */
#ifndef STEPWISE_WAY_H
#define STEPWISE_WAY_H

#include "sym.h"

struct way {
  const char *name;   /* "sms": what a site writes, and the binding's name */
  const char *module; /* of the standard library */
  const char *action;
};

enum way_id {
#define WAY(word, module, action) WAY_##word,
#include "way.def"
#undef WAY
  WAYS
};

extern const struct way ways[WAYS];

/* The way of this name, or -1; *near (may be NULL): the one that may be meant, or -1. */
int way_find(const char *name, int *near);

#endif
