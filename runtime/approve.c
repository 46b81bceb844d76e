/* Answers to requests for approval, from any terminal. */
#include "approve.h"

#include <stdlib.h>
#include <unistd.h>

#include "peek.h"
#include "run.h"
#include "ssh.h"
#include "text.h"

void approve_release(struct approve *a) {
  approvals_release(&a->all);
  site_pinned_release(&a->pinned);
  buf_release(&a->glass);
  mem_free(a->by);
}

static const char *me(const struct approve *a) {
  return journal_actor(a->op->journal);
}

static char *account_of(const char *actor) {
  return mem_dup(actor, strcspn(actor, "@"));
}

/* --- which request --- */

static void list_open(const struct approve *a, struct buf *out) {
  for (size_t i = 0; i < a->all.count; i++)
    if (approval_open(&a->all.at[i]))
      buf_addf(out, "%s%s", out->len ? ", " : "", a->all.at[i].step);
}

static enum status none_found(struct approve *a, struct error *err) {
  struct buf open = BUF_INIT;
  approvals_release(&a->all);
  enum status status = approvals_read(a->op->journal, a->op->run, NULL, &a->all, err);
  if (status != OK) return status;
  list_open(a, &open);
  if (a->step) error_set(err, ERR_NOT_FOUND, "run %s asked for no approval of a step '%s'", a->op->run, a->step);
  else if (open.len) error_set(err, ERR_NOT_FOUND, "run %s asks for several approvals", a->op->run);
  else error_set(err, ERR_NOT_FOUND, "run %s asks for no approval now", a->op->run);
  if (open.len) error_help(err, "it asks for: %s", buf_str(&open));
  else error_help(err, "stepwise show %s%s tells how it stands", a->op->run, a->op->tail);
  buf_release(&open);
  return ERR_NOT_FOUND;
}

/* The one that is open, else the last: of a step's approvals one is asked for at a time. */
static enum status request_find(struct approve *a, struct error *err) {
  size_t open = 0;
  enum status status = approvals_read(a->op->journal, a->op->run, a->step, &a->all, err);
  a->request = NULL;
  for (size_t i = 0; status == OK && i < a->all.count; i++) {
    bool is_open = approval_open(&a->all.at[i]);
    open += is_open;
    if (is_open || !open) a->request = &a->all.at[i];
  }
  if (status == OK && (!a->request || (!a->step && open > 1))) return none_found(a, err);
  return status;
}

/* --- how it was decided --- */

static const struct approval_answer *answer_by(const struct approve *a, const char *by) {
  const struct approval_request *r = a->request;
  for (size_t i = r->answer_count; i-- > 0;)
    if (same_account(r->answers[i].approver, by)) return &r->answers[i];
  return NULL;
}

static void answer_told(const struct approval_answer *a, struct buf *out) {
  buf_addf(out, "%s by %s at ", a->denied ? "denied" : "approved", a->approver);
  time_text(a->time_us, false, 0, out);
  if (a->reason && *a->reason) buf_addf(out, ": %s", a->reason);
}

static enum status decided(const struct approve *a, const struct approval_answer *said,
                           struct error *err) {
  struct buf b = BUF_INIT;
  answer_told(said, &b);
  error_set(err, ERR_CONFLICT, "the approval of step %s was %s", a->request->step, buf_str(&b));
  buf_release(&b);
  return ERR_CONFLICT;
}

static enum status repeated(struct approve *a, const struct approval_answer *said) {
  struct buf b = BUF_INIT;
  answer_told(said, &b);
  operation_say(a->op, "step %s was %s; nothing to do", a->request->step, buf_str(&b));
  buf_release(&b);
  a->done = true;
  return OK;
}

/* Saying it again with a key agrees only when it is the key that signed. */
static enum status same_key(struct approve *a, const struct approval_answer *said,
                            struct error *err) {
  char print[SSH_FINGERPRINT];
  char *signed_by = a->key ? peek_copy(said->data, said->len, "key") : NULL;
  if (!signed_by) return repeated(a, said);
  enum status status = ssh_fingerprint(NULL, a->key, print, err);
  if (status == OK && strcmp(print, signed_by) != 0) {
    error_set(err, ERR_CONFLICT, "step %s was approved by %s with another key: %s, not %s (%s)",
              a->request->step, said->approver, signed_by, print, a->key);
    error_help(err, "nothing was recorded; --as names who approves, --key is that person's key");
    status = ERR_CONFLICT;
  }
  mem_free(signed_by);
  return status == OK ? repeated(a, said) : status;
}

