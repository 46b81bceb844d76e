/* The runbook's inputs: given, asked for, or defaulted; every problem is told before anything runs.
 */
#include "run.h"

#include "codec.h"

static const char *name_of(const struct lane *lane, const struct field *f) {
  return sym_text(lane->run->program->syms, f->name);
}

static const struct given_input *given(const struct lane *lane, const char *name) {
  const struct run_options *o = lane->run->options;
  for (size_t i = o->input_count; i-- > 0;) /* the last one wins: --set after --inputs */
    if (strcmp(o->inputs[i].name, name) == 0) return &o->inputs[i];
  return NULL;
}

static void problem(struct buf *all, const char *fmt, ...) like_printf(2, 3);
static void problem(struct buf *all, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  if (all->len) buf_adds(all, "\n  ");
  buf_vaddf(all, fmt, ap);
  va_end(ap);
}

static void unknown_inputs(const struct lane *lane, struct buf *problems) {
  const struct plan *plan = lane->run->plan;
  const char **names = mem_array(plan->input_count ? plan->input_count : 1, sizeof *names);
  for (size_t i = 0; i < plan->input_count; i++)
    names[i] = name_of(lane, &plan->inputs[i]);
  for (size_t i = 0; i < lane->run->options->input_count; i++) {
    const char *name = lane->run->options->inputs[i].name;
    bool known = false;
    for (size_t k = 0; k < plan->input_count && !known; k++)
      known = strcmp(names[k], name) == 0;
    if (known) continue;
    int near = name_nearest(name, names, plan->input_count);
    if (near >= 0) problem(problems, "no input '%s'; did you mean '%s'?", name, names[near]);
    else if (plan->input_count) problem(problems, "no input '%s'", name);
    else problem(problems, "no input '%s': this runbook takes none", name);
  }
  mem_free(names);
}

static enum status default_of(struct lane *lane, const struct field *f, value *out,
                              struct error *err) {
  struct eval *e = &lane->eval;
  struct tree *tree = e->tree;
  e->tree = lane->run->program->trees[f->file];
  enum status status = run_eval(lane, f->default_value, out, err);
  e->tree = tree;
  return status;
}

static enum status ask_input(struct lane *lane, const struct field *f, value *out,
                             struct error *err) {
  struct buf scratch = BUF_INIT, choices = BUF_INIT, why = BUF_INIT;
  struct answer a = {0};
  struct prompt q = {.kind = PROMPT_INPUT,
                     .step = "",
                     .text = name_of(lane, f),
                     .about = f->about,
                     .secret = f->secret,
                     .until = CLOCK_NEVER};
  const struct prompter *p = lane->run->engine->config.prompter;
  struct error bad = {0};
  q.type = type_text(lane->run->program->types, lane->run->program->syms, f->type, &scratch);
  if (f->one_of) {
    buf_adds(&choices, "one of ");
    field_choices(&lane->eval, f, &choices);
    q.type = buf_str(&choices);
  }
  enum status status;
  for (;;) {
    status = prompt_ask(lane->run->engine, &q, &a, err);
    if (status != OK) break;
    status = field_check(&lane->eval, f, a.value, a.value.tag == V_STRING, out, &bad);
    answer_release(&a);
    if (status == OK || !p->again) break;
    error_whole(&bad, &why);
    error_release(&bad);
    q.problem = buf_str(&why);
  }
  if (status != OK && bad.message) error_move(err, &bad);
  error_release(&bad);
  buf_release(&scratch);
  buf_release(&choices);
  buf_release(&why);
  return status;
}

/* A text of the command line is read as what is wanted; one of a file stands for what a text can
 * say, a number or a date, but it is no list. */
static bool reads_text(const struct lane *lane, const struct field *f,
                       const struct given_input *in) {
  bool list = type_base(lane->run->program->types, f->type) == T_array;
  return in->value.tag == V_STRING && !(in->typed && list);
}

struct gathering {
  struct lane *lane;
  struct dict *inputs;
  struct buf problems, missing;
};

/* Gives one input its value, or notes what is wrong; then nobody is asked for the rest. A status
 * other than OK ends the gathering. */
static enum status gather(struct gathering *g, const struct field *f, struct error *err) {
  struct lane *lane = g->lane;
  const struct given_input *in = given(lane, name_of(lane, f));
  value v = VALUE_NIL;
  struct error why = {0};
  enum status status = OK;
  if (in) {
    status = field_check(&lane->eval, f, in->value, reads_text(lane, f, in), &v, &why);
  } else if (f->default_value) {
    value raw = VALUE_NIL;
    status = default_of(lane, f, &raw, &why);
    if (status == OK && raw.tag != V_NIL)
      status = field_check(&lane->eval, f, raw, false, &v, &why);
    value_unref(raw);
  } else if (!f->optional && lane->run->engine->config.prompter->interactive) {
    /* Once something is known to be wrong nobody is asked for the rest. */
    if (!g->problems.len) status = ask_input(lane, f, &v, err);
    if (status != OK) return status;
  } else if (!f->optional && lane->run->options->inputs_unknown) {
    v = value_unknown();
  } else if (!f->optional) {
    problem(&g->missing, "%s%s%s", name_of(lane, f), f->about ? ": " : "",
            f->about ? f->about : "");
  }
  if (status != OK) {
    struct buf whole = BUF_INIT;
    error_whole(&why, &whole);
    problem(&g->problems, "input: %s", buf_str(&whole));
    buf_release(&whole);
  }
  error_release(&why);
  if (status == OK)
    secrets_learn_value(lane->run->engine->secrets, name_of(lane, f), "input", v,
                        lane->run->program->syms);
  dict_set(g->inputs, value_symbol(f->name), status == OK ? v : VALUE_NIL);
  return OK;
}

static enum status gathered(struct gathering *g, struct error *err) {
  if (!g->problems.len && !g->missing.len) return OK;
  struct buf all = BUF_INIT;
  if (g->problems.len) problem(&all, "%s", buf_str(&g->problems));
  if (g->missing.len)
    problem(&all, "inputs that are needed and not given:\n  %s", buf_str(&g->missing));
  error_set(err, ERR_VALUE, "%s", buf_str(&all));
  error_kind(err, "inputs");
  if (g->missing.len) error_help(err, "give them with --set NAME=VALUE or --inputs FILE.json");
  buf_release(&all);
  return ERR_VALUE;
}

enum status inputs_gather(struct lane *lane, struct error *err) {
  struct gathering g = {.lane = lane, .inputs = dict_new()};
  enum status status = OK;
  unknown_inputs(lane, &g.problems);
  for (size_t i = 0; status == OK && i < lane->run->plan->input_count; i++)
    status = gather(&g, &lane->run->plan->inputs[i], err);
  if (status == OK) status = gathered(&g, err);
  lane->eval.input = value_record(g.inputs);
  buf_release(&g.problems);
  buf_release(&g.missing);
  return status;
}
