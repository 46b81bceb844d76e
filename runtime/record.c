/* Events: built, appended, told to the observer, and committed when something depends on them. */
#include "run.h"

#include "codec.h"
#include "digest.h"
#include "watch_journal.h"

static void record_name(struct record *r, const char *name) {
  buf_addc(&r->data, r->data.len ? ',' : '{');
  json_text(&r->data, name, strlen(name));
  buf_addc(&r->data, ':');
}

void record_text(struct record *r, const char *name, const char *text) {
  if (!text) return;
  record_name(r, name);
  json_text(&r->data, text, strlen(text));
}

void record_texts(struct record *r, const char *name, const char *const *texts, size_t count) {
  if (!count) return;
  record_name(r, name);
  for (size_t i = 0; i < count; i++) {
    buf_addc(&r->data, i ? ',' : '[');
    json_text(&r->data, texts[i], strlen(texts[i]));
  }
  buf_addc(&r->data, ']');
}

void record_int(struct record *r, const char *name, int64_t i) {
  record_name(r, name);
  buf_addi(&r->data, i);
}

void record_bool(struct record *r, const char *name, bool b) {
  record_name(r, name);
  buf_adds(&r->data, b ? "true" : "false");
}

/* Too large for an event: the text stands elsewhere, the event says where. */
static void value_elsewhere(struct record *r, struct buf *json) {
  char sha[SHA256_HEX];
  sha256_hex_of(json->data, json->len, sha);
  buf_addf(&r->data, "{\"$text\":\"%s\"}", sha);
  r->texts = mem_grow(r->texts, r->text_count, &r->text_cap, sizeof *r->texts);
  r->texts[r->text_count++] = *json;
  *json = (struct buf){0};
}

void record_value(struct record *r, const char *name, value v, const struct symtab *syms) {
  record_value_within(r, name, v, syms, VALUE_MAX);
}

void record_value_within(struct record *r, const char *name, value v, const struct symtab *syms,
                         size_t most) {
  struct buf json = BUF_INIT;
  json_write(v, syms, true, &json);
  record_name(r, name);
  bool large = json.len > most || r->data.len + json.len > EVENT_DATA_MAX / 2;
  if (json.overflow) buf_addf(&r->data, "{\"$omitted\":\"%s\"}", value_type_name(v));
  else if (large && json.len > 2 * SHA256_HEX) value_elsewhere(r, &json);
  else buf_add(&r->data, buf_str(&json), json.len);
  buf_release(&json);
}

void record_error(struct record *r, const char *name, const struct error *e,
                  const struct program *p) {
  struct record inner = {0};
  record_text(&inner, "kind", e->kind[0] ? e->kind : "error");
  record_text(&inner, "message", e->message ? e->message : "failed");
  record_text(&inner, "help", e->help);
  if (e->retry_after) record_int(&inner, "retry_after_us", e->retry_after);
  if (e->has_at && e->at.file < p->file_count) {
    uint32_t line, col;
    source_line_col(p->sources[e->at.file], e->at.start, &line, &col);
    record_text(&inner, "file", p->sources[e->at.file]->name);
    record_int(&inner, "line", line);
    record_int(&inner, "col", col);
  }
  record_join(r, name, &inner);
}

void record_raw(struct record *r, const char *name, const char *json) {
  record_name(r, name);
  buf_adds(&r->data, json);
}

void record_join(struct record *r, const char *name, struct record *inner) {
  record_name(r, name);
  buf_adds(&inner->data, inner->data.len ? "}" : "{}");
  buf_add(&r->data, inner->data.data, inner->data.len);
  for (size_t i = 0; i < inner->text_count; i++) {
    r->texts = mem_grow(r->texts, r->text_count, &r->text_cap, sizeof *r->texts);
    r->texts[r->text_count++] = inner->texts[i];
    inner->texts[i] = (struct buf){0};
  }
  record_release(inner);
}

