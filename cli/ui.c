/* Progress of a run, for people: one line a step, its details below it, the end with what to do. */
#include "ui.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../runtime/text.h"
#include "command.h"
#include "table.h"
#include "text.h"

enum { INDENT = 6, OUTCOME = 60 };

size_t terminal_columns(int fd) {
  struct winsize w;
  return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : 80;
}

size_t terminal_width(int fd) {
  size_t columns = terminal_columns(fd);
  return columns >= 40 ? columns : 80;
}

void ui_init(struct ui *ui, FILE *out) {
  *ui = (struct ui){.out = out, .colour = colour_wanted(fileno(out))};
  ui->width = terminal_width(fileno(out));
  ui->wrap = isatty(fileno(out));
  bars_init(&ui->bars, fileno(out));
}

const char *ui_ink(const struct ui *ui, const char *code) {
  return ui->colour ? code : "";
}

void ui_break(struct ui *ui) {
  if (ui->line_open) putc('\n', ui->out);
  ui->line_open = false;
}

/* How many bytes of s go on a line that has `room` columns left: to the last blank that fits. */
static size_t line_bytes(const char *s, size_t room) {
  size_t columns = 0, blank = 0, i = 0;
  for (; s[i] && s[i] != '\n' && columns <= room; i++) {
    if (s[i] == ' ') blank = i;
    columns += ((unsigned char)s[i] & 0xC0) != 0x80;
  }
  return columns <= room || !blank ? strcspn(s, "\n") : blank;
}

/* Text from anywhere: what could steer the terminal is shown as '?'. at: the column it starts in;
 * further lines are indented. */
static void tame(struct ui *ui, const char *s, size_t at, size_t indent) {
  for (;;) {
    size_t n = ui->wrap && ui->width > at ? line_bytes(s, ui->width - at) : strcspn(s, "\n");
    struct buf b = BUF_INIT;
    text_tame(&b, s, n, '?');
    fputs(buf_str(&b), ui->out);
    buf_release(&b);
    s += n;
    if (!*s) return;
    s++; /* the newline or the blank */
    fprintf(ui->out, "\n%*s", (int)indent, "");
    at = indent;
  }
}

/* One detail of the step: indented, each further line too. */
static void detail(struct ui *ui, const char *ink, const char *fmt, ...) like_printf(3, 4);
static void detail(struct ui *ui, const char *ink, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  ui_break(ui);
  fprintf(ui->out, "%*s%s", INDENT, "", ui_ink(ui, ink));
  tame(ui, buf_str(&b), INDENT, INDENT + 2);
  fprintf(ui->out, "%s\n", ui_ink(ui, INK_PLAIN));
  buf_release(&b);
}

void ui_error(struct ui *ui, const struct error *e, size_t indent) {
  struct buf b = BUF_INIT;
  if (e->has_at && ui->program && e->at.file < ui->program->file_count) {
    struct source *s = ui->program->sources[e->at.file];
    uint32_t line, col;
    source_line_col(s, e->at.start, &line, &col);
    buf_addf(&b, "at %s:%u:%u\n", s->name, line, col);
    diag_caret(s, e->at, ui->colour, &b);
    ui->shown = e->at;
  }
  for (const char *s = buf_str(&b), *nl; *s && (nl = strchr(s, '\n')); s = nl + 1)
    fprintf(ui->out, "%*s%.*s\n", (int)indent, "", (int)(nl - s), s);
  buf_release(&b);
  if (!e->help) return;
  fprintf(ui->out, "%*shelp: ", (int)indent, "");
  tame(ui, e->help, indent + 6, indent + 6);
  putc('\n', ui->out);
}

/* --- steps --- */

/* A title, on one line whatever stands in it. */
static void headline(struct ui *ui, const char *text) {
  fputs(ui_ink(ui, INK_BOLD), ui->out);
  text_print_line(ui->out, text);
  fprintf(ui->out, "%s\n", ui_ink(ui, INK_PLAIN));
}

