/* stepwise runs: the runs of a journal, one line each.
 *
 * What is shown as interrupted stands in no column: such a run is under way by its events, and no
 * process has it. */
#include "command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "../lang/sym.h"
#include "../runtime/clock.h"
#include "../runtime/codec.h"
#include "../runtime/owner.h"
#include "../runtime/peek.h"
#include "../runtime/standing.h"
#include "../runtime/text.h"
#include "journal_at.h"
#include "options.h"
#include "table.h"
#include "ui.h"
#include "when.h"

enum { SHOWN = 50, SHOWN_LEAST = 10 };
static const char interrupted[] = "interrupted";

struct listed {
  char *run, *runbook, *actor, *lock, *why;
  char *drill; /* what run.started says of it, as JSON; or NULL */
  const char *state, *recorded;
  int64_t started_us, changed_us, first_seq, last_seq;
  int64_t stopped_us;  /* of one that is interrupted: when it was heard of last */
  struct buf pages;    /* while they are read */
  unsigned page_count; /* pages that nobody has */
  int64_t done, total; /* of the batch that is under way; total 0: none */
  int64_t batch_seq;   /* of the event that says so */
  bool maybe_paused;   /* the latest that is said of the batch itself */
  char *paused;        /* why nothing of it is sent since paused_us, or NULL */
  int64_t paused_us;
  bool glass; /* broken to approve a step of it */
  pid_t pid;
};

struct listing {
  struct journal *journal;
  struct owners *owners;
  struct run_filter filter;
  const char *state; /* as shown, or NULL */
  bool json, why;
  int64_t limit;       /* 0: none */
  struct listed *rows; /* newest first */
  size_t count, cap;
  int64_t found, earlier; /* earlier: those that are not shown */
};

static void listed_release(struct listed *l) {
  mem_free(l->run);
  mem_free(l->runbook);
  mem_free(l->actor);
  mem_free(l->lock);
  mem_free(l->why);
  mem_free(l->drill);
  mem_free(l->paused);
}

/* --- one run --- */

/* What it waits for, or what it failed of: said by the event that set its state. */
static enum status take_why(void *ud, const struct event *e) {
  struct listed *l = ud;
  struct buf b = BUF_INIT;
  struct member error;
  l->glass = peek_true(e->data, e->data_len, "break_glass");
  if (peek_text(e->data, e->data_len, "on", &b)) buf_adds(&b, ": ");
  bool told = peek_text(e->data, e->data_len, "reason", &b) ||
              (peek(e->data, e->data_len, "error", &error) &&
               peek_text(error.value, error.value_len, "message", &b)) ||
              peek_text(e->data, e->data_len, "text", &b);
  if (!told && b.len) buf_truncate(&b, b.len - 2);
  char *binding = peek_copy(e->data, e->data_len, "binding");
  char *action = peek_copy(e->data, e->data_len, "action");
  if (binding && action) buf_addf(&b, "%s%s.%s", told ? "; " : "", binding, action);
  mem_free(binding);
  mem_free(action);
  l->why = b.data ? buf_take(&b) : mem_strdup("");
  return ERR_STOP;
}

static enum status find_why(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter at = {.after = l->last_seq - 1};
  enum status status = journal_scan(g->journal, &at, take_why, l, err);
  return status == ERR_STOP ? OK : status;
}

static enum status take_drill(void *ud, const struct event *e) {
  struct listed *l = ud;
  struct member options, drill;
  if (peek(e->data, e->data_len, "options", &options) &&
      peek(options.value, options.value_len, "drill", &drill))
    l->drill = mem_dup(drill.value, drill.value_len);
  return ERR_STOP;
}

/* What was practised: for machines, of drills alone. */
static enum status find_drill(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter at = {.after = l->first_seq - 1};
  if (!run_is_drill(l->run)) return OK;
  enum status status = journal_scan(g->journal, &at, take_drill, l, err);
  return status == ERR_STOP ? OK : status;
}

/* How far the latest batch is of a run that has not ended. */
static enum status take_batch(void *ud, const struct event *e) {
  struct listed *l = ud;
  l->maybe_paused = strcmp(e->kind, EVENT_NAME(BATCH_PAUSED)) == 0;
  if (e->seq < l->batch_seq) return OK;
  l->batch_seq = e->seq;
  l->total = peek_int(e->data, e->data_len, "total", 0);
  l->done = peek_int(e->data, e->data_len, "done", 0);
  if (l->done >= l->total) l->total = 0;
  return OK;
}

