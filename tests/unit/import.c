/* Imports into SQLite: what is staged, flagged, committed, counted, and undone. */
#include "../../runtime/primitives/import.h"
#include "../../runtime/primitives/sql.h"

#include <setjmp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A directory with a database and a file, and what was last said. */
struct room {
  char dir[32], database[64], file[64];
  struct import_spec spec;
  struct error err;
  struct grid grid;
};

static int set_up(void **state) {
  struct room *r = mem_zalloc(sizeof *r);
  snprintf(r->dir, sizeof r->dir, "/tmp/stepwise-import-XXXXXX");
  assert_non_null(mkdtemp(r->dir));
  snprintf(r->database, sizeof r->database, "%s/people.db", r->dir);
  snprintf(r->file, sizeof r->file, "%s/people.csv", r->dir);
  *state = r;
  return 0;
}

static int tear_down(void **state) {
  struct room *r = *state;
  static const char *const names[] = {"people.db", "people.csv", "people.db-journal",
                                      "people.db-t1.stage", "people.db-t2.stage"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[96];
    snprintf(path, sizeof path, "%s/%s", r->dir, names[i]);
    unlink(path);
  }
  assert_int_equal(rmdir(r->dir), 0); /* nothing else is left behind */
  import_spec_release(&r->spec);
  error_release(&r->err);
  grid_release(&r->grid);
  mem_free(r);
  return 0;
}

