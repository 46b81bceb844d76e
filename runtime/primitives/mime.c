/* Mail messages as bytes: see mime.h.
 *
 * What is not ASCII travels in encoded words (RFC 2047), in file names as RFC 2231 has it, and in
 * bodies as quoted-printable. No line is longer than 998 bytes, and but for long words none is
 * longer than 78. A boundary begins with "=_", which neither quoted-printable nor base64 can. */
#include "mime.h"

#include "../base64.h"

#include <time.h>

#include "../utf8.h"

static const char *const SPECIALS = "()<>[]:;@\\,.\"";
enum { LINE = 76, WORD_BYTES = 45, LONGEST = 900 };

static bool is_ascii(const char *s) {
  for (; *s; s++)
    if ((unsigned char)*s >= 127) return false;
  return true;
}

/* --- what is let in --- */

bool mime_line(const char *s) {
  size_t len = strlen(s);
  if (len > MIME_TEXT_MAX || !utf8_valid(s, len)) return false;
  for (; *s; s++)
    if ((unsigned char)*s < ' ' || *s == 127) return false;
  return true;
}

static bool is_token(const char *s, size_t len) {
  static const char *const extra = "!#$&^_.+-";
  for (size_t i = 0; i < len; i++) {
    char c = s[i];
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!word && !(c && strchr(extra, c))) return false;
  }
  return len > 0;
}

bool mime_type(const char *s) {
  const char *slash = strchr(s, '/');
  return slash && strlen(s) < 128 && is_token(s, (size_t)(slash - s)) &&
         is_token(slash + 1, strlen(slash + 1)) && strncasecmp(s, "multipart/", 10) != 0 &&
         strncasecmp(s, "message/", 8) != 0;
}

bool mime_header_own(const char *name) {
  static const char *const taken[] = {"from",     "sender",   "to",          "cc",
                                      "bcc",      "subject",  "date",        "message-id",
                                      "reply-to", "received", "return-path", "mime-version"};
  size_t len = strlen(name);
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (strcasecmp(name, taken[i]) == 0) return false;
  if (strncasecmp(name, "content-", 8) == 0 || strncasecmp(name, "resent-", 7) == 0) return false;
  return len < LINE - 2 && is_token(name, len);
}

static bool local_good(const char *s, size_t len) {
  static const char *const extra = "!#$%&'*+/=?^_`{|}~-.";
  bool good = len > 0 && len <= 64 && s[0] != '.' && s[len - 1] != '.';
  for (size_t i = 0; good && i < len; i++) {
    char c = s[i];
    bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    good = (word || strchr(extra, c)) && !(c == '.' && s[i + 1] == '.');
  }
  return good;
}

static bool label_good(const char *s, size_t len) {
  bool good = len > 0 && len <= 63 && s[0] != '-' && s[len - 1] != '-';
  for (size_t i = 0; good && i < len; i++) {
    char c = s[i];
    good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  }
  return good;
}

static bool domain_good(const char *s) {
  bool good = *s != 0;
  while (good && *s) {
    size_t len = strcspn(s, ".");
    good = label_good(s, len) && !(s[len] == '.' && !s[len + 1]);
    s += len + (s[len] == '.');
  }
  return good;
}

static bool address_good(const char *s) {
  const char *at = strrchr(s, '@');
  return at && strlen(s) <= MIME_ADDRESS_MAX && local_good(s, (size_t)(at - s)) &&
         domain_good(at + 1);
}

/* A display name as it is written, without its quotes. */
static char *display_name(const char *s, size_t len) {
  while (len && *s == ' ')
    s++, len--;
  while (len && s[len - 1] == ' ')
    len--;
  if (len < 2 || *s != '"' || s[len - 1] != '"') return len ? mem_dup(s, len) : NULL;
  struct buf b = BUF_INIT;
  for (size_t i = 1; i < len - 1; i++) {
    if (s[i] == '\\' && i + 1 < len - 1) i++;
    buf_addc(&b, s[i]);
  }
  return b.len ? buf_take(&b) : NULL;
}

