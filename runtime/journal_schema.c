/* The journal's tables: making, checking and upgrading them.
 *
 * A new file is made in memory and put in its place whole by a rename that never replaces, so that
 * no process ever sees a half-made journal and a full disk leaves nothing behind. */
#include "journal_inner.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

/* Versions are never edited once released: a change is a new version. */
static const char *const versions[] = {
    /* 1 */
    "CREATE TABLE event(\n"
    "  seq INTEGER PRIMARY KEY,\n"
    "  time_us INTEGER NOT NULL,\n"
    "  run TEXT NOT NULL,\n"
    "  step TEXT NOT NULL,\n"
    "  kind TEXT NOT NULL,\n"
    "  actor TEXT NOT NULL,\n"
    "  data TEXT NOT NULL CHECK(json_valid(data)),\n"
    "  prev BLOB NOT NULL,\n"
    "  hash BLOB NOT NULL\n"
    ") STRICT;\n"
    "CREATE INDEX event_run ON event(run) WHERE run <> '';\n"
    "CREATE TABLE text(\n"
    "  id INTEGER PRIMARY KEY,\n"
    "  sha256 TEXT NOT NULL UNIQUE,\n"
    "  body BLOB NOT NULL\n"
    ") STRICT;\n"
    "CREATE TABLE run(\n"
    "  first_seq INTEGER PRIMARY KEY,\n"
    "  run TEXT NOT NULL UNIQUE,\n"
    "  runbook TEXT NOT NULL,\n"
    "  actor TEXT NOT NULL,\n"
    "  state TEXT NOT NULL,\n"
    "  started_us INTEGER NOT NULL,\n"
    "  changed_us INTEGER NOT NULL,\n"
    "  last_seq INTEGER NOT NULL\n"
    ") STRICT;\n"
    "CREATE TRIGGER event_no_update BEFORE UPDATE ON event\n"
    "BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;\n"
    "CREATE TRIGGER event_no_delete BEFORE DELETE ON event\n"
    "BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;\n"
    "CREATE TRIGGER text_no_update BEFORE UPDATE ON text\n"
    "BEGIN SELECT RAISE(ABORT, 'texts are never changed'); END;\n"
    "CREATE TRIGGER text_no_delete BEFORE DELETE ON text\n"
    "BEGIN SELECT RAISE(ABORT, 'texts are never deleted'); END;\n",
    /* 2: what a run locks; listings that need not look at every run or event */
    "ALTER TABLE run RENAME TO run_1;\n"
    "CREATE TABLE run(\n"
    "  first_seq INTEGER PRIMARY KEY,\n"
    "  run TEXT NOT NULL UNIQUE,\n"
    "  runbook TEXT NOT NULL,\n"
    "  actor TEXT NOT NULL,\n"
    "  state TEXT NOT NULL,\n"
    "  started_us INTEGER NOT NULL,\n"
    "  changed_us INTEGER NOT NULL,\n"
    "  last_seq INTEGER NOT NULL,\n"
    "  lock TEXT NOT NULL\n"
    ") STRICT;\n"
    "INSERT INTO run SELECT r.*, coalesce(" LOCK_OF(
        "e.data") ", '')"
                  "  FROM run_1 r LEFT JOIN event e ON e.seq = r.first_seq;\n"
                  "DROP TABLE run_1;\n"
                  "CREATE INDEX run_state ON run(state);\n"
                  "CREATE INDEX run_runbook ON run(runbook);\n"
                  "CREATE INDEX run_open ON run(lock) WHERE " RUN_OPEN ";\n"
                  "CREATE INDEX event_own ON event(kind) WHERE run = '';\n",
};
_Static_assert(sizeof versions / sizeof *versions == JOURNAL_VERSION, "one SQL text per version");

const struct schema journal_schema = {versions, JOURNAL_VERSION};

static enum status run_versions(struct journal *j, const struct schema *s, int from,
                                struct error *err) {
  enum status status = OK;
  for (int v = from; v < s->count && status == OK; v++)
    status = journal_exec(j, s->version[v], err);
  if (status != OK) return status;
  struct buf sql = BUF_INIT;
  buf_addf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d", JOURNAL_APPLICATION_ID,
           s->count);
  status = journal_exec(j, buf_str(&sql), err);
  buf_release(&sql);
  return status;
}

/* The event that every file begins with, or that says it was upgraded. */
static enum status record_version(struct journal *j, int64_t from, int to, struct error *err) {
  struct buf data = BUF_INIT;
  if (from == 0) {
    uint8_t origin[16];
    char hex[2 * sizeof origin + 1];
    random_bytes(origin, sizeof origin);
    hex_write(origin, sizeof origin, hex);
    buf_addf(&data, "{\"origin\":\"%s\",\"stepwise\":\"%s\"}", hex, STEPWISE_VERSION);
  } else {
    buf_addf(&data, "{\"from\":%d,\"to\":%d,\"stepwise\":\"%s\"}", (int)from, to, STEPWISE_VERSION);
  }
  struct event e = {.kind = from ? EVENT_NAME(JOURNAL_MIGRATED) : EVENT_NAME(JOURNAL_CREATED),
                    .data = data.data,
                    .data_len = data.len};
  enum status status = journal_append(j, &e, err);
  buf_release(&data);
  return status;
}

