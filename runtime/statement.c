/* The statements of a step's body that are neither assignments nor actions: what they check, ask,
 * tell and wait for. One function each, found by word. */
#include "page.h"

#include "codec.h"

/* The arguments of one statement, evaluated on demand. */
struct args {
  struct lane *lane;
  struct eval *e;
  const struct node *call; /* NULL: a bare word */
  node_id at;
  struct error *err;
};

static node_id positional(const struct args *a, size_t i) {
  return a->call ? call_arg(a->e->tree, a->call, i) : 0;
}

static node_id keyword(const struct args *a, sym name) {
  return a->call ? call_keyword(a->e->tree, a->call, name) : 0;
}

static node_id block(const struct args *a) {
  return a->call ? call_block(a->e->tree, a->call) : 0;
}

/* The text of an argument; "" for none. */
static enum status text_of(const struct args *a, node_id n, char **out) {
  return run_text(a->lane, n, out, a->err);
}

static enum status optional_text(const struct args *a, node_id n, char **out) {
  *out = NULL;
  return n ? text_of(a, n, out) : OK;
}

static void source_text(const struct args *a, node_id n, struct buf *out) {
  enum { SHOWN = 60 };
  tree_line(a->e->tree, n, SHOWN, out);
}

/* What a block asks: its body, or all of it when that is empty. */
static void block_text(const struct args *a, struct buf *out) {
  const struct node *b = tree_node(a->e->tree, block(a));
  source_text(a, b->b ? b->b : block(a), out);
}

static enum status failed(const struct args *a, const char *kind, const char *message) {
  error_set(a->err, ERR_FAILED, "%s", message);
  error_kind(a->err, kind);
  return ERR_FAILED;
}

/* --- checks --- */

static enum status do_expect(const struct args *a, value *out) {
  value v;
  char *text;
  struct record r = {0};
  enum status status = run_eval(a->lane, positional(a, 0), &v, a->err);
  if (status != OK) return status;
  bool held = value_truthy(v);
  value_unref(v);
  *out = VALUE_NIL;
  record_bool(&r, "held", held);
  if (held) return run_record(a->lane, EVENT_NAME(EXPECT_CHECKED), &r, a->err);
  status = text_of(a, positional(a, 1), &text);
  if (status != OK) {
    record_release(&r);
    return status;
  }
  struct buf message = BUF_INIT;
  buf_adds(&message, *text ? text : "expected: ");
  if (!*text) source_text(a, positional(a, 0), &message);
  record_text(&r, "text", buf_str(&message));
  status = run_record(a->lane, EVENT_NAME(EXPECT_CHECKED), &r, a->err);
  if (status == OK) status = failed(a, "expect", buf_str(&message));
  buf_release(&message);
  mem_free(text);
  return status;
}

/* fail! "text"   fail! :kind, "text" */
static enum status do_fail(const struct args *a, value *out) {
  char *first = NULL, *second = NULL;
  (void)out;
  enum status status = text_of(a, positional(a, 0), &first);
  if (status == OK) status = optional_text(a, positional(a, 1), &second);
  if (status == OK) status = second ? failed(a, first, second) : failed(a, "failed", first);
  mem_free(first);
  mem_free(second);
  return status;
}

static enum status stop(const struct args *a, enum stop how) {
  char *reason;
  enum status status = text_of(a, positional(a, 0), &reason);
  if (status != OK) return status;
  mem_free(a->lane->stop_reason);
  a->lane->stop_reason = reason;
  a->lane->stop = how;
  return error_set(a->err, ERR_STOP, "stopped: %s", reason);
}

static enum status do_skip(const struct args *a, value *out) {
  (void)out;
  return stop(a, STOP_SKIP);
}

static enum status do_finish(const struct args *a, value *out) {
  (void)out;
  return stop(a, STOP_FINISH);
}

/* --- people --- */

static enum status ask(const struct args *a, struct prompt *q, const struct field *field,
                       struct answer *answer) {
  char *text;
  enum status status = text_of(a, positional(a, 0), &text);
  if (status != OK) return status;
  q->text = text;
  status = run_ask(a->lane, q, field, answer, a->err);
  mem_free(text);
  return status;
}

static enum status do_confirm(const struct args *a, value *out) {
  struct answer answer = {0};
  struct prompt q = {.kind = PROMPT_CONFIRM};
  enum status status = ask(a, &q, NULL, &answer);
  answer_release(&answer);
  *out = value_bool(true);
  return status;
}

