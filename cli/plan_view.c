/* A plan for people: one line a step with what comes of it, below it what it would do, at the end
 * everything that would change. Readable at 80 columns, without colour. */
#include "plan_view.h"

#include <errno.h>

#include "text.h"

enum { WORD = 10, DETAIL = 6, NESTED = 2, ITEMS_SHOWN = 10, LIST_SHOWN = 40 };

/* --- lines that fit --- */

/* How many bytes of s go on a line of `room` columns: to the last blank that fits. */
static size_t line_bytes(const char *s, size_t room) {
  size_t columns = 0, blank = 0, i = 0;
  for (; s[i] && s[i] != '\n' && columns <= room; i++) {
    if (s[i] == ' ') blank = i;
    columns += ((unsigned char)s[i] & 0xC0) != 0x80;
  }
  return columns <= room || !blank ? strcspn(s, "\n") : blank;
}

/* Text from anywhere, tamed; further lines stand under `at`. */
static void flow(const struct plan_view *v, const char *s, size_t at) {
  size_t room = v->ui.width > at + 20 ? v->ui.width - at : 20;
  for (;;) {
    size_t n = v->ui.wrap ? line_bytes(s, room) : strcspn(s, "\n");
    struct buf b = BUF_INIT;
    text_tame(&b, s, n, '?');
    fputs(buf_str(&b), v->ui.out);
    buf_release(&b);
    s += n;
    if (!*s) break;
    s++; /* the newline or the blank */
    fprintf(v->ui.out, "\n%*s", (int)at, "");
  }
  putc('\n', v->ui.out);
}

/* "      reads     text", in colour. */
static void detail(const struct plan_view *v, size_t indent, const char *ink, const char *word,
                   const char *fmt, ...) like_printf(5, 6);
static void detail(const struct plan_view *v, size_t indent, const char *ink, const char *word,
                   const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  fprintf(v->ui.out, "%*s%s%-*s%s", (int)indent, "", ui_ink(&v->ui, ink), WORD - 1, word,
          ui_ink(&v->ui, INK_PLAIN));
  putc(' ', v->ui.out);
  flow(v, buf_str(&b), indent + WORD);
  buf_release(&b);
}

static size_t base_of(const struct dry_note *n) {
  return n->level * NESTED;
}

/* --- the head --- */

static void show_head(struct plan_view *v, const struct dry_note *n) {
  if (v->drill) fprintf(v->ui.out, "%sDRILL%s  ", ui_ink(&v->ui, INK_YELLOW), ui_ink(&v->ui, INK_PLAIN));
  fputs(ui_ink(&v->ui, INK_BOLD), v->ui.out);
  text_print_line(v->ui.out, n->text);
  fprintf(v->ui.out, "%s\nplan of ", ui_ink(&v->ui, INK_PLAIN));
  text_print_line(v->ui.out, n->detail);
  fputs(" (", v->ui.out);
  text_print(v->ui.out, v->file, 0);
  fputs("); nothing is changed by it\n\n", v->ui.out);
}

static void show_pair(const struct plan_view *v, const struct dry_note *n, const char *ink,
                      const char *after) {
  size_t indent = base_of(n) + 2, at = indent + 14;
  struct buf b = BUF_INIT;
  text_fit(&b, n->text, strlen(n->text),
           text_columns(n->text, strlen(n->text)) > 13 ? text_columns(n->text, strlen(n->text))
                                                       : 13);
  fprintf(v->ui.out, "%*s%s ", (int)indent, "", buf_str(&b));
  buf_clear(&b);
  buf_addf(&b, "%s%s%s%s", ui_ink(&v->ui, ink), n->detail ? n->detail : "",
           ui_ink(&v->ui, *ink ? INK_PLAIN : ""), after);
  if (v->ui.colour && *ink) { /* its own escapes are not to be tamed */
    fputs(ui_ink(&v->ui, ink), v->ui.out);
    text_print(v->ui.out, n->detail, at);
    fprintf(v->ui.out, "%s%s\n", INK_PLAIN, after);
  } else {
    flow(v, buf_str(&b), at);
  }
  buf_release(&b);
}

