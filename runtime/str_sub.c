/* Strings against patterns: =~, match?, index, [], sub and gsub. Offsets a person sees are
 * characters. */
#include "method.h"
#include "regex.h"
#include "secrets.h"
#include "utf8.h"

#include "../lang/limits.h"

enum status text_match(struct call *c, value text, value pattern, bool *found, size_t *at) {
  struct match m;
  enum status st =
      regex_search(value_regex(pattern), text_of(c, text), 0, false, found, &m, c->e->err);
  if (st == OK && *found) *at = m.at[0];
  return st;
}

/* match? takes its pattern as a regexp, or as a text to be made one. */
static enum status match_q(struct call *c, value text, value pattern, value *out) {
  if (text.tag == V_NIL) {
    *out = value_bool(false);
    return OK;
  }
  if (!value_is_text(text))
    return fail(c, ERR_TYPE, "match? takes a string, not %s", value_type_name(text));
  value made = VALUE_NIL;
  bool found = false;
  size_t at;
  enum status st = OK;
  if (value_is_text(pattern)) {
    struct text src = text_of(c, pattern);
    st = value_regexp(src.s, src.len, 0, &made, c->e->err);
    pattern = made;
  } else if (pattern.tag != V_REGEXP) {
    return fail(c, ERR_TYPE, "match? takes a regexp, not %s", value_type_name(pattern));
  }
  if (st == OK) st = text_match(c, text, pattern, &found, &at);
  if (st == OK) *out = value_bool(found);
  value_unref(made);
  return st;
}

enum status m_string_match_q(struct call *c, value self, value *out) {
  return match_q(c, self, c->args[0], out);
}
METHOD_SAME(symbol_match_q, m_string_match_q)

enum status m_regexp_match_q(struct call *c, value self, value *out) {
  return match_q(c, c->args[0], self, out);
}

enum status m_regexp_source(struct call *c, value self, value *out) {
  (void)c;
  struct text t = regex_source(value_regex(self));
  *out = value_string(t.s, t.len);
  return OK;
}

/* -- index -- */

enum status m_string_index(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  int64_t start = c->count > 1 ? c->args[1].u.i : 0, size = (int64_t)utf8_count(t.s, t.len);
  if (start < 0) start += size;
  *out = VALUE_NIL;
  if (start < 0 || start > size) return OK;
  size_t from = utf8_offset(t.s, t.len, (size_t)start), at = 0;
  bool found = false;
  if (c->args[0].tag == V_REGEXP) {
    struct match m;
    enum status st = regex_search(value_regex(c->args[0]), t, from, false, &found, &m, c->e->err);
    if (st != OK) return st;
    if (found) at = m.at[0];
  } else if (value_is_text(c->args[0])) {
    struct text part = text_of(c, c->args[0]);
    const char *hit = memmem(t.s + from, t.len - from, part.s, part.len);
    found = hit != NULL;
    if (found) at = (size_t)(hit - t.s);
  } else {
    return fail(c, ERR_TYPE, "index takes a string or a regexp, not %s",
                value_type_name(c->args[0]));
  }
  if (found) *out = value_int((int64_t)utf8_count(t.s, at));
  return OK;
}

/* -- text[...] -- */

static enum status give_slice(struct call *c, struct text t, size_t at, size_t count, value *out) {
  const struct eval_hooks *hooks = c->e->hooks;
  const struct secrets *secrets = hooks && hooks->secrets ? hooks->secrets(c->e->ud) : NULL;
  size_t from = utf8_offset(t.s, t.len, at);
  size_t len = utf8_offset(t.s + from, t.len - from, count);
  struct buf part = TEXT_BUF;
  if (!secrets_any(secrets)) return *out = value_string(t.s + from, len), OK;
  redact_cut(secrets, t.s, t.len, from, from + len, &part);
  return give_text(c, &part, out);
}

static enum status index_at(struct call *c, struct text t, int64_t i, value *out) {
  int64_t size = (int64_t)utf8_count(t.s, t.len), count = 1;
  bool slice = c->count > 1;
  if (slice && c->args[1].tag != V_INT)
    return fail(c, ERR_TYPE, "the length in [] is an integer, not %s", value_type_name(c->args[1]));
  if (slice) count = c->args[1].u.i;
  if (i < 0) i += size;
  if (i < 0 || i > size || count < 0 || (!slice && i == size)) return OK;
  return give_slice(c, t, (size_t)i, (size_t)count, out);
}

