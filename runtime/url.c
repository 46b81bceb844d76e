/* What is left out of URLs: see url.h. */
#include "url.h"

#include <string.h>

void url_shown(const char *url, struct buf *out) {
  const char *host = strstr(url, "://");
  host = host ? host + 3 : url;
  size_t len = strcspn(host, "/?#");
  const char *at = memrchr(host, '@', len);
  buf_add(out, url, (size_t)(host - url));
  if (at) host = at + 1;
  buf_add(out, host, strcspn(host, "?#"));
}

/* The bytes from here that may be the authority of a URL. */
static size_t authority(const char *s, const char *end) {
  size_t n = 0;
  while (s + n < end && (unsigned char)s[n] > ' ' && !strchr("/?#\"'<>", s[n]))
    n++;
  return n;
}

void urls_shown(const char *text, size_t len, struct buf *out) {
  const char *end = text + len, *at;
  while ((at = memmem(text, (size_t)(end - text), "://", 3))) {
    const char *host = at + 3;
    const char *behind = memrchr(host, '@', authority(host, end));
    buf_add(out, text, (size_t)(host - text));
    text = behind ? behind + 1 : host;
  }
  buf_add(out, text, (size_t)(end - text));
}
