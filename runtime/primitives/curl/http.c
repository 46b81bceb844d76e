/* HTTP by libcurl: see ../http.h. */
#include "curl.h"
#include "loop.h"

struct exchange {
  struct transfer transfer;
  const struct http_request *request;
  struct http_response *out;
  struct curl_slist *headers;
  bool too_large, strayed;
};

/* --- what comes in --- */

static size_t take_body(char *data, size_t size, size_t n, void *ud) {
  struct exchange *x = ud;
  (void)size;
  if (x->out->body.len + n > x->request->max) {
    x->too_large = true;
    return 0;
  }
  buf_add(&x->out->body, data, n);
  return n;
}

/* A line "Name: value"; a status line begins the next response (after a redirect, or 100). */
static size_t take_header(char *data, size_t size, size_t n, void *ud) {
  struct exchange *x = ud;
  struct buf *to = &x->out->headers;
  (void)size;
  size_t len = n;
  while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
    len--;
  const char *colon = memchr(data, ':', len);
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
    buf_clear(to);
    buf_clear(&x->out->body);
    return n;
  }
  if (!colon) return n;
  for (const char *p = data; p < colon; p++)
    buf_addc(to, *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p);
  buf_adds(to, ": ");
  do
    colon++;
  while (colon < data + len && (*colon == ' ' || *colon == '\t'));
  buf_add(to, colon, (size_t)(data + len - colon));
  buf_addc(to, '\n');
  x->too_large |= to->len > HTTP_HEADERS;
  return x->too_large ? 0 : n;
}

/* --- what goes out --- */

/* How much of a URL names the server: "https://host:port". */
static size_t url_server(const char *url) {
  const char *host = strstr(url, "://");
  size_t scheme = host ? (size_t)(host - url) + 3 : 0;
  return scheme + strcspn(url + scheme, "/?#");
}

