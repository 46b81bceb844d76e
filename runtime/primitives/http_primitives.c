/* The primitives of the group `http`: values to a request, and the answer to values. The work is
 * done by the module stepwise-curl.so, opened at the first request. */
#include "../codec.h"
#include "args.h"
#include "curl.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "../limits.def"
#undef DEFAULT

struct job {
  struct http_request request;
  struct http_response response;
  struct http_header *headers;
  size_t header_cap;
  struct buf url, body;
  bool typed; /* a content-type was given */
};

static void job_release(struct job *j) {
  for (size_t i = 0; i < j->request.header_count; i++) {
    mem_free(j->headers[i].name);
    mem_free(j->headers[i].value);
  }
  mem_free(j->headers);
  buf_release(&j->url);
  buf_release(&j->body);
  buf_release(&j->response.headers);
  buf_release(&j->response.body);
  mem_free(j->response.url);
}

static enum status bad(struct error *err, const char *fmt, ...) like_printf(2, 3);
static enum status bad(struct error *err, const char *fmt, ...) {
  struct buf text = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&text, fmt, ap);
  va_end(ap);
  arg_fail(err, ERR_VALUE, "validation", "%s", buf_str(&text));
  buf_release(&text);
  return ERR_VALUE;
}

/* --- url, query, form --- */

static void add_encoded(struct buf *out, const char *s) {
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 strchr("-._~", c);
    if (plain) buf_addc(out, *s);
    else buf_addf(out, "%%%02X", c);
  }
}

static enum status add_pair(const struct primitive_call *call, struct buf *out, const char *what,
                            const char *name, value v, struct error *err) {
  struct buf text = BUF_INIT;
  if (v.tag == V_NIL) return OK;
  if (!arg_plain(call, v, &text))
    return bad(err, "%s %s is %s, not a text", what, name, value_type_name(v));
  if (out->len) buf_addc(out, '&');
  add_encoded(out, name);
  buf_addc(out, '=');
  add_encoded(out, buf_str(&text));
  buf_release(&text);
  return OK;
}

/* {a: 1, b: [2, 3], c: nil} is a=1&b=2&b=3. */
static enum status add_pairs(const struct primitive_call *call, struct buf *out, const char *what,
                             value pairs, struct error *err) {
  const struct dict *d = value_dict(pairs);
  enum status s = OK;
  for (size_t i = 0; s == OK && i < dict_count(d); i++) {
    value key, v;
    dict_at(d, i, &key, &v);
    const char *name = arg_text(call, key);
    if (!name) return bad(err, "%s a name is %s, not a text", what, value_type_name(key));
    if (v.tag != V_ARRAY) s = add_pair(call, out, what, name, v, err);
    else
      for (size_t k = 0; s == OK && k < value_array(v)->count; k++)
        s = add_pair(call, out, what, name, value_array(v)->items[k], err);
  }
  return s;
}

static enum status take_url(const struct primitive_call *call, struct job *j, value url,
                            value query, struct error *err) {
  const char *s = arg_text(call, url);
  if (!s || (strncasecmp(s, "http://", 7) != 0 && strncasecmp(s, "https://", 8) != 0)) {
    bad(err, "this is not the URL of a web server: %s", s ? s : value_type_name(url));
    error_help(err, "write it as https://host/path");
    return ERR_VALUE;
  }
  size_t len = strcspn(s, "#");
  bool has_query = memchr(s, '?', len) != NULL;
  struct buf pairs = BUF_INIT;
  enum status status = query.tag == V_NIL ? OK : add_pairs(call, &pairs, "query:", query, err);
  buf_add(&j->url, s, len);
  if (pairs.len) buf_addf(&j->url, "%c%s", has_query ? '&' : '?', buf_str(&pairs));
  buf_release(&pairs);
  j->request.url = buf_str(&j->url);
  return status;
}

/* --- headers --- */

static void add_header(struct job *j, const char *name, const char *text) {
  size_t *count = &j->request.header_count;
  if (*count == j->header_cap)
    j->headers = mem_grow(j->headers, *count, &j->header_cap, sizeof *j->headers);
  j->headers[(*count)++] = (struct http_header){mem_strdup(name), mem_strdup(text)};
  j->request.headers = j->headers;
}

/* What could end the line, and so begin a header of its own, is refused. */
static bool header_tame(const char *name, const char *text) {
  static const char *const parts = "()<>@,;:\\\"/[]?={} \t\r\n";
  if (!*name || strpbrk(name, parts)) return false;
  for (const unsigned char *p = (const unsigned char *)name; *p; p++)
    if (*p <= ' ' || *p >= 127) return false;
  for (const unsigned char *p = (const unsigned char *)text; *p; p++)
    if (*p < ' ' && *p != '\t') return false;
  return true;
}

