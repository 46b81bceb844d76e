/* Questions to people: journalled, asked, checked, and answered on disk before anything depends on
 * the answer. */
#include "run.h"

const char *const prompt_kind_name[] = {"confirm", "choose", "ask", "manual", "approval", "input", "page"};

void answer_release(struct answer *a) {
  value_unref(a->value);
  mem_free(a->by);
  mem_free(a->comment);
  *a = (struct answer){0};
}

void error_whole(const struct error *err, struct buf *out) {
  buf_clear(out);
  buf_addf(out, "%s%s%s", err->message, err->help ? "; " : "", err->help ? err->help : "");
}

void answer_word(const struct lane *lane, value v, struct buf *out) {
  struct buf text = BUF_INIT;
  value_to_s(v, lane->run->program->syms, &text);
  const char *s = buf_str(&text);
  s += strspn(s, " \t");
  size_t n = strlen(s);
  while (n && (s[n - 1] == ' ' || s[n - 1] == '\n' || s[n - 1] == '\r'))
    n--;
  for (size_t i = 0; i < n; i++)
    buf_addc(out, s[i] >= 'A' && s[i] <= 'Z' ? (char)(s[i] + 32) : s[i]);
  buf_release(&text);
}

static bool among(const char *word, const char *const *words) {
  for (; *words; words++)
    if (strcmp(word, *words) == 0) return true;
  return false;
}

static const char *const words_yes[] = {"yes", "y", "true", NULL};
static const char *const words_no[] = {"no", "n", "false", NULL};
static const char *const words_done[] = {"done", "yes", "y", "true", "", NULL};
static const char *const words_undone[] = {"no", "n", "not done", "false", NULL};

struct checked {
  value value; /* owned */
  bool declined;
  struct buf problem; /* why the answer does not do */
};

typedef void check_fn(struct lane *lane, const struct prompt *q, const struct field *field,
                      struct answer *a, struct checked *out);

static void check_confirm(struct lane *lane, const struct prompt *q, const struct field *field,
                          struct answer *a, struct checked *out) {
  (void)q, (void)field;
  struct buf word = BUF_INIT;
  answer_word(lane, a->value, &word);
  out->declined = among(buf_str(&word), words_no);
  if (!out->declined && !among(buf_str(&word), words_yes))
    buf_adds(&out->problem, "answer yes or no");
  out->value = value_bool(!out->declined);
  buf_release(&word);
}

/* The option itself, or its number as shown. */
static void check_choose(struct lane *lane, const struct prompt *q, const struct field *field,
                         struct answer *a, struct checked *out) {
  (void)field;
  struct buf text = BUF_INIT;
  value_to_s(a->value, lane->run->program->syms, &text);
  const char *said = buf_str(&text);
  if (!text.len && q->suggest) said = q->suggest;
  size_t found = q->option_count;
  for (size_t i = 0; i < q->option_count && found == q->option_count; i++)
    if (strcmp(q->options[i], said) == 0) found = i;
  char *end;
  long n = strtol(said, &end, 10);
  if (found == q->option_count && *said && !*end && n >= 1 && (size_t)n <= q->option_count)
    found = (size_t)n - 1;
  out->value = value_int((int64_t)found);
  if (found == q->option_count) {
    buf_addf(&out->problem, "'%s' is none of the options:", said);
    for (size_t i = 0; i < q->option_count; i++)
      buf_addf(&out->problem, "%s %s", i ? "," : "", q->options[i]);
  }
  buf_release(&text);
}

static void check_typed(struct lane *lane, const struct prompt *q, const struct field *field,
                        struct answer *a, struct checked *out) {
  struct error err = {0};
  value v = VALUE_NIL, in = a->value;
  bool empty = in.tag == V_STRING && value_str(in)->len == 0;
  if (empty && q->suggest) {
    mem_free(a->comment);
    a->comment = NULL;
    value_unref(a->value);
    in = a->value = value_cstr(q->suggest);
  }
  if (field_check(&lane->eval, field, in, in.tag == V_STRING, &v, &err) != OK)
    error_whole(&err, &out->problem);
  out->value = v;
  error_release(&err);
}

