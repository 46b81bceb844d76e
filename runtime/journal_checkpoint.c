/* The text form of checkpoints: writing and reading it exactly. */
#include "journal_checkpoint.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>

#include "journal_inner.h"
#include "text.h"

enum { LINE_MAX_BYTES = 8192, ARMOR_WIDTH = 70, SIGNATURE_MAX = 64 << 10 };

static const char title[] = "stepwise checkpoint 1";
static const char begin_armor[] = "-----BEGIN SSH SIGNATURE-----";
static const char end_armor[] = "-----END SSH SIGNATURE-----";

/* Writing. */

void checkpoint_text(const struct checkpoint *c, struct buf *out) {
  buf_addf(out, "%s\norigin %s\nsize %lld\nhead %s\ntime ", title, c->origin, (long long)c->size,
           c->head);
  time_text(c->time_us, true, 6, out);
  buf_addc(out, '\n');
}

void checkpoint_note(const struct checkpoint *c, struct buf *out) {
  checkpoint_text(c, out);
  buf_adds(out, c->signature ? c->signature : "unsigned\n");
  buf_addc(out, '\n');
}

void checkpoint_line(const struct checkpoint *c, struct buf *out) {
  size_t from = out->len;
  checkpoint_text(c, out);
  buf_adds(out, c->signature ? "signature " : "unsigned");
  for (size_t i = from; i < out->len; i++)
    if (out->data[i] == '\n') out->data[i] = ' ';
  if (!c->signature) return;
  const char *p = strchr(c->signature, '\n'), *end = strstr(c->signature, end_armor);
  for (; p && p < end; p++)
    if (*p != '\n') buf_addc(out, *p);
}

void checkpoint_release(struct checkpoint *c) {
  mem_free(c->signature);
  mem_free(c->signer);
  c->signature = c->signer = NULL;
}

void checkpoints_release(struct checkpoints *list) {
  for (size_t i = 0; i < list->count; i++)
    checkpoint_release(&list->items[i]);
  mem_free(list->items);
  *list = (struct checkpoints){0};
}

/* Reading. */

struct reader {
  const char *path;
  FILE *from;
  int line;  /* of `text`, from 1 */
  bool more; /* text is a line, without its newline */
  bool cut;  /* it was longer than there is room for */
  char text[LINE_MAX_BYTES];
  struct checkpoints *out;
};

static void next_line(struct reader *r) {
  r->more = fgets(r->text, sizeof r->text, r->from) != NULL;
  if (!r->more) return;
  r->line++;
  size_t len = strlen(r->text);
  r->cut = len + 1 == sizeof r->text && r->text[len - 1] != '\n';
  if (len && r->text[len - 1] == '\n') r->text[len - 1] = '\0';
  for (int c = 0; r->cut && c != '\n' && c != EOF;)
    c = getc(r->from);
}

static enum status refuse(const struct reader *r, const char *what, struct error *err) {
  error_set(err, ERR_VALUE, "%s:%d: %s", r->path, r->line, what);
  error_help(err,
             "a checkpoint is %s; docs/journal.md states its form. What a crash cut off may be "
             "removed by hand",
             "what `stepwise journal checkpoint` wrote");
  return ERR_VALUE;
}

/* The text after "name " in p; NULL when p does not begin so. */
static const char *field(const char *p, const char *name) {
  size_t len = strlen(name);
  return strncmp(p, name, len) == 0 && p[len] == ' ' ? p + len + 1 : NULL;
}

static bool is_hex(const char *p, size_t len) {
  return strlen(p) == len && strspn(p, "0123456789abcdef") == len;
}

static bool read_size(const char *p, int64_t *out) {
  if (!isdigit((unsigned char)*p) || *p == '0' || strlen(p) > 18 ||
      p[strspn(p, "0123456789")] != '\0')
    return false;
  *out = strtoll(p, NULL, 10);
  return true;
}

/* Only the one way to write a time is read: what was signed must come out byte by byte. */
static bool read_time(const char *p, int64_t *out) {
  bool date_only, same = false;
  if (!time_parse(p, strlen(p), out, &date_only)) return false;
  struct buf again = BUF_INIT;
  time_text(*out, true, 6, &again);
  same = strcmp(buf_str(&again), p) == 0;
  buf_release(&again);
  return same;
}

enum { FIELDS = 4 };
static const char *const field_names[FIELDS] = {"origin", "size", "head", "time"};

