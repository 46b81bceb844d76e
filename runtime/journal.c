/* The journal's file: opening, appending, committing, texts.
 *
 * The hard part is sharing: the head of the chain is read again inside every transaction, because
 * another process may have appended since the last one. */
#include "journal_inner.h"
#include "journal_memory.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>


const struct event_kind_info event_kinds[EVENT_KINDS] = {
#define EVENT(id, kind, state, fields) {kind, state, fields},
#include "event.def"
#undef EVENT
};

static const char *const state_names[RUN_STATES] = {
    [RUN_NONE] = "",
    [RUN_RUNNING] = "running",
    [RUN_WAITING] = "waiting",
    [RUN_HELD] = "held",
    [RUN_IN_DOUBT] = "in_doubt",
    [RUN_ROLLING_BACK] = "rolling_back",
    [RUN_SUCCEEDED] = "succeeded",
    [RUN_FAILED] = "failed",
    [RUN_CANCELLED] = "cancelled",
    [RUN_ROLLED_BACK] = "rolled_back",
    [RUN_ROLLBACK_INCOMPLETE] = "rollback_incomplete",
};

const char *run_state_name(enum run_state s) {
  return state_names[s];
}

enum run_state run_state_find(const char *name) {
  for (int s = RUN_RUNNING; s < RUN_STATES; s++)
    if (strcmp(state_names[s], name) == 0) return (enum run_state)s;
  return RUN_NONE;
}

const struct event_kind_info *event_kind_find(const char *name) {
  for (const struct event_kind_info *k = event_kinds; k < event_kinds + EVENT_KINDS; k++)
    if (k->name == name || strcmp(k->name, name) == 0) return k;
  return NULL;
}

int64_t journal_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Statements. */

struct sqlite3_stmt *journal_statement(struct journal *j, enum statement id, struct error *err) {
  static const char *const text[ST_COUNT] = {
#define STMT(name, sql) sql,
      STATEMENTS(STMT)
#undef STMT
  };
  if (j->kept[id]) return j->kept[id];
  int rc = sqlite3_prepare_v3(j->db, text[id], -1, SQLITE_PREPARE_PERSISTENT, &j->kept[id], NULL);
  if (rc != SQLITE_OK) journal_fail(j, rc, err);
  return j->kept[id];
}

enum status journal_step(struct journal *j, struct sqlite3_stmt *s, bool *row, struct error *err) {
  int rc = sqlite3_step(s);
  *row = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) return OK;
  journal_fail(j, rc, err);
  sqlite3_reset(s);
  return ERR_JOURNAL;
}

/* Runs a kept statement that takes and gives nothing. */
static enum status run_kept(struct journal *j, enum statement id, struct error *err) {
  bool row;
  struct sqlite3_stmt *s = journal_statement(j, id, err);
  if (!s) return ERR_JOURNAL;
  enum status status = journal_step(j, s, &row, err);
  if (status == OK) sqlite3_reset(s);
  return status;
}

