/* Who may be written to: what people said, what operators said, and what time it is where they are.
 * Rules are pure; what is kept stands in one SQLite file. No values here. */
#ifndef STEPWISE_CONSENT_H
#define STEPWISE_CONSENT_H

#include "grid.h"

#include "../../lang/buf.h"
#include "../../lang/status.h"

#include <stdatomic.h>

/* --- consent_rules.c --- */

/* What a reply says as a whole, as carriers define it, whatever its case, blanks, punctuation and
 * emoji: "stop", "start", "help", or NULL. */
const char *consent_keyword(const char *text, size_t len);
/* The zones of a phone number by its area code, with blanks between; NULL when they are not known. */
const char *consent_zones(const char *phone);
/* "21:00-08:00": seconds of the day, to may be before from. False when it is not
 * written so; from a time to the same one is never or always: nobody knows which. */
bool quiet_read(const char *hours, int *from, int *to);
bool quiet_at(int from, int to, int second_of_day);
/* One way to write an address: an email in lower case, of a phone number + and digits. Owned. */
char *consent_address(const char *channel, const char *address) must_use;

/* --- sql_consent.c: on the thread pool; each call is one transaction --- */

enum hold { HOLD_NONE, HOLD_PAUSED, HOLD_TERMINATED };

struct consent {
  char *path;          /* of the file; made by what writes, and empty before. PATH.begun marks that */
  bool named;          /* a path, and not a name in the state directory: it has to be there */
  const char *channel; /* "sms", "email" */
  char *address;       /* or NULL */
  const char *batch;   /* or NULL: all that goes out */
  const char *reason, *source;
  int64_t now;      /* us since 1970 */
  atomic_bool stop; /* while true nothing is begun, and no lock is waited for */
  enum hold hold;   /* in: what to put; out: what stands, of the batch or of all */
  struct buf why;   /* out: its reason */
  bool changed;     /* out, of what writes: it was not so before */
  bool suppressed;  /* out */
  struct buf since; /* out: "2026-11-02: replied STOP" */
  struct grid grid; /* out: lists */
};
void consent_release(struct consent *c); /* path and address too */

enum status consent_look(struct consent *c, struct error *err) must_use;
enum status consent_list(struct consent *c, struct error *err) must_use;  /* suppressions */
enum status consent_holds(struct consent *c, struct error *err) must_use; /* batches held, "" for all */
enum status consent_suppress(struct consent *c, struct error *err) must_use;
enum status consent_lift(struct consent *c, struct error *err) must_use;
enum status consent_hold(struct consent *c, struct error *err) must_use; /* HOLD_NONE ends it */

#endif
