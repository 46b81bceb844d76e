/* The primitives of the group `http`: the call, and the answer as values. The work is done by the
 * module stepwise-curl.so, opened at the first request. */
#include "../codec.h"
#include "../secrets.h"
#include "../url.h"
#include "curl.h"
#include "http_job.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "../limits.def"
#undef DEFAULT

/* --- the answer --- */

struct given {
  struct dict *places; /* of a name among the texts */
  struct buf *texts;
  size_t count, cap;
};

static struct buf *given_text(struct given *g, const struct primitive_call *call, value owned_name) {
  value place;
  if (dict_find(g->places, call->syms, owned_name, &place)) {
    value_unref(owned_name);
    buf_adds(&g->texts[place.u.i], ", ");
    return &g->texts[place.u.i];
  }
  g->texts = mem_grow(g->texts, g->count, &g->cap, sizeof *g->texts);
  g->texts[g->count] = (struct buf)BUF_INIT;
  dict_set(g->places, owned_name, value_int((int64_t)g->count));
  return &g->texts[g->count++];
}

/* Names in lower case; what came several times is joined, as HTTP says. */
static value given_headers(const struct primitive_call *call, const struct buf *lines) {
  struct given g = {.places = dict_new()};
  struct dict *d = dict_new();
  const char *s = buf_str(lines);
  for (const char *end; (end = strchr(s, '\n')); s = end + 1) {
    const char *colon = strstr(s, ": ");
    if (!colon || colon > end) continue;
    struct buf *text = given_text(&g, call, result_text(s, (size_t)(colon - s)));
    buf_add(text, colon + 2, (size_t)(end - colon - 2));
  }
  for (size_t i = 0; i < g.count; i++) {
    value name, place;
    dict_at(g.places, i, &name, &place);
    dict_set(d, value_ref(name), result_text(buf_str(&g.texts[i]), g.texts[i].len));
    buf_release(&g.texts[i]);
  }
  mem_free(g.texts);
  dict_free(g.places);
  return value_hash(d);
}

static value given_json(struct primitive_call *call, value headers, const struct buf *body) {
  struct error ignored = {0};
  value name = value_cstr("content-type"), type, out = VALUE_NIL;
  bool is_json = dict_find(value_dict(headers), call->syms, name, &type) &&
                 strcasestr(value_str(type)->s, "json");
  value_unref(name);
  if (is_json && json_read(buf_str(body), body->len, call->syms, false, &out, &ignored) != OK)
    out = VALUE_NIL;
  error_release(&ignored);
  return out;
}

/* What a status from 400 on is to whoever decides on another attempt. */
static const struct {
  long status;
  const char *kind;
} failures[] = {
    {401, "permission"}, {403, "permission"}, {407, "permission"}, {408, "transient"},  {425, "transient"},
    {429, "transient"},  {400, "validation"}, {404, "validation"}, {409, "validation"},
    {410, "validation"}, {413, "validation"}, {415, "validation"}, {422, "validation"},
};

static value failure_of(struct primitive_call *call, long status) {
  const char *kind = status >= 500 ? "transient" : "provider";
  if (status < 400) return VALUE_NIL;
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
    if (failures[i].status == status) kind = failures[i].kind;
  return value_symbol(sym_intern(call->syms, kind, strlen(kind)));
}

static value given_wait(int64_t us) {
  if (us > LIMIT_RETRY_AFTER) us = LIMIT_RETRY_AFTER;
  return us ? value_duration(us) : VALUE_NIL;
}

static value given(struct primitive_call *call, const struct http_response *r) {
  struct dict *d = dict_new();
  value headers = given_headers(call, &r->headers);
  struct buf whole = BUF_INIT, url = BUF_INIT;
  buf_adds(&whole, r->url);
  redact_text(call->secrets, &whole); /* before anything is left out of it */
  urls_shown(buf_str(&whole), whole.len, &url);
  buf_wipe(&whole);
  result_set(call, d, "status", value_int(r->status));
  result_set(call, d, "headers", headers);
  result_set(call, d, "body", result_text(buf_str(&r->body), r->body.len));
  result_set(call, d, "json", given_json(call, headers, &r->body));
  result_set(call, d, "url", value_string(buf_str(&url), url.len));
  result_set(call, d, "failure", failure_of(call, r->status));
  result_set(call, d, "retry_after", given_wait(r->retry_after));
  result_set(call, d, "took", value_duration(r->took));
  buf_release(&url);
  return value_record(d);
}

