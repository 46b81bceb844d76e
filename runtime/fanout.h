/* Actions for each item of a list (`each:`): a batch, carried out item by item with a cursor in the
 * journal.
 *
 * The intent of an item (items.started) is on disk before it is sent; several go into one commit,
 * together with the outcomes (items.finished) of those before. The book of a batch says what is known
 * of every item, by the item's own key: a further attempt, and a run that is resumed, go on from
 * there. Private to the engine. */
#ifndef STEPWISE_FANOUT_H
#define STEPWISE_FANOUT_H

#include "action.h"

/* What is known of an item. Those from ITEM_SENT on are not sent any more. */
enum item_state {
  ITEM_NEW,    /* nothing, or that it was not sent */
  ITEM_FAILED, /* it was tried, and was not sent */
  ITEM_OPEN,   /* an intent without an outcome */
  ITEM_UNSURE, /* nobody knows; final where it may not be repeated */
  ITEM_SENT,
  ITEM_REFUSED
};

/* One item in the book. */
struct entry {
  uint8_t key[32];
  uint8_t state;
  bool doubt;          /* an earlier try may have sent it */
  int64_t begun;       /* when its latest intent was recorded, wall time, or 0 */
  char *kind, *reason; /* of a refusal; owned or NULL */
};

struct book {
  char key[65]; /* of the action */
  struct entry *entries;
  size_t count, cap;
  uint32_t *index; /* numbers from 1, by key */
  size_t places;
  int64_t last_us; /* wall time at which an item was sent last, or 0 */
  struct book *next;
};

/* One item of the list. */
struct item_run {
  char *to;       /* owned: who it is, as tagged JSON; what tells it from the others */
  uint32_t entry; /* in the book */
  bool named;     /* the journal has its key beside its place in this list */
};

struct send;
struct fanout {
  struct action_run *call;
  struct tasks *tasks;
  struct clock *clock;
  struct task *task; /* that carries the batch */
  struct book *book;
  const struct list *list;
  size_t each; /* which parameter the list is */
  struct item_run *items;
  size_t count, next; /* next: the first that is not reserved */
  char batch[17];
  uint32_t *later; /* held back by the binding's admit: items, from later_head on */
  size_t later_head, later_count, later_cap;
  uint32_t held_back; /* how many in a row */
  bool heedful;       /* the binding is asked before an intent is recorded: nothing shows that it lets any through */
  uint32_t *ready; /* reserved and not sent yet: items, from ready_head on */
  size_t ready_head, ready_count, ready_cap;
  struct send **slots; /* under way: at_once places */
  struct send *over;   /* ended and not joined */
  uint32_t in_flight;  /* slots that are taken */
  struct send *ended, **ended_end; /* joined, whose outcome is not recorded */
  int64_t ended_since;             /* the first of them; 0: none */
  int64_t per_second;              /* 0: as fast as it goes */
  int64_t base, base_count;        /* the schedule: from when on, how many since */
  int64_t taken, late;             /* places taken; by how much they were late in all, us */
  int64_t pause_until;             /* nothing is sent before; clock_mono */
  bool paused;                     /* and people are to be told: pause holds why */
  bool holding;                    /* by the binding, until it says otherwise; each reason is told once */
  bool unheeded;                   /* all were held back, and what is `first:` was not done since */
  struct buf held_why;             /* what it said last of that; empty: nothing */
  struct buf pause;
  int64_t sent, refused, unsure; /* of the items of the list */
  int64_t ceiling;
  struct error problem; /* what stops it; status OK: nothing does */
  size_t problem_item;  /* SIZE_MAX: it is none of an item */
  struct task *heed;    /* does what is `first:` again every so often; or NULL */
  int64_t every;
  uint32_t heed_failed; /* how often in a row */
  bool again; /* the book was not empty */
  struct progress progress;
  int64_t started, told_at, mark_at, mark_done, before_at, before_done, minute;
};

/* One item on its way, in a task of its own. */
struct send {
  struct fanout *f;
  struct task *task;
  struct send *next;
  uint32_t slot;
  uint32_t item;
  struct action_run call; /* of the item: its arguments, its key */
  value *args;            /* owned */
  uint32_t tries;
  enum item_state state; /* out */
  value answer;          /* out: what the driver gave; owned */
  struct error err;      /* out */
  int64_t at_us, took_us; /* when it was sent last, wall time; how long that took */
  bool probed;  /* and the driver knew */
  bool held;    /* the binding says :wait; nothing was tried */
  bool turned;  /* the binding refused it; nothing was tried */
};

