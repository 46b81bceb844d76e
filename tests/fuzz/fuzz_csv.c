/* Any bytes as a CSV file: reading it through must end with rows or an error, every cell must be
 * UTF-8 without NUL, and memory must be given back. The first byte picks delimiter and encoding. */
#include <sys/mman.h>
#include <unistd.h>

#include "../../runtime/primitives/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_record(const struct record *r) {
  if (r->count > SHEET_MAX_COLUMNS) abort();
  for (size_t i = 0; i < r->count; i++)
    if (r->cells[i].len > SHEET_MAX_FIELD || (r->cells[i].len && memchr(r->cells[i].s, 0, r->cells[i].len))) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  static const char *const delimiters[] = {NULL, ",", ";", "|"};
  static const char *const encodings[] = {NULL, "utf-8", "latin-1", "windows-1252"};
  if (len == 0) return 0;
  struct sheet_options options = {.path = "fuzz.csv",
                                  .delimiter = delimiters[data[0] & 3],
                                  .encoding = encodings[data[0] >> 2 & 3]};
  int fd = memfd_create("fuzz", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data + 1, len - 1) != (ssize_t)(len - 1) || lseek(fd, 0, SEEK_SET) != 0) abort();
  struct sheet *s = NULL;
  struct record record = {0};
  struct error err = {0};
  bool more = true;
  enum status status = csv_open(&s, fd, &options, data[0] & 16, &err);
  while (status == OK && more) {
    status = sheet_next(s, &record, &more, &err);
    if (status == OK && more) check_record(&record);
  }
  if (status != OK && !err.message) abort();
  sheet_close(s);
  error_release(&err);
  return 0;
}
