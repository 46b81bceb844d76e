/* Zones that were asked for, kept with the loop: see zones.h. */
#include "zones.h"

#include "../task.h"

enum { ZONES_KEPT = 64 };

struct kept {
  struct {
    char *name;
    struct zone *zone;
  } at[ZONES_KEPT];
  size_t count, next; /* where the oldest is replaced */
};
static const char kept_key;

static void kept_free(void *p) {
  struct kept *k = p;
  for (size_t i = 0; i < k->count; i++) {
    mem_free(k->at[i].name);
    zone_free(k->at[i].zone);
  }
  mem_free(k);
}

static struct kept *kept_of(struct tasks *t) {
  struct kept *k = tasks_kept(t, &kept_key);
  if (!k) {
    k = mem_zalloc(sizeof *k);
    tasks_keep(t, &kept_key, k, kept_free);
  }
  return k;
}

static void keep(struct kept *k, const char *name, struct zone *zone) {
  size_t i = k->next;
  k->next = (i + 1) % ZONES_KEPT;
  if (k->count < ZONES_KEPT) k->count++;
  mem_free(k->at[i].name);
  zone_free(k->at[i].zone);
  k->at[i].name = mem_strdup(name);
  k->at[i].zone = zone;
}

enum status zone_kept(struct primitive_call *call, const char *name, struct zone **out, bool *mine,
                      struct error *err) {
  struct kept *k = call->tasks ? kept_of(call->tasks) : NULL;
  *mine = !k;
  for (size_t i = 0; k && i < k->count; i++)
    if (strcmp(k->at[i].name, name) == 0) {
      *out = k->at[i].zone;
      return OK;
    }
  enum status s = zone_open(name, out, err);
  if (s != OK) error_kind(err, "validation");
  else if (k) keep(k, name, *out);
  return s;
}