enum status mime_address_read(const char *s, struct mime_address *out, struct error *err) {
  size_t len = strlen(s);
  const char *open = len && s[len - 1] == '>' ? strrchr(s, '<') : NULL;
  char *address = open ? mem_dup(open + 1, (size_t)(s + len - 1 - open) - 1) : mem_strdup(s);
  if (mime_line(s) && address_good(address)) {
    *out = (struct mime_address){open ? display_name(s, (size_t)(open - s)) : NULL, address};
    return OK;
  }
  struct buf shown = BUF_INIT;
  /* A long one is not cut: a part of a secret could not be found. */
  if (len > MIME_ADDRESS_MAX) buf_addf(&shown, "a text of %zu bytes", len);
  for (const char *p = s; len <= MIME_ADDRESS_MAX && *p; p++)
    buf_addc(&shown, (unsigned char)*p < ' ' || *p == 127 ? ' ' : *p);
  error_set(err, ERR_VALUE, "this is not an address that mail can be sent to: %s", buf_str(&shown));
  error_help(err, is_ascii(address)
                      ? "write it as ana@example.org, or as Ana <ana@example.org>"
                      : "an address is ASCII; of a host in another script write the form with xn--");
  error_kind(err, "validation");
  mem_free(address);
  buf_release(&shown);
  return ERR_VALUE;
}

void mime_address_release(struct mime_address *a) {
  mem_free(a->name);
  mem_free(a->address);
  *a = (struct mime_address){0};
}

/* --- encodings --- */

static void base64_lines(const char *data, size_t len, struct buf *out) {
  for (size_t i = 0; i < len; i += 57) {
    base64_add(data + i, len - i < 57 ? len - i : 57, false, out);
    buf_adds(out, "\r\n");
  }
}

/* A line break of any kind at s: its length, or 0. */
static size_t break_at(const char *s) {
  if (*s == '\n') return 1;
  return *s == '\r' ? 1 + (s[1] == '\n') : 0;
}

static void quoted_printable(const char *s, struct buf *out) {
  size_t column = 0, n;
  for (; *s; s++) {
    if ((n = break_at(s))) {
      buf_adds(out, "\r\n");
      column = 0;
      s += n - 1;
      continue;
    }
    unsigned char c = (unsigned char)*s;
    bool last = !s[1] || break_at(s + 1);
    /* A dot or "From " at the start of a line is left to nobody else's rules. */
    bool plain = c >= ' ' && c < 127 && c != '=' && !(c == ' ' && last) &&
                 !(column == 0 && (c == '.' || strncmp(s, "From ", 5) == 0));
    size_t width = plain ? 1 : 3;
    if (column + width > LINE - 1) {
      buf_adds(out, "=\r\n");
      column = 0;
    }
    if (plain) buf_addc(out, (char)c);
    else buf_addf(out, "=%02X", c);
    column += width;
  }
}

static void plain_lines(const char *s, struct buf *out) {
  for (size_t n; *s; s += n) {
    size_t len = strcspn(s, "\r\n");
    buf_add(out, s, len);
    s += len;
    n = break_at(s);
    if (n) buf_adds(out, "\r\n");
  }
}

/* Whether a text may go as it is: ASCII, in lines that no server breaks. */
static bool is_plain(const char *s) {
  size_t line = 0;
  if (strstr(s, "--=_")) return false;
  for (; *s; s++) {
    line = *s == '\n' ? 0 : line + 1;
    if (line > LINE || (unsigned char)*s >= 127 || *s == '\r' ||
        ((unsigned char)*s < ' ' && *s != '\n' && *s != '\t'))
      return false;
  }
  return true;
}

/* --- headers --- */

static void encoded_words(const char *s, size_t column, struct buf *out) {
  size_t len = strlen(s), room = column > 20 ? 30 : WORD_BYTES;
  for (size_t n; len; s += n, len -= n, room = WORD_BYTES) {
    for (n = 0; n < len;) {
      size_t width = utf8_width(s[n]);
      if (n + width > room) break;
      n += width;
    }
    buf_adds(out, "=?UTF-8?B?");
    base64_add(s, n, false, out);
    buf_adds(out, n < len ? "?=\r\n " : "?=");
  }
}

/* Text as it is, broken where there is a space. column: how far the line has come. */
static void folded(const char *s, size_t column, struct buf *out) {
  while (*s) {
    size_t spaces = strspn(s, " "), word = strcspn(s + spaces, " ");
    if (spaces && word && column + spaces + word > LINE) {
      buf_adds(out, "\r\n");
      column = 0;
    }
    buf_add(out, s, spaces + word);
    column += spaces + word;
    s += spaces + word;
  }
}

/* Encoded words are for what ASCII in lines cannot say. */
static bool needs_words(const char *s) {
  if (!is_ascii(s) || strstr(s, "=?") || *s == ' ' || (*s && s[strlen(s) - 1] == ' ')) return true;
  for (; *s; s += strcspn(s, " "), s += *s == ' ')
    if (strcspn(s, " ") > LONGEST) return true;
  return false;
}

static void header_text(const char *name, const char *text, struct buf *out) {
  buf_addf(out, "%s: ", name);
  if (needs_words(text)) encoded_words(text, strlen(name) + 2, out);
  else folded(text, strlen(name) + 2, out);
  buf_adds(out, "\r\n");
}

