/* Any lines as expressions: evaluating one must end with a value or an error in words, and a value
 * must come back from JSON as it was. Loops are cut short by the poll hook. */
#include "../../runtime/codec.h"
#include "../../runtime/eval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { POLLS = 20000, SHOWN = 1 << 20 };

static enum status count_down(void *ud, struct eval *e) {
  int *left = ud;
  return (*left)-- > 0 ? OK : error_set(e->err, ERR_CANCELLED, "long enough");
}

static void comes_back(value v, struct symtab *syms) {
  struct buf before = {.max = SHOWN}, json = {.max = SHOWN}, after = {.max = SHOWN};
  struct error err = {0};
  value again;
  value_inspect(v, syms, &before);
  json_write(v, syms, true, &json);
  if (!json.overflow && !before.overflow) {
    enum status st = json_read(buf_str(&json), json.len, syms, true, &again, &err);
    if (st != OK && st != ERR_LIMIT) abort();
    if (st == OK) {
      value_inspect(again, syms, &after);
      if (strcmp(buf_str(&before), buf_str(&after)) != 0) abort();
      value_unref(again);
    }
  }
  error_release(&err);
  buf_release(&before);
  buf_release(&json);
  buf_release(&after);
}

static void evaluate(struct program *p, const struct unit *unit) {
  static const struct eval_hooks hooks = {.poll = count_down};
  struct error err = {0};
  struct eval e;
  value v;
  int left = POLLS;
  eval_init(&e, p, unit, &hooks, &left, &err);
  if (eval_body(&e, unit->body, &v) == OK) {
    comes_back(v, p->syms);
    value_unref(v);
  } else if (!err.message || !*err.message) {
    abort();
  }
  eval_release(&e);
  error_release(&err);
}

static void line(const char *text, size_t len) {
  struct source s;
  struct error err = {0};
  struct program *p;
  struct unit unit;
  char *copy = mem_zalloc(len + 2);
  memcpy(copy, text, len);
  if (source_init(&s, "fuzz", copy, len, &err) == OK) {
    if (program_load_expression(&p, &s, NULL, &unit, NULL)) evaluate(p, &unit);
    program_free(p);
  } else {
    source_release(&s);
  }
  error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
  const char *s = (const char *)data;
  while (len) {
    const char *nl = memchr(s, '\n', len);
    size_t n = nl ? (size_t)(nl - s) : len;
    if (n) line(s, n);
    n += nl != NULL;
    s += n, len -= n;
  }
  return 0;
}
