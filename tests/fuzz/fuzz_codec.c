/* Any bytes as JSON, with tags: what is read is written in a form that reads back as the same. */
#include "../../runtime/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct symtab *syms = symtab_new();
  struct error err = {0};
  struct buf once = BUF_INIT, twice = BUF_INIT;
  value v, again;
  if (json_read((const char *)data, len, syms, true, &v, &err) == OK) {
    json_write(v, syms, true, &once);
    if (json_read(buf_str(&once), once.len, syms, true, &again, &err) != OK) abort();
    json_write(again, syms, true, &twice);
    if (strcmp(buf_str(&once), buf_str(&twice)) != 0) abort();
    value_unref(v);
    value_unref(again);
  } else if (!err.message || !*err.message) {
    abort();
  }
  buf_release(&once);
  buf_release(&twice);
  error_release(&err);
  symtab_free(syms);
  return 0;
}
