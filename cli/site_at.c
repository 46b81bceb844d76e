/* Finding the site. What is found by climbing must belong to the person or to root: whoever may
 * write into a directory above would else decide who approves. */
#include "site_at.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/source.h"
#include "../runtime/journal.h"
#include "command.h"
#include "journal_at.h"
#include "load.h"

/* Takes the last part off a path; false at the root. */
static bool up(struct buf *dir) {
  const char *slash = dir->len > 1 ? strrchr(buf_str(dir), '/') : NULL;
  if (!slash) return false;
  buf_truncate(dir, slash == dir->data ? 1 : (size_t)(slash - dir->data));
  return true;
}

static bool start_of(const char *beside, struct buf *dir) {
  char *real = beside ? realpath(beside, NULL) : getcwd(NULL, 0);
  if (!real) return false;
  buf_adds(dir, real);
  free(real);
  return !beside || up(dir);
}

static enum status trusted(const char *path, const struct stat *st, struct error *err) {
  if (st->st_uid == 0 || st->st_uid == geteuid()) return OK;
  error_set(err, ERR_IO, "%s was found and belongs to another account: it is not used", path);
  error_help(err, "name the site to use with --site FILE or STEPWISE_SITE");
  return ERR_IO;
}

enum status site_path(const char *given, const char *beside, struct buf *out, struct error *err) {
  const char *named = given ? given : getenv("STEPWISE_SITE");
  struct buf dir = BUF_INIT, path = BUF_INIT;
  enum status status = OK;
  if (named && *named) {
    buf_adds(out, named);
    return OK;
  }
  bool found = false;
  for (bool more = start_of(beside, &dir); more && !found; more = up(&dir)) {
    struct stat st;
    buf_clear(&path);
    buf_addf(&path, "%s%ssite.rb", buf_str(&dir), dir.len > 1 ? "/" : "");
    found = stat(buf_str(&path), &st) == 0 && S_ISREG(st.st_mode);
    if (found) status = trusted(buf_str(&path), &st, err);
  }
  if (found && status == OK) buf_adds(out, buf_str(&path));
  buf_release(&dir);
  buf_release(&path);
  return status;
}

static int told(struct error *err) {
  int code = report_error(err);
  error_release(err);
  return code;
}

int load_site(const char *given, const char *beside, bool enter, struct host *host,
              struct site **out) {
  struct error err = {0};
  struct buf path = BUF_INIT;
  struct program *p = NULL;
  *out = NULL;
  int code = EXIT_SUCCEEDED;
  if (site_path(given, beside, &path, &err) != OK) code = told(&err);
  else if (path.len) code = load_file(buf_str(&path), host, &p);
  if (code == EXIT_SUCCEEDED && p) {
    enum status status = site_open(out, p, buf_str(&path), &err);
    if (status == OK && enter) status = site_enter(*out, &err);
    if (status != OK) code = told(&err);
  } else {
    program_free(p);
  }
  if (code != EXIT_SUCCEEDED) site_free(*out), *out = NULL;
  buf_release(&path);
  return code;
}

enum status site_journal_path(const char *given, const struct site *site, bool make,
                              struct buf *out, struct error *err) {
  const char *named = given ? given : getenv("STEPWISE_JOURNAL");
  if ((named && *named) || !site || !site->journal) return journal_path(given, make, out, err);
  buf_adds(out, site->journal);
  const char *slash = strrchr(site->journal, '/');
  char *dir = slash && slash > site->journal
                  ? mem_dup(site->journal, (size_t)(slash - site->journal))
                  : NULL;
  enum status status = OK;
  if (make && dir && mkdir(dir, 0700) != 0 && errno != EEXIST) {
    status = error_set(err, ERR_JOURNAL, "cannot make %s for the journal: %s", dir, strerror(errno));
    error_help(err, "the site %s names it", site->file);
  }
  mem_free(dir);
  return status;
}

/* Of the site only the journal's path is wanted. */
static enum status path_of_site(struct buf *out, struct error *err) {
  struct buf file = BUF_INIT;
  struct source s;
  struct host host = {0};
  struct site *site = NULL;
  enum status status = site_path(NULL, NULL, &file, err);
  if (status == OK && file.len) {
    status = read_source(buf_str(&file), &s, err);
    host_open(&host);
    if (status == OK) {
      status = site_read(&site, s.text, s.len, buf_str(&file), &host.program, err);
      source_release(&s);
    }
  }
  if (status == OK) status = site_journal_path(NULL, site, false, out, err);
  else if (err->status != ERR_JOURNAL)
    error_help(err, "the site says where the journal is; --journal PATH names it as well");
  site_free(site);
  host_release(&host);
  buf_release(&file);
  return status;
}

enum status journal_path_at(const char *given, struct buf *out, struct error *err) {
  const char *named = given ? given : getenv("STEPWISE_JOURNAL");
  return named && *named ? journal_path(given, false, out, err) : path_of_site(out, err);
}
