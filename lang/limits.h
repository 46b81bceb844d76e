/* Every limit of the language and the runtime, in one place. docs/language.md repeats this table,
 * comments included: run tests/docs/tables.t --write. */
#ifndef STEPWISE_LIMITS_H
#define STEPWISE_LIMITS_H

enum {
  LIMIT_NESTING = 256,          /* nesting of brackets, blocks, expressions and values */
  LIMIT_SOURCE = 16 << 20,      /* one file */
  LIMIT_STRING = 64 << 20,      /* one string */
  LIMIT_COLLECTION = 10000000,  /* elements of one array or hash */
  LIMIT_ELEMENTS = 100000000,   /* elements of a collection and of all that is inside it */
  LIMIT_REGEX_STEPS = 10000000, /* steps of one regexp match */
  LIMIT_REGEX_DEPTH = 100000,   /* depth of one regexp match */
  LIMIT_ERRORS = 20,            /* errors shown for one file */
  LIMIT_ITEMS = 10000,          /* items of an action with each:, unless its setting ceiling says otherwise */
  LIMIT_AT_ONCE = 256,          /* items of an action with each: that are sent at the same time */
  LIMIT_TRIES = 8               /* tries of one such item after failures of the kind :transient */
};

#endif
