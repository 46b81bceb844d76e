/* The primitives of the group `sheet`: tables in files, and their import into SQLite.
 *
 * Each makes a job out of its arguments, has it run on the thread pool, and makes values out of
 * what comes back; jobs touch no values. */
#include "../digest.h"
#include "../task.h"
#include "sheet_args.h"

#include <stdlib.h>
#include <unistd.h>

enum { LIST_LIMIT = 1000, SHOWN = 20 };

struct job {
  enum status (*run)(struct job *j);
  char *database, *id, *text;
  struct import_spec spec;
  struct import_choice choice;
  int64_t *keep;
  int64_t limit;
  bool flag;
  struct sheet *sheet; /* inspect: open until its values are made */
  int64_t rows, damaged;
  struct grid grid;
  struct error *err;
  enum status status;
};

static void job_release(struct job *j) {
  mem_free(j->database);
  mem_free(j->id);
  mem_free(j->text);
  mem_free(j->keep);
  import_spec_release(&j->spec);
  sheet_close(j->sheet);
  grid_release(&j->grid);
}

static void job_run(void *arg) {
  struct job *j = arg;
  j->status = j->run(j);
}

static enum status job_do(struct primitive_call *call, struct job *j,
                          enum status (*run)(struct job *j), struct error *err) {
  j->run = run;
  j->err = err;
  if (call->tasks) task_blocking(call->tasks, job_run, j);
  else job_run(j);
  return j->status;
}

/* Runs the job unless its arguments were wrong; gives one record or all; frees the job. */
static enum status job_finish(struct primitive_call *call, struct job *j, enum status s,
                              enum status (*run)(struct job *j), bool all, value *out,
                              struct error *err) {
  if (!s) s = job_do(call, j, run, err);
  if (!s) *out = all ? grid_records(call, &j->grid) : grid_record(call, &j->grid);
  job_release(j);
  return s;
}

#define PARAM_PATH                                                                                 \
  { "path", "path", "the file" }
#define PARAM_DATABASE                                                                             \
  { "database", "path", "the SQLite database" }
#define PARAM_IMPORT                                                                               \
  { "import", "string", "the import's id" }
#define PARAM_LIMIT                                                                                \
  { "limit", "integer?", "at most so many rows; 20 unless said" }
#define PARAMS_FORM                                                                                \
  {"sheet", "any?", "of a workbook: its name, or number from 1"},                                  \
      {"encoding", "string?", "utf-8, latin-1 or windows-1252"}, {                                 \
    "delimiter", "string?", "one of , ; | or tab"                                                  \
  }
#define PARAM_END                                                                                  \
  { NULL, NULL, NULL }

static char *sheet_text(struct primitive_call *call, value v) {
  if (v.tag != V_INT) return arg_dup(call, v);
  char number[24];
  snprintf(number, sizeof number, "%lld", (long long)v.u.i);
  return mem_strdup(number);
}

static void take_form(struct primitive_call *call, struct import_spec *spec, const value *args) {
  if (args[0].tag != V_NIL) {
    mem_free(spec->sheet);
    spec->sheet = sheet_text(call, args[0]);
  }
  if (args[1].tag != V_NIL) {
    mem_free(spec->encoding);
    spec->encoding = arg_dup(call, args[1]);
  }
  if (args[2].tag != V_NIL) {
    mem_free(spec->delimiter);
    spec->delimiter = arg_dup(call, args[2]);
  }
}

/* --- inspect --- */

static enum status run_inspect(struct job *j) {
  struct sheet_options options;
  import_spec_options(&j->spec, &options);
  enum status s = sheet_open(&j->sheet, &options, j->err);
  struct record r;
  bool more;
  while (!s && !(s = sheet_next(j->sheet, &r, &more, j->err)) && more) {
    j->rows++;
    j->damaged += r.problem != NULL;
  }
  return s;
}

static value text_list(char **texts, size_t count) {
  struct list *l = list_new(count);
  for (size_t i = 0; i < count; i++)
    list_push(l, value_cstr(texts[i]));
  return value_list(l);
}

static void set(struct primitive_call *call, struct dict *d, const char *name, value v) {
  dict_set(d, value_symbol(sym_intern(call->syms, name, strlen(name))), v);
}

static value inspect_record(struct primitive_call *call, const struct job *j) {
  const struct sheet *s = j->sheet;
  char delimiter[2] = {s->delimiter, 0};
  struct dict *d = dict_new();
  set(call, d, "format", value_cstr(s->format));
  set(call, d, "columns", text_list(s->names, s->name_count));
  set(call, d, "rows", value_int(j->rows));
  set(call, d, "blank", value_int((int64_t)s->blank));
  set(call, d, "damaged", value_int(j->damaged));
  set(call, d, "header_row", value_int((int64_t)s->header_row));
  set(call, d, "encoding", value_cstr(s->encoding));
  set(call, d, "delimiter", value_cstr(s->delimiter == '\t' ? "tab" : delimiter));
  set(call, d, "sheet", value_cstr(s->sheet_name ? s->sheet_name : ""));
  set(call, d, "sheets", text_list(s->sheets, s->sheet_count));
  return value_record(d);
}

