/* XML parts through expat: see xml.h. */
#include "xml.h"

#include <expat.h>

enum { MAX_DEPTH = 64 };

struct xml {
  XML_Parser parser;
  struct zip *zip;
  const char *path, *part;
  const struct xml_handler *handler;
  void *ud;
  unsigned depth;
  uint64_t fed;
  struct error failure;
};

static const char *local_name(const char *name) {
  const char *colon = strrchr(name, ':');
  return colon ? colon + 1 : name;
}

const char *xml_attribute(const char **attributes, const char *name) {
  for (; *attributes; attributes += 2)
    if (!strcmp(attributes[0], name) || !strcmp(local_name(attributes[0]), name))
      return attributes[1];
  return NULL;
}

void xml_fail(struct xml *x, struct error *err) {
  if (x->failure.status) error_release(err);
  else error_move(&x->failure, err);
  XML_StopParser(x->parser, XML_FALSE);
}

static void refuse(struct xml *x, const char *what) {
  struct error err = {0};
  error_set(&err, ERR_VALUE, "%s is not a workbook that can be read: %s has %s", x->path, x->part,
            what);
  error_help(&err, "open it in a spreadsheet program and save it again");
  error_kind(&err, "validation");
  xml_fail(x, &err);
}

static void XMLCALL on_start(void *ud, const char *name, const char **attributes) {
  struct xml *x = ud;
  if (++x->depth > MAX_DEPTH) refuse(x, "elements nested too deep");
  else if (!x->failure.status) x->handler->start(x->ud, local_name(name), attributes);
}
static void XMLCALL on_end(void *ud, const char *name) {
  struct xml *x = ud;
  x->depth--;
  if (!x->failure.status) x->handler->end(x->ud, local_name(name));
}
static void XMLCALL on_text(void *ud, const char *s, int len) {
  struct xml *x = ud;
  if (!x->failure.status && x->handler->text) x->handler->text(x->ud, s, (size_t)len);
}
static void XMLCALL on_doctype(void *ud, const char *name, const char *system_id,
                               const char *public_id, int internal) {
  (void)name, (void)system_id, (void)public_id, (void)internal;
  refuse(ud, "a document type, which no workbook has");
}

struct xml *xml_new(struct zip *z, const char *path, const char *part, const struct xml_handler *h,
                    void *ud) {
  struct xml *x = mem_zalloc(sizeof *x);
  *x = (struct xml){.zip = z,
                    .path = path,
                    .part = part,
                    .handler = h,
                    .ud = ud,
                    .parser = XML_ParserCreate(NULL)};
  if (!x->parser) mem_out();
  XML_SetUserData(x->parser, x);
  XML_SetElementHandler(x->parser, on_start, on_end);
  XML_SetCharacterDataHandler(x->parser, on_text);
  XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
  return x;
}

void xml_free(struct xml *x) {
  if (!x) return;
  XML_ParserFree(x->parser);
  zip_close(x->zip);
  error_release(&x->failure);
  mem_free(x);
}

static enum status malformed(struct xml *x, struct error *err) {
  if (x->failure.status) {
    error_move(err, &x->failure);
    return err->status;
  }
  error_set(err, ERR_VALUE, "%s is a damaged workbook: %s, line %lu: %s", x->path, x->part,
            (unsigned long)XML_GetCurrentLineNumber(x->parser),
            XML_ErrorString(XML_GetErrorCode(x->parser)));
  error_help(err, "open it in a spreadsheet program and save it again, or get a new copy");
  error_kind(err, "validation");
  return ERR_VALUE;
}

enum status xml_step(struct xml *x, bool *more, struct error *err) {
  const char *s = "";
  size_t len = 0;
  enum status st = zip_read(x->zip, &s, &len, err);
  if (st) return st;
  *more = len > 0;
  for (size_t at = 0; at < len || !len;) {
    size_t n = len - at < (1 << 20) ? len - at : 1 << 20;
    if (XML_Parse(x->parser, s + at, (int)n, !len) != XML_STATUS_OK) return malformed(x, err);
    at += n;
    if (!len) break;
  }
  x->fed += len;
  if (len && x->fed - (uint64_t)XML_GetCurrentByteIndex(x->parser) > XML_MAX_TOKEN) {
    refuse(x, "a tag of more than 16 MiB");
    return malformed(x, err);
  }
  return x->handler->check ? x->handler->check(x->ud, err) : OK;
}

enum status xml_read(int fd, const char *path, const char *part, const struct xml_handler *h,
                     void *ud, bool *found, struct error *err) {
  struct zip *z = NULL;
  enum status s = zip_open(&z, fd, path, part, found, err);
  if (s || !*found) return s;
  struct xml *x = xml_new(z, path, part, h, ud);
  bool more = true;
  while (more && !(s = xml_step(x, &more, err)))
    continue;
  xml_free(x);
  return s;
}
