/* The primitives of the group `sql`: rows of a database that a driver keeps or asks.
 *
 * Values are made plain data here, the statements run on the thread pool, and rows are made values
 * again. `database` is the path of a SQLite file; what looks like a URL is kept for databases of
 * other makes. */
#include "../task.h"
#include "sheet_args.h"
#include "sql_run.h"

enum { ROWS = 10000, ROWS_MOST = 1000000, STATEMENTS_MOST = 100000 };

struct job {
  struct sql_run run;
  enum status (*fn)(struct sql_run *r, struct error *err);
  struct arena arena; /* what the statements are made of */
  struct error *err;
  enum status status;
};

static void job_run(void *arg) {
  struct job *j = arg;
  j->status = j->fn(&j->run, j->err);
}

static void job_stop(void *arg) {
  struct job *j = arg;
  atomic_store(&j->run.stop, true);
}

/* When it was asked to stop and did, that is what the action fails with. */
static enum status job_do(struct primitive_call *call, struct job *j, struct error *err) {
  struct error why = {0};
  enum status stopped = OK;
  j->err = err;
  if (call->tasks) stopped = task_blocking_until(call->tasks, job_run, job_stop, j, &why);
  else job_run(j);
  if (stopped != OK && j->status != OK) {
    error_release(err);
    error_move(err, &why);
    j->status = stopped;
  }
  error_release(&why);
  return j->status;
}

static void job_release(struct job *j) {
  mem_free(j->run.path);
  grid_release(&j->run.grid);
  arena_release(&j->arena);
}

/* --- from values --- */

static char *kept(struct job *j, const char *s, size_t len) {
  return arena_dup(&j->arena, s, len);
}

/* 2026-11-02T09:00:00.000000Z: texts of one width, which sort as the times do. */
static void take_time(struct job *j, int64_t us, struct grid_cell *out) {
  struct buf b = BUF_INIT;
  time_t seconds = (time_t)(us / 1000000 - (us % 1000000 < 0));
  struct tm tm;
  gmtime_r(&seconds, &tm);
  buf_addf(&b, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
           tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(us - (int64_t)seconds * 1000000));
  *out = (struct grid_cell){.type = GRID_TEXT, .s = kept(j, b.data, b.len), .len = b.len};
  buf_release(&b);
}

static enum status take_value(struct primitive_call *call, struct job *j, value v,
                              struct grid_cell *out, struct error *err) {
  *out = (struct grid_cell){.type = GRID_NULL};
  switch (v.tag) {
  case V_NIL:
    return OK;
  case V_BOOL:
    *out = (struct grid_cell){.type = GRID_INTEGER, .i = v.u.b};
    return OK;
  case V_INT:
    *out = (struct grid_cell){.type = GRID_INTEGER, .i = v.u.i};
    return OK;
  case V_FLOAT:
    *out = (struct grid_cell){.type = GRID_REAL, .r = v.u.f};
    return OK;
  case V_DURATION:
    *out = (struct grid_cell){.type = GRID_REAL, .r = (double)v.u.i / 1e6};
    return OK;
  case V_TIME:
    take_time(j, v.u.i, out);
    return OK;
  case V_STRING:
    *out = (struct grid_cell){.type = GRID_TEXT, .s = value_str(v)->s, .len = value_str(v)->len};
    return OK;
  case V_SYMBOL: {
    const char *s = sym_text(call->syms, v.u.s);
    *out = (struct grid_cell){.type = GRID_TEXT, .s = kept(j, s, strlen(s)), .len = strlen(s)};
    return OK;
  }
  case V_SECRET:
    arg_fail(err, ERR_VALUE, "validation", "a secret is not written into a database");
    error_help(err, "keep its name, or a digest of it");
    return ERR_VALUE;
  default:
    return arg_fail(err, ERR_VALUE, "validation",
                    "%s cannot be a value of a statement: give a text, a number, true, false, a "
                    "time, a duration or nil",
                    value_type_name(v));
  }
}