static enum status do_manual(const struct args *a, value *out) {
  struct answer answer = {0};
  struct prompt q = {.kind = PROMPT_MANUAL};
  node_id evidence = keyword(a, W_evidence);
  if (evidence) {
    value v;
    enum status status = run_eval(a->lane, evidence, &v, a->err);
    if (status != OK) return status;
    q.evidence = value_truthy(v);
    value_unref(v);
  }
  enum status status = ask(a, &q, NULL, &answer);
  if (status == OK) *out = answer.comment ? value_cstr(answer.comment) : value_bool(true);
  answer_release(&answer);
  return status;
}

static enum status option_texts(const struct args *a, value options, const char ***out) {
  if (options.tag != V_ARRAY || value_array(options)->count == 0) {
    error_set(a->err, ERR_TYPE, "choose needs an array of options, with one at least");
    error_at(a->err, tree_span(a->e->tree, positional(a, 1)));
    return ERR_TYPE;
  }
  const struct list *l = value_array(options);
  const char **texts = mem_array(l->count, sizeof *texts);
  for (size_t i = 0; i < l->count; i++) {
    struct buf b = BUF_INIT;
    value_to_s(l->items[i], a->lane->run->program->syms, &b);
    texts[i] = buf_take(&b);
  }
  *out = texts;
  return OK;
}

static enum status do_choose(const struct args *a, value *out) {
  value options = VALUE_NIL;
  const char **texts = NULL;
  char *suggest = NULL;
  struct answer answer = {0};
  enum status status = run_eval(a->lane, positional(a, 1), &options, a->err);
  if (status != OK) return status;
  status = option_texts(a, options, &texts);
  if (status == OK) status = optional_text(a, keyword(a, W_suggest), &suggest);
  if (status == OK) {
    struct prompt q = {.kind = PROMPT_CHOOSE,
                       .options = texts,
                       .option_count = value_array(options)->count,
                       .suggest = suggest};
    status = ask(a, &q, NULL, &answer);
  }
  if (status == OK) *out = value_ref(value_array(options)->items[answer.value.u.i]);
  for (size_t i = 0; texts && i < value_array(options)->count; i++)
    mem_free((void *)(uintptr_t)texts[i]);
  mem_free(texts);
  mem_free(suggest);
  answer_release(&answer);
  value_unref(options);
  return status;
}

static enum status do_ask(const struct args *a, value *out) {
  struct field field = {.type = T_string, .file = a->e->unit->file};
  char *type = NULL, *suggest = NULL;
  struct answer answer = {0};
  enum status status = optional_text(a, positional(a, 1), &type);
  if (status == OK) status = optional_text(a, keyword(a, W_default), &suggest);
  if (status == OK && type &&
      !type_parse(a->lane->run->program->types, a->lane->run->program->syms, type, strlen(type),
                  &field.type))
    status = error_set(a->err, ERR_CHECK, "no type '%s'", type);
  if (status == OK) {
    field.secret = field.type == T_secret;
    struct prompt q = {.kind = PROMPT_ASK,
                       .type = type ? type : "string",
                       .suggest = suggest,
                       .secret = field.secret};
    status = ask(a, &q, &field, &answer);
  }
  if (status == OK) *out = value_ref(answer.value);
  answer_release(&answer);
  mem_free(type);
  mem_free(suggest);
  return status;
}

/* --- telling --- */

static enum status do_note(const struct args *a, value *out) {
  char *text;
  struct record r = {0};
  enum status status = text_of(a, positional(a, 0), &text);
  if (status != OK) return status;
  *out = VALUE_NIL;
  record_text(&r, "text", text);
  run_notice(a->lane, &(struct notice){.kind = NOTICE_NOTE, .text = text});
  status = run_record(a->lane, EVENT_NAME(NOTED), &r, a->err);
  mem_free(text);
  return status;
}

static enum status do_show(const struct args *a, value *out) {
  char *as = NULL;
  value v;
  struct record r = {0};
  enum status status = optional_text(a, keyword(a, W_as), &as);
  if (status == OK) status = run_eval(a->lane, positional(a, 0), &v, a->err);
  if (status == OK) {
    record_text(&r, "as", as);
    record_value(&r, "value", v, a->lane->run->program->syms);
    run_notice(a->lane, &(struct notice){.kind = NOTICE_SHOW, .text = as, .value = v});
    status = run_record(a->lane, EVENT_NAME(SHOWN), &r, a->err);
    value_unref(v);
    *out = VALUE_NIL;
  }
  mem_free(as);
  return status;
}

