/* The primitives of the group `json`. */
#include "../../lang/limits.h"
#include "../codec.h"
#include "args.h"

enum { JSON_MAX = 8 << 20 };

static enum status parse(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  const char *s = arg_text(call, args[0]);
  size_t len = s ? strlen(s) : 0;
  int64_t max = arg_integer(args[1], JSON_MAX);
  if (len > (uint64_t)(max < 0 ? 0 : max))
    return arg_fail(err, ERR_LIMIT, "validation", "the JSON has %zu bytes, more than %lld", len,
                    (long long)max);
  enum status st = json_read(s ? s : "", len, call->syms, false, out, err);
  if (st != OK) error_kind(err, "validation");
  return st;
}

static bool holds_secret(value v) {
  if (v.tag == V_SECRET) return true;
  if (v.tag == V_ARRAY) {
    for (size_t i = 0; i < value_array(v)->count; i++)
      if (holds_secret(value_array(v)->items[i])) return true;
  } else if (v.tag == V_HASH || v.tag == V_RECORD) {
    for (size_t i = 0; i < dict_count(value_dict(v)); i++) {
      value key, item;
      dict_at(value_dict(v), i, &key, &item);
      if (holds_secret(key) || holds_secret(item)) return true;
    }
  }
  return false;
}

static enum status text(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  struct buf b = {.max = LIMIT_STRING};
  if (holds_secret(args[0])) {
    arg_fail(err, ERR_VALUE, "validation", "a secret stands in it, and the text would show it");
    error_help(err, "give the value itself to http, as json:");
    return ERR_VALUE;
  }
  json_write(args[0], call->syms, false, &b);
  return result_made(&b, out, err);
}

static const struct primitive_param parse_params[] = {
    {"text", "string", "the JSON"},
    {"max", "integer?", "bytes; 8 MiB unless said"},
    {NULL, NULL, NULL}};
static const struct primitive_param text_params[] = {{"value", "any", "what is written"},
                                                     {NULL, NULL, NULL}};

const struct primitive json_parse = {
    {"json", "parse", parse_params, "any", EFFECT_READ,
     "The value of a JSON text; objects are hashes with strings as keys"},
    parse};
const struct primitive json_of = {
    {"json", "text", text_params, "string", EFFECT_READ, "A value as JSON, on one line"}, text};
