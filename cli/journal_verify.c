/* stepwise journal verify: what was found, for people and programs. */
#include "../runtime/journal_checkpoint.h"
#include "../runtime/journal_approval.h"
#include "journal_request.h"
#include "journal_view.h"

static const char *finding_text(const struct checkpoint *c) {
  static const char *const words[] = {
      [CHECKPOINT_UNREACHED] = "not compared", [CHECKPOINT_AGREES] = "agrees",
      [CHECKPOINT_DIFFERS] = "disagrees",      [CHECKPOINT_BEYOND] = "disagrees",
      [CHECKPOINT_FOREIGN] = "foreign",        [CHECKPOINT_FORGED] = "not trusted",
  };
  return words[c->finding];
}

static const char *trust_text(const struct checkpoint *c) {
  static const char *const words[] = {[TRUST_UNSIGNED] = "unsigned",
                                      [TRUST_UNCHECKED] = "signed, not checked",
                                      [TRUST_GOOD] = "signed",
                                      [TRUST_BAD] = "bad signature"};
  return words[c->trust];
}

/* JSON */

static void quote_lines(struct buf *out, const struct buf *lines) {
  const char *p = buf_str(lines), *newline;
  for (const char *comma = ""; (newline = strchr(p, '\n')); p = newline + 1, comma = ",") {
    buf_adds(out, comma);
    view_quote(out, p, (size_t)(newline - p));
  }
}

static void quote_field(struct buf *b, const char *name, const char *text) {
  buf_addf(b, "\"%s\":", name);
  view_quote(b, text, strlen(text));
}

static void quote_checkpoints(struct buf *b, const struct checkpoints *list) {
  for (const struct checkpoint *c = list->items; c < list->items + list->count; c++) {
    buf_addf(b, "%s{", c == list->items ? "" : ",");
    quote_field(b, "file", c->file);
    buf_addf(b, ",\"line\":%d,\"size\":%lld,\"head\":\"%s\",\"time_us\":%lld,", c->line,
             (long long)c->size, c->head, (long long)c->time_us);
    quote_field(b, "found", finding_text(c));
    buf_addc(b, ',');
    quote_field(b, "signature", trust_text(c));
    if (c->signer) buf_addc(b, ','), quote_field(b, "signer", c->signer);
    buf_addc(b, '}');
  }
}

static void report_json(struct journal_request *q, const struct journal_report *r,
                        const struct checkpoints *list) {
  struct buf b = BUF_INIT;
  buf_addc(&b, '{');
  quote_field(&b, "journal", journal_file(q->j));
  buf_addf(&b,
           ",\"good\":%s,\"events\":%llu,\"runs\":%llu,\"texts\":%llu,\"approvals\":%llu,\"head\":"
           "\"%s\"",
           r->problem.len ? "false" : "true", (unsigned long long)r->events,
           (unsigned long long)r->runs, (unsigned long long)r->texts,
           (unsigned long long)r->approvals, r->head);
  if (*r->bad_how)
    buf_addf(&b, ",\"bad_seq\":%lld,\"how\":\"%s\"", (long long)r->bad_seq, r->bad_how);
  buf_adds(&b, ",\"problems\":[");
  quote_lines(&b, &r->problem);
  buf_adds(&b, "],\"warnings\":[");
  quote_lines(&b, &r->warning);
  buf_adds(&b, "],\"checkpoints\":[");
  quote_checkpoints(&b, list);
  buf_adds(&b, "],");
  quote_field(&b, "note", journal_note(q->j));
  buf_addc(&b, '}');
  puts(buf_str(&b));
  buf_release(&b);
}

/* People */

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

/* Of each file its last one; those that disagree are among the problems. */
static void print_checkpoints(const struct checkpoints *list, const char *file) {
  size_t count = 0, agree = 0;
  const struct checkpoint *last = NULL;
  for (const struct checkpoint *c = list->items; c < list->items + list->count; c++) {
    if (strcmp(c->file, file) != 0) continue;
    count++;
    agree += c->finding == CHECKPOINT_AGREES;
    last = c;
  }
  if (!last) return;
  struct buf b = BUF_INIT;
  buf_adds(&b, "  checkpoints in ");
  view_text(&b, file, strlen(file), 0);
  buf_addf(&b, ": %zu of %zu agree; the last, of %lld events, ", agree, count,
           (long long)last->size);
  view_time(&b, last->time_us, false);
  buf_addf(&b, " UTC, %s: %s", finding_text(last), trust_text(last));
  if (last->signer) buf_adds(&b, " by "), view_text(&b, last->signer, strlen(last->signer), 0);
  puts(buf_str(&b));
  buf_release(&b);
}

static void report_people(struct journal_request *q, const struct journal_report *r,
                          const struct checkpoints *list) {
  printf("%s: %s\n", journal_file(q->j), r->problem.len ? "BAD" : "good");
  if (*r->bad_how) printf("  first bad event: %lld (%s)\n", (long long)r->bad_seq, r->bad_how);
  print_lines("  ", &r->problem);
  print_lines("  warning: ", &r->warning);
  printf("  %llu event%s, %llu run%s, %llu text%s%s\n", (unsigned long long)r->events,
         r->events == 1 ? "" : "s", (unsigned long long)r->runs, r->runs == 1 ? "" : "s",
         (unsigned long long)r->texts, r->texts == 1 ? "" : "s",
         *r->bad_how && r->events < (uint64_t)r->bad_seq ? " up to there" : "");
  if (r->approvals)
    printf("  %llu signed approval%s hold%s\n", (unsigned long long)r->approvals,
           r->approvals == 1 ? "" : "s", r->approvals == 1 ? "s" : "");
  printf("  head %s\n", r->head);
  for (size_t i = 0; i < q->checkpoints.count; i++)
    print_checkpoints(list, q->checkpoints.items[i]);
  if (*journal_note(q->j)) printf("  note: %s\n", journal_note(q->j));
}

/* Who is looking deeply already is not sent to look deeply. */
int journal_fails_verify(struct journal_request *q, struct error *err) {
  if (q->deep && err->help && strstr(err->help, "verify --deep"))
    error_help(err, "keep the file as it is; go on with a copy, or with a new journal");
  return journal_fails(err);
}

static enum status read_checkpoints(struct journal_request *q, struct checkpoints *list,
                                    struct error *err) {
  enum status status = OK;
  for (size_t i = 0; i < q->checkpoints.count && status == OK; i++)
    status = checkpoints_read(q->checkpoints.items[i], list, err);
  return status;
}

int journal_do_verify(struct journal_request *q) {
  struct error err = {0};
  struct journal_report r = {0};
  struct checkpoints list = {0};
  struct checkpoint_keys keys = {0};
  enum status status = read_checkpoints(q, &list, &err);
  if (status == OK) status = checkpoint_keys_read(q->signers, q->key, &keys, &err);
  if (status == OK) status = journal_verify_against(q->j, q->deep, &list, &keys, &r, &err);
  if (status == OK)
    status = journal_verify_approvals(q->j, q->signers ? keys.allowed : NULL, &r, &err);
  int code = EXIT_SUCCEEDED;
  if (status != OK) code = journal_fails_verify(q, &err);
  else (q->json ? report_json : report_people)(q, &r, &list);
  if (status == OK) code = journal_printed(r.problem.len ? EXIT_FAILED : EXIT_SUCCEEDED);
  journal_report_release(&r);
  checkpoints_release(&list);
  checkpoint_keys_release(&keys);
  return code;
}
