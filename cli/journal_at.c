/* Opening the journal for reading, and finding runs in it. */
#include "journal_at.h"

#include "../lang/sym.h"

enum status journal_read_at(const char *given, struct journal **out, struct error *err) {
  struct buf path = BUF_INIT;
  *out = NULL;
  enum status status = journal_path_at(given, &path, err);
  if (status == OK) status = journal_open(out, buf_str(&path), JOURNAL_READ, err);
  buf_release(&path);
  return status;
}

/* --- the run that was meant --- */

enum { NAMES_LOOKED_AT = 200 };

struct names {
  const char *items[NAMES_LOOKED_AT];
  size_t count;
};

static enum status collect(void *ud, const struct run_row *r) {
  struct names *n = ud;
  if (n->count < NAMES_LOOKED_AT) n->items[n->count++] = mem_strdup(r->run);
  return OK;
}

/* What people remember of an id is often how it ends. */
static const char *ends_so(const struct names *n, const char *text) {
  size_t len = strlen(text);
  for (size_t i = n->count; i-- > 0;) {
    size_t have = strlen(n->items[i]);
    if (len >= 3 && have > len && strcmp(n->items[i] + have - len, text) == 0) return n->items[i];
  }
  return NULL;
}

enum status run_find_at(struct journal *j, const char *text, char out[RUN_ID_MAX],
                        struct error *err) {
  enum status status = journal_find_run(j, text, out, err);
  if (status != ERR_NOT_FOUND) return status;
  struct names names = {.count = 0};
  struct error inner = {0};
  const struct run_filter filter = {.last = NAMES_LOOKED_AT};
  if (journal_runs(j, &filter, collect, &names, &inner) == OK) {
    const char *meant = ends_so(&names, text);
    int near = meant ? -1 : name_nearest(text, names.items, names.count);
    if (near >= 0) meant = names.items[near];
    struct buf path = BUF_INIT;
    buf_add_word(&path, journal_file(j));
    if (meant)
      error_help(err, "did you mean %s? `stepwise runs --journal %s` lists the runs there are", meant,
                 buf_str(&path));
    buf_release(&path);
  }
  error_release(&inner);
  for (size_t i = 0; i < names.count; i++)
    mem_free((char *)(uintptr_t)names.items[i]);
  return status;
}
