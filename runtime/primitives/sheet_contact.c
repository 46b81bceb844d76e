/* Converters for how people are reached: phone numbers, e-mail addresses, US states. */
#include "sheet_convert_own.h"

/* Numbering plans for numbers written without a country code: the code, the digit that stands
 * before area codes at home, and how many digits follow it. */
struct country {
  char name[3];
  const char *code;
  char trunk; /* or 0 */
  uint8_t min, max;
};

static const struct country countries[] = {
    {"AR", "54", '0', 10, 11}, {"AT", "43", '0', 4, 13},  {"AU", "61", '0', 9, 9},
    {"BE", "32", '0', 8, 9},   {"BR", "55", '0', 10, 11}, {"CA", "1", '1', 10, 10},
    {"CH", "41", '0', 9, 9},   {"DE", "49", '0', 5, 11},  {"DK", "45", 0, 8, 8},
    {"ES", "34", 0, 9, 9},     {"FR", "33", '0', 9, 9},   {"GB", "44", '0', 9, 10},
    {"IE", "353", '0', 7, 9},  {"IN", "91", '0', 10, 10}, {"IT", "39", 0, 6, 11},
    {"JP", "81", '0', 9, 10},  {"MX", "52", 0, 10, 10},   {"NL", "31", '0', 9, 9},
    {"NO", "47", 0, 8, 8},     {"NZ", "64", '0', 8, 10},  {"PL", "48", 0, 9, 9},
    {"PT", "351", 0, 9, 9},    {"SE", "46", '0', 7, 10},  {"US", "1", '1', 10, 10},
    {"ZA", "27", '0', 9, 9},
};

static const struct country *country_find(const char *name) {
  for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
    if (!strcasecmp(countries[i].name, name)) return &countries[i];
  return NULL;
}
bool country_known(const char *code) {
  return country_find(code) != NULL;
}

struct digits {
  char d[24];
  size_t n;
  bool plus;
};

static const char *read_digits(const struct cell *c, struct digits *out) {
  for (size_t i = 0; i < c->len; i++) {
    char ch = c->s[i];
    if (ch >= '0' && ch <= '9') {
      if (out->n == sizeof out->d - 1) return "has too many digits for a phone number";
      out->d[out->n++] = ch;
    } else if (ch == '+' && !out->n && !out->plus) out->plus = true;
    else if ((ch == 'x' || ch == 'X' || ch == '#') && out->n >= 7) return "has an extension";
    else if ((ch == 'e' || ch == 'E') && out->n >= 7 && i + 4 <= c->len &&
             !strncasecmp(c->s + i, "ext", 3))
      return "has an extension";
    else if (!memchr(" ()-./\t", ch, 7) && (uint8_t)ch < 0x80) return "is not a phone number";
  }
  return out->n ? NULL : "is not a phone number";
}

/* North America: area code and exchange start with 2 to 9. */
static const char *check_nanp(const char *d, size_t n) {
  if (n < 10) return "has too few digits for a US phone number";
  if (n > 10) return "has too many digits for a US phone number";
  if (d[0] < '2') return "has an area code that does not exist";
  return d[3] < '2' ? "has an exchange code that does not exist" : NULL;
}

static const char *international(const char *d, size_t n, struct buf *scratch) {
  if (n < 8) return "has too few digits for a phone number";
  if (n > 15) return "has too many digits for a phone number";
  if (d[0] == '0') return "has a country code that starts with 0";
  const char *wrong = d[0] == '1' ? check_nanp(d + 1, n - 1) : NULL;
  if (!wrong) buf_addf(scratch, "+%.*s", (int)n, d);
  return wrong;
}

static const char *national(const struct country *at, const char *d, size_t n,
                            struct buf *scratch) {
  if (at->trunk && n > at->min && d[0] == at->trunk) d++, n--;
  const char *wrong = NULL;
  if (at->code[0] == '1') wrong = check_nanp(d, n);
  else if (n < at->min) wrong = "has too few digits for a phone number";
  else if (n > at->max) wrong = "has too many digits for a phone number";
  if (!wrong) buf_addf(scratch, "+%s%.*s", at->code, (int)n, d);
  return wrong;
}

const char *as_phone(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out) {
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  struct digits d = {.n = 0};
  const char *wrong = read_digits(&c, &d);
  if (wrong) return wrong;
  size_t from = scratch->len;
  const struct country *at = country_find(o->country ? o->country : "US");
  size_t prefix = d.plus                               ? 0
                  : d.n > 11 && !memcmp(d.d, "011", 3) ? 3
                  : d.n > 10 && !memcmp(d.d, "00", 2)  ? 2
                                                       : 0;
  if (d.plus || prefix) wrong = international(d.d + prefix, d.n - prefix, scratch);
  else wrong = national(at ? at : country_find("US"), d.d, d.n, scratch);
  return wrong ? wrong : convert_added(out, scratch, from);
}

