/* An XML part read as events: the module's door to expat. Prefixes of names are taken off;
 * a document type is refused, so entities cannot grow. */
#ifndef STEPWISE_XLSX_XML_H
#define STEPWISE_XLSX_XML_H

#include "zip.h"

struct xml;
struct xml_handler {
  /* attributes: name, value, name, value ... NULL */
  void (*start)(void *ud, const char *name, const char **attributes);
  void (*end)(void *ud, const char *name);
  void (*text)(void *ud, const char *s, size_t len);
  enum status (*check)(void *ud, struct error *err); /* after each block; or NULL */
};

enum { XML_MAX_TOKEN = 16 << 20 }; /* bytes of one tag, which expat holds in memory */

/* Takes the zip over. */
struct xml *xml_new(struct zip *z, const char *path, const char *part, const struct xml_handler *h,
                    void *ud) must_use;
/* Reads on by one block; *more is false after the last. Handlers fail through xml_fail. */
enum status xml_step(struct xml *x, bool *more, struct error *err) must_use;
/* From a handler: stops reading with this error (moved). */
void xml_fail(struct xml *x, struct error *err);
void xml_free(struct xml *x);
/* Reads a whole part; *found says whether there was one. */
enum status xml_read(int fd, const char *path, const char *part, const struct xml_handler *h,
                     void *ud, bool *found, struct error *err) must_use;
const char *xml_attribute(const char **attributes, const char *name); /* NULL when missing */

#endif
