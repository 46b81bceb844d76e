/* Programs of the operating system: started with a list of arguments, never through a shell,
 * watched on the loop, and stopped for certain.
 *
 * A child is the head of its own session, so that a signal reaches what it started too. Cancelled,
 * or past its time limit, the whole group gets TERM, and KILL when it is not gone after the grace;
 * the child is reaped and every pipe closed before process_run returns, whatever happens. What the
 * child leaves running in the background after it ended by itself stays, and is not waited for.
 * Should this process die, the child is killed by the kernel: nothing goes on that nobody watches.
 */
#ifndef STEPWISE_PROCESS_H
#define STEPWISE_PROCESS_H

#include "task.h"
#include "../lang/buf.h"

enum { PROCESS_FILES = 4, PROCESS_OUTPUT = 1 << 20 };

struct process_text {
  const char *s; /* NULL: none */
  size_t len;
};
struct process_var {
  const char *name;
  const char *value; /* NULL: not in the child's environment */
};

struct process_spec {
  const char *const
      *args;       /* NULL-terminated; args[0] is looked for on PATH unless it has a slash */
  const char *dir; /* NULL: ours */
  const struct process_var *env; /* on top of our own environment */
  size_t env_count;
  struct process_text input; /* its standard input; none: /dev/null */
  /* Texts it can open as /dev/fd/3, /dev/fd/4 ...: in memory, so that nothing is left on disk. */
  struct process_text files[PROCESS_FILES];
  size_t file_count;
  size_t max;       /* bytes kept of each output; 0 = PROCESS_OUTPUT */
  bool stop_at_max; /* an output past max stops it; else it goes on and the rest is dropped */
  int64_t timeout;  /* us; 0 = none of its own */
  int64_t grace;    /* us between TERM and KILL; 0 = the default */
  bool terminal;    /* stays in our session, so that it may ask the person at the terminal */
};

struct process_result {
  bool started;
  int status; /* what it ended with; -1 when by a signal */
  int signal; /* or 0 */
  struct buf out, err;
  uint64_t out_bytes, err_bytes; /* all that it wrote */
};

/* Runs it to its end. In a task; or, with t NULL or outside of tasks, on a loop of its own.
 *
 * OK when it ran and ended, well or not. Else ERR_NOT_FOUND, ERR_IO: it did not start. Or it was
 * stopped: ERR_CANCELLED; kind "limit", the task's; kind "transient", its own timeout; ERR_LIMIT,
 * it wrote more than max and stop_at_max was set. *out holds what is known in every case;
 * process_result_release frees it. */
enum status process_run(struct tasks *t, const struct process_spec *spec,
                        struct process_result *out, struct error *err) must_use;
void process_result_release(struct process_result *r);
/* "ended with status 3", "was killed by the signal TERM". */
void process_how(const struct process_result *r, struct buf *out);
/* The last lines of what it said on its standard error (or output), in one line, from a whole word on;
 * "" when nothing. */
void process_said(const struct process_result *r, struct buf *out);

#endif
