/* What checkpoints say of a journal whose chain holds: was its end cut off, was it written anew,
 * was an older copy put back, is it another journal altogether?
 *
 * Checkpoints are compared while the chain is walked (journal_verify.c); this weighs what was
 * found. A shorter or another chain is certain. Which of the three it was is told by its traces:
 * events that are younger than a checkpoint which should cover them were written on top of an older
 * copy; a schema that was taken apart and put back stands for a hand in the file. */
#include "journal_judge.h"

#include <sqlite3.h>

#include "text.h"

static void add_line(struct buf *to, const char *fmt, ...) like_printf(2, 3);
static void add_line(struct buf *to, const char *fmt, ...) {
  enum { REPORT_MAX = 16 << 10 };
  va_list ap;
  if (to->len >= REPORT_MAX) return;
  va_start(ap, fmt);
  buf_vaddf(to, fmt, ap);
  buf_addc(to, '\n');
  va_end(ap);
  if (to->len >= REPORT_MAX) buf_adds(to, "(and more)\n");
}

/* "notes.txt:7 of 2026-11-02 10:00:00 UTC" */
static const char *place(const struct checkpoint *c, struct buf *out) {
  buf_clear(out);
  buf_addf(out, "%s:%d of ", c->file, c->line);
  time_text(c->time_us, false, 0, out);
  return buf_str(out);
}

static void bad_event(struct judge *g, int64_t seq, const char *how) {
  if (g->report->bad_seq) return;
  g->report->bad_seq = seq;
  g->report->bad_how = how;
}

void judge_event(struct judge *g, int64_t seq, const uint8_t *hash) {
  char hex[SHA256_HEX];
  hex_write(hash, SHA256_SIZE, hex);
  struct checkpoints *list = g->list;
  for (; g->at < list->count && list->items[g->at].size == seq; g->at++) {
    struct checkpoint *c = &list->items[g->at];
    c->finding = strcmp(c->head, hex) == 0 ? CHECKPOINT_AGREES : CHECKPOINT_DIFFERS;
  }
  g->next = g->at < list->count ? list->items[g->at].size : INT64_MAX;
}

void judge_begin(struct judge *g) {
  if (!g->list) return;
  checkpoints_sort(g->list);
  g->next = g->list->count ? g->list->items[0].size : INT64_MAX;
}

void judge_own(struct judge *g, int64_t seq, int64_t size, bool holds) {
  if (g->own_bad) return;
  if (holds) g->own_good = size;
  else g->own_bad = size, g->own_said = seq;
}

static void tell_own(struct judge *g) {
  if (!g->own_bad) return;
  bad_event(g, g->own_good + 1, "rewritten");
  add_line(&g->report->problem,
           "the chain was written anew: event %lld says that event %lld had another hash; what was "
           "changed first is one of the events %lld to %lld",
           (long long)g->own_said, (long long)g->own_bad, (long long)g->own_good + 1,
           (long long)g->own_bad);
}

/* Which of them belong here at all, and which the chain does not reach. */
static enum status sort_out(struct judge *g, struct error *err) {
  struct checkpoint here = {0};
  if (g->report->events == 0) return OK;
  enum status status = checkpoint_take(g->j, &here, err);
  if (status != OK) return status;
  for (size_t i = 0; i < g->list->count; i++) {
    struct checkpoint *c = &g->list->items[i];
    if (strcmp(c->origin, here.origin) != 0) c->finding = CHECKPOINT_FOREIGN;
    else if (c->size > (int64_t)g->report->events && !g->report->bad_seq)
      c->finding = CHECKPOINT_BEYOND;
  }
  return OK;
}

/* Signatures. One that holds speaks for all before it that agree: their events are in its hash. */

static void distrust(struct judge *g, struct checkpoint *c, const char *why) {
  struct buf b = BUF_INIT;
  c->finding = CHECKPOINT_FORGED;
  add_line(&g->report->problem, "checkpoint %s %s", place(c, &b), why);
  buf_release(&b);
}

static enum status check_signature(struct judge *g, struct checkpoint *c, struct error *err) {
  struct buf why = BUF_INIT;
  if (c->trust == TRUST_UNSIGNED) {
    distrust(g, c, "is unsigned: it proves nothing");
    return OK;
  }
  enum status status = checkpoint_check(c, g->keys, &why, err);
  if (status == OK && c->trust == TRUST_BAD) distrust(g, c, buf_str(&why));
  buf_release(&why);
  return status;
}

static bool is_spoken_for(const struct judge *g, const struct checkpoint *c) {
  for (const struct checkpoint *o = c + 1; o < g->list->items + g->list->count; o++)
    if (o->file == c->file && o->trust == TRUST_GOOD && o->finding == CHECKPOINT_AGREES)
      return true;
  return false;
}

static enum status check_signatures(struct judge *g, struct error *err) {
  bool keys = g->keys && g->keys->allowed;
  size_t open = 0;
  enum status status = OK;
  for (size_t i = g->list->count; i-- && status == OK;) {
    struct checkpoint *c = &g->list->items[i];
    if (!keys) open += c->signature != NULL;
    else if (c->finding != CHECKPOINT_AGREES || !is_spoken_for(g, c))
      status = check_signature(g, c, err);
  }
  if (open)
    add_line(&g->report->warning, "the signatures of the checkpoints were not checked: give "
                                  "--allowed-signers FILE or --key FILE");
  return status;
}