static bool is_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static const char *check_local(const char *s, size_t len) {
  if (!len) return "has nothing before the @";
  if (len > 64) return "has more than 64 characters before the @";
  if (s[0] == '.' || s[len - 1] == '.') return "has a dot at an end of the part before the @";
  for (size_t i = 0; i < len; i++) {
    if (i && s[i] == '.' && s[i - 1] == '.') return "has two dots in a row";
    if (!is_alnum(s[i]) && (uint8_t)s[i] < 0x80 && !strchr("!#$%&'*+-/=?^_`{|}~.", s[i]))
      return "has a character that no address has before the @";
  }
  return NULL;
}

static const char *check_label(const char *s, size_t len) {
  if (!len) return "has an empty part in its domain";
  if (len > 63 || s[0] == '-' || s[len - 1] == '-') return "has a domain that cannot be";
  for (size_t i = 0; i < len; i++)
    if (!is_alnum(s[i]) && s[i] != '-') return "has a character that no domain has";
  return NULL;
}

static const char *check_domain(const char *s, size_t len) {
  const char *end = s + len, *label = s;
  size_t labels = 0;
  for (const char *p = s;; p++) {
    if (p < end && *p != '.') continue;
    const char *wrong = check_label(label, (size_t)(p - label));
    if (wrong) return wrong;
    labels++;
    if (p == end) break;
    label = p + 1;
  }
  if (labels < 2) return "has no dot in its domain";
  if (end - label < 2 || (*label >= '0' && *label <= '9'))
    return "has a top-level domain that cannot be";
  return NULL;
}

const char *as_email(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out) {
  (void)o;
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  const char *at = memchr(c.s, '@', c.len), *end = c.s + c.len;
  if (!at) return "has no @";
  if (c.len > 254) return "is longer than 254 characters";
  if (memchr(c.s, ' ', c.len)) return "has a space in it";
  if (memchr(at + 1, '@', (size_t)(end - at - 1))) return "has more than one @";
  const char *wrong = check_local(c.s, (size_t)(at - c.s));
  if (!wrong) wrong = check_domain(at + 1, (size_t)(end - at - 1));
  if (wrong) return wrong;
  size_t from = scratch->len;
  buf_add(scratch, c.s, (size_t)(at - c.s));
  for (const char *p = at; p < end; p++)
    buf_addc(scratch, *p >= 'A' && *p <= 'Z' ? (char)(*p + 32) : *p);
  return convert_added(out, scratch, from);
}

static const char *const states[][2] = {
    {"AL", "Alabama"},
    {"AK", "Alaska"},
    {"AZ", "Arizona"},
    {"AR", "Arkansas"},
    {"CA", "California"},
    {"CO", "Colorado"},
    {"CT", "Connecticut"},
    {"DE", "Delaware"},
    {"DC", "District of Columbia"},
    {"FL", "Florida"},
    {"GA", "Georgia"},
    {"HI", "Hawaii"},
    {"ID", "Idaho"},
    {"IL", "Illinois"},
    {"IN", "Indiana"},
    {"IA", "Iowa"},
    {"KS", "Kansas"},
    {"KY", "Kentucky"},
    {"LA", "Louisiana"},
    {"ME", "Maine"},
    {"MD", "Maryland"},
    {"MA", "Massachusetts"},
    {"MI", "Michigan"},
    {"MN", "Minnesota"},
    {"MS", "Mississippi"},
    {"MO", "Missouri"},
    {"MT", "Montana"},
    {"NE", "Nebraska"},
    {"NV", "Nevada"},
    {"NH", "New Hampshire"},
    {"NJ", "New Jersey"},
    {"NM", "New Mexico"},
    {"NY", "New York"},
    {"NC", "North Carolina"},
    {"ND", "North Dakota"},
    {"OH", "Ohio"},
    {"OK", "Oklahoma"},
    {"OR", "Oregon"},
    {"PA", "Pennsylvania"},
    {"RI", "Rhode Island"},
    {"SC", "South Carolina"},
    {"SD", "South Dakota"},
    {"TN", "Tennessee"},
    {"TX", "Texas"},
    {"UT", "Utah"},
    {"VT", "Vermont"},
    {"VA", "Virginia"},
    {"WA", "Washington"},
    {"WV", "West Virginia"},
    {"WI", "Wisconsin"},
    {"WY", "Wyoming"},
    {"AS", "American Samoa"},
    {"GU", "Guam"},
    {"MP", "Northern Mariana Islands"},
    {"PR", "Puerto Rico"},
    {"VI", "US Virgin Islands"},
    {"AA", "Armed Forces Americas"},
    {"AE", "Armed Forces Europe"},
    {"AP", "Armed Forces Pacific"},
};

const char *as_state(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out) {
  (void)o;
  struct cell c = cell_trimmed(in);
  if (!c.len) return convert_empty(out);
  char name[32];
  size_t from = scratch->len, n = 0;
  for (size_t i = 0; i < c.len && n < sizeof name; i++)
    if (c.s[i] != '.' && !(c.s[i] == ' ' && n && name[n - 1] == ' ')) name[n++] = c.s[i];
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    for (size_t j = 0; j < 2; j++) {
      const char *known = states[i][j];
      if (strlen(known) == n && !strncasecmp(known, name, n)) {
        buf_adds(scratch, states[i][0]);
        return convert_added(out, scratch, from);
      }
    }
  return "is not a US state or territory";
}