static enum status inspect(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  struct job j = {.spec = {.path = arg_dup(call, args[0])}};
  take_form(call, &j.spec, args + 1);
  enum status s = job_do(call, &j, run_inspect, err);
  if (!s) *out = inspect_record(call, &j);
  job_release(&j);
  return s;
}

static const struct primitive_param inspect_params[] = {PARAM_PATH, PARAMS_FORM, PARAM_END};
const struct primitive sheet_inspect = {
    {"sheet", "inspect", inspect_params, "record", EFFECT_READ,
     "Reads a whole file and says what it holds: columns, rows, damaged rows"},
    inspect};

/* --- database --- */

/* Of two databases with the same name in different directories each has its own. */
static char *copy_path(const struct primitive_call *call, const char *database) {
  char *whole = realpath(database, NULL), sha[SHA256_HEX];
  const char *of = whole ? whole : database, *slash = strrchr(of, '/');
  struct buf b = BUF_INIT;
  sha256_hex_of(of, strlen(of), sha);
  buf_addf(&b, "%s/copy-%.8s-%s", call->state_dir, sha, slash ? slash + 1 : of);
  free(whole);
  return buf_take(&b);
}

static enum status run_copy(struct job *j) {
  return import_copy(j->database, j->text, j->err);
}

/* A plan has no place to put a copy: it only looks, and looks at the database itself. */
static enum status database(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  struct job j = {.database = arg_dup(call, args[0])};
  enum status s = OK;
  bool copy = arg_true(args[1], false) && access(call->state_dir, F_OK) == 0;
  if (copy) {
    j.text = copy_path(call, j.database);
    s = job_do(call, &j, run_copy, err);
  }
  if (!s) *out = value_cstr(copy ? j.text : j.database);
  job_release(&j);
  return s;
}

static const struct primitive_param database_params[] = {
    {"path", "path", "the SQLite database"},
    {"copy", "boolean?", "of a copy in the state directory, made when it is first asked for"},
    PARAM_END};
const struct primitive sheet_database = {
    {"sheet", "database", database_params, "path", EFFECT_READ,
     "Where a database is worked on: its path, or that of a copy, which whoever practises may change"},
    database};

/* --- stage --- */

static enum status run_stage(struct job *j) {
  return import_stage(j->database, &j->spec, &j->grid, j->err);
}

/* An import's id, when none is given, comes from the action's key: the same on every attempt. */
static char *import_id(struct primitive_call *call, value given) {
  if (given.tag != V_NIL) return arg_dup(call, given);
  struct buf id = BUF_INIT;
  buf_addf(&id, "imp-%.12s", call->key && *call->key ? call->key : "by-hand");
  return buf_take(&id);
}

static enum status stage(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  struct job j = {.database = arg_dup(call, args[1]),
                  .spec = {.path = arg_dup(call, args[0]),
                           .table = arg_dup(call, args[2]),
                           .id = import_id(call, args[5]),
                           .create = arg_true(args[6], false),
                           .pad = arg_true(args[7], false)}};
  take_form(call, &j.spec, args + 8);
  enum status s = args_columns(call, args[3], &j.spec, err);
  if (!s) s = args_keys(call, args[4], &j.spec, err);
  return job_finish(call, &j, s, run_stage, false, out, err);
}

static const struct primitive_param stage_params[] = {
    PARAM_PATH,
    PARAM_DATABASE,
    {"table", "string", "the table that the rows are for"},
    {"columns", "array", "hashes {from:, to:, convert:, required:, blank:, country:}"},
    {"keys", "array?", "columns, or lists of columns, by which duplicates are found"},
    {"import", "string?", "the import's id; from the action's key unless said"},
    {"create", "boolean?", "make the database and the table when they are missing"},
    {"pad", "boolean?", "fill up rows shorter than the header instead of refusing them"},
    PARAMS_FORM,
    PARAM_END};
const struct primitive sheet_stage = {
    {"sheet", "stage", stage_params, "record", EFFECT_WRITE,
     "Reads, converts and checks a file, and finds duplicates; the table is not touched"},
    stage};

static enum status run_load(struct job *j) {
  return import_load_spec(j->database, j->id, &j->spec, j->err);
}

