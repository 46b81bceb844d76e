/* stepwise show: one run, as its events tell it: a tree of steps with times, actions, answers and
 * errors, how it stands, and what an operator can do next. */
#include "command.h"

#include <unistd.h>

#include "../runtime/codec.h"
#include "../runtime/owner.h"
#include "../runtime/peek.h"
#include "../runtime/text.h"
#include "journal_at.h"
#include "journal_view.h"
#include "options.h"
#include "show.h"
#include "table.h"
#include "text.h"

enum { STAMP = 10 };

struct asked {
  const char *journal;
  bool json, brief;
};

/* --- the head --- */

static void head_values(struct show *s, const struct event *e, const char *name, struct buf *out) {
  struct member m;
  struct error err = {0};
  value v;
  if (!peek(e->data, e->data_len, name, &m)) return;
  if (json_read(m.value, m.value_len, s->syms, true, &v, &err) == OK) {
    if (v.tag == V_HASH && dict_count(value_dict(v)))
      value_show(name, v, s->syms, 0, s->ui.width, out);
    value_unref(v);
  }
  error_release(&err);
}

static enum status show_head(void *ud, const struct event *e) {
  struct show *s = ud;
  const struct standing *at = &s->standing;
  struct buf b = BUF_INIT, values = BUF_INIT;
  if (run_is_drill(at->run)) printf("%sDRILL%s  ", ui_ink(&s->ui, INK_YELLOW), ui_ink(&s->ui, INK_PLAIN));
  if (at->title) text_print_line(stdout, at->title), putchar('\n');
  buf_addf(&b, "run %s of %s", at->run, at->runbook ? at->runbook : "?");
  if (at->started.text) buf_addf(&b, " (%s)", at->started.text);
  buf_adds(&b, "\nstarted ");
  time_text(at->started.time_us, false, 0, &b);
  buf_addf(&b, " by %s", at->started.by);
  char *trigger = peek_copy(e->data, e->data_len, "trigger");
  if (trigger) buf_addf(&b, ", triggered: %s", trigger);
  if (at->parent) buf_addf(&b, ", for run %s", at->parent);
  text_print(stdout, buf_str(&b), 0);
  head_values(s, e, "inputs", &values);
  head_values(s, e, "options", &values);
  printf("\n%s\n", buf_str(&values));
  mem_free(trigger);
  buf_release(&b);
  buf_release(&values);
  return OK;
}

/* --- the tree --- */

static void not_reached(struct show *s) {
  struct buf b = BUF_INIT;
  size_t n = 0;
  if (s->standing.state == RUN_SUCCEEDED) return;
  for (size_t i = 0; i < s->outline.spot_count; i++)
    if (!s->outline.spots[i].seen)
      buf_addf(&b, "%s%s", n++ ? ", " : "", s->outline.spots[i].id);
  if (n) {
    printf("%*s%snot reached: ", STAMP, "", ui_ink(&s->ui, INK_DIM));
    text_print(stdout, buf_str(&b), STAMP + 2);
    printf("%s\n", ui_ink(&s->ui, INK_PLAIN));
  }
  buf_release(&b);
}

/* The plan gives the tree its headings. A text that this version does not take gives none. */
static void read_outline(struct show *s) {
  struct error err = {0};
  const struct plan *plan = NULL;
  if (pinned_load(&s->pinned, s->journal, s->standing.run, &err) == OK &&
      !s->pinned.program->diags.errors)
    plan = s->pinned.program->plan;
  error_release(&err);
  outline_make(&s->outline, plan);
}

static enum status show_tree(struct show *s, struct error *err) {
  struct event_filter filter = {.run = s->standing.run, .kind = EVENT_NAME(RUN_STARTED)};
  enum status status = journal_scan(s->journal, &filter, show_head, s, err);
  if (status != OK) return status;
  read_outline(s);
  weave_init(&s->weave, stdout, &s->outline, STAMP, show_cut_off, s);
  filter.kind = NULL;
  status = journal_scan(s->journal, &filter, show_event, s, err);
  if (status == OK) show_held(s);
  if (status == OK) not_reached(s);
  weave_release(&s->weave);
  return status;
}

/* --- the verb --- */

static enum status print_event(void *ud, const struct event *e) {
  struct buf *b = ud;
  buf_clear(b);
  view_export(b, e);
  fwrite(b->data, 1, b->len, stdout);
  return OK;
}

static enum status show_events(struct show *s, const char *run, struct error *err) {
  struct buf b = BUF_INIT;
  const struct event_filter filter = {.run = run};
  enum status status = journal_scan(s->journal, &filter, print_event, &b, err);
  buf_release(&b);
  return status;
}

static void find_owner(struct show *s) {
  struct owners *owners = owners_new(journal_base(s->journal));
  if (!owner_of(owners, s->standing.first_seq, &s->pid)) s->pid = 0;
  owners_free(owners);
}

static enum status show_all(struct show *s, const struct asked *a, const char *name,
                            struct error *err) {
  char run[RUN_ID_MAX];
  enum status status = journal_read_at(a->journal, &s->journal, err);
  if (status == OK) status = run_find_at(s->journal, name, run, err);
  if (status == OK && a->json && !a->brief) return show_events(s, run, err);
  if (status == OK) status = standing_read(s->journal, run, &s->standing, err);
  if (status != OK) return status;
  s->day = s->standing.started.time_us / DAY;
  find_owner(s);
  if (a->json) return show_json(s), OK;
  if (!a->brief) status = show_tree(s, err);
  if (status != OK) return status;
  if (!a->brief) putchar('\n');
  show_state(s);
  show_open(s);
  show_next(s);
  return OK;
}

static void show_release(struct show *s) {
  outline_release(&s->outline);
  pinned_release(&s->pinned);
  standing_release(&s->standing);
  symtab_free(s->syms);
  journal_close(s->journal);
}

int cmd_show(int argc, char **argv) {
  struct asked a = {0};
  struct show s = {0};
  struct texts rest = {0};
  struct buf tail = BUF_INIT;
  const struct option options[] = {{"--journal", OPTION_TEXT, &a.journal},
                                   {"--json", OPTION_FLAG, &a.json},
                                   {"--brief", OPTION_FLAG, &a.brief},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &rest);
  if (code == EXIT_SUCCEEDED && rest.count > 1)
    code = usage_error(argv[0], "unexpected '%s'", rest.items[1]);
  if (code == EXIT_SUCCEEDED) {
    struct error err = {0};
    if (a.journal) buf_adds(&tail, " --journal "), buf_add_word(&tail, a.journal);
    s.tail = buf_str(&tail);
    ui_init(&s.ui, stdout);
    s.syms = symtab_new();
    if (show_all(&s, &a, rest.count ? rest.items[0] : "last", &err) != OK)
      code = report_error(&err);
    error_release(&err);
    show_release(&s);
  }
  buf_release(&tail);
  texts_release(&rest);
  return code;
}
