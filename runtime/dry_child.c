/* Child runs in a plan: what they are given, and one level of their own plan. */
#include "codec.h"
#include "dry_own.h"

/* --- its inputs --- */

struct child_inputs {
  struct given_input *given; /* names borrowed of the parent's symbols; values owned */
  size_t count;
  struct buf text, json;
};

static enum status input_take(struct dry *d, node_id pair, struct child_inputs *in) {
  const struct tree *t = d->e->tree;
  const struct node *n = tree_node(t, pair);
  const struct symtab *syms = d->run->program->syms;
  value v;
  if (n->kind != N_pair || tree_node(t, n->a)->kind != N_sym) return OK;
  enum status status = eval_node(d->e, n->b, &v);
  if (status != OK) return status;
  const char *name = sym_text(syms, tree_node(t, n->a)->a);
  in->given[in->count++] = (struct given_input){name, v, true};
  buf_addf(&in->text, "%s%s: ", in->text.len ? ", " : "", name);
  dry_value_text(d, v, n->b, true, &in->text);
  buf_addc(&in->json, in->json.len ? ',' : '{');
  json_text(&in->json, name, strlen(name));
  buf_addc(&in->json, ':');
  json_write(v, syms, true, &in->json);
  return OK;
}

static enum status inputs_take(struct dry *d, node_id first, struct child_inputs *in) {
  size_t count = 0;
  enum status status = OK;
  for (node_id p = first; p; p = tree_node(d->e->tree, p)->next)
    count++;
  in->given = mem_array(count + 1, sizeof *in->given);
  for (node_id p = first; p && status == OK; p = tree_node(d->e->tree, p)->next)
    status = input_take(d, p, in);
  buf_adds(&in->json, in->json.len ? "}" : "{}");
  return status;
}

static void inputs_release(struct child_inputs *in) {
  for (size_t i = 0; i < in->count; i++)
    value_unref(in->given[i].value);
  mem_free(in->given);
  buf_release(&in->text);
  buf_release(&in->json);
}

/* --- its plan --- */

static enum status child_load(const struct dry *d, const char *name, struct program **out,
                              struct error *err) {
  const struct program *p = d->run->program;
  const struct program_host *host = p->host;
  struct source s;
  if (!host || !host->load_runbook)
    return error_set(err, ERR_NOT_FOUND, "the runbook %s cannot be looked for here", name);
  enum status status =
      host->load_runbook(host->ud, p->sources[d->e->tree->file]->name, name, &s, err);
  if (status != OK) return status;
  program_load(out, &s, host);
  if (!(*out)->diags.errors && (*out)->plan) return OK;
  return error_set(err, ERR_CHECK, "%s",
                   (*out)->diags.errors ? "it has errors; `stepwise lint` tells them"
                                        : "it holds no runbook");
}

static enum status child_walk(struct dry *d, struct program *p, const char *name,
                              const struct child_inputs *in, struct error *err) {
  struct given_input *given = mem_array(in->count + 1, sizeof *given);
  for (size_t i = 0; i < in->count; i++)
    given[i] = (struct given_input){in->given[i].name,
                                    value_into(in->given[i].value, d->run->program->syms, p->syms),
                                    true};
  struct run_options options = {.inputs = given, .input_count = in->count, .inputs_unknown = true};
  struct run_result result;
  struct dry c = {.options = d->options,
                  .observer = d->observer,
                  .total = d->total,
                  .outer = d,
                  .child = name,
                  .now = d->now,
                  .level = d->level + 1,
                  .maybe = d->maybe,
                  .over = d->over};
  c.run = run_new(d->run->engine, p, &options, &dry_hooks, &result);
  c.lane = &c.run->main;
  c.e = &c.lane->eval;
  c.e->ud = &c;
  struct error problem = {0};
  enum status status = inputs_gather(c.lane, &problem);
  if (status == OK) status = dry_lock(&c, &problem);
  if (status == OK) status = dry_walk(&c, err);
  else if (status == ERR_CANCELLED) error_move(err, &problem);
  else {
    dry_note(&c, (struct dry_note){.kind = DRY_NOTE_STOPS, .text = problem.message});
    status = OK;
  }
  error_release(&problem);
  dry_release(&c);
  for (size_t i = 0; i < in->count; i++)
    value_unref(given[i].value);
  mem_free(given);
  return status;
}

/* What a runbook that is not shown would do is not known: it counts as one change. */
static void child_unknown(struct dry *d, const char *name, const struct child_inputs *in) {
  struct dry_step s = {.id = "run"};
  struct dry_line line = {.kind = DRY_CHILD, .maybe = d->maybe > 0};
  struct buf text = BUF_INIT;
  buf_addf(&text, "%s(%s)", name, buf_str(&in->text));
  line.text = buf_take(&text);
  d->at = &s;
  dry_change(d, &line);
  d->at = NULL;
  mem_free(line.text);
}

enum status dry_child_run(struct dry *d, const char *name, node_id first, bool waits,
                          struct error *err) {
  struct child_inputs in = {0};
  struct program *p = NULL;
  struct error why = {0};
  enum status status = inputs_take(d, first, &in);
  if (status != OK) error_move(err, d->e->err);
  if (status == OK) {
    bool shown = !d->outer && child_load(d, name, &p, &why) == OK;
    const char *not_shown = d->outer ? "one level of runs is; plan it by itself" : why.message;
    dry_note(d, (struct dry_note){.kind = DRY_NOTE_CHILD,
                                  .text = name,
                                  .detail = buf_str(&in.text),
                                  .json = buf_str(&in.json),
                                  .n = waits,
                                  .error = shown ? NULL : &why});
    if (shown) status = child_walk(d, p, name, &in, err);
    else {
      dry_note(d,
               (struct dry_note){.kind = DRY_NOTE_FACT, .text = "not shown", .detail = not_shown});
      child_unknown(d, name, &in);
    }
  }
  error_release(&why);
  program_free(p);
  inputs_release(&in);
  return status;
}
