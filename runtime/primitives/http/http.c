/* HTTP by libcurl, whose sockets and timer are watched on the loop: see ../http.h.
 *
 * One multi handle for each loop, kept by it. libcurl says which sockets it wants watched; when one
 * is ready it works on, and says which transfers ended; their tasks are woken. */
#include "../http.h"

#include <curl/curl.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed"
#endif

struct http {
  struct tasks *tasks;
  CURLM *multi;
  struct alarm *alarm;
};

struct socket {
  struct http *http;
  struct watch *watch;
  curl_socket_t fd;
};

struct transfer {
  const struct http_request *request;
  struct http_response *out;
  struct task *task;
  CURL *easy;
  struct curl_slist *headers;
  char reason[CURL_ERROR_SIZE];
  CURLcode code;
  bool done, too_large, strayed;
};

/* --- the loop --- */

static void wake_ended(struct http *h) {
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
    struct transfer *x = NULL;
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
    x->code = m->data.result;
    x->done = true;
    task_wake(x->task);
  }
}

static void socket_ready(void *ud, int events) {
  struct socket *s = ud;
  struct http *h = s->http; /* s may be gone after the call */
  int running, mask = 0;
  if (events & WATCH_READ) mask |= CURL_CSELECT_IN;
  if (events & WATCH_WRITE) mask |= CURL_CSELECT_OUT;
  curl_multi_socket_action(h->multi, s->fd, mask, &running);
  wake_ended(h);
}

static void time_passed(void *ud) {
  struct http *h = ud;
  int running;
  curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  wake_ended(h);
}

static int want_time(CURLM *multi, long ms, void *ud) {
  struct http *h = ud;
  (void)multi;
  alarm_set(h->alarm, ms < 0 ? CLOCK_NEVER : (int64_t)ms * 1000);
  return 0;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *assigned) {
  struct http *h = ud;
  struct socket *s = assigned;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (s) watch_close(s->watch);
    mem_free(s);
    return 0;
  }
  if (!s) {
    s = mem_alloc(sizeof *s);
    *s = (struct socket){.http = h, .fd = fd};
    s->watch = watch_open(h->tasks, fd, socket_ready, s);
    curl_multi_assign(h->multi, fd, s);
  }
  if (s->watch)
    watch_set(s->watch,
              (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0));
  return 0;
}

static void http_close(void *p) {
  struct http *h = p;
  curl_multi_cleanup(h->multi);
  alarm_close(h->alarm);
  curl_global_cleanup();
  mem_free(h);
}

static struct http *http_of(struct tasks *t) {
  static const char key = 0;
  struct http *h = tasks_kept(t, &key);
  if (h) return h;
  h = mem_zalloc(sizeof *h);
  curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free, mem_realloc, mem_strdup,
                       mem_array);
  h->tasks = t;
  h->alarm = alarm_open(t, time_passed, h);
  h->multi = curl_multi_init();
  if (!h->multi) mem_out();
  curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
  curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
  curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, want_time);
  curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
  tasks_keep(t, &key, h, http_close);
  return h;
}

/* --- what comes in --- */

