/* Times (microseconds since 1970, shown in UTC) and durations (microseconds): text in and out. */
#include "method.h"

#include <math.h>

#include "../lang/limits.h"

enum { SECOND = 1000000 };
#define MINUTE (60 * INT64_C(1000000))
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* -- calendar -- */

struct moment {
  struct tm tm;
  int64_t us; /* within the second */
};

static struct moment moment_of(int64_t us) {
  struct moment m = {.us = us % SECOND};
  time_t s = us / SECOND;
  if (m.us < 0) m.us += SECOND, s--;
  gmtime_r(&s, &m.tm);
  return m;
}

/* Days since 1970 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t y, int m, int d) {
  y -= m <= 2;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool leap(int y) {
  return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}
static int month_days(int y, int m) {
  static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[m - 1] + (m == 2 && leap(y));
}

/* -- reading times -- */

struct reader {
  const char *s, *end;
  bool bad;
};

static int digits(struct reader *r, int n) {
  int v = 0;
  for (; n > 0; n--, r->s++) {
    if (r->s >= r->end || *r->s < '0' || *r->s > '9') return r->bad = true, 0;
    v = v * 10 + (*r->s - '0');
  }
  return v;
}
static bool eat(struct reader *r, char c) {
  if (r->s >= r->end || *r->s != c) return false;
  r->s++;
  return true;
}
static void need(struct reader *r, char c) {
  if (!eat(r, c)) r->bad = true;
}

static int64_t read_fraction(struct reader *r) {
  int64_t us = 0, unit = SECOND / 10;
  if (!eat(r, '.')) return 0;
  if (r->s >= r->end || *r->s < '0' || *r->s > '9') r->bad = true;
  for (; r->s < r->end && *r->s >= '0' && *r->s <= '9'; r->s++, unit /= 10) us += (*r->s - '0') * unit;
  return us;
}

/* Z, UTC, +hh:mm, +hhmm or nothing (UTC): microseconds to take away. */
static int64_t read_zone(struct reader *r) {
  while (eat(r, ' ')) {}
  if (eat(r, 'Z')) return 0;
  if (r->end - r->s == 3 && memcmp(r->s, "UTC", 3) == 0) return r->s += 3, 0;
  if (r->s >= r->end) return 0;
  int sign = *r->s == '-' ? -1 : 1;
  if (!eat(r, '-') && !eat(r, '+')) r->bad = true;
  int h = digits(r, 2);
  eat(r, ':');
  int m = digits(r, 2);
  if (h > 23 || m > 59) r->bad = true;
  return sign * (h * HOUR + m * MINUTE);
}

static int64_t read_clock(struct reader *r) {
  int h = digits(r, 2), m, s = 0;
  need(r, ':');
  m = digits(r, 2);
  if (eat(r, ':')) s = digits(r, 2);
  if (h > 23 || m > 59 || s > 60) r->bad = true;
  int64_t us = h * HOUR + m * MINUTE + s * (int64_t)SECOND + read_fraction(r);
  return us - read_zone(r);
}

bool time_parse(const char *s, size_t len, int64_t *us, bool *date_only) {
  struct reader r = {s, s + len, false};
  int y = digits(&r, 4), m, d;
  need(&r, '-');
  m = digits(&r, 2);
  need(&r, '-');
  d = digits(&r, 2);
  if (r.bad || m < 1 || m > 12 || d < 1 || d > month_days(y, m)) return false;
  int64_t t = days_of(y, m, d) * DAY;
  *date_only = r.s == r.end;
  if (!*date_only) {
    if (!eat(&r, 'T') && !eat(&r, ' ')) return false;
    t += read_clock(&r);
  }
  if (r.bad || r.s != r.end) return false;
  *us = t;
  return true;
}

/* -- showing times -- */

void time_text(int64_t us, bool iso, int digits_shown, struct buf *out) {
  struct moment m = moment_of(us);
  buf_addf(out, "%04d-%02d-%02d%c%02d:%02d:%02d", m.tm.tm_year + 1900, m.tm.tm_mon + 1, m.tm.tm_mday,
           iso ? 'T' : ' ', m.tm.tm_hour, m.tm.tm_min, m.tm.tm_sec);
  if (digits_shown < 0 && m.us) { /* as many as it takes */
    digits_shown = 6;
    for (int64_t rest = m.us; rest % 10 == 0; rest /= 10) digits_shown--;
  }
  if (digits_shown > 0) {
    char fraction[16];
    snprintf(fraction, sizeof fraction, "%06lld000", (long long)m.us);
    buf_addf(out, ".%.*s", digits_shown > 9 ? 9 : digits_shown, fraction);
  }
  buf_adds(out, iso ? "Z" : " UTC");
}

