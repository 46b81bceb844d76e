/* From values to what the import functions take, and back. On the loop's thread only. */
#ifndef STEPWISE_SHEET_ARGS_H
#define STEPWISE_SHEET_ARGS_H

#include "args.h"
#include "import.h"

/* columns: an array of hashes {from:, to:, convert:, required:, blank:, country:};
 * keys: an array of column names or of arrays of them. */
enum status args_columns(struct primitive_call *call, value columns, struct import_spec *spec,
                         struct error *err) must_use;
enum status args_keys(struct primitive_call *call, value keys, struct import_spec *spec,
                      struct error *err) must_use;
/* Changes of an earlier mapping: {"Old Name" => "New Name"}, and columns to leave blank. */
enum status args_rename(struct primitive_call *call, value names, struct import_spec *spec,
                        struct error *err) must_use;
enum status args_blank(struct primitive_call *call, value columns, struct import_spec *spec,
                       struct error *err) must_use;

/* One record for each row; or the first row's record. */
value grid_records(const struct primitive_call *call, const struct grid *g) must_use;
value grid_record(const struct primitive_call *call, const struct grid *g) must_use;

#endif