static enum status do_finding(const struct args *a, value *out) {
  char *text = NULL, *kind = NULL;
  struct record r = {0};
  enum status status = text_of(a, positional(a, 0), &text);
  if (status == OK) status = optional_text(a, keyword(a, W_kind), &kind);
  if (status == OK) {
    record_text(&r, "text", text);
    record_text(&r, "kind", kind);
    run_notice(a->lane, &(struct notice){.kind = NOTICE_FINDING, .text = text, .detail = kind});
    status = run_record(a->lane, EVENT_NAME(FINDING), &r, a->err);
    *out = VALUE_NIL;
  }
  mem_free(text);
  mem_free(kind);
  return status;
}

static enum status due_of(const struct args *a, struct record *r, struct buf *detail) {
  node_id n = keyword(a, W_due);
  value v;
  if (!n) return OK;
  enum status status = run_eval(a->lane, n, &v, a->err);
  if (status != OK) return status;
  if (v.tag == V_DURATION) { /* from now */
    value at = value_time(clock_add(clock_wall(a->lane->run->engine->config.clock), v.u.i));
    value_unref(v);
    v = at;
  }
  record_value(r, "due", v, a->lane->run->program->syms);
  buf_adds(detail, detail->len ? ", due " : "due ");
  value_to_s(v, a->lane->run->program->syms, detail);
  value_unref(v);
  return OK;
}

static enum status do_follow_up(const struct args *a, value *out) {
  char *text = NULL, *owner = NULL;
  struct record r = {0};
  struct buf detail = BUF_INIT;
  enum status status = text_of(a, positional(a, 0), &text);
  if (status == OK) status = optional_text(a, keyword(a, W_owner), &owner);
  if (status == OK) {
    record_text(&r, "text", text);
    record_text(&r, "owner", owner);
    if (owner) buf_adds(&detail, owner);
    status = due_of(a, &r, &detail);
  }
  if (status == OK) {
    run_notice(a->lane, &(struct notice){.kind = NOTICE_FOLLOW_UP,
                                         .text = text,
                                         .detail = detail.len ? buf_str(&detail) : NULL});
    status = run_record(a->lane, EVENT_NAME(FOLLOW_UP), &r, a->err);
    *out = VALUE_NIL;
  }
  record_release(&r);
  buf_release(&detail);
  mem_free(text);
  mem_free(owner);
  return status;
}

/* :name, or a list of names, called at once. */
static enum status page_roles(const struct args *a, node_id roles, const char *text,
                              value severity) {
  const struct tree *t = a->e->tree;
  bool list = tree_node(t, roles)->kind == N_array;
  size_t n = 0;
  for (node_id i = list ? tree_node(t, roles)->a : roles; i; i = list ? tree_node(t, i)->next : 0)
    n++;
  const char **names = mem_array(n + 1, sizeof *names);
  n = 0;
  for (node_id i = list ? tree_node(t, roles)->a : roles; i; i = list ? tree_node(t, i)->next : 0)
    names[n++] = sym_text(a->lane->run->program->syms, tree_node(t, i)->a);
  enum status status = page_do(a->lane, a->at, names, n, text, severity, a->err);
  mem_free(names);
  return status;
}

static enum status do_page(const struct args *a, value *out) {
  char *text = NULL;
  value severity = VALUE_NIL;
  node_id n = keyword(a, W_severity);
  enum status status = text_of(a, positional(a, 1), &text);
  if (status == OK && n) status = run_eval(a->lane, n, &severity, a->err);
  if (status == OK) {
    status = page_roles(a, positional(a, 0), text, severity);
    value_unref(severity);
    *out = VALUE_NIL;
  }
  mem_free(text);
  return status;
}

static enum status do_start(const struct args *a, value *out) {
  *out = VALUE_NIL;
  return child_start(a->lane, a->at, a->err);
}

/* --- waiting --- */

static enum status wait_started(const struct args *a, const char *how, int64_t us, int64_t every,
                                bool until, int64_t *left) {
  struct buf what = BUF_INIT;
  char length[32];
  took_text(us, length);
  buf_addf(&what, "%s%s", how, length);
  if (until) buf_adds(&what, " at most, until "), block_text(a, &what);
  run_notice(a->lane, &(struct notice){.kind = NOTICE_WAIT, .text = buf_str(&what), .us = us});
  buf_release(&what);
  return wait_begin(a->lane, us, every, left, a->err);
}