static bool read_field(struct checkpoint *c, int which, const char *text) {
  const char *p = field(text, field_names[which]);
  if (!p) return false;
  switch (which) {
  case 0:
    return is_hex(p, 32) && memcpy(c->origin, p, 33);
  case 1:
    return read_size(p, &c->size);
  case 2:
    return is_hex(p, 64) && memcpy(c->head, p, 65);
  default:
    return read_time(p, &c->time_us);
  }
}

static void keep(struct reader *r, struct checkpoint *c) {
  struct checkpoints *list = r->out;
  list->items = mem_grow(list->items, list->count, &list->cap, sizeof *list->items);
  c->trust = c->signature ? TRUST_UNCHECKED : TRUST_UNSIGNED;
  list->items[list->count++] = *c;
}

static enum status read_armor(struct reader *r, struct checkpoint *c, struct error *err) {
  struct buf b = {.max = SIGNATURE_MAX};
  for (; r->more && *r->text; next_line(r)) {
    buf_addf(&b, "%s\n", r->text);
    if (strcmp(r->text, end_armor) != 0) continue;
    next_line(r);
    if (b.overflow || (r->more && *r->text)) break;
    c->signature = buf_take(&b);
    return OK;
  }
  buf_release(&b);
  return refuse(r, "the checkpoint's signature does not end", err);
}

/* r is at the title of a note; leaves it after the note's last line. */
static enum status read_note(struct reader *r, struct error *err) {
  struct checkpoint c = {.file = r->path, .line = r->line};
  if (strcmp(r->text, title) != 0) return refuse(r, "this is no checkpoint", err);
  for (int i = 0; i < FIELDS; i++) {
    next_line(r);
    if (!r->more || r->cut || !read_field(&c, i, r->text))
      return refuse(r, "the checkpoint is cut off, or was changed", err);
  }
  next_line(r);
  enum status status = OK;
  if (r->more && strcmp(r->text, begin_armor) == 0) {
    status = read_armor(r, &c, err);
  } else if (r->more && strcmp(r->text, "unsigned") == 0) {
    next_line(r);
    if (r->more && *r->text) status = refuse(r, "an empty line ends a checkpoint", err);
  } else {
    status =
        refuse(r, "the checkpoint has no signature, and does not say that it is unsigned", err);
  }
  if (status == OK) keep(r, &c);
  return status;
}

static void rewrap(const char *base64, struct buf *out) {
  buf_addf(out, "%s\n", begin_armor);
  for (size_t left = strlen(base64), n; left; left -= n, base64 += n) {
    n = left < ARMOR_WIDTH ? left : ARMOR_WIDTH;
    buf_add(out, base64, n);
    buf_addc(out, '\n');
  }
  buf_addf(out, "%s\n", end_armor);
}

/* "stepwise checkpoint 1 origin X size N head X time T unsigned" or "... signature BASE64". */
static enum status read_line(struct reader *r, char *p, struct error *err) {
  struct checkpoint c = {.file = r->path, .line = r->line};
  struct buf armor = BUF_INIT;
  bool good = !r->cut;
  for (int i = 0; i < FIELDS && good; i++) {
    char *gap = strchr(p, ' '), *end = gap ? strchr(gap + 1, ' ') : NULL;
    if (end) *end = '\0';
    good = end && read_field(&c, i, p);
    p = end ? end + 1 : p;
  }
  const char *base64 = good ? field(p, "signature") : NULL;
  if (base64 && *base64 && !strchr(base64, ' ')) {
    rewrap(base64, &armor);
    c.signature = buf_take(&armor);
  } else if (!good || strcmp(p, "unsigned") != 0) {
    return refuse(r, "the checkpoint is cut off, or was changed", err);
  }
  keep(r, &c);
  return OK;
}

static enum status read_log(struct reader *r, struct error *err) {
  enum status status = OK;
  size_t before = r->out->count;
  for (; r->more && status == OK; next_line(r)) {
    char *at = strstr(r->text, title);
    if (at && at[sizeof title - 1] == ' ') status = read_line(r, at + sizeof title, err);
  }
  if (status != OK || r->out->count > before) return status;
  error_set(err, ERR_VALUE, "%s has no checkpoint", r->path);
  error_help(err, "`stepwise journal checkpoint --to file:%s` adds one to a file", r->path);
  return ERR_VALUE;
}

static enum status read_notes(struct reader *r, struct error *err) {
  enum status status = OK;
  while (r->more && status == OK) {
    if (*r->text) status = read_note(r, err);
    else next_line(r);
  }
  return status;
}

