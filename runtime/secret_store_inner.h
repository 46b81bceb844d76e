/* What the drivers of secrets share. */
#ifndef STEPWISE_SECRET_STORE_INNER_H
#define STEPWISE_SECRET_STORE_INNER_H

#include "../lang/secret_driver.h"
#include "secret_store.h"

enum { SECRET_MAX = 1 << 20 }; /* bytes of one secret */

/* A look for one secret. */
struct secret_job {
  struct secret_store *store;
  const struct secret_reach *reach;
  const char *name; /* tame: a relative path without parts that begin with a dot */
  struct buf out;   /* its text, wiped by who made the job */
};

/* A setting's text or path, or NULL; borrowed. */
const char *secret_text(const struct secret_job *job, enum secret_setting_id id);
int64_t secret_duration(const struct secret_job *job, enum secret_setting_id id, int64_t otherwise);

/* Something that was fetched less than a minute ago under this key; NULL: nothing. Borrowed until the
 * next fetch. */
const struct buf *secret_kept(struct secret_job *job, const char *key);
void secret_keep(struct secret_job *job, const char *key, const struct buf *text);

/* Fills job->out. */
enum status secret_from_files(struct secret_job *job, struct error *err) must_use;
enum status secret_from_env(struct secret_job *job, struct error *err) must_use;
enum status secret_from_vault(struct secret_job *job, struct error *err) must_use;
enum status secret_from_pass(struct secret_job *job, struct error *err) must_use;

/* The text of a file that only those may read or change who should: a private one of this user, or
 * root's. below: it must lie in that directory, whatever links lead there; or NULL. what: for
 * messages. */
enum status secret_file_read(const char *path, const char *below, const char *what, struct buf *out,
                             struct error *err) must_use;

#endif