static void write_csv(struct room *r, const char *text) {
  FILE *f = fopen(r->file, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

/* name:converters or name:converters! (required) for each column, from "Name" to "name". */
static void make_spec(struct room *r, const char *id, const char *const *columns, size_t count) {
  import_spec_release(&r->spec);
  r->spec = (struct import_spec){.id = mem_strdup(id),
                                 .table = mem_strdup("people"),
                                 .path = mem_strdup(r->file),
                                 .create = true};
  r->spec.columns = mem_array(count, sizeof *r->spec.columns);
  for (size_t i = 0; i < count; i++) {
    struct import_column *c = &r->spec.columns[r->spec.column_count++];
    const char *colon = strchr(columns[i], ':');
    char *chain = mem_strdup(colon + 1), *mark = strchr(chain, '!');
    c->from = mem_dup(columns[i], (size_t)(colon - columns[i]));
    c->to = mem_strdup(c->from);
    c->required = mark != NULL;
    if (mark) *mark = '\0';
    assert_int_equal(import_column_chain(c, chain, &r->err), OK);
    mem_free(chain);
  }
}

static void add_key(struct room *r, size_t a, size_t b) {
  r->spec.keys[r->spec.key_count++] = (struct import_key){{a, b}, b == SIZE_MAX ? 1 : 2};
}

/* The grid as text: cells parted by |, rows by line ends. */
static const char *grid_text(struct room *r) {
  static char text[4000];
  struct buf out = BUF_INIT;
  for (size_t i = 0; i < r->grid.count; i++) {
    const struct grid_cell *c = &r->grid.cells[i];
    if (i) buf_addc(&out, i % r->grid.columns ? '|' : '\n');
    if (c->type == GRID_TEXT) buf_adds(&out, c->s);
    if (c->type == GRID_INTEGER) buf_addf(&out, "%lld", (long long)c->i);
    if (c->type == GRID_REAL) buf_addf(&out, "%g", c->r);
  }
  snprintf(text, sizeof text, "%s", buf_str(&out));
  buf_release(&out);
  return text;
}

/* A number of the state row. */
static int64_t number(struct room *r, const char *name) {
  for (size_t i = 0; i < r->grid.columns; i++)
    if (!strcmp(r->grid.names[i], name)) return r->grid.cells[i].i;
  fail_msg("no number %s", name);
  return 0;
}
static const char *word(struct room *r, const char *name) {
  for (size_t i = 0; i < r->grid.columns; i++)
    if (!strcmp(r->grid.names[i], name)) return r->grid.cells[i].s;
  return "";
}

static const char *query(struct room *r, const char *sql) {
  struct db db;
  sqlite3_stmt *st;
  struct error err = {0};
  grid_release(&r->grid);
  assert_int_equal(db_open(&db, r->database, DB_WRITE, &err), OK);
  if (db_prepare(&db, &err, &st, "%s", sql)) fail_msg("%s", err.message);
  bool row;
  int columns = sqlite3_column_count(st);
  for (int i = 0; i < columns; i++)
    grid_name(&r->grid, sqlite3_column_name(st, i));
  while (db_step(&db, st, &row, &err) == OK && row)
    for (int i = 0; i < columns; i++) {
      size_t len;
      const char *s = column_text(st, i, &len);
      grid_add_text(&r->grid, s, len);
    }
  sqlite3_finalize(st);
  db_close(&db);
  return grid_text(r);
}

static enum status said(struct room *r, enum status s) {
  if (s) print_message("# said: %s\n", r->err.message);
  return s;
}
#define EXPECT_OK(call)                                                                            \
  (error_release(&r->err), grid_release(&r->grid), assert_int_equal(said(r, call), OK))
#define EXPECT_ERROR(call, status, text)                                                           \
  do {                                                                                             \
    error_release(&r->err);                                                                        \
    grid_release(&r->grid);                                                                        \
    assert_int_equal(call, status);                                                                \
    if (!strstr(r->err.message, text)) print_error("said: %s\n", r->err.message);                  \
    assert_non_null(strstr(r->err.message, text));                                                 \
  } while (0)

static void stage_ok(struct room *r) {
  EXPECT_OK(import_stage(r->database, &r->spec, &r->grid, &r->err));
}
static void commit_ok(struct room *r, enum import_policy policy) {
  struct import_choice choice = {.policy = policy};
  EXPECT_OK(import_commit(r->database, r->spec.id, &choice, &r->grid, &r->err));
}
static bool stage_exists(struct room *r) {
  char path[96];
  snprintf(path, sizeof path, "%s-%s.stage", r->database, r->spec.id);
  return access(path, F_OK) == 0;
}

static const char *const person[] = {"name:squeeze!", "email:email", "phone:phone", "born:date"};
static const char dirty[] = "name,email,phone,born\n"
                            "Ana Lopez,ana@example.org,501-555-0101,3/14/1987\n"
                            "Bo,bo@example,501-555-0102,1990-01-02\n"
                            ",c@example.org,501-555-0103,1990-01-02\n"
                            "\n"
                            "Di,di@example.org,12,soon\n"
                            "ANA LOPEZ,Ana@Example.org,,1987-03-14\n"
                            "Ed,ed@example.org,501-555-0104\n"
                            "Flo,flo@example.org,(501) 555-0101,2000-10-10\n"
                            "Gus,gus@example.org,501-555-0105,2001-01-01\n";

static void make_dirty(struct room *r) {
  write_csv(r, dirty);
  make_spec(r, "t1", person, 4);
  add_key(r, 1, SIZE_MAX);
  add_key(r, 2, SIZE_MAX);
  add_key(r, 0, 3);
}

static void test_stage(void **state) {
  struct room *r = *state;
  make_dirty(r);
  stage_ok(r);
  assert_string_equal(word(r, "state"), "staged");
  assert_int_equal(number(r, "rows_read"), 8);
  assert_int_equal(number(r, "blank"), 1);
  assert_int_equal(number(r, "rejected"), 4);
  assert_int_equal(number(r, "staged"), 4);
  assert_int_equal(number(r, "problems"), 5);
  assert_int_equal(number(r, "flagged"), 2);
  EXPECT_OK(import_problems(r->database, "t1", 20, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "3|email|bo@example|has no dot in its domain|1\n"
                                    "4|name||is empty and required|1\n"
                                    "6|phone|12|has too few digits for a US phone number|1\n"
                                    "6|born|soon|is not a date|1\n"
                                    "8|||has fewer fields than the header|1");
  EXPECT_OK(import_preview(r->database, "t1", 2, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "2|Ana Lopez|ana@example.org|+15015550101|1987-03-14\n7|ANA "
                                    "LOPEZ|Ana@example.org||1987-03-14");
  EXPECT_OK(import_duplicates(r->database, "t1", 20, &r->grid, &r->err));
  assert_string_equal(grid_text(r),
                      "7|row 2|email|similar|Ana@example.org|ana@example.org\n"
                      "7|row 2|name + born|similar|ANA LOPEZ / 1987-03-14|Ana Lopez / 1987-03-14\n"
                      "9|row 2|phone|exact|+15015550101|+15015550101");
  assert_string_equal(query(r, "SELECT count(*) FROM sqlite_schema WHERE name = 'people'"), "0");
  assert_true(stage_exists(r));
  EXPECT_OK(import_discard(r->database, "t1", &r->grid, &r->err));
  assert_string_equal(word(r, "state"), "discarded");
  assert_false(stage_exists(r));
}

static void test_commit_and_roll_back(void **state) {
  struct room *r = *state;
  make_dirty(r);
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  assert_int_equal(number(r, "created"), 2);
  assert_int_equal(number(r, "skipped"), 2);
  assert_false(stage_exists(r));
  assert_string_equal(query(r, "SELECT name, phone, born FROM people ORDER BY id"),
                      "Ana Lopez|+15015550101|1987-03-14\nGus|+15015550105|2001-01-01");
  commit_ok(r, POLICY_KEEP_DUPLICATES); /* again: what it did stands */
  assert_int_equal(number(r, "created"), 2);
  assert_string_equal(query(r, "SELECT count(*) FROM people"), "2");
  EXPECT_OK(import_counts(r->database, "t1", &r->grid, &r->err));
  assert_int_equal(number(r, "balanced?"), 1);
  EXPECT_OK(import_spot_check(r->database, "t1", 10, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "2|2|1|\n10|10|1|");
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
  assert_int_equal(number(r, "removed"), 2);
  assert_string_equal(
      query(
          r,
          "SELECT count(*) FROM sqlite_schema WHERE name = 'people' OR name LIKE 'stepwise_undo%'"),
      "0");
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
  assert_int_equal(number(r, "removed"), 2);
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_CONFLICT,
               "is rolled_back");
}

static void make_table(struct room *r) {
  struct db db;
  assert_int_equal(db_open(&db, r->database, DB_CREATE, &r->err), OK);
  assert_int_equal(db_exec(&db, &r->err,
                           "CREATE TABLE people(key INTEGER PRIMARY KEY, name TEXT, email TEXT "
                           "UNIQUE, phone TEXT, born TEXT,"
                           " score REAL DEFAULT 1.5);"
                           "INSERT INTO people VALUES(7, 'Ana', 'ANA@example.org', NULL, NULL, 3),"
                           " (9, 'Zed', 'zed@example.org', NULL, x'00ff', NULL)"),
                   OK);
  db_close(&db);
}

static void test_update_target(void **state) {
  struct room *r = *state;
  make_dirty(r);
  make_table(r);
  stage_ok(r);
  assert_int_equal(number(r, "flagged"), 3);
  EXPECT_OK(import_duplicates(r->database, "t1", 1, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "2|people 7|email|similar|ana@example.org|ANA@example.org");
  commit_ok(r, POLICY_UPDATE_DUPLICATES);
  assert_int_equal(number(r, "created"), 1);
  assert_int_equal(number(r, "updated"), 1);
  /* rows 2, 7 and 9 all went into row 7, in order; blanks replaced nothing */
  assert_string_equal(
      query(r, "SELECT * FROM people ORDER BY key"),
      "7|Flo|flo@example.org|+15015550101|2000-10-10|3.0\n"
      "9|Zed|zed@example.org|||\n19|Gus|gus@example.org|+15015550105|2001-01-01|1.5");
  EXPECT_OK(import_counts(r->database, "t1", &r->grid, &r->err));
  assert_int_equal(number(r, "balanced?"), 1);
  EXPECT_OK(import_spot_check(r->database, "t1", 10, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "9|7|1|\n10|19|1|");
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
  assert_int_equal(number(r, "removed"), 1);
  assert_int_equal(number(r, "restored"), 1);
  assert_string_equal(
      query(r, "SELECT key, name, email, phone, quote(born), score FROM people ORDER BY key"),
      "7|Ana|ANA@example.org||NULL|3.0\n9|Zed|zed@example.org||X'00FF'|");
}

static void test_merge_in_file(void **state) {
  struct room *r = *state;
  static const char *const columns[] = {"name:squeeze!", "email:email", "phone:phone"};
  write_csv(r, "name,email,phone\nAna,ana@example.org,\nAna B,ANA@example.org,501-555-0101\n");
  make_spec(r, "t1", columns, 3);
  add_key(r, 1, SIZE_MAX);
  stage_ok(r);
  commit_ok(r, POLICY_UPDATE_DUPLICATES);
  assert_int_equal(number(r, "merged"), 1);
  assert_string_equal(query(r, "SELECT name, email, phone FROM people"),
                      "Ana B|ANA@example.org|+15015550101");
  EXPECT_OK(import_spot_check(r->database, "t1", 10, &r->grid, &r->err));
  assert_string_equal(grid_text(r), "2|2|1|");
  EXPECT_OK(import_counts(r->database, "t1", &r->grid, &r->err));
  assert_int_equal(number(r, "balanced?"), 1);
}

static void test_keep_rows(void **state) {
  struct room *r = *state;
  make_dirty(r);
  stage_ok(r);
  int64_t keep[] = {9};
  struct import_choice choice = {POLICY_SKIP_DUPLICATES, keep, 1};
  EXPECT_OK(import_commit(r->database, "t1", &choice, &r->grid, &r->err));
  assert_int_equal(number(r, "created"), 3);
  assert_int_equal(number(r, "skipped"), 1);
  assert_string_equal(query(r, "SELECT name FROM people ORDER BY id"), "Ana Lopez\nFlo\nGus");
}

static void test_changed_since(void **state) {
  struct room *r = *state;
  make_dirty(r);
  make_table(r);
  stage_ok(r);
  commit_ok(r, POLICY_UPDATE_DUPLICATES);
  query(r, "UPDATE people SET phone = 'x' WHERE key = 7");
  query(r, "INSERT INTO people(key, name) VALUES(12, 'somebody else'), (50, 'later')");
  EXPECT_ERROR(import_roll_back(r->database, "t1", false, &r->grid, &r->err), ERR_CONFLICT,
               "1 row of import t1 was changed since by somebody else, in table people: row 7");
  assert_string_equal(query(r, "SELECT count(*) FROM people"), "5");
  EXPECT_OK(import_roll_back(r->database, "t1", true, &r->grid, &r->err));
  assert_int_equal(number(r, "removed"), 1);
  assert_int_equal(number(r, "restored"), 0);
  assert_int_equal(number(r, "kept"), 1);
  assert_string_equal(query(r, "SELECT key, name, phone FROM people ORDER BY key"),
                      "7|Flo|x\n9|Zed|\n12|somebody else|\n50|later|");
}

static void test_removed_since(void **state) {
  struct room *r = *state;
  make_dirty(r);
  stage_ok(r);
  commit_ok(r, POLICY_KEEP_DUPLICATES);
  query(r, "DELETE FROM people WHERE id = 9");
  EXPECT_OK(import_counts(r->database, "t1", &r->grid, &r->err));
  assert_int_equal(number(r, "balanced?"), 0);
  assert_int_equal(number(r, "removed"), 1);
  EXPECT_ERROR(import_roll_back(r->database, "t1", false, &r->grid, &r->err), ERR_CONFLICT,
               "row 9 (removed)");
}

static void test_references(void **state) {
  struct room *r = *state;
  make_dirty(r);
  make_table(r);
  query(r, "CREATE TABLE calls(person REFERENCES people(key) ON DELETE CASCADE)");
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  query(r, "INSERT INTO calls VALUES(19)");
  EXPECT_ERROR(import_roll_back(r->database, "t1", false, &r->grid, &r->err), ERR_CONFLICT,
               "would change 1 rows of other tables");
  assert_string_equal(
      query(r, "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM calls)"), "3|1");
  query(r, "DELETE FROM calls");
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
}

static void test_constraint(void **state) {
  struct room *r = *state;
  write_csv(r, "name,email\nA,a@example.org\nB,zed@example.org\nC,c@example.org\n");
  make_spec(r, "t1", person, 2);
  make_table(r);
  stage_ok(r);
  struct import_choice choice = {.policy = POLICY_SKIP_DUPLICATES};
  EXPECT_ERROR(import_commit(r->database, "t1", &choice, &r->grid, &r->err), ERR_VALUE,
               "row 3: database");
  assert_non_null(strstr(r->err.message, "UNIQUE constraint failed: people.email"));
  assert_string_equal(query(r, "SELECT count(*) FROM people"), "2");
  EXPECT_OK(import_status(r->database, "t1", &r->grid, &r->err));
  assert_string_equal(word(r, "state"), "failed");
  assert_non_null(strstr(word(r, "message"), "UNIQUE"));
  EXPECT_ERROR(import_commit(r->database, "t1", &choice, &r->grid, &r->err), ERR_CONFLICT,
               "is failed");
  add_key(r, 1, SIZE_MAX); /* the correction: such rows are duplicates */
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  assert_int_equal(number(r, "created"), 2);
}

static void test_stale(void **state) {
  struct room *r = *state;
  make_dirty(r);
  make_table(r);
  stage_ok(r);
  query(r, "INSERT INTO people(name) VALUES('new')");
  struct import_choice choice = {.policy = POLICY_SKIP_DUPLICATES};
  EXPECT_ERROR(import_commit(r->database, "t1", &choice, &r->grid, &r->err), ERR_CONFLICT,
               "changed since import t1 was staged: it had 2 rows then and has 3 now");
  EXPECT_OK(import_status(r->database, "t1", &r->grid, &r->err));
  assert_string_equal(word(r, "state"), "staged");
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
}

static void test_cut_file(void **state) {
  struct room *r = *state;
  write_csv(r, "name,email\nA,bad\nB,b@example.org\nC,\"cut");
  make_spec(r, "t1", person, 2);
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE,
               "ends inside a quoted field in row 4");
  EXPECT_OK(import_status(r->database, "t1", &r->grid, &r->err));
  assert_string_equal(word(r, "state"), "failed");
  assert_non_null(strstr(word(r, "message"), "quoted field"));
  EXPECT_OK(import_problems(r->database, "t1", 20, &r->grid, &r->err)); /* the log up to there */
  assert_string_equal(grid_text(r), "2|email|bad|has no @|1");
  assert_false(stage_exists(r));
  write_csv(r, "name,email\nA,a@example.org\nB,b@example.org\nC,c@example.org");
  struct import_spec again;
  assert_int_equal(import_load_spec(r->database, "t1", &again, &r->err), OK);
  EXPECT_OK(import_stage(r->database, &again, &r->grid, &r->err));
  import_spec_release(&again);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  assert_int_equal(number(r, "created"), 3);
}

static void test_stop(void **state) {
  struct room *r = *state;
  struct import_choice choice = {.policy = POLICY_SKIP_DUPLICATES};
  make_dirty(r);
  stage_ok(r);
  EXPECT_OK(import_stop(r->database, "t1", "looks wrong", &r->grid, &r->err));
  assert_string_equal(word(r, "state"), "stopped");
  assert_string_equal(word(r, "message"), "looks wrong");
  EXPECT_ERROR(import_commit(r->database, "t1", &choice, &r->grid, &r->err), ERR_CONFLICT,
               "is stopped");
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  EXPECT_ERROR(import_stop(r->database, "t1", "late", &r->grid, &r->err), ERR_CONFLICT,
               "is committed");
  EXPECT_ERROR(import_discard(r->database, "t1", &r->grid, &r->err), ERR_CONFLICT, "is committed");
  EXPECT_OK(import_list(r->database, &r->grid, &r->err));
  assert_int_equal(grid_rows(&r->grid), 1);
}

/* Wrong from the start: the error says so, and neither a database nor a staging file is left. */
static void test_refused(void **state) {
  struct room *r = *state;
  static const char *const other[] = {"nmae:trim!", "email:email"};
  write_csv(r, "name,email\nA,a@example.org\n");
  make_spec(r, "t1", other, 2);
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE,
               "has no column \"nmae\", which the mapping requires");
  assert_string_equal(r->err.help, "did you mean \"name\"?");
  make_spec(r, "t1", person, 2);
  r->spec.create = false;
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_NOT_FOUND, "people.db");
  make_spec(r, "T 1", person, 2);
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE,
               "is no import id");
  EXPECT_ERROR(import_status(r->database, "t1", &r->grid, &r->err), ERR_NOT_FOUND, "people.db");
  assert_int_equal(access(r->database, F_OK), -1);
  make_table(r);
  make_spec(r, "t1", person, 2);
  mem_free(r->spec.columns[0].to);
  r->spec.columns[0].to = mem_strdup("nme");
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE,
               "table people has no column \"nme\"");
  assert_string_equal(r->err.help, "did you mean \"name\"?");
  mem_free(r->spec.columns[0].to);
  r->spec.columns[0].to = mem_strdup("key");
  EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE,
               "column key of people is the row number");
  EXPECT_ERROR(import_status(r->database, "t1", &r->grid, &r->err), ERR_NOT_FOUND,
               "knows no import \"t1\"");
}