enum status schema_upgrade(struct journal *j, const struct schema *s, struct error *err) {
  int64_t from = 0;
  enum status status = journal_exec(j, "BEGIN EXCLUSIVE", err);
  if (status != OK) return status;
  j->open = true;
  /* Read again under the lock: another process may have done it meanwhile. */
  status = journal_integer(j, "PRAGMA user_version", &from, err);
  if (status == OK && from >= s->count) {
    journal_rollback(j);
    return OK;
  }
  if (status == OK) status = run_versions(j, s, (int)from, err);
  if (status == OK) status = journal_head(j, err);
  if (status == OK) status = record_version(j, from, s->count, err);
  if (status == OK) return journal_commit(j, err);
  journal_rollback(j);
  return status;
}

static enum status refuse_foreign(struct journal *j, int64_t id, struct error *err) {
  error_set(err, ERR_JOURNAL,
            "%s is not a journal: it is a database of another application (id %lld)", j->path,
            (long long)id);
  error_help(err, "give the path of a journal, or of a file that does not exist yet");
  return ERR_JOURNAL;
}

static enum status refuse_version(struct journal *j, int64_t version, struct error *err) {
  error_set(err, ERR_JOURNAL,
            "%s is newer than this program: its schema is version %lld, we know 1 to %d", j->path,
            (long long)version, JOURNAL_VERSION);
  error_help(err, "upgrade stepwise (this is " STEPWISE_VERSION "), or use another journal");
  return ERR_JOURNAL;
}

/* A file of no bytes (`mktemp`, `touch`) becomes a journal in place; SQLite's locks see to it that
 * one process makes it. */
static enum status fill_empty(struct journal *j, struct error *err) {
  enum status status = schema_upgrade(j, &journal_schema, err);
  if (status != OK) return status;
  return journal_exec(j, "PRAGMA journal_mode = WAL", err);
}

enum status schema_check(struct journal *j, struct error *err) {
  int64_t id = 0, version = 0, pages = 0;
  enum status status = journal_integer(j, "PRAGMA application_id", &id, err);
  if (status == OK) status = journal_integer(j, "PRAGMA user_version", &version, err);
  if (status != OK) return status;
  j->version = JOURNAL_VERSION;
  if (id == JOURNAL_APPLICATION_ID) {
    if (version == JOURNAL_VERSION) return OK;
    if (version > JOURNAL_VERSION || version < 1) return refuse_version(j, version, err);
    if (j->mode == JOURNAL_WRITE) return schema_upgrade(j, &journal_schema, err);
    j->version = (int)version;
    return OK;
  }
  if (id != 0 || version != 0) return refuse_foreign(j, id, err);
  status = journal_integer(j, "PRAGMA page_count", &pages, err);
  if (status != OK) return status;
  if (pages > 0) return refuse_foreign(j, id, err);
  if (j->mode == JOURNAL_WRITE) return fill_empty(j, err);
  error_set(err, ERR_JOURNAL, "%s is not a journal yet: it is empty", j->path);
  error_help(err, "the first run recorded in it makes it one");
  return ERR_JOURNAL;
}

/* A whole new journal as the bytes of its file. */
static enum status make_image(struct journal *j, struct buf *image, struct error *err) {
  struct journal m = {.path = j->path, .mode = JOURNAL_WRITE};
  enum status status = journal_connect(&m, ":memory:", SQLITE_OPEN_READWRITE, NULL, err);
  if (status == OK) status = schema_upgrade(&m, &journal_schema, err);
  if (status == OK) {
    sqlite3_int64 size = 0;
    unsigned char *bytes = sqlite3_serialize(m.db, "main", &size, 0);
    if (!bytes) mem_out();
    bytes[18] = bytes[19] = 2; /* the header's read and write versions: WAL */
    buf_add(image, bytes, (size_t)size);
    sqlite3_free(bytes);
  }
  m.path = NULL;
  for (int i = 0; i < ST_COUNT; i++)
    sqlite3_finalize(m.kept[i]);
  sqlite3_close(m.db);
  mem_free(m.actor);
  return status;
}