static void show_input(struct plan_view *v, const struct dry_note *n) {
  show_pair(v, n, n->truth == DRY_OPEN ? INK_YELLOW : "", n->n ? "  (default)" : "");
}

static void show_fact(struct plan_view *v, const struct dry_note *n) {
  show_pair(v, n, "", "");
}

static void show_problem(struct plan_view *v, const struct dry_note *n) {
  fprintf(v->ui.out, "\n%sPROBLEM%s  ", ui_ink(&v->ui, INK_RED), ui_ink(&v->ui, INK_PLAIN));
  flow(v, n->error->message ? n->error->message : "failed", 9);
  ui_error(&v->ui, n->error, 9);
}

/* --- what stands around steps --- */

static void show_section(struct plan_view *v, const struct dry_note *n) {
  fprintf(v->ui.out, "\n%*s%s", (int)base_of(n), "", ui_ink(&v->ui, INK_BOLD));
  text_print_line(v->ui.out, n->text);
  fprintf(v->ui.out, "%s\n", ui_ink(&v->ui, INK_PLAIN));
}

static void block_line(const struct plan_view *v, const struct dry_note *n, const char *ink,
                       const char *fmt, ...) like_printf(4, 5);
static void block_line(const struct plan_view *v, const struct dry_note *n, const char *ink,
                       const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  fprintf(v->ui.out, "%*s%s", (int)base_of(n), "", ui_ink(&v->ui, ink));
  flow(v, buf_str(&b), base_of(n) + 2);
  fputs(ui_ink(&v->ui, INK_PLAIN), v->ui.out);
  buf_release(&b);
}

static void show_branch(struct plan_view *v, const struct dry_note *n) {
  const char *now = n->detail ? ", " : "", *detail = n->detail ? n->detail : "";
  if (n->truth == DRY_OPEN) block_line(v, n, INK_YELLOW, "%s: unknown until run", n->text);
  else if (strcmp(n->text, "else") == 0) block_line(v, n, INK_BOLD, "else:");
  else if (n->truth == DRY_HOLDS) block_line(v, n, INK_BOLD, "%s: yes%s%s", n->text, now, detail);
  else
    block_line(v, n, INK_DIM, "%s: no%s%s; %u step%s left out", n->text, now, detail, n->n,
               n->n == 1 ? "" : "s");
}

static void show_each(struct plan_view *v, const struct dry_note *n) {
  const char *how = n->detail ? n->detail : "one after the other";
  if (n->truth == DRY_OPEN)
    block_line(v, n, INK_YELLOW, "each of %s: unknown until run, how many (%s)", n->text, how);
  else
    block_line(v, n, INK_BOLD, "each of %s: %u item%s, %s", n->text, n->n, n->n == 1 ? "" : "s",
               how);
}

/* After the first items of a long list the rest is counted, not shown. */
static void show_item(struct plan_view *v, const struct dry_note *n) {
  if (v->all || n->of <= ITEMS_SHOWN + 1 || (v->hidden && n->level != v->hidden_at)) return;
  if (n->n > n->of && v->hidden) {
    v->hidden = false;
    block_line(v, n, INK_DIM, "... and %u more items, planned in the same way; --all shows them",
               n->of - ITEMS_SHOWN);
  } else if (n->n == ITEMS_SHOWN + 1) {
    v->hidden = true;
    v->hidden_at = n->level;
  }
}

static void show_parallel(struct plan_view *v, const struct dry_note *n) {
  block_line(v, n, INK_BOLD, "side by side%s%s:", n->text ? ", " : "", n->text ? n->text : "");
}

static void show_child(struct plan_view *v, const struct dry_note *n) {
  block_line(v, n, INK_BOLD, "%s run of %s(%s)%s:", n->n ? "a" : "the start of a", n->text,
             n->detail, n->n ? "" : ", which is not waited for");
}

static void stops_line(struct plan_view *v) {
  fprintf(v->ui.out, "%*s%s", (int)v->stops_at, "", ui_ink(&v->ui, INK_RED));
  flow(v, buf_str(&v->stops), v->stops_at + 5);
  fputs(ui_ink(&v->ui, INK_PLAIN), v->ui.out);
  buf_clear(&v->stops);
}

