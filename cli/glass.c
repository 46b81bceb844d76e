/* Who breaks glass does not wait, and does not keep it to themselves: the other role is paged by this
 * process, at once, as a run of its own that can be looked at and resumed like any other. */
#include "glass.h"

#include "../lang/source.h"
#include "../runtime/codec.h"
#include "../runtime/drill.h"
#include "carry.h"
#include "load.h"
#include "text.h"

struct glass {
  struct verb *verb;
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
  if (n->kind == NOTICE_PAGED) operation_say(&g->verb->op, "PAGE %s\n  %s", n->text, n->detail);
  if (n->kind == NOTICE_PAGE) operation_say(&g->verb->op, "  %s", n->text);
  g->reached |= n->kind == NOTICE_PAGE && !n->n;
}

/* The role is a word of the site's text, so it is one here. */
static enum status load(struct glass *g, const struct approve *a, struct error *err) {
  struct buf b = BUF_INIT, diags = BUF_INIT;
  struct source s;
  buf_adds(&b, "runbook \"break-glass\" do\n  title \"Tell of a broken glass\"\n"
               "  input :text, :string, about: \"what was done, by whom and why\"\n"
               "  step \"Page\" do\n");
  buf_addf(&b, "    page :%s, input.text\n  end\nend\n", a->role->break_glass);
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

static enum status run(struct glass *g, const struct approve *a, struct error *err) {
  struct operation *op = &g->verb->op;
  struct clock clock;
  const struct prompter prompter = {.ud = g, .ask = nobody, .source = "nobody"};
  const struct observer observer = {.ud = g, .notice = tell};
  struct buf trigger = BUF_INIT, said = BUF_INIT;
  buf_addf(&said, "%s; it is step %s of run %s", buf_str(&a->glass), a->request->step, op->run);
  const struct given_input text = {.name = "text", .value = value_cstr(buf_str(&said)), .typed = true};
  buf_addf(&trigger, "glass was broken in run %s, step %s", op->run, a->request->step);
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
                                       .site = a->pinned.site,
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

/* Where to look, for those who read the run later. */
static enum status note(struct glass *g, const struct approve *a, const struct error *problem,
                        struct error *err) {
  struct buf text = BUF_INIT, members = BUF_INIT;
  bool begun = g->result.state != RUN_NONE;
  buf_addf(&text, ":%s ", a->role->break_glass);
  if (problem->message) buf_addf(&text, "was not paged: %s", problem->message);
  else buf_adds(&text, g->reached ? "is paged" : "was not reached");
  if (begun) buf_addf(&text, " (run %s)", g->result.id);
  operation_say(&g->verb->op, "%s", buf_str(&text));
  buf_adds(&members, "\"text\":");
  json_text(&members, text.data, text.len);
  enum status status =
      operation_record(&g->verb->op, EVENT_NAME(RUN_NOTED), "", buf_str(&members), err);
  buf_release(&text);
  buf_release(&members);
  return status;
}

void glass_page(struct verb *v, const struct approve *a) {
  struct glass g = {.verb = v};
  struct error problem = {0}, err = {0};
  enum status status = site_zone_enter(a->pinned.site, &problem);
  if (status == OK) status = load(&g, a, &problem);
  if (status == OK) status = run(&g, a, &problem);
  if (status != OK) operation_say(&v->op, "NOBODY WAS PAGED: call :%s yourself", a->role->break_glass);
  if (note(&g, a, &problem, &err) != OK) operation_say(&v->op, "%s", err.message);
  error_release(&problem);
  error_release(&err);
  error_release(&g.result.error);
  program_free(g.program);
  if (g.program) host_release(&g.host);
  buf_release(&g.state_dir);
}
