/* Unified diffs: the longest common subsequence of lines, in hunks with three lines around. */
#include "diff.h"

enum { AROUND = 3, CELLS_MAX = 16 << 20 };

struct lines {
  const char **at;
  size_t *len;
  size_t count;
};

static struct lines split(const char *s, size_t len) {
  struct lines l = {0};
  for (size_t i = 0; i < len; i++)
    l.count += s[i] == '\n' || i + 1 == len;
  l.at = mem_array(l.count + 1, sizeof *l.at);
  l.len = mem_array(l.count + 1, sizeof *l.len);
  for (size_t i = 0, from = 0, n = 0; i < len; i++) {
    if (s[i] != '\n' && i + 1 != len) continue;
    l.at[n] = s + from;
    l.len[n++] = i + (s[i] != '\n') - from;
    from = i + 1;
  }
  return l;
}

static void lines_release(struct lines *l) {
  mem_free((void *)(uintptr_t)l->at);
  mem_free(l->len);
}

static bool same(const struct lines *a, size_t i, const struct lines *b, size_t k) {
  return a->len[i] == b->len[k] && memcmp(a->at[i], b->at[k], a->len[i]) == 0;
}

/* Marks the lines that both have, between equal beginnings and ends. */
struct middle {
  const struct lines *a, *b;
  size_t from, a_end, b_end;
  bool *keep_a, *keep_b; /* owned */
};

static void trim(struct middle *m) {
  m->a_end = m->a->count;
  m->b_end = m->b->count;
  while (m->from < m->a_end && m->from < m->b_end && same(m->a, m->from, m->b, m->from)) {
    m->keep_a[m->from] = m->keep_b[m->from] = true;
    m->from++;
  }
  while (m->a_end > m->from && m->b_end > m->from && same(m->a, m->a_end - 1, m->b, m->b_end - 1)) {
    m->a_end--;
    m->b_end--;
    m->keep_a[m->a_end] = m->keep_b[m->b_end] = true;
  }
}

/* Of texts too different for the table everything between is shown as replaced. */
static void match(struct middle *m) {
  size_t n = m->a_end - m->from, k = m->b_end - m->from, width = k + 1;
  if (!n || !k || (n + 1) > CELLS_MAX / width) return;
  uint32_t *best = mem_array((n + 1) * width, sizeof *best);
  for (size_t i = n; i-- > 0;)
    for (size_t j = k; j-- > 0;) {
      uint32_t down = best[(i + 1) * width + j], right = best[i * width + j + 1];
      best[i * width + j] = same(m->a, m->from + i, m->b, m->from + j)
                                ? best[(i + 1) * width + j + 1] + 1
                            : down > right ? down
                                           : right;
    }
  for (size_t i = 0, j = 0; i < n && j < k;) {
    if (same(m->a, m->from + i, m->b, m->from + j)) {
      m->keep_a[m->from + i++] = m->keep_b[m->from + j++] = true;
    } else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) {
      i++;
    } else {
      j++;
    }
  }
  mem_free(best);
}

/* Writing: places in both texts move on together. */
struct place {
  size_t a, b;
};

static bool at_change(const struct middle *m, struct place p) {
  return (p.a < m->a->count && !m->keep_a[p.a]) || (p.b < m->b->count && !m->keep_b[p.b]);
}

static bool at_end(const struct middle *m, struct place p) {
  return p.a == m->a->count && p.b == m->b->count;
}

/* One line: what is gone before what is new. */
static struct place step_line(const struct middle *m, struct place p, struct buf *out) {
  char mark = ' ';
  const struct lines *from = m->a;
  size_t i = p.a;
  if (p.a < m->a->count && !m->keep_a[p.a]) mark = '-', p.a++;
  else if (p.b < m->b->count && !m->keep_b[p.b]) mark = '+', from = m->b, i = p.b++;
  else p.a++, p.b++;
  if (out) {
    buf_addc(out, mark);
    buf_add(out, from->at[i], from->len[i]);
    buf_addc(out, '\n');
  }
  return p;
}

/* Where a hunk that begins here ends: after the last change that is followed by too much else. */
static struct place hunk_end(const struct middle *m, struct place p) {
  size_t quiet = 0;
  while (!at_end(m, p) && quiet <= 2 * AROUND) {
    quiet = at_change(m, p) ? 0 : quiet + 1;
    p = step_line(m, p, NULL);
  }
  size_t extra = quiet > AROUND ? quiet - AROUND : 0;
  return (struct place){p.a - extra, p.b - extra};
}

static struct place hunk(const struct middle *m, struct place at, struct buf *out) {
  size_t before = at.a < AROUND ? at.a : AROUND;
  if (at.b < before) before = at.b;
  struct place p = {at.a - before, at.b - before}, end = hunk_end(m, at);
  buf_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", p.a + (end.a > p.a), end.a - p.a, p.b + (end.b > p.b),
           end.b - p.b);
  while (p.a < end.a || p.b < end.b)
    p = step_line(m, p, out);
  return end;
}

void diff_unified(const char *old_name, const char *old, size_t old_len, const char *new_name,
                  const char *now, size_t now_len, struct buf *out) {
  if (old_len == now_len && (!old_len || memcmp(old, now, old_len) == 0)) return;
  struct lines a = split(old, old_len), b = split(now, now_len);
  struct middle m = {.a = &a, .b = &b};
  m.keep_a = mem_array(a.count + 1, sizeof *m.keep_a);
  m.keep_b = mem_array(b.count + 1, sizeof *m.keep_b);
  trim(&m);
  match(&m);
  buf_addf(out, "--- %s\n+++ %s\n", old_name, new_name);
  for (struct place p = {0, 0}; !at_end(&m, p);)
    p = at_change(&m, p) ? hunk(&m, p, out) : step_line(&m, p, NULL);
  mem_free(m.keep_a);
  mem_free(m.keep_b);
  lines_release(&a);
  lines_release(&b);
}
