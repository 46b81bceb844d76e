/* How a run stands, for people and as JSON: its state, what is open, the commands that can follow.
 */
#include <unistd.h>

#include "../runtime/codec.h"
#include "../runtime/text.h"
#include "show.h"
#include "text.h"

/* --- the state --- */

/* Why it is in that state; of one that waits the answer to it, where one is there. */
static void why_text(const struct show *s, struct buf *out) {
  const struct standing *at = &s->standing;
  for (size_t i = 0; at->state == RUN_WAITING && at->last_step && i < at->gate_count; i++)
    if (strcmp(at->gates[i].step, at->last_step) == 0 &&
        gate_verdict(at, &at->gates[i], s->pid != 0, journal_now(), out))
      return;
  if (at->last.text) buf_adds(out, at->last.text);
}

void show_state(struct show *s) {
  const struct standing *at = &s->standing;
  struct buf b = BUF_INIT, why = BUF_INIT;
  bool moves = at->state == RUN_RUNNING || at->state == RUN_ROLLING_BACK;
  buf_addf(&b, "%s since ", standing_state(at, s->pid != 0));
  time_text(moves && !s->pid ? at->last_us : at->last.time_us, false, 0, &b);
  if (at->waits_on) buf_addf(&b, ", on %s", at->waits_on);
  if (at->last_step) buf_addf(&b, ", at step %s", at->last_step);
  else if (at->at && !standing_ended(at)) buf_addf(&b, ", at step %s", at->at);
  why_text(s, &why);
  if (why.len) buf_addf(&b, ": %s", buf_str(&why));
  buf_release(&why);
  text_print(stdout, buf_str(&b), 2);
  putchar('\n');
  if (s->pid) printf("process %ld has it\n", (long)s->pid);
  if (at->taken_over.by) printf("operated by %s\n", at->operator);
  if (at->glass.by) {
    buf_clear(&b);
    buf_addf(&b, "glass broken by %s: %s", at->glass.by, at->glass.text ? at->glass.text : "");
    text_print(stdout, buf_str(&b), 2);
    putchar('\n');
  }
  buf_release(&b);
}

/* --- what is open --- */

static void open_line(const char *what, struct buf *b) {
  printf("%s: ", what);
  text_print(stdout, buf_str(b), 2);
  putchar('\n');
  buf_clear(b);
}

/* ", 4,213 of 9,000: 4,200 sent, 13 refused" */
static void count_line(const struct sending *s, struct buf *b) {
  buf_adds(b, ", ");
  count_text(s->done, b);
  buf_adds(b, " of ");
  count_text(s->total, b);
  buf_adds(b, ": ");
  count_text(s->sent, b);
  buf_adds(b, " sent");
  if (s->refused) buf_adds(b, ", "), count_text(s->refused, b), buf_adds(b, " refused");
  if (s->unsure) buf_adds(b, ", "), count_text(s->unsure, b), buf_adds(b, " of which nobody knows");
}

static const struct sending *sending_of(const struct standing *at, const struct doubt *d) {
  for (size_t i = 0; i < at->sending_count; i++)
    if (at->sendings[i].call == d->call && strcmp(at->sendings[i].step, d->step) == 0)
      return &at->sendings[i];
  return NULL;
}

static void open_pause(const struct sending *s, struct buf *b) {
  if (!s->pause) return;
  buf_addf(b, "%s since ", s->action);
  time_text(s->paused_us, false, 0, b);
  if (s->pause_until_us) buf_adds(b, ", until "), time_text(s->pause_until_us, false, 0, b);
  buf_addf(b, ": %s", s->pause);
  open_line("paused", b);
}

static void open_batches(const struct standing *at, bool live, struct buf *b) {
  for (size_t i = 0; i < at->sending_count; i++) {
    buf_addf(b, "%s/%s", *at->sendings[i].step ? at->sendings[i].step : "on_failure",
             at->sendings[i].action);
    count_line(&at->sendings[i], b);
    open_line(live ? "under way" : "stopped", b);
    open_pause(&at->sendings[i], b);
  }
}

