/* Finding the site file, and the journal that it names. */
#ifndef STEPWISE_SITE_AT_H
#define STEPWISE_SITE_AT_H

#include "../runtime/host.h"
#include "../runtime/site.h"

/* The site file to use: given (--site), else $STEPWISE_SITE, else site.rb beside `beside` or in the
 * nearest directory above it; beside NULL: the working directory. Nothing in out: there is none. */
enum status site_path(const char *given, const char *beside, struct buf *out,
                      struct error *err) must_use;
/* Loads it with errors told on stderr. EXIT_SUCCEEDED with *out NULL when there is no site. enter:
 * something is about to be run (site_enter). */
int load_site(const char *given, const char *beside, bool enter, struct host *host,
              struct site **out);
/* The journal's path: given, else $STEPWISE_JOURNAL, else the site's (which may be NULL), else the
 * usual place; with `make` the directories are made. */
enum status site_journal_path(const char *given, const struct site *site, bool make,
                              struct buf *out, struct error *err) must_use;

#endif
