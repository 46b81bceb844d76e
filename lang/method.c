/* Methods by receiver and name: a small matrix, so that a lookup is one load. */
#include "method.h"

/* METHOD lines spell types of type.def and relative ones alike. */
enum {
#define TYPE(id, text) M_##id = T_##id,
#include "type.def"
#undef TYPE
};

const struct method method_table[] = {
#define METHOD(receiver, id, name, min, max, block, result, arg1, arg2)                            \
  {T_##receiver, BLOCK_##block, min, max, W_##id, M_##result, M_##arg1, M_##arg2},
#include "method.def"
};
const size_t method_count = sizeof method_table / sizeof *method_table;

const struct function function_table[] = {
#define FUNCTION(id, name, min, max, result, arg) {W_##id, min, max, T_##result, T_##arg},
#include "method.def"
};
const size_t function_count = sizeof function_table / sizeof *function_table;

struct method_index {
  uint16_t at[TYPE_COUNT][WORD_COUNT]; /* index in method_table + 1 */
};

/* Where a receiver's lines are looked for after its own. */
static const uint8_t also[][2] = {
    {T_integer, T_number}, {T_float, T_number}, {T_number, T_integer}, {T_number, T_float}};

static void row_add(struct method_index *m, type_id to, type_id from) {
  for (size_t i = 0; i < method_count; i++) {
    uint16_t *cell = &m->at[to][method_table[i].word];
    if (method_table[i].receiver == from && !*cell) *cell = (uint16_t)(i + 1);
  }
}

struct method_index *method_index_new(void) {
  struct method_index *m = mem_zalloc(sizeof *m);
  for (size_t i = 0; i < method_count; i++)
    m->at[method_table[i].receiver][method_table[i].word] = (uint16_t)(i + 1);
  for (size_t i = 0; i < sizeof also / sizeof *also; i++)
    row_add(m, also[i][0], also[i][1]);
  for (type_id t = 1; t < TYPE_COUNT; t++)
    row_add(m, t, T_any);
  return m;
}

void method_index_free(struct method_index *m) {
  mem_free(m);
}

const struct method *method_find(const struct method_index *m, type_id base, sym name) {
  if (name >= WORD_COUNT || base >= TYPE_COUNT) return NULL;
  uint16_t i = m->at[base][name];
  return i ? &method_table[i - 1] : NULL;
}

const struct function *function_find(sym name) {
  for (size_t i = 0; i < function_count; i++)
    if (function_table[i].word == name) return &function_table[i];
  return NULL;
}