static enum status take_named(struct primitive_call *call, struct job *j, const struct dict *d,
                              struct sql_statement *out, struct error *err) {
  enum status s = OK;
  out->count = dict_count(d);
  out->names = arena_alloc(&j->arena, (out->count + 1) * sizeof *out->names);
  out->values = arena_alloc(&j->arena, (out->count + 1) * sizeof *out->values);
  for (size_t i = 0; s == OK && i < out->count; i++) {
    value key, v;
    dict_at(d, i, &key, &v);
    const char *name = arg_text(call, key);
    if (!name)
      return arg_fail(err, ERR_VALUE, "validation", "values: has a key that is %s, not a name",
                      value_type_name(key));
    out->names[i] = kept(j, name, strlen(name));
    s = take_value(call, j, v, &out->values[i], err);
  }
  return s;
}

static enum status take_values(struct primitive_call *call, struct job *j, value v,
                               struct sql_statement *out, struct error *err) {
  if (v.tag == V_NIL) return OK;
  if (v.tag == V_HASH || v.tag == V_RECORD) return take_named(call, j, value_dict(v), out, err);
  if (v.tag != V_ARRAY)
    return arg_fail(err, ERR_VALUE, "validation", "values: is %s, not an array or a hash",
                    value_type_name(v));
  const struct list *l = value_array(v);
  enum status s = OK;
  out->count = l->count;
  out->values = arena_alloc(&j->arena, (l->count + 1) * sizeof *out->values);
  for (size_t i = 0; s == OK && i < l->count; i++)
    s = take_value(call, j, l->items[i], &out->values[i], err);
  return s;
}

/* A text alone, or [text, values]. */
static enum status take_statement(struct primitive_call *call, struct job *j, value v,
                                  struct sql_statement *out, struct error *err) {
  const struct list *l = v.tag == V_ARRAY ? value_array(v) : NULL;
  value text = l && l->count >= 1 && l->count <= 2 ? l->items[0] : v;
  *out = (struct sql_statement){0};
  if (text.tag != V_STRING)
    return arg_fail(err, ERR_VALUE, "validation", "statements: holds %s, not [text, values]",
                    value_type_name(text));
  out->text = value_str(text)->s;
  return l && l->count == 2 ? take_values(call, j, l->items[1], out, err) : OK;
}

static enum status take_statements(struct primitive_call *call, struct job *j, value v,
                                   struct error *err) {
  if (v.tag != V_ARRAY)
    return arg_fail(err, ERR_VALUE, "validation", "statements: is %s, not an array",
                    value_type_name(v));
  const struct list *l = value_array(v);
  enum status s = OK;
  if (l->count > STATEMENTS_MOST)
    return arg_fail(err, ERR_LIMIT, "validation", "statements: has %zu statements, more than %d",
                    l->count, STATEMENTS_MOST);
  j->run.count = l->count;
  j->run.statements = arena_alloc(&j->arena, (l->count + 1) * sizeof *j->run.statements);
  for (size_t i = 0; s == OK && i < l->count; i++)
    s = take_statement(call, j, l->items[i], &j->run.statements[i], err);
  return s;
}

static enum status job_begin(struct primitive_call *call, struct job *j, const value *database,
                             value max, value wait, struct error *err) {
  j->run.path = arg_path(call, database[0], database[1]);
  j->run.max_rows = arg_integer(max, ROWS);
  j->run.wait = arg_duration(wait, 10 * US_SECOND);
  if (!j->run.path || strstr(j->run.path, "://")) {
    arg_fail(err, ERR_VALUE, "validation", "database: is not the path of a SQLite file");
    error_help(err, "databases that are reached by a URL are not served");
    return ERR_VALUE;
  }
  if (j->run.max_rows >= 1 && j->run.max_rows <= ROWS_MOST) return OK;
  return arg_fail(err, ERR_VALUE, "validation", "max: is from 1 to %d rows", ROWS_MOST);
}