/* Whether it goes on since is told by what was sent later. */
static enum status find_paused(struct listing *g, struct listed *l, struct error *err) {
  struct standing s;
  enum status status = standing_read(g->journal, l->run, &s, err);
  for (size_t i = 0; status == OK && !l->paused && i < s.sending_count; i++) {
    if (!s.sendings[i].pause) continue;
    l->paused = mem_strdup(s.sendings[i].pause);
    l->paused_us = s.sendings[i].paused_us;
  }
  standing_release(&s);
  return status;
}

static enum status find_batch(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter sent = {.run = l->run, .kind = EVENT_NAME(ITEMS_FINISHED), .last = 1};
  const struct event_filter batch = {.run = l->run, .kind = "batch.", .last = 1};
  if (run_state_find(l->recorded) >= RUN_SUCCEEDED) return OK;
  enum status status = journal_scan(g->journal, &sent, take_batch, l, err);
  if (status == OK) status = journal_scan(g->journal, &batch, take_batch, l, err);
  return status == OK && l->total && l->maybe_paused ? find_paused(g, l, err) : status;
}

/* What was answered to it that no process has met yet, instead of what it waited for; and glass. */
static enum status take_answer(void *ud, const struct event *e) {
  bool *answered = ud;
  *answered |= strcmp(e->kind, EVENT_NAME(APPROVAL_GIVEN)) == 0 ||
               strcmp(e->kind, EVENT_NAME(APPROVAL_DENIED)) == 0;
  return OK;
}

static enum status find_answer(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter approvals = {.run = l->run, .kind = "approval."};
  bool answered = false;
  struct standing s;
  struct buf why = BUF_INIT;
  if (run_state_find(l->recorded) >= RUN_SUCCEEDED) return OK;
  enum status status = journal_scan(g->journal, &approvals, take_answer, &answered, err);
  if (status != OK || !answered) return status;
  status = standing_read(g->journal, l->run, &s, err);
  for (size_t i = 0; status == OK && i < s.gate_count; i++) {
    size_t len = why.len;
    if (len) buf_adds(&why, "; ");
    if (!gate_verdict(&s, &s.gates[i], l->pid != 0, journal_now(), &why)) buf_truncate(&why, len);
  }
  if (status == OK) l->glass |= s.glass.by != NULL;
  standing_release(&s);
  if (g->why && why.len) mem_free(l->why), l->why = buf_take(&why);
  buf_release(&why);
  return status;
}

/* Pages that nobody has: each name is as long as any other and ends in a blank. */
static enum status take_page(void *ud, const struct event *e) {
  struct listed *l = ud;
  struct buf page = BUF_INIT;
  bool unanswered = strcmp(e->kind, EVENT_NAME(PAGE_UNANSWERED)) == 0;
  if (!unanswered && strcmp(e->kind, EVENT_NAME(PAGE_ACKNOWLEDGED)) != 0) return OK;
  if (peek_text(e->data, e->data_len, "page", &page)) {
    buf_addc(&page, ' ');
    char *at = l->pages.len ? strstr(l->pages.data, buf_str(&page)) : NULL;
    if (unanswered && !at) buf_adds(&l->pages, buf_str(&page)), l->page_count++;
    if (!unanswered && at) *at = '-', l->page_count--; /* counted once, however many say that they have it */
  }
  buf_release(&page);
  return OK;
}

static enum status find_pages(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter pages = {.run = l->run, .kind = "page."};
  enum status status = journal_scan(g->journal, &pages, take_page, l, err);
  buf_release(&l->pages);
  return status;
}

/* A run whose process is gone says nothing of its end: it ran until its last event at least. */
static enum status take_stopped(void *ud, const struct event *e) {
  struct listed *l = ud;
  l->stopped_us = e->time_us;
  return OK;
}

static enum status find_stopped(struct listing *g, struct listed *l, struct error *err) {
  const struct event_filter f = {.run = l->run, .last = 1};
  return l->state == interrupted ? journal_scan(g->journal, &f, take_stopped, l, err) : OK;
}

static void state_text(const struct listed *l, struct buf *out) {
  buf_adds(out, l->state);
  if (l->page_count == 1) buf_adds(out, ", a page that nobody has");
  else if (l->page_count) buf_addf(out, ", %u pages that nobody has", l->page_count);
  if (!l->total) return;
  buf_adds(out, ", ");
  count_text(l->done, out);
  buf_adds(out, " of ");
  count_text(l->total, out);
  if (l->paused && l->pid) buf_adds(out, ", paused");
}

static void batch_json(const struct listed *l, struct buf *out) {
  buf_addf(out, ",\"batch\":{\"done\":%lld,\"total\":%lld", (long long)l->done, (long long)l->total);
  if (l->paused) {
    buf_adds(out, ",\"paused\":");
    json_text(out, l->paused, strlen(l->paused));
    buf_addf(out, ",\"paused_us\":%lld", (long long)l->paused_us);
  }
  buf_addc(out, '}');
}

