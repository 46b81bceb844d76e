/* URLs as they may be shown. */
#ifndef STEPWISE_URL_H
#define STEPWISE_URL_H

#include "../lang/buf.h"

/* A URL without what may be secret in it: user and password, query, fragment. */
void url_shown(const char *url, struct buf *out);
/* A text that may hold URLs, without the user and the password of each. */
void urls_shown(const char *text, size_t len, struct buf *out);

#endif
