/* Any bytes as a workbook: opening and reading it must end with rows or an error, every cell must
 * be without NUL, and memory must be given back. Goes through the module, as an import does. */
#include <sys/mman.h>
#include <unistd.h>

#include "../../runtime/module.h"
#include "../../runtime/primitives/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_record(const struct record *r) {
  if (r->count > SHEET_MAX_COLUMNS) abort();
  for (size_t i = 0; i < r->count; i++)
    if (r->cells[i].len && memchr(r->cells[i].s, 0, r->cells[i].len)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct sheet_options options = {.path = "fuzz.xlsx"};
  struct error err = {0};
  const void *found;
  if (module_open("xlsx", XLSX_MODULE_VERSION, &found, &err) != OK) {
    fprintf(stderr, "%s\n", err.message);
    abort();
  }
  const struct xlsx_module *xlsx = found;
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0) abort();
  struct sheet *s = NULL;
  struct record record = {0};
  bool more = true;
  enum status status = xlsx->open(&s, fd, &options, &err);
  while (status == OK && more) {
    status = sheet_next(s, &record, &more, &err);
    if (status == OK && more) check_record(&record);
  }
  if (status != OK && !err.message) abort();
  sheet_close(s);
  error_release(&err);
  return 0;
}