enum status journal_exec(struct journal *j, const char *sql, struct error *err) {
  int rc = sqlite3_exec(j->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? OK : journal_fail(j, rc, err);
}

enum status journal_integer(struct journal *j, const char *sql, int64_t *out, struct error *err) {
  bool row = false;
  struct sqlite3_stmt *s = NULL;
  int rc = sqlite3_prepare_v2(j->db, sql, -1, &s, NULL);
  if (rc != SQLITE_OK) return journal_fail(j, rc, err);
  enum status status = journal_step(j, s, &row, err);
  if (status == OK) *out = row ? sqlite3_column_int64(s, 0) : 0;
  sqlite3_finalize(s);
  return status;
}

/* Opening. */

enum status journal_connect(struct journal *j, const char *uri, int flags, const char *vfs,
                            struct error *err) {
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite_memory();
  int rc = sqlite3_open_v2(uri, &j->db, flags, vfs);
  if (rc != SQLITE_OK) return journal_fail(j, rc, err);
  journal_set_patience(j, JOURNAL_PATIENCE_MS);
  return OK;
}

/* SQLite reads names that begin with "file:" or ":" in its own way; a path never does. */
static char *plain_path(const char *path) {
  struct buf b = BUF_INIT;
  if (path[0] != '/') buf_adds(&b, "./");
  buf_adds(&b, path);
  return buf_take(&b);
}

/* The path as a URI. how: `immutable` says that the file cannot change, so that no lock and no -shm
 * is needed; `readonly_shm`, that an -shm which is there is used and not written. */
static char *uri_of(const char *path, const char *how) {
  struct buf b = BUF_INIT;
  buf_adds(&b, path[0] == '/' ? "file:" : "file:./");
  for (; *path; path++) {
    if (strchr("?#%", *path)) buf_addf(&b, "%%%02X", (unsigned char)*path);
    else buf_addc(&b, *path);
  }
  buf_addf(&b, "?%s=1", how);
  return buf_take(&b);
}

static enum status open_for_writing(struct journal *j, struct error *err) {
  char *name = plain_path(j->path);
  enum status status = journal_connect(j, name, SQLITE_OPEN_READWRITE, NULL, err);
  mem_free(name);
  if (status != OK) return status;
  if (sqlite3_db_readonly(j->db, "main") == 1) return journal_fail_readonly(j->path, err);
  return journal_exec(j, "PRAGMA synchronous = FULL", err);
}

static bool can_write_beside(const char *path) {
  const char *slash = strrchr(path, '/');
  char *dir = slash ? mem_dup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
  bool can = access(path, W_OK) == 0 && access(dir, W_OK) == 0;
  mem_free(dir);
  return can;
}

/* Size of the file beside the journal, -1 when there is none that can be read. */
static int64_t size_beside(const char *path, const char *suffix) {
  struct stat st;
  struct buf b = BUF_INIT;
  buf_addf(&b, "%s%s", path, suffix);
  bool there = stat(buf_str(&b), &st) == 0 && access(buf_str(&b), R_OK) == 0;
  buf_release(&b);
  return there ? (int64_t)st.st_size : -1;
}

static int64_t file_stamp(const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return -1;
  return st.st_size ^ (int64_t)st.st_mtim.tv_sec * 1000000000 ^ st.st_mtim.tv_nsec;
}

enum status journal_unchanged(struct journal *j, struct error *err) {
  if (!j->immutable || file_stamp(j->path) == j->stamp) return OK;
  error_set(err, ERR_JOURNAL, "%s was changed by a writer while it was read without locks",
            j->path);
  error_help(err, "try again");
  return ERR_JOURNAL;
}

/* A reader works together with writers through SQLite's -wal and -shm. Where it may not write
 * those, what is there decides: an -shm is used as it is; a -wal alone is read into memory; without
 * either the file is all there is. */
static enum status open_for_reading(struct journal *j, struct error *err) {
  bool writable = j->mode != JOURNAL_LOOK && can_write_beside(j->path);
  int64_t wal = size_beside(j->path, "-wal"), shm = size_beside(j->path, "-shm");
  int flags = writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const char *vfs = NULL;
  bool alone = !writable && wal > 0 && shm < 0;
  j->immutable = !writable && wal <= 0;
  if (alone) {
    vfs = "unix-none"; /* no locks: nobody can write here */
    j->note = "read-only; its -wal file was read too";
  }
  bool look = j->mode == JOURNAL_LOOK && !alone && !j->immutable;
  if (j->immutable || look) flags |= SQLITE_OPEN_URI;
  if (j->immutable) {
    j->stamp = file_stamp(j->path);
    j->note = "read-only and without a -wal file: read as it lies, without locks";
  }
  char *name = j->immutable ? uri_of(j->path, "immutable")
               : look       ? uri_of(j->path, "readonly_shm")
                            : plain_path(j->path);
  enum status status = journal_connect(j, name, flags, vfs, err);
  mem_free(name);
  if (status != OK) return status;
  if (alone) status = journal_exec(j, "PRAGMA locking_mode = EXCLUSIVE", err);
  /* A -wal that was there before us stays as it is: reading changes nothing. */
  if (wal > 0) sqlite3_db_config(j->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  return status;
}

static enum status missing(struct journal *j, struct error *err) {
  if (j->mode == JOURNAL_WRITE) return schema_create(j, err);
  error_set(err, ERR_JOURNAL, "there is no journal %s", j->path);
  error_help(err, "give another with --journal PATH; `stepwise run` makes it with its first run");
  return ERR_JOURNAL;
}

/* An empty journal in memory, for JOURNAL_LOOK where there is no file. */
static enum status open_nothing(struct journal *j, struct error *err) {
  enum status status = journal_connect(j, ":memory:", SQLITE_OPEN_READWRITE, NULL, err);
  return status == OK ? schema_upgrade(j, &journal_schema, err) : status;
}

/* What stat tells before SQLite is asked: its own words for these are poor. */
static enum status look_at_file(struct journal *j, struct error *err) {
  struct stat st;
  if (stat(j->path, &st) != 0) {
    if (errno == ENOENT) return missing(j, err);
    return journal_fail_errno(j->path, "open it", errno, err);
  }
  if (S_ISREG(st.st_mode)) {
    if (access(j->path, R_OK) == 0) return OK;
    return journal_fail_errno(j->path, "read it", errno, err);
  }
  error_set(err, ERR_JOURNAL, "%s is not a journal: it is %s", j->path,
            S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
  error_help(err, "name a file%s%s", S_ISDIR(st.st_mode) ? " in it, as in --journal " : "",
             S_ISDIR(st.st_mode) ? "DIRECTORY/journal.db" : "");
  return ERR_JOURNAL;
}

enum status journal_open(struct journal **out, const char *path, enum journal_mode mode,
                         struct error *err) {
  if (!*path) return error_set(err, ERR_JOURNAL, "the journal's path is empty");
  struct journal *j = mem_zalloc(sizeof *j);
  j->path = mem_strdup(path);
  j->mode = mode;
  j->note = "";
  j->data_version = -1;
  /* A file size limit is a full disk to us: an error to report, not a signal to die of. */
  if (mode == JOURNAL_WRITE) signal(SIGXFSZ, SIG_IGN);
  bool nothing = mode == JOURNAL_LOOK && access(path, F_OK) != 0 && errno == ENOENT;
  enum status status = nothing ? open_nothing(j, err) : look_at_file(j, err);
  if (status == OK && !nothing)
    status = mode == JOURNAL_WRITE ? open_for_writing(j, err) : open_for_reading(j, err);
  if (status == OK) status = schema_check(j, err);
  if (status == OK) *out = j;
  else journal_close(j);
  return status;
}

void journal_close(struct journal *j) {
  if (!j) return;
  journal_rollback(j);
  for (int i = 0; i < ST_COUNT; i++)
    sqlite3_finalize(j->kept[i]);
  sqlite3_close(j->db);
  mem_free(j->path);
  mem_free(j->actor);
  mem_free(j);
}

void journal_set_patience(struct journal *j, int ms) {
  j->patience_ms = ms;
  sqlite3_busy_timeout(j->db, ms);
}

const char *journal_file(const struct journal *j) {
  return j->path;
}

const char *journal_note(const struct journal *j) {
  return j->note;
}

/* Transactions. */

enum status journal_head(struct journal *j, struct error *err) {
  bool row = false;
  struct sqlite3_stmt *s = journal_statement(j, ST_HEAD, err);
  if (!s) return ERR_JOURNAL;
  enum status status = journal_step(j, s, &row, err);
  if (status != OK) return status;
  j->head_seq = 0;
  memcpy(j->head_hash, chain_genesis, SHA256_SIZE);
  if (row && sqlite3_column_bytes(s, 1) == SHA256_SIZE) {
    j->head_seq = sqlite3_column_int64(s, 0);
    memcpy(j->head_hash, sqlite3_column_blob(s, 1), SHA256_SIZE);
  }
  bool bad = row && j->head_seq == 0;
  sqlite3_reset(s);
  if (!bad) return OK;
  error_set(err, ERR_JOURNAL, "%s is damaged: its last event has no hash", j->path);
  error_help(err, "`stepwise journal verify --journal %s` says what is wrong; go on with a new journal",
             j->path);
  return ERR_JOURNAL;
}

/* The file must still be the one at its path: events written to a deleted file are lost. */
static enum status still_there(struct journal *j, struct error *err) {
  int moved = 0;
  sqlite3_file_control(j->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (!moved) return OK;
  error_set(err, ERR_JOURNAL, "%s was moved or deleted while in use", j->path);
  error_help(err, "put it back, or start again with another journal");
  return ERR_JOURNAL;
}

/* Another process may be a newer stepwise that upgraded the file since we opened it. */
static enum status still_ours(struct journal *j, struct error *err) {
  bool row = false;
  struct sqlite3_stmt *s = journal_statement(j, ST_VERSION, err);
  if (!s) return ERR_JOURNAL;
  enum status status = journal_step(j, s, &row, err);
  if (status != OK) return status;
  int version = row ? sqlite3_column_int(s, 0) : 0;
  sqlite3_reset(s);
  if (version == JOURNAL_VERSION) return OK;
  error_set(err, ERR_JOURNAL, "%s was upgraded by a newer stepwise while in use", j->path);
  error_help(err, "upgrade this one (" STEPWISE_VERSION "), then go on");
  return ERR_JOURNAL;
}

static enum status begin(struct journal *j, struct error *err) {
  if (j->open) return OK;
  if (j->mode != JOURNAL_WRITE)
    return error_set(err, ERR_JOURNAL, "%s was opened for reading only", j->path);
  enum status status = still_there(j, err);
  if (status == OK) status = run_kept(j, ST_BEGIN, err);
  if (status != OK) return status;
  j->open = true;
  status = still_ours(j, err);
  if (status == OK) status = journal_head(j, err);
  if (status != OK) journal_rollback(j);
  return status;
}

enum status journal_hold(struct journal *j, struct error *err) {
  return begin(j, err);
}

enum status journal_commit(struct journal *j, struct error *err) {
  if (!j->open) return OK;
  enum status status = run_kept(j, ST_COMMIT, err);
  if (status != OK) {
    journal_rollback(j);
    return status;
  }
  j->open = false;
  j->commits++;
  return OK;
}

void journal_rollback(struct journal *j) {
  if (!j->open) return;
  /* SQLite may have rolled back by itself (full disk); this is then an error that says so. */
  sqlite3_exec(j->db, "ROLLBACK", NULL, NULL, NULL);
  j->open = false;
}

bool journal_pending(const struct journal *j) {
  return j->open;
}

uint64_t journal_commits(const struct journal *j) {
  return j->commits;
}

/* Appending. */

static enum status refuse(struct error *err, const char *kind, const char *why) {
  return error_set(err, ERR_VALUE, "event %s: %s", kind, why);
}

static enum status check_event(const struct event *e, enum run_state sets, struct error *err) {
  if (strlen(e->run) > EVENT_NAME_MAX || strlen(e->step) > EVENT_NAME_MAX ||
      strlen(e->actor) > EVENT_NAME_MAX)
    return refuse(err, e->kind, "run, step or actor is too long");
  if (sets != RUN_NONE && (!*e->run || strlen(e->run) >= RUN_ID_MAX))
    return refuse(err, e->kind, "needs the id of a run, at most 63 bytes");
  if (e->data_len > EVENT_DATA_MAX) return refuse(err, e->kind, "more than 16 MiB of data");
  if (e->data_len < 2 || e->data[0] != '{' || memchr(e->data, '\0', e->data_len))
    return refuse(err, e->kind, "data is not a JSON object");
  return OK;
}

/* A run begins once, and only a run that began changes its state. */
static enum status check_run(struct journal *j, const struct event *e, bool starts,
                             struct error *err) {
  bool known = false;
  struct sqlite3_stmt *s = journal_statement(j, ST_RUN_HAS, err);
  if (!s) return ERR_JOURNAL;
  sqlite3_bind_text(s, 1, e->run, -1, SQLITE_STATIC);
  enum status status = journal_step(j, s, &known, err);
  if (status != OK) return status;
  sqlite3_reset(s);
  if (known && starts)
    return error_set(err, ERR_CONFLICT, "run %s is in the journal already", e->run);
  if (!known && !starts) return error_set(err, ERR_NOT_FOUND, "no run %s in the journal", e->run);
  return OK;
}

static enum status set_run(struct journal *j, const struct event *e, const char *state, bool starts,
                           struct error *err) {
  bool row;
  struct sqlite3_stmt *s = journal_statement(j, starts ? ST_RUN_START : ST_RUN_SET, err);
  if (!s) return ERR_JOURNAL;
  if (starts) {
    sqlite3_bind_int64(s, 1, e->seq);
    sqlite3_bind_text(s, 2, e->run, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 3, e->data, (int)e->data_len, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, e->actor, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 5, state, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 6, e->time_us);
  } else {
    sqlite3_bind_text(s, 1, state, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, e->time_us);
    sqlite3_bind_int64(s, 3, e->seq);
    sqlite3_bind_text(s, 4, e->run, -1, SQLITE_STATIC);
  }
  enum status status = journal_step(j, s, &row, err);
  if (status == OK) sqlite3_reset(s);
  return status;
}

static struct piece piece_of(const char *text) {
  return (struct piece){text, (uint32_t)strlen(text)};
}

static enum status insert_event(struct journal *j, const struct event *e, struct error *err) {
  struct link_fields f = {.seq = e->seq, .time_us = e->time_us, .prev = j->head_hash};
  f.piece[PIECE_RUN] = piece_of(e->run);
  f.piece[PIECE_STEP] = piece_of(e->step);
  f.piece[PIECE_KIND] = piece_of(e->kind);
  f.piece[PIECE_ACTOR] = piece_of(e->actor);
  f.piece[PIECE_DATA] = (struct piece){e->data, (uint32_t)e->data_len};
  uint8_t hash[SHA256_SIZE];
  chain_hash(&f, hash);
  struct sqlite3_stmt *s = journal_statement(j, ST_APPEND, err);
  if (!s) return ERR_JOURNAL;
  sqlite3_bind_int64(s, 1, e->seq);
  sqlite3_bind_int64(s, 2, e->time_us);
  for (int i = 0; i < PIECES; i++)
    sqlite3_bind_text(s, 3 + i, f.piece[i].p, (int)f.piece[i].len, SQLITE_STATIC);
  sqlite3_bind_blob(s, 8, j->head_hash, SHA256_SIZE, SQLITE_STATIC);
  sqlite3_bind_blob(s, 9, hash, SHA256_SIZE, SQLITE_STATIC);
  int rc = sqlite3_step(s);
  sqlite3_reset(s);
  if (rc == SQLITE_CONSTRAINT_CHECK) return refuse(err, e->kind, "data is not a JSON object");
  if (rc != SQLITE_DONE) return journal_fail(j, rc, err);
  j->head_seq = e->seq;
  memcpy(j->head_hash, hash, SHA256_SIZE);
  return OK;
}

/* In a transaction. Nothing is written when the run does not allow it. */
static enum status append_kind(struct journal *j, struct event *e,
                               const struct event_kind_info *kind, struct error *err) {
  bool starts = kind == &event_kinds[EVENT_RUN_STARTED], sets = kind->state != RUN_NONE;
  enum status status = sets ? check_run(j, e, starts, err) : OK;
  if (status != OK) return status;
  e->seq = j->head_seq + 1;
  status = insert_event(j, e, err);
  if (status == OK && sets) status = set_run(j, e, run_state_name(kind->state), starts, err);
  return status;
}

enum status journal_append(struct journal *j, struct event *e, struct error *err) {
  const struct event_kind_info *kind = e->kind ? event_kind_find(e->kind) : NULL;
  if (!kind)
    return error_set(err, ERR_VALUE, "no kind of event is named %s (runtime/event.def)",
                     e->kind ? e->kind : "nothing");
  if (!e->run) e->run = "";
  if (!e->step) e->step = "";
  if (!e->actor) e->actor = journal_actor(j);
  if (!e->data) e->data = "{}", e->data_len = 2;
  if (!e->time_us) e->time_us = journal_now();
  enum status status = check_event(e, kind->state, err);
  if (status != OK) return status;
  bool joined = j->open;
  status = begin(j, err);
  if (status == OK) status = append_kind(j, e, kind, err);
  /* A refused event leaves what was appended before it, and no empty transaction. */
  if (status != OK && (!joined || status == ERR_JOURNAL)) journal_rollback(j);
  return status;
}

/* Texts. */

static enum status find_text(struct journal *j, const char *sha256_hex, bool *there,
                             struct error *err) {
  struct sqlite3_stmt *s = journal_statement(j, ST_TEXT_HAS, err);
  if (!s) return ERR_JOURNAL;
  sqlite3_bind_text(s, 1, sha256_hex, 64, SQLITE_STATIC);
  enum status status = journal_step(j, s, there, err);
  if (status == OK) sqlite3_reset(s);
  return status;
}

enum status journal_put_text(struct journal *j, const char *text, size_t len, char sha256_hex[65],
                             struct error *err) {
  bool there = false, row;
  sha256_hex_of(text, len, sha256_hex);
  enum status status = find_text(j, sha256_hex, &there, err);
  if (status == OK && !there) status = begin(j, err);
  if (status != OK || there) return status;
  struct sqlite3_stmt *s = journal_statement(j, ST_TEXT_PUT, err);
  if (!s) return ERR_JOURNAL;
  sqlite3_bind_text(s, 1, sha256_hex, 64, SQLITE_STATIC);
  sqlite3_bind_blob64(s, 2, text, len, SQLITE_STATIC);
  status = journal_step(j, s, &row, err);
  if (status == OK) sqlite3_reset(s);
  else journal_rollback(j);
  return status;
}

enum status journal_get_text(struct journal *j, const char *sha256_hex, struct buf *out,
                             struct error *err) {
  bool row = false;
  struct sqlite3_stmt *s = journal_statement(j, ST_TEXT_GET, err);
  if (!s) return ERR_JOURNAL;
  sqlite3_bind_text(s, 1, sha256_hex, -1, SQLITE_STATIC);
  enum status status = journal_step(j, s, &row, err);
  if (status != OK) return status;
  if (row) {
    char hex[SHA256_HEX];
    const void *body = sqlite3_column_blob(s, 0);
    size_t len = (size_t)sqlite3_column_bytes(s, 0);
    sha256_hex_of(body, len, hex);
    if (strcmp(hex, sha256_hex) == 0) buf_add(out, body, len);
    else status = error_set(err, ERR_JOURNAL, "%s: text %s was changed", j->path, sha256_hex);
  } else {
    status = error_set(err, ERR_NOT_FOUND, "%s has no text %s", j->path, sha256_hex);
  }
  sqlite3_reset(s);
  return status;
}

/* Who and where. */

const char *journal_actor(struct journal *j) {
  if (j->actor) return j->actor;
  char host[256] = "localhost", room[1024];
  struct passwd pw, *found = NULL;
  if (gethostname(host, sizeof host - 1) != 0) memcpy(host, "localhost", 10);
  struct buf b = BUF_INIT;
  if (getpwuid_r(getuid(), &pw, room, sizeof room, &found) == 0 && found)
    buf_addf(&b, "%s@%s", pw.pw_name, host);
  else buf_addf(&b, "uid-%u@%s", (unsigned)getuid(), host);
  j->actor = buf_take(&b);
  return j->actor;
}

/* Makes every directory of the path up to its last slash. */
static enum status make_directories(char *path, struct error *err) {
  for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    int made = mkdir(path, 0700);
    int why = errno;
    if (made != 0 && why != EEXIST) return journal_fail_errno(path, "make the directory", why, err);
    *slash = '/';
  }
  return OK;
}

enum status journal_path(const char *given, bool make, struct buf *out, struct error *err) {
  const char *named = given ? given : getenv("STEPWISE_JOURNAL");
  if (named && *named) {
    buf_adds(out, named);
    return OK;
  }
  const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
  if (state && *state == '/') {
    buf_addf(out, "%s/stepwise/journal.db", state);
  } else if (home && *home == '/') {
    buf_addf(out, "%s/.local/state/stepwise/journal.db", home);
  } else {
    error_set(err, ERR_JOURNAL, "no place for the journal: HOME is not set");
    error_help(err, "give one with --journal PATH or STEPWISE_JOURNAL");
    return ERR_JOURNAL;
  }
  return make ? make_directories(out->data, err) : OK;
}
