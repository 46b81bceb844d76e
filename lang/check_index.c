/* Names of declared things: a hash table from owner and name to a number, so that a file of any
 * size is checked in linear time. */
#include "check.h"

static uint32_t hash_of(const void *owner, sym name) {
  uint64_t h = ((uint64_t)(uintptr_t)owner + name) * 0x9E3779B97F4A7C15u;
  return (uint32_t)(h >> 32);
}

static struct index_entry *entry_of(const struct index *x, const void *owner, sym name) {
  uint32_t i = hash_of(owner, name) & x->mask;
  while (x->at[i].name && (x->at[i].name != name || x->at[i].owner != owner))
    i = (i + 1) & x->mask;
  return &x->at[i];
}

static void grow(struct index *x) {
  struct index old = *x;
  size_t size = old.at ? 2 * ((size_t)old.mask + 1) : 64;
  *x = (struct index){mem_array(size, sizeof *x->at), (uint32_t)size - 1, old.count};
  for (size_t i = 0; old.at && i <= old.mask; i++)
    if (old.at[i].name) *entry_of(x, old.at[i].owner, old.at[i].name) = old.at[i];
  mem_free(old.at);
}

bool index_put(struct index *x, const void *owner, sym name, uint32_t value) {
  if (!x->at || x->count * 2 > x->mask) grow(x);
  struct index_entry *e = entry_of(x, owner, name);
  if (e->name) return false;
  *e = (struct index_entry){owner, name, value};
  x->count++;
  return true;
}

bool index_get(const struct index *x, const void *owner, sym name, uint32_t *value) {
  if (!x->at) return false;
  const struct index_entry *e = entry_of(x, owner, name);
  if (!e->name) return false;
  *value = e->value;
  return true;
}
