/* What a drill is made of: what it was asked to do, the place where its drivers keep things, and what
 * the journal has of it. */
#include "drill_inner.h"

#include <stdlib.h>

#include "codec.h"
#include "family.h"
#include "peek.h"

struct drill *drill_new(void) {
  struct drill *d = mem_zalloc(sizeof *d);
  d->refs = 1;
  return d;
}

struct drill *drill_ref(struct drill *d) {
  if (d) d->refs++;
  return d;
}

void drill_unref(struct drill *d) {
  if (!d || --d->refs) return;
  for (size_t i = 0; i < d->fail_count; i++) {
    mem_free(d->fails[i].words);
    mem_free(d->fails[i].binding);
  }
  for (size_t i = 0; i < d->set_count; i++) {
    mem_free(d->sets[i].words);
    mem_free(d->sets[i].binding);
  }
  mem_free(d->fails);
  mem_free(d->sets);
  mem_free(d->counts);
  buf_release(&d->dir);
  mem_free(d);
}

void drill_home(struct drill *d, const char *state_dir, const char *run) {
  if (*d->home) return;
  snprintf(d->home, sizeof d->home, "%s", run);
  buf_addf(&d->dir, "%s/drill/%s", state_dir, run);
}

const char *drill_dir(const struct drill *d) {
  return buf_str(&d->dir);
}

/* --- what is asked of it --- */

static enum status bad_words(const char *option, const char *words, const char *want,
                             struct error *err) {
  error_set(err, ERR_VALUE, "%s '%s': %s is wanted", option, words, want);
  return ERR_VALUE;
}

/* Ends the part before the mark; NULL when there is none. */
static char *part_end(char *part, char mark) {
  char *at = part ? strchr(part, mark) : NULL;
  if (!at) return NULL;
  *at = '\0';
  return at + 1;
}

static bool is_count(const char *text, int64_t least, int64_t *out) {
  if (!text) return true;
  if (!*text || strlen(text) > 7 || text[strspn(text, "0123456789")]) return false;
  *out = strtoll(text, NULL, 10);
  return *out >= least && *out <= DRILL_CALLS_MAX;
}

struct drill_count *drill_counted(const struct drill *d, const char *binding, const char *action) {
  for (size_t i = 0; i < d->count_count; i++)
    if (strcmp(d->counts[i].binding, binding) == 0 && strcmp(d->counts[i].action, action) == 0)
      return &d->counts[i];
  return NULL;
}

/* What is said of one action follows on what was said of it before. */
static void fail_place(struct drill *d, struct drill_fail *f, int64_t count, int64_t after) {
  struct drill_count *c = drill_counted(d, f->binding, f->action);
  if (!c) {
    d->counts = mem_grow(d->counts, d->count_count, &d->count_cap, sizeof *d->counts);
    c = &d->counts[d->count_count++];
    *c = (struct drill_count){.binding = f->binding, .action = f->action};
  }
  f->from = c->last + after;
  f->to = c->last = f->from + count;
}

enum status drill_fail(struct drill *d, const char *words, struct error *err) {
  struct drill_fail f = {.binding = mem_strdup(words)};
  int64_t count = 1, after = 0;
  char *kind = part_end(f.binding, ':'), *number = part_end(kind, ':'), *passed = part_end(number, ':');
  f.action = part_end(f.binding, '.');
  enum status status = OK;
  if (!f.action || !*f.binding || !*f.action)
    status = bad_words("--drill-fail", words, "BINDING.ACTION[:KIND[:COUNT[:AFTER]]]", err);
  else if (!is_count(number, 1, &count) || !is_count(passed, 0, &after))
    status = bad_words("--drill-fail", words, "a number of calls behind the kind, and one to let pass", err);
  else status = drill_kind_find(kind ? kind : "transient", &f.kind, err);
  if (status != OK) {
    mem_free(f.binding);
    return status;
  }
  f.words = mem_strdup(words);
  fail_place(d, &f, count, after);
  d->fails = mem_grow(d->fails, d->fail_count, &d->fail_cap, sizeof *d->fails);
  d->fails[d->fail_count++] = f;
  return OK;
}

