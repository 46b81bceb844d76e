/* One request of a driver on its way: what its values ask for, and what came back. */
#ifndef STEPWISE_HTTP_JOB_H
#define STEPWISE_HTTP_JOB_H

#include "args.h"
#include "http.h"

/* The parameters that primitives of the group have, in their order. Those that only read end before
 * HTTP_FORM. */
enum http_arg {
  HTTP_URL,
  HTTP_QUERY,
  HTTP_HEADER_PAIRS,
  HTTP_BASIC,
  HTTP_BEARER,
  HTTP_CA,
  HTTP_TIMEOUT,
  HTTP_MAX,
  HTTP_FOLLOW,
  HTTP_FOLLOW_TO,
  HTTP_CERT,
  HTTP_KEY,
  HTTP_KEY_PASSWORD,
  HTTP_PROXY,
  HTTP_NO_PROXY,
  HTTP_CONNECT_TIMEOUT,
  HTTP_FORM,
  HTTP_JSON,
  HTTP_TEXT,
  HTTP_MULTIPART,
  HTTP_METHOD
};

struct http_job {
  struct http_request request; /* borrows from here and from the arguments */
  struct http_response response;
  struct http_header *headers;
  size_t header_cap;
  struct http_part *parts;
  size_t part_cap;
  const char **origins;
  struct buf url, shown, body;
  bool typed; /* a content-type was given */
};

/* Fills the request; its method is set before. */
enum status http_job_take(const struct primitive_call *call, struct http_job *j, const value *args,
                          bool reads, struct error *err) must_use;
void http_job_release(struct http_job *j);

#endif
