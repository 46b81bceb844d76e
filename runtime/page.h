/* Calling people: `page :role, "text", severity: 2`.
 *
 * A page goes to its roles, each by its contacts in the site's order, until one takes it. Where an
 * acknowledgement is wanted (ack_within: of the role, else of the severity's line) the page then
 * waits for it; on silence the next contacts are tried, then the roles of the severity's line one
 * after the other, then all of it again as often as the line repeats. Each delivery is a call of an
 * action, with everything that the journal does for one, except that it is no effect of its step: it
 * arms no rollback and is done again when nobody knows what became of it.
 *
 * Whatever becomes of a page, the run goes on: nobody reached, or nobody who answers, is told, is
 * recorded, and is something to follow up. */
#ifndef STEPWISE_PAGE_H
#define STEPWISE_PAGE_H

#include "run.h"

/* call: the statement, where the journal says that the deliveries stand. severity: nil when the
 * statement says none. Fails when the journal does, when the run is to stop, and when a limit of the
 * step passes. */
enum status page_do(struct lane *lane, node_id call, const char *const *roles, size_t count,
                    const char *text, value severity, struct error *err) must_use;

/* Before the run begins: the roles and severities of its pages are there, and so is what drivers
 * need to reach the people behind them. */
enum status pages_check(struct lane *lane, struct error *err) must_use;

/* Whether a contact is what the action that reaches it takes: a number for sms, an address for email.
 * e: of a program whose bindings are looked at; where none of them serves the way, all fits. */
enum status page_contact_fits(struct eval *e, const struct site_contact *c, struct error *err) must_use;

/* Whether a role, of those that a page names or of its severity's line, can be reached at all. For
 * people: "ana, sam; sms +15005550006". */
void page_members(const struct site_role *role, struct buf *out);

/* An event says that somebody has a page: its lane looks. */
void page_ack_came(struct run *run, const struct event *e);
void page_signal_came(struct run *run); /* it was asked to stop: pages that wait look whether they may */

#endif
