/* each_of: the same steps for one item after the other; every step's id carries the item's key. */
#include "run.h"

/* The field that `as:` names, or the item itself. */
static enum status key_of(struct lane *lane, const struct item *item, value v, struct buf *out,
                          struct error *err) {
  value key = v;
  if (item->key_name) {
    bool found = false;
    if (v.tag == V_RECORD) found = record_get(v, item->key_name, &key);
    else if (v.tag == V_HASH)
      found =
          dict_find(value_dict(v), lane->run->program->syms, value_symbol(item->key_name), &key);
    if (!found) {
      error_set(err, ERR_VALUE, "an item of each_of has no %s",
                sym_text(lane->run->program->syms, item->key_name));
      if (v.tag == V_RECORD || v.tag == V_HASH)
        error_help(err, "as: :FIELD names a field that every item has");
      else error_help(err, "%ss have no fields: leave `as:` out", value_type_name(v));
      error_at(err, tree_span(lane->eval.tree, item->node));
      return ERR_VALUE;
    }
  }
  value_to_s(key, lane->run->program->syms, out);
  return OK;
}

/* Keys stand in the names of steps, which nothing is taken out of. */
static enum status key_plain(struct lane *lane, const struct item *item, const struct buf *key,
                             struct error *err) {
  struct buf shown = BUF_INIT;
  buf_add(&shown, buf_str(key), key->len);
  enum status status = OK;
  if (redact_text(lane->run->engine->secrets, &shown)) {
    status = error_set(err, ERR_VALUE, "the key of an item of each_of holds a secret: '%s'", buf_str(&shown));
    error_help(err, "keys stand in the names of steps; as: :FIELD names a field that holds none");
    error_at(err, tree_span(lane->eval.tree, item->node));
  }
  buf_release(&shown);
  return status;
}

/* Keys tell items apart in the journal, so no two may be the same. */
static enum status keys_of(struct lane *lane, const struct item *item, const struct list *l,
                           value *out, struct error *err) {
  struct dict *seen = dict_new();
  enum status status = OK;
  *out = value_hash(seen);
  for (size_t i = 0; status == OK && i < l->count; i++) {
    struct buf key = BUF_INIT;
    status = key_of(lane, item, l->items[i], &key, err);
    if (status == OK) status = key_plain(lane, item, &key, err);
    value k = value_string(buf_str(&key), key.len), was;
    if (status == OK && dict_get(seen, k, &was)) {
      status = error_set(err, ERR_VALUE, "two items of each_of have the key '%s'", buf_str(&key));
      error_help(err, "as: :FIELD names a field that tells them apart, or make the list .uniq");
      error_at(err, tree_span(lane->eval.tree, item->node));
    }
    dict_set(seen, k, value_int((int64_t)i));
    buf_release(&key);
  }
  return status;
}

static enum flow element_run(struct lane *lane, const struct item *item, value v, value key) {
  size_t outer = lane->item_key.len;
  buf_addf(&lane->item_key, "[%s]", value_str(key)->s);
  eval_bind(&lane->eval, item->param, v);
  enum flow flow = items_run(lane, item->items);
  buf_truncate(&lane->item_key, outer);
  return flow;
}

static enum flow elements_run(struct lane *lane, const struct item *item, const struct list *l,
                              value keys) {
  enum flow flow = FLOW_ON;
  for (size_t i = 0; flow == FLOW_ON && i < l->count; i++) {
    value key, index;
    dict_at(value_dict(keys), i, &key, &index);
    flow = element_run(lane, item, l->items[i], key);
  }
  return flow;
}

static enum flow each_item(struct lane *lane, const struct item *item, const struct list *l) {
  struct error err = {0};
  value keys = VALUE_NIL;
  uint32_t steps = items_ahead(item->items);
  enum flow flow;
  if (keys_of(lane, item, l, &keys, &err) != OK) {
    flow = plan_failed(lane, &err);
  } else {
    lane->run->total += steps * (uint32_t)l->count - steps;
    flow = item->at_once ? each_beside(lane, item, l, keys) : elements_run(lane, item, l, keys);
  }
  value_unref(keys);
  return flow;
}

enum flow each_run(struct lane *lane, const struct item *item) {
  struct error err = {0};
  value list;
  if (run_eval(lane, item->subject, &list, &err) != OK) return plan_failed(lane, &err);
  enum flow flow;
  if (list.tag == V_ARRAY) {
    flow = each_item(lane, item, value_array(list));
  } else {
    error_set(&err, ERR_TYPE, "each_of needs an array, not %s", value_type_name(list));
    error_at(&err, tree_span(lane->eval.tree, item->subject));
    flow = plan_failed(lane, &err);
  }
  value_unref(list);
  return flow;
}
