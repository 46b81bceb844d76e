/* What every part of the checker needs: places, words for messages, did-you-mean. */
#include "check.h"

void *arena_push(struct check *k, void *items, size_t count, size_t size) {
  if (count & (count - 1)) return items; /* grows when count is 0, 1, 2, 4 ... */
  void *grown = arena_alloc(k->arena, (count ? 2 * count : 1) * size);
  if (count) memcpy(grown, items, count * size);
  return grown;
}

struct span span_of(const struct check *k, node_id n) {
  return tree_span(k->t, n);
}

/* The name stands after the receiver and its dot. */
struct span span_call_name(const struct check *k, const struct node *call) {
  uint32_t at = call->a ? node_at(k, call->a)->end : call->start;
  const char *s = k->t->source->text, *name = name_text(k, call->b);
  size_t len = strlen(name);
  for (; at + len <= call->end; at++)
    if (memcmp(s + at, name, len) == 0) return (struct span){k->file, at, at + (uint32_t)len};
  return (struct span){k->file, call->start, call->end};
}

bool enough(const struct check *k) {
  return k->diags->errors >= DIAG_MAX_ERRORS;
}

const char *name_text(const struct check *k, sym s) {
  return sym_text(k->syms, s);
}

const char *keyword_text(const struct check *k, sym s) {
  return arena_printf(k->arena, "%s:", name_text(k, s));
}

bool tell_once(struct check *k, sym name, unsigned what) {
  if (name >= k->told_cap) {
    size_t cap = k->told_cap ? k->told_cap : 1024;
    while (cap <= name)
      cap *= 2;
    k->told = mem_realloc(k->told, cap);
    memset(k->told + k->told_cap, 0, cap - k->told_cap);
    k->told_cap = cap;
  }
  bool first = !(k->told[name] & what);
  k->told[name] |= (uint8_t)what;
  return first;
}

/* Two results may be in use at once. */
const char *type_words(struct check *k, type_id t) {
  struct buf *text = &k->scratch[0], *out = &k->scratch[1 + k->words_turn];
  k->words_turn ^= 1;
  const char *s = type_text(k->types, k->syms, t, text);
  bool bare = t == T_nil || type_kind(k->types, type_present(k->types, t)) == TYPE_ENUM;
  buf_clear(out);
  buf_addf(out, "%s%s", bare ? "" : strchr("aeiou", *s) ? "an " : "a ", s);
  return buf_str(out);
}

const char *value_words(const struct check *k, node_id n) {
  enum { SHOWN = 40 };
  const struct node *e = node_at(k, n);
  size_t len = e->end - e->start;
  const char *s = k->t->source->text + e->start, *line = memchr(s, '\n', len);
  if (len > SHOWN || line) return "this";
  return arena_printf(k->arena, "`%.*s`", (int)len, s);
}

sym node_literal_name(struct check *k, node_id n) {
  const struct node *e = node_at(k, n);
  if (e->kind == N_sym) return e->a;
  if (e->kind != N_str) return 0;
  struct text text = tree_text(k->t, e);
  return sym_intern(k->syms, text.s, text.len);
}

char *text_dup(struct check *k, node_id str) {
  if (!str) return NULL;
  struct text text = tree_text(k->t, node_at(k, str));
  return arena_dup(k->arena, text.s, text.len);
}

uint32_t list_count(const struct check *k, node_id head) {
  uint32_t n = 0;
  for (node_id i = head; i; i = node_at(k, i)->next)
    n++;
  return n;
}

void names_add(struct names *n, const char *text) {
  for (size_t i = 0; i < n->count; i++)
    if (strcmp(n->at[i], text) == 0) return;
  n->at = mem_grow(n->at, n->count, &n->cap, sizeof *n->at);
  n->at[n->count++] = text;
}

void names_add_fields(struct check *k, struct names *n, const struct field *f, size_t count) {
  for (size_t i = 0; i < count; i++)
    names_add(n, name_text(k, f[i].name));
}

void names_add_record(struct check *k, struct names *n, type_id record) {
  size_t count;
  const struct record_field *f = type_fields(k->types, record, &count);
  for (size_t i = 0; i < count; i++)
    names_add(n, name_text(k, f[i].name));
}

int names_help(struct check *k, struct diag *d, const char *name, struct names *n,
               const char *what) {
  enum { LISTED = 12 };
  (void)k;
  if (!d) { /* past the limit of errors: nobody reads it */
    mem_free(n->at);
    return -1;
  }
  int near = name_nearest(name, n->at, n->count);
  struct buf b = BUF_INIT;
  if (near >= 0) buf_addf(&b, "did you mean `%s`?", n->at[near]);
  else if (n->count == 0 || n->count > LISTED) buf_adds(&b, "");
  else
    for (size_t i = 0; i < n->count; i++)
      buf_addf(&b, "%s%s%s", i ? ", " : what, i ? "" : ": ", n->at[i]);
  if (b.len) diag_help(d, "%s", b.data);
  buf_release(&b);
  mem_free(n->at);
  return near;
}
