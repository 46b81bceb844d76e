/* Connections to mail servers: see smtp_session.h. */
#include "smtp_session.h"

#include <sys/socket.h>
#include <unistd.h>

#include "../../digest.h"

enum { IDLE_MAX = 32, INPUT_MAX = 64 << 10, REPLY_LINES = 1000, SOCKETS = 4 };

struct pool {
  struct smtp_session *idle;
  size_t count;
};

struct smtp_session {
  struct smtp_session *next; /* while idle */
  struct pool *pool;
  struct tasks *tasks;
  struct curl_loop *loop;
  struct transfer transfer;
  curl_socket_t sockets[SOCKETS]; /* while it is being connected; -1: none */
  curl_socket_t fd;
  struct watch *watch;
  struct task *task;      /* who waits */
  char *key;              /* equal keys: the connection may serve both */
  struct buf in;          /* read and not yet looked at */
  struct smtp_reply last; /* while it is being connected */
  int64_t most;
  bool sizes, in_tls, in_login, whole;
};

/* --- replies --- */

/* A reply that is too long ends with a whole word: a part of a secret could not be found. */
static void cut_off(struct smtp_reply *r) {
  static const char dots[] = "...";
  size_t at = SMTP_REPLY - sizeof dots;
  while (at && r->text[at - 1] != ' ')
    at--;
  memcpy(r->text + at, dots, sizeof dots);
  r->cut = true;
}

static void add_line(struct smtp_reply *r, const char *s, size_t len) {
  size_t at = strlen(r->text);
  if (r->cut) return;
  if (at && at < SMTP_REPLY) r->text[at++] = ' ';
  for (; len && at < SMTP_REPLY; s++, len--)
    r->text[at++] = *s >= ' ' && *s < 127 ? *s : '?';
  r->text[at] = 0;
  if (len) cut_off(r);
}

/* "250-first", "250 last": false when it is no line of a reply. */
static bool take_line(struct smtp_reply *r, const char *s, size_t len, bool *whole) {
  while (len && (s[len - 1] == '\r' || s[len - 1] == '\n'))
    len--;
  if (len < 3 || strspn(s, "0123456789") < 3) return false;
  if (*whole) r->text[0] = 0, r->cut = false;
  r->code = (s[0] - '0') * 100 + (s[1] - '0') * 10 + s[2] - '0';
  *whole = len < 4 || s[3] != '-';
  if (len > 4) add_line(r, s + 4, len - 4);
  return true;
}

/* --- while libcurl connects --- */

static size_t take_header(char *data, size_t size, size_t n, void *ud) {
  struct smtp_session *s = ud;
  char number[24];
  (void)size;
  take_line(&s->last, data, n, &s->whole);
  if (n > 8 && strncasecmp(data + 4, "SIZE", 4) == 0) {
    s->sizes = true;
    snprintf(number, sizeof number, "%.*s", (int)(n - 8 < 20 ? n - 8 : 20), data + 8);
    s->most = strtoll(number, NULL, 10);
  }
  return n;
}

/* libcurl waits for the answer to its QUIT with the whole loop; there is none from a closed socket.
 * What it writes to log in is not looked at. */
static int take_debug(CURL *easy, curl_infotype type, char *data, size_t size, void *ud) {
  struct smtp_session *s = ud;
  (void)easy;
  if (type != CURLINFO_HEADER_OUT) return 0;
  if (size >= 4 && memcmp(data, "QUIT", 4) == 0) {
    for (size_t i = 0; i < SOCKETS; i++)
      if (s->sockets[i] >= 0) shutdown(s->sockets[i], SHUT_RDWR);
  } else if (size >= 5 && memcmp(data, "AUTH ", 5) == 0) {
    s->in_login = true;
  } else if (size >= 8 && memcmp(data, "STARTTLS", 8) == 0) {
    s->in_tls = true;
  } else if (size >= 5 && memcmp(data, "EHLO ", 5) == 0) {
    s->in_tls = false;
  }
  return 0;
}

static int note_socket(void *ud, curl_socket_t fd, curlsocktype what) {
  struct smtp_session *s = ud;
  (void)what;
  for (size_t i = 0; i < SOCKETS; i++) {
    if (s->sockets[i] >= 0) continue;
    s->sockets[i] = fd;
    break;
  }
  return CURL_SOCKOPT_OK;
}

static int forget_socket(void *ud, curl_socket_t fd) {
  struct smtp_session *s = ud;
  for (size_t i = 0; i < SOCKETS; i++)
    if (s->sockets[i] == fd) s->sockets[i] = -1;
  return close(fd);
}

static void set_server(struct smtp_session *s, const struct smtp_request *r) {
  static const long ssl[] = {CURLUSESSL_TRY, CURLUSESSL_ALL, CURLUSESSL_NONE};
  CURL *easy = s->transfer.easy;
  struct buf url = BUF_INIT;
  buf_adds(&url, r->url);
  if (r->helo) buf_addf(&url, "/%s", r->helo);
  curl_easy_setopt(easy, CURLOPT_URL, buf_str(&url));
  buf_release(&url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(r->connect_timeout / 1000 + 1));
  curl_easy_setopt(easy, CURLOPT_USE_SSL, ssl[r->tls]);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (r->user) {
    curl_easy_setopt(easy, CURLOPT_USERNAME, r->user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, r->password);
  }
  if (r->ca_file) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
}

