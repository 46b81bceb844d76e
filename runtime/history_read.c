/* Reading what recorded events say. */
#include <errno.h>

#include "codec.h"
#include "history.h"
#include "secrets.h"

const struct past *history_event(const struct history *h, uint32_t event) {
  return &h->events[event];
}

bool past_raw(const struct history *h, uint32_t event, const char *name, const char **json,
              size_t *len) {
  const struct past *e = &h->events[event];
  return e->len && json_member(h->data.data + e->at, e->len, name, json, len);
}

int64_t past_int(const struct history *h, uint32_t event, const char *name, int64_t otherwise) {
  const char *json;
  size_t len;
  if (!past_raw(h, event, name, &json, &len)) return otherwise;
  char *end; /* the text goes on after the number, so it ends there */
  errno = 0;
  long long n = strtoll(json, &end, 10);
  return end == json || errno ? otherwise : n;
}

/* text NULL: whatever it is, unless it is false or null. */
bool past_is(const struct history *h, uint32_t event, const char *name, const char *text) {
  const char *json;
  size_t len;
  if (!past_raw(h, event, name, &json, &len)) return false;
  if (!text) return *json != 'f' && *json != 'n';
  struct buf quoted = BUF_INIT;
  json_text(&quoted, text, strlen(text));
  bool same = quoted.len <= len && memcmp(quoted.data, json, quoted.len) == 0;
  buf_release(&quoted);
  return same;
}

char *past_text(const struct history *h, uint32_t event, const char *name) {
  const char *json;
  size_t len;
  struct error err = {0};
  value v;
  if (!past_raw(h, event, name, &json, &len) || *json != '"') return NULL;
  if (json_read(json, len, NULL, false, &v, &err) != OK) {
    error_release(&err);
    return NULL;
  }
  char *text = mem_dup(value_str(v)->s, value_str(v)->len);
  value_unref(v);
  return text;
}

/* --- values --- */

/* {"$text": sha256}: too large for an event, so it stands in the text table. */
static bool tag_is(value v, const char *tag, value *content) {
  value key;
  if (v.tag != V_HASH || dict_count(value_dict(v)) != 1) return false;
  dict_at(value_dict(v), 0, &key, content);
  return key.tag == V_STRING && strcmp(value_str(key)->s, tag) == 0 && content->tag == V_STRING;
}

/* Takes v; a stand-in is replaced by what it stands for. */
static enum status resolve_as_is(const struct history *h, struct symtab *syms, value v, value *out,
                                 struct error *err) {
  value sha;
  if (tag_is(v, "$omitted", &sha)) {
    value_unref(v);
    return error_set(err, ERR_VALUE, "a value was too large for the journal, so it is not known now");
  }
  if (!tag_is(v, "$text", &sha)) return *out = v, OK;
  struct buf json = BUF_INIT;
  enum status status = journal_get_text(h->journal, value_str(sha)->s, &json, err);
  if (status == OK) status = json_read(buf_str(&json), json.len, syms, true, out, err);
  buf_release(&json);
  value_unref(v);
  return status;
}

/* What a secret was taken out of is not what it was: nothing goes on from it unawares. */
static enum status resolve(const struct history *h, uint32_t event, struct symtab *syms, value v,
                           value *out, struct error *err) {
  enum status status = resolve_as_is(h, syms, v, out, err);
  if (status == OK && past_is(h, event, "redacted", NULL)) *out = redact_lost(*out);
  return status;
}

enum status past_value(const struct history *h, uint32_t event, const char *name,
                       struct symtab *syms, value *out, struct error *err) {
  const char *json;
  size_t len;
  value v;
  *out = VALUE_NIL;
  if (!past_raw(h, event, name, &json, &len)) return OK;
  enum status status = json_read(json, len, syms, true, &v, err);
  return status == OK ? resolve(h, event, syms, v, out, err) : status;
}

enum status past_members(const struct history *h, uint32_t event, const char *name,
                         struct symtab *syms,
                         enum status (*fn)(void *ud, const char *name, value owned), void *ud,
                         struct error *err) {
  const char *json;
  size_t len;
  value all;
  if (!past_raw(h, event, name, &json, &len)) return OK;
  enum status status = json_read(json, len, syms, true, &all, err);
  if (status != OK) return status;
  if (all.tag != V_HASH) return value_unref(all), OK;
  for (size_t i = 0; status == OK && i < dict_count(value_dict(all)); i++) {
    value key, v, whole;
    dict_at(value_dict(all), i, &key, &v);
    status = resolve(h, event, syms, value_ref(v), &whole, err);
    if (status == OK) status = fn(ud, value_str(key)->s, whole);
  }
  value_unref(all);
  return status;
}

static char *member_text(value v, const char *name) {
  value key = value_cstr(name), member;
  bool found = dict_get(value_dict(v), key, &member) && member.tag == V_STRING;
  value_unref(key);
  return found ? mem_dup(value_str(member)->s, value_str(member)->len) : NULL;
}

static int64_t member_int(value v, const char *name) {
  value key = value_cstr(name), member;
  bool found = dict_get(value_dict(v), key, &member) && member.tag == V_INT;
  value_unref(key);
  return found ? member.u.i : 0;
}

void past_error(const struct history *h, uint32_t event, const char *name, struct error *out) {
  const char *json;
  size_t len;
  value v = VALUE_NIL;
  struct error bad = {0};
  if (past_raw(h, event, name, &json, &len) && json_read(json, len, NULL, false, &v, &bad) != OK)
    error_release(&bad);
  if (v.tag != V_HASH) {
    value_unref(v);
    error_set(out, ERR_FAILED, "failed");
    return;
  }
  char *kind = member_text(v, "kind"), *message = member_text(v, "message"),
       *help = member_text(v, "help");
  error_set(out, ERR_FAILED, "%s", message ? message : "failed");
  if (kind && strcmp(kind, "error") != 0) error_kind(out, kind);
  if (help) error_help(out, "%s", help);
  out->retry_after = member_int(v, "retry_after_us");
  mem_free(kind);
  mem_free(message);
  mem_free(help);
  value_unref(v);
}