static enum status is_void(const struct approve *a, const char *why, struct error *err) {
  static const struct {
    const char *reason, *text;
  } words[] = {{"expired", "it was not given in time"},
               {"unused", "it was not used in time"},
               {"changed", "the run asks for something else now"},
               {"plan_changed", "the plan was changed"}};
  const char *text = why;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].reason, why) == 0) text = words[i].text;
  error_set(err, ERR_CONFLICT, "the request for approval of step %s is void: %s", a->request->step,
            text);
  error_help(err, "stepwise resume %s%s goes on; the step asks again where it begins anew",
             a->op->run, a->op->tail);
  return ERR_CONFLICT;
}

static enum status judge_again(struct approve *a, struct error *err);

/* Whoever looks makes a limit hold: there is no process that waits for it. */
static enum status void_late(struct approve *a, struct error *err) {
  struct buf members = BUF_INIT;
  if (!journal_pending(a->op->journal)) return operation_end(a->op, judge_again(a, err));
  buf_addf(&members, "\"reason\":\"expired\",\"nonce\":\"%s\"", a->request->nonce);
  enum status status = operation_record(a->op, EVENT_NAME(APPROVAL_VOIDED), a->request->step,
                                        buf_str(&members), err);
  buf_release(&members);
  return status == OK ? is_void(a, "expired", err) : status;
}

/* What was given and counts, with the keys as they are now. *own: theirs is among it; one whose key
 * was withdrawn may be given again. */
static enum status count_given(struct approve *a, bool *own, struct error *err) {
  struct approval_count n;
  enum status status = approval_count(NULL, a->op->journal, a->op->run, a->request, a->pinned.site,
                                      journal_now(), &n, err);
  *own = status == OK && n.lapsed;
  for (uint32_t i = 0; status == OK && i < n.count; i++)
    *own |= same_account(n.by[i], a->by);
  a->given = n.count;
  return status;
}

/* What is recorded already, against what is wanted now. *open: an answer still counts. */
static enum status standing_of(struct approve *a, bool *open, struct error *err) {
  const struct approval_request *r = a->request;
  const struct approval_answer *own = answer_by(a, a->by), *no = approval_denial(r);
  bool same = own && !a->deny && !r->void_reason && own->break_glass >= a->break_glass;
  bool counts = true;
  *open = false;
  if (no && a->deny) return repeated(a, no);
  if (no) return decided(a, no, err);
  enum status status = r->used_seq || r->void_reason || a->deny ? OK : count_given(a, &counts, err);
  if (status != OK) return status;
  if (same && counts) return same_key(a, own, err);
  if (r->void_reason) return is_void(a, r->void_reason, err);
  if (r->used_seq) {
    error_set(err, ERR_CONFLICT, "step %s was approved, and the approval was used: the step has begun",
              r->step);
    if (a->deny) error_help(err, "stepwise cancel %s --reason TEXT%s stops the run", a->op->run, a->op->tail);
    return ERR_CONFLICT;
  }
  if (standing_ended(&a->op->standing))
    return error_set(err, ERR_CONFLICT, "run %s has ended: %s", a->op->run,
                     run_state_name(a->op->standing.state));
  if (a->pinned.plan && strcmp(a->pinned.plan, r->plan) != 0) return is_void(a, "plan_changed", err);
  if (journal_now() > r->expires_us) return void_late(a, err);
  *open = true;
  return OK;
}

/* --- who answers --- */

static enum status not_allowed(struct error *err, const char *fmt, ...) like_printf(2, 3);
static enum status not_allowed(struct error *err, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  error_set(err, ERR_FAILED, "%s", buf_str(&b));
  error_kind(err, "permission");
  buf_release(&b);
  return ERR_FAILED;
}

