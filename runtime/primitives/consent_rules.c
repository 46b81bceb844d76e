/* Opt-out words, quiet hours, and where a phone number is: see consent.h. */
#include "consent.h"

#include <ctype.h>
#include <stdlib.h>

#include "../utf8.h"

/* --- words --- */

/* As the carriers of North America define them. */
static const struct {
  const char *word, *means;
} words[] = {{"STOP", "stop"},   {"STOPALL", "stop"}, {"UNSUBSCRIBE", "stop"}, {"CANCEL", "stop"},
             {"END", "stop"},    {"QUIT", "stop"},    {"REVOKE", "stop"},      {"OPTOUT", "stop"},
             {"START", "start"}, {"UNSTOP", "start"}, {"YES", "start"},        {"HELP", "help"},
             {"INFO", "help"}};

/* What may stand around the word: punctuation, arrows, signs and emoji beyond ASCII. */
static bool is_ornament(uint32_t c) {
  static const struct {
    uint32_t from, to;
  } ranges[] = {{0x80, 0xBF},     {0x2000, 0x2BFF},   {0x3000, 0x303F},
                {0xFE00, 0xFE0F}, {0x1F000, 0x1FAFF}, {0xFEFF, 0xFEFF}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
    if (c >= ranges[i].from && c <= ranges[i].to) return true;
  return false;
}

static uint32_t code_point(const char *s, size_t width) {
  static const uint8_t lead[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  uint32_t c = (unsigned char)s[0] & lead[width];
  for (size_t i = 1; i < width; i++)
    c = c << 6 | ((unsigned char)s[i] & 0x3F);
  return c;
}

const char *consent_keyword(const char *text, size_t len) {
  enum { LONGEST = 16 };
  char word[LONGEST + 1];
  size_t n = 0;
  for (size_t i = 0, width; i < len; i += width) {
    width = utf8_width(text[i]);
    if (!width || width > len - i) return NULL;
    if (width > 1 && !is_ornament(code_point(text + i, width))) return NULL;
    if (width > 1 || !isalnum((unsigned char)text[i])) continue;
    if (n == LONGEST) return NULL;
    word[n++] = (char)toupper((unsigned char)text[i]);
  }
  word[n] = 0;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i].word, word) == 0) return words[i].means;
  return NULL;
}

/* --- where and when --- */

static const struct area {
  int code;
  const char *zones;
} areas[] = {
#define AREA(code, zones) {code, zones},
#include "area_code.def"
#undef AREA
};

static int area_compare(const void *key, const void *item) {
  int code = *(const int *)key, other = ((const struct area *)item)->code;
  return code < other ? -1 : code > other;
}

const char *consent_zones(const char *phone) {
  char *end, three[4] = "";
  if (strncmp(phone, "+1", 2) != 0 || strspn(phone + 2, "0123456789") != 10) return NULL;
  memcpy(three, phone + 2, 3);
  int code = (int)strtol(three, &end, 10);
  const struct area *a =
      bsearch(&code, areas, sizeof areas / sizeof *areas, sizeof *areas, area_compare);
  return a ? a->zones : NULL;
}

static bool clock_read(const char *s, int *out) {
  for (int i = 0; i < 5; i++)
    if (i == 2 ? s[i] != ':' : !isdigit((unsigned char)s[i])) return false;
  int hour = (s[0] - '0') * 10 + s[1] - '0', minute = (s[3] - '0') * 10 + s[4] - '0';
  *out = hour * 3600 + minute * 60;
  return hour < 24 && minute < 60;
}

bool quiet_read(const char *hours, int *from, int *to) {
  return strlen(hours) == 11 && hours[5] == '-' && clock_read(hours, from) &&
         clock_read(hours + 6, to) && *from != *to;
}

bool quiet_at(int from, int to, int second_of_day) {
  if (from <= to) return second_of_day >= from && second_of_day < to;
  return second_of_day >= from || second_of_day < to;
}

char *consent_address(const char *channel, const char *address) {
  struct buf b = BUF_INIT;
  bool phone = strcmp(channel, "sms") == 0;
  for (const char *s = address; *s; s++) {
    if (phone && (isdigit((unsigned char)*s) || (*s == '+' && !b.len))) buf_addc(&b, *s);
    if (!phone && !isspace((unsigned char)*s)) buf_addc(&b, (char)tolower((unsigned char)*s));
  }
  buf_str(&b);
  return b.data ? buf_take(&b) : mem_strdup("");
}