static enum status index_range(struct call *c, struct text t, value range, value *out) {
  size_t at, count;
  bool inside;
  enum status st = range_bounds(c, range, utf8_count(t.s, t.len), &at, &count, &inside);
  if (st != OK || !inside) return st;
  return give_slice(c, t, at, count, out);
}

static enum status group_number(struct call *c, struct regex *r, value group, int64_t *n) {
  if (group.tag == V_INT) {
    *n = group.u.i;
    return OK;
  }
  if (!value_is_text(group))
    return fail(c, ERR_TYPE, "a group is named by a number or a string, not %s",
                value_type_name(group));
  struct text name = text_of(c, group);
  *n = regex_group(r, name.s, name.len);
  if (*n < 0)
    return fail(c, ERR_VALUE, "the regexp has no group named %.*s", (int)name.len, name.s);
  return OK;
}

static enum status index_regex(struct call *c, struct text t, struct regex *r, value *out) {
  struct match m;
  bool found;
  int64_t g = 0;
  enum status st = c->count > 1 ? group_number(c, r, c->args[1], &g) : OK;
  if (st == OK) st = regex_search(r, t, 0, false, &found, &m, c->e->err);
  if (st != OK || !found) return st;
  if (g < 0) { /* from the last group back, and never to the whole match */
    g += (int64_t)m.groups;
    if (g == 0) return OK;
  }
  if (g < 0 || g >= (int64_t)m.groups || m.at[2 * g] == SIZE_MAX) return OK;
  *out = value_string(t.s + m.at[2 * g], m.at[2 * g + 1] - m.at[2 * g]);
  return OK;
}

enum status text_index(struct call *c, value self, value *out) {
  struct text t = text_of(c, self);
  value i = c->args[0];
  *out = VALUE_NIL;
  if (i.tag == V_REGEXP) return index_regex(c, t, value_regex(i), out);
  if (i.tag == V_INT) return index_at(c, t, i.u.i, out);
  if (c->count > 1)
    return fail(c, ERR_TYPE, "[] takes an integer and a length, not %s", value_type_name(i));
  if (i.tag == V_RANGE) return index_range(c, t, i, out);
  if (!value_is_text(i)) return fail(c, ERR_TYPE, "a string has no [%s]", value_type_name(i));
  struct text part = text_of(c, i);
  if (memmem(t.s, t.len, part.s, part.len)) *out = value_string(part.s, part.len);
  return OK;
}

/* -- sub, gsub -- */

/* One replacement under way. Exactly one of with, table and the block says what comes in. */
struct sub {
  struct call *c;
  struct text t;
  value pattern;
  bool has_with;
  struct text with;
  struct dict *table;
  struct buf out;
};

/* The group that an escape in a replacement names, past its end in *i; -1: none; -2: no such. */
static int escape_group(const struct sub *s, size_t *i) {
  char ch = s->with.s[*i];
  if (ch >= '0' && ch <= '9') return (*i)++, ch - '0';
  if (ch == '&') return (*i)++, 0;
  if (ch != 'k' || *i + 1 >= s->with.len || s->with.s[*i + 1] != '<') return -1;
  const char *name = s->with.s + *i + 2, *end = memchr(name, '>', s->with.len - *i - 2);
  if (!end || s->pattern.tag != V_REGEXP) return -1;
  *i = (size_t)(end - s->with.s) + 1;
  int g = regex_group(value_regex(s->pattern), name, (size_t)(end - name));
  if (g >= 0) return g;
  fail(s->c, ERR_VALUE, "the regexp has no group named %.*s", (int)(end - name), name);
  return -2;
}

/* \1, \0, \& and \k<name> stand for groups; \` and \' for what is before and after the match; \\
 * for a backslash. */
