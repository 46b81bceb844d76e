/* stepwise runs: the runs of a journal, one line each. */
#include "command.h"

#include <unistd.h>

#include "../runtime/clock.h"
#include "../runtime/codec.h"
#include "../runtime/journal.h"
#include "journal_at.h"
#include "options.h"
#include "table.h"
#include "ui.h"

struct listing {
  struct table table;
  bool json;
  size_t count;
};

static void time_text(int64_t us, char out[32]) {
  time_t t = (time_t)(us / US_SECOND);
  struct tm tm;
  gmtime_r(&t, &tm);
  strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
}

static void row_json(const struct run_row *r) {
  struct buf b = BUF_INIT;
  const struct {
    const char *name, *text;
  } fields[] = {{"run", r->run}, {"runbook", r->runbook}, {"state", r->state}, {"actor", r->actor}};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    buf_addf(&b, "%s\"%s\":", i ? "," : "{", fields[i].name);
    json_text(&b, fields[i].text, strlen(fields[i].text));
  }
  buf_addf(&b, ",\"started_us\":%lld,\"changed_us\":%lld}", (long long)r->started_us,
           (long long)r->changed_us);
  puts(buf_str(&b));
  buf_release(&b);
}

static enum status row(void *ud, const struct run_row *r) {
  struct listing *l = ud;
  char started[32], took[32];
  l->count++;
  if (l->json) {
    row_json(r);
    return OK;
  }
  time_text(r->started_us, started);
  took_text(r->changed_us - r->started_us, took);
  const char *cells[] = {r->run, r->state, started, took, r->runbook, r->actor};
  for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
    table_cell(&l->table, cells[i]);
  return OK;
}

static void list(struct listing *l, const char *path) {
  struct buf b = BUF_INIT;
  if (l->json) return;
  if (!l->count) printf("no runs in %s\n", path);
  else table_write(&l->table, 0, terminal_width(STDOUT_FILENO), &b);
  fputs(buf_str(&b), stdout);
  buf_release(&b);
}

int cmd_runs(int argc, char **argv) {
  const char *path = NULL, *state = NULL, *last = NULL;
  struct listing l = {.table = {.columns = 6, .whole = 4}};
  struct texts rest = {0};
  const struct option options[] = {{"--journal", OPTION_TEXT, &path},
                                   {"--state", OPTION_TEXT, &state},
                                   {"--last", OPTION_TEXT, &last},
                                   {"--json", OPTION_FLAG, &l.json},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &rest);
  char *end = NULL;
  struct run_filter filter = {.state = state, .last = last ? strtol(last, &end, 10) : 20};
  if (code == EXIT_SUCCEEDED && rest.count)
    code = usage_error(argv[0], "unexpected '%s'", rest.items[0]);
  if (code == EXIT_SUCCEEDED && last && (*end || filter.last < 1))
    code = usage_error(argv[0], "--last wants a number, not '%s'", last);
  if (code == EXIT_SUCCEEDED && state && run_state_find(state) == RUN_NONE)
    code = usage_error(argv[0], "no state '%s'", state);
  texts_release(&rest);
  if (code != EXIT_SUCCEEDED) return code;
  static const char *const header[] = {"RUN", "STATE", "STARTED (UTC)", "TOOK", "RUNBOOK", "BY"};
  for (size_t i = 0; i < sizeof header / sizeof *header; i++)
    table_cell(&l.table, header[i]);
  struct error err = {0};
  struct journal *j = NULL;
  enum status status = journal_read_at(path, &j, &err);
  if (status == OK) status = journal_runs(j, &filter, row, &l, &err);
  if (status == OK) list(&l, journal_file(j));
  else code = report_error(&err);
  journal_close(j);
  table_release(&l.table);
  error_release(&err);
  return code;
}
