/* Live runs and their lanes, as the engine's files share them. Private to the
 * engine. */
#ifndef STEPWISE_RUN_H
#define STEPWISE_RUN_H

#include "announce.h"
#include "drill.h"
#include "driver.h"
#include "engine.h"
#include "lease.h"
#include "owner.h"
#include "replay.h"
#include "plan_hash.h"
#include "secret_store.h"
#include "secrets.h"
#include "site.h"

enum {
  DEFAULT_RETRIES = 3, /* on_failure :retry without retries */
  STEP_ID_MAX = 1000,  /* bytes; less than the journal's EVENT_NAME_MAX */
  ROLLBACK_RETRIES = 2, /* without retries:, for failures of the kind :transient */
  VALUE_MAX = 1 << 20, /* bytes of one value in an event; a larger one goes into the text table */
  LIST_MAX = 4 << 10   /* the same of a batch's list, which every process that goes on tells again */
};
#define DEFAULT(id, us, what) static const int64_t LIMIT_##id = us;
#include "limits.def"
#undef DEFAULT

struct engine {
  struct engine_config config;
  struct tasks *tasks;
  struct run *runs;          /* live, chained */
  uint32_t lanes;            /* live, of all runs */
  struct task *leaving;      /* asks whether to leave the runs as they are; or NULL */
  struct owners *owners;
  struct secrets *secrets; /* never NULL */
  struct sync_wait *waiting; /* tasks that wait for the next commit */
  struct sync_wait **waiting_end;
  uint32_t waiting_count, waiting_seen; /* how many; how many of them the last turn saw */
  int64_t waiting_since;
  struct gate_wait *gates; /* lanes that wait for an approval */
  struct page_wait *pages; /* and those that wait until somebody has a page */
  int64_t watched, look_at; /* of watch_journal.c: the last event seen, the next look */
  struct ask_wait *asking; /* who asks a person, and those who wait to, in order */
  int64_t pending_since;     /* first event not committed yet; 0 = none */
  bool journal_lost;
  struct error journal_error;
  struct announce announce; /* events that the observer is told of once they are committed */
  void (*on_signal)(void *ud, int signum); /* or NULL */
  void *signal_ud;
};

/* The action that nobody knows of whether it happened. */
struct step_doubt {
  const struct action *action; /* NULL: none */
  uint32_t call;
  char key[65];
};

struct step_run {
  const struct step *step;
  struct lane *lane; /* where it ran: its rollback sees that lane's variables */
  char *id;    /* owned; with the item's key in an each_of */
  char *label; /* owned; rendered */
  uint32_t attempt, calls, prompts;
  uint32_t number; /* of the run's steps, in the order they were begun */
  int64_t started; /* clock_mono */
  bool writing;    /* a write action was begun in this attempt */
  bool unsafe;     /* one that may not be repeated */
  bool armed, in_doubt;
  bool did; /* a write action of it succeeded, or nobody knows */
  bool done; /* it came to its end */
  enum policy policy; /* of its gate that was not passed; POLICY_DEFAULT: that of the step holds */
  bool rolling_back;
  struct step_past *past; /* of a resumed run: what the journal has of it, or NULL */
  struct replay *replay;  /* what its attempt did before; until the attempt begins; owned */
  bool again;             /* it was begun before and goes on */
  bool gate_due;          /* guards and approvals are to be checked before it does anything */
  bool undo_again;        /* its rollback was under way */
  int64_t armed_seq;      /* of a step armed before: by which event */
  struct step_doubt doubt;
  size_t log_from; /* in the log of assignments: where the step begins */
  size_t log_to;   /* and where it ended, or LOG_OPEN: its rollback sees the variables of then */
  struct book *books;      /* of the batches that it sent; owned */
  struct child_run *child; /* owned: this is no step but a run that was waited for */
  struct step_run *before; /* in run.armed */
};

#define LOG_OPEN SIZE_MAX

enum stop { STOP_NONE, STOP_SKIP, STOP_FINISH };

/* Why a lane is to stop: a signal came, a branch beside it failed, or the run that waits for it is
 * to stop. */
