/* A run's events as lines: a template for most kinds, a function where that is not enough. */
#include "../runtime/clock.h"
#include "../runtime/codec.h"
#include "../runtime/peek.h"
#include "../runtime/text.h"
#include "show.h"
#include "table.h"
#include "text.h"

enum { STAMP = 10, INNER_INDENT = 2 }; /* columns of the time */

/* A line under way, of one step or of the run itself. */
struct line {
  struct show *show;
  struct weave_step *step; /* NULL: the run's own */
  size_t indent;
  struct buf out;
};

/* --- fields --- */

static bool field(const struct show *s, const char *name, struct member *m) {
  return peek(s->data, s->data_len, name, m) && !(m->value_len == 4 && *m->value == 'n');
}

static bool field_value(const struct show *s, const char *name, value *out) {
  struct member m;
  struct error err = {0};
  if (!peek(s->data, s->data_len, name, &m)) return false;
  bool read = json_read(m.value, m.value_len, s->syms, true, out, &err) == OK;
  error_release(&err);
  return read;
}

/* How a record is written where it is made. */
static void braces_text(const struct show *s, value v, struct buf *out) {
  const struct dict *d = value_dict(v);
  for (size_t i = 0; i < dict_count(d); i++) {
    value key, item;
    dict_at(d, i, &key, &item);
    buf_adds(out, i ? ", " : "{");
    value_to_s(key, s->syms, out);
    buf_adds(out, ": ");
    value_inspect(item, s->syms, out);
  }
  buf_adds(out, dict_count(d) ? "}" : "{}");
}

/* A field as people read it; false when it is missing. */
static bool field_text(const struct show *s, const char *name, struct buf *out) {
  struct member m;
  value v;
  if (!field(s, name, &m)) return false;
  if (m.value_len && strchr("{[", *m.value) && field_value(s, name, &v)) {
    if (v.tag == V_ARRAY) { /* ids and names: with commas between */
      for (size_t i = 0; i < value_array(v)->count; i++) {
        if (i) buf_adds(out, ", ");
        value_to_s(value_array(v)->items[i], s->syms, out);
      }
    } else if (v.tag == V_RECORD) {
      braces_text(s, v, out);
    } else {
      value_to_s(v, s->syms, out);
    }
    value_unref(v);
  } else {
    member_text(&m, out);
  }
  return true;
}

/* {name}, {us} for duration_us as people say it, {until} for the time in the field named next:
 * {until expires_us}, {actor} for who wrote the event. */
static bool fill_one(const struct show *s, const char *name, struct buf *out) {
  char took[32];
  if (strcmp(name, "actor") == 0) return buf_adds(out, s->event->actor), true;
  if (strcmp(name, "us") == 0) {
    int64_t us = peek_int(s->data, s->data_len, "duration_us", -1);
    if (us < 0) return false;
    took_text(us, took);
    return buf_adds(out, took), true;
  }
  if (strncmp(name, "until ", 6) == 0) {
    int64_t us = peek_int(s->data, s->data_len, name + 6, 0);
    if (us <= 0) return false;
    return time_text(us, false, 0, out), true;
  }
  if (field_text(s, name, out)) return true;
  if (strcmp(name, "by") != 0 || strncmp(s->event->kind, "run.", 4) != 0) return false;
  return buf_adds(out, s->event->actor), true;
}

/* `[ ... ]` is left out when a field in it is missing. */
static void fill(const struct show *s, const char *template, struct buf *out) {
  size_t open_at = 0;
  bool missing = false;
  for (const char *p = template; *p; p++) {
    if (*p == '[') open_at = out->len, missing = false;
    else if (*p == ']' && missing) buf_truncate(out, open_at);
    else if (*p == '{') {
      const char *end = strchr(p, '}');
      char *name = mem_dup(p + 1, (size_t)(end - p - 1));
      missing |= !fill_one(s, name, out);
      mem_free(name);
      p = end;
    } else if (*p != ']') {
      buf_addc(out, *p);
    }
  }
}

/* --- lines --- */

