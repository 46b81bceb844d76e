/* The statements of a body in a plan: what would be checked, asked, told and waited for. */
#include "codec.h"
#include "dry_own.h"

struct word_call {
  struct dry *d;
  const struct node *call; /* NULL: a bare word */
  node_id at;
};

static node_id positional(const struct word_call *w, size_t i) {
  return w->call ? call_arg(w->d->e->tree, w->call, i) : 0;
}

static node_id keyword(const struct word_call *w, sym name) {
  return w->call ? call_keyword(w->d->e->tree, w->call, name) : 0;
}

static node_id block(const struct word_call *w) {
  return w->call ? call_block(w->d->e->tree, w->call) : 0;
}

static char *take(struct buf *b) {
  return b->len ? buf_take(b) : NULL;
}

/* Adds the argument's text, if there is one. */
static enum status add_text(const struct word_call *w, const char *before, node_id n,
                            struct buf *out) {
  char *text;
  if (!n) return OK;
  enum status status = dry_text(w->d, n, &text);
  if (status != OK) return status;
  buf_addf(out, "%s%s", before, text);
  mem_free(text);
  return OK;
}

static enum status stops(const struct word_call *w, enum dry_stop how, const char *what) {
  w->d->stop = how;
  return error_set(w->d->e->err, ERR_STOP, "%s", what);
}

/* --- checks --- */

/* After a write what is false now may be true then. */
static enum dry_truth truth_then(const struct dry *d, value v, node_id n, struct buf *detail) {
  enum dry_truth truth = dry_truth(v);
  if (truth == DRY_OPEN || !dry_may_turn(d, n)) return truth;
  buf_addf(detail, "%s%s", detail->len ? ", " : "", truth == DRY_HOLDS ? "so now" : "not so now");
  if (truth == DRY_HOLDS) return truth;
  return DRY_OPEN;
}

static enum status do_expect(const struct word_call *w, value *out) {
  struct dry *d = w->d;
  struct buf text = BUF_INIT, detail = BUF_INIT;
  value v;
  enum status status = eval_node(d->e, positional(w, 0), &v);
  if (status != OK) return status;
  *out = VALUE_NIL;
  buf_adds(&detail, "expect");
  enum dry_truth truth = truth_then(d, v, positional(w, 0), &detail);
  value_unref(v);
  dry_source(d, positional(w, 0), &text);
  if (truth == DRY_HOLDS_NOT) { /* what the run would say */
    struct buf said = BUF_INIT;
    status = add_text(w, "", positional(w, 1), &said);
    if (said.len) buf_clear(&text), buf_adds(&text, buf_str(&said));
    buf_release(&said);
  }
  struct dry_line *line = dry_line(d, DRY_CHECK, buf_take(&text));
  line->truth = truth;
  line->detail = buf_take(&detail);
  if (status != OK || truth != DRY_HOLDS_NOT) return status;
  dry_fails(d, line->text);
  return stops(w, STOPS_FAILS, "expect");
}

static enum status do_fail(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT, why = BUF_INIT;
  (void)out;
  buf_adds(&text, "fails: ");
  node_id last = positional(w, 1) ? positional(w, 1) : positional(w, 0);
  enum status status = add_text(w, "", last, &why);
  buf_adds(&text, buf_str(&why));
  if (last != positional(w, 0)) {
    buf_adds(&text, " (");
    if (status == OK) status = add_text(w, "", positional(w, 0), &text);
    buf_addc(&text, ')');
  }
  dry_line(w->d, DRY_STOP, buf_take(&text));
  if (status == OK) dry_fails(w->d, buf_str(&why));
  buf_release(&why);
  return status == OK ? stops(w, STOPS_FAILS, "fail!") : status;
}

static enum status do_skip(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  (void)out;
  enum status status = add_text(w, "the step ends as skipped: ", positional(w, 0), &text);
  dry_line(w->d, DRY_STOP, buf_take(&text));
  return status == OK ? stops(w, STOPS_SKIP, "skip!") : status;
}

static enum status do_finish(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  (void)out;
  enum status status = add_text(w, "the run ends as succeeded: ", positional(w, 0), &text);
  dry_line(w->d, DRY_STOP, buf_take(&text));
  return status == OK ? stops(w, STOPS_FINISH, "finish") : status;
}

/* --- people: nobody is asked, so what they say is not known --- */

