/* From text to tree: one quick reading, and a second, careful one when the first met an error. */
#include "parser.h"
#include "build.h"
#include "leftout.h"
#include "quote.h"

static void parser_start(struct parser *p, bool careful) {
  struct tree *t = p->tree;
  p->careful = careful;
  tree_release(t);
  tree_init(t, p->source, p->file);
  tree_add(t, N_error, 0, 0); /* id 0 is no node, and node_new wants the first chunk */
  p->state = S_OPERAND;
  p->stack[0].body = true;
  uint32_t first = strncmp(p->text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  bool gap;
  scan_start(p, quote_lines(p, first, &gap));
}

static void parser_run(struct parser *p, bool careful) {
  parser_start(p, careful);
  leftout_start(p);
  if ((careful ? yyparse(p) : quick_parse(p)) != 0 || !p->tree->root) {
    p->failed = true;
    p->tree->root = build_body(p, (struct list){0}, (at_t){0, p->length}).id;
  }
  if (!p->failed || careful) leftout_check(p);
  leftout_stop(p);
  scan_stop(p);
}

enum parse_result lang_parse(struct tree *t, struct source *s, uint32_t file, struct symtab *syms,
                             struct diags *d) {
  struct parser *p = mem_zalloc(sizeof *p);
  const struct parser blank = {.tree = t,
                               .source = s,
                               .file = file,
                               .syms = syms,
                               .diags = d,
                               .text = s->text,
                               .length = (uint32_t)s->len};
  tree_init(t, s, file);
  *p = blank;
  parser_run(p, false);
  if (p->failed) {
    *p = blank;
    parser_run(p, true);
  }
  enum parse_result result = p->hard ? PARSE_ERROR : p->soft ? PARSE_INCOMPLETE : PARSE_OK;
  mem_free(p);
  return result;
}