/* A failure that says something of the server. */
static bool is_answer(const char *kind) {
  return strcmp(kind, "transient") == 0 || strcmp(kind, "provider") == 0 || strcmp(kind, "permission") == 0;
}

/* "database.state": the state in the database of the answer. */
static value json_at(const struct primitive_call *call, value at, const char *path) {
  while (*path) {
    size_t len = strcspn(path, ".");
    char *name = mem_dup(path, len);
    at = arg_member(call, at, name);
    mem_free(name);
    path += len + (path[len] == '.');
  }
  return at;
}

/* What the answer was to say and does not, each as "path: value". */
static value unmet(struct primitive_call *call, value json, value expect) {
  struct list *l = list_new(0);
  size_t count = expect.tag == V_NIL ? 0 : dict_count(value_dict(expect));
  for (size_t i = 0; i < count; i++) {
    struct buf text = BUF_INIT;
    value key, want;
    dict_at(value_dict(expect), i, &key, &want);
    const char *path = arg_text(call, key);
    if (path && value_equal(json_at(call, json, path), want, call->syms)) continue;
    value_to_s(key, call->syms, &text);
    buf_adds(&text, ": ");
    value_inspect(want, call->syms, &text);
    list_push(l, value_string(buf_str(&text), text.len));
    buf_release(&text);
  }
  return value_list(l);
}

static value given_look(struct primitive_call *call, struct http_job *j, value expect,
                        const struct error *problem) {
  if (problem && !j->response.url) j->response.url = mem_strdup(j->request.url);
  value v = given(call, &j->response);
  struct dict *d = value_dict(v);
  result_set(call, d, "reachable", value_bool(!problem));
  value json = arg_member(call, v, "json");
  result_set(call, d, "unmet", unmet(call, json, expect));
  result_set(call, d, "problem", problem ? value_cstr(problem->message) : VALUE_NIL);
  if (!problem) return v;
  result_set(call, d, "status", VALUE_NIL);
  result_set(call, d, "failure", value_symbol(sym_intern(call->syms, problem->kind, strlen(problem->kind))));
  return v;
}

/* --- the call --- */

static enum status send_request(struct primitive_call *call, struct http_job *j, struct error *err) {
  enum status s = http_send(call->tasks, &j->request, &j->response, err);
  call->unsure |= s != OK && j->response.unsure;
  return s;
}

static enum status perform(struct primitive_call *call, const char *method, bool reads,
                           const value *args, value *out, struct error *err) {
  struct http_job j = {.request = {.method = method}};
  enum status s = http_job_take(call, &j, args, reads, err);
  if (s == OK) s = send_request(call, &j, err);
  if (s == OK) *out = given(call, &j.response);
  http_job_release(&j);
  return s;
}

/* A look at whether a server is well: that there is no answer is one, too. A limit of the task and a
 * request that is none still fail. */
static enum status do_check(struct primitive_call *call, const value *args, value *out,
                            struct error *err) {
  struct http_job j = {.request = {.method = "GET"}};
  enum status s = http_job_take(call, &j, args, true, err);
  if (s == OK) s = send_request(call, &j, err);
  bool silent = (s == ERR_FAILED || s == ERR_LIMIT) && is_answer(err->kind);
  if (silent) s = OK;
  if (s == OK) *out = given_look(call, &j, args[HTTP_FORM], silent ? err : NULL);
  if (silent) error_release(err);
  http_job_release(&j);
  return s;
}

#define VERB(function, method, reads)                                                              \
  static enum status function(struct primitive_call *call, const value *args, value *out,          \
                              struct error *err) {                                                 \
    return perform(call, method, reads, args, out, err);                                           \
  }
VERB(do_get, "GET", true)
VERB(do_head, "HEAD", true)
VERB(do_post, "POST", false)
VERB(do_put, "PUT", false)
VERB(do_patch, "PATCH", false)
VERB(do_delete, "DELETE", false)

