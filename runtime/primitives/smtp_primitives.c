/* The primitives of the group `smtp`: values to a message and where it goes, and the server's
 * answer to values. mime.h makes the bytes, the module stepwise-curl.so sends them. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../digest.h"
#include "args.h"
#include "curl.h"
#include "mime.h"

#define DEFAULT(id, us, what) static const int64_t LIMIT_##id __attribute__((unused)) = us;
#include "../limits.def"
#undef DEFAULT

enum { MESSAGE_MAX = 25 << 20, HEADERS_MAX = 50, PARTS_MAX = 50 };

struct job {
  struct mime_message message;
  struct smtp_request request;
  struct smtp_response response;
  struct mime_address *to;
  struct mime_header headers[HEADERS_MAX];
  struct mime_part parts[PARTS_MAX];
  struct mime_address sender; /* bounces go there, when it is not `from` */
  const char **envelope;
  char *id;
  struct buf data;
  size_t max;
};

static void job_release(struct job *j) {
  for (size_t i = 0; i < j->message.to_count; i++)
    mime_address_release(&j->to[i]);
  for (size_t i = 0; i < j->message.header_count; i++) {
    mem_free(j->headers[i].name);
    mem_free(j->headers[i].text);
  }
  for (size_t i = 0; i < j->message.part_count; i++) {
    mem_free(j->parts[i].type);
    mem_free(j->parts[i].name);
    mem_free(j->parts[i].data);
  }
  mime_address_release(&j->message.from);
  mime_address_release(&j->message.reply_to);
  mime_address_release(&j->sender);
  mem_free(j->to);
  mem_free(j->envelope);
  mem_free(j->response.to);
  mem_free(j->id);
  buf_release(&j->data);
}

/* --- who --- */

static enum status take_address(const struct primitive_call *call, const char *what, value v,
                                struct mime_address *out, struct error *err) {
  const char *s = arg_text(call, v);
  return s ? mime_address_read(s, out, err)
           : arg_bad(err, "%s is %s, not an address", what, value_type_name(v));
}

static enum status take_to(const struct primitive_call *call, struct job *j, value to,
                           struct error *err) {
  const value *items = to.tag == V_ARRAY ? value_array(to)->items : &to;
  size_t count = to.tag == V_ARRAY ? value_array(to)->count : 1;
  enum status s = OK;
  if (!count || count > SMTP_RECIPIENTS)
    return arg_bad(err, "to: is from 1 to %d addresses, not %zu", SMTP_RECIPIENTS, count);
  j->to = mem_array(count, sizeof *j->to);
  j->envelope = mem_array(count, sizeof *j->envelope);
  j->response.to = mem_array(count, sizeof *j->response.to);
  j->message.to = j->to;
  for (size_t i = 0; s == OK && i < count; i++) {
    s = take_address(call, "to:", items[i], &j->to[i], err);
    if (s != OK) break;
    j->envelope[i] = j->to[i].address;
    j->message.to_count++;
  }
  j->request.to = j->envelope;
  j->request.to_count = count;
  return s;
}

/* --- what --- */

static enum status take_line(const struct primitive_call *call, const char *what, value v,
                             const char **out, struct error *err) {
  *out = arg_text(call, v);
  if (*out && mime_line(*out)) return OK;
  return arg_bad(err, "%s is a text of one line, of at most %d bytes", what, MIME_TEXT_MAX);
}

static enum status take_headers(const struct primitive_call *call, struct job *j, value headers,
                                struct error *err) {
  const struct dict *d = headers.tag == V_NIL ? NULL : value_dict(headers);
  for (size_t i = 0; d && i < dict_count(d); i++) {
    value key, v;
    dict_at(d, i, &key, &v);
    const char *name = arg_text(call, key), *text = arg_text(call, v);
    if (v.tag == V_NIL) continue;
    if (!name || !mime_header_own(name))
      return arg_bad(err, "headers: %s is no header that can be added",
                 name ? name : value_type_name(key));
    if (!text || !mime_line(text)) return arg_bad(err, "headers: %s is not a text of one line", name);
    if (j->message.header_count == HEADERS_MAX) return arg_bad(err, "headers: at most %d", HEADERS_MAX);
    j->headers[j->message.header_count++] =
        (struct mime_header){mem_strdup(name), mem_strdup(text)};
  }
  return OK;
}

