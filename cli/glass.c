/* Who breaks glass does not wait, and does not keep it to themselves: the other role is paged by this
 * process, at once, as a run of its own that can be looked at and resumed like any other. What came of
 * it is noted in the run; where no note is, and nobody is at it, it is done by whoever comes next. */
#include "glass.h"

#include "../lang/source.h"
#include "../runtime/codec.h"
#include "../runtime/drill.h"
#include "../runtime/peek.h"
#include "carry.h"
#include "command.h"
#include "load.h"
#include "text.h"

struct glass {
  struct operation *op;
  const struct broken *what;
  struct host host;
  struct program *program;
  struct buf state_dir;
  struct run_result result;
  bool reached;
};

static enum status nobody(void *ud, const struct prompt *q, struct answer *out, struct error *err) {
  (void)ud;
  *out = (struct answer){0};
  return error_set(err, ERR_WAITING, "nobody is asked: %s", q->text);
}

static void tell(void *ud, const struct notice *n) {
  struct glass *g = ud;
  if (n->kind == NOTICE_PAGED) operation_say(g->op, "PAGE %s\n  %s", n->text, n->detail);
  if (n->kind == NOTICE_PAGE) operation_say(g->op, "  %s", n->text);
  g->reached |= n->kind == NOTICE_PAGE && !n->n;
}

/* The role is a word of the site's text, so it is one here. */
static enum status load(struct glass *g, struct error *err) {
  struct buf b = BUF_INIT, diags = BUF_INIT;
  struct source s;
  buf_adds(&b, "runbook \"break-glass\" do\n  title \"Tell of a broken glass\"\n"
               "  input :text, :string, about: \"what was done, by whom and why\"\n"
               "  step \"Page\" do\n");
  buf_addf(&b, "    page :%s, input.text\n  end\nend\n", g->what->role);
  size_t len = b.len;
  (void)buf_reserve(&b, 2);
  host_open(&g->host);
  enum status status = source_init(&s, "break-glass.rb", buf_take(&b), len, err);
  if (status != OK) return source_release(&s), status;
  program_load(&g->program, &s, &g->host.program);
  if (!g->program->diags.errors) return OK;
  diags_print(&g->program->diags, g->program->sources, false, &diags);
  error_set(err, ERR_CHECK, "%s", buf_str(&diags));
  buf_release(&diags);
  return ERR_CHECK;
}

static enum status run(struct glass *g, struct error *err) {
  struct operation *op = g->op;
  const struct broken *a = g->what;
  struct clock clock;
  const struct prompter prompter = {.ud = g, .ask = nobody, .source = "nobody"};
  const struct observer observer = {.ud = g, .notice = tell};
  struct buf trigger = BUF_INIT, said = BUF_INIT;
  buf_addf(&said, "%s; it is step %s of run %s", a->text, a->step, op->run);
  const struct given_input text = {.name = "text", .value = value_cstr(buf_str(&said)), .typed = true};
  buf_addf(&trigger, "glass was broken in run %s, step %s", op->run, a->step);
  struct drill *drill = run_is_drill(op->run) ? drill_new() : NULL;
  const struct run_options options = {.inputs = &text,
                                      .input_count = 1,
                                      .trigger = buf_str(&trigger),
                                      .drill = drill,
                                      .page_and_go = true};
  clock_real(&clock);
  state_beside(op->journal, &g->state_dir);
  const struct engine_config config = {.clock = &clock,
                                       .journal = op->journal,
                                       .prompter = &prompter,
                                       .observer = &observer,
                                       .owners = op->owners,
                                       .site = a->site,
                                       .tail = op->tail,
                                       .state_dir = buf_str(&g->state_dir)};
  struct engine *engine = engine_new(&config);
  engine_run(engine, g->program, &options, &g->result);
  engine_free(engine);
  drill_unref(drill);
  value_unref(text.value);
  buf_release(&trigger);
  buf_release(&said);
  if (g->result.state == RUN_SUCCEEDED) return OK;
  error_move(err, &g->result.error);
  if (err->status == OK) error_set(err, ERR_FAILED, "the run that pages was cut short");
  return err->status;
}

/* Where to look, for those who read the run later; and that somebody saw to it. */
static enum status note(struct glass *g, const struct error *problem, struct error *err) {
  struct buf text = BUF_INIT, members = BUF_INIT;
  bool begun = g->result.state != RUN_NONE;
  buf_addf(&text, ":%s ", g->what->role);
  if (problem->message) buf_addf(&text, "was not paged: %s", problem->message);
  else buf_adds(&text, g->reached ? "is paged" : "was not reached");
  if (begun) buf_addf(&text, " (run %s)", g->result.id);
  operation_say(g->op, "%s", buf_str(&text));
  buf_adds(&members, "\"text\":");
  json_text(&members, text.data, text.len);
  buf_addf(&members, ",\"glass\":\"%s\"", g->what->nonce);
  enum status status = operation_record(g->op, EVENT_NAME(RUN_NOTED), "", buf_str(&members), err);
  buf_release(&text);
  buf_release(&members);
  return status;
}

