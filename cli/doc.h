/* What there is to call: the modules of the standard library or of a file, read off the checked
 * declarations, with the prose of the comments above them.
 *
 * Texts live as long as the model. */
#ifndef STEPWISE_DOC_H
#define STEPWISE_DOC_H

#include "../runtime/host.h"

struct doc_module {
  const char *name; /* as `use` names it */
  uint32_t file;    /* index in program->sources */
};
/* A group of primitives, from docs/primitives/NAME.md. */
struct doc_group {
  const char *name;
  struct text about, text; /* the heading; the rest, Markdown */
};
struct doc {
  struct host host;
  struct program *program;
  struct doc_module *modules; /* those to list, in order of name */
  size_t module_count;
  struct doc_group *groups;
  size_t group_count;
  bool own; /* of a file that a person named, not the standard library */
};

/* path: a module's file, or NULL: the standard library. Errors of the file are told on stderr.
 * Returns an exit code; doc_close in any case. */
int doc_open(struct doc *d, const char *path);
void doc_close(struct doc *d);

/* What a name means. A binding's action or driver is named with it: sms.send, sms.twilio. */
struct doc_item {
  const struct doc_module *module;
  const struct binding *binding;
  const struct action *action;
  const struct driver *driver;
  const struct doc_group *group;
  const struct primitive_sig *primitive;
  const char *word; /* of the language */
};
enum status doc_find(const struct doc *d, const char *name, struct doc_item *out,
                     struct error *err) must_use;

const char *doc_name(const struct doc *d, sym s);
const struct doc_module *doc_module_of(const struct doc *d, const struct binding *b); /* or NULL */
/* The i-th binding that the module's file declares; NULL behind the last. */
const struct binding *doc_binding_at(const struct doc *d, const struct doc_module *m, size_t i);
/* The comment that opens the module's file, and the one above a declaration, as Markdown without
 * their `#`; nothing added when there is none. */
void doc_module_text(const struct doc *d, const struct doc_module *m, struct buf *out);
void doc_above_text(const struct doc *d, struct span at, struct buf *out);

/* A call that can be copied into a runbook: every parameter that must be given, with a value of its
 * type. */
void doc_usage(const struct doc *d, const struct action *a, struct buf *out);
/* "sms.send(to:, body:, ...)": `...` when there is more that may be given. */
void doc_signature(const struct doc *d, const struct action *a, struct buf *out);
void doc_type(const struct doc *d, const struct field *f, struct buf *out); /* "array of string" */
/* What else is declared of it, as Markdown: "default `20`, `1` to `200`". required: say so of what
 * must be given. */
void doc_facts(const struct doc *d, const struct field *f, bool required, struct buf *out);
/* "write, `:by_key`"; what that means for a runbook. */
const char *doc_effect(const struct action *a);
const char *doc_repeat(const struct action *a);
/* Of an action that is carried out item by item: "for each of `to`, told apart by `phone`, ..."; else nothing. */
void doc_each(const struct doc *d, const struct action *a, const char *tick, struct buf *out);
/* The parameters that its binding's `admit` is asked about, with commas. */
void doc_admit(const struct doc *d, const struct action *a, const char *tick, struct buf *out);
bool doc_same_shape(const struct doc *d, const struct action *a, const struct action *b);
/* The words of a node, on one line. */
void doc_source(const struct doc *d, uint32_t file, node_id n, struct buf *out);

/* doc_word.c: words of the language and methods of values, from the reference. False: there is
 * none. */
bool doc_word(const char *word, struct buf *out);
/* Calls fn with each word, for did-you-mean. */
void doc_words(void (*fn)(void *ud, const char *word), void *ud);

/* doc_text.c, doc_json.c, doc_markdown.c: NULL item: all of it. */
void doc_text(const struct doc *d, const struct doc_item *item, size_t width, struct buf *out);
void doc_json(const struct doc *d, const struct doc_item *item, struct buf *out);
void doc_markdown(const struct doc *d, struct buf *out);

#endif
