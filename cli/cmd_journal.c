/* stepwise journal tail|show|verify|export: reading the journal. Never writes to it. */
#include "command.h"

#include <errno.h>
#include <unistd.h>

#include "../runtime/digest.h"
#include "journal_at.h"
#include "journal_view.h"
#include "spares.h"

enum { POLL_MS = 200, TAIL_LINES = 20 };

struct request {
  const char *path; /* --journal, or NULL */
  const char *operand;
  int64_t lines;
  bool follow, json, deep;
  struct journal *j;
};

struct action {
  const char *name, *flags; /* flags: letters of the options it takes */
  bool operand_needed, operand_allowed;
  int (*run)(struct request *q);
  bool writes;
};

static int fail(struct error *err) {
  int code = report_error(err);
  if (err->status == ERR_CONFLICT)
    code = EXIT_INVALID; /* several runs begin so: a wrong argument */
  error_release(err);
  return code;
}

/* Printing may fail too: a full disk behind a redirection must not look like success. */
static int printed(int code) {
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

static int print_events(struct request *q, const struct event_filter *f, struct lines *l) {
  struct error err = {0};
  enum status status = journal_scan(q->j, f, print_event, l, &err);
  return status == OK || status == ERR_STOP ? printed(EXIT_SUCCEEDED) : fail(&err);
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

static int do_tail(struct request *q) {
  struct lines l = {.json = q->json, .with_run = true, .day = INT64_MIN};
  if (q->follow && *journal_note(q->j))
    fprintf(stderr, "stepwise: %s is %s; nothing new will come\n", journal_file(q->j),
            journal_note(q->j));
  (void)journal_changed(q->j); /* before the look, so that no change falls between them */
  struct error err = {0};
  struct event_filter end = {.last = 1};
  if (journal_scan(q->j, &end, remember, &l.last_seq, &err) != OK) return fail(&err);
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

static int show_run(struct request *q);

/* All digits: the event of that number or, when there is none, the run that begins so. */
static int show_event(struct request *q, int64_t seq) {
  char run[RUN_ID_MAX];
  struct error err = {0};
  struct wanted w = {.seq = seq, .json = q->json};
  struct event_filter f = {.after = seq - 1};
  enum status status = journal_scan(q->j, &f, print_wanted, &w, &err);
  if (status != OK && status != ERR_STOP) return fail(&err);
  if (w.found) return printed(EXIT_SUCCEEDED);
  if (journal_find_run(q->j, q->operand, run, &err) != ERR_NOT_FOUND) {
    error_release(&err);
    return show_run(q);
  }
  error_set(&err, ERR_NOT_FOUND, "no event %lld and no such run in %s", (long long)seq,
            journal_file(q->j));
  error_help(&err, "`stepwise journal tail` shows the last ones");
  return fail(&err);
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

static int show_run(struct request *q) {
  struct error err = {0};
  char run[RUN_ID_MAX];
  struct lines l = {.json = q->json, .day = INT64_MIN};
  if (journal_find_run(q->j, q->operand, run, &err) != OK) return fail(&err);
  struct run_filter f = {.run = run};
  if (!q->json && journal_runs(q->j, &f, print_run, NULL, &err) != OK) return fail(&err);
  int code = print_events(q, &(struct event_filter){.run = run}, &l);
  buf_release(&l.line);
  return code;
}

static int do_show(struct request *q) {
  int64_t seq;
  return is_number(q->operand, &seq) ? show_event(q, seq) : show_run(q);
}

/* export */

static int do_export(struct request *q) {
  struct error err = {0};
  char run[RUN_ID_MAX];
  struct event_filter f = {0};
  struct lines l = {.json = true};
  if (q->operand) {
    if (journal_find_run(q->j, q->operand, run, &err) != OK) return fail(&err);
    f.run = run;
  }
  int code = print_events(q, &f, &l);
  buf_release(&l.line);
  return code;
}

/* verify */

static void quote_lines(struct buf *out, const struct buf *lines) {
  const char *p = buf_str(lines), *newline;
  for (const char *comma = ""; (newline = strchr(p, '\n')); p = newline + 1, comma = ",") {
    buf_adds(out, comma);
    view_quote(out, p, (size_t)(newline - p));
  }
}

static void report_json(struct request *q, const struct journal_report *r) {
  struct buf b = BUF_INIT;
  const char *file = journal_file(q->j), *note = journal_note(q->j);
  buf_adds(&b, "{\"journal\":");
  view_quote(&b, file, strlen(file));
  buf_addf(&b, ",\"good\":%s,\"events\":%llu,\"runs\":%llu,\"texts\":%llu,\"head\":\"%s\"",
           r->problem.len ? "false" : "true", (unsigned long long)r->events,
           (unsigned long long)r->runs, (unsigned long long)r->texts, r->head);
  if (*r->bad_how)
    buf_addf(&b, ",\"bad_seq\":%lld,\"how\":\"%s\"", (long long)r->bad_seq, r->bad_how);
  buf_adds(&b, ",\"problems\":[");
  quote_lines(&b, &r->problem);
  buf_adds(&b, "],\"warnings\":[");
  quote_lines(&b, &r->warning);
  buf_adds(&b, "],\"note\":");
  view_quote(&b, note, strlen(note));
  buf_addc(&b, '}');
  puts(buf_str(&b));
  buf_release(&b);
}

static void print_lines(const char *before, const struct buf *lines) {
  struct buf b = BUF_INIT;
  const char *p = buf_str(lines), *newline;
  for (; (newline = strchr(p, '\n')); p = newline + 1) {
    buf_adds(&b, before);
    view_text(&b, p, (size_t)(newline - p), 0);
    buf_addc(&b, '\n');
  }
  fputs(buf_str(&b), stdout);
  buf_release(&b);
}

static void report_people(struct request *q, const struct journal_report *r) {
  printf("%s: %s\n", journal_file(q->j), r->problem.len ? "BAD" : "good");
  if (*r->bad_how) printf("  first bad event: %lld (%s)\n", (long long)r->bad_seq, r->bad_how);
  print_lines("  ", &r->problem);
  print_lines("  warning: ", &r->warning);
  printf("  %llu event%s, %llu run%s, %llu text%s%s\n", (unsigned long long)r->events,
         r->events == 1 ? "" : "s", (unsigned long long)r->runs, r->runs == 1 ? "" : "s",
         (unsigned long long)r->texts, r->texts == 1 ? "" : "s", *r->bad_how ? " up to there" : "");
  printf("  head %s\n", r->head);
  if (*journal_note(q->j)) printf("  note: %s\n", journal_note(q->j));
}

/* Who is looking deeply already is not sent to look deeply. */
static int fail_verify(struct request *q, struct error *err) {
  if (q->deep && err->help && strstr(err->help, "verify --deep"))
    error_help(err, "keep the file as it is; go on with a copy, or with a new journal");
  return fail(err);
}

static int do_verify(struct request *q) {
  struct error err = {0};
  struct journal_report r = {0};
  int code;
  if (journal_verify(q->j, q->deep, &r, &err) != OK) {
    code = fail_verify(q, &err);
  } else {
    (q->json ? report_json : report_people)(q, &r);
    code = printed(r.problem.len ? EXIT_FAILED : EXIT_SUCCEEDED);
  }
  journal_report_release(&r);
  return code;
}

static int do_merge(struct request *q) {
  return spares_take_in(q->j) ? EXIT_SUCCEEDED : EXIT_FAILED;
}

/* Arguments. */

static const struct action actions[] = {
    {"tail", "nfj", false, false, do_tail, false},
    {"show", "j", true, true, do_show, false},
    {"verify", "jd", false, false, do_verify, false},
    {"export", "", false, true, do_export, false},
    {"merge", "", false, false, do_merge, true},
};

static const struct action *find_action(const char *name) {
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (strcmp(actions[i].name, name) == 0) return &actions[i];
  return NULL;
}

/* The letter of an option, 'p' for --journal, 0 for none. `-n20` and `--journal=X` leave their
 * value in *value. */
static char option(const char *arg, const char **value) {
  static const struct {
    const char *name;
    char letter;
  } names[] = {{"-n", 'n'},     {"--lines", 'n'}, {"-f", 'f'},       {"--follow", 'f'},
               {"--json", 'j'}, {"--deep", 'd'},  {"--journal", 'p'}};
  *value = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    size_t len = strlen(names[i].name);
    if (strncmp(arg, names[i].name, len) != 0) continue;
    if (arg[len] == '\0') return names[i].letter;
    if (arg[len] == '=' && arg[1] == '-') *value = arg + len + 1;
    if (names[i].letter == 'n' && len == 2) *value = arg + len;
    if (*value) return names[i].letter;
  }
  return 0;
}

static int set_option(struct request *q, char letter, const char *arg, const char *value) {
  switch (letter) {
  case 'f':
    q->follow = true;
    break;
  case 'j':
    q->json = true;
    break;
  case 'd':
    q->deep = true;
    break;
  case 'p':
    q->path = value;
    break;
  case 'n':
    if (!is_number(value, &q->lines)) return usage_error("journal", "%s needs a number", arg);
  }
  return EXIT_SUCCEEDED;
}

static int read_option(struct request *q, const struct action *a, int argc, char **argv, int *i) {
  const char *arg = argv[*i], *value;
  char letter = option(arg, &value);
  bool takes_value = letter == 'n' || letter == 'p';
  if (!letter || (letter != 'p' && !strchr(a->flags, letter)))
    return usage_error("journal", "%s takes no option %s", a->name, arg);
  if (value && !takes_value) return usage_error("journal", "%s has an option too much", arg);
  if (takes_value && !value) {
    if (*i + 1 >= argc) return usage_error("journal", "%s needs a value", arg);
    value = argv[++*i];
  }
  return set_option(q, letter, arg, value);
}

static int read_arguments(struct request *q, const struct action *a, int argc, char **argv) {
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
  if (a->operand_needed && !q->operand)
    return usage_error(
        "journal", "%s needs a run's id (or its first characters, or last) or an event's number",
        a->name);
  return EXIT_SUCCEEDED;
}

/* Nothing here makes a journal: one that is missing is an error in JOURNAL_READ. */
static enum journal_mode journal_mode(const struct action *a, const char *path) {
  return a->writes && access(path, F_OK) == 0 ? JOURNAL_WRITE : JOURNAL_READ;
}

int cmd_journal(int argc, char **argv) {
  const struct action *a = argc > 1 ? find_action(argv[1]) : NULL;
  if (argc < 2) return usage_error("journal", "tail, show, verify, export or merge?");
  if (!a) return usage_error("journal", "cannot '%s'", argv[1]);
  struct request q = {.lines = TAIL_LINES};
  int code = read_arguments(&q, a, argc, argv);
  if (code != EXIT_SUCCEEDED) return code;
  struct error err = {0};
  struct buf path = BUF_INIT;
  enum status status = journal_path_at(q.path, &path, &err);
  if (status == OK) status = journal_open(&q.j, buf_str(&path), journal_mode(a, buf_str(&path)), &err);
  buf_release(&path);
  if (status != OK) return a->run == do_verify ? fail_verify(&q, &err) : fail(&err);
  code = a->run(&q);
  journal_close(q.j);
  return code;
}
