/* Answers from a file, and the rules of which entry answers which question. */
#include "asker.h"

#include <unistd.h>

#include "../lang/source.h"
#include "../runtime/codec.h"
#include "command.h"

enum status asker_load(struct asker *a, const char *path, struct symtab *syms, struct error *err) {
  struct source s;
  enum status status = read_source(path, &s, err);
  if (status != OK) return status;
  value v;
  struct error inner = {0};
  status = json_read(s.text, s.len, syms, false, &v, &inner);
  if (status == OK && v.tag != V_HASH) {
    value_unref(v);
    status = error_set(&inner, ERR_VALUE, "it is not a JSON object");
  }
  if (status != OK) {
    error_set(err, ERR_VALUE, "answers file %s: %s", path, inner.message);
    error_help(err, "one object: {\"STEP-ID\": \"yes\", \"a question's text\": \"its answer\"}");
  } else {
    a->answers = v;
    a->syms = syms;
    a->path = path;
    a->used = mem_array(dict_count(value_dict(v)) + 1, sizeof *a->used);
  }
  error_release(&inner);
  source_release(&s);
  return status;
}

/* The entry of this key, or the next of its array; false when there is none (left). */
static bool entry(struct asker *a, const char *key, value *out) {
  if (a->answers.tag != V_HASH) return false;
  const struct dict *d = value_dict(a->answers);
  for (size_t i = 0; i < dict_count(d); i++) {
    value k, v;
    dict_at(d, i, &k, &v);
    if (k.tag != V_STRING || strcmp(value_str(k)->s, key) != 0) continue;
    if (v.tag != V_ARRAY) return *out = v, true;
    if (a->used[i] >= value_array(v)->count) return false;
    *out = value_array(v)->items[a->used[i]++];
    return true;
  }
  return false;
}

/* An approval and a page are no questions of their step: its id alone does not mean them. */
static const char *prefix_of(const struct prompt *q) {
  return q->kind == PROMPT_APPROVAL ? "approve " : q->kind == PROMPT_PAGE ? "ack " : "";
}

static bool find(struct asker *a, const struct prompt *q, value *out) {
  struct buf key = BUF_INIT;
  bool found = entry(a, q->text, out);
  if (!found && *q->step) {
    buf_adds(&key, prefix_of(q));
    buf_adds(&key, q->step);
    found = entry(a, buf_str(&key), out);
  }
  buf_release(&key);
  return found;
}

static bool text_field(struct asker *a, value hash, const char *name, char **out) {
  value key = value_cstr(name), v;
  bool found = dict_get(value_dict(hash), key, &v);
  value_unref(key);
  if (!found) return false;
  struct buf b = BUF_INIT;
  value_to_s(v, a->syms, &b);
  mem_free(*out);
  *out = buf_take(&b);
  return true;
}

static void take(struct asker *a, value v, struct answer *out) {
  *out = (struct answer){0};
  if (v.tag != V_HASH) {
    out->value = value_ref(v);
    return;
  }
  value key = value_cstr("answer"), said;
  if (dict_get(value_dict(v), key, &said)) out->value = value_ref(said);
  value_unref(key);
  text_field(a, v, "by", &out->by);
  if (!text_field(a, v, "evidence", &out->comment)) text_field(a, v, "reason", &out->comment);
}

static enum status nobody(const struct asker *a, const struct prompt *q, struct error *err) {
  if (q->kind == PROMPT_INPUT)
    return error_set(err, ERR_WAITING, "nobody to ask for input %s", q->text);
  if (a->path)
    error_set(err, ERR_WAITING, "%s has no answer to '%s' (step %s)", a->path, q->text, q->step);
  else
    error_set(err, ERR_WAITING, "nobody to answer '%s' (step %s): there is no terminal", q->text,
              q->step);
  error_kind(err, "unanswered");
  error_help(err, "%s \"%s%s\": ... %s", a->path ? "add" : "give --answers FILE.json with", prefix_of(q),
             q->step, a->path ? "to it" : "in it");
  return ERR_WAITING;
}

static enum status asker_ask(void *ud, const struct prompt *q, struct answer *out,
                             struct error *err) {
  struct asker *a = ud;
  value v;
  *out = (struct answer){0};
  a->ui->terminal = a->prompter.again = false;
  a->prompter.source = "file";
  if (q->kind != PROMPT_INPUT && !q->problem && find(a, q, &v)) {
    take(a, v, out);
    return OK;
  }
  if (!a->terminal) return nobody(a, q, err);
  a->ui->terminal = a->prompter.again = true;
  a->prompter.source = "terminal";
  return ask_terminal(a, q, out, err);
}

static bool asker_leave(void *ud, const char *what) {
  struct asker *a = ud;
  return ask_leave(a, what);
}

/* Nothing is unwound: what is under way stands on stacks that nobody returns to. */
static void asker_quit(void *ud) {
  struct asker *a = ud;
  line_show(&a->line);
  ui_asked(a->ui); /* what was held back while a question stood there */
  fflush(a->ui->out);
  fflush(stdout);
  _exit(EXIT_INTERRUPTED);
}

void asker_init(struct asker *a, struct ui *ui, bool terminal) {
  *a = (struct asker){.terminal = terminal, .ui = ui, .line = {.out = ui->out}};
  a->prompter =
      (struct prompter){.ud = a,
                        .ask = asker_ask,
                        .leave = asker_leave,
                        .quit = asker_quit,
                        .source = "terminal",
                        .interactive = terminal};
}

void asker_forget(struct asker *a) {
  value_unref(a->answers);
  mem_free(a->used);
  a->answers = VALUE_NIL;
  a->used = NULL;
  a->path = NULL;
}

void asker_release(struct asker *a) {
  value_unref(a->answers);
  mem_free(a->used);
  line_release(&a->line);
}