static void on_run(struct ui *ui, const struct notice *n) {
  if (n->drill) fprintf(ui->out, "%sDRILL%s  ", ui_ink(ui, INK_YELLOW), ui_ink(ui, INK_PLAIN));
  headline(ui, n->text);
  fprintf(ui->out, "run %s by %s, %u step%s\n", n->id, n->detail, n->n, n->n == 1 ? "" : "s");
  if (n->drill) fputs("a drill: what it does is simulated, and its waits take no time\n", ui->out);
  ui->parted = false;
}

static void on_section(struct ui *ui, const struct notice *n) {
  ui_break(ui);
  putc('\n', ui->out);
  headline(ui, n->text);
  ui->parted = true;
}

/* The first step is parted from what stands above it; a section always is. */
static void part(struct ui *ui) {
  if (!ui->parted) putc('\n', ui->out);
  ui->parted = true;
}

static void step_line(struct ui *ui, const struct notice *n) {
  char number[32];
  ui_break(ui);
  part(ui);
  snprintf(number, sizeof number, "[%u/%u]", n->n, n->of);
  fprintf(ui->out, "%-5s ", number);
  tame(ui, n->text, 6, 6);
  ui->column =
      (strlen(number) > 5 ? strlen(number) : 5) + 1 + text_columns(n->text, strlen(n->text));
  ui->line_open = true;
}

static void on_step(struct ui *ui, const struct notice *n) {
  step_line(ui, n);
  if (n->detail) detail(ui, INK_DIM, "%s", n->detail);
}

/* The outcome goes at the end of the step's own line while nothing stands below it. */
static void outcome(struct ui *ui, const char *ink, const char *text, int64_t us) {
  char took[32] = "";
  if (us >= US_SECOND / 10) took_text(us, took);
  if (ui->line_open) {
    fprintf(ui->out, " %s", ui_ink(ui, INK_DIM));
    for (size_t c = ui->column + 1; c < OUTCOME; c++)
      putc('.', ui->out);
    fprintf(ui->out, "%s ", ui_ink(ui, INK_PLAIN));
  } else {
    fprintf(ui->out, "%*s", INDENT, "");
  }
  fprintf(ui->out, "%s%s%s%s%s\n", ui_ink(ui, ink), text, ui_ink(ui, INK_PLAIN), *took ? "  " : "",
          took);
  ui->line_open = false;
}

static void on_link(struct ui *ui, const struct notice *n) {
  detail(ui, INK_DIM, "see %s", n->text);
}

static void on_step_done(struct ui *ui, const struct notice *n) {
  if (n->detail && *n->detail) detail(ui, "", "finished: %s", n->detail);
  outcome(ui, INK_GREEN, "ok", n->us);
}

static void on_step_skipped(struct ui *ui, const struct notice *n) {
  if (!ui->line_open && n->of) step_line(ui, n);
  outcome(ui, INK_YELLOW, "skipped", 0);
  detail(ui, INK_DIM, "%s", n->detail);
}

static void on_step_failed(struct ui *ui, const struct notice *n) {
  if (strcmp(n->error->kind, "stopped") == 0) {
    detail(ui, INK_YELLOW, "%s", n->error->message);
    return;
  }
  detail(ui, INK_RED, "FAILED: %s", n->error->message ? n->error->message : "failed");
  ui_error(ui, n->error, INDENT);
  if (n->detail) detail(ui, "", "%s", n->detail);
}

static void on_retry(struct ui *ui, const struct notice *n) {
  char delay[32];
  took_text(n->us, delay);
  detail(ui, INK_YELLOW, "%s", n->error->message);
  detail(ui, "", "attempt %u in %s", n->n, delay);
}

/* --- details --- */

