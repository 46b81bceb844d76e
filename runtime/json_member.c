/* Looking into JSON without parsing it: skips from member to member. The journal holds only valid
 * JSON, so nothing is checked here but the end of the text. */
#include "history.h"

static const char *skip_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
    p++;
  return p;
}

/* p stands on the opening quote; gives the place after the closing one. */
static const char *skip_string(const char *p, const char *end) {
  for (p++; p < end && *p != '"'; p++)
    if (*p == '\\') p++;
  return p < end ? p + 1 : end;
}

static const char *skip_value(const char *p, const char *end) {
  int depth = 0;
  while (p < end) {
    if (*p == '"') {
      p = skip_string(p, end);
      if (!depth) return p;
      continue;
    }
    if (*p == '{' || *p == '[') depth++;
    else if ((*p == '}' || *p == ']' || *p == ',') && !depth) return p;
    else if (*p == '}' || *p == ']') {
      if (!--depth) return p + 1;
    }
    p++;
  }
  return end;
}

bool json_member(const char *json, size_t len, const char *name, const char **out, size_t *n) {
  const char *p = skip_space(json, json + len), *end = json + len;
  size_t name_len = strlen(name);
  if (p == end || *p != '{') return false;
  for (p = skip_space(p + 1, end); p < end && *p == '"';) {
    const char *key = p + 1;
    p = skip_string(p, end);
    bool found = (size_t)(p - key) == name_len + 1 && memcmp(key, name, name_len) == 0;
    p = skip_space(p, end);
    if (p < end && *p == ':') p = skip_space(p + 1, end);
    const char *at = p;
    p = skip_value(p, end);
    if (found) {
      *out = at;
      *n = (size_t)(p - at);
      return true;
    }
    p = skip_space(p, end);
    if (p < end && *p == ',') p = skip_space(p + 1, end);
  }
  return false;
}