static void open_doubts(const struct standing *at, struct buf *b) {
  for (size_t i = 0; i < at->doubt_count; i++) {
    const struct doubt *d = &at->doubts[i];
    const struct sending *batch = sending_of(at, d);
    doubt_name(at, d, b);
    if (batch && at->state != RUN_IN_DOUBT) { /* its own book tells where it goes on */
      buf_clear(b);
      continue;
    }
    if (batch) count_line(batch, b);
    else if (d->args && strcmp(d->args, "{}") != 0) buf_addf(b, " %s", d->args);
    if (d->key) buf_addf(b, ", key %.8s", d->key);
    buf_adds(b, ", begun at ");
    time_text(d->time_us, false, 0, b);
    open_line(d->rollback ? "in doubt, undoing" : "in doubt", b);
  }
}

/* What was asked, and what was answered that no process has met yet. */
static bool open_verdict(const struct standing *at, const struct gate *g, bool live, struct buf *b) {
  struct buf said = BUF_INIT;
  bool is = gate_verdict(at, g, live, journal_now(), &said);
  if (is) {
    buf_addf(b, "step %s, %s", g->step, buf_str(&said));
    open_line(g->denied.by ? "approval denied" : "approval given", b);
  }
  buf_release(&said);
  return is;
}

static void open_gates(const struct standing *at, bool live, struct buf *b) {
  for (size_t i = 0; i < at->gate_count; i++) {
    const struct gate *g = &at->gates[i];
    if (open_verdict(at, g, live, b)) continue;
    buf_addf(b, "step %s", g->step);
    if (g->role) buf_addf(b, " by :%s", g->role);
    buf_addf(b, ", %lld of %lld given, until ", (long long)g->given, (long long)g->quorum);
    time_text(g->until_us, false, 0, b);
    buf_addf(b, ": %s", g->text ? g->text : "");
    open_line("approval wanted", b);
  }
}

/* Those that nobody says to have, and that somebody should. */
static bool page_open(const struct open_page *p) {
  return !p->acked.by && (p->until_us || p->unanswered);
}

static void open_pages(const struct standing *at, struct buf *b) {
  for (size_t i = 0; i < at->page_count; i++) {
    const struct open_page *p = &at->pages[i];
    if (!page_open(p)) continue;
    buf_adds(b, p->text ? p->text : "");
    if (p->until_us) buf_adds(b, ", until "), time_text(p->until_us, false, 0, b);
    open_line(p->until_us ? "a page waits to be acknowledged" : "a page that nobody has", b);
  }
}

static void open_rest(const struct standing *at, struct buf *b) {
  for (size_t i = 0; i < at->lease_count; i++) {
    const struct lease *l = &at->leases[i];
    buf_addf(b, "%s, step %s, until ", l->of ? l->of : "?", l->step);
    time_text(l->until_us, false, 0, b);
    open_line("lease", b);
  }
  for (size_t i = 0; i < at->child_count; i++) {
    buf_addf(b, "%s of %s", at->children[i].run, at->children[i].runbook);
    open_line("child run", b);
  }
  if (standing_ended(at)) return;
  if (at->question) buf_adds(b, at->question), open_line("asked and not answered", b);
  if (at->lock) buf_adds(b, at->lock), open_line("holds the lock", b);
}

void show_open(struct show *s) {
  const struct standing *at = &s->standing;
  struct buf b = BUF_INIT;
  open_batches(at, s->pid != 0, &b);
  if (!s->pid || at->state == RUN_IN_DOUBT) open_doubts(at, &b);
  if (!standing_ended(at)) open_gates(at, s->pid != 0, &b);
  open_pages(at, &b);
  open_rest(at, &b);
  bool told =
      at->state != RUN_RUNNING && at->state != RUN_ROLLING_BACK && at->state != RUN_SUCCEEDED;
  if (told && standing_left(at, &b)) open_line("done and not undone, latest first", &b);
  buf_release(&b);
}

/* --- what can follow --- */

