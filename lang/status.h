/* How a function says what went wrong: a status, and where it matters an error with its words.
 *
 * Every function that can fail returns enum status and leaves its result in an out-pointer that is
 * touched only on OK. A struct error carries what a person reads: what, where, what to do. Memory
 * that runs out is not a status: mem.h ends the process (the journal makes that safe). */
#ifndef STEPWISE_STATUS_H
#define STEPWISE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define must_use __attribute__((warn_unused_result))
#define like_printf(f, a) __attribute__((format(printf, f, a)))

enum status {
  OK = 0,
  ERR_SYNTAX,    /* text does not parse */
  ERR_CHECK,     /* text parses but cannot run: names, types, shapes */
  ERR_TYPE,      /* a value of the wrong type at run time */
  ERR_VALUE,     /* a value out of range: division by zero, bad index, overflow, bad regexp */
  ERR_LIMIT,     /* too deep, too large, too long */
  ERR_NOT_FOUND, /* no such file, run, step, name */
  ERR_CONFLICT,  /* somebody else has it, or it is already otherwise */
  ERR_IO,        /* the operating system refused */
  ERR_JOURNAL,   /* the journal cannot be used */
  ERR_FAILED,    /* a step failed: expect, verify, fail!, an action's error */
  ERR_CANCELLED, /* declined by a person, interrupted, or timed out from outside */
  ERR_STOP,      /* not a failure: skip! or finish unwinding to its step or run */
  ERR_WAITING    /* cannot go on without an operator */
};

/* A piece of one file: byte offsets, end one past. file is an index into the program's files. */
struct span {
  uint32_t file;
  uint32_t start, end;
};

#define ERROR_KIND_MAX 48

/* An error at run time. Zero-initialise; error_release frees; error_set replaces what was there.
 * kind is the failure's class without the colon ("transient", "validation", "stop_surge" ...). */
struct error {
  enum status status;
  char kind[ERROR_KIND_MAX];
  char *message; /* owned; one sentence, no full stop needed */
  char *help;    /* owned or NULL: what to do */
  int64_t retry_after; /* us: whoever was asked wants to be left alone so long; 0: said nothing */
  struct span at;
  bool has_at;
};

/* Sets status and message, keeps an already known place, drops the old kind and help and the time to
 * wait. Returns status. */
enum status error_set(struct error *e, enum status status, const char *fmt, ...) like_printf(3, 4);
void error_help(struct error *e, const char *fmt, ...) like_printf(2, 3);
void error_kind(struct error *e, const char *kind);
/* Records the place unless one is known already: the innermost place wins. */
void error_at(struct error *e, struct span at);
void error_release(struct error *e);
/* One more problem: its message is added as a further line, with its help; takes more. */
void error_also(struct error *e, struct error *more);
/* Moves src into dst (released first) and leaves src empty. */
void error_move(struct error *dst, struct error *src);

#endif
