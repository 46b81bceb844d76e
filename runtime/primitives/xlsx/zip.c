/* Parts of a zip archive through libarchive: see zip.h. */
#include "zip.h"

#include <archive.h>
#include <archive_entry.h>
#include <strings.h>
#include <unistd.h>

struct zip {
  struct archive *archive;
  const char *path;
  const char *part;
  uint64_t packed, unpacked; /* packed: bytes of the whole archive */
  uint64_t start;            /* where the part's data begins */
};

static enum status refuse(const struct zip *z, struct error *err, const char *help,
                          const char *what) {
  error_set(err, ERR_VALUE, "%s %s", z->path, what);
  error_help(err, "%s", help);
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status corrupt(const struct zip *z, struct error *err) {
  const char *why = archive_error_string(z->archive);
  error_set(err, ERR_VALUE, "%s is a damaged workbook: %s", z->path,
            why ? why : "it cannot be unpacked");
  error_help(err, "open it in a spreadsheet program and save it again, or get a new copy");
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status open_archive(struct zip *z, int fd, struct error *err) {
  z->archive = archive_read_new();
  if (!z->archive) mem_out();
  archive_read_support_format_zip_seekable(z->archive);
  lseek(fd, 0, SEEK_SET);
  return archive_read_open_fd(z->archive, fd, 64 << 10) == ARCHIVE_OK ? OK : corrupt(z, err);
}

static enum status find_part(struct zip *z, bool *found, struct error *err) {
  struct archive_entry *entry;
  int code;
  *found = false;
  for (int n = 0;
       (code = archive_read_next_header(z->archive, &entry)) == ARCHIVE_OK || code == ARCHIVE_WARN;
       n++) {
    if (n == ZIP_MAX_ENTRIES)
      return refuse(z, err, "a workbook has a few dozen parts; this is something else",
                    "holds more than 10,000 parts");
    const char *name = archive_entry_pathname(entry);
    if (!name || strcasecmp(name, z->part)) continue;
    if (archive_entry_is_encrypted(entry))
      return refuse(z, err, "save it without a password", "is encrypted");
    *found = true;
    z->start = (uint64_t)archive_filter_bytes(z->archive, -1);
    return OK;
  }
  return code == ARCHIVE_EOF ? OK : corrupt(z, err);
}

enum status zip_open(struct zip **out, int fd, const char *path, const char *part, bool *found,
                     struct error *err) {
  struct zip *z = mem_zalloc(sizeof *z);
  z->path = path;
  z->part = part;
  enum status s = open_archive(z, fd, err);
  if (!s) s = find_part(z, found, err);
  if (s || !*found) zip_close(z);
  else *out = z;
  return s;
}

static enum status check_limits(const struct zip *z, struct error *err) {
  uint64_t packed = (uint64_t)archive_filter_bytes(z->archive, -1) - z->start;
  bool bomb = z->unpacked > ZIP_FREE && z->unpacked / ZIP_MAX_RATIO > packed;
  if (!bomb && z->unpacked <= ZIP_MAX_BYTES) return OK;
  error_set(err, ERR_LIMIT,
            "%s unpacks to more than a workbook does: %s gave %llu MiB out of %llu KiB", z->path,
            z->part, (unsigned long long)(z->unpacked >> 20), (unsigned long long)(packed >> 10));
  error_help(err, "it may be made to fill memory; if you trust it, open it and save the sheet as "
                  "\"CSV UTF-8\"");
  error_kind(err, "validation");
  return ERR_LIMIT;
}

enum status zip_read(struct zip *z, const char **s, size_t *len, struct error *err) {
  const void *block;
  int64_t offset;
  int code;
  do
    code = archive_read_data_block(z->archive, &block, len, &offset);
  while ((code == ARCHIVE_OK || code == ARCHIVE_WARN) && !*len); /* some blocks are empty */
  if (code == ARCHIVE_EOF) {
    *s = "";
    *len = 0;
    return OK;
  }
  if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return corrupt(z, err);
  *s = block;
  z->unpacked += *len;
  return check_limits(z, err);
}

void zip_close(struct zip *z) {
  if (!z) return;
  archive_read_free(z->archive);
  mem_free(z);
}