struct next {
  char *command; /* owned */
  const char *about;
};
struct nexts {
  struct next *items;
  size_t count, cap;
  struct show *show;
};

static void add(struct nexts *n, const char *about, const char *verb, const char *fmt, ...)
    like_printf(4, 5);
static void add(struct nexts *n, const char *about, const char *verb, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  buf_addf(&b, "stepwise %s %s", verb, n->show->standing.run);
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  buf_adds(&b, n->show->tail);
  n->items = mem_grow(n->items, n->count, &n->cap, sizeof *n->items);
  n->items[n->count++] = (struct next){buf_take(&b), about};
}

static void word(struct buf *b, const char *text) {
  buf_addc(b, ' ');
  buf_add_word(b, text);
}

static void next_gates(struct nexts *n) {
  const struct standing *at = &n->show->standing;
  for (size_t i = 0; i < at->gate_count; i++) {
    const struct gate *g = &at->gates[i];
    struct buf step = BUF_INIT;
    if (g->denied.by) continue;
    word(&step, g->step);
    if (!gate_released(g, journal_now())) add(n, "says yes to the step", "approve", "%s", buf_str(&step));
    add(n, "says no", "deny", "%s --reason TEXT", buf_str(&step));
    buf_release(&step);
  }
}

/* A batch that was cut off goes on by its own book: nobody needs to say what became of it. */
static bool goes_on(const struct standing *at, const struct doubt *d) {
  return at->state != RUN_IN_DOUBT && sending_of(at, d);
}

static bool doubted(const struct standing *at) {
  for (size_t i = 0; i < at->doubt_count; i++)
    if (!goes_on(at, &at->doubts[i])) return true;
  return false;
}

static void next_doubts(struct nexts *n, bool batches) {
  const struct standing *at = &n->show->standing;
  for (size_t i = 0; i < at->doubt_count; i++) {
    if (goes_on(at, &at->doubts[i]) != batches) continue;
    struct buf name = BUF_INIT, quoted = BUF_INIT;
    doubt_name(at, &at->doubts[i], &name);
    word(&quoted, buf_str(&name));
    add(n, "it happened", "mark-done", "%s --result VALUE", buf_str(&quoted));
    add(n, "it did not", "mark-done", "%s --not-done --reason TEXT", buf_str(&quoted));
    buf_release(&name);
    buf_release(&quoted);
  }
}

static bool can_undo(const struct standing *at) {
  for (size_t i = 0; i < at->wrote_count; i++)
    if (at->wrote[i].armed && !at->wrote[i].undone) return true;
  return false;
}

static void next_live(struct nexts *n) {
  const struct standing *at = &n->show->standing;
  next_gates(n);
  if (at->state == RUN_IN_DOUBT) next_doubts(n, false);
  if (at->state != RUN_ROLLING_BACK)
    add(n, "stops it; --rollback undoes what it did", "cancel", " --reason TEXT");
}

static void next_ended(struct nexts *n) {
  const struct standing *at = &n->show->standing;
  if (at->sealed.by) return;
  if (at->state == RUN_ROLLBACK_INCOMPLETE) add(n, "goes on undoing", "rollback", "%s", "");
  else if (can_undo(at)) add(n, "undoes what it did", "rollback", "%s", "");
  add(n, "closes it: no rollback any more", "seal", "%s", "");
}

/* An answer that no process has met yet: what resume does with it, or NULL. */
static const char *answered(const struct standing *at) {
  const char *about = NULL;
  for (size_t i = 0; i < at->gate_count; i++) {
    const struct gate *g = &at->gates[i];
    if (g->denied.by) return standing_denial(at, g->otherwise);
    if (gate_released(g, journal_now())) about = "goes on with it: the approval is there";
  }
  return about;
}