/* The same for each attempt of one action: <KEY@the sender's host>. */
static void make_id(const struct primitive_call *call, struct job *j) {
  const char *host = strrchr(j->message.from.address, '@');
  struct buf b = BUF_INIT;
  unsigned char random[16];
  char hex[2 * sizeof random + 1];
  random_bytes(random, sizeof random);
  hex_write(random, sizeof random, hex);
  buf_addf(&b, "<%.40s%s>", *call->key ? call->key : hex, host);
  j->id = buf_take(&b);
}

static bool id_good(const char *s) {
  size_t len = strlen(s);
  if (len < 5 || len > MIME_ID_MAX || s[0] != '<' || s[len - 1] != '>') return false;
  const char *at = memchr(s, '@', len);
  for (size_t i = 1; i < len - 1; i++)
    if (s[i] <= ' ' || s[i] >= 127 || strchr("<>\"(),:;\\", s[i])) return false;
  return at && at > s + 1 && at < s + len - 2;
}

/* --- attachments --- */

struct reading {
  const char *path;
  size_t max;
  struct buf data;
  int why;
};

static void read_whole(void *arg) {
  struct reading *r = arg;
  char piece[16384];
  ssize_t n;
  struct stat st;
  int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  r->data.max = r->max;
  if (fd < 0) {
    r->why = errno;
    return;
  }
  if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) r->why = EISDIR;
  while (!r->why && !r->data.overflow && (n = read(fd, piece, sizeof piece)) != 0)
    if (n > 0) buf_add(&r->data, piece, (size_t)n);
    else if (errno != EINTR) r->why = errno;
  close(fd);
}

static enum status read_part(const struct primitive_call *call, const char *path, size_t max,
                             struct mime_part *out, struct error *err) {
  struct reading r = {.path = path, .max = max};
  enum status s = OK;
  if (call->tasks) task_blocking(call->tasks, read_whole, &r);
  else read_whole(&r);
  if (r.why) {
    s = arg_fail(err, r.why == ENOENT ? ERR_NOT_FOUND : ERR_IO, "validation",
                 "cannot read the attachment %s: %s", path,
                 r.why == EISDIR ? "it is not a file" : strerror(r.why));
  } else if (r.data.overflow) {
    s = arg_fail(err, ERR_LIMIT, "validation",
                 "the attachment %s is larger than the message may be: %zu bytes", path, max);
    error_help(err, "say max: with more bytes");
  } else {
    out->len = r.data.len;
    out->data = r.data.len ? buf_take(&r.data) : mem_strdup("");
  }
  buf_release(&r.data);
  return s;
}

/* A field of {path: or text:, name:, type:}. */
static enum status part_text(const struct primitive_call *call, const struct dict *d,
                             const char *name, const char **out, struct error *err) {
  value key = value_cstr(name), v = VALUE_NIL;
  bool found = dict_find(d, call->syms, key, &v) && v.tag != V_NIL;
  value_unref(key);
  *out = found ? arg_text(call, v) : NULL;
  return found && !*out ? arg_bad(err, "attachments: %s is %s, not a text", name, value_type_name(v))
                        : OK;
}

static enum status take_part(const struct primitive_call *call, struct job *j, value v,
                             struct error *err) {
  const char *path, *text, *name, *type;
  struct mime_part part = {0};
  enum status s = OK;
  if (v.tag != V_HASH && v.tag != V_RECORD)
    return arg_bad(err, "attachments: are hashes with path: or text:, name: and type:, not %s",
               value_type_name(v));
  s = part_text(call, value_dict(v), "path", &path, err);
  if (s == OK) s = part_text(call, value_dict(v), "text", &text, err);
  if (s == OK) s = part_text(call, value_dict(v), "name", &name, err);
  if (s == OK) s = part_text(call, value_dict(v), "type", &type, err);
  if (s != OK) return s;
  if (!path == !text) return arg_bad(err, "attachments: each has either path: or text:");
  if (!name && path) name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  if (!name || !*name || strlen(name) > MIME_NAME_MAX || strchr(name, '/') || !mime_line(name))
    return arg_bad(err, "attachments: name is a file's name, without a directory, of at most %d bytes",
               MIME_NAME_MAX);
  if (!type) type = path ? "application/octet-stream" : "text/plain";
  if (!mime_type(type)) return arg_bad(err, "attachments: type is as application/pdf, not %s", type);
  if (path) s = read_part(call, path, j->max, &part, err);
  else part.data = mem_strdup(text), part.len = strlen(text);
  if (s != OK) return s;
  part.type = mem_strdup(type);
  part.name = mem_strdup(name);
  j->parts[j->message.part_count++] = part;
  return OK;
}

