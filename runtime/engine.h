/* Runs a checked plan: the one place where the world is changed, and every change is journalled.
 *
 * An engine holds a loop, a journal and somebody to ask; it carries any number of runs, each a
 * task. What happens is told twice: as events (the journal's own, for machines) and as notices
 * (people). */
#ifndef STEPWISE_ENGINE_H
#define STEPWISE_ENGINE_H

#include "../lang/plan.h"
#include "journal.h"
#include "prompt.h"
#include "task.h"

enum notice_kind {
  NOTICE_RUN,          /* text: title, id: run, detail: actor */
  NOTICE_SECTION,      /* text */
  NOTICE_STEP,         /* text: label, id, n of how many */
  NOTICE_LINK,         /* text: where there is more to read */
  NOTICE_STEP_DONE,    /* us */
  NOTICE_STEP_SKIPPED, /* text: label, id, detail: reason */
  NOTICE_STEP_FAILED,  /* error, detail: what follows from it */
  NOTICE_RETRY,        /* error, n: attempt, us: delay */
  NOTICE_ACTION,       /* text: binding.action; a write begins */
  NOTICE_ACTION_DONE,  /* text, us; error when it failed; progress of a batch */
  NOTICE_PROGRESS,     /* text: binding.action, id: the batch, progress, us: since it began */
  NOTICE_PAUSED,       /* the same, detail: why nothing is sent for now */
  NOTICE_VERIFIED,     /* text or NULL */
  NOTICE_ANSWER,       /* text: question, detail: answer; not typed here */
  NOTICE_APPROVAL,     /* text, detail: by whom, until when, and the command */
  NOTICE_APPROVED,     /* text, detail: by whom, n: 1 when glass was broken */
  NOTICE_PAGED,        /* text, detail: whom */
  NOTICE_PAGE,         /* text: how it goes with a page; n: 1 when that is bad */
  NOTICE_NOTE,         /* text */
  NOTICE_SHOW,         /* text: name or NULL, value */
  NOTICE_FINDING,      /* text, detail: kind */
  NOTICE_FOLLOW_UP,    /* text, detail: owner and due, or NULL */
  NOTICE_WAIT,         /* text: what for and how long */
  NOTICE_ROLLING_BACK, /* n: steps to undo */
  NOTICE_ROLLBACK,     /* text: label, id */
  NOTICE_ROLLBACK_DONE,
  NOTICE_ROLLBACK_PASSED, /* text: label, detail: why it cannot be undone */
  NOTICE_ROLLBACK_FAILED, /* error */
  NOTICE_INTERRUPTED,     /* a signal came: detail says what happens now */
  NOTICE_LEFT,            /* id: a run that is left as it is; text: why it is not recorded, or NULL */
  NOTICE_END              /* text: state, id: run, detail: what an operator can do, error or NULL */
};

/* How far a batch is. */
struct progress {
  int64_t total, done; /* done: of them, those that are not sent any more */
  int64_t sent, refused, unsure;
  int64_t per_minute; /* lately */
  int64_t asked;      /* a second, where its end was clearly slower; else 0 */
  int64_t reached;    /* then: a minute, without pauses */
  int64_t left_us;    /* time left, or -1 */
  bool minute;        /* a minute has passed since one that had this */
  bool last;          /* it has ended */
};

struct notice {
  enum notice_kind kind;
  /* Where it comes from, filled in by the engine: ids, "" outside a step; which of the branches that
   * go on side by side, or NULL; and where its places and symbols are. */
  const char *run, *step, *branch;
  bool drill;
  const struct program *program;
  const char *text, *id, *detail;
  uint32_t n, of;
  int64_t us;
  value value;
  const struct error *error;
  const struct progress *progress; /* of a batch; NULL: there is none */
};

struct observer {
  void *ud;
  void (*event)(void *ud, const struct event *e);   /* or NULL; once it is committed */
  void (*notice)(void *ud, const struct notice *n); /* or NULL */
  void (*turn)(void *ud); /* or NULL; once a turn, before a commit or a wait: what was told may be shown now */
};