static void check_manual(struct lane *lane, const struct prompt *q, const struct field *field,
                         struct answer *a, struct checked *out) {
  (void)field;
  struct buf word = BUF_INIT;
  answer_word(lane, a->value, &word);
  out->declined = among(buf_str(&word), words_undone);
  bool done = among(buf_str(&word), words_done);
  if (!done && !out->declined && q->evidence && !a->comment) { /* the answer is the evidence */
    struct buf text = BUF_INIT;
    value_to_s(a->value, lane->run->program->syms, &text);
    a->comment = buf_take(&text);
    done = true;
  }
  if (!done && !out->declined) buf_adds(&out->problem, "answer done, or no");
  else if (done && q->evidence && !(a->comment && *a->comment))
    buf_adds(&out->problem, "evidence is wanted: what was done, a ticket, a path");
  out->value = value_bool(!out->declined);
  buf_release(&word);
}

static check_fn *const checks[] = {
    [PROMPT_CONFIRM] = check_confirm, [PROMPT_CHOOSE] = check_choose, [PROMPT_ASK] = check_typed,
    [PROMPT_MANUAL] = check_manual,   [PROMPT_INPUT] = check_typed,
};

static enum status record_asked(struct lane *lane, const struct prompt *q, struct error *err) {
  struct record r = {0};
  record_text(&r, "type", prompt_kind_name[q->kind]);
  record_text(&r, "text", q->text);
  if (lane->at) record_int(&r, "call", ++lane->at->prompts);
  if (lane->at) record_int(&r, "attempt", lane->at->attempt);
  record_texts(&r, "options", q->options, q->option_count);
  return run_record(lane, EVENT_NAME(PROMPT_ASKED), &r, err);
}

static enum status record_answered(struct lane *lane, const struct prompt *q,
                                   const struct answer *a, value said, struct error *err) {
  const struct prompter *p = lane->run->engine->config.prompter;
  struct record r = {0};
  record_text(&r, "type", prompt_kind_name[q->kind]);
  record_text(&r, "text", q->text);
  if (lane->at) record_int(&r, "call", lane->at->prompts);
  if (lane->at) record_int(&r, "attempt", lane->at->attempt);
  if (q->kind == PROMPT_CHOOSE) record_text(&r, "answer", q->options[said.u.i]);
  else record_value(&r, "answer", said, lane->run->program->syms);
  record_text(&r, "evidence", a->comment);
  record_text(&r, "source", p->source);
  enum status status = run_record(lane, EVENT_NAME(PROMPT_ANSWERED), &r, err);
  return status == OK ? run_sync(lane, err) : status;
}

static void tell_answer(struct lane *lane, const struct prompt *q, value said) {
  struct buf text = BUF_INIT;
  if (q->kind == PROMPT_CHOOSE) buf_adds(&text, q->options[said.u.i]);
  else if (said.tag == V_BOOL)
    buf_adds(&text, said.u.b ? q->kind == PROMPT_MANUAL ? "done" : "yes" : "no");
  else value_to_s(said, lane->run->program->syms, &text);
  run_notice(lane,
             &(struct notice){.kind = NOTICE_ANSWER, .text = q->text, .detail = buf_str(&text)});
  buf_release(&text);
}

enum status ask_begin(struct lane *lane, struct ask_wait *w, int64_t until, struct error *err) {
  struct engine *g = lane->run->engine;
  struct ask_wait **last = &g->asking;
  *w = (struct ask_wait){.task = task_current(g->tasks)};
  while (*last)
    last = &(*last)->next;
  *last = w;
  enum status status = OK;
  while (status == OK && g->asking != w) {
    int64_t left = until - clock_mono(g->config.clock);
    if (left <= 0) status = error_set(err, ERR_WAITING, "nobody answered in time");
    else status = task_sleep(g->tasks, until == CLOCK_NEVER ? CLOCK_NEVER : left, err);
  }
  if (status != OK) ask_end(lane, w);
  return status;
}

void ask_end(struct lane *lane, struct ask_wait *w) {
  struct ask_wait **at = &lane->run->engine->asking;
  bool first = *at == w;
  while (*at != w)
    at = &(*at)->next;
  *at = w->next;
  if (first && w->next) task_wake(w->next->task);
}