static enum status take_headers(const struct primitive_call *call, struct job *j, value headers,
                                struct error *err) {
  const struct dict *d = headers.tag == V_NIL ? NULL : value_dict(headers);
  enum status s = OK;
  for (size_t i = 0; s == OK && d && i < dict_count(d); i++) {
    struct buf text = BUF_INIT;
    value key, v;
    dict_at(d, i, &key, &v);
    const char *name = arg_text(call, key);
    if (v.tag == V_NIL) continue;
    if (!name || !arg_plain(call, v, &text) || !header_tame(name, buf_str(&text)))
      s = bad(err, "headers: %s is not a header of one line", name ? name : value_type_name(key));
    else add_header(j, name, buf_str(&text));
    j->request.stays |= v.tag == V_SECRET;
    j->typed |= name && strcasecmp(name, "content-type") == 0;
    buf_release(&text);
  }
  return s;
}

/* --- body --- */

/* With its secrets as they are: the server is to have them. */
static value revealed(value v) {
  v = secret_reveal(v);
  if (v.tag == V_ARRAY) {
    struct list *from = value_array(v), *to = list_new(from->count);
    for (size_t i = 0; i < from->count; i++)
      list_push(to, revealed(from->items[i]));
    return value_list(to);
  }
  if (v.tag != V_HASH && v.tag != V_RECORD) return value_ref(v);
  struct dict *to = dict_new();
  for (size_t i = 0; i < dict_count(value_dict(v)); i++) {
    value key, item;
    dict_at(value_dict(v), i, &key, &item);
    dict_set(to, value_ref(key), revealed(item));
  }
  return v.tag == V_HASH ? value_hash(to) : value_record(to);
}

static enum status take_body(const struct primitive_call *call, struct job *j, value form,
                             value json, value text, struct error *err) {
  const char *type = "text/plain; charset=utf-8";
  enum status s = OK;
  if ((form.tag != V_NIL) + (json.tag != V_NIL) + (text.tag != V_NIL) > 1)
    return bad(err, "form:, json: and body: exclude each other");
  if (form.tag != V_NIL) {
    type = "application/x-www-form-urlencoded";
    s = add_pairs(call, &j->body, "form:", form, err);
  } else if (json.tag != V_NIL) {
    type = "application/json";
    value plain = revealed(json);
    json_write(plain, call->syms, false, &j->body);
    value_unref(plain);
  } else if (text.tag != V_NIL) {
    if (!arg_plain(call, text, &j->body))
      s = bad(err, "body: is %s, not a text", value_type_name(text));
  } else {
    return OK;
  }
  j->request.body = buf_str(&j->body);
  j->request.body_len = j->body.len;
  if (!j->typed) add_header(j, "Content-Type", type);
  return s;
}

/* --- the rest --- */

enum {
  ARG_URL,
  ARG_QUERY,
  ARG_HEADERS,
  ARG_BASIC,
  ARG_BEARER,
  ARG_CA,
  ARG_TIMEOUT,
  ARG_MAX,
  ARG_FOLLOW,
  ARG_FORM,
  ARG_JSON,
  ARG_BODY,
  ARG_METHOD
};

static enum status take_credentials(const struct primitive_call *call, struct job *j,
                                    const value *args, struct error *err) {
  struct http_request *r = &j->request;
  value basic = secret_reveal(args[ARG_BASIC]);
  if (basic.tag == V_ARRAY && value_array(basic)->count == 2) {
    r->user = arg_text(call, value_array(basic)->items[0]);
    r->password = arg_text(call, value_array(basic)->items[1]);
  }
  if (basic.tag != V_NIL && (!r->user || !r->password))
    return bad(err, "basic_auth: is a list of a user and a password");
  r->bearer = arg_text(call, args[ARG_BEARER]);
  if (args[ARG_BEARER].tag != V_NIL && (!r->bearer || !header_tame("x", r->bearer)))
    return bad(err, "bearer: is a token of one line");
  if (r->user && r->bearer) return bad(err, "basic_auth: and bearer: exclude each other");
  r->ca_file = arg_text(call, args[ARG_CA]);
  return OK;
}

static enum status take_limits(struct job *j, const value *args, bool reads, struct error *err) {
  struct http_request *r = &j->request;
  int64_t max = arg_integer(args[ARG_MAX], HTTP_BODY);
  int64_t follow = arg_integer(args[ARG_FOLLOW], reads ? 5 : 0);
  r->timeout = arg_duration(args[ARG_TIMEOUT], LIMIT_HTTP);
  r->connect_timeout = LIMIT_HTTP_CONNECT;
  if (r->timeout <= 0) return bad(err, "timeout: must be longer than nothing");
  if (max <= 0 || max > (int64_t)BUF_MAX) return bad(err, "max: is from 1 to %zu bytes", BUF_MAX);
  if (follow < 0 || follow > HTTP_REDIRECTS)
    return bad(err, "follow: is from 0 to %d", HTTP_REDIRECTS);
  /* A 303 asks for a GET; sent on as it is, without its body, a PUT would empty what is there. */
  if (follow && !reads && strcmp(r->method, "POST") != 0)
    return bad(err, "follow: is for GET, HEAD and POST; a %s goes to the server that it names", r->method);
  r->max = (size_t)max;
  r->follow = (long)follow;
  return OK;
}

