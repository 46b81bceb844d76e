/* The primitives of the group `mail`: letters with places for what differs, and reports of letters
 * that could not be delivered. */
#include "../task.h"
#include "args.h"
#include "bounce.h"
#include "mail_template.h"

/* The text of a field of a hash or record; false when it has none, or it is blank or no text. */
static bool field_of(const struct primitive_call *call, value fields, const char *name,
                     struct buf *out) {
  value key = value_cstr(name), v;
  bool found = (fields.tag == V_HASH || fields.tag == V_RECORD) &&
               dict_find(value_dict(fields), call->syms, key, &v) && v.tag != V_NIL &&
               v.tag != V_SECRET && arg_plain(call, v, out);
  value_unref(key);
  const char *s = buf_str(out);
  return found && s[strspn(s, " \t\r\n")];
}

/* --- mail.fill --- */

static enum status no_value(const char *name, struct error *err) {
  if (!*name)
    return arg_fail(err, ERR_VALUE, "validation",
                    "text: has a {{ that begins no place: write {{name}}");
  return arg_fail(err, ERR_VALUE, "validation", "text: there is no value for {{%s}}", name);
}

static enum status fill(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  static const char *const forms[] = {"text", "html", "url"};
  const char *s = arg_text(call, args[0]), *form = arg_text(call, args[2]), *from, *to;
  char name[PLACE_MAX + 1];
  enum place_form as = PLACE_TEXT;
  struct buf b = BUF_INIT;
  enum status status = OK;
  for (size_t i = 0; form && i < sizeof forms / sizeof *forms; i++)
    if (strcmp(form, forms[i]) == 0) as = (enum place_form)i;
  while (status == OK && place_next(s, &from, &to, name)) {
    struct buf text = BUF_INIT;
    buf_add(&b, s, (size_t)(from - s));
    if (!*name || !field_of(call, args[1], name, &text)) status = no_value(name, err);
    else place_write(buf_str(&text), as, &b);
    buf_release(&text);
    s = to;
  }
  buf_adds(&b, s);
  if (status == OK) return result_made(&b, out, err);
  buf_release(&b);
  return status;
}

/* --- mail.problems --- */

struct check {
  const struct primitive_call *call;
  struct list *problems;
  struct list *names; /* places, each once */
};

static void problem(struct check *c, const char *fmt, ...) like_printf(2, 3);
static void problem(struct check *c, const char *fmt, ...) {
  struct buf b = BUF_INIT;
  va_list ap;
  va_start(ap, fmt);
  buf_vaddf(&b, fmt, ap);
  va_end(ap);
  list_push(c->problems, value_string(buf_str(&b), b.len));
  buf_release(&b);
}

static bool has_name(const struct list *names, const char *name) {
  for (size_t i = 0; i < names->count; i++)
    if (strcmp(value_str(names->items[i])->s, name) == 0) return true;
  return false;
}

static void check_places(struct check *c, const char *part, const char *s) {
  const char *from, *to;
  char name[PLACE_MAX + 1];
  for (; place_next(s, &from, &to, name); s = to) {
    if (!*name) problem(c, "%s: \"%.20s\" begins no place: write {{name}}", part, from);
    else if (!has_name(c->names, name)) list_push(c->names, value_cstr(name));
  }
}

static void check_part(struct check *c, const char *part, const char *s, int64_t max) {
  if (!s || !s[strspn(s, " \t\r\n")]) {
    problem(c, "%s: it is missing", part);
    return;
  }
  check_places(c, part, s);
  if (strlen(s) > (size_t)max)
    problem(c, "%s: it has %zu bytes; from %lld on readers cut it off", part, strlen(s),
            (long long)max);
}

static bool is_given(const struct primitive_call *call, value given, const char *name) {
  for (size_t i = 0; given.tag == V_ARRAY && i < value_array(given)->count; i++) {
    const char *s = arg_text(call, value_array(given)->items[i]);
    if (s && strcmp(s, name) == 0) return true;
  }
  return false;
}

