/* From a driver's values to one HTTP request: see http_job.h. What could end a line and so begin
 * another one is refused wherever it stands. */
#include "http_job.h"

#include "../codec.h"
#include "../secrets.h"
#include "../url.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "../limits.def"
#undef DEFAULT

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
    return arg_bad(err, "%s %s is %s, not a text", what, name, value_type_name(v));
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
    if (!name) return arg_bad(err, "%s a name is %s, not a text", what, value_type_name(key));
    if (v.tag != V_ARRAY) s = add_pair(call, out, what, name, v, err);
    else
      for (size_t k = 0; s == OK && k < value_array(v)->count; k++)
        s = add_pair(call, out, what, name, value_array(v)->items[k], err);
  }
  return s;
}

/* Its secrets first: what is cut off at a question mark may be the rest of one. */
static void show_url(const struct primitive_call *call, const char *url, struct buf *out) {
  struct buf text = BUF_INIT;
  buf_adds(&text, url);
  redact_text(call->secrets, &text);
  url_shown(buf_str(&text), out);
  buf_wipe(&text);
}

static enum status take_url(const struct primitive_call *call, struct http_job *j, value url,
                            value query, struct error *err) {
  const char *s = arg_text(call, url);
  if (!s || (strncasecmp(s, "http://", 7) != 0 && strncasecmp(s, "https://", 8) != 0)) {
    if (s) show_url(call, s, &j->shown);
    arg_bad(err, "this is not the URL of a web server: %s", s ? buf_str(&j->shown) : value_type_name(url));
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
  show_url(call, j->request.url, &j->shown);
  j->request.shown = buf_str(&j->shown);
  return status;
}

/* --- headers --- */

static void add_header(struct http_job *j, const char *name, const char *text) {
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

static enum status take_headers(const struct primitive_call *call, struct http_job *j, value headers,
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
      s = arg_bad(err, "headers: %s is not a header of one line", name ? name : value_type_name(key));
    else add_header(j, name, buf_str(&text));
    j->request.stays |= v.tag == V_SECRET;
    j->typed |= name && strcasecmp(name, "content-type") == 0;
    buf_release(&text);
  }
  return s;
}

/* --- multipart --- */

static void part_release(struct http_part *p) {
  mem_wipe(p->text);
}

/* A text of one line, or nothing: it stands in the part's head. */
static enum status part_line(const struct primitive_call *call, value part, const char *name,
                             const char **out, struct error *err) {
  value v = arg_member(call, part, name);
  *out = arg_text(call, v);
  if (v.tag == V_NIL || (*out && header_tame("x", *out))) return OK;
  return arg_bad(err, "multipart: %s: is %s, not a text of one line", name, value_type_name(v));
}

static enum status part_known(const struct primitive_call *call, value part, struct error *err) {
  static const char *const known[] = {"name", "text", "path", "filename", "type"};
  if (part.tag != V_HASH && part.tag != V_RECORD)
    return arg_bad(err, "multipart: a part is %s, not a hash", value_type_name(part));
  for (size_t i = 0; i < dict_count(value_dict(part)); i++) {
    value key, v;
    bool found = false;
    dict_at(value_dict(part), i, &key, &v);
    const char *name = arg_text(call, key);
    for (size_t k = 0; name && k < sizeof known / sizeof *known; k++)
      found |= strcmp(known[k], name) == 0;
    if (found) continue;
    arg_bad(err, "multipart: a part has no `%s`", name ? name : value_type_name(key));
    error_help(err, "it has name:, one of text: and path:, and maybe filename: and type:");
    return err->status;
  }
  return OK;
}

static enum status take_part(const struct primitive_call *call, value part, struct http_part *out,
                             struct error *err) {
  struct buf text = BUF_INIT;
  enum status s = part_known(call, part, err);
  if (s == OK) s = part_line(call, part, "name", &out->name, err);
  if (s == OK) s = part_line(call, part, "path", &out->path, err);
  if (s == OK) s = part_line(call, part, "filename", &out->filename, err);
  if (s == OK) s = part_line(call, part, "type", &out->type, err);
  if (s != OK) return s;
  bool has_text = arg_plain(call, arg_member(call, part, "text"), &text);
  out->len = text.len;
  if (has_text) out->text = buf_take(&text);
  buf_release(&text);
  if (!out->name) return arg_bad(err, "multipart: a part has no name:");
  if (has_text == !!out->path)
    return arg_bad(err, "multipart: the part %s has one of text: and path:", out->name);
  return OK;
}

/* The content type with its boundary is libcurl's. */
static enum status take_parts(const struct primitive_call *call, struct http_job *j, value parts,
                              struct error *err) {
  size_t *count = &j->request.part_count;
  enum status s = OK;
  if (j->typed) return arg_bad(err, "multipart: has a content-type of its own");
  for (size_t i = 0; s == OK && i < value_array(parts)->count; i++) {
    struct http_part part = {0};
    s = take_part(call, value_array(parts)->items[i], &part, err);
    if (*count == j->part_cap) j->parts = mem_grow(j->parts, *count, &j->part_cap, sizeof *j->parts);
    j->parts[(*count)++] = part;
  }
  if (s == OK && !*count) s = arg_bad(err, "multipart: has no parts");
  j->request.parts = j->parts;
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

static enum status take_body(const struct primitive_call *call, struct http_job *j,
                             const value *args, struct error *err) {
  value form = args[HTTP_FORM], json = args[HTTP_JSON], text = args[HTTP_TEXT],
        parts = args[HTTP_MULTIPART];
  const char *type = "text/plain; charset=utf-8";
  enum status s = OK;
  if ((form.tag != V_NIL) + (json.tag != V_NIL) + (text.tag != V_NIL) + (parts.tag != V_NIL) > 1)
    return arg_bad(err, "form:, json:, body: and multipart: exclude each other");
  for (size_t i = HTTP_FORM; i <= HTTP_MULTIPART; i++)
    j->request.stays |= value_has_secret(args[i]);
  if (parts.tag != V_NIL) return take_parts(call, j, parts, err);
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
      s = arg_bad(err, "body: is %s, not a text", value_type_name(text));
  } else {
    return OK;
  }
  if (s == OK && j->body.overflow) s = arg_bad(err, "the body is larger than %zu bytes", BUF_MAX);
  j->request.body = buf_str(&j->body);
  j->request.body_len = j->body.len;
  if (!j->typed) add_header(j, "Content-Type", type);
  return s;
}

/* --- the rest --- */

static enum status take_credentials(const struct primitive_call *call, struct http_job *j,
                                    const value *args, struct error *err) {
  struct http_request *r = &j->request;
  value basic = secret_reveal(args[HTTP_BASIC]);
  if (basic.tag == V_ARRAY && value_array(basic)->count == 2) {
    r->user = arg_text(call, value_array(basic)->items[0]);
    r->password = arg_text(call, value_array(basic)->items[1]);
  }
  if (basic.tag != V_NIL && (!r->user || !r->password))
    return arg_bad(err, "basic_auth: is a list of a user and a password");
  r->bearer = arg_text(call, args[HTTP_BEARER]);
  if (args[HTTP_BEARER].tag != V_NIL && (!r->bearer || !header_tame("x", r->bearer)))
    return arg_bad(err, "bearer: is a token of one line");
  if (r->user && r->bearer) return arg_bad(err, "basic_auth: and bearer: exclude each other");
  r->ca_file = arg_text(call, args[HTTP_CA]);
  r->cert = arg_text(call, args[HTTP_CERT]);
  r->key = arg_text(call, args[HTTP_KEY]);
  r->key_password = arg_text(call, args[HTTP_KEY_PASSWORD]);
  if (r->key && !r->cert) return arg_bad(err, "cert_key: is the key of cert:");
  return OK;
}

static enum status take_limits(struct http_job *j, const value *args, bool reads, struct error *err) {
  struct http_request *r = &j->request;
  int64_t max = arg_integer(args[HTTP_MAX], HTTP_BODY);
  int64_t follow = arg_integer(args[HTTP_FOLLOW], reads ? 5 : 0);
  r->timeout = arg_duration(args[HTTP_TIMEOUT], LIMIT_HTTP);
  r->connect_timeout = arg_duration(args[HTTP_CONNECT_TIMEOUT], LIMIT_HTTP_CONNECT);
  if (r->timeout <= 0 || r->connect_timeout <= 0) return arg_bad(err, "timeout: must be longer than nothing");
  if (max <= 0 || max > (int64_t)BUF_MAX) return arg_bad(err, "max: is from 1 to %zu bytes", BUF_MAX);
  if (follow < 0 || follow > HTTP_REDIRECTS)
    return arg_bad(err, "follow: is from 0 to %d", HTTP_REDIRECTS);
  /* A 303 asks for a GET; sent on as it is, without its body, a PUT would empty what is there. */
  if (follow && !reads && strcmp(r->method, "POST") != 0)
    return arg_bad(err, "follow: is for GET, HEAD and POST; a %s goes to the server that it names", r->method);
  r->max = (size_t)max;
  r->follow = (long)follow;
  return OK;
}

/* Origins: what a redirect may lead to besides the server that was asked. */
static enum status take_follow_to(const struct primitive_call *call, struct http_job *j, value list,
                                  struct error *err) {
  struct http_request *r = &j->request;
  size_t count = list.tag == V_NIL ? 0 : value_array(list)->count;
  j->origins = mem_array(count + 1, sizeof *j->origins);
  for (size_t i = 0; i < count; i++) {
    const char *s = arg_text(call, value_array(list)->items[i]), *host = s ? strstr(s, "://") : NULL;
    bool origin = host && host[3] && !strpbrk(host + 3, "/?#@");
    if (!origin) {
      arg_bad(err, "follow_to: %s is not the origin of a web server", s ? s : "this");
      error_help(err, "write it as https://host or https://host:port");
      return err->status;
    }
    j->origins[r->follow_to_count++] = s;
  }
  r->follow_to = j->origins;
  return OK;
}

static enum status take_proxy(const struct primitive_call *call, struct http_job *j,
                              const value *args, struct error *err) {
  struct http_request *r = &j->request;
  r->proxy = arg_text(call, args[HTTP_PROXY]);
  r->no_proxy = arg_text(call, args[HTTP_NO_PROXY]);
  if (r->proxy && *r->proxy && strncasecmp(r->proxy, "http://", 7) != 0 &&
      strncasecmp(r->proxy, "https://", 8) != 0) {
    arg_bad(err, "proxy: is not the URL of a proxy");
    error_help(err, "write it as http://host:port, or as an empty text for none");
    return err->status;
  }
  return OK;
}

enum status http_job_take(const struct primitive_call *call, struct http_job *j, const value *args,
                          bool reads, struct error *err) {
  enum status s = take_url(call, j, args[HTTP_URL], args[HTTP_QUERY], err);
  if (s == OK) s = take_headers(call, j, args[HTTP_HEADER_PAIRS], err);
  if (s == OK) s = take_credentials(call, j, args, err);
  if (s == OK) s = take_limits(j, args, reads, err);
  if (s == OK) s = take_follow_to(call, j, args[HTTP_FOLLOW_TO], err);
  if (s == OK) s = take_proxy(call, j, args, err);
  if (s == OK && !reads) s = take_body(call, j, args, err);
  return s;
}

void http_job_release(struct http_job *j) {
  for (size_t i = 0; i < j->request.header_count; i++) {
    mem_free(j->headers[i].name);
    mem_wipe(j->headers[i].value);
  }
  for (size_t i = 0; i < j->request.part_count; i++)
    part_release(&j->parts[i]);
  mem_free(j->headers);
  mem_free(j->parts);
  mem_free(j->origins);
  buf_wipe(&j->url);
  buf_release(&j->shown);
  buf_wipe(&j->body);
  buf_wipe(&j->response.headers);
  buf_wipe(&j->response.body);
  mem_wipe(j->response.url);
}