static enum status take(const struct primitive_call *call, struct job *j, const value *args,
                        bool reads, struct error *err) {
  enum status s = take_url(call, j, args[ARG_URL], args[ARG_QUERY], err);
  if (s == OK) s = take_headers(call, j, args[ARG_HEADERS], err);
  if (s == OK) s = take_credentials(call, j, args, err);
  if (s == OK) s = take_limits(j, args, reads, err);
  if (s == OK && !reads)
    s = take_body(call, j, args[ARG_FORM], args[ARG_JSON], args[ARG_BODY], err);
  return s;
}

/* --- the answer --- */

/* Names in lower case; what came several times is joined, as HTTP says. */
static value given_headers(const struct primitive_call *call, const struct buf *lines) {
  struct dict *d = dict_new();
  const char *s = buf_str(lines);
  for (const char *end; (end = strchr(s, '\n')); s = end + 1) {
    const char *colon = strstr(s, ": ");
    if (!colon || colon > end) continue;
    value name = result_text(s, (size_t)(colon - s)), before;
    struct buf text = BUF_INIT;
    if (dict_find(d, call->syms, name, &before)) buf_addf(&text, "%s, ", value_str(before)->s);
    buf_add(&text, colon + 2, (size_t)(end - colon - 2));
    dict_set(d, name, result_text(buf_str(&text), text.len));
    buf_release(&text);
  }
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
    {401, "permission"}, {403, "permission"}, {408, "transient"},  {425, "transient"},
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
  result_set(call, d, "status", value_int(r->status));
  result_set(call, d, "headers", headers);
  result_set(call, d, "body", result_text(buf_str(&r->body), r->body.len));
  result_set(call, d, "json", given_json(call, headers, &r->body));
  result_set(call, d, "url", value_cstr(r->url));
  result_set(call, d, "failure", failure_of(call, r->status));
  result_set(call, d, "retry_after", given_wait(r->retry_after));
  return value_record(d);
}

/* --- the call --- */

static enum status send_request(struct primitive_call *call, struct job *j, struct error *err) {
  enum status s = http_send(call->tasks, &j->request, &j->response, err);
  call->unsure |= s != OK && j->response.unsure;
  return s;
}

static enum status perform(struct primitive_call *call, const char *method, bool reads,
                           const value *args, value *out, struct error *err) {
  struct job j = {.request = {.method = method}};
  enum status s = take(call, &j, args, reads, err);
  if (s == OK) s = send_request(call, &j, err);
  if (s == OK) *out = given(call, &j.response);
  job_release(&j);
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
  const char *method = arg_text(call, args[ARG_METHOD]);
  size_t len = method ? strlen(method) : 0;
  if (!len || len > 32 || strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != len)
    return bad(err, "method: is a word in capitals, as PURGE");
  return perform(call, method, false, args, out, err);
}

#define PARAMS                                                                                     \
  {"url", "text", "https://host/path"},                                                             \
      {"query", "hash?",                                                                           \
       "added to the URL; arrays give a name several times, nil leaves one out"},                  \
      {"headers", "hash?", "of the request"},                                                      \
      {"basic_auth", "array?", "a user and a password, in an array"}, {"bearer", "text?", "a token"}, \
      {"ca_file", "path?", "certificates to trust instead of the system's"},                       \
      {"timeout", "duration?", "for the whole request; 1 minute unless said"},                     \
      {"max", "integer?", "bytes of the answer; 8 MiB unless said"}, {                             \
    "follow", "integer?", "redirects; 5 for reads and none for writes unless said"                 \
  }
#define BODY                                                                                       \
  {"form", "hash?", "the body, as a form sends it"}, {"json", "any?", "the body, as JSON"}, {      \
    "body", "any?", "the body, as text"                                                            \
  }
#define END                                                                                        \
  { NULL, NULL, NULL }
#define RESULT                                                                                     \
  "{status: integer, headers: hash, body: string, json: any, url: string, failure: symbol?, "      \
  "retry_after: duration?}"

static const struct primitive_param read_params[] = {PARAMS, END};
static const struct primitive_param write_params[] = {PARAMS, BODY, END};
static const struct primitive_param request_params[] = {
    PARAMS, BODY, {"method", "string", "as the server knows it, in capitals"}, END};

const struct primitive http_get = {{"http", "get", read_params, RESULT, EFFECT_READ, "GET"},
                                   do_get};
const struct primitive http_head = {
    {"http", "head", read_params, RESULT, EFFECT_READ, "HEAD: status and headers only"}, do_head};
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
