/* HTTP by libcurl: see ../http.h. */
#include "curl.h"
#include "loop.h"

static const long WRITE_IDLE = 2; /* seconds; servers close from 5 on */

struct exchange {
  struct transfer transfer;
  const struct http_request *request;
  struct http_response *out;
  struct curl_slist *headers;
  curl_mime *mime;
  struct buf stray; /* the origin that it was sent to, and may not go to */
  bool too_large, strayed;
  bool asked, lost; /* sent; its connection closed without a word of an answer */
  bool redirected;  /* its present answer is followed */
  bool headed;      /* the headers of its present answer are whole */
};

/* --- where it may go --- */

/* "https://host:port", in small letters; false when it is no URL. */
static bool url_origin(const char *url, struct buf *out) {
  CURLU *u = curl_url();
  char *part[3] = {NULL, NULL, NULL};
  static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
  bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
  for (size_t i = 0; ok && i < 3; i++)
    ok = curl_url_get(u, parts[i], &part[i], CURLU_DEFAULT_PORT) == CURLUE_OK;
  buf_clear(out);
  if (ok) buf_addf(out, "%s://%s:%s", part[0], part[1], part[2]);
  for (size_t i = 0; i < out->len; i++)
    if (out->data[i] >= 'A' && out->data[i] <= 'Z') out->data[i] |= 0x20;
  for (size_t i = 0; i < 3; i++)
    curl_free(part[i]);
  curl_url_cleanup(u);
  return ok;
}

static bool same_origin(const char *a, const char *b) {
  struct buf one = BUF_INIT, other = BUF_INIT;
  bool same = strcmp(a, b) == 0 || (url_origin(a, &one) && url_origin(b, &other) &&
                                    strcmp(buf_str(&one), buf_str(&other)) == 0);
  buf_release(&one);
  buf_release(&other);
  return same;
}

/* A redirect leads to another origin only where it may, and then never with a secret or a client's
 * certificate; credentials libcurl itself keeps from other servers. */
static bool may_go(struct exchange *x, const char *url) {
  const struct http_request *r = x->request;
  bool may = same_origin(r->url, url);
  for (size_t i = 0; !may && !r->stays && !r->cert && i < r->follow_to_count; i++)
    may = same_origin(r->follow_to[i], url);
  x->strayed |= !may;
  if (!may && !url_origin(url, &x->stray)) buf_adds(&x->stray, "somewhere");
  return may;
}

/* The header "Location: ..." of an answer that is followed: no connection is made in vain. */
static bool may_follow(struct exchange *x, const char *location, size_t len) {
  CURLU *u = curl_url();
  char *at = NULL, *to = mem_dup(location, len), *target = NULL;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_EFFECTIVE_URL, &at);
  const unsigned flags = CURLU_URLENCODE | CURLU_ALLOW_SPACE;
  bool known = u && at && curl_url_set(u, CURLUPART_URL, at, 0) == CURLUE_OK &&
               curl_url_set(u, CURLUPART_URL, to, flags) == CURLUE_OK &&
               curl_url_get(u, CURLUPART_URL, &target, 0) == CURLUE_OK;
  bool may = !known || may_go(x, target); /* libcurl says what is wrong with one that is none */
  curl_free(target);
  curl_url_cleanup(u);
  mem_free(to);
  return may;
}

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
  x->headed |= !len;
  if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) {
    x->headed = false;
    buf_clear(to);
    buf_clear(&x->out->body);
    x->redirected = x->request->follow && memchr(data, ' ', len) && ((char *)memchr(data, ' ', len))[1] == '3';
    return n;
  }
  if (!colon) return n;
  if (x->redirected && colon - data == 8 && strncasecmp(data, "location", 8) == 0 &&
      !may_follow(x, data + 9, len - 9))
    return 0;
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

/* A file is read while it is sent; its name is sent, unless another is given, without its directory. */
static CURLcode add_part(struct exchange *x, const struct http_part *p) {
  curl_mimepart *part = curl_mime_addpart(x->mime);
  curl_mime_name(part, p->name);
  CURLcode code = p->text ? curl_mime_data(part, p->text, p->len) : curl_mime_filedata(part, p->path);
  if (p->filename) curl_mime_filename(part, p->filename);
  if (p->type) curl_mime_type(part, p->type);
  if (code != CURLE_OK) snprintf(x->transfer.reason, sizeof x->transfer.reason, "cannot read %s", p->path);
  return code;
}

