/* Schedules: reading them, and when they come next. */
#include "cron.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"

#define US INT64_C(1000000)
enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
enum { YEARS_AHEAD = 9, WORD_MOST = 40 }; /* February 29 may be eight years away */

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field {
  const char *what;
  int least, most;
  const char *const *names; /* of `least` and those that follow */
  int name_count;
} fields[] = {
    {"minute", 0, 59, NULL, 0},   {"hour", 0, 23, NULL, 0},       {"day", 1, 31, NULL, 0},
    {"month", 1, 12, months, 12}, {"weekday", 0, 7, weekdays, 7},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static const struct {
  const char *word, *means;
} words[] = {
    {"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
};

/* --- reading --- */

static const char usage[] = "five fields: minute hour day month weekday, as in \"0 8 * * 1-5\"";

static enum status wrong(struct error *err, const struct field *f, const char *text, size_t len) {
  if (f->names)
    error_set(err, ERR_VALUE, "%s '%.*s' is none of %d to %d or %s to %s", f->what, (int)len, text,
              f->least, f->most, f->names[0], f->names[f->name_count - 1]);
  else
    error_set(err, ERR_VALUE, "%s '%.*s' is none of %d to %d", f->what, (int)len, text, f->least,
              f->most);
  error_help(err, "%s", usage);
  return ERR_VALUE;
}

static enum status amiss(struct error *err, const struct field *f, const char *text, size_t len,
                         const char *why, const char *help) {
  error_set(err, ERR_VALUE, "%s '%.*s' %s", f->what, (int)len, text, why);
  error_help(err, "%s", help);
  return ERR_VALUE;
}

static enum status unknown_word(struct error *err, const char *text) {
  struct buf all = BUF_INIT;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    buf_addf(&all, "%s%s", i ? ", " : "", words[i].word);
  error_set(err, ERR_VALUE, "there is no '%.*s'", WORD_MOST, text);
  error_help(err, "there are %s; or five fields, as in \"0 8 * * 1-5\"", buf_str(&all));
  buf_release(&all);
  return ERR_VALUE;
}

/* A number or a name at *at, which moves behind it; -1 when it is neither. */
static int number(const struct field *f, const char **at, const char *end) {
  const char *p = *at;
  int n = 0;
  if (p < end && isdigit((unsigned char)*p)) {
    for (; p < end && isdigit((unsigned char)*p) && n < 1000; p++)
      n = n * 10 + (*p - '0');
    *at = p;
    return n;
  }
  for (int i = 0; i < f->name_count; i++) {
    size_t len = strlen(f->names[i]);
    bool ends =
        (size_t)(end - p) == len || ((size_t)(end - p) > len && !isalpha((unsigned char)p[len]));
    if (!ends || strncasecmp(p, f->names[i], len) != 0) continue;
    *at = p + len;
    return f->least + i;
  }
  return -1;
}

/* One of the parts between commas. */
static enum status part(const struct field *f, const char *text, size_t len, uint64_t *bits,
                        struct error *err) {
  const char *p = text, *end = text + len;
  int from = f->least, to = f->most, step = 1;
  bool star = len && *p == '*';
  if (star) p++;
  else {
    from = to = number(f, &p, end);
    if (p < end && *p == '-') p++, to = number(f, &p, end);
    else if (p < end && *p == '/') to = f->most;
  }
  if (p < end && *p == '/') {
    p++;
    step = p < end && isdigit((unsigned char)*p) ? number(f, &p, end) : f->most + 1;
  }
  bool names_day = f->names == weekdays;
  if (names_day && to == 0 && from > 0) to = 7; /* sat-sun */
  if (p != end || from < f->least || to < f->least || from > f->most || to > f->most ||
      step > f->most)
    return wrong(err, f, text, len);
  if (step < 1)
    return amiss(err, f, text, len, "has a step of 0", "a step is 1 or more, as in \"*/15 * * * *\"");
  if (from > to)
    return amiss(err, f, text, len, "runs backwards",
                 "write the smaller end first, or two ranges with a comma between them");
  for (int n = from; n <= to; n += step)
    *bits |= UINT64_C(1) << (names_day ? n % 7 : n);
  return OK;
}

static enum status field(const struct field *f, const char *text, size_t len, uint64_t *bits,
                         struct error *err) {
  *bits = 0;
  for (size_t at = 0; at <= len;) {
    const char *comma = memchr(text + at, ',', len - at);
    size_t n = comma ? (size_t)(comma - text) - at : len - at;
    enum status status = part(f, text + at, n, bits, err);
    if (status != OK) return status;
    at += n + 1;
  }
  return OK;
}

static int days_of(int month) {
  static const char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return days[month - 1];
}

/* Whether any month that counts has a day that does. */
static enum status sane(const struct cron *c, struct error *err) {
  if (!c->any_weekday) return OK;
  for (int month = 1; month <= 12; month++)
    for (int day = 1; c->months >> month & 1 && day <= days_of(month); day++)
      if (c->days >> day & 1) return OK;
  error_set(err, ERR_VALUE, "that day never comes");
  error_help(err, "no month that is named has a day of that number");
  return ERR_VALUE;
}

enum status cron_parse(const char *text, struct cron *out, struct error *err) {
  uint64_t bits[FIELDS];
  size_t count = 0;
  bool star[FIELDS] = {false};
  *out = (struct cron){0};
  text += strspn(text, " \t");
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(text, words[i].word) == 0) return cron_parse(words[i].means, out, err);
  if (*text == '@') return unknown_word(err, text);
  for (; *text; count++) {
    size_t len = strcspn(text, " \t");
    if (count == FIELDS) break;
    if (len > WORD_MOST * 4) return wrong(err, &fields[count], text, WORD_MOST);
    enum status status = field(&fields[count], text, len, &bits[count], err);
    if (status != OK) return status;
    star[count] = *text == '*';
    text += len;
    text += strspn(text, " \t");
  }
  if (count != FIELDS || *text) {
    error_set(err, ERR_VALUE, "a schedule has five fields, not %s",
              count < FIELDS ? "fewer" : "more");
    error_help(err, "%s", usage);
    return ERR_VALUE;
  }
  *out = (struct cron){
      bits[0], (uint32_t)bits[1], (uint32_t)bits[2], (uint32_t)bits[3], (uint32_t)bits[4], star[2],
      star[4]};
  return sane(out, err);
}

/* --- when it comes next --- */

/* Days since 1970 as a date (Howard Hinnant's civil_from_days). */
static void date_of(int64_t day, int *month, int *mday) {
  day += 719468;
  int64_t era = (day >= 0 ? day : day - 146096) / 146097;
  int64_t doe = day - era * 146097;
  int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  int64_t mp = (5 * doy + 2) / 153;
  *mday = (int)(doy - (153 * mp + 2) / 5 + 1);
  *month = (int)(mp < 10 ? mp + 3 : mp - 9);
}

static bool day_counts(const struct cron *c, int64_t day) {
  int month, mday, weekday = (int)(((day + 4) % 7 + 7) % 7);
  date_of(day, &month, &mday);
  if (!(c->months >> month & 1)) return false;
  bool by_day = c->days >> mday & 1, by_weekday = c->weekdays >> weekday & 1;
  if (c->any_day || c->any_weekday) return by_day && by_weekday;
  return by_day || by_weekday;
}

struct zone {
  int64_t (*offset)(void *ud, int64_t us);
  void *ud;
};

static int64_t offset_at(const struct zone *z, int64_t seconds) {
  return z->offset ? z->offset(z->ud, seconds * US) : 0;
}

/* When the clock of the zone shows `local` (seconds), after `after`; -1 when that is over. twice:
 * it counts both times in autumn. */
static int64_t moment(const struct zone *z, int64_t local, int64_t after, bool twice) {
  int64_t before = offset_at(z, local - DAY), later = offset_at(z, local + DAY);
  int64_t first = local - before, second = local - later;
  bool first_is = first + offset_at(z, first) == local;
  bool second_is = second + offset_at(z, second) == local;
  if (!first_is && !second_is) return first > after ? first : -1; /* the clock leaps over it */
  if (!first_is) first = second;
  if (first > after) return first;
  return twice && second_is && second > after ? second : -1;
}

/* Hours well before `after` and well behind what was found need no look: clocks are moved by less
 * than SHIFT_MOST. */
static int64_t next_in_day(const struct cron *c, const struct zone *z, int64_t day, int64_t after) {
  enum { SHIFT_MOST = 3 * HOUR };
  bool twice = (c->hours & 0xFFFFFF) == 0xFFFFFF;
  int64_t best = -1, ahead = offset_at(z, after);
  for (int hour = 0; hour < 24; hour++) {
    int64_t local = day * DAY + hour * HOUR;
    if (!(c->hours >> hour & 1) || local + HOUR - ahead + SHIFT_MOST < after) continue;
    if (best >= 0 && local - ahead > best + SHIFT_MOST) break;
    for (int minute = 0; minute < 60; minute++) {
      if (!(c->minutes >> minute & 1)) continue;
      int64_t at = moment(z, local + minute * MINUTE, after, twice);
      if (at >= 0 && (best < 0 || at < best)) best = at;
    }
  }
  return best;
}

int64_t cron_next(const struct cron *c, int64_t after_us, int64_t (*offset)(void *ud, int64_t us),
                  void *ud) {
  const struct zone z = {offset, ud};
  int64_t after = after_us / US - (after_us < 0 && after_us % US);
  int64_t day = (after + offset_at(&z, after)) / DAY - 1;
  for (int64_t last = day + YEARS_AHEAD * 366; day < last; day++) {
    if (!day_counts(c, day)) continue;
    int64_t at = next_in_day(c, &z, day, after);
    if (at >= 0) return at * US;
  }
  return INT64_MAX; /* cron_parse refused it */
}
