/* Imports of tables in files into a table of a SQLite database, in steps that can be looked at.
 *
 * stage reads the file once, converts it, keeps what is wrong row by row, and finds duplicates;
 * its rows go to a file beside the database (DATABASE-ID.stage) that can be made again and is gone
 * after commit. The database itself holds the state of every import (tables stepwise_import...),
 * written in the transaction of what it says. commit is one transaction; repeating it returns what
 * it did. roll_back undoes a committed import: rows it created are removed, rows it changed get
 * their earlier values, rows that somebody changed since are found by their hashes.
 *
 *   staging -> staged -> committed -> rolled_back       staging, staged -> stopped
 *         \-> failed <-/                                staged, failed, stopped -> discarded
 *
 * stage may be repeated with the same id in every state but committed and rolled_back. No function
 * keeps state outside the files, so all may run on worker threads. Memory does not grow with rows.
 */
#ifndef STEPWISE_IMPORT_H
#define STEPWISE_IMPORT_H

#include "grid.h"
#include "sheet_convert.h"

enum { IMPORT_MAX_CHAIN = 4, IMPORT_MAX_KEYS = 8, IMPORT_MAX_KEY_COLUMNS = 8, IMPORT_MAX_ID = 40 };

struct import_column {
  char *from, *to; /* owned: header name in the file, column of the table */
  const struct converter *chain[IMPORT_MAX_CHAIN];
  size_t chain_count;
  bool required; /* an empty value is a problem, a missing column an error */
  bool blank;    /* a value that does not convert is left blank instead of refusing its row */
  char *country; /* owned or NULL: for phone */
};

struct import_key {
  size_t columns[IMPORT_MAX_KEY_COLUMNS]; /* indexes of import_spec.columns */
  size_t count;
};

/* Zero-initialise; import_spec_release frees. All texts are owned; NULL where left out. */
struct import_spec {
  char *id, *table;
  char *path, *format, *sheet, *encoding, *delimiter;
  struct import_column *columns;
  size_t column_count;
  struct import_key keys[IMPORT_MAX_KEYS];
  size_t key_count;
  bool create; /* make the database and the table when they are missing */
  bool pad;    /* rows shorter than the header are filled up instead of refused */
};

void import_spec_release(struct import_spec *spec);
void import_spec_options(const struct import_spec *spec, struct sheet_options *out);
/* Converters by name, parted by spaces or commas: "trim upcase". */
enum status import_column_chain(struct import_column *c, const char *names,
                                struct error *err) must_use;

enum import_policy {
  POLICY_SKIP_DUPLICATES,   /* flagged rows are left out */
  POLICY_UPDATE_DUPLICATES, /* their values that are not blank go into the row they match */
  POLICY_KEEP_DUPLICATES    /* they are imported like the others */
};

struct import_choice {
  enum import_policy policy;
  const int64_t *keep; /* flagged rows that are imported all the same */
  size_t keep_count;
};

/* Copies a database, unless the copy is there or the database is not. */
enum status import_copy(const char *database, const char *copy, struct error *err) must_use;

/* The row of the import's state, one for each of these but import_list. */
enum status import_stage(const char *database, const struct import_spec *spec, struct grid *out,
                         struct error *err) must_use;
enum status import_commit(const char *database, const char *id, const struct import_choice *choice,
                          struct grid *out, struct error *err) must_use;
/* Rows changed since by somebody else: refused as a whole, or kept as they are when keep_changed.
 * An import that was never committed has nothing to undo and stays as it is. */
enum status import_roll_back(const char *database, const char *id, bool keep_changed,
                             struct grid *out, struct error *err) must_use;
enum status import_stop(const char *database, const char *id, const char *reason, struct grid *out,
                        struct error *err) must_use;
/* Rolled back is as good as discarded, and stays so; committed is refused. */
enum status import_discard(const char *database, const char *id, struct grid *out,
                           struct error *err) must_use;
enum status import_status(const char *database, const char *id, struct grid *out,
                          struct error *err) must_use;
enum status import_list(const char *database, struct grid *out, struct error *err) must_use;

/* What was asked of an earlier import, to stage it again. */
enum status import_load_spec(const char *database, const char *id, struct import_spec *out,
                             struct error *err) must_use;

/* Rows to look at, in order of the file, at most `limit`. */
enum status import_preview(const char *database, const char *id, int64_t limit, struct grid *out,
                           struct error *err) must_use;
enum status import_problems(const char *database, const char *id, int64_t limit, struct grid *out,
                            struct error *err) must_use;
enum status import_duplicates(const char *database, const char *id, int64_t limit, struct grid *out,
                              struct error *err) must_use;
/* After commit: do the counts add up; and `limit` rows, drawn by the id, read again from the
 * source. */
enum status import_counts(const char *database, const char *id, struct grid *out,
                          struct error *err) must_use;
enum status import_spot_check(const char *database, const char *id, int64_t limit, struct grid *out,
                              struct error *err) must_use;

#endif
