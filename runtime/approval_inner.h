/* What the files of the gate share: one request on its way, and the question at the run's prompt. */
#ifndef STEPWISE_APPROVAL_INNER_H
#define STEPWISE_APPROVAL_INNER_H

#include "approval_state.h"
#include "run.h"

/* A question at the run's own prompt: a task of its own, so that it can be withdrawn. */
struct gate_ask {
  struct lane *lane;
  struct prompt q;
  struct answer answer;
  struct error err;
  enum status status;
  struct task *task, *gate;
  bool done;
};

struct gate_wait {
  struct gate_wait *next; /* in engine.gates */
  const char *step;
  struct run *run;
  struct task *task;
  bool asleep; /* not while it waits for something else, as ssh-keygen */
  bool came;   /* an answer, since the last look */
};

struct gate_run {
  struct lane *lane;
  struct step_run *step;
  const struct approval *approval;
  const char *role_name;
  const struct site_role *role; /* or NULL */
  uint32_t number;              /* which of the step's, from 1 */
  char *text, *problem;
  struct buf about;
  char nonce[33];
  int64_t within, use_by;
  struct gate_wait wait;
  struct approvals state; /* of the step, as last read */
  uint32_t told;          /* approvals that people were told of */
  int64_t refused;        /* the last answer that people were told does not count */
  int64_t began;          /* clock_mono */
  size_t passed;          /* answers of a file that the run had before */
  bool silent;            /* nobody can be asked at this prompt */
};

static inline struct clock *clock_of(const struct gate_run *g) {
  return g->lane->run->engine->config.clock;
}

static inline const struct engine_config *config_of(const struct gate_run *g) {
  return &g->lane->run->engine->config;
}

static inline const struct site *site_of(const struct gate_run *g) {
  return g->lane->run->site;
}

static inline struct approval_request *request_of(const struct gate_run *g) {
  for (size_t i = g->state.count; i-- > 0;)
    if (strcmp(g->state.at[i].nonce, g->nonce) == 0) return &g->state.at[i];
  return NULL;
}

/* Asks at the run's prompt, unless it asks already or nobody there can approve (g.silent). */
void gate_ask_start(struct gate_run *g, struct gate_ask *a);
/* Whatever becomes of the gate, its question does not stay on the screen. */
void gate_ask_stop(struct gate_run *g, struct gate_ask *a);
/* Records what was answered; an answer that does not do is asked for again (g.problem). */
enum status gate_ask_take(struct gate_run *g, struct gate_ask *a, struct error *err) must_use;

#endif