struct conversion {
  char flag; /* - no padding, ^ capitals, _ spaces, 0 zeros, : of %:z */
  int width;
  char letter;
};

static void add_number(struct buf *out, const struct conversion *k, int64_t n, int width, char pad) {
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
  case 'F': return "%Y-%m-%d";
  case 'T':
  case 'X': return "%H:%M:%S";
  case 'D':
  case 'x': return "%m/%d/%y";
  case 'R': return "%H:%M";
  case 'r': return "%I:%M:%S %p";
  case 'c': return "%a %b %e %H:%M:%S %Y";
  case 'v': return "%e-%^b-%Y";
  case '+': return "%a %b %e %H:%M:%S %Z %Y";
  default: return NULL;
  }
}

static bool add_words(struct buf *out, const struct conversion *k, const struct moment *m) {
  static const char *const formats[] = {"%a", "%A", "%b", "%B", "%p", "%U", "%W", "%V", "%G", "%u", "%C", "%g"};
  char text[64];
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    if (formats[i][1] != k->letter) continue;
    size_t n = strftime(text, sizeof text, formats[i], &m->tm);
    for (size_t j = 0; j < n && k->flag == '^'; j++)
      if (text[j] >= 'a' && text[j] <= 'z') text[j] -= 32;
    if (k->width > 0 && (size_t)k->width > n) buf_addn(out, (size_t)k->width - n, k->flag == '0' ? '0' : ' ');
    buf_add(out, text, n);
    return true;
  }
  return false;
}

static void format_time(struct buf *out, const struct moment *m, int64_t us, const char *f, size_t len);

static void add_conversion(struct buf *out, const struct conversion *k, const struct moment *m, int64_t us) {
  const struct tm *t = &m->tm;
  const char *more = composed(k->letter);
  int hour12 = t->tm_hour % 12 ? t->tm_hour % 12 : 12;
  if (more) return format_time(out, m, us, more, strlen(more));
  switch (k->letter) {
  case 'Y': return add_number(out, k, t->tm_year + 1900, 4, '0');
  case 'y': return add_number(out, k, (t->tm_year + 1900) % 100, 2, '0');
  case 'm': return add_number(out, k, t->tm_mon + 1, 2, '0');
  case 'd': return add_number(out, k, t->tm_mday, 2, '0');
  case 'e': return add_number(out, k, t->tm_mday, 2, ' ');
  case 'j': return add_number(out, k, t->tm_yday + 1, 3, '0');
  case 'H': return add_number(out, k, t->tm_hour, 2, '0');
  case 'k': return add_number(out, k, t->tm_hour, 2, ' ');
  case 'I': return add_number(out, k, hour12, 2, '0');
  case 'l': return add_number(out, k, hour12, 2, ' ');
  case 'M': return add_number(out, k, t->tm_min, 2, '0');
  case 'S': return add_number(out, k, t->tm_sec, 2, '0');
  case 'w': return add_number(out, k, t->tm_wday, 1, '0');
  case 'L': return add_fraction(out, m, k->width ? k->width : 3);
  case 'N': return add_fraction(out, m, k->width ? k->width : 9);
  case 's': return add_number(out, k, us >= 0 ? us / SECOND : (us - SECOND + 1) / SECOND, 1, '0');
  case 'P': return buf_adds(out, t->tm_hour < 12 ? "am" : "pm");
  case 'z': return buf_adds(out, k->flag == ':' ? "+00:00" : "+0000");
  case 'Z': return buf_adds(out, "UTC");
  case 'n': return buf_addc(out, '\n');
  case 't': return buf_addc(out, '\t');
  case '%': return buf_addc(out, '%');
  default:
    if (!add_words(out, k, m)) buf_addf(out, "%%%c", k->letter);
  }
}