static enum status do_request(struct primitive_call *call, const value *args, value *out,
                              struct error *err) {
  const char *method = arg_text(call, args[HTTP_METHOD]);
  size_t len = method ? strlen(method) : 0;
  if (!len || len > 32 || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != len)
    return arg_fail(err, ERR_VALUE, "validation", "method: is a word in capitals, as PURGE");
  return perform(call, method, false, args, out, err);
}

/* In the order of enum http_arg. */
#define PARAMS                                                                                     \
  {"url", "text", "https://host/path"},                                                            \
      {"query", "hash?",                                                                           \
       "added to the URL; arrays give a name several times, nil leaves one out"},                  \
      {"headers", "hash?", "of the request"},                                                      \
      {"basic_auth", "array?", "a user and a password, in an array"},                              \
      {"bearer", "text?", "a token"},                                                              \
      {"ca_file", "path?", "certificates to trust instead of the system's"},                       \
      {"timeout", "duration?", "for the whole request; 1 minute unless said"},                     \
      {"max", "integer?", "bytes of the answer, unpacked; 8 MiB unless said"},                     \
      {"follow", "integer?", "redirects; 5 for reads and none for writes unless said"},            \
      {"follow_to", "[string]?",                                                                   \
       "other origins that a redirect may lead to, as https://host; credentials never go there"},  \
      {"cert", "path?", "the client's certificate (PEM)"},                                         \
      {"cert_key", "path?", "its key, when it is not in the same file"},                           \
      {"cert_password", "text?", "what unlocks the key"},                                          \
      {"proxy", "text?", "http://host:port; an empty text: none; as http_proxy and https_proxy say " \
                         "unless said"},                                                           \
      {"no_proxy", "string?", "hosts that are asked without it, a comma between them"}, {          \
    "connect_timeout", "duration?", "to be connected; 10 seconds unless said"                      \
  }
#define BODY                                                                                       \
  {"form", "hash?", "the body, as a form sends it"}, {"json", "any?", "the body, as JSON"},        \
      {"body", "any?", "the body, as text"}, {                                                     \
    "multipart", "array?",                                                                         \
        "the body, in parts: {name:, text:} or {name:, path:}, each with filename: and type: if need be" \
  }
#define END                                                                                        \
  { NULL, NULL, NULL }
#define RESULT                                                                                     \
  "{status: integer, headers: hash, body: string, json: any, url: string, failure: symbol?, "      \
  "retry_after: duration?, took: duration}"

#define LOOK                                                                                       \
  "{status: integer?, headers: hash, body: string, json: any, url: string, failure: symbol?, "     \
  "retry_after: duration?, took: duration, reachable: boolean, problem: string?, unmet: [string]}"

static const struct primitive_param read_params[] = {PARAMS, END};
static const struct primitive_param check_params[] = {
    PARAMS, {"expect", "hash?", "what the answer's JSON has to say: \"database.state\" => \"up\""}, END};
static const struct primitive_param write_params[] = {PARAMS, BODY, END};
static const struct primitive_param request_params[] = {
    PARAMS, BODY, {"method", "string", "as the server knows it, in capitals"}, END};

const struct primitive http_get = {{"http", "get", read_params, RESULT, EFFECT_READ, "GET"},
                                   do_get};
const struct primitive http_head = {
    {"http", "head", read_params, RESULT, EFFECT_READ, "HEAD: status and headers only"}, do_head};
const struct primitive http_check = {
    {"http", "check", check_params, LOOK, EFFECT_READ, "GET; that there is no answer is a result"}, do_check};
const struct primitive http_post = {{"http", "post", write_params, RESULT, EFFECT_WRITE, "POST"},
                                    do_post};
const struct primitive http_put = {{"http", "put", write_params, RESULT, EFFECT_WRITE, "PUT"},
                                   do_put};
const struct primitive http_patch = {{"http", "patch", write_params, RESULT, EFFECT_WRITE, "PATCH"},
                                     do_patch};
const struct primitive http_delete = {
    {"http", "delete", write_params, RESULT, EFFECT_WRITE, "DELETE"}, do_delete};
const struct primitive http_request = {
    {"http", "request", request_params, RESULT, EFFECT_WRITE, "Any other method"}, do_request};