/* Eight columns: the time, or with the number of days since the run began. */
static void stamp(const struct show *s, struct buf *out) {
  struct moment m = moment_of(s->event->time_us);
  int64_t days = s->event->time_us / DAY - s->day;
  char at[32];
  if (days == 0) strftime(at, sizeof at, "%H:%M:%S", &m.tm);
  else if (days > 0 && days < 10)
    snprintf(at, sizeof at, "+%dd%02d:%02d", (int)days, m.tm.tm_hour, m.tm.tm_min);
  else snprintf(at, sizeof at, "%02d-%02d %02d", m.tm.tm_mon + 1, m.tm.tm_mday, m.tm.tm_hour);
  buf_addf(out, "%s%-8s%s  ", ui_ink(&s->ui, INK_DIM), at, ui_ink(&s->ui, INK_PLAIN));
}

static void line_text(struct line *l, const char *ink, const char *text) {
  const struct ui *ui = &l->show->ui;
  stamp(l->show, &l->out);
  buf_addn(&l->out, l->indent, ' ');
  buf_adds(&l->out, ui_ink(ui, ink));
  text_tame_lines(&l->out, text, STAMP + l->indent + 2);
  buf_addf(&l->out, "%s\n", *ink ? ui_ink(ui, INK_PLAIN) : "");
}

static void line_fill(struct line *l, const char *ink, const char *template) {
  struct buf b = BUF_INIT;
  fill(l->show, template, &b);
  line_text(l, ink, buf_str(&b));
  buf_release(&b);
}

static void line_end(struct line *l) {
  struct weave *f = &l->show->weave;
  if (l->step) weave_add(f, l->step, buf_str(&l->out), l->out.len);
  else weave_line(f, buf_str(&l->out), l->out.len);
  buf_release(&l->out);
}

/* The error of the event, below it. */
static void line_error(struct line *l) {
  struct show *s = l->show;
  const struct show whole = *s;
  struct member e;
  struct buf b = BUF_INIT;
  if (!field(s, "error", &e)) return;
  s->data = e.value;
  s->data_len = e.value_len;
  fill(s, "{message}[ ({kind})][\nat {file}:{line}:{col}][\nhelp: {help}]", &b);
  s->data = whole.data;
  s->data_len = whole.data_len;
  buf_addn(&l->out, STAMP + l->indent, ' ');
  buf_adds(&l->out, ui_ink(&s->ui, INK_RED));
  text_tame_lines(&l->out, buf_str(&b), STAMP + l->indent);
  buf_addf(&l->out, "%s\n", ui_ink(&s->ui, INK_PLAIN));
  buf_release(&b);
}

/* --- actions --- */

/* An action that is under way in its step: told with its outcome, when that is what comes next. */
struct pending {
  char *call; /* "pool.drain(node: "web-1")" */
  int64_t number;
  bool write;
  int64_t done, total; /* of a batch; total 0: it is none */
};

static void pending_free(struct pending *p) {
  if (p) mem_free(p->call);
  mem_free(p);
}

/* What was too large for the event stands in the text table. */
static void argument_text(const struct show *s, value v, struct buf *out) {
  value key = VALUE_NIL, sha = VALUE_NIL, whole;
  struct error err = {0};
  struct buf json = BUF_INIT;
  if (v.tag == V_HASH && dict_count(value_dict(v)) == 1) dict_at(value_dict(v), 0, &key, &sha);
  bool stands_in = key.tag == V_STRING && sha.tag == V_STRING && strcmp(value_str(key)->s, "$text") == 0;
  if (stands_in && journal_get_text(s->journal, value_str(sha)->s, &json, &err) == OK &&
      json_read(buf_str(&json), json.len, s->syms, true, &whole, &err) == OK) {
    value_inspect(whole, s->syms, out);
    value_unref(whole);
  } else {
    value_inspect(v, s->syms, out);
  }
  error_release(&err);
  buf_release(&json);
}

