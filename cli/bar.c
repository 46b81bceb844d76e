/* Bars of batches: how far, how fast, how long. */
#include "bar.h"

#include <stdlib.h>
#include <unistd.h>

#include "../runtime/clock.h"
#include "../runtime/text.h"
#include "text.h"

enum { INDENT = 6, BAR = 24 };

/* A terminal that moves its cursor says what it is. */
void bars_init(struct bars *b, int fd) {
  const char *term = getenv("TERM");
  *b = (struct bars){.wanted = isatty(fd) && term && *term && strcmp(term, "dumb") != 0};
}

static void bar_release(struct bar *bar) {
  mem_free(bar->batch);
  mem_free(bar->text);
  mem_free(bar->branch);
}

void bars_forget(struct bars *b) {
  for (size_t i = 0; i < b->count; i++)
    bar_release(&b->items[i]);
  b->count = 0;
}

void bars_release(struct bars *b) {
  bars_forget(b);
  mem_free(b->items);
  *b = (struct bars){0};
}

static struct bar *bar_find(const struct bars *b, const char *batch) {
  for (size_t i = 0; i < b->count; i++)
    if (strcmp(b->items[i].batch, batch) == 0) return &b->items[i];
  return NULL;
}

static void bar_drop(struct bars *b, struct bar *bar) {
  size_t i = (size_t)(bar - b->items);
  bar_release(bar);
  memmove(bar, bar + 1, (--b->count - i) * sizeof *bar);
}

void bars_take(struct bars *b, const struct notice *n) {
  struct bar *bar = bar_find(b, n->id);
  if (!b->wanted || !n->progress) return;
  if (n->progress->last) {
    if (bar) bar_drop(b, bar);
    return;
  }
  if (!bar) {
    b->items = mem_grow(b->items, b->count, &b->cap, sizeof *b->items);
    bar = &b->items[b->count++];
    *bar = (struct bar){.batch = mem_strdup(n->id),
                        .text = mem_strdup(n->text),
                        .branch = n->branch ? mem_strdup(n->branch) : NULL};
  }
  bar->progress = *n->progress;
}

void progress_text(const struct progress *p, struct buf *out) {
  char left[32];
  count_text(p->done, out);
  buf_adds(out, " of ");
  count_text(p->total, out);
  if (p->refused) buf_adds(out, ", "), count_text(p->refused, out), buf_adds(out, " refused");
  if (p->unsure) buf_adds(out, ", "), count_text(p->unsure, out), buf_adds(out, " unsure");
  if (p->per_minute >= 120) buf_addf(out, ", %lld a second", (long long)((p->per_minute + 30) / 60));
  else if (p->per_minute > 0) buf_addf(out, ", %lld a minute", (long long)p->per_minute);
  if (p->left_us < 0 || p->last) return;
  took_text(p->left_us < US_SECOND ? US_SECOND : p->left_us, left);
  buf_addf(out, ", %s left", left);
}

static void bar_line(const struct bar *bar, size_t width, struct buf *out) {
  const struct progress *p = &bar->progress;
  struct buf line = BUF_INIT;
  int64_t full = p->total > 0 ? p->done * BAR / p->total : BAR;
  if (bar->branch) buf_addf(&line, "%s | ", bar->branch);
  buf_addf(&line, "%s [", bar->text);
  buf_addn(&line, (size_t)full, '#');
  buf_addn(&line, (size_t)(BAR - full), '.');
  buf_adds(&line, "] ");
  progress_text(p, &line);
  buf_addn(out, INDENT, ' ');
  text_fit(out, buf_str(&line), line.len, width - INDENT - 1);
  buf_release(&line);
}

void bars_clear(struct bars *b, FILE *out) {
  for (size_t i = 0; i < b->drawn; i++)
    fputs(i ? "\033[A\r\033[K" : "\r\033[K", out);
  b->drawn = 0;
}

/* The cursor stays at the end of the last one. */
void bars_draw(struct bars *b, FILE *out, size_t width) {
  struct buf text = BUF_INIT;
  for (size_t i = 0; i < b->count; i++) {
    if (i) buf_addc(&text, '\n');
    bar_line(&b->items[i], width, &text);
  }
  fwrite(buf_str(&text), 1, text.len, out);
  b->drawn = b->count;
  buf_release(&text);
}
