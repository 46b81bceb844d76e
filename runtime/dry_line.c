/* The lines of a planned step, and what is counted of all steps. */
#include "codec.h"
#include "dry_own.h"
#include "utf8.h"

struct dry_line *dry_line(struct dry *d, enum dry_kind kind, char *owned_text) {
  struct dry_step *s = d->at;
  s->lines = mem_grow(s->lines, s->line_count, &s->line_cap, sizeof *s->lines);
  struct dry_line *line = &s->lines[s->line_count++];
  *line = (struct dry_line){
      .kind = kind, .depth = d->depth, .maybe = d->maybe > 0, .undo = d->undo, .text = owned_text};
  return line;
}

void dry_arg(struct dry *d, struct dry_line *line, const char *name, value v, node_id expr,
             bool given) {
  struct buf text = BUF_INIT, json = BUF_INIT;
  size_t cap = line->arg_count;
  dry_value_text(d, v, expr, true, &text);
  json_write(v, d->run->program->syms, true, &json);
  redact_text(d->run->engine->secrets, &text); /* it may be cut for the list of changes */
  redact_json(d->run->engine->secrets, NULL, &json);
  if (line->arg_count % 8 == 0)
    line->args = mem_realloc(line->args, (cap + 8) * sizeof *line->args);
  line->args[line->arg_count++] = (struct dry_arg){
      .name = name, .text = buf_take(&text), .json = buf_take(&json), .given = given};
}

static void at_text(const struct dry *d, const struct error *err, struct buf *out) {
  const struct program *p = d->run->program;
  uint32_t line, col;
  if (!err->has_at || err->at.file >= p->file_count) return;
  source_line_col(p->sources[err->at.file], err->at.start, &line, &col);
  buf_addf(out, "%s:%u:%u", p->sources[err->at.file]->name, line, col);
}

void dry_problem(struct dry *d, struct error *err) {
  struct buf text = BUF_INIT, at = BUF_INIT;
  buf_adds(&text, err->message ? err->message : "failed");
  at_text(d, err, &at);
  dry_line(d, DRY_PROBLEM, buf_take(&text))->detail = at.len ? buf_take(&at) : NULL;
  error_release(err);
}

void dry_fails(struct dry *d, const char *why) {
  struct dry_step *s = d->at;
  if (d->maybe || d->undo || s->handler || s->outcome == DRY_FAILS) return;
  s->outcome = DRY_FAILS;
  s->reason = mem_strdup(why);
}

/* In the list at the end the start of a long argument tells which it is. */
static void arg_cut(const char *text, struct buf *out) {
  enum { SHOWN = 48 };
  size_t len = strlen(text), n = len > SHOWN ? utf8_back(text, SHOWN) : len;
  buf_add(out, text, n);
  if (n < len) buf_adds(out, "...");
}

static void args_text(const struct dry_line *line, struct buf *out) {
  bool first = true;
  buf_addc(out, '(');
  for (size_t i = 0; i < line->arg_count; i++) {
    if (!line->args[i].given) continue;
    buf_addf(out, "%s%s: ", first ? "" : ", ", line->args[i].name);
    arg_cut(line->args[i].text, out);
    first = false;
  }
  buf_addc(out, ')');
}

void dry_change(struct dry *d, const struct dry_line *line) {
  struct dry_total *t = d->total;
  struct buf text = BUF_INIT, step = BUF_INIT;
  if (d->undo || d->at->handler) return;
  if (line->kind == DRY_PAGE) buf_addf(&text, "page %s: %s", line->detail, line->text);
  else if (line->kind == DRY_CHILD && line->arg_count) buf_addf(&text, "start %s", line->text);
  else buf_adds(&text, line->text);
  if (line->kind == DRY_WRITE || line->arg_count) args_text(line, &text);
  if (d->child) buf_addf(&step, "%s: ", d->child);
  buf_adds(&step, d->at->id);
  t->changes = mem_grow(t->changes, t->end.change_count, &t->change_cap, sizeof *t->changes);
  t->changes[t->end.change_count++] =
      (struct dry_change){.step = buf_take(&step),
                          .text = buf_take(&text),
                          .maybe = line->maybe,
                          .reached = !d->over && d->at->outcome != DRY_FAILS};
}

static void line_release(struct dry_line *line) {
  for (size_t i = 0; i < line->arg_count; i++) {
    mem_free(line->args[i].text);
    mem_free(line->args[i].json);
  }
  mem_free(line->args);
  mem_free(line->text);
  mem_free(line->detail);
  mem_free(line->result);
}

void dry_step_release(struct dry_step *s) {
  for (size_t i = 0; i < s->line_count; i++)
    line_release(&s->lines[i]);
  mem_free(s->lines);
  mem_free((void *)(uintptr_t)s->reason);
}

void dry_total_release(struct dry_total *t) {
  for (size_t i = 0; i < t->end.change_count; i++) {
    mem_free(t->changes[i].step);
    mem_free(t->changes[i].text);
  }
  for (size_t i = 0; i < t->stale_count; i++) {
    mem_free(t->stale[i].binding);
    mem_free(t->stale[i].step);
  }
  mem_free(t->changes);
  mem_free(t->stale);
  mem_free(t->stops_at);
  mem_free(t->stops_why);
  buf_release(&t->practice);
}