/* Told when something follows. */
static void show_passed(struct plan_view *v, const struct dry_note *n) {
  block_line(v, n, INK_DIM, "a run of %s: %s", n->text, n->detail);
}

static void show_stops(struct plan_view *v, const struct dry_note *n) {
  v->stops_at = base_of(n);
  buf_addf(&v->stops, "---- As things are the run stops here: %s. What would come otherwise:",
           n->detail ? n->detail : n->text);
  if (!n->error) return;
  stops_line(v);
  ui_error(&v->ui, n->error, v->stops_at + 5);
}

/* --- a step's lines --- */

static const char *truth_word(const struct dry_line *l, const char *yes, const char *no) {
  return l->truth == DRY_HOLDS ? yes : l->truth == DRY_OPEN ? "unknown until run" : no;
}

static const char *truth_ink(const struct dry_line *l) {
  return l->truth == DRY_HOLDS_NOT ? INK_RED : l->truth == DRY_OPEN ? INK_YELLOW : "";
}

static void line_guard(const struct plan_view *v, const struct dry_line *l, size_t at) {
  bool held = l->truth == DRY_HOLDS && strncmp(l->detail, "so now", 6) != 0;
  detail(v, at, truth_ink(l), "guard", "%s: %s%s%s%s", l->text, truth_word(l, "holds", "NOT SO"),
         held ? "" : " (", held ? "" : l->detail, held ? "" : ")");
}

static void line_approval(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_YELLOW, "approval", "%s\nby %s", l->text, l->detail);
}

static void line_condition(const struct plan_view *v, const struct dry_line *l, size_t at) {
  bool always = strncmp(l->text, "at ", 3) == 0 || strcmp(l->text, "else") == 0;
  fprintf(v->ui.out, "%*s%s", (int)at, "", ui_ink(&v->ui, INK_YELLOW));
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s%s", l->text, always ? ":" : ": unknown until run");
  flow(v, buf_str(&b), at + 2);
  fputs(ui_ink(&v->ui, INK_PLAIN), v->ui.out);
  buf_release(&b);
}

static void call_text(const struct dry_line *l, const char *end, struct buf *out) {
  const char *between = "";
  buf_addf(out, "%s(", l->text);
  for (size_t i = 0; i < l->arg_count; i++) {
    if (!l->args[i].given) continue;
    buf_addf(out, "%s%s: %s", between, l->args[i].name, l->args[i].text);
    between = ", ";
  }
  buf_addf(out, ")%s", end);
}

/* On one line where it fits, else an argument a line, cut to the width on a terminal. */
static void line_call(const struct plan_view *v, const struct dry_line *l, size_t at,
                      const char *ink, const char *word, const char *end) {
  struct buf whole = BUF_INIT;
  call_text(l, end, &whole);
  if (!(l->kind == DRY_READ && l->truth == DRY_OPEN) &&
      text_columns(buf_str(&whole), whole.len) + at + WORD <= v->ui.width) {
    detail(v, at, ink, word, "%s", buf_str(&whole));
    buf_release(&whole);
    return;
  }
  buf_release(&whole);
  detail(v, at, ink, word, "%s%s", l->text, end);
  if (l->kind == DRY_READ && l->truth == DRY_OPEN) return; /* --json has what it would be asked */
  for (size_t i = 0; i < l->arg_count; i++) {
    struct buf arg = BUF_INIT, cut = BUF_INIT;
    if (!l->args[i].given) continue;
    buf_addf(&arg, "%s: %s", l->args[i].name, l->args[i].text);
    size_t columns = text_columns(arg.data, arg.len), indent = at + WORD + 2;
    size_t room = v->ui.width > indent + 20 ? v->ui.width - indent : 20;
    text_fit(&cut, arg.data, arg.len, v->ui.wrap && columns > room ? room : columns);
    fprintf(v->ui.out, "%*s%s\n", (int)indent, "", buf_str(&cut));
    buf_release(&arg);
    buf_release(&cut);
  }
}

