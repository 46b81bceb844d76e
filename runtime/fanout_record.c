/* What the journal and people are told of a batch, and the result that the runbook gets. */
#include "fanout.h"

#include "codec.h"
#include "digest.h"

enum { CHUNK = 256 << 10 }; /* bytes of items in one event */

static const struct symtab *syms_of(const struct fanout *f) {
  return f->call->lane->run->program->syms;
}

static void put_name(struct buf *b, const char *name) {
  buf_addf(b, ",\"%s\":", name);
}

static void put_text(struct buf *b, const char *name, const char *text) {
  if (!text) return;
  put_name(b, name);
  json_text(b, text, strlen(text));
}

/* A value of the driver's; one that is too large for a list of them is left out, and says so. */
static void put_value(const struct fanout *f, struct buf *b, const char *name, value v) {
  struct buf json = {.max = CHUNK / 4};
  json_write(v, syms_of(f), true, &json);
  put_name(b, name);
  if (json.overflow) buf_addf(b, "{\"$omitted\":\"%s\"}", value_type_name(v));
  else buf_add(b, buf_str(&json), json.len);
  buf_release(&json);
}

/* By its place in the list, and by its key where it is met first: another attempt's list may differ. */
static void put_item(const struct fanout *f, struct buf *b, uint32_t item) {
  const char *to = f->items[item].to;
  buf_addf(b, "%s{\"n\":%u,\"to\":", b->len > 1 ? "," : "", item);
  buf_adds(b, strlen(to) <= CHUNK / 4 ? to : "{\"$omitted\":\"value\"}");
  if (f->items[item].named) return;
  f->items[item].named = true;
  char key[65];
  hex_write(f->book->entries[f->items[item].entry].key, 32, key);
  buf_addf(b, ",\"key\":\"%s\"", key);
}

/* --- events --- */

static void record_head(const struct fanout *f, struct record *r) {
  const struct step_run *s = f->call->lane->at;
  record_int(r, "call", f->call->ordinal);
  if (s && s->rolling_back) record_bool(r, "rollback", true);
  record_text(r, "batch", f->batch);
}

static void record_counts(const struct fanout *f, struct record *r) {
  record_int(r, "total", (int64_t)f->count);
  record_int(r, "done", fanout_done(f));
  record_int(r, "sent", f->sent);
  record_int(r, "refused", f->refused);
  record_int(r, "unsure", f->unsure);
}

enum status record_batch(struct fanout *f, struct error *err) {
  struct record r = {0};
  record_head(f, &r);
  record_counts(f, &r);
  if (f->per_second) record_int(&r, "per_second", f->per_second);
  record_int(&r, "at_once", f->call->action->at_once);
  record_int(&r, "ceiling", f->ceiling);
  return run_record(f->call->lane, EVENT_NAME(BATCH_STARTED), &r, err);
}

enum status record_paused(struct fanout *f, struct error *err) {
  struct record r = {0};
  int64_t left = f->pause_until - clock_mono(f->clock);
  record_head(f, &r);
  record_text(&r, "reason", buf_str(&f->pause));
  if (!f->holding) record_int(&r, "until_us", clock_add(clock_wall(f->clock), left));
  record_counts(f, &r);
  return run_record(f->call->lane, EVENT_NAME(BATCH_PAUSED), &r, err);
}

static enum status record_items(struct fanout *f, const char *kind, struct buf *items,
                                struct error *err) {
  struct record r = {0};
  buf_addc(items, ']');
  record_head(f, &r);
  record_raw(&r, "items", buf_str(items));
  if (kind == EVENT_NAME(ITEMS_FINISHED)) record_counts(f, &r);
  buf_clear(items);
  return run_record(f->call->lane, kind, &r, err);
}

/* Begins a list where none is, or ends it when it is long enough. */
static enum status room_for_one(struct fanout *f, const char *kind, struct buf *items,
                                struct error *err) {
  enum status status = items->len > CHUNK ? record_items(f, kind, items, err) : OK;
  if (!items->len) buf_addc(items, '[');
  return status;
}

