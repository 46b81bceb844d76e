/* A connection to a mail server, logged in, on which one message goes after the other.
 *
 * libcurl connects, does STARTTLS and logs in; what follows is said here, because libcurl waits for
 * the answer to a message with the whole loop. On the loop's thread, in a task. */
#ifndef STEPWISE_SMTP_SESSION_H
#define STEPWISE_SMTP_SESSION_H

#include "../smtp.h"
#include "loop.h"

struct smtp_session;

/* One that is idle, or a new one. until: clock_mono time; ERR_WAITING when it passes. Else as
 * task_await, or ERR_FAILED with kind and message (url: as it may be shown). */
enum status smtp_session_open(struct tasks *t, const struct smtp_request *r, const char *url,
                              int64_t until, struct smtp_session **out, struct error *err) must_use;
/* Sends a line and waits for its reply. ERR_FAILED without a message: the connection is lost. */
enum status smtp_session_ask(struct smtp_session *s, const char *line, int64_t until,
                             struct smtp_reply *reply, struct error *err) must_use;
/* Sends bytes; *sent counts those that the network has taken. */
enum status smtp_session_write(struct smtp_session *s, const char *p, size_t len, int64_t until,
                               size_t *sent, struct error *err) must_use;
enum status smtp_session_reply(struct smtp_session *s, int64_t until, struct smtp_reply *reply,
                               struct error *err) must_use;
/* Whether the server says how large a message may be, and how large (0: as it likes). */
bool smtp_session_sizes(const struct smtp_session *s, int64_t *most);
void smtp_session_keep(struct smtp_session *s); /* for the next message */
void smtp_session_drop(struct smtp_session *s); /* NULL-safe; closes it at once */

#endif
