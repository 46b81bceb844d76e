/* Writing the text of an approval, and checking a signature over it. */
#include "approval_text.h"

#include <time.h>

#include "clock.h"
#include "peek.h"
#include "ssh.h"

/* One line: no value can make another one, or end the text. */
static void line(struct buf *out, const char *name, const char *value) {
  buf_addf(out, "%s: ", name);
  for (const char *s = value; *s; s++) {
    if (*s == '\\') buf_adds(out, "\\\\");
    else if (*s == '\n') buf_adds(out, "\\n");
    else if (*s == '\r') buf_adds(out, "\\r");
    else buf_addc(out, *s);
  }
  buf_addc(out, '\n');
}

static void line_of(struct buf *out, const char *name, const char *json, size_t len,
                    const char *key) {
  struct buf value = BUF_INIT;
  if (peek_text(json, len, key, &value)) line(out, name, buf_str(&value));
  buf_release(&value);
}

static void time_line(struct buf *out, const char *name, int64_t us) {
  time_t t = (time_t)(us / US_SECOND);
  struct tm tm;
  char text[40];
  gmtime_r(&t, &tm);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
  buf_addf(out, "%s: %s.%06dZ\n", name, text, (int)(us % US_SECOND));
}

void approval_text(const struct approval_words *w, struct buf *out) {
  const char *asked = w->requested, *said = w->answer;
  bool glass = !w->denied && peek_true(said, w->answer_len, "break_glass");
  buf_adds(out, "stepwise approval 1\n");
  line(out, "verdict", w->denied ? "deny" : glass ? "break-glass" : "approve");
  line_of(out, "approver", said, w->answer_len, "approver");
  line(out, "run", w->run);
  line(out, "step", w->step);
  line_of(out, "plan", asked, w->requested_len, "plan");
  line_of(out, "role", asked, w->requested_len, "role");
  line_of(out, "quorum", asked, w->requested_len, "quorum");
  line_of(out, "nonce", asked, w->requested_len, "nonce");
  time_line(out, "answer-by", peek_int(asked, w->requested_len, "expires_us", 0));
  if (!w->denied) time_line(out, "use-by", peek_int(said, w->answer_len, "use_by_us", 0));
  line_of(out, "about", asked, w->requested_len, "about");
  line_of(out, "reason", said, w->answer_len, "reason");
  line_of(out, "message", asked, w->requested_len, "text");
}

/* --- signatures --- */

static enum status bad(struct error *err, const char *why) {
  error_set(err, ERR_FAILED, "%s", why);
  error_kind(err, "signature");
  return ERR_FAILED;
}

struct signed_answer {
  char *text, *signature, *approver, *signers; /* owned, or NULL */
};

static enum status text_check(const struct approval_words *w, const struct signed_answer *a,
                              struct error *err) {
  struct buf made = BUF_INIT;
  if (!a->signature || !a->text) return bad(err, "the approval carries no signature");
  if (!a->approver || !*a->approver) return bad(err, "the approval names no approver");
  approval_text(w, &made);
  bool same = strcmp(buf_str(&made), a->text) == 0;
  buf_release(&made);
  return same ? OK : bad(err, "the text that was signed is not what these events say");
}

static enum status allowed_of(struct journal *j, const struct signed_answer *a, struct buf *out,
                              struct error *err) {
  if (!a->signers) return bad(err, "the approval does not say which keys were allowed");
  return journal_get_text(j, a->signers, out, err);
}

enum status approval_verify(struct tasks *t, struct journal *j, const struct approval_words *w,
                            const char *allowed, int64_t at, struct error *err) {
  struct buf kept = BUF_INIT;
  struct signed_answer a = {.text = peek_copy(w->answer, w->answer_len, "text"),
                            .signature = peek_copy(w->answer, w->answer_len, "signature"),
                            .approver = peek_copy(w->answer, w->answer_len, "approver"),
                            .signers = peek_copy(w->answer, w->answer_len, "signers")};
  enum status status = text_check(w, &a, err);
  if (status == OK && !allowed) status = allowed_of(j, &a, &kept, err);
  if (status == OK) {
    struct ssh_check check = {.allowed = allowed ? allowed : buf_str(&kept),
                              .principal = a.approver,
                              .space = SSH_APPROVAL,
                              .text = a.text,
                              .len = strlen(a.text),
                              .signature = a.signature,
                              .at = at};
    status = ssh_verify(t, &check, NULL, err);
  }
  mem_free(a.text);
  mem_free(a.signature);
  mem_free(a.approver);
  mem_free(a.signers);
  buf_release(&kept);
  return status;
}