enum halt { HALT_NONE, HALT_SIGNAL, HALT_BRANCH, HALT_PARENT };

/* What a branch failed of. The lane that waits for it meets it under this policy. */
struct failure {
  struct error err; /* status OK: none */
  struct step_run *step;
  enum policy policy;
};

/* One thread of control of a run: its main line, or a branch of it that goes on beside others. A
 * branch has a copy of the variables; its steps and their rollbacks see that copy, so it lives until
 * its run ends. */
struct lane {
  struct run *run;
  struct lane *outer; /* the lane that waits for this branch; NULL for the main line */
  struct lane *next;  /* in run.lanes */
  struct task *task;
  struct eval eval;    /* its ud is the lane */
  struct eval_log log; /* what its steps assigned */
  struct error err;    /* where the evaluator leaves errors */
  struct step_run *at; /* the step under way; of a branch that failed, the one it failed in */
  struct buf item_key; /* "[web-1]" inside each_of; part of every step's id */
  char *name;          /* for people: which branch this is; NULL for the main line; owned */
  enum stop stop;
  char *stop_reason; /* owned */
  enum halt halt;
  struct replay *replay; /* what is told again before anything is done; owned */
  int64_t clock_us;      /* what `now` says until something happens */
  bool clock_known;
  uint32_t clock_reads; /* outside of steps */
  bool from_seen; /* the step of --from was met */
  bool paging; /* the action under way delivers a page: no effect of the step, and never in doubt */
  uint32_t armed;      /* steps of it that were armed, all in all */
  struct group *group;     /* of a branch: what it is one of */
  struct lane *group_next; /* of those that are over */
  const struct item *item; /* of a branch of parallel: what it does */
  uint32_t number;     /* of a branch: from 0, in the order of the text or the list */
  struct failure failure;
};

struct run {
  struct engine *engine;
  struct run *next;
  struct lane main;
  struct lane *lanes; /* the main line last, branches before it; owned */
  struct program *program;
  struct plan *plan;
  const struct run_options *options;
  struct site *site; /* or NULL; borrowed */
  struct drill *drill; /* or NULL; a reference */
  struct run_result *result;
  char id[RUN_ID_MAX];
  struct {
    char *by, *reason; /* owned; NULL: nobody */
    bool rollback; /* what was done is undone */
    bool undo;     /* that alone was asked for */
  } cancel;        /* somebody elsewhere asked for it */
  char plan_sha[SHA256_HEX]; /* of all its texts; from run.started on */
  char *lock; /* what it locks, or NULL; owned */
  struct step_run *armed; /* of all lanes, latest first; owned */
  char *undo_to;          /* id of a step that stays done when the run is undone, or NULL; owned */
  uint32_t number;     /* steps begun or passed over */
  uint32_t total;      /* steps there will be, as far as is known by now */
  int64_t waits_until; /* what it is parked for ends then (wall time), or 0 */
  bool parked;      /* its terminal is gone: it waits for an operator */
  bool some_failed; /* under on_failure :continue */
  bool rolling_back, in_handler;
  uint32_t signals; /* how many asked it to stop */
  bool handled; /* its on_failure block is not called any more */
  struct child_run *child; /* what its parent has of it; NULL: nobody began it */
  struct family *family;   /* programs of the runs it may begin */
  bool wrote; /* a write action was begun */
  bool glass; /* somebody broke glass to approve a step */
  bool begun, recorded; /* run.started is appended; and committed */
  struct history *history; /* of a resumed run; borrowed */
  struct resumed *resumed; /* its options; owned */
  bool walking;            /* branches may not be where they were yet */
  bool walk_failed;        /* one of them failed before, and fails again */
  bool back;               /* it is walked through to be undone */
  size_t visited, to_visit; /* steps that the journal has */
  int64_t first_seq;        /* of run.started: what this process owns; 0: nothing yet */
  uint32_t handler_calls;
  struct driver_settings *settings; /* of the drivers it uses; owned */
  uint32_t *used;      /* secrets that it used, by their numbers; owned */
  size_t used_count, used_cap;
  struct run_lease *leases; /* taken, latest first; owned */
  int64_t started;    /* clock_mono */
  int spare_fd;       /* of spare.c; -1 until it is needed */
  char *spare;        /* its path; owned */
  bool spare_failed;  /* not all of them could be written */
  struct buf unproven; /* write actions that ended and whose outcome is not committed, for people */
  struct buf practice; /* drivers that it writes by and that reach nobody, for people */
  struct buf unsaved; /* events of a rollback that the journal has not committed */
};