static void line_write(const struct plan_view *v, const struct dry_line *l, size_t at) {
  line_call(v, l, at, l->undo ? "" : INK_BOLD, l->undo ? "calls" : "CHANGES", "");
  if (l->detail) detail(v, at, "", l->batch ? "sends" : "lease", "%s", l->detail);
}

static void line_read(const struct plan_view *v, const struct dry_line *l, size_t at) {
  struct buf end = BUF_INIT;
  enum { SHORT = 40 };
  bool scalar = l->result && l->result[0] != '{' && l->result[0] != '[';
  if (l->truth == DRY_OPEN) buf_addf(&end, ": unknown until run (%s)", l->detail);
  else if (l->truth == DRY_HOLDS_NOT) buf_addf(&end, ": FAILS NOW: %s", l->detail);
  else if (scalar && strlen(l->result) <= SHORT) buf_addf(&end, " = %s", l->result);
  line_call(v, l, at, truth_ink(l), "reads", buf_str(&end));
  buf_release(&end);
}

static void line_question(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_YELLOW, "asks", "%s (%s)", l->text, l->detail);
}

static void line_check(const struct plan_view *v, const struct dry_line *l, size_t at) {
  bool wait = strncmp(l->detail, "waits", 5) == 0;
  detail(v, at, truth_ink(l), wait ? "waits" : "checks", "%s: %s (%s)", l->text,
         truth_word(l, "holds", "NOT SO"), l->detail);
}

static void line_wait(const struct plan_view *v, const struct dry_line *l, size_t at) {
  const char *space = strchr(l->text, ' ');
  char word[16] = "waits";
  if (space && (size_t)(space - l->text) < sizeof word) {
    memcpy(word, l->text, (size_t)(space - l->text));
    word[space - l->text] = '\0';
  }
  detail(v, at, "", word, "%s", space ? space + 1 : l->text);
}

static void line_show(const struct plan_view *v, const struct dry_line *l, size_t at) {
  if (strncmp(l->detail, "(unknown: ", 10) == 0) return; /* there is nothing to be seen yet */
  struct buf b = BUF_INIT, cut = BUF_INIT;
  size_t room = v->ui.width > at + WORD + 20 ? v->ui.width - at - WORD : 20;
  buf_addf(&b, "%s%s%s", l->text ? l->text : "", l->text ? ": " : "", l->detail);
  size_t columns = text_columns(b.data, b.len);
  text_fit(&cut, b.data, b.len, columns > room ? room : columns);
  detail(v, at, INK_DIM, "shows", "%s", buf_str(&cut));
  buf_release(&b);
  buf_release(&cut);
}

static void line_note(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_DIM, "notes", "%s", l->text);
}

static void line_page(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_BOLD, "PAGES", "%s: %s", l->detail, l->text);
}

static void line_child(const struct plan_view *v, const struct dry_line *l, size_t at) {
  line_call(v, l, at, INK_BOLD, "STARTS", "");
}

static void line_stop(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_YELLOW, "ends", "%s", l->text);
}

static void line_problem(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_RED, "FAILS", "%s%s%s", l->text, l->detail ? "\nat " : "",
         l->detail ? l->detail : "");
}

static void line_limit(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, "", "limits", "%s", l->text);
}

static void line_undo(const struct plan_view *v, const struct dry_line *l, size_t at) {
  (void)l;
  fprintf(v->ui.out, "%*s%sundone by:%s\n", (int)at, "", ui_ink(&v->ui, INK_GREEN),
          ui_ink(&v->ui, INK_PLAIN));
}

static void line_no_way_back(const struct plan_view *v, const struct dry_line *l, size_t at) {
  detail(v, at, INK_RED, "NO UNDO", "point of no return: %s", l->text);
}

