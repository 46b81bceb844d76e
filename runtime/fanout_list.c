/* A batch before anything is sent: whether it may be begun at all, its items and their keys, who is
 * refused unsent, and its schedule. */
#include "fanout.h"

#include "../lang/limits.h"
#include "codec.h"
#include "text.h"

/* --- before it begins --- */

int64_t fanout_ceiling(value setting) {
  value v;
  bool set = setting.tag == V_RECORD && record_get(setting, W_ceiling, &v) && v.tag == V_INT;
  return set ? v.u.i : LIMIT_ITEMS;
}

static size_t index_of(const struct action *a, const struct field *f) {
  return (size_t)(f - a->takes);
}

static enum status refuse(const struct action_run *c, struct error *err) {
  struct buf b = BUF_INIT;
  action_text(c, &b);
  buf_addf(&b, ": %s", err->message);
  error_set(err, ERR_FAILED, "%s", buf_str(&b));
  error_kind(err, "validation");
  buf_release(&b);
  return ERR_FAILED;
}

static enum status too_many(struct action_run *c, size_t count, int64_t ceiling, struct error *err) {
  struct buf have = BUF_INIT, most = BUF_INIT;
  count_text((int64_t)count, &have);
  count_text(ceiling, &most);
  error_set(err, ERR_FAILED, "%s items, and at most %s may be sent; nothing was sent",
            buf_str(&have), buf_str(&most));
  buf_release(&have);
  buf_release(&most);
  enum status status = refuse(c, err);
  error_help(err, "send fewer, or let the site's connect say ceiling: for this binding");
  return status;
}

enum status fanout_check(struct action_run *c, struct error *err) {
  const struct action *a = c->action;
  const struct list *list = value_array(c->args[index_of(a, a->each)]);
  struct driver_call call;
  enum status status = action_driver_call(c, &call, err);
  if (status != OK) return status;
  int64_t ceiling = fanout_ceiling(call.setting);
  if (ceiling < 0 || list->count > (uint64_t)ceiling) return too_many(c, list->count, ceiling, err);
  for (size_t i = 0; i < list->count; i++)
    if (value_has_secret(list->items[i])) {
      error_set(err, ERR_FAILED, "item %zu holds a secret: the journal could not say who it is", i);
      return refuse(c, err);
    }
  value rate = a->rate ? c->args[index_of(a, a->rate)] : VALUE_NIL;
  if (rate.tag != V_INT || rate.u.i >= 1) return OK;
  error_set(err, ERR_FAILED, "%s is %lld: nothing would ever be sent",
            sym_text(c->lane->run->program->syms, a->rate->name), (long long)rate.u.i);
  return refuse(c, err);
}

/* --- the list --- */

/* One mailbox is written in large and small letters: who is compared, not how. */
static value same_who(const char *s, size_t len) {
  struct buf b = BUF_INIT;
  buf_add(&b, s, len);
  bool mailbox = memchr(s, '@', len) != NULL;
  for (size_t i = 0; mailbox && i < b.len; i++)
    if (b.data[i] >= 'A' && b.data[i] <= 'Z') b.data[i] |= 0x20;
  value v = value_string(b.data, b.len);
  buf_release(&b);
  return v;
}

static void items_make(struct fanout *f) {
  const struct symtab *syms = f->call->lane->run->program->syms;
  struct dict *seen = dict_new();
  f->items = mem_array(f->count + 1, sizeof *f->items);
  for (size_t i = 0; i < f->count; i++) {
    struct buf to = BUF_INIT;
    uint8_t key[32];
    value who, before = value_int(0);
    json_write(item_who(f->call->action, f->list->items[i], syms), syms, true, &to);
    who = same_who(to.data, to.len);
    (void)dict_get(seen, who, &before);
    item_key(f->call->key, buf_str(&to), (uint32_t)before.u.i, key);
    dict_set(seen, who, value_int(before.u.i + 1));
    f->items[i].to = buf_take(&to);
    f->items[i].entry = book_entry(f->book, key);
    if (before.u.i && fanout_entry(f, i)->state == ITEM_NEW)
      book_set(f->book, f->items[i].entry, ITEM_REFUSED, "duplicate", NULL);
  }
  dict_free(seen);
}