static enum status question(const struct word_call *w, struct buf *detail) {
  struct buf text = BUF_INIT;
  enum status status = add_text(w, "", positional(w, 0), &text);
  struct dry_line *line = dry_line(w->d, DRY_QUESTION, buf_take(&text));
  line->truth = DRY_OPEN;
  line->detail = buf_take(detail);
  return status;
}

/* A no ends the run: whatever follows was answered with yes. */
static enum status do_confirm(const struct word_call *w, value *out) {
  struct buf detail = BUF_INIT;
  *out = value_bool(true);
  buf_adds(&detail, "confirm");
  return question(w, &detail);
}

static enum status do_choose(const struct word_call *w, value *out) {
  struct dry *d = w->d;
  struct buf detail = BUF_INIT;
  value options;
  enum status status = eval_node(d->e, positional(w, 1), &options);
  if (status != OK) return status;
  *out = value_unknown();
  buf_adds(&detail, "choose one of ");
  if (options.tag == V_ARRAY) {
    const struct list *l = value_array(options);
    for (size_t i = 0; i < l->count; i++) {
      if (i) buf_adds(&detail, ", ");
      dry_value_text(d, l->items[i], 0, false, &detail);
    }
  } else {
    dry_value_text(d, options, positional(w, 1), false, &detail);
  }
  value_unref(options);
  status = add_text(w, "; suggested: ", keyword(w, W_suggest), &detail);
  if (status == OK) return question(w, &detail);
  buf_release(&detail);
  return status;
}

static enum status do_ask(const struct word_call *w, value *out) {
  struct buf detail = BUF_INIT;
  *out = value_unknown();
  enum status status = add_text(w, "ask for: ", positional(w, 1), &detail);
  if (status == OK) status = add_text(w, "; default: ", keyword(w, W_default), &detail);
  if (status == OK) return question(w, &detail);
  buf_release(&detail);
  return status;
}

static enum status do_manual(const struct word_call *w, value *out) {
  struct buf detail = BUF_INIT;
  *out = value_unknown();
  buf_adds(&detail, keyword(w, W_evidence) ? "by hand, with evidence" : "by hand");
  return question(w, &detail);
}

static enum status do_page(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT, whom = BUF_INIT;
  value v;
  *out = VALUE_NIL;
  enum status status = eval_node(w->d->e, positional(w, 0), &v);
  if (status != OK) return status;
  dry_value_text(w->d, v, positional(w, 0), true, &whom);
  value_unref(v);
  status = add_text(w, "", positional(w, 1), &text);
  struct dry_line *line = dry_line(w->d, DRY_PAGE, buf_take(&text));
  line->detail = buf_take(&whom);
  if (status == OK) dry_change(w->d, line);
  return status;
}

/* --- telling --- */

static enum status do_note(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  *out = VALUE_NIL;
  enum status status = add_text(w, "", positional(w, 0), &text);
  dry_line(w->d, DRY_NOTE, buf_take(&text));
  return status;
}

static enum status do_show(const struct word_call *w, value *out) {
  struct dry *d = w->d;
  struct buf name = BUF_INIT, shown = {.max = DRY_VALUE_MAX}, json = {.max = DRY_VALUE_MAX};
  value v;
  *out = VALUE_NIL;
  enum status status = eval_node(d->e, positional(w, 0), &v);
  if (status != OK) return status;
  dry_value_text(d, v, positional(w, 0), v.tag == V_ARRAY || v.tag == V_HASH || v.tag == V_RECORD,
                 &shown);
  json_write(v, d->run->program->syms, true, &json);
  value_unref(v);
  status = add_text(w, "", keyword(w, W_as), &name);
  struct dry_line *line = dry_line(d, DRY_SHOW, take(&name));
  line->detail = buf_take(&shown);
  if (json.overflow) buf_release(&json);
  else line->result = buf_take(&json);
  return status;
}

static enum status do_finding(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  *out = VALUE_NIL;
  buf_adds(&text, "finding");
  enum status status = add_text(w, ", ", keyword(w, W_kind), &text);
  if (status == OK) status = add_text(w, ": ", positional(w, 0), &text);
  dry_line(w->d, DRY_NOTE, buf_take(&text));
  return status;
}

static enum status do_follow_up(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  *out = VALUE_NIL;
  enum status status = add_text(w, "to do: ", positional(w, 0), &text);
  if (status == OK) status = add_text(w, ", ", keyword(w, W_owner), &text);
  if (status == OK) status = add_text(w, ", due ", keyword(w, W_due), &text);
  dry_line(w->d, DRY_NOTE, buf_take(&text));
  return status;
}

/* --- waiting --- */

