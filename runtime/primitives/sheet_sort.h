/* Finds equal keys among more rows than memory holds: pairs of a hash and a row, sorted outside
 * memory in runs of fixed size (an unlinked file) and merged. */
#ifndef STEPWISE_SHEET_SORT_H
#define STEPWISE_SHEET_SORT_H

#include "../../lang/mem.h"

/* Sorts by hash, then by source (0 before 1), then by row. The hash's lowest bit is not kept. */
struct sort_pair {
  uint64_t key; /* hash with the source in its lowest bit */
  int64_t row;
};
static inline uint64_t sort_hash(const struct sort_pair *p) {
  return p->key >> 1;
}
static inline bool sort_source(const struct sort_pair *p) {
  return p->key & 1;
}

struct sorter;
/* `directory` is where the runs' file goes; pairs is how many are held in memory. */
struct sorter *sorter_new(const char *directory, size_t pairs) must_use;
void sorter_free(struct sorter *s);
enum status sorter_add(struct sorter *s, uint64_t hash, bool source, int64_t row,
                       struct error *err) must_use;
/* After the last add: sorter_next gives all pairs in order. */
enum status sorter_finish(struct sorter *s, struct error *err) must_use;
enum status sorter_next(struct sorter *s, struct sort_pair *out, bool *more,
                        struct error *err) must_use;

#endif