void record_release(struct record *r) {
  buf_release(&r->data);
  for (size_t i = 0; i < r->text_count; i++)
    buf_release(&r->texts[i]);
  mem_free(r->texts);
  *r = (struct record){0};
}

/* --- appending --- */

static enum status journal_gone(struct engine *g, struct error *err) {
  g->journal_lost = true;
  g->pending_since = 0;
  announce_drop(&g->announce);
  if (!g->journal_error.message) error_move(&g->journal_error, err);
  error_set(err, ERR_JOURNAL, "%s", g->journal_error.message);
  if (g->journal_error.help) error_help(err, "%s", g->journal_error.help);
  return ERR_JOURNAL;
}

/* The texts go before the event that names them, into the same commit. */
static enum status texts_put(struct engine *g, const struct record *r, struct error *err) {
  char sha[SHA256_HEX];
  enum status status = OK;
  for (size_t i = 0; status == OK && i < r->text_count; i++)
    status = journal_put_text(g->config.journal, r->texts[i].data, r->texts[i].len, sha, err);
  return status;
}

static enum status event_append(struct lane *lane, const struct record *r, struct event *e,
                                struct error *err) {
  struct engine *g = lane->run->engine;
  struct error problem = {0};
  enum status status = ERR_JOURNAL;
  if (!g->journal_lost) status = texts_put(g, r, &problem);
  if (!g->journal_lost && status == OK) status = journal_append(g->config.journal, e, &problem);
  /* An event that is too large is refused; the journal is as good as before. */
  if (status == ERR_JOURNAL) status = journal_gone(g, &problem);
  else if (status == OK) {
    announce_hold(&g->announce, g->config.observer, e);
    if (!g->pending_since) g->pending_since = clock_mono(g->config.clock);
  }
  if (lane->run->rolling_back && (status == OK || g->journal_lost)) {
    spare_hold(lane->run, e);
    status = OK;
  }
  if (status != OK) error_move(err, &problem);
  error_release(&problem);
  return status;
}

enum status run_record(struct lane *lane, const char *kind, struct record *r, struct error *err) {
  bool told = false;
  enum status status = lane->replay ? replay_record(lane, kind, &told, err) : OK;
  if (status == OK && !told) return run_append(lane, kind, r, err);
  lane->clock_known = false;
  if (r) record_release(r);
  return status;
}

/* Before anybody else can see that the run began: the event is not committed yet. */
static enum status run_own(struct run *run, int64_t first_seq, struct error *err) {
  if (run->engine->journal_lost) return OK;
  enum status status = owner_take(run->engine->owners, first_seq, NULL, err);
  if (status == OK) run->first_seq = first_seq;
  return status;
}

enum status run_append(struct lane *lane, const char *kind, struct record *r, struct error *err) {
  return run_record_at(lane, lane->at ? lane->at->id : "", kind, r, err);
}

enum status run_record_at(struct lane *lane, const char *step, const char *kind, struct record *r,
                          struct error *err) {
  struct record none = {0};
  if (!r) r = &none;
  buf_adds(&r->data, r->data.len ? "}" : "{}");
  record_redact(lane->run->engine, r);
  struct event e = {.time_us = clock_wall(lane->run->engine->config.clock),
                    .run = lane->run->id,
                    .step = step,
                    .kind = kind,
                    .actor = journal_actor(lane->run->engine->config.journal),
                    .data = buf_str(&r->data),
                    .data_len = r->data.len};
  enum status status = event_append(lane, r, &e, err);
  if (status == OK && kind == EVENT_NAME(RUN_STARTED)) status = run_own(lane->run, e.seq, err);
  lane->run->begun |= status == OK;
  lane->clock_known = false;
  record_release(r);
  return status;
}