/* A signature proves any name; without a site no name is proven; else the account is who it is. */
static enum status identify(struct approve *a, struct error *err) {
  const struct site *site = a->pinned.site;
  bool is_signed = a->role && a->role->is_signed && !a->break_glass;
  a->by = a->as ? mem_strdup(a->as) : account_of(me(a));
  a->identity = is_signed ? "signed" : !site && a->as ? "typed" : "account";
  if (a->key && !is_signed)
    return not_allowed(err, "--key: role :%s takes no signatures", a->request->role);
  if (!a->as || is_signed || same_account(me(a), a->as)) return OK;
  if (site) {
    enum status status = not_allowed(err, "--as %s: you are %s, and role :%s takes your account's word only",
                                     a->as, me(a), a->request->role);
    error_help(err, "%s approves from an account of their own; a role with signed: true takes a key instead", a->as);
    return status;
  }
  return OK;
}

static enum status permitted(const struct approve *a, struct error *err) {
  const struct site *site = a->pinned.site;
  if (a->break_glass && !(a->role && a->role->break_glass))
    return not_allowed(err, "role :%s cannot be stood in for: the site allows no break-glass for it",
                       a->request->role ? a->request->role : "");
  if (a->deny && approver_named(a->by) && (!a->role || role_has(a->role, a->by))) return OK;
  const char *why = approver_barred(a->request, site, a->by, a->break_glass);
  if (!why) return OK;
  enum status status = not_allowed(err, "%s %s", a->by, why);
  if (a->role) {
    struct buf members = BUF_INIT;
    role_members_text(a->role, &members);
    error_help(err, "members of :%s: %s", a->role->name, buf_str(&members));
    buf_release(&members);
  }
  return status;
}

enum status approve_begin(struct approve *a, struct error *err) {
  bool open = false;
  enum status status = operation_look(a->op, err);
  if (status == OK) status = request_find(a, err);
  if (status == OK) status = site_pinned_load(&a->pinned, a->op->journal, a->op->run, err);
  if (status == OK && a->pinned.site && a->request->role)
    status = site_role_find(a->pinned.site, a->request->role, &a->role, err);
  if (status == OK) status = identify(a, err);
  if (status == OK) status = standing_of(a, &open, err);
  if (status == OK && open) status = permitted(a, err);
  return status;
}

/* --- showing --- */

/* The site, once times are told in its zone. */
static const struct site *zone_of(const struct approve *a) {
  struct error ignored = {0};
  bool known = a->pinned.site && site_zone_enter(a->pinned.site, &ignored) == OK;
  error_release(&ignored);
  return known ? a->pinned.site : NULL;
}

void approve_show(const struct approve *a, struct buf *out) {
  const struct approval_request *r = a->request;
  const struct standing *s = &a->op->standing;
  buf_addf(out, "run %s of %s, started by %s\n", a->op->run, s->runbook ? s->runbook : "?",
           r->requester);
  buf_addf(out, "step %s\n\n", r->step);
  buf_addf(out, "  %s\n  %s\n\n", r->text, r->about ? r->about : "");
  if (r->role) buf_addf(out, "approval by :%s", r->role);
  if (a->role) buf_adds(out, " ("), role_members_text(a->role, out), buf_addc(out, ')');
  buf_addf(out, "%s, %u wanted\n", a->role && a->role->is_signed ? ", signed" : "", r->quorum);
  for (size_t i = 0; i < r->answer_count; i++) {
    answer_told(&r->answers[i], out);
    buf_addc(out, '\n');
  }
  buf_adds(out, "answer by ");
  site_time_text(zone_of(a), r->expires_us, out);
  buf_addf(out, "\nplan %s\n", r->plan);
  if (a->break_glass)
    buf_addf(out, "BREAK GLASS in the place of :%s: :%s is paged, and it has to be reviewed\n",
             r->role, a->role->break_glass);
}

/* --- answering --- */

/* The first of the usual keys; with only its public half there, an agent signs. */
static char *usual_key(void) {
  static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};
  const char *home = getenv("HOME");
  for (size_t i = 0; home && i < sizeof names / sizeof *names; i++)
    for (int pub = 0; pub < 2; pub++) {
      struct buf b = BUF_INIT;
      buf_addf(&b, "%s/.ssh/%s%s", home, names[i], pub ? ".pub" : "");
      if (access(buf_str(&b), R_OK) == 0) return buf_take(&b);
      buf_release(&b);
    }
  return NULL;
}