static void call_text(const struct show *s, struct buf *out) {
  value args;
  fill(s, "{binding}.{action}", out);
  if (!field_value(s, "args", &args)) return;
  const struct dict *d = args.tag == V_HASH ? value_dict(args) : NULL;
  for (size_t i = 0; d && i < dict_count(d); i++) {
    value key, v;
    dict_at(d, i, &key, &v);
    buf_adds(out, i ? ", " : "(");
    value_to_s(key, s->syms, out);
    buf_adds(out, ": ");
    argument_text(s, v, out);
  }
  if (d && dict_count(d)) buf_addc(out, ')');
  value_unref(args);
}

/* The whole of a call and of its result is in the journal: here they fit the line. */
static void call_line(struct line *l, const char *ink, const char *call, const char *result,
                      const char *rest) {
  size_t taken = STAMP + l->indent + text_columns(rest, strlen(rest)) + (*result ? 3 : 0);
  size_t room = l->show->ui.width > taken + 20 ? l->show->ui.width - taken : 20;
  size_t have = text_columns(call, strlen(call)), given = text_columns(result, strlen(result));
  size_t least = given < room / 2 ? given : room / 2;
  if (have > room - least) have = room - least;
  if (given > room - have) given = room - have;
  struct buf b = BUF_INIT;
  text_fit(&b, call, strlen(call), have);
  if (*result) buf_adds(&b, " = "), text_fit(&b, result, strlen(result), given);
  buf_adds(&b, rest);
  line_text(l, ink, buf_str(&b));
  buf_release(&b);
}

static void pending_tell(struct line *l, const char *ink, const char *result, const char *rest) {
  void **slot = l->step ? weave_slot(l->step) : NULL;
  struct pending *p = slot ? *slot : NULL;
  if (!p) return;
  call_line(l, ink, p->call, result, rest);
  pending_free(p);
  *slot = NULL;
}

static void show_action(struct line *l) {
  struct buf b = BUF_INIT;
  struct pending *p = mem_zalloc(sizeof *p);
  call_text(l->show, &b);
  p->write = peek_is(l->show->data, l->show->data_len, "effect", "write");
  p->number = peek_int(l->show->data, l->show->data_len, "call", 0);
  p->call = buf_take(&b);
  if (l->step) {
    *weave_slot(l->step) = p;
    return;
  }
  call_line(l, "", p->call, "", "");
  pending_free(p);
}

/* How far a batch is goes with its call's own line. */
static void show_items(struct show *s, const struct event *e) {
  size_t depth;
  bool opened;
  struct weave_step *step = weave_step(&s->weave, e->step, &depth, &opened);
  struct pending *p = step ? *weave_slot(step) : NULL;
  if (!p) return;
  p->done = peek_int(e->data, e->data_len, "done", p->done);
  p->total = peek_int(e->data, e->data_len, "total", p->total);
}

static void batch_text(const struct pending *p, struct buf *out) {
  if (!p || !p->total) return;
  buf_adds(out, ", ");
  count_text(p->done, out);
  buf_adds(out, " of ");
  count_text(p->total, out);
}

static void result_text(const struct show *s, struct buf *out) {
  value v;
  if (!field_value(s, "result", &v)) return;
  if (v.tag == V_RECORD) braces_text(s, v, out);
  else if (v.tag != V_NIL) value_inspect(v, s->syms, out);
  value_unref(v);
}

static void show_action_end(struct line *l) {
  const struct show *s = l->show;
  struct member error;
  struct buf result = {.max = 1000}, rest = BUF_INIT, call = BUF_INIT;
  bool failed = field(s, "error", &error);
  const struct pending *p = l->step ? *weave_slot(l->step) : NULL;
  if (!failed) result_text(s, &result);
  if (failed) buf_adds(&rest, " failed");
  batch_text(p, &rest);
  fill(s, "[, {us}]", &rest);
  const char *ink = failed ? INK_RED : p && !p->write ? INK_DIM : "";
  if (p && p->number == peek_int(s->data, s->data_len, "call", 0)) {
    pending_tell(l, ink, buf_str(&result), buf_str(&rest));
  } else {
    fill(s, "{binding}.{action}", &call);
    call_line(l, ink, buf_str(&call), buf_str(&result), buf_str(&rest));
  }
  buf_release(&call);
  buf_release(&result);
  buf_release(&rest);
}