static void test_target_kinds(void **state) {
  struct room *r = *state;
  write_csv(r, "name,email\nA,a@example.org\n");
  make_spec(r, "t1", person, 2);
  r->spec.create = false;
  make_table(r);
  query(r, "CREATE VIEW v AS SELECT * FROM people");
  query(r, "CREATE TABLE w(name TEXT PRIMARY KEY, email) WITHOUT ROWID");
  query(r, "CREATE TABLE n(name, email, must TEXT NOT NULL)");
  static const char *const cases[][2] = {{"v", "v is a view"},
                                         {"w", "is WITHOUT ROWID"},
                                         {"n", "column must of n must not be empty"},
                                         {"none", "has no table \"none\""},
                                         {"stepwise_import", "is a reserved table name"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mem_free(r->spec.table);
    r->spec.table = mem_strdup(cases[i][0]);
    EXPECT_ERROR(import_stage(r->database, &r->spec, &r->grid, &r->err), ERR_VALUE, cases[i][1]);
  }
}

/* Every row a duplicate of another, several keys, chains of matches: each row has one root. */
static void test_many_duplicates(void **state) {
  struct room *r = *state;
  struct buf text = BUF_INIT;
  buf_adds(&text, "name,email,phone,born\n");
  for (int i = 0; i < 3000; i++)
    buf_addf(&text, "N%d,p%d@example.org,501-555-%04d,2000-01-01\n", i, i / 2 % 700, i % 900);
  write_csv(r, text.data);
  buf_release(&text);
  make_spec(r, "t1", person, 4);
  add_key(r, 1, SIZE_MAX);
  add_key(r, 2, SIZE_MAX);
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  assert_int_equal(number(r, "created") + number(r, "skipped"), 3000);
  assert_string_equal(
      query(
          r,
          "SELECT count(*) - count(DISTINCT email), count(*) - count(DISTINCT phone) FROM people"),
      "0|0");
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
}

static void test_two_imports(void **state) {
  struct room *r = *state;
  make_dirty(r);
  stage_ok(r);
  commit_ok(r, POLICY_SKIP_DUPLICATES);
  write_csv(r, "name,email,phone,born\nGus 2,GUS@example.org,,\nNew,new@example.org,,\n");
  make_spec(r, "t2", person, 4);
  add_key(r, 1, SIZE_MAX);
  stage_ok(r);
  assert_int_equal(number(r, "flagged"), 1);
  commit_ok(r, POLICY_UPDATE_DUPLICATES);
  assert_int_equal(number(r, "updated"), 1);
  /* the first import's row was changed by the second: undo in the right order only */
  EXPECT_ERROR(import_roll_back(r->database, "t1", false, &r->grid, &r->err), ERR_CONFLICT,
               "changed since");
  EXPECT_OK(import_roll_back(r->database, "t2", false, &r->grid, &r->err));
  EXPECT_OK(import_roll_back(r->database, "t1", false, &r->grid, &r->err));
  assert_string_equal(query(r, "SELECT group_concat(state) FROM stepwise_import"),
                      "rolled_back,rolled_back");
}

int main(void) {
  cmocka_set_message_output(CM_OUTPUT_TAP);
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(test_stage),           TEST(test_commit_and_roll_back),
      TEST(test_update_target),   TEST(test_merge_in_file),
      TEST(test_keep_rows),       TEST(test_changed_since),
      TEST(test_removed_since),   TEST(test_references),
      TEST(test_constraint),      TEST(test_stale),
      TEST(test_cut_file),        TEST(test_stop),
      TEST(test_refused),         TEST(test_target_kinds),
      TEST(test_many_duplicates), TEST(test_two_imports),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
