/* A call of an action that lint accepts: each parameter that must be given, with plain sample data.
 */
#include "doc.h"

enum { SHOWN = 200 }; /* the largest size of a sample */

/* A value of each built-in type, as a runbook writes it. */
static const struct {
  type_id type;
  const char *text;
} samples[] = {{T_any, "\"text\""},
               {T_boolean, "true"},
               {T_integer, "1"},
               {T_float, "1.0"},
               {T_number, "1"},
               {T_string, "\"text\""},
               {T_symbol, ":name"},
               {T_array, "[\"text\"]"},
               {T_hash, "{}"},
               {T_range, "1..2"},
               {T_duration, "1.minute"},
               {T_time, "now"},
               {T_date, "date(\"2026-11-02\")"},
               {T_regexp, "/text/"},
               {T_secret, "\"text\""},
               {T_phone, "\"+15555550100\""},
               {T_email, "\"ana@example.org\""},
               {T_url, "\"https://example.org/\""},
               {T_path, "\"file\""}};

static void sample(const struct doc *d, type_id type, struct buf *out) {
  const struct types *t = d->program->types;
  size_t count;
  switch (type_kind(t, type)) {
  case TYPE_ARRAY:
    buf_addc(out, '[');
    sample(d, type_inner(t, type), out);
    buf_addc(out, ']');
    return;
  case TYPE_HASH:
    buf_adds(out, "{ \"name\" => ");
    sample(d, type_inner(t, type), out);
    buf_adds(out, " }");
    return;
  case TYPE_OPTIONAL:
    sample(d, type_inner(t, type), out);
    return;
  case TYPE_RECORD: {
    const struct record_field *f = type_fields(t, type, &count);
    buf_adds(out, "{ ");
    for (size_t i = 0; i < count; i++) {
      buf_addf(out, "%s%s: ", i ? ", " : "", doc_name(d, f[i].name));
      sample(d, f[i].type, out);
    }
    buf_adds(out, " }");
    return;
  }
  case TYPE_ENUM: {
    const sym *values = type_values(t, type, &count);
    bool symbol = type_inner(t, type) == T_symbol;
    buf_addf(out, symbol ? ":%s" : "\"%s\"", doc_name(d, values[0]));
    return;
  }
  case TYPE_PLAIN:
    break;
  }
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
    if (samples[i].type == type) buf_adds(out, samples[i].text);
}

static int64_t bound(const struct doc *d, const struct field *f, node_id n, int64_t otherwise) {
  const struct tree *t = d->program->trees[f->file];
  return n && tree_node(t, n)->kind == N_int ? tree_int(tree_node(t, n)) : otherwise;
}

/* Texts and lists of a size that the field takes, as long as that is one to be shown. */
static bool sample_sized(const struct doc *d, const struct field *f, type_id base, struct buf *out) {
  const struct types *t = d->program->types;
  bool text = base == T_string, list = base == T_array;
  if ((!text && !list) || (!f->min && !f->max)) return false;
  int64_t usual = text ? 4 : 1, most = bound(d, f, f->max, INT64_MAX), size = bound(d, f, f->min, 0);
  if (size < usual) size = usual < most ? usual : most;
  if (size > SHOWN) return false;
  type_id type = type_kind(t, f->type) == TYPE_OPTIONAL ? type_inner(t, f->type) : f->type;
  buf_addc(out, text ? '"' : '[');
  for (int64_t i = 0; i < size; i++) {
    if (list && i) buf_adds(out, ", ");
    if (text) buf_addc(out, "text"[i % 4]);
    else sample(d, type_kind(t, type) == TYPE_ARRAY ? type_inner(t, type) : T_any, out);
  }
  buf_addc(out, text ? '"' : ']');
  return true;
}

/* A bound is a value too; one of the list where there is one. */
static void sample_field(const struct doc *d, const struct field *f, struct buf *out) {
  const struct tree *t = d->program->trees[f->file];
  type_id base = type_base(d->program->types, f->type);
  node_id first = f->one_of ? tree_node(t, f->one_of)->a : 0;
  if (!first && (base == T_integer || base == T_float || base == T_number || base == T_duration))
    first = f->min ? f->min : f->max;
  if (first) doc_source(d, f->file, first, out);
  else if (!sample_sized(d, f, base, out)) sample(d, f->type, out);
}

void doc_usage(const struct doc *d, const struct action *a, struct buf *out) {
  bool any = false;
  if (a->result != T_nil) buf_adds(out, "result = ");
  buf_addf(out, "%s.%s", doc_name(d, a->binding->name), doc_name(d, a->name));
  for (size_t i = 0; i < a->take_count; i++) {
    const struct field *f = &a->takes[i];
    if (f->default_value || f->optional) continue;
    buf_addf(out, "%s%s: ", any ? ", " : "(", doc_name(d, f->name));
    sample_field(d, f, out);
    any = true;
  }
  if (any) buf_addc(out, ')');
}
