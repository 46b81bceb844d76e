/* What the module exports. */
#include "curl.h"

extern const struct curl_module stepwise_curl;
__attribute__((visibility("default")))
const struct curl_module stepwise_curl = {CURL_MODULE_VERSION, .http = http_carry, .smtp = smtp_carry};
