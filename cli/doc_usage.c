/* A call of an action that lint accepts: each parameter that must be given, with plain sample data.
 */
#include "doc.h"

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

/* A bound is a value too; one of the list where there is one. */
static void sample_field(const struct doc *d, const struct field *f, struct buf *out) {
  const struct tree *t = d->program->trees[f->file];
  type_id base = type_base(d->program->types, f->type);
  node_id first = f->one_of ? tree_node(t, f->one_of)->a : 0;
  if (!first && (base == T_integer || base == T_float || base == T_number || base == T_duration))
    first = f->min ? f->min : f->max;
  if (first) doc_source(d, f->file, first, out);
  else sample(d, f->type, out);
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
