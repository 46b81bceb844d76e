/* Run-time errors: their words, class and place. */
#include "buf.h"

static char *format(const char *fmt, va_list ap) {
  struct buf b = {.max = 64 << 10};
  buf_vaddf(&b, fmt, ap);
  if (b.overflow) buf_adds(&b, "(a message too long to print)");
  return buf_take(&b);
}

enum status error_set(struct error *e, enum status status, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *message = format(fmt, ap);
  va_end(ap);
  mem_free(e->message);
  mem_free(e->help);
  e->message = message;
  e->help = NULL;
  e->kind[0] = '\0';
  e->retry_after = 0;
  e->status = status;
  return status;
}

void error_help(struct error *e, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  char *help = format(fmt, ap);
  va_end(ap);
  mem_free(e->help);
  e->help = help;
}

void error_kind(struct error *e, const char *kind) {
  snprintf(e->kind, sizeof e->kind, "%s", kind);
}

void error_at(struct error *e, struct span at) {
  if (e->has_at) return;
  e->at = at;
  e->has_at = true;
}

void error_release(struct error *e) {
  mem_free(e->message);
  mem_free(e->help);
  *e = (struct error){0};
}

void error_move(struct error *dst, struct error *src) {
  error_release(dst);
  *dst = *src;
  *src = (struct error){0};
}

void error_also(struct error *e, struct error *more) {
  if (!e->message) return error_move(e, more);
  struct buf b = BUF_INIT;
  bool help = more->help && !(e->help && strcmp(e->help, more->help) == 0);
  buf_addf(&b, "%s\n  %s", e->message, more->message ? more->message : "failed");
  if (help) buf_addf(&b, "; %s", more->help);
  mem_free(e->message);
  e->message = buf_take(&b);
  error_release(more);
}
