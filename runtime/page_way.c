/* How a page reaches somebody: by the action of a binding, called as a runbook would call it. */
#include "page_inner.h"

#include "action.h"

enum { PAGE_TEXT = 900 }; /* bytes of the text that go out: it fits every way with what is added */

/* --- what is said --- */

static void text_cut(const char *text, struct buf *out) {
  size_t len = strlen(text), n = len;
  if (n > PAGE_TEXT) n = PAGE_TEXT;
  while (n < len && ((unsigned char)text[n] & 0xC0) == 0x80)
    n--;
  buf_add(out, text, n);
  if (n < len) buf_adds(out, "...");
}

static void say_summary(const struct page_run *p, struct buf *out) {
  if (p->severity) buf_addf(out, "[%s] ", p->severity);
  text_cut(p->text, out);
}

/* Which run, and how one says that one has it. */
static void say_all(const struct page_run *p, struct buf *out) {
  const struct run *run = p->lane->run;
  say_summary(p, out);
  buf_addf(out, "\nrun %s of %s", run->id, run->plan->name);
  if (p->lane->at) {
    struct buf step = BUF_INIT;
    text_cut(p->lane->at->id, &step);
    if (step.len <= 100) buf_addf(out, ", step %s", buf_str(&step));
    buf_release(&step);
  }
  buf_addf(out, "\nto acknowledge: stepwise ack %s", run->id);
}

static void say_subject(const struct page_run *p, struct buf *out) {
  enum { SUBJECT = 120 };
  say_summary(p, out);
  for (size_t i = 0; i < out->len; i++)
    if ((unsigned char)out->data[i] < ' ') out->data[i] = ' ';
  if (out->len <= SUBJECT) return;
  size_t n = SUBJECT;
  while (((unsigned char)out->data[n] & 0xC0) == 0x80)
    n--;
  buf_truncate(out, n);
}

static void say_source(const struct page_run *p, struct buf *out) {
  buf_add(out, p->lane->run->plan->name, strnlen(p->lane->run->plan->name, 200));
}

static void say_key(const struct page_run *p, struct buf *out) {
  buf_adds(out, p->key);
}

/* Paging services know four. */
static void say_severity(const struct page_run *p, struct buf *out) {
  static const struct {
    const char *name, *say;
  } severities[] = {{"sev1", "critical"}, {"sev2", "error"}, {"sev3", "warning"}, {"sev4", "info"}};
  const char *say = "critical";
  for (size_t i = 0; p->severity && i < sizeof severities / sizeof *severities; i++)
    if (strcmp(severities[i].name, p->severity) == 0) say = severities[i].say;
  buf_adds(out, say);
}

/* --- what an action is given --- */

/* say NULL: the contact. */
static const struct way_arg {
  enum way_id way;
  const char *param;
  void (*say)(const struct page_run *p, struct buf *out);
} way_args[] = {
    {WAY_sms, "to", NULL},          {WAY_sms, "body", say_all},
    {WAY_email, "to", NULL},        {WAY_email, "subject", say_subject},
    {WAY_email, "body", say_all},   {WAY_email, "text", say_all},
    {WAY_chat, "channel", NULL},    {WAY_chat, "text", say_all},
    {WAY_pager, "service", NULL},   {WAY_pager, "summary", say_summary},
    {WAY_pager, "source", say_source}, {WAY_pager, "severity", say_severity},
    {WAY_pager, "dedup_key", say_key},
};

static const struct action *action_named(const struct program *p, enum way_id way,
                                         const char *name) {
  for (size_t i = 0; i < p->binding_count; i++) {
    const struct binding *b = p->bindings[i];
    if (strcmp(sym_text(p->syms, b->name), ways[way].name) != 0) continue;
    for (size_t k = 0; k < b->action_count; k++)
      if (strcmp(sym_text(p->syms, b->actions[k].name), name) == 0) return &b->actions[k];
  }
  return NULL;
}

const struct action *page_action(const struct program *p, enum way_id way) {
  return action_named(p, way, ways[way].action);
}

static bool argument_text(const struct page_run *p, enum way_id way, const char *param,
                          const struct site_contact *c, struct buf *out) {
  for (size_t i = 0; i < sizeof way_args / sizeof *way_args; i++) {
    const struct way_arg *a = &way_args[i];
    if (a->way != way || strcmp(a->param, param) != 0) continue;
    if (a->say) a->say(p, out);
    else if (c->to) buf_adds(out, c->to);
    return out->len > 0;
  }
  return false;
}

