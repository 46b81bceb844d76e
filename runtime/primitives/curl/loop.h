/* libcurl on the loop of tasks: one multi handle, which keeps connections for whoever asks next.
 *
 * A transfer is opened, given its options, run and closed. On the loop's thread only. */
#ifndef STEPWISE_CURL_LOOP_H
#define STEPWISE_CURL_LOOP_H

#include <curl/curl.h>

#include "../../task.h"
#include "../../../lang/buf.h"
#include "../../url.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or later is needed"
#endif

struct curl_loop;

struct transfer {
  CURL *easy;                   /* for curl_easy_setopt */
  CURLcode code;                /* out: how it ended */
  char reason[CURL_ERROR_SIZE]; /* out: what libcurl says of that, or "" */
  struct task *task;
  bool done;
  bool stays; /* its connection stays the handle's own, for curl_easy_send, until transfer_close */
};

/* That of these tasks, made at the first call; it is closed with their loop. */
struct curl_loop *curl_loop(struct tasks *t);

/* A handle with what every transfer has set: no signals, errors to x->reason. x is zeroed before,
 * and stays where it is. */
void transfer_open(struct curl_loop *l, struct transfer *x);
/* Its connections are watched as long as they are open, not anew for each transfer; they are not left to
 * children. Not for one whose connection is watched by the caller. */
void transfer_watch_longer(struct curl_loop *l, struct transfer *x);
/* In a task. Carries it out. OK: it has ended with x->code. ERR_WAITING: it had not within timeout
 * us. Else as task_await. What is still under way on return is aborted, its connection closed;
 * one that stays and ended well is not. */
enum status transfer_run(struct curl_loop *l, struct transfer *x, int64_t timeout,
                         struct error *err) must_use;
void transfer_close(struct curl_loop *l, struct transfer *x); /* NULL-safe as to its handle, which is used again */

/* Whether anything may have reached the server: a connection was ready to be written to. */
bool transfer_was_sent(const struct transfer *x);

int64_t transfer_took(const struct transfer *x); /* us */

#endif