enum status record_reserved(struct fanout *f, size_t from, struct error *err) {
  struct buf items = BUF_INIT;
  enum status status = OK;
  for (size_t i = from; status == OK && i < f->ready_count; i++) {
    uint32_t item = f->ready[i];
    status = room_for_one(f, EVENT_NAME(ITEMS_STARTED), &items, err);
    put_item(f, &items, item);
    buf_addc(&items, '}');
  }
  if (status == OK && items.len) status = record_items(f, EVENT_NAME(ITEMS_STARTED), &items, err);
  buf_release(&items);
  return status;
}

static const char *const as_words[] = {[ITEM_FAILED] = "failed",
                                       [ITEM_UNSURE] = "unsure",
                                       [ITEM_SENT] = "sent",
                                       [ITEM_REFUSED] = "refused"};

/* What the driver wants kept: `id` and `state` by themselves, all of it when there is more. */
static void put_answer(const struct fanout *f, struct buf *b, value answer) {
  static const struct {
    sym word;
    const char *name;
  } known[] = {{W_id, "id"}, {W_state, "state"}};
  size_t found = 0;
  value v;
  if (answer.tag != V_HASH && answer.tag != V_RECORD) return;
  for (size_t i = 0; i < 2; i++) {
    if (!dict_find(value_dict(answer), syms_of(f), value_symbol(known[i].word), &v)) continue;
    found++;
    if (v.tag != V_NIL) put_value(f, b, known[i].name, v);
  }
  if (found < dict_count(value_dict(answer))) put_value(f, b, "answer", answer);
}

static void put_outcome(const struct fanout *f, struct buf *b, const struct send *s) {
  put_item(f, b, s->item);
  put_text(b, "as", as_words[s->state]);
  if (s->state == ITEM_SENT) {
    put_answer(f, b, s->answer);
  } else {
    put_text(b, "kind", s->err.kind[0] ? s->err.kind : "error");
    put_text(b, "reason", s->err.message);
  }
  if (s->probed) put_text(b, "by", "probe");
  if (s->at_us) buf_addf(b, ",\"at_us\":%lld,\"took_us\":%lld", (long long)s->at_us, (long long)s->took_us);
  if (s->tries > 1) buf_addf(b, ",\"tries\":%u", s->tries);
  buf_addc(b, '}');
}

enum status record_ended(struct fanout *f, struct error *err) {
  struct buf items = BUF_INIT;
  enum status status = OK;
  for (const struct send *s = f->ended; status == OK && s; s = s->next) {
    status = room_for_one(f, EVENT_NAME(ITEMS_FINISHED), &items, err);
    put_outcome(f, &items, s);
  }
  if (status == OK && items.len) status = record_items(f, EVENT_NAME(ITEMS_FINISHED), &items, err);
  while (status == OK && f->ended) {
    struct send *s = f->ended;
    f->ended = s->next;
    send_release(s);
    mem_free(s);
  }
  if (!f->ended) f->ended_end = &f->ended, f->ended_since = 0;
  buf_release(&items);
  return status;
}

enum status record_refused(struct fanout *f, const uint32_t *list, size_t count,
                           struct error *err) {
  struct buf items = BUF_INIT;
  enum status status = OK;
  for (size_t i = 0; status == OK && i < count; i++) {
    const struct entry *e = &f->book->entries[f->items[list[i]].entry];
    status = room_for_one(f, EVENT_NAME(ITEMS_FINISHED), &items, err);
    put_item(f, &items, list[i]);
    put_text(&items, "as", as_words[ITEM_REFUSED]);
    put_text(&items, "kind", e->kind);
    put_text(&items, "reason", e->reason);
    buf_addc(&items, '}');
  }
  if (status == OK && items.len) status = record_items(f, EVENT_NAME(ITEMS_FINISHED), &items, err);
  buf_release(&items);
  return status;
}

/* --- the result --- */

