/* stepwise show: one run, as its events tell it: steps, times, actions, answers, errors. */
#include "command.h"

#include <unistd.h>

#include "../lang/sym.h"
#include "../runtime/clock.h"
#include "../runtime/codec.h"
#include "../runtime/value.h"
#include "journal_at.h"
#include "journal_view.h"
#include "options.h"
#include "table.h"
#include "text.h"
#include "ui.h"

enum { STAMP = 10 }; /* columns of the time */

struct showing {
  struct ui ui;
  struct symtab *syms;
  const struct event *event;
  value data;
  bool json, in_step, titled;
  struct error error;
};

static bool field(const struct showing *s, const char *name, value *out) {
  value key = value_cstr(name);
  bool found = s->data.tag == V_HASH && dict_get(value_dict(s->data), key, out);
  value_unref(key);
  return found && out->tag != V_NIL;
}

/* The text of a field; "" when it is missing. Owned. */
static char *text(const struct showing *s, const char *name) {
  struct buf b = BUF_INIT;
  value v;
  if (field(s, name, &v)) value_to_s(v, s->syms, &b);
  return buf_take(&b);
}

static void stamp(struct showing *s) {
  time_t t = (time_t)(s->event->time_us / US_SECOND);
  struct tm tm;
  char at[16];
  gmtime_r(&t, &tm);
  strftime(at, sizeof at, "%H:%M:%S", &tm);
  printf("%s%s%s  ", ui_ink(&s->ui, INK_DIM), at, ui_ink(&s->ui, INK_PLAIN));
}

/* Fills "{name}" of a template from the event's data. `[ ... ]` is left out when a field in it is
 * missing. {us} stands for duration_us as people say it. */
static void fill(const struct showing *s, const char *template, struct buf *out) {
  size_t open_at = 0;
  bool missing = false;
  for (const char *p = template; *p; p++) {
    if (*p == '[') open_at = out->len, missing = false;
    else if (*p == ']' && missing) buf_truncate(out, open_at);
    else if (*p == '{') {
      const char *end = strchr(p, '}');
      char *name = mem_dup(p + 1, (size_t)(end - p - 1));
      bool us = strcmp(name, "us") == 0;
      char took[32];
      value v;
      if (!field(s, us ? "duration_us" : name, &v)) missing = true;
      else if (us && v.tag == V_INT) took_text(v.u.i, took), buf_adds(out, took);
      else value_to_s(v, s->syms, out);
      mem_free(name);
      p = end;
    } else if (*p != ']') {
      buf_addc(out, *p);
    }
  }
}

static void line(struct showing *s, size_t indent, const char *ink, const char *template) {
  struct buf b = BUF_INIT;
  fill(s, template, &b);
  stamp(s);
  printf("%*s%s", (int)indent, "", ui_ink(&s->ui, ink));
  text_print(stdout, buf_str(&b), STAMP + indent + 2);
  printf("%s\n", ui_ink(&s->ui, INK_PLAIN));
  buf_release(&b);
}

static size_t indent_of(const struct showing *s) {
  return s->in_step ? 4 : 0;
}

/* --- events that need more than a template --- */

static void show_started(struct showing *s) {
  time_t t = (time_t)(s->event->time_us / US_SECOND);
  struct tm tm;
  char at[32];
  struct buf b = BUF_INIT;
  value inputs;
  gmtime_r(&t, &tm);
  strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S UTC", &tm);
  fill(s, "[{title}\n]", &b);
  buf_addf(&b, "run %s of ", s->event->run);
  fill(s, "{runbook}[ ({file})]", &b);
  buf_addf(&b, "\nstarted %s by %s\n", at, s->event->actor);
  text_print(stdout, buf_str(&b), 0);
  buf_clear(&b);
  if (field(s, "inputs", &inputs) && inputs.tag == V_HASH && dict_count(value_dict(inputs)))
    value_show("inputs", inputs, s->syms, 0, s->ui.width, &b);
  if (field(s, "options", &inputs)) value_show("options", inputs, s->syms, 0, s->ui.width, &b);
  printf("%s\n", buf_str(&b));
  buf_release(&b);
}

