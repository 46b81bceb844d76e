/* How the engine asks people. The command line implements it, for a terminal (cli/ask.c) and for an
 * answers file (cli/answers.c); the engine checks every answer and journals it. */
#ifndef STEPWISE_PROMPT_H
#define STEPWISE_PROMPT_H

#include "../lang/program.h"
#include "value.h"

enum prompt_kind {
  PROMPT_CONFIRM,  /* yes or no */
  PROMPT_CHOOSE,   /* one of the options, by its text or number */
  PROMPT_ASK,      /* a value of a type */
  PROMPT_MANUAL,   /* done by hand; evidence may be wanted */
  PROMPT_APPROVAL, /* approve or deny, by somebody */
  PROMPT_INPUT,    /* an input of the runbook */
  PROMPT_PAGE      /* somebody has the page: "ack", with a remark behind it or none */
};
extern const char *const prompt_kind_name[]; /* "confirm" ... as the journal has them */

struct prompt {
  enum prompt_kind kind;
  const char *step;           /* id; "" before the first step */
  const char *branch;         /* which of the branches that go on side by side asks, or NULL */
  const char *text;           /* the question; for an input, its name */
  const char *about;          /* more for the reader, or NULL */
  const char *problem;        /* why the last answer was refused, or NULL */
  const char *const *options; /* choose */
  size_t option_count;
  const char *suggest; /* choose, ask: what Enter alone means, or NULL */
  const char *type;    /* ask, input: the type's text */
  const char *role;    /* approval */
  const char *as;      /* approval: the account that answers; NULL: a name is asked for */
  uint32_t given, quorum;
  bool evidence, secret;
  int64_t until; /* clock_mono time, or CLOCK_NEVER */
};

/* All owned by the engine once given. */
struct answer {
  value value;   /* text as typed, or a value of the answers file; nil: Enter alone */
  char *by;      /* approval: who, or NULL */
  char *comment; /* evidence, or the reason of a denial; or NULL */
};
void answer_release(struct answer *a);

enum verdict { VERDICT_NONE, VERDICT_APPROVE, VERDICT_DENY };
/* What a text says to an approval, whatever its case and the blanks around it. */
enum verdict approval_verdict(const char *text);

struct prompter {
  void *ud;
  bool interactive;   /* there is a person at a terminal */
  const char *source; /* of the last answer: "terminal" or "file" */
  bool again;         /* the last answer came from a person, who may correct it */
  /* In a task. ERR_WAITING when there is nobody to answer (the message names the question) or the
   * limit passed, ERR_CANCELLED when interrupted. */
  enum status (*ask)(void *ud, const struct prompt *q, struct answer *out, struct error *err);
  /* For Ctrl-C while a run is being stopped or rolled back; only when interactive. In a task of its
   * own, beside a question that may stand there: whether the person wants to leave all as it is,
   * now. what: what would be cut off. */
  bool (*leave)(void *ud, const char *what);
  void (*quit)(void *ud); /* ends the process; does not return */
};

#endif