static value who(const struct fanout *f, size_t i) {
  return value_ref(item_who(f->call->action, f->list->items[i], syms_of(f)));
}

static value refused_value(const struct fanout *f, size_t i, const struct entry *e) {
  struct dict *d = dict_new();
  const char *kind = e->kind ? e->kind : "refused";
  dict_set(d, value_symbol(W_to), who(f, i));
  dict_set(d, value_symbol(W_kind),
           value_symbol(sym_intern(f->call->lane->run->program->syms, kind, strlen(kind))));
  dict_set(d, value_symbol(W_reason), value_cstr(e->reason ? e->reason : ""));
  return value_record(d);
}

static value items_value(const struct fanout *f, enum item_state state) {
  struct list *l = list_new(8);
  for (size_t i = 0; i < f->count; i++) {
    const struct entry *e = &f->book->entries[f->items[i].entry];
    if (e->state != state) continue;
    list_push(l, state == ITEM_REFUSED ? refused_value(f, i, e) : who(f, i));
  }
  return value_list(l);
}

static value result_field(const struct fanout *f, sym name) {
  switch (name) {
  case W_id:
    return value_cstr(f->batch);
  case W_total:
    return value_int((int64_t)f->count);
  case W_sent:
    return value_int(f->sent);
  case W_refused:
    return items_value(f, ITEM_REFUSED);
  default:
    return items_value(f, ITEM_UNSURE);
  }
}

value fanout_result(const struct fanout *f) {
  const struct action *a = f->call->action;
  if (!a->give_count) return VALUE_NIL;
  struct dict *d = dict_new();
  for (size_t i = 0; i < a->give_count; i++)
    dict_set(d, value_symbol(a->gives[i].name), result_field(f, a->gives[i].name));
  return value_record(d);
}

/* --- people --- */

/* Over the last ten to twenty seconds, so that it neither jumps nor sticks. */
static void pace(struct fanout *f, int64_t now) {
  enum { SPAN = 10 * 1000000 };
  struct progress *p = &f->progress;
  int64_t done = p->done;
  if (now - f->mark_at >= SPAN) {
    f->before_at = f->mark_at, f->before_done = f->mark_done;
    f->mark_at = now, f->mark_done = done;
  }
  int64_t us = now - f->before_at, n = done - f->before_done;
  p->per_minute = us > 0 ? n * 60 * US_SECOND / us : 0;
  p->left_us = -1;
  if (n > 0 && us > 0) p->left_us = (int64_t)((double)(p->total - done) * (double)us / (double)n);
}

/* Less than nineteen of twenty, and by more than a second: the driver or the machine does not give what was asked
 * for. What was paused is no part of it. */
static void rate_told(const struct fanout *f, struct progress *p) {
  if (!f->per_second || f->taken <= 0 || f->late <= US_SECOND) return;
  int64_t due = f->taken * US_SECOND / f->per_second;
  if (f->late * 19 <= due) return;
  p->asked = f->per_second;
  p->reached = (int64_t)((double)f->taken * 60 * US_SECOND / (double)(due + f->late));
}

void fanout_progress(struct fanout *f, bool last) {
  enum { OFTEN = 100000 };
  struct progress *p = &f->progress;
  int64_t now = clock_mono(f->clock), since = now - f->started;
  if (!last && now - f->told_at < OFTEN) return;
  f->told_at = now;
  *p = (struct progress){.total = (int64_t)f->count,
                         .done = fanout_done(f),
                         .sent = f->sent,
                         .refused = f->refused,
                         .unsure = f->unsure,
                         .minute = since / US_MINUTE > f->minute,
                         .last = last};
  f->minute = since / US_MINUTE;
  pace(f, now);
  if (last) rate_told(f, p);
  f->call->progress = *p;
  struct buf name = BUF_INIT;
  action_text(f->call, &name);
  run_notice(f->call->lane, &(struct notice){.kind = NOTICE_PROGRESS,
                                             .text = buf_str(&name),
                                             .id = f->batch,
                                             .us = since,
                                             .progress = p});
  buf_release(&name);
}
