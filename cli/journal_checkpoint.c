/* stepwise journal checkpoint: writes down what the chain is now, where it is kept safe. */
#include <unistd.h>

#include "../runtime/journal_checkpoint.h"
#include "journal_request.h"
#include "journal_view.h"

static enum status sign(struct journal_request *q, struct checkpoint *c,
                        char fingerprint[SSH_FINGERPRINT], struct error *err) {
  struct ssh_key key = {q->key, isatty(STDIN_FILENO) && isatty(STDERR_FILENO)};
  return q->key ? checkpoint_sign(NULL, c, &key, fingerprint, err) : OK;
}

/* Wherever it can be written it is written, and the journal says where that was. */
static int put(struct journal_request *q, const struct checkpoint *c, const char *fingerprint) {
  struct error err = {0};
  struct texts done = {0};
  int code = EXIT_SUCCEEDED;
  for (size_t i = 0; i < q->to.count; i++) {
    if (checkpoint_put(NULL, q->j, c, q->to.items[i], &err) == OK) {
      texts_add(&done, q->to.items[i]);
      continue;
    }
    code = err.status == ERR_VALUE ? EXIT_INVALID : EXIT_FAILED;
    report_error(&err);
    error_release(&err);
    err = (struct error){0};
  }
  if (!q->to.count) {
    struct buf note = BUF_INIT;
    checkpoint_note(c, &note);
    fputs(buf_str(&note), stdout);
    buf_release(&note);
    code = journal_printed(EXIT_SUCCEEDED);
    if (code == EXIT_SUCCEEDED) texts_add(&done, "standard output");
  }
  if (done.count && checkpoint_record(q->j, c, fingerprint, done.items, done.count, &err) != OK)
    code = journal_fails(&err);
  texts_release(&done);
  return code;
}

static void report(struct journal_request *q, const struct checkpoint *c, const char *fingerprint) {
  FILE *out = q->to.count ? stdout : stderr;
  struct buf b = BUF_INIT;
  if (q->json && q->to.count) {
    buf_addf(&b, "{\"origin\":\"%s\",\"size\":%lld,\"head\":\"%s\",\"time_us\":%lld,\"signed\":%s",
             c->origin, (long long)c->size, c->head, (long long)c->time_us,
             c->signature ? "true" : "false");
    if (c->signature) buf_addf(&b, ",\"key\":\"%s\"", fingerprint);
    buf_addc(&b, '}');
  } else {
    buf_addf(&b, "checkpoint of %lld events, head %s, %s", (long long)c->size, c->head,
             c->signature ? "signed by " : "not signed");
    buf_adds(&b, c->signature ? fingerprint : "");
  }
  fprintf(out, "%s\n", buf_str(&b));
  if (!c->signature)
    fputs(
        "stepwise: the checkpoint is not signed: whoever can write where it is kept can change it "
        "too\nhelp: sign with --key FILE, an SSH key\n",
        stderr);
  buf_release(&b);
}

int journal_do_checkpoint(struct journal_request *q) {
  char fingerprint[SSH_FINGERPRINT] = "";
  struct error err = {0};
  struct checkpoint c = {0};
  enum status status = checkpoint_take(q->j, &c, &err);
  if (status == OK) status = sign(q, &c, fingerprint, &err);
  int code = status == OK ? put(q, &c, fingerprint) : journal_fails(&err);
  if (code == EXIT_SUCCEEDED) report(q, &c, fingerprint);
  checkpoint_release(&c);
  return code == EXIT_SUCCEEDED ? journal_printed(code) : code;
}
