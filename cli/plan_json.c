/* A plan for programs: one JSON object a step, then a summary. */
#include "../runtime/codec.h"
#include "plan_view.h"

/* --- members --- */

static void member(struct buf *b, const char *name) {
  if (b->len && b->data[b->len - 1] != '{') buf_addc(b, ',');
  json_text(b, name, strlen(name));
  buf_addc(b, ':');
}

static void add_text(struct buf *b, const char *name, const char *text) {
  if (!text) return;
  member(b, name);
  json_text(b, text, strlen(text));
}

static void add_raw(struct buf *b, const char *name, const char *json) {
  member(b, name);
  buf_adds(b, json);
}

static void add_number(struct buf *b, const char *name, uint32_t n) {
  member(b, name);
  buf_addf(b, "%u", n);
}

static void add_bool(struct buf *b, const char *name, bool yes) {
  add_raw(b, name, yes ? "true" : "false");
}

/* true, false, or null for what is not known before the run. */
static void add_truth(struct buf *b, const char *name, enum dry_truth t) {
  if (t != DRY_NONE) add_raw(b, name, t == DRY_HOLDS ? "true" : t == DRY_OPEN ? "null" : "false");
}

static void put(struct buf *b) {
  buf_adds(b, "}\n");
  fwrite(b->data, 1, b->len, stdout);
  buf_release(b);
}

/* --- where it stands --- */

/* The path is one text of lines, a line for each block around, kept by level. */
static void place_set(struct plan_view *v, uint32_t level, const char *fmt, const char *text) {
  struct buf *p = &v->place;
  uint32_t line = 0;
  size_t at = 0;
  for (; at < p->len && line < level; at++)
    line += p->data[at] == '\n';
  buf_truncate(p, at);
  for (; line < level; line++)
    buf_addc(p, '\n');
  buf_addf(p, fmt, text ? text : "");
  buf_addc(p, '\n');
}

static void add_place(struct buf *b, const struct plan_view *v, uint32_t level) {
  const char *s = buf_str(&v->place), *between = "";
  member(b, "under");
  buf_addc(b, '[');
  for (uint32_t i = 0; i < level && *s; i++) {
    size_t n = strcspn(s, "\n");
    if (n) {
      buf_adds(b, between);
      json_text(b, s, n);
      between = ",";
    }
    s += n + (s[n] == '\n');
  }
  buf_addc(b, ']');
}

/* --- a step --- */

static const char *const kinds[DRY_KINDS] = {[DRY_GUARD] = "guard",
                                             [DRY_APPROVAL] = "approval",
                                             [DRY_LIMIT] = "limit",
                                             [DRY_CONDITION] = "condition",
                                             [DRY_WRITE] = "write",
                                             [DRY_READ] = "read",
                                             [DRY_QUESTION] = "question",
                                             [DRY_CHECK] = "check",
                                             [DRY_WAIT] = "wait",
                                             [DRY_SHOW] = "show",
                                             [DRY_NOTE] = "note",
                                             [DRY_PAGE] = "page",
                                             [DRY_CHILD] = "start",
                                             [DRY_STOP] = "stop",
                                             [DRY_PROBLEM] = "problem",
                                             [DRY_UNDO] = "rollback",
                                             [DRY_NO_WAY_BACK] = "irreversible"};

static void add_args(struct buf *b, const struct dry_line *l) {
  member(b, "args");
  buf_addc(b, '{');
  for (size_t i = 0; i < l->arg_count; i++)
    add_raw(b, l->args[i].name, l->args[i].json);
  buf_addc(b, '}');
}

/* The conditions that a line stands under: those of the lines before it that are less deep. */
static void add_conditions(struct buf *b, const struct dry_step *s, size_t at) {
  size_t under[64], count = 0;
  uint16_t depth = s->lines[at].depth;
  for (size_t i = at; i-- > 0 && depth > 0 && count < 64;) {
    if (s->lines[i].depth >= depth) continue;
    depth = s->lines[i].depth;
    if (s->lines[i].kind == DRY_CONDITION) under[count++] = i;
  }
  if (!count) return;
  member(b, "when");
  buf_addc(b, '[');
  while (count) {
    const char *text = s->lines[under[--count]].text;
    json_text(b, text, strlen(text));
    if (count) buf_addc(b, ',');
  }
  buf_addc(b, ']');
}

static void add_line(struct buf *b, const struct dry_step *s, size_t at) {
  const struct dry_line *l = &s->lines[at];
  bool action = l->kind == DRY_WRITE || l->kind == DRY_READ;
  buf_addc(b, '{');
  add_text(b, "kind", kinds[l->kind]);
  add_text(b, action ? "action" : "text", l->text);
  if (l->kind == DRY_READ) add_bool(b, "done", l->truth == DRY_HOLDS);
  else add_truth(b, "holds", l->truth);
  add_text(b, l->kind == DRY_WRITE && !l->batch ? "lease" : "detail", l->detail);
  if (action || l->kind == DRY_CHILD) add_args(b, l);
  if (l->result) add_raw(b, l->kind == DRY_SHOW ? "value" : "result", l->result);
  if (l->maybe) add_bool(b, "maybe", true);
  if (l->undo) add_bool(b, "rollback", true);
  add_conditions(b, s, at);
  buf_addc(b, '}');
}

