/* Bars of batches: how far, how fast, how long. */
#include "bar.h"

#include <stdlib.h>
#include <unistd.h>

#include "../runtime/clock.h"
#include "../runtime/text.h"
#include "text.h"

enum { INDENT = 6, BAR = 24, BAR_LEAST = 6, WIDTH_LEAST = 32 };

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

static void far_text(const struct progress *p, struct buf *out) {
  count_text(p->done, out);
  buf_adds(out, " of ");
  count_text(p->total, out);
}

void rate_text(int64_t per_minute, struct buf *out) {
  bool fast = per_minute >= 120;
  count_text(fast ? (per_minute + 30) / 60 : per_minute, out);
  buf_adds(out, fast ? " a second" : " a minute");
}

void progress_text(const struct progress *p, struct buf *out) {
  char left[32];
  far_text(p, out);
  if (p->refused) buf_adds(out, ", "), count_text(p->refused, out), buf_adds(out, " refused");
  if (p->unsure) buf_adds(out, ", "), count_text(p->unsure, out), buf_adds(out, " unsure");
  if (p->per_minute > 0) buf_adds(out, ", "), rate_text(p->per_minute, out);
  if (p->left_us < 0 || p->last) return;
  took_text(p->left_us < US_SECOND ? US_SECOND : p->left_us, left);
  buf_addf(out, ", %s left", left);
}

static size_t columns(const struct buf *b) {
  return text_columns(buf_str(b), b->len);
}

/* The number before all else: on a narrow line the bar becomes shorter, then what is told besides goes, then
 * the name is cut. */
static void bar_line(const struct bar *bar, size_t width, struct buf *out) {
  const struct progress *p = &bar->progress;
  struct buf name = BUF_INIT, told = BUF_INIT;
  size_t room = width - INDENT - 1;
  if (bar->branch) buf_addf(&name, "%s | ", bar->branch);
  buf_adds(&name, bar->text);
  progress_text(p, &told);
  if (columns(&name) + 1 + columns(&told) > room) {
    buf_clear(&told);
    far_text(p, &told);
  }
  size_t have = columns(&name) + 1 + columns(&told), left = have + 3 < room ? room - have - 3 : 0;
  size_t size = BAR;
  while (size > left)
    size /= 2; /* in steps, so that it does not change with each number */
  size_t full = p->total > 0 ? (size_t)(p->done * (int64_t)size / p->total) : size;
  size_t most = room > columns(&told) + 1 ? room - columns(&told) - 1 : 0;
  buf_addn(out, INDENT, ' ');
  text_fit(out, buf_str(&name), name.len, columns(&name) < most ? columns(&name) : most);
  buf_addc(out, ' ');
  if (size >= BAR_LEAST) {
    buf_addc(out, '[');
    buf_addn(out, full, '#');
    buf_addn(out, size - full, '.');
    buf_adds(out, "] ");
  }
  text_fit(out, buf_str(&told), told.len, columns(&told) < room ? columns(&told) : room);
  buf_release(&told);
  buf_release(&name);
}

void bars_clear(struct bars *b, FILE *out) {
  for (size_t i = 0; i < b->drawn; i++)
    fputs(i ? "\033[A\r\033[K" : "\r\033[K", out);
  b->drawn = 0;
}

/* The cursor stays at the end of the last one. */
void bars_draw(struct bars *b, FILE *out, size_t width) {
  struct buf text = BUF_INIT;
  if (width < WIDTH_LEAST) return;
  for (size_t i = 0; i < b->count; i++) {
    if (i) buf_addc(&text, '\n');
    bar_line(&b->items[i], width, &text);
  }
  fwrite(buf_str(&text), 1, text.len, out);
  b->drawn = b->count;
  buf_release(&text);
}
