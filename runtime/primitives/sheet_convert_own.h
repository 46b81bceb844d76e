/* What the converters' files share among themselves. */
#ifndef STEPWISE_SHEET_CONVERT_OWN_H
#define STEPWISE_SHEET_CONVERT_OWN_H

#include "sheet_convert.h"

const char *convert_empty(struct converted *out);
const char *convert_added(struct converted *out, const struct buf *scratch, size_t from);
struct cell cell_trimmed(const struct cell *in);

const char *as_phone(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out);
const char *as_email(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out);
const char *as_date(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                    struct converted *out);
const char *as_date_dmy(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                        struct converted *out);
const char *as_state(const struct convert_options *o, const struct cell *in, struct buf *scratch,
                     struct converted *out);

#endif
