/* Secrets taken out of JSON, which stays JSON: within strings, whole characters are replaced; a number
 * that is a secret becomes a string. */
#include "secrets_inner.h"

struct json_walk {
  const struct secrets *secrets;
  const char *const *kept;
  const char *at, *end, *done; /* done: what of the text is in out */
  struct buf out;
  int depth;
  bool keep;   /* the member under way is left alone */
  bool is_key; /* a string here is a key */
  bool tag;    /* the value of a key that begins with a dollar */
};

static void put(struct json_walk *w, const char *from, const char *to, const char *text) {
  buf_add(&w->out, w->done, (size_t)(from - w->done));
  buf_adds(&w->out, text);
  w->done = to;
}

/* After the character or escape that p stands on. */
static const char *one_after(const char *p, const char *end) {
  size_t n = *p != '\\' ? 1 : p + 1 < end && p[1] == 'u' ? 6 : 2;
  return (size_t)(end - p) < n ? end : p + n;
}

/* What a secret covers is widened to whole escapes: half of one would be no JSON. */
static void string_redact(struct json_walk *w, const char *text, const char *end) {
  struct met met;
  const char *edge = text; /* between two characters */
  for (size_t from = 0; secrets_meet(w->secrets, text, (size_t)(end - text), from, &met);) {
    const char *start = edge, *to;
    for (const char *next; start < text + met.start; start = next)
      if ((next = one_after(start, end)) > text + met.start) break;
    for (to = start; to < text + met.end;)
      to = one_after(to, end);
    put(w, start, to, w->secrets->known[met.secret].shown);
    edge = to;
    from = (size_t)(to - text);
  }
}

static bool is_kept(const struct json_walk *w, const char *key, size_t len) {
  for (const char *const *k = w->kept; k && *k; k++)
    if (strlen(*k) == len && memcmp(*k, key, len) == 0) return true;
  return false;
}

static void on_string(struct json_walk *w) {
  const char *text = ++w->at;
  while (w->at < w->end && *w->at != '"')
    w->at = one_after(w->at, w->end);
  size_t len = (size_t)(w->at - text);
  if (w->depth == 1 && w->is_key) w->keep = is_kept(w, text, len);
  if (w->is_key) w->tag = len && *text == '$';
  if (!w->keep) string_redact(w, text, w->at);
  if (w->at < w->end) w->at++;
}

static void on_number(struct json_walk *w) {
  const char *text = w->at;
  struct met met;
  while (w->at < w->end && strchr("+-.0123456789eE", *w->at) && *w->at)
    w->at++;
  size_t len = (size_t)(w->at - text);
  if (w->keep || w->tag || len < SECRET_SHORTEST) return;
  if (!secrets_meet(w->secrets, text, len, 0, &met) || met.start || met.end != len) return;
  put(w, text, text, "\"");
  put(w, text, w->at, w->secrets->known[met.secret].shown);
  put(w, w->at, w->at, "\"");
}

/* Which strings are keys: those after { and after a comma in an object. */
static void walk(struct json_walk *w) {
  enum { DEEPEST = 1024 };
  bool object[DEEPEST] = {false};
  while (w->at < w->end) {
    char c = *w->at;
    if (c == '"') {
      on_string(w);
      continue;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
      on_number(w);
      continue;
    }
    if (c == '{' || c == '[') {
      w->depth++;
      w->tag &= c == '[';
      if (w->depth < DEEPEST) object[w->depth] = c == '{';
    } else if (c == '}' || c == ']') {
      w->depth--;
    }
    if (c == '{' || c == ',' || c == ':')
      w->is_key = c != ':' && w->depth < DEEPEST && w->depth > 0 && object[w->depth];
    else if (c == '[') w->is_key = false;
    w->at++;
  }
}

bool redact_json(const struct secrets *s, const char *const *kept, struct buf *json) {
  struct met met;
  if (!secrets_any(s) || !json->len) return false;
  /* Mostly there is none, and then the text needs no closer look. */
  if (!secrets_meet(s, json->data, json->len, 0, &met)) return false;
  struct json_walk w = {.secrets = s,
                        .kept = kept,
                        .at = json->data,
                        .done = json->data,
                        .end = json->data + json->len,
                        .out = {.max = json->max}};
  walk(&w);
  if (w.done == json->data) return false;
  buf_add(&w.out, w.done, (size_t)(w.end - w.done));
  explicit_bzero(json->data, json->len);
  buf_release(json);
  *json = w.out;
  return true;
}