/* --- other events that need more than a template --- */

static void show_value(struct line *l) {
  struct show *s = l->show;
  struct buf as = BUF_INIT, b = BUF_INIT;
  value v;
  size_t in = STAMP + l->indent;
  if (!field_value(s, "value", &v)) return;
  bool flat = v.tag != V_ARRAY && v.tag != V_HASH && v.tag != V_RECORD;
  bool named = field_text(s, "as", &as);
  value_show(named ? buf_str(&as) : flat ? NULL : "shown", v, s->syms, in, s->ui.width, &b);
  stamp(s, &l->out);
  buf_addn(&l->out, l->indent, ' ');
  buf_adds(&l->out, b.len > in ? buf_str(&b) + in : "\n");
  value_unref(v);
  buf_release(&as);
  buf_release(&b);
}

static void show_requested(struct line *l) {
  bool several = peek_int(l->show->data, l->show->data_len, "quorum", 1) > 1;
  line_fill(l, INK_YELLOW,
            several
                ? "approval wanted[ of {quorum}][ of :{role}][, until {until expires_us}]: {text}"
                : "approval wanted[ of :{role}][, until {until expires_us}]: {text}");
}

static void show_given(struct line *l) {
  bool glass = peek_true(l->show->data, l->show->data_len, "break_glass");
  line_fill(l, glass ? INK_YELLOW : "",
            glass ? "approved by {approver}[ ({identity})], BREAKING THE GLASS[: {reason}]"
                  : "approved by {approver}[ ({identity})][: {reason}]");
}

static void show_guard(struct line *l) {
  bool held = peek_true(l->show->data, l->show->data_len, "held");
  line_fill(l, held ? "" : INK_RED, held ? "guard holds: {text}" : "guard does not hold: {text}");
}

static void show_verify(struct line *l) {
  bool held = peek_true(l->show->data, l->show->data_len, "held");
  bool once = peek_int(l->show->data, l->show->data_len, "tries", 1) == 1;
  const char *told = held ? "verified[: {text}]" : "not verified[: {text}]";
  const char *counted =
      held ? "verified[: {text}], {tries} looks" : "not verified[: {text}], {tries} looks";
  line_fill(l, held ? "" : INK_RED, once ? told : counted);
}

static enum status take_state(void *ud, const struct run_row *r) {
  buf_addf(ud, ": %s", r->state);
  return OK;
}

static void child_state(const struct show *s, struct buf *out) {
  char *run = peek_copy(s->data, s->data_len, "run");
  const struct run_filter filter = {.run = run ? run : ""};
  struct error err = {0};
  if (journal_runs(s->journal, &filter, take_state, out, &err) != OK) error_release(&err);
  mem_free(run);
}

/* --- the table --- */

enum role {
  RUN,       /* the run's own line */
  STOPS,     /* and what is held is told first */
  OPENS,     /* a step's line */
  INNER,     /* a line in its step */
  CLOSES,    /* the step's last */
  OPENS_UNDO /* a step's line in a rollback */
};