/* --- record.c: events --- */

/* The JSON object of an event, built field by field. Values too large for it go into the journal's
 * text table and stand in it as {"$text": sha256}. */
struct record {
  struct buf data;
  struct buf *texts; /* owned; what run_record puts into the text table */
  size_t text_count, text_cap;
};
void record_text(struct record *r, const char *name, const char *text); /* NULL: nothing */
void record_texts(struct record *r, const char *name, const char *const *texts, size_t count);
void record_int(struct record *r, const char *name, int64_t i);
void record_bool(struct record *r, const char *name, bool b);
void record_value(struct record *r, const char *name, value v, const struct symtab *syms);
/* The same with another limit than VALUE_MAX. */
void record_value_within(struct record *r, const char *name, value v, const struct symtab *syms,
                         size_t most);
void record_error(struct record *r, const char *name, const struct error *e,
                  const struct program *p);
void record_raw(struct record *r, const char *name, const char *json);
/* Closes inner and makes it a member of r; empties it. */
void record_join(struct record *r, const char *name, struct record *inner);
void record_release(struct record *r); /* of one that was not recorded */
/* Appends one event of the run (kind: EVENT_NAME(..)) and empties r, which may be NULL. */
enum status run_record(struct lane *lane, const char *kind, struct record *r,
                       struct error *err) must_use;
/* The same, about another step than the one under way. */
enum status run_record_at(struct lane *lane, const char *step, const char *kind, struct record *r,
                          struct error *err) must_use;
/* The same, whatever is told again. */
enum status run_append(struct lane *lane, const char *kind, struct record *r,
                       struct error *err) must_use;
/* Returns when everything recorded so far is on disk. */
enum status run_sync(struct lane *lane, struct error *err) must_use;
void run_notice(struct lane *lane, const struct notice *n);

/* --- redact_run.c: what leaves a run is searched for secrets --- */

/* An event's data, not closed yet or closed, and the texts that it names. An event that had something
 * taken out says so with `redacted`. */
void record_redact(const struct engine *g, struct record *r);
/* Calls the observer with what may be told. */
void notice_tell(const struct engine *g, const struct notice *n);
/* Asks with what may be told; in a task, in its turn. */
struct prompt;
struct answer;
enum status prompt_ask(const struct engine *g, const struct prompt *q, struct answer *out,
                       struct error *err) must_use;
struct dry_note;
struct dry_observer;
void dry_note_tell(const struct engine *g, const struct dry_observer *o, const struct dry_note *n);

/* --- credential.c: which secrets a run used --- */

/* secret.used for each that the action's driver or its arguments hold, once a run. */
struct action_run;
enum status credentials_record(struct action_run *c, struct error *err) must_use;

/* A run that is not started, with its main line's variables and log; hooks' ud is that lane. The
 * engine starts it; a plan uses it to look at what a run would see. */
struct run *run_new(struct engine *g, struct program *program, const struct run_options *options,
                    const struct eval_hooks *hooks, struct run_result *out) must_use;
void run_free(struct run *run);
void run_spawn(struct run *run); /* it goes on while the loop runs */
int64_t engine_turn(void *ud); /* the loop's hook: group commit */
enum status engine_commit(struct engine *g, struct error *err) must_use; /* at once */

/* --- interrupt.c --- */

void signal_came(void *ud, int signum);
/* In a task. Leaves all runs as they are and ends the process: each is to be resumed. */
void engine_leave(struct engine *g, const char *who, const char *what);
void leave_forget(struct engine *g); /* when a run has ended */

/* --- lane.c --- */

