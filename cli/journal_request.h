/* What `stepwise journal` was asked for, and what its verbs share. */
#ifndef STEPWISE_JOURNAL_REQUEST_H
#define STEPWISE_JOURNAL_REQUEST_H

#include "../runtime/journal.h"
#include "command.h"
#include "options.h"

struct journal_request {
  const char *path;    /* --journal, or NULL */
  const char *operand; /* or NULL */
  int64_t lines;       /* -n */
  bool follow, json, deep;
  struct texts checkpoints; /* --checkpoint */
  struct texts to;          /* --to */
  const char *signers;      /* --allowed-signers, or NULL */
  const char *key;          /* --key, or NULL */
  const char *site;         /* --site, or NULL */
  const char *file;         /* --file, or NULL */
  struct journal *j;        /* open */
};

int journal_fails(struct error *err); /* reports and releases it; an exit code */
/* code, unless what was printed did not get out. */
int journal_printed(int code);

int journal_do_verify(struct journal_request *q);
int journal_fails_verify(struct journal_request *q, struct error *err);
int journal_do_checkpoint(struct journal_request *q);
int journal_do_credential(struct journal_request *q);
int journal_do_query(struct journal_request *q);

#endif
