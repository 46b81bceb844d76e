/* A plan as a tree of places: under which sections, branches and lists a step stands. */
#ifndef STEPWISE_OUTLINE_H
#define STEPWISE_OUTLINE_H

#include "../lang/plan.h"

struct place {
  const struct place *outer; /* NULL: the plan itself */
  const char *title;         /* heading; NULL: none, or the item's key in an each_of */
  bool keyed;                /* an each_of: the steps' ids carry a key for it */
  bool heads_items;          /* and each item has a heading: there is more than one step in it */
  bool beside;               /* a branch, or an item, that goes on beside others */
  uint32_t number;           /* of the branch in its parallel */
  const char *last;          /* id of the last step or child run in it */
};

/* A step, or a child run, whose id is its place: "run restart#1". */
struct spot {
  const char *id;
  const struct step *step; /* NULL: a child run */
  const struct place *place;
  bool seen; /* set by the reader */
};

struct outline {
  struct place **places; /* owned */
  size_t place_count, place_cap;
  char **texts;           /* of ids that are no step's; owned */
  size_t text_count, text_cap;
  struct spot *spots; /* in the order of the text */
  uint32_t *by_id;    /* indexes of spots, by id */
  size_t spot_count, spot_cap;
};

/* plan may be NULL: an outline without steps. Borrows it. */
void outline_make(struct outline *o, const struct plan *plan);
void outline_release(struct outline *o);
/* The step of an id without its keys; NULL when the plan has none. */
struct spot *outline_find(const struct outline *o, const char *id, size_t len);

#endif
