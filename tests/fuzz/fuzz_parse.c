/* Any text: reading it must end, say OK exactly when there is no error, and leave a tree that can be
 * walked. */
#include "../../lang/ast.h"
#include "../../lang/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_text(struct source *source) {
  struct symtab *syms = symtab_new();
  struct diags diags = {0};
  struct tree tree;
  struct source *sources[] = {source};
  struct buf out = {.max = 1 << 20};
  tree_init(&tree, source, 0);
  enum parse_result result = lang_parse(&tree, source, 0, syms, &diags);
  if ((result == PARSE_OK) != (diags.errors == 0)) abort();
  if (result == PARSE_OK) ast_dump(&tree, syms, tree.root, &out);
  diags_print(&diags, sources, false, &out);
  if (out.len == 0) abort();
  buf_release(&out);
  tree_release(&tree);
  diags_release(&diags);
  symtab_free(syms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  struct source source = {0};
  struct error err = {0};
  char *text = mem_zalloc(len + 2);
  if (len) memcpy(text, data, len);
  if (source_init(&source, "fuzz.rb", text, len, &err) == OK) read_text(&source);
  source_release(&source);
  error_release(&err);
  return 0;
}
