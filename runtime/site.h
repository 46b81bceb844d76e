/* The site file, evaluated: who holds which role, which driver serves which binding, and where this
 * installation's things are.
 *
 * Roles, paths and the zone are evaluated when the site is opened; the settings of a connection,
 * with env() and secret(), only when a run asks for them, so that who merely approves needs none of
 * these. A run is pinned to the site's text, and its approvals are checked against that. Relative
 * paths are taken from the site's directory. */
#ifndef STEPWISE_SITE_H
#define STEPWISE_SITE_H

#include "../lang/program.h"
#include "../lang/source.h"
#include "value.h"

struct eval;
struct secret_reach;
struct secret_store;

struct site_contact {
  char *way, *to; /* "sms", "+15005550006"; to is NULL where the site says `true`: the driver's own */
  struct span at; /* what the site says of it */
};

struct site_role {
  const char *name;
  char **members;
  size_t member_count;
  struct site_contact *contacts; /* page: */
  size_t contact_count;
  int64_t ack_within;      /* us in which somebody acknowledges a page to it; 0: not said */
  bool is_signed;          /* approvals carry an SSH signature */
  char *keys;              /* path of its allowed_signers file, or NULL; there is one when is_signed */
  bool typed;              /* a name typed at the run's own prompt will do */
  const char *break_glass; /* the role that is paged when somebody approves in its place, or NULL */
  struct span at;
};

struct site_setting {
  const char *name;
  node_id node;
  value value; /* evaluated when a run asks for them, in the site's symbols; owned */
};

struct site_connection {
  const char *binding, *driver;
  struct site_setting *settings;
  size_t setting_count;
  struct span at;
};

struct site_severity {
  const char *name;
  char *about; /* or NULL */
  char **page;              /* roles */
  size_t page_count;
  bool ticket;
  int64_t ack_within; /* of roles that say nothing of their own; 0: not said */
  int64_t repeat;     /* how often all of it begins anew before nobody is left */
};

struct site {
  struct program *program; /* owned */
  char *file;              /* absolute path of the site file */
  const char *name;
  char *timezone; /* or NULL: UTC */
  char *journal;  /* path, or NULL */
  struct site_role *roles;
  size_t role_count;
  struct site_connection *connections;
  size_t connection_count;
  struct secret_store *secrets;     /* where secrets come from; NULL when the site does not say */
  const struct secret_reach *reach; /* while settings are evaluated */
  struct site_severity *severities;
  size_t severity_count;
  char **checkpoint_to; /* where checkpoints are written: */
  size_t checkpoint_count;
  char *checkpoint_key; /* path of the key that signs them, or NULL */
  int64_t checkpoint_every; /* us, or 0 */
};

/* Evaluates a checked program that holds a site; takes the program in every case. file: the path of
 * the site's file, for relative paths; need not be there any more. *out is NULL unless OK. */
enum status site_open(struct site **out, struct program *owned, const char *file,
                      struct error *err) must_use;
/* Parses and opens a text: one that a journal kept. host must outlive the site. */
enum status site_read(struct site **out, const char *text, size_t len, const char *file,
                      const struct program_host *host, struct error *err) must_use;
void site_free(struct site *s); /* NULL-safe */
const struct source *site_text(const struct site *s); /* what is pinned; NULL for a NULL site */

/* For those who are about to run something: finds out what can only be known on this machine (files
 * of keys can be read, the zone is known), and makes the site's zone that of the process. */
enum status site_enter(const struct site *s, struct error *err) must_use;
/* Its part: from here on times are told in the site's zone. */
enum status site_zone_enter(const struct site *s, struct error *err) must_use;
enum status site_zone_check(const struct site *s, struct error *err) must_use; /* ERR_VALUE: not known here */

/* ERR_NOT_FOUND with did-you-mean. */
enum status site_role_find(const struct site *s, const char *name, const struct site_role **out,
                           struct error *err) must_use;
const struct site_role *site_role(const struct site *s, const char *name); /* or NULL */
/* The line of the escalation; ERR_NOT_FOUND with did-you-mean. s may be NULL, or have no escalation:
 * then *out is NULL. */
enum status site_severity_find(const struct site *s, const char *name,
                               const struct site_severity **out, struct error *err) must_use;
bool role_has(const struct site_role *r, const char *account); /* "ana@host" is ana */
bool site_knows(const struct site *s, const char *account);    /* a member of any role */
/* Members that may approve when `requester` may not (NULL: all may). */
size_t role_approvers(const struct site_role *r, const char *requester);
void role_members_text(const struct site_role *r, struct buf *out); /* "ana, sam" */

/* --- connections --- */

const struct site_connection *site_connection(const struct site *s, const char *binding);
/* The driver that serves a binding: the one the site connects, else the default, else the only one.
 * s may be NULL. ERR_NOT_FOUND says what is missing. */
enum status site_driver(const struct site *s, const struct program *p, const struct binding *b,
                        const struct driver **out, struct error *err) must_use;
/* The settings of that driver as its performs read them: what a drill (or NULL) was asked to set, what
 * the site gives, checked, else the defaults. e evaluates in the run's program. *out is an owned record. */
struct drill;
enum status site_settings(struct site *s, const struct drill *drill,
                          const struct secret_reach *reach, struct eval *e, const struct driver *d,
                          value *out, struct error *err) must_use;

/* Seconds that local time is ahead of UTC then, in the site's zone, once site_enter was called; 0
 * without a zone or a site. */
int64_t site_offset(const struct site *s, int64_t us);
/* "2026-11-22 03:30:00 UTC", or in the site's zone "2026-11-21 22:30:00 -0500". */
void site_time_text(const struct site *s, int64_t us, struct buf *out);

#endif