struct engine;
struct drill;
struct owners;
struct site;
struct secrets;
struct engine_config {
  struct clock *clock;
  struct journal *journal;
  const struct prompter *prompter;
  const struct observer *observer;
  struct owners *owners; /* or NULL: the engine's own */
  struct site *site;     /* or NULL: nobody has said who holds a role, drivers are the defaults */
  int64_t wait_us;       /* without a terminal: how long to wait for approvals before the run is parked */
  const char *tail;      /* follows commands that people are told: " --journal PATH", or NULL */
  const char *state_dir; /* where embedded drivers and locks live; made when first needed */
  struct secrets *secrets; /* what is kept out of everything that is written, or NULL: the engine's own */
};
struct engine *engine_new(const struct engine_config *config) must_use; /* borrows all of it */
void engine_free(struct engine *g);
struct tasks *engine_tasks(struct engine *g);
struct secrets *engine_secrets(struct engine *g);
/* Signals reach fn too, before the runs, and also while there is none. */
void engine_on_signal(struct engine *g, void (*fn)(void *ud, int signum), void *ud);
/* Who owns live runs of the journal: this process takes and drops runs here and nowhere else. */
struct owners *engine_owners(struct engine *g);

/* A given input: text from the command line, or a value. */
struct given_input {
  const char *name;
  value value; /* borrowed */
  bool typed;  /* it has the type it was given with: a text is no list */
};

/* Which run began this one, where in its plan, and whether it waits. */
struct run_parent {
  const char *run, *place;
  bool waits;
};

/* Going on with a run that the journal has: its texts, inputs and options are those it began with.
 * The caller has taken the run (engine_owners) before it loaded the history. */
struct history;
struct resume {
  struct history *history; /* borrowed until the run has ended */
  const char *reason;      /* or NULL */
  const char *from;        /* pass over what is not done of the steps before this one; or NULL */
  const char *const *skip; /* step ids to pass over */
  size_t skip_count;
  bool plan_changed; /* it goes on with other texts than it began with */
  bool back;         /* do nothing more and undo what was done */
  const char *to;    /* back: id of a step that stays done, with what was done before it; or NULL */
};

struct run_result;
struct run_options {
  const struct given_input *inputs;
  size_t input_count;
  const char *const *roles; /* that the operator says to hold */
  size_t role_count;
  const char *from, *only; /* step ids, or NULL */
  const char *const *skip; /* step ids */
  size_t skip_count;
  const char *skip_reason;
  const struct run_parent *parent; /* or NULL */
  const char *trigger;             /* what started it, when that is no person; or NULL */
  bool virtual_clock; /* recorded: the run's waits took no time */
  struct drill *drill; /* or NULL: a run like any other, or one that its journal tells of */
  struct site *site;           /* the run's own, or NULL: that of the engine */
  const struct resume *resume; /* or NULL: a new run. inputs are then those that are secret */
  bool page_and_go; /* a page waits for no acknowledgement */
  bool inputs_unknown; /* a plan: an input that nobody gives is an unknown value */
  /* Called in the run's task when all of it is over, with what engine_start was given; or NULL. */
  void (*ended)(void *ud, struct run_result *result);
  void *ud;
};

struct run_result {
  enum run_state state; /* RUN_NONE: it was never started (see error) */
  bool declined, interrupted, journal_lost;
  char id[RUN_ID_MAX];
  struct error error; /* what it failed of; the caller releases it */
};

/* Runs the program's plan; it goes on while the loop runs. program, options and out are borrowed
 * until the run has ended. May be called in a task too. */
void engine_start(struct engine *g, struct program *program, const struct run_options *options,
                  struct run_result *out);
/* Returns when every run has ended. */
void engine_wait(struct engine *g);
/* Both, for one run. */
void engine_run(struct engine *g, struct program *program, const struct run_options *options,
                struct run_result *out);

#endif