/* "198 of 200 sent, 2 refused" */
static void on_batch_done(struct ui *ui, const struct notice *n, const char *took) {
  const struct progress *p = n->progress;
  struct buf b = BUF_INIT;
  count_text(p->sent, &b);
  buf_adds(&b, " of ");
  count_text(p->total, &b);
  buf_adds(&b, " sent");
  if (p->refused) buf_adds(&b, ", "), count_text(p->refused, &b), buf_adds(&b, " refused");
  if (p->unsure) buf_adds(&b, ", "), count_text(p->unsure, &b), buf_adds(&b, " of which nobody knows");
  if (p->asked) {
    buf_adds(&b, ", at ");
    rate_text(p->reached, &b);
    buf_adds(&b, " where ");
    count_text(p->asked, &b);
    buf_adds(&b, " a second were asked for");
  }
  detail(ui, n->error ? INK_RED : p->unsure ? INK_YELLOW : "", "%s: %s%s, %s", n->text,
         n->error ? "stopped, " : "", buf_str(&b), took);
  buf_release(&b);
}

/* A line a minute; a terminal has a bar. */
static void on_progress(struct ui *ui, const struct notice *n) {
  struct buf b = BUF_INIT;
  progress_text(n->progress, &b);
  detail(ui, INK_DIM, "%s: %s", n->text, buf_str(&b));
  buf_release(&b);
}

static void on_paused(struct ui *ui, const struct notice *n) {
  char time[32];
  took_text(n->us, time);
  detail(ui, INK_YELLOW, "%s: paused%s%s: %s (batch %s)", n->text, n->us ? " for " : "", n->us ? time : "", n->detail,
         n->id);
}

static void on_action_done(struct ui *ui, const struct notice *n) {
  char took[32];
  took_text(n->us, took);
  if (n->progress) {
    on_batch_done(ui, n, took);
    return;
  }
  detail(ui, n->error ? INK_RED : "", "%s: %s, %s", n->text, n->error ? "failed" : "done", took);
}

static void on_verified(struct ui *ui, const struct notice *n) {
  if (n->text) detail(ui, "", "verified: %s", n->text);
}

static void on_answer(struct ui *ui, const struct notice *n) {
  if (!ui->terminal) detail(ui, "", "? %s %s", n->text, n->detail);
}

static void on_approval(struct ui *ui, const struct notice *n) {
  detail(ui, INK_YELLOW, "waiting for approval: %s", n->text);
  detail(ui, "", "%s", n->detail);
}

static void on_approved(struct ui *ui, const struct notice *n) {
  detail(ui, n->n ? INK_RED : "", n->n ? "GLASS BROKEN by %s: %s" : "approved by %s: %s", n->detail,
         n->text);
}

static void on_paged(struct ui *ui, const struct notice *n) {
  detail(ui, INK_RED, "PAGE %s", n->text);
  detail(ui, INK_BOLD, "%s", n->detail);
}

static void on_page(struct ui *ui, const struct notice *n) {
  detail(ui, n->n ? INK_RED : "", "%s", n->text);
}

static void on_note(struct ui *ui, const struct notice *n) {
  detail(ui, "", "%s", n->text);
}

static void on_show(struct ui *ui, const struct notice *n) {
  struct buf b = BUF_INIT;
  ui_break(ui);
  value_show(n->text, n->value, ui->program->syms, INDENT, ui->width, &b);
  fputs(buf_str(&b), ui->out);
  buf_release(&b);
}

static void on_finding(struct ui *ui, const struct notice *n) {
  detail(ui, INK_YELLOW, "finding%s%s: %s", n->detail ? ", " : "", n->detail ? n->detail : "",
         n->text);
}

static void on_follow_up(struct ui *ui, const struct notice *n) {
  detail(ui, "", "to do: %s%s%s%s", n->text, n->detail ? " (" : "", n->detail ? n->detail : "",
         n->detail ? ")" : "");
}

static void on_wait(struct ui *ui, const struct notice *n) {
  detail(ui, INK_DIM, "%s", n->text);
}