static void row_json(const struct listed *l) {
  struct buf b = BUF_INIT;
  const struct {
    const char *name, *text;
  } fields[] = {{"run", l->run},     {"runbook", l->runbook},
                {"state", l->state}, {"recorded", l->state == l->recorded ? "" : l->recorded},
                {"actor", l->actor}, {"lock", l->lock},
                {"why", l->why}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    if (i > 2 && (!fields[i].text || !*fields[i].text)) continue;
    buf_addf(&b, "%s\"%s\":", i ? "," : "{", fields[i].name);
    json_text(&b, fields[i].text, strlen(fields[i].text));
  }
  if (l->drill) buf_addf(&b, ",\"drill\":%s", l->drill);
  if (l->glass) buf_adds(&b, ",\"break_glass\":true");
  if (l->page_count) buf_addf(&b, ",\"pages\":%u", l->page_count);
  if (l->total) batch_json(l, &b);
  if (l->pid) buf_addf(&b, ",\"pid\":%ld", (long)l->pid);
  buf_addf(&b, ",\"started_us\":%lld,\"changed_us\":%lld}\n", (long long)l->started_us,
           (long long)l->changed_us);
  fwrite(b.data, 1, b.len, stdout);
  buf_release(&b);
}

/* --- gathering --- */

static enum status keep(struct listing *g, struct listed *l) {
  if (g->limit && g->found > g->limit) {
    g->earlier++;
    return OK;
  }
  g->rows = mem_grow(g->rows, g->count, &g->cap, sizeof *g->rows);
  struct listed *to = &g->rows[g->count++];
  *to = *l;
  to->run = mem_strdup(l->run);
  to->runbook = mem_strdup(l->runbook);
  to->actor = mem_strdup(l->actor);
  to->lock = mem_strdup(l->lock);
  return OK;
}

static enum status take_row(void *ud, const struct run_row *r) {
  struct listing *g = ud;
  enum run_state state = run_state_find(r->state);
  bool moves = state == RUN_RUNNING || state == RUN_ROLLING_BACK;
  struct listed l = {.run = (char *)(uintptr_t)r->run,
                     .runbook = (char *)(uintptr_t)r->runbook,
                     .actor = (char *)(uintptr_t)r->actor,
                     .lock = (char *)(uintptr_t)r->lock,
                     .state = run_state_name(state),
                     .recorded = run_state_name(state),
                     .started_us = r->started_us,
                     .changed_us = r->changed_us,
                     .first_seq = r->first_seq,
                     .last_seq = r->last_seq};
  /* A run that waits may have a process too; it is looked up where few are shown. */
  bool ask = moves || (state < RUN_SUCCEEDED && g->limit);
  if (ask && !owner_of(g->owners, r->first_seq, &l.pid)) l.pid = 0;
  if (moves && !l.pid) l.state = interrupted;
  if (g->state && strcmp(g->state, l.state) != 0) return OK;
  g->found++;
  if (!g->json || g->limit) return keep(g, &l);
  struct error err = {0};
  enum status status = g->why ? find_why(g, &l, &err) : OK;
  if (status == OK) status = find_drill(g, &l, &err);
  if (status == OK) status = find_answer(g, &l, &err);
  if (status == OK) status = find_batch(g, &l, &err);
  if (status == OK) status = find_pages(g, &l, &err);
  if (status == OK) row_json(&l);
  mem_free(l.why);
  mem_free(l.drill);
  mem_free(l.paused);
  error_release(&err);
  return status;
}

/* Whether a process has a run is not in the table: those two states are found by looking at each
 * run that is under way. */
static bool asks_owners(const struct listing *g) {
  return g->state && (strcmp(g->state, interrupted) == 0 || strcmp(g->state, "running") == 0 ||
                      strcmp(g->state, "rolling_back") == 0);
}

static enum status gather(struct listing *g, struct error *err) {
  bool owners = asks_owners(g);
  g->filter.newest_first = g->limit > 0;
  if (g->state && strcmp(g->state, interrupted) == 0) g->filter.open = true;
  else if (g->state) g->filter.state = g->state;
  if (!owners) g->filter.last = g->limit;
  enum status status = journal_runs(g->journal, &g->filter, take_row, g, err);
  if (status != OK || owners || g->json || (int64_t)g->count < g->limit) return status;
  status = journal_count_runs(g->journal, &g->filter, &g->earlier, err);
  g->earlier -= (int64_t)g->count;
  return status;
}

