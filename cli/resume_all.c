/* stepwise resume --all: every run that can go on without a decision, in one process. */
#include "resume_all.h"

#include <unistd.h>

#include "command.h"
#include "glass.h"
#include "../runtime/peek.h"
#include "text.h"

enum { AT_ONCE = 500 }; /* live at the same time; the others wait for their turn */

struct all;
struct one {
  struct taken taken;
  struct all *all;
};

struct all {
  struct carry *carry;
  struct owners *owners;
  struct engine *engine;
  const struct run_args *args;
  const char *reason;
  char (*runs)[RUN_ID_MAX]; /* owned */
  int64_t *first;           /* owned; by which each is owned */
  enum run_state *states;   /* owned */
  size_t count, cap, first_cap, state_cap, next;
  size_t live;
  int code;
};

/* Which code tells most of what is left to do. */
static void weigh(struct all *a, int code) {
  static const int order[] = {EXIT_SUCCEEDED,   EXIT_WAITING,  EXIT_ROLLED_BACK,
                              EXIT_DECLINED,    EXIT_FAILED,   EXIT_INVALID,
                              EXIT_IN_DOUBT,    EXIT_ROLLBACK_INCOMPLETE,
                              EXIT_INTERRUPTED, EXIT_JOURNAL};
  size_t had = 0, have = 0;
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (order[i] == a->code) had = i;
    if (order[i] == code) have = i;
  }
  if (have > had) a->code = code;
}

static enum status collect(void *ud, const struct run_row *r) {
  struct all *a = ud;
  enum run_state state = run_state_find(r->state);
  if (state >= RUN_SUCCEEDED) return OK;
  a->runs = mem_grow(a->runs, a->count, &a->cap, sizeof *a->runs);
  a->states = mem_grow(a->states, a->count, &a->state_cap, sizeof *a->states);
  a->first = mem_grow(a->first, a->count, &a->first_cap, sizeof *a->first);
  a->first[a->count] = r->first_seq;
  snprintf(a->runs[a->count], sizeof *a->runs, "%s", r->run);
  a->states[a->count++] = state;
  return OK;
}

static void tell(const char *run, const char *what, const char *why) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s  %s%s%s", run, what, why ? ": " : "", why ? why : "");
  text_print(stderr, buf_str(&b), 0);
  putc('\n', stderr);
  buf_release(&b);
}

static void begin_next(struct all *a);

static void ended(void *ud, struct run_result *result) {
  struct one *o = ud;
  struct all *a = o->all;
  tell(o->taken.run, result->state == RUN_NONE ? "cannot go on" : run_state_name(result->state),
       result->error.message);
  weigh(a, result->state == RUN_NONE ? EXIT_FAILED : carry_state_code(result->state));
  error_release(&result->error);
  taken_release(&o->taken);
  mem_free(o);
  a->live--;
  begin_next(a);
}

/* The run that waits for this one, or NULL; owned. */
static char *waits_for_it(const struct taken *t) {
  const char *json, *wait;
  size_t len, n;
  if (!past_raw(t->history, t->history->started, "parent", &json, &len)) return NULL;
  if (!json_member(json, len, "wait", &wait, &n) || *wait != 't') return NULL;
  return peek_copy(json, len, "run");
}

static bool is_open(const struct all *a, const char *run) {
  for (size_t i = 0; i < a->count; i++)
    if (strcmp(a->runs[i], run) == 0) return true;
  return false;
}

/* One that its parent waits for goes on with that. */
static bool left_to_parent(const struct all *a, const struct taken *t) {
  char *parent = waits_for_it(t);
  struct buf why = BUF_INIT;
  if (!parent) return false;
  if (is_open(a, parent)) buf_addf(&why, "run %s, which waits for it, takes it along", parent);
  else buf_addf(&why, "run %s, which waited for it, has ended: resume it by itself", parent);
  tell(t->run, "stays with its parent", buf_str(&why));
  buf_release(&why);
  mem_free(parent);
  return true;
}

/* False when this run stays as it is, which is said. */
static bool begin(struct all *a, size_t i) {
  struct error err = {0};
  pid_t pid;
  if (owner_of(a->owners, a->first[i], &pid) && pid == getpid()) return false; /* with its parent */
  struct one *o = mem_zalloc(sizeof *o);
  struct taken *t = &o->taken;
  o->all = a;
  enum status status = OK;
  if (a->states[i] == RUN_HELD)
    status = error_set(&err, ERR_FAILED, "held: an operator decides; `stepwise resume %s%s` tries the step again",
                       a->runs[i], buf_str(&a->carry->tail));
  if (status == OK) status = taken_own(t, a->carry->store, a->owners, a->runs[i], &err);
  if (status == OK && left_to_parent(a, t)) {
    owner_drop(a->owners, t->history->first_seq);
    taken_release(t);
    mem_free(o);
    return false;
  }
  if (status == OK && taken_virtual(t))
    status = error_set(&err, ERR_FAILED, "its clock is virtual: `stepwise resume %s%s` takes it by itself",
                       a->runs[i], buf_str(&a->carry->tail));
  int code = status == OK ? taken_load(t, a->carry->store) : EXIT_FAILED;
  if (code == EXIT_SUCCEEDED) {
    t->resume.reason = a->reason;
    taken_options(t);
    t->options.ended = ended;
    t->options.ud = o;
    a->live++;
    engine_start(a->engine, t->pinned.program, &t->options, &t->result);
    return true;
  }
  tell(a->runs[i], "stays as it is", err.message ? err.message : "what it runs cannot be loaded");
  if (!err.message || strcmp(err.kind, "owned") != 0) weigh(a, EXIT_FAILED);
  error_release(&err);
  if (t->history) owner_drop(a->owners, t->history->first_seq);
  taken_release(t);
  mem_free(o);
  return false;
}

static void begin_next(struct all *a) {
  while (a->live < AT_ONCE && a->next < a->count)
    (void)begin(a, a->next++);
}

static void no_notice(void *ud, const struct notice *n) {
  (void)ud, (void)n;
}

int resume_all(struct carry *c, struct owners *owners, const char *reason) {
  struct all a = {.carry = c, .owners = owners, .reason = reason};
  struct error err = {0};
  struct symtab *syms = symtab_new();
  const struct run_filter real = {.drills = DRILLS_NOT}; /* who practises goes on by himself */
  enum status status = journal_runs(c->store, &real, collect, &a, &err);
  if (status == OK && c->answers) status = asker_load(&c->asker, c->answers, syms, &err);
  if (status == OK) {
    struct engine_config config = carry_config(c, NULL);
    config.owners = owners;
    for (size_t i = 0; i < a.count; i++)
      glass_look(c, owners, a.runs[i]);
    c->observer.notice = no_notice; /* one line for each, when it ends */
    a.engine = engine_new(&config);
    c->asker.line.tasks = engine_tasks(a.engine);
    begin_next(&a);
    engine_wait(a.engine);
    engine_free(a.engine);
    if (!a.count) fputs("no run is open\n", stderr);
  } else {
    a.code = report_error(&err);
  }
  error_release(&err);
  asker_forget(&c->asker);
  symtab_free(syms);
  mem_free(a.runs);
  mem_free(a.first);
  mem_free(a.states);
  return a.code;
}
