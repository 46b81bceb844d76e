/* Reading lines. The terminal's own line discipline edits them: that costs no library, leaves
 * Ctrl-C to the loop, and works where a prompt has a time limit. */
#include "line.h"

#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include "../lang/limits.h"

static bool take_line(struct line *l, struct buf *out) {
  const char *nl = l->rest.len ? memchr(l->rest.data, '\n', l->rest.len) : NULL;
  if (!nl) return false;
  size_t n = (size_t)(nl - l->rest.data);
  buf_add(out, l->rest.data, n && nl[-1] == '\r' ? n - 1 : n);
  memmove(l->rest.data, nl + 1, l->rest.len - n - 1);
  buf_truncate(&l->rest, l->rest.len - n - 1);
  return true;
}

static enum status fill(struct line *l, int64_t until, struct error *err) {
  enum { PIECE = 4096 };
  enum status status = task_readable(l->tasks, STDIN_FILENO, until, err);
  if (status != OK) return status;
  char *to = buf_reserve(&l->rest, PIECE);
  ssize_t n = to ? read(STDIN_FILENO, to, PIECE) : 0;
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return OK;
  if (n <= 0) return error_set(err, ERR_WAITING, "the terminal's input has ended");
  l->rest.len += (size_t)n;
  return OK;
}

/* A question that stands there. */
struct read {
  const char *question;
  struct termios before;
  bool hidden;
};

/* One that came in between; its own task waits for the answer. */
struct urgent {
  struct task *task;
  struct buf *out;
  bool answered;
};

static void ask_now(struct line *l, const char *question) {
  fputs(question, l->out);
  fflush(l->out);
}

static void hide(struct read *r, bool secret) {
  struct termios quiet;
  r->hidden = secret && tcgetattr(STDIN_FILENO, &r->before) == 0;
  if (!r->hidden) return;
  quiet = r->before;
  quiet.c_lflag &= ~(tcflag_t)ECHO;
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
}

void line_show(struct line *l) {
  if (l->reading && l->reading->hidden) tcsetattr(STDIN_FILENO, TCSADRAIN, &l->reading->before);
}

static void answer_urgent(struct line *l, const struct buf *text) {
  struct urgent *u = l->urgent;
  l->urgent = NULL;
  u->answered = true;
  buf_add(u->out, text->data, text->len);
  task_wake(u->task);
}

void line_again(struct line *l) {
  if (l->reading) ask_now(l, l->reading->question);
}

static enum status read_line(struct line *l, int64_t until, struct buf *out, struct error *err) {
  enum status status = OK;
  l->rest.max = 1 << 20;
  for (;;) {
    while (status == OK && !take_line(l, out))
      status = fill(l, until, err);
    if (status != OK || !l->urgent) return status;
    answer_urgent(l, out);
    buf_clear(out);
  }
}

/* Whoever waits with a question of his own is let in. */
static void read_ended(struct line *l) {
  l->reading = NULL;
  if (l->urgent) task_wake(l->urgent->task);
  else if (l->next) task_wake(l->next);
}

static enum status wait_turn(struct line *l, struct error *err) {
  enum status status = OK;
  while (status == OK && l->reading) {
    l->next = task_current(l->tasks);
    status = task_park(l->tasks, err);
    l->next = NULL;
  }
  return status;
}

enum status line_read(struct line *l, const char *question, bool secret, int64_t until,
                      struct buf *out, struct error *err) {
  struct read r = {.question = question};
  enum status status = wait_turn(l, err);
  if (status != OK) return status;
  l->reading = &r;
  hide(&r, secret); /* before the question: who answers it at once is not shown either */
  ask_now(l, question);
  status = read_line(l, until, out, err);
  line_show(l);
  if (r.hidden || status != OK) putc('\n', l->out);
  read_ended(l);
  return status;
}

enum status line_read_urgent(struct line *l, const char *question, struct buf *out,
                             struct error *err) {
  struct urgent u = {.task = task_current(l->tasks), .out = out};
  if (!l->reading) return line_read(l, question, false, CLOCK_NEVER, out, err);
  l->urgent = &u;
  ask_now(l, question);
  enum status status = OK;
  while (status == OK && !u.answered && l->reading)
    status = task_park(l->tasks, err);
  if (l->urgent == &u) l->urgent = NULL;
  if (status != OK || u.answered) return status;
  return line_read(l, question, false, CLOCK_NEVER, out, err);
}

void line_release(struct line *l) {
  if (l->rest.data) explicit_bzero(l->rest.data, l->rest.cap);
  buf_release(&l->rest);
}
