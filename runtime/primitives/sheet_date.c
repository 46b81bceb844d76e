/* Converters for dates: many spellings in, YYYY-MM-DD out. */
#include "sheet_convert_own.h"

/* A date's text as numbers, words and the marks between them. */
struct part {
  bool word;
  size_t digits; /* as written: 2021 is a year by its four */
  unsigned n;    /* number, or month 1-12 of a word */
};

static unsigned month_of(const char *s, size_t len) {
  static const char *const months[] = {"january",   "february", "march",    "april",
                                       "may",       "june",     "july",     "august",
                                       "september", "october",  "november", "december"};
  for (unsigned i = 0; i < 12; i++)
    if (len >= 3 && len <= strlen(months[i]) && !strncasecmp(s, months[i], len)) return i + 1;
  return len == 4 && !strncasecmp(s, "sept", 4) ? 9 : 0;
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool read_number(const char **p, const char *end, struct part *out) {
  const char *s = *p;
  *out = (struct part){0};
  for (; s < end && is_digit(*s) && out->digits < 9; s++, out->digits++)
    out->n = out->n * 10 + (unsigned)(*s - '0');
  *p = s;
  return out->digits > 0;
}

static bool read_word(const char **p, const char *end, struct part *out) {
  const char *s = *p;
  while (s < end && is_letter(*s))
    s++;
  *out = (struct part){.word = true, .n = month_of(*p, (size_t)(s - *p))};
  *p = s;
  return out->n != 0;
}

/* "1st", "2nd": the letters after a day. */
static const char *skip_ordinal(const char *p, const char *end) {
  static const char *const endings[] = {"st", "nd", "rd", "th"};
  for (size_t i = 0; i < 4; i++)
    if (end - p >= 2 && !strncasecmp(p, endings[i], 2) && (end - p == 2 || !is_letter(p[2])))
      return p + 2;
  return p;
}

/* Up to three parts; *p is left where the date ends. */
static size_t read_parts(const char **p, const char *end, struct part part[3]) {
  size_t n = 0;
  const char *s = *p;
  while (s < end && n < 3) {
    if (n) {
      const char *mark = s;
      while (s < end && strchr("/-., ", *s))
        s++;
      if (s == mark && !part[n - 1].word && !is_letter(*s)) return 0;
    }
    if (s == end) break;
    bool good = is_letter(*s) ? read_word(&s, end, &part[n]) : read_number(&s, end, &part[n]);
    if (!good) return 0;
    if (!part[n].word) s = skip_ordinal(s, end);
    n++;
  }
  *p = s;
  return n;
}

struct ymd {
  unsigned y, m, d;
};

/* Two digits as spreadsheets read them: 00-29 are of this century, 30-99 of the last. */
static unsigned full_year(const struct part *p) {
  if (p->digits > 2) return p->n;
  return p->n < 30 ? 2000 + p->n : 1900 + p->n;
}

static bool assign(const struct part p[3], bool day_first, struct ymd *out) {
  if (p[0].word) *out = (struct ymd){full_year(&p[2]), p[0].n, p[1].n};
  else if (p[1].word && p[0].digits == 4) *out = (struct ymd){p[0].n, p[1].n, p[2].n};
  else if (p[1].word) *out = (struct ymd){full_year(&p[2]), p[1].n, p[0].n};
  else if (p[0].digits == 4) *out = (struct ymd){p[0].n, p[1].n, p[2].n};
  else if (day_first) *out = (struct ymd){full_year(&p[2]), p[1].n, p[0].n};
  else *out = (struct ymd){full_year(&p[2]), p[0].n, p[1].n};
  size_t words = p[0].word + p[1].word + p[2].word;
  return words <= 1 && !p[2].word && (p[2].digits == 2 || p[2].digits == 4 || p[0].digits == 4);
}

static unsigned days_in(unsigned y, unsigned m) {
  static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return m == 2 && leap ? 29 : days[m - 1];
}

/* A time of midnight after a date is what spreadsheets add; another time would be lost. */
static const char *check_time(const char *p, const char *end) {
  if (p < end && *p == 'T') p++;
  while (p < end && *p == ' ')
    p++;
  for (; p < end; p++) {
    if (*p >= '1' && *p <= '9') return "has a time of day";
    if (!strchr("0:.Z", *p)) return "is not a date";
  }
  return NULL;
}

static bool read_compact(const struct cell *c, struct ymd *out) {
  if (c->len != 8) return false;
  unsigned n = 0;
  for (size_t i = 0; i < 8; i++) {
    if (!is_digit(c->s[i])) return false;
    n = n * 10 + (unsigned)(c->s[i] - '0');
  }
  *out = (struct ymd){n / 10000, n / 100 % 100, n % 100};
  return true;
}

static const char *read_date(const struct cell *c, bool day_first, struct ymd *out) {
  if (read_compact(c, out)) return NULL;
  const char *p = c->s, *end = c->s + c->len;
  struct part part[3] = {{0}};
  if (read_parts(&p, end, part) != 3 || !assign(part, day_first, out)) return "is not a date";
  return check_time(p, end);
}

static const char *check_date(const struct ymd *t) {
  if (t->y < 1000 || t->y > 9999) return "has a year that cannot be";
  if (t->m < 1 || t->m > 12) return "has a month over 12; is the day first?";
  if (t->d < 1 || t->d > days_in(t->y, t->m)) return "has a day that its month does not have";
  return NULL;
}

static void put_number(char *to, unsigned n, size_t width) {
  while (width--) {
    to[width] = (char)('0' + n % 10);
    n /= 10;
  }
}

static const char *convert_date(const struct cell *in, bool day_first, struct buf *scratch,
                                struct converted *out) {
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  struct ymd t = {0, 0, 0};
  const char *wrong = read_date(&c, day_first, &t);
  if (!wrong) wrong = check_date(&t);
  if (wrong) return wrong;
  char text[10];
  put_number(text, t.y, 4);
  put_number(text + 5, t.m, 2);
  put_number(text + 8, t.d, 2);
  text[4] = text[7] = '-';
  size_t from = scratch->len;
  buf_add(scratch, text, sizeof text);
  return convert_added(out, scratch, from);
}

const char *as_date(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                    struct converted *out) {
  (void)o;
  return convert_date(in, false, scratch, out);
}
const char *as_date_dmy(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                        struct converted *out) {
  (void)o;
  return convert_date(in, true, scratch, out);
}
