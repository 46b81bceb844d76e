/* A provider on loopback that honours keys, for the benches of batches: as little work as a server can
 * do, so that what is measured is who asks it.
 *
 * usage: key_server        prints its port, ends with its standard input
 * POST with Idempotency-Key and a JSON body that has "to": a key that is new delivers to that recipient, one
 * that is known gives the same answer again. GET answers with one line: deliveries, recipients, the most
 * that one recipient got, and requests whose key was known. POST without a key delivers too. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PLACES = 1 << 18, ROOM = 16384, NAME = 80 };

/* A set of texts with a number each; open addressing, FNV-1a. */
struct counted {
  char name[NAME];
  uint32_t n;
};
struct table {
  struct counted *items;
  size_t count;
};

static struct counted *find(struct table *t, const char *name) {
  uint32_t hash = 2166136261u;
  for (const char *p = name; *p; p++)
    hash = (hash ^ (unsigned char)*p) * 16777619u;
  for (uint32_t i = hash;; i++) {
    struct counted *c = &t->items[i & (PLACES - 1)];
    if (*c->name && strcmp(c->name, name) != 0) continue;
    if (!*c->name) snprintf(c->name, sizeof c->name, "%s", name), t->count++;
    return c;
  }
}

struct server {
  struct table keys, people;
  uint32_t deliveries, most, known;
};

struct client {
  int fd;
  size_t len;
  char in[ROOM];
};

/* A header's value, or the text behind a mark in the body, up to one of the ends. */
static int take(const char *from, const char *mark, const char *ends, char out[NAME]) {
  const char *at = strcasestr(from, mark);
  if (!at) return 0;
  at += strlen(mark);
  at += strspn(at, " ");
  size_t n = strcspn(at, ends);
  if (n >= NAME) n = NAME - 1;
  memcpy(out, at, n);
  out[n] = '\0';
  return 1;
}

static void deliver(struct server *s, const char *head, const char *body, char id[32]) {
  char key[NAME], to[NAME];
  struct counted *k = take(head, "\nIdempotency-Key:", "\r", key) ? find(&s->keys, key) : NULL;
  if (k && k->n) {
    s->known++;
  } else if (take(body, "\"to\":\"", "\"", to)) {
    struct counted *p = find(&s->people, to);
    if (++p->n > s->most) s->most = p->n;
    s->deliveries++;
    if (k) k->n = s->deliveries;
  }
  snprintf(id, 32, "M%u", k ? k->n : s->deliveries);
}

static void reply(int fd, const char *text) {
  char out[512];
  int n = snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(text), text);
  for (int at = 0; at < n;) {
    ssize_t put = write(fd, out + at, (size_t)(n - at));
    if (put < 0 && errno != EAGAIN) return;
    if (put > 0) at += (int)put;
  }
}

/* One request, when all of it is there: how many bytes it has. */
static size_t serve(struct server *s, struct client *c) {
  char *end = memmem(c->in, c->len, "\r\n\r\n", 4);
  char length[NAME] = "0", id[32], text[128];
  if (!end) return 0;
  *end = '\0';
  (void)take(c->in, "\nContent-Length:", "\r", length);
  size_t head = (size_t)(end - c->in) + 4, whole = head + strtoul(length, NULL, 10);
  if (whole > c->len) {
    *end = '\r';
    return 0;
  }
  char last = c->in[whole];
  c->in[whole] = '\0';
  if (strncmp(c->in, "GET", 3) == 0) {
    snprintf(text, sizeof text, "%u %zu %u %u\n", s->deliveries, s->people.count, s->most, s->known);
  } else {
    deliver(s, c->in, c->in + head, id);
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"state\":\"queued\"}", id);
  }
  c->in[whole] = last;
  reply(c->fd, text);
  return whole;
}

static int heard(struct server *s, struct client *c) {
  ssize_t n = read(c->fd, c->in + c->len, sizeof c->in - 1 - c->len);
  if (n < 0) return errno == EAGAIN;
  if (n == 0) return 0;
  c->len += (size_t)n;
  for (size_t used; c->len && (used = serve(s, c));) {
    memmove(c->in, c->in + used, c->len - used);
    c->len -= used;
  }
  return c->len < sizeof c->in - 1;
}

static int listening(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t len = sizeof at;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1024) ||
      getsockname(fd, (struct sockaddr *)&at, &len)) {
    perror("key_server");
    exit(1);
  }
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  return fd;
}

static void watch(int loop, int fd, void *what) {
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = what};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
}

static void welcome(int loop, int from) {
  int fd, one = 1;
  while ((fd = accept4(from, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
    struct client *c = calloc(1, sizeof *c);
    if (!c) exit(1);
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(loop, fd, c);
  }
}

int main(void) {
  struct server s = {{calloc(PLACES, sizeof(struct counted)), 0}, {calloc(PLACES, sizeof(struct counted)), 0}, 0, 0, 0};
  int loop = epoll_create1(0), from = listening();
  struct epoll_event events[64];
  if (!s.keys.items || !s.people.items) return 1;
  watch(loop, from, &from);
  watch(loop, STDIN_FILENO, &loop);
  for (;;) {
    int n = epoll_wait(loop, events, 64, -1);
    for (int i = 0; i < n; i++) {
      struct client *c = events[i].data.ptr;
      if (events[i].data.ptr == &loop) return 0;
      if (events[i].data.ptr == &from) welcome(loop, from);
      else if (!heard(&s, c)) close(c->fd), free(c);
    }
  }
}
