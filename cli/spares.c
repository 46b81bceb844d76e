/* Spare files of rollbacks: taken in and told. */
#include "spares.h"

#include "../runtime/spare.h"
#include "text.h"

static void tell(const char *what, const struct buf *lines) {
  const char *at = buf_str(lines);
  for (const char *nl; *at && (nl = strchr(at, '\n')); at = nl + 1) {
    struct buf shown = BUF_INIT;
    text_tame(&shown, at, (size_t)(nl - at), '?');
    fprintf(stderr, "stepwise: %s: %s\n", what, buf_str(&shown));
    buf_release(&shown);
  }
}

bool spares_take_in(struct journal *j) {
  struct buf merged = BUF_INIT, refused = BUF_INIT;
  spare_merge(j, &merged, &refused);
  tell("taken into the journal", &merged);
  tell("cannot be taken into the journal", &refused);
  bool good = !refused.len;
  buf_release(&merged);
  buf_release(&refused);
  return good;
}
