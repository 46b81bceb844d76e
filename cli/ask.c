/* Questions at the terminal: what each kind looks like, and how its answer is typed. */
#include "asker.h"

#include <unistd.h>

#include "../runtime/utf8.h"
#include "text.h"

enum { INDENT = 6 };

static void say(struct asker *a, const char *ink, const char *text) {
  fprintf(a->ui->out, "%*s%s", INDENT, "", ui_ink(a->ui, ink));
  text_print(a->ui->out, text, INDENT + 2);
  fprintf(a->ui->out, "%s\n", ui_ink(a->ui, INK_PLAIN));
}

/* Reads a line after a question; *out is owned text. */
static enum status read_text(struct asker *a, const struct prompt *q, const char *question,
                             char **out, struct error *err) {
  struct buf text = BUF_INIT, shown = BUF_INIT;
  enum status status;
  buf_addf(&shown, "%*s%s", INDENT, "", ui_ink(a->ui, INK_BOLD));
  text_tame_lines(&shown, question, INDENT + 2);
  buf_addf(&shown, "%s ", ui_ink(a->ui, INK_PLAIN));
  for (;;) {
    buf_clear(&text);
    status = line_read(&a->line, buf_str(&shown), q->secret, q->until, &text, err);
    if (status != OK || utf8_valid(text.data, text.len)) break;
    say(a, INK_YELLOW, "that is not text in UTF-8; type it again");
  }
  buf_release(&shown);
  if (status == OK) *out = buf_take(&text);
  else buf_release(&text);
  return status;
}

static enum status read_value(struct asker *a, const struct prompt *q, const char *question,
                              struct answer *out, struct error *err) {
  char *text;
  enum status status = read_text(a, q, question, &text, err);
  if (status != OK) return status;
  out->value = value_cstr(text);
  if (q->secret) explicit_bzero(text, strlen(text));
  mem_free(text);
  return OK;
}

static enum status ask_confirm(struct asker *a, const struct prompt *q, struct answer *out,
                               struct error *err) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "? %s [yes/no]", q->text);
  enum status status = read_value(a, q, buf_str(&b), out, err);
  buf_release(&b);
  return status;
}

static void option(struct asker *a, size_t number, const char *text) {
  fprintf(a->ui->out, "%*s%2zu  ", INDENT + 2, "", number);
  text_print(a->ui->out, text, INDENT + 6);
  putc('\n', a->ui->out);
}

static enum status ask_choose(struct asker *a, const struct prompt *q, struct answer *out,
                              struct error *err) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "? %s", q->text);
  say(a, INK_BOLD, buf_str(&b));
  for (size_t i = 0; i < q->option_count; i++)
    option(a, i + 1, q->options[i]);
  buf_clear(&b);
  buf_addf(&b, "number or text%s%s%s:", q->suggest ? " [" : "", q->suggest ? q->suggest : "",
           q->suggest ? "]" : "");
  enum status status = read_value(a, q, buf_str(&b), out, err);
  buf_release(&b);
  return status;
}

static enum status ask_value(struct asker *a, const struct prompt *q, struct answer *out,
                             struct error *err) {
  struct buf b = BUF_INIT;
  if (q->kind == PROMPT_INPUT && q->about) buf_addf(&b, "%s (%s, %s)", q->text, q->about, q->type);
  else buf_addf(&b, "%s%s (%s)", q->kind == PROMPT_INPUT ? "" : "? ", q->text, q->type);
  if (q->suggest) buf_addf(&b, " [%s]", q->suggest);
  buf_addc(&b, ':');
  enum status status = read_value(a, q, buf_str(&b), out, err);
  buf_release(&b);
  return status;
}

static enum status ask_manual(struct asker *a, const struct prompt *q, struct answer *out,
                              struct error *err) {
  struct buf b = BUF_INIT;
  buf_addf(&b, "by hand: %s", q->text);
  say(a, INK_BOLD, buf_str(&b));
  buf_release(&b);
  enum status status = read_value(a, q, "done? [Enter when done, or no]", out, err);
  if (status != OK || !q->evidence || value_str(out->value)->s[0] == 'n') return status;
  return read_text(a, q, "evidence (what was done, a ticket, a path):", &out->comment, err);
}

static enum status ask_approval(struct asker *a, const struct prompt *q, struct answer *out,
                                struct error *err) {
  struct buf b = BUF_INIT;
  buf_adds(&b, "APPROVAL");
  if (q->role) buf_addf(&b, " by :%s", q->role);
  if (q->quorum > 1) buf_addf(&b, ", %u of %u", q->given + 1, q->quorum);
  if (!q->problem) {
    say(a, INK_YELLOW, buf_str(&b));
    say(a, INK_BOLD, q->text);
    say(a, "", q->about);
  }
  buf_release(&b);
  enum status status = read_value(a, q, "approve or deny?", out, err);
  /* What is neither is refused by the engine at once: nobody is asked for a name or a reason. */
  if (status == OK && !approval_verdict(value_str(out->value)->s)) return OK;
  if (status == OK && !q->as) status = read_text(a, q, "your name:", &out->by, err);
  if (status != OK || approval_verdict(value_str(out->value)->s) == VERDICT_APPROVE) return status;
  return read_text(a, q, "reason:", &out->comment, err);
}

static enum status ask_page(struct asker *a, const struct prompt *q, struct answer *out,
                            struct error *err) {
  return read_value(a, q, "? has somebody got the page? [ack, ack and a remark, or no]", out, err);
}

enum status ask_terminal(struct asker *a, const struct prompt *q, struct answer *out,
                         struct error *err) {
  static enum status (*const ways[])(struct asker *, const struct prompt *, struct answer *,
                                     struct error *) = {
      [PROMPT_CONFIRM] = ask_confirm, [PROMPT_CHOOSE] = ask_choose,     [PROMPT_ASK] = ask_value,
      [PROMPT_MANUAL] = ask_manual,   [PROMPT_APPROVAL] = ask_approval, [PROMPT_INPUT] = ask_value,
      [PROMPT_PAGE] = ask_page};
  ui_ask(a->ui, q->branch);
  if (q->problem) say(a, INK_YELLOW, q->problem);
  enum status status = ways[q->kind](a, q, out, err);
  ui_asked(a->ui);
  if (status != OK) answer_release(out);
  return status;
}

static bool is_word(const struct buf *text, const char *word) {
  const char *s = buf_str(text) + strspn(buf_str(text), " \t");
  size_t n = strcspn(s, " \t\r");
  return strncasecmp(s, word, n) == 0 && (n == 1 || n == strlen(word));
}

bool ask_leave(struct asker *a, const char *what) {
  struct buf question = BUF_INIT, text = BUF_INIT;
  struct error err = {0};
  bool wait = false, leave = false;
  buf_addf(&question, "\n%s%s.%s [w]ait until it is over, or [k]ill: leave it as it is, now? ",
           ui_ink(a->ui, INK_BOLD), what, ui_ink(a->ui, INK_PLAIN));
  ui_break(a->ui);
  while (!wait && !leave) {
    buf_clear(&text);
    if (line_read_urgent(&a->line, buf_str(&question), &text, &err) != OK) break;
    wait = is_word(&text, "wait");
    leave = is_word(&text, "kill");
  }
  if (!leave) line_again(&a->line);
  error_release(&err);
  buf_release(&question);
  buf_release(&text);
  return leave;
}