/* What the action takes, checked as the evaluator does. */
static enum status argument(const struct page_run *p, enum way_id way, const struct field *f,
                            const struct site_contact *c, value *out, struct error *err) {
  struct eval *e = &p->lane->eval;
  const struct program *program = p->lane->run->program;
  struct buf text = BUF_INIT;
  enum status status = OK;
  *out = VALUE_NIL;
  if (argument_text(p, way, sym_text(program->syms, f->name), c, &text)) {
    value v = value_string(text.data, text.len);
    status = field_check(e, f, v, true, out, err);
    value_unref(v);
  } else if (f->default_value) {
    status = field_default(e, f, out);
    if (status != OK && err != e->err) error_move(err, e->err);
  } else if (!f->optional) {
    status = error_set(err, ERR_VALUE, "%s wants %s, which a page does not have", ways[way].name,
                       sym_text(program->syms, f->name));
  }
  buf_release(&text);
  return status;
}

static void arguments_release(value *args, size_t count) {
  for (size_t i = 0; i < count; i++)
    value_unref(args[i]);
  mem_free(args);
}

/* --- delivering --- */

/* Ends the page, and is no mere failure to deliver. */
static bool is_end(const struct page_run *p, const struct error *e, int64_t limit) {
  if (e->status == ERR_JOURNAL || e->status == ERR_CANCELLED || e->status == ERR_WAITING) return true;
  if (strcmp(e->kind, "replay") == 0) return true;
  if (strcmp(e->kind, "limit") != 0) return false;
  /* Its own, or that of what it stands in? On the way back and after a failure the block goes on. */
  const struct run *run = p->lane->run;
  return !run->in_handler && !run->rolling_back &&
         clock_mono(run->engine->config.clock) >= limit;
}

static enum status call_action(struct page_run *p, enum way_id way, const struct action *action,
                               const struct site_contact *c, struct error *err) {
  struct lane *lane = p->lane;
  value *args = mem_array(action->take_count + 1, sizeof *args), out = VALUE_NIL;
  size_t n = 0;
  enum status status = OK;
  for (; status == OK && n < action->take_count; n++)
    status = argument(p, way, &action->takes[n], c, &args[n], err);
  if (status == OK) {
    lane->paging = true;
    status = action_call(lane, &lane->eval, action, p->call, args, NULL, &out);
    lane->paging = false;
    if (status == OK) value_unref(out);
    else if (err != &lane->err) error_move(err, &lane->err);
  }
  arguments_release(args, n);
  return status;
}

/* One that hangs must not keep the page from the next. */
static enum status call_limited(struct page_run *p, enum way_id way, const struct action *action,
                                const struct site_contact *c, bool *ends, struct error *err) {
  struct tasks *tasks = p->lane->run->engine->tasks;
  int64_t now = clock_mono(p->lane->run->engine->config.clock), limit = task_deadline(tasks);
  int64_t before = task_deadline_push(tasks, clock_add(now, LIMIT_PAGE));
  struct error problem = {0};
  enum status status = call_action(p, way, action, c, &problem);
  task_deadline_restore(tasks, before);
  *ends = status != OK && is_end(p, &problem, limit);
  if (status != OK && !*ends && strcmp(problem.kind, "limit") == 0) {
    char length[32];
    took_text(LIMIT_PAGE, length);
    error_set(&problem, ERR_FAILED, "it took longer than %s", length);
    error_kind(&problem, "limit");
  }
  if (status != OK) error_move(err, &problem);
  return status;
}

enum status page_deliver(struct page_run *p, const struct page_turn *turn,
                         const struct site_contact *c, bool *taken, struct error *problem,
                         struct error *err) {
  int way = way_find(c->way, NULL);
  const struct action *action = way >= 0 ? page_action(p->lane->run->program, (enum way_id)way) : NULL;
  bool ends = false;
  (void)turn;
  *taken = false;
  if (!action) {
    error_set(problem, ERR_NOT_FOUND, "no binding of this run serves %s", c->way);
    return OK;
  }
  enum status status = call_limited(p, (enum way_id)way, action, c, &ends, problem);
  *taken = status == OK;
  if (!ends) return OK;
  error_move(err, problem);
  return status;
}

/* Best effort: that somebody has it is recorded, whatever the service says. */
enum status page_quiet(struct page_run *p, struct error *err) {
  const struct action *action = action_named(p->lane->run->program, WAY_pager, "acknowledge");
  enum status status = OK;
  for (size_t i = 0; action && status == OK && i < p->count; i++) {
    const struct page_turn *t = &p->turns[i];
    for (size_t k = 0; status == OK && t->role && k < t->role->contact_count && k < 64; k++) {
      const struct site_contact *c = &t->role->contacts[k];
      struct error problem = {0};
      bool ends = false;
      if (!(t->told & (UINT64_C(1) << k)) || way_find(c->way, NULL) != WAY_pager) continue;
      status = call_limited(p, WAY_pager, action, c, &ends, &problem);
      if (ends) error_move(err, &problem);
      else status = OK;
      error_release(&problem);
    }
  }
  return status;
}