/* The verdict. */

/* The first event after `from` and up to `to` that is younger than the checkpoint; 0 when none is.
 */
static enum status find_younger(struct judge *g, int64_t from, const struct checkpoint *c,
                                int64_t *seq, struct error *err) {
  struct sqlite3_stmt *s = NULL;
  bool row = false;
  int rc = sqlite3_prepare_v2(g->j->db,
                              "SELECT seq FROM event WHERE seq > ?1 AND seq <= ?2 AND time_us > ?3"
                              " ORDER BY seq LIMIT 1",
                              -1, &s, NULL);
  if (rc != SQLITE_OK) return journal_fail(g->j, rc, err);
  sqlite3_bind_int64(s, 1, from);
  sqlite3_bind_int64(s, 2, c->size);
  sqlite3_bind_int64(s, 3, c->time_us);
  enum status status = journal_step(g->j, s, &row, err);
  *seq = status == OK && row ? sqlite3_column_int64(s, 0) : 0;
  sqlite3_finalize(s);
  return status;
}

static void tell_restored(struct judge *g, const struct checkpoint *c, const char *where,
                          int64_t younger) {
  bad_event(g, younger, "restored");
  add_line(&g->report->problem,
           "an older copy of the journal was put back and written on: event %lld is younger than "
           "checkpoint %s, which had %lld events",
           (long long)younger, where, (long long)c->size);
}

static void tell_shorter(struct judge *g, const struct checkpoint *c, const char *where) {
  long long first = (long long)g->report->events + 1, last = c->size;
  bad_event(g, first, g->altered ? "cut" : "restored");
  if (g->altered)
    add_line(&g->report->problem,
             "the tail was cut: event%s %lld to %lld %s missing, by checkpoint %s",
             first == last ? "" : "s", first, last, first == last ? "is" : "are", where);
  else
    add_line(&g->report->problem,
             "an older copy of the journal was put back, or its tail was cut without a trace: "
             "events %lld to %lld are missing, by checkpoint %s",
             first, last, where);
}

static void tell_rewritten(struct judge *g, const struct checkpoint *c, const char *where,
                           int64_t vouched) {
  bad_event(g, vouched + 1, "rewritten");
  add_line(&g->report->problem,
           "the chain was written anew: event %lld had another hash by checkpoint %s; what was "
           "changed first is one of the events %lld to %lld",
           (long long)c->size, where, (long long)vouched + 1, (long long)c->size);
}

/* c is the first that disagrees; all up to `vouched` is as it was. */
static enum status tell(struct judge *g, const struct checkpoint *c, int64_t vouched,
                        struct error *err) {
  int64_t younger = 0;
  struct buf where = BUF_INIT;
  place(c, &where);
  enum status status = g->altered ? OK : find_younger(g, vouched, c, &younger, err);
  if (status == OK) {
    if (younger) tell_restored(g, c, buf_str(&where), younger);
    else if (c->finding == CHECKPOINT_BEYOND) tell_shorter(g, c, buf_str(&where));
    else tell_rewritten(g, c, buf_str(&where), vouched);
  }
  buf_release(&where);
  return status;
}

static void tell_foreign(struct judge *g, const struct checkpoint *c) {
  struct buf b = BUF_INIT;
  bad_event(g, 1, "replaced");
  add_line(&g->report->problem,
           "checkpoint %s is of another journal, of origin %s: this is not the journal it was, or "
           "not its checkpoint",
           place(c, &b), c->origin);
  buf_release(&b);
}

static enum status give_verdict(struct judge *g, struct error *err) {
  const struct checkpoint *first = NULL, *foreign = NULL;
  int64_t vouched = 0;
  size_t others = 0;
  for (const struct checkpoint *c = g->list->items; c < g->list->items + g->list->count; c++) {
    bool bad = c->finding == CHECKPOINT_DIFFERS || c->finding == CHECKPOINT_BEYOND;
    if (c->finding == CHECKPOINT_AGREES && !first) vouched = c->size;
    if (c->finding == CHECKPOINT_FOREIGN && !foreign) foreign = c;
    if (bad && first) others++;
    if (bad && !first) first = c;
  }
  if (foreign) tell_foreign(g, foreign);
  enum status status = first ? tell(g, first, vouched, err) : OK;
  if (others)
    add_line(&g->report->problem, "%zu more checkpoint%s not agree either", others,
             others == 1 ? " does" : "s do");
  return status;
}

enum status judge_end(struct judge *g, struct error *err) {
  if (g->altered)
    add_line(&g->report->warning, "the schema was taken apart and put back: its triggers may have "
                                  "been off (VACUUM, more than once, looks the same)");
  enum status status = OK;
  if (g->list && g->list->count) {
    status = sort_out(g, err);
    if (status == OK) status = check_signatures(g, err);
    if (status == OK) status = give_verdict(g, err);
  }
  tell_own(g);
  return status;
}