static int write_all(int fd, const char *p, size_t len) {
  while (len) {
    ssize_t n = write(fd, p, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    p += n;
    len -= (size_t)n;
  }
  return fsync(fd) == 0 ? 0 : errno;
}

enum status schema_create(struct journal *j, struct error *err) {
  struct buf image = BUF_INIT, name = BUF_INIT;
  enum status status = make_image(j, &image, err);
  if (status != OK) goto out;
  uint8_t salt[8];
  char hex[2 * sizeof salt + 1];
  random_bytes(salt, sizeof salt);
  hex_write(salt, sizeof salt, hex);
  buf_addf(&name, "%s.new-%s", j->path, hex);
  int fd = open(buf_str(&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) {
    status = journal_fail_errno(j->path, "make it", errno, err);
    goto out;
  }
  int why = write_all(fd, image.data, image.len);
  close(fd);
  if (why) unlink(buf_str(&name));
  if (!why) why = file_place(buf_str(&name), j->path);
  if (why) status = journal_fail_errno(j->path, "make it", why, err);
out:
  buf_release(&image);
  buf_release(&name);
  return status;
}

/* Objects of one side that the other side lacks or has otherwise. Statistics are SQLite's own. */
#define OBJECTS(schema)                                                                            \
  "SELECT type, name, sql FROM " schema ".sqlite_schema WHERE name NOT LIKE 'sqlite!_stat%' "      \
  "ESCAPE '!'"

static enum status compare_rows(struct journal *j, struct sqlite3_stmt *s, struct buf *problem,
                                struct error *err) {
  int rc;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
    const char *type = (const char *)sqlite3_column_text(s, 0);
    const char *name = (const char *)sqlite3_column_text(s, 1);
    const char *how = (const char *)sqlite3_column_text(s, 2);
    buf_addf(problem, "schema: %s %s %s\n", type ? type : "?", name ? name : "?", how);
  }
  return rc == SQLITE_DONE ? OK : journal_fail(j, rc, err);
}

/* Fills a table of the in-memory database m with what the file's sqlite_schema says. */
static enum status copy_objects(struct journal *j, struct journal *m, struct error *err) {
  struct sqlite3_stmt *from = NULL, *to = NULL;
  int rc = sqlite3_prepare_v2(j->db, OBJECTS("main"), -1, &from, NULL);
  if (rc == SQLITE_OK)
    rc = sqlite3_prepare_v2(m->db, "INSERT INTO temp.theirs VALUES(?1, ?2, ?3)", -1, &to, NULL);
  while (rc == SQLITE_OK && (rc = sqlite3_step(from)) == SQLITE_ROW) {
    for (int i = 0; i < 3; i++)
      sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
    sqlite3_step(to);
    rc = sqlite3_reset(to);
  }
  enum status status = rc == SQLITE_DONE ? OK : journal_fail(j, rc, err);
  sqlite3_finalize(from);
  sqlite3_finalize(to);
  return status;
}

/* SQLite counts the changes of a schema. A journal has as many as its versions made; a copy made by
 * `.backup` begins anew, with one; VACUUM adds one. */
static enum status is_altered(struct journal *j, struct journal *m, bool *altered,
                              struct error *err) {
  int64_t ours = 0, theirs = 0;
  enum status status = journal_integer(m, "PRAGMA main.schema_version", &ours, err);
  if (status == OK) status = journal_integer(j, "PRAGMA main.schema_version", &theirs, err);
  *altered = theirs != ours && theirs != ours + 1 && theirs != 1;
  return status;
}

enum status schema_compare(struct journal *j, int version, struct buf *problem, bool *altered,
                           struct error *err) {
  static const char differences[] =
      "SELECT o.type, o.name, CASE WHEN t.name IS NULL THEN 'is missing' ELSE 'was changed' END"
      " FROM (" OBJECTS("main") ") o LEFT JOIN temp.theirs t USING (type, name)"
                                " WHERE t.name IS NULL OR t.sql IS NOT o.sql UNION ALL"
                                " SELECT type, name, 'is no part of a journal' FROM temp.theirs"
                                " WHERE (type, name) NOT IN (SELECT type, name FROM "
                                "main.sqlite_schema) ORDER BY 1, 2";
  struct journal m = {.path = j->path, .mode = JOURNAL_WRITE};
  struct sqlite3_stmt *s = NULL;
  enum status status = journal_connect(&m, ":memory:", SQLITE_OPEN_READWRITE, NULL, err);
  struct schema of_then = {journal_schema.version, version};
  if (status == OK) status = run_versions(&m, &of_then, 0, err);
  if (status == OK) status = is_altered(j, &m, altered, err);
  if (status == OK) status = journal_exec(&m, "CREATE TABLE temp.theirs(type, name, sql)", err);
  if (status == OK) status = copy_objects(j, &m, err);
  if (status == OK && sqlite3_prepare_v2(m.db, differences, -1, &s, NULL) != SQLITE_OK)
    status = journal_fail(&m, sqlite3_errcode(m.db), err);
  if (status == OK) status = compare_rows(&m, s, problem, err);
  sqlite3_finalize(s);
  sqlite3_close(m.db);
  return status;
}