static enum status do_wait(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  *out = VALUE_NIL;
  buf_adds(&text, "waits ");
  dry_duration(w->d, positional(w, 0), 0, &text);
  dry_line(w->d, DRY_WAIT, buf_take(&text));
  return OK;
}

/* One look now: it may hold already. Later looks are not known. */
static enum status do_wait_until(const struct word_call *w, value *out) {
  struct dry *d = w->d;
  struct buf text = BUF_INIT, detail = BUF_INIT;
  value v;
  enum status status = eval_block(d->e, block(w), NULL, 0, &v);
  if (status != OK) return status;
  const struct node *b = tree_node(d->e->tree, block(w));
  dry_source(d, b->b ? b->b : block(w), &text);
  buf_adds(&detail, "waits at most ");
  dry_duration(d, keyword(w, W_within), LIMIT_WAIT_WITHIN, &detail);
  buf_adds(&detail, ", looks every ");
  dry_duration(d, keyword(w, W_every), LIMIT_EVERY, &detail);
  enum dry_truth truth = dry_truth(v);
  if (truth == DRY_HOLDS_NOT) buf_adds(&detail, "; not so yet"), truth = DRY_OPEN;
  value_unref(v);
  struct dry_line *line = dry_line(d, DRY_CHECK, buf_take(&text));
  line->truth = truth;
  line->detail = buf_take(&detail);
  *out = value_bool(true);
  return OK;
}

static enum status do_watch(const struct word_call *w, value *out) {
  struct buf text = BUF_INIT;
  *out = VALUE_NIL;
  buf_adds(&text, "watches for ");
  dry_duration(w->d, keyword(w, W_for), LIMIT_WAIT_WITHIN, &text);
  buf_adds(&text, ", looks every ");
  dry_duration(w->d, keyword(w, W_every), LIMIT_WATCH_EVERY, &text);
  dry_line(w->d, DRY_WAIT, buf_take(&text));
  enum status status = dry_may_run(w->d, mem_strdup("at every look"), block(w));
  if (status == OK) eval_forget(w->d->e, block(w));
  return status;
}

/* --- child runs --- */

static enum status do_start(const struct word_call *w, value *out) {
  struct dry *d = w->d;
  const struct tree *t = d->e->tree;
  node_id first = w->call ? w->call->c : 0;
  char *name;
  *out = VALUE_NIL;
  enum status status = dry_text(d, first, &name);
  if (status != OK) return status;
  struct dry_line *line = dry_line(d, DRY_CHILD, name);
  line->detail = mem_strdup("starts a run, and does not wait for it");
  size_t at = d->at->line_count - 1;
  for (node_id p = tree_node(t, first)->next; p && status == OK; p = tree_node(t, p)->next) {
    const struct node *pair = tree_node(t, p);
    value v;
    if (pair->kind != N_pair || tree_node(t, pair->a)->kind != N_sym) continue;
    status = eval_node(d->e, pair->b, &v);
    if (status != OK) break;
    dry_arg(d, &d->at->lines[at], sym_text(d->run->program->syms, tree_node(t, pair->a)->a), v,
            pair->b, true);
    value_unref(v);
  }
  if (status == OK) dry_change(d, &d->at->lines[at]);
  return status;
}

/* --- the table --- */

static const struct {
  sym word;
  enum status (*fn)(const struct word_call *w, value *out);
} words[] = {
    {W_expect, do_expect},  {W_confirm, do_confirm},       {W_choose, do_choose},
    {W_ask, do_ask},        {W_manual, do_manual},         {W_note, do_note},
    {W_show, do_show},      {W_finding, do_finding},       {W_follow_up, do_follow_up},
    {W_fail_bang, do_fail}, {W_skip_bang, do_skip},        {W_finish, do_finish},
    {W_wait, do_wait},      {W_wait_until, do_wait_until}, {W_watch, do_watch},
    {W_page, do_page},      {W_start, do_start},
};

enum status dry_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  struct dry *d = ud;
  const struct node *n = tree_node(e->tree, call);
  struct word_call w = {.d = d, .call = n->kind == N_call ? n : NULL, .at = call};
  *out = value_unknown();
  if (d->quiet || !d->at) return OK;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (words[i].word != word) continue;
    enum status status = words[i].fn(&w, out);
    if (status != OK && status != ERR_STOP) error_at(e->err, tree_span(e->tree, call));
    return status;
  }
  struct buf text = BUF_INIT;
  dry_source(d, call, &text);
  dry_line(d, DRY_NOTE, buf_take(&text));
  return OK;
}
