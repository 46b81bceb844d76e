/* Methods of times and durations. */
#include "method.h"

#include "../lang/limits.h"

struct conversion {
  char flag; /* - no padding, ^ capitals, _ spaces, 0 zeros, : of %:z */
  int width;
  char letter;
};

static void add_number(struct buf *out, const struct conversion *k, int64_t n, int width,
                       char pad) {
  if (k->flag == '-') width = 1;
  if (k->flag == '_') pad = ' ';
  if (k->flag == '0') pad = '0';
  if (k->width) width = k->width;
  buf_addf(out, pad == '0' ? "%0*lld" : "%*lld", width, (long long)n);
}

static void add_fraction(struct buf *out, const struct moment *m, int width) {
  char s[16];
  snprintf(s, sizeof s, "%06lld000", (long long)m->us);
  buf_addf(out, "%.*s", width > 9 ? 9 : width, s);
}

/* Letters that stand for a format of others. */
static const char *composed(char letter) {
  switch (letter) {
  case 'F':
    return "%Y-%m-%d";
  case 'T':
  case 'X':
    return "%H:%M:%S";
  case 'D':
  case 'x':
    return "%m/%d/%y";
  case 'R':
    return "%H:%M";
  case 'r':
    return "%I:%M:%S %p";
  case 'c':
    return "%a %b %e %H:%M:%S %Y";
  case 'v':
    return "%e-%^b-%Y";
  case '+':
    return "%a %b %e %H:%M:%S %Z %Y";
  default:
    return NULL;
  }
}

static bool add_words(struct buf *out, const struct conversion *k, const struct moment *m) {
  static const char *const formats[] = {"%a", "%A", "%b", "%B", "%p", "%U",
                                        "%W", "%V", "%G", "%u", "%C", "%g"};
  char text[64];
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (formats[i][1] != k->letter) continue;
    size_t n = strftime(text, sizeof text, formats[i], &m->tm);
    for (size_t j = 0; j < n && k->flag == '^'; j++)
      if (text[j] >= 'a' && text[j] <= 'z') text[j] -= 32;
    if (k->width > 0 && (size_t)k->width > n)
      buf_addn(out, (size_t)k->width - n, k->flag == '0' ? '0' : ' ');
    buf_add(out, text, n);
    return true;
  }
  return false;
}

static void format_time(struct buf *out, const struct moment *m, int64_t us, const char *f,
                        size_t len);

static void add_conversion(struct buf *out, const struct conversion *k, const struct moment *m,
                           int64_t us) {
  const struct tm *t = &m->tm;
  const char *more = composed(k->letter);
  int hour12 = t->tm_hour % 12 ? t->tm_hour % 12 : 12;
  if (more) return format_time(out, m, us, more, strlen(more));
  switch (k->letter) {
  case 'Y':
    return add_number(out, k, t->tm_year + 1900, 4, '0');
  case 'y':
    return add_number(out, k, (t->tm_year + 1900) % 100, 2, '0');
  case 'm':
    return add_number(out, k, t->tm_mon + 1, 2, '0');
  case 'd':
    return add_number(out, k, t->tm_mday, 2, '0');
  case 'e':
    return add_number(out, k, t->tm_mday, 2, ' ');
  case 'j':
    return add_number(out, k, t->tm_yday + 1, 3, '0');
  case 'H':
    return add_number(out, k, t->tm_hour, 2, '0');
  case 'k':
    return add_number(out, k, t->tm_hour, 2, ' ');
  case 'I':
    return add_number(out, k, hour12, 2, '0');
  case 'l':
    return add_number(out, k, hour12, 2, ' ');
  case 'M':
    return add_number(out, k, t->tm_min, 2, '0');
  case 'S':
    return add_number(out, k, t->tm_sec, 2, '0');
  case 'w':
    return add_number(out, k, t->tm_wday, 1, '0');
  case 'L':
    return add_fraction(out, m, k->width ? k->width : 3);
  case 'N':
    return add_fraction(out, m, k->width ? k->width : 9);
  case 's':
    return add_number(out, k, us >= 0 ? us / SECOND : (us - SECOND + 1) / SECOND, 1, '0');
  case 'P':
    return buf_adds(out, t->tm_hour < 12 ? "am" : "pm");
  case 'z':
    return buf_adds(out, k->flag == ':' ? "+00:00" : "+0000");
  case 'Z':
    return buf_adds(out, "UTC");
  case 'n':
    return buf_addc(out, '\n');
  case 't':
    return buf_addc(out, '\t');
  case '%':
    return buf_addc(out, '%');
  default:
    if (!add_words(out, k, m)) buf_addf(out, "%%%c", k->letter);
  }
}

