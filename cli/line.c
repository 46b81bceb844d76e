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

enum status line_read(struct line *l, const char *question, bool secret, int64_t until,
                      struct buf *out, struct error *err) {
  struct termios before, quiet;
  bool hidden = secret && tcgetattr(STDIN_FILENO, &before) == 0;
  if (hidden) { /* before the question: who answers it at once is not shown either */
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  fputs(question, l->out);
  fflush(l->out);
  enum status status = OK;
  l->rest.max = 1 << 20;
  while (status == OK && !take_line(l, out))
    status = fill(l, until, err);
  if (hidden) tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
  if (hidden || status != OK) putc('\n', l->out);
  return status;
}

void line_release(struct line *l) {
  if (l->rest.data) explicit_bzero(l->rest.data, l->rest.cap);
  buf_release(&l->rest);
}
