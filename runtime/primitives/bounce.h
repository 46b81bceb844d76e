/* What mail servers report of mail that could not be delivered (RFC 3464), read from a mailbox: a
 * directory with a file for each message, or a maildir. No values here; runs on the thread pool. */
#ifndef STEPWISE_BOUNCE_H
#define STEPWISE_BOUNCE_H

#include "../../lang/buf.h"

enum { BOUNCE_FILE_MAX = 4 << 20, BOUNCE_FILES_MAX = 100000 };

/* One recipient of one report. Texts are owned, never NULL. */
struct bounce {
  char *id;         /* of the report: its file's name, without a maildir's flags */
  char *to;         /* in lower case */
  char *action;     /* "failed", "delayed" ... */
  char *status;     /* "5.1.1" */
  char *reason;     /* what the server said */
  char *message_id; /* of what was sent, or "" */
  int64_t at;       /* us since 1970: when the report came */
  bool hard;        /* nobody will ever get mail there */
};

struct bounces {
  struct bounce *items;
  size_t count, cap;
  size_t reports, others; /* files that were reports, and that were not */
};

enum status bounces_read(const char *path, struct bounces *out, struct error *err) must_use;
void bounces_release(struct bounces *b);

#endif
