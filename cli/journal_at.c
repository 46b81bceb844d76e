/* Opening the journal for reading. */
#include "journal_at.h"

enum status journal_read_at(const char *given, struct journal **out, struct error *err) {
  struct buf path = BUF_INIT;
  *out = NULL;
  enum status status = journal_path(given, false, &path, err);
  if (status == OK) status = journal_open(out, buf_str(&path), JOURNAL_READ, err);
  buf_release(&path);
  return status;
}
