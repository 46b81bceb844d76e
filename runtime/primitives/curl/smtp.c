/* SMTP over a session that libcurl has opened: see ../smtp.h. */
#include "../smtp.h"

#include "curl.h"
#include "smtp_session.h"

struct exchange {
  struct tasks *tasks;
  const struct smtp_request *request;
  struct smtp_response *out;
  struct smtp_session *session;
  const char *url; /* as it may be shown */
  int64_t until;
  struct buf wire; /* the message as it travels: no line of it is a dot */
  size_t sent;     /* bytes of it that the network has taken */
};

/* --- what went wrong --- */

static enum status refuses(const struct exchange *x, const char *what, const struct smtp_reply *r,
                           struct error *err) {
  error_set(err, ERR_FAILED, "%s refuses %s: %d %s", x->url, what, r->code, r->text);
  error_kind(err, smtp_class(r));
  if (r->code < 500) err->retry_after = US_SECOND; /* "later" is all that it says of when */
  return ERR_FAILED;
}

/* Of refused recipients the reply that weighs most: what may pass, then what stops everybody. */
static enum status nobody_accepted(const struct exchange *x, struct error *err) {
  const struct smtp_reply *worst = &x->out->to[0];
  for (size_t i = 1; i < x->request->to_count; i++) {
    const char *is = smtp_class(&x->out->to[i]);
    if (strcmp(smtp_class(worst), "transient") != 0 &&
        (strcmp(is, "transient") == 0 || strcmp(is, "permission") == 0))
      worst = &x->out->to[i];
  }
  return refuses(x, x->request->to_count == 1 ? "the recipient" : "every recipient", worst, err);
}

static enum status stopped(const struct exchange *x, enum status s, struct error *err) {
  char took[32], kind[ERROR_KIND_MAX];
  if (s == ERR_WAITING) {
    took_text(x->request->timeout, took);
    error_set(err, ERR_FAILED, "%s: not done within %s", x->url, took);
    error_kind(err, "transient");
    return ERR_FAILED;
  }
  if (s == ERR_FAILED && !err->message) {
    error_set(err, ERR_FAILED, "%s: the connection was lost", x->url);
    error_kind(err, "transient");
  }
  if (s == ERR_FAILED) return s;
  snprintf(kind, sizeof kind, "%s", err->kind);
  error_set(err, s, "mail to %s was stopped: %s", x->url,
            s == ERR_CANCELLED ? "it was cancelled" : "it took longer than its time limit");
  error_kind(err, kind);
  return s;
}

/* --- the dialogue --- */

static enum status ask(struct exchange *x, struct smtp_reply *reply, struct error *err,
                       const char *fmt, ...) like_printf(4, 5);
static enum status ask(struct exchange *x, struct smtp_reply *reply, struct error *err,
                       const char *fmt, ...) {
  struct buf line = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&line, fmt, ap);
  va_end(ap);
  buf_adds(&line, "\r\n");
  enum status s = smtp_session_ask(x->session, buf_str(&line), x->until, reply, err);
  buf_release(&line);
  return s;
}

static enum status name_sender(struct exchange *x, struct error *err) {
  struct smtp_reply *r = &x->out->last;
  int64_t most;
  bool sizes = smtp_session_sizes(x->session, &most);
  enum status s = sizes ? ask(x, r, err, "MAIL FROM:<%s> SIZE=%zu", x->request->from, x->wire.len)
                        : ask(x, r, err, "MAIL FROM:<%s>", x->request->from);
  return s == OK && r->code / 100 != 2 ? refuses(x, "the sender", r, err) : s;
}

static enum status name_recipients(struct exchange *x, struct error *err) {
  size_t accepted = 0;
  for (size_t i = 0; i < x->request->to_count; i++) {
    struct smtp_reply *r = &x->out->to[i];
    enum status s = ask(x, r, err, "RCPT TO:<%s>", x->request->to[i]);
    if (s != OK) return s;
    accepted += r->code / 100 == 2;
  }
  return accepted ? OK : nobody_accepted(x, err);
}

static enum status send_message(struct exchange *x, struct error *err) {
  struct smtp_reply *r = &x->out->last;
  enum status s = ask(x, r, err, "DATA");
  if (s == OK && r->code != 354) return refuses(x, "the message", r, err);
  if (s == OK)
    s = smtp_session_write(x->session, x->wire.data, x->wire.len, x->until, &x->sent, err);
  if (s == OK) s = smtp_session_reply(x->session, x->until, r, err);
  /* The server has all of it, its end too: whether it took it is not known. */
  x->out->unsure = s != OK && x->sent == x->wire.len;
  return s == OK && r->code / 100 != 2 ? refuses(x, "the message", r, err) : s;
}

/* A line that begins with a dot gets a second one, and the end is a line of one. */
static void write_wire(struct exchange *x) {
  const char *s = x->request->data, *end = s + x->request->len;
  while (s < end) {
    const char *line = memchr(s, '\n', (size_t)(end - s));
    size_t len = line ? (size_t)(line - s) + 1 : (size_t)(end - s);
    if (*s == '.') buf_addc(&x->wire, '.');
    buf_add(&x->wire, s, len);
    s += len;
  }
  buf_adds(&x->wire, ".\r\n");
}

/* One that was refused by a reply may serve the next message; any other end closes the connection.
 */
static void put_back(struct exchange *x, enum status s, bool answered) {
  if (!x->session) return;
  if (s == OK || answered) smtp_session_keep(x->session);
  else smtp_session_drop(x->session);
}

enum status smtp_carry(struct tasks *t, const struct smtp_request *request,
                       struct smtp_response *out, struct error *err) {
  struct buf url = BUF_INIT;
  struct exchange x = {.tasks = t, .request = request, .out = out};
  enum status s = task_poll(t, err);
  if (s != OK) return s;
  url_shown(request->url, &url);
  x.url = buf_str(&url);
  x.until = clock_add(clock_mono(tasks_clock(t)), request->timeout);
  write_wire(&x);
  s = smtp_session_open(t, request, x.url, x.until, &x.session, err);
  if (s == OK) s = name_sender(&x, err);
  if (s == OK) s = name_recipients(&x, err);
  if (s == OK) s = send_message(&x, err);
  put_back(&x, s, s == ERR_FAILED && err->message != NULL && out->last.code != 421);
  if (s != OK) s = stopped(&x, s, err);
  buf_release(&x.wire);
  buf_release(&url);
  return s;
}