static void next_parked(struct nexts *n) {
  const struct standing *at = &n->show->standing;
  bool undoing = at->state == RUN_ROLLING_BACK;
  const char *about = at->state == RUN_WAITING || at->state == RUN_RUNNING ? answered(at) : NULL;
  next_doubts(n, false);
  if (!about) next_gates(n);
  if (at->state != RUN_IN_DOUBT)
    add(n,
        about                   ? about
        : undoing               ? "goes on undoing"
        : at->state == RUN_HELD ? "tries the step again and goes on"
                                : "goes on with it",
        "resume", "%s", "");
  if (about) next_gates(n);
  next_doubts(n, true);
  if (!undoing && !doubted(at) && can_undo(at))
    add(n, "undoes what it did", "rollback", "%s", "");
  if (!undoing && !at->doubt_count)
    add(n, "ends it; what was done stays", "cancel", " --reason TEXT");
  if (at->doubt_count || undoing)
    add(n, "gives it up: it ends as failed", "abandon", " --reason TEXT");
}

static void next_pages(struct nexts *n) {
  const struct standing *at = &n->show->standing;
  for (size_t i = 0; i < at->page_count; i++) {
    if (!page_open(&at->pages[i])) continue;
    add(n, "says that somebody has what it pages about", "ack", "%s", "");
    return;
  }
}

static void nexts_of(struct nexts *n) {
  next_pages(n);
  if (standing_ended(&n->show->standing)) next_ended(n);
  else if (n->show->pid) next_live(n);
  else next_parked(n);
}

static void nexts_release(struct nexts *n) {
  for (size_t i = 0; i < n->count; i++)
    mem_free(n->items[i].command);
  mem_free(n->items);
}

void show_next(struct show *s) {
  struct nexts n = {.show = s};
  const struct told *sealed = &s->standing.sealed;
  nexts_of(&n);
  if (sealed->by) printf("sealed by %s: it stays as it is\n", sealed->by);
  if (n.count) puts("\nwhat can be done:");
  for (size_t i = 0; i < n.count; i++) {
    fputs("  ", stdout);
    text_print(stdout, n.items[i].command, 2);
    printf("\n      %s%s%s\n", ui_ink(&s->ui, INK_DIM), n.items[i].about,
           ui_ink(&s->ui, INK_PLAIN));
  }
  nexts_release(&n);
}

/* --- as JSON --- */

static void json_field(struct buf *b, const char *name, const char *text) {
  if (!text || !*text) return;
  buf_addf(b, "%s\"%s\":", b->len > 1 && b->data[b->len - 1] != '{' ? "," : "", name);
  json_text(b, text, strlen(text));
}

static void json_doubts(const struct standing *at, struct buf *b) {
  buf_adds(b, ",\"doubts\":[");
  for (size_t i = 0; i < at->doubt_count; i++) {
    const struct doubt *d = &at->doubts[i];
    struct buf name = BUF_INIT;
    doubt_name(at, d, &name);
    buf_adds(b, i ? ",{" : "{");
    json_field(b, "action", buf_str(&name));
    json_field(b, "key", d->key);
    buf_addf(b, ",\"args\":%s,\"begun_us\":%lld}", d->args ? d->args : "{}", (long long)d->time_us);
    buf_release(&name);
  }
  buf_addc(b, ']');
}

static void json_batches(const struct standing *at, struct buf *b) {
  buf_adds(b, ",\"batches\":[");
  for (size_t i = 0; i < at->sending_count; i++) {
    const struct sending *s = &at->sendings[i];
    buf_adds(b, i ? ",{" : "{");
    json_field(b, "step", s->step);
    json_field(b, "action", s->action);
    json_field(b, "batch", s->batch);
    buf_addf(b, ",\"total\":%lld,\"done\":%lld,\"sent\":%lld,\"refused\":%lld,\"unsure\":%lld",
             (long long)s->total, (long long)s->done, (long long)s->sent, (long long)s->refused,
             (long long)s->unsure);
    if (s->pause) json_field(b, "paused", s->pause);
    if (s->pause) buf_addf(b, ",\"paused_us\":%lld", (long long)s->paused_us);
    if (s->pause_until_us) buf_addf(b, ",\"pause_until_us\":%lld", (long long)s->pause_until_us);
    buf_addc(b, '}');
  }
  buf_addc(b, ']');
}