static enum status take_parts(const struct primitive_call *call, struct job *j, value parts,
                              struct error *err) {
  enum status s = OK;
  if (parts.tag == V_NIL) return OK;
  if (value_array(parts)->count > PARTS_MAX) return arg_bad(err, "attachments: at most %d", PARTS_MAX);
  for (size_t i = 0; s == OK && i < value_array(parts)->count; i++)
    s = take_part(call, j, value_array(parts)->items[i], err);
  return s;
}

/* --- the message --- */

enum {
  ARG_URL,
  ARG_FROM,
  ARG_TO,
  ARG_SUBJECT,
  ARG_TEXT,
  ARG_HTML,
  ARG_REPLY_TO,
  ARG_SENDER,
  ARG_HEADERS,
  ARG_ATTACHMENTS,
  ARG_ID,
  ARG_TLS,
  ARG_USER,
  ARG_PASSWORD,
  ARG_CA,
  ARG_HELO,
  ARG_TIMEOUT,
  ARG_MAX
};

static enum status take_message(const struct primitive_call *call, struct job *j, const value *args,
                                struct error *err) {
  struct mime_message *m = &j->message;
  enum status s = take_address(call, "from:", args[ARG_FROM], &m->from, err);
  if (s == OK) s = take_to(call, j, args[ARG_TO], err);
  if (s == OK) s = take_line(call, "subject:", args[ARG_SUBJECT], &m->subject, err);
  if (s == OK && args[ARG_REPLY_TO].tag != V_NIL)
    s = take_address(call, "reply_to:", args[ARG_REPLY_TO], &m->reply_to, err);
  if (s == OK && args[ARG_SENDER].tag != V_NIL)
    s = take_address(call, "sender:", args[ARG_SENDER], &j->sender, err);
  if (s == OK) s = take_headers(call, j, args[ARG_HEADERS], err);
  if (s != OK) return s;
  m->text = arg_text(call, args[ARG_TEXT]);
  m->html = arg_text(call, args[ARG_HTML]);
  if (!m->text && !m->html) return arg_bad(err, "text: or html: has what the message says");
  if (args[ARG_ID].tag == V_NIL) make_id(call, j);
  else j->id = arg_dup(call, args[ARG_ID]);
  if (!id_good(j->id))
    return arg_bad(err, "id: is as <word@host>, not %s", mime_line(j->id) ? j->id : "what it is");
  m->id = j->id;
  m->headers = j->headers;
  m->parts = j->parts;
  return take_parts(call, j, args[ARG_ATTACHMENTS], err);
}

static enum status write_message(const struct primitive_call *call, struct job *j,
                                 struct error *err) {
  struct clock real;
  clock_real(&real);
  j->message.headers = j->headers;
  j->message.parts = j->parts;
  j->message.date = clock_wall(call->tasks ? tasks_clock(call->tasks) : &real);
  j->data.max = j->max;
  mime_write(&j->message, &j->data);
  if (!j->data.overflow) return OK;
  arg_fail(err, ERR_LIMIT, "validation", "the message is larger than %zu bytes", j->max);
  error_help(err, "say max: with more bytes");
  return ERR_LIMIT;
}

/* --- the server --- */

static bool host_good(const char *s) {
  size_t len = strlen(s);
  return len && len <= 255 &&
         strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == len;
}