static enum status restage(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]), .id = arg_dup(call, args[1])};
  enum status s = job_do(call, &j, run_load, err);
  if (!s && args[2].tag != V_NIL) {
    mem_free(j.spec.path);
    j.spec.path = arg_dup(call, args[2]);
    mem_free(j.spec.format);
    j.spec.format = NULL;
  }
  if (!s) s = args_rename(call, args[3], &j.spec, err);
  if (!s) s = args_blank(call, args[4], &j.spec, err);
  j.spec.pad = arg_true(args[5], j.spec.pad);
  take_form(call, &j.spec, args + 6);
  return job_finish(call, &j, s, run_stage, false, out, err);
}

static const struct primitive_param restage_params[] = {
    PARAM_DATABASE,
    PARAM_IMPORT,
    {"path", "path?", "a corrected file; the same one unless said"},
    {"rename", "hash?", "names in the mapping to names in the file"},
    {"blank", "array?", "columns whose bad values are left blank instead of refusing the row"},
    {"pad", "boolean?", "fill up rows shorter than the header instead of refusing them"},
    PARAMS_FORM,
    PARAM_END};
const struct primitive sheet_restage = {
    {"sheet", "restage", restage_params, "record", EFFECT_WRITE,
     "Stages an import again, as it was asked for, with corrections"},
    restage};

/* --- looking --- */

static enum status run_preview(struct job *j) {
  return import_preview(j->database, j->id, j->limit, &j->grid, j->err);
}
static enum status run_problems(struct job *j) {
  return import_problems(j->database, j->id, j->limit, &j->grid, j->err);
}
static enum status run_duplicates(struct job *j) {
  return import_duplicates(j->database, j->id, j->limit, &j->grid, j->err);
}
static enum status run_spot_check(struct job *j) {
  return import_spot_check(j->database, j->id, j->limit, &j->grid, j->err);
}
static enum status run_counts(struct job *j) {
  return import_counts(j->database, j->id, &j->grid, j->err);
}
static enum status run_status(struct job *j) {
  return import_status(j->database, j->id, &j->grid, j->err);
}
static enum status run_list(struct job *j) {
  return import_list(j->database, &j->grid, j->err);
}

static int64_t limit_of(value v) {
  int64_t n = arg_integer(v, SHOWN);
  return n < 0 ? 0 : n > LIST_LIMIT ? LIST_LIMIT : n;
}

static enum status look(struct primitive_call *call, const value *args,
                        enum status (*run)(struct job *j), bool all, value *out,
                        struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]),
                  .id = arg_dup(call, args[1]),
                  .limit = all ? limit_of(args[2]) : 0};
  return job_finish(call, &j, OK, run, all, out, err);
}