static void set_watchers(struct smtp_session *s) {
  CURL *easy = s->transfer.easy;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, s);
  curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, take_debug); /* nothing is written anywhere */
  curl_easy_setopt(easy, CURLOPT_DEBUGDATA, s);
  curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, note_socket);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, s);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, forget_socket);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, s);
}

static const struct {
  CURLcode code;
  const char *kind, *help;
} failures[] = {
    {CURLE_URL_MALFORMAT, "validation", "write it as smtp://host:port"},
    {CURLE_USE_SSL_FAILED, "permission",
     "the server offers no TLS, or refuses it: without it everybody between reads what is sent"},
    {CURLE_PEER_FAILED_VERIFICATION, "permission",
     "the server is not who it should be, or ca_file: must name who vouches for it"},
    {CURLE_SSL_CACERT_BADFILE, "validation", "ca_file: must be a file of certificates (PEM)"},
    {CURLE_SSL_CONNECT_ERROR, "permission", NULL},
    {CURLE_LOGIN_DENIED, "permission", NULL},
    {CURLE_WEIRD_SERVER_REPLY, "provider", NULL},
};

static enum status not_connected(const struct smtp_session *s, const char *url, struct error *err) {
  const char *kind = "transient", *help = NULL;
  CURLcode code = s->transfer.code;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].code == code) kind = failures[i].kind, help = failures[i].help;
  if (s->last.code >= 400) {
    error_set(err, ERR_FAILED, "%s refuses %s: %d %s", url,
              s->in_login ? "the login"
              : s->in_tls ? "TLS"
                          : "the connection",
              s->last.code, s->last.text);
    kind = s->last.code < 500 ? "transient" : s->in_login || s->in_tls ? "permission" : "provider";
  } else {
    error_set(err, ERR_FAILED, "%s: %s", url,
              *s->transfer.reason ? s->transfer.reason : curl_easy_strerror(code));
  }
  if (help) error_help(err, "%s", help);
  error_kind(err, kind);
  return ERR_FAILED;
}

/* libcurl goes on without logging in where the server does not offer it. */
static enum status not_logged_in(const char *url, struct error *err) {
  error_set(err, ERR_FAILED, "%s takes no password, and one is given", url);
  error_help(err, "leave out user: and password:, or name the server's port for those that log in");
  error_kind(err, "permission");
  return ERR_FAILED;
}

/* --- the connection --- */

static void wake(void *ud, int events) {
  struct smtp_session *s = ud;
  (void)events;
  watch_set(s->watch, 0);
  if (s->task) task_wake(s->task);
}

static enum status wait_for(struct smtp_session *s, int events, int64_t until, struct error *err) {
  s->task = task_current(s->tasks);
  watch_set(s->watch, events);
  enum status status = task_await(s->tasks, until, err);
  watch_set(s->watch, 0);
  s->task = NULL;
  return status;
}

enum status smtp_session_write(struct smtp_session *s, const char *p, size_t len, int64_t until,
                               size_t *sent, struct error *err) {
  enum status status = OK;
  while (len && status == OK) {
    size_t n = 0;
    CURLcode code = curl_easy_send(s->transfer.easy, p, len, &n);
    if (code == CURLE_AGAIN) status = wait_for(s, WATCH_WRITE, until, err);
    else if (code != CURLE_OK) status = ERR_FAILED;
    p += n;
    len -= n;
    *sent += n;
  }
  return status;
}

static enum status read_more(struct smtp_session *s, int64_t until, struct error *err) {
  char piece[4096];
  size_t n = 0;
  CURLcode code = curl_easy_recv(s->transfer.easy, piece, sizeof piece, &n);
  if (code == CURLE_AGAIN) return wait_for(s, WATCH_READ, until, err);
  if (code != CURLE_OK || n == 0) return ERR_FAILED;
  buf_add(&s->in, piece, n);
  return s->in.overflow ? ERR_FAILED : OK;
}

enum status smtp_session_reply(struct smtp_session *s, int64_t until, struct smtp_reply *reply,
                               struct error *err) {
  bool whole = true;
  size_t lines = 0;
  enum status status = OK;
  *reply = (struct smtp_reply){0};
  while (status == OK && !(lines && whole)) {
    const char *end = s->in.len ? memchr(s->in.data, '\n', s->in.len) : NULL;
    if (!end) {
      status = read_more(s, until, err);
      continue;
    }
    size_t len = (size_t)(end - s->in.data) + 1;
    /* One without an end, sent as fast as it is read, would hold the loop for ever. */
    if (!take_line(reply, s->in.data, len, &whole) || ++lines > REPLY_LINES) status = ERR_FAILED;
    memmove(s->in.data, s->in.data + len, s->in.len - len);
    buf_truncate(&s->in, s->in.len - len);
  }
  if (status != OK) *reply = (struct smtp_reply){0};
  return status;
}

