/* The doors of a run: events, what people are told, plans. Whatever passes is searched for the secrets
 * that are known by then, and goes on without them. */
#include "dry.h"
#include "prompt.h"
#include "run.h"

/* Members of an event that the engine alone makes: names, ids, digests. What goes on from them must
 * find them as they were. */
static const char *const kept[] = {
    "action",  "approvers", "approver",  "as",       "binding", "by",        "driver", "effect",
    "from",    "hmac",      "identity",  "key",      "left",    "members",   "modules", "name",
    "nonce",   "of",        "on",        "place",   "plan",      "policy",    "requester", "role",     "roles",   "runbook",   "salt",   "sha256",
    "signers", "signature", "site",      "site_file", "skip",   "state",     "step",   "steps",
    "stepwise", "to",       "type",      "until_us", "us",      "was",       NULL};

/* A text is named by its digest, which is of what is written. */
static bool texts_redact(const struct secrets *s, struct record *r) {
  bool any = false;
  for (size_t i = 0; i < r->text_count; i++) {
    char was[SHA256_HEX], is[SHA256_HEX];
    sha256_hex_of(r->texts[i].data, r->texts[i].len, was);
    if (!redact_json(s, NULL, &r->texts[i])) continue;
    sha256_hex_of(r->texts[i].data, r->texts[i].len, is);
    char *at = memmem(r->data.data, r->data.len, was, SHA256_HEX - 1);
    if (at) memcpy(at, is, SHA256_HEX - 1);
    any = true;
  }
  return any;
}

void record_redact(const struct engine *g, struct record *r) {
  if (!secrets_any(g->secrets)) return;
  bool any = texts_redact(g->secrets, r);
  any |= redact_json(g->secrets, kept, &r->data);
  if (!any || r->data.data[r->data.len - 1] != '}') return;
  buf_truncate(&r->data, r->data.len - 1);
  buf_adds(&r->data, ",\"redacted\":true}");
}

/* --- what people are told --- */

/* What a notice points to, where it had to be made anew. */
struct told {
  char *texts[8];
  unsigned count;
  value value;
  struct error error;
};

static void told_release(struct told *t) {
  for (unsigned i = 0; i < t->count; i++)
    mem_free(t->texts[i]);
  value_unref(t->value);
  error_release(&t->error);
}

static const char *told_text(const struct secrets *s, struct told *t, const char *text) {
  if (!text) return NULL;
  char *copy = mem_strdup(text);
  if (!redact_owned(s, &copy)) {
    mem_free(copy);
    return text;
  }
  return t->texts[t->count++] = copy;
}

static const struct error *told_error(const struct secrets *s, struct told *t, const struct error *e) {
  if (!e) return NULL;
  t->error = *e;
  t->error.message = e->message ? mem_strdup(e->message) : NULL;
  t->error.help = e->help ? mem_strdup(e->help) : NULL;
  redact_error(s, &t->error);
  return &t->error;
}

void notice_tell(const struct engine *g, const struct notice *n) {
  const struct observer *o = g->config.observer;
  const struct secrets *s = g->secrets;
  if (!o->notice) return;
  if (!secrets_any(s)) return o->notice(o->ud, n);
  struct notice told = *n;
  struct told t = {.value = value_ref(n->value)};
  told.text = told_text(s, &t, n->text);
  told.id = told_text(s, &t, n->id);
  told.detail = told_text(s, &t, n->detail);
  told.branch = told_text(s, &t, n->branch);
  told.error = told_error(s, &t, n->error);
  if (n->program) redact_value(s, n->program->syms, &t.value);
  told.value = t.value;
  o->notice(o->ud, &told);
  told_release(&t);
}

/* Options are redacted each by itself: the answer may be the number of one. */
static const char **told_options(const struct secrets *s, const struct prompt *q) {
  const char **options = mem_array(q->option_count + 1, sizeof *options);
  for (size_t i = 0; i < q->option_count; i++) {
    char *copy = mem_strdup(q->options[i]);
    redact_owned(s, &copy);
    options[i] = copy;
  }
  return options;
}

enum status prompt_ask(const struct engine *g, const struct prompt *q, struct answer *out,
                       struct error *err) {
  const struct prompter *p = g->config.prompter;
  const struct secrets *s = g->secrets;
  if (!secrets_any(s)) return p->ask(p->ud, q, out, err);
  struct told t = {.value = VALUE_NIL};
  struct prompt told = *q;
  const char **options = told_options(s, q);
  told.branch = told_text(s, &t, q->branch);
  told.text = told_text(s, &t, q->text);
  told.about = told_text(s, &t, q->about);
  told.problem = told_text(s, &t, q->problem);
  told.suggest = told_text(s, &t, q->suggest);
  told.options = options;
  enum status status = p->ask(p->ud, &told, out, err);
  for (size_t i = 0; i < q->option_count; i++)
    mem_free((char *)(uintptr_t)options[i]);
  mem_free(options);
  told_release(&t);
  return status;
}

/* --- a plan --- */

static void json_redact(const struct secrets *s, char **json) {
  struct buf b = BUF_INIT;
  if (!*json) return;
  buf_adds(&b, *json);
  if (redact_json(s, NULL, &b)) mem_free(*json), *json = buf_take(&b);
  buf_release(&b);
}

static const char *told_json(const struct secrets *s, struct told *t, const char *json) {
  if (!json) return NULL;
  char *copy = mem_strdup(json);
  json_redact(s, &copy);
  return t->texts[t->count++] = copy;
}

static void line_redact(const struct secrets *s, struct dry_line *l) {
  redact_owned(s, &l->text);
  redact_owned(s, &l->detail);
  json_redact(s, &l->result);
  for (size_t i = 0; i < l->arg_count; i++) {
    redact_owned(s, &l->args[i].text);
    json_redact(s, &l->args[i].json);
  }
}

static void end_redact(const struct secrets *s, const struct dry_end *end) {
  struct dry_change *changes = (struct dry_change *)(uintptr_t)end->changes;
  for (size_t i = 0; i < end->change_count; i++) {
    redact_owned(s, &changes[i].step);
    redact_owned(s, &changes[i].text);
  }
}

void dry_note_tell(const struct engine *g, const struct dry_observer *o, const struct dry_note *n) {
  const struct secrets *s = g->secrets;
  if (!secrets_any(s)) return o->note(o->ud, n);
  struct told t = {.value = VALUE_NIL};
  struct dry_note told = *n;
  struct dry_step step;
  struct dry_end end;
  told.text = told_text(s, &t, n->text);
  told.detail = told_text(s, &t, n->detail);
  told.json = told_json(s, &t, n->json);
  told.error = told_error(s, &t, n->error);
  if (n->step) {
    step = *n->step;
    for (size_t i = 0; i < step.line_count; i++)
      line_redact(s, &step.lines[i]);
    step.label = told_text(s, &t, step.label);
    step.reason = told_text(s, &t, step.reason);
    told.step = &step;
  }
  if (n->end) {
    end = *n->end;
    end_redact(s, &end);
    end.stops_why = told_text(s, &t, end.stops_why);
    told.end = &end;
  }
  o->note(o->ud, &told);
  told_release(&t);
}