/* --- the table --- */

static int64_t age(const struct listed *l, int64_t now) {
  bool moves = strcmp(l->state, "running") == 0 || strcmp(l->state, "rolling_back") == 0;
  return (moves ? now : l->stopped_us ? l->stopped_us : l->changed_us) - l->started_us;
}

static void cells_plain(struct table *t, const struct listed *l, int64_t now) {
  char started[32], took[32];
  when_short(l->started_us, now, started);
  when_brief(age(l, now), took);
  l->actor[strcspn(l->actor, "@")] = '\0'; /* --json has it whole */
  struct buf state = BUF_INIT;
  state_text(l, &state);
  if (l->glass) buf_adds(&state, ", glass broken");
  const char *cells[] = {l->run, buf_str(&state), started, took, l->runbook, l->actor};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    table_cell(t, cells[i]);
  buf_release(&state);
}

static void cells_why(struct table *t, const struct listed *l, int64_t now) {
  char since[32];
  when_short(l->changed_us, now, since);
  struct buf state = BUF_INIT;
  state_text(l, &state);
  if (l->glass) buf_adds(&state, ", glass broken");
  const char *why = l->why && *l->why ? l->why : l->paused && l->pid ? l->paused : "";
  const char *cells[] = {l->run, buf_str(&state), since, l->runbook, why};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    table_cell(t, cells[i]);
  buf_release(&state);
}

static void print_table(struct listing *g) {
  static const char *const plain[] = {"RUN", "STATE", "STARTED", "TOOK", "RUNBOOK", "BY"};
  static const char *const why[] = {"RUN", "STATE", "SINCE", "RUNBOOK", "WHY"};
  struct table t = {.columns = g->why ? 5 : 6, .whole = g->why ? 3 : 4};
  struct buf b = BUF_INIT;
  for (size_t i = 0; i < t.columns; i++)
    table_cell(&t, (g->why ? why : plain)[i]);
  for (size_t i = g->count; i-- > 0;)
    (g->why ? cells_why : cells_plain)(&t, &g->rows[i], journal_now());
  table_write(&t, 0, terminal_width(STDOUT_FILENO), &b);
  if (g->earlier)
    buf_addf(&b, "%lld earlier %s not shown; --last N shows more\n", (long long)g->earlier,
             g->earlier == 1 ? "one is" : "ones are");
  fputs(buf_str(&b), stdout);
  buf_release(&b);
  table_release(&t);
}

static enum status print(struct listing *g, bool filtered, struct error *err) {
  enum status status = OK;
  for (size_t i = 0; (g->why || !g->json) && status == OK && i < g->count; i++)
    status = find_why(g, &g->rows[i], err);
  for (size_t i = 0; g->json && status == OK && i < g->count; i++)
    status = find_drill(g, &g->rows[i], err);
  for (size_t i = 0; status == OK && i < g->count; i++)
    status = find_answer(g, &g->rows[i], err);
  for (size_t i = 0; status == OK && i < g->count; i++)
    status = find_batch(g, &g->rows[i], err);
  for (size_t i = 0; status == OK && i < g->count; i++)
    status = find_pages(g, &g->rows[i], err);
  for (size_t i = 0; !g->json && status == OK && i < g->count; i++)
    status = find_stopped(g, &g->rows[i], err);
  if (status != OK) return status;
  if (g->json) {
    for (size_t i = g->count; i-- > 0;)
      row_json(&g->rows[i]);
  } else if (!g->count) {
    printf("no runs in %s%s\n", journal_file(g->journal), filtered ? " are like that" : "");
  } else {
    print_table(g);
  }
  return OK;
}

/* --- what is asked for --- */

struct asked {
  const char *journal, *state, *runbook, *last, *since, *until, *actor;
  bool mine, waiting, open, json, drill, no_drill;
};

static int refuse_state(const char *verb, const char *state) {
  const char *names[RUN_STATES];
  struct buf all = BUF_INIT;
  size_t n = 0;
  names[n++] = interrupted;
  for (int s = RUN_RUNNING; s < RUN_STATES; s++)
    names[n++] = run_state_name((enum run_state)s);
  int near = name_nearest(state, names, n);
  for (size_t i = 0; i < n; i++)
    buf_addf(&all, "%s%s", i ? ", " : "", names[i]);
  int code = near >= 0 ? usage_error(verb, "no state '%s'; did you mean %s?", state, names[near])
                       : usage_error(verb, "no state '%s'; they are: %s", state, buf_str(&all));
  buf_release(&all);
  return code;
}

