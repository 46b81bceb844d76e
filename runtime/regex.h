/* Compiled regexps: Ruby's syntax over PCRE2, the only door to it at run time.
 *
 * Matching is bounded by LIMIT_REGEX_STEPS and LIMIT_REGEX_DEPTH, anew at each place where a match
 * may begin: a search may still take the square of the text's length. Offsets are bytes. A regex
 * keeps the groups of its last match; copy what you need before anything else may match with it. */
#ifndef STEPWISE_REGEX_H
#define STEPWISE_REGEX_H

#include "value.h"

struct regex;
static inline struct regex *value_regex(value v) {
  return (struct regex *)(void *)v.u.o;
}

void regex_free(struct regex *r);
bool regex_equal(const struct regex *a, const struct regex *b);
uint32_t regex_hash(const struct regex *r);
struct text regex_source(const struct regex *r);            /* as written */
unsigned regex_flags(const struct regex *r);                /* RE_* */
void regex_inspect(const struct regex *r, struct buf *out); /* /source/flags */
void regex_to_s(const struct regex *r, struct buf *out);    /* (?-mix:source) */

/* Refuses what PCRE2 takes and Ruby does not, or reads in another way. */
enum status regex_dialect(const char *s, size_t len, bool extended, struct error *err) must_use;

/* Where the match and its groups lie: pairs of offsets, SIZE_MAX twice for a group that took no
 * part. [0] is the whole match. */
struct match {
  const size_t *at;
  size_t groups;
};
/* Looks for the first match at or after `from`. The text is UTF-8. ERR_LIMIT when the pattern
 * backtracks without end. A later call on the same text may say `again` to skip its UTF-8 check. */
enum status regex_search(struct regex *r, struct text s, size_t from, bool again, bool *found,
                         struct match *m, struct error *err) must_use;
int regex_group(const struct regex *r, const char *name, size_t len); /* number, or -1 */

#endif