enum status drill_set(struct drill *d, const char *words, struct error *err) {
  struct drill_set s = {.binding = mem_strdup(words)};
  s.text = part_end(s.binding, '=');
  s.setting = part_end(s.binding, '.');
  bool twice = false;
  for (size_t i = 0; s.text && s.setting && i < d->set_count; i++)
    twice |= strcmp(d->sets[i].binding, s.binding) == 0 && strcmp(d->sets[i].setting, s.setting) == 0;
  if (!s.text || !s.setting || !*s.binding || !*s.setting || twice) {
    mem_free(s.binding);
    return bad_words("--drill-set", words,
                     twice ? "one value for each setting" : "BINDING.SETTING=VALUE", err);
  }
  s.words = mem_strdup(words);
  d->sets = mem_grow(d->sets, d->set_count, &d->set_cap, sizeof *d->sets);
  d->sets[d->set_count++] = s;
  return OK;
}

const char *drill_setting(const struct drill *d, const char *binding, const char *setting) {
  for (size_t i = 0; d && i < d->set_count; i++)
    if (strcmp(d->sets[i].binding, binding) == 0 && strcmp(d->sets[i].setting, setting) == 0)
      return d->sets[i].text;
  return NULL;
}

/* --- whether there is such a thing --- */

static const struct binding *binding_in(const struct program *p, const char *name) {
  for (size_t i = 0; i < p->binding_count; i++)
    if (strcmp(sym_text(p->syms, p->bindings[i]->name), name) == 0) return p->bindings[i];
  return NULL;
}

/* In the run's program, or in that of a run it begins. */
static const struct binding *binding_at(const struct lane *lane, const char *name,
                                        const struct program **in) {
  const struct family *f = lane->run->family;
  const struct binding *b = binding_in(*in = lane->run->program, name);
  for (size_t i = 0; !b && f && i < f->count; i++)
    b = binding_in(*in = f->programs[i], name);
  return b;
}

enum { NAMES_MAX = 64 };
struct known {
  const char *names[NAMES_MAX];
  size_t count;
};

static void known_add(struct known *k, const char *name) {
  if (k->count < NAMES_MAX) k->names[k->count++] = name;
}

static enum status no_such(const char *option, const char *words, const char *what,
                           const char *name, const struct known *k, struct error *err) {
  int near = name_nearest(name, k->names, k->count);
  error_set(err, ERR_VALUE, "%s '%s': no %s %s", option, words, what, name);
  if (near >= 0) {
    error_help(err, "did you mean %s?", k->names[near]);
    return ERR_VALUE;
  }
  struct buf all = BUF_INIT;
  for (size_t i = 0; i < k->count; i++)
    buf_addf(&all, "%s%s", i ? ", " : "", k->names[i]);
  if (all.len) error_help(err, "there are: %s", buf_str(&all));
  else error_help(err, "there are none");
  buf_release(&all);
  return ERR_VALUE;
}

static enum status no_binding(const struct lane *lane, const char *option, const char *words,
                              const char *name, struct error *err) {
  struct known k = {.count = 0};
  const struct program *p = lane->run->program;
  for (size_t i = 0; i < p->binding_count; i++)
    known_add(&k, sym_text(p->syms, p->bindings[i]->name));
  return no_such(option, words, "binding", name, &k, err);
}

static enum status fail_check(const struct lane *lane, const struct drill_fail *f,
                              struct error *err) {
  const struct program *p;
  const struct binding *b = binding_at(lane, f->binding, &p);
  struct known k = {.count = 0};
  struct buf what = BUF_INIT;
  if (!b) return no_binding(lane, "--drill-fail", f->words, f->binding, err);
  for (size_t i = 0; i < b->action_count; i++) {
    known_add(&k, sym_text(p->syms, b->actions[i].name));
    if (strcmp(sym_text(p->syms, b->actions[i].name), f->action) == 0) return OK;
  }
  buf_addf(&what, "action of %s", f->binding);
  enum status status = no_such("--drill-fail", f->words, buf_str(&what), f->action, &k, err);
  buf_release(&what);
  return status;
}

static enum status set_check(const struct lane *lane, const struct drill_set *s,
                             struct error *err) {
  const struct program *p;
  const struct driver *d;
  const struct binding *b = binding_at(lane, s->binding, &p);
  struct known k = {.count = 0};
  struct buf what = BUF_INIT;
  if (!b) return no_binding(lane, "--drill-set", s->words, s->binding, err);
  enum status status = drill_driver(p, b, &d, err);
  for (size_t i = 0; status == OK && i < d->setting_count; i++) {
    known_add(&k, sym_text(p->syms, d->settings[i].name));
    if (strcmp(sym_text(p->syms, d->settings[i].name), s->setting) == 0) return OK;
  }
  buf_addf(&what, "setting of %s", s->binding);
  if (status == OK) status = no_such("--drill-set", s->words, buf_str(&what), s->setting, &k, err);
  buf_release(&what);
  return status;
}