enum status checkpoints_read(const char *path, struct checkpoints *out, struct error *err) {
  FILE *from = fopen(path, "re");
  if (!from) {
    int why = errno;
    error_set(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO, "cannot read the checkpoints in %s: %s",
              path, strerror(why));
    error_help(err, "name the file that `stepwise journal checkpoint --to` wrote");
    return err->status;
  }
  struct reader *r = mem_zalloc(sizeof *r);
  r->path = path;
  r->from = from;
  r->out = out;
  do
    next_line(r);
  while (r->more && !*r->text);
  enum status status = strcmp(r->text, title) == 0 ? read_notes(r, err) : read_log(r, err);
  if (status == OK && ferror(from))
    status = error_set(err, ERR_IO, "cannot read the checkpoints in %s", path);
  fclose(from);
  mem_free(r);
  return status;
}

static int by_size(const void *a, const void *b) {
  const struct checkpoint *x = a, *y = b;
  if (x->size != y->size) return x->size < y->size ? -1 : 1;
  return (x->line > y->line) - (x->line < y->line);
}

void checkpoints_sort(struct checkpoints *list) {
  if (list->count) qsort(list->items, list->count, sizeof *list->items, by_size);
}

/* The journal's side. */

#define ORIGIN "SELECT data ->> '$.origin' FROM event WHERE seq = 1 AND kind = 'journal.created'"

static enum status no_origin(struct journal *j, struct error *err) {
  error_set(err, ERR_JOURNAL, "%s is damaged: it does not begin with its origin", j->path);
  error_help(err, "`stepwise journal verify --journal %s` says what is wrong", j->path);
  return ERR_JOURNAL;
}

/* origin, seq, hash of one row. */
static enum status look(struct journal *j, struct sqlite3_stmt *s, struct checkpoint *out,
                        struct error *err) {
  bool row = false;
  enum status status = journal_step(j, s, &row, err);
  if (status != OK) return status;
  const char *origin = row ? (const char *)sqlite3_column_text(s, 0) : NULL;
  if (!origin || !is_hex(origin, 32) || sqlite3_column_bytes(s, 2) != SHA256_SIZE)
    return no_origin(j, err);
  memcpy(out->origin, origin, 33);
  out->size = sqlite3_column_int64(s, 1);
  hex_write(sqlite3_column_blob(s, 2), SHA256_SIZE, out->head);
  return OK;
}

enum status checkpoint_take(struct journal *j, struct checkpoint *out, struct error *err) {
  static const char sql[] = "SELECT (" ORIGIN "), seq, hash FROM event ORDER BY seq DESC LIMIT 1";
  struct sqlite3_stmt *s = NULL;
  *out = (struct checkpoint){0};
  int rc = sqlite3_prepare_v2(j->db, sql, -1, &s, NULL);
  enum status status = rc == SQLITE_OK ? look(j, s, out, err) : journal_fail(j, rc, err);
  sqlite3_finalize(s);
  out->time_us = journal_now();
  return status;
}

enum status checkpoint_agrees(struct journal *j, const struct checkpoint *c, bool *agrees,
                              struct error *err) {
  static const char sql[] = "SELECT EXISTS (SELECT 1 FROM event WHERE seq = ?1 AND hash = ?2)"
                            " AND ?3 IS (" ORIGIN ")";
  struct sqlite3_stmt *s = NULL;
  uint8_t head[SHA256_SIZE];
  bool row = false;
  int rc = sqlite3_prepare_v2(j->db, sql, -1, &s, NULL);
  if (rc != SQLITE_OK || !hex_read(c->head, SHA256_SIZE, head)) return journal_fail(j, rc, err);
  sqlite3_bind_int64(s, 1, c->size);
  sqlite3_bind_blob(s, 2, head, SHA256_SIZE, SQLITE_STATIC);
  sqlite3_bind_text(s, 3, c->origin, -1, SQLITE_STATIC);
  enum status status = journal_step(j, s, &row, err);
  if (status == OK) *agrees = row && sqlite3_column_int(s, 0);
  sqlite3_finalize(s);
  return status;
}

enum status checkpoint_last(struct journal *j, int64_t *time_us, struct error *err) {
  return journal_integer(j,
                         "SELECT time_us FROM event WHERE run = '' AND kind = "
                         "'journal.checkpointed' ORDER BY seq DESC LIMIT 1",
                         time_us, err);
}
