/* A message handed to a mail server: what a request is, and its answer. The module carries it out
 * (curl.h).
 *
 * In a task. A transfer that is cancelled or too slow is aborted there and then. Connections that
 * ended well are kept for the next message to the same server. Certificates are always checked, and
 * a password never goes over a connection that is not what the request asks for. */
#ifndef STEPWISE_SMTP_H
#define STEPWISE_SMTP_H

#include "../task.h"

enum { SMTP_RECIPIENTS = 100, SMTP_REPLY = 500 /* bytes of a reply's text that are kept */ };

enum smtp_tls {
  SMTP_TLS_OPTIONAL, /* STARTTLS where the server offers it */
  SMTP_TLS_REQUIRED,
  SMTP_TLS_NEVER
};

struct smtp_request {
  const char *url;  /* smtp://host:port or smtps://host:port */
  const char *helo; /* the name we go by, or NULL: this machine's */
  const char *from; /* where what cannot be delivered comes back to */
  const char *const *to;
  size_t to_count;
  const char *data; /* the whole message, lines ended by CR LF */
  size_t len;
  const char *user, *password; /* or NULL */
  enum smtp_tls tls;
  const char *ca_file;              /* certificates to trust instead of the system's, or NULL */
  int64_t timeout, connect_timeout; /* us; timeout is for all of it */
};

/* What a server answered; code 0: nothing. */
struct smtp_reply {
  int code;
  char text[SMTP_REPLY + 1]; /* the lines joined by spaces; what is no printable ASCII is ? */
  bool cut; /* there was more of it */
};

struct smtp_response {
  struct smtp_reply *to;  /* one for each recipient, made by the caller, zeroed */
  struct smtp_reply last; /* to the message as a whole */
  bool unsure; /* it failed after all was sent and before it was answered: it may be on its way */
};

/* The class of a refusal, by its enhanced status (RFC 3463) where it has one: transient for 4yz; of
 * others refused (the mailbox), permission (we are not allowed), validation (the message),
 * provider. */
const char *smtp_class(const struct smtp_reply *reply);

#endif
