/* Approvals, verified again from the journal alone. */
#include "journal_approval.h"

#include <sqlite3.h>

#include "approval_text.h"
#include "journal_inner.h"
#include "ssh.h"

struct auditor {
  struct journal *j;
  const char *allowed;
  struct journal_report *report;
  struct sqlite3_stmt *answer, *used;
  uint64_t by_kept;   /* answers checked with the journal's own lists, though one was given */
  uint64_t unchecked; /* ssh-keygen is not there */
};

/* An answer, with the request that it answers. */
static const char answer_sql[] =
    "SELECT a.kind, a.run, a.step, a.data, a.time_us, a.data ->> '$.approver',"
    "  a.data ->> '$.signature' IS NOT NULL,"
    "  (SELECT q.data FROM event q WHERE q.run <> '' AND q.run = a.run AND q.seq < a.seq"
    "    AND q.kind = 'approval.requested' AND q.step = a.step"
    "    AND q.data ->> '$.nonce' = a.data ->> '$.nonce' ORDER BY q.seq LIMIT 1)"
    " FROM event a WHERE a.seq = ?1";

/* Approvers that a use names and that did not give it, or not with the signature it takes; and a
 * use by fewer than were asked for. */
static const char used_sql[] =
    "SELECT u.run, u.step, n.value, 'was used and never given, or not signed' FROM event u, json_each(u.data, '$.approvers') n"
    " WHERE u.seq = ?1 AND u.kind = 'approval.used' AND NOT EXISTS"
    "  (SELECT 1 FROM event g WHERE g.run <> '' AND g.run = u.run AND g.seq < u.seq"
    "    AND g.kind = 'approval.given' AND g.step = u.step"
    "    AND g.data ->> '$.nonce' = u.data ->> '$.nonce' AND g.data ->> '$.approver' = n.value"
    "    AND (g.data ->> '$.signature' IS NOT NULL OR g.data ->> '$.break_glass' OR NOT EXISTS"
    "     (SELECT 1 FROM event q WHERE q.run <> '' AND q.run = u.run AND q.seq < u.seq"
    "       AND q.kind = 'approval.requested' AND q.data ->> '$.nonce' = u.data ->> '$.nonce'"
    "       AND q.data ->> '$.signed')))"
    " UNION ALL SELECT u.run, u.step, u.given || ' of ' || u.wanted, 'was used too soon' FROM"
    "  (SELECT u.run, u.step,"
    "    (SELECT count(DISTINCT n.value) FROM json_each(u.data, '$.approvers') n) AS given,"
    "    (SELECT coalesce(q.data ->> '$.quorum', 1) FROM event q WHERE q.run <> '' AND q.run = u.run"
    "      AND q.seq < u.seq AND q.kind = 'approval.requested' AND q.step = u.step"
    "      AND q.data ->> '$.nonce' = u.data ->> '$.nonce' ORDER BY q.seq LIMIT 1) AS wanted"
    "   FROM event u WHERE u.seq = ?1 AND u.kind = 'approval.used'"
    "    AND u.data ->> '$.break_glass' IS NULL) u"
    " WHERE u.given < u.wanted";

static const char *text_at(struct sqlite3_stmt *s, int column) {
  const char *text = (const char *)sqlite3_column_text(s, column);
  return text ? text : "";
}

static void problem(struct auditor *a, int64_t seq, struct sqlite3_stmt *s, int run_at,
                    const char *who, const char *what) {
  buf_addf(&a->report->problem, "event %lld: the approval of step %s of run %s by %s %s\n",
           (long long)seq, text_at(s, run_at + 1), text_at(s, run_at), who, what);
}

static enum status list_for(struct auditor *a, const char *approver, const char **allowed,
                            struct error *err) {
  bool named = false;
  *allowed = NULL;
  if (!a->allowed) return OK;
  enum status status = ssh_has_key(NULL, a->allowed, approver, &named, err);
  if (status != OK) return status;
  if (named) *allowed = a->allowed;
  else a->by_kept++;
  return OK;
}

