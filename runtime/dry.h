/* What a run would do, without doing it: the plan is walked with everything that is known now.
 *
 * Reads are performed (unless offline), writes are not, nobody is asked. What a write or a person
 * would give is an unknown value; what depends on one is unknown, never guessed, and both branches
 * of an unknown condition are walked. After a write through a binding its reads are unknown too:
 * the answer of now would be that of before the change. Nothing is written anywhere. */
#ifndef STEPWISE_DRY_H
#define STEPWISE_DRY_H

#include "engine.h"
#include "plan_hash.h"

enum dry_outcome {
  DRY_NO_CHANGE,
  DRY_CHANGE,  /* at least one write for certain */
  DRY_UNKNOWN, /* writes that depend on what is unknown */
  DRY_SKIPPED,
  DRY_FAILS, /* as things are now */
  DRY_OUTCOMES
};

enum dry_truth { DRY_NONE, DRY_HOLDS, DRY_HOLDS_NOT, DRY_OPEN /* unknown until run */ };

/* One thing that a step would do or ask. */
enum dry_kind {
  DRY_GUARD,       /* text; truth; detail: otherwise */
  DRY_APPROVAL,    /* text; detail: who, how many, until when */
  DRY_LIMIT,       /* text */
  DRY_CONDITION,   /* text: "if x > 1"; what depends on it follows, one deeper */
  DRY_WRITE,       /* text: binding.action, args; detail: its lease, or of a batch how it would go */
  DRY_READ,        /* text, args; truth HOLDS: performed, OPEN: not, HOLDS_NOT: failed; detail: why */
  DRY_QUESTION,    /* text; detail: of what kind */
  DRY_CHECK,       /* expect, verify, wait_until: text; truth; detail: which, how long */
  DRY_WAIT,        /* text */
  DRY_SHOW,        /* text: the name, detail: the value */
  DRY_NOTE,        /* text */
  DRY_PAGE,        /* text; detail: whom */
  DRY_CHILD,       /* text: runbook, args: its inputs; detail: whether it is waited for */
  DRY_STOP,        /* text: what ends the step or the run */
  DRY_PROBLEM,     /* text: why it would fail; detail: where */
  DRY_UNDO,        /* what undoes it follows, one deeper; text: nothing or a remark */
  DRY_NO_WAY_BACK, /* text: why */
  DRY_KINDS
};

struct dry_arg {
  const char *name;  /* borrowed */
  char *text, *json; /* owned: as people read it, and tagged as the journal has it */
  bool given;
};

struct dry_line {
  enum dry_kind kind;
  enum dry_truth truth;
  uint16_t depth;
  bool batch;                   /* an action for each item of a list */
  bool maybe, undo;             /* under an unknown condition; in the rollback */
  char *text, *detail, *result; /* owned or NULL; result: JSON of what a read gave */
  struct dry_arg *args;
  size_t arg_count;
};

struct dry_step {
  const char *id, *label, *about; /* label rendered */
  const char *section;            /* the title of the innermost, or NULL */
  const char *child;              /* the runbook of a child run, or NULL */
  uint32_t number;
  enum dry_outcome outcome;
  bool reached;              /* false: as things are, an earlier step stops the run */
  bool maybe;                /* stands under an unknown condition */
  bool handler;              /* not a step: the runbook's on_failure block */
  const char *policy, *then; /* on_failure that holds here: its word; what follows */
  const char *reason;        /* why it is skipped or fails, or NULL */
  bool can_undo, no_way_back;
  uint32_t writes, certain; /* write actions, those that are reached for certain */
  struct dry_line *lines;
  size_t line_count, line_cap;
};

/* One change of the world, for the list at the end. */
struct dry_change {
  char *step, *text;
  bool maybe, reached;
};

struct dry_end {
  uint32_t steps, outcomes[DRY_OUTCOMES], problems, unreached;
  const struct dry_change *changes;
  size_t change_count;
  const char *stops_at, *stops_why, *then; /* the step that fails as things are, or NULL */
  const char *practice; /* by which of its drivers nothing would go out, or NULL */
  char plan_sha[SHA256_HEX];
};

enum dry_note_kind {
  DRY_NOTE_HEAD,     /* run: begins; text: title, detail: runbook's name */
  DRY_NOTE_INPUT,    /* text: name, detail: its value; unknown, n: 1 when it is the default */
  DRY_NOTE_FACT,     /* text: "lock", detail: what is known of it */
  DRY_NOTE_PROBLEM,  /* error: why the run could not start */
  DRY_NOTE_SECTION,  /* text */
  DRY_NOTE_BRANCH,   /* text: "if input.x"; truth; what depends on it follows, one deeper */
  DRY_NOTE_EACH,     /* text: of what; n items; truth OPEN: nobody knows how many */
  DRY_NOTE_ITEM,     /* an item of it begins: n of `of`; after the last one n = of + 1 */
  DRY_NOTE_PARALLEL, /* text: how many at once */
  DRY_NOTE_CHILD,    /* text: the runbook, detail: its inputs; its own plan follows, one deeper */
  DRY_NOTE_PASSED, /* text: a runbook that is not run; detail: why */
  DRY_NOTE_STEP,     /* step */
  DRY_NOTE_STOPS,    /* text: as things are the run stops here, and why */
  DRY_NOTE_END       /* end */
};

struct dry_note {
  enum dry_note_kind kind;
  uint32_t level;                   /* how deep in branches, loops and child runs */
  const char *text, *detail, *json; /* json: an input's value, tagged */
  enum dry_truth truth;
  uint32_t n, of;
  const struct dry_step *step;
  const struct error *error;
  const struct dry_end *end;
};

struct dry_observer {
  void *ud;
  void (*note)(void *ud, const struct dry_note *n);
};

struct dry_options {
  bool offline;       /* no reads either */
  bool inputs_needed; /* a missing input is an error; else it is unknown */
};

/* Walks the program's plan on the engine's loop. The engine is as for a run, with a journal opened
 * in JOURNAL_LOOK, and starts nothing. OK: it was told, problems included (*problems: how many keep
 * a run from starting). ERR_VALUE and others: there is no plan to tell (inputs that are wrong);
 * ERR_CANCELLED: interrupted. */
enum status dry_run(struct engine *g, struct program *program, const struct run_options *options,
                    const struct dry_options *dry, const struct dry_observer *observer,
                    uint32_t *problems, struct error *err) must_use;

#endif
