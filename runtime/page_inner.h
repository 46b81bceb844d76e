/* One page on its way, as the files of pages share it. */
#ifndef STEPWISE_PAGE_INNER_H
#define STEPWISE_PAGE_INNER_H

#include "../lang/way.h"
#include "page.h"
#include "standing.h"

/* A role that is to be called. */
struct page_turn {
  const struct site_role *role;
  const char *name;
  uint32_t level;      /* 0: the page names it; from 1: the severity's line does */
  size_t next;         /* of its contacts */
  uint64_t told;       /* bit n: contact n has the page */
  uint64_t again;      /* bit n: contact n failed in a way that may pass */
  bool sent;           /* in the present try */
};

struct page_run {
  struct lane *lane;
  node_id call;
  const char *text;
  const char *severity;             /* name, or NULL */
  const struct site_severity *line; /* of the severity, or NULL */
  uint32_t ordinal;                 /* among the step's calls */
  char key[65];
  struct page_turn *turns; /* owned, by level */
  size_t count;
  uint32_t levels;
  bool sent;   /* somebody has it */
  bool passed; /* and whoever carries the run did not want to wait longer for an answer */
  bool over;   /* and that is enough, or somebody acknowledged */
  const char *cut; /* its end came before it had gone to everybody: timeout or stopped */
};

/* --- page_text.c --- */

/* What the action of this way is given for one of its parameters; false when a page has nothing to
 * say there. *out is owned. */
bool page_says(const struct page_run *p, enum way_id way, const char *param,
               const struct site_contact *c, value *out) must_use;
/* The parameter that says who is reached; NULL: the action has none. */
const struct field *page_contact_field(const struct symtab *syms, enum way_id way,
                                       const struct action *action);

/* --- page_way.c --- */

/* What a driver is asked to do for this way; NULL: no binding of the run serves it. */
const struct action *page_action(const struct program *p, enum way_id way);
/* Delivers to one contact: *taken, or why not in *problem. Fails only with what ends the page. */
enum status page_deliver(struct page_run *p, const struct page_turn *turn,
                         const struct site_contact *c, bool *taken, struct error *problem,
                         struct error *err) must_use;
/* Tells the paging services that have the page that somebody acknowledged it. */
enum status page_quiet(struct page_run *p, struct error *err) must_use;

/* --- page_wait.c --- */

/* Waits until somebody acknowledges, at most that long: *acked. p->cut: the journal has that the page
 * was cut short there. */
enum status page_await(struct page_run *p, int64_t us, bool *acked, struct error *err) must_use;
/* Whether the journal has that somebody acknowledged, which is told. */
enum status page_acked(struct page_run *p, bool *acked, struct error *err) must_use;

#endif