/* The last so many; on a terminal what fits on it. */
static int64_t limit_of(const struct asked *a) {
  struct winsize w;
  if (a->last) return strtoll(a->last, NULL, 10);
  if (a->json) return 0;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || !w.ws_row) return SHOWN;
  int64_t fits = (int64_t)w.ws_row - 4; /* header, what is not shown, the prompt */
  return fits > SHOWN ? SHOWN : fits < SHOWN_LEAST ? SHOWN_LEAST : fits;
}

static bool is_number(const char *text) {
  return *text && !text[strspn(text, "0123456789")] && strlen(text) < 10 &&
         strtol(text, NULL, 10) > 0;
}

static int check(const char *verb, const struct asked *a, const struct texts *rest,
                 struct listing *g) {
  int64_t now = journal_now();
  if (rest->count) return usage_error(verb, "unexpected '%s'", rest->items[0]);
  if (a->last && !is_number(a->last))
    return usage_error(verb, "--last wants a number, not '%s'", a->last);
  if (a->state && strcmp(a->state, interrupted) != 0 && run_state_find(a->state) == RUN_NONE)
    return refuse_state(verb, a->state);
  if (a->state && (a->waiting || a->open))
    return usage_error(verb, "--state, --waiting and --open exclude each other");
  if (a->waiting && a->open) return usage_error(verb, "--waiting is part of --open");
  if (a->drill && a->no_drill) return usage_error(verb, "--drill and --no-drill exclude each other");
  if (a->mine && a->actor) return usage_error(verb, "--mine and --actor exclude each other");
  if (a->since && !when_read(a->since, now, &g->filter.since_us))
    return usage_error(verb, "--since wants a time such as 2026-11-02, today or 2h, not '%s'",
                       a->since);
  if (a->until && !when_read(a->until, now, &g->filter.until_us))
    return usage_error(verb, "--until wants a time such as 2026-11-02, today or 2h, not '%s'",
                       a->until);
  return EXIT_SUCCEEDED;
}

static void ask(const struct asked *a, struct listing *g) {
  g->json = a->json;
  g->limit = limit_of(a);
  g->state = a->waiting ? run_state_name(RUN_WAITING) : a->state;
  g->filter.open = a->open;
  g->filter.runbook = a->runbook;
  g->filter.actor = a->actor;
  g->filter.drills = a->drill ? DRILLS_ONLY : a->no_drill ? DRILLS_NOT : DRILLS_TOO;
  enum run_state state = g->state ? run_state_find(g->state) : RUN_NONE;
  g->why = a->open || state == RUN_WAITING || state == RUN_HELD || state == RUN_IN_DOUBT ||
           state == RUN_FAILED;
}

static int list(struct listing *g, const struct asked *a) {
  struct error err = {0};
  bool filtered = a->state || a->waiting || a->open || a->runbook || a->since || a->until ||
                  a->actor || a->mine || a->drill || a->no_drill;
  int code = EXIT_SUCCEEDED;
  enum status status = journal_read_at(a->journal, &g->journal, &err);
  if (status == OK) {
    g->owners = owners_new(journal_base(g->journal));
    if (a->mine) g->filter.mine = journal_actor(g->journal);
    status = gather(g, &err);
  }
  if (status == OK) status = print(g, filtered, &err);
  if (status != OK) code = report_error(&err);
  error_release(&err);
  return code;
}

int cmd_runs(int argc, char **argv) {
  struct asked a = {0};
  struct listing g = {0};
  struct texts rest = {0};
  const struct option options[] = {
      {"--journal", OPTION_TEXT, &a.journal}, {"--state", OPTION_TEXT, &a.state},
      {"--runbook", OPTION_TEXT, &a.runbook}, {"--since", OPTION_TEXT, &a.since},
      {"--until", OPTION_TEXT, &a.until},     {"--last", OPTION_TEXT, &a.last},
      {"--actor", OPTION_TEXT, &a.actor},     {"--mine", OPTION_FLAG, &a.mine},
      {"--waiting", OPTION_FLAG, &a.waiting}, {"--open", OPTION_FLAG, &a.open},
      {"--json", OPTION_FLAG, &a.json},       {"--drill", OPTION_FLAG, &a.drill},
      {"--no-drill", OPTION_FLAG, &a.no_drill}, {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &rest);
  if (code == EXIT_SUCCEEDED) code = check(argv[0], &a, &rest, &g);
  texts_release(&rest);
  if (code != EXIT_SUCCEEDED) return code;
  ask(&a, &g);
  code = list(&g, &a);
  for (size_t i = 0; i < g.count; i++)
    listed_release(&g.rows[i]);
  mem_free(g.rows);
  owners_free(g.owners);
  journal_close(g.journal);
  return code;
}