/* A branch of outer, with a copy of its variables; its task is not spawned yet. name: for people. */
struct lane *lane_new(struct lane *outer, const char *name);
void lane_release(struct lane *lane); /* what it holds; not itself */
void lane_free(struct lane *lane);    /* a branch that nothing needs any more */
/* The lane and all its branches are to stop: what is shielded is finished first. */
void lane_halt(struct lane *lane, enum halt why);
/* The error of a lane that is to stop; an interruption gets its name. */
enum status lane_halted(const struct lane *lane, struct error *err);
void lane_halt_name(const struct lane *lane, struct error *err);

/* --- branch.c: branches that go on side by side --- */

enum flow parallel_run(struct lane *lane, const struct item *item);
/* The items of an each_of with at_once; keys: a hash of their keys, in order. */
enum flow each_beside(struct lane *lane, const struct item *item, const struct list *list,
                      value keys);
/* Where in the plan a node stands, for the journal: "parallel#2[web-1]", "run restart#1". The word,
 * a child runbook's name, which of those it is in the text, and the items it is in. It stays the
 * same when other parts of the text change. */
void place_text(const struct lane *lane, node_id node, struct buf *out);

/* --- child.c: runs that a run begins --- */

enum status children_check(struct lane *lane, struct error *err) must_use; /* preflight of them all */
const char *child_passed(const struct run_options *o, bool from_seen); /* why, or NULL: run.c */
enum flow child_run_item(struct lane *lane, const struct item *item);
enum flow child_start_item(struct lane *lane, const struct item *item);
enum status child_start(struct lane *lane, node_id call, struct error *err) must_use;
enum status child_undo(struct lane *lane, struct step_run *s, struct error *err) must_use;
void child_over(struct child_run *c);
void child_free(struct child_run *c);
const char *child_id(const struct child_run *c); /* its run's id */
struct run *child_parent(const struct run *run); /* the run that waits for it, or NULL */
bool run_is_waited_for(const struct run *run); /* now, or when it was begun */
bool child_waited_for(const struct child_run *c);

/* --- spare.c: where a rollback's events go when the journal takes none --- */

void spare_hold(struct run *run, const struct event *e);
void spare_write(struct run *run); /* the journal is lost: what is held back goes to the file */
void spare_tell(const struct run *run, struct error *err); /* where they are, as its help */
void spare_release(struct run *run);

/* --- shared small things --- */

/* Evaluates to text as interpolation shows it; "" for node 0. Owned by the caller. */
enum status run_text(struct lane *lane, node_id n, char **out, struct error *err) must_use;
/* Evaluates a duration; node 0 gives the default. */
enum status run_duration(struct lane *lane, node_id n, int64_t otherwise, int64_t *out,
                         struct error *err) must_use;
/* The same of one that stands in another file. */
enum status file_duration(struct lane *lane, uint32_t file, node_id n, int64_t *out,
                          struct error *err) must_use;
enum status run_eval(struct lane *lane, node_id n, value *out, struct error *err) must_use;
enum status run_call_block(struct lane *lane, node_id block, value *out, struct error *err) must_use;
/* Exponential from base, at most `most`; full jitter: anything from nothing to that. */
int64_t backoff_delay(int64_t base, int64_t most, uint32_t attempt, bool jitter);
/* Whether it asks for more time than there is; its message then says so. */
bool retry_too_late(struct error *cause, int64_t left);
extern const struct eval_hooks run_hooks;
bool actor_is(const char *actor, const char *name); /* "ana@host" is ana */

/* --- the parts of a run --- */

enum status inputs_gather(struct lane *lane, struct error *err) must_use; /* fills eval.input */
/* preflight.c: the first thing that is missing; or all of it, one of each kind. */
enum status run_preflight(struct lane *lane, struct error *err) must_use;
void run_preflight_all(struct lane *lane, void (*tell)(void *ud, const struct error *problem),
                       void *ud);
/* What follows a command that people are told: " --journal PATH", or nothing. */
static inline const char *run_tail(const struct lane *lane) {
  const char *tail = lane->run->engine->config.tail;
  return tail ? tail : "";
}

/* lock.c: whether the run may begin beside those that are live. From here on until the next commit
 * no other process begins one. */
