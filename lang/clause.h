/* The clauses and statements of clause.def as data: where each may stand and what it takes. */
#ifndef STEPWISE_CLAUSE_H
#define STEPWISE_CLAUSE_H

#include "types.h"

/* Where a word stands. */
enum context {
  IN_FILE = 1,
  IN_RUNBOOK = 2, /* directly in a runbook */
  IN_PLAN = 4,    /* in a section, parallel, each_of or branch, among steps */
  IN_STEP = 8,    /* directly in a step */
  IN_BODY = 16,   /* deeper in a step's body: a branch, a watch, a block */
  IN_ROLLBACK = 32,
  IN_CONDITION = 64, /* a block that gives yes or no: verify, wait_until, trigger */
  IN_HANDLER = 128,  /* on_failure do */
  IN_BINDING = 256,
  IN_ACTION = 512,
  IN_DRIVER = 1024,
  IN_PERFORM = 2048, /* perform, probe and renew */
  IN_SITE = 4096,
  IN_ESCALATION = 8192,
  IN_EXPRESSION = 16384 /* an expression by itself */
};

/* What a clause's block holds. */
enum clause_block {
  HOLDS_NONE, /* no block */
  HOLDS_CLAUSES,
  HOLDS_PLAN,
  HOLDS_STEP,
  HOLDS_BODY,
  HOLDS_ROLLBACK,
  HOLDS_CONDITION,
  HOLDS_HANDLER,
  HOLDS_PERFORM
};

enum arg_how {
  ARG_NOTHING, /* no such argument */
  ARG_RAW,     /* looked at by the clause itself */
  ARG_VALUE,   /* an expression of a type */
  ARG_TEXT,    /* an expression giving a string */
  ARG_STRING,  /* a string written out */
  ARG_CONST,   /* a value of a type written out */
  ARG_BOOL,    /* true or false */
  ARG_NAME,    /* :name */
  ARG_NAMES,   /* :name or a list of them */
  ARG_TYPE,    /* :string, [:string], { field: :string } */
  ARG_CHOICE   /* a symbol of a list */
};

struct arg_spec {
  uint8_t how, type;
  const char *choices; /* "fail skip ask" */
};

struct clause_key {
  uint16_t word;
  bool needed;
  struct arg_spec spec;
};

enum { CLAUSE_ARGS = 2, CLAUSE_KEYS = 12, ANY_NUMBER = 127 };

struct clause {
  uint16_t word;
  uint16_t contexts;
  uint8_t block;
  bool block_needed;
  uint8_t params;   /* block parameters, at most */
  uint8_t min, max; /* positional; ANY_NUMBER */
  struct arg_spec args[CLAUSE_ARGS];
  const char *usage;
  struct clause_key keys[CLAUSE_KEYS + 1]; /* ends with word 0; needed there: takes any other too */
};

extern const struct clause clause_table[];
extern const size_t clause_count;

/* The clause this word is in this context; NULL when it is none there. */
const struct clause *clause_find(sym word, enum context context);
/* Any clause of this word, for messages; NULL when the word is no clause at all. */
const struct clause *clause_any(sym word);
const char *context_words(enum context context); /* "a step" */

#endif