/* Whether each of these people has something for each place. */
static void check_people(struct check *c, const struct list *people, value given) {
  for (size_t i = 0; i < c->names->count; i++) {
    const char *name = value_str(c->names->items[i])->s;
    if (is_given(c->call, given, name)) continue;
    struct buf first = BUF_INIT;
    size_t without = 0;
    for (size_t k = 0; k < people->count; k++) {
      struct buf text = BUF_INIT;
      if (!field_of(c->call, people->items[k], name, &text) && !without++)
        (void)field_of(c->call, people->items[k], "email", &first);
      buf_release(&text);
    }
    if (without == people->count) problem(c, "{{%s}}: nobody has such a field", name);
    else if (without)
      problem(c, "{{%s}}: %zu of %zu have nothing for it, %s first", name, without, people->count,
              first.len ? buf_str(&first) : "somebody");
    buf_release(&first);
  }
}

static enum status problems(struct primitive_call *call, const value *args, value *out,
                            struct error *err) {
  const char *subject = arg_text(call, args[0]);
  int64_t max = arg_integer(args[4], 102400);
  struct check c = {call, list_new(0), list_new(0)};
  struct dict *d = dict_new();
  (void)err;
  check_part(&c, "subject", subject, 250);
  if (subject && strpbrk(subject, "\r\n")) problem(&c, "subject: it has more than one line");
  check_part(&c, "text", arg_text(call, args[1]), max);
  check_part(&c, "html", arg_text(call, args[2]), max);
  if (args[3].tag == V_ARRAY && value_array(args[3])->count)
    check_people(&c, value_array(args[3]), args[5]);
  result_set(call, d, "problems", value_list(c.problems));
  result_set(call, d, "places", value_list(c.names));
  *out = value_record(d);
  return OK;
}

/* --- mail.bounces --- */

struct job {
  char *path;
  struct bounces found;
  struct error *err;
  enum status status;
};

static void job_run(void *arg) {
  struct job *j = arg;
  j->status = bounces_read(j->path, &j->found, j->err);
}

static value given(struct primitive_call *call, const struct bounce *b) {
  struct dict *d = dict_new();
  result_set(call, d, "id", result_text(b->id, strlen(b->id)));
  result_set(call, d, "to", result_text(b->to, strlen(b->to)));
  result_set(call, d, "action", result_text(b->action, strlen(b->action)));
  result_set(call, d, "status", result_text(b->status, strlen(b->status)));
  result_set(call, d, "reason", result_text(b->reason, strlen(b->reason)));
  result_set(call, d, "message_id", result_text(b->message_id, strlen(b->message_id)));
  result_set(call, d, "at", value_time(b->at));
  result_set(call, d, "hard", value_bool(b->hard));
  return value_record(d);
}

static enum status bounces(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  struct job j = {.path = arg_path(call, args[0], args[1]), .err = err};
  if (call->tasks) task_blocking(call->tasks, job_run, &j);
  else job_run(&j);
  if (j.status == OK) {
    struct list *l = list_new(j.found.count);
    for (size_t i = 0; i < j.found.count; i++)
      list_push(l, given(call, &j.found.items[i]));
    *out = value_list(l);
  }
  bounces_release(&j.found);
  mem_free(j.path);
  return j.status;
}

#define PARAM_END                                                                                  \
  { NULL, NULL, NULL }

static const struct primitive_param fill_params[] = {
    {"text", "string", "with places: {{first_name}}"},
    {"fields", "any", "a hash or record with a value for each"},
    {"form", "symbol?", "how values are written: :text, :html or :url; :text unless said"},
    PARAM_END};
static const struct primitive_param problems_params[] = {
    {"subject", "string", "one line, with places"},
    {"text", "string?", "with places"},
    {"html", "string?", "with places"},
    {"people", "array?", "hashes or records that are to have a value for each place"},
    {"max", "integer?", "bytes of one part; 102400 unless said"},
    {"given", "array?", "places that have a value by other means"},
    PARAM_END};
static const struct primitive_param bounces_params[] = {
    {"path", "path", "a directory with a file for each message, or a maildir"},
    {"state", "boolean?", "the path starts where embedded drivers keep their files"},
    PARAM_END};

const struct primitive mail_fill = {{"mail", "fill", fill_params, "string", EFFECT_READ,
                                     "A letter with its places filled; one without a value fails"},
                                    fill};
const struct primitive mail_problems = {{"mail", "problems", problems_params,
                                         "{problems: array, places: array}", EFFECT_READ,
                                         "What is wrong with a letter, and which places it has"},
                                        problems};
const struct primitive mail_bounces = {
    {"mail", "bounces", bounces_params, "array", EFFECT_READ,
     "What reports in a mailbox say: id, to, action, status, reason, message_id, at, hard"},
    bounces};