enum status run_lock(struct lane *lane, struct error *err) must_use;
/* The same question, for those who only want to know. */
enum status lock_look(struct lane *lane, struct error *err) must_use;

/* --- people.c: roles --- */

/* Whether the operator may run what requires this role: a member of it, where there is a site. */
enum status role_check(struct lane *lane, sym role, const char *what, struct error *err) must_use;
/* All roles that the plan names: who may run it, who approves, who is paged. */
enum status people_check(struct lane *lane, struct error *err) must_use;

enum flow { FLOW_ON, FLOW_END };
/* Runs items in order: run.c. each_run: one item of the list after the other. */
enum flow items_run(struct lane *lane, const struct item *items);
enum flow item_run_one(struct lane *lane, const struct item *item);
enum flow each_run(struct lane *lane, const struct item *item);
uint32_t items_steps(const struct item *items); /* steps in them, all branches counted */
uint32_t items_ahead(const struct item *items); /* the same, of branches the longest */
enum flow plan_failed(struct lane *lane,
                      struct error *err); /* a plan's own expression failed; takes err */
/* Runs one step with its clauses; FLOW_END when the run is over (run.result says how). */
enum flow step_execute(struct lane *lane, const struct step *step);
/* run.c: names in r the texts it runs, and puts them into the journal. */
enum status run_put_texts(struct lane *lane, struct record *r, struct error *err) must_use;
/* resume.c: runs that go on. */
enum status resume_begin(struct lane *lane, struct error *err) must_use; /* instead of a start */
void resumed_free(struct run *run);
int64_t run_mono(const struct run *run, int64_t wall_us); /* a past wall time, by clock_mono */
/* How much is left of a wait of `whole` that ends at that wall time: never more than the whole. */
int64_t run_left(const struct run *run, int64_t until_us, int64_t whole);
/* Returns when all branches of a resumed run are where they were: a failure in one, or what goes on
 * in one, must not keep what was done in another from being met. */
void others_walk(struct run *run, bool failed);
/* The walk of a run that is to be undone ends here: an error that says so, and what follows it. */
enum status run_back_stop(struct error *err) must_use;
bool run_back(struct lane *lane, struct step_run *s, struct error *err);

/* resume_step.c: a step that the journal has. */
enum again {
  AGAIN_NOT,    /* it is run */
  AGAIN_DONE,   /* finished, skipped, or failed and passed: the next one */
  AGAIN_FINISH, /* it ended its run or branch: lane.stop_reason */
  AGAIN_FAILED  /* its failure is to be met again: err */
};
void step_meet(struct lane *lane, struct step_run *s); /* finds what the journal has of it */
enum again step_again(struct lane *lane, struct step_run *s, enum status *status,
                      struct error *err);
bool resume_passes(const struct lane *lane, const struct step *step, const char **why);
/* How an operator settles it: by a step's id, or an action's name. */
void doubt_help(const struct run *run, const char *what, struct error *err);
/* A step that is passed over must not hide a write that nobody knows of: "in_doubt". */
enum status doubt_passed(struct step_run *s, struct error *err) must_use;
/* The same of what a changed plan does not come to: then it has ended the run as in doubt. */
bool doubt_left(struct lane *lane);
const struct action *past_action(const struct run *run, uint32_t started); /* of an intent, or NULL */
/* In the armed list where its event put it; live: at its head. */
void step_arm(struct lane *lane, struct step_run *s, int64_t seq);

/* look.c. A wait of us begins; *left: what is left of it, all of it unless it began before. */
enum status wait_begin(struct lane *lane, int64_t us, int64_t every, int64_t *left,
                       struct error *err) must_use;
enum status wait_sleep(struct lane *lane, int64_t us, struct error *err) must_use;
/* Calls the block every so often until `until`, or until it gives true when `ends` is set. A failure of
 * the kind "transient" is told, and another look follows: until `until` when `ends` is set, else while
 * such failures last no longer than `tolerate`. */
struct look {
  node_id block;
  int64_t until, every; /* until: clock_mono */
  int64_t tolerate;
  bool ends;
  bool failing; /* the look before failed */
  int64_t since, since_us; /* when the first of these did, clock_mono and wall time */
  bool held; /* out */
  uint32_t tries;
};
enum status look_until(struct lane *lane, struct look *l, struct error *err) must_use;

