/* The operator's verbs: opening, telling, ending. */
#include "verb.h"

#include <unistd.h>

#include "../runtime/utf8.h"
#include "command.h"
#include "journal_at.h"
#include "journal_view.h"
#include "text.h"

int verb_text(const struct verb *v, const char *what, const char *text) {
  if (!text[strspn(text, " \t\r\n")])
    return usage_error(v->name, "%s is empty: the journal records it", what);
  if (!utf8_valid(text, strlen(text))) return usage_error(v->name, "%s is not text in UTF-8", what);
  return EXIT_SUCCEEDED;
}

int verb_usage(struct verb *v, int argc, char **argv, const struct option *options, size_t least,
               size_t most, const char *wants, bool reason) {
  v->name = argv[0];
  int code = options_read(argc, argv, options, &v->rest);
  if (code == EXIT_SUCCEEDED && v->rest.count < least)
    code = usage_error(v->name, "it wants %s", wants);
  if (code == EXIT_SUCCEEDED && v->rest.count > most)
    code = usage_error(v->name, "unexpected '%s'", v->rest.items[most]);
  if (code == EXIT_SUCCEEDED && reason && !v->reason)
    code = usage_error(v->name, "it needs --reason TEXT: the journal records why");
  if (code == EXIT_SUCCEEDED && v->reason) code = verb_text(v, "the reason", v->reason);
  if (code != EXIT_SUCCEEDED) texts_release(&v->rest);
  return code;
}

/* A journal that is not there is not made: there is no run in it. */
static enum status open_for_writing(struct verb *v, struct error *err) {
  struct buf path = BUF_INIT;
  enum status status = journal_path_at(v->journal_given, &path, err);
  bool there = status == OK && access(buf_str(&path), F_OK) == 0;
  if (status == OK)
    status =
        journal_open(&v->op.journal, buf_str(&path), there ? JOURNAL_WRITE : JOURNAL_READ, err);
  buf_release(&path);
  return status;
}

static enum status last_event(void *ud, const struct event *e) {
  struct verb *v = ud;
  v->before = e->seq;
  return OK;
}

int verb_open(struct verb *v) {
  struct error err = {0};
  const struct event_filter last = {.last = 1};
  enum status status = open_for_writing(v, &err);
  if (status == OK) status = run_find_at(v->op.journal, v->rest.items[0], v->run, &err);
  if (status == OK) status = journal_scan(v->op.journal, &last, last_event, v, &err);
  if (status != OK) return verb_end(v, status, &err);
  if (v->journal_given) {
    buf_adds(&v->tail, " --journal ");
    buf_add_word(&v->tail, v->journal_given);
  }
  v->op.owners = owners_new(journal_base(v->op.journal));
  v->op.run = v->run;
  v->op.reason = v->reason;
  v->op.tail = buf_str(&v->tail);
  return EXIT_SUCCEEDED;
}

static enum status print_event(void *ud, const struct event *e) {
  struct buf b = BUF_INIT;
  (void)ud;
  view_export(&b, e);
  fputs(buf_str(&b), stdout);
  buf_release(&b);
  return OK;
}

/* Which end the process gave the run, when it is not the one that was asked for. */
static int stop_code(enum run_state state) {
  return state == RUN_IN_DOUBT              ? EXIT_IN_DOUBT
         : state == RUN_ROLLBACK_INCOMPLETE ? EXIT_ROLLBACK_INCOMPLETE
                                            : EXIT_FAILED;
}

int verb_end(struct verb *v, enum status status, struct error *err) {
  struct operation *op = &v->op;
  int code = EXIT_SUCCEEDED;
  if (status == OK && v->json) {
    const struct event_filter since = {.run = v->run, .after = v->before};
    status = journal_scan(op->journal, &since, print_event, NULL, err);
  }
  if (op->said.len) {
    FILE *out = v->json ? stderr : stdout;
    text_print(out, buf_str(&op->said), 0);
    putc('\n', out);
  }
  if (status == ERR_STOP) code = stop_code(op->standing.state);
  else if (status != OK) code = report_error(err);
  if (status == ERR_FAILED && strcmp(err->kind, "in_doubt") == 0) code = EXIT_IN_DOUBT;
  error_release(err);
  operation_release(op);
  owners_free(op->owners);
  journal_close(op->journal);
  buf_release(&v->tail);
  texts_release(&v->rest);
  return code;
}

int verb_do(struct verb *v, enum status (*fn)(struct operation *op, struct error *err)) {
  struct error err = {0};
  int code = verb_open(v);
  return code == EXIT_SUCCEEDED ? verb_end(v, fn(&v->op, &err), &err) : code;
}
