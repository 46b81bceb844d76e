/* A mail message as bytes: RFC 5322 with MIME, lines ended by CR LF, nothing but ASCII.
 *
 * Whatever stands in a header is text of one line: what could end the line, and so begin a header
 * of its own, is refused. */
#ifndef STEPWISE_MIME_H
#define STEPWISE_MIME_H

#include "../../lang/buf.h"

enum {
  MIME_ADDRESS_MAX = 254, /* bytes of user@host */
  MIME_TEXT_MAX = 2000,   /* bytes of one header's text */
  MIME_NAME_MAX = 200,    /* bytes of an attachment's name */
  MIME_ID_MAX = 250       /* bytes of a Message-ID, with its brackets */
};

/* "Ana Ops <ana@example.org>" or "ana@example.org". Both parts are owned. */
struct mime_address {
  char *name; /* NULL: none */
  char *address;
};

struct mime_header {
  char *name, *text; /* owned by who made them */
};

struct mime_part {
  char *type; /* "application/pdf" */
  char *name; /* of the file */
  char *data;
  size_t len;
};

struct mime_message {
  struct mime_address from, reply_to; /* reply_to.address NULL: none */
  const struct mime_address *to;
  size_t to_count;
  const char *subject;
  const char *id;   /* with its brackets */
  int64_t date;     /* us since 1970 UTC */
  const char *text; /* either may be NULL; with both the reader's program chooses */
  const char *html;
  const struct mime_header *headers; /* further ones; mime_header_own says of which names */
  size_t header_count;
  const struct mime_part *parts; /* attachments */
  size_t part_count;
};

/* ERR_VALUE, kind validation, when s is not an address that mail can be sent to. */
enum status mime_address_read(const char *s, struct mime_address *out, struct error *err) must_use;
void mime_address_release(struct mime_address *a);
/* Text of one line. */
bool mime_line(const char *s);
/* A header's name that is nobody else's: those that the message has by itself are. */
bool mime_header_own(const char *name);
bool mime_type(const char *s); /* type/subtype */

/* Adds the whole message to out; its parts were checked by the functions above. */
void mime_write(const struct mime_message *m, struct buf *out);


#endif