static const struct line_kind {
  enum event_kind kind;
  enum role role;
  const char *ink;
  const char *template;
  void (*special)(struct line *l);
  bool error; /* its error is told here */
} kinds[] = {
    {EVENT_RUN_RESUMED, STOPS, "", "resumed by {actor}[: {reason}]", NULL, false},
    {EVENT_RUN_PLAN_CHANGED, RUN, INK_YELLOW, "the plan was changed by {actor}[: {reason}]", NULL,
     false},
    {EVENT_RUN_CANCEL_REQUESTED, RUN, INK_YELLOW, "{actor} asks to cancel it: {reason}", NULL,
     false},
    {EVENT_RUN_ROLLBACK_REQUESTED, RUN, INK_YELLOW,
     "{actor} asks to roll it back[ to {to}][: {reason}]", NULL, false},
    {EVENT_RUN_TAKEN_OVER, RUN, INK_YELLOW, "{to} takes it over from {from}[: {reason}]", NULL,
     false},
    {EVENT_RUN_SPARE_MERGED, RUN, "", "{events} events came back from {file}", NULL, false},
    {EVENT_RUN_WAITING, STOPS, INK_YELLOW, "waits for {on}[: {text}][, until {until until_us}]",
     NULL, false},
    {EVENT_RUN_HELD, STOPS, INK_RED, "held[: {text}]", NULL, false},
    {EVENT_RUN_IN_DOUBT, STOPS, INK_RED, "in doubt[: {reason}]", NULL, false},
    {EVENT_RUN_ROLLING_BACK, STOPS, INK_YELLOW, "rolling back[: {reason}]", NULL, false},
    {EVENT_RUN_SUCCEEDED, STOPS, INK_GREEN, "succeeded[ after {us}][: {reason}]", NULL, false},
    {EVENT_RUN_FAILED, STOPS, INK_RED, "failed[ after {us}]", NULL, true},
    {EVENT_RUN_CANCELLED, STOPS, INK_RED, "cancelled by {by}[: {reason}]", NULL, false},
    {EVENT_RUN_ROLLED_BACK, STOPS, INK_YELLOW, "rolled back", NULL, false},
    {EVENT_RUN_ROLLBACK_INCOMPLETE, STOPS, INK_RED, "rolled back in part; left: {left}", NULL,
     true},
    {EVENT_RUN_NOTED, RUN, "", "{actor} notes: {text}", NULL, true},
    {EVENT_RUN_SEALED, RUN, "", "sealed by {actor}[: {reason}]", NULL, false},
    {EVENT_STEP_STARTED, OPENS, INK_BOLD, "{label}", NULL, false},
    {EVENT_STEP_FINISHED, CLOSES, INK_GREEN, "ok[, {us}][: {reason}]", NULL, false},
    {EVENT_STEP_SKIPPED, CLOSES, INK_YELLOW, "skipped: {reason}[ (by {by})]", NULL, false},
    {EVENT_STEP_FAILED, CLOSES, INK_RED, "FAILED[, attempt {attempt}][, {us}]", NULL, true},
    {EVENT_STEP_RETRIED, INNER, INK_YELLOW, "attempt {attempt} follows", NULL, true},
    {EVENT_GUARD_CHECKED, INNER, "", NULL, show_guard, false},
    {EVENT_VERIFY_CHECKED, INNER, "", NULL, show_verify, false},
    {EVENT_ACTION_STARTED, INNER, "", NULL, show_action, false},
    {EVENT_ACTION_FINISHED, INNER, "", NULL, show_action_end, true},
    {EVENT_ACTION_SETTLED, INNER, INK_YELLOW,
     "{binding}.{action} settled by {by}[: {as}][ with {result}], {actor}[: {reason}]", NULL,
     false},
    {EVENT_DRILL_UNUSED, RUN, INK_YELLOW,
     "asked to fail: {fail}; came {came} of {of}, calls {calls}", NULL, false},
    {EVENT_BATCH_PAUSED, INNER, INK_YELLOW,
     "batch paused[ until {until until_us}] at {done} of {total}: {reason}", NULL, false},
    {EVENT_LEASE_TAKEN, INNER, "", "lease[ of {of}][ until {until until_us}]", NULL, false},
    {EVENT_LEASE_ENDED, INNER, "", "lease ended: {reason}", NULL, false},
    {EVENT_PROMPT_ANSWERED, INNER, "", "? [{text} ]{answer}[ ({evidence})][, from the {source}]",
     NULL, false},
    {EVENT_APPROVAL_REQUESTED, INNER, "", NULL, show_requested, false},
    {EVENT_APPROVAL_GIVEN, INNER, "", NULL, show_given, false},
    {EVENT_APPROVAL_USED, INNER, "", "approval used[: {approvers}]", NULL, false},
    {EVENT_APPROVAL_DENIED, INNER, INK_RED, "denied by {approver}[ ({identity})][: {reason}]", NULL,
     false},
    {EVENT_APPROVAL_VOIDED, INNER, INK_RED, "approval void: {reason}", NULL, false},
    {EVENT_SHOWN, INNER, "", NULL, show_value, false},
    {EVENT_NOTED, INNER, "", "{text}", NULL, false},
    {EVENT_FINDING, INNER, INK_YELLOW, "finding[, {kind}]: {text}", NULL, false},
    {EVENT_FOLLOW_UP, INNER, "", "to do: {text}[, {owner}][, due {due}]", NULL, false},
    {EVENT_PAGED, INNER, INK_YELLOW, "pages {roles}[, severity {severity}]: {text}", NULL, false},
    {EVENT_PAGE_DELIVERED, INNER, "", "page delivered to {role} by {way}[ {to}]", NULL, false},
    {EVENT_PAGE_UNDELIVERED, INNER, INK_RED, "page not delivered to {role} by {way}[ {to}]", NULL,
     true},
    {EVENT_PAGE_ESCALATED, INNER, INK_YELLOW, "page goes on to {to}: {reason}[, round {round}]", NULL,
     false},
    {EVENT_PAGE_ACKNOWLEDGED, INNER, INK_GREEN, "page acknowledged by {actor}[ (:{role})][: {note}]",
     NULL, false},
    {EVENT_PAGE_UNANSWERED, INNER, INK_RED, "NOBODY has the page: {reason}", NULL, false},
    {EVENT_WAIT_STARTED, INNER, INK_DIM, "waits[ until {until until_us}]", NULL, false},
    {EVENT_ROLLBACK_STARTED, OPENS_UNDO, INK_BOLD, "undo", NULL, false},
    {EVENT_ROLLBACK_FINISHED, CLOSES, INK_GREEN, "undone[, {us}]", NULL, false},
    {EVENT_ROLLBACK_FAILED, INNER, INK_RED, "the rollback failed", NULL, true},
    {EVENT_ROLLBACK_PASSED, CLOSES, INK_YELLOW, "cannot be undone: {reason}", NULL, false},
};

