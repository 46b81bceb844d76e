/* Calling people: who is meant, and by which ways the site reaches them.
 *
 * This version delivers nothing: a page is recorded and shown, loudly, and whoever sees it calls. */
#ifndef STEPWISE_PAGE_H
#define STEPWISE_PAGE_H

#include "run.h"

/* The members of a `paged` event. role: NULL without a site. */
void page_record(struct record *r, const struct site_role *role, const char *name,
                 const char *text);
/* "ana, sam; sms +15005550006". */
void page_members(const struct site_role *role, struct buf *out);
/* Pages one role: records it and tells the operator. severity: nil when there is none. */
enum status page_role(struct lane *lane, const char *name, const char *text, value severity,
                      struct error *err) must_use;

#endif
