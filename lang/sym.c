/* Interned names: an open-addressing table of ids over an arena of texts. */
#include "sym.h"

struct entry {
  const char *text;
  uint32_t len, hash;
};

struct symtab {
  struct arena arena;
  struct entry *entries; /* by id; [0] unused */
  size_t count, cap;
  uint32_t *slots; /* ids; 0 = free */
  uint32_t mask;
};

static const struct {
  const char *text;
  uint32_t len;
} words[] = {
    {"", 0},
#define WORD(id, text) {text, sizeof text - 1},
#include "word.def"
#undef WORD
};

/* FNV-1a; names are short. */
static uint32_t name_hash(const char *s, size_t len) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
  return h ^ h >> 15;
}

static uint32_t slot_of(const struct symtab *t, const char *s, size_t len, uint32_t hash) {
  uint32_t i = hash & t->mask;
  for (; t->slots[i]; i = (i + 1) & t->mask) {
    const struct entry *e = &t->entries[t->slots[i]];
    if (e->hash == hash && e->len == len && memcmp(e->text, s, len) == 0) break;
  }
  return i;
}

static void slots_grow(struct symtab *t) {
  uint32_t size = (t->mask + 1) * 2;
  mem_free(t->slots);
  t->slots = mem_array(size, sizeof *t->slots);
  t->mask = size - 1;
  for (uint32_t id = 1; id < t->count; id++) {
    uint32_t i = t->entries[id].hash & t->mask;
    while (t->slots[i]) i = (i + 1) & t->mask;
    t->slots[i] = id;
  }
}

static sym entry_add(struct symtab *t, uint32_t slot, struct entry e) {
  t->entries = mem_grow(t->entries, t->count, &t->cap, sizeof *t->entries);
  sym id = (sym)t->count++;
  t->entries[id] = e;
  t->slots[slot] = id;
  if (t->count * 2 > t->mask) slots_grow(t);
  return id;
}

struct symtab *symtab_new(void) {
  struct symtab *t = mem_zalloc(sizeof *t);
  t->mask = 2047;
  t->slots = mem_array(t->mask + 1, sizeof *t->slots);
  t->cap = 1024;
  t->entries = mem_alloc(t->cap * sizeof *t->entries);
  t->entries[0] = (struct entry){.text = ""};
  t->count = 1;
  for (size_t i = 1; i < sizeof words / sizeof *words; i++) {
    uint32_t hash = name_hash(words[i].text, words[i].len);
    uint32_t slot = slot_of(t, words[i].text, words[i].len, hash);
    entry_add(t, slot, (struct entry){words[i].text, words[i].len, hash});
  }
  return t;
}

void symtab_free(struct symtab *t) {
  if (!t) return;
  arena_release(&t->arena);
  mem_free(t->entries);
  mem_free(t->slots);
  mem_free(t);
}

sym sym_intern(struct symtab *t, const char *s, size_t len) {
  uint32_t hash = name_hash(s, len), slot = slot_of(t, s, len, hash);
  if (t->slots[slot]) return t->slots[slot];
  return entry_add(t, slot, (struct entry){arena_dup(&t->arena, s, len), (uint32_t)len, hash});
}

sym sym_find(const struct symtab *t, const char *s, size_t len) {
  return t->slots[slot_of(t, s, len, name_hash(s, len))];
}

const char *sym_text(const struct symtab *t, sym id) {
  return id < t->count ? t->entries[id].text : "";
}

size_t sym_len(const struct symtab *t, sym id) {
  return id < t->count ? t->entries[id].len : 0;
}

enum { NEAR_MAX = 64 };

static size_t min3(size_t a, size_t b, size_t c) {
  size_t m = a < b ? a : b;
  return m < c ? m : c;
}

/* Optimal string alignment distance (Damerau-Levenshtein without repeated edits). */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m) {
  size_t rows[3][NEAR_MAX + 1];
  size_t *before = rows[0], *last = rows[1], *row = rows[2];
  for (size_t j = 0; j <= m; j++) last[j] = j;
  for (size_t i = 1; i <= n; i++) {
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
        row[j] = before[j - 2] + 1;
    }
    size_t *spare = before;
    before = last, last = row, row = spare;
  }
  return last[m];
}

int name_nearest(const char *name, const char *const *candidates, size_t count) {
  size_t len = strlen(name), best = SIZE_MAX;
  int found = -1;
  if (len == 0 || len > NEAR_MAX) return -1;
  for (size_t i = 0; i < count; i++) {
    size_t other = strlen(candidates[i]), longer = other > len ? other : len;
    if (other == 0 || other > NEAR_MAX) continue;
    size_t d = edit_distance(name, len, candidates[i], other);
    if (d < best && d <= (longer + 2) / 3) best = d, found = (int)i;
  }
  return found;
}