static inline struct entry *fanout_entry(const struct fanout *f, size_t item) {
  return &f->book->entries[f->items[item].entry];
}
static inline bool fanout_once(const struct fanout *f) {
  return f->call->perform->repeat == REPEAT_UNSAFE;
}

/* --- fanout.c --- */

enum status fanout_perform(struct action_run *c, value *out, struct error *err) must_use;
/* A batch that was under way when its run was interrupted, and is not to go on: what came of it so
 * far is its result. "in_doubt" when nobody knows of an item and the result cannot say so. */
enum status fanout_stop(struct action_run *c, value *out, struct error *err) must_use;
int64_t fanout_done(const struct fanout *f); /* items that are not sent any more */
void fanout_count(struct fanout *f, enum item_state state, int by);

/* --- fanout_list.c --- */

/* Before the intent: what keeps the whole batch from being begun, as too many items. */
enum status fanout_check(struct action_run *c, struct error *err) must_use;
/* How many may be sent, by the setting `ceiling` or the limit. */
int64_t fanout_ceiling(value setting);
/* The list and what is known of it. Close in either case. */
enum status fanout_open(struct fanout *f, struct action_run *c, value *setting,
                        struct error *err) must_use;
void fanout_close(struct fanout *f);
/* Counts the items; who is refused before anything is sent is recorded. */
enum status fanout_sift(struct fanout *f, value setting, struct error *err) must_use;
void fanout_schedule(struct fanout *f); /* from now on, with what was sent before */

/* --- fanout_first.c --- */

/* What the action names as `first:`, unless nothing is left to send. */
enum status fanout_first(struct fanout *f, struct error *err) must_use;
/* Once more, when what was held back is let go: who opted out meanwhile is known before anybody is written
 * to. False: not yet, or it is the batch's problem now. */
bool fanout_let_go(struct fanout *f);
/* From now on it is done again as often as `every:` says; until fanout_heed_end, which waits for one
 * that is under way. What may not pass, or does not, becomes the batch's problem. */
enum status fanout_heed(struct fanout *f, struct error *err) must_use;
void fanout_heed_end(struct fanout *f);

/* --- fanout_item.c --- */

void item_main(void *send); /* the task of one item */
/* When the next may be sent: its place in the schedule is taken. */
int64_t rate_take(struct fanout *f);
int64_t rate_due(const struct fanout *f); /* the same, without taking it */
void rate_give(struct fanout *f);         /* a place is given back: nothing was sent in it */
enum status item_probe(struct fanout *f, size_t item, struct send *out, struct error *err) must_use;
/* Whether the binding lets it be sent; else state, err and held say why not. */
bool item_admitted(struct send *s);
/* Nothing of the batch is sent before. until: clock_mono. */
void pause_all(struct fanout *f, int64_t until, const char *why);
/* The same, when the binding said :wait of all: it is asked again then. */
void hold_all(struct fanout *f, int64_t until);
void send_begin(struct fanout *f, size_t item, struct send *s);
void send_release(struct send *s);

/* --- fanout_book.c --- */

/* That of the call: of an earlier attempt, of the journal, or a new one. Owned by the step; by the
 * caller where there is none. */
enum status book_open(struct action_run *c, struct book **out, struct error *err) must_use;
void book_free(struct book *b);
void books_free(struct book *b); /* a chain */
uint32_t book_entry(struct book *b, const uint8_t key[32]);
void book_set(struct book *b, uint32_t entry, enum item_state state, const char *kind,
              const char *reason);
/* Who the item is: itself, or of a hash the field of `by:`. Borrowed. */
value item_who(const struct action *a, value item, const struct symtab *syms);
/* H(the action's key, who the item is, how often it came before in the list). */
void item_key(const char *action_key, const char *to, uint32_t occurrence, uint8_t out[32]);

/* --- fanout_record.c --- */

enum status record_batch(struct fanout *f, struct error *err) must_use;
enum status record_reserved(struct fanout *f, size_t from, struct error *err) must_use;
/* Of those that ended; and, before the first is sent, of items that are refused unsent. */
enum status record_ended(struct fanout *f, struct error *err) must_use;
enum status record_refused(struct fanout *f, const uint32_t *items, size_t count,
                           struct error *err) must_use;
enum status record_paused(struct fanout *f, struct error *err) must_use;
value fanout_result(const struct fanout *f); /* owned */
void fanout_progress(struct fanout *f, bool last);

#endif
