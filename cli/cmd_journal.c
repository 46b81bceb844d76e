/* stepwise journal: reading it, its checkpoints, and whether it is what was written. Each of its
 * verbs is a line in `actions`. */
#include <errno.h>
#include <unistd.h>

#include "../runtime/digest.h"
#include "journal_at.h"
#include "journal_request.h"
#include "journal_view.h"
#include "spares.h"

enum { POLL_MS = 200, TAIL_LINES = 20 };

struct action {
  const char *name, *flags; /* flags: letters of the options it takes */
  const char *operand;      /* what it needs, for people; NULL: it needs none */
  bool operand_allowed;
  enum journal_mode mode;
  int (*run)(struct journal_request *q);
};

int journal_fails(struct error *err) {
  int code = report_error(err);
  error_release(err);
  return code;
}

/* Printing may fail too: a full disk behind a redirection must not look like success. */
int journal_printed(int code) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  fprintf(stderr, "stepwise: cannot write the output: %s\n", strerror(errno));
  return EXIT_FAILED;
}

/* Events in lines. */

struct lines {
  bool json, with_run; /* with_run: events of several runs */
  int64_t last_seq, day;
  struct buf line;
};

/* "   12 05:14:03.123 step.started       validate: Validate structure", 80 columns at most. */
static void event_line(struct lines *l, const struct event *e) {
  struct buf *b = &l->line;
  struct buf when = BUF_INIT;
  view_time(&when, e->time_us, true);
  int64_t day = e->time_us / 86400000000;
  if (day != l->day) buf_addf(b, "%.10s UTC\n", buf_str(&when));
  l->day = day;
  size_t begin = b->len;
  buf_addf(b, "%7lld %.12s ", (long long)e->seq, when.len > 11 ? when.data + 11 : buf_str(&when));
  size_t kind = view_text(b, e->kind, strlen(e->kind), 0);
  buf_addn(b, kind < 18 ? 18 - kind : 0, ' ');
  if (l->with_run && *e->run) {
    buf_addc(b, ' ');
    view_text(b, e->run, strlen(e->run), 24);
  }
  if (*e->step) {
    buf_addc(b, ' ');
    view_text(b, e->step, strlen(e->step), 24);
  }
  size_t used = b->len - begin + 1;
  buf_addc(b, ' ');
  size_t before = b->len;
  view_summary(b, e, used < 70 ? 80 - used : 10);
  if (b->len == before) buf_truncate(b, b->len - 1);
  buf_addc(b, '\n');
  buf_release(&when);
}

static enum status print_event(void *ud, const struct event *e) {
  struct lines *l = ud;
  buf_clear(&l->line);
  if (l->json) view_export(&l->line, e);
  else event_line(l, e);
  l->last_seq = e->seq;
  fwrite(buf_str(&l->line), 1, l->line.len, stdout);
  return ferror(stdout) ? ERR_STOP : OK;
}

static int print_events(struct journal_request *q, const struct event_filter *f, struct lines *l) {
  struct error err = {0};
  enum status status = journal_scan(q->j, f, print_event, l, &err);
  return status == OK || status == ERR_STOP ? journal_printed(EXIT_SUCCEEDED) : journal_fails(&err);
}

/* tail */

static void nap(void) {
  struct timespec t = {.tv_nsec = POLL_MS * 1000000L};
  nanosleep(&t, NULL);
}

/* Only where the journal ends now. */
static enum status remember(void *ud, const struct event *e) {
  *(int64_t *)ud = e->seq;
  return OK;
}

