/* stepwise doc: what can be called, and how. */
#include <unistd.h>

#include "command.h"
#include "doc.h"
#include "options.h"
#include "text.h"
#include "ui.h"

static bool is_path(const char *s) {
  size_t len = strlen(s);
  return strchr(s, '/') || (len > 3 && strcmp(s + len - 3, ".rb") == 0);
}

struct request {
  const char *module, *name;
  bool json, markdown;
};

/* `doc FILE.rb NAME` and `doc --module FILE.rb NAME` are the same. */
static int read_request(int argc, char **argv, struct request *r) {
  struct texts rest = {0};
  const struct option options[] = {{"--module", OPTION_TEXT, &r->module},
                                   {"--json", OPTION_FLAG, &r->json},
                                   {"--markdown", OPTION_FLAG, &r->markdown},
                                   {NULL, OPTION_FLAG, NULL}};
  int code = options_read(argc, argv, options, &rest);
  size_t i = 0;
  if (code == EXIT_SUCCEEDED && !r->module && rest.count && is_path(rest.items[0]))
    r->module = rest.items[i++];
  if (i < rest.count) r->name = rest.items[i++];
  if (code == EXIT_SUCCEEDED && i < rest.count)
    code = usage_error(argv[0], "unexpected '%s'", rest.items[i]);
  else if (code == EXIT_SUCCEEDED && r->json && r->markdown)
    code = usage_error(argv[0], "--json or --markdown, not both");
  else if (code == EXIT_SUCCEEDED && r->name && r->markdown)
    code = usage_error(argv[0], "--markdown gives the whole reference, without a NAME");
  texts_release(&rest);
  return code;
}

static int show(const struct doc *d, const struct request *r) {
  struct doc_item item;
  struct error err = {0};
  struct buf b = BUF_INIT;
  if (r->name && doc_find(d, r->name, &item, &err) != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  const struct doc_item *what = r->name ? &item : NULL;
  if (r->markdown) doc_markdown(d, &b);
  else if (r->json) doc_json(d, what, &b);
  else doc_text(d, what, terminal_width(STDOUT_FILENO), &b);
  fwrite(buf_str(&b), 1, b.len, stdout);
  buf_release(&b);
  return EXIT_SUCCEEDED;
}

int cmd_doc(int argc, char **argv) {
  struct request r = {0};
  struct doc d;
  int code = read_request(argc, argv, &r);
  if (code != EXIT_SUCCEEDED) return code;
  code = doc_open(&d, r.module);
  if (code == EXIT_SUCCEEDED) code = show(&d, &r);
  doc_close(&d);
  return code;
}