/* By the number of the kind: which line it is. */
static const struct line_kind *kind_of(const char *name) {
  const struct event_kind_info *info = event_kind_find(name);
  for (size_t i = 0; info && i < sizeof kinds / sizeof *kinds; i++)
    if (&event_kinds[kinds[i].kind] == info) return &kinds[i];
  return NULL;
}

/* --- one event --- */

/* A step that the end of the journal or of the run finds under way. */
void show_cut_off(void *ud, struct weave_step *step) {
  struct show *s = ud;
  struct pending *p = *weave_slot(step);
  struct line l = {.show = s, .step = step, .indent = 4};
  if (!p) return;
  bool live = s->pid != 0;
  const char *told = live       ? ", under way"
                     : p->total ? ", interrupted"
                     : p->write ? ": nobody knows whether it happened"
                                : ", no outcome";
  struct buf b = BUF_INIT;
  buf_adds(&b, told);
  batch_text(p, &b);
  pending_tell(&l, live || !p->write || p->total ? INK_YELLOW : INK_RED, "", buf_str(&b));
  line_end(&l);
  buf_release(&b);
}

static void run_line(struct show *s, const struct line_kind *k) {
  struct line l = {.show = s};
  if (k->role == STOPS) {
    const struct event *e = s->event;
    weave_flush(&s->weave);
    s->event = e;
  }
  if (k->kind == EVENT_RUN_ROLLING_BACK) s->weave.undoing = true;
  if (k->special) k->special(&l);
  else line_fill(&l, k->ink, k->template);
  if (k->error) line_error(&l);
  line_end(&l);
}

/* The line that opens a step. One that goes on after a resume has no event for it. */
static void open_line(struct line *l, const struct line_kind *k) {
  struct show *s = l->show;
  struct buf template = BUF_INIT;
  bool opens = k->role == OPENS || k->role == OPENS_UNDO;
  if (opens) fill(s, k->template, &template);
  else if (s->weave.undoing) buf_adds(&template, "undo"), opens = true;
  buf_addf(&template, opens ? "  (%s)" : "%s, further",
           *s->event->step ? s->event->step : "on_failure");
  line_text(l, INK_BOLD, buf_str(&template));
  buf_release(&template);
}

