/* What the module stepwise-curl.so offers: the protocols that libcurl speaks, on the loop. Each has a
 * header of its own, which says what a request of it is. */
#ifndef STEPWISE_CURL_H
#define STEPWISE_CURL_H

#include "http.h"
#include "smtp.h"

struct curl_module {
  uint32_t version;
  /* OK: there is an answer, whatever its status. Else ERR_CANCELLED, kind "limit" (the task's own
   * limit), or ERR_FAILED with kind transient, provider, permission or validation. */
  enum status (*http)(struct tasks *t, const struct http_request *request,
                      struct http_response *out, struct error *err);
  /* OK: somebody was accepted, and the message. Else as http; also kind refused (the mailboxes). */
  enum status (*smtp)(struct tasks *t, const struct smtp_request *request,
                      struct smtp_response *out, struct error *err);
};
enum { CURL_MODULE_VERSION = 3 };

/* Opened at the first call for each loop; NULL: with every call. */
enum status curl_open(struct tasks *t, const struct curl_module **out, struct error *err) must_use;

#endif