static int do_tail(struct journal_request *q) {
  struct lines l = {.json = q->json, .with_run = true, .day = INT64_MIN};
  if (q->follow && *journal_note(q->j))
    fprintf(stderr, "stepwise: %s is %s; nothing new will come\n", journal_file(q->j),
            journal_note(q->j));
  (void)journal_changed(q->j); /* before the look, so that no change falls between them */
  struct error err = {0};
  struct event_filter end = {.last = 1};
  if (journal_scan(q->j, &end, remember, &l.last_seq, &err) != OK) return journal_fails(&err);
  int code = EXIT_SUCCEEDED;
  if (q->lines > 0) code = print_events(q, &(struct event_filter){.last = q->lines}, &l);
  while (q->follow && code == EXIT_SUCCEEDED) {
    nap();
    if (journal_changed(q->j))
      code = print_events(q, &(struct event_filter){.after = l.last_seq}, &l);
  }
  buf_release(&l.line);
  return code;
}

/* show */

static void field(const char *name, const char *value) {
  struct buf b = BUF_INIT;
  if (!*value) return;
  buf_addf(&b, "  %-6s ", name);
  view_text(&b, value, strlen(value), 0);
  puts(buf_str(&b));
  buf_release(&b);
}

static void hash_field(const char *name, const uint8_t *digest) {
  printf("  %-6s ", name);
  for (int i = 0; i < 32; i++)
    printf("%02x", digest[i]);
  putchar('\n');
}

struct wanted {
  int64_t seq;
  bool json, found;
};

static void print_whole(const struct event *e) {
  struct buf b = BUF_INIT;
  printf("event %lld\n", (long long)e->seq);
  view_time(&b, e->time_us, true);
  buf_adds(&b, " UTC");
  field("time", buf_str(&b));
  field("run", e->run);
  field("step", e->step);
  field("kind", e->kind);
  field("actor", e->actor);
  hash_field("prev", e->prev);
  hash_field("hash", e->hash);
  buf_clear(&b);
  view_json(&b, e->data, e->data_len, 2);
  fwrite(buf_str(&b), 1, b.len, stdout);
  buf_release(&b);
}

static enum status print_wanted(void *ud, const struct event *e) {
  struct wanted *w = ud;
  struct lines l = {.json = true};
  w->found = e->seq == w->seq;
  if (w->found && w->json) (void)print_event(&l, e);
  else if (w->found) print_whole(e);
  buf_release(&l.line);
  return ERR_STOP; /* the first event from there on is it, or there is none */
}

static bool is_number(const char *s, int64_t *out) {
  char *end;
  if (*s < '0' || *s > '9') return false;
  errno = 0;
  *out = strtoll(s, &end, 10);
  return *end == '\0' && errno == 0;
}

static int show_run(struct journal_request *q);

/* All digits: the event of that number or, when there is none, the run that begins so. */
static int show_event(struct journal_request *q, int64_t seq) {
  char run[RUN_ID_MAX];
  struct error err = {0};
  struct wanted w = {.seq = seq, .json = q->json};
  struct event_filter f = {.after = seq - 1};
  enum status status = journal_scan(q->j, &f, print_wanted, &w, &err);
  if (status != OK && status != ERR_STOP) return journal_fails(&err);
  if (w.found) return journal_printed(EXIT_SUCCEEDED);
  if (journal_find_run(q->j, q->operand, run, &err) != ERR_NOT_FOUND) {
    error_release(&err);
    return show_run(q);
  }
  error_set(&err, ERR_NOT_FOUND, "no event %lld and no such run in %s", (long long)seq,
            journal_file(q->j));
  error_help(&err, "`stepwise journal tail --journal %s` shows the last ones", journal_file(q->j));
  return journal_fails(&err);
}

static enum status print_run(void *ud, const struct run_row *r) {
  struct buf b = BUF_INIT;
  (void)ud;
  buf_adds(&b, "run ");
  view_text(&b, r->run, strlen(r->run), 0);
  buf_adds(&b, "  ");
  view_text(&b, r->runbook, strlen(r->runbook), 0);
  buf_adds(&b, "\nstarted ");
  view_time(&b, r->started_us, false);
  buf_adds(&b, " UTC by ");
  view_text(&b, r->actor, strlen(r->actor), 0);
  buf_addf(&b, "\n%s since ", r->state);
  view_time(&b, r->changed_us, false);
  buf_addf(&b, " UTC, event %lld", (long long)r->last_seq);
  puts(buf_str(&b));
  buf_release(&b);
  return OK;
}