/* --- rollback and ends --- */

static void on_rolling_back(struct ui *ui, const struct notice *n) {
  ui_break(ui);
  fprintf(ui->out, "\n%srolling back, latest first: %u step%s%s\n", ui_ink(ui, INK_BOLD), n->n,
          n->n == 1 ? "" : "s", ui_ink(ui, INK_PLAIN));
}

static void on_rollback(struct ui *ui, const struct notice *n) {
  ui_break(ui);
  fputs("undo  ", ui->out);
  tame(ui, n->text, 6, 6);
  ui->column = 6 + text_columns(n->text, strlen(n->text));
  ui->line_open = true;
}

static void on_rollback_done(struct ui *ui, const struct notice *n) {
  outcome(ui, INK_GREEN, "undone", n->us);
}

static void on_rollback_passed(struct ui *ui, const struct notice *n) {
  on_rollback(ui, n);
  outcome(ui, INK_YELLOW, "cannot be undone", 0);
  detail(ui, INK_DIM, "%s", n->detail);
}

static void on_interrupted(struct ui *ui, const struct notice *n) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s: %s", n->text, n->detail);
  if (ui->line_open || ui->wrap) putc('\n', ui->out); /* a terminal shows ^C where it stands */
  ui->line_open = false;
  tame(ui, buf_str(&b), 0, 2);
  putc('\n', ui->out);
  buf_release(&b);
}

static const char *end_ink(const char *state) {
  return strcmp(state, "succeeded") == 0 ? INK_GREEN : INK_RED;
}

/* A command for the run, as a shell takes it. */
static void command(struct ui *ui, const char *indent, const char *what, const char *verb,
                    const char *id) {
  struct buf b = BUF_INIT;
  if (ui->journal) {
    buf_adds(&b, " --journal ");
    buf_add_word(&b, ui->journal);
  }
  fprintf(ui->out, "%s%s: stepwise %s %s", indent, what, verb, id);
  text_print(ui->out, buf_str(&b), 0);
  putc('\n', ui->out);
  buf_release(&b);
}

static void on_left(struct ui *ui, const struct notice *n) {
  ui_break(ui);
  fprintf(ui->out, "\n%sleft as it is%s\n", ui_ink(ui, INK_RED), ui_ink(ui, INK_PLAIN));
  if (n->text) fprintf(ui->out, "  the journal does not have it: %s\n", n->text);
  command(ui, "  ", "go on", "resume", n->id);
  command(ui, "  ", "look", "show", n->id);
}

/* What a step failed of was shown with the step; what stands around steps was not. */
static bool is_shown(const struct ui *ui, struct span at) {
  return at.file == ui->shown.file && at.start == ui->shown.start && at.end == ui->shown.end;
}

static void on_end(struct ui *ui, const struct notice *n) {
  char took[32];
  ui_break(ui);
  took_text(n->us, took);
  putc('\n', ui->out);
  if (n->drill) fprintf(ui->out, "%sDRILL%s  ", ui_ink(ui, INK_YELLOW), ui_ink(ui, INK_PLAIN));
  fprintf(ui->out, "%s%s%s", ui_ink(ui, end_ink(n->text)), n->text, ui_ink(ui, INK_PLAIN));
  if (n->us) fprintf(ui->out, " after %s", took);
  bool good = strcmp(n->text, "succeeded") == 0;
  if (n->error) {
    fputs(": ", ui->out);
    size_t after = n->us ? strlen(" after ") + strlen(took) : 0;
    tame(ui, n->error->message, strlen(n->text) + after + 2, 2);
  }
  if (n->detail && *n->detail) {
    fputs(good ? ": " : "\n  ", ui->out);
    tame(ui, n->detail, good ? ui->width / 2 : 2, 2);
  }
  putc('\n', ui->out);
  if (n->error && n->error->has_at && !is_shown(ui, n->error->at)) {
    ui_error(ui, n->error, 2);
  } else if (n->error && n->error->help) {
    fputs("  help: ", ui->out);
    tame(ui, n->error->help, 8, 8);
    putc('\n', ui->out);
  }
  if (n->id && strcmp(n->text, run_state_name(RUN_ROLLBACK_INCOMPLETE)) == 0)
    command(ui, "  ", "mend what stopped it, then go on", "rollback", n->id);
  if (n->id) command(ui, good ? "" : "  ", "look", "show", n->id);
}

