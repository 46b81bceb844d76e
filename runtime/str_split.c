/* Strings into pieces: split, lines, chars, scan. */
#include "method.h"
#include "regex.h"
#include "utf8.h"

#include "../lang/limits.h"

static enum status push_text(struct call *c, struct list *l, const char *s, size_t len) {
  return give_item(c, l, value_string(s, len));
}

enum status m_string_chars(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  struct list *l = list_new(0);
  enum status st = check_count(c, utf8_count(t.s, t.len));
  for (size_t i = 0; st == OK && i < t.len;) {
    size_t w = utf8_width(t.s[i]);
    st = push_text(c, l, t.s + i, w);
    i += w;
  }
  return give_list(l, st, out);
}

enum status m_string_lines(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  struct list *l = list_new(0);
  enum status st = OK;
  while (st == OK && t.len) {
    const char *nl = memchr(t.s, '\n', t.len);
    size_t n = nl ? (size_t)(nl - t.s) + 1 : t.len;
    st = push_text(c, l, t.s, n);
    t.s += n, t.len -= n;
  }
  return give_list(l, st, out);
}

/* One split under way: pieces go to l until `limit` of them are there (0: no limit). */
struct split {
  struct call *c;
  struct list *l;
  struct text t;
  size_t at; /* start of the piece being read */
  size_t limit;
};

static bool full(const struct split *s) {
  return s->limit && s->l->count + 1 >= s->limit;
}