enum status step_gate(struct lane *lane, struct step_run *s, struct error *err) must_use;
enum status guards_check(struct lane *lane, struct step_run *s, struct error *err) must_use;
enum status approvals_pass(struct lane *lane, struct step_run *s, bool *waited,
                           struct error *err) must_use;
enum status verifies_check(struct lane *lane, struct step_run *s, struct error *err) must_use;
/* One question at a time stands before a person, of all runs and branches: between these two it is
 * the lane's. until: clock_mono time; past it, or when the lane is stopped, it is not had. */
struct ask_wait {
  struct task *task;
  struct ask_wait *next;
};
enum status ask_begin(struct lane *lane, struct ask_wait *w, int64_t until,
                      struct error *err) must_use;
void ask_end(struct lane *lane, struct ask_wait *w);
/* Asks, journals question and answer, checks the answer; *out as the kind says. */
enum status run_ask(struct lane *lane, struct prompt *q, const struct field *field,
                    struct answer *out, struct error *err) must_use;
/* Message and help in one line, where there is no room for two; replaces what is in out. */
void error_whole(const struct error *err, struct buf *out);
/* What was answered, in lower case without spaces around; for words like yes and done. */
void answer_word(const struct lane *lane, value v, struct buf *out);
enum status run_statement(void *ud, struct eval *e, node_id call, sym word, value *out);
enum status action_call(void *ud, struct eval *e, const struct action *action, node_id call,
                        const value *args, const bool *given, value *out);
/* The idempotency key of the call of this ordinal, where the lane stands. */
void call_key(struct lane *lane, uint32_t ordinal, char out[65]);
/* Which driver serves a binding, as the site or the modules say. */
enum status run_driver(const struct run *run, const struct binding *b, const struct driver **out,
                       struct error *err) must_use;
/* What it is set to; borrowed. */
enum status run_settings(struct run *run, const struct driver *d, value *out,
                         struct error *err) must_use;
const char *run_state_dir(const struct run *run); /* where its drivers keep what they keep */

/* Ends of a run. run_end records and commits the end; a journal that is gone becomes the result. */
void run_main(void *arg); /* the main lane's task */
int64_t run_age(const struct run *run);
void run_end(struct lane *lane, enum run_state state, const char *kind, struct record *r,
             struct error *cause, const char *detail);
void run_left_text(const struct lane *lane, struct buf *out); /* what is not undone */
void run_handler(struct lane *lane, struct step_run *s, const struct error *cause);
void run_fail(struct lane *lane, struct step_run *s, struct error *err);
void run_succeed(struct lane *lane, const char *reason);
void run_park(struct lane *lane, struct error *err); /* an interruption for want of a terminal */
void run_limit_name(struct error *err); /* a limit that no step set is the run's */
/* What follows from a failure under this policy; takes err. FLOW_ON only for :continue, :skip. */
enum flow run_failed(struct lane *lane, struct step_run *s, enum policy policy, struct error *err);
/* What follows from this failure under the step's policy: none of DEFAULT and RETRY. */
enum policy policy_of(const struct lane *lane, enum policy policy, const struct error *err);
void run_doubt(struct lane *lane, struct step_run *s, struct error *err);
void run_hold(struct lane *lane, struct step_run *s, struct error *err);
/* Undoes what is armed, latest first, and ends the run. */
void run_roll_back(struct lane *lane, struct error *cause);
/* rollback_end.c: ends a run that was undone; problem: what stopped the undoing, or NULL. */
void rollback_ended(struct lane *lane, const struct step_run *keep, struct error *cause,
                    struct error *problem);
/* The ids of what is armed, as far as `keep`. */
void record_armed(struct record *r, const char *name, const struct run *run,
                  const struct step_run *keep);
/* rollback_to.c: the latest armed step that stays done with run.undo_to, or NULL. */
enum status rollback_keep(struct run *run, struct step_run **keep, struct error *err) must_use;
void step_run_free(struct step_run *s);

#endif
