/* HTTP requests on the loop: what one is, and its answer. The module carries them out (curl.h).
 *
 * In a task. A request that is cancelled, too slow or too large is aborted there and then: its
 * connection is closed before request returns. Connections that ended well are kept for the next
 * request to the same host until the loop ends. Certificates are always checked. */
#ifndef STEPWISE_HTTP_H
#define STEPWISE_HTTP_H

#include "../task.h"
#include "../../lang/buf.h"

enum { HTTP_BODY = 8 << 20, HTTP_HEADERS = 256 << 10, HTTP_REDIRECTS = 20 };

struct http_header {
  char *name, *value; /* owned by who made them */
};

/* A part of a multipart body: a text, or the bytes of a file. */
struct http_part {
  const char *name;
  char *text; /* owned by who made it; NULL: the file */
  size_t len;
  const char *path, *filename, *type; /* or NULL */
};

struct http_request {
  const char *method; /* "GET" ... */
  const char *url;    /* http:// or https:// */
  const char *shown;  /* as it may be told; NULL: as url_shown has it */
  const struct http_header *headers;
  size_t header_count;
  const char *body; /* NULL: none */
  size_t body_len;
  const struct http_part *parts; /* instead of a body */
  size_t part_count;
  const char *user, *password; /* basic authentication, or NULL */
  const char *bearer;          /* a token, or NULL; never goes to another host by a redirect */
  bool stays;                  /* it has a secret: no redirect to another server is followed */
  const char *ca_file;         /* certificates to trust instead of the system's, or NULL */
  const char *cert, *key, *key_password; /* what the client shows of itself (PEM), or NULL */
  const char *proxy, *no_proxy;          /* NULL: as the environment has it; "": none */
  const char *const *follow_to;          /* origins besides its own that redirects may lead to */
  size_t follow_to_count;
  int64_t timeout;             /* us, for all of it */
  int64_t connect_timeout;     /* us */
  size_t max;                  /* bytes of the body, decoded */
  long follow;                 /* redirects; for GET, HEAD and POST alone */
};

struct http_response {
  long status;
  struct buf headers; /* "name: value\n" each, names in lower case; of the last response */
  struct buf body;
  char *url;   /* the last one; owned */
  int64_t took; /* us of the machine's clock, also of a failure */
  int64_t retry_after; /* us, from Retry-After; 0: it said nothing, or a time that has passed */
  bool unsure; /* it failed after the request began to be sent: it may have been carried out */
};

/* Sends it through the module, which is opened at the first request. In a task; or, with t NULL or
 * outside of tasks, on a loop of its own. As curl_module.http in curl.h; whoever calls releases what
 * out holds in every case. */
enum status http_send(struct tasks *t, const struct http_request *request, struct http_response *out,
                      struct error *err) must_use;

#endif
