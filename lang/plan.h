/* The plan: what a runbook will do, read from its text and never produced by running code.
 *
 * lint, dry run, approval screen and engine all walk this. Conditions, texts and bodies stay tree
 * nodes of the runbook's file (plan.unit.file) and are evaluated in its one frame. */
#ifndef STEPWISE_PLAN_H
#define STEPWISE_PLAN_H

#include "program.h"

enum policy { POLICY_DEFAULT, POLICY_HOLD, POLICY_ROLLBACK, POLICY_CONTINUE, POLICY_RETRY, POLICY_SKIP };
enum otherwise { OTHERWISE_FAIL, OTHERWISE_SKIP, OTHERWISE_ASK };

struct guard {
  node_id text, cond; /* text: an expression giving a string */
  enum otherwise otherwise;
  node_id at;
  struct guard *next;
};

struct approval {
  node_id text;
  sym role;
  uint32_t quorum;        /* from a literal; 1 unless given */
  node_id within, use_by; /* expressions giving durations, 0 = default */
  bool self_ok;
  enum policy otherwise; /* when it is denied or lapses; POLICY_DEFAULT = that of the step */
  node_id at;
  struct approval *next;
};

struct verify {
  node_id text;           /* or 0 */
  node_id within, every;  /* or 0 */
  node_id block;
  struct verify *next;
};

struct retry {
  node_id count, backoff, max_backoff, jitter;
  sym *kinds; /* from on: [..]; NULL = transient only */
  size_t kind_count;
};

/* A step's id, unless given, is its label's slug: ASCII letters made lower case and digits stay, every
 * run of other bytes becomes one `-`, none at the ends. An interpolated label's slug is made of its
 * literal parts. "Send test message!" -> "send-test-message". */
struct step {
  const char *label; /* the text as written; when interpolated, label_node too */
  node_id label_node;
  const char *id;    /* slug or id:; unique in the file */
  node_id node;      /* the call of `step`, for places */
  const char *about; /* or NULL */
  const char **links;
  size_t link_count;
  sym requires_role; /* or 0 */
  struct guard *guards;
  struct approval *approvals;
  node_id timeout, deadline; /* expressions or 0 */
  struct retry *retry;       /* or NULL */
  node_id body;              /* N_body; clause calls in it carry NF_CLAUSE and are passed over */
  struct verify *verifies;
  node_id rollback;          /* block, or 0 */
  node_id undo_timeout, undo_retries, undo_backoff; /* of the rollback: expressions or 0 */
  node_id irreversible;      /* expression giving why, or 0 */
  bool writes;               /* the body calls an action with effect :write */
  uint32_t *outputs;         /* slots of the variables the body may assign, in order of text */
  size_t output_count;
  uint32_t *late;            /* of those it assigns only when its rollback is armed already */
  size_t late_count;
  enum policy policy;        /* POLICY_DEFAULT = the runbook's */
};

enum item_kind { ITEM_SECTION, ITEM_STEP, ITEM_PARALLEL, ITEM_EACH_OF, ITEM_IF, ITEM_CASE, ITEM_RUN, ITEM_START, ITEM_ASSIGN };

struct branch {
  node_id cond;      /* if: condition; 0 = else */
  node_id patterns;  /* case: list of patterns; 0 = else */
  struct item *items;
  struct branch *next;
};

struct item {
  enum item_kind kind;
  struct item *next;
  node_id node;          /* for places */
  const char *title;     /* section title, runbook name of run/start */
  struct step *step;     /* ITEM_STEP */
  struct item *items;    /* section, parallel, each_of: the content */
  struct branch *branches; /* if, case */
  node_id subject;       /* case subject; each_of list; run/start: list of pair inputs; assign: the assign node */
  node_id at_once;       /* parallel, each_of, or 0 */
  sym key_name;          /* each_of as: */
  node_id param;         /* each_of block parameter */
  bool unless;           /* if: `unless` */
  uint32_t result_slot;  /* x = run "..." : slot + 1, or 0 */
};

struct trigger {
  node_id text, every; /* every: expression or 0 */
  struct unit unit;    /* a frame of its own; its body is the condition */
  node_id at;
};

struct plan {
  struct program *program;
  const char *name, *title, *about, *source_text, *owner, *reviewed, *reviewed_by;
  const char **tags;
  size_t tag_count;
  struct field *inputs;
  size_t input_count;
  sym requires_role, severity;
  node_id lock, timeout, concurrency;
  enum policy policy;
  node_id on_failure;    /* block with one parameter, or 0 */
  node_id review_every;  /* expression or 0 */
  struct trigger *triggers;
  size_t trigger_count;
  const char **schedules;
  size_t schedule_count;
  struct item *items;
  size_t step_count;
  struct step **steps;   /* in order of text */
  struct unit unit;      /* the runbook's frame */
};

#endif
