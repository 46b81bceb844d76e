/* Moments and spans of time, read and shown short. */
#include "when.h"

#include <stdio.h>

#include "../runtime/text.h"

bool when_read(const char *text, int64_t now_us, int64_t *out) {
  static const char *const days[] = {"today", "yesterday"};
  int64_t us;
  bool date_only;
  for (int i = 0; i < 2; i++)
    if (strcmp(text, days[i]) == 0) return *out = now_us - now_us % DAY - i * DAY, true;
  if (time_parse(text, strlen(text), out, &date_only)) return true;
  if (!duration_parse(text, strlen(text), &us) || us < 0 || us > now_us) return false;
  return *out = now_us - us, true;
}

void when_brief(int64_t us, char out[32]) {
  static const struct {
    int64_t most, unit;
    const char *name;
  } steps[] = {{SECOND, SECOND / 1000, "ms"},
               {MINUTE, SECOND, "s"},
               {HOUR, MINUTE, "m"},
               {DAY, HOUR, "h"},
               {INT64_MAX, DAY, "d"}};
  size_t i = 0;
  if (us < 0) us = 0;
  while (us >= steps[i].most)
    i++;
  int64_t tenths = us * 10 / steps[i].unit;
  if (us > INT64_MAX / 16) tenths = us / steps[i].unit * 10;
  bool whole = i == 0 || tenths >= 100 || tenths % 10 == 0;
  if (whole) snprintf(out, 32, "%lld %s", (long long)(tenths / 10), steps[i].name);
  else
    snprintf(out, 32, "%lld.%lld %s", (long long)(tenths / 10), (long long)(tenths % 10),
             steps[i].name);
}

void when_short(int64_t time_us, int64_t now_us, char out[32]) {
  struct moment m = moment_of(time_us);
  bool near = m.tm.tm_year == moment_of(now_us).tm.tm_year;
  strftime(out, 32, near ? "%b %e %H:%M" : "%Y-%m-%d", &m.tm);
}