static void format_time(struct buf *out, const struct moment *m, int64_t us, const char *f,
                        size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (f[i] != '%' || i + 1 == len) {
      buf_addc(out, f[i]);
      continue;
    }
    struct conversion k = {0};
    size_t j = i + 1;
    for (; j < len && strchr("-^_0:#", f[j]); j++)
      k.flag = f[j];
    for (; j < len && f[j] >= '0' && f[j] <= '9' && k.width < 1000; j++)
      k.width = k.width * 10 + (f[j] - '0');
    if (j == len || (unsigned char)f[j] >= 0x80) {
      buf_add(out, f + i, j - i);
      i = j - 1;
      continue;
    }
    k.letter = f[j];
    add_conversion(out, &k, m, us);
    i = j;
  }
}

enum status m_time_strftime(struct call *c, value self, value *out) {
  struct text f = text_of(c, c->args[0]);
  struct moment m = moment_of(self.u.i);
  struct buf b = TEXT_BUF;
  format_time(&b, &m, self.u.i, f.s, f.len);
  return give_text(c, &b, out);
}

enum status m_time_iso8601(struct call *c, value self, value *out) {
  int64_t shown = c->count ? c->args[0].u.i : 0;
  if (shown < 0 || shown > 9)
    return fail(c, ERR_VALUE, "iso8601 shows 0 to 9 digits of a second, not %lld",
                (long long)shown);
  struct buf b = TEXT_BUF;
  time_text(self.u.i, true, (int)shown, &b);
  return give_text(c, &b, out);
}

static enum status give(int64_t n, value *out) {
  *out = value_int(n);
  return OK;
}
#define PART(name, expr)                                                                           \
  enum status m_time_##name(struct call *c, value self, value *out) {                              \
    (void)c;                                                                                       \
    struct tm t = moment_of(self.u.i).tm;                                                          \
    return give(expr, out);                                                                        \
  }
PART(year, t.tm_year + 1900)
PART(month, t.tm_mon + 1)
PART(day, t.tm_mday)
PART(hour, t.tm_hour)
PART(min, t.tm_min)
PART(sec, t.tm_sec)
PART(wday, t.tm_wday)
PART(yday, t.tm_yday + 1)

/* -- seconds of times and durations -- */

static enum status to_i(struct call *c, value self, value *out) {
  (void)c;
  bool floored = self.tag == V_TIME && self.u.i < 0 && self.u.i % SECOND;
  return give(self.u.i / SECOND - floored, out);
}
METHOD_SAME(time_to_i, to_i)
METHOD_SAME(duration_to_i, to_i)

static enum status to_f(struct call *c, value self, value *out) {
  (void)c;
  *out = value_float((double)self.u.i / SECOND);
  return OK;
}
METHOD_SAME(time_to_f, to_f)
METHOD_SAME(duration_to_f, to_f)

/* -- durations -- */

enum status m_duration_iso8601(struct call *c, value self, value *out) {
  uint64_t left = duration_magnitude(self.u.i);
  struct buf b = TEXT_BUF;
  buf_adds(&b, self.u.i < 0 ? "-P" : "P");
  if (left / DAY) buf_addf(&b, "%lluD", (unsigned long long)(left / DAY));
  left %= DAY;
  if (left || self.u.i == 0) buf_addc(&b, 'T');
  if (left / HOUR) buf_addf(&b, "%lluH", (unsigned long long)(left / HOUR));
  left %= HOUR;
  if (left / MINUTE) buf_addf(&b, "%lluM", (unsigned long long)(left / MINUTE));
  left %= MINUTE;
  if (left || self.u.i == 0) duration_seconds(&b, left), buf_addc(&b, 'S');
  return give_text(c, &b, out);
}

static enum status sign_q(struct call *c, value self, int sign, value *out) {
  (void)c;
  *out = value_bool((self.u.i > 0) - (self.u.i < 0) == sign);
  return OK;
}
enum status m_duration_zero_q(struct call *c, value self, value *out) {
  return sign_q(c, self, 0, out);
}
enum status m_duration_positive_q(struct call *c, value self, value *out) {
  return sign_q(c, self, 1, out);
}
enum status m_duration_negative_q(struct call *c, value self, value *out) {
  return sign_q(c, self, -1, out);
}
enum status m_duration_abs(struct call *c, value self, value *out) {
  if (self.u.i == INT64_MIN) return fail(c, ERR_VALUE, "abs: the duration is out of range");
  *out = value_duration(self.u.i < 0 ? -self.u.i : self.u.i);
  return OK;
}