static enum status ask_until_good(struct lane *lane, struct prompt *q, const struct field *field,
                                  struct answer *a, struct checked *c, struct error *err) {
  const struct prompter *p = lane->run->engine->config.prompter;
  struct buf problem = BUF_INIT;
  enum status status;
  for (;;) {
    q->problem = problem.len ? buf_str(&problem) : NULL;
    status = prompt_ask(lane->run->engine, q, a, err);
    if (status != OK) break;
    *c = (struct checked){0};
    checks[q->kind](lane, q, field, a, c);
    if (!c->problem.len) break;
    buf_clear(&problem);
    buf_adds(&problem, buf_str(&c->problem));
    buf_release(&c->problem);
    value_unref(c->value);
    answer_release(a);
    if (p->again) continue;
    status = error_set(err, ERR_VALUE, "the answer to '%s' (from the %s): %s", q->text, p->source,
                       buf_str(&problem));
    error_kind(err, "answer");
    break;
  }
  q->problem = NULL;
  buf_release(&problem);
  return status;
}

static enum status ask_in_turn(struct lane *lane, struct prompt *q, const struct field *field,
                               struct answer *a, struct checked *c, struct error *err) {
  struct ask_wait w;
  enum status status = ask_begin(lane, &w, q->until, err);
  if (status != OK) return status;
  status = ask_until_good(lane, q, field, a, c, err);
  ask_end(lane, &w);
  return status;
}

static enum status ask_now(struct lane *lane, struct prompt *q, const struct field *field,
                           struct answer *a, struct checked *c, struct error *err) {
  enum status status = OK;
  /* A secret that was answered before is asked for again, and the journal has that it was. */
  if (lane->replay && !replay_peek(lane->replay, EVENT_PROMPT_ANSWERED))
    status = replay_live(lane, err);
  return status == OK ? ask_in_turn(lane, q, field, a, c, err) : status;
}

/* The answer that the journal has, as checks[] would have left it. A secret is not there: it is asked
 * for again. False: there is none. */
static enum status answered_before(struct lane *lane, const struct prompt *q, struct answer *out,
                                   struct checked *c, bool *found, struct error *err) {
  struct replay *r = lane->replay;
  uint32_t asked = replay_peek(r, EVENT_PROMPT_ASKED), e;
  *found = false;
  if (asked && !past_is(r->h, asked, "text", q->text)) {
    char *was = past_text(r->h, asked, "text");
    enum status status = replay_differs(lane, was ? was : "", q->text, err);
    mem_free(was);
    return status;
  }
  if (!asked || !(e = replay_peek(r, EVENT_PROMPT_ANSWERED))) return OK;
  enum status status = past_value(r->h, e, "answer", lane->run->program->syms, &c->value, err);
  if (status != OK) return status;
  *found = !value_has_secret(c->value);
  if (!*found) {
    value_unref(c->value);
    c->value = VALUE_NIL;
    return OK;
  }
  out->comment = past_text(r->h, e, "evidence");
  if (q->kind == PROMPT_CHOOSE) {
    size_t i = 0;
    while (i < q->option_count && strcmp(q->options[i], value_str(c->value)->s) != 0)
      i++;
    value_unref(c->value);
    c->value = value_int((int64_t)i);
    if (i == q->option_count) return replay_differs(lane, "an option that is not there now", q->text, err);
  }
  c->declined = c->value.tag == V_BOOL && !c->value.u.b && q->kind != PROMPT_ASK;
  return OK;
}

enum status run_ask(struct lane *lane, struct prompt *q, const struct field *field,
                    struct answer *out, struct error *err) {
  struct checked c = {0};
  q->step = lane->at ? lane->at->id : "";
  q->until = clock_add(clock_mono(lane->run->engine->config.clock), LIMIT_ANSWER);
  q->branch = lane->name;
  bool before = false;
  enum status status = lane->replay ? answered_before(lane, q, out, &c, &before, err) : OK;
  if (status == OK) status = record_asked(lane, q, err);
  if (status == OK && !before) status = ask_now(lane, q, field, out, &c, err);
  if (status != OK) return status;
  secrets_learn_value(lane->run->engine->secrets, NULL, "answer", c.value, lane->run->program->syms);
  status = record_answered(lane, q, out, c.value, err);
  if (status == OK) tell_answer(lane, q, c.value);
  value_unref(out->value);
  out->value = c.value;
  if (status == OK && c.declined) {
    error_set(err, ERR_CANCELLED, "answered no: %s", q->text);
    error_kind(err, "declined");
    status = ERR_CANCELLED;
  }
  return status;
}