static void show_value(struct showing *s) {
  struct buf b = BUF_INIT;
  char *as = text(s, "as");
  value v;
  value key = value_cstr("value");
  bool found = s->data.tag == V_HASH && dict_get(value_dict(s->data), key, &v); /* nil too */
  value_unref(key);
  if (found) {
    bool flat = v.tag != V_ARRAY && v.tag != V_HASH && v.tag != V_RECORD;
    value_show(*as ? as : flat ? NULL : "shown", v, s->syms, STAMP + 4, s->ui.width, &b);
    stamp(s);
    printf("    %s", b.len > STAMP + 4 ? buf_str(&b) + STAMP + 4 : "\n");
  }
  mem_free(as);
  buf_release(&b);
}

static void show_error(struct showing *s, size_t indent) {
  struct buf b = BUF_INIT;
  value e, whole = s->data;
  if (!field(s, "error", &e)) return;
  s->data = e;
  fill(s, "{message}[ ({kind})]", &b);
  fill(s, "[\nat {file}:{line}:{col}]", &b);
  fill(s, "[\nhelp: {help}]", &b);
  s->data = whole;
  printf("%*s%s", (int)(STAMP + indent), "", ui_ink(&s->ui, INK_RED));
  text_print(stdout, buf_str(&b), STAMP + indent);
  printf("%s\n", ui_ink(&s->ui, INK_PLAIN));
  buf_release(&b);
}

/* An action with its arguments, as it would be written. */
static void show_action(struct showing *s) {
  struct buf b = BUF_INIT;
  value args;
  fill(s, "{binding}.{action}", &b);
  if (field(s, "args", &args) && args.tag == V_HASH) {
    const struct dict *d = value_dict(args);
    for (size_t i = 0; i < dict_count(d); i++) {
      value key, v;
      dict_at(d, i, &key, &v);
      buf_adds(&b, i ? ", " : "(");
      value_to_s(key, s->syms, &b);
      buf_adds(&b, ": ");
      value_inspect(v, s->syms, &b);
    }
    if (dict_count(d)) buf_addc(&b, ')');
  }
  size_t columns = text_columns(buf_str(&b), b.len), room = s->ui.width - STAMP - indent_of(s);
  struct buf fitted = BUF_INIT; /* the whole call is in the journal: stepwise journal show */
  text_fit(&fitted, buf_str(&b), b.len, columns < room ? columns : room);
  stamp(s);
  printf("%*s%s\n", (int)indent_of(s), "", buf_str(&fitted));
  buf_release(&fitted);
  buf_release(&b);
}

static void show_action_end(struct showing *s) {
  value e;
  bool bad = field(s, "error", &e);
  line(s, indent_of(s), bad ? INK_RED : "", bad ? "failed[, {us}]" : "done[, {us}]");
}

static void show_answered(struct showing *s) {
  line(s, indent_of(s), "", "? [{text} ]{answer}[ ({evidence})][, from the {source}]");
}

/* --- the table --- */

enum place { HEAD, STEP, INNER, END };

