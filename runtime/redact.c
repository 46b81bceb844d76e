/* Secrets taken out of texts and values. */
#include "secrets_inner.h"

static const char mark[] = "[secret";

bool redact_marked(const char *text, size_t len) {
  for (const char *at = text; (at = memmem(at, len - (size_t)(at - text), mark, sizeof mark - 1)); at++) {
    const char *after = at + sizeof mark - 1;
    if (after < text + len && (*after == ']' || *after == ' ')) return true;
  }
  return false;
}

static size_t longest_known(const struct secrets *s) {
  size_t longest = 0;
  for (size_t i = 0; i < s->known_count; i++)
    if (s->known[i].len > longest) longest = s->known[i].len;
  return longest;
}

/* Appends what becomes of the text; false and nothing: it stays as it is. */
static bool text_into(const struct secrets *s, const char *text, size_t len, struct buf *out) {
  struct met met;
  size_t done = 0;
  while (secrets_meet(s, text, len, done, &met)) {
    buf_add(out, text + done, met.start - done);
    buf_adds(out, s->known[met.secret].shown);
    done = met.end;
  }
  if (done) buf_add(out, text + done, len - done);
  return done != 0;
}

bool redact_text(const struct secrets *s, struct buf *text) {
  struct buf out = {.max = text->max};
  if (!secrets_any(s) || !text->len || !text_into(s, text->data, text->len, &out)) return false;
  explicit_bzero(text->data, text->len);
  buf_release(text);
  *text = out;
  return true;
}

/* What stands across a place in the text: one secret, or several that overlap. Only what is near is
 * looked at: no way of writing a secret takes more than WIDEST bytes for one of its own. */
static bool met_across(const struct secrets *s, const char *text, size_t len, size_t place,
                       struct met *out) {
  enum { WIDEST = 32 };
  size_t most = WIDEST * longest_known(s), start = place > most ? place - most : 0, from = 0;
  size_t near = len - place > most ? place + most - start : len - start;
  if (!place || place >= len) return false;
  while (secrets_meet(s, text + start, near, from, out)) {
    if (start + out->start >= place) return false;
    from = out->end;
    if (start + out->end <= place) continue;
    out->start += start, out->end += start;
    return true;
  }
  return false;
}

bool redact_cut(const struct secrets *s, const char *text, size_t len, size_t from, size_t to,
                struct buf *out) {
  struct met before, after;
  bool any = secrets_any(s) && from < to, cut_from = any && met_across(s, text, len, from, &before);
  bool cut_to = any && met_across(s, text, len, to, &after);
  if (cut_from) buf_adds(out, s->known[before.secret].shown);
  if (cut_from) from = before.end < to ? before.end : to;
  size_t end = cut_to ? after.start > from ? after.start : from : to;
  buf_add(out, text + from, end - from);
  if (cut_to && !(cut_from && after.start == before.start)) buf_adds(out, s->known[after.secret].shown);
  return cut_from || cut_to;
}

bool redact_owned(const struct secrets *s, char **text) {
  struct buf out = BUF_INIT;
  if (!secrets_any(s) || !*text || !text_into(s, *text, strlen(*text), &out)) return false;
  explicit_bzero(*text, strlen(*text));
  mem_free(*text);
  *text = buf_take(&out);
  return true;
}

bool redact_error(const struct secrets *s, struct error *err) {
  bool any = redact_owned(s, &err->message);
  any |= redact_owned(s, &err->help);
  struct buf kind = BUF_INIT;
  if (secrets_any(s)) buf_adds(&kind, err->kind);
  if (redact_text(s, &kind)) error_kind(err, "redacted"), any = true;
  buf_release(&kind);
  return any;
}

/* --- values --- */

static bool list_redact(const struct secrets *s, struct symtab *syms, value *v) {
  const struct list *old = value_array(*v);
  struct list *l = NULL;
  for (size_t i = 0; i < old->count; i++) {
    value item = value_ref(old->items[i]);
    bool changed = redact_value(s, syms, &item);
    if (changed && !l) {
      l = list_new(old->count);
      for (size_t k = 0; k < i; k++)
        list_push(l, value_ref(old->items[k]));
    }
    if (l) list_push(l, item);
    else value_unref(item);
  }
  if (!l) return false;
  value_unref(*v);
  *v = value_list(l);
  return true;
}

static bool dict_redact(const struct secrets *s, struct symtab *syms, value *v) {
  const struct dict *old = value_dict(*v);
  struct dict *d = dict_new();
  bool changed = false;
  for (size_t i = 0; i < dict_count(old); i++) {
    value key, item;
    dict_at(old, i, &key, &item);
    value_ref(key), value_ref(item);
    if (v->tag == V_HASH) changed |= redact_value(s, syms, &key);
    changed |= redact_value(s, syms, &item);
    dict_set(d, key, item);
  }
  if (!changed) return dict_free(d), false;
  value made = v->tag == V_RECORD ? value_record(d) : value_hash(d);
  value_unref(*v);
  *v = made;
  return true;
}

static bool text_redact(const struct secrets *s, struct symtab *syms, value *v) {
  struct text t = value_text(*v, syms);
  struct buf out = BUF_INIT;
  bool changed = text_into(s, t.s, t.len, &out);
  if (changed && v->tag == V_SYMBOL) *v = value_symbol(sym_intern(syms, out.data, out.len));
  else if (changed) {
    value_unref(*v);
    *v = value_string(buf_str(&out), out.len);
  }
  buf_release(&out);
  return changed;
}

static bool number_redact(const struct secrets *s, value *v) {
  struct buf digits = BUF_INIT;
  struct met met;
  buf_addi(&digits, v->u.i);
  bool is = secrets_meet(s, digits.data, digits.len, 0, &met) && met.start == 0 &&
            met.end == digits.len;
  if (is) *v = value_cstr(s->known[met.secret].shown);
  buf_release(&digits);
  return is;
}

bool redact_value(const struct secrets *s, struct symtab *syms, value *v) {
  if (!secrets_any(s)) return false;
  switch (v->tag) {
  case V_STRING:
  case V_SYMBOL:
    return text_redact(s, syms, v);
  case V_INT:
    return number_redact(s, v);
  case V_ARRAY:
    return list_redact(s, syms, v);
  case V_HASH:
  case V_RECORD:
    return dict_redact(s, syms, v);
  default:
    return false;
  }
}

static value list_lost(value v) {
  const struct list *old = value_array(v);
  struct list *l = list_new(old->count);
  for (size_t i = 0; i < old->count; i++)
    list_push(l, redact_lost(value_ref(old->items[i])));
  value_unref(v);
  return value_list(l);
}

static value dict_lost(value v) {
  const struct dict *old = value_dict(v);
  struct dict *d = dict_new();
  for (size_t i = 0; i < dict_count(old); i++) {
    value key, item;
    dict_at(old, i, &key, &item);
    dict_set(d, value_ref(key), redact_lost(value_ref(item)));
  }
  value made = v.tag == V_RECORD ? value_record(d) : value_hash(d);
  value_unref(v);
  return made;
}

value redact_lost(value v) {
  if (v.tag == V_ARRAY) return list_lost(v);
  if (v.tag == V_HASH || v.tag == V_RECORD) return dict_lost(v);
  if (v.tag != V_STRING || !redact_marked(value_str(v)->s, value_str(v)->len)) return v;
  value_unref(v);
  return value_secret(VALUE_NIL);
}