static void answer_members(const struct approve *a, struct record *r) {
  record_text(r, "approver", a->by);
  record_text(r, "nonce", a->request->nonce);
  record_text(r, "identity", a->identity);
  record_text(r, "reason", a->op->reason);
  if (a->break_glass) record_bool(r, "break_glass", true);
  if (a->break_glass) record_text(r, "paged", a->role->break_glass);
  if (!a->deny) record_int(r, "use_by_us", clock_add(journal_now(), a->request->use_by_us));
}

static struct approval_words words_of(const struct approve *a, const struct record *r) {
  return (struct approval_words){.run = a->op->run,
                                 .step = a->request->step,
                                 .requested = a->request->data,
                                 .requested_len = a->request->len,
                                 .answer = r->data.data,
                                 .answer_len = r->data.len,
                                 .denied = a->deny};
}

/* The text is made from the members so far: those that carry the signature are no part of it. */
static enum status sign(struct approve *a, struct record *r, struct error *err) {
  struct buf text = BUF_INIT;
  char print[SSH_FINGERPRINT];
  char *usual = a->key ? NULL : usual_key(), *signature = NULL;
  const struct ssh_key key = {.path = a->key ? a->key : usual, .may_ask = a->may_ask};
  enum status status = OK;
  if (!key.path) {
    status = not_allowed(err, "role :%s wants a signature, and there is no key", a->role->name);
    error_help(err, "--key FILE names a private key, or a public key whose private half your agent holds");
  }
  if (status == OK) {
    buf_addc(&r->data, '}');
    const struct approval_words w = words_of(a, r);
    approval_text(&w, &text);
    buf_truncate(&r->data, r->data.len - 1);
    status = ssh_sign(NULL, &key, SSH_APPROVAL, buf_str(&text), text.len, &signature, err);
  }
  if (status == OK) {
    record_text(r, "text", buf_str(&text));
    record_text(r, "signature", signature);
    status = ssh_fingerprint(NULL, key.path, print, err);
    if (status == OK) record_text(r, "key", print);
  }
  mem_free(usual);
  mem_free(signature);
  buf_release(&text);
  return status;
}

/* Verified at once, with the keys as they are now: the caller's to release. */
static enum status verify(struct approve *a, struct record *r, char **keys, struct error *err) {
  enum status status = ssh_allowed_read(a->role->keys, keys, err);
  if (status == OK) {
    buf_addc(&r->data, '}');
    const struct approval_words w = words_of(a, r);
    status = approval_verify(NULL, a->op->journal, &w, *keys, 0, err);
    buf_truncate(&r->data, r->data.len - 1);
    if (status == ERR_FAILED) error_kind(err, "permission");
  }
  return status;
}

/* For whoever verifies later. */
static enum status record_keys(struct approve *a, struct record *r, const char *keys,
                               struct error *err) {
  char sha[65];
  enum status status = journal_put_text(a->op->journal, keys, strlen(keys), sha, err);
  if (status == OK) record_text(r, "signers", sha);
  return status;
}

static void glass_text(const struct approve *a, struct buf *out) {
  buf_addf(out, "%s broke glass for :%s: %s (%s)", a->by, a->role->name, a->request->text,
           a->op->reason);
}

static enum status append(struct approve *a, const char *step, const char *kind, struct record *r,
                          struct error *err) {
  buf_addc(&r->data, '}');
  struct event e = {.run = a->op->run,
                    .step = step,
                    .kind = kind,
                    .data = buf_str(&r->data),
                    .data_len = r->data.len};
  enum status status = journal_append(a->op->journal, &e, err);
  buf_release(&r->data);
  a->seq = e.seq;
  return status;
}

/* Until this process is gone others see that it pages. */
static void at_it(struct approve *a) {
  struct error none = {0};
  if (owner_take(a->op->owners, a->seq, NULL, &none) != OK) error_release(&none);
}

