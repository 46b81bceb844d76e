/* The runbook's inputs: given, asked for, or defaulted; every problem is told before anything runs.
 */
#include "run.h"

#include "codec.h"

static const char *name_of(const struct run *run, const struct field *f) {
  return sym_text(run->program->syms, f->name);
}

static const struct given_input *given(const struct run *run, const char *name) {
  const struct run_options *o = run->options;
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

static void unknown_inputs(const struct run *run, struct buf *problems) {
  const struct plan *plan = run->plan;
  const char **names = mem_array(plan->input_count ? plan->input_count : 1, sizeof *names);
  for (size_t i = 0; i < plan->input_count; i++)
    names[i] = name_of(run, &plan->inputs[i]);
  for (size_t i = 0; i < run->options->input_count; i++) {
    const char *name = run->options->inputs[i].name;
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

static enum status default_of(struct run *run, const struct field *f, value *out,
                              struct error *err) {
  struct eval *e = &run->eval;
  struct tree *tree = e->tree;
  e->tree = run->program->trees[f->file];
  enum status status = run_eval(run, f->default_value, out, err);
  e->tree = tree;
  return status;
}

static enum status ask_input(struct run *run, const struct field *f, value *out,
                             struct error *err) {
  struct buf scratch = BUF_INIT, choices = BUF_INIT, why = BUF_INIT;
  struct answer a = {0};
  struct prompt q = {.kind = PROMPT_INPUT,
                     .step = "",
                     .text = name_of(run, f),
                     .about = f->about,
                     .secret = f->secret,
                     .until = CLOCK_NEVER};
  const struct prompter *p = run->engine->config.prompter;
  struct error bad = {0};
  q.type = type_text(run->program->types, run->program->syms, f->type, &scratch);
  if (f->one_of) {
    buf_adds(&choices, "one of ");
    field_choices(&run->eval, f, &choices);
    q.type = buf_str(&choices);
  }
  enum status status;
  for (;;) {
    status = p->ask(p->ud, &q, &a, err);
    if (status != OK) break;
    status = field_check(&run->eval, f, a.value, a.value.tag == V_STRING, out, &bad);
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

struct gathering {
  struct run *run;
  struct dict *inputs;
  struct buf problems, missing;
};

/* Gives one input its value, or notes what is wrong; then nobody is asked for the rest. A status other than OK ends the gathering. */
static enum status gather(struct gathering *g, const struct field *f, struct error *err) {
  struct run *run = g->run;
  const struct given_input *in = given(run, name_of(run, f));
  value v = VALUE_NIL;
  struct error why = {0};
  enum status status = OK;
  if (in) {
    status = field_check(&run->eval, f, in->value, in->value.tag == V_STRING, &v, &why);
  } else if (f->default_value) {
    value raw = VALUE_NIL;
    status = default_of(run, f, &raw, &why);
    if (status == OK && raw.tag != V_NIL) status = field_check(&run->eval, f, raw, false, &v, &why);
    value_unref(raw);
  } else if (!f->optional && run->engine->config.prompter->interactive) {
    /* Once something is known to be wrong nobody is asked for the rest. */
    if (!g->problems.len) status = ask_input(run, f, &v, err);
    if (status != OK) return status;
  } else if (!f->optional) {
    problem(&g->missing, "%s%s%s", name_of(run, f), f->about ? ": " : "", f->about ? f->about : "");
  }
  if (status != OK) {
    struct buf whole = BUF_INIT;
    error_whole(&why, &whole);
    problem(&g->problems, "input: %s", buf_str(&whole));
    buf_release(&whole);
  }
  error_release(&why);
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

enum status inputs_gather(struct run *run, struct error *err) {
  struct gathering g = {.run = run, .inputs = dict_new()};
  enum status status = OK;
  unknown_inputs(run, &g.problems);
  for (size_t i = 0; status == OK && i < run->plan->input_count; i++)
    status = gather(&g, &run->plan->inputs[i], err);
  if (status == OK) status = gathered(&g, err);
  run->eval.input = value_record(g.inputs);
  buf_release(&g.problems);
  buf_release(&g.missing);
  return status;
}
