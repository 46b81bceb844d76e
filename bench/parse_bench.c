/* Times lang_parse alone: parse_bench FILE [runs]; prints the best run and the tree's size.
 * With -d it prints the tree instead. */
#include "../lang/ast.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static char *file_read(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  struct buf b = {.max = (size_t)64 << 20};
  char block[65536];
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
    buf_add(&b, block, n);
  fclose(f);
  *len = b.len;
  buf_addn(&b, 2, '\0');
  return buf_take(&b);
}

/* One parse from text to tree; the result and the time it took. */
static enum parse_result run(const char *path, bool dump, double *ms, uint32_t *nodes) {
  size_t len = 0;
  char *text = file_read(path, &len);
  struct source source;
  struct error err = {0};
  if (!text || source_init(&source, path, text, len, &err) != OK) {
    fprintf(stderr, "parse_bench: %s: %s\n", path, err.message ? err.message : "cannot be read");
    exit(2);
  }
  struct tree tree;
  struct diags diags = {0};
  double start = now();
  struct symtab *syms = symtab_new();
  enum parse_result result = lang_parse(&tree, &source, 0, syms, &diags);
  *ms = now() - start;
  *nodes = tree.count;
  struct buf out = BUF_INIT;
  struct source *sources[] = {&source};
  diags_sort(&diags);
  diags_print(&diags, sources, false, &out);
  if (dump) ast_dump(&tree, syms, tree.root, &out);
  fwrite(buf_str(&out), 1, out.len, stdout);
  buf_release(&out);
  diags_release(&diags);
  tree_release(&tree);
  symtab_free(syms);
  source_release(&source);
  return result;
}

int main(int argc, char **argv) {
  bool dump = argc > 2 && strcmp(argv[1], "-d") == 0;
  if (argc < 2) return fprintf(stderr, "usage: parse_bench [-d] FILE [runs]\n"), 2;
  if (dump) {
    double ms;
    uint32_t nodes;
    return run(argv[2], true, &ms, &nodes);
  }
  int runs = argc > 2 ? atoi(argv[2]) : 5;
  double best = 1e9;
  uint32_t nodes = 0;
  for (int i = 0; i < runs; i++) {
    double ms;
    if (run(argv[1], false, &ms, &nodes) != PARSE_OK) return 1;
    if (ms < best) best = ms;
  }
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%.1f ms, %u nodes, peak %.1f MiB\n", best, nodes, (double)usage.ru_maxrss / 1024);
  return 0;
}
