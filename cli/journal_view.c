/* Events as people and programs read them.
 *
 * An event's data is JSON that the journal has checked; here it is only walked, member by member,
 * so that no value is built to print one line. */
#include "journal_view.h"

#include "../runtime/digest.h"
#include "../runtime/peek.h"
#include "text.h"

void view_time(struct buf *out, int64_t time_us, bool micros) {
  int64_t seconds = time_us / 1000000, rest = time_us % 1000000;
  if (rest < 0) seconds--, rest += 1000000;
  struct tm tm;
  time_t t = (time_t)seconds;
  if (!gmtime_r(&t, &tm)) {
    buf_addf(out, "%lld us", (long long)time_us);
    return;
  }
  buf_addf(out, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
           tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (micros) buf_addf(out, ".%06d", (int)rest);
}

/* Bytes of the character at s, and whether a terminal would take it as a command. */
static size_t character(const char *s, size_t len, bool *control) {
  unsigned char c = (unsigned char)s[0];
  size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
  *control = text_steers(s, len) != 0;
  return n > len ? len : n;
}

static size_t count_characters(const char *s, size_t len) {
  size_t count = 0;
  bool control;
  for (size_t at = 0; at < len; count++)
    at += character(s + at, len - at, &control);
  return count;
}

size_t view_text(struct buf *out, const char *s, size_t len, size_t width) {
  size_t count = count_characters(s, len), shown = 0;
  bool cut = width && count > width, control;
  size_t room = !cut ? count : width > 3 ? width - 3 : 0;
  for (size_t at = 0; shown < room; shown++) {
    size_t n = character(s + at, len - at, &control);
    if (control) buf_addc(out, '?');
    else buf_add(out, s + at, n);
    at += n;
  }
  if (!cut) return shown;
  buf_adds(out, &"..."[width > 3 ? 0 : 3 - width]);
  return width > 3 ? width : shown + width;
}

void view_quote(struct buf *out, const char *s, size_t len) {
  const char *end = s + len, *plain = s;
  buf_addc(out, '"');
  for (; s < end; s++) {
    unsigned char c = (unsigned char)*s;
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    buf_add(out, plain, (size_t)(s - plain));
    plain = s + 1;
    buf_addf(out, c < 0x20 ? "\\u%04x" : "\\%c", c);
  }
  buf_add(out, plain, (size_t)(s - plain));
  buf_addc(out, '"');
}

/* Strings lose their quotes; escapes other than the plain ones stay as they are written. */
static void add_value(struct buf *out, const struct member *m) {
  static const char plain[] = "\"\\/";
  if (m->value_len < 2 || *m->value != '"') {
    buf_add(out, m->value, m->value_len);
    return;
  }
  for (size_t i = 1; i + 1 < m->value_len; i++) {
    char c = m->value[i];
    if (c == '\\' && i + 2 < m->value_len && strchr("ntr", m->value[i + 1])) c = ' ', i++;
    if (c == '\\' && i + 2 < m->value_len && strchr(plain, m->value[i + 1])) c = m->value[++i];
    buf_addc(out, c);
  }
}

static void add_member(struct buf *out, const struct event *e, const char *before,
                       const char *key) {
  struct member m;
  if (!peek(e->data, e->data_len, key, &m)) return;
  buf_adds(out, before);
  add_value(out, &m);
}

/* Which members tell most about a kind, in order; kinds of no line show their data as it is. */
struct telling {
  const char *kind, *key[4];
};

static const struct telling tellings[] = {
    {"journal.checkpointed", {"size", "to"}},
    {"run.started", {"runbook"}},
    {"run.resumed", {"reason"}},
    {"run.waiting", {"on", "text"}},
    {"run.held", {"text"}},
    {"run.rolling_back", {"reason"}},
    {"run.succeeded", {"reason"}},
    {"run.cancelled", {"reason"}},
    {"run.noted", {"text"}},
    {"section.started", {"title"}},
    {"step.started", {"label"}},
    {"step.finished", {"reason", "outputs"}},
    {"step.skipped", {"reason"}},
    {"guard.checked", {"held", "text"}},
    {"expect.checked", {"held", "text"}},
    {"verify.checked", {"held", "text"}},
    {"action.started", {"binding", "action", "args"}},
    {"action.finished", {"binding", "action", "result"}},
    {"drill.unused", {"fail"}},
    {"prompt.asked", {"type", "text"}},
    {"prompt.answered", {"type", "answer", "text"}},
    {"approval.requested", {"role", "text"}},
    {"approval.given", {"approver", "reason"}},
    {"approval.denied", {"approver", "reason"}},
    {"approval.used", {"approvers"}},
    {"shown", {"as", "value"}},
    {"noted", {"text"}},
    {"finding", {"kind", "text"}},
    {"follow_up", {"text"}},
    {"paged", {"roles", "text"}},
    {"page.delivered", {"role", "way", "to"}},
    {"page.undelivered", {"role", "way", "to"}},
    {"page.escalated", {"to", "reason"}},
    {"page.acknowledged", {"role", "note"}},
    {"page.unanswered", {"reason"}},
};

static const struct telling *telling_of(const char *kind) {
  for (size_t i = 0; i < sizeof tellings / sizeof *tellings; i++)
    if (strcmp(tellings[i].kind, kind) == 0) return &tellings[i];
  return NULL;
}

static void add_error(struct buf *out, const struct event *e) {
  struct member error, message;
  if (!peek(e->data, e->data_len, "error", &error)) return;
  if (out->len) buf_adds(out, ": ");
  if (peek(error.value, error.value_len, "message", &message)) add_value(out, &message);
  else buf_add(out, error.value, error.value_len);
}

void view_summary(struct buf *out, const struct event *e, size_t width) {
  struct buf b = BUF_INIT;
  const struct telling *t = telling_of(e->kind);
  bool action = strncmp(e->kind, "action.", 7) == 0;
  for (int i = 0; t && i < 4 && t->key[i]; i++)
    add_member(&b, e, b.len == 0 ? "" : action && i == 1 ? "." : " ", t->key[i]);
  add_error(&b, e);
  if (b.len == 0 && e->data_len > 2) {
    bool object = e->data[0] == '{' && e->data[e->data_len - 1] == '}';
    buf_add(&b, e->data + object, e->data_len - 2 * (size_t)object);
  }
  view_text(out, buf_str(&b), b.len, width);
  buf_release(&b);
}

static void new_line(struct buf *out, size_t spaces) {
  buf_addc(out, '\n');
  buf_addn(out, spaces, ' ');
}

void view_json(struct buf *out, const char *json, size_t len, size_t indent) {
  size_t depth = 0;
  const char *end = json + len;
  buf_addn(out, indent, ' ');
  for (const char *p = peek_space(json, end); p < end; p = peek_space(p, end)) {
    const char *from = p++;
    if (*from == '"') {
      p = peek_string(from, end);
      view_text(out, from, (size_t)(p - from), 0);
    } else if (*from == '{' || *from == '[') {
      const char *next = peek_space(p, end);
      buf_addc(out, *from);
      if (next < end && (*next == '}' || *next == ']')) buf_addc(out, *next), p = next + 1;
      else new_line(out, indent + 2 * ++depth);
    } else if (*from == '}' || *from == ']') {
      if (depth) depth--;
      new_line(out, indent + 2 * depth);
      buf_addc(out, *from);
    } else if (*from == ',') {
      buf_addc(out, ',');
      new_line(out, indent + 2 * depth);
    } else if (*from == ':') {
      buf_adds(out, ": ");
    } else {
      view_text(out, from, 1, 0);
    }
  }
  buf_addc(out, '\n');
}

static void add_hash(struct buf *out, const char *name, const uint8_t *hash) {
  char hex[SHA256_HEX];
  if (!hash) return; /* not read back from the file */
  hex_write(hash, SHA256_SIZE, hex);
  buf_addf(out, ",\"%s\":\"%s\"", name, hex);
}

static void add_string(struct buf *out, const char *name, const char *value) {
  buf_addf(out, ",\"%s\":", name);
  view_quote(out, value, strlen(value));
}

void view_export(struct buf *out, const struct event *e) {
  buf_addf(out, "{\"seq\":%lld,\"time_us\":%lld,\"time\":\"", (long long)e->seq,
           (long long)e->time_us);
  size_t at = out->len;
  view_time(out, e->time_us, true);
  char *space = strchr(out->data + at, ' ');
  if (space) *space = 'T';
  buf_adds(out, "Z\"");
  add_string(out, "run", e->run);
  if (run_is_drill(e->run)) buf_adds(out, ",\"drill\":true");
  add_string(out, "step", e->step);
  add_string(out, "kind", e->kind);
  add_string(out, "actor", e->actor);
  buf_adds(out, ",\"data\":");
  at = out->len;
  buf_add(out, e->data, e->data_len);
  /* A newline can only stand between tokens of JSON, where a space means the same. */
  for (char *p = out->data + at; p < out->data + out->len; p++)
    if (*p == '\n' || *p == '\r') *p = ' ';
  add_hash(out, "prev", e->prev);
  add_hash(out, "hash", e->hash);
  buf_adds(out, "}\n");
}
