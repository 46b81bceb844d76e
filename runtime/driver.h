/* What carries an action out: the driver that serves its binding, evaluated here. The engine's door
 * (binding.c) journals around it; a plan performs reads with nothing written. */
#ifndef STEPWISE_DRIVER_H
#define STEPWISE_DRIVER_H

#include "eval.h"
#include "secrets.h"
#include "task.h"

struct driver_call {
  struct program *program;
  const struct action *action;
  const struct driver *driver; /* site_driver(action->binding) */
  value setting;               /* driver_settings of it; borrowed */
  const char *key;             /* what the driver sees as call.key */
  const char *batch;           /* of one item of a list, call.batch; else NULL */
  bool paging; /* it delivers a page: admit sees call.page */
  const char *zone;            /* of the site, as call.zone; NULL: UTC */
  int64_t number;              /* and call.number */
  int64_t begun;               /* when the intent of a write was recorded: call.begun */
  int64_t lease_until;         /* and as call.lease_until; 0: nil */
  const char *state_dir;       /* made when a primitive is first called */
  struct tasks *tasks;
  struct clock *clock;
  struct secrets *secrets; /* what primitives make is learnt */
  bool planning; /* nothing may be written: the state directory is not made */
  int64_t now;   /* planning: what `now` says */
  bool writing;  /* out: a primitive that writes was reached */
  bool wrote;    /* out: one of these has done what it was asked for */
  bool unsure;   /* out: it failed, and may have been done all the same */
  const char *reads_only; /* set by driver_probe and driver_admit: which code may only read */
};

/* driver_word.c: a statement in a driver's code; the evaluator's hook. */
enum status driver_statement(struct driver_call *c, struct eval *e, node_id call, sym word,
                             value *out) must_use;

/* The settings of a driver as its performs read them, worked out at the first call and kept in a list
 * that begins empty. site may be NULL. What is secret in them is learnt. *out is borrowed. */
struct drill;
struct site;
struct secret_reach;
struct driver_settings;
enum status driver_settings(struct driver_settings **list, struct site *site,
                            const struct drill *drill, const struct secret_reach *reach,
                            struct program *p, const struct driver *d, value *out,
                            struct error *err) must_use;
void driver_settings_free(struct driver_settings **list);
/* Adds a driver that only practises to a list for people, once: "sms (driver outbox)". */
void driver_practice_add(const struct program *p, const struct driver *d, struct buf *out);
/* What its arguments hold that is secret is learnt; before anything is said of the call. */
void driver_learn_args(struct secrets *secrets, const struct program *p, const struct action *action,
                       const value *args);
/* In a task. Performs the action with arguments that were checked and checks the result against
 * what the action gives; of one item of a list the answer comes back as it is. */
enum status driver_perform(struct driver_call *c, const struct perform *p, const value *args,
                           value *out, struct error *err) must_use;
/* In a task. What the code of an `admit` answers of one value. */
enum status driver_admit(struct driver_call *c, const struct unit *admit, const value *arg,
                         value *out, struct error *err) must_use;
/* The same for the renewal of its lease, which gives nothing. */
enum status driver_renew(struct driver_call *c, const struct perform *p, const value *args,
                         struct error *err) must_use;
/* In a task. What the action's probe says became of it; *out is its result when it was done. */
enum probed { PROBED_UNKNOWN, PROBED_NOT_DONE, PROBED_DONE };
enum status driver_probe(struct driver_call *c, const struct perform *p, const value *args,
                         enum probed *known, value *out, struct error *err) must_use;

#endif