static enum status check_signed(struct auditor *a, struct sqlite3_stmt *s, struct error *err) {
  const char *allowed;
  struct approval_words w = {.run = text_at(s, 1),
                             .step = text_at(s, 2),
                             .requested = text_at(s, 7),
                             .requested_len = (size_t)sqlite3_column_bytes(s, 7),
                             .answer = text_at(s, 3),
                             .answer_len = (size_t)sqlite3_column_bytes(s, 3),
                             .denied = strcmp(text_at(s, 0), "approval.denied") == 0};
  if (!w.requested_len) return error_set(err, ERR_FAILED, "nobody asked for it");
  enum status status = list_for(a, text_at(s, 5), &allowed, err);
  if (status != OK) return status;
  return approval_verify(NULL, a->j, &w, allowed, sqlite3_column_int64(s, 4), err);
}

/* Without ssh-keygen nothing is known; anything else that went wrong speaks against the answer. */
static void note(struct auditor *a, int64_t seq, struct sqlite3_stmt *s, enum status found,
                 struct error *err) {
  struct buf why = BUF_INIT;
  buf_addf(&why, "does not hold: %s", found == OK ? "" : err->message);
  if (found == OK) a->report->approvals++;
  else if (strcmp(err->kind, "provider") == 0) a->unchecked++;
  else problem(a, seq, s, 1, text_at(s, 5), buf_str(&why));
  buf_release(&why);
  error_release(err);
  *err = (struct error){0};
}

static enum status audit_answer(struct auditor *a, int64_t seq, struct error *err) {
  bool row = false;
  sqlite3_bind_int64(a->answer, 1, seq);
  enum status status = journal_step(a->j, a->answer, &row, err);
  if (status != OK) return status;
  if (row && sqlite3_column_int(a->answer, 6)) {
    struct error why = {0};
    note(a, seq, a->answer, check_signed(a, a->answer, &why), &why);
  }
  sqlite3_reset(a->answer);
  return OK;
}

static enum status audit_use(struct auditor *a, int64_t seq, struct error *err) {
  bool row = true;
  sqlite3_bind_int64(a->used, 1, seq);
  enum status status = OK;
  while (status == OK && row) {
    status = journal_step(a->j, a->used, &row, err);
    if (status == OK && row)
      problem(a, seq, a->used, 0, text_at(a->used, 2), text_at(a->used, 3));
  }
  if (status == OK) sqlite3_reset(a->used);
  return status;
}

static enum status audit(struct auditor *a, struct error *err) {
  enum status status = OK;
  for (size_t i = 0; i < a->report->answer_count && status == OK; i++) {
    status = audit_answer(a, a->report->answers[i], err);
    if (status == OK) status = audit_use(a, a->report->answers[i], err);
  }
  return status;
}

static void warn(struct auditor *a) {
  if (a->by_kept)
    buf_addf(&a->report->warning,
             "%llu approvals are by people whom the allowed signers do not name: checked with the "
             "lists that the journal keeps\n",
             (unsigned long long)a->by_kept);
  if (a->unchecked)
    buf_addf(&a->report->warning,
             "the signatures of %llu approvals were not checked: ssh-keygen is not installed\n",
             (unsigned long long)a->unchecked);
}

enum status journal_verify_approvals(struct journal *j, const char *allowed,
                                     struct journal_report *report, struct error *err) {
  struct auditor a = {.j = j, .allowed = allowed, .report = report};
  if (!report->answer_count) return OK;
  int rc = sqlite3_prepare_v2(j->db, answer_sql, -1, &a.answer, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(j->db, used_sql, -1, &a.used, NULL);
  enum status status = rc == SQLITE_OK ? audit(&a, err) : journal_fail(j, rc, err);
  if (status == OK) warn(&a);
  sqlite3_finalize(a.answer);
  sqlite3_finalize(a.used);
  return status;
}
