/* The book of a batch: what is known of each of its items, by key. Filled from the journal when the
 * run was interrupted, and kept by the step from one attempt to the next. */
#include "fanout.h"

#include "codec.h"
#include "digest.h"

/* --- keys --- */

value item_who(const struct action *a, value item, const struct symtab *syms) {
  value who;
  bool found = a->by && (item.tag == V_RECORD || item.tag == V_HASH) &&
               dict_find(value_dict(item), syms, value_symbol(a->by), &who);
  return found ? who : item;
}

void item_key(const char *action_key, const char *to, uint32_t occurrence, uint8_t out[32]) {
  struct buf b = BUF_INIT;
  buf_adds(&b, action_key);
  buf_addc(&b, 0);
  buf_adds(&b, to);
  buf_addf(&b, "%c%u", 0, occurrence);
  sha256_of(b.data, b.len, out);
  buf_release(&b);
}

/* --- entries --- */

static uint32_t *place_of(const struct book *b, const uint8_t key[32]) {
  uint64_t hash;
  memcpy(&hash, key, sizeof hash);
  for (size_t i = (size_t)hash;; i++) {
    uint32_t *at = &b->index[i & (b->places - 1)];
    if (!*at || memcmp(b->entries[*at - 1].key, key, 32) == 0) return at;
  }
}

static void reindex(struct book *b) {
  mem_free(b->index);
  b->places = b->places ? 2 * b->places : 64;
  b->index = mem_array(b->places, sizeof *b->index);
  for (size_t i = 0; i < b->count; i++)
    *place_of(b, b->entries[i].key) = (uint32_t)i + 1;
}

uint32_t book_entry(struct book *b, const uint8_t key[32]) {
  if (2 * b->count >= b->places) reindex(b);
  uint32_t *at = place_of(b, key);
  if (!*at) {
    b->entries = mem_grow(b->entries, b->count, &b->cap, sizeof *b->entries);
    struct entry *e = &b->entries[b->count++];
    *e = (struct entry){0};
    memcpy(e->key, key, sizeof e->key);
    *at = (uint32_t)b->count;
  }
  return *at - 1;
}

void book_set(struct book *b, uint32_t entry, enum item_state state, const char *kind,
              const char *reason) {
  struct entry *e = &b->entries[entry];
  mem_free(e->kind);
  mem_free(e->reason);
  e->state = (uint8_t)state;
  e->kind = kind ? mem_strdup(kind) : NULL;
  e->reason = reason ? mem_strdup(reason) : NULL;
}

void book_free(struct book *b) {
  for (size_t i = 0; i < b->count; i++) {
    mem_free(b->entries[i].kind);
    mem_free(b->entries[i].reason);
  }
  mem_free(b->entries);
  mem_free(b->index);
  mem_free(b);
}

void books_free(struct book *b) {
  while (b) {
    struct book *next = b->next;
    book_free(b);
    b = next;
  }
}

/* --- from the journal --- */

struct reading {
  struct book *book;
  const struct history *h;
  struct symtab *syms;
  struct dict *numbers; /* number: entry, of the latest intents */
};

static bool member(value item, const char *name, value *out) {
  value key = value_cstr(name);
  bool found = item.tag == V_HASH && dict_get(value_dict(item), key, out);
  value_unref(key);
  return found;
}

static const char *text_member(value item, const char *name) {
  value v;
  return member(item, name, &v) && v.tag == V_STRING ? value_str(v)->s : NULL;
}

/* An item is named by its key where it is met first, and by its number from there on. */
static bool entry_of(struct reading *r, value item, uint32_t *out) {
  uint8_t key[32];
  value n, entry;
  const char *hex = text_member(item, "key");
  if (!member(item, "n", &n) || n.tag != V_INT) return false;
  if (hex) {
    if (!hex_read(hex, sizeof key, key)) return false;
    *out = book_entry(r->book, key);
    dict_set(r->numbers, n, value_int(*out));
    return true;
  }
  if (!dict_get(r->numbers, n, &entry)) return false;
  *out = (uint32_t)entry.u.i;
  return true;
}

