/* Golden files of the language front end, as TAP: every tests/lang/errors/X.rb gives the
 * diagnostics of X.err and is refused; every tests/lang/ast/X.rb is accepted and gives the tree of
 * X.ast. With GOLDEN_UPDATE=1 the expected files are written instead. */
#include "../../lang/ast.h"

#include <dirent.h>
#include <stdio.h>

static char *file_read(const char *path, size_t *len) {
  FILE *f = fopen(path, "rb");
  if (!f) return NULL;
  struct buf b = BUF_INIT;
  char block[4096];
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;)
    buf_add(&b, block, n);
  fclose(f);
  *len = b.len;
  buf_addn(&b, 2, '\0');
  return buf_take(&b);
}

static void file_write(const char *path, const struct buf *text) {
  FILE *f = fopen(path, "wb");
  if (!f) return;
  fwrite(buf_str(text), 1, text->len, f);
  fclose(f);
}

/* What the parser says of the file: its result, then diagnostics or the tree. */
static enum parse_result outcome(const char *path, const char *name, bool tree_wanted,
                                 struct buf *out) {
  size_t len;
  char *text = file_read(path, &len);
  struct source source;
  struct error err = {0};
  if (!text || source_init(&source, name, text, len, &err) != OK) exit(2);
  struct source *sources[] = {&source};
  struct symtab *syms = symtab_new();
  struct tree tree;
  struct diags diags = {0};
  enum parse_result result = lang_parse(&tree, &source, 0, syms, &diags);
  diags_sort(&diags);
  if (!tree_wanted || result != PARSE_OK) diags_print(&diags, sources, false, out);
  else ast_dump(&tree, syms, tree.root, out);
  diags_release(&diags);
  tree_release(&tree);
  symtab_free(syms);
  source_release(&source);
  return result;
}

static void show_difference(const char *want, const char *have) {
  printf("# expected:\n");
  for (const char *s = want; *s; s++)
    printf(s == want || s[-1] == '\n' ? "# %c" : "%c", *s);
  printf("# got:\n");
  for (const char *s = have; *s; s++)
    printf(s == have || s[-1] == '\n' ? "# %c" : "%c", *s);
}

static bool golden(const char *dir, const char *name, const char *suffix) {
  struct buf path = BUF_INIT, golden_path = BUF_INIT, out = BUF_INIT;
  bool tree = strcmp(suffix, ".ast") == 0;
  buf_addf(&path, "%s/%s", dir, name);
  buf_addf(&golden_path, "%s/%.*s%s", dir, (int)strlen(name) - 3, name, suffix);
  enum parse_result result = outcome(buf_str(&path), name, tree, &out);
  if (getenv("GOLDEN_UPDATE")) file_write(buf_str(&golden_path), &out);
  size_t len = 0;
  char *want = file_read(buf_str(&golden_path), &len);
  bool good = want && len == out.len && memcmp(want, buf_str(&out), len) == 0 &&
              (result == PARSE_OK) == tree;
  if (!good) show_difference(want ? want : "", buf_str(&out));
  mem_free(want);
  buf_release(&path);
  buf_release(&golden_path);
  buf_release(&out);
  return good;
}

static int is_source(const struct dirent *e) {
  size_t len = strlen(e->d_name);
  return len > 3 && strcmp(e->d_name + len - 3, ".rb") == 0;
}

static int test_dir(const char *dir, const char *suffix, int number, int *failed) {
  struct dirent **names;
  int count = scandir(dir, &names, is_source, alphasort);
  for (int i = 0; i < count; i++) {
    bool good = golden(dir, names[i]->d_name, suffix);
    *failed += !good;
    printf("%s %d - %s/%s\n", good ? "ok" : "not ok", ++number, dir, names[i]->d_name);
    free(names[i]);
  }
  if (count >= 0) free(names);
  return number;
}

int main(void) {
  int failed = 0, number = test_dir("tests/lang/errors", ".err", 0, &failed);
  number = test_dir("tests/lang/ast", ".ast", number, &failed);
  printf("1..%d\n", number);
  return failed || number == 0;
}