static const char *const outcomes[DRY_OUTCOMES] = {"no_change", "change", "unknown", "skipped",
                                                   "fails"};

static void step(struct plan_view *v, const struct dry_note *n) {
  const struct dry_step *s = n->step;
  struct buf b = BUF_INIT;
  buf_addc(&b, '{');
  add_text(&b, "type", s->handler ? "handler" : "step");
  if (!s->handler) add_number(&b, "number", s->number);
  add_text(&b, "id", s->id);
  add_text(&b, "label", s->label);
  add_text(&b, "child", s->child);
  add_text(&b, "section", s->section);
  add_place(&b, v, n->level);
  if (!s->handler) add_text(&b, "outcome", outcomes[s->outcome]);
  add_bool(&b, "reached", s->reached);
  if (s->maybe) add_bool(&b, "maybe", true);
  add_text(&b, "reason", s->reason);
  add_text(&b, "on_failure", s->policy);
  add_text(&b, "undo", s->can_undo ? "rollback" : s->no_way_back ? "irreversible" : NULL);
  member(&b, "lines");
  buf_addc(&b, '[');
  for (size_t i = 0; i < s->line_count; i++) {
    if (i) buf_addc(&b, ',');
    add_line(&b, s, i);
  }
  buf_addc(&b, ']');
  put(&b);
}

/* --- the summary --- */

static void problem(struct plan_view *v, const struct dry_note *n) {
  buf_adds(&v->problems, v->problems.len ? ",{" : "{");
  add_text(&v->problems, "message", n->error->message);
  add_text(&v->problems, "help", n->error->help);
  buf_addc(&v->problems, '}');
}

static void add_changes(struct buf *b, const struct dry_end *e) {
  member(b, "changes");
  buf_addc(b, '[');
  for (size_t i = 0; i < e->change_count; i++) {
    buf_adds(b, i ? ",{" : "{");
    add_text(b, "step", e->changes[i].step);
    add_text(b, "text", e->changes[i].text);
    add_bool(b, "maybe", e->changes[i].maybe);
    add_bool(b, "reached", e->changes[i].reached);
    buf_addc(b, '}');
  }
  buf_addc(b, ']');
}

static void end(struct plan_view *v, const struct dry_note *n) {
  const struct dry_end *e = n->end;
  struct buf b = BUF_INIT;
  buf_adds(&b, "{\"type\":\"summary\"");
  add_text(&b, "file", v->file);
  buf_addf(&b, ",%s,\"inputs\":{%s},\"problems\":[%s]", buf_str(&v->facts), buf_str(&v->inputs),
           buf_str(&v->problems));
  add_number(&b, "steps", e->steps);
  for (int i = 0; i < DRY_OUTCOMES; i++)
    add_number(&b, outcomes[i], e->outcomes[i]);
  add_number(&b, "not_reached", e->unreached);
  add_changes(&b, e);
  add_text(&b, "stops_at", e->stops_at);
  add_text(&b, "stops_why", e->stops_why);
  add_text(&b, "practice", e->practice);
  add_bool(&b, "can_start", e->problems == 0);
  if (v->drill) add_bool(&b, "drill", true);
  add_text(&b, "plan", e->plan_sha);
  put(&b);
}

static void head(struct plan_view *v, const struct dry_note *n) {
  add_text(&v->facts, "title", n->text);
  add_text(&v->facts, "runbook", n->detail);
}

void plan_json(void *ud, const struct dry_note *n) {
  struct plan_view *v = ud;
  switch (n->kind) {
  case DRY_NOTE_HEAD:
    head(v, n);
    break;
  case DRY_NOTE_INPUT:
    if (v->inputs.len) buf_addc(&v->inputs, ',');
    json_text(&v->inputs, n->text, strlen(n->text));
    buf_addf(&v->inputs, ":%s", n->json);
    break;
  case DRY_NOTE_FACT:
    if (n->level == 0) add_text(&v->facts, n->text, n->detail);
    break;
  case DRY_NOTE_PROBLEM:
    problem(v, n);
    break;
  case DRY_NOTE_BRANCH:
    place_set(v, n->level, "%s", n->text);
    break;
  case DRY_NOTE_EACH:
    place_set(v, n->level, "each of %s", n->text);
    break;
  case DRY_NOTE_PARALLEL:
    place_set(v, n->level, "parallel%s", NULL);
    break;
  case DRY_NOTE_CHILD:
    place_set(v, n->level, "run %s", n->text);
    break;
  case DRY_NOTE_STEP:
    step(v, n);
    break;
  case DRY_NOTE_END:
    end(v, n);
    break;
  default:
    break;
  }
}