enum status smtp_session_ask(struct smtp_session *s, const char *line, int64_t until,
                             struct smtp_reply *reply, struct error *err) {
  size_t sent = 0;
  enum status status = smtp_session_write(s, line, strlen(line), until, &sent, err);
  return status == OK ? smtp_session_reply(s, until, reply, err) : status;
}

bool smtp_session_sizes(const struct smtp_session *s, int64_t *most) {
  *most = s->most;
  return s->sizes;
}

/* --- the pool --- */

void smtp_session_drop(struct smtp_session *s) {
  if (!s) return;
  watch_close(s->watch);
  if (s->fd >= 0) shutdown(s->fd, SHUT_RDWR);
  transfer_close(s->loop, &s->transfer);
  buf_release(&s->in);
  mem_free(s->key);
  mem_free(s);
}

static void pool_close(void *p) {
  static const char quit[] = "QUIT\r\n";
  struct pool *pool = p;
  for (struct smtp_session *s = pool->idle, *next; s; s = next) {
    size_t n;
    next = s->next;
    (void)curl_easy_send(s->transfer.easy, quit, sizeof quit - 1, &n);
    smtp_session_drop(s);
  }
  mem_free(pool);
}

static struct pool *pool_of(struct tasks *t) {
  static const char key = 0;
  struct pool *pool = tasks_kept(t, &key);
  if (pool) return pool;
  curl_loop(t); /* kept before, released after */
  pool = mem_zalloc(sizeof *pool);
  tasks_keep(t, &key, pool, pool_close);
  return pool;
}

void smtp_session_keep(struct smtp_session *s) {
  if (s->pool->count == IDLE_MAX) {
    smtp_session_drop(s);
    return;
  }
  s->next = s->pool->idle;
  s->pool->idle = s;
  s->pool->count++;
}

static char *key_of(const struct smtp_request *r) {
  char hash[SHA256_HEX];
  struct buf b = BUF_INIT;
  sha256_hex_of(r->password ? r->password : "", r->password ? strlen(r->password) : 0, hash);
  buf_addf(&b, "%s\n%s\n%s\n%s\n%s\n%d", r->url, r->user ? r->user : "", hash,
           r->ca_file ? r->ca_file : "", r->helo ? r->helo : "", (int)r->tls);
  return buf_take(&b);
}

static struct smtp_session *take_idle(struct pool *pool, const char *key) {
  for (struct smtp_session **at = &pool->idle; *at; at = &(*at)->next) {
    struct smtp_session *s = *at;
    if (strcmp(s->key, key) != 0) continue;
    *at = s->next;
    pool->count--;
    return s;
  }
  return NULL;
}

/* --- opening --- */

static struct smtp_session *session_new(struct tasks *t, struct pool *pool, char *key) {
  struct smtp_session *s = mem_zalloc(sizeof *s);
  s->pool = pool;
  s->tasks = t;
  s->loop = curl_loop(t);
  s->key = key;
  s->fd = -1;
  s->whole = true;
  s->in.max = INPUT_MAX;
  for (size_t i = 0; i < SOCKETS; i++)
    s->sockets[i] = -1;
  return s;
}

static enum status connect_new(struct smtp_session *s, const struct smtp_request *r,
                               const char *url, int64_t until, struct error *err) {
  int64_t now = clock_mono(tasks_clock(s->tasks));
  transfer_open(s->loop, &s->transfer);
  s->transfer.stays = true;
  set_server(s, r);
  set_watchers(s);
  enum status status = transfer_run(s->loop, &s->transfer, until > now ? until - now : 1, err);
  if (status != OK) return status;
  if (s->transfer.code != CURLE_OK) return not_connected(s, url, err);
  curl_easy_getinfo(s->transfer.easy, CURLINFO_ACTIVESOCKET, &s->fd);
  s->watch = s->fd >= 0 ? watch_open(s->tasks, s->fd, wake, s) : NULL;
  if (r->user && !s->in_login) return not_logged_in(url, err);
  return OK;
}

enum status smtp_session_open(struct tasks *t, const struct smtp_request *r, const char *url,
                              int64_t until, struct smtp_session **out, struct error *err) {
  struct pool *pool = pool_of(t);
  struct smtp_reply reply;
  char *key = key_of(r);
  enum status status = OK;
  for (struct smtp_session *s; (s = take_idle(pool, key));) {
    status = smtp_session_ask(s, "RSET\r\n", until, &reply, err);
    if (status == OK && reply.code == 250) {
      mem_free(key);
      *out = s;
      return OK;
    }
    smtp_session_drop(s); /* the server has closed it meanwhile */
    if (status != OK && status != ERR_FAILED) {
      mem_free(key);
      return status;
    }
  }
  struct smtp_session *s = session_new(t, pool, key);
  status = connect_new(s, r, url, until, err);
  if (status == OK) *out = s;
  else smtp_session_drop(s);
  return status;
}