static int show_run(struct journal_request *q) {
  struct error err = {0};
  char run[RUN_ID_MAX];
  struct lines l = {.json = q->json, .day = INT64_MIN};
  if (journal_find_run(q->j, q->operand, run, &err) != OK) return journal_fails(&err);
  struct run_filter f = {.run = run};
  if (!q->json && journal_runs(q->j, &f, print_run, NULL, &err) != OK) return journal_fails(&err);
  int code = print_events(q, &(struct event_filter){.run = run}, &l);
  buf_release(&l.line);
  return code;
}

static int do_show(struct journal_request *q) {
  int64_t seq;
  return is_number(q->operand, &seq) ? show_event(q, seq) : show_run(q);
}

/* export */

static int do_export(struct journal_request *q) {
  struct error err = {0};
  char run[RUN_ID_MAX];
  struct event_filter f = {0};
  struct lines l = {.json = true};
  if (q->operand) {
    if (journal_find_run(q->j, q->operand, run, &err) != OK) return journal_fails(&err);
    f.run = run;
  }
  int code = print_events(q, &f, &l);
  buf_release(&l.line);
  return code;
}

static int do_merge(struct journal_request *q) {
  return spares_take_in(q->j) ? EXIT_SUCCEEDED : EXIT_FAILED;
}

/* Arguments. */

#define EVENT_OR_RUN "a run's id (or its first characters, or last) or an event's number"
static const struct action actions[] = {
    {"tail", "nfj", NULL, false, JOURNAL_READ, do_tail},
    {"show", "j", EVENT_OR_RUN, true, JOURNAL_READ, do_show},
    {"verify", "jdcak", NULL, false, JOURNAL_READ, journal_do_verify},
    {"export", "", NULL, true, JOURNAL_READ, do_export},
    {"checkpoint", "jkts", NULL, false, JOURNAL_WRITE, journal_do_checkpoint},
    {"credential", "jF", NULL, true, JOURNAL_READ, journal_do_credential},
    {"merge", "", NULL, false, JOURNAL_WRITE, do_merge},
    {"query", "j", "a SELECT, in quotes", true, JOURNAL_READ, journal_do_query},
};

static const struct action *find_action(const char *name) {
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (strcmp(actions[i].name, name) == 0) return &actions[i];
  return NULL;
}

enum kind { FLAG, NUMBER, TEXT, LIST };
static const struct journal_option {
  const char *name;
  char letter; /* of struct action's flags; 'p' may always be given */
  enum kind kind;
  size_t at; /* in the request */
} journal_options[] = {
    {"-n", 'n', NUMBER, offsetof(struct journal_request, lines)},
    {"--lines", 'n', NUMBER, offsetof(struct journal_request, lines)},
    {"-f", 'f', FLAG, offsetof(struct journal_request, follow)},
    {"--follow", 'f', FLAG, offsetof(struct journal_request, follow)},
    {"--json", 'j', FLAG, offsetof(struct journal_request, json)},
    {"--deep", 'd', FLAG, offsetof(struct journal_request, deep)},
    {"--checkpoint", 'c', LIST, offsetof(struct journal_request, checkpoints)},
    {"--allowed-signers", 'a', TEXT, offsetof(struct journal_request, signers)},
    {"--key", 'k', TEXT, offsetof(struct journal_request, key)},
    {"--to", 't', LIST, offsetof(struct journal_request, to)},
    {"--file", 'F', TEXT, offsetof(struct journal_request, file)},
    {"--site", 's', TEXT, offsetof(struct journal_request, site)},
    {"--journal", 'p', TEXT, offsetof(struct journal_request, path)},
};