#define LOOK(name, many)                                                                           \
  static enum status name(struct primitive_call *call, const value *args, value *out,              \
                          struct error *err) {                                                     \
    return look(call, args, run_##name, many, out, err);                                           \
  }
LOOK(preview, true)
LOOK(problems, true)
LOOK(duplicates, true)
LOOK(spot_check, true)
LOOK(counts, false)
LOOK(status, false)
#undef LOOK

static enum status list(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  struct job j = {.database = arg_dup(call, args[0])};
  return job_finish(call, &j, OK, run_list, true, out, err);
}

static const struct primitive_param many_params[] = {PARAM_DATABASE, PARAM_IMPORT, PARAM_LIMIT,
                                                     PARAM_END};
static const struct primitive_param one_params[] = {PARAM_DATABASE, PARAM_IMPORT, PARAM_END};
static const struct primitive_param list_params[] = {PARAM_DATABASE, PARAM_END};

const struct primitive sheet_preview = {{"sheet", "preview", many_params, "array", EFFECT_READ,
                                         "The first staged rows, as they would be stored"},
                                        preview};
const struct primitive sheet_problems = {{"sheet", "problems", many_params, "array", EFFECT_READ,
                                          "What was wrong: row, column, value, reason, refused"},
                                         problems};
const struct primitive sheet_duplicates = {
    {"sheet", "duplicates", many_params, "array", EFFECT_READ, "Flagged rows and what they match"},
    duplicates};
const struct primitive sheet_spot_check = {
    {"sheet", "spot_check", many_params, "array", EFFECT_READ,
     "Rows drawn by the import's id, compared with the source"},
    spot_check};
const struct primitive sheet_counts = {{"sheet", "counts", one_params, "record", EFFECT_READ,
                                        "Whether what was read, written and is there adds up"},
                                       counts};
const struct primitive sheet_status = {{"sheet", "status", one_params, "record", EFFECT_READ,
                                        "The state and the numbers of an import"},
                                       status};
const struct primitive sheet_list = {
    {"sheet", "list", list_params, "array", EFFECT_READ, "All imports of a database"}, list};

/* --- changing --- */

static enum status take_policy(struct primitive_call *call, value v, enum import_policy *out,
                               struct error *err) {
  static const char *const names[] = {"skip", "update", "keep"};
  const char *text = v.tag == V_NIL ? "skip" : arg_text(call, v);
  for (size_t i = 0; text && i < 3; i++)
    if (!strcmp(names[i], text)) {
      *out = (enum import_policy)i;
      return OK;
    }
  error_set(err, ERR_VALUE, "duplicates: is :skip, :update or :keep, not %s",
            text ? text : value_type_name(v));
  error_kind(err, "validation");
  return ERR_VALUE;
}

static enum status take_rows(value v, struct job *j, struct error *err) {
  if (v.tag == V_NIL) return OK;
  const struct list *l = value_array(v);
  j->keep = mem_array(l->count ? l->count : 1, sizeof *j->keep);
  for (size_t i = 0; i < l->count; i++) {
    if (l->items[i].tag != V_INT) {
      error_set(err, ERR_VALUE, "keep: holds %s, not a row number", value_type_name(l->items[i]));
      error_kind(err, "validation");
      return ERR_VALUE;
    }
    j->keep[i] = l->items[i].u.i;
  }
  j->choice.keep = j->keep;
  j->choice.keep_count = l->count;
  return OK;
}

static enum status run_commit(struct job *j) {
  return import_commit(j->database, j->id, &j->choice, &j->grid, j->err);
}
static enum status run_roll_back(struct job *j) {
  return import_roll_back(j->database, j->id, j->flag, &j->grid, j->err);
}
static enum status run_stop(struct job *j) {
  return import_stop(j->database, j->id, j->text, &j->grid, j->err);
}
static enum status run_discard(struct job *j) {
  return import_discard(j->database, j->id, &j->grid, j->err);
}

static enum status commit(struct primitive_call *call, const value *args, value *out,
                          struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]), .id = arg_dup(call, args[1])};
  enum status s = take_policy(call, args[2], &j.choice.policy, err);
  if (!s) s = take_rows(args[3], &j, err);
  return job_finish(call, &j, s, run_commit, false, out, err);
}

static enum status roll_back(struct primitive_call *call, const value *args, value *out,
                             struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]), .id = arg_dup(call, args[1])};
  const char *changed = args[2].tag == V_NIL ? "refuse" : arg_text(call, args[2]);
  enum status s = OK;
  j.flag = changed && !strcmp(changed, "keep");
  if (!j.flag && (!changed || strcmp(changed, "refuse"))) {
    s = error_set(err, ERR_VALUE, "changed: is :refuse or :keep");
    error_kind(err, "validation");
  }
  return job_finish(call, &j, s, run_roll_back, false, out, err);
}

static enum status stop(struct primitive_call *call, const value *args, value *out,
                        struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]),
                  .id = arg_dup(call, args[1]),
                  .text = arg_dup(call, args[2])};
  return job_finish(call, &j, OK, run_stop, false, out, err);
}

static enum status discard(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  struct job j = {.database = arg_dup(call, args[0]), .id = arg_dup(call, args[1])};
  return job_finish(call, &j, OK, run_discard, false, out, err);
}

static const struct primitive_param commit_params[] = {
    PARAM_DATABASE,
    PARAM_IMPORT,
    {"duplicates", "symbol?", ":skip (unless said), :update or :keep"},
    {"keep", "array?", "numbers of flagged rows that are imported all the same"},
    PARAM_END};
static const struct primitive_param roll_back_params[] = {
    PARAM_DATABASE,
    PARAM_IMPORT,
    {"changed", "symbol?", "rows changed since: :refuse (unless said) or :keep"},
    PARAM_END};
static const struct primitive_param stop_params[] = {
    PARAM_DATABASE, PARAM_IMPORT, {"reason", "string?", "kept as the import's message"}, PARAM_END};

const struct primitive sheet_commit = {
    {"sheet", "commit", commit_params, "record", EFFECT_WRITE,
     "Stores the staged rows, in one transaction; again, it says what it did"},
    commit};
const struct primitive sheet_roll_back = {
    {"sheet", "roll_back", roll_back_params, "record", EFFECT_WRITE,
     "Removes the rows an import created, restores those it changed"},
    roll_back};
const struct primitive sheet_stop = {
    {"sheet", "stop", stop_params, "record", EFFECT_WRITE,
     "Stops an import that is not committed: it cannot be until it is staged again"},
    stop};
const struct primitive sheet_discard = {
    {"sheet", "discard", one_params, "record", EFFECT_WRITE,
     "Gives up an import that is not committed; its staged rows are removed"},
    discard};