static void (*const on_notice[])(struct ui *ui, const struct notice *n) = {
    [NOTICE_RUN] = on_run,
    [NOTICE_SECTION] = on_section,
    [NOTICE_STEP] = on_step,
    [NOTICE_LINK] = on_link,
    [NOTICE_STEP_DONE] = on_step_done,
    [NOTICE_STEP_SKIPPED] = on_step_skipped,
    [NOTICE_STEP_FAILED] = on_step_failed,
    [NOTICE_RETRY] = on_retry,
    [NOTICE_ACTION_DONE] = on_action_done,
    [NOTICE_PROGRESS] = on_progress,
    [NOTICE_PAUSED] = on_paused,
    [NOTICE_VERIFIED] = on_verified,
    [NOTICE_ANSWER] = on_answer,
    [NOTICE_APPROVAL] = on_approval,
    [NOTICE_APPROVED] = on_approved,
    [NOTICE_PAGED] = on_paged,
    [NOTICE_PAGE] = on_page,
    [NOTICE_NOTE] = on_note,
    [NOTICE_SHOW] = on_show,
    [NOTICE_FINDING] = on_finding,
    [NOTICE_FOLLOW_UP] = on_follow_up,
    [NOTICE_WAIT] = on_wait,
    [NOTICE_ROLLING_BACK] = on_rolling_back,
    [NOTICE_ROLLBACK] = on_rollback,
    [NOTICE_ROLLBACK_DONE] = on_rollback_done,
    [NOTICE_ROLLBACK_PASSED] = on_rollback_passed,
    [NOTICE_ROLLBACK_FAILED] = on_step_failed,
    [NOTICE_INTERRUPTED] = on_interrupted,
    [NOTICE_LEFT] = on_left,
    [NOTICE_END] = on_end,
};

/* --- branches --- */

/* Lines of a branch begin with its name, so that those of several can be told apart. */
static void prefix(struct ui *ui, const char *branch, FILE *to) {
  size_t columns = text_columns(branch, strlen(branch));
  struct buf b = BUF_INIT;
  text_tame(&b, branch, strlen(branch), '?');
  fprintf(to, "%s%s%*s |%s ", ui_ink(ui, INK_DIM), buf_str(&b),
          columns < ui->branch_width ? (int)(ui->branch_width - columns) : 0, "", ui_ink(ui, INK_PLAIN));
  buf_release(&b);
}

/* text continues the open line when it is the branch's own. */
static void put_lines(struct ui *ui, const char *branch, bool open, const char *text, FILE *to) {
  while (*text) {
    size_t n = strcspn(text, "\n");
    bool empty = n == 0 && !open;
    if (!open && !empty && branch) prefix(ui, branch, to);
    fwrite(text, 1, n, to);
    if (text[n] && !(empty && branch)) putc('\n', to);
    open = false;
    text += n + (text[n] != '\0');
  }
}