static void address_text(const struct mime_address *a, size_t column, struct buf *out) {
  if (a->name && !is_ascii(a->name)) {
    encoded_words(a->name, column, out);
  } else if (a->name && (strpbrk(a->name, SPECIALS) || strstr(a->name, "=?"))) {
    buf_addc(out, '"');
    for (const char *p = a->name; *p; p++) {
      if (*p == '"' || *p == '\\') buf_addc(out, '\\');
      buf_addc(out, *p);
    }
    buf_addc(out, '"');
  } else if (a->name) {
    buf_adds(out, a->name);
  }
  buf_addf(out, a->name ? " <%s>" : "%s", a->address);
}

static void header_addresses(const char *name, const struct mime_address *list, size_t count,
                             struct buf *out) {
  buf_addf(out, "%s: ", name);
  for (size_t i = 0; i < count; i++) {
    if (i) buf_adds(out, ",\r\n ");
    address_text(&list[i], strlen(name) + 2, out);
  }
  buf_adds(out, "\r\n");
}

static void header_date(int64_t us, struct buf *out) {
  static const char days[] = "SunMonTueWedThuFriSat";
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t seconds = (time_t)(us / 1000000);
  struct tm tm;
  gmtime_r(&seconds, &tm);
  buf_addf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d +0000\r\n", days + 3 * tm.tm_wday,
           tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* --- bodies --- */

static void body_text(const char *type, const char *text, struct buf *out) {
  bool plain = is_plain(text);
  buf_addf(out, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
           plain ? "7bit" : "quoted-printable");
  if (plain) plain_lines(text, out);
  else quoted_printable(text, out);
  buf_adds(out, "\r\n");
}

static void body_content(const struct mime_message *m, struct buf *out) {
  if (!m->html || !m->text) {
    body_text(m->html ? "text/html" : "text/plain",
              m->html   ? m->html
              : m->text ? m->text
                        : "",
              out);
    return;
  }
  buf_adds(out, "Content-Type: multipart/alternative; boundary=\"=_stepwise_text\"\r\n\r\n");
  buf_adds(out, "--=_stepwise_text\r\n");
  body_text("text/plain", m->text, out);
  buf_adds(out, "--=_stepwise_text\r\n");
  body_text("text/html", m->html, out);
  buf_adds(out, "--=_stepwise_text--\r\n");
}

/* name="a.pdf", or as RFC 2231 has it. */
static void file_name(const char *name, struct buf *out) {
  if (is_ascii(name) && !strpbrk(name, "\"\\")) {
    buf_addf(out, "filename=\"%s\"", name);
    return;
  }
  buf_adds(out, "filename*=UTF-8''");
  for (const char *p = name; *p; p++)
    if (is_token(p, 1)) buf_addc(out, *p);
    else buf_addf(out, "%%%02X", (unsigned char)*p);
}

static void body_part(const struct mime_part *p, struct buf *out) {
  bool text = strncasecmp(p->type, "text/", 5) == 0 && utf8_valid(p->data, p->len);
  buf_addf(out, "Content-Type: %s%s\r\nContent-Transfer-Encoding: base64\r\n", p->type,
           text ? "; charset=utf-8" : "");
  buf_adds(out, "Content-Disposition: attachment;\r\n ");
  file_name(p->name, out);
  buf_adds(out, "\r\n\r\n");
  base64_lines(p->data, p->len, out);
}

void mime_write(const struct mime_message *m, struct buf *out) {
  header_date(m->date, out);
  header_addresses("From", &m->from, 1, out);
  header_addresses("To", m->to, m->to_count, out);
  if (m->reply_to.address) header_addresses("Reply-To", &m->reply_to, 1, out);
  header_text("Subject", m->subject, out);
  buf_addf(out, "Message-ID: %s\r\n", m->id);
  for (size_t i = 0; i < m->header_count; i++)
    header_text(m->headers[i].name, m->headers[i].text, out);
  buf_adds(out, "MIME-Version: 1.0\r\n");
  if (!m->part_count) {
    body_content(m, out);
    return;
  }
  buf_adds(out, "Content-Type: multipart/mixed; boundary=\"=_stepwise_parts\"\r\n\r\n");
  buf_adds(out, "--=_stepwise_parts\r\n");
  body_content(m, out);
  for (size_t i = 0; i < m->part_count; i++) {
    buf_adds(out, "--=_stepwise_parts\r\n");
    body_part(&m->parts[i], out);
  }
  buf_adds(out, "--=_stepwise_parts--\r\n");
}