void glass_page(struct operation *op, const struct broken *what) {
  struct glass g = {.op = op, .what = what};
  struct error problem = {0}, err = {0};
  enum status status = site_zone_enter(what->site, &problem);
  if (status == OK) status = load(&g, &problem);
  if (status == OK) status = run(&g, &problem);
  if (status != OK) operation_say(op, "NOBODY WAS PAGED: call :%s yourself", what->role);
  if (note(&g, &problem, &err) != OK) operation_say(op, "%s", err.message);
  error_release(&problem);
  error_release(&err);
  error_release(&g.result.error);
  program_free(g.program);
  if (g.program) host_release(&g.host);
  buf_release(&g.state_dir);
}

/* --- what nobody saw to --- */

/* The first answer that broke glass of which no note says what came of it. */
struct left {
  struct owners *owners;
  struct buf noted; /* nonces, each behind a blank */
  char *role, *step, *nonce, *by, *reason; /* owned; nonce NULL: there is none */
};

static void left_release(struct left *l) {
  mem_free(l->role);
  mem_free(l->step);
  mem_free(l->nonce);
  mem_free(l->by);
  mem_free(l->reason);
  buf_release(&l->noted);
}

static enum status take_note(void *ud, const struct event *e) {
  struct left *l = ud;
  size_t len = l->noted.len;
  buf_addc(&l->noted, ' ');
  if (!peek_text(e->data, e->data_len, "glass", &l->noted)) buf_truncate(&l->noted, len);
  return OK;
}

static enum status take_given(void *ud, const struct event *e) {
  struct left *l = ud;
  pid_t pid;
  if (l->nonce || !peek_true(e->data, e->data_len, "break_glass")) return OK;
  if (owner_of(l->owners, e->seq, &pid)) return OK; /* who broke it is at it */
  l->nonce = peek_copy(e->data, e->data_len, "nonce");
  if (!l->nonce || strstr(buf_str(&l->noted), l->nonce)) {
    mem_free(l->nonce);
    l->nonce = NULL;
    return OK;
  }
  l->role = peek_copy(e->data, e->data_len, "paged");
  l->by = peek_copy(e->data, e->data_len, "approver");
  l->reason = peek_copy(e->data, e->data_len, "reason");
  l->step = mem_strdup(e->step);
  return OK;
}

static enum status left_find(struct operation *op, struct left *l, struct error *err) {
  const struct event_filter given = {.run = op->run, .kind = EVENT_NAME(APPROVAL_GIVEN)};
  const struct event_filter noted = {.run = op->run, .kind = EVENT_NAME(RUN_NOTED)};
  enum status status = journal_scan(op->journal, &noted, take_note, l, err);
  return status == OK ? journal_scan(op->journal, &given, take_given, l, err) : status;
}

static enum status left_page(struct operation *op, const struct left *l, struct error *err) {
  struct site_pinned pinned;
  struct buf text = BUF_INIT;
  buf_addf(&text, "%s broke glass: %s", l->by ? l->by : "somebody", l->reason ? l->reason : "");
  enum status status = site_pinned_load(&pinned, op->journal, op->run, err);
  const struct broken what = {l->role, l->step, l->nonce, buf_str(&text), pinned.site};
  if (status == OK) glass_page(op, &what);
  site_pinned_release(&pinned);
  buf_release(&text);
  return status;
}

/* Each once, whether it could be noted or not. */
enum status glass_left(struct operation *op, struct error *err) {
  enum status status = OK;
  struct buf seen = BUF_INIT;
  for (bool more = true; more && status == OK;) {
    struct left l = {.owners = op->owners};
    buf_add(&l.noted, buf_str(&seen), seen.len);
    status = left_find(op, &l, err);
    more = l.nonce && l.role;
    if (more) buf_addf(&seen, " %s", l.nonce);
    if (status == OK && more) status = left_page(op, &l, err);
    left_release(&l);
  }
  buf_release(&seen);
  return status;
}

void glass_look(struct carry *c, struct owners *owners, const char *run) {
  struct operation op = {.journal = c->store, .owners = owners, .run = run, .tail = buf_str(&c->tail)};
  struct error err = {0};
  if (glass_left(&op, &err) != OK) (void)report_error(&err);
  if (op.said.len) {
    text_print(stderr, buf_str(&op.said), 0);
    putc('\n', stderr);
  }
  error_release(&err);
  operation_release(&op);
}
