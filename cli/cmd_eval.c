/* stepwise eval: one expression's value, as Ruby's inspect or as JSON. */
#include "command.h"

#include <unistd.h>

#include "../runtime/codec.h"
#include "../runtime/eval.h"

struct eval_options {
  bool json, lines;
  const char *text; /* the expression, "-", or with --lines a file */
};

static enum status text_source(const char *name, const char *text, size_t len, struct source *out,
                               struct error *err) {
  if (len > SOURCE_MAX) return error_set(err, ERR_LIMIT, "an expression larger than 16 MiB");
  char *copy = mem_alloc(len + 2);
  memcpy(copy, text, len);
  enum status st = source_init(out, name, copy, len, err);
  if (st != OK) source_release(out);
  return st;
}

static void print_value(value v, const struct symtab *syms, bool json) {
  struct buf b = BUF_INIT;
  if (json) json_write(v, syms, false, &b);
  else value_inspect(v, syms, &b);
  buf_addc(&b, '\n');
  fwrite(b.data, 1, b.len, stdout);
  buf_release(&b);
}

static int print_error(struct program *p, const struct error *err) {
  bool colour = colour_wanted(STDERR_FILENO);
  struct buf b = BUF_INIT;
  if (err->has_at) {
    struct source *s = p->sources[err->at.file];
    uint32_t line, col;
    source_line_col(s, err->at.start, &line, &col);
    buf_addf(&b, "%s:%u:%u: error: %s\n", s->name, line, col, err->message);
    diag_caret(s, err->at, colour, &b);
  } else {
    buf_addf(&b, "stepwise: %s\n", err->message);
  }
  if (err->help) buf_addf(&b, "help: %s\n", err->help);
  fwrite(b.data, 1, b.len, stderr);
  buf_release(&b);
  return EXIT_INVALID;
}

static int print_diags(struct program *p) {
  struct buf b = BUF_INIT;
  diags_sort(&p->diags);
  diags_print(&p->diags, p->sources, colour_wanted(STDERR_FILENO), &b);
  fwrite(b.data, 1, b.len, stderr);
  buf_release(&b);
  return EXIT_INVALID;
}

static int eval_source(struct source *s, bool json) {
  struct program *p;
  struct unit unit;
  struct error err = {0};
  int code = EXIT_SUCCEEDED;
  if (!program_load_expression(&p, s, NULL, &unit, NULL)) {
    code = print_diags(p);
    program_free(p);
    return code;
  }
  struct eval e;
  value v;
  eval_init(&e, p, &unit, NULL, NULL, &err);
  if (eval_body(&e, unit.body, &v) == OK) {
    print_value(v, p->syms, json);
    value_unref(v);
  } else {
    code = print_error(p, &err);
  }
  eval_release(&e);
  error_release(&err);
  program_free(p);
  return code;
}

/* -- --lines -- */

/* Where an error on a line begins, for the one line it is told in. */
static void line_error(struct program *p, const struct error *err) {
  uint32_t line = 1, col = 1;
  if (err->has_at) source_line_col(p->sources[err->at.file], err->at.start, &line, &col);
  printf("error at %u: %s\n", col, err->message);
}

static bool eval_line(const char *text, size_t len, bool json) {
  struct source s;
  struct program *p;
  struct unit unit;
  struct error err = {0};
  if (text_source("expression", text, len, &s, &err) != OK) {
    printf("error at 1: %s\n", err.message);
    error_release(&err);
    return false;
  }
  bool ok = program_load_expression(&p, &s, NULL, &unit, NULL);
  if (!ok) {
    diags_sort(&p->diags);
    err.message = mem_strdup(p->diags.count ? p->diags.items[0].message : "not an expression");
    if (p->diags.count) error_at(&err, p->diags.items[0].at);
    line_error(p, &err);
  } else {
    struct eval e;
    value v;
    eval_init(&e, p, &unit, NULL, NULL, &err);
    ok = eval_body(&e, unit.body, &v) == OK;
    if (ok) {
      print_value(v, p->syms, json);
      value_unref(v);
    } else {
      line_error(p, &err);
    }
    eval_release(&e);
  }
  error_release(&err);
  program_free(p);
  return ok;
}

static int eval_lines(const struct eval_options *o) {
  struct source file;
  struct error err = {0};
  bool ok = true;
  if (read_source(o->text, &file, &err) != OK) {
    int code = report_error(&err);
    error_release(&err);
    return code;
  }
  for (size_t at = 0; at < file.len;) {
    const char *nl = memchr(file.text + at, '\n', file.len - at);
    size_t end = nl ? (size_t)(nl - file.text) : file.len;
    ok &= eval_line(file.text + at, end - at, o->json);
    at = end + 1;
  }
  source_release(&file);
  return ok ? EXIT_SUCCEEDED : EXIT_INVALID;
}

static int read_options(int argc, char **argv, struct eval_options *o) {
  bool only_text = false;
  for (int i = 1; i < argc; i++) {
    const char *a = argv[i];
    if (!only_text && strcmp(a, "--json") == 0) o->json = true;
    else if (!only_text && strcmp(a, "--lines") == 0) o->lines = true;
    else if (!only_text && strcmp(a, "--") == 0) only_text = true;
    else if (!only_text && a[0] == '-' && a[1] == '-')
      return usage_error(argv[0], "no option '%s'", a);
    else if (o->text) return usage_error(argv[0], "one expression at a time; put it in quotes");
    else o->text = a;
  }
  if (!o->text) return usage_error(argv[0], "what is to be evaluated?");
  return EXIT_SUCCEEDED;
}

int cmd_eval(int argc, char **argv) {
  struct eval_options o = {0};
  int code = read_options(argc, argv, &o);
  if (code != EXIT_SUCCEEDED) return code;
  if (o.lines) return eval_lines(&o);
  struct source s;
  struct error err = {0};
  enum status st = strcmp(o.text, "-") == 0
                       ? read_source("-", &s, &err)
                       : text_source("expression", o.text, strlen(o.text), &s, &err);
  if (st == OK) return eval_source(&s, o.json);
  code = report_error(&err);
  error_release(&err);
  return code;
}