static enum item_state state_of(const char *as) {
  static const char *const words[] = {[ITEM_FAILED] = "failed", [ITEM_UNSURE] = "unsure",
                                      [ITEM_SENT] = "sent", [ITEM_REFUSED] = "refused"};
  for (size_t i = 0; as && i < sizeof words / sizeof *words; i++)
    if (words[i] && strcmp(as, words[i]) == 0) return (enum item_state)i;
  return ITEM_OPEN;
}

/* intent: when it was recorded; 0: this is an outcome. */
static void item_read(struct reading *r, value item, int64_t intent) {
  uint32_t entry;
  value at;
  if (!entry_of(r, item, &entry)) return;
  enum item_state state = intent ? ITEM_OPEN : state_of(text_member(item, "as"));
  book_set(r->book, entry, state, text_member(item, "kind"), text_member(item, "reason"));
  if (intent) r->book->entries[entry].begun = intent;
  if (member(item, "at_us", &at) && at.tag == V_INT && at.u.i > r->book->last_us)
    r->book->last_us = at.u.i;
}

static enum status items_read(struct reading *r, uint32_t event, struct error *err) {
  value items;
  const struct past *e = &r->h->events[event];
  int64_t intent = e->kind == EVENT_ITEMS_STARTED ? e->time_us : 0;
  enum status status = past_value(r->h, event, "items", r->syms, &items, err);
  if (status != OK) return status;
  for (size_t i = 0; items.tag == V_ARRAY && i < value_array(items)->count; i++)
    item_read(r, value_array(items)->items[i], intent);
  value_unref(items);
  return OK;
}

/* An operator says that what nobody knows of was not sent. */
static void cleared(struct book *b) {
  for (size_t i = 0; i < b->count; i++)
    if (b->entries[i].state == ITEM_OPEN || b->entries[i].state == ITEM_UNSURE)
      book_set(b, (uint32_t)i, ITEM_FAILED, NULL, NULL);
}

/* What was begun and has no outcome, and what nobody knew of before, may have been sent. */
static void doubts_mark(struct book *b) {
  for (size_t i = 0; i < b->count; i++)
    b->entries[i].doubt = b->entries[i].state == ITEM_OPEN || b->entries[i].state == ITEM_UNSURE;
}

static enum status book_read(struct book *b, const struct action_run *c, struct error *err) {
  const struct history *h = c->lane->run->history;
  const struct step_past *p = history_step(h, c->lane->at ? c->lane->at->id : "");
  struct reading r = {.book = b, .h = h, .syms = c->lane->run->program->syms, .numbers = dict_new()};
  char batch[17];
  enum status status = OK;
  snprintf(batch, sizeof batch, "%.16s", c->key);
  for (uint32_t e = p ? p->first : 0; e && status == OK; e = h->events[e].next) {
    enum event_kind kind = h->events[e].kind;
    if (kind == EVENT_ITEMS_STARTED || kind == EVENT_ITEMS_FINISHED) {
      if (past_is(h, e, "batch", batch)) status = items_read(&r, e, err);
    } else if (kind == EVENT_ACTION_SETTLED && past_is(h, e, "key", c->key) &&
               past_is(h, e, "as", "not_done")) {
      cleared(b);
    }
  }
  doubts_mark(b);
  dict_free(r.numbers);
  return status;
}

enum status book_open(struct action_run *c, struct book **out, struct error *err) {
  struct step_run *s = c->lane->at;
  for (struct book *b = s ? s->books : NULL; b; b = b->next)
    if (strcmp(b->key, c->key) == 0) return *out = b, OK;
  struct book *b = mem_zalloc(sizeof *b);
  memcpy(b->key, c->key, sizeof b->key);
  enum status status = c->lane->run->history ? book_read(b, c, err) : OK;
  if (status != OK) {
    book_free(b);
    return status;
  }
  if (s) b->next = s->books, s->books = b;
  *out = b;
  return OK;
}
