/* What lint finds in the connections of a site, in the contacts of its roles and in its time zone. */
#ifndef STEPWISE_SITE_LINT_H
#define STEPWISE_SITE_LINT_H

#include "site.h"

/* lib: a program that uses the modules whose drivers are known; its bindings are looked at. What is wrong
 * is added to out, with places of the site's file: settings that a driver has not, that do not fit, and
 * that are missing, contacts that nobody can be reached by, a zone that this machine does not know. Bindings
 * and drivers that lib has not are passed over, unless they are nearly known ones. */
void site_lint(const struct site *s, struct program *lib, struct diags *out);

#endif
