/* Letters with places: see mail_template.h. */
#include "mail_template.h"

static bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool place_next(const char *s, const char **from, const char **to, char name[PLACE_MAX + 1]) {
  const char *open = strstr(s, "{{");
  if (!open) return false;
  const char *at = open + 2 + strspn(open + 2, " ");
  size_t len = 0;
  while (is_name(at[len]))
    len++;
  const char *end = at + len + strspn(at + len, " ");
  bool good = len && len <= PLACE_MAX && end[0] == '}' && end[1] == '}';
  *from = open;
  *to = good ? end + 2 : open + 2;
  snprintf(name, PLACE_MAX + 1, "%.*s", good ? (int)len : 0, at);
  return true;
}

static void write_html(char c, struct buf *out) {
  static const struct {
    char c;
    const char *text;
  } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
  for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
    if (escapes[i].c != c) continue;
    buf_adds(out, escapes[i].text);
    return;
  }
  buf_addc(out, c);
}

void place_write(const char *value, enum place_form form, struct buf *out) {
  for (const char *p = value; *p; p++) {
    if (form == PLACE_TEXT) buf_addc(out, *p);
    else if (form == PLACE_HTML) write_html(*p, out);
    else if (is_name(*p) || strchr("-.~", *p)) buf_addc(out, *p);
    else buf_addf(out, "%%%02X", (unsigned char)*p);
  }
}