static enum status take_url(const struct primitive_call *call, struct job *j, value v,
                            struct error *err) {
  const char *s = arg_text(call, v);
  bool plain = s && strncasecmp(s, "smtp://", 7) == 0,
       tls = s && strncasecmp(s, "smtps://", 8) == 0;
  if ((plain || tls) && s[plain ? 7 : 8] && !strpbrk(s + 8, "/?# @")) {
    j->request.url = s;
    return OK;
  }
  arg_bad(err, "this is not the URL of a mail server%s%s", s && !strchr(s, '@') ? ": " : "",
      s && !strchr(s, '@') ? s : "");
  error_help(err,
             "write it as smtp://host:port or smtps://host:port; user: and password: go beside it");
  return ERR_VALUE;
}

static enum status take_tls(const struct primitive_call *call, struct job *j, value v,
                            struct error *err) {
  static const char *const names[] = {"optional", "required", "never"};
  const char *s = v.tag == V_NIL ? names[0] : arg_text(call, v);
  for (size_t i = 0; s && i < sizeof names / sizeof *names; i++) {
    if (strcmp(s, names[i]) != 0) continue;
    j->request.tls = (enum smtp_tls)i;
    /* Whoever is in between could take the offer of TLS away, and so get the password. */
    if (i == SMTP_TLS_OPTIONAL && j->request.user) j->request.tls = SMTP_TLS_REQUIRED;
    return OK;
  }
  return arg_bad(err, "tls: is :required, :optional or :never");
}

static enum status take_server(const struct primitive_call *call, struct job *j, const value *args,
                               struct error *err) {
  struct smtp_request *r = &j->request;
  enum status s = take_url(call, j, args[ARG_URL], err);
  if (s != OK) return s;
  r->user = arg_text(call, args[ARG_USER]);
  r->password = arg_text(call, args[ARG_PASSWORD]);
  r->ca_file = arg_text(call, args[ARG_CA]);
  r->helo = arg_text(call, args[ARG_HELO]);
  if (!r->user != !r->password) return arg_bad(err, "user: and password: go together");
  if (r->helo && !host_good(r->helo))
    return arg_bad(err, "helo: is this machine's name, as mail.example.org");
  r->timeout = arg_duration(args[ARG_TIMEOUT], LIMIT_SMTP);
  r->connect_timeout = LIMIT_SMTP_CONNECT;
  if (r->timeout <= 0) return arg_bad(err, "timeout: must be longer than nothing");
  int64_t max = arg_integer(args[ARG_MAX], MESSAGE_MAX);
  if (max <= 0 || max > (int64_t)BUF_MAX) return arg_bad(err, "max: is from 1 to %zu bytes", BUF_MAX);
  j->max = (size_t)max;
  return take_tls(call, j, args[ARG_TLS], err);
}

/* --- the answer --- */

const char *smtp_class(const struct smtp_reply *reply) {
  static const struct {
    const char *begins, *kind;
  } enhanced[] = {{"5.1.8", "permission"}, {"5.1.7", "permission"}, {"5.1.", "refused"},
                  {"5.2.", "refused"},     {"5.3.4", "validation"}, {"5.6.", "validation"},
                  {"5.7.", "permission"}};
  static const struct {
    int code;
    const char *kind;
  } codes[] = {{501, "validation"}, {504, "validation"}, {530, "permission"}, {534, "permission"},
               {535, "permission"}, {538, "permission"}, {550, "refused"},    {551, "refused"},
               {552, "validation"}, {553, "refused"},    {555, "validation"}, {556, "refused"}};
  if (reply->code < 500) return "transient";
  for (size_t i = 0; i < sizeof enhanced / sizeof *enhanced; i++)
    if (strncmp(reply->text, enhanced[i].begins, strlen(enhanced[i].begins)) == 0)
      return enhanced[i].kind;
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i].code == reply->code) return codes[i].kind;
  return "provider";
}

static value given_symbol(struct primitive_call *call, const char *s) {
  return value_symbol(sym_intern(call->syms, s, strlen(s)));
}

