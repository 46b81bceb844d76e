/* Values from text and as text, below the methods: needs no evaluator. */
#ifndef STEPWISE_TEXT_H
#define STEPWISE_TEXT_H

#include "value.h"

enum { SECOND = 1000000 };
#define MINUTE (60 * INT64_C(1000000))
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct moment {
  struct tm tm; /* UTC */
  int64_t us;   /* within the second */
};
struct moment moment_of(int64_t us);
bool time_parse(const char *s, size_t len, int64_t *us, bool *date_only);
bool duration_parse(const char *s, size_t len, int64_t *us);
void time_text(int64_t us, bool iso, int digits, struct buf *out);
void duration_text(int64_t us, struct buf *out);
void float_text(double f, struct buf *out); /* as Ruby shows it */
void count_text(int64_t n, struct buf *out); /* "9,000" */
/* Number texts as to_i and to_f read them: the longest valid prefix. false: it overflows. */
bool text_to_int(struct text s, unsigned base, bool whole, int64_t *out);
bool text_to_float(struct text s, bool whole, double *out);

uint64_t duration_magnitude(int64_t us);
void duration_seconds(struct buf *out, uint64_t us); /* with as many decimals as it takes */

#endif
