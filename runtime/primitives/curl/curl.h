/* The protocols of the module, each in its file: see ../curl.h for what they promise. */
#ifndef STEPWISE_CURL_PROTOCOLS_H
#define STEPWISE_CURL_PROTOCOLS_H

#include "../curl.h"

enum status http_carry(struct tasks *t, const struct http_request *request,
                       struct http_response *out, struct error *err);
enum status smtp_carry(struct tasks *t, const struct smtp_request *request,
                       struct smtp_response *out, struct error *err);

#endif
