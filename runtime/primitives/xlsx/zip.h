/* One part of a zip archive at a time, as a stream with limits: the module's door to libarchive.
 *
 * An archive may hold far more than its size says. Reading stops, with an error, at too many
 * entries, at too many bytes, and where a part unpacks to an unlikely multiple of what it takes. */
#ifndef STEPWISE_XLSX_ZIP_H
#define STEPWISE_XLSX_ZIP_H

#include "../../../lang/buf.h"

enum {
  ZIP_MAX_ENTRIES = 10000,
  ZIP_MAX_RATIO = 200, /* unpacked to packed, once a part is past ZIP_FREE bytes */
  ZIP_FREE = 8 << 20
};
#define ZIP_MAX_BYTES ((uint64_t)4 << 30) /* of one part, unpacked */

struct zip;
/* Finds the part and stands at its beginning. *found is false when there is none. fd stays the
 * caller's; path is for messages and must outlive the zip. */
enum status zip_open(struct zip **out, int fd, const char *path, const char *part, bool *found,
                     struct error *err) must_use;
/* *len is 0 at the end. The bytes are valid until the next call. */
enum status zip_read(struct zip *z, const char **s, size_t *len, struct error *err) must_use;
void zip_close(struct zip *z); /* NULL-safe */

#endif
