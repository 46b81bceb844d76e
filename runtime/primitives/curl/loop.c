/* libcurl, whose sockets and timer are watched on the loop: see loop.h.
 *
 * libcurl says which sockets it wants watched; when one is ready it works on, and says which
 * transfers ended; their tasks are woken. A connection that was opened here is watched until it is closed
 * here: libcurl wants it no more at the end of each transfer, and again at the beginning of the next. */
#include "loop.h"

#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_MAX = 64, HOST_CONNECTIONS = 64, KEPT_CONNECTIONS = 256 };

struct curl_loop {
  struct tasks *tasks;
  CURLM *multi;
  struct alarm *alarm;
  CURL *idle[IDLE_MAX]; /* handles that are used again */
  size_t idle_count;
  struct socket **opened; /* by descriptor; NULL: not opened here */
  size_t opened_count;
};

struct socket {
  struct curl_loop *loop;
  struct watch *watch;
  curl_socket_t fd;
  int wanted, watched; /* WATCH_* */
  bool opened;         /* here */
  bool lasts;          /* connected: its closing will be told */
};

/* --- the loop --- */

static void wake_ended(struct curl_loop *l) {
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(l->multi, &left));) {
    struct transfer *x = NULL;
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
    x->code = m->data.result;
    x->done = true;
    task_wake(x->task);
  }
}

static void socket_watch(struct socket *s, int events) {
  if (s->watch && s->watched != events) watch_set(s->watch, events);
  s->watched = events;
}

static void socket_ready(void *ud, int events) {
  struct socket *s = ud;
  struct curl_loop *l = s->loop; /* s may be gone after the call */
  int running, mask = 0;
  if (!s->wanted) return socket_watch(s, 0); /* the server has closed it, most likely */
  if (events & WATCH_READ) mask |= CURL_CSELECT_IN;
  if (events & WATCH_WRITE) mask |= CURL_CSELECT_OUT;
  curl_multi_socket_action(l->multi, s->fd, mask, &running);
  wake_ended(l);
}

static void time_passed(void *ud) {
  struct curl_loop *l = ud;
  int running;
  curl_multi_socket_action(l->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  wake_ended(l);
}

static int want_time(CURLM *multi, long ms, void *ud) {
  struct curl_loop *l = ud;
  (void)multi;
  alarm_set(l->alarm, ms < 0 ? CLOCK_NEVER : (int64_t)ms * 1000);
  return 0;
}

static struct socket *socket_new(struct curl_loop *l, curl_socket_t fd) {
  struct socket *s = mem_alloc(sizeof *s);
  *s = (struct socket){.loop = l, .fd = fd};
  s->watch = watch_open(l->tasks, fd, socket_ready, s);
  return s;
}

static void socket_free(struct socket *s) {
  if (!s) return;
  if (s->opened) s->loop->opened[s->fd] = NULL;
  watch_close(s->watch);
  mem_free(s);
}

static struct socket *socket_at(const struct curl_loop *l, curl_socket_t fd) {
  return (size_t)fd < l->opened_count ? l->opened[fd] : NULL;
}

/* Whether it is the transfer's connection, ended and kept: its closing will be told. Of an attempt to connect
 * that was given up there is no word when it is closed, but that it is not wanted any more is said then; the
 * number may be another's by now. */
static bool socket_lasts(struct socket *s, CURL *easy) {
  curl_socket_t kept = CURL_SOCKET_BAD;
  if (s->opened && !s->lasts)
    s->lasts = curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &kept) == CURLE_OK && kept == s->fd;
  return s->lasts;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ud, void *assigned) {
  struct curl_loop *l = ud;
  struct socket *s = assigned ? assigned : socket_at(l, fd);
  if (what == CURL_POLL_REMOVE) {
    if (s && socket_lasts(s, easy)) s->wanted = 0;
    else socket_free(s);
    return 0;
  }
  if (!s) s = socket_new(l, fd);
  if (!assigned) curl_multi_assign(l->multi, fd, s);
  s->wanted = (what & CURL_POLL_IN ? WATCH_READ : 0) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0);
  socket_watch(s, s->wanted);
  return 0;
}

