/* How what a plan knows reads: values, and in their place what is not known. */
#include "dry_own.h"

enum { SOURCE_SHOWN = 60, UNKNOWN_SHOWN = 40 };

static void source_cut(const struct dry *d, node_id n, size_t shown, struct buf *out) {
  struct span at = tree_span(d->e->tree, n);
  const char *s = d->e->tree->source->text + at.start;
  size_t from = out->len, most = from + shown;
  for (size_t i = 0; i < at.end - at.start && out->len < most; i++) {
    bool space = s[i] == '\n' || s[i] == ' ' || s[i] == '\t';
    if (!space) buf_addc(out, s[i]);
    else if (out->len > from && out->data[out->len - 1] != ' ') buf_addc(out, ' ');
  }
  if (out->len < most) return;
  while (out->len > from && ((unsigned char)out->data[out->len - 1] & 0xC0) == 0x80)
    buf_truncate(out, out->len - 1);
  buf_truncate(out, out->len - 1); /* the last character may be cut: it goes whole */
  buf_adds(out, "...");
}

void dry_source(const struct dry *d, node_id n, struct buf *out) {
  source_cut(d, n, SOURCE_SHOWN, out);
}

static void unknown_text(const struct dry *d, node_id n, struct buf *out) {
  if (!n) {
    buf_adds(out, "(unknown until run)");
    return;
  }
  buf_adds(out, "(unknown: ");
  source_cut(d, n, UNKNOWN_SHOWN, out);
  buf_addc(out, ')');
}

/* Evaluates once more, without telling what that does. */
static enum status eval_quietly(struct dry *d, node_id n, value *out) {
  d->quiet++;
  enum status status = eval_node(d->e, n, out);
  d->quiet--;
  return status;
}

/* The known parts of an interpolated text around those that are not. */
static void parts_text(struct dry *d, const struct node *n, struct buf *out) {
  for (node_id p = n->a; p; p = tree_node(d->e->tree, p)->next) {
    const struct node *part = tree_node(d->e->tree, p);
    value v;
    if (part->kind == N_str) {
      struct text t = tree_text(d->e->tree, part);
      buf_add(out, t.s, t.len);
    } else if (eval_quietly(d, p, &v) == OK) {
      dry_value_text(d, v, p, false, out);
      value_unref(v);
    } else {
      error_release(d->e->err);
      unknown_text(d, p, out);
    }
  }
}

void dry_value_text(struct dry *d, value v, node_id n, bool inspect, struct buf *out) {
  const struct symtab *syms = d->run->program->syms;
  const struct node *node = n ? tree_node(d->e->tree, n) : NULL;
  if (v.tag != V_UNKNOWN) {
    if (inspect) value_inspect(v, syms, out);
    else value_to_s(v, syms, out);
  } else if (node && node->kind == N_dstr) {
    if (inspect) buf_addc(out, '"');
    parts_text(d, node, out);
    if (inspect) buf_addc(out, '"');
  } else {
    unknown_text(d, n, out);
  }
}

enum status dry_text(struct dry *d, node_id n, char **out) {
  struct buf b = BUF_INIT;
  if (n) {
    value v;
    enum status status = eval_node(d->e, n, &v);
    if (status != OK) return status;
    dry_value_text(d, v, n, false, &b);
    value_unref(v);
  }
  *out = buf_take(&b);
  return OK;
}

void dry_duration(struct dry *d, node_id n, int64_t otherwise, struct buf *out) {
  char text[32];
  value v = value_duration(otherwise);
  if (n && eval_quietly(d, n, &v) != OK) {
    error_release(d->e->err);
    v = value_unknown();
  }
  if (v.tag == V_DURATION) {
    took_text(v.u.i, text);
    buf_adds(out, text);
  } else {
    dry_value_text(d, v, n, false, out);
  }
  value_unref(v);
}

static bool is_effect(void *ud, node_id id) {
  const struct tree *t = ud;
  const struct node *n = tree_node(t, id);
  if (n->kind == N_name) return n->x == REF_STATEMENT;
  return n->kind == N_call && (n->x == CALL_ACTION || n->x == CALL_STATEMENT);
}

bool dry_has_effects(const struct dry *d, node_id n) {
  return tree_walk(d->e->tree, n, is_effect, d->e->tree);
}

void dry_wrote(struct dry *d) {
  uint32_t count = d->e->unit->slot_count;
  d->total->wrote = true;
  if (d->early) return;
  d->early = mem_array(count + 1, sizeof *d->early);
  for (uint32_t i = 0; i < count; i++)
    d->early[i] = d->e->is_set[i] ? value_ref(d->e->slots[i]) : value_unknown();
}

/* Values never change, so the same object is what it was before the first write. */
static bool is_early(const struct dry *d, uint32_t slot) {
  value was = d->early ? d->early[slot] : value_unknown(), is = d->e->slots[slot];
  return was.tag != V_UNKNOWN && was.tag == is.tag && was.u.i == is.u.i;
}

static bool is_late(void *ud, node_id id) {
  const struct dry *d = ud;
  const struct node *n = tree_node(d->e->tree, id);
  if (n->kind == N_call) return n->x == CALL_ACTION;
  return n->kind == N_name && n->x == REF_VAR && !is_early(d, n->b);
}

bool dry_may_turn(const struct dry *d, node_id n) {
  return d->total->wrote && tree_walk(d->e->tree, n, is_late, (void *)(uintptr_t)d);
}

enum dry_truth dry_truth(value v) {
  return v.tag == V_UNKNOWN ? DRY_OPEN : value_truthy(v) ? DRY_HOLDS : DRY_HOLDS_NOT;
}
