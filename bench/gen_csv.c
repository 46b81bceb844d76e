/* Writes a CSV of people for the import bench: as many rows as asked, the same bytes for one seed.
 *
 * usage: gen_csv ROWS [SEED [DUPES_PER_10000]] > people.csv
 * Twelve columns; phones in four spellings, dates in three, quoted fields with commas, doubled
 * quotes and line ends. A duplicate repeats an earlier person, half of them in other capitals. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const first_names[] = {"Ana",   "Luis",   "Mary",   "James", "Grace", "Noah",
                                          "Zoë",   "José",   "Emily",  "Owen",  "Ruth",  "Peter",
                                          "Chloe", "Dmitri", "Fatima", "Hans",  "Ivy",   "Jamal",
                                          "Keiko", "Liam",   "Mona",   "Nils",  "Olga",  "Priya"};
static const char *const last_names[] = {
    "Smith", "O'Brien", "García",   "Lee",   "Johnson", "Müller", "Nguyen", "Brown",
    "Davis", "Wilson",  "Martinez", "Clark", "Lewis",   "Walker", "Hall",   "Young"};
static const char *const streets[] = {"Main St", "Oak Ave", "2nd St, Apt 4", "Elm \"Old\" Rd",
                                      "Lake Dr", "Hill Ct", "Park Blvd",     "River Rd"};
static const char *const cities[] = {"Little Rock", "Conway",      "Springdale",  "Fort Smith",
                                     "Jonesboro",   "Bentonville", "Hot Springs", "Texarkana"};
static const char *const counties[] = {"Pulaski",   "Faulkner", "Washington", "Sebastian",
                                       "Craighead", "Benton",   "Garland",    "Miller"};
static const char *const notes[] = {"",
                                    "",
                                    "",
                                    "moved",
                                    "wants mail",
                                    "met at fair, twice",
                                    "line one\nline two",
                                    "says \"call after six\""};

#define PICK(list, n) ((list)[(n) % (sizeof(list) / sizeof *(list))])

/* splitmix64: a row's bytes depend on the seed and its number alone. */
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

static void put_field(const char *s, char end) {
  bool quote = false;
  for (const char *p = s; *p; p++)
    quote |= *p == ',' || *p == '"' || *p == '\n';
  if (quote) putchar_unlocked('"');
  for (; *s; s++) {
    if (*s == '"') putchar_unlocked('"');
    putchar_unlocked(*s);
  }
  if (quote) putchar_unlocked('"');
  putchar_unlocked(end);
}

static void put_phone(uint64_t person, uint64_t look) {
  static const char *const looks[] = {"(501) %03u-%04u", "501-%03u-%04u", "+1501%03u%04u",
                                      "1.501.%03u.%04u"};
  char text[32];
  unsigned middle = 200 + (unsigned)(person / 10000 % 800), end = (unsigned)(person % 10000);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(text, sizeof text, PICK(looks, look), middle, end);
#pragma GCC diagnostic pop
  put_field(text, ',');
}

static void put_date(uint64_t r, unsigned from_year, unsigned years) {
  unsigned y = from_year + (unsigned)(r % years), m = 1 + (unsigned)(r / 97 % 12),
           d = 1 + (unsigned)(r / 1201 % 28);
  char text[32];
  if (r % 3 == 0) snprintf(text, sizeof text, "%04u-%02u-%02u", y, m, d);
  else if (r % 3 == 1) snprintf(text, sizeof text, "%u/%u/%04u", m, d, y);
  else snprintf(text, sizeof text, "%02u/%02u/%04u", m, d, y);
  put_field(text, ',');
}

static void put_email(const char *const *form, uint64_t person) {
  char text[64];
  snprintf(text, sizeof text, "%s%" PRIu64 "@%s.org", form[0], person, form[1]);
  put_field(text, ',');
}

static void put_person(uint64_t person, uint64_t look, bool shout) {
  static const char *const plain[] = {"person", "example"}, *const loud[] = {"PERSON", "Example"};
  uint64_t r = mix(person);
  char street[64], zip[8];
  put_field(PICK(first_names, r), ',');
  put_field(PICK(last_names, r >> 8), ',');
  put_email(shout ? loud : plain, person);
  put_phone(person, look);
  put_date(r >> 16, 1930, 75);
  snprintf(street, sizeof street, "%u %s", 1 + (unsigned)(r >> 24) % 9999, PICK(streets, r >> 40));
  put_field(street, ',');
  put_field(PICK(cities, r >> 44), ',');
  put_field("AR", ',');
  snprintf(zip, sizeof zip, "7%04u", (unsigned)(r >> 48) % 10000);
  put_field(zip, ',');
  put_field(PICK(counties, r >> 44), ',');
  put_date(r >> 20, 2012, 14);
  put_field(PICK(notes, r >> 52), '\n');
}

int main(int argc, char **argv) {
  if (argc < 2 || argc > 4) {
    fprintf(stderr, "usage: gen_csv ROWS [SEED [DUPES_PER_10000]] > people.csv\n");
    return 2;
  }
  uint64_t rows = strtoull(argv[1], NULL, 10), seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
           dupes = argc > 3 ? strtoull(argv[3], NULL, 10) : 200;
  puts("First Name,Last Name,Email,Phone,Birth Date,Street,City,State,Zip,County,Registered "
       "On,Notes");
  for (uint64_t i = 0; i < rows; i++) {
    uint64_t r = mix(seed * 0x100000001b3u + i);
    bool again = i && r % 10000 < dupes;
    put_person(again ? mix(r) % i : i, r >> 16, again && (r >> 20) % 2);
  }
  return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
