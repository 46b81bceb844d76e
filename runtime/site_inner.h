/* What the site's own files share. */
#ifndef STEPWISE_SITE_INNER_H
#define STEPWISE_SITE_INNER_H

#include "eval.h"
#include "site.h"

extern const struct eval_hooks site_hooks; /* env and secret; ud is the site */
/* Puts the place in the site's file before the message; returns err's status. */
enum status site_fail(const struct site *s, struct span at, struct error *err);
char *site_path_of(const struct site *s, const char *path) must_use; /* from the site's directory; owned */
struct site_setting;
/* Whether a value that needs neither the environment nor secrets may be this setting; err has no place. */
enum status site_setting_fits(const struct site *s, struct program *p, const struct field *f,
                              const struct site_setting *given, struct error *err) must_use;
enum status site_value(const struct site *s, node_id n, value *out, struct error *err) must_use;

#endif