static enum status wait_finished(const struct args *a, bool polled, bool held, uint32_t tries) {
  struct record r = {0};
  if (polled) record_bool(&r, "held", held);
  if (tries) record_int(&r, "tries", tries);
  return run_record(a->lane, EVENT_NAME(WAIT_FINISHED), &r, a->err);
}

static enum status do_wait(const struct args *a, value *out) {
  int64_t us, left;
  *out = VALUE_NIL;
  enum status status = run_duration(a->lane, positional(a, 0), 0, &us, a->err);
  if (status == OK) status = wait_started(a, "waiting ", us, 0, false, &left);
  if (status == OK) status = wait_sleep(a->lane, left, a->err);
  return status == OK ? wait_finished(a, false, false, 0) : status;
}

static enum status wait_expired(const struct args *a, int64_t within) {
  char limit[32];
  struct buf what = BUF_INIT, message = BUF_INIT;
  block_text(a, &what);
  took_text(within, limit);
  buf_addf(&message, "waited %s for: %s", limit, buf_str(&what));
  enum status status = failed(a, "timeout", buf_str(&message));
  error_at(a->err, tree_span(a->e->tree, a->at));
  buf_release(&what);
  buf_release(&message);
  return status;
}

static enum status every_of(const struct args *a, int64_t otherwise, int64_t *out) {
  enum { SHORTEST = 1000 };
  enum status status = run_duration(a->lane, keyword(a, W_every), otherwise, out, a->err);
  if (status == OK && *out < SHORTEST) *out = SHORTEST;
  return status;
}

static enum status look(const struct args *a, struct look *l, int64_t left) {
  l->block = block(a);
  l->until = clock_add(clock_mono(a->lane->run->engine->config.clock), left);
  return look_until(a->lane, l, a->err);
}

static enum status do_wait_until(const struct args *a, value *out) {
  int64_t within, left;
  struct look l = {.ends = true};
  enum status status =
      run_duration(a->lane, keyword(a, W_within), LIMIT_WAIT_WITHIN, &within, a->err);
  if (status == OK) status = every_of(a, LIMIT_EVERY, &l.every);
  if (status == OK) status = wait_started(a, "waiting ", within, l.every, true, &left);
  if (status == OK) status = look(a, &l, left);
  if (status == OK) status = wait_finished(a, true, l.held, l.tries);
  *out = value_bool(true);
  return status == OK && !l.held ? wait_expired(a, within) : status;
}

static enum status do_watch(const struct args *a, value *out) {
  int64_t length, left;
  struct look l = {0};
  enum status status = run_duration(a->lane, keyword(a, W_for), LIMIT_WAIT_WITHIN, &length, a->err);
  if (status == OK) status = every_of(a, LIMIT_WATCH_EVERY, &l.every);
  if (status == OK) status = run_duration(a->lane, keyword(a, W_tolerate), 0, &l.tolerate, a->err);
  if (status == OK) status = wait_started(a, "watching for ", length, l.every, false, &left);
  if (status == OK) status = look(a, &l, left);
  *out = VALUE_NIL;
  return status == OK ? wait_finished(a, false, false, l.tries) : status;
}

/* --- the table --- */

static const struct {
  sym word;
  enum status (*fn)(const struct args *a, value *out);
} statements[] = {
    {W_expect, do_expect},  {W_confirm, do_confirm},       {W_choose, do_choose},
    {W_ask, do_ask},        {W_manual, do_manual},         {W_note, do_note},
    {W_show, do_show},      {W_finding, do_finding},       {W_follow_up, do_follow_up},
    {W_page, do_page},
    {W_fail_bang, do_fail}, {W_skip_bang, do_skip},        {W_finish, do_finish},
    {W_start, do_start},    {W_wait, do_wait},      {W_wait_until, do_wait_until}, {W_watch, do_watch},
};

enum status run_statement(void *ud, struct eval *e, node_id call, sym word, value *out) {
  const struct node *n = tree_node(e->tree, call);
  struct args a = {
      .lane = ud, .e = e, .call = n->kind == N_call ? n : NULL, .at = call, .err = e->err};
  for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
    if (statements[i].word != word) continue;
    enum status status = statements[i].fn(&a, out);
    if (status != OK) error_at(e->err, tree_span(e->tree, call));
    return status;
  }
  return error_set(e->err, ERR_CHECK, "%s cannot be run yet",
                   sym_text(a.lane->run->program->syms, word));
}