static CURLcode set_parts(struct exchange *x) {
  CURLcode code = CURLE_OK;
  x->mime = curl_mime_init(x->transfer.easy);
  for (size_t i = 0; code == CURLE_OK && i < x->request->part_count; i++)
    code = add_part(x, &x->request->parts[i]);
  curl_easy_setopt(x->transfer.easy, CURLOPT_MIMEPOST, x->mime);
  return code;
}

static void set_method(struct exchange *x) {
  const struct http_request *r = x->request;
  if (r->part_count) {
    x->transfer.code = set_parts(x);
  } else if (strcmp(r->method, "HEAD") == 0) {
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
  curl_easy_setopt(x->transfer.easy, CURLOPT_SSLCERT, r->cert);
  curl_easy_setopt(x->transfer.easy, CURLOPT_SSLKEY, r->key);
  curl_easy_setopt(x->transfer.easy, CURLOPT_KEYPASSWD, r->key_password);
}

static void set_proxy(struct exchange *x) {
  const struct http_request *r = x->request;
  curl_easy_setopt(x->transfer.easy, CURLOPT_PROXY, r->proxy);
  curl_easy_setopt(x->transfer.easy, CURLOPT_NOPROXY, r->no_proxy);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
  /* What a proxy answers to CONNECT is not the server's answer. */
  curl_easy_setopt(x->transfer.easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static bool reads(const struct http_request *r) {
  return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

/* Before each request. A redirect may have been read otherwise than above. And libcurl sends again by
 * itself what went out on a kept connection that was closed then: the server may have done it. */
static int may_send(void *ud, char *to, char *from, int to_port, int from_port) {
  struct exchange *x = ud;
  char *url = NULL;
  (void)to, (void)from, (void)to_port, (void)from_port;
  x->lost = x->asked && !x->headed && !reads(x->request);
  x->asked = true;
  x->headed = false;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_EFFECTIVE_URL, &url);
  return x->lost || (url && !may_go(x, url)) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* A server may answer before it has read the body, were it one byte, and end the stream: of HTTP/2
 * libcurl 7.88 loses that answer, and what was refused would be in doubt. Of HTTP/1.1 it does not. */
static void set_version(struct exchange *x) {
  const struct http_request *r = x->request;
  if (r->part_count || r->body_len)
    curl_easy_setopt(x->transfer.easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
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
  /* A write takes no connection that the server may be about to close. */
  if (!reads(r)) curl_easy_setopt(x->transfer.easy, CURLOPT_MAXAGE_CONN, WRITE_IDLE);
  curl_easy_setopt(x->transfer.easy, CURLOPT_PREREQFUNCTION, may_send);
  curl_easy_setopt(x->transfer.easy, CURLOPT_PREREQDATA, x);
  curl_easy_setopt(x->transfer.easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(x->transfer.easy, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(x->transfer.easy, CURLOPT_HEADERDATA, x);
  set_version(x);
  set_method(x);
  set_headers(x);
  set_credentials(x);
  set_proxy(x);
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
    {CURLE_SSL_CERTPROBLEM, "validation",
     "cert: is a file with the certificate (PEM), cert_key: its key, cert_password: what unlocks it"},
    {CURLE_READ_ERROR, "validation", NULL},
    {CURLE_ABORTED_BY_CALLBACK, "validation", NULL},
    {CURLE_SSL_CONNECT_ERROR, "provider", NULL},
    {CURLE_WEIRD_SERVER_REPLY, "provider", NULL},
    {CURLE_BAD_CONTENT_ENCODING, "provider", NULL},
    {CURLE_COULDNT_RESOLVE_HOST, "transient", NULL},
    {CURLE_COULDNT_CONNECT, "transient", NULL},
};

static enum status too_large(const struct exchange *x, const char *url, struct error *err) {
  bool head = x->out->headers.len > HTTP_HEADERS || x->transfer.code == CURLE_OUT_OF_MEMORY;
  size_t most = head ? HTTP_HEADERS : x->request->max;
  error_set(err, ERR_LIMIT, "%s %s was stopped: the answer has more than %zu bytes%s",
            x->request->method, url, most, head ? " of headers" : "");
  if (!head) error_help(err, "say max: with more bytes");
  error_kind(err, "provider");
  return ERR_LIMIT;
}

static enum status strayed(const struct exchange *x, const char *url, struct error *err) {
  bool secret = x->request->stays || x->request->cert;
  error_set(err, ERR_FAILED, "%s %s was stopped: it is redirected to another server, %s%s",
            x->request->method, url, buf_str(&x->stray), secret ? ", and it has a secret or a certificate" : "");
  if (secret) error_help(err, "ask the other server itself, or say follow: 0");
  else error_help(err, "ask the other server itself, say follow: 0, or allow it: follow_to: [\"%s\"]", buf_str(&x->stray));
  error_kind(err, "provider");
  return ERR_FAILED;
}

/* What a proxy answers to CONNECT: the server was not asked. */
static enum status proxy_refuses(const struct exchange *x, const char *url, long status, struct error *err) {
  bool may = status >= 500 || status == 408 || status == 429;
  bool denied = status == 401 || status == 403 || status == 407;
  error_set(err, ERR_FAILED, "%s %s: the proxy does not let it through: it answers %ld", x->request->method, url, status);
  if (status == 407) error_help(err, "give the proxy a name and a password: proxy: \"http://name:password@host:port\"");
  else if (denied) error_help(err, "have the proxy allow that host, or name the host in no_proxy:");
  error_kind(err, may ? "transient" : denied ? "permission" : "provider");
  return ERR_FAILED;
}

static enum status failed(const struct exchange *x, const char *url, struct error *err) {
  long connect = 0;
  const char *kind = "transient", *help = NULL;
  /* Memory never runs out here: it is a header that libcurl finds too long. */
  if (x->too_large || x->transfer.code == CURLE_OUT_OF_MEMORY) return too_large(x, url, err);
  if (x->strayed) return strayed(x, url, err);
  if (x->lost) {
    error_set(err, ERR_FAILED, "%s %s: the connection was lost before the answer", x->request->method, url);
    error_kind(err, "transient");
    return ERR_FAILED;
  }
  CURLcode code = x->transfer.code;
  curl_easy_getinfo(x->transfer.easy, CURLINFO_HTTP_CONNECTCODE, &connect);
  if (connect >= 300) return proxy_refuses(x, url, connect, err);
  /* So libcurl calls an answer that is not HTTP, too. */
  if (code == CURLE_UNSUPPORTED_PROTOCOL && transfer_was_sent(&x->transfer)) code = CURLE_WEIRD_SERVER_REPLY;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].code == code) kind = failures[i].kind, help = failures[i].help;
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

static void show_url(const struct exchange *x, struct buf *out) {
  if (x->request->shown) buf_adds(out, x->request->shown);
  else url_shown(x->request->url, out);
}

static enum status exchange_run(struct curl_loop *l, struct exchange *x, struct error *err) {
  struct buf url = BUF_INIT;
  enum status s = transfer_run(l, &x->transfer, x->request->timeout, err);
  show_url(x, &url);
  /* For libcurl that is an answer without a body. */
  if (s == OK && x->transfer.code == CURLE_OK && !x->headed) {
    x->transfer.code = CURLE_PARTIAL_FILE;
    snprintf(x->transfer.reason, sizeof x->transfer.reason, "the answer ended in the middle of its headers");
  }
  if (s != OK) s = stopped(x, s, buf_str(&url), err);
  else if (x->transfer.code != CURLE_OK) s = failed(x, buf_str(&url), err);
  x->out->took = transfer_took(&x->transfer);
  x->out->unsure = s != OK && transfer_was_sent(&x->transfer);
  if (s == OK) read_result(x);
  buf_release(&url);
  return s;
}

/* A part's file that is not there: nothing was sent. */
static enum status unreadable(const struct exchange *x, struct error *err) {
  struct buf url = BUF_INIT;
  show_url(x, &url);
  enum status s = failed(x, buf_str(&url), err);
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
  transfer_watch_longer(l, &x.transfer);
  set_up(&x);
  s = x.transfer.code == CURLE_OK ? exchange_run(l, &x, err) : unreadable(&x, err);
  transfer_close(l, &x.transfer);
  curl_slist_free_all(x.headers);
  curl_mime_free(x.mime);
  buf_release(&x.stray);
  return s;
}
