/* What the journal's own files share. Nobody else includes this, but its tests. */
#ifndef STEPWISE_JOURNAL_INNER_H
#define STEPWISE_JOURNAL_INNER_H

#include "digest.h"
#include "journal.h"

struct sqlite3;
struct sqlite3_stmt;

/* STMT(id, sql): statements that are prepared at first use and kept. */
#define STATEMENTS(STMT)                                                                           \
  STMT(BEGIN, "BEGIN IMMEDIATE")                                                                   \
  STMT(COMMIT, "COMMIT")                                                                           \
  STMT(ROLLBACK, "ROLLBACK")                                                                       \
  STMT(VERSION, "PRAGMA user_version")                                                             \
  STMT(DATA_VERSION, "PRAGMA data_version")                                                        \
  STMT(HEAD, "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")                              \
  STMT(APPEND, "INSERT INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                     \
  STMT(RUN_HAS, "SELECT 1 FROM run WHERE run = ?1")                                                \
  STMT(RUN_START, "INSERT INTO run VALUES(?1, ?2, " RUNBOOK_OF(                                    \
                      "?3") ", ?4, ?5, ?6, ?6, ?1, " LOCK_OF("?3") ")")                            \
  STMT(RUN_SET, "UPDATE run SET state = ?1, changed_us = ?2, last_seq = ?3 WHERE run = ?4")        \
  STMT(RUN_LAST, "SELECT run FROM run WHERE NOT EXISTS (SELECT 1 FROM event WHERE seq = first_seq" \
                 " AND CASE WHEN json_valid(data) THEN json_extract(data, '$.options.page_and_go') END)"    \
                 " ORDER BY first_seq DESC LIMIT 1")                                               \
  STMT(RUN_PREFIX, "SELECT run FROM run WHERE run >= ?1 AND run < ?2 ORDER BY run LIMIT 2")        \
  STMT(TEXT_HAS, "SELECT 1 FROM text WHERE sha256 = ?1")                                           \
  STMT(TEXT_PUT, "INSERT INTO text(sha256, body) VALUES(?1, ?2) ON CONFLICT DO NOTHING")           \
  STMT(TEXT_GET, "SELECT body FROM text WHERE sha256 = ?1")

/* The run table's runbook and lock: run.started's field when it is a string, else "". */
#define TEXT_OF(data, field)                                                                       \
  "CASE json_type(" data ", '$." field "') WHEN 'text' THEN json_extract(" data ", '$." field      \
  "') ELSE '' END"
#define RUNBOOK_OF(data) TEXT_OF(data, "runbook")
#define LOCK_OF(data) TEXT_OF(data, "lock")

/* The states that are no end. An index has exactly this condition, so queries must have it too. */
#define RUN_OPEN "state IN ('running', 'waiting', 'held', 'in_doubt', 'rolling_back')"

enum statement {
#define STMT(id, sql) ST_##id,
  STATEMENTS(STMT)
#undef STMT
      ST_COUNT
};

enum { JOURNAL_PATIENCE_MS = 10000 }; /* how long a process waits for others that write */

struct journal {
  struct sqlite3 *db;
  char *path;
  enum journal_mode mode;
  int version;      /* of the schema, when it was opened; an older one can be read */
  bool immutable;   /* read without locks: the medium cannot be written */
  int64_t stamp;    /* size and times of the file when it was opened so */
  const char *note; /* journal_note */
  bool open;        /* a transaction is */
  int64_t head_seq; /* valid in a transaction */
  uint8_t head_hash[SHA256_SIZE];
  uint64_t commits;
  int64_t data_version;
  int patience_ms;
  char *actor; /* owned; NULL until asked for */
  struct sqlite3_stmt *kept[ST_COUNT];
};

/* journal.c: a kept statement, ready to bind; NULL with err filled. */
struct sqlite3_stmt *journal_statement(struct journal *j, enum statement id, struct error *err);
/* Steps a kept statement that gives at most one row; OK sets *row to whether there was one. The
 * caller resets it. */
enum status journal_step(struct journal *j, struct sqlite3_stmt *s, bool *row,
                         struct error *err) must_use;
enum status journal_exec(struct journal *j, const char *sql, struct error *err) must_use;
enum status journal_integer(struct journal *j, const char *sql, int64_t *out,
                            struct error *err) must_use;
/* Opens the connection of j->path and sets it up, without looking at what is in it. */
enum status journal_connect(struct journal *j, const char *uri, int flags, const char *vfs,
                            struct error *err) must_use;
enum status journal_head(struct journal *j, struct error *err) must_use;

/* Refuses what was read without locks while a writer changed the file. */
enum status journal_unchanged(struct journal *j, struct error *err) must_use;

/* journal_error.c: says what an SQLite result code means for j. Always ERR_JOURNAL. */
enum status journal_fail(const struct journal *j, int rc, struct error *err);
/* The same for an errno of a file operation: "PATH: cannot VERB: reason". */
enum status journal_fail_errno(const char *path, const char *verb, int why, struct error *err);
enum status journal_fail_readonly(const char *path, struct error *err);

/* journal_schema.c */
#define JOURNAL_APPLICATION_ID 0x53574A4C /* "SWJL" */
#define JOURNAL_VERSION 2
struct schema {
  const char *const *version; /* SQL that leads from version i to i + 1 */
  int count;
};
extern const struct schema journal_schema;
/* Brings the open file to the schema's last version, in one transaction, with its event; a file
 * without any table gets all of it. Nothing to do is OK. */
enum status schema_upgrade(struct journal *j, const struct schema *s, struct error *err) must_use;
/* Refuses other applications' databases and newer versions; upgrades older ones when writing. */
enum status schema_check(struct journal *j, struct error *err) must_use;
/* Makes the file of j->path, whole or not at all; OK as well when another process was quicker. */
enum status schema_create(struct journal *j, struct error *err) must_use;
/* Compares the file's objects with what the schema of that version makes; a line into problem for
 * each difference. *altered: they were changed at some time, even if they are back. */
enum status schema_compare(struct journal *j, int version, struct buf *problem, bool *altered,
                           struct error *err) must_use;

/* journal_chain.c: the bytes that are hashed. docs/journal.md states them. */
struct piece {
  const void *p;
  uint32_t len;
};
enum { PIECE_RUN, PIECE_STEP, PIECE_KIND, PIECE_ACTOR, PIECE_DATA, PIECES };
struct link_fields {
  int64_t seq, time_us;
  const uint8_t *prev; /* 32 bytes */
  struct piece piece[PIECES];
};
extern const uint8_t chain_genesis[SHA256_SIZE];
void chain_hash(const struct link_fields *f, uint8_t out[SHA256_SIZE]);

#endif