static void format_time(struct buf *out, const struct moment *m, int64_t us, const char *f, size_t len) {
  for (size_t i = 0; i < len; i++) {
    if (f[i] != '%' || i + 1 == len) {
      buf_addc(out, f[i]);
      continue;
    }
    struct conversion k = {0};
    size_t j = i + 1;
    for (; j < len && strchr("-^_0:#", f[j]); j++) k.flag = f[j];
    for (; j < len && f[j] >= '0' && f[j] <= '9' && k.width < 1000; j++) k.width = k.width * 10 + (f[j] - '0');
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
  if (shown < 0 || shown > 9) return fail(c, ERR_VALUE, "iso8601 shows 0 to 9 digits of a second, not %lld", (long long)shown);
  struct buf b = TEXT_BUF;
  time_text(self.u.i, true, (int)shown, &b);
  return give_text(c, &b, out);
}

static enum status give(int64_t n, value *out) {
  *out = value_int(n);
  return OK;
}
#define PART(name, expr) \
  enum status m_time_##name(struct call *c, value self, value *out) { \
    (void)c; \
    struct tm t = moment_of(self.u.i).tm; \
    return give(expr, out); \
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

static const struct {
  int64_t us;
  const char *one, *many, *brief;
} units[] = {
    {DAY, "day", "days", "d"}, {HOUR, "hour", "hours", "h"}, {MINUTE, "minute", "minutes", "m"}};

static uint64_t magnitude(int64_t us) {
  return us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
}

/* Seconds with as many decimals as it takes. */
static void add_seconds(struct buf *out, uint64_t us) {
  buf_addf(out, "%llu", (unsigned long long)(us / SECOND));
  if (us % SECOND == 0) return;
  char s[16];
  int n = snprintf(s, sizeof s, "%06llu", (unsigned long long)(us % SECOND));
  while (s[n - 1] == '0') n--;
  buf_addf(out, ".%.*s", n, s);
}

void duration_text(int64_t us, struct buf *out) {
  uint64_t left = magnitude(us);
  const char *gap = "";
  if (us < 0) buf_addc(out, '-');
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    uint64_t n = left / (uint64_t)units[i].us;
    left %= (uint64_t)units[i].us;
    if (!n) continue;
    buf_addf(out, "%s%llu %s", gap, (unsigned long long)n, n == 1 ? units[i].one : units[i].many);
    gap = " ";
  }
  if (!left && *gap) return;
  buf_adds(out, gap);
  add_seconds(out, left);
  buf_adds(out, left == SECOND ? " second" : " seconds");
}

enum status m_duration_iso8601(struct call *c, value self, value *out) {
  uint64_t left = magnitude(self.u.i);
  struct buf b = TEXT_BUF;
  buf_adds(&b, self.u.i < 0 ? "-P" : "P");
  if (left / DAY) buf_addf(&b, "%lluD", (unsigned long long)(left / DAY));
  left %= DAY;
  if (left || self.u.i == 0) buf_addc(&b, 'T');
  if (left / HOUR) buf_addf(&b, "%lluH", (unsigned long long)(left / HOUR));
  left %= HOUR;
  if (left / MINUTE) buf_addf(&b, "%lluM", (unsigned long long)(left / MINUTE));
  left %= MINUTE;
  if (left || self.u.i == 0) add_seconds(&b, left), buf_addc(&b, 'S');
  return give_text(c, &b, out);
}

static int64_t unit_us(struct reader *r, bool iso_time) {
  char c = r->s < r->end ? *r->s++ : 0;
  bool milli = c == 'm' && r->s < r->end && *r->s == 's';
  if (milli) return r->s++, 1000;
  switch (c) {
  case 's':
  case 'S': return SECOND;
  case 'm': return MINUTE;
  case 'M': return iso_time ? MINUTE : 0;
  case 'h':
  case 'H': return HOUR;
  case 'd':
  case 'D': return DAY;
  case 'w':
  case 'W': return 7 * DAY;
  default: return 0;
  }
}

/* "90s", "1h30m", "1.5h" or ISO 8601's "PT1H30M", "P1DT2H"; "-" before. */
bool duration_parse(const char *s, size_t len, int64_t *us) {
  struct reader r = {s, s + len, false};
  bool negative = eat(&r, '-'), iso = eat(&r, 'P'), time = !iso || eat(&r, 'T');
  double total = 0;
  if (r.s >= r.end) return false;
  while (r.s < r.end) {
    if (iso && !time && eat(&r, 'T')) time = true;
    while (!iso && eat(&r, ' ')) {}
    char number[32];
    size_t n = 0;
    while (r.s < r.end && n + 1 < sizeof number && strchr("0123456789.", *r.s)) number[n++] = *r.s++;
    number[n] = '\0';
    char *end;
    double v = strtod(number, &end);
    int64_t unit = unit_us(&r, time);
    if (!n || *end || !unit) return false;
    total += v * (double)unit;
  }
  if (!(total < 0x1p63)) return false;
  *us = (int64_t)llround(negative ? -total : total);
  return true;
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
  (void)c;
  *out = value_duration(self.u.i < 0 && self.u.i != INT64_MIN ? -self.u.i : self.u.i);
  return OK;
}