/* The number is that of an attempt which was closed just now; libcurl believes that it is watched. */
static void socket_renew(struct socket *s) {
  int events = s->watched;
  watch_close(s->watch);
  s->watch = watch_open(s->loop->tasks, s->fd, socket_ready, s);
  s->watched = 0;
  s->lasts = false;
  socket_watch(s, events);
}

static curl_socket_t socket_open(void *ud, curlsocktype purpose, struct curl_sockaddr *at) {
  struct curl_loop *l = ud;
  curl_socket_t fd = socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
  (void)purpose;
  if (fd < 0) return CURL_SOCKET_BAD;
  if ((size_t)fd >= l->opened_count) {
    size_t count = (size_t)fd + 64;
    l->opened = mem_realloc(l->opened, count * sizeof(struct socket *));
    memset(l->opened + l->opened_count, 0, (count - l->opened_count) * sizeof(struct socket *));
    l->opened_count = count;
  }
  if (l->opened[fd]) return socket_renew(l->opened[fd]), fd;
  l->opened[fd] = socket_new(l, fd);
  l->opened[fd]->opened = true;
  return fd;
}

static int socket_close(void *ud, curl_socket_t fd) {
  socket_free(socket_at(ud, fd));
  return close(fd);
}

static void loop_close(void *p) {
  struct curl_loop *l = p;
  while (l->idle_count)
    curl_easy_cleanup(l->idle[--l->idle_count]);
  curl_multi_cleanup(l->multi);
  for (size_t i = 0; i < l->opened_count; i++)
    socket_free(l->opened[i]);
  alarm_close(l->alarm);
  curl_global_cleanup();
  mem_free(l->opened);
  mem_free(l);
}

struct curl_loop *curl_loop(struct tasks *t) {
  static const char key = 0;
  struct curl_loop *l = tasks_kept(t, &key);
  if (l) return l;
  l = mem_zalloc(sizeof *l);
  curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, mem_free, mem_realloc, mem_strdup,
                       mem_array);
  l->tasks = t;
  l->alarm = alarm_open(t, time_passed, l);
  l->multi = curl_multi_init();
  if (!l->multi) mem_out();
  curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
  curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
  curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, want_time);
  curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
  curl_multi_setopt(l->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)HOST_CONNECTIONS);
  curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
  tasks_keep(t, &key, l, loop_close);
  return l;
}

/* --- transfers --- */

void transfer_watch_longer(struct curl_loop *l, struct transfer *x) {
  curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
  curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, l);
  curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
  curl_easy_setopt(x->easy, CURLOPT_CLOSESOCKETDATA, l);
}

void transfer_open(struct curl_loop *l, struct transfer *x) {
  x->easy = l->idle_count ? l->idle[--l->idle_count] : curl_easy_init();
  if (!x->easy) mem_out();
  curl_easy_setopt(x->easy, CURLOPT_PRIVATE, x);
  curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->reason);
  curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L); /* an abort does not wait for the resolver */
}

enum status transfer_run(struct curl_loop *l, struct transfer *x, int64_t timeout,
                         struct error *err) {
  int64_t until = clock_add(clock_mono(tasks_clock(l->tasks)), timeout);
  enum status s = OK;
  x->task = task_current(l->tasks);
  curl_multi_add_handle(l->multi, x->easy);
  while (s == OK && !x->done)
    s = task_await(l->tasks, until, err);
  x->stays = x->stays && x->done && x->code == CURLE_OK;
  if (!x->stays) curl_multi_remove_handle(l->multi, x->easy); /* one under way is closed by this */
  return x->done ? OK : s;
}

void transfer_close(struct curl_loop *l, struct transfer *x) {
  if (!x->easy) return;
  if (x->stays) curl_multi_remove_handle(l->multi, x->easy);
  if (l->idle_count == IDLE_MAX) {
    curl_easy_cleanup(x->easy);
  } else {
    curl_easy_reset(x->easy);
    l->idle[l->idle_count++] = x->easy;
  }
  x->easy = NULL;
}

bool transfer_was_sent(const struct transfer *x) {
  curl_off_t at = 0;
  curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &at);
  return at > 0;
}

int64_t transfer_took(const struct transfer *x) {
  curl_off_t us = 0;
  curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &us);
  return us;
}
