/* The table of clauses, and finding a word in it. */
#include "clause.h"

#define ANY_BODY (IN_STEP | IN_BODY)
/* What a HOLDS column makes: the block, whether it must be there, its parameters. */
#define HOLDS(x) HOLDS_AS_##x
#define HOLDS_AS_NONE HOLDS_NONE, false, 0
#define HOLDS_AS_CLAUSES HOLDS_CLAUSES, true, 0
#define HOLDS_AS_PLAN HOLDS_PLAN, true, 0
#define HOLDS_AS_STEP HOLDS_STEP, true, 0
#define HOLDS_AS_BODY HOLDS_BODY, true, 0
#define HOLDS_AS_ROLLBACK HOLDS_ROLLBACK, true, 0
#define HOLDS_AS_CONDITION HOLDS_CONDITION, true, 0
#define HOLDS_AS_MAY(x) HOLDS_##x, false, 0
#define HOLDS_AS_PARAMS(x, n) PARAMS_AS_##x, n
#define PARAMS_AS_PLAN HOLDS_PLAN, true
#define PARAMS_AS_PERFORM HOLDS_PERFORM, true
#define PARAMS_AS_MAY(x) HOLDS_##x, false

#define VALUE(t)                                                                                   \
  { ARG_VALUE, T_##t, NULL }
#define TEXT                                                                                       \
  { ARG_TEXT, T_string, NULL }
#define STRING                                                                                     \
  { ARG_STRING, T_string, NULL }
#define CONST(t)                                                                                   \
  { ARG_CONST, T_##t, NULL }
#define BOOL                                                                                       \
  { ARG_BOOL, T_boolean, NULL }
#define NAME                                                                                       \
  { ARG_NAME, T_symbol, NULL }
#define NAMES                                                                                      \
  { ARG_NAMES, T_array, NULL }
/* The headers have taken TYPE for themselves by now and given it back. */
#define TYPE                                                                                       \
  { ARG_TYPE, T_symbol, NULL }
#define ONE_OF(list)                                                                               \
  { ARG_CHOICE, T_symbol, list }
#define RAW                                                                                        \
  { ARG_RAW, T_any, NULL }
#define NOTHING                                                                                    \
  { ARG_NOTHING, T_any, NULL }
#define KEY(word, ...) {W_##word, false, __VA_ARGS__},
#define NEED(word, ...) {W_##word, true, __VA_ARGS__},
#define OTHERS {W_NONE, true, NOTHING},

const struct clause clause_table[] = {
#define CLAUSE(word, contexts, holds, min, max, arg1, arg2, usage, ...)                            \
  {W_##word, contexts,     HOLDS(holds), min,                                                      \
   max,      {arg1, arg2}, usage,        {__VA_ARGS__{0, false, NOTHING}}},
#include "clause.def"
#undef CLAUSE
};
const size_t clause_count = sizeof clause_table / sizeof *clause_table;

const struct clause *clause_find(sym word, enum context context) {
  if (word >= WORD_COUNT) return NULL;
  for (size_t i = 0; i < clause_count; i++)
    if (clause_table[i].word == word && (clause_table[i].contexts & context))
      return &clause_table[i];
  return NULL;
}

const struct clause *clause_any(sym word) {
  return clause_find(word, (enum context)0xffff);
}

static const struct {
  enum context context;
  const char *words;
} contexts[] = {
    {IN_RUNBOOK, "a runbook"},
    {IN_PLAN, "the plan"},
    {IN_STEP, "a step"},
    {IN_BODY, "a step's body"},
    {IN_ROLLBACK, "a rollback"},
    {IN_HANDLER, "on_failure do"},
    {IN_CONDITION, "a condition"},
    {IN_BINDING, "a binding"},
    {IN_ACTION, "an action"},
    {IN_DRIVER, "a driver"},
    {IN_PERFORM, "a perform"},
    {IN_SITE, "a site"},
    {IN_ESCALATION, "an escalation"},
    {IN_FILE, "a file by itself"},
    {IN_EXPRESSION, "an expression by itself"},
};

const char *context_words(enum context context) {
  for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++)
    if (contexts[i].context & context) return contexts[i].words;
  return "nowhere";
}