static void step_line(struct show *s, const struct line_kind *k) {
  struct line l = {.show = s};
  size_t depth;
  bool opened;
  l.step = weave_step(&s->weave, s->event->step, &depth, &opened);
  l.indent = 2 * depth;
  bool opens = k->role == OPENS || k->role == OPENS_UNDO;
  if (k->kind != EVENT_ACTION_FINISHED && k->kind != EVENT_BATCH_PAUSED) {
    l.indent += INNER_INDENT;
    pending_tell(&l, "", "", "");
    l.indent -= INNER_INDENT;
  }
  if (opened || opens) open_line(&l, k);
  l.indent += INNER_INDENT;
  if (!opens && k->special) k->special(&l);
  else if (!opens) line_fill(&l, k->ink, k->template);
  if (k->error) line_error(&l);
  line_end(&l);
  if (k->role == CLOSES) weave_end(&s->weave, l.step);
}

/* Sections are headings when the plan can be read; else they are told as they come. */
static void show_section(struct show *s) {
  struct line l = {.show = s};
  if (s->outline.spot_count) return;
  line_fill(&l, INK_BOLD, "{title}");
  line_end(&l);
}

/* A child run stands where its place is in the plan. One that nobody waits for is told at once. */
static void show_child(struct show *s, const struct event *e, bool started) {
  char *place = peek_copy(e->data, e->data_len, "place");
  bool waits = peek_true(e->data, e->data_len, "wait");
  struct event at = *e;
  struct buf b = BUF_INIT;
  size_t depth;
  bool opened;
  at.step = place ? place : "";
  s->event = &at;
  struct line l = {.show = s, .step = weave_step(&s->weave, at.step, &depth, &opened)};
  l.indent = 2 * depth + (opened ? 0 : INNER_INDENT);
  fill(s, started ? "{runbook}, child run {run}" : "ended: {state}", &b);
  if (started && !waits) child_state(s, &b);
  line_text(&l, started ? INK_BOLD : "", buf_str(&b));
  if (!started) line_error(&l);
  line_end(&l);
  if (!started || !waits) weave_end(&s->weave, l.step);
  buf_release(&b);
  mem_free(place);
}

enum status show_event(void *ud, const struct event *e) {
  struct show *s = ud;
  s->event = e;
  s->data = e->data;
  s->data_len = e->data_len;
  if (strcmp(e->kind, EVENT_NAME(SECTION_STARTED)) == 0) return show_section(s), OK;
  if (strcmp(e->kind, EVENT_NAME(CHILD_STARTED)) == 0) return show_child(s, e, true), OK;
  if (strcmp(e->kind, EVENT_NAME(CHILD_FINISHED)) == 0) return show_child(s, e, false), OK;
  if (strcmp(e->kind, EVENT_NAME(BRANCHES_STARTED)) == 0)
    return weave_branches(&s->weave, true), OK;
  if (strcmp(e->kind, EVENT_NAME(BRANCHES_FINISHED)) == 0)
    return weave_branches(&s->weave, false), OK;
  bool items = strcmp(e->kind, EVENT_NAME(ITEMS_FINISHED)) == 0;
  if (items || strcmp(e->kind, EVENT_NAME(BATCH_STARTED)) == 0) return show_items(s, e), OK;
  const struct line_kind *k = kind_of(e->kind);
  if (!k) return OK;
  bool own = k->role == RUN || k->role == STOPS ||
             (!*e->step && k->role == INNER && strncmp(e->kind, "action.", 7) != 0);
  if (own) run_line(s, k);
  else step_line(s, k);
  return OK;
}

void show_held(struct show *s) {
  struct event last = {.time_us = s->standing.last.time_us, .data = "{}", .data_len = 2};
  s->event = &last;
  weave_flush(&s->weave);
  s->event = NULL;
}
