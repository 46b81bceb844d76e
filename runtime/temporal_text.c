/* Times (microseconds since 1970, shown in UTC) and durations (microseconds), as text and from it.
 */
#include "text.h"

#include <math.h>

/* -- calendar -- */

struct moment moment_of(int64_t us) {
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
  for (; r->s < r->end && *r->s >= '0' && *r->s <= '9'; r->s++, unit /= 10)
    us += (*r->s - '0') * unit;
  return us;
}

/* Z, UTC, +hh:mm, +hhmm or nothing (UTC): microseconds to take away. */
static int64_t read_zone(struct reader *r) {
  while (eat(r, ' ')) {
  }
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
  buf_addf(out, "%04d-%02d-%02d%c%02d:%02d:%02d", m.tm.tm_year + 1900, m.tm.tm_mon + 1,
           m.tm.tm_mday, iso ? 'T' : ' ', m.tm.tm_hour, m.tm.tm_min, m.tm.tm_sec);
  if (digits_shown < 0 && m.us) { /* as many as it takes */
    digits_shown = 6;
    for (int64_t rest = m.us; rest % 10 == 0; rest /= 10)
      digits_shown--;
  }
  if (digits_shown > 0) {
    char fraction[16];
    snprintf(fraction, sizeof fraction, "%06lld000", (long long)m.us);
    buf_addf(out, ".%.*s", digits_shown > 9 ? 9 : digits_shown, fraction);
  }
  buf_adds(out, iso ? "Z" : " UTC");
}

/* -- durations -- */

static const struct {
  int64_t us;
  const char *one, *many, *brief;
} units[] = {
    {DAY, "day", "days", "d"}, {HOUR, "hour", "hours", "h"}, {MINUTE, "minute", "minutes", "m"}};

uint64_t duration_magnitude(int64_t us) {
  return us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
}

/* Seconds with as many decimals as it takes. */
void duration_seconds(struct buf *out, uint64_t us) {
  buf_addf(out, "%llu", (unsigned long long)(us / SECOND));
  if (us % SECOND == 0) return;
  char s[16];
  int n = snprintf(s, sizeof s, "%06llu", (unsigned long long)(us % SECOND));
  while (s[n - 1] == '0')
    n--;
  buf_addf(out, ".%.*s", n, s);
}

void duration_text(int64_t us, struct buf *out) {
  uint64_t left = duration_magnitude(us);
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
  duration_seconds(out, left);
  buf_adds(out, left == SECOND ? " second" : " seconds");
}

static int64_t unit_us(struct reader *r, bool iso_time) {
  char c = r->s < r->end ? *r->s++ : 0;
  bool milli = c == 'm' && r->s < r->end && *r->s == 's';
  if (milli) return r->s++, 1000;
  switch (c) {
  case 's':
  case 'S':
    return SECOND;
  case 'm':
    return MINUTE;
  case 'M':
    return iso_time ? MINUTE : 0;
  case 'h':
  case 'H':
    return HOUR;
  case 'd':
  case 'D':
    return DAY;
  case 'w':
  case 'W':
    return 7 * DAY;
  default:
    return 0;
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
    while (!iso && eat(&r, ' ')) {
    }
    char number[32];
    size_t n = 0;
    while (r.s < r.end && n + 1 < sizeof number && strchr("0123456789.", *r.s))
      number[n++] = *r.s++;
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