void run_notice(struct lane *lane, const struct notice *n) {
  struct notice told = *n;
  /* People were told when it happened. */
  if (replaying(lane) && n->kind != NOTICE_STEP && n->kind != NOTICE_INTERRUPTED) return;
  told.run = lane->run->id;
  told.step = lane->at ? lane->at->id : "";
  told.branch = lane->name;
  told.program = lane->run->program;
  told.drill = lane->run->drill != NULL;
  notice_tell(lane->run->engine, &told);
}

/* --- committing --- */

struct sync_wait {
  struct task *task;
  struct sync_wait *next;
  bool done;
};

enum status engine_commit(struct engine *g, struct error *err) {
  if (g->journal_lost) return error_set(err, ERR_JOURNAL, "%s", g->journal_error.message);
  g->pending_since = 0;
  enum status status = journal_commit(g->config.journal, err);
  if (status != OK) return journal_gone(g, err);
  for (struct run *run = g->runs; run; run = run->next) {
    run->recorded = run->begun;
    buf_clear(&run->unproven);
    buf_clear(&run->unsaved);
  }
  announce_all(&g->announce, g->config.observer);
  return OK;
}

/* One commit for all lanes that are ready: with a single one it is made at once, else at the end of
 * the loop's turn, or a few turns later when each brings more of them. */
enum status run_sync(struct lane *lane, struct error *err) {
  struct engine *g = lane->run->engine;
  if (g->journal_lost && lane->run->rolling_back) return OK;
  if (!g->journal_lost && !journal_pending(g->config.journal)) return OK;
  enum status status = OK;
  if (g->lanes == 1 || g->journal_lost) {
    status = engine_commit(g, err);
  } else {
    struct sync_wait w = {.task = task_current(g->tasks)};
    *(g->waiting ? g->waiting_end : &g->waiting) = &w;
    g->waiting_end = &w.next;
    if (!g->waiting_count++) g->waiting_since = clock_mono(g->config.clock);
    int64_t before = task_shield(g->tasks);
    while (status == OK && !w.done)
      status = task_park(g->tasks, err);
    task_unshield(g->tasks, before);
    if (g->journal_lost) status = error_set(err, ERR_JOURNAL, "%s", g->journal_error.message);
  }
  if (!lane->run->rolling_back) return status;
  if (status != OK) spare_write(lane->run);
  if (status != OK) error_release(err);
  return OK;
}

/* Whether the commit is put off for one turn: those whom the loop wakes meanwhile share it. Only while
 * each turn brings some, and not for long. */
static bool gathers(struct engine *g) {
  enum { GATHER = 10000 };
  bool more = g->waiting_count > g->waiting_seen && g->waiting_count < g->lanes;
  g->waiting_seen = g->waiting_count;
  return more && !g->config.clock->is_virtual && clock_mono(g->config.clock) - g->waiting_since < GATHER;
}

/* Commits for those who wait, and what has been lying around for a while. */
static int64_t commit_turn(struct engine *g) {
  enum { LINGER = 20000 };
  if (!g->pending_since && !g->waiting) return CLOCK_NEVER;
  int64_t age = clock_mono(g->config.clock) - g->pending_since;
  if (!g->waiting && age < LINGER && !g->config.clock->is_virtual) return LINGER - age;
  if (g->waiting && !g->journal_lost && gathers(g)) return 0;
  struct error err = {0};
  if (!g->journal_lost && journal_pending(g->config.journal) && engine_commit(g, &err) != OK)
    error_release(&err); /* kept in journal_error; the next event of each run meets it */
  g->pending_since = 0;
  g->waiting_count = g->waiting_seen = 0;
  while (g->waiting) {
    struct sync_wait *w = g->waiting;
    g->waiting = w->next;
    w->done = true;
    task_wake(w->task);
  }
  return CLOCK_NEVER;
}

int64_t engine_turn(void *ud) {
  struct engine *g = ud;
  const struct observer *o = g->config.observer;
  if (o && o->turn) o->turn(o->ud); /* a plan has none */
  int64_t commit = commit_turn(g), look = watch_turn(g);
  return commit < look ? commit : look;
}