static void json_gates(const struct standing *at, struct buf *b) {
  buf_adds(b, ",\"approvals\":[");
  for (size_t i = 0; i < at->gate_count; i++) {
    const struct gate *g = &at->gates[i];
    buf_adds(b, i ? ",{" : "{");
    json_field(b, "step", g->step);
    json_field(b, "role", g->role);
    json_field(b, "text", g->text);
    json_field(b, "approved_by", g->by);
    json_field(b, "denied_by", g->denied.by);
    json_field(b, "reason", g->denied.by ? g->denied.text : NULL);
    json_field(b, "otherwise", g->denied.by ? g->otherwise : NULL);
    if (g->glass) buf_adds(b, ",\"break_glass\":true");
    if (gate_released(g, journal_now())) buf_adds(b, ",\"released\":true");
    buf_addf(b, ",\"given\":%lld,\"quorum\":%lld,\"until_us\":%lld}", (long long)g->given,
             (long long)g->quorum, (long long)g->until_us);
  }
  buf_addc(b, ']');
}

static void json_pages(const struct standing *at, struct buf *b) {
  buf_adds(b, ",\"pages\":[");
  for (size_t i = 0; i < at->page_count; i++) {
    const struct open_page *p = &at->pages[i];
    buf_adds(b, i ? ",{" : "{");
    json_field(b, "page", p->page);
    json_field(b, "step", p->step);
    json_field(b, "text", p->text);
    json_field(b, "acknowledged_by", p->acked.by);
    json_field(b, "note", p->acked.text);
    json_field(b, "unanswered", p->unanswered);
    if (p->until_us) buf_addf(b, ",\"until_us\":%lld", (long long)p->until_us);
    buf_addc(b, '}');
  }
  buf_addc(b, ']');
}

static void json_nexts(struct show *s, struct buf *b) {
  struct nexts n = {.show = s};
  nexts_of(&n);
  buf_adds(b, ",\"next\":[");
  for (size_t i = 0; i < n.count; i++) {
    if (i) buf_addc(b, ',');
    json_text(b, n.items[i].command, strlen(n.items[i].command));
  }
  buf_addc(b, ']');
  nexts_release(&n);
}

void show_json(struct show *s) {
  const struct standing *at = &s->standing;
  struct buf b = BUF_INIT, left = BUF_INIT, why = BUF_INIT;
  buf_addc(&b, '{');
  json_field(&b, "run", at->run);
  if (run_is_drill(at->run)) buf_adds(&b, ",\"drill\":true");
  json_field(&b, "runbook", at->runbook);
  json_field(&b, "title", at->title);
  json_field(&b, "state", standing_state(at, s->pid != 0));
  json_field(&b, "recorded", run_state_name(at->state));
  json_field(&b, "on", at->waits_on);
  json_field(&b, "step", at->last_step ? at->last_step : at->at);
  why_text(s, &why);
  json_field(&b, "why", buf_str(&why));
  buf_release(&why);
  json_field(&b, "actor", at->started.by);
  json_field(&b, "operator", at->operator);
  json_field(&b, "lock", at->lock);
  json_field(&b, "parent", at->parent);
  json_field(&b, "sealed_by", at->sealed.by);
  json_field(&b, "glass_broken_by", at->glass.by);
  json_field(&b, "glass_reason", at->glass.text);
  if (standing_left(at, &left)) json_field(&b, "not_undone", buf_str(&left));
  if (s->pid) buf_addf(&b, ",\"pid\":%ld", (long)s->pid);
  buf_addf(&b, ",\"started_us\":%lld,\"changed_us\":%lld,\"events\":%llu",
           (long long)at->started.time_us, (long long)at->last.time_us,
           (unsigned long long)at->events);
  json_doubts(at, &b);
  if (at->sending_count) json_batches(at, &b);
  json_gates(at, &b);
  json_pages(at, &b);
  json_nexts(s, &b);
  buf_addc(&b, '}');
  puts(buf_str(&b));
  buf_release(&b);
  buf_release(&left);
}