static bool same_text(value a, value b) {
  if (a.tag != V_STRING || b.tag != V_STRING) return false;
  struct text s = value_text(a, NULL), t = value_text(b, NULL);
  value x = same_who(s.s, s.len), y = same_who(t.s, t.len);
  bool same = value_equal(x, y, NULL);
  value_unref(x);
  value_unref(y);
  return same;
}

/* Whether the site lets this one through; without a setting it does. */
static bool in_sandbox(const struct fanout *f, value sandbox, size_t item) {
  const struct symtab *syms = f->call->lane->run->program->syms;
  value who = item_who(f->call->action, f->list->items[item], syms);
  const struct list *l = value_array(sandbox);
  bool found = false;
  for (size_t i = 0; !found && i < l->count; i++)
    found = value_equal(l->items[i], who, syms) || same_text(l->items[i], who);
  return found;
}

/* What is refused before anything is sent: a recipient that stands in the list before, and one that
 * a sandbox leaves out. */
enum status fanout_sift(struct fanout *f, value setting, struct error *err) {
  uint32_t *out = mem_array(f->count + 1, sizeof *out);
  size_t count = 0;
  value sandbox;
  bool boxed = setting.tag == V_RECORD && record_get(setting, W_sandbox, &sandbox) &&
               sandbox.tag == V_ARRAY && value_array(sandbox)->count > 0;
  for (size_t i = 0; i < f->count; i++) {
    struct entry *e = fanout_entry(f, i);
    bool twice = e->state == ITEM_REFUSED && !e->reason;
    if (!twice && !(e->state <= ITEM_FAILED && boxed && !in_sandbox(f, sandbox, i))) continue;
    book_set(f->book, f->items[i].entry, ITEM_REFUSED, twice ? "duplicate" : "sandbox",
             twice ? "it stands in the list before" : "it is not on the sandbox list");
    out[count++] = (uint32_t)i;
  }
  for (size_t i = 0; i < f->count; i++)
    fanout_count(f, fanout_entry(f, i)->state, 1);
  enum status status = record_refused(f, out, count, err);
  mem_free(out);
  return status;
}

void fanout_schedule(struct fanout *f) {
  const struct action *a = f->call->action;
  value rate = a->rate ? f->call->args[index_of(a, a->rate)] : VALUE_NIL;
  int64_t now = clock_mono(f->clock);
  f->per_second = rate.tag == V_INT ? rate.u.i : 0;
  f->started = f->mark_at = f->before_at = f->told_at = f->base = now;
  f->pause_until = now;
  if (!f->per_second || !f->book->last_us) return;
  /* What was sent before the run was interrupted counts. */
  int64_t next = clock_add(run_mono(f->call->lane->run, f->book->last_us), US_SECOND / f->per_second);
  if (next > now) f->base = next;
}

enum status fanout_open(struct fanout *f, struct action_run *c, value *setting, struct error *err) {
  const struct action *a = c->action;
  const struct engine *g = c->lane->run->engine;
  struct driver_call call;
  *f = (struct fanout){.call = c,
                       .tasks = g->tasks,
                       .clock = g->config.clock,
                       .task = task_current(g->tasks),
                       .each = index_of(a, a->each),
                       .heedful = true};
  f->ended_end = &f->ended;
  f->list = value_array(c->args[f->each]);
  f->count = f->list->count;
  snprintf(f->batch, sizeof f->batch, "%.16s", c->key);
  f->slots = mem_array(a->at_once, sizeof *f->slots);
  enum status status = action_driver_call(c, &call, err);
  if (status == OK) status = book_open(c, &f->book, err);
  if (status != OK) return status;
  *setting = call.setting;
  f->ceiling = fanout_ceiling(call.setting);
  f->again = f->book->count > 0;
  items_make(f);
  return OK;
}

void fanout_close(struct fanout *f) {
  if (f->book && !f->call->lane->at) book_free(f->book);
  for (size_t i = 0; f->items && i < f->count; i++)
    mem_free(f->items[i].to);
  while (f->ended) {
    struct send *s = f->ended;
    f->ended = s->next;
    send_release(s);
    mem_free(s);
  }
  mem_free(f->items);
  mem_free(f->slots);
  mem_free(f->ready);
  mem_free(f->later);
  buf_release(&f->pause);
  buf_release(&f->held_why);
  error_release(&f->problem);
}
