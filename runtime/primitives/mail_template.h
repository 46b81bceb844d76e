/* Letters with places for what differs: {{first_name}}. No values here. */
#ifndef STEPWISE_MAIL_TEMPLATE_H
#define STEPWISE_MAIL_TEMPLATE_H

#include "../../lang/buf.h"

enum { PLACE_MAX = 64 /* bytes of a name */ };

/* How a value is written where it stands. */
enum place_form { PLACE_TEXT, PLACE_HTML, PLACE_URL };

/* The next place from s on: true, with its name and where it starts and ends. A "{{" that is no
 * place gives true and an empty name. False: there is none. */
bool place_next(const char *s, const char **from, const char **to, char name[PLACE_MAX + 1]);
void place_write(const char *value, enum place_form form, struct buf *out);

#endif
