/* When summer time begins and ends, by a rule. A rule holds for every year, so only the year in
 * question is worked out. */
#include "zone_rule.h"

#include "../lang/mem.h"

struct cursor {
  const char *s, *end;
};

static bool take(struct cursor *c, char byte) {
  if (c->s == c->end || *c->s != byte) return false;
  c->s++;
  return true;
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* Letters, or anything harmless between < and >. */
static bool take_name(struct cursor *c, char out[ZONE_NAME]) {
  size_t n = 0;
  bool quoted = take(c, '<');
  for (; c->s < c->end; c->s++) {
    char b = *c->s;
    if (!(is_letter(b) || (quoted && (is_digit(b) || b == '+' || b == '-')))) break;
    if (n + 1 == ZONE_NAME) return false;
    out[n++] = b;
  }
  out[n] = '\0';
  return n >= 3 && (!quoted || take(c, '>'));
}

static bool take_number(struct cursor *c, int max, int *out) {
  const char *start = c->s;
  *out = 0;
  for (; c->s < c->end && is_digit(*c->s) && c->s - start < 4; c->s++)
    *out = *out * 10 + (*c->s - '0');
  return c->s > start && *out <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct cursor *c, int64_t *out) {
  int64_t sign = take(c, '-') ? -1 : (take(c, '+'), 1);
  int hours, minutes = 0, seconds = 0;
  if (!take_number(c, 167, &hours)) return false;
  if (take(c, ':') && !take_number(c, 59, &minutes)) return false;
  if (take(c, ':') && !take_number(c, 59, &seconds)) return false;
  *out = sign * (hours * INT64_C(3600) + minutes * 60 + seconds);
  return true;
}

static bool take_day(struct cursor *c, struct zone_day *d) {
  *d = (struct zone_day){.kind = DAY_ZERO, .time = 7200};
  if (!take(c, ',')) return false;
  if (take(c, 'M')) {
    d->kind = DAY_WEEK;
    if (!take_number(c, 12, &d->month) || d->month < 1 || !take(c, '.') ||
        !take_number(c, 5, &d->week) || d->week < 1 || !take(c, '.') || !take_number(c, 6, &d->day))
      return false;
  } else {
    if (take(c, 'J')) d->kind = DAY_JULIAN;
    if (!take_number(c, 365, &d->day) || (d->kind == DAY_JULIAN && d->day < 1)) return false;
  }
  return !take(c, '/') || take_time(c, &d->time);
}

bool zone_rule_parse(const char *s, size_t len, struct zone_rule *out) {
  struct cursor c = {s, s + len};
  *out = (struct zone_rule){0};
  if (!take_name(&c, out->name[0]) || !take_time(&c, &out->offset[0])) return false;
  out->offset[0] = -out->offset[0]; /* POSIX counts them to the west */
  if (c.s == c.end) return true;
  out->summer = true;
  if (!take_name(&c, out->name[1])) return false;
  out->offset[1] = out->offset[0] + 3600;
  if (c.s < c.end && *c.s != ',') {
    if (!take_time(&c, &out->offset[1])) return false;
    out->offset[1] = -out->offset[1];
  }
  return take_day(&c, &out->from) && take_day(&c, &out->to) && c.s == c.end;
}

/* --- the year --- */

static bool is_leap(int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static const int before_month[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366}};

/* The day in the year, from 0; first is the weekday of January 1st. */
static int day_of(const struct zone_day *d, int64_t year, int first) {
  const int *before = before_month[is_leap(year)];
  if (d->kind == DAY_ZERO) return d->day;
  if (d->kind == DAY_JULIAN) return d->day - 1 + (is_leap(year) && d->day > 59);
  int start = before[d->month - 1], length = before[d->month] - start;
  int day = (d->day - (first + start) % 7 + 7) % 7 + (d->week - 1) * 7;
  while (day >= length)
    day -= 7;
  return start + day;
}

struct zone_moment zone_rule_at(const struct zone_rule *r, int64_t at) {
  bool summer = false;
  if (r->summer) {
    struct tm tm;
    time_t local = (time_t)(at + r->offset[0]);
    if (!gmtime_r(&local, &tm)) return (struct zone_moment){0, false, "UTC"};
    int64_t year = tm.tm_year + INT64_C(1900);
    int64_t day = (int64_t)local / 86400 - ((int64_t)local % 86400 < 0) - tm.tm_yday;
    int first = (tm.tm_wday - tm.tm_yday % 7 + 7) % 7;
    int64_t from = (day + day_of(&r->from, year, first)) * 86400 + r->from.time - r->offset[0];
    int64_t to = (day + day_of(&r->to, year, first)) * 86400 + r->to.time - r->offset[1];
    summer = from < to ? at >= from && at < to : at >= from || at < to;
  }
  return (struct zone_moment){r->offset[summer], summer, r->name[summer]};
}