static enum status piece(struct split *s, size_t end, size_t next) {
  enum status st = push_text(s->c, s->l, s->t.s + s->at, end - s->at);
  s->at = next;
  return st;
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As awk does: runs of white space part the words, and none count at the ends. */
static enum status split_words(struct split *s) {
  size_t i = 0;
  enum status st = OK;
  for (;;) {
    if (s->limit == 1) return OK;
    while (i < s->t.len && is_space(s->t.s[i]))
      i++;
    s->at = i;
    if (i == s->t.len || full(s) || st != OK) return st;
    while (i < s->t.len && !is_space(s->t.s[i]))
      i++;
    if (i == s->t.len) return st;
    st = piece(s, i, i);
  }
}

static enum status split_chars(struct split *s) {
  enum status st = OK;
  while (st == OK && s->at < s->t.len && !full(s)) {
    size_t next = s->at + utf8_width(s->t.s[s->at]);
    st = piece(s, next, next);
  }
  return st;
}

static enum status split_text(struct split *s, struct text sep) {
  enum status st = OK;
  while (st == OK && !full(s)) {
    const char *hit = memmem(s->t.s + s->at, s->t.len - s->at, sep.s, sep.len);
    if (!hit) break;
    size_t end = (size_t)(hit - s->t.s);
    st = piece(s, end, end + sep.len);
  }
  return st;
}

static enum status push_groups(struct split *s, const struct match *m) {
  enum status st = OK;
  for (size_t g = 1; g < m->groups && st == OK; g++)
    if (m->at[2 * g] != SIZE_MAX)
      st = push_text(s->c, s->l, s->t.s + m->at[2 * g], m->at[2 * g + 1] - m->at[2 * g]);
  return st;
}

/* An empty match at the start of a piece parts nothing: the search goes on one character later. */
static enum status next_separator(struct split *s, struct regex *r, bool *found, struct match *m) {
  struct error *err = s->c->e->err;
  enum status st = regex_search(r, s->t, s->at, s->at > 0, found, m, err);
  if (st != OK || !*found || m->at[0] != m->at[1] || m->at[0] != s->at) return st;
  *found = false;
  if (s->at == s->t.len) return OK;
  return regex_search(r, s->t, s->at + utf8_width(s->t.s[s->at]), true, found, m, err);
}

static enum status split_regex(struct split *s, struct regex *r) {
  struct match m;
  bool found;
  for (size_t pieces = 1; !s->limit || pieces < s->limit; pieces++) {
    enum status st = next_separator(s, r, &found, &m);
    if (st != OK || !found) return st;
    st = piece(s, m.at[0], m.at[1]);
    if (st == OK) st = push_groups(s, &m);
    if (st != OK) return st;
  }
  return OK;
}

static enum status split_by(struct split *s, value sep) {
  struct call *c = s->c;
  if (sep.tag == V_REGEXP) {
    struct text src = regex_source(value_regex(sep));
    return src.len ? split_regex(s, value_regex(sep)) : split_chars(s);
  }
  if (sep.tag != V_NIL && !value_is_text(sep))
    return fail(c, ERR_TYPE, "split takes a string or a regexp, not %s", value_type_name(sep));
  struct text t = sep.tag == V_NIL ? (struct text){" ", 1} : text_of(c, sep);
  if (t.len == 0) return split_chars(s);
  return t.len == 1 && t.s[0] == ' ' ? split_words(s) : split_text(s, t);
}

enum status m_string_split(struct call *c, value self, value *out) {
  int64_t limit = c->count > 1 ? c->args[1].u.i : 0;
  struct split s = {.c = c, .l = list_new(0), .t = text_of(c, self)};
  s.limit = limit > 0 ? (size_t)limit : 0;
  enum status st = s.t.len ? split_by(&s, c->count ? c->args[0] : VALUE_NIL) : OK;
  /* what is left is the last piece; an empty one counts only when a limit asks for it */
  if (st == OK && s.t.len && (s.at < s.t.len || limit != 0)) st = piece(&s, s.t.len, s.t.len);
  while (st == OK && limit == 0 && s.l->count && value_str(s.l->items[s.l->count - 1])->len == 0)
    value_unref(s.l->items[--s.l->count]);
  return give_list(s.l, st, out);
}

/* -- scan -- */

static value group_text(struct text t, const struct match *m, size_t g) {
  if (m->at[2 * g] == SIZE_MAX) return VALUE_NIL;
  return value_string(t.s + m->at[2 * g], m->at[2 * g + 1] - m->at[2 * g]);
}

static enum status push_match(struct call *c, struct list *l, struct text t,
                              const struct match *m) {
  if (m->groups == 1) return give_item(c, l, group_text(t, m, 0));
  struct list *groups = list_new(m->groups - 1);
  for (size_t g = 1; g < m->groups; g++)
    list_push(groups, group_text(t, m, g));
  return give_item(c, l, value_list(groups));
}

static enum status scan_regex(struct call *c, struct text t, struct regex *r, struct list *l) {
  struct match m;
  bool found;
  for (size_t from = 0; from <= t.len;) {
    enum status st = regex_search(r, t, from, from > 0, &found, &m, c->e->err);
    if (st != OK) return st;
    if (!found) return OK;
    from = m.at[1];
    if (m.at[0] == m.at[1]) from += from < t.len ? utf8_width(t.s[from]) : 1;
    st = push_match(c, l, t, &m);
    if (st != OK) return st;
  }
  return OK;
}

static enum status scan_text(struct call *c, struct text t, struct text part, struct list *l) {
  size_t from = 0;
  while (from <= t.len) {
    const char *hit = memmem(t.s + from, t.len - from, part.s, part.len);
    if (!hit) return OK;
    size_t at = (size_t)(hit - t.s);
    from = at + part.len;
    if (!part.len) from += at < t.len ? utf8_width(t.s[at]) : 1;
    enum status st = push_text(c, l, part.s, part.len);
    if (st != OK) return st;
  }
  return OK;
}

enum status m_string_scan(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  struct list *l = list_new(0);
  enum status st;
  if (c->args[0].tag == V_REGEXP) st = scan_regex(c, t, value_regex(c->args[0]), l);
  else if (value_is_text(c->args[0])) st = scan_text(c, t, text_of(c, c->args[0]), l);
  else
    st = fail(c, ERR_TYPE, "scan takes a regexp or a string, not %s", value_type_name(c->args[0]));
  return give_list(l, st, out);
}