static void (*const lines[DRY_KINDS])(const struct plan_view *v, const struct dry_line *l,
                                      size_t at) = {
    [DRY_GUARD] = line_guard,
    [DRY_APPROVAL] = line_approval,
    [DRY_LIMIT] = line_limit,
    [DRY_CONDITION] = line_condition,
    [DRY_WRITE] = line_write,
    [DRY_READ] = line_read,
    [DRY_QUESTION] = line_question,
    [DRY_CHECK] = line_check,
    [DRY_WAIT] = line_wait,
    [DRY_SHOW] = line_show,
    [DRY_NOTE] = line_note,
    [DRY_PAGE] = line_page,
    [DRY_CHILD] = line_child,
    [DRY_STOP] = line_stop,
    [DRY_PROBLEM] = line_problem,
    [DRY_UNDO] = line_undo,
    [DRY_NO_WAY_BACK] = line_no_way_back,
};

static const struct {
  const char *word, *ink;
} outcomes[DRY_OUTCOMES] = {[DRY_NO_CHANGE] = {"no change", ""},
                            [DRY_CHANGE] = {"CHANGE", INK_BOLD},
                            [DRY_UNKNOWN] = {"unknown", INK_YELLOW},
                            [DRY_SKIPPED] = {"skipped", INK_DIM},
                            [DRY_FAILS] = {"WOULD FAIL", INK_RED}};

static void step_head(const struct plan_view *v, const struct dry_step *s, size_t at) {
  struct buf b = BUF_INIT;
  char number[16];
  if (s->handler) {
    fprintf(v->ui.out, "%*swhen a step fails (on_failure):\n", (int)at, "");
    return;
  }
  snprintf(number, sizeof number, "%2u", s->number);
  fprintf(v->ui.out, "%*s%s  %s%-11s%s ", (int)at, "", number,
          ui_ink(&v->ui, outcomes[s->outcome].ink), outcomes[s->outcome].word,
          ui_ink(&v->ui, INK_PLAIN));
  buf_addf(&b, "%s  (%s)", s->label, s->id);
  flow(v, buf_str(&b), at + strlen(number) + 14);
  buf_release(&b);
}

static void show_step(struct plan_view *v, const struct dry_note *n) {
  const struct dry_step *s = n->step;
  size_t at = base_of(n), in = at + DETAIL;
  step_head(v, s, at);
  if (s->about) detail(v, in, INK_DIM, "about", "%s", s->about);
  if (s->outcome == DRY_SKIPPED && s->reason) detail(v, in, "", "because", "%s", s->reason);
  for (size_t i = 0; i < s->line_count; i++)
    lines[s->lines[i].kind](v, &s->lines[i], in + s->lines[i].depth * NESTED);
  if (s->outcome == DRY_FAILS) detail(v, in, INK_RED, "then", "%s", s->then);
}

/* --- the end --- */

static void change_list(const struct plan_view *v, const struct dry_end *e, const char *title,
                        bool maybe, bool reached) {
  size_t count = 0, shown = 0;
  for (size_t i = 0; i < e->change_count; i++)
    count += e->changes[i].maybe == maybe && e->changes[i].reached == reached;
  if (!count) return;
  fprintf(v->ui.out, "\n%s%s%s (%zu)\n", ui_ink(&v->ui, INK_BOLD), title, ui_ink(&v->ui, INK_PLAIN),
          count);
  for (size_t i = 0; i < e->change_count; i++) {
    const struct dry_change *c = &e->changes[i];
    struct buf b = BUF_INIT, cut = BUF_INIT;
    if (c->maybe != maybe || c->reached != reached) continue;
    if (++shown > LIST_SHOWN && !v->all) continue;
    buf_addf(&b, "%s: %s", c->step, c->text);
    size_t columns = text_columns(b.data, b.len), room = v->ui.width - 2;
    text_fit(&cut, b.data, b.len, v->ui.wrap && columns > room ? room : columns);
    fprintf(v->ui.out, "  %s\n", buf_str(&cut));
    buf_release(&b);
    buf_release(&cut);
  }
  if (shown > LIST_SHOWN && !v->all)
    fprintf(v->ui.out, "  ... and %zu more; --all shows them\n", shown - LIST_SHOWN);
}