/* What a broken glass leaves to do, in the same commit as the answer. It is the run's own: the step's
 * events are what its body did. Who is paged is paged then, by a run of its own. */
static enum status glass_broken(struct approve *a, struct error *err) {
  struct record note = {0}, todo = {0};
  glass_text(a, &a->glass);
  record_text(&note, "text", buf_str(&a->glass));
  record_bool(&note, "break_glass", true);
  record_text(&todo, "text", buf_str(&a->glass));
  record_text(&todo, "owner", a->role->break_glass);
  enum status status = append(a, "", EVENT_NAME(RUN_NOTED), &note, err);
  if (status == OK) status = append(a, "", EVENT_NAME(FOLLOW_UP), &todo, err);
  else buf_release(&todo.data);
  return status;
}

/* The request that was agreed to, as it is now: of several the one of the same number. */
static enum status request_again(struct approve *a, struct error *err) {
  char *nonce = mem_strdup(a->request->nonce), *step = mem_strdup(a->request->step);
  approvals_release(&a->all);
  a->request = NULL;
  enum status status = approvals_read(a->op->journal, a->op->run, step, &a->all, err);
  for (size_t i = 0; status == OK && i < a->all.count; i++)
    if (strcmp(a->all.at[i].nonce, nonce) == 0) a->request = &a->all.at[i];
  if (status == OK && !a->request)
    status = error_set(err, ERR_JOURNAL, "the journal has lost the request for approval of step %s", step);
  mem_free(nonce);
  mem_free(step);
  return status;
}

/* Others may have answered while a person read and signed: judged again, and from here on nobody
 * else writes. */
static enum status judge_again(struct approve *a, struct error *err) {
  bool open = false;
  enum status status = operation_begin(a->op, false, err);
  if (status == OK) status = request_again(a, err);
  if (status == OK) status = standing_of(a, &open, err);
  if (status == OK && open) status = permitted(a, err);
  return status;
}

static void hint_denied(struct approve *a) {
  char *otherwise = peek_copy(a->request->data, a->request->len, "otherwise");
  struct buf b = BUF_INIT;
  buf_addf(&b, "resume %s", standing_denial(&a->op->standing, otherwise));
  operation_hint(a->op, "resume", "", buf_str(&b));
  buf_release(&b);
  mem_free(otherwise);
}

static void say_done(struct approve *a) {
  const struct approval_request *r = a->request;
  uint32_t given = a->given + 1;
  if (a->deny) operation_say(a->op, "step %s is denied by %s", r->step, a->by);
  else if (a->break_glass) operation_say(a->op, "step %s is released: %s broke glass", r->step, a->by);
  else operation_say(a->op, "step %s is approved by %s, %u of %u", r->step, a->by, given, r->quorum);
  bool enough = a->deny || a->break_glass || given >= r->quorum;
  if (a->deny && !a->op->pid) hint_denied(a);
  else if (enough && !a->op->pid) operation_hint(a->op, "resume", "", "the run goes on with");
}

static enum status record_answer(struct approve *a, struct record *r, struct error *err) {
  const char *kind = a->deny ? EVENT_NAME(APPROVAL_DENIED) : EVENT_NAME(APPROVAL_GIVEN);
  enum status status = append(a, a->request->step, kind, r, err);
  if (status == OK && a->break_glass) at_it(a);
  if (status == OK && a->break_glass) status = glass_broken(a, err);
  if (status == OK) status = journal_commit(a->op->journal, err);
  if (status == OK) say_done(a);
  return status;
}

enum status approve_do(struct approve *a, struct error *err) {
  struct record r = {0};
  char *keys = NULL;
  bool is_signed = strcmp(a->identity, "signed") == 0;
  answer_members(a, &r);
  enum status status = is_signed ? sign(a, &r, err) : OK;
  if (status == OK && is_signed) status = verify(a, &r, &keys, err);
  if (status == OK) status = judge_again(a, err);
  if (status == OK && !a->done && is_signed) status = record_keys(a, &r, keys, err);
  if (status == OK && !a->done) status = record_answer(a, &r, err);
  journal_rollback(a->op->journal);
  mem_free(keys);
  buf_release(&r.data);
  return status;
}
