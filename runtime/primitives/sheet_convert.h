/* Named converters: from a cell's text to the value that is stored, or the reason why not. */
#ifndef STEPWISE_SHEET_CONVERT_H
#define STEPWISE_SHEET_CONVERT_H

#include "sheet.h"

enum converted_type { CONVERTED_NULL, CONVERTED_TEXT, CONVERTED_INTEGER, CONVERTED_REAL };

struct converted {
  enum converted_type type;
  const char *s; /* CONVERTED_TEXT: points into the cell, the scratch buffer or a constant */
  size_t len;
  int64_t i;
  double r;
};

struct convert_options {
  const char *country; /* of phone numbers without a country code; "US" unless said */
};

/* Returns NULL and fills out, or a constant that says what is wrong: "has no @". Adds to scratch,
 * which the caller clears for each row and keeps as long as the value. Empty text gives NULL. */
typedef const char *(*convert_fn)(const struct convert_options *o, const struct cell *in,
                                  struct buf *scratch, struct converted *out);

struct converter {
  const char *name;
  convert_fn fn;
  const char *about;
  const char *column_type; /* of a column made for it */
};

/* Ends with name NULL. */
extern const struct converter converters[];
const struct converter *converter_find(const char *name); /* NULL when there is none */
bool country_known(const char *code);

#endif