/* --- the primitives --- */

static enum status query(struct primitive_call *call, const value *args, value *out,
                         struct error *err) {
  struct sql_statement one = {.text = arg_text(call, args[1])};
  struct job j = {.fn = sql_run_query};
  enum status s = job_begin(call, &j, (value[]){args[0], args[3]}, args[4], args[6], err);
  j.run.statements = &one;
  j.run.count = 1;
  j.run.missing_empty = arg_true(args[5], arg_true(args[3], false));
  if (s == OK && !one.text)
    s = arg_fail(err, ERR_VALUE, "validation", "text: is %s, not a text", value_type_name(args[1]));
  if (s == OK) s = take_values(call, &j, args[2], &one, err);
  if (s == OK) s = job_do(call, &j, err);
  if (s == OK) *out = grid_records(call, &j.run.grid);
  job_release(&j);
  return s;
}

static value execute_record(struct primitive_call *call, const struct job *j) {
  struct dict *d = dict_new();
  struct list *each = list_new(j->run.count), *ids = list_new(j->run.count);
  int64_t changes = 0;
  for (size_t i = 0; i < j->run.count; i++) {
    const struct sql_statement *s = &j->run.statements[i];
    changes += s->changes;
    list_push(each, value_int(s->changes));
    list_push(ids, s->id ? value_int(s->id) : VALUE_NIL);
  }
  result_set(call, d, "changes", value_int(changes));
  result_set(call, d, "changed", value_list(each));
  result_set(call, d, "ids", value_list(ids));
  result_set(call, d, "rows", grid_records(call, &j->run.grid));
  return value_record(d);
}

static enum status execute(struct primitive_call *call, const value *args, value *out,
                           struct error *err) {
  struct job j = {.fn = sql_run_execute};
  enum status s = job_begin(call, &j, (value[]){args[0], args[3]}, args[5], args[6], err);
  j.run.schema = arg_text(call, args[2]);
  j.run.create = arg_true(args[4], arg_true(args[3], false));
  if (s == OK) s = take_statements(call, &j, args[1], err);
  if (s == OK) s = job_do(call, &j, err);
  if (s == OK) *out = execute_record(call, &j);
  job_release(&j);
  return s;
}

#define PARAM_DATABASE                                                                             \
  { "database", "string", "the path of a SQLite file" }
#define PARAM_STATE                                                                                \
  { "state", "boolean?", "the path is in the directory of embedded drivers" }
#define PARAM_WAIT                                                                                 \
  { "wait", "duration?", "for a lock that another program holds; 10 seconds unless said" }
#define PARAM_END                                                                                  \
  { NULL, NULL, NULL }

static const struct primitive_param query_params[] = {
    PARAM_DATABASE,
    {"text", "sql", "one statement that reads, written out, with ? or :name for each value"},
    {"values", "any?", "an array for ?, a hash for :name"},
    PARAM_STATE,
    {"max", "integer?", "rows; more of them fail; 10000 unless said"},
    {"missing", "boolean?", "what is not there yet has no rows; as `state` unless said"},
    PARAM_WAIT,
    PARAM_END};
static const struct primitive_param execute_params[] = {
    PARAM_DATABASE,
    {"statements", "statements", "an array of [text, values], all in one transaction"},
    {"schema", "sql?", "statements that make the tables where they are missing; run first"},
    PARAM_STATE,
    {"create", "boolean?", "make the database when it is missing; as `state` unless said"},
    {"max", "integer?", "rows that the last statement gives; 10000 unless said"},
    PARAM_WAIT,
    PARAM_END};

const struct primitive sql_query = {
    {"sql", "query", query_params, "array", EFFECT_READ,
     "The rows that one statement gives, as records; the database is opened to read only"},
    query};
const struct primitive sql_execute = {
    {"sql", "execute", execute_params, "record", EFFECT_WRITE,
     "Statements in one transaction: changes, changed, ids, and the rows of the last that gives some"},
    execute};