static value given(struct primitive_call *call, const struct job *j) {
  struct dict *d = dict_new();
  struct list *accepted = list_new(j->message.to_count), *refused = list_new(0);
  for (size_t i = 0; i < j->message.to_count; i++) {
    const struct smtp_reply *r = &j->response.to[i];
    if (r->code / 100 == 2) {
      list_push(accepted, value_cstr(j->to[i].address));
      continue;
    }
    struct dict *one = dict_new();
    result_set(call, one, "to", value_cstr(j->to[i].address));
    result_set(call, one, "code", value_int(r->code));
    result_set(call, one, "text", value_cstr(r->text));
    result_set(call, one, "kind", given_symbol(call, smtp_class(r)));
    list_push(refused, value_record(one));
  }
  result_set(call, d, "id", value_cstr(j->id));
  result_set(call, d, "code", value_int(j->response.last.code));
  result_set(call, d, "reply", value_cstr(j->response.last.text));
  result_set(call, d, "accepted", value_list(accepted));
  result_set(call, d, "refused", value_list(refused));
  result_set(call, d, "size", value_int((int64_t)j->data.len));
  return value_record(d);
}

/* --- the call --- */

struct call_task {
  const struct curl_module *module;
  struct tasks *tasks;
  struct job *job;
  struct error *err;
  enum status status;
};

static void call_main(void *arg) {
  struct call_task *c = arg;
  c->status = c->module->smtp(c->tasks, &c->job->request, &c->job->response, c->err);
}

static enum status send_request(struct primitive_call *call, struct job *j, struct error *err) {
  const struct curl_module *module;
  struct clock clock;
  enum status s = curl_open(call->tasks, &module, err);
  if (s != OK) return s;
  struct call_task c = {.module = module, .tasks = call->tasks, .job = j, .err = err};
  if (c.tasks && task_current(c.tasks)) {
    call_main(&c);
  } else {
    clock_real(&clock);
    c.tasks = tasks_new(&clock);
    task_release(task_spawn(c.tasks, call_main, &c));
    tasks_run(c.tasks);
    tasks_free(c.tasks);
  }
  call->unsure |= c.status != OK && j->response.unsure;
  return c.status;
}

static enum status smtp_perform(struct primitive_call *call, const value *args, value *out,
                                struct error *err) {
  struct job *j = mem_zalloc(sizeof *j);
  enum status s = take_server(call, j, args, err);
  if (s == OK) s = take_message(call, j, args, err);
  if (s == OK) s = write_message(call, j, err);
  if (s == OK) {
    j->request.from = j->sender.address ? j->sender.address : j->message.from.address;
    j->request.data = buf_str(&j->data);
    j->request.len = j->data.len;
    s = send_request(call, j, err);
  }
  if (s == OK) *out = given(call, j);
  job_release(j);
  mem_free(j);
  return s;
}

static const struct primitive_param send_params[] = {
    {"url", "text", "smtp://host:port, or smtps://host:port for TLS from the start"},
    {"from", "text", "who writes: ops@example.org, or Ops <ops@example.org>"},
    {"to", "any", "who gets it: an address, or an array of up to 100"},
    {"subject", "text", "one line"},
    {"text", "text?", "what it says; with html: the reader's program chooses"},
    {"html", "text?", "what it says, as HTML"},
    {"reply_to", "text?", "where answers go, when not to from:"},
    {"sender", "text?", "where what cannot be delivered comes back to; from: unless said"},
    {"headers", "hash?", "further headers, each a text of one line"},
    {"attachments", "array?", "of hashes: path: or text:, name:, type:"},
    {"id", "text?", "the Message-ID; made of the action's key unless said"},
    {"tls", "symbol?",
     ":optional (STARTTLS where it is offered), :required or :never; with a password "
     ":optional is :required"},
    {"user", "text?", "to log in as"},
    {"password", "text?", "to log in with"},
    {"ca_file", "path?", "certificates to trust instead of the system's"},
    {"helo", "text?", "the name we go by; this machine's unless said"},
    {"timeout", "duration?", "for all of it; 2 minutes unless said"},
    {"max", "integer?", "bytes of the message; 25 MiB unless said"},
    {NULL, NULL, NULL}};

const struct primitive smtp_send = {
    {"smtp", "send", send_params,
     "{id: string, code: integer, reply: string, accepted: array, refused: array, size: integer}",
     EFFECT_WRITE,
     "Hands a message to a mail server; refused: has to, code, text and kind of each"},
    smtp_perform};