static size_t take_body(char *data, size_t size, size_t n, void *ud) {
  struct transfer *x = ud;
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
  struct transfer *x = ud;
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

static void set_headers(struct transfer *x) {
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
  curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_method(struct transfer *x) {
  const struct http_request *r = x->request;
  if (strcmp(r->method, "HEAD") == 0) {
    curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
  } else if (r->body || strcmp(r->method, "POST") == 0) {
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
  }
  /* Those that libcurl knows become a GET where a redirect says so. */
  if (strcmp(r->method, "GET") && strcmp(r->method, "HEAD") && strcmp(r->method, "POST"))
    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_credentials(struct transfer *x) {
  const struct http_request *r = x->request;
  if (r->user) {
    curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(x->easy, CURLOPT_USERNAME, r->user);
    curl_easy_setopt(x->easy, CURLOPT_PASSWORD, r->password ? r->password : "");
  } else if (r->bearer) {
    curl_easy_setopt(x->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(x->easy, CURLOPT_XOAUTH2_BEARER, r->bearer);
  }
  if (r->ca_file) {
    curl_easy_setopt(x->easy, CURLOPT_CAINFO, r->ca_file);
    curl_easy_setopt(x->easy, CURLOPT_CAPATH, NULL);
  }
}

/* Before each request: libcurl keeps credentials from other servers, and knows of no other secrets. */
static int may_send(void *ud, char *to, char *from, int to_port, int from_port) {
  struct transfer *x = ud;
  char *url = NULL;
  (void)to, (void)from, (void)to_port, (void)from_port;
  curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
  size_t len = url_server(x->request->url);
  x->strayed = x->request->stays && url &&
               (url_server(url) != len || strncasecmp(url, x->request->url, len) != 0);
  return x->strayed ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static void set_up(struct transfer *x) {
  const struct http_request *r = x->request;
  curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
  curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->reason);
  curl_easy_setopt(x->easy, CURLOPT_URL, r->url);
  curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(x->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L); /* an abort does not wait for the resolver */
  curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "stepwise/" STEPWISE_VERSION);
  curl_easy_setopt(x->easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(x->easy, CURLOPT_FOLLOWLOCATION, r->follow > 0 ? 1L : 0L);
  curl_easy_setopt(x->easy, CURLOPT_MAXREDIRS, r->follow);
  curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_timeout / 1000 + 1));
  curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, may_send);
  curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
  curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(x->easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(x->easy, CURLOPT_HEADERDATA, x);
  set_method(x);
  set_headers(x);
  set_credentials(x);
}

/* --- what went wrong --- */

/* The URL without what may be secret in it: user and password, query, fragment. */
static void url_shown(const char *url, struct buf *out) {
  const char *host = strstr(url, "://");
  host = host ? host + 3 : url;
  size_t len = strcspn(host, "/?#");
  const char *at = memrchr(host, '@', len);
  buf_add(out, url, (size_t)(host - url));
  if (at) host = at + 1;
  buf_add(out, host, strcspn(host, "?#"));
}

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

static enum status too_large(const struct transfer *x, const char *url, struct error *err) {
  error_set(err, ERR_LIMIT, "%s %s was stopped: the answer has more than %zu bytes",
            x->request->method, url, x->request->max);
  error_help(err, "say max: with more bytes");
  error_kind(err, "provider");
  return ERR_LIMIT;
}

static enum status strayed(const struct transfer *x, const char *url, struct error *err) {
  error_set(err, ERR_FAILED, "%s %s was stopped: it is redirected to another server, and a header of it is secret",
            x->request->method, url);
  error_help(err, "ask the other server itself, or say follow: 0");
  error_kind(err, "provider");
  return ERR_FAILED;
}

static enum status failed(const struct transfer *x, const char *url, struct error *err) {
  const char *kind = "transient", *help = NULL;
  if (x->too_large) return too_large(x, url, err);
  if (x->strayed) return strayed(x, url, err);
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].code == x->code) kind = failures[i].kind, help = failures[i].help;
  error_set(err, ERR_FAILED, "%s %s: %s", x->request->method, url,
            *x->reason ? x->reason : curl_easy_strerror(x->code));
  if (help) error_help(err, "%s", help);
  error_kind(err, kind);
  return ERR_FAILED;
}

static enum status stopped(const struct transfer *x, enum status s, const char *url,
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

/* Whether anything may have reached the server: a connection was ready to be written to. */
static bool was_sent(const struct transfer *x) {
  curl_off_t at = 0;
  curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &at);
  return at > 0;
}

static enum status transfer_wait(struct http *h, struct transfer *x, struct error *err) {
  int64_t until = clock_add(clock_mono(tasks_clock(h->tasks)), x->request->timeout);
  enum status s = OK;
  while (s == OK && !x->done)
    s = task_await(h->tasks, until, err);
  return x->done ? OK : s;
}

static void read_result(struct transfer *x) {
  char *url = NULL;
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->out->status);
  curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
  x->out->url = mem_strdup(url ? url : x->request->url);
}

static enum status transfer_run(struct http *h, struct transfer *x, struct error *err) {
  struct buf url = BUF_INIT;
  enum status s = OK;
  url_shown(x->request->url, &url);
  curl_multi_add_handle(h->multi, x->easy);
  s = transfer_wait(h, x, err);
  if (s != OK) s = stopped(x, s, buf_str(&url), err);
  else if (x->code != CURLE_OK) s = failed(x, buf_str(&url), err);
  x->out->unsure = s != OK && was_sent(x);
  curl_multi_remove_handle(h->multi, x->easy); /* one under way is closed by this */
  if (s == OK) read_result(x);
  buf_release(&url);
  return s;
}

static enum status request(struct tasks *t, const struct http_request *request,
                           struct http_response *out, struct error *err) {
  struct http *h = http_of(t);
  struct transfer x = {
      .request = request, .out = out, .task = task_current(t), .easy = curl_easy_init()};
  enum status s = task_poll(t, err);
  if (!x.easy) mem_out();
  if (s == OK) {
    set_up(&x);
    s = transfer_run(h, &x, err);
  }
  curl_easy_cleanup(x.easy);
  curl_slist_free_all(x.headers);
  return s;
}

extern const struct http_module stepwise_http;
__attribute__((visibility("default")))
const struct http_module stepwise_http = {HTTP_MODULE_VERSION, request};
