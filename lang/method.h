/* The methods of method.def as data: what the checker knows of each. */
#ifndef STEPWISE_METHOD_H
#define STEPWISE_METHOD_H

#include "types.h"

enum method_block { BLOCK_NONE, BLOCK_MAY, BLOCK_MUST };

/* Results and argument types: below TYPE_COUNT a type, else relative to the receiver. */
enum method_type {
  M_same = TYPE_COUNT,
  M_element,
  M_block,
  M_blocks,
  M_strings,
  M_sames,
  M_groups,
  M_counts,
  M_total,
  M_flat,
  M_integers,
  M_list
};

struct method {
  uint8_t receiver; /* a type of type.def */
  uint8_t block;
  uint8_t min;
  int8_t max; /* -1: any number */
  uint16_t word;
  uint8_t result, arg1, arg2;
};

struct function {
  uint16_t word;
  uint8_t min, max, result, arg;
};

extern const struct method method_table[];
extern const size_t method_count;
extern const struct function function_table[];
extern const size_t function_count;

struct method_index;
struct method_index *method_index_new(void) must_use;
void method_index_free(struct method_index *m);
/* The method a value of this built-in type answers to; NULL when it has none of the name. */
const struct method *method_find(const struct method_index *m, type_id base, sym name);
const struct function *function_find(sym name);

#endif