enum status drill_check(const struct lane *lane, struct error *err) {
  const struct drill *d = lane->run->drill;
  enum status status = OK;
  if (!d || lane->run->child) return OK; /* its parent has looked */
  for (size_t i = 0; status == OK && i < d->fail_count; i++)
    status = fail_check(lane, &d->fails[i], err);
  for (size_t i = 0; status == OK && i < d->set_count; i++)
    status = set_check(lane, &d->sets[i], err);
  return status;
}

/* --- in the journal --- */

void drill_record(const struct drill *d, struct record *options) {
  struct record in = {0};
  const char **words = mem_array(d->fail_count + d->set_count + 1, sizeof *words);
  record_text(&in, "of", d->home);
  for (size_t i = 0; i < d->fail_count; i++)
    words[i] = d->fails[i].words;
  record_texts(&in, "fail", words, d->fail_count);
  for (size_t i = 0; i < d->set_count; i++)
    words[i] = d->sets[i].words;
  record_texts(&in, "set", words, d->set_count);
  record_join(options, "drill", &in);
  mem_free(words);
}

/* The texts of a list, each given to fn. */
static enum status words_take(struct drill *d, value hash, const char *name,
                              enum status (*fn)(struct drill *d, const char *words, struct error *err),
                              struct error *err) {
  value key = value_cstr(name), list;
  bool there = dict_get(value_dict(hash), key, &list) && list.tag == V_ARRAY;
  enum status status = OK;
  value_unref(key);
  for (size_t i = 0; there && status == OK && i < value_array(list)->count; i++)
    if (value_array(list)->items[i].tag == V_STRING)
      status = fn(d, value_str(value_array(list)->items[i])->s, err);
  return status;
}

static enum status asked_take(struct drill *d, const char *json, size_t len, struct error *err) {
  struct symtab *syms = symtab_new();
  value asked;
  enum status status = json_read(json, len, syms, false, &asked, err);
  bool read = status == OK;
  if (read && asked.tag == V_HASH) {
    status = words_take(d, asked, "fail", drill_fail, err);
    if (status == OK) status = words_take(d, asked, "set", drill_set, err);
  }
  if (read) value_unref(asked);
  symtab_free(syms);
  return status;
}

static enum status call_take(void *ud, const struct event *e) {
  struct drill *d = ud;
  char *binding = peek_copy(e->data, e->data_len, "binding");
  char *action = peek_copy(e->data, e->data_len, "action");
  struct drill_count *c = binding && action ? drill_counted(d, binding, action) : NULL;
  int64_t number = peek_int(e->data, e->data_len, "number", 0);
  if (c && number > c->calls && peek_is(e->data, e->data_len, "of", d->home)) c->calls = number;
  mem_free(binding);
  mem_free(action);
  return OK;
}

enum status drill_past(const struct history *h, const char *state_dir, struct drill **out,
                       struct error *err) {
  const char *options, *drill;
  size_t len, n;
  *out = NULL;
  if (!run_is_drill(h->run)) return OK;
  if (!past_raw(h, h->started, "options", &options, &len) ||
      !json_member(options, len, "drill", &drill, &n))
    return error_set(err, ERR_JOURNAL, "run %s is named as a drill and was not begun as one", h->run);
  char *home = peek_copy(drill, n, "of");
  struct drill *d = drill_new();
  const struct event_filter calls = {.kind = EVENT_NAME(DRILL_CALLED)};
  drill_home(d, state_dir, home && *home ? home : h->run);
  mem_free(home);
  enum status status = asked_take(d, drill, n, err);
  if (status == OK && d->fail_count) status = journal_scan(h->journal, &calls, call_take, d, err);
  if (status == OK) *out = d;
  else drill_unref(d);
  return status;
}

/* --- drivers --- */

enum status drill_driver(const struct program *p, const struct binding *b,
                         const struct driver **out, struct error *err) {
  const char *name = sym_text(p->syms, b->name);
  for (const struct driver *d = b->drivers; d; d = d->next)
    if (d->name == W_simulated) return *out = d, OK;
  *out = NULL;
  error_set(err, ERR_NOT_FOUND, "binding %s has no driver :simulated, which serves it in a drill",
            name);
  struct buf same = BUF_INIT;
  for (const struct driver *d = b->drivers; d && !same.len; d = d->next)
    buf_addf(&same, ", or: driver :simulated, for: :%s, same_as: :%s", name, sym_text(p->syms, d->name));
  error_help(err, "write beside its drivers: driver :simulated, for: :%s do ... end%s", name,
             buf_str(&same));
  buf_release(&same);
  return ERR_NOT_FOUND;
}