static void set_headers(struct exchange *x) {
  const struct http_request *r = x->request;
  struct buf line = BUF_INIT;
  for (size_t i = 0; i < r->header_count; i++) {
    const struct http_header *h = &r->headers[i];
    buf_clear(&line);
    /* To libcurl "Name;" is a header without a value, and "Name:" one that is not sent. */
    buf_addf(&line, *h->value ? "%s: %s" : "%s;", h->name, h->value);
    x->headers = curl_slist_append(x->headers, buf_str(&line));
  }
  x->headers = curl_slist_append(x->headers, "Expect:"); /* no waiting for a 100 */
  buf_release(&line);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_method(struct exchange *x) {
  const struct http_request *r = x->request;
  if (strcmp(r->method, "HEAD") == 0) {
    curl_easy_setopt(x->transfer.easy, CURLOPT_NOBODY, 1L);
  } else if (r->body || strcmp(r->method, "POST") == 0) {
    curl_easy_setopt(x->transfer.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    curl_easy_setopt(x->transfer.easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
  }
  /* Those that libcurl knows become a GET where a redirect says so. */
  if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD") && strcmp(r->method, "POST"))
    curl_easy_setopt(x->transfer.easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_credentials(struct exchange *x) {
  const struct http_request *r = x->request;
  if (r->user) {
    curl_easy_setopt(x->transfer.easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(x->transfer.easy, CURLOPT_USERNAME, r->user);
    curl_easy_setopt(x->transfer.easy, CURLOPT_PASSWORD, r->password ? r->password : "");
  } else if (r->bearer) {
    curl_easy_setopt(x->transfer.easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(x->transfer.easy, CURLOPT_XOAUTH2_BEARER, r->bearer);
  }
  if (r->ca_file) {
    curl_easy_setopt(x->transfer.easy, CURLOPT_CAINFO, r->ca_file);
    curl_easy_setopt(x->transfer.easy, CURLOPT_CAPATH, NULL);
  }
}

/* Before each request: libcurl keeps credentials from other servers, and knows of no other secrets. */
static int may_send(void *ud, char *to, char *from, int to_port, int from_port) {
  struct exchange *x = ud;
  char *url = NULL;
  (void)to, (void)from, (void)to_port, (void)from_port;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
  size_t len = url_server(x->request->url);
  x->strayed = x->request->stays && url &&
               (url_server(url) != len || strncasecmp(url, x->request->url, len) != 0);
  return x->strayed ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_up(struct exchange *x) {
  const struct http_request *r = x->request;
  curl_easy_setopt(x->transfer.easy, CURLOPT_URL, r->url);
  curl_easy_setopt(x->transfer.easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(x->transfer.easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(x->transfer.easy, CURLOPT_USERAGENT, "stepwise/" STEPWISE_VERSION);
  curl_easy_setopt(x->transfer.easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(x->transfer.easy, CURLOPT_FOLLOWLOCATION, r->follow > 0 ? 1L : 0L);
  curl_easy_setopt(x->transfer.easy, CURLOPT_MAXREDIRS, r->follow);
  curl_easy_setopt(x->transfer.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_timeout / 1000 + 1));
  curl_easy_setopt(x->transfer.easy, CURLOPT_PREREQFUNCTION, may_send);
  curl_easy_setopt(x->transfer.easy, CURLOPT_PREREQDATA, x);
  curl_easy_setopt(x->transfer.easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(x->transfer.easy, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HEADERDATA, x);
  set_method(x);
  set_headers(x);
  set_credentials(x);
}

/* --- what went wrong --- */

static const struct {
  CURLcode code;
  const char *kind, *help;
} failures[] = {
    {CURLE_URL_MALFORMAT, "validation", "write it as https://host/path"},
    {CURLE_UNSUPPORTED_PROTOCOL, "validation", "write it as https://host/path"},
    {CURLE_TOO_MANY_REDIRECTS, "provider", "follow: says how many redirects are followed"},
    {CURLE_PEER_FAILED_VERIFICATION, "permission",
     "the server is not who it should be, or ca_file: must name who vouches for it"},
    {CURLE_SSL_CACERT_BADFILE, "validation", "ca_file: must be a file of certificates (PEM)"},
    {CURLE_SSL_CONNECT_ERROR, "provider", NULL},
    {CURLE_WEIRD_SERVER_REPLY, "provider", NULL},
    {CURLE_BAD_CONTENT_ENCODING, "provider", NULL},
    {CURLE_COULDNT_RESOLVE_HOST, "transient", NULL},
    {CURLE_COULDNT_CONNECT, "transient", NULL},
};

static enum status too_large(const struct exchange *x, const char *url, struct error *err) {
  error_set(err, ERR_LIMIT, "%s %s was stopped: the answer has more than %zu bytes",
            x->request->method, url, x->request->max);
  error_help(err, "say max: with more bytes");
  error_kind(err, "provider");
  return ERR_LIMIT;
}

static enum status strayed(const struct exchange *x, const char *url, struct error *err) {
  error_set(err, ERR_FAILED, "%s %s was stopped: it is redirected to another server, and a header of it is secret",
            x->request->method, url);
  error_help(err, "ask the other server itself, or say follow: 0");
  error_kind(err, "provider");
  return ERR_FAILED;
}

static enum status failed(const struct exchange *x, const char *url, struct error *err) {
  const char *kind = "transient", *help = NULL;
  if (x->too_large) return too_large(x, url, err);
  if (x->strayed) return strayed(x, url, err);
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].code == x->transfer.code) kind = failures[i].kind, help = failures[i].help;
  error_set(err, ERR_FAILED, "%s %s: %s", x->request->method, url,
            *x->transfer.reason ? x->transfer.reason : curl_easy_strerror(x->transfer.code));
  if (help) error_help(err, "%s", help);
  error_kind(err, kind);
  return ERR_FAILED;
}

static enum status stopped(const struct exchange *x, enum status s, const char *url,
                           struct error *err) {
  char took[32], kind[ERROR_KIND_MAX];
  if (s == ERR_WAITING) {
    took_text(x->request->timeout, took);
    error_set(err, ERR_FAILED, "%s %s: no whole answer within %s", x->request->method, url, took);
    error_kind(err, "transient");
    return ERR_FAILED;
  }
  snprintf(kind, sizeof kind, "%s", err->kind);
  error_set(err, s, "%s %s was stopped: %s", x->request->method, url,
            s == ERR_CANCELLED ? "it was cancelled" : "it took longer than its time limit");
  error_kind(err, kind);
  return s;
}

/* --- one request --- */

static void read_result(struct exchange *x) {
  char *url = NULL;
  curl_off_t after = 0;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_RETRY_AFTER, &after);
  if (after > INT64_MAX / US_SECOND) after = INT64_MAX / US_SECOND;
  x->out->retry_after = after > 0 ? after * US_SECOND : 0;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_RESPONSE_CODE, &x->out->status);
  curl_easy_getinfo(x->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
  x->out->url = mem_strdup(url ? url : x->request->url);
}

static enum status exchange_run(struct curl_loop *l, struct exchange *x, struct error *err) {
  struct buf url = BUF_INIT;
  enum status s = transfer_run(l, &x->transfer, x->request->timeout, err);
  url_shown(x->request->url, &url);
  if (s != OK) s = stopped(x, s, buf_str(&url), err);
  else if (x->transfer.code != CURLE_OK) s = failed(x, buf_str(&url), err);
  x->out->unsure = s != OK && transfer_was_sent(&x->transfer);
  if (s == OK) read_result(x);
  buf_release(&url);
  return s;
}

enum status http_carry(struct tasks *t, const struct http_request *request,
                       struct http_response *out, struct error *err) {
  struct exchange x = {.request = request, .out = out};
  enum status s = task_poll(t, err);
  if (s != OK) return s;
  struct curl_loop *l = curl_loop(t);
  transfer_open(l, &x.transfer);
  set_up(&x);
  s = exchange_run(l, &x, err);
  transfer_close(l, &x.transfer);
  curl_slist_free_all(x.headers);
  return s;
}