static void show_counts(const struct plan_view *v, const struct dry_end *e) {
  static const char *const words[DRY_OUTCOMES] = {"without a change", "would change something",
                                                  "unknown until run", "skipped", "would fail"};
  static const enum dry_outcome order[] = {DRY_CHANGE, DRY_UNKNOWN, DRY_FAILS, DRY_SKIPPED,
                                           DRY_NO_CHANGE};
  const char *between = ": ";
  fprintf(v->ui.out, "\n%u step%s", e->steps, e->steps == 1 ? "" : "s");
  for (size_t i = 0; i < DRY_OUTCOMES; i++) {
    if (!e->outcomes[order[i]]) continue;
    fprintf(v->ui.out, "%s%u %s", between, e->outcomes[order[i]], words[order[i]]);
    between = ", ";
  }
  if (e->unreached) fprintf(v->ui.out, "; %u not reached as things are", e->unreached);
  putc('\n', v->ui.out);
}

static void show_end(struct plan_view *v, const struct dry_note *n) {
  const struct dry_end *e = n->end;
  change_list(v, e, "Would change", false, true);
  change_list(v, e, "Would change, or not: unknown until run", true, true);
  change_list(v, e, "Not reached as things are", false, false);
  change_list(v, e, "Not reached as things are, and unknown until run", true, false);
  if (!e->change_count) fputs("\nNothing would be changed.\n", v->ui.out);
  if (e->practice) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "Nothing would go out by %s.", e->practice);
    putc('\n', v->ui.out);
    flow(v, buf_str(&b), 2);
    buf_release(&b);
  }
  if (e->stops_why) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "As things are the run stops%s%s: %s", e->stops_at ? " at " : "",
             e->stops_at ? e->stops_at : "", e->stops_why);
    fprintf(v->ui.out, "\n%s", ui_ink(&v->ui, INK_RED));
    flow(v, buf_str(&b), 2);
    fputs(ui_ink(&v->ui, INK_PLAIN), v->ui.out);
    buf_release(&b);
  }
  show_counts(v, e);
  if (e->problems)
    fprintf(v->ui.out, "%sa run could not start: %u problem%s, see above%s\n",
            ui_ink(&v->ui, INK_RED), e->problems, e->problems == 1 ? "" : "s",
            ui_ink(&v->ui, INK_PLAIN));
  fprintf(v->ui.out, "plan %s\n", e->plan_sha);
}

static void (*const notes[])(struct plan_view *v, const struct dry_note *n) = {
    [DRY_NOTE_HEAD] = show_head,         [DRY_NOTE_INPUT] = show_input,
    [DRY_NOTE_FACT] = show_fact,         [DRY_NOTE_PROBLEM] = show_problem,
    [DRY_NOTE_SECTION] = show_section,   [DRY_NOTE_BRANCH] = show_branch,
    [DRY_NOTE_EACH] = show_each,         [DRY_NOTE_ITEM] = show_item,
    [DRY_NOTE_PARALLEL] = show_parallel, [DRY_NOTE_CHILD] = show_child,
    [DRY_NOTE_STEP] = show_step,         [DRY_NOTE_STOPS] = show_stops,
    [DRY_NOTE_END] = show_end,
    [DRY_NOTE_PASSED] = show_passed,
};

static bool is_head(enum dry_note_kind kind) {
  return kind <= DRY_NOTE_PROBLEM;
}

void plan_show(void *ud, const struct dry_note *n) {
  struct plan_view *v = ud;
  bool fails = n->kind == DRY_NOTE_STEP && n->step->outcome == DRY_FAILS;
  if (v->hidden && n->kind != DRY_NOTE_ITEM && n->kind != DRY_NOTE_STOPS && !fails) return;
  if (!is_head(n->kind) && !v->headed) {
    v->headed = true;
    if (n->kind != DRY_NOTE_SECTION) putc('\n', v->ui.out);
  }
  if (v->stops.len && n->kind != DRY_NOTE_END && n->kind != DRY_NOTE_ITEM &&
      n->kind != DRY_NOTE_STOPS)
    stops_line(v);
  notes[n->kind](v, n);
  if (fflush(v->ui.out) != 0 && errno != EPIPE) v->output_errno = errno; /* the next read may take its time */
}

void plan_view_release(struct plan_view *v) {
  buf_release(&v->inputs);
  buf_release(&v->facts);
  buf_release(&v->problems);
  buf_release(&v->place);
  buf_release(&v->stops);
}