/* `-n20` and `--journal=X` leave their value in *value. */
static const struct journal_option *find_option(const char *arg, const char **value) {
  *value = NULL;
  for (size_t i = 0; i < sizeof journal_options / sizeof *journal_options; i++) {
    const struct journal_option *o = &journal_options[i];
    size_t len = strlen(o->name);
    if (strncmp(arg, o->name, len) != 0) continue;
    if (arg[len] == '\0') return o;
    if (arg[len] == '=' && arg[1] == '-') *value = arg + len + 1;
    if (o->kind == NUMBER && len == 2) *value = arg + len;
    if (*value) return o;
  }
  return NULL;
}

static int set_option(struct journal_request *q, const struct journal_option *o, const char *text) {
  void *to = (char *)q + o->at;
  if (o->kind == FLAG) *(bool *)to = true;
  else if (o->kind == TEXT) *(const char **)to = text;
  else if (o->kind == LIST) texts_add(to, text);
  else if (!is_number(text, to)) return usage_error("journal", "%s needs a number", o->name);
  return EXIT_SUCCEEDED;
}

static int read_option(struct journal_request *q, const struct action *a, int argc, char **argv,
                       int *i) {
  const char *arg = argv[*i], *text;
  const struct journal_option *o = find_option(arg, &text);
  if (!o || (o->letter != 'p' && !strchr(a->flags, o->letter)))
    return usage_error("journal", "%s takes no option %s", a->name, arg);
  if (text && o->kind == FLAG) return usage_error("journal", "%s has an option too much", arg);
  if (!text && o->kind != FLAG) {
    if (*i + 1 >= argc) return usage_error("journal", "%s needs a value", arg);
    text = argv[++*i];
  }
  return set_option(q, o, text);
}

static int read_arguments(struct journal_request *q, const struct action *a, int argc,
                          char **argv) {
  for (int i = 2; i < argc; i++) {
    if (argv[i][0] == '-' && argv[i][1]) {
      int code = read_option(q, a, argc, argv, &i);
      if (code != EXIT_SUCCEEDED) return code;
    } else if (!a->operand_allowed || q->operand) {
      return usage_error("journal", "unexpected '%s'", argv[i]);
    } else {
      q->operand = argv[i];
    }
  }
  if (a->operand && !q->operand) return usage_error("journal", "%s needs %s", a->name, a->operand);
  return EXIT_SUCCEEDED;
}

/* No verb here makes a journal: one that is not there is a mistake, even for those that write. */
static enum status open_journal(struct journal_request *q, enum journal_mode mode,
                                struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = journal_path_at(q->path, &path, err);
  if (status == OK && mode == JOURNAL_WRITE && access(buf_str(&path), F_OK) != 0)
    mode = JOURNAL_READ;
  if (status == OK) status = journal_open(&q->j, buf_str(&path), mode, err);
  buf_release(&path);
  return status;
}

static int carry_out(struct journal_request *q, const struct action *a) {
  struct error err = {0};
  if (open_journal(q, a->mode, &err) == OK) {
    int code = a->run(q);
    journal_close(q->j);
    return code;
  }
  return a->run == journal_do_verify ? journal_fails_verify(q, &err) : journal_fails(&err);
}

int cmd_journal(int argc, char **argv) {
  const struct action *a = argc > 1 ? find_action(argv[1]) : NULL;
  if (argc < 2)
    return usage_error("journal", "tail, show, verify, export, checkpoint, query, credential or merge?");
  if (!a) return usage_error("journal", "cannot '%s'", argv[1]);
  struct journal_request q = {.lines = TAIL_LINES};
  int code = read_arguments(&q, a, argc, argv);
  if (code == EXIT_SUCCEEDED) code = carry_out(&q, a);
  texts_release(&q.checkpoints);
  texts_release(&q.to);
  return code;
}