static bool same_branch(const char *a, const char *b) {
  return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Who opened the line that stands open. */
static void own_line(struct ui *ui, const char *branch) {
  if (same_branch(ui->open_branch, branch)) return;
  mem_free(ui->open_branch);
  ui->open_branch = branch ? mem_strdup(branch) : NULL;
}

/* Whether the branch's own line stands open. */
static bool begin_line(struct ui *ui, const char *branch, FILE *to) {
  enum { NAME_WIDTH = 24 };
  size_t name = branch ? text_columns(branch, strlen(branch)) : 0;
  if (name > NAME_WIDTH) name = NAME_WIDTH;
  if (name > ui->branch_width) ui->branch_width = name;
  if (ui->line_open && !same_branch(ui->open_branch, branch)) {
    putc('\n', to);
    ui->line_open = false;
  }
  if (branch && !ui->parted) putc('\n', to);
  ui->parted |= branch != NULL;
  return ui->line_open;
}

/* Opening such a stream takes longer than all that is written into it: there is one for all notices. */
static FILE *lines_begin(struct ui *ui) {
  if (!ui->lines) ui->lines = open_memstream(&ui->text, &ui->text_size);
  if (!ui->lines) mem_out();
  rewind(ui->lines);
  return ui->lines;
}

/* The zero byte parts it from what is left of longer texts before. */
static const char *lines_end(struct ui *ui) {
  putc('\0', ui->lines);
  fflush(ui->lines);
  return ui->text;
}

static void tell(struct ui *ui, const struct notice *n, FILE *to) {
  size_t width = ui->width;
  FILE *out = ui->out;
  bool open = begin_line(ui, n->branch, to);
  ui->out = lines_begin(ui);
  if (n->branch && width > ui->branch_width + 3 + 40) ui->width -= ui->branch_width + 3;
  on_notice[n->kind](ui, n);
  ui->out = out;
  ui->width = width;
  put_lines(ui, n->branch, open, lines_end(ui), to);
  own_line(ui, n->branch);
}

static void show_bars(struct ui *ui) {
  if (ui->bars.count) ui_break(ui);
  bars_draw(&ui->bars, ui->out, ui->bars.count ? terminal_columns(fileno(ui->out)) : ui->width);
}

void ui_turn(struct ui *ui) {
  if (ui->unwritten && fflush(ui->out) != 0 && errno != EPIPE && errno != EIO) ui->output_errno = errno;
  ui->unwritten = false;
}

static bool is_told(const struct ui *ui, const struct notice *n) {
  if (!on_notice[n->kind]) return false;
  if (n->kind != NOTICE_PROGRESS) return true;
  return !ui->bars.wanted && n->progress->minute && !n->progress->last;
}

void ui_notice(void *ud, const struct notice *n) {
  struct ui *ui = ud;
  const struct program *program = ui->program;
  bool told = is_told(ui, n);
  if (!told && n->kind != NOTICE_PROGRESS) return;
  if (n->program) ui->program = n->program;
  if (n->kind == NOTICE_PROGRESS) bars_take(&ui->bars, n);
  if (n->kind == NOTICE_LEFT) bars_forget(&ui->bars);
  if (told && ui->asking && n->kind != NOTICE_INTERRUPTED) {
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    if (!to) mem_out();
    tell(ui, n, to);
    fclose(to);
    buf_add(&ui->held, text, size);
    free(text);
  } else if (!ui->asking || told) {
    bars_clear(&ui->bars, ui->out);
    if (told) tell(ui, n, ui->out);
    if (!ui->asking) show_bars(ui);
    ui->unwritten = true;
    if (!ui->turns || !n->branch) ui_turn(ui);
  }
  ui->program = program;
}

void ui_ask(struct ui *ui, const char *branch) {
  bars_clear(&ui->bars, ui->out);
  ui_break(ui);
  if (branch) {
    prefix(ui, branch, ui->out);
    fputs("asks\n", ui->out);
  }
  ui->asking = true;
}

void ui_asked(struct ui *ui) {
  ui->asking = false;
  if (ui->held.len) fwrite(ui->held.data, 1, ui->held.len, ui->out);
  buf_clear(&ui->held);
  show_bars(ui);
  ui->unwritten = true;
  ui_turn(ui);
}

void ui_release(struct ui *ui) {
  buf_release(&ui->held);
  bars_release(&ui->bars);
  mem_free(ui->open_branch);
  if (ui->lines) fclose(ui->lines);
  free(ui->text);
}