static enum status add_replacement(struct sub *s, const struct match *m) {
  struct text w = s->with;
  for (size_t i = 0; i < w.len;) {
    if (w.s[i] != '\\' || i + 1 >= w.len) {
      buf_addc(&s->out, w.s[i++]);
      continue;
    }
    size_t at = ++i;
    if (w.s[i] == '`' || w.s[i] == '\'') {
      bool before = w.s[i++] == '`';
      size_t from = before ? 0 : m->at[1], to = before ? m->at[0] : s->t.len;
      buf_add(&s->out, s->t.s + from, to - from);
      continue;
    }
    int g = escape_group(s, &i);
    if (g == -2) return ERR_VALUE;
    if (g >= 0 && (size_t)g < m->groups && m->at[2 * g] != SIZE_MAX)
      buf_add(&s->out, s->t.s + m->at[2 * g], m->at[2 * g + 1] - m->at[2 * g]);
    if (i > at) continue;
    if (w.s[i] != '\\') buf_addc(&s->out, '\\');
    buf_addc(&s->out, w.s[i++]);
  }
  return OK;
}

static enum status add_computed(struct sub *s, value hit) {
  struct call *c = s->c;
  value v = VALUE_NIL;
  if (s->table) {
    if (dict_find(s->table, call_syms(c), hit, &v)) value_ref(v);
  } else {
    enum status st = call_yield(c, &hit, 1, &v);
    if (st != OK) return st;
  }
  enum status st = OK;
  if (value_has_unknown(v)) st = call_unknown(c);
  else if (v.tag == V_SECRET)
    st = fail(c, ERR_TYPE, "a secret cannot be put into a text by %s", c->method->name);
  else value_to_s(v, call_syms(c), &s->out);
  value_unref(v);
  return st;
}

static enum status next_match(struct sub *s, size_t from, bool *found, struct match *m,
                              size_t at[2]) {
  if (s->pattern.tag == V_REGEXP)
    return regex_search(value_regex(s->pattern), s->t, from, from > 0, found, m, s->c->e->err);
  struct text part = text_of(s->c, s->pattern);
  const char *hit = memmem(s->t.s + from, s->t.len - from, part.s, part.len);
  *found = hit != NULL;
  if (!hit) return OK;
  at[0] = (size_t)(hit - s->t.s);
  at[1] = at[0] + part.len;
  *m = (struct match){at, 1};
  return OK;
}

static enum status replace(struct sub *s, bool all) {
  size_t done = 0, from = 0, at[2];
  struct match m;
  bool found;
  while (from <= s->t.len && !s->out.overflow) {
    enum status st = next_match(s, from, &found, &m, at);
    if (st != OK) return st;
    if (!found) break;
    size_t start = m.at[0], end = m.at[1];
    buf_add(&s->out, s->t.s + done, start - done);
    if (s->has_with) {
      st = add_replacement(s, &m);
      if (st != OK) return st;
    } else {
      value hit = value_string(s->t.s + start, end - start);
      st = add_computed(s, hit);
      value_unref(hit);
      if (st != OK) return st;
    }
    done = from = end;
    if (start == end && from < s->t.len) from += utf8_width(s->t.s[from]);
    else if (start == end) from++;
    if (!all) break;
  }
  buf_add(&s->out, s->t.s + done, s->t.len - done);
  return OK;
}

static enum status sub_with(struct sub *s) {
  struct call *c = s->c;
  if (!value_is_text(s->pattern) && s->pattern.tag != V_REGEXP)
    return fail(c, ERR_TYPE, "%s takes a regexp or a string, not %s", c->method->name,
                value_type_name(s->pattern));
  if (c->count < 2) {
    if (c->block) return OK;
    fail(c, ERR_TYPE, "%s needs what to put in", c->method->name);
    error_help(c->e->err, "give a second string, a hash or a block");
    return ERR_TYPE;
  }
  if (value_is_text(c->args[1])) {
    s->with = text_of(c, c->args[1]);
    s->has_with = true;
  } else if (c->args[1].tag == V_HASH) {
    s->table = value_dict(c->args[1]);
  } else {
    return fail(c, ERR_TYPE, "%s puts in a string or a hash's values, not %s", c->method->name,
                value_type_name(c->args[1]));
  }
  return OK;
}

static enum status substitute(struct call *c, value self, bool all, value *out) {
  struct sub s = {.c = c, .t = text_of(c, self), .pattern = c->args[0], .out = TEXT_BUF};
  enum status st = sub_with(&s);
  if (st == OK) st = replace(&s, all);
  if (st == OK) return give_text(c, &s.out, out);
  buf_release(&s.out);
  return st;
}

enum status m_string_sub(struct call *c, value self, value *out) {
  return substitute(c, self, false, out);
}
enum status m_string_gsub(struct call *c, value self, value *out) {
  return substitute(c, self, true, out);
}
