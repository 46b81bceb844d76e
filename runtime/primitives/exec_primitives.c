/* The primitives of the group `exec`: programs of the system, with arguments and never a shell. */
#include "../process.h"
#include "args.h"

struct job {
  struct process_spec spec;
  char **args; /* owned, NULL-terminated */
  struct process_var *env;
  char *dir;
};

static void job_release(struct job *j) {
  for (char **a = j->args; a && *a; a++)
    mem_wipe(*a);
  mem_free(j->args);
  for (size_t i = 0; i < j->spec.env_count; i++) {
    mem_free((char *)(uintptr_t)j->env[i].name);
    mem_free((char *)(uintptr_t)j->env[i].value);
  }
  mem_free(j->env);
  mem_free(j->dir);
}

static enum status take_args(const struct primitive_call *call, struct job *j, value v,
                             struct error *err) {
  const struct list *list = value_array(v);
  j->args = mem_array(list->count + 1, sizeof *j->args);
  for (size_t i = 0; i < list->count; i++) {
    struct buf b = BUF_INIT;
    bool good = arg_plain(call, list->items[i], &b) && (i || b.len);
    j->args[i] = buf_take(&b);
    if (!good)
      return arg_fail(
          err, ERR_VALUE, "validation", "args: is a list of texts; number %zu is %s", i + 1,
          i || list->items[i].tag != V_STRING ? value_type_name(list->items[i]) : "empty");
  }
  if (!list->count)
    return arg_fail(err, ERR_VALUE, "validation", "args: is empty; the program comes first");
  j->spec.args = (const char *const *)(const void *)j->args;
  return OK;
}

static enum status take_env(const struct primitive_call *call, struct job *j, value v,
                            struct error *err) {
  const struct dict *d = v.tag == V_NIL ? NULL : value_dict(v);
  size_t count = d ? dict_count(d) : 0;
  j->spec.env = j->env = mem_array(count + 1, sizeof *j->env);
  for (size_t i = 0; i < count; i++) {
    value name, text;
    struct buf b = BUF_INIT;
    dict_at(d, i, &name, &text);
    const char *key = arg_text(call, name);
    if (!key || !*key || strchr(key, '='))
      return arg_fail(err, ERR_VALUE, "validation", "env: has a name that cannot be one: %s",
                      key ? key : value_type_name(name));
    bool unset = text.tag == V_NIL;
    if (!unset && !arg_plain(call, text, &b))
      return arg_fail(err, ERR_VALUE, "validation", "env: %s is %s, not a text", key,
                      value_type_name(text));
    j->env[j->spec.env_count++] =
        (struct process_var){mem_strdup(key), unset ? NULL : buf_take(&b)};
  }
  return OK;
}

static enum status take(const struct primitive_call *call, struct job *j, const value *args,
                        struct error *err) {
  enum status s = take_args(call, j, args[0], err);
  j->spec.dir = j->dir = arg_dup(call, args[1]);
  if (s == OK) s = take_env(call, j, args[2], err);
  const char *input = arg_text(call, args[3]);
  if (input) j->spec.input = (struct process_text){input, strlen(input)};
  int64_t max = arg_integer(args[4], PROCESS_OUTPUT);
  j->spec.timeout = arg_duration(args[5], 0);
  if (s == OK && (max <= 0 || max > (int64_t)BUF_MAX))
    s = arg_fail(err, ERR_VALUE, "validation", "max: is from 1 to %zu bytes", BUF_MAX);
  if (s == OK && args[5].tag != V_NIL && j->spec.timeout <= 0)
    s = arg_fail(err, ERR_VALUE, "validation", "timeout: must be longer than nothing");
  j->spec.max = (size_t)max;
  return s;
}

static value given(struct primitive_call *call, const struct process_result *r) {
  struct dict *d = dict_new();
  const char *name = r->signal ? sigabbrev_np(r->signal) : NULL;
  result_set(call, d, "status", value_int(r->signal ? 128 + r->signal : r->status));
  result_set(call, d, "signal", r->signal ? value_cstr(name ? name : "unknown") : VALUE_NIL);
  result_set(call, d, "out", result_text(buf_str(&r->out), r->out.len));
  result_set(call, d, "err", result_text(buf_str(&r->err), r->err.len));
  return value_record(d);
}

/* A program that writes is not stopped for what it prints: it went on to its end. */
static enum status check_max(const struct job *j, const struct process_result *r,
                             struct error *err) {
  if (r->out_bytes <= j->spec.max && r->err_bytes <= j->spec.max) return OK;
  bool out = r->out_bytes > j->spec.max;
  struct buf how = BUF_INIT;
  process_how(r, &how);
  arg_fail(err, ERR_LIMIT, "provider",
           "%s %s, but it wrote %llu bytes to its standard %s, and %zu are taken", j->args[0],
           buf_str(&how), (unsigned long long)(out ? r->out_bytes : r->err_bytes),
           out ? "output" : "error", j->spec.max);
  error_help(err, "have it write less, or into a file; or say max: with more bytes");
  buf_release(&how);
  return ERR_LIMIT;
}

static enum status execute(struct primitive_call *call, const value *args, bool reads, value *out,
                           struct error *err) {
  struct job j = {.spec = {.stop_at_max = reads}};
  struct process_result r = {0};
  enum status s = take(call, &j, args, err);
  if (s == OK) s = process_run(call->tasks, &j.spec, &r, err);
  call->unsure |= s != OK && r.started;
  if (s == OK) s = check_max(&j, &r, err);
  if (s == OK) *out = given(call, &r);
  process_result_release(&r);
  job_release(&j);
  return s;
}

static enum status run(struct primitive_call *call, const value *args, value *out,
                       struct error *err) {
  return execute(call, args, false, out, err);
}

static enum status read_only(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  return execute(call, args, true, out, err);
}

static const struct primitive_param params[] = {
    {"args", "array", "the program and its arguments, each by itself; no shell reads them"},
    {"dir", "path?", "the directory it works in"},
    {"env", "hash?", "variables set for it on top of ours; nil takes one away"},
    {"stdin", "text?", "the text it reads; nothing unless said"},
    {"max", "integer?", "bytes of each output that are taken; 1 MiB unless said"},
    {"timeout", "duration?", "then it is stopped, with all it started: TERM, and KILL later"},
    {NULL, NULL, NULL}};

#define RESULT "{status: integer, signal: string?, out: string, err: string}"
const struct primitive exec_run = {
    {"exec", "run", params, RESULT, EFFECT_WRITE,
     "Runs a program that changes something; the status is 128 and more when a signal ended it"},
    run};
const struct primitive exec_read = {
    {"exec", "read", params, RESULT, EFFECT_READ,
     "Runs a program that only reads; one that writes more than max is stopped"},
    read_only};