static const struct {
  const char *kind;
  enum place place;
  const char *ink;
  const char *template;
  void (*special)(struct showing *s);
  bool error; /* its error is told here */
} lines[] = {
    {"run.started", HEAD, "", NULL, show_started, false},
    {"run.resumed", END, "", "resumed[: {reason}]", NULL, false},
    {"run.waiting", END, INK_YELLOW, "waiting for {on}[: {text}]", NULL, false},
    {"run.held", END, INK_RED, "held[: {text}]", NULL, false},
    {"run.in_doubt", END, INK_RED, "in doubt[: {reason}]", NULL, false},
    {"run.rolling_back", END, INK_YELLOW, "rolling back", NULL, false},
    {"run.succeeded", END, INK_GREEN, "succeeded[ after {us}][: {reason}]", NULL, false},
    {"run.failed", END, INK_RED, "failed[ after {us}]", NULL, true},
    {"run.cancelled", END, INK_RED, "cancelled[: {reason}]", NULL, false},
    {"run.rolled_back", END, INK_YELLOW, "rolled back", NULL, false},
    {"run.rollback_incomplete", END, INK_RED, "rollback incomplete; left: {left}", NULL, true},
    {"run.noted", INNER, "", "{text}", NULL, true},
    {"section.started", END, INK_BOLD, "{title}", NULL, false},
    {"step.started", STEP, INK_BOLD, "{label}", NULL, false},
    {"step.finished", INNER, INK_GREEN, "ok[, {us}][: {reason}]", NULL, false},
    {"step.skipped", INNER, INK_YELLOW, "skipped: {reason}[ (by {by})]", NULL, false},
    {"step.failed", INNER, INK_RED, "FAILED[, attempt {attempt}][, {us}]", NULL, true},
    {"step.retried", INNER, INK_YELLOW, "attempt {attempt} follows", NULL, true},
    {"guard.checked", INNER, "", "guard: {text}: {held}", NULL, false},
    {"verify.checked", INNER, "", "verify[: {text}]: {held}[, {tries} looks]", NULL, false},
    {"action.started", INNER, "", NULL, show_action, false},
    {"action.finished", INNER, "", NULL, show_action_end, false},
    {"prompt.answered", INNER, "", NULL, show_answered, false},
    {"approval.requested", INNER, INK_YELLOW, "approval wanted[ of :{role}]: {text}", NULL, false},
    {"approval.given", INNER, "", "approved by {approver}[: {reason}]", NULL, false},
    {"approval.denied", INNER, INK_RED, "denied by {approver}[: {reason}]", NULL, false},
    {"approval.voided", INNER, INK_RED, "approval void: {reason}", NULL, false},
    {"shown", INNER, "", NULL, show_value, false},
    {"noted", INNER, "", "{text}", NULL, false},
    {"finding", INNER, INK_YELLOW, "finding[, {kind}]: {text}", NULL, false},
    {"follow_up", INNER, "", "to do: {text}[, {owner}][, due {due}]", NULL, false},
    {"paged", INNER, "", "paged {role}: {text}", NULL, false},
    {"rollback.started", STEP, INK_BOLD, "undo", NULL, false},
    {"rollback.finished", INNER, INK_GREEN, "undone[, {us}]", NULL, false},
    {"rollback.failed", INNER, INK_RED, "the rollback failed", NULL, true},
    {"rollback.passed", STEP, INK_YELLOW, "cannot be undone: {reason}", NULL, false},
};

static void show_line(struct showing *s, size_t i) {
  enum place place = lines[i].place;
  if (place == STEP || place == END) s->in_step = false;
  if (lines[i].special) lines[i].special(s);
  else {
    struct buf template = BUF_INIT;
    buf_adds(&template, lines[i].template);
    if (place == STEP) buf_addf(&template, "  (%s)", s->event->step);
    line(s, place == INNER ? indent_of(s) : 0, lines[i].ink, buf_str(&template));
    buf_release(&template);
  }
  if (place == STEP) s->in_step = true;
  if (lines[i].error) show_error(s, indent_of(s));
}

static enum status show_event(void *ud, const struct event *e) {
  struct showing *s = ud;
  s->event = e;
  if (s->json) {
    struct buf b = BUF_INIT;
    view_export(&b, e);
    fputs(buf_str(&b), stdout);
    buf_release(&b);
    return OK;
  }
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    if (strcmp(lines[i].kind, e->kind) != 0) continue;
    enum status status = json_read(e->data, e->data_len, s->syms, true, &s->data, &s->error);
    if (status != OK) return status;
    show_line(s, i);
    value_unref(s->data);
    break;
  }
  return OK;
}

static enum status show_run(struct showing *s, const char *path, const char *name,
                            struct error *err) {
  struct journal *j = NULL;
  char run[RUN_ID_MAX];
  enum status status = journal_read_at(path, &j, err);
  if (status == OK) status = journal_find_run(j, name, run, err);
  if (status == OK) {
    struct event_filter filter = {.run = run};
    status = journal_scan(j, &filter, show_event, s, err);
    if (status != OK && s->error.message) error_move(err, &s->error);
  }
  journal_close(j);
  return status;
}

int cmd_show(int argc, char **argv) {
  const char *path = NULL;
  struct showing s = {0};
  struct texts rest = {0};
  const struct option options[] = {{"--journal", OPTION_TEXT, &path},
                                   {"--json", OPTION_FLAG, &s.json},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &rest);
  if (code == EXIT_SUCCEEDED && rest.count > 1)
    code = usage_error(argv[0], "unexpected '%s'", rest.items[1]);
  const char *name = rest.count ? rest.items[0] : "last";
  if (code == EXIT_SUCCEEDED) {
    struct error err = {0};
    ui_init(&s.ui, stdout);
    s.syms = symtab_new();
    if (show_run(&s, path, name, &err) != OK) {
      code = report_error(&err);
      if (err.status == ERR_CONFLICT) code = EXIT_INVALID; /* several runs begin so */
    }
    symtab_free(s.syms);
    error_release(&err);
    error_release(&s.error);
  }
  texts_release(&rest);
  return code;
}
